//! Queries of calls that take none: what is there is refused by its name, and not passed over.

use std::{collections::HashSet, sync::LazyLock};

use axum::{
    extract::MatchedPath,
    http::{Method, request::Parts},
};
use utoipa::openapi::{
    RefOr,
    path::{Operation, ParameterIn},
};

use super::problem::ApiError;

/// Calls that take nothing in the query, such as `GET /api/v1/me`, as the document has them.
static BARE: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let mut bare = HashSet::new();
    for (path, item) in super::document().paths.paths {
        let operations = [
            (Method::GET, item.get),
            (Method::POST, item.post),
            (Method::PUT, item.put),
            (Method::DELETE, item.delete),
        ];
        for (method, operation) in operations {
            if operation.is_some_and(|operation| !takes_query(&operation)) {
                bare.insert(format!("{method} {path}"));
            }
        }
    }
    bare
});

fn takes_query(operation: &Operation) -> bool {
    let mut parameters = operation.parameters.iter().flatten();
    parameters.any(|parameter| match parameter {
        RefOr::T(parameter) => parameter.parameter_in == ParameterIn::Query,
        RefOr::Ref(_) => false,
    })
}

/// Refuses the query of a call that takes none. The others' say themselves what they know.
pub fn bare_check(parts: &Parts) -> Result<(), ApiError> {
    let query = parts.uri.query().unwrap_or_default();
    let first = form_urlencoded::parse(query.as_bytes()).next();
    let (Some((name, _)), Some(path)) = (first, parts.extensions.get::<MatchedPath>()) else {
        return Ok(());
    };
    // A HEAD is answered as its GET.
    let method = match parts.method {
        Method::HEAD => Method::GET,
        ref method => method.clone(),
    };
    if BARE.contains(&format!("{method} {}", path.as_str())) {
        let words = format!("This call takes nothing in the query: leave `{name}` out.");
        return Err(ApiError::invalid(&name, "field_unknown", words));
    }
    Ok(())
}
