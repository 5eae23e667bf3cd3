//! The JSON API as programs use it: tokens, answers, refusals, repeats; and the demo's endpoints, row
//! by row. Beside it, what pages are told of bad input.
#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

#[path = "route/house.rs"]
#[allow(dead_code, unused_imports)] // shared with route.rs, which uses the rest
mod house;
#[path = "route/list.rs"]
#[allow(dead_code)]
mod list;

#[path = "api/code.rs"]
mod code;
#[path = "api/database.rs"]
mod database;
#[path = "api/demo.rs"]
mod demo;
#[path = "api/exec.rs"]
mod exec;
#[path = "api/form.rs"]
mod form;
#[path = "api/image.rs"]
mod image;
#[path = "api/input.rs"]
mod input;
#[path = "api/limit.rs"]
mod limit;
#[path = "api/live.rs"]
mod live;
#[path = "api/log.rs"]
mod log;
#[path = "api/once.rs"]
mod once;
#[path = "api/refusal.rs"]
mod refusal;
#[path = "api/shell_share.rs"]
mod shell_share;
#[path = "api/shell_socket.rs"]
mod shell_socket;
#[path = "api/ssh_key.rs"]
mod ssh_key;
#[path = "api/token.rs"]
mod token;
#[path = "api/user.rs"]
mod user;
#[path = "api/version.rs"]
mod version;
#[path = "api/vm.rs"]
mod vm;
#[path = "api/wait.rs"]
mod wait;
