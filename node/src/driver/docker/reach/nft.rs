//! The program `nft`, which is given rules on its standard input.

use std::{io, process::Stdio, time::Duration};

use tokio::{io::AsyncWriteExt as _, process::Command, time::timeout};

/// How the kernel says that this takes root.
const FORBIDDEN: &str = "Operation not permitted";
/// Characters of its words that are kept.
const WORDS: usize = 300;

/// Why the rules are not as they should be, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NftError {
    #[error("nft is not installed. Install the package nftables")]
    Missing,
    #[error("this node may not change the host's firewall ({0}). Run it as root")]
    Forbidden(String),
    #[error("nft did not end within {} s", .0.as_secs())]
    Late(Duration),
    /// In nft's words.
    #[error("nft does not take the rules: {0}")]
    Refused(String),
    /// In the system's words.
    #[error("nft cannot be run: {0}")]
    Broken(String),
}

impl NftError {
    /// What happened and what to do, for who did not allow VMs everything.
    pub(super) fn with_way_out(&self) -> String {
        match self {
            Self::Missing | Self::Forbidden(_) => format!("{self}, or set vm_reach = all"),
            Self::Late(_) | Self::Refused(_) | Self::Broken(_) => self.to_string(),
        }
    }
}

/// Has it apply the rules: all of them, or none.
pub(super) async fn run(program: &str, rules: &str, deadline: Duration) -> Result<(), NftError> {
    let applied = timeout(deadline, apply(program, rules)).await;
    applied.unwrap_or(Err(NftError::Late(deadline)))
}

async fn apply(program: &str, rules: &str) -> Result<(), NftError> {
    let spawned = Command::new(program)
        .args(["-f", "-"])
        // Its words are looked at.
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut child = spawned.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => NftError::Missing,
        _ => NftError::Broken(error.to_string()),
    })?;
    if let Some(mut input) = child.stdin.take() {
        // One that takes no more has said why.
        let _ = input.write_all(rules.as_bytes()).await;
    }
    let ended = child.wait_with_output().await;
    let ended = ended.map_err(|error| NftError::Broken(error.to_string()))?;
    if ended.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    let words = said.lines().map(str::trim).find(|line| !line.is_empty());
    let words = words.map_or_else(|| ended.status.to_string(), shortened);
    Err(match words.contains(FORBIDDEN) {
        true => NftError::Forbidden(words),
        false => NftError::Refused(words),
    })
}

fn shortened(words: &str) -> String {
    words.chars().take(WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::DEADLINE, *};

    /// `sh` takes the same arguments, and its script as rules.
    async fn sh(script: &str) -> Result<(), NftError> {
        run("sh", script, Duration::from_secs(60)).await
    }

    #[tokio::test]
    async fn what_goes_wrong_is_told_in_its_words_with_what_to_do() {
        assert_eq!(sh("true").await, Ok(()));
        let missing = run("/nowhere/nft", "", DEADLINE).await;
        assert_eq!(missing, Err(NftError::Missing));
        let script = "echo >&2; echo 'Error: no such hook' >&2; echo more >&2; exit 1";
        let refused = NftError::Refused("Error: no such hook".into());
        assert_eq!(sh(script).await, Err(refused));
        let mute = sh("exit 3").await.expect_err("failed").to_string();
        assert!(mute.contains("exit status: 3"), "{mute}");
        for words in [
            "Operation not permitted (you must be root)",
            "netlink: Error: cache initialization failed: Operation not permitted",
        ] {
            let forbidden = sh(&format!("echo '{words}' >&2; exit 1")).await;
            let said = forbidden.expect_err("failed").to_string();
            assert!(said.contains(words) && said.contains("as root"), "{said}");
        }
    }

    #[tokio::test]
    async fn one_that_hangs_is_given_up() {
        let short = Duration::from_millis(200);
        let late = run("sh", "exec sleep 60", short).await;
        assert_eq!(late, Err(NftError::Late(short)));
    }
}
