//! A journal in memory that gets along with paused time.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use crate::adapters::journal::{Processes, SqlJournal};
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
    News, SightingRun, Step,
};

/// A journal during whose calls paused time stands still.
#[derive(Debug, Clone)]
pub struct StillJournal(Arc<SqlJournal>, Option<Usual>, Arc<AtomicUsize>);

impl StillJournal {
    /// A new journal in memory, to which every process is alive.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn in_memory() -> Self {
        let processes = Processes::new("test", |_| true);
        let opened = still(SqlJournal::in_memory(processes)).await;
        Self(Arc::new(opened.expect("a journal in memory needs nothing")), None, Arc::default())
    }

    /// How often a tracker wrote what is new of its watches.
    #[must_use]
    pub fn saves(&self) -> usize {
        self.2.load(Ordering::Relaxed)
    }

    /// One that keeps no pictures and no sightings, and tells this of earlier invalidations: for long simulations.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn forgetful(usual: Usual) -> Self {
        Self(Self::in_memory().await.0, Some(usual), Arc::default())
    }
}

/// Waits for `call`; tokio's paused time does not run away meanwhile, since it waits for blocking tasks.
pub async fn still<T>(call: impl Future<Output = T>) -> T {
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let holding = tokio::task::spawn_blocking(move || wait.recv());
    let answer = call.await;
    drop(done);
    holding.await.ok();
    answer
}

#[async_trait]
impl Journal for StillJournal {
    fn location(&self) -> String {
        self.0.location()
    }

    async fn join(&self, member: &Member, now: Timestamp) -> Result<(), JournalError> {
        still(self.0.join(member, now)).await
    }

    async fn record(&self, intent: &Intent) -> Result<(), JournalError> {
        still(self.0.record(intent)).await
    }

    async fn watch(
        &self,
        invalidation: InvalidationId,
        names: &[WatchedName],
        urls: &[WatchedUrl],
    ) -> Result<(), JournalError> {
        still(self.0.watch(invalidation, names, urls)).await
    }

    async fn mark_sent(&self, items: &[ItemId], at: Timestamp) -> Result<(), JournalError> {
        still(self.0.mark_sent(items, at)).await
    }

    async fn settle(
        &self,
        outcomes: &[(ItemId, ItemState, Option<String>)],
    ) -> Result<(), JournalError> {
        still(self.0.settle(outcomes)).await
    }

    async fn unsettled(
        &self,
        scope: &CloudScope,
        silent_since: Timestamp,
    ) -> Result<Vec<(Operation, Item)>, JournalError> {
        still(self.0.unsettled(scope, silent_since)).await
    }

    async fn jobs(
        &self,
        scope: Option<&CloudScope>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<JobRow>, JournalError> {
        still(self.0.jobs(scope, limit, now)).await
    }

    async fn job(&self, operation: OperationId, now: Timestamp) -> Result<JobRow, JournalError> {
        still(self.0.job(operation, now)).await
    }

    async fn find_job(&self, prefix: &str) -> Result<OperationId, JournalError> {
        still(self.0.find_job(prefix)).await
    }

    async fn job_items(
        &self,
        operation: OperationId,
        filter: ItemFilter,
        slice: Slice,
    ) -> Result<Vec<Item>, JournalError> {
        still(self.0.job_items(operation, filter, slice)).await
    }

    async fn job_work(&self, operation: OperationId) -> Result<JobWork, JournalError> {
        still(self.0.job_work(operation)).await
    }

    async fn wish(
        &self,
        of: JobsOf<'_>,
        wish: Wish,
        by: MemberId,
        now: Timestamp,
    ) -> Result<Vec<OperationId>, JournalError> {
        still(self.0.wish(of, wish, by, now)).await
    }

    async fn claim_job(
        &self,
        operation: OperationId,
        holder: MemberId,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<JobLease>, JournalError> {
        still(self.0.claim_job(operation, holder, now, ttl)).await
    }

    async fn renew_job(
        &self,
        lease: JobLease,
        wait: Option<&JobWait>,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Wish, JournalError> {
        still(self.0.renew_job(lease, wait, now, ttl)).await
    }

    async fn advance(
        &self,
        lease: JobLease,
        step: &Step,
        now: Timestamp,
    ) -> Result<Wish, JournalError> {
        still(self.0.advance(lease, step, now)).await
    }

    async fn named_by_url(
        &self,
        lease: JobLease,
        answer: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        still(self.0.named_by_url(lease, answer, now)).await
    }

    async fn stop_job(
        &self,
        lease: JobLease,
        because: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        still(self.0.stop_job(lease, because, now)).await
    }

    async fn release_job(&self, lease: JobLease, now: Timestamp) -> Result<(), JournalError> {
        still(self.0.release_job(lease, now)).await
    }

    async fn note(&self, scope: &CloudScope, act: &Act) -> Result<(), JournalError> {
        still(self.0.note(scope, act)).await
    }

    async fn acts(
        &self,
        scope: Option<&CloudScope>,
        limit: u32,
    ) -> Result<Vec<ActRow>, JournalError> {
        still(self.0.acts(scope, limit)).await
    }

    async fn acquire(
        &self,
        invalidation: InvalidationId,
        holder: MemberId,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<Lease>, JournalError> {
        still(self.0.acquire(invalidation, holder, now, ttl)).await
    }

    async fn renew(&self, lease: Lease, now: Timestamp, ttl: Duration) -> Result<(), JournalError> {
        still(self.0.renew(lease, now, ttl)).await
    }

    async fn release(&self, lease: Lease) -> Result<(), JournalError> {
        still(self.0.release(lease)).await
    }

    async fn invalidation(&self, id: InvalidationId) -> Result<Invalidation, JournalError> {
        still(self.0.invalidation(id)).await
    }

    async fn find(&self, prefix: &str) -> Result<InvalidationId, JournalError> {
        still(self.0.find(prefix)).await
    }

    async fn open(&self, scope: Option<&CloudScope>) -> Result<Vec<InvalidationRow>, JournalError> {
        still(self.0.open(scope)).await
    }

    async fn open_for(
        &self,
        scope: &CloudScope,
        reader: MemberId,
    ) -> Result<Vec<InvalidationRow>, JournalError> {
        still(self.0.open_for(scope, reader)).await
    }

    async fn ended(
        &self,
        scope: Option<&CloudScope>,
        limit: u32,
    ) -> Result<Vec<InvalidationRow>, JournalError> {
        still(self.0.ended(scope, limit)).await
    }

    async fn row(&self, id: InvalidationId) -> Result<InvalidationRow, JournalError> {
        still(self.0.row(id)).await
    }

    async fn activity(
        &self,
        scope: Option<&CloudScope>,
        limit: u32,
    ) -> Result<Vec<ActivityRow>, JournalError> {
        still(self.0.activity(scope, limit)).await
    }

    async fn save(&self, news: &[News<'_>]) -> Result<Vec<Lease>, JournalError> {
        self.2.fetch_add(1, Ordering::Relaxed);
        match self.1 {
            Some(_) if news.iter().all(|news| news.names.is_empty() && news.terms.is_none()) => {
                Ok(Vec::new())
            }
            Some(_) => {
                let told = news.iter().map(|it| News { sightings: &[], picture: None, ..*it });
                still(self.0.save(&told.collect::<Vec<_>>())).await
            }
            None => still(self.0.save(news)).await,
        }
    }

    async fn kept_sightings(
        &self,
        invalidation: InvalidationId,
    ) -> Result<Vec<SightingRun>, JournalError> {
        still(self.0.kept_sightings(invalidation)).await
    }

    async fn end(
        &self,
        lease: Lease,
        ending: &Ending,
        last: &WatchSnapshot,
    ) -> Result<(), JournalError> {
        still(self.0.end(lease, ending, last)).await
    }

    async fn reopen(&self, id: InvalidationId) -> Result<(), JournalError> {
        still(self.0.reopen(id)).await
    }

    async fn earlier_contents(
        &self,
        scope: &CloudScope,
        keys: &[AssetKey],
    ) -> Result<Vec<Vec<Content>>, JournalError> {
        still(self.0.earlier_contents(scope, keys)).await
    }

    async fn newer_operation(
        &self,
        scope: &CloudScope,
        key: &AssetKey,
        since: Timestamp,
        than: OperationId,
    ) -> Result<Option<Operation>, JournalError> {
        still(self.0.newer_operation(scope, key, since, than)).await
    }

    async fn newer_operations(
        &self,
        scope: &CloudScope,
        names: &[(AssetKey, Timestamp)],
        than: OperationId,
    ) -> Result<Vec<Option<Operation>>, JournalError> {
        still(self.0.newer_operations(scope, names, than)).await
    }

    async fn recently_gone(
        &self,
        scope: &CloudScope,
        key: &AssetKey,
        since: Timestamp,
    ) -> Result<bool, JournalError> {
        still(self.0.recently_gone(scope, key, since)).await
    }

    async fn usual(&self, scope: &CloudScope) -> Result<Usual, JournalError> {
        match &self.1 {
            Some(usual) => Ok(usual.clone()),
            None => still(self.0.usual(scope)).await,
        }
    }

    async fn end_of_gone_clouds(
        &self,
        api: &str,
        running: Option<&str>,
        now: Timestamp,
    ) -> Result<u64, JournalError> {
        still(self.0.end_of_gone_clouds(api, running, now)).await
    }
}
