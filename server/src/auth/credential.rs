//! Credentials that programs send with each request, and the paths where they are taken: never on
//! pages and their server functions, so that a token cannot pass for a sign-in there.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, Method, header};

use crate::{scope::Scopes, secret::Secret};

/// The demo's endpoints. Old scripts sign in there with name and password, too.
pub const DEMO: [&str; 9] = [
    "/create_vm",
    "/list_all",
    "/delete_vm",
    "/shutdown_vm",
    "/exec_vm",
    "/shell_session",
    "/shell_input",
    "/shell_output",
    "/shell_close",
];
/// Where a program gets its first token, with name and password.
const TOKENS: &str = "/api/v1/me/tokens";
/// Characters of the header that are looked at; a password has at most 256.
const HEADER_MAX: usize = 2_048;

/// What a request signs in with, beside a cookie.
#[derive(Debug)]
pub enum Credential {
    Bearer(Secret),
    /// A name with its password or a token, as the demo's scripts send it, and who asks for a first token.
    Basic {
        name: String,
        secret: Secret,
    },
    /// Of a kind that is not taken there, or garbled.
    Unreadable,
}

/// The credential of a request, where one is taken.
pub fn credential_read(method: &Method, path: &str, headers: &HeaderMap) -> Option<Credential> {
    if !takes_tokens(path) {
        return None;
    }
    let value = headers.get(header::AUTHORIZATION)?;
    let read = value.to_str().ok().filter(|text| text.len() <= HEADER_MAX);
    let credential = read.and_then(|text| {
        let (scheme, rest) = text.split_once(' ')?;
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Some(Credential::Bearer(Secret::new(rest.trim()))),
            "basic" if takes_basic(method, path) => basic(rest.trim()),
            _ => None,
        }
    });
    // A browser that has once answered the demo's paths sends it to the sockets of its pages, too.
    let is_basic = read.is_some_and(|text| text.to_ascii_lowercase().starts_with("basic "));
    if is_basic && !path.starts_with("/api/") && !is_demo(path) {
        return None;
    }
    Some(credential.unwrap_or(Credential::Unreadable))
}

fn basic(text: &str) -> Option<Credential> {
    let text = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    let (name, secret) = text.split_once(':')?;
    Some(Credential::Basic {
        name: name.to_owned(),
        secret: Secret::new(secret),
    })
}

fn takes_tokens(path: &str) -> bool {
    path.starts_with("/api/v1/")
        || path == "/live"
        || path.starts_with("/live/")
        || path.starts_with("/shells/")
        || is_demo(path)
}

fn takes_basic(method: &Method, path: &str) -> bool {
    is_demo(path) || (path == TOKENS && *method == Method::POST)
}

/// True for the demo's endpoints: a 401 there asks for name and password.
pub fn is_demo(path: &str) -> bool {
    DEMO.contains(&path)
}

/// What a token must hold for a request.
pub fn scopes_needed(method: &Method, path: &str, upgrade: bool) -> Scopes {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    // Who attaches to a shell types in it.
    let types = path.ends_with("/attach") || (upgrade && !path.starts_with("/live"));
    let admin = path.starts_with("/api/v1/admin/") || path.starts_with("/live/");
    Scopes {
        read: reads && !types,
        write: !reads || types,
        admin,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(method: Method, path: &str, value: &str) -> Option<Credential> {
        let value = HeaderValue::from_str(value).unwrap();
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value)]);
        credential_read(&method, path, &headers)
    }

    #[test]
    fn tokens_are_taken_by_the_api_and_not_by_pages() {
        for path in [
            "/api/v1/vms",
            "/live",
            "/live/logs",
            "/shells/x/attach",
            "/create_vm",
        ] {
            let given = read(Method::GET, path, "Bearer mct_x");
            assert!(matches!(given, Some(Credential::Bearer(_))), "{path}");
        }
        for path in [
            "/",
            "/account",
            "/api/vm_create",
            "/metrics",
            "/api/v1",
            "/livery",
        ] {
            assert!(read(Method::GET, path, "Bearer mct_x").is_none(), "{path}");
        }
    }

    #[test]
    fn name_and_password_are_taken_by_the_demos_endpoints_and_for_a_token() {
        // ann:a:b
        let given = read(Method::POST, "/create_vm", "Basic YW5uOmE6Yg==");
        let Some(Credential::Basic { name, secret }) = given else {
            panic!("{given:?}")
        };
        assert_eq!((name.as_str(), secret.expose()), ("ann", "a:b"));
        let given = read(Method::POST, TOKENS, "basic YW5uOmE6Yg==");
        assert!(matches!(given, Some(Credential::Basic { .. })));
        for (method, path) in [(Method::GET, TOKENS), (Method::POST, "/api/v1/vms")] {
            let given = read(method, path, "Basic YW5uOmE6Yg==");
            assert!(matches!(given, Some(Credential::Unreadable)), "{path}");
        }
    }

    #[test]
    fn what_is_garbled_is_refused_and_not_passed_over() {
        let long = format!("Bearer {}", "x".repeat(HEADER_MAX));
        for value in ["", "Bearer", "Basic !!", "Basic YW5u", "Digest x", &long] {
            let given = read(Method::POST, "/create_vm", value);
            assert!(matches!(given, Some(Credential::Unreadable)), "{value}");
        }
    }

    #[test]
    fn attaching_needs_write_and_what_is_for_admins_needs_admin() {
        let needed = |method, path| scopes_needed(&method, path, false).words();
        assert_eq!(needed(Method::GET, "/api/v1/vms"), "read");
        assert_eq!(needed(Method::POST, "/api/v1/vms"), "write");
        assert_eq!(needed(Method::GET, "/shells/x/attach"), "write");
        assert_eq!(needed(Method::GET, "/api/v1/shells/x/attach"), "write");
        assert_eq!(needed(Method::GET, "/live"), "read");
        assert_eq!(needed(Method::GET, "/live/logs"), "read admin");
        assert_eq!(
            needed(Method::PUT, "/api/v1/admin/users/a/role"),
            "write admin"
        );
    }
}
