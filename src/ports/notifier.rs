//! Telling somebody outside that something happened: programs and addresses of the operator's choice.

use async_trait::async_trait;

/// Passes news on.
#[async_trait]
pub trait Notifier: std::fmt::Debug + Send + Sync {
    /// Hands one JSON object to everybody who wants `event` (a stable word); answers what did not work, cleaned, one
    /// sentence each.
    async fn tell(&self, event: &str, json: &str) -> Vec<String>;
}
