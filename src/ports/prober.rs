//! The prober: one request to one cache.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;

use crate::domain::place::Vantage;
use crate::domain::sighting::{AcceptVariant, ProbeFailure, ProbeShape, Sighting};

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

/// Why a file was not had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchFailure {
    #[error(transparent)]
    NoAnswer(#[from] ProbeFailure),
    /// `said`: the delivery's own word for it, cleaned.
    #[error("status {status}{}", .said.as_ref().map(|said| format!(", {said}")).unwrap_or_default())]
    Status { status: u16, said: Option<String> },
    #[error("it has more than {} kB", .most >> 10)]
    TooLarge { most: usize },
    #[error("it came encoded, although that was not asked for")]
    Encoded,
}

/// Looks at caches. Never follows redirects, never sends credentials, cookies or conditions; each probe has a
/// connection of its own. A failure is part of the sighting, not an error.
#[async_trait]
pub trait Prober: Send + Sync {
    async fn probe(&self, probe: &Probe) -> Sighting;

    /// One request for a whole file of at most `most` bytes, under the same rules; [`Probe::timeout`] is for all of it.
    /// Only this host loads files: other vantage points refuse.
    ///
    /// # Errors
    /// No answer in time, or none that is such a file.
    async fn fetch(&self, probe: &Probe, most: usize) -> Result<Vec<u8>, FetchFailure> {
        let _ = most;
        let detail = format!("no file is loaded from {}", probe.vantage);
        Err(ProbeFailure::NotAsked { detail }.into())
    }
}
