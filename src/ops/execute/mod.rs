//! Execution: intent to the journal, references and baseline, calls, outcomes to the journal and the tracker.
//!
//! A job is run under a lease: `heart` keeps it and hears what is wanted, `window` has calls in flight, `call` makes
//! one and says what became of it, `work` is what there is to do, from a plan or from the journal alone.

mod brake;
mod by_url;
mod call;
mod heart;
mod intent;
mod pace;
mod taken;
mod team;
#[cfg(test)]
mod tests;
mod window;
mod work;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::error::OpError;
use super::jobs::{Here, Running};
use super::plan;
use super::tracker::Tracker;
use crate::domain::asset::AssetKey;
use crate::domain::id::{InvalidationId, ItemId, OperationId};
use crate::domain::invalidation::{Item, ItemState};
use crate::domain::job::{Act, ActKind, ItemFilter, JobState, JobWait, Slice};
use crate::domain::purge::{OrderTerms, Plan};
use crate::domain::text::clean;
use crate::ports::journal::{JobLease, JournalError};
use heart::Pulse;
use window::{Desk, End, Window};
use work::Work;

/// What happens while a plan is executed.
#[derive(Debug, Clone, PartialEq)]
pub enum Execution {
    /// The intent is in the journal.
    Recorded { operation: OperationId, invalidation: Option<InvalidationId>, total: usize },
    /// Why nothing is sent for a while; `None` when it goes on.
    Wait(Option<JobWait>),
    /// Paused, held, resumed or cancelled, by whomever.
    State(JobState),
    /// What the cloud said when it was told URLs one by one; `accepted`: it did not refuse. Only sightings count.
    Named { urls: usize, accepted: bool, answer: String },
    /// How fast it goes, once a second: items settled in a second, and the time that the rest takes.
    Pace { rate: f64, eta: Duration },
    /// One call has its answer.
    Item {
        item: ItemId,
        key: AssetKey,
        state: ItemState,
        message: Option<String>,
        done: usize,
        failed: usize,
    },
}

/// What an executed plan came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Executed {
    pub operation: OperationId,
    /// Set where there is something to watch.
    pub invalidation: Option<InvalidationId>,
    pub items: Vec<ExecutedItem>,
    /// Why it was stopped before everything was sent, where it was: it waits to be resumed.
    pub stopped: Option<String>,
}

impl Executed {
    /// Items in a state.
    #[must_use]
    pub fn count(&self, state: ItemState) -> usize {
        self.items.iter().filter(|item| item.state == state).count()
    }
}

/// One item of an executed plan.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutedItem {
    pub key: AssetKey,
    pub to: Option<AssetKey>,
    pub state: ItemState,
    pub message: Option<String>,
}

impl ExecutedItem {
    fn of(item: &Item) -> Self {
        Self {
            key: item.key.clone(),
            to: item.to.clone(),
            state: item.state,
            message: item.message.clone(),
        }
    }
}

/// What jobs are run with.
#[derive(Clone, Copy)]
pub struct Runner<'a> {
    pub context: &'a Arc<Context>,
    pub tracker: &'a Tracker,
    pub running: &'a Running,
    /// Nothing more is sent from then on: calls in flight settle, and the rest is left to whoever takes the job up.
    pub leave: &'a CancellationToken,
}

impl Runner<'_> {
    /// Carries a plan out; see [`super::Engine::execute`].
    ///
    /// # Errors
    /// Not confirmed, read-only, or the journal's before anything was sent.
    pub async fn execute(
        self,
        plan: &Plan,
        terms: &OrderTerms,
        typed: Option<&str>,
        events: &mpsc::Sender<Execution>,
        cancel: &CancellationToken,
    ) -> Result<Executed, OpError> {
        let context = self.context;
        plan::refuse_on_read_only(context, plan.verb)?;
        if !plan.confirmation.is_given_by(typed) {
            return Err(OpError::NotConfirmed {
                verb: plan.verb.as_str(),
                needed: plan.confirmation.clone(),
            });
        }
        let intent = intent::of_plan(context, plan, terms).await;
        let operation = intent.operation.id;
        let here = self.running.begin(operation).await;
        let here = here.ok_or_else(|| run_already(operation, "this process"))?;
        context.journal.record(&intent).await?;
        // recorded with it: nobody else can run the job from its first moment on
        let lease = JobLease::to_run(operation, context.member.id, 1);
        let work = Work::of_plan(plan, intent);
        self.run(work, lease, here, events, cancel, Some(plan)).await
    }

    /// Takes up a job whose process is gone, or that was left paused: what is in doubt is settled by asking storage, and
    /// what was only intended is sent.
    ///
    /// # Errors
    /// Somebody runs it, it is over or cannot be gone on with from the journal alone, a read-only profile, the journal's.
    pub async fn go_on(
        self,
        operation: OperationId,
        events: &mpsc::Sender<Execution>,
        cancel: &CancellationToken,
    ) -> Result<Executed, OpError> {
        let Context { journal, clock, member, scope, .. } = &**self.context;
        let here = self.running.begin(operation).await;
        let here = here.ok_or_else(|| run_already(operation, "this process"))?;
        let job = journal.job(operation, clock.wall()).await?;
        plan::refuse_on_read_only(self.context, job.operation.verb)?;
        if job.operation.scope != *scope {
            return Err(OpError::Invalid {
                message: format!("the job belongs to {}", clean(&job.operation.scope.cloud_name)),
                hint: "choose the profile of that cloud with --profile".to_owned(),
            });
        }
        if job.state == JobState::Done {
            let items = journal.job_items(operation, ItemFilter::All, Slice::ALL).await?;
            let items = items.iter().map(ExecutedItem::of).collect();
            return Ok(Executed {
                operation,
                invalidation: job.invalidation,
                items,
                stopped: None,
            });
        }
        let claimed = journal.claim_job(operation, member.id, clock.wall(), heart::LEASE).await?;
        let lease = claimed.ok_or_else(|| {
            run_already(operation, job.run_by.as_deref().unwrap_or("another process"))
        })?;
        here.learn(job.wish);
        let act = Act {
            kind: ActKind::TakeUp,
            by: member.id,
            at: clock.wall(),
            operation: Some(operation),
            note: None,
        };
        journal.note(scope, &act).await?;
        let Some(work) = Work::of_journal(journal.job_work(operation).await?) else {
            journal.release_job(lease, clock.wall()).await?;
            return Err(OpError::Invalid {
                message: "this job cannot be gone on with from the journal alone".to_owned(),
                hint: "order it again".to_owned(),
            });
        };
        self.run(work, lease, here, events, cancel, None).await
    }

    /// Makes calls of a shared job beside the process that runs it, until none waits any more or nobody runs it; where
    /// nobody does, runs it. Returns why nothing gets through here, where that is so.
    ///
    /// # Errors
    /// As [`Self::go_on`].
    pub async fn take_part(self, operation: OperationId) -> Result<Option<String>, OpError> {
        let Context { journal, clock, member, .. } = &**self.context;
        let (events, nobody) = mpsc::channel(1);
        drop(nobody);
        let (ears, joined) = (Ears { events: &events, cancel: &CancellationToken::new() }, {
            journal.join_job(operation, member.id, clock.wall(), heart::LEASE).await?
        });
        let Some(lease) = joined else {
            return Ok(self.go_on(operation, &events, ears.cancel).await?.stopped);
        };
        let Some(mut here) = self.running.begin(operation).await else {
            return Ok(journal.release_job(lease, clock.wall()).await.map(|()| None)?);
        };
        let Some(work) = Work::of_journal(journal.job_to_help(operation).await?) else {
            return Ok(journal.release_job(lease, clock.wall()).await.map(|()| None)?);
        };
        tracing::info!(%operation, "helps with a job");
        let work = Arc::new(work);
        let run = Box::pin(self.run_under(lease, &work, &mut here, ears, None));
        let (_, stopped) = run.await?;
        Ok(stopped)
    }

    /// Runs a job, and gives it back. Where somebody else had it for a while, because this process was not heard of, it
    /// is taken back once nobody runs it. Of a `plan` just made old copies are looked at before its calls.
    async fn run(
        self,
        work: Work,
        mut lease: JobLease,
        mut here: Here,
        events: &mpsc::Sender<Execution>,
        cancel: &CancellationToken,
        mut plan: Option<&Plan>,
    ) -> Result<Executed, OpError> {
        let (operation, invalidation, total) = (work.id(), work.invalidation, work.items.len());
        tell(events, Execution::Recorded { operation, invalidation, total }).await;
        let mut work = Arc::new(work);
        loop {
            let ears = Ears { events, cancel };
            match Box::pin(self.run_under(lease, &work, &mut here, ears, plan)).await {
                Err(OpError::Journal(JournalError::JobLost)) => {
                    lease = taken::back(self.context, Arc::make_mut(&mut work), events).await?;
                    plan = None;
                }
                Err(trouble) => return Err(trouble),
                Ok((items, stopped)) => {
                    return Ok(Executed { operation, invalidation, items, stopped });
                }
            }
        }
    }

    /// Runs a job under one lease, and gives that back; why it was stopped, where it was.
    async fn run_under(
        self,
        lease: JobLease,
        work: &Arc<Work>,
        here: &mut Here,
        Ears { events, cancel }: Ears<'_>,
        plan: Option<&Plan>,
    ) -> Result<(Vec<ExecutedItem>, Option<String>), OpError> {
        let Self { context, tracker, leave, .. } = self;
        let (pulse, ear) = (Pulse::new(), here.ear());
        let going = async {
            if let Some(invalidation) = work.invalidation.filter(|_| !lease.is_hand) {
                tracker.take_up(invalidation).await?;
                if let Some(plan) = plan {
                    let existing = plan.watched.iter().filter(|planned| planned.exists);
                    let existing = existing.map(|planned| planned.url.url.clone());
                    tracker.baseline(invalidation, existing.collect()).await;
                }
            }
            let own = Arc::clone(work);
            let desk =
                Desk { context, tracker, work: own, lease, pulse: &pulse, events, cancel, leave };
            let (items, end) = Window::new(desk, here).run().await?;
            let stopped = match end {
                End::Through => {
                    by_url::name(context, work, &items, lease, events).await?;
                    None
                }
                End::Left => None,
                End::LeftToOthers(why) => Some(why),
                End::Stopped(why) => {
                    context.journal.stop_job(lease, &why, context.clock.wall()).await?;
                    Some(why)
                }
            };
            Ok((items, stopped))
        };
        let done = tokio::select! {
            done = going => done,
            () = heart::beat(context, lease, &pulse, &ear) => Err(JournalError::JobLost.into()),
        };
        match context.journal.release_job(lease, context.clock.wall()).await {
            Ok(()) | Err(JournalError::JobLost) => {}
            Err(trouble) => {
                tracing::warn!(%trouble, "the job was not given back; its lease runs out");
            }
        }
        done
    }
}

/// Who hears of a run, and who ends it.
#[derive(Clone, Copy)]
struct Ears<'a> {
    events: &'a mpsc::Sender<Execution>,
    cancel: &'a CancellationToken,
}

/// [`Runner::execute`] where no other job is run.
///
/// # Errors
/// As [`Runner::execute`].
#[cfg(test)]
pub(crate) async fn execute(
    context: &Arc<Context>,
    tracker: &Tracker,
    plan: &Plan,
    terms: &OrderTerms,
    typed: Option<&str>,
    events: &mpsc::Sender<Execution>,
    cancel: &CancellationToken,
) -> Result<Executed, OpError> {
    let (running, leave) = (Running::default(), CancellationToken::new());
    let runner = Runner { context, tracker, running: &running, leave: &leave };
    runner.execute(plan, terms, typed, events, cancel).await
}

fn run_already(operation: OperationId, who: &str) -> OpError {
    OpError::Invalid {
        message: format!("{who} runs the job {operation}"),
        hint: "`allclear jobs pause|resume|cancel ID` reaches it there".to_owned(),
    }
}

/// Nobody listening is no reason to stop.
async fn tell(events: &mpsc::Sender<Execution>, event: Execution) {
    events.send(event).await.ok();
}
