//! Going on with jobs whose process is gone, beside everything else.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Running;
use crate::domain::id::OperationId;
use crate::domain::job::{JobRow, JobState};
use crate::ops::context::Context;
use crate::ops::error::OpError;
use crate::ops::execute::Runner;
use crate::ops::guard::Lock;
use crate::ops::recover;
use crate::ops::tracker::Tracker;
use crate::ports::journal::Reach;

/// Between two looks for what has been left behind while this process runs.
const AGAIN: Duration = Duration::from_secs(30);
/// Jobs of a team are looked for whenever somebody writes, as far as that is told, and after this; never more often than
/// after the second.
const TEAM_AGAIN: Duration = Duration::from_secs(3);
const TEAM_PAUSE: Duration = Duration::from_millis(200);
/// Jobs that are looked through for those whose process is gone.
const LOOKED_THROUGH: u32 = 200;

/// What a process does about jobs that nobody runs.
#[derive(Clone)]
pub(crate) struct Worker {
    pub context: Arc<Context>,
    pub tracker: Tracker,
    pub running: Running,
    pub tasks: TaskTracker,
    pub stop: CancellationToken,
    /// While it is shut nothing is gone on with.
    pub lock: Arc<Lock>,
}

impl Worker {
    /// Ends what belongs to earlier runs of this profile's local cloud, then settles what dead processes left in doubt,
    /// now and every half minute; and goes on with their jobs where `goes_on`.
    pub async fn work(self, goes_on: bool) {
        let work = async {
            if let Err(trouble) = recover::end_earlier_runs(&self.context).await {
                tracing::warn!(%trouble, "watches of earlier local clouds were not ended");
            }
            loop {
                let mark = self.context.journal.mark();
                if goes_on && let Err(trouble) = self.take_up_interrupted().await {
                    tracing::warn!(%trouble, "jobs of processes that ended are not gone on with yet");
                }
                match recover::recover(&self.context, &self.running).await {
                    Ok(recovered) => recovered.iter().for_each(recover::tell),
                    Err(trouble) => {
                        tracing::warn!(%trouble, "what was left in doubt is not settled yet");
                    }
                }
                let nothing_open = all_over(&self.context).await;
                tokio::time::sleep(AGAIN).await;
                if nothing_open && mark.is_some() {
                    // only what is written can be left behind
                    self.context.journal.changed(mark.as_ref()).await;
                }
            }
        };
        self.stop.run_until_cancelled(work).await;
    }

    /// On the journal of a team: takes part in the jobs that several hosts make the calls of.
    pub async fn take_part(self) {
        let Context { journal, scope, clock, policy, .. } = &*self.context;
        if journal.reach() == Reach::Here || policy.read_only {
            return;
        }
        let (told, mut ended) = mpsc::channel(16);
        let work = async {
            let (mut seen, mut shunned) = (0, HashSet::new());
            loop {
                let open = if self.lock.is_shut(clock.moment()) {
                    Vec::new() // while it is shut nothing is sent
                } else {
                    journal.shared_jobs(scope, clock.wall()).await.unwrap_or_else(|trouble| {
                        tracing::warn!(%trouble, "the jobs of the team are not read yet");
                        Vec::new()
                    })
                };
                for operation in open {
                    if !self.running.has(operation) && !shunned.contains(&operation) {
                        self.help(operation, told.clone());
                    }
                }
                tokio::select! {
                    changes = journal.change(seen) => seen = changes,
                    Some((operation, shuns)) = ended.recv() => {
                        shunned.extend(Some(operation).filter(|_| shuns));
                    }
                    () = tokio::time::sleep(TEAM_AGAIN) => {}
                }
                tokio::time::sleep(TEAM_PAUSE).await;
            }
        };
        self.stop.run_until_cancelled(work).await;
    }

    /// Takes part in one job in the background; tells when that is over, and whether nothing gets through from here.
    fn help(&self, operation: OperationId, told: mpsc::Sender<(OperationId, bool)>) {
        let worker = self.clone();
        self.tasks.spawn(async move {
            let Self { context, tracker, running, stop, .. } = &worker;
            let runner = Runner { context, tracker, running, leave: stop };
            let shuns = match runner.take_part(operation).await {
                Ok(None) => false,
                Ok(Some(why)) => {
                    tracing::warn!(%operation, why, "a job of the team is left to others");
                    true
                }
                Err(trouble) => {
                    tracing::info!(%operation, %trouble, "takes no part in a job of the team");
                    false
                }
            };
            told.send((operation, shuns)).await.ok();
        });
    }

    async fn take_up_interrupted(&self) -> Result<(), OpError> {
        if self.context.policy.read_only || self.lock.is_shut(self.context.clock.moment()) {
            return Ok(());
        }
        for job in interrupted(&self.context).await? {
            self.take_up(job.operation.id);
        }
        Ok(())
    }

    /// Goes on with a job in the background; those who look on see it in the journal.
    pub fn take_up(&self, operation: OperationId) {
        if self.running.has(operation) {
            return;
        }
        let worker = self.clone();
        self.tasks.spawn(async move {
            let Self { context, tracker, running, stop, .. } = &worker;
            let (events, nobody) = mpsc::channel(1);
            drop(nobody);
            let runner = Runner { context, tracker, running, leave: stop };
            match runner.go_on(operation, &events, &CancellationToken::new()).await {
                Ok(_) => {
                    tracing::info!(%operation, "a job of a process that ended was gone on with");
                }
                Err(trouble) => tracing::warn!(%operation, %trouble, "a job is not gone on with"),
            }
        });
    }
}

/// Whether no job of this cloud is to be gone on with or settled, now or when its process ends.
async fn all_over(context: &Context) -> bool {
    let over = |job: &JobRow| matches!(job.state, JobState::Done | JobState::Cancelled);
    let Context { journal, scope, clock, .. } = context;
    let jobs = journal.jobs(Some(scope), LOOKED_THROUGH, clock.wall()).await;
    jobs.is_ok_and(|jobs| jobs.iter().all(over))
}

/// Jobs of this cloud whose process is gone and that can be gone on with, oldest first.
///
/// # Errors
/// The journal's.
pub(crate) async fn interrupted(context: &Context) -> Result<Vec<JobRow>, OpError> {
    let Context { journal, scope, clock, .. } = context;
    let mut jobs = journal.jobs(Some(scope), LOOKED_THROUGH, clock.wall()).await?;
    jobs.retain(|job| job.state == JobState::Interrupted && job.resumable);
    jobs.reverse();
    Ok(jobs)
}
