//! The engine: one entry for every use case.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::context::Context;
use super::error::OpError;
use super::execute::Runner;
pub use super::execute::{Executed, ExecutedItem, Execution};
use super::guard::{self, Lock};
pub use super::jobs::{Resumed, Retry, Undo};
use super::jobs::{Running, Worker};
pub use super::look::{Look, Looked, Lookout, Truth};
pub use super::picture::{Picture, PictureFile};
use super::plan::Patience;
pub use super::show::{Shown, ShownUrl};
use super::tracker::Tracker;
use super::watch_url::WebClaim;
use super::{evidence, jobs, look, picture, plan, resolve, show, watch_url};
use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::id::{InvalidationId, OperationId};
use crate::domain::invalidation::{Item, Member, Verb};
use crate::domain::job::{Act, ActKind, ActRow, ItemFilter, JobRow, JobWait, Slice, Wish};
use crate::domain::place::{Place, PlaceId};
use crate::domain::purge::{Order, OrderTerms, Plan, Risk};
use crate::domain::text::clean;
use crate::domain::verdict::Expectation;
use crate::ports::cloud::{ListQuery, Page};
use crate::ports::journal::{ActivityRow, InvalidationRow, SightingRun};

/// Every use case, over one profile.
pub struct Engine {
    context: Arc<Context>,
    tracker: Tracker,
    running: Running,
    /// Settles what dead processes left in doubt, beside everything else.
    recovery: TaskTracker,
    stop: CancellationToken,
    lock: Arc<Lock>,
}

/// Reads and orders of one profile.
impl Engine {
    /// Starts the tracker, and settles what dead processes left in doubt by asking storage. Their jobs are left to
    /// [`Self::go_on`].
    #[must_use]
    pub fn start(context: Context) -> Self {
        Self::begin(context, false)
    }

    /// [`Self::start`], and goes on with the jobs of dead processes: sends what they only intended. A production
    /// profile is locked, and its jobs wait until it is unlocked.
    #[must_use]
    pub fn start_working(context: Context) -> Self {
        Self::begin(context, true)
    }

    fn begin(context: Context, goes_on: bool) -> Self {
        let context = Arc::new(guard::guarded(context));
        let tracker = Tracker::start(Arc::clone(&context));
        let engine = Self::over(context, tracker);
        if goes_on && engine.context.policy.risk == Risk::Production {
            engine.lock();
        }
        engine.recovery.spawn(engine.worker().work(goes_on));
        if goes_on {
            engine.recovery.spawn(engine.worker().take_part());
        }
        engine
    }

    fn over(context: Arc<Context>, tracker: Tracker) -> Self {
        let (recovery, stop) = (TaskTracker::new(), CancellationToken::new());
        recovery.close();
        Self { context, tracker, running: Running::default(), recovery, stop, lock: Arc::default() }
    }

    fn worker(&self) -> Worker {
        Worker {
            context: Arc::clone(&self.context),
            tracker: self.tracker.clone(),
            running: self.running.clone(),
            tasks: self.recovery.clone(),
            lock: Arc::clone(&self.lock),
            stop: self.stop.clone(),
        }
    }

    /// For reads alone: takes up no invalidation and settles nothing; [`Self::execute`] and [`Self::watch_url`] fail.
    #[must_use]
    pub fn for_reading(context: Context) -> Self {
        let context = Arc::new(guard::guarded(context));
        let tracker = Tracker::idle(Arc::clone(&context));
        Self::over(context, tracker)
    }

    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    #[must_use]
    pub const fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    /// The asset an operator means by a public ID or a delivery URL: the likeliest reading, without asking storage.
    ///
    /// # Errors
    /// [`OpError::BadName`] with what is wrong and what to do.
    pub fn resolve(
        &self,
        typed: &str,
        resource_type: Option<ResourceType>,
        delivery_type: Option<DeliveryType>,
    ) -> Result<AssetKey, OpError> {
        let candidates =
            resolve::candidates(&self.context.account, typed, resource_type, delivery_type)?;
        candidates
            .into_iter()
            .next()
            .ok_or_else(|| OpError::NothingSelected { what: "an empty name".to_owned() })
    }

    /// As [`Engine::resolve`], but where a URL has several readings storage decides.
    ///
    /// # Errors
    /// [`OpError::BadName`], the cloud's.
    pub async fn locate(
        &self,
        typed: &str,
        resource_type: Option<ResourceType>,
        delivery_type: Option<DeliveryType>,
    ) -> Result<AssetKey, OpError> {
        let candidates =
            resolve::candidates(&self.context.account, typed, resource_type, delivery_type)?;
        resolve::settle(&self.context, candidates).await
    }

    /// One page of assets, at most 500.
    ///
    /// # Errors
    /// The cloud's.
    pub async fn list(
        &self,
        query: &ListQuery,
        limit: u16,
        cursor: Option<&str>,
    ) -> Result<Page, OpError> {
        Ok(self.context.cloud.list(query, limit, cursor).await?)
    }

    /// [`Self::list`] on its way at once, while its caller is busy with the page before.
    pub fn list_ahead(
        &self,
        query: &ListQuery,
        limit: u16,
        cursor: String,
    ) -> impl Future<Output = Result<Page, OpError>> + use<> {
        let (context, query) = (Arc::clone(&self.context), query.clone());
        let page = async move { context.cloud.list(&query, limit, Some(&cursor)).await };
        let page = tokio::spawn(page);
        async move {
            match page.await.map_err(JoinError::try_into_panic) {
                Ok(page) => Ok(page?),
                Err(Ok(panic)) => std::panic::resume_unwind(panic),
                Err(Err(_)) => std::future::pending().await, // the runtime ends
            }
        }
    }

    /// Paths of the folders directly in a folder of the cloud, at the root where it is empty.
    ///
    /// # Errors
    /// The cloud's.
    pub async fn folders(&self, path: &str) -> Result<Vec<String>, OpError> {
        Ok(self.context.cloud.folders(path).await?)
    }

    /// One asset, its derived copies and its delivery URLs with coverage.
    ///
    /// # Errors
    /// The cloud's.
    pub async fn show(&self, key: &AssetKey) -> Result<Shown, OpError> {
        show::show(&self.context, key).await
    }

    /// Resolves an order against storage, without changing anything.
    ///
    /// # Errors
    /// Read-only profile, bad or missing names, an empty selection, the cloud's.
    pub async fn plan(&self, order: &Order, terms: &OrderTerms) -> Result<Plan, OpError> {
        plan::plan_patiently(&self.context, order, terms, Patience::default()).await
    }

    /// [`Self::plan`], which waits for the quota instead of failing where it is used up; `waits` tells until when.
    ///
    /// # Errors
    /// As [`Self::plan`].
    pub async fn plan_patiently(
        &self,
        order: &Order,
        terms: &OrderTerms,
        waits: &watch::Sender<Option<JobWait>>,
    ) -> Result<Plan, OpError> {
        plan::plan_patiently(&self.context, order, terms, Patience::told_to(waits)).await
    }

    /// Carries a plan out: intent to the journal, baseline, calls, outcomes to the journal and the tracker.
    /// Refused while locked. `typed` is the confirmation word, where one is needed. `cancel` lets calls in flight settle and skips the rest.
    ///
    /// # Errors
    /// Not confirmed, or the journal's before anything was sent; failures of single calls are in the result.
    pub async fn execute(
        &self,
        plan: &Plan,
        terms: &OrderTerms,
        typed: Option<&str>,
        events: &mpsc::Sender<Execution>,
        cancel: &CancellationToken,
    ) -> Result<Executed, OpError> {
        self.refuse_when_locked(plan.verb)?;
        self.runner().execute(plan, terms, typed, events, cancel).await
    }

    /// Takes a job up that nobody runs, and carries it out as [`Self::execute`] would have: what is in doubt is settled
    /// by asking storage, what was only intended is sent.
    ///
    /// # Errors
    /// Somebody runs it, it is over, it cannot be gone on with from the journal alone, a read-only profile; the journal's.
    pub async fn go_on(
        &self,
        operation: OperationId,
        events: &mpsc::Sender<Execution>,
        cancel: &CancellationToken,
    ) -> Result<Executed, OpError> {
        self.refuse_jobs_when_locked()?;
        self.runner().go_on(operation, events, cancel).await
    }

    /// Sends nothing more, of whatever job: calls in flight settle, and the rest waits for whoever takes it up. For a
    /// process that is about to end.
    pub fn leave(&self) {
        self.stop.cancel();
    }

    fn runner(&self) -> Runner<'_> {
        let Self { context, tracker, running, stop, .. } = self;
        Runner { context, tracker, running, leave: stop }
    }

    /// Takes no orders until it is unlocked.
    pub fn lock(&self) {
        self.lock.shut();
    }

    /// Takes orders for [`guard::UNLOCKED_FOR`].
    ///
    /// # Errors
    /// Another word than the name of the cloud: it stays as it is.
    pub fn unlock(&self, typed: &str) -> Result<(), OpError> {
        if typed.trim() != self.context.account.cloud_name {
            return Err(OpError::Locked {
                profile: self.context.policy.profile.clone(),
                verb: "the order",
            });
        }
        self.lock.open_until(self.context.clock.moment() + guard::UNLOCKED_FOR);
        Ok(())
    }

    fn refuse_when_locked(&self, verb: Verb) -> Result<(), OpError> {
        self.refuse_while_shut(verb.as_str())
    }

    fn refuse_jobs_when_locked(&self) -> Result<(), OpError> {
        self.refuse_while_shut("going on with a job")
    }

    fn refuse_while_shut(&self, verb: &'static str) -> Result<(), OpError> {
        if self.lock.is_shut(self.context.clock.moment()) {
            let profile = self.context.policy.profile.clone();
            return Err(OpError::Locked { profile, verb });
        }
        Ok(())
    }

    /// Whether something may be changed by other means than orders: not while the profile is locked or read-only.
    ///
    /// # Errors
    /// Locked or read-only profile.
    pub fn refuse_changes(&self) -> Result<(), OpError> {
        self.refuse_while_shut("a command of your own")?;
        plan::refuse_on_read_only(&self.context, Verb::Purge)
    }

    /// Sends an invalidation again, as the operator wants.
    ///
    /// # Errors
    /// Locked or read-only profile, the tracker's.
    pub async fn purge_again(&self, id: InvalidationId) -> Result<(), OpError> {
        self.refuse_when_locked(Verb::Purge)?;
        plan::refuse_on_read_only(&self.context, Verb::Purge)?;
        self.tracker.purge_again(id).await
    }

    /// Watches a URL without changing anything; storage is NEW.
    ///
    /// # Errors
    /// A URL that is not this cloud's, an expectation that storage contradicts, the cloud's, the journal's.
    pub async fn watch_url(
        &self,
        url: &str,
        expect: Option<Expectation>,
        terms: &OrderTerms,
    ) -> Result<InvalidationId, OpError> {
        watch_url::watch_url(&self.context, &self.tracker, url, expect, terms).await
    }

    /// Watches a web address of no known cloud; the context's cloud is its [`super::web_origin::WebOrigin`].
    ///
    /// # Errors
    /// What cannot be decided, and what would help; a claim that the origin contradicts; the journal's.
    pub async fn watch_web(
        &self,
        url: &DeliveryUrl,
        claim: &WebClaim,
        terms: &OrderTerms,
    ) -> Result<InvalidationId, OpError> {
        watch_url::watch_web(&self.context, &self.tracker, url, claim, terms).await
    }

    /// One look at every place.
    ///
    /// # Errors
    /// A URL that is not this cloud's, no places, the cloud's.
    pub async fn look(&self, url: &str) -> Result<Looked, OpError> {
        look::look(&self.context, url).await
    }

    /// What shows an asset, as one cache delivers it. Without `insisted` nothing is loaded where the cache would keep a
    /// copy that no invalidation reaches.
    ///
    /// # Errors
    /// No places.
    pub async fn picture(&self, shown: &Shown, insisted: bool) -> Result<Picture, OpError> {
        picture::picture(&self.context, &shown.detail, insisted).await
    }

    /// What one place serves now under a watched URL (as snapshots show it), and what storage holds behind it.
    ///
    /// # Errors
    /// No such watch or URL, no places, the cloud's, the journal's.
    pub async fn compare(
        &self,
        id: InvalidationId,
        place: &PlaceId,
        url: &str,
    ) -> Result<(Picture, Picture), OpError> {
        picture::compare(&self.context, id, place, url).await
    }

    /// Where this profile can look.
    ///
    /// # Errors
    /// No place can be found.
    pub async fn places(&self) -> Result<Vec<Place>, OpError> {
        Ok(self.context.places.places(&plan::host_of(&self.context, None)).await?)
    }

    /// Open invalidations of this cloud, whoever started them.
    ///
    /// # Errors
    /// The journal's.
    pub async fn pending(&self) -> Result<Vec<InvalidationRow>, OpError> {
        Ok(self.context.journal.open(Some(&self.context.scope)).await?)
    }

    /// Ended invalidations, newest first.
    ///
    /// # Errors
    /// The journal's.
    pub async fn history(&self, limit: u32) -> Result<Vec<InvalidationRow>, OpError> {
        Ok(self.context.journal.ended(Some(&self.context.scope), limit).await?)
    }

    /// The audit trail, newest first.
    ///
    /// # Errors
    /// The journal's.
    pub async fn activity(&self, limit: u32) -> Result<Vec<ActivityRow>, OpError> {
        Ok(self.context.journal.activity(Some(&self.context.scope), limit).await?)
    }

    /// A text that changes when somebody ordered something, acted on a job, or a watch ended ([`Journal::pulse`]).
    ///
    /// # Errors
    /// The journal's.
    ///
    /// [`Journal::pulse`]: crate::ports::journal::Journal::pulse
    pub async fn pulse(&self) -> Result<String, OpError> {
        Ok(self.context.journal.pulse().await?)
    }

    /// Operations that named an asset, as source or target, newest first.
    ///
    /// # Errors
    /// The journal's.
    pub async fn activity_of(
        &self,
        key: &AssetKey,
        limit: u32,
    ) -> Result<Vec<ActivityRow>, OpError> {
        Ok(self.context.journal.activity_of(&self.context.scope, key, limit).await?)
    }

    /// Jobs of this cloud, newest first, whoever ordered them.
    ///
    /// # Errors
    /// The journal's.
    pub async fn jobs(&self, limit: u32) -> Result<Vec<JobRow>, OpError> {
        let Context { journal, scope, clock, .. } = &*self.context;
        Ok(journal.jobs(Some(scope), limit, clock.wall()).await?)
    }

    /// One job.
    ///
    /// # Errors
    /// The journal's.
    pub async fn job(&self, operation: OperationId) -> Result<JobRow, OpError> {
        Ok(self.context.journal.job(operation, self.context.clock.wall()).await?)
    }

    /// Items of a job in the order of its plan.
    ///
    /// # Errors
    /// The journal's.
    pub async fn job_items(
        &self,
        operation: OperationId,
        filter: ItemFilter,
        slice: Slice,
    ) -> Result<Vec<Item>, OpError> {
        Ok(self.context.journal.job_items(operation, filter, slice).await?)
    }

    /// Sends nothing more of a job for now; calls in flight settle. Any process that runs it heeds within a second.
    ///
    /// # Errors
    /// It is over, or the journal's.
    pub async fn pause(&self, operation: OperationId) -> Result<JobRow, OpError> {
        jobs::wish(&self.context, &self.running, operation, Wish::Pause).await
    }

    /// Sends nothing more of a job, ever; calls in flight settle.
    ///
    /// # Errors
    /// It is over, or the journal's.
    pub async fn cancel(&self, operation: OperationId) -> Result<JobRow, OpError> {
        jobs::wish(&self.context, &self.running, operation, Wish::Cancel).await
    }

    /// Lets a paused, held or interrupted job go on; tells who does. Where nobody does, [`Self::go_on`] takes it up and
    /// [`Self::take_up`] does so in the background.
    ///
    /// # Errors
    /// It is over, the profile is read-only, or the journal's.
    pub async fn resume(&self, operation: OperationId) -> Result<Resumed, OpError> {
        self.refuse_jobs_when_locked()?;
        let job = jobs::wish(&self.context, &self.running, operation, Wish::Run).await?;
        // while this process only settles what is in doubt it holds the lease as well
        let Member { user, host, pid, .. } = &self.context.member;
        let own = format!("{} {pid}", clean(&format!("{user}@{host}")));
        let runs = |who: &String| *who != own || self.running.runs(operation);
        Ok(job.run_by.filter(runs).map_or(Resumed::Nobody, Resumed::By))
    }

    /// Goes on with a job that nobody runs, in the background of this process.
    pub fn take_up(&self, operation: OperationId) {
        self.worker().take_up(operation);
    }

    /// Jobs of this cloud whose process is gone and that can be gone on with, oldest first.
    ///
    /// # Errors
    /// The journal's.
    pub async fn interrupted(&self) -> Result<Vec<JobRow>, OpError> {
        jobs::interrupted(&self.context).await
    }

    /// Holds all jobs of the profile at once; returns those that were running.
    ///
    /// # Errors
    /// The journal's.
    pub async fn hold_all(&self) -> Result<Vec<OperationId>, OpError> {
        jobs::wish_all(&self.context, &self.running, Wish::Hold).await
    }

    /// Lets all jobs that are held go on; returns them.
    ///
    /// # Errors
    /// A read-only profile; the journal's.
    pub async fn resume_all(&self) -> Result<Vec<OperationId>, OpError> {
        self.refuse_jobs_when_locked()?;
        jobs::wish_all(&self.context, &self.running, Wish::Run).await
    }

    /// What a job did not get done, as an order of its own: to be planned, confirmed and carried out like any other.
    ///
    /// # Errors
    /// Nothing failed, it is not over, or it cannot be done again from the journal alone; the journal's.
    pub async fn retry_failed(&self, operation: OperationId) -> Result<Retry, OpError> {
        jobs::retry(&self.context, operation).await
    }

    /// What takes an operation back, as an order of its own: to be planned, confirmed and carried out like any other.
    ///
    /// # Errors
    /// It is under way, or there is no way back; the journal's.
    pub async fn undo(&self, operation: OperationId) -> Result<Undo, OpError> {
        jobs::undo(&self.context, operation).await
    }

    /// What was done to jobs and profiles beside ordering, newest first.
    ///
    /// # Errors
    /// The journal's.
    pub async fn acts(&self, limit: u32) -> Result<Vec<ActRow>, OpError> {
        Ok(self.context.journal.acts(Some(&self.context.scope), limit).await?)
    }

    /// Adds to the audit trail that the profile was unlocked or locked.
    ///
    /// # Errors
    /// The journal's.
    pub async fn note(&self, kind: ActKind) -> Result<(), OpError> {
        let Context { journal, scope, clock, member, policy, .. } = &*self.context;
        let act = Act {
            kind,
            by: member.id,
            at: clock.wall(),
            operation: None,
            note: Some(policy.profile.clone()),
        };
        Ok(journal.note(scope, &act).await?)
    }

    /// What was seen in one cell of an invalidation, run by run, oldest first; `url` as snapshots show it.
    ///
    /// # Errors
    /// The journal's.
    pub async fn evidence(
        &self,
        id: InvalidationId,
        place: &PlaceId,
        url: &str,
    ) -> Result<Vec<SightingRun>, OpError> {
        evidence::evidence(&self.context, id, place, url).await
    }

    /// Stops the tracker and waits for it.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.recovery.wait().await;
        self.tracker.shutdown().await;
    }
}

impl Drop for Engine {
    /// Without a shutdown nothing is waited for, but nothing goes on either.
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
