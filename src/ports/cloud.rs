//! The cloud: storage and its API, in domain terms.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;

use crate::domain::asset::{Asset, AssetDetail, AssetKey, DeliveryType, ResourceType};
use crate::domain::public_id::PublicId;
use crate::domain::time::Timestamp;

/// Which assets to list. Listing reads the database and is current, unlike search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListQuery {
    /// All of one resource type and delivery type, newest first, or by public ID where a prefix is given.
    Resources { resource_type: ResourceType, delivery_type: DeliveryType, prefix: Option<String> },
    /// All with a tag, of one resource type.
    Tag { resource_type: ResourceType, tag: String },
    /// What is filed in a folder itself, of every type. Where folders are dynamic this has nothing to do with public IDs;
    /// clouds of the older kind refuse it (facts §3.2).
    Folder { folder: String },
    /// What the search index holds; it lags behind storage by seconds.
    Search { expression: String },
}

/// Most folders of one folder that are read.
pub const MOST_FOLDERS: usize = 5_000;

/// One page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub assets: Vec<Asset>,
    /// Pass back with the same query to go on.
    pub next_cursor: Option<String>,
    /// Number of all matches, where the cloud tells it (search only).
    pub total: Option<u64>,
}

/// Admin API quota as the last reply told it (facts §3.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    pub limit: u32,
    pub remaining: u32,
    pub reset_at: Option<Timestamp>,
}

/// What `destroy` answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destroyed {
    Ok,
    NotFound,
}

/// A rename.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenameCall {
    pub from: AssetKey,
    /// Same resource type as `from`; the delivery type may differ.
    pub to: AssetKey,
    pub overwrite: bool,
    pub invalidate: bool,
}

/// A replacement of an asset's file under its public ID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplaceCall {
    pub key: AssetKey,
    pub file: PathBuf,
    pub invalidate: bool,
}

/// What a restore did for one asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restored {
    Ok(Box<Asset>),
    NoBackup,
    Failed { message: String },
}

/// What a bulk delete did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BulkDeleted {
    /// Public ID and whether it was deleted (false: not found).
    pub deleted: Vec<(String, bool)>,
    /// Set when there is more to delete with the same selector.
    pub next_cursor: Option<String>,
}

/// Why the cloud did not do as asked. Every text is cleaned and holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloudError {
    #[error("{cloud} refused the credentials: {message}")]
    Unauthorized { cloud: String, message: String },
    #[error("{cloud} does not permit this: {message}")]
    Forbidden { cloud: String, message: String },
    #[error("{asset} does not exist in {cloud}")]
    NotFound { cloud: String, asset: String },
    #[error("{message}")]
    Conflict { message: String },
    #[error("{cloud} refused the request: {message}")]
    Refused { cloud: String, message: String },
    #[error("{cloud} allows {limit} Admin API calls an hour and all are used")]
    RateLimited { cloud: String, limit: u32, retry_at: Option<Timestamp> },
    #[error("{cloud} is overloaded ({status}): {message}")]
    Unavailable {
        cloud: String,
        status: u16,
        message: String,
        /// What `Retry-After` asks for.
        retry_after: Option<Duration>,
    },
    #[error("{api} does not answer: {detail}")]
    Unreachable { api: String, detail: String },
    /// The call left and no answer came: it may or may not have been carried out.
    #[error("no answer from {api} within {} s; the call may have been carried out", .after.as_secs())]
    TimedOut { api: String, after: Duration },
    #[error("{api} sent something that is no answer of this API: {detail}")]
    Malformed { api: String, detail: String },
    #[error("cannot read {path}: {detail}")]
    File { path: String, detail: String },
}

impl CloudError {
    /// Whether the cloud said that it does not carry the call out now, because too many were made: it may be sent again
    /// later. Tells how long to wait, where the cloud does.
    #[must_use]
    pub fn asks_to_wait(&self, now: Timestamp) -> Option<Option<Duration>> {
        match self {
            Self::RateLimited { retry_at, .. } => {
                Some(retry_at.and_then(|at| Duration::try_from(at.duration_since(now)).ok()))
            }
            Self::Unavailable { status: 420 | 429, retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }

    /// Whether the call may have been carried out although no good answer came.
    #[must_use]
    pub const fn is_in_doubt(&self) -> bool {
        matches!(self, Self::TimedOut { .. } | Self::Malformed { .. } | Self::Unavailable { .. })
    }
}

/// The API of a cloud. Time-outs and harmless repeats are the implementation's business; callers never retry blindly.
#[async_trait]
pub trait Cloud: Send + Sync {
    /// Name of the cloud, and the API prefix without credentials.
    fn cloud_name(&self) -> &str;
    fn api(&self) -> &str;

    /// Quota as last told; `None` before the first Admin reply.
    fn quota(&self) -> Option<Quota>;

    /// Checks the credentials.
    async fn ping(&self) -> Result<(), CloudError>;

    /// One page, at most 500 assets.
    async fn list(
        &self,
        query: &ListQuery,
        limit: u16,
        cursor: Option<&str>,
    ) -> Result<Page, CloudError>;

    /// Paths of the folders directly in `path`, at the root where that is empty, without slashes at their ends; whoever
    /// keeps no folders has none. One Admin call for 500 of them, at most [`MOST_FOLDERS`].
    async fn folders(&self, _path: &str) -> Result<Vec<String>, CloudError> {
        Ok(Vec::new())
    }

    /// Everything about one asset, its derived copies paged through. One Admin call or more.
    async fn detail(&self, key: &AssetKey) -> Result<AssetDetail, CloudError>;

    /// What storage holds of at most 100 public IDs of one pair of types; what it does not have is not in the answer.
    /// One Admin call, where the cloud has such a call.
    async fn by_ids(
        &self,
        resource_type: ResourceType,
        delivery_type: DeliveryType,
        public_ids: &[String],
    ) -> Result<Vec<Asset>, CloudError> {
        let mut found = Vec::with_capacity(public_ids.len());
        for raw in public_ids {
            let Ok(public_id) = PublicId::from_cloud(raw) else { continue };
            let key = AssetKey { resource_type, delivery_type, public_id };
            found.extend(self.stat(&key).await?);
        }
        Ok(found)
    }

    /// Reads storage without using Admin quota where possible (`explicit` without changes); `None`: no such asset.
    async fn stat(&self, key: &AssetKey) -> Result<Option<Asset>, CloudError>;

    async fn rename(&self, call: &RenameCall) -> Result<Asset, CloudError>;

    async fn destroy(&self, key: &AssetKey, invalidate: bool) -> Result<Destroyed, CloudError>;

    async fn replace(&self, call: &ReplaceCall) -> Result<Asset, CloudError>;

    /// Purges without changing: `explicit` with `invalidate`. Returns what storage holds.
    async fn invalidate(&self, key: &AssetKey) -> Result<Asset, CloudError>;

    /// In the order of `public_ids`, at most 100.
    async fn restore(
        &self,
        resource_type: ResourceType,
        delivery_type: DeliveryType,
        public_ids: &[String],
    ) -> Result<Vec<(String, Restored)>, CloudError>;

    /// Admin bulk delete by public IDs of one pair of types, at most 100.
    async fn delete_many(
        &self,
        resource_type: ResourceType,
        delivery_type: DeliveryType,
        public_ids: &[String],
        invalidate: bool,
    ) -> Result<BulkDeleted, CloudError>;

    /// The attempt for URLs that nothing else reaches; returns the cloud's answer in words. Only sightings count.
    async fn invalidate_by_urls(&self, urls: &[String]) -> Result<String, CloudError>;
}
