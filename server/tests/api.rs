//! The JSON API as programs use it: tokens, answers, refusals, repeats; and the demo's endpoints, row
//! by row.
#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

#[path = "route/house.rs"]
#[allow(dead_code)] // shared with route.rs, which uses the rest
mod house;
#[path = "route/list.rs"]
#[allow(dead_code)]
mod list;

#[path = "api/demo.rs"]
mod demo;
#[path = "api/exec.rs"]
mod exec;
#[path = "api/input.rs"]
mod input;
#[path = "api/log.rs"]
mod log;
#[path = "api/once.rs"]
mod once;
#[path = "api/ssh_key.rs"]
mod ssh_key;
#[path = "api/token.rs"]
mod token;
#[path = "api/version.rs"]
mod version;
#[path = "api/vm.rs"]
mod vm;
