//! A value that the next page shows once: how a plain form's answer reaches the page it is sent back
//! to, without standing in an address. Kept for a minute in a cookie that only that page is sent.

use http::{HeaderMap, HeaderValue, header};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;

use crate::nav::percent_encode;

const NAME: &str = "once";
const SECONDS: u32 = 60;

/// Keeps `value` for the page at `path`.
pub fn keep(path: &str, value: &str) {
    set_cookie(
        &format!("{NAME}={}; Max-Age={SECONDS}", percent_encode(value)),
        path,
    );
}

/// Takes what was kept for the page at `path`, so that a reload does not show it again.
pub fn take(path: &str) -> Option<String> {
    let parts = use_context::<http::request::Parts>()?;
    let value = cookie(&parts.headers)?;
    set_cookie(&format!("{NAME}=; Max-Age=0"), path);
    Some(value)
}

fn set_cookie(value: &str, path: &str) {
    let secure =
        use_context::<http::request::Parts>().is_some_and(|parts| is_secure(&parts.headers));
    let secure = if secure { "; Secure" } else { "" };
    let cookie = format!("{value}; Path={path}; HttpOnly; SameSite=Strict{secure}");
    let response = use_context::<ResponseOptions>();
    if let (Some(response), Ok(cookie)) = (response, HeaderValue::from_str(&cookie)) {
        response.append_header(header::SET_COOKIE, cookie);
    }
}

/// The browser says by itself where a form came from.
fn is_secure(headers: &HeaderMap) -> bool {
    let origin = headers
        .get(header::ORIGIN)
        .or_else(|| headers.get(header::REFERER));
    origin.is_some_and(|origin| origin.as_bytes().starts_with(b"https://"))
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let lines = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok());
    let mut pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let value = pairs.find_map(|(name, value)| (name == NAME).then_some(value))?;
    let pair = format!("v={}", value.replace('+', "%2B"));
    form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_value_is_found_among_other_cookies_as_it_was() {
        let mut headers = HeaderMap::new();
        let line = format!("theme=dark; once={}; x=y", percent_encode("a+b c;d%"));
        headers.insert(header::COOKIE, HeaderValue::from_str(&line).unwrap());
        assert_eq!(cookie(&headers).as_deref(), Some("a+b c;d%"));
        assert_eq!(cookie(&HeaderMap::new()), None);
    }
}
