//! Limits of what a caller may ask for. The server is trusted, its mistakes are not.

use std::net::Ipv4Addr;

use node_api::{
    error::{NodeError, NodeErrorCode},
    exec::{ExecRequest, ExecStart},
    shell::ShellCreate,
    ssh::{SshPorts, SshServe},
    vm::{NetworkSpec, VmSpec},
};
use uuid::Uuid;

use crate::{
    config::is_name,
    error::{ApiError, ApiResult},
};

/// Bytes of a command's words, at most.
const ARGV_BYTES: usize = 128 * 1024;
/// Keys that may sign in to a VM, and bytes of one.
const KEYS: usize = 64;
const KEY_BYTES: usize = 4096;

/// Refuses a spec that breaks a limit, with the field's name.
pub fn vm_spec(id: Uuid, spec: &VmSpec) -> ApiResult<()> {
    let sizes = [
        ("cpu_millis", spec.cpu_millis, 10, 1_024_000),
        ("memory_mib", spec.memory_mib, 8, 16 * 1024 * 1024),
        ("disk_gib", spec.disk_gib, 1, 1024 * 1024),
    ];
    if spec.id != id {
        return refuse("spec.id is not the id in the address");
    }
    if !is_name(&spec.name) {
        return refuse(
            "spec.name is not a VM name: 1 to 32 small letters, digits and hyphens, beginning with a letter, not ending with a hyphen",
        );
    }
    for (field, value, least, most) in sizes {
        if !(least..=most).contains(&value) {
            return refuse(format!(
                "spec.{field} is {value}; it must be {least} to {most}"
            ));
        }
    }
    image_name(&spec.image)?;
    network(&spec.network)
}

/// Refuses to publish on a port that is not one of the node's.
pub fn ssh_port(port: Option<u16>, ports: Option<&SshPorts>) -> ApiResult<()> {
    let Some(port) = port else {
        return Ok(());
    };
    let words = match ports {
        Some(ports) if ports.contains(port) => return Ok(()),
        Some(SshPorts { first, last, .. }) => {
            format!("port {port} is not one of {first} to {last}, on which this node publishes SSH")
        }
        None => "this node publishes no VM's SSH".to_owned(),
    };
    Err(ApiError::new(NodeErrorCode::PortTaken, words))
}

/// Refuses keys that are not one plain line each, or too many.
pub fn ssh_serve(serve: &SshServe) -> ApiResult<()> {
    let is_plain = |key: &String| {
        let begins = ["ssh-", "ecdsa-", "sk-"]
            .iter()
            .any(|kind| key.starts_with(kind));
        begins && key.len() <= KEY_BYTES && !key.chars().any(char::is_control)
    };
    if serve.keys.len() > KEYS || !serve.keys.iter().all(is_plain) {
        return refuse(format!(
            "keys are at most {KEYS} lines of at most {KEY_BYTES} bytes, each beginning with the kind of key"
        ));
    }
    Ok(())
}

/// An image reference: what the engine could understand, and no option or path.
pub fn image_name(name: &str) -> ApiResult<()> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-/:@".contains(&b);
    let good = (1..=255).contains(&name.len())
        && name.as_bytes()[0].is_ascii_alphanumeric()
        && name.bytes().all(plain)
        && !name.contains("//")
        && !name.ends_with(['/', ':', '@']);
    if good {
        return Ok(());
    }
    refuse(format!("{name:?} is not an image reference"))
}

fn network(network: &NetworkSpec) -> ApiResult<()> {
    let hex = network.name.strip_prefix("mc").unwrap_or_default();
    let digits = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if hex.len() != 10 || !hex.bytes().all(digits) {
        return refuse("spec.network.name is not mc and 10 hex digits");
    }
    let Some((address, "27")) = network.subnet.split_once('/') else {
        return refuse("spec.network.subnet is not a /27 such as 10.64.0.32/27");
    };
    match address.parse::<Ipv4Addr>() {
        Ok(ip) if ip.is_private() && ip.octets()[3] % 32 == 0 => Ok(()),
        _ => refuse("spec.network.subnet is not a private /27 such as 10.64.0.32/27"),
    }
}

/// Refuses a command that is empty, too long, or may take too long.
pub fn exec(request: &ExecRequest) -> ApiResult<()> {
    if !(1..=60).contains(&request.timeout_s) {
        return refuse("timeout_s must be 1 to 60");
    }
    argv(&request.argv)
}

/// Refuses a command with streams that is empty, too long, or has an environment of odd names.
pub fn exec_start(start: &ExecStart) -> Result<(), NodeError> {
    let checked = argv(&start.argv).and_then(|()| environment(&start.env));
    checked.map_err(|error| error.0)
}

/// Refuses a shell's command or environment that breaks a limit.
pub fn shell_create(request: &ShellCreate) -> ApiResult<()> {
    let command = request.command.as_deref().unwrap_or_default();
    if command.len() > ARGV_BYTES || command.contains('\0') {
        return refuse("command is longer than 128 KiB, or contains a NUL byte");
    }
    environment(&request.env)
}

fn argv(argv: &[String]) -> ApiResult<()> {
    if argv.first().is_none_or(String::is_empty) {
        return refuse("argv needs a program");
    }
    if argv.len() > 1024 || argv.iter().map(String::len).sum::<usize>() > ARGV_BYTES {
        return refuse("argv is longer than 1024 words or 128 KiB");
    }
    if argv.iter().any(|word| word.contains('\0')) {
        return refuse("argv contains a NUL byte");
    }
    Ok(())
}

fn environment(env: &[(String, String)]) -> ApiResult<()> {
    let letter = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let good = |(name, value): &(String, String)| {
        (1..=64).contains(&name.len())
            && name.bytes().all(letter)
            && !name.as_bytes()[0].is_ascii_digit()
            && value.len() <= 4096
            && !value.contains('\0')
    };
    if env.len() > 64 || !env.iter().all(good) {
        return refuse(
            "env has more than 64 entries, a name that is none, or a value over 4 KiB or with a NUL byte",
        );
    }
    Ok(())
}

fn refuse(message: impl Into<String>) -> ApiResult<()> {
    Err(ApiError::bad_request(message))
}

#[cfg(test)]
mod tests {
    use node_api::ssh::SshServer;

    use super::*;

    #[test]
    fn image_references_are_plain() {
        for good in [
            "alpine",
            "alpine:3",
            "minicloud/base",
            "localhost:5000/a/b:1",
            "a@sha256:00",
        ] {
            assert!(image_name(good).is_ok(), "{good}");
        }
        for bad in ["", "-v", "/x", "a b", "a\n", "a//b", "a:", "é"] {
            assert!(image_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn ports_are_the_nodes_own_and_keys_are_plain_lines() {
        let ports = SshPorts {
            first: 22_000,
            last: 22_009,
            listen: Ipv4Addr::LOCALHOST.into(),
            host: None,
        };
        assert!(ssh_port(None, None).is_ok());
        assert!(ssh_port(Some(22_009), Some(&ports)).is_ok());
        for (port, ports) in [(22_010, Some(&ports)), (22, Some(&ports)), (22_000, None)] {
            let refused = ssh_port(Some(port), ports).expect_err("not one of them");
            assert_eq!(refused.0.code, NodeErrorCode::PortTaken);
        }
        let check = |keys: &[&str]| {
            ssh_serve(&SshServe {
                server: SshServer::Sshd,
                keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            })
            .is_ok()
        };
        assert!(check(&[]) && check(&["ssh-ed25519 AAAA me", "ecdsa-sha2-nistp256 AAAA"]));
        for bad in ["", "command=x ssh-rsa AAAA", "ssh-rsa AAAA\nssh-rsa BBBB"] {
            assert!(!check(&[bad]), "{bad:?}");
        }
        assert!(!check(&["ssh-rsa A"; KEYS + 1]));
    }

    #[test]
    fn networks_are_ours_and_private() {
        let check = |name: &str, subnet: &str| {
            network(&NetworkSpec {
                name: name.into(),
                subnet: subnet.into(),
            })
            .is_ok()
        };
        assert!(check("mc00112233aa", "10.64.0.32/27"));
        assert!(!check("bridge", "10.64.0.32/27"));
        assert!(!check("mc00112233aa", "10.64.0.33/27"));
        assert!(!check("mc00112233aa", "8.8.8.0/27"));
        assert!(!check("mc00112233aa", "10.64.0.0/8"));
    }
}
