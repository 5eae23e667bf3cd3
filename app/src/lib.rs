//! The pages of MiniCloud.
