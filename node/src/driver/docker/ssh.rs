//! A VM's own SSH server: its owner's keys put in place, its host keys made once, the server started.
//!
//! All of it is one command of the VM, a fixed script of its `/bin/sh`: which server, and what marks our
//! keys, are words behind it, the keys come on standard input. So it reaches nothing but the VM's.

use std::{sync::Arc, time::Duration};

use node_api::{
    error::NodeErrorCode,
    ssh::{SshServe, SshServer},
};
use tokio::time::timeout;
use uuid::Uuid;

use super::{context::Context, files, process};
use crate::driver::{
    DriverError,
    authorized_keys::{BEGIN, END, TAG, block},
};

/// `$1` is the server, `$2` and `$3` the marker lines, `$4` the tag. The file appears whole or not at all;
/// what listens on port 22 already is left alone. Signing in is by key only.
const SCRIPT: &str = r#"umask 077
f=/root/.ssh/authorized_keys
mkdir -p /root/.ssh || exit 41
[ -h "$f" ] && f=$(readlink -f "$f")
[ -d "$f" ] && exit 41
n=$f.new$$
{ if [ -f "$f" ]; then while IFS= read -r l || [ -n "$l" ]; do
case $l in "$2"|"$3"|*"$4") ;; *) printf '%s\n' "$l" || exit 41;; esac
done <"$f"; fi
cat; } >"$n" && mv -f "$n" "$f" || { rm -f "$n"; exit 41; }
umask 022
listens() { cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
grep -q '^ *[0-9]*: [0-9A-F]*:0016 [0-9A-F]*:0000 0A '; }
listens && exit 0
begin() { env -i PATH="$PATH" "$@" </dev/null >/dev/null 2>&1 || exit 43; }
case $1 in
dropbear)
k=/etc/dropbear/dropbear_ed25519_host_key
mkdir -p /etc/dropbear || exit 42
[ -s $k ] || { rm -f $k; dropbearkey -t ed25519 -f $k >/dev/null; } || exit 42
begin dropbear -s -p 22;;
sshd)
mkdir -p /run/sshd && ssh-keygen -A >/dev/null || exit 42
begin /usr/sbin/sshd -o PasswordAuthentication=no -o KbdInteractiveAuthentication=no \
-o PermitRootLogin=prohibit-password;;
esac
n=0
until listens; do n=$((n+1)); [ $n -gt 40 ] && exit 43; sleep 0.1 || sleep 1; done"#;

/// For host keys on a busy core, and a server that takes its time.
const SERVE: Duration = Duration::from_secs(20);

/// Idempotent.
pub(super) async fn vm_ssh_serve(
    context: &Arc<Context>,
    id: Uuid,
    serve: &SshServe,
) -> Result<(), DriverError> {
    context.check_mine(id).await?;
    let argv = [
        "/bin/sh",
        "-c",
        SCRIPT,
        "mc",
        word(serve.server),
        BEGIN,
        END,
        TAG,
    ];
    let argv = argv.map(str::to_owned);
    let mut begun = process::begin(context, id, &argv, &[]).await?;
    let keys = block(&serve.keys);
    let Ok(ended) = timeout(SERVE, files::give(&mut begun, keys.as_bytes())).await else {
        let seconds = SERVE.as_secs();
        let message = format!("the VM's SSH server could not be started within {seconds} s");
        return Err(DriverError::new(NodeErrorCode::Timeout, message));
    };
    let (said, code) = ended?;
    begun.control.claim();
    why(code, serve.server, &said).map_or(Ok(()), |message| {
        Err(DriverError::new(NodeErrorCode::Conflict, message))
    })
}

fn word(server: SshServer) -> &'static str {
    match server {
        SshServer::Dropbear => "dropbear",
        SshServer::Sshd => "sshd",
    }
}

/// What the script's exit code means; None: all is well.
fn why(code: i32, server: SshServer, said: &str) -> Option<String> {
    let server = word(server);
    match code {
        0 => None,
        41 => Some(format!(
            "the keys could not be written to /root/.ssh/authorized_keys in the VM: {said}"
        )),
        42 => Some(format!(
            "the VM's host keys for {server} could not be made: {said}"
        )),
        43 => Some(format!(
            "the VM's SSH server {server} does not come to listen on port 22"
        )),
        _ => Some(format!(
            "the VM's /bin/sh did not start its SSH server (exit code {code}): {said}"
        )),
    }
}
