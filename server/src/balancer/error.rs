//! Why a call to a node failed, as its caller needs to tell it apart.

use std::time::Duration;

use node_api::error::{NodeError, NodeErrorCode};

/// Why a call brought no answer that can be used. The words follow the node's name: "node-1: it cannot be
/// reached (connection refused)".
#[derive(Debug, thiserror::Error)]
pub enum NodeCallError {
    /// It answered, and said no.
    #[error("{}", .0.message)]
    Refused(NodeError),
    /// No connection, or it broke; the text has no secret and no address.
    #[error("it cannot be reached ({0})")]
    Unreachable(String),
    /// No answer in time. What was asked may still happen.
    #[error("it did not answer within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    /// It answered something that this server does not understand.
    #[error("its answer is not understood ({0})")]
    Malformed(String),
    /// The address, credential or fingerprint cannot be used.
    #[error("{0}")]
    Unusable(String),
}

impl NodeCallError {
    /// The node's own code, where it answered.
    pub fn code(&self) -> Option<NodeErrorCode> {
        match self {
            Self::Refused(error) => Some(error.code),
            _ => None,
        }
    }

    /// True when asking again later may help without anybody changing anything.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Timeout(_) | Self::Malformed(_) => true,
            Self::Refused(error) => matches!(
                error.code,
                NodeErrorCode::EngineAway
                    | NodeErrorCode::Timeout
                    | NodeErrorCode::Internal
                    | NodeErrorCode::TooMany
            ),
            Self::Unusable(_) => false,
        }
    }

    /// `deadline` is what the call was given; a connection that did not come about in time counts as
    /// unreachable.
    pub(super) fn from_reqwest(error: &reqwest::Error, deadline: Duration) -> Self {
        if error.is_timeout() && !error.is_connect() {
            return Self::Timeout(deadline);
        }
        if error.is_decode() {
            return Self::Malformed(innermost(error));
        }
        Self::Unreachable(innermost(error))
    }
}

/// The last cause, which says what happened; those above it only repeat the address.
pub(super) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string().to_lowercase()
}
