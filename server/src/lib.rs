//! The MiniCloud server. From the top: [`serve`] starts it, [`router`] lists its addresses, `pages`,
//! [`live`] and `shell` answer, [`control`] decides, [`db`] remembers, [`balancer`] talks to nodes.

mod accept;
pub mod actor;
pub mod api;
pub mod auth;
pub mod balancer;
pub mod clock;
pub mod config;
pub mod control;
pub mod db;
pub mod live;
pub mod log;
mod metrics;
mod node_local;
mod pages;
mod public_key;
pub mod router;
pub mod scope;
pub mod secret;
pub mod serve;
mod shell;
pub mod ssh;
pub mod state;
#[cfg(test)]
mod tests;
