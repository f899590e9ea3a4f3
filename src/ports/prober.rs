//! The prober: one request to one cache.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;

use crate::domain::place::Vantage;
use crate::domain::sighting::{AcceptVariant, ProbeShape, Sighting};

/// One probe: the connection, the names to send and the path. Built from a place and a delivery URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Where the request leaves from.
    pub vantage: Vantage,
    /// The one address to connect to; an answer from any other peer is an error. `None`: whatever the resolver of
    /// a remote vantage point says.
    pub address: Option<SocketAddr>,
    pub tls: bool,
    /// `Host` header and SNI.
    pub host: String,
    /// Path and query, percent-encoded, with a leading `/`.
    pub path: String,
    pub variant: AcceptVariant,
    pub shape: ProbeShape,
    pub timeout: Duration,
}

/// Looks at caches. Never follows redirects, never sends credentials, cookies or conditions; each probe has a
/// connection of its own. A failure is part of the sighting, not an error.
#[async_trait]
pub trait Prober: Send + Sync {
    async fn probe(&self, probe: &Probe) -> Sighting;
}
