//! `ssh-config`: for OpenSSH, so that `ssh NAME` is in the VM of that name.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use clap::Args;
use serde::Serialize;
use server_api::ssh::SshHost;

use crate::{context::Context, error::CliError};

/// Taken into `~/.ssh/config` once; the files are ours.
const INCLUDE: &str = "Include minicloud-*.conf";

/// To be run again when machines were made: their names stand in it.
#[derive(Debug, Args)]
pub struct SshConfig {
    /// Write it to a file in ~/.ssh that ~/.ssh/config includes, with the host's key
    #[arg(long)]
    write: bool,
}

#[derive(Serialize)]
struct Printed {
    #[serde(flatten)]
    host: SshHost,
    /// The block for `~/.ssh/config`.
    config: String,
}

impl SshConfig {
    /// Prints the block, or writes it. Errors, and writes nothing, where the server names things that
    /// OpenSSH would take for more than names.
    pub async fn run(self, context: &Context) -> Result<(), CliError> {
        let host = context.client.ssh_host().await?;
        let account = context.client.me().await?.name;
        let vms = context.client.vm_list().await?;
        let mut vms: Vec<String> = vms.into_iter().map(|vm| vm.name).collect();
        check(&host, &account, &vms)?;
        if self.write {
            let own = Files::of(&host)?.own_hosts();
            let (taken, free): (Vec<String>, _) = vms.into_iter().partition(|vm| own.contains(vm));
            vms = free;
            left_out(context, &taken)?;
        }
        let config = host.config(&account, &vms);
        if !self.write {
            let printed = Printed { host, config };
            return context
                .out
                .one(&printed, |printed| printed.config.trim_end().to_owned());
        }
        let written = Files::of(&host)?.write(&host, &config)?;
        let words = match vms.first() {
            Some(vm) => format!("{written} is written; `ssh {vm}` is in {vm}"),
            None => format!("{written} is written; `ssh {account}` is in the lobby"),
        };
        context.out.say(&words)
    }
}

/// A host of one's own keeps its name.
fn left_out(context: &Context, taken: &[String]) -> Result<(), CliError> {
    for vm in taken {
        let words = format!("{vm} is left out: ~/.ssh/config has a host of that name already");
        context.out.say(&words)?;
    }
    Ok(())
}

/// What a server says becomes lines of a file that OpenSSH obeys, and a line may run a program: so
/// nothing but names.
fn check(host: &SshHost, account: &str, vms: &[String]) -> Result<(), CliError> {
    // As names of VMs and accounts are: without a dot, so that no `github.com` becomes the server's.
    let is_name = |name: &String| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !name.is_empty() && !name.starts_with('-') && name != "localhost" && name.bytes().all(plain)
    };
    let is_host = !host.host.is_empty()
        && !host.host.starts_with('-')
        && host
            .host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte));
    let is_key = host.host_key.starts_with("ssh-")
        && host
            .host_key
            .bytes()
            .all(|byte| byte == b' ' || byte.is_ascii_graphic());
    let account = account.to_owned();
    match is_host && is_key && vms.iter().chain([&account]).all(is_name) {
        true => Ok(()),
        false => Err(CliError::Failed(
            "the server names a host, a key or a VM by something that is none; nothing was written"
                .into(),
        )),
    }
}

/// The files of one server, in `~/.ssh`.
struct Files {
    folder: PathBuf,
    /// `minicloud-HOST-PORT`
    stem: String,
}

impl Files {
    fn of(host: &SshHost) -> Result<Self, CliError> {
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
        let home = home.ok_or_else(|| {
            CliError::Usage("HOME is not set, so it is not clear where ~/.ssh is".into())
        })?;
        Ok(Self {
            folder: Path::new(&home).join(".ssh"),
            stem: format!("minicloud-{}-{}", host.host.replace(':', "_"), host.port),
        })
    }

    /// Names that stand in `Host` lines of one's own.
    fn own_hosts(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.join("config")).unwrap_or_default();
        let words = text.lines().filter_map(|line| {
            let (key, names) = line.trim().split_once([' ', '\t', '='])?;
            key.eq_ignore_ascii_case("host").then_some(names)
        });
        let names = words.flat_map(str::split_whitespace);
        names
            .map(|name| name.trim_matches('"').to_owned())
            .collect()
    }

    /// The path of the file that has the block.
    fn write(&self, host: &SshHost, config: &str) -> Result<String, CliError> {
        let failed = |path: &Path, error: &io::Error| CliError::File {
            path: path.to_owned(),
            cause: error.to_string(),
        };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(|error| failed(&self.folder, &error))?;
        let known = format!("{}.known_hosts", self.stem);
        let block = format!(
            "# Written by `minicloud ssh-config --write`, which replaces it.\n\
             {config}    UserKnownHostsFile ~/.ssh/{known} ~/.ssh/known_hosts\n"
        );
        let block_path = self.folder.join(format!("{}.conf", self.stem));
        for (path, text) in [
            (self.folder.join(&known), host.known_host()),
            (block_path.clone(), block),
        ] {
            replace(&path, &text).map_err(|error| failed(&path, &error))?;
        }
        let main = self.folder.join("config");
        include(&main).map_err(|error| failed(&main, &error))?;
        Ok(block_path.display().to_string())
    }
}

/// Puts our line in front, where it stands outside of any `Host`; what is there stays as it is.
fn include(path: &Path) -> io::Result<()> {
    let there = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    match there.lines().any(|line| line.trim() == INCLUDE) {
        true => Ok(()),
        false => replace(path, &format!("{INCLUDE}\n\n{there}")),
    }
}

/// Written beside its place and moved there whole; a link stays one.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mode = match fs::metadata(&place) {
        Ok(there) => there.permissions().mode() & 0o777,
        Err(_) => 0o600,
    };
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = place.with_file_name(name);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.sync_all()?;
    fs::rename(&beside, &place)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that fails may panic

    use super::*;

    fn host() -> SshHost {
        SshHost {
            host: "cloud.example".into(),
            port: 2222,
            fingerprint: "SHA256:x".into(),
            host_key: "ssh-ed25519 AAAA".into(),
        }
    }

    #[test]
    fn what_could_be_a_line_of_its_own_is_not_written() {
        let vms = |name: &str| vec![name.to_owned()];
        assert!(check(&host(), "alice", &vms("web1")).is_ok());
        assert!(check(&host(), "alice", &vms("web1\n    ProxyCommand evil")).is_err());
        assert!(check(&host(), "alice *", &vms("web1")).is_err());
        for name in ["github.com", "localhost", "-oProxyCommand", "GitHub", ""] {
            assert!(check(&host(), "alice", &vms(name)).is_err(), "{name}");
        }
        for bad in ["", "x\nHost *", "-oProxyCommand=x y", "a%b"] {
            let bad = SshHost {
                host: bad.into(),
                ..host()
            };
            assert!(check(&bad, "alice", &[]).is_err(), "{bad:?}");
        }
        let bad = SshHost {
            host_key: "ssh-ed25519 AAAA\n* ssh-rsa B".into(),
            ..host()
        };
        assert!(check(&bad, "alice", &[]).is_err());
    }

    #[test]
    fn ones_own_config_stays_and_is_included_once() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".ssh");
        let files = Files {
            folder: folder.clone(),
            stem: "minicloud-cloud.example-2222".into(),
        };
        fs::create_dir(&folder).unwrap();
        let real = home.path().join("dotfile");
        fs::write(&real, "Host old older\n    User me\n").unwrap();
        std::os::unix::fs::symlink(&real, folder.join("config")).unwrap();
        for _ in 0..2 {
            files
                .write(&host(), &host().config("alice", &["web1".into()]))
                .unwrap();
        }
        assert_eq!(files.own_hosts(), ["old", "older"]);
        let main = fs::read_to_string(&real).unwrap();
        assert_eq!(main, format!("{INCLUDE}\n\nHost old older\n    User me\n"));
        assert!(folder.join("config").is_symlink());
        let block = folder.join("minicloud-cloud.example-2222.conf");
        assert_eq!(
            fs::metadata(&block).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let text = fs::read_to_string(&block).unwrap();
        assert!(text.contains("Host web1\n    User alice+web1\n"), "{text}");
        let known = folder.join("minicloud-cloud.example-2222.known_hosts");
        let known = fs::read_to_string(known).unwrap();
        assert_eq!(known, "[cloud.example]:2222 ssh-ed25519 AAAA\n");
    }
}
