//! Control over simulated nodes: real HTTP, real databases, no containers.
