//! Answers for server functions: the true status for programs, and for plain forms (before, or
//! without, script) a way back to the page with the message and the values that were typed.

use std::{error::Error, iter};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{DefaultBodyLimit, FromRequest, rejection::BytesRejection},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Request, StatusCode, header, request::Parts};
use leptos::{
    prelude::FromServerFnError,
    server_fn::error::{ServerFnErrorErr, ServerFnUrlError},
};
use tower_http::timeout::TimeoutError;

use super::accepts_html;
use crate::model::{AppError, ErrorKind};

/// Bytes a form may have; the longest (a node's credential and certificate) is far below.
const BODY_MAX: usize = 64 * 1024;
/// Bytes of a typed value that are carried back in the address.
const VALUE_MAX: usize = 256;
/// Fields that are carried back. Named one by one, because addresses end up in the browser's
/// history: a password or a credential never does.
const KEPT: [&str; 20] = [
    "name",
    "next",
    "flavor",
    "image",
    "ssh_publish",
    "address",
    "fingerprint",
    "reference",
    "summary",
    "vms",
    "ssh_server",
    "vcpus",
    "memory_mib",
    "disk_gib",
    "role",
    "confirm",
    "comment",
    "scopes",
    "days",
    "mode",
];

/// Handles a request to `/api/…`; `context` provides the plane, bound to the caller.
pub async fn server_function(
    context: impl Fn() + Clone + Send + 'static,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let plain_form = accepts_html(&parts.headers);
    let body = match whole(body).await {
        Ok(body) => body,
        Err(refusal) => return unread(&parts, &refusal),
    };
    let typed = typed_values(&parts.headers, &body);
    let request = Request::from_parts(parts, Body::from(body));
    let response = leptos_axum::handle_server_fns_with_context(context, request).await;
    let response = response.into_response();
    if plain_form {
        with_typed_values(response, &typed)
    } else {
        with_true_status(response).await
    }
}

/// The whole body, where it comes in time and is not larger than a form may be.
async fn whole(body: Body) -> Result<Bytes, BytesRejection> {
    let mut request = Request::new(body);
    DefaultBodyLimit::max(BODY_MAX).apply(&mut request);
    Bytes::from_request(request, &()).await
}

/// A plain form goes back to its page, as one that failed in any other way.
fn unread(request: &Parts, refusal: &BytesRejection) -> Response {
    let (status, code, words) = match refusal.status() {
        _ if is_late(refusal) => (
            StatusCode::REQUEST_TIMEOUT,
            "timeout",
            "The form did not come within 20 seconds. See that the connection is good and send it again.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "The form is larger than 64 KiB. Shorten what you typed and try again.",
        ),
        _ => (
            StatusCode::BAD_REQUEST,
            "malformed",
            "The form did not come whole. Send it again.",
        ),
    };
    let error = AppError::new(ErrorKind::Invalid, code, words);
    match page_of(request, &error) {
        Some(page) => with_typed_values([(header::LOCATION, page)].into_response(), &[]),
        None => (status, error.ser()).into_response(),
    }
}

/// Whether a body was given up because it paused for longer than the server waits.
pub fn is_late(refusal: &(dyn Error + 'static)) -> bool {
    iter::successors(Some(refusal), |&error| error.source()).any(<dyn Error>::is::<TimeoutError>)
}

/// Where a plain form came from, with what went wrong; None for what is none, or does not say.
fn page_of(request: &Parts, error: &AppError) -> Option<String> {
    let page = request.headers.get(header::REFERER)?.to_str().ok()?;
    let failure = ServerFnUrlError::new(request.uri.path(), error.clone());
    let address = failure.to_url(page).ok()?;
    accepts_html(&request.headers).then(|| address.to_string())
}

/// What was typed, as far as it may show in an address.
fn typed_values(headers: &HeaderMap, body: &Bytes) -> Vec<(String, String)> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
        return Vec::new();
    }
    let pairs = form_urlencoded::parse(body).into_owned();
    pairs
        .filter(|(name, value)| KEPT.contains(&name.as_str()) && value.len() <= VALUE_MAX)
        .collect()
}

/// The way back to the page of the form, with `f_<field>` for each value when it failed, and
/// without what an earlier failure left in the address.
fn with_typed_values(mut response: Response, typed: &[(String, String)]) -> Response {
    let location = response.headers().get(header::LOCATION);
    let Some(location) = location.and_then(|location| location.to_str().ok()) else {
        return response;
    };
    let location = back_address(location, typed);
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
        *response.status_mut() = StatusCode::SEE_OTHER;
    }
    response
}

fn back_address(location: &str, typed: &[(String, String)]) -> String {
    let (page, query) = location.split_once('?').unwrap_or((location, ""));
    let (query, fragment) = query.split_once('#').unwrap_or((query, ""));
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    // The newest failure was appended last.
    let failure = |name: &str| pairs.iter().rev().find(|(key, _)| key == name);
    let failure = failure("__path").zip(failure("__err"));
    let mut kept = form_urlencoded::Serializer::new(String::new());
    let other = |(key, _): &&(String, String)| !key.starts_with("__") && !key.starts_with("f_");
    kept.extend_pairs(pairs.iter().filter(other));
    if let Some((path, err)) = failure {
        kept.extend_pairs([path, err]);
        kept.extend_pairs(
            typed
                .iter()
                .map(|(name, value)| (format!("f_{name}"), value)),
        );
    }
    let query = kept.finish();
    let mut address = page.to_owned();
    for (mark, part) in [('?', query.as_str()), ('#', fragment)] {
        if !part.is_empty() {
            address.push(mark);
            address.push_str(part);
        }
    }
    address
}

/// Leptos answers 500 for every failure; the error itself knows better.
async fn with_true_status(response: Response) -> Response {
    if response.status() != StatusCode::INTERNAL_SERVER_ERROR {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, BODY_MAX).await else {
        let lost = ServerFnErrorErr::Response("the error was too long".into());
        return (parts.status, AppError::from_server_fn_error(lost).ser()).into_response();
    };
    let status = StatusCode::from_u16(AppError::de(body.clone()).kind.status());
    parts.status = status.unwrap_or(parts.status);
    Response::from_parts(parts, Body::from(body))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// Shown while it is typed, and no part of an address all the same: the invite code is a secret, and where a
    /// public key belongs somebody may paste the private half.
    const WITHHELD: [&str; 2] = ["invite", "public_key"];

    /// The sources of what has forms. Not of filters, whose fields are in the address by themselves.
    fn sources() -> Vec<String> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut folders = vec![source.join("page"), source.join("component")];
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(fs::read_to_string(path).unwrap());
                }
            }
        }
        found.retain(|source| !source.contains("<Filter"));
        found
    }

    /// The names that tags of this kind have in a source, without those whose value nobody can change.
    fn names(source: &str, kind: &str) -> Vec<String> {
        let begin = format!("<{kind}");
        let tags = source.split(begin.as_str()).skip(1);
        let tags = tags.filter(|tag| tag.starts_with(char::is_whitespace));
        tags.filter_map(|tag| {
            let (tag, _) = tag.split_once("/>")?;
            let (_, name) = tag.split_once("name=\"")?;
            let (name, _) = name.split_once('"')?;
            let is_fixed = tag.contains("type=\"hidden\"") || tag.contains("readonly");
            (!is_fixed).then(|| name.to_owned())
        })
        .collect()
    }

    #[test]
    fn whatever_is_typed_or_chosen_in_a_form_is_carried_back_unless_it_may_be_a_secret() {
        let sources = sources();
        let of = |kind: &str| -> BTreeSet<String> {
            let names = sources.iter().flat_map(|source| names(source, kind));
            names.collect()
        };
        let fields: BTreeSet<String> = ["Field", "Select", "input"]
            .into_iter()
            .flat_map(&of)
            .collect();
        assert!(fields.len() > 20, "the fields are found: {fields:?}");
        for name in fields {
            let withheld = WITHHELD.contains(&name.as_str());
            assert_ne!(KEPT.contains(&name.as_str()), withheld, "{name}");
        }
        for name in of("PasswordField") {
            assert!(!KEPT.contains(&name.as_str()), "{name}");
        }
    }

    fn typed(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn a_failed_form_goes_back_with_what_was_typed() {
        let back = back_address(
            "http://h/register?__path=%2Fapi%2Fx&__err=e",
            &[typed("name", "a b")],
        );
        assert_eq!(
            back,
            "http://h/register?__path=%2Fapi%2Fx&__err=e&f_name=a+b"
        );
    }

    #[test]
    fn a_second_failure_replaces_the_first() {
        let back = back_address(
            "http://h/p?tab=1&__path=a&__err=old&f_name=x&__path=b&__err=new",
            &[typed("name", "y")],
        );
        assert_eq!(back, "http://h/p?tab=1&__path=b&__err=new&f_name=y");
    }

    #[test]
    fn a_success_leaves_nothing_of_an_earlier_failure() {
        let back = back_address("http://h/p?f_name=x", &[typed("name", "y")]);
        assert_eq!(back, "http://h/p");
    }

    #[test]
    fn secrets_are_never_carried_back() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        let body = Bytes::from_static(b"name=ann&password=hunter2&current=x&credential=y");
        assert_eq!(typed_values(&headers, &body), [typed("name", "ann")]);
    }
}
