//! Images on a node.

use serde::{Deserialize, Serialize};

/// Where an image stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ImageState {
    /// VMs can be made from it.
    Present,
    /// Being pulled; percent over all layers known so far, 0..=100.
    Pulling {
        /// 0..=100.
        percent: u8,
        /// What the engine is at, in its words.
        detail: String,
    },
    /// The pull ended badly; the engine's words. An ensure some seconds later tries again.
    Failed {
        /// The engine's words.
        reason: String,
    },
}

/// Answer of `PUT /v1/images/{name}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageReport {
    /// The reference that was asked for.
    pub name: String,
    /// Where it stands now.
    #[serde(flatten)]
    pub state: ImageState,
}
