//! Where we can look from and at.

use async_trait::async_trait;

use crate::domain::place::Place;

/// Why no places could be found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlacesError {
    #[error("{host} does not resolve: {detail}")]
    Unresolved { host: String, detail: String },
    #[error("{api} did not name its edges: {detail}")]
    NoEdges { api: String, detail: String },
    /// A vantage point that is not ours cannot or must not look at the host; nobody was asked.
    #[error("{from} cannot look at {host}: {why}")]
    OutOfReach { host: String, from: String, why: String },
}

/// Finds the caches that deliver a host.
#[async_trait]
pub trait Places: Send + Sync {
    /// Every place to probe copies of `host` at; for a local cloud its edges, whatever the host.
    async fn places(&self, host: &str) -> Result<Vec<Place>, PlacesError>;
}
