//! NUL characters: no name, id or word of ours has one, and PostgreSQL cannot even be asked for it. So they
//! are refused where requests come in, the same over every database.

use app::model::{AppError, ErrorKind};
use axum::{
    extract::Request,
    http::Uri,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use serde_json::Value;

use super::problem::ApiError;

/// The only way to write it in an address, and in JSON.
const IN_ADDRESS: &str = "%00";
const IN_JSON: &[u8] = b"\\u0000";

/// Before handlers: nothing is at a path with one, and a query with one is malformed.
pub async fn no_nul(request: Request, next: Next) -> Response {
    match refusal(request.uri()) {
        Some(error) => ApiError::from(error).into_response(),
        None => next.run(request).await,
    }
}

fn refusal(uri: &Uri) -> Option<AppError> {
    if uri.path().contains(IN_ADDRESS) {
        let words = "There is nothing here: no name has a NUL character.";
        return Some(AppError::new(ErrorKind::NotFound, "not_found", words));
    }
    let query = uri.query().filter(|query| query.contains(IN_ADDRESS))?;
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let pair = pairs.find(|(_, value)| value.contains('\0'));
    let error = AppError::nul();
    Some(match pair {
        Some((name, _)) => error.at(&name),
        None => error,
    })
}

/// Refuses JSON in which a text has one; the field is the path to it.
pub fn json_check(bytes: &[u8]) -> Result<(), AppError> {
    if !bytes.windows(IN_JSON.len()).any(|part| part == IN_JSON) {
        return Ok(());
    }
    // What is no JSON is refused by who reads it.
    let value = serde_json::from_slice(bytes).unwrap_or(Value::Null);
    match path(&value, String::new()) {
        Some(path) => Err(AppError::nul().at(&path)),
        None => Ok(()),
    }
}

/// The path to the first text that has one: `argv[1]`.
fn path(value: &Value, at: String) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then_some(at),
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(index, item)| path(item, format!("{at}[{index}]")))
        }
        Value::Object(fields) => fields.iter().find_map(|(name, field)| {
            let dot = if at.is_empty() { "" } else { "." };
            path(field, format!("{at}{dot}{name}"))
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_nul_leads_nowhere_and_a_query_with_one_is_malformed() {
        let refused = |uri: &'static str| {
            let error = refusal(&Uri::from_static(uri))?;
            Some((error.kind.status(), error.field))
        };
        assert_eq!(refused("/api/v1/vms/%00"), Some((404, None)));
        let field = Some("actor".to_owned());
        assert_eq!(refused("/events?kind=x&actor=%00"), Some((422, field)));
        assert_eq!(refused("/events?%00=x"), Some((422, None)));
        assert_eq!(refused("/api/v1/vms/%2500?cursor=%2500"), None);
    }

    #[test]
    fn json_with_nul_is_refused_with_the_path_to_it() {
        let field = |text: &str| json_check(text.as_bytes()).err().map(|error| error.field);
        let named = |name: &str| Some(Some(name.to_owned()));
        assert_eq!(field(r#"{"name": "a\u0000"}"#), named("name"));
        assert_eq!(field(r#"{"argv": ["a", "\u0000"]}"#), named("argv[1]"));
        assert_eq!(field(r#"{"a": {"b": "\u0000"}}"#), named("a.b"));
        // A backslash, and then the letters.
        assert_eq!(field(r#"{"name": "\\u0000"}"#), None);
        assert_eq!(field("{"), None);
    }
}
