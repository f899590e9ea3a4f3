//! The journal as one object: the port's calls, each carried out by the file that is named after its matter.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;

use super::changes::Files;
use super::clock::Timed;
use super::link::Link;
use super::processes::Processes;
use super::sightings::Runs;
use super::vault::{Signer, Vault};
use crate::domain::asset::AssetKey;
use crate::domain::id::{InvalidationId, ItemId, MemberId, OperationId};
use crate::domain::invalidation::{
    CloudScope, Ending, Invalidation, Item, ItemState, Member, Operation, WatchedName, WatchedUrl,
};
use crate::domain::job::{Act, ActRow, ItemFilter, JobRow, JobWait, Slice, Wish};
use crate::domain::snapshot::WatchSnapshot;
use crate::domain::time::Timestamp;
use crate::domain::usual::Usual;
use crate::domain::verdict::Content;
use crate::ports::journal::{
    ActivityRow, Intent, InvalidationRow, JobLease, JobWork, JobsOf, Journal, JournalError, Lease,
    Mark, News, Reach, SightingRun, Step, UNTOLD,
};
use crate::ports::journal_team::{Dealt, RollCall, Turn};

/// A journal in a SQL database. Cheap to share behind an `Arc`; safe to open from several processes at once.
#[derive(Debug)]
pub struct SqlJournal {
    pub(super) link: Link,
    /// Path or URL, without secrets; cleaned.
    pub(super) location: String,
    pub(super) warnings: Vec<String>,
    pub(super) processes: Processes,
    /// Where this process's pid means something; known from the first `join` on.
    pub(super) realm: OnceLock<String>,
    /// Latest wall time that anybody told this process, in milliseconds: what "tracked now" is measured by.
    pub(super) latest: AtomicI64,
    /// Latest run of every cell, per invalidation that this process tracks.
    pub(super) runs: Mutex<HashMap<InvalidationId, Runs>>,
    /// Pictures of what others track, and when each was taken: a list of thousands reads those that are new.
    pub(super) pictures: Mutex<HashMap<InvalidationId, Picture>>,
    pub(super) vault: Vault,
    /// Where others' writes show, if they do.
    pub(super) files: Option<Files>,
}

/// A picture as it was read; `None` where this version cannot read it.
pub(super) type Picture = (i64, Option<Arc<WatchSnapshot>>);

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

    /// Server's clock less this host's, in milliseconds: 0 with a file, and where both agree.
    #[must_use]
    pub fn clock_difference(&self) -> i64 {
        self.link.skew()
    }

    /// What was read, by this host's clock.
    fn here<T: Timed>(&self, read: T) -> T {
        read.shifted(-self.link.skew())
    }

    /// What is to be written, by the clock of the journal.
    fn there<'a, T: Timed + Clone>(&self, given: &'a T) -> Cow<'a, T> {
        match self.link.skew() {
            0 => Cow::Borrowed(given),
            skew => Cow::Owned(given.clone().shifted(skew)),
        }
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
        self.link
            .over(async {
                #[cfg(feature = "postgres")]
                if self.link.keeps_time() {
                    self.learn_clock(now).await?;
                }
                let started_at = self.link.there(member.started_at);
                let member = Member { started_at, ..member.clone() };
                self.join_member(&member, self.link.there(now)).await
            })
            .await
    }

    async fn beat(
        &self,
        member: &Member,
        leases: &[Lease],
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Vec<Lease>, JournalError> {
        self.link
            .over(async {
                #[cfg(feature = "postgres")]
                if self.link.keeps_time() {
                    self.learn_clock(now).await?;
                }
                let started_at = self.link.there(member.started_at);
                let member = Member { started_at, ..member.clone() };
                self.join_and_renew(&member, leases, self.link.there(now), ttl).await
            })
            .await
    }

    fn reach(&self) -> Reach {
        self.link.reach()
    }

    async fn change(&self, seen: u64) -> u64 {
        self.link.change(seen).await
    }

    async fn record(&self, intent: &Intent) -> Result<(), JournalError> {
        let intent = self.there(intent);
        let sealed = self.vault.sealed_intent(&intent);
        self.link.over(self.record_intent(sealed.as_ref().unwrap_or(&intent))).await
    }

    async fn watch(
        &self,
        invalidation: InvalidationId,
        names: &[WatchedName],
        urls: &[WatchedUrl],
    ) -> Result<(), JournalError> {
        let names = names.iter().map(|name| self.there(name).into_owned()).collect::<Vec<_>>();
        self.link.over(self.add_watched(invalidation, &names, &self.vault.sealed(urls))).await
    }

    async fn mark_sent(&self, items: &[ItemId], at: Timestamp) -> Result<(), JournalError> {
        self.link.over(self.mark_items_sent(items, self.link.there(at))).await
    }

    async fn settle(
        &self,
        outcomes: &[(ItemId, ItemState, Option<String>)],
    ) -> Result<(), JournalError> {
        self.link.over(self.settle_items(outcomes)).await
    }

    async fn unsettled(
        &self,
        scope: &CloudScope,
        silent_since: Timestamp,
    ) -> Result<Vec<(Operation, Item)>, JournalError> {
        self.link
            .over(self.unsettled_items(scope, self.link.there(silent_since)))
            .await
            .map(|read| self.here(read))
    }

    async fn jobs(
        &self,
        scope: Option<&CloudScope>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<JobRow>, JournalError> {
        self.link
            .over(self.job_rows(scope, limit, self.link.there(now), None))
            .await
            .map(|read| self.here(read))
    }

    async fn job(&self, operation: OperationId, now: Timestamp) -> Result<JobRow, JournalError> {
        self.link
            .over(self.one_job(operation, self.link.there(now)))
            .await
            .map(|read| self.here(read))
    }

    async fn find_job(&self, prefix: &str) -> Result<OperationId, JournalError> {
        self.link.over(self.find_job_by_prefix(prefix)).await
    }

    async fn job_items(
        &self,
        operation: OperationId,
        filter: ItemFilter,
        slice: Slice,
    ) -> Result<Vec<Item>, JournalError> {
        self.link
            .over(self.items_of_job(operation, filter, slice))
            .await
            .map(|read| self.here(read))
    }

    async fn job_work(&self, operation: OperationId) -> Result<JobWork, JournalError> {
        let work = self.link.over(self.work_of_job(operation)).await?;
        let mut work = self.here(work);
        work.by_url = self.vault.opened_urls(work.by_url.urls);
        Ok(work)
    }

    async fn job_to_help(&self, operation: OperationId) -> Result<JobWork, JournalError> {
        let work = self.link.over(self.terms_of_job(operation)).await?;
        Ok(self.here(work))
    }

    async fn wish(
        &self,
        of: JobsOf<'_>,
        wish: Wish,
        by: MemberId,
        now: Timestamp,
    ) -> Result<Vec<OperationId>, JournalError> {
        self.link.over(self.wish_of_jobs(of, wish, by, self.link.there(now))).await
    }

    async fn claim_job(
        &self,
        operation: OperationId,
        holder: MemberId,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<JobLease>, JournalError> {
        self.link.over(self.claim(operation, holder, self.link.there(now), ttl)).await
    }

    async fn renew_job(
        &self,
        lease: JobLease,
        wait: Option<&JobWait>,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Wish, JournalError> {
        self.link
            .over(self.renew_run(
                lease,
                wait.map(|wait| self.there(wait)).as_deref(),
                self.link.there(now),
                ttl,
            ))
            .await
    }

    async fn advance(
        &self,
        lease: JobLease,
        step: &Step,
        now: Timestamp,
    ) -> Result<Wish, JournalError> {
        self.link.over(self.advance_job(lease, step, self.link.there(now))).await
    }

    async fn named_by_url(
        &self,
        lease: JobLease,
        answer: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.link.over(self.note_by_url(lease, answer, self.link.there(now))).await
    }

    async fn stop_job(
        &self,
        lease: JobLease,
        because: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.link.over(self.stop_run(lease, because, self.link.there(now))).await
    }

    async fn shared_jobs(
        &self,
        scope: &CloudScope,
        now: Timestamp,
    ) -> Result<Vec<OperationId>, JournalError> {
        self.link.over(self.jobs_to_share(scope, self.link.there(now))).await
    }

    async fn join_job(
        &self,
        operation: OperationId,
        holder: MemberId,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<JobLease>, JournalError> {
        self.link.over(self.join_hands(operation, holder, self.link.there(now), ttl)).await
    }

    async fn deal(
        &self,
        lease: JobLease,
        turn: &Turn,
        now: Timestamp,
    ) -> Result<Dealt, JournalError> {
        self.link
            .over(self.deal_out(lease, &self.there(turn), self.link.there(now)))
            .await
            .map(|read| self.here(read))
    }

    async fn call_roll(&self, lease: JobLease, now: Timestamp) -> Result<RollCall, JournalError> {
        self.link.over(self.roll(lease, self.link.there(now))).await
    }

    async fn release_job(&self, lease: JobLease, now: Timestamp) -> Result<(), JournalError> {
        self.link.over(self.release_run(lease, self.link.there(now))).await
    }

    async fn note(&self, scope: &CloudScope, act: &Act) -> Result<(), JournalError> {
        self.link.over(self.keep_act(scope, &self.there(act))).await
    }

    async fn acts(
        &self,
        scope: Option<&CloudScope>,
        limit: u32,
    ) -> Result<Vec<ActRow>, JournalError> {
        self.link.over(self.act_rows(scope, limit)).await.map(|read| self.here(read))
    }

    async fn acquire(
        &self,
        invalidation: InvalidationId,
        holder: MemberId,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<Lease>, JournalError> {
        self.link.over(self.acquire_lease(invalidation, holder, self.link.there(now), ttl)).await
    }

    async fn renew(&self, lease: Lease, now: Timestamp, ttl: Duration) -> Result<(), JournalError> {
        self.link.over(self.renew_lease(lease, self.link.there(now), ttl)).await
    }

    async fn renew_all(
        &self,
        leases: &[Lease],
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Vec<Lease>, JournalError> {
        self.link.over(self.renew_leases(leases, self.link.there(now), ttl)).await
    }

    async fn release(&self, lease: Lease) -> Result<(), JournalError> {
        self.link.over(self.release_lease(lease)).await
    }

    async fn invalidation(&self, id: InvalidationId) -> Result<Invalidation, JournalError> {
        let read = self.link.over(self.whole_invalidation(id)).await?;
        Ok(self.vault.opened(self.here(read)))
    }

    async fn find(&self, prefix: &str) -> Result<InvalidationId, JournalError> {
        self.link.over(self.find_by_prefix(prefix)).await
    }

    async fn open(&self, scope: Option<&CloudScope>) -> Result<Vec<InvalidationRow>, JournalError> {
        self.link.over(self.open_rows(scope)).await.map(|read| self.here(read))
    }

    async fn open_for(
        &self,
        scope: &CloudScope,
        reader: MemberId,
    ) -> Result<Vec<InvalidationRow>, JournalError> {
        self.link.over(self.open_rows_for(scope, reader)).await.map(|read| self.here(read))
    }

    async fn ended(
        &self,
        scope: Option<&CloudScope>,
        limit: u32,
    ) -> Result<Vec<InvalidationRow>, JournalError> {
        self.link.over(self.ended_rows(scope, limit)).await.map(|read| self.here(read))
    }

    async fn row(&self, id: InvalidationId) -> Result<InvalidationRow, JournalError> {
        self.link.over(self.one_row(id)).await.map(|read| self.here(read))
    }

    async fn activity(
        &self,
        scope: Option<&CloudScope>,
        limit: u32,
    ) -> Result<Vec<ActivityRow>, JournalError> {
        self.link.over(self.activity_rows(scope, limit)).await.map(|read| self.here(read))
    }

    async fn save(&self, news: &[News<'_>]) -> Result<Vec<Lease>, JournalError> {
        let written = news.iter().map(|news| {
            let names = news.names.iter().map(|name| self.there(name).into_owned());
            (names.collect::<Vec<_>>(), self.vault.sealed_sightings(news.sightings))
        });
        let written = written.collect::<Vec<_>>();
        let news = news.iter().zip(&written).map(|(news, (names, sealed))| {
            let sightings = sealed.as_deref().unwrap_or(news.sightings);
            News { names, sightings, ..*news }
        });
        let news = news.collect::<Vec<_>>();
        self.link.over(self.save_news(&news)).await
    }

    async fn kept_sightings(
        &self,
        invalidation: InvalidationId,
    ) -> Result<Vec<SightingRun>, JournalError> {
        self.link.over(self.sightings(invalidation)).await
    }

    async fn end(
        &self,
        lease: Lease,
        ending: &Ending,
        last: &WatchSnapshot,
    ) -> Result<(), JournalError> {
        self.link.over(self.end_invalidation(lease, &self.there(ending), last)).await
    }

    async fn reopen(&self, id: InvalidationId) -> Result<(), JournalError> {
        self.link.over(self.reopen_invalidation(id)).await
    }

    async fn earlier_contents(
        &self,
        scope: &CloudScope,
        keys: &[AssetKey],
    ) -> Result<Vec<Vec<Content>>, JournalError> {
        self.link.over(self.known_contents(scope, keys)).await
    }

    async fn pulse(&self) -> Result<String, JournalError> {
        self.pulse_text().await
    }

    async fn activity_of(
        &self,
        scope: &CloudScope,
        key: &AssetKey,
        limit: u32,
    ) -> Result<Vec<ActivityRow>, JournalError> {
        self.link.over(self.activity_rows_of(scope, key, limit)).await.map(|read| self.here(read))
    }

    async fn newer_operation(
        &self,
        scope: &CloudScope,
        key: &AssetKey,
        since: Timestamp,
        than: OperationId,
    ) -> Result<Option<Operation>, JournalError> {
        self.link
            .over(self.newest_change(scope, key, self.link.there(since), than))
            .await
            .map(|read| self.here(read))
    }

    async fn newer_operations(
        &self,
        scope: &CloudScope,
        names: &[(AssetKey, Timestamp)],
        than: OperationId,
    ) -> Result<Vec<Option<Operation>>, JournalError> {
        let there = names.iter().map(|(key, since)| (key, self.link.there(*since)));
        let there = there.collect::<Vec<_>>();
        let read = self.link.over(self.newest_changes(scope, &there, than)).await?;
        Ok(read.into_iter().map(|newer| newer.map(|newer| self.here(newer))).collect())
    }

    async fn recently_gone(
        &self,
        scope: &CloudScope,
        key: &AssetKey,
        since: Timestamp,
    ) -> Result<bool, JournalError> {
        self.link.over(self.was_gone_since(scope, key, self.link.there(since))).await
    }

    async fn usual(&self, scope: &CloudScope) -> Result<Usual, JournalError> {
        self.link.over(self.usual_times(scope)).await
    }

    async fn end_of_gone_clouds(
        &self,
        api: &str,
        running: Option<&str>,
        now: Timestamp,
    ) -> Result<u64, JournalError> {
        self.link.over(self.end_gone_clouds(api, running, self.link.there(now))).await
    }
}
