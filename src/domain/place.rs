//! Places: one cache as seen from one vantage point.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Stable name of a place within one watch, e.g. `FRA` or `FRA@192.0.2.7`; safe to print.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PlaceId(pub String);

impl fmt::Display for PlaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where we look from: the vantage point of a place.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Vantage {
    /// This host.
    #[default]
    Here,
    /// Another host of the operator's, reached as `ssh HOST`.
    Ssh(String),
    /// Another member of the team, by the name of the place that it looks from.
    Worker(String),
    /// A probe of the Globalping network, by the location it was asked for.
    Globalping(String),
}

impl Vantage {
    /// Whether somebody else looks for us, who would see the URLs.
    #[must_use]
    pub const fn is_third_party(&self) -> bool {
        matches!(self, Self::Globalping(_))
    }

    /// Whether URLs that grant access are kept from it: somebody else would see them, or they would be written to the
    /// journal on their way.
    #[must_use]
    pub const fn is_for_public_urls(&self) -> bool {
        matches!(self, Self::Globalping(_) | Self::Worker(_))
    }
}

impl fmt::Display for Vantage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Here => f.write_str("here"),
            Self::Ssh(host) => write!(f, "ssh:{host}"),
            Self::Worker(name) => write!(f, "worker:{name}"),
            Self::Globalping(location) => write!(f, "globalping:{location}"),
        }
    }
}

impl FromStr for Vantage {
    type Err = Infallible;

    /// Reads what [`fmt::Display`] writes; any other word is this host.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.split_once(':') {
            Some(("ssh", host)) => Self::Ssh(host.to_owned()),
            Some(("worker", name)) => Self::Worker(name.to_owned()),
            Some(("globalping", location)) => Self::Globalping(location.to_owned()),
            _ => Self::Here,
        })
    }
}

impl From<String> for Vantage {
    fn from(text: String) -> Self {
        text.parse().unwrap_or_default()
    }
}

impl From<Vantage> for String {
    fn from(vantage: Vantage) -> Self {
        vantage.to_string()
    }
}

/// What limits of politeness count by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LimitKey {
    /// The address that is asked, from wherever.
    Address(SocketAddr),
    /// A place whose address only its vantage point knows.
    Place(PlaceId),
}

/// One address we look at, and where we look from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub id: PlaceId,
    /// Code of the PoP where known, e.g. `FRA`.
    pub pop: Option<String>,
    pub city: Option<String>,
    /// Who owns the caches behind it; the limits per provider go by this word (`local`, `fastly`, …).
    pub provider: String,
    pub vantage: Vantage,
    /// The one address this place is probed at; the answer must come from it. `None`: the vantage point asks its
    /// own resolver.
    pub address: Option<SocketAddr>,
    /// Whether to speak TLS to it.
    pub tls: bool,
    /// Delivery host to send as `Host` and SNI, e.g. `res.cloudinary.com`.
    pub host: String,
}

impl Place {
    /// What the limit of requests to this place counts by.
    #[must_use]
    pub fn limit_key(&self) -> LimitKey {
        self.address.map_or_else(|| LimitKey::Place(self.id.clone()), LimitKey::Address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vantage_points_are_read_as_they_are_written() {
        for text in [
            "here",
            "ssh:bastion.example",
            "worker:dc-2",
            "globalping:frankfurt+datacenter-network",
        ] {
            assert_eq!(text.parse::<Vantage>().unwrap().to_string(), text);
        }
        assert_eq!("somewhere".parse(), Ok(Vantage::Here));
    }
}
