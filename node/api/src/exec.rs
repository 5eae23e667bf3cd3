//! One command in a VM.

use serde::{Deserialize, Serialize};

/// Body of `POST /v1/vms/{id}/exec`. No shell is run: `argv[0]` is the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecRequest {
    /// The program and its arguments; at least one word, no NUL.
    pub argv: Vec<String>,
    /// How long it may take, 1..=60; it is left running then and the answer is a timeout.
    pub timeout_s: u32,
}

/// The first frame of `GET /v1/vms/{id}/exec/attach`: a command whose streams are the caller's. No
/// shell is run here either.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecStart {
    /// The program and its arguments, or [`FILES`] and what it is to speak.
    pub argv: Vec<String>,
    /// Added to the environment that commands have, or in place of what it sets.
    #[serde(default)]
    pub env: Vec<(String, String)>,
}

/// In place of a program, `argv[0]` of an [`ExecStart`]: the helper for files, which the node brings into
/// the VM where it is not there yet. `sftp` after it is an SFTP server, `scp` with scp's own flags the old
/// protocol of `scp -O`. A file of that very name in the VM is never run by this.
pub const FILES: &str = "/.minicloud/files";

/// What it printed; each stream is cut at 1 MiB.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecOutput {
    /// 128 + n where a signal ended it.
    pub exit_code: i64,
    /// Base64 would cost the readers more than lossy text: bytes that are not UTF-8 become U+FFFD.
    pub stdout: String,
    /// As stdout.
    pub stderr: String,
    /// Both streams in the order they came.
    pub mixed: String,
    /// More was printed than is kept here.
    pub truncated: bool,
}
