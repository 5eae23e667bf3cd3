//! Control over simulated nodes: real HTTP, real databases, no containers.

mod capacity;
mod cloud;
mod crash;
mod exits;
mod figures;
mod images;
mod lifecycle;
mod nodes;
mod shells;
mod trouble;
