//! Lists that come in pages.

use serde::{Deserialize, Serialize};

/// Items of a page where the request does not say.
pub const LIMIT_DEFAULT: u32 = 100;
/// The most items of a page.
pub const LIMIT_MAX: u32 = 500;

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    /// As many as the limit lets.
    pub items: Vec<T>,
    /// Pass as `cursor` for what follows; none at the end.
    pub next: Option<String>,
}
