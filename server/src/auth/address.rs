//! Where a request really comes from: the peer, or what proxies that are trusted say of it.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, header};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Headers that only a proxy sets. Whoever adds one merely loses rights by it.
const FORWARDING: [HeaderName; 8] = [
    header::FORWARDED,
    header::VIA,
    X_FORWARDED_FOR,
    X_FORWARDED_PROTO,
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-server"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("cf-connecting-ip"),
];

/// The client's address. Read from the right: each entry was added by the proxy after it, and the
/// first that is no trusted proxy is the client; what stands left of it anybody could have made up.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|proxy| proxy.to_canonical() == address);
    let mut address = peer.to_canonical();
    let said: Vec<&str> = headers
        .get_all(X_FORWARDED_FOR)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .collect();
    for entry in said.into_iter().rev() {
        if !is_trusted(address) {
            break;
        }
        let Some(next) = address_parse(entry.trim()) else {
            break;
        };
        address = next;
    }
    address
}

/// True when any header says that the request was passed on.
pub fn is_forwarded(headers: &HeaderMap) -> bool {
    FORWARDING.iter().any(|name| headers.contains_key(name))
}

/// What a trusted proxy says about https; None where none speaks.
pub fn forwarded_https(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> Option<bool> {
    let peer = peer.to_canonical();
    if !trusted.iter().any(|proxy| proxy.to_canonical() == peer) {
        return None;
    }
    let proto = headers.get(X_FORWARDED_PROTO)?.to_str().ok()?;
    Some(
        proto
            .rsplit(',')
            .next()?
            .trim()
            .eq_ignore_ascii_case("https"),
    )
}

/// An address, with a port or without.
fn address_parse(text: &str) -> Option<IpAddr> {
    let address = text
        .parse()
        .or_else(|_| text.parse::<SocketAddr>().map(|at| at.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client(peer: &str, lines: &[&'static str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_static(line));
        }
        let trusted: Vec<IpAddr> = trusted.iter().map(|proxy| proxy.parse().unwrap()).collect();
        client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_stranger_cannot_choose_an_address() {
        assert_eq!(client("203.0.113.9", &["127.0.0.1"], &[]), "203.0.113.9");
        assert_eq!(
            client("203.0.113.9", &["127.0.0.1"], &["10.0.0.1"]),
            "203.0.113.9"
        );
        assert_eq!(client("127.0.0.1", &["203.0.113.9"], &[]), "127.0.0.1");
    }

    #[test]
    fn behind_trusted_proxies_the_last_untrusted_address_is_the_clients() {
        let trusted = ["10.0.0.1", "10.0.0.2"];
        assert_eq!(
            client("10.0.0.1", &["203.0.113.9"], &trusted),
            "203.0.113.9"
        );
        assert_eq!(
            client("10.0.0.1", &["1.1.1.1, 203.0.113.9, 10.0.0.2"], &trusted),
            "203.0.113.9"
        );
        assert_eq!(
            client("10.0.0.1", &["1.1.1.1", "203.0.113.9"], &trusted),
            "203.0.113.9"
        );
        assert_eq!(
            client("10.0.0.1", &["203.0.113.9:4711"], &trusted),
            "203.0.113.9"
        );
        assert_eq!(
            client("10.0.0.1", &["[2001:db8::1]:4711"], &trusted),
            "2001:db8::1"
        );
        assert_eq!(client("10.0.0.1", &[], &trusted), "10.0.0.1");
        assert_eq!(
            client("10.0.0.1", &["127.0.0.1, unknown"], &trusted),
            "10.0.0.1"
        );
        assert_eq!(
            client("::ffff:10.0.0.1", &["203.0.113.9"], &trusted),
            "203.0.113.9"
        );
    }

    #[test]
    fn https_is_believed_of_trusted_proxies_only() {
        let headers =
            HeaderMap::from_iter([(X_FORWARDED_PROTO, HeaderValue::from_static("https"))]);
        let proxy = IpAddr::from([10, 0, 0, 1]);
        assert_eq!(forwarded_https(proxy, &headers, &[proxy]), Some(true));
        assert_eq!(forwarded_https(proxy, &headers, &[]), None);
        assert!(is_forwarded(&headers) && !is_forwarded(&HeaderMap::new()));
    }
}
