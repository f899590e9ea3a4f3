//! Places: one cache as seen from one vantage point.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// Stable name of a place within one watch, e.g. `FRA` or `FRA@192.0.2.7`; safe to print.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PlaceId(pub String);

impl fmt::Display for PlaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
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
    /// Where we look from; `here` is this host.
    pub vantage: String,
    /// The one address this place is probed at; the answer must come from it.
    pub address: SocketAddr,
    /// Whether to speak TLS to it.
    pub tls: bool,
    /// Delivery host to send as `Host` and SNI, e.g. `res.cloudinary.com`.
    pub host: String,
}
