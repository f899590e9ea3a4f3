//! Addresses of remote files that the local cloud may read: plain HTTP on this host, and nothing else.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Where a remote file lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Always a loopback address.
    pub address: SocketAddr,
    /// As written, for the `Host` header.
    pub authority: String,
    /// Path and query.
    pub target: String,
}

impl Remote {
    /// Reads `http://127.0.0.1:P/…` and its like; `None` for every other host and scheme.
    #[must_use]
    pub fn on_this_host(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        if !scheme.eq_ignore_ascii_case("http") {
            return None;
        }
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
            _ => (authority, 80),
        };
        let name = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let ip = if name.eq_ignore_ascii_case("localhost") {
            IpAddr::V4(Ipv4Addr::LOCALHOST)
        } else {
            name.parse::<IpAddr>().ok()?.to_canonical()
        };
        let target = match target {
            "" => "/".to_owned(),
            query if query.starts_with('?') => format!("/{query}"),
            target => target.to_owned(),
        };
        let address = SocketAddr::new(ip, port);
        ip.is_loopback().then(|| Self { address, authority: authority.to_owned(), target })
    }

    /// Where a redirect from here leads to; `None` where that is not on this host.
    #[must_use]
    pub fn redirected(&self, location: &str) -> Option<Self> {
        if location.starts_with('/') && !location.starts_with("//") {
            return Some(Self { target: location.to_owned(), ..self.clone() });
        }
        Self::on_this_host(location)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_on_this_host_is_read() {
        let address =
            |url: &str| Remote::on_this_host(url).map(|r| (r.address.to_string(), r.target));
        let some = |address: &str, target: &str| Some((address.to_owned(), target.to_owned()));
        assert_eq!(address("http://127.0.0.1:8000/a?b=1#c"), some("127.0.0.1:8000", "/a?b=1"));
        assert_eq!(address("HTTP://LocalHost/a"), some("127.0.0.1:80", "/a"));
        assert_eq!(address("http://[::1]:9?x"), some("[::1]:9", "/?x"));
        assert_eq!(address("http://127.9.9.9"), some("127.9.9.9:80", "/"));
        for elsewhere in [
            "https://127.0.0.1/a",
            "http://example.com/a",
            "http://127.0.0.1.example.com/a",
            "http://user@127.0.0.1/a",
            "http://0.0.0.0/a",
            "http://192.168.0.1/a",
            "http://127.0.0.1:x/a",
            "ftp://127.0.0.1/a",
            "http://",
            "",
        ] {
            assert_eq!(address(elsewhere), None, "{elsewhere}");
        }
    }

    #[test]
    fn redirects_stay_on_this_host() {
        let here = Remote::on_this_host("http://localhost:8000/a").unwrap();
        assert_eq!(here.redirected("/b").unwrap().target, "/b");
        assert_eq!(here.redirected("http://127.0.0.1:1/c").unwrap().address.port(), 1);
        assert_eq!(here.redirected("http://example.com/c"), None);
        assert_eq!(here.redirected("//example.com/c"), None);
        assert_eq!(here.redirected("c"), None);
    }
}
