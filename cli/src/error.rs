//! What can go wrong, in words, and the exit code that goes with it.

use std::{io, path::PathBuf};

use serde_json::json;
use server_api::problem::Problem;

/// Exit codes, as docs/cli.md lists them. 0 is success.
pub mod exit {
    /// What has no code of its own: no connection, a fault of the server, a file.
    pub const FAILURE: u8 = 1;
    /// The command line, or what it says: 400 and 422.
    pub const USAGE: u8 = 2;
    /// 404, also for what is another user's.
    pub const NOT_FOUND: u8 = 3;
    /// 401 and 403, or no sign-in is kept here.
    pub const NOT_ALLOWED: u8 = 4;
    /// 409 and 412, or over quota.
    pub const CONFLICT: u8 = 5;
    /// 408 and 504, or a wait of ours that ended; what was asked may still be done.
    pub const TIMEOUT: u8 = 6;
}

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The server said no.
    #[error("{}{}", .0.detail, problem_extra(.0))]
    Api(Box<Problem>),
    /// A thing that was named is not there; the message lists those that are.
    #[error("{0}")]
    Missing(String),
    /// The text says what to type instead.
    #[error("{0}")]
    Usage(String),
    /// Carries where, with a space in front; may be empty.
    #[error(
        "you are not signed in{0}. Sign in with `minicloud login`, or set MINICLOUD_SERVER and MINICLOUD_TOKEN"
    )]
    NotSignedIn(String),
    /// No connection, or it broke; `reason` is the last cause, in the system's words.
    #[error("{server} could not be reached: {reason}. Is it running, and is that its address?")]
    Unreachable { server: String, reason: String },
    /// The deadline of one request.
    #[error("{server} did not answer in time. Try again; what was asked may still be done")]
    TimedOut { server: String },
    /// An answer that is not of the API's shapes.
    #[error(
        "{server} answered what this minicloud does not understand ({reason}). Is it a MiniCloud, and of the same version?"
    )]
    Garbled { server: String, reason: String },
    /// A wait ended before the state was reached.
    #[error("{0}")]
    TookTooLong(String),
    /// Anything else, in words.
    #[error("{0}")]
    Failed(String),
    /// One of the user's files could not be read, understood or written.
    #[error("{}: {cause}", .path.display())]
    File { path: PathBuf, cause: String },
    /// Our own standard streams, which is no fault where a reader such as `head` has left.
    #[error("the terminal or pipe failed: {0}")]
    Io(#[from] io::Error),
}

impl CliError {
    /// The exit code that tells scripts what kind of failure it was.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Api(problem) => problem_exit_code(problem),
            Self::Missing(_) => exit::NOT_FOUND,
            Self::Usage(_) => exit::USAGE,
            Self::NotSignedIn(_) => exit::NOT_ALLOWED,
            Self::TimedOut { .. } | Self::TookTooLong(_) => exit::TIMEOUT,
            _ => exit::FAILURE,
        }
    }

    /// True when the server says that the thing named is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Api(problem) if problem.status == 404)
    }

    /// The reader of our output went away, as `head` does: nothing went wrong.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// As a [`Problem`], for scripts: the server's own, or one with status 0.
    pub fn as_json(&self) -> String {
        if let Self::Api(problem) = self {
            return json!(problem).to_string();
        }
        json!({ "code": self.code(), "title": "minicloud failed", "status": 0, "detail": self.to_string() })
            .to_string()
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "not_found",
            Self::Usage(_) => "usage",
            Self::NotSignedIn(_) => "not_signed_in",
            Self::Unreachable { .. } => "unreachable",
            Self::TimedOut { .. } | Self::TookTooLong(_) => "timeout",
            Self::Garbled { .. } => "garbled",
            _ => "failed",
        }
    }
}

/// Which input was wrong, and what to do that the server cannot know.
fn problem_extra(problem: &Problem) -> String {
    let mut extra = String::new();
    if let Some(field) = &problem.field {
        extra.push_str(&format!(" (field: {field})"));
    }
    match problem.code.as_str() {
        "scope_missing" => extra.push_str(" Admins get one by `minicloud login --admin`."),
        "token_invalid" => extra.push_str(" Sign in anew with `minicloud login`."),
        _ if problem.status >= 500 => {
            if let Some(id) = &problem.request_id {
                extra.push_str(&format!(" (request {id})"));
            }
        }
        _ => {}
    }
    extra
}

fn problem_exit_code(problem: &Problem) -> u8 {
    if problem.code.contains("timeout") || problem.code.contains("timed_out") {
        return exit::TIMEOUT;
    }
    if problem.code.contains("quota") {
        return exit::CONFLICT;
    }
    match problem.status {
        400 | 422 => exit::USAGE,
        404 => exit::NOT_FOUND,
        401 | 403 => exit::NOT_ALLOWED,
        409 | 412 => exit::CONFLICT,
        408 | 504 => exit::TIMEOUT,
        _ => exit::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(status: u16, code: &str) -> Problem {
        Problem {
            code: code.into(),
            title: String::new(),
            status,
            detail: "No.".into(),
            field: None,
            request_id: Some("r1".into()),
        }
    }

    #[test]
    fn every_status_has_the_exit_code_that_is_documented() {
        let code = |status, code: &str| problem_exit_code(&problem(status, code));
        assert_eq!(code(404, "not_found"), 3);
        assert_eq!(code(401, "token_invalid"), 4);
        assert_eq!(code(403, "scope_missing"), 4);
        assert_eq!(code(409, "vm_name_taken"), 5);
        assert_eq!(code(422, "quota_exceeded"), 5);
        assert_eq!(code(422, "name_invalid"), 2);
        assert_eq!(code(503, "exec_timeout"), 6);
        assert_eq!(code(500, "internal"), 1);
    }

    #[test]
    fn a_problem_is_told_with_its_field_and_a_fault_with_its_request() {
        let mut wrong = problem(422, "name_invalid");
        wrong.field = Some("name".into());
        assert_eq!(
            CliError::Api(Box::new(wrong)).to_string(),
            "No. (field: name)"
        );
        let fault = CliError::Api(Box::new(problem(500, "internal")));
        assert_eq!(fault.to_string(), "No. (request r1)");
    }
}
