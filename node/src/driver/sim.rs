//! An engine in memory: thousands of VMs, delays and failures on demand.
//!
//! [`SimEngine`] is the "engine" and its "containers"; it outlives the [`SimDriver`] of a node, so
//! that a test can end a node and make a new one over the same containers, or put two nodes on one
//! engine. A VM's shell is a tiny interpreter ([`program`]), enough to see files kept and traps run.

mod driver;
mod engine;
mod fault;
mod process;
mod program;
mod settle;
mod tty;
mod vm;

pub use driver::SimDriver;
pub use engine::{SimConfig, SimEngine};
pub use fault::{SimCall, SimFault};
