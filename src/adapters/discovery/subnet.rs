//! Whom we ask, and for whose sake.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// Longest prefixes that public resolvers take (facts: edges, "EDNS Client Subnet"); more would tell of a host.
const LONGEST_V4: u8 = 24;
const LONGEST_V6: u8 = 56;
/// Longest name of a resolver or subnet.
const MAX_NAME: usize = 40;

/// A resolver of the profile.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Resolver {
    /// As the operator calls it.
    pub name: String,
    pub address: SocketAddr,
}

/// Why a text names no resolver.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a resolver is an address like 192.0.2.53, [2001:db8::53]:53 or 192.0.2.53:5353")]
pub struct BadResolver;

impl Resolver {
    #[must_use]
    pub fn new(name: &str, address: SocketAddr) -> Self {
        Self { name: name_of(name), address }
    }

    /// Reads `address`, with or without a port (53).
    ///
    /// # Errors
    /// No address.
    pub fn parse(name: &str, address: &str) -> Result<Self, BadResolver> {
        let bare = address.trim_start_matches('[').trim_end_matches(']');
        let with_port = address.parse().or_else(|_| bare.parse().map(|ip| SocketAddr::new(ip, 53)));
        with_port.map(|address| Self::new(name, address)).map_err(|_| BadResolver)
    }
}

/// A named network, for whose sake a resolver is asked: the bits beyond its prefix are zero, as they must be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subnet {
    name: String,
    network: IpAddr,
    prefix: u8,
}

/// Why a text names no subnet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSubnet {
    #[error("a subnet is a network like 198.51.100.0/24 or 2001:db8:7::/48")]
    Form,
    #[error(
        "a prefix of {prefix} bits tells more than resolvers take: at most /{LONGEST_V4} for IPv4, /{LONGEST_V6} for IPv6"
    )]
    TooLong { prefix: u8 },
}

impl Subnet {
    /// Zeroes the bits of `network` beyond `prefix`.
    ///
    /// # Errors
    /// [`BadSubnet::TooLong`].
    pub fn new(name: &str, network: IpAddr, prefix: u8) -> Result<Self, BadSubnet> {
        let network = network.to_canonical();
        let longest = if network.is_ipv4() { LONGEST_V4 } else { LONGEST_V6 };
        if prefix > longest {
            return Err(BadSubnet::TooLong { prefix });
        }
        Ok(Self { name: name_of(name), network: masked(network, prefix), prefix })
    }

    /// Reads `network/prefix`.
    ///
    /// # Errors
    /// The first rule that the text breaks.
    pub fn parse(name: &str, text: &str) -> Result<Self, BadSubnet> {
        let (network, prefix) = text.split_once('/').ok_or(BadSubnet::Form)?;
        let network: IpAddr = network.parse().map_err(|_| BadSubnet::Form)?;
        Self::new(name, network, prefix.parse().map_err(|_| BadSubnet::Form)?)
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub const fn network(&self) -> IpAddr {
        self.network
    }

    /// Length of the prefix in bits.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }
}

impl FromStr for Subnet {
    type Err = BadSubnet;

    /// A network that is its own name.
    fn from_str(text: &str) -> Result<Self, BadSubnet> {
        Self::parse(text, text)
    }
}

impl fmt::Display for Subnet {
    /// `Tokyo (198.51.100.0/24)`, or the network alone where it has no other name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let network = format!("{}/{}", self.network, self.prefix);
        if self.name.is_empty() || self.name == network {
            f.write_str(&network)
        } else {
            write!(f, "{} ({network})", self.name)
        }
    }
}

fn name_of(name: &str) -> String {
    crate::domain::text::clean(name.trim()).chars().take(MAX_NAME).collect()
}

fn masked(network: IpAddr, prefix: u8) -> IpAddr {
    match network {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & mask).into()
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("198.51.100.77/24", "198.51.100.0/24")]
    #[case("203.0.113.255/20", "203.0.112.0/20")]
    #[case("255.255.255.255/0", "0.0.0.0/0")]
    #[case("2001:db8:7:ff::1/48", "2001:db8:7::/48")]
    #[case("2001:db8:7:12ff::1/56", "2001:db8:7:1200::/56")]
    #[case("::ffff:198.51.100.77/24", "198.51.100.0/24")]
    fn bits_beyond_the_prefix_are_zero(#[case] raw: &str, #[case] network: &str) {
        let subnet = Subnet::parse("", raw).unwrap();
        assert_eq!(subnet.to_string(), network);
    }

    #[test]
    fn a_name_stands_in_front() {
        let subnet = Subnet::parse("To\u{1b}kyo", "198.51.100.0/24").unwrap();
        assert_eq!(subnet.to_string(), "To\u{fffd}kyo (198.51.100.0/24)");
    }

    #[rstest]
    #[case("198.51.100.0", BadSubnet::Form)]
    #[case("Tokyo/24", BadSubnet::Form)]
    #[case("198.51.100.0/x", BadSubnet::Form)]
    #[case("198.51.100.0/25", BadSubnet::TooLong { prefix: 25 })]
    #[case("2001:db8::/64", BadSubnet::TooLong { prefix: 64 })]
    fn no_subnet(#[case] raw: &str, #[case] why: BadSubnet) {
        assert_eq!(raw.parse::<Subnet>(), Err(why));
    }

    #[rstest]
    #[case("192.0.2.53", "192.0.2.53:53")]
    #[case("192.0.2.53:5353", "192.0.2.53:5353")]
    #[case("2001:db8::53", "[2001:db8::53]:53")]
    #[case("[2001:db8::53]", "[2001:db8::53]:53")]
    #[case("[2001:db8::53]:5353", "[2001:db8::53]:5353")]
    fn a_resolver_has_a_port(#[case] raw: &str, #[case] address: &str) {
        assert_eq!(Resolver::parse("r", raw).unwrap().address.to_string(), address);
    }

    #[test]
    fn a_name_is_no_resolver() {
        assert_eq!(Resolver::parse("r", "dns.example"), Err(BadResolver));
    }
}
