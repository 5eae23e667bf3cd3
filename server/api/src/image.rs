//! Images of the catalogue.

use serde::{Deserialize, Serialize};

/// What a VM can be made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Image {
    pub name: String,
    /// Reference for the engine: `alpine:3`.
    pub reference: String,
    /// One line about it.
    pub summary: String,
    /// The one that is taken where none is named.
    pub default: bool,
    /// On how many ready nodes it is present already.
    pub present_on: u32,
}
