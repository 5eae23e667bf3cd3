//! The command as people and scripts run it: a process, against a server that speaks the API's types.
#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

mod admin;
mod fake;
mod login;
mod run;
mod shell;
mod shell_fake;
mod ssh_key;
mod vm;
