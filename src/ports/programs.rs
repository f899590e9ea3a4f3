//! Programs of the operator's choice.

use std::time::Duration;

use async_trait::async_trait;

/// Runs programs.
#[async_trait]
pub trait Programs: std::fmt::Debug + Send + Sync {
    /// Runs a program with its arguments, never through a shell and without our credentials in its environment; gives
    /// it `input` to read and ends it after `limit`. Answers the first line that it wrote, cleaned.
    ///
    /// # Errors
    /// Why it was not run or failed, in half a sentence behind its name, cleaned.
    async fn run(&self, command: &[String], input: &str, limit: Duration)
    -> Result<String, String>;
}
