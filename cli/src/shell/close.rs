//! Why a shell's socket was closed, in words.

use server_api::problem::Problem;

use crate::error::CliError;

/// What is final. None: the connection was lost, and is worth seeking again.
pub fn reason(code: u16, said: &str) -> Option<CliError> {
    let failed = |words: &str| Some(CliError::Failed(words.into()));
    match code {
        // The exit came before it; without one the code is not known.
        4001 => failed("the shell ended; its exit code is not known"),
        4003 => Some(revoked()),
        4004 => Some(CliError::Missing(match said.is_empty() {
            true => "the shell is gone; open a new one".into(),
            false => format!("the shell is gone: {said}"),
        })),
        4010 => failed("the VM was stopped. Start it: minicloud vm start"),
        4400 => {
            failed("the node could not read what this minicloud sent; is it of another version?")
        }
        4409 => failed("this viewer was replaced by another one"),
        4429 => failed("as many viewers as can be are attached to this shell already"),
        _ => None,
    }
}

fn revoked() -> CliError {
    CliError::Api(Box::new(Problem {
        code: "revoked".into(),
        title: "Forbidden".into(),
        status: 403,
        detail: "Access to the shell was taken back: the token was revoked, the account disabled, or the VM deleted.".into(),
        field: None,
        request_id: None,
    }))
}
