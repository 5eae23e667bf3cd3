//! API tokens: what programs sign in with.

use serde::{Deserialize, Serialize};

/// What every token's secret begins with.
pub const TOKEN_PREFIX: &str = "mct_";
/// Characters of a token's name at most.
pub const TOKEN_NAME_MAX: usize = 64;
/// The longest that a token can be asked to last.
pub const TOKEN_DAYS_MAX: u32 = 3_650;

/// What a token may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Whatever is asked by GET.
    Read,
    /// Whatever changes something; shells and commands too.
    Write,
    /// What admins may, beside `read` or `write`.
    Admin,
}

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Token {
    /// To revoke it by.
    pub id: String,
    /// For people: where it is used.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: i64,
    /// None: it does not end by itself.
    pub expires_at: Option<i64>,
    /// When it was last used, to the minute.
    pub used_at: Option<i64>,
    /// The one this request came with.
    pub current: bool,
}

/// Body of `POST /api/v1/me/tokens`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TokenCreate {
    /// For people: where it is used.
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 64, pattern = r"\S")
    )]
    pub name: String,
    /// `read` and `write` where nothing is said; not more than the credentials that make it have.
    #[cfg_attr(feature = "openapi", schema(min_items = 1))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<Scope>>,
    /// 1..=3650; for ever where nothing is said.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 3650))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_days: Option<u32>,
}

/// A new token. Its secret is shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenCreated {
    /// As the list has it.
    pub token: Token,
    /// `mct_…`: goes into `Authorization: Bearer …`.
    pub secret: String,
}
