//! Images on a node.

use serde::{Deserialize, Serialize};

/// Where an image stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ImageState {
    Present,
    /// Being pulled; percent over all layers known so far, 0..=100.
    Pulling {
        percent: u8,
        detail: String,
    },
    /// The pull ended badly; the engine's words. The next ensure tries again.
    Failed {
        reason: String,
    },
}

/// Answer of `PUT /v1/images/{name}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageReport {
    pub name: String,
    #[serde(flatten)]
    pub state: ImageState,
}
