//! The MiniCloud server.

pub mod actor;
pub mod clock;
pub mod config;
pub mod db;
