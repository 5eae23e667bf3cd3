//! The public JSON API: serde types, one noun a file, and nothing else.

pub mod problem;
