//! The MiniCloud server.
