//! The journal as one object: the port's calls, each carried out by the file that is named after its matter.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::AnyPool;
use tokio::sync::Mutex;

use super::changes::Files;
use super::processes::Processes;
use super::sightings::Runs;
use super::vault::{Signer, Vault};
use crate::domain::asset::AssetKey;
use crate::domain::id::{InvalidationId, ItemId, MemberId, OperationId};
use crate::domain::invalidation::{
    CloudScope, Ending, Invalidation, Item, ItemState, Member, Operation, WatchTerms, WatchedName,
    WatchedUrl,
};
use crate::domain::job::{Act, ActRow, ItemFilter, JobRow, JobWait, Slice, Wish};
use crate::domain::snapshot::WatchSnapshot;
use crate::domain::time::Timestamp;
use crate::domain::usual::Usual;
use crate::domain::verdict::Content;
use crate::ports::journal::{
    ActivityRow, Intent, InvalidationRow, JobLease, JobWork, JobsOf, Journal, JournalError, Lease,
    Mark, SightingRow, SightingRun, Step, UNTOLD,
};

/// A journal in a SQL database. Cheap to share behind an `Arc`; safe to open from several processes at once.
#[derive(Debug)]
pub struct SqlJournal {
    pub(super) pool: AnyPool,
    /// Path or URL, without secrets; cleaned.
    pub(super) location: String,
    pub(super) warnings: Vec<String>,
    /// Takes the write lock at once, so that no write fails half-way for want of it.
    pub(super) begin_statement: &'static str,
    /// One write at a time within the process.
    pub(super) turn: Arc<Mutex<()>>,
    pub(super) processes: Processes,
    /// Where this process's pid means something; known from the first `join` on.
    pub(super) realm: OnceLock<String>,
    /// Latest wall time that anybody told this process, in milliseconds: what "tracked now" is measured by.
    pub(super) latest: AtomicI64,
    /// Latest run of every cell, per invalidation that this process tracks.
    pub(super) runs: Mutex<HashMap<InvalidationId, Runs>>,
    pub(super) vault: Vault,
    /// Where others' writes show, if they do.
    pub(super) files: Option<Files>,
}

impl SqlJournal {
    /// What the operator should know about where the journal lies: readable by others, no write-ahead log.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Lets URLs be signed anew whose signature is not kept.
    pub fn sign_with(&self, signer: Signer) {
        self.vault.sign_with(signer);
    }

    pub(super) fn learn_time(&self, now: Timestamp) -> i64 {
        let now = now.as_millisecond();
        self.latest.fetch_max(now, Ordering::Relaxed);
        now
    }

    /// Whether the process of a member surely is dead; `false` where this cannot be told.
    pub(super) fn is_dead(&self, realm: &str, pid: i64) -> bool {
        self.realm.get().is_some_and(|ours| ours == realm) && self.processes.are_without(pid)
    }
}

#[async_trait]
impl Journal for SqlJournal {
    fn location(&self) -> String {
        self.location.clone()
    }

    fn mark(&self) -> Option<Mark> {
        self.files.as_ref().and_then(Files::mark)
    }

    async fn changed(&self, since: Option<&Mark>) {
        match &self.files {
            Some(files) => files.changed(since).await,
            None => tokio::time::sleep(UNTOLD).await,
        }
    }

    async fn join(&self, member: &Member, now: Timestamp) -> Result<(), JournalError> {
        self.join_member(member, now).await
    }

    async fn record(&self, intent: &Intent) -> Result<(), JournalError> {
        let sealed = self.vault.sealed_intent(intent);
        self.record_intent(sealed.as_ref().unwrap_or(intent)).await
    }

    async fn watch(
        &self,
        invalidation: InvalidationId,
        names: &[WatchedName],
        urls: &[WatchedUrl],
    ) -> Result<(), JournalError> {
        self.add_watched(invalidation, names, &self.vault.sealed(urls)).await
    }

    async fn mark_sent(&self, items: &[ItemId], at: Timestamp) -> Result<(), JournalError> {
        self.mark_items_sent(items, at).await
    }

    async fn settle(
        &self,
        outcomes: &[(ItemId, ItemState, Option<String>)],
    ) -> Result<(), JournalError> {
        self.settle_items(outcomes).await
    }

    async fn unsettled(
        &self,
        scope: &CloudScope,
        silent_since: Timestamp,
    ) -> Result<Vec<(Operation, Item)>, JournalError> {
        self.unsettled_items(scope, silent_since).await
    }

    async fn jobs(
        &self,
        scope: Option<&CloudScope>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<JobRow>, JournalError> {
        self.job_rows(scope, limit, now, None).await
    }

    async fn job(&self, operation: OperationId, now: Timestamp) -> Result<JobRow, JournalError> {
        self.one_job(operation, now).await
    }

    async fn find_job(&self, prefix: &str) -> Result<OperationId, JournalError> {
        self.find_job_by_prefix(prefix).await
    }

    async fn job_items(
        &self,
        operation: OperationId,
        filter: ItemFilter,
        slice: Slice,
    ) -> Result<Vec<Item>, JournalError> {
        self.items_of_job(operation, filter, slice).await
    }

    async fn job_work(&self, operation: OperationId) -> Result<JobWork, JournalError> {
        let mut work = self.work_of_job(operation).await?;
        work.by_url = self.vault.opened_urls(work.by_url.urls);
        Ok(work)
    }

    async fn wish(
        &self,
        of: JobsOf<'_>,
        wish: Wish,
        by: MemberId,
        now: Timestamp,
    ) -> Result<Vec<OperationId>, JournalError> {
        self.wish_of_jobs(of, wish, by, now).await
    }

    async fn claim_job(
        &self,
        operation: OperationId,
        holder: MemberId,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<JobLease>, JournalError> {
        self.claim(operation, holder, now, ttl).await
    }

    async fn renew_job(
        &self,
        lease: JobLease,
        wait: Option<&JobWait>,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Wish, JournalError> {
        self.renew_run(lease, wait, now, ttl).await
    }

    async fn advance(
        &self,
        lease: JobLease,
        step: &Step,
        now: Timestamp,
    ) -> Result<Wish, JournalError> {
        self.advance_job(lease, step, now).await
    }

    async fn named_by_url(
        &self,
        lease: JobLease,
        answer: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.note_by_url(lease, answer, now).await
    }

    async fn stop_job(
        &self,
        lease: JobLease,
        because: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.stop_run(lease, because, now).await
    }

    async fn release_job(&self, lease: JobLease, now: Timestamp) -> Result<(), JournalError> {
        self.release_run(lease, now).await
    }

    async fn note(&self, scope: &CloudScope, act: &Act) -> Result<(), JournalError> {
        self.keep_act(scope, act).await
    }

    async fn acts(
        &self,
        scope: Option<&CloudScope>,
        limit: u32,
    ) -> Result<Vec<ActRow>, JournalError> {
        self.act_rows(scope, limit).await
    }

    async fn acquire(
        &self,
        invalidation: InvalidationId,
        holder: MemberId,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<Lease>, JournalError> {
        self.acquire_lease(invalidation, holder, now, ttl).await
    }

    async fn renew(&self, lease: Lease, now: Timestamp, ttl: Duration) -> Result<(), JournalError> {
        self.renew_lease(lease, now, ttl).await
    }

    async fn renew_all(
        &self,
        leases: &[Lease],
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Vec<Lease>, JournalError> {
        self.renew_leases(leases, now, ttl).await
    }

    async fn release(&self, lease: Lease) -> Result<(), JournalError> {
        self.release_lease(lease).await
    }

    async fn invalidation(&self, id: InvalidationId) -> Result<Invalidation, JournalError> {
        self.whole_invalidation(id).await.map(|read| self.vault.opened(read))
    }

    async fn find(&self, prefix: &str) -> Result<InvalidationId, JournalError> {
        self.find_by_prefix(prefix).await
    }

    async fn open(&self, scope: Option<&CloudScope>) -> Result<Vec<InvalidationRow>, JournalError> {
        self.open_rows(scope).await
    }

    async fn ended(
        &self,
        scope: Option<&CloudScope>,
        limit: u32,
    ) -> Result<Vec<InvalidationRow>, JournalError> {
        self.ended_rows(scope, limit).await
    }

    async fn row(&self, id: InvalidationId) -> Result<InvalidationRow, JournalError> {
        self.one_row(id).await
    }

    async fn activity(
        &self,
        scope: Option<&CloudScope>,
        limit: u32,
    ) -> Result<Vec<ActivityRow>, JournalError> {
        self.activity_rows(scope, limit).await
    }

    async fn save_name(&self, lease: Lease, name: &WatchedName) -> Result<(), JournalError> {
        self.save_watched_name(lease, name).await
    }

    async fn save_terms(&self, lease: Lease, terms: &WatchTerms) -> Result<(), JournalError> {
        self.save_watch_terms(lease, terms).await
    }

    async fn save_sightings(&self, lease: Lease, rows: &[SightingRow]) -> Result<(), JournalError> {
        let sealed = self.vault.sealed_sightings(rows);
        self.save_runs(lease, sealed.as_deref().unwrap_or(rows)).await
    }

    async fn kept_sightings(
        &self,
        invalidation: InvalidationId,
    ) -> Result<Vec<SightingRun>, JournalError> {
        self.sightings(invalidation).await
    }

    async fn save_snapshot(
        &self,
        lease: Lease,
        snapshot: &WatchSnapshot,
    ) -> Result<(), JournalError> {
        self.save_picture(lease, snapshot).await
    }

    async fn end(
        &self,
        lease: Lease,
        ending: &Ending,
        last: &WatchSnapshot,
    ) -> Result<(), JournalError> {
        self.end_invalidation(lease, ending, last).await
    }

    async fn reopen(&self, id: InvalidationId) -> Result<(), JournalError> {
        self.reopen_invalidation(id).await
    }

    async fn earlier_contents(
        &self,
        scope: &CloudScope,
        key: &AssetKey,
    ) -> Result<Vec<Content>, JournalError> {
        self.known_contents(scope, key).await
    }

    async fn activity_of(
        &self,
        scope: &CloudScope,
        key: &AssetKey,
        limit: u32,
    ) -> Result<Vec<ActivityRow>, JournalError> {
        self.activity_rows_of(scope, key, limit).await
    }

    async fn newer_operation(
        &self,
        scope: &CloudScope,
        key: &AssetKey,
        since: Timestamp,
        than: OperationId,
    ) -> Result<Option<Operation>, JournalError> {
        self.newest_change(scope, key, since, than).await
    }

    async fn recently_gone(
        &self,
        scope: &CloudScope,
        key: &AssetKey,
        since: Timestamp,
    ) -> Result<bool, JournalError> {
        self.was_gone_since(scope, key, since).await
    }

    async fn usual(&self, scope: &CloudScope) -> Result<Usual, JournalError> {
        self.usual_times(scope).await
    }

    async fn end_of_gone_clouds(
        &self,
        api: &str,
        running: Option<&str>,
        now: Timestamp,
    ) -> Result<u64, JournalError> {
        self.end_gone_clouds(api, running, now).await
    }
}
