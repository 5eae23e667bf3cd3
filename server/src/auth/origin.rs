//! Which site a request was made for, and by which site's page: the guard against foreign pages
//! (CSRF), foreign names (DNS rebinding) and foreign sockets.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};

/// The addresses this server answers to.
#[derive(Clone, Debug)]
pub struct Origins(Vec<Origin>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    https: bool,
    /// Name or address, lower case, with the port unless it is the scheme's own.
    host: String,
}

/// A request that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    pub name: String,
    /// Whether people reach this host by https; None where it is reached by both.
    pub https: Option<bool>,
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("The request names no host, or several.")]
    HostMissing,
    #[error(
        "This MiniCloud does not answer to that name. Use its address; an admin can add this one with --public-url."
    )]
    HostForeign,
    #[error("The request was made by a page of another site. Open MiniCloud itself and try again.")]
    OriginForeign,
    #[error(
        "The request does not say which page made it. Open MiniCloud in a current browser and try again."
    )]
    OriginMissing,
}

impl Refusal {
    pub fn status(self) -> u16 {
        match self {
            Self::HostMissing => 400,
            Self::HostForeign => 421,
            Self::OriginForeign | Self::OriginMissing => 403,
        }
    }
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

impl Origins {
    /// From addresses such as `https://cloud.example`. What is none is left out.
    pub fn new(addresses: &[String]) -> Self {
        Self(
            addresses
                .iter()
                .filter_map(|address| Origin::parse(address))
                .collect(),
        )
    }

    /// Lets a request pass, or says why not. `cookie`: it carries a login cookie.
    pub fn check(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        cookie: bool,
    ) -> Result<Host, Refusal> {
        let host = self.host(uri, headers)?;
        if changes_something(method, headers) {
            self.page(&host.name, headers, cookie)?;
        }
        Ok(host)
    }

    /// The host that was asked for, if it is one of ours.
    fn host(&self, uri: &Uri, headers: &HeaderMap) -> Result<Host, Refusal> {
        let name = only(headers, &header::HOST)
            .ok_or(Refusal::HostMissing)?
            .to_ascii_lowercase();
        if uri
            .authority()
            .is_some_and(|authority| !authority.as_str().eq_ignore_ascii_case(&name))
        {
            return Err(Refusal::HostMissing);
        }
        let schemes: Vec<bool> = self.of(&name).map(|origin| origin.https).collect();
        let first = *schemes.first().ok_or(Refusal::HostForeign)?;
        let https = schemes.iter().all(|other| *other == first).then_some(first);
        Ok(Host { name, https })
    }

    /// Whether the page that made the request is one of ours at the same host.
    fn page(&self, host: &str, headers: &HeaderMap, cookie: bool) -> Result<(), Refusal> {
        let site = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
        if site == Some(b"cross-site") {
            return Err(Refusal::OriginForeign);
        }
        if headers.contains_key(header::ORIGIN) {
            let origin = only(headers, &header::ORIGIN).and_then(Origin::parse);
            let ours = origin.is_some_and(|origin| self.of(host).any(|own| *own == origin));
            return if ours {
                Ok(())
            } else {
                Err(Refusal::OriginForeign)
            };
        }
        match site {
            Some(b"same-origin" | b"none") => Ok(()),
            // A program, not a browser: nobody lent it a cookie unasked.
            None if !cookie => Ok(()),
            _ => Err(Refusal::OriginMissing),
        }
    }

    fn of<'a>(&'a self, host: &'a str) -> impl Iterator<Item = &'a Origin> {
        let without_port = |https: bool| {
            host.strip_suffix(if https { ":443" } else { ":80" })
                .unwrap_or(host)
        };
        self.0
            .iter()
            .filter(move |origin| origin.host == without_port(origin.https))
    }
}

impl Origin {
    /// Reads `scheme://host[:port]`; anything more is no origin.
    fn parse(text: &str) -> Option<Self> {
        let (scheme, host) = text.trim_end_matches('/').split_once("://")?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let host = host.to_ascii_lowercase();
        let own_port = if https { ":443" } else { ":80" };
        let host = host.strip_suffix(own_port).unwrap_or(&host).to_owned();
        let plain = !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ', ',']);
        plain.then_some(Self { https, host })
    }
}

/// Everything but reading, and every socket.
fn changes_something(method: &Method, headers: &HeaderMap) -> bool {
    !matches!(*method, Method::GET | Method::HEAD) || is_upgrade(headers)
}

/// True for the start of a WebSocket, or of whatever else would leave HTTP.
pub fn is_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(header::UPGRADE)
}

/// The value of a header that must be there exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
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
        let headers =
            HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("cloud.example"))]);
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
}
