//! Who may use the control surface: callers on this host who mean this host.
//!
//! A page in a browser on this host can be made to connect here: under a name of its own that resolves to loopback,
//! or across origins. Neither gets an answer. Headers of proxies are not looked at: what counts is the connection.

use std::net::{IpAddr, SocketAddr};

use axum::extract::Request;
use axum::http::{HeaderMap, header};

/// Why a caller gets no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stranger {
    #[error("Only for callers on this host, by a loopback address")]
    Elsewhere,
    #[error("Not for pages of the web")]
    Page,
}

/// Lets callers on this host pass.
///
/// # Errors
/// Why it is none of them.
pub fn check(peer: SocketAddr, request: &Request) -> Result<(), Stranger> {
    let named = request.uri().authority().map(axum::http::uri::Authority::as_str);
    let here = peer.ip().to_canonical().is_loopback()
        && names_this_host(request.headers())
        && named.is_none_or(is_loopback_host);
    if !here {
        return Err(Stranger::Elsewhere);
    }
    if is_of_a_page(request.headers()) { Err(Stranger::Page) } else { Ok(()) }
}

/// One `Host`, and it is this one.
fn names_this_host(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let first = hosts.next().and_then(|host| host.to_str().ok());
    hosts.next().is_none() && first.is_some_and(is_loopback_host)
}

/// Browsers name the page that asks wherever it could do harm, and whether it is one at all.
fn is_of_a_page(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(axum::http::HeaderValue::as_bytes);
    headers.contains_key(header::ORIGIN)
        || site.is_some_and(|site| site != b"none" && site != b"same-origin")
}

fn is_loopback_host(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((name, "")) => (name, None),
            Some((name, port)) => match port.strip_prefix(':') {
                Some(port) => (name, Some(port)),
                None => return false,
            },
            None => return false,
        },
        None => match host.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, None),
        },
    };
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok() && !port.starts_with('+'));
    is_port
        && (name.eq_ignore_ascii_case("localhost")
            || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    const HERE: &str = "127.0.0.1:50000";

    fn judged(peer: &str, uri: &str, headers: &[(&str, &str)]) -> Result<(), Stranger> {
        let mut request = axum::http::Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        check(peer.parse().unwrap(), &request.body(Body::empty()).unwrap())
    }

    #[test]
    fn only_loopback_names_are_loopback_hosts() {
        #[rustfmt::skip]
        let here = ["127.0.0.1:80", "127.9.9.9", "localhost:1", "LOCALHOST", "[::1]:5", "[::1]"];
        for host in here {
            assert!(is_loopback_host(host), "{host}");
        }
        #[rustfmt::skip]
        let elsewhere = [
            "", "evil.example", "127.0.0.1.evil.example:80", "192.0.2.1", "[::2]:1", "localhost.evil",
            "localhost.", "127.0.0.1.nip.io", "0x7f000001", "2130706433", "0177.0.0.1", "127.1", "0.0.0.0",
            "[::ffff:127.0.0.1]", "[::]", "::1", "localhost:80@evil.example", "evil@localhost", "localhost:",
            "localhost:99999", "localhost:80:90", "[::1", "[::1]evil", "[::1]:evil", " localhost", "local host",
        ];
        for host in elsewhere {
            assert!(!is_loopback_host(host), "{host}");
        }
    }

    #[test]
    fn what_counts_is_the_connection_and_the_host_it_names() {
        let host = ("host", "127.0.0.1:1");
        assert_eq!(judged(HERE, "/_local/edges", &[host]), Ok(()));
        assert_eq!(judged("[::1]:1", "/_local/edges", &[("host", "[::1]:1")]), Ok(()));
        assert_eq!(judged("[::ffff:127.0.0.1]:1", "/_local/edges", &[host]), Ok(()));
        let elsewhere = Err(Stranger::Elsewhere);
        assert_eq!(judged("192.0.2.7:1", "/_local/edges", &[host]), elsewhere);
        for proxy in ["x-forwarded-for", "x-real-ip", "forwarded", "x-forwarded-host"] {
            let claim = (proxy, "127.0.0.1");
            assert_eq!(judged("192.0.2.7:1", "/_local/edges", &[host, claim]), elsewhere);
            assert_eq!(judged(HERE, "/_local/edges", &[host, (proxy, "192.0.2.7")]), Ok(()));
            assert_eq!(
                judged(HERE, "/_local/edges", &[("host", "evil.example"), claim]),
                elsewhere
            );
        }
        assert_eq!(judged(HERE, "/_local/edges", &[]), elsewhere, "HTTP/1.0 names no host");
        let two = [host, ("host", "evil.example")];
        assert_eq!(judged(HERE, "/_local/edges", &two), elsewhere);
        assert_eq!(judged(HERE, "http://evil.example/_local/edges", &[host]), elsewhere);
    }

    #[test]
    fn pages_get_no_answer_whatever_their_origin() {
        let host = ("host", "localhost:1");
        for origin in ["https://evil.example", "null", "http://localhost:3000"] {
            let page = judged(HERE, "/_local/reset", &[host, ("origin", origin)]);
            assert_eq!(page, Err(Stranger::Page), "{origin}");
        }
        for (site, answer) in [
            ("cross-site", Err(Stranger::Page)),
            ("same-site", Err(Stranger::Page)),
            ("none", Ok(())), // typed into the address line
        ] {
            assert_eq!(judged(HERE, "/_local/state", &[host, ("sec-fetch-site", site)]), answer);
        }
    }
}
