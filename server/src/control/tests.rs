//! Control over simulated nodes: real HTTP, real databases, no containers.

mod capacity;
pub mod cloud;
mod crash;
mod engine;
mod exec;
mod exits;
mod figures;
mod images;
mod lifecycle;
mod lost_shells;
mod node_crash;
mod nodes;
mod orphans;
#[path = "../../../node/tests/common/private_engine.rs"]
mod private_engine;
mod publish;
mod restored;
mod retention;
mod retries;
mod shares;
mod shells;
mod trouble;
