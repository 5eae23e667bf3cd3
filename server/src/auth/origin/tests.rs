//! Hosts and pages: who may ask for what.

use super::*;

const GET: Method = Method::GET;
const POST: Method = Method::POST;

fn origins() -> Origins {
    let addresses = [
        "https://cloud.example",
        "http://192.168.1.5:5555/",
        "http://127.0.0.1:5555",
        "http://localhost:5555",
        "http://[::1]:5555",
        "http://plain.example:80",
    ];
    Origins::new(&addresses.map(String::from))
}

fn ask(method: &Method, lines: &[(&str, &str)], cookie: bool) -> Result<Host, Refusal> {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(
            HeaderName::try_from(*name).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    origins().check(method, &Uri::from_static("/api/login"), &headers, cookie)
}

#[test]
fn only_configured_hosts_are_answered() {
    for (host, https) in [
        ("cloud.example", true),
        ("CLOUD.example", true),
        ("cloud.example:443", true),
        ("192.168.1.5:5555", false),
        ("localhost:5555", false),
        ("[::1]:5555", false),
        ("plain.example", false),
    ] {
        assert_eq!(
            ask(&GET, &[("host", host)], true).map(|host| host.https),
            Ok(Some(https)),
            "{host}"
        );
    }
    for host in [
        "evil.example",
        "cloud.example.evil.example",
        "cloud.example:80",
        "localhost",
        "localhost:80",
        "192.168.1.5",
        "127.0.0.1:8000",
        "",
        "cloud.example.",
    ] {
        assert_eq!(
            ask(&GET, &[("host", host)], false),
            Err(Refusal::HostForeign),
            "{host}"
        );
    }
    assert_eq!(ask(&GET, &[], false), Err(Refusal::HostMissing));
    let twice = [("host", "cloud.example"), ("host", "evil.example")];
    assert_eq!(ask(&GET, &twice, false), Err(Refusal::HostMissing));
}

#[test]
fn an_absolute_target_must_name_the_same_host() {
    let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("cloud.example"))]);
    let check = |uri| origins().check(&GET, &Uri::from_static(uri), &headers, false);
    assert!(check("http://cloud.example/").is_ok());
    assert_eq!(check("http://evil.example/"), Err(Refusal::HostMissing));
}

/// Host, method, upgrade, Origin, Sec-Fetch-Site, cookie, what comes of it.
#[test]
fn the_matrix_of_origins() {
    use Refusal::{OriginForeign as Foreign, OriginMissing as Missing};
    let cloud = "https://cloud.example";
    type Case<'a> = (
        &'a Method,
        bool,
        Option<&'a str>,
        Option<&'a str>,
        bool,
        Result<(), Refusal>,
    );
    let cases: &[Case<'_>] = &[
        // Reading is free: links from elsewhere must work.
        (&GET, false, None, Some("cross-site"), true, Ok(())),
        (
            &GET,
            false,
            Some("https://evil.example"),
            Some("cross-site"),
            true,
            Ok(()),
        ),
        // One's own pages.
        (&POST, false, Some(cloud), Some("same-origin"), true, Ok(())),
        (&POST, false, Some(cloud), None, true, Ok(())),
        (
            &POST,
            false,
            Some("https://CLOUD.example:443"),
            None,
            true,
            Ok(()),
        ),
        (&GET, true, Some(cloud), None, true, Ok(())),
        // Other sites', with and without a cookie.
        (
            &POST,
            false,
            Some("https://evil.example"),
            None,
            true,
            Err(Foreign),
        ),
        (
            &POST,
            false,
            Some("https://evil.example"),
            None,
            false,
            Err(Foreign),
        ),
        (
            &POST,
            false,
            Some("https://cloud.example.evil.example"),
            None,
            true,
            Err(Foreign),
        ),
        (
            &POST,
            false,
            Some("https://evil.example/https://cloud.example"),
            None,
            true,
            Err(Foreign),
        ),
        (
            &POST,
            false,
            Some("http://cloud.example"),
            None,
            true,
            Err(Foreign),
        ),
        (
            &POST,
            false,
            Some("https://cloud.example:8443"),
            None,
            true,
            Err(Foreign),
        ),
        (
            &POST,
            false,
            Some("http://localhost:5555"),
            None,
            true,
            Err(Foreign),
        ),
        (&POST, false, Some("null"), None, true, Err(Foreign)),
        (
            &POST,
            false,
            Some("null"),
            Some("same-origin"),
            true,
            Err(Foreign),
        ),
        (&POST, false, Some(""), None, false, Err(Foreign)),
        (
            &POST,
            false,
            Some(cloud),
            Some("cross-site"),
            true,
            Err(Foreign),
        ),
        (
            &GET,
            true,
            Some("https://evil.example"),
            None,
            true,
            Err(Foreign),
        ),
        (
            &GET,
            true,
            Some("https://evil.example"),
            None,
            false,
            Err(Foreign),
        ),
        (
            &Method::HEAD,
            true,
            Some("https://evil.example"),
            None,
            true,
            Err(Foreign),
        ),
        (
            &Method::DELETE,
            false,
            Some("https://evil.example"),
            None,
            true,
            Err(Foreign),
        ),
        (
            &Method::OPTIONS,
            false,
            Some("https://evil.example"),
            None,
            false,
            Err(Foreign),
        ),
        // Nobody says.
        (&POST, false, None, None, true, Err(Missing)),
        (&POST, false, None, Some("same-site"), true, Err(Missing)),
        (&POST, false, None, Some("same-site"), false, Err(Missing)),
        (&POST, false, None, Some("cross-site"), false, Err(Foreign)),
        (&POST, false, None, Some("same-origin"), true, Ok(())),
        (&POST, false, None, Some("none"), true, Ok(())),
        (&POST, false, None, None, false, Ok(())),
        (&GET, true, None, None, true, Err(Missing)),
        (&GET, true, None, None, false, Ok(())),
    ];
    for (method, upgrade, origin, site, cookie, wanted) in cases {
        let mut lines = vec![("host", "cloud.example")];
        lines.extend(upgrade.then_some(("upgrade", "websocket")));
        lines.extend(origin.map(|origin| ("origin", origin)));
        lines.extend(site.map(|site| ("sec-fetch-site", site)));
        assert_eq!(
            ask(method, &lines, *cookie).map(drop),
            *wanted,
            "{method} {lines:?} cookie: {cookie}"
        );
    }
}

#[test]
fn two_origin_headers_are_one_too_many() {
    let lines = [
        ("host", "cloud.example"),
        ("origin", "https://cloud.example"),
        ("origin", "https://cloud.example"),
    ];
    assert_eq!(ask(&POST, &lines, true), Err(Refusal::OriginForeign));
}
