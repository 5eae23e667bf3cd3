//! Shells over real WebSockets, with a terminal that the test plays itself.

mod flood;
mod input;
mod life;
mod limits;
mod resume;
mod size;
mod support;
mod viewer;
