//! Why a viewer's socket is closed: the codes of docs/shell-protocol.md.

use axum::extract::ws::{CloseFrame, Message};

use super::{frame::Malformed, input::InputRefused, session::End};

/// A close code with words for the page's banner or a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// One of those that docs/shell-protocol.md lists.
    pub code: u16,
    /// For people; a close frame takes its first 120 bytes.
    pub reason: String,
}

impl Close {
    fn new(code: u16, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }

    /// 4004: the page offers a new one.
    pub fn shell_not_found() -> Self {
        Self::new(4004, "it has ended")
    }

    /// It is being made, or taken up again: a viewer that comes back finds it.
    pub fn not_yet() -> Self {
        let why = "the node does not have the shell yet; try again in a moment";
        Self::new(1013, why)
    }

    /// 4429: all seats are taken.
    pub fn too_many_viewers(limit: usize) -> Self {
        Self::new(4429, format!("{limit} viewers are attached already"))
    }

    /// 4409: a leftover connection of a client that has a newer seat.
    pub fn replaced() -> Self {
        Self::new(4409, "the same client has attached anew")
    }

    /// 4408: the viewer may reconnect.
    pub fn silent(seconds: u64) -> Self {
        Self::new(
            4408,
            format!("nothing came from the viewer for {seconds} s"),
        )
    }

    /// 4400: a frame or a query against the protocol; `what` says how.
    pub fn malformed(what: impl Into<String>) -> Self {
        Self::new(4400, what)
    }

    /// As a WebSocket message; the reason cut to what a close frame holds.
    pub fn message(&self) -> Message {
        let mut end = self.reason.len().min(120);
        while !self.reason.is_char_boundary(end) {
            end -= 1;
        }
        let reason = self.reason[..end].into();
        Message::Close(Some(CloseFrame {
            code: self.code,
            reason,
        }))
    }
}

impl From<&End> for Close {
    fn from(end: &End) -> Self {
        match end {
            End::Exited(code) => Self::new(4001, format!("the shell exited with code {code}")),
            End::VmStopped => Self::new(4010, "the VM was stopped"),
            End::VmGone => Self::new(4003, "the VM was deleted"),
            End::Lost(why) => Self::new(4004, why.clone()),
            End::Left => Self::new(1012, "the node restarts"),
        }
    }
}

impl From<Malformed> for Close {
    fn from(malformed: Malformed) -> Self {
        Self::malformed(malformed.to_string())
    }
}

impl From<InputRefused> for Close {
    fn from(refused: InputRefused) -> Self {
        match refused {
            // Nothing was lost: the client sends it again when it is back.
            InputRefused::TooMuch(_) | InputRefused::Full => Self::new(1013, refused.to_string()),
            InputRefused::Gap { .. } => Self::malformed(refused.to_string()),
        }
    }
}
