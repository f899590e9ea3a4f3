//! Being told that files have changed, in place of looking again and again.

use std::path::PathBuf;

use async_trait::async_trait;

/// Watches files and folders.
#[async_trait]
pub trait Changes: Send + Sync {
    /// Returns when one of these files, or something in one of these folders, may have changed from now on. It may be
    /// early, and it is late by seconds where the system tells of nothing: whoever asked looks for what is new.
    async fn wait(&self, paths: &[PathBuf]);
}
