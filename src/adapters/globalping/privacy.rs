//! What no third party is shown: hosts that are not public, and URLs that grant access by themselves.
//!
//! In doubt it is not sent. A path is read in every way it can be read, as written and unescaped, with and without
//! the cloud's name in front, and one reading that is not for everybody is enough.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::secrets::{grants_access, is_secret_segment, is_signature, unescaped};

/// Why a URL is kept from third parties, in words for the operator; `None`: its host is public and it grants access
/// to nothing. Whoever plans a watch asks here, so that such a URL has no cells at places that would never answer.
#[must_use]
pub fn kept_from_third_parties(host: &str, path: &str) -> Option<String> {
    host_refusal(host).map(str::to_owned).or_else(|| path_refusal(path)).or_else(|| {
        (!is_sent_as_written(host, path))
            .then(|| "its probes cannot send this path as it is".to_owned())
    })
}

/// Ends of names that mean nothing outside (RFC 6761, 6762, 7686, 8375, and what companies use).
const NOT_PUBLIC: &[&str] = &[
    "arpa",
    "corp",
    "example",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "onion",
    "private",
    "test",
];

/// Why a host cannot be looked at by a public network; `None`: it can.
#[must_use]
pub(in crate::adapters) fn host_refusal(host: &str) -> Option<&'static str> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return (!is_public(address)).then_some("its address is not a public one");
    }
    if host.contains(':') {
        return Some("only hosts without a port of their own can be looked at");
    }
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if name.len() > 253 || !name.split('.').all(is_label) {
        return Some("this is no host name");
    }
    match name.rsplit_once('.') {
        None => Some("a name without a dot means something on this network alone"),
        Some((_, last)) if NOT_PUBLIC.contains(&last) => Some("its name is not a public one"),
        // `127.1`, `0x7f.1`: a resolver takes these for addresses
        Some((_, last)) if last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x") => {
            Some("this is no host name")
        }
        Some(_) => None,
    }
}

/// Whether an address can be reached, and means the same, from everywhere.
#[must_use]
pub(in crate::adapters) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

const fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && b & 0xc0 == 64; // RFC 6598
    let protocol = a == 192 && b == 0 && c == 0; // RFC 6890
    let benchmark = a == 198 && b & 0xfe == 18; // RFC 2544
    !(a == 0
        || a >= 224
        || shared
        || protocol
        || benchmark
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local())
}

const fn is_public_v6(address: Ipv6Addr) -> bool {
    let first = address.segments()[0];
    first & 0xe000 == 0x2000 // global unicast, RFC 4291
        && first != 0x2002 // 6to4 wraps any IPv4 address
}

/// Why a path with its query is not sent to a third party; `None`: it may be.
#[must_use]
fn path_refusal(path: &str) -> Option<String> {
    let unescaped = unescaped(path);
    let readings = [path, &*unescaped];
    readings.into_iter().find_map(refusal_of)
}

fn refusal_of(path: &str) -> Option<String> {
    let (path_only, query) = path.split_once('?').unwrap_or((path, ""));
    if path_only.split('/').any(is_signature) {
        return Some("the URL is signed, and whoever sees it can use it".to_owned());
    }
    if is_restricted(path) || is_restricted(&format!("/cloud{path}")) {
        return Some("what the URL delivers is private".to_owned());
    }
    if path_only.split('/').any(is_secret_segment) || has_user(path) {
        return Some("the URL carries a token".to_owned());
    }
    let name = query.split(['&', ';', '?']).map(|pair| pair.split('=').next().unwrap_or_default());
    name.into_iter()
        .find(|name| grants_access(name))
        .map(|name| format!("the query parameter `{}` may grant access", super::error::shown(name)))
}

fn is_restricted(path: &str) -> bool {
    DeliveryUrl::readings(path, None)
        .is_ok_and(|readings| readings.iter().any(DeliveryUrl::is_restricted))
}

/// A user before the host of a fetched file: `…/fetch/https://user:password@host/…`.
fn has_user(path: &str) -> bool {
    path.match_indices(":/").any(|(at, _)| {
        let authority = path[at + 1..].trim_start_matches('/');
        authority.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
    })
}

/// Whether a client library that parses URLs sends this path and query byte for byte: another spelling would be
/// another cache key.
fn is_sent_as_written(host: &str, path: &str) -> bool {
    let Ok(url) = Url::parse(&format!("https://{host}{path}")) else { return false };
    let query = path.split_once('?').map(|(_, query)| query);
    let sent = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let same = path.starts_with('/') && !path.starts_with("//") && sent == path;
    // an empty query and a second `?` are dropped on the way
    let plain_query = query.is_none_or(|query| !query.is_empty() && !query.starts_with('?'));
    same && plain_query && url.fragment().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("res.cloudinary.com", true)]
    #[case("Media.Acme.com.", true)]
    #[case("203.0.114.7", true)]
    #[case("[2606:4700::1111]", true)]
    #[case("localhost", false)]
    #[case("127.0.0.1", false)]
    #[case("[::1]", false)]
    #[case("[::ffff:10.0.0.1]", false)]
    #[case("10.1.2.3", false)]
    #[case("172.16.0.1", false)]
    #[case("192.168.1.1", false)]
    #[case("169.254.169.254", false)]
    #[case("100.64.0.1", false)]
    #[case("0.0.0.0", false)]
    #[case("255.255.255.255", false)]
    #[case("[fe80::1]", false)]
    #[case("[fd00::1]", false)]
    #[case("[2002:7f00:1::]", false)]
    #[case("127.1", false)]
    #[case("1.0x7f", false)]
    #[case("media", false)]
    #[case("media.corp", false)]
    #[case("media.LOCAL", false)]
    #[case("app.home.arpa", false)]
    #[case("res.cloudinary.com:8443", false)]
    #[case("a b.com", false)]
    #[case("a..com", false)]
    #[case("", false)]
    fn only_public_hosts_can_be_looked_at(#[case] host: &str, #[case] public: bool) {
        assert_eq!(host_refusal(host).is_none(), public, "{:?}", host_refusal(host));
    }

    #[rstest]
    #[case::plain("/demo/image/upload/v1/press/hero.jpg", true)]
    #[case::query("/demo/image/upload/hero.jpg?x=1&dl=hero", true)]
    #[case::folder_of_that_name("/demo/private/hero.jpg", true)]
    #[case::own_host("/image/upload/hero.jpg", true)]
    #[case::anything("/wp-content/uploads/hero.jpg", true)]
    #[case::signed("/demo/image/upload/s--AbCd1234--/hero.jpg", false)]
    #[case::signed_oddly("/demo/image/upload/s--Ab%63d1234--/hero.jpg", false)]
    #[case::long_signature("/image/upload/s--0123456789abcdef0123456789abcdef--/v1/a.jpg", false)]
    #[case::short_signature("/x/s--1--/a.jpg", false)]
    #[case::private("/demo/image/private/hero.jpg", false)]
    #[case::private_own_host("/image/private/hero.jpg", false)]
    #[case::private_escaped("/demo/image/%70rivate/hero.jpg", false)]
    #[case::private_escaped_twice("/demo/image/%2570rivate/hero.jpg", false)]
    #[case::authenticated("/demo/video/authenticated/v3/tour.mp4", false)]
    #[case::seo("/demo/private_images/hero/press.jpg", false)]
    #[case::seo_own_host("/authenticated_images/hero/press.jpg", false)]
    #[case::token("/demo/image/upload/hero.jpg?__cld_token__=exp=1~hmac=2", false)]
    #[case::token_escaped("/demo/image/upload/hero.jpg%3F__cld_token__=x", false)]
    #[case::amazon("/a.jpg?X-Amz-Credential=a", false)]
    #[case::cloudfront("/a.jpg?x=1&Key-Pair-Id=a", false)]
    #[case::akamai("/exp=1700000000~acl=/*~hmac=ab/a.jpg", false)]
    #[case::jwt("/a.jpg?jwt=x", false)]
    #[case::fetch("/demo/image/fetch/https://media.acme.com/a.jpg", true)]
    #[case::fetch_with_user("/demo/image/fetch/https://me:pw@media.acme.com/a.jpg", false)]
    #[case::fetch_escaped("/demo/image/fetch/https%3A%2F%2Fa.com%2Fb%3Fsignature%3D1", false)]
    fn urls_that_grant_access_are_withheld(#[case] path: &str, #[case] may: bool) {
        assert_eq!(path_refusal(path).is_none(), may, "{:?}", path_refusal(path));
    }

    #[rstest]
    #[case("/demo/a%20b%2Fc/(d)'~!;=@,.jpg?x=1&y=%26", true)]
    #[case("/a", true)]
    #[case("//a", false)]
    #[case("/a/../b", false)]
    #[case("/a/%2e%2e/b", false)]
    #[case("/a b", false)]
    #[case("/a\\b", false)]
    #[case("/é", false)]
    #[case("/a?", false)]
    #[case("/a??x", false)]
    #[case("/a?'", false)]
    #[case("/a#b", false)]
    #[case("/a?x#b", false)]
    #[case("/a\tb", false)]
    #[case("a", false)]
    #[case("", false)]
    fn what_would_be_sent_otherwise_is_not_sent(#[case] path: &str, #[case] same: bool) {
        assert_eq!(is_sent_as_written("res.cloudinary.com", path), same);
    }

    proptest! {
        #[test]
        fn any_text_has_an_answer(text in "\\PC{0,60}") {
            let _ = (host_refusal(&text), kept_from_third_parties("a.com", &text));
        }

        #[test]
        fn a_private_url_is_withheld_however_it_is_escaped(escaped in proptest::collection::vec(any::<bool>(), 13)) {
            let path: String = "authenticated".chars().zip(escaped).map(|(c, escaped)| {
                if escaped { format!("%{:02x}", u32::from(c)) } else { c.to_string() }
            }).collect();
            let refusal = path_refusal(&format!("/demo/image/{path}/hero.jpg"));
            prop_assert!(refusal.is_some());
        }
    }
}
