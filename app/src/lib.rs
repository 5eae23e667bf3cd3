//! The pages of MiniCloud.

#[cfg(feature = "ssr")]
pub mod control_plane;
pub mod model;
