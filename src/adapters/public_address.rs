//! Which addresses may be asked for the sake of a name out of the public DNS.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why `address` cannot be that of a public server; `None` where it can.
///
/// Names from outside must not lead into this host or its network: whatever a resolver says, such an address is
/// refused.
#[must_use]
pub(crate) fn not_public(address: IpAddr) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(v4) => not_public_v4(v4),
        IpAddr::V6(v6) => not_public_v6(v6),
    }
}

fn not_public_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [a, b, ..] = address.octets();
    match (a, b) {
        (0, _) => Some("an unspecified address"),
        (127, _) => Some("a loopback address"),
        (10, _) | (172, 16..=31) | (192, 168) => Some("a private address"),
        (100, 64..=127) => Some("an address shared behind a carrier's NAT"),
        (169, 254) => Some("a link-local address"),
        (224..=239, _) => Some("a multicast address"),
        (240..=255, _) => Some("a reserved address"),
        _ => None,
    }
}

fn not_public_v6(address: Ipv6Addr) -> Option<&'static str> {
    let segments = address.segments();
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("an unspecified address"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("a loopback address"),
        [0xfc00..=0xfdff, ..] => Some("a private address"),
        [0xfe80..=0xfebf, ..] => Some("a link-local address"),
        [0xfec0..=0xfeff, ..] => Some("a site-local address"),
        [0xff00..=0xffff, ..] => Some("a multicast address"),
        // IPv4 in other clothes: IPv4-compatible, NAT64, 6to4
        [0, 0, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            not_public_v4(v4_of(high, low))
        }
        [0x2002, high, low, ..] => not_public_v4(v4_of(high, low)),
        _ => None,
    }
}

fn v4_of(high: u16, low: u16) -> Ipv4Addr {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("0.0.0.0", "unspecified")]
    #[case("127.3.2.1", "loopback")]
    #[case("10.0.0.1", "private")]
    #[case("172.16.0.1", "private")]
    #[case("192.168.1.1", "private")]
    #[case("100.64.0.1", "NAT")]
    #[case("169.254.169.254", "link-local")]
    #[case("224.0.0.251", "multicast")]
    #[case("255.255.255.255", "reserved")]
    #[case("::", "unspecified")]
    #[case("::1", "loopback")]
    #[case("::ffff:127.0.0.1", "loopback")]
    #[case("::10.0.0.1", "private")]
    #[case("64:ff9b::a9fe:a9fe", "link-local")]
    #[case("2002:7f00:1::", "loopback")]
    #[case("fd00::1", "private")]
    #[case("fe80::1", "link-local")]
    #[case("fec0::1", "site-local")]
    #[case("ff02::1", "multicast")]
    fn an_address_of_no_public_server_is_refused(#[case] address: &str, #[case] why: &str) {
        let refused = not_public(address.parse().unwrap()).unwrap();
        assert!(refused.contains(why), "{address}: {refused}");
    }

    #[rstest]
    #[case("192.0.2.7")]
    #[case("151.101.1.195")]
    #[case("172.32.0.1")]
    #[case("100.128.0.1")]
    #[case("2001:db8::7")]
    #[case("2606:4700::1111")]
    #[case("64:ff9b::c000:207")]
    fn an_address_of_a_public_server_is_not(#[case] address: &str) {
        assert_eq!(not_public(address.parse().unwrap()), None);
    }
}
