//! The token of a login session, and the cookie it travels in.

use app::model::Theme;
use cookie::{Cookie, SameSite, time::Duration};
use http::{HeaderMap, HeaderValue, header};

use super::AuthError;
use crate::secret::Secret;

/// Days that a login session holds after it was last used.
pub const DAYS: i64 = 30;
const NAME: &str = "minicloud_session";
/// Browsers take a cookie of this prefix by https only, for this host only, for the whole site.
const NAME_SECURE: &str = "__Host-minicloud_session";

/// A fresh 256-bit token, as hex.
pub fn token_new() -> Result<Secret, AuthError> {
    Ok(Secret::random()?)
}

/// What the table keeps of a token: worthless to whoever reads it there.
pub fn token_hash(token: &Secret) -> Secret {
    token.hash()
}

/// The token that came with a request, if it looks like one.
pub fn token_read(headers: &HeaderMap, secure: bool) -> Option<Secret> {
    let value = cookie_read(headers, name(secure))?;
    let plausible = value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    plausible.then(|| Secret::new(value))
}

/// True when the request carries a cookie of ours at all, valid or not.
pub fn token_present(headers: &HeaderMap) -> bool {
    cookie_read(headers, NAME).is_some() || cookie_read(headers, NAME_SECURE).is_some()
}

/// The Set-Cookie line that signs a browser in.
pub fn cookie_set(token: &Secret, secure: bool) -> Option<HeaderValue> {
    line(
        Cookie::build((name(secure), token.expose())).max_age(Duration::days(DAYS)),
        secure,
    )
}

/// The Set-Cookie line that signs it out.
pub fn cookie_clear(secure: bool) -> Option<HeaderValue> {
    line(
        Cookie::build((name(secure), "")).max_age(Duration::ZERO),
        secure,
    )
}

/// The theme that a browser chose.
pub fn theme_read(headers: &HeaderMap) -> Theme {
    match cookie_read(headers, "theme").as_deref() {
        Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        _ => Theme::System,
    }
}

fn name(secure: bool) -> &'static str {
    if secure { NAME_SECURE } else { NAME }
}

fn line(cookie: cookie::CookieBuilder<'_>, secure: bool) -> Option<HeaderValue> {
    let cookie = cookie
        .http_only(true)
        .same_site(SameSite::Lax)
        .path("/")
        .secure(secure)
        .build();
    let mut value = HeaderValue::from_str(&cookie.to_string()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The first cookie of that name.
fn cookie_read(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
        .find(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_cookie(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(cookie).unwrap())])
    }

    #[test]
    fn a_token_has_256_random_bits_and_its_hash_does_not_hold_it() {
        let token = token_new().unwrap();
        assert_eq!(token.expose().len(), 64);
        assert_ne!(token.expose(), token_new().unwrap().expose());
        let hash = token_hash(&token);
        assert_eq!(hash.expose().len(), 64);
        assert_ne!(hash.expose(), token.expose());
        let abc = token_hash(&Secret::new("abc"));
        assert!(
            abc.expose().starts_with("ba7816bf8f01cfea"),
            "SHA-256 of abc"
        );
    }

    #[test]
    fn the_cookie_is_out_of_reach_of_scripts_and_other_sites() {
        let token = token_new().unwrap();
        let plain = cookie_set(&token, false).unwrap();
        let plain = plain.to_str().unwrap();
        assert!(
            plain.starts_with(&format!("minicloud_session={}; ", token.expose())),
            "{plain}"
        );
        for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=2592000"] {
            assert!(plain.contains(part), "{plain}");
        }
        assert!(
            !plain.contains("Secure") && !plain.contains("Domain"),
            "{plain}"
        );
    }

    #[test]
    fn under_https_the_cookie_is_bound_to_the_host() {
        let line = cookie_set(&token_new().unwrap(), true).unwrap();
        let line = line.to_str().unwrap();
        assert!(
            line.starts_with("__Host-minicloud_session=") && line.contains("; Secure"),
            "{line}"
        );
        assert!(
            line.contains("Path=/") && !line.contains("Domain"),
            "{line}"
        );
    }

    #[test]
    fn under_https_a_cookie_without_the_prefix_is_not_believed() {
        let token = token_new().unwrap();
        let headers = with_cookie(&format!("a=b; minicloud_session={}", token.expose()));
        assert!(token_read(&headers, false).unwrap().is(token.expose()));
        assert!(token_read(&headers, true).is_none());
        assert!(token_present(&headers));
    }

    #[test]
    fn what_does_not_look_like_a_token_is_none() {
        for value in ["", "x", &"g".repeat(64), &"a".repeat(63), &"a".repeat(65)] {
            assert!(
                token_read(&with_cookie(&format!("minicloud_session={value}")), false).is_none()
            );
        }
    }

    #[test]
    fn the_theme_is_what_the_cookie_says() {
        assert_eq!(theme_read(&with_cookie("theme=dark")), Theme::Dark);
        assert_eq!(theme_read(&with_cookie("theme=\"><script>")), Theme::System);
        assert_eq!(theme_read(&HeaderMap::new()), Theme::System);
    }
}
