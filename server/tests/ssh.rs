//! The SSH gateway, with the client that people have: OpenSSH's.
#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

#[path = "route/house.rs"]
#[allow(dead_code, unused_imports)] // shared with route.rs, which uses the rest
mod house;

#[path = "ssh/access.rs"]
mod access;
#[path = "ssh/client.rs"]
mod client;
#[path = "ssh/docker.rs"]
mod docker;
#[path = "ssh/files.rs"]
mod files;
#[path = "ssh/lobby.rs"]
mod lobby;
#[path = "ssh/misuse.rs"]
mod misuse;
#[path = "ssh/port.rs"]
mod port;
#[path = "ssh/port_end.rs"]
mod port_end;
#[path = "ssh/publish.rs"]
mod publish;
#[path = "ssh/terminal.rs"]
mod terminal;
#[path = "ssh/vm.rs"]
mod vm;
