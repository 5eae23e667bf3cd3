//! The helper with the clients that people have: OpenSSH's sftp and scp, connected to it by pipes.
#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

#[path = "stock/client.rs"]
mod client;
#[path = "stock/scp.rs"]
mod scp;
#[path = "stock/sftp.rs"]
mod sftp;
#[path = "stock/trouble.rs"]
mod trouble;
