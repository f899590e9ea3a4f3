//! A journal that costs nothing: everything in memory, nothing serialised.
//!
//! Thousands of stories write to it, each for itself. The real journal has tests of its own; what stories need of one
//! is that leases hold, that contents and operations are remembered, and to be told of the moment of an ending.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::domain::asset::AssetKey;
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::id::{InvalidationId, ItemId, MemberId, OperationId};
use crate::domain::invalidation::{
    CloudScope, Ending, Invalidation, Item, ItemState, Member, Operation, Verb, WatchedName,
    WatchedUrl, label_of,
};
use crate::domain::job::{
    Act, ActKind, ActRow, ItemFilter, JobCounts, JobRow, JobState, JobTerms, JobWait, Refused,
    Slice, Wish,
};
use crate::domain::snapshot::WatchSnapshot;
use crate::domain::time::Timestamp;
use crate::domain::usual::Usual;
use crate::domain::verdict::{Content, Stored};
use crate::ports::journal::{
    ActivityRow, ByUrl, Intent, InvalidationRow, JobIntent, JobLease, JobWork, JobsOf, Journal,
    JournalError, Lease, News, Step,
};

/// Contents of one asset that are told at most.
const MOST_CONTENTS: usize = 20;

/// Called at the moment of an ending, before anybody hears of it.
pub type AtEnd = Box<dyn Fn(&Invalidation, &WatchSnapshot) + Send + Sync>;

/// A journal of one process and one cloud.
#[derive(Default)]
pub struct MemoryJournal {
    state: Mutex<State>,
    at_end: Option<AtEnd>,
}

#[derive(Default)]
struct State {
    operations: Vec<Operation>,
    items: BTreeMap<ItemId, Item>,
    invalidations: BTreeMap<InvalidationId, Tracked>,
    jobs: BTreeMap<OperationId, Job>,
    acts: Vec<Act>,
    /// Newest last.
    contents: BTreeMap<AssetKey, Vec<Content>>,
}

/// A job of the one process.
struct Job {
    terms: JobTerms,
    before: Vec<(ItemId, Stored)>,
    refused: Vec<Refused>,
    by_url: Vec<DeliveryUrl>,
    stopped: Option<String>,
    invalidation: Option<InvalidationId>,
    wish: Wish,
    holder: Option<MemberId>,
    fencing: i64,
    run_since: Timestamp,
}

struct Tracked {
    invalidation: Invalidation,
    fencing: i64,
    holder: Option<MemberId>,
    last: Option<WatchSnapshot>,
}

impl MemoryJournal {
    pub fn telling(at_end: AtEnd) -> Self {
        Self { state: Mutex::default(), at_end: Some(at_end) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn under<T>(
        &self,
        lease: Lease,
        change: impl FnOnce(&mut State, InvalidationId) -> T,
    ) -> Result<T, JournalError> {
        let mut state = self.state();
        let good = state.invalidations.get(&lease.invalidation).is_some_and(|tracked| {
            tracked.fencing == lease.fencing
                && tracked.holder == Some(lease.holder)
                && tracked.invalidation.ended.is_none()
        });
        if good { Ok(change(&mut state, lease.invalidation)) } else { Err(JournalError::LeaseLost) }
    }

    fn rows(&self, ended: bool) -> Vec<InvalidationRow> {
        let state = self.state();
        let all = state.invalidations.values();
        all.filter(|tracked| tracked.invalidation.ended.is_some() == ended).map(row).collect()
    }
}

fn row(tracked: &Tracked) -> InvalidationRow {
    let Tracked { invalidation, holder, last, .. } = tracked;
    InvalidationRow {
        id: invalidation.id,
        operation: invalidation.operation.clone(),
        label: label_of(&invalidation.items),
        by: "ops@desk".to_owned(),
        from: None,
        tracked_by: holder.map(|holder| holder.to_string()),
        snapshot: last.clone(),
        ended: invalidation.ended.clone(),
    }
}

impl State {
    fn remember(&mut self, key: &AssetKey, stored: Option<&Stored>) {
        let Some(Stored::Holds(content)) = stored else { return };
        let known = self.contents.entry(key.clone()).or_default();
        known.retain(|one| one != content);
        known.push(content.clone());
    }

    /// What storage was read as for names of an invalidation.
    fn learn(&mut self, id: InvalidationId, names: &[WatchedName]) {
        for name in names {
            self.remember(&name.key, name.new.as_ref());
            let Some(tracked) = self.invalidations.get_mut(&id) else { return };
            for known in &mut tracked.invalidation.names {
                if known.item == name.item && known.key == name.key {
                    *known = name.clone();
                }
            }
        }
    }

    fn items_of(&self, operation: OperationId) -> Vec<Item> {
        self.items.values().filter(|item| item.operation == operation).cloned().collect()
    }

    fn job_row(&self, operation: &Operation, now: Timestamp) -> Option<JobRow> {
        let (job, items) = (self.jobs.get(&operation.id)?, self.items_of(operation.id));
        let (refused, to_name) = (job.refused.len(), job.by_url.len());
        let mut counts = JobCounts { refused, to_name, ..JobCounts::default() };
        for item in &items {
            counts.add(item.state, 1);
        }
        let not_before = job.terms.not_before;
        Some(JobRow {
            state: JobState::of(&counts, job.wish, job.holder.is_some(), not_before, now),
            operation: operation.clone(),
            by: "ops@desk".to_owned(),
            from: None,
            label: label_of(&items),
            wish: job.wish,
            wished_by: None,
            wished_at: None,
            counts,
            run_by: job.holder.map(|holder| holder.to_string()),
            resumable: job.terms.resumable,
            not_before,
            wait: None,
            stopped: job.stopped.clone(),
            run_since: job.run_since,
            settled_before: 0,
            started_at: items.iter().filter_map(|item| item.sent_at).min(),
            ended_at: None,
            invalidation: job.invalidation,
        })
    }

    fn run(&mut self, lease: JobLease) -> Result<&mut Job, JournalError> {
        let good =
            |job: &&mut Job| job.fencing == lease.fencing && job.holder == Some(lease.holder);
        self.jobs.get_mut(&lease.operation).filter(good).ok_or(JournalError::JobLost)
    }

    /// The invalidation with what became of its items meanwhile.
    fn current(&self, id: InvalidationId) -> Option<Invalidation> {
        let mut invalidation = self.invalidations.get(&id)?.invalidation.clone();
        for item in &mut invalidation.items {
            if let Some(known) = self.items.get(&item.id) {
                *item = known.clone();
            }
        }
        Some(invalidation)
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    fn location(&self) -> String {
        "memory".to_owned()
    }

    async fn join(&self, _member: &Member, _now: Timestamp) -> Result<(), JournalError> {
        Ok(())
    }

    async fn record(&self, intent: &Intent) -> Result<(), JournalError> {
        let mut state = self.state();
        state.operations.push(intent.operation.clone());
        state.items.extend(intent.items.iter().map(|item| (item.id, item.clone())));
        if let Some(JobIntent { terms, before, refused, by_url, .. }) = intent.job.clone() {
            let job = Job {
                terms,
                before,
                refused,
                by_url,
                stopped: None,
                invalidation: intent.invalidation.as_ref().map(|one| one.id),
                wish: Wish::Run,
                holder: Some(intent.operation.member),
                fencing: 1,
                run_since: intent.operation.at,
            };
            state.jobs.insert(intent.operation.id, job);
        }
        if let Some(invalidation) = intent.invalidation.clone() {
            for name in &invalidation.names {
                state.remember(&name.key, name.old.as_ref());
            }
            let tracked = Tracked { fencing: 0, holder: None, last: None, invalidation };
            state.invalidations.insert(tracked.invalidation.id, tracked);
        }
        Ok(())
    }

    async fn watch(
        &self,
        invalidation: InvalidationId,
        names: &[WatchedName],
        urls: &[WatchedUrl],
    ) -> Result<(), JournalError> {
        let mut state = self.state();
        for name in names {
            state.remember(&name.key, name.old.as_ref());
        }
        if let Some(tracked) = state.invalidations.get_mut(&invalidation) {
            tracked.invalidation.names.extend_from_slice(names);
            tracked.invalidation.urls.extend_from_slice(urls);
        }
        Ok(())
    }

    async fn mark_sent(&self, items: &[ItemId], at: Timestamp) -> Result<(), JournalError> {
        let mut state = self.state();
        for item in items {
            if let Some(item) = state.items.get_mut(item) {
                (item.state, item.sent_at) = (ItemState::Sent, Some(at));
            }
        }
        Ok(())
    }

    async fn settle(
        &self,
        outcomes: &[(ItemId, ItemState, Option<String>)],
    ) -> Result<(), JournalError> {
        let mut state = self.state();
        for (item, became, message) in outcomes {
            if let Some(item) = state.items.get_mut(item) {
                (item.state, item.message) = (*became, message.clone());
            }
        }
        Ok(())
    }

    /// The one process is never silent.
    async fn unsettled(
        &self,
        _scope: &CloudScope,
        _silent_since: Timestamp,
    ) -> Result<Vec<(Operation, Item)>, JournalError> {
        Ok(Vec::new())
    }

    async fn jobs(
        &self,
        _scope: Option<&CloudScope>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<JobRow>, JournalError> {
        let state = self.state();
        let newest = state.operations.iter().rev();
        Ok(newest.filter_map(|one| state.job_row(one, now)).take(limit as usize).collect())
    }

    async fn job(&self, operation: OperationId, now: Timestamp) -> Result<JobRow, JournalError> {
        let state = self.state();
        let found = state.operations.iter().find(|one| one.id == operation);
        found
            .and_then(|one| state.job_row(one, now))
            .ok_or_else(|| JournalError::UnknownJob { prefix: operation.to_string() })
    }

    async fn find_job(&self, prefix: &str) -> Result<OperationId, JournalError> {
        let state = self.state();
        let found = state.jobs.keys().find(|id| id.to_string().starts_with(prefix));
        found.copied().ok_or_else(|| JournalError::UnknownJob { prefix: prefix.to_owned() })
    }

    async fn job_items(
        &self,
        operation: OperationId,
        filter: ItemFilter,
        slice: Slice,
    ) -> Result<Vec<Item>, JournalError> {
        let items = self.state().items_of(operation);
        let meant = items.into_iter().filter(|item| filter.takes(item.state));
        Ok(meant.skip(slice.offset as usize).take(slice.limit as usize).collect())
    }

    async fn job_work(&self, operation: OperationId) -> Result<JobWork, JournalError> {
        let state = self.state();
        let unknown = || JournalError::UnknownJob { prefix: operation.to_string() };
        let ordered =
            state.operations.iter().find(|one| one.id == operation).ok_or_else(unknown)?;
        let job = state.jobs.get(&operation).ok_or_else(unknown)?;
        Ok(JobWork {
            operation: ordered.clone(),
            terms: Some(job.terms.clone()),
            invalidation: job.invalidation,
            items: state.items_of(operation),
            before: job.before.iter().cloned().collect(),
            refused: job.refused.clone(),
            by_url: ByUrl { urls: job.by_url.clone(), lost: 0 },
        })
    }

    async fn wish(
        &self,
        of: JobsOf<'_>,
        wish: Wish,
        by: MemberId,
        now: Timestamp,
    ) -> Result<Vec<OperationId>, JournalError> {
        let mut state = self.state();
        let mut changed = Vec::new();
        for (operation, job) in &mut state.jobs {
            let meant = of == JobsOf::One(*operation) || matches!(of, JobsOf::Cloud(_));
            if meant && job.wish != wish && job.wish != Wish::Cancel {
                (job.wish, job.stopped) = (wish, None);
                changed.push(*operation);
            }
        }
        let act = |operation: &OperationId| Act {
            kind: ActKind::of(wish),
            by,
            at: now,
            operation: Some(*operation),
            note: None,
        };
        state.acts.extend(changed.iter().map(act));
        Ok(changed)
    }

    async fn claim_job(
        &self,
        operation: OperationId,
        holder: MemberId,
        now: Timestamp,
        _ttl: Duration,
    ) -> Result<Option<JobLease>, JournalError> {
        let mut state = self.state();
        let unknown = || JournalError::UnknownJob { prefix: operation.to_string() };
        let job = state.jobs.get_mut(&operation).ok_or_else(unknown)?;
        if job.holder.is_some_and(|held| held != holder) {
            return Ok(None);
        }
        if job.holder.is_none() {
            (job.holder, job.fencing, job.run_since) = (Some(holder), job.fencing + 1, now);
        }
        Ok(Some(JobLease::to_run(operation, holder, job.fencing)))
    }

    async fn renew_job(
        &self,
        lease: JobLease,
        _wait: Option<&JobWait>,
        _now: Timestamp,
        _ttl: Duration,
    ) -> Result<Wish, JournalError> {
        Ok(self.state().run(lease)?.wish)
    }

    async fn advance(
        &self,
        lease: JobLease,
        step: &Step,
        now: Timestamp,
    ) -> Result<Wish, JournalError> {
        let wish = self.state().run(lease)?.wish;
        self.settle(&step.outcomes).await?;
        if wish.sends() {
            self.mark_sent(&step.leaving, now).await?;
        }
        Ok(wish)
    }

    async fn named_by_url(
        &self,
        lease: JobLease,
        _answer: &str,
        _now: Timestamp,
    ) -> Result<(), JournalError> {
        self.state().run(lease)?.by_url.clear();
        Ok(())
    }

    async fn stop_job(
        &self,
        lease: JobLease,
        because: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let mut state = self.state();
        let job = state.run(lease)?;
        if job.wish == Wish::Run {
            (job.wish, job.stopped) = (Wish::Pause, Some(because.to_owned()));
        }
        state.acts.push(Act {
            kind: ActKind::GiveUp,
            by: lease.holder,
            at: now,
            operation: Some(lease.operation),
            note: Some(because.to_owned()),
        });
        Ok(())
    }

    async fn release_job(&self, lease: JobLease, _now: Timestamp) -> Result<(), JournalError> {
        self.state().run(lease)?.holder = None;
        Ok(())
    }

    async fn note(&self, _scope: &CloudScope, act: &Act) -> Result<(), JournalError> {
        self.state().acts.push(act.clone());
        Ok(())
    }

    async fn acts(
        &self,
        _scope: Option<&CloudScope>,
        limit: u32,
    ) -> Result<Vec<ActRow>, JournalError> {
        let state = self.state();
        let row = |act: &Act| ActRow {
            kind: act.kind,
            at: act.at,
            by: "ops@desk".to_owned(),
            from: None,
            operation: act.operation,
            label: act.operation.map(|operation| label_of(&state.items_of(operation))),
            note: act.note.clone(),
        };
        Ok(state.acts.iter().rev().take(limit as usize).map(row).collect())
    }

    async fn acquire(
        &self,
        invalidation: InvalidationId,
        holder: MemberId,
        _now: Timestamp,
        _ttl: Duration,
    ) -> Result<Option<Lease>, JournalError> {
        let mut state = self.state();
        let tracked = state.invalidations.get_mut(&invalidation);
        let tracked =
            tracked.ok_or_else(|| JournalError::Unknown { prefix: invalidation.to_string() })?;
        if tracked.invalidation.ended.is_some() {
            return Ok(None);
        }
        tracked.holder = Some(holder);
        tracked.fencing += 1;
        Ok(Some(Lease { invalidation, holder, fencing: tracked.fencing }))
    }

    async fn renew(
        &self,
        lease: Lease,
        _now: Timestamp,
        _ttl: Duration,
    ) -> Result<(), JournalError> {
        self.under(lease, |_, _| ())
    }

    async fn release(&self, lease: Lease) -> Result<(), JournalError> {
        self.under(lease, |state, id| {
            if let Some(tracked) = state.invalidations.get_mut(&id) {
                tracked.holder = None;
            }
        })
    }

    async fn invalidation(&self, id: InvalidationId) -> Result<Invalidation, JournalError> {
        self.state().current(id).ok_or_else(|| JournalError::Unknown { prefix: id.to_string() })
    }

    async fn find(&self, prefix: &str) -> Result<InvalidationId, JournalError> {
        let state = self.state();
        let found = state.invalidations.keys().find(|id| id.to_string().starts_with(prefix));
        found.copied().ok_or_else(|| JournalError::Unknown { prefix: prefix.to_owned() })
    }

    async fn open(
        &self,
        _scope: Option<&CloudScope>,
    ) -> Result<Vec<InvalidationRow>, JournalError> {
        Ok(self.rows(false))
    }

    async fn ended(
        &self,
        _scope: Option<&CloudScope>,
        limit: u32,
    ) -> Result<Vec<InvalidationRow>, JournalError> {
        Ok(self.rows(true).into_iter().rev().take(limit as usize).collect())
    }

    async fn row(&self, id: InvalidationId) -> Result<InvalidationRow, JournalError> {
        let state = self.state();
        let tracked = state.invalidations.get(&id);
        tracked.map(row).ok_or_else(|| JournalError::Unknown { prefix: id.to_string() })
    }

    /// Nobody reads it in a story.
    async fn activity(
        &self,
        _scope: Option<&CloudScope>,
        _limit: u32,
    ) -> Result<Vec<ActivityRow>, JournalError> {
        Ok(Vec::new())
    }

    async fn save(&self, news: &[News<'_>]) -> Result<Vec<Lease>, JournalError> {
        let mut lost = Vec::new();
        for news in news {
            let saved = self.under(news.lease, |state, id| {
                state.learn(id, news.names);
                let tracked = state.invalidations.get_mut(&id);
                if let (Some(tracked), Some(terms)) = (tracked, news.terms) {
                    tracked.invalidation.terms = terms.clone();
                }
            });
            match saved {
                Err(JournalError::LeaseLost) => lost.push(news.lease),
                saved => saved?,
            }
        }
        Ok(lost)
    }

    async fn end(
        &self,
        lease: Lease,
        ending: &Ending,
        last: &WatchSnapshot,
    ) -> Result<(), JournalError> {
        let ended = self.under(lease, |state, id| {
            let current = state.current(id);
            if let Some(tracked) = state.invalidations.get_mut(&id) {
                tracked.invalidation.ended = Some(ending.clone());
                (tracked.holder, tracked.last) = (None, Some(last.clone()));
            }
            current
        })?;
        if let (Some(at_end), Some(ended)) = (&self.at_end, ended) {
            at_end(&ended, last);
        }
        Ok(())
    }

    async fn reopen(&self, id: InvalidationId) -> Result<(), JournalError> {
        if let Some(tracked) = self.state().invalidations.get_mut(&id) {
            tracked.invalidation.ended = None;
        }
        Ok(())
    }

    /// Every story is the first.
    async fn usual(&self, _scope: &CloudScope) -> Result<Usual, JournalError> {
        Ok(Usual::default())
    }

    async fn earlier_contents(
        &self,
        _scope: &CloudScope,
        keys: &[AssetKey],
    ) -> Result<Vec<Vec<Content>>, JournalError> {
        let state = self.state();
        let of_one = |key: &AssetKey| {
            let known = state.contents.get(key).into_iter().flatten().rev();
            known.take(MOST_CONTENTS).cloned().collect()
        };
        Ok(keys.iter().map(of_one).collect())
    }

    async fn newer_operation(
        &self,
        _scope: &CloudScope,
        key: &AssetKey,
        since: Timestamp,
        than: OperationId,
    ) -> Result<Option<Operation>, JournalError> {
        let state = self.state();
        let changes =
            |verb| matches!(verb, Verb::Rename | Verb::Delete | Verb::Replace | Verb::Restore);
        let newest = state
            .items
            .values()
            .filter(|item| item.key == *key || item.to.as_ref() == Some(key))
            .filter(|item| matches!(item.state, ItemState::Sent | ItemState::Accepted))
            .filter(|item| item.operation != than)
            .filter_map(|item| {
                let operation = state.operations.iter().find(|one| one.id == item.operation)?;
                let left = item.sent_at.unwrap_or(operation.at);
                (changes(operation.verb) && left > since).then_some((left, operation))
            })
            .max_by_key(|(left, operation)| (*left, operation.id));
        Ok(newest.map(|(_, operation)| operation.clone()))
    }

    async fn recently_gone(
        &self,
        _scope: &CloudScope,
        key: &AssetKey,
        _since: Timestamp,
    ) -> Result<bool, JournalError> {
        let state = self.state();
        let was_gone = |name: &WatchedName| name.key == *key && name.new == Some(Stored::Empty);
        Ok(state.invalidations.values().any(|one| one.invalidation.names.iter().any(was_gone)))
    }

    async fn end_of_gone_clouds(
        &self,
        _api: &str,
        _running: Option<&str>,
        _now: Timestamp,
    ) -> Result<u64, JournalError> {
        Ok(0)
    }
}
