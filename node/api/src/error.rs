//! How a node says no.

use serde::{Deserialize, Serialize};

/// The body of every failed answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeError {
    /// For the caller to act on.
    pub code: NodeErrorCode,
    /// A sentence for people: what happened, to what; the engine's own words where it has some.
    pub message: String,
}

/// Why a call failed, for the caller to act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeErrorCode {
    /// 401: no credential, or a wrong one.
    Unauthorized,
    /// 421: another node was meant ([`crate::NODE_HEADER`]).
    OtherNode,
    /// 400: the request is malformed or breaks a limit.
    BadRequest,
    /// 404: no such VM, shell, image or route on this node.
    NotFound,
    /// 405: the route is there, the method is not.
    MethodNotAllowed,
    /// 413: the body is over 256 KiB.
    TooLarge,
    /// 409: not possible in the VM's present state (a shell in a stopped VM).
    Conflict,
    /// 409: the image is not here yet; ensure it first.
    ImageMissing,
    /// 409: another network of the engine has the addresses of the owner's; give it others.
    SubnetTaken,
    /// 409: the VM's published port is not to be had on this node; give it another.
    PortTaken,
    /// 507: the node has no memory left for it.
    NoRoom,
    /// 502: the engine refused or failed; the message has its words.
    Engine,
    /// 503: the engine, or what holds the node's shells, does not answer.
    EngineAway,
    /// 504: the engine did not finish within the call's deadline.
    Timeout,
    /// 429: too many of something (viewers, shells).
    TooMany,
    /// 500: a fault of the node itself.
    Internal,
}

impl NodeErrorCode {
    /// The HTTP status that goes with the code.
    pub fn status(self) -> u16 {
        match self {
            Self::Unauthorized => 401,
            Self::BadRequest => 400,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict | Self::ImageMissing | Self::SubnetTaken | Self::PortTaken => 409,
            Self::TooLarge => 413,
            Self::OtherNode => 421,
            Self::TooMany => 429,
            Self::Internal => 500,
            Self::Engine => 502,
            Self::EngineAway => 503,
            Self::Timeout => 504,
            Self::NoRoom => 507,
        }
    }
}
