//! The MiniCloud node.

pub mod driver;
