//! Plain forms that fail: leptos sends the browser back to the form with the error in the address;
//! this adds what was typed, so that nobody types it twice. Passwords are not kept.

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

/// Bytes of a form that are read; ours are far smaller.
const BODY_MAX: usize = 64 * 1024;
/// Bytes of a value that is given back in an address.
const VALUE_MAX: usize = 300;
/// Fields that are given back. Named one by one, because the address ends up in the browser's
/// history: what is not named here, such as a password or a credential, is never in it.
const KEPT: [&str; 13] = [
    "name",
    "next",
    "flavor",
    "image",
    "address",
    "fingerprint",
    "reference",
    "summary",
    "vms",
    "vcpus",
    "memory_mib",
    "disk_gib",
    "confirm",
];
/// leptos puts a failed call's error here.
const ERROR_MARK: &str = "__err=";

/// Runs the server function; if it was a plain form and failed, adds `f_<field>` for each field.
pub async fn keep_typed<F, Fut>(request: Request, call: F) -> Response
where
    F: FnOnce(Request) -> Fut,
    Fut: Future<Output = Response>,
{
    if !is_plain_form(request.headers()) {
        return call(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, BODY_MAX).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "The form is too large.").into_response();
    };
    let mut response = call(Request::from_parts(parts, Body::from(bytes.clone()))).await;
    add_typed(response.headers_mut(), &bytes);
    response
}

fn is_plain_form(headers: &HeaderMap) -> bool {
    let has = |name, part: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.contains(part))
    };
    has(header::ACCEPT, "text/html")
        && has(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
}

fn add_typed(headers: &mut HeaderMap, form: &[u8]) {
    let Some(location) = headers
        .get(header::LOCATION)
        .and_then(|value| value.to_str().ok())
    else {
        return;
    };
    if !location.contains(ERROR_MARK) {
        return;
    }
    let mut location = location.to_owned();
    for (name, value) in form_fields(form) {
        let known = location.contains(&format!("f_{name}="));
        if value.len() > VALUE_MAX || known {
            continue;
        }
        location.push_str(&format!(
            "&f_{name}={}",
            percent_encode(value.as_bytes(), NON_ALPHANUMERIC)
        ));
    }
    if let Ok(value) = HeaderValue::from_str(&location) {
        headers.insert(header::LOCATION, value);
    }
}

fn form_fields(form: &[u8]) -> Vec<(String, String)> {
    serde_urlencoded::from_bytes::<Vec<(String, String)>>(form)
        .unwrap_or_default()
        .into_iter()
        .filter(|(name, _)| KEPT.contains(&name.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(location: &str, form: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, HeaderValue::from_str(location).unwrap());
        add_typed(&mut headers, form.as_bytes());
        headers[header::LOCATION].to_str().unwrap().to_owned()
    }

    #[test]
    fn a_failed_form_comes_back_with_what_was_typed_but_not_the_password() {
        let location = after(
            "/register?__path=x&__err=y",
            "name=A%26b&password=secret-word&new=other&credential=c",
        );
        assert_eq!(location, "/register?__path=x&__err=y&f_name=A%26b");
    }

    #[test]
    fn a_form_that_worked_goes_where_it_was_sent() {
        assert_eq!(after("/vms/web1", "name=web1"), "/vms/web1");
    }
}
