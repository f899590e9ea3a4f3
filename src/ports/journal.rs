//! The journal: intents before the network, outcomes after it, shared by several processes.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::domain::asset::AssetKey;
use crate::domain::id::{InvalidationId, ItemId, MemberId, OperationId};
use crate::domain::invalidation::{
    CloudScope, Ending, Invalidation, Item, ItemState, Member, Operation, WatchTerms, WatchedName,
    WatchedUrl,
};
use crate::domain::place::PlaceId;
use crate::domain::sighting::{AcceptVariant, Answer, ProbeFailure, ProbeShape, Sighting};
use crate::domain::snapshot::WatchSnapshot;
use crate::domain::time::Timestamp;
use crate::domain::usual::Usual;
use crate::domain::verdict::{Content, Judgement};

/// Why the journal did not take or give something. While intents cannot be written no destructive call may leave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    #[error("the journal {path} cannot be opened: {detail}")]
    Open { path: String, detail: String },
    #[error(
        "the journal {path} was written by a newer allclear (schema {found}, this one knows {known})"
    )]
    Newer { path: String, found: i64, known: i64 },
    #[error("the journal is damaged: {detail}")]
    Damaged { detail: String },
    #[error("the journal is locked by another process: {detail}")]
    Busy { detail: String },
    #[error("the journal cannot be written: {detail}")]
    Write { detail: String },
    #[error("no invalidation or operation begins with `{prefix}`")]
    Unknown { prefix: String },
    #[error("`{prefix}` fits {count} entries; give more characters")]
    Ambiguous { prefix: String, count: usize },
    /// Somebody else tracks it now: nothing may be written under the old lease.
    #[error("another process tracks this invalidation now")]
    LeaseLost,
}

/// The right to track one invalidation; every write under it carries the fencing number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    pub invalidation: InvalidationId,
    pub holder: MemberId,
    /// Grows with every change of holder; a write with an older number is refused.
    pub fencing: i64,
}

/// One row of the list of invalidations.
#[derive(Debug, Clone, PartialEq)]
pub struct InvalidationRow {
    pub id: InvalidationId,
    pub operation: Operation,
    /// The asset, or the first of many and how many more.
    pub label: String,
    /// `user@host` of who ordered it.
    pub by: String,
    /// Who tracks it now, if anybody: `user@host pid`.
    pub tracked_by: Option<String>,
    /// Last published picture, if any.
    pub snapshot: Option<WatchSnapshot>,
    pub ended: Option<Ending>,
}

/// One line of the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityRow {
    pub operation: Operation,
    /// `user@host`.
    pub by: String,
    pub label: String,
    pub items: usize,
    pub accepted: usize,
    pub failed: usize,
    pub invalidation: Option<InvalidationId>,
    pub ended: Option<Ending>,
}

/// A judged sighting to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SightingRow {
    pub place: PlaceId,
    /// Canonical text of the delivery URL.
    pub url: String,
    pub sighting: Sighting,
    pub judgement: Judgement,
}

/// What one sighting showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    pub shape: ProbeShape,
    /// From the request to its answer.
    pub took: Duration,
    pub judgement: Judgement,
    pub result: Result<Answer, ProbeFailure>,
}

/// A run of equal verdicts of one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SightingRun {
    pub place: PlaceId,
    /// Canonical text of the delivery URL.
    pub url: String,
    pub variant: AcceptVariant,
    /// Position among the cell's runs, from 0; where numbers are missing, runs were thinned out.
    pub run: u64,
    pub sightings: u64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    pub first: Evidence,
    pub last: Evidence,
}

/// Everything an operation intends, written in one transaction before its first call.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    pub operation: Operation,
    pub items: Vec<Item>,
    /// `None` where nothing is invalidated or nothing is watched.
    pub invalidation: Option<Invalidation>,
}

/// Keeps operations, items, invalidations, watched URLs, sightings and activity.
///
/// `record`, `mark_sent` and `settle` are durable (synced) when they return.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Where it is, without secrets.
    fn location(&self) -> String;

    /// Makes this process known, and alive as of `now`; called again every few seconds.
    async fn join(&self, member: &Member, now: Timestamp) -> Result<(), JournalError>;

    /// Writes an intent. No call of the operation may leave before this returns.
    async fn record(&self, intent: &Intent) -> Result<(), JournalError>;

    /// Adds names and URLs (with OLD content) to an invalidation, before the call of their item leaves.
    async fn watch(
        &self,
        invalidation: InvalidationId,
        names: &[WatchedName],
        urls: &[WatchedUrl],
    ) -> Result<(), JournalError>;

    /// The calls of these items leave now.
    ///
    /// # Errors
    /// [`JournalError::Write`] when one of them is unknown or was given up meanwhile: none may leave then.
    async fn mark_sent(&self, items: &[ItemId], at: Timestamp) -> Result<(), JournalError>;

    /// What became of the calls; the last word on an item counts, but what was sent is never skipped.
    ///
    /// # Errors
    /// [`JournalError::Write`] when one of them is unknown, or was sent and would be skipped: none is settled then.
    async fn settle(
        &self,
        outcomes: &[(ItemId, ItemState, Option<String>)],
    ) -> Result<(), JournalError>;

    /// Items of `scope` that were intended or sent and never settled, by members not heard of since `silent_since`.
    async fn unsettled(
        &self,
        scope: &CloudScope,
        silent_since: Timestamp,
    ) -> Result<Vec<(Operation, Item)>, JournalError>;

    /// Tries to become the tracker of an invalidation: free, expired or one's own leases are given.
    async fn acquire(
        &self,
        invalidation: InvalidationId,
        holder: MemberId,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<Lease>, JournalError>;

    /// # Errors
    /// [`JournalError::LeaseLost`] when somebody else holds it now.
    async fn renew(&self, lease: Lease, now: Timestamp, ttl: Duration) -> Result<(), JournalError>;

    async fn release(&self, lease: Lease) -> Result<(), JournalError>;

    /// An invalidation with everything that tracking needs.
    async fn invalidation(&self, id: InvalidationId) -> Result<Invalidation, JournalError>;

    /// Resolves an ID of an invalidation or its operation, or 6 or more first characters of one.
    async fn find(&self, prefix: &str) -> Result<InvalidationId, JournalError>;

    /// Open invalidations of a cloud, oldest first; of every cloud without a scope.
    async fn open(&self, scope: Option<&CloudScope>) -> Result<Vec<InvalidationRow>, JournalError>;

    /// Ended invalidations, newest first.
    async fn ended(
        &self,
        scope: Option<&CloudScope>,
        limit: u32,
    ) -> Result<Vec<InvalidationRow>, JournalError>;

    /// One invalidation as the lists show it, open or ended.
    async fn row(&self, id: InvalidationId) -> Result<InvalidationRow, JournalError>;

    /// Operations, newest first.
    async fn activity(
        &self,
        scope: Option<&CloudScope>,
        limit: u32,
    ) -> Result<Vec<ActivityRow>, JournalError>;

    /// What storage was read as for a name.
    async fn save_name(&self, lease: Lease, name: &WatchedName) -> Result<(), JournalError>;

    /// Terms that changed while watching, e.g. a place that the operator left out.
    async fn save_terms(&self, lease: Lease, terms: &WatchTerms) -> Result<(), JournalError>;

    async fn save_sightings(&self, lease: Lease, rows: &[SightingRow]) -> Result<(), JournalError>;

    /// What is kept of the sightings of an invalidation, cell by cell, oldest run first; nothing in a journal that
    /// keeps none.
    async fn kept_sightings(
        &self,
        _invalidation: InvalidationId,
    ) -> Result<Vec<SightingRun>, JournalError> {
        Ok(Vec::new())
    }

    /// Keeps the latest picture for other processes and for the next start.
    async fn save_snapshot(
        &self,
        lease: Lease,
        snapshot: &WatchSnapshot,
    ) -> Result<(), JournalError>;

    /// Ends an invalidation and releases the lease.
    async fn end(
        &self,
        lease: Lease,
        ending: &Ending,
        last: &WatchSnapshot,
    ) -> Result<(), JournalError>;

    /// Takes up an ended one again, after a late place showed an old copy.
    async fn reopen(&self, id: InvalidationId) -> Result<(), JournalError>;

    /// Contents this asset is known to have had, newest first, at most 20.
    async fn earlier_contents(
        &self,
        scope: &CloudScope,
        key: &AssetKey,
    ) -> Result<Vec<Content>, JournalError>;

    /// The newest operation that changed `key` (as source or target) after `since`, other than `than`.
    async fn newer_operation(
        &self,
        scope: &CloudScope,
        key: &AssetKey,
        since: Timestamp,
        than: OperationId,
    ) -> Result<Option<Operation>, JournalError>;

    /// Names that were watched as gone and ended after `since`: a cached 404 may outlive them (design §2.3).
    async fn recently_gone(
        &self,
        scope: &CloudScope,
        key: &AssetKey,
        since: Timestamp,
    ) -> Result<bool, JournalError>;

    /// How long places took to let go, in the most recent ended invalidations of `scope`.
    async fn usual(&self, scope: &CloudScope) -> Result<Usual, JournalError>;

    /// Ends every open invalidation of a local cloud whose instance is not `running` as `cloud_gone`; returns their number.
    async fn end_of_gone_clouds(
        &self,
        api: &str,
        running: Option<&str>,
        now: Timestamp,
    ) -> Result<u64, JournalError>;
}
