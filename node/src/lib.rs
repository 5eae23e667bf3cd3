//! The MiniCloud node: the private HTTP API of `node-api` over a [`driver::Driver`].
//!
//! [`Node::new`] makes one, [`Node::serve`] runs it on a listener until it is told to stop. VMs
//! belong to the engine: they live on when the node ends, and a new node finds them by label.

pub mod args;
pub mod auth;
pub mod clock;
pub mod config;
pub mod driver;
pub mod error;
pub mod exec;
pub mod extract;
mod fail_point;
pub mod feed;
pub mod handler;
pub mod hold;
pub mod log;
pub mod metrics;
pub mod node;
pub mod open_files;
pub mod port;
pub mod request;
pub mod router;
pub mod serve;
pub mod shell;
pub mod sse;
pub mod state;
pub mod status;
pub mod tls;
pub mod usage;

pub use config::{Credential, NodeConfig};
pub use node::Node;
