//! The balancer: which nodes there are, how they are doing, which one a VM goes to, and the only
//! HTTP client that talks to them.
//!
//! - [`NodeClient`]: one call of the node's private API a function, each with its deadline;
//! - [`Registry`]: polls every node, keeps what it said last, follows its events and log;
//! - [`placement`]: pure functions that pick a node and say why.

mod attach;
mod client;
mod error;
mod follow;
mod health;
pub mod placement;
mod registry;
mod sse;
mod tls;

pub use attach::NodeSocket;
pub use client::{NodeAddress, NodeClient};
pub use error::NodeCallError;
pub use health::NodeState;
pub use registry::{NodeEntry, NodeLogSink, Registry};
