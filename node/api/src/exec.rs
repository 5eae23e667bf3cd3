//! One command in a VM.

use serde::{Deserialize, Serialize};

/// Body of `POST /v1/vms/{id}/exec`. No shell is run: `argv[0]` is the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecRequest {
    pub argv: Vec<String>,
    /// How long it may take, 1..=60; it is left running then and the answer is a timeout.
    pub timeout_s: u32,
}

/// The first frame of `GET /v1/vms/{id}/exec/attach`: a command whose streams are the caller's. No
/// shell is run here either.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecStart {
    pub argv: Vec<String>,
    /// Added to the environment that commands have, or in place of what it sets.
    #[serde(default)]
    pub env: Vec<(String, String)>,
}

/// What it printed; each stream is cut at 1 MiB.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecOutput {
    pub exit_code: i64,
    /// Base64 would cost the readers more than lossy text: bytes that are not UTF-8 become U+FFFD.
    pub stdout: String,
    pub stderr: String,
    /// Both streams in the order they came.
    pub mixed: String,
    pub truncated: bool,
}
