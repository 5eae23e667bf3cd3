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
    /// The Host header in lower case, with the port if it had one.
    pub name: String,
    /// Whether people reach this host by https; None where it is reached by both.
    pub https: Option<bool>,
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Also where the address in the request line is of another host than the header.
    #[error("The request names no host, or several.")]
    HostMissing,
    /// None of the configured addresses: a name that somebody else pointed here, or a forgotten
    /// `--public-url`.
    #[error(
        "This MiniCloud does not answer to that name. Use its address; an admin can add this one with --public-url."
    )]
    HostForeign,
    /// Sec-Fetch-Site or Origin name another site.
    #[error("The request was made by a page of another site. Open MiniCloud itself and try again.")]
    OriginForeign,
    /// A login cookie came along, and neither header tells whose page sent it.
    #[error(
        "The request does not say which page made it. Open MiniCloud in a current browser and try again."
    )]
    OriginMissing,
}

impl Refusal {
    /// Stable, for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::HostMissing => "host_missing",
            Self::HostForeign => "host_foreign",
            Self::OriginForeign => "origin_foreign",
            Self::OriginMissing => "origin_missing",
        }
    }

    /// The HTTP status: 400, 403, or 421 for a host that is not ours.
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
    pub fn host(&self, uri: &Uri, headers: &HeaderMap) -> Result<Host, Refusal> {
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

/// True where a page of another site may have led a browser here, by a link, say. Browsers tell that to addresses with
/// https and to this machine's alone; elsewhere only a page of ours tells that it was it. What changes something has
/// been asked whose page it is by [`Origins::check`].
pub fn is_led_here(method: &Method, headers: &HeaderMap) -> bool {
    if changes_something(method, headers) {
        return false;
    }
    match headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes) {
        Some(site) => !matches!(site, b"same-origin" | b"none"),
        None => !is_referred_by_own(headers),
    }
}

/// Whether the page that led here is of the host that is asked.
fn is_referred_by_own(headers: &HeaderMap) -> bool {
    let referer = only(headers, &header::REFERER).and_then(|page| page.parse::<Uri>().ok());
    let host = only(headers, &header::HOST);
    let by = referer.as_ref().and_then(Uri::authority);
    by.zip(host)
        .is_some_and(|(by, host)| by.as_str().eq_ignore_ascii_case(host))
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
mod tests;
