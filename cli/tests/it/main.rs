//! The command as people and scripts run it: a process, against a server that speaks the API's types.
#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

mod admin;
mod completion;
mod fake;
mod login;
mod run;
mod session;
mod shell;
mod shell_fake;
mod shell_share;
mod sitting;
mod ssh_key;
mod terminal;
mod vm;
