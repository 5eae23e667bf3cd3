//! Shells over real WebSockets, with a terminal that the test plays itself.
#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

mod adopt;
mod begin;
mod flood;
mod held;
mod holder;
mod holding;
mod input;
mod life;
mod limits;
mod resume;
mod size;
mod support;
mod viewer;
