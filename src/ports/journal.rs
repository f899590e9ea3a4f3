//! The journal: intents before the network, outcomes after it, shared by several processes.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::domain::asset::AssetKey;
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::id::{InvalidationId, ItemId, MemberId, OperationId};
use crate::domain::invalidation::{
    CloudScope, Ending, Invalidation, Item, ItemState, Member, Operation, WatchTerms, WatchedName,
    WatchedUrl,
};
use crate::domain::job::{
    Act, ActRow, ItemFilter, JobRow, JobTerms, JobWait, Refused, Slice, Wish,
};
use crate::domain::place::PlaceId;
use crate::domain::sighting::{AcceptVariant, Answer, ProbeFailure, ProbeShape, Sighting};
use crate::domain::snapshot::WatchSnapshot;
use crate::domain::time::Timestamp;
use crate::domain::usual::Usual;
use crate::domain::verdict::{Content, Judgement, Stored};
use crate::ports::journal_team::{Dealt, RollCall, Turn};

/// Why the journal did not take or give something. While intents cannot be written no destructive call may leave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    #[error("the journal {path} cannot be opened: {detail}")]
    Open { path: String, detail: String },
    #[error(
        "the journal {path} was written by a newer allclear (schema {found}, this one knows {known})"
    )]
    Newer { path: String, found: i64, known: i64 },
    /// Its server does not answer. What was written last may be there or not.
    #[error("the journal {journal} cannot be reached: {detail}")]
    Gone { journal: String, detail: String },
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
    /// Somebody else runs the job now: no call may leave under the old lease.
    #[error("another process runs this job now")]
    JobLost,
    #[error("no job begins with `{prefix}`")]
    UnknownJob { prefix: String },
}

/// Whether a journal can be reached, and how far away it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Reach {
    /// In a file of this host, or in memory.
    #[default]
    Here,
    /// On a server that answers.
    Reached {
        /// From a question to its answer, the last time that it was asked.
        delay: Duration,
    },
    /// On a server that does not answer; it is looked for again and again.
    Gone { detail: String },
}

/// The right to track one invalidation; every write under it carries the fencing number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    pub invalidation: InvalidationId,
    pub holder: MemberId,
    /// Grows with every change of holder; a write with an older number is refused.
    pub fencing: i64,
}

/// What is new of one watch since it was last written; what is empty changes nothing.
#[derive(Debug, Clone, Copy)]
pub struct News<'a> {
    pub lease: Lease,
    /// What storage was read as for names.
    pub names: &'a [WatchedName],
    /// Terms that changed while watching, e.g. a place that the operator left out.
    pub terms: Option<&'a WatchTerms>,
    pub sightings: &'a [SightingRow],
    /// The latest picture, for other processes and for the next start.
    pub picture: Option<&'a WatchSnapshot>,
}

impl News<'_> {
    /// Nothing new yet of what `lease` is for.
    #[must_use]
    pub const fn under(lease: Lease) -> Self {
        Self { lease, names: &[], terms: None, sightings: &[], picture: None }
    }
}

/// The right to make calls of one job; every call of it is marked under the fencing number before it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobLease {
    pub operation: OperationId,
    pub holder: MemberId,
    /// Grows with every change of holder; a mark with an older number is refused.
    pub fencing: i64,
    /// Whether somebody else runs the job, and this is a hand that helps: hands have numbers of their own.
    pub is_hand: bool,
}

impl JobLease {
    /// The right to run a job: one process at a time has it.
    #[must_use]
    pub const fn to_run(operation: OperationId, holder: MemberId, fencing: i64) -> Self {
        Self { operation, holder, fencing, is_hand: false }
    }
}

/// Which jobs are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobsOf<'a> {
    One(OperationId),
    /// Every job of a cloud that is not over.
    Cloud(&'a CloudScope),
}

/// What happened to the calls of a job since it was last written, and what leaves next.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Step {
    /// [`ItemState::Intended`] for a call that the cloud said it did not carry out, to be sent again.
    pub outcomes: Vec<(ItemId, ItemState, Option<String>)>,
    /// Calls that leave once this is written.
    pub leaving: Vec<ItemId>,
}

/// Everything that is needed to go on with a job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobWork {
    pub operation: Operation,
    /// `None` for what was ordered by an older program: nothing of it can be sent any more.
    pub terms: Option<JobTerms>,
    pub invalidation: Option<InvalidationId>,
    /// In the order of the plan.
    pub items: Vec<Item>,
    /// What storage held before, as far as it was read.
    pub before: HashMap<ItemId, Stored>,
    pub refused: Vec<Refused>,
    /// What is still to be named to the cloud one by one.
    pub by_url: ByUrl,
}

/// URLs that a job names to the cloud one by one, when every item has its outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ByUrl {
    pub urls: Vec<DeliveryUrl>,
    /// More of them, whose signature or token is not kept: they cannot be named any more.
    pub lost: usize,
}

impl ByUrl {
    /// Whether there is nothing to name, nor to say about it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.urls.is_empty() && self.lost == 0
    }
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
    /// Address that their SSH session came from, if it was one.
    pub from: Option<String>,
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
    /// Address that their SSH session came from, if it was one.
    pub from: Option<String>,
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
    /// `None` where no call is made. With it the orderer holds the job's lease from the start.
    pub job: Option<JobIntent>,
}

/// What makes an operation a job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobIntent {
    pub terms: JobTerms,
    /// How long the lease of the orderer lasts.
    pub ttl: Duration,
    /// What storage holds now, of items whose name is not watched.
    pub before: Vec<(ItemId, Stored)>,
    pub refused: Vec<Refused>,
    /// To be named to the cloud one by one when every item has its outcome; the job is not over before.
    pub by_url: Vec<DeliveryUrl>,
}

/// How a store looked at one time: nobody has written anything while it looks the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark(pub u64);

/// A store that tells nothing of changes is read again after this.
pub const UNTOLD: Duration = Duration::from_secs(2);

/// Keeps operations, items, invalidations, watched URLs, sightings and activity.
///
/// `record`, `mark_sent` and `settle` are durable (synced) when they return.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Where it is, without secrets.
    fn location(&self) -> String;

    /// Whether it can be reached, as of the last time that this was tried.
    fn reach(&self) -> Reach {
        Reach::Here
    }

    /// Resolves with the number of changes that other members made as soon as it is not `seen` any more; never where a
    /// journal is not told of them. The first number is 0. Heartbeats, sightings and progress are no changes, and one
    /// may be missed, so lists are read now and then all the same.
    async fn change(&self, _seen: u64) -> u64 {
        std::future::pending().await
    }

    /// How the store looks now, to be taken before it is read; `None` where that cannot be told.
    fn mark(&self) -> Option<Mark> {
        None
    }

    /// Returns when somebody, this process or another, may have written since `mark` was taken; at once where that has
    /// happened already, and after a while where it cannot be told.
    async fn changed(&self, _since: Option<&Mark>) {
        tokio::time::sleep(UNTOLD).await;
    }

    /// Makes this process known, and alive as of `now`; called again every few seconds while it has work.
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

    /// Items of `scope` that were intended or sent and never settled, and that nobody works on: their job has no
    /// runner, or its runner (of older operations: the orderer) was not heard of since `silent_since`.
    async fn unsettled(
        &self,
        scope: &CloudScope,
        silent_since: Timestamp,
    ) -> Result<Vec<(Operation, Item)>, JournalError>;

    /// Jobs, newest first; of every cloud without a scope.
    async fn jobs(
        &self,
        scope: Option<&CloudScope>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<JobRow>, JournalError>;

    /// One job as the list shows it.
    async fn job(&self, operation: OperationId, now: Timestamp) -> Result<JobRow, JournalError>;

    /// Resolves an ID of a job or of its invalidation, or 6 or more first characters of one.
    ///
    /// # Errors
    /// [`JournalError::UnknownJob`], [`JournalError::Ambiguous`].
    async fn find_job(&self, prefix: &str) -> Result<OperationId, JournalError>;

    /// Items of a job in the order of its plan.
    async fn job_items(
        &self,
        operation: OperationId,
        filter: ItemFilter,
        slice: Slice,
    ) -> Result<Vec<Item>, JournalError>;

    /// Everything that is needed to go on with a job.
    async fn job_work(&self, operation: OperationId) -> Result<JobWork, JournalError>;

    /// [`Self::job_work`] without items and URLs: who helps with a job of a million reads those that it is given.
    async fn job_to_help(&self, operation: OperationId) -> Result<JobWork, JournalError> {
        let work = self.job_work(operation).await?;
        Ok(JobWork {
            items: Vec::new(),
            before: HashMap::new(),
            refused: Vec::new(),
            by_url: ByUrl::default(),
            ..work
        })
    }

    /// Writes down what an operator wants of jobs, with a line of the audit trail for each that it changes. A cancelled
    /// job that nobody runs is ended at once, but for what is in doubt. [`Wish::Run`] of a whole cloud goes to the held
    /// ones. Returns the jobs that were changed.
    async fn wish(
        &self,
        of: JobsOf<'_>,
        wish: Wish,
        by: MemberId,
        now: Timestamp,
    ) -> Result<Vec<OperationId>, JournalError>;

    /// Tries to become the runner of a job: free, expired, dead members' or one's own leases are given.
    async fn claim_job(
        &self,
        operation: OperationId,
        holder: MemberId,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<JobLease>, JournalError>;

    /// Says that the job is still run, and why it waits; returns what is wanted of it.
    ///
    /// # Errors
    /// [`JournalError::JobLost`] when somebody else runs it now.
    async fn renew_job(
        &self,
        lease: JobLease,
        wait: Option<&JobWait>,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Wish, JournalError>;

    /// Writes outcomes, then marks as sent what leaves next: one durable transaction. Returns what is wanted of the job;
    /// where that is not [`Wish::Run`] nothing was marked and nothing may leave.
    ///
    /// # Errors
    /// [`JournalError::JobLost`] when somebody else runs it now; [`JournalError::Write`] when one that leaves was sent or
    /// settled meanwhile. Nothing is written then, and nothing may leave.
    async fn advance(
        &self,
        lease: JobLease,
        step: &Step,
        now: Timestamp,
    ) -> Result<Wish, JournalError>;

    /// Notes what the cloud said when it was told the URLs of [`JobWork::by_url`]: they are not named again.
    ///
    /// # Errors
    /// [`JournalError::JobLost`] when somebody else runs it now.
    async fn named_by_url(
        &self,
        lease: JobLease,
        answer: &str,
        now: Timestamp,
    ) -> Result<(), JournalError>;

    /// Stops a job that its runner gives up for now: nobody goes on with it before an operator wants it, and the audit
    /// trail says why.
    ///
    /// # Errors
    /// [`JournalError::JobLost`] when somebody else runs it now.
    async fn stop_job(
        &self,
        lease: JobLease,
        because: &str,
        now: Timestamp,
    ) -> Result<(), JournalError>;

    /// Jobs of a cloud that several processes may make calls of, and that have some left: those that were begun, and
    /// those that nobody runs; none in a journal of one host.
    async fn shared_jobs(
        &self,
        _scope: &CloudScope,
        _now: Timestamp,
    ) -> Result<Vec<OperationId>, JournalError> {
        Ok(Vec::new())
    }

    /// Joins those that work on a shared job that somebody runs, as one more hand; `None` where nobody does, or it was
    /// not begun.
    async fn join_job(
        &self,
        _operation: OperationId,
        _holder: MemberId,
        _now: Timestamp,
        _ttl: Duration,
    ) -> Result<Option<JobLease>, JournalError> {
        Ok(None)
    }

    /// [`Journal::advance`] of a shared job: writes outcomes, then marks as sent what is next in turn and nobody has, as
    /// much as was asked for and the cap of the team allows. One durable transaction.
    ///
    /// # Errors
    /// [`JournalError::JobLost`] when the lease is over: nothing is written then, and nothing may leave.
    async fn deal(
        &self,
        _lease: JobLease,
        _turn: &Turn,
        _now: Timestamp,
    ) -> Result<Dealt, JournalError> {
        Err(JournalError::JobLost)
    }

    /// Looks who works on a shared job. Whoever runs it takes over what dead hands and earlier runners had under way:
    /// from then on they can write nothing about it.
    ///
    /// # Errors
    /// [`JournalError::JobLost`] when the lease is over.
    async fn call_roll(&self, _lease: JobLease, _now: Timestamp) -> Result<RollCall, JournalError> {
        Ok(RollCall::default())
    }

    /// Gives a job back, done or not.
    async fn release_job(&self, lease: JobLease, now: Timestamp) -> Result<(), JournalError>;

    /// Adds a line to the audit trail.
    async fn note(&self, scope: &CloudScope, act: &Act) -> Result<(), JournalError>;

    /// What was done to jobs and profiles beside ordering, newest first.
    async fn acts(
        &self,
        scope: Option<&CloudScope>,
        limit: u32,
    ) -> Result<Vec<ActRow>, JournalError>;

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

    /// A sign of life of `member`, and its leases renewed: [`Self::join`] and [`Self::renew_all`] in one write.
    async fn beat(
        &self,
        member: &Member,
        leases: &[Lease],
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Vec<Lease>, JournalError> {
        self.join(member, now).await?;
        self.renew_all(leases, now, ttl).await
    }

    /// Renews many at once; returns those that somebody else holds now.
    async fn renew_all(
        &self,
        leases: &[Lease],
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Vec<Lease>, JournalError> {
        let mut lost = Vec::new();
        for lease in leases {
            match self.renew(*lease, now, ttl).await {
                Ok(()) => {}
                Err(JournalError::LeaseLost) => lost.push(*lease),
                Err(error) => return Err(error),
            }
        }
        Ok(lost)
    }

    async fn release(&self, lease: Lease) -> Result<(), JournalError>;

    /// An invalidation with everything that tracking needs.
    async fn invalidation(&self, id: InvalidationId) -> Result<Invalidation, JournalError>;

    /// Resolves an ID of an invalidation or its operation, or 6 or more first characters of one.
    async fn find(&self, prefix: &str) -> Result<InvalidationId, JournalError>;

    /// Open invalidations of a cloud, oldest first; of every cloud without a scope.
    async fn open(&self, scope: Option<&CloudScope>) -> Result<Vec<InvalidationRow>, JournalError>;

    /// Open invalidations of a cloud, oldest first, for `reader`: without the pictures of those that it tracks itself.
    async fn open_for(
        &self,
        scope: &CloudScope,
        _reader: MemberId,
    ) -> Result<Vec<InvalidationRow>, JournalError> {
        self.open(Some(scope)).await
    }

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

    /// A text that is another one once somebody ordered something, acted on a job, or a watch ended; cheap enough to be
    /// asked every few seconds. How far calls and watches that are under way have got is not in it.
    async fn pulse(&self) -> Result<String, JournalError> {
        let order = self.activity(None, 1).await?.first().map(|row| row.operation.id.to_string());
        let act = self.acts(None, 1).await?.first().map(|act| act.at.to_string());
        let end = self.ended(None, 1).await?.first().map(|row| row.id.to_string());
        Ok([order, act, end].map(Option::unwrap_or_default).join(" "))
    }

    /// Operations that named `key`, as source or target, newest first; nothing in a journal that keeps none.
    async fn activity_of(
        &self,
        _scope: &CloudScope,
        _key: &AssetKey,
        _limit: u32,
    ) -> Result<Vec<ActivityRow>, JournalError> {
        Ok(Vec::new())
    }

    /// Writes what is new of many watches at once: one durable transaction, for each costs a sync of the disk and some
    /// switches between threads. Each watch is written under its own lease; returns the leases that are good no more:
    /// of theirs nothing was written, of all others everything.
    ///
    /// # Errors
    /// When the journal cannot be written: nothing was then.
    async fn save(&self, news: &[News<'_>]) -> Result<Vec<Lease>, JournalError>;

    /// [`Self::save`] of one watch.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`] when somebody else holds it now.
    async fn save_one(&self, news: News<'_>) -> Result<(), JournalError> {
        if self.save(&[news]).await?.is_empty() { Ok(()) } else { Err(JournalError::LeaseLost) }
    }

    /// What is kept of the sightings of an invalidation, cell by cell, oldest run first; nothing in a journal that
    /// keeps none.
    async fn kept_sightings(
        &self,
        _invalidation: InvalidationId,
    ) -> Result<Vec<SightingRun>, JournalError> {
        Ok(Vec::new())
    }

    /// Keeps the latest picture for other processes and for the next start.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`] when somebody else holds it now.
    async fn save_snapshot(
        &self,
        lease: Lease,
        snapshot: &WatchSnapshot,
    ) -> Result<(), JournalError> {
        self.save_one(News { picture: Some(snapshot), ..News::under(lease) }).await
    }

    /// Ends an invalidation and releases the lease.
    async fn end(
        &self,
        lease: Lease,
        ending: &Ending,
        last: &WatchSnapshot,
    ) -> Result<(), JournalError>;

    /// Takes up an ended one again, after a late place showed an old copy.
    async fn reopen(&self, id: InvalidationId) -> Result<(), JournalError>;

    /// Contents that each of these assets is known to have had, newest first, at most 20; in the order asked.
    async fn earlier_contents(
        &self,
        scope: &CloudScope,
        keys: &[AssetKey],
    ) -> Result<Vec<Vec<Content>>, JournalError>;

    /// The newest operation that changed `key` (as source or target) after `since`, other than `than`.
    async fn newer_operation(
        &self,
        scope: &CloudScope,
        key: &AssetKey,
        since: Timestamp,
        than: OperationId,
    ) -> Result<Option<Operation>, JournalError>;

    /// [`Self::newer_operation`] of many names, each with its own time; in the order asked.
    async fn newer_operations(
        &self,
        scope: &CloudScope,
        names: &[(AssetKey, Timestamp)],
        than: OperationId,
    ) -> Result<Vec<Option<Operation>>, JournalError> {
        let mut newer = Vec::with_capacity(names.len());
        for (key, since) in names {
            newer.push(self.newer_operation(scope, key, *since, than).await?);
        }
        Ok(newer)
    }

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
