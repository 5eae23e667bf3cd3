//! The MiniCloud server.

pub mod actor;
pub mod auth;
pub mod clock;
pub mod config;
pub mod db;
pub mod secret;
