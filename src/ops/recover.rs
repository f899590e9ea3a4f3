//! What dead processes left behind: items that were never sent, and calls whose answer nobody saw.
//!
//! What was never sent is given up and said so; what was sent is settled by asking storage. Nothing that is not
//! idempotent is repeated. The invalidation itself stays open: the tracker goes on from the journal.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::SignedDuration;

use super::context::Context;
use super::error::OpError;
use super::in_doubt::{self, Asked};
use super::jobs::Running;
use crate::domain::asset::AssetKey;
use crate::domain::id::{ItemId, OperationId};
use crate::domain::invalidation::{Item, ItemState, Operation, Verb};
use crate::domain::job::{ItemFilter, Slice};
use crate::domain::verdict::Stored;
use crate::ports::cloud::CloudError;
use crate::ports::journal::{JobLease, JournalError, Reach, Step};

/// A member that was not heard of for so long counts as gone; trackers report every two seconds. A process that
/// wakes up later finds its unsent items given up, and sends none of them.
const SILENT: SignedDuration = SignedDuration::from_secs(30);

/// A job is claimed for so long, to be settled.
const LEASE: Duration = Duration::from_secs(60);

/// One item that was settled, or could not be yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    pub operation: OperationId,
    pub verb: Verb,
    pub item: ItemId,
    pub key: AssetKey,
    pub to: Option<AssetKey>,
    /// [`ItemState::Sent`] where storage could not be asked: the next look tries again.
    pub state: ItemState,
    pub message: String,
}

/// Settles what dead members of this cloud left behind. Of their jobs what was only intended stays, to be gone on with;
/// of older operations, and of what the journal alone does not suffice for, it is given up.
///
/// # Errors
/// The journal's. A cloud that does not answer is no error: its items stay as they are.
pub async fn recover(context: &Context, running: &Running) -> Result<Vec<Recovered>, OpError> {
    let mut all = Vec::new();
    for mut left in left_behind(context, running).await?.into_values() {
        let id = left.operation.id;
        let Some(_here) = running.settle(id) else { continue };
        let lease = match context.journal.job(id, context.clock.wall()).await {
            Ok(job) if job.resumable && left.sent().next().is_none() => continue, // waits to be gone on with
            Ok(job) => {
                let (member, now) = (context.member.id, context.clock.wall());
                match context.journal.claim_job(id, member, now, LEASE).await? {
                    Some(lease) => Some((lease, job.resumable)),
                    None => continue, // somebody was faster
                }
            }
            // our own are under way, however long this process may have slept
            Err(JournalError::UnknownJob { .. }) if left.operation.member == context.member.id => {
                continue;
            }
            Err(JournalError::UnknownJob { .. }) => None,
            Err(other) => return Err(other.into()),
        };
        if let Some((lease, _)) = lease.filter(|_| context.journal.reach() != Reach::Here) {
            // what living hands have under way is theirs
            let roll = context.journal.call_roll(lease, context.clock.wall()).await?;
            left.items.retain(|it| it.state != ItemState::Sent || roll.orphans.contains(&it.id));
        }
        let claim = Claim { context, lease: lease.map(|(lease, _)| lease) };
        let settled = claim.settle(&left, lease.is_some_and(|(_, resumable)| resumable)).await;
        if let Some((lease, _)) = lease {
            match context.journal.release_job(lease, context.clock.wall()).await {
                Ok(()) | Err(JournalError::JobLost) => {}
                Err(other) => return Err(other.into()),
            }
        }
        let (settled, stop) = settled?;
        all.extend(settled);
        if stop {
            break;
        }
    }
    Ok(all)
}

/// Ends watches and items of earlier runs of this profile's local cloud.
///
/// # Errors
/// The journal's.
pub(super) async fn end_earlier_runs(context: &Context) -> Result<u64, JournalError> {
    let Some(running) = context.scope.instance.as_deref() else { return Ok(0) };
    let now = context.clock.wall();
    context.journal.end_of_gone_clouds(&context.scope.api, Some(running), now).await
}

pub(super) fn tell(recovered: &Recovered) {
    let Recovered { operation, verb, key, state, message, .. } = recovered;
    let (verb, state) = (verb.as_str(), state.as_str());
    tracing::info!(%operation, verb, %key, state, message, "left behind by a process that ended");
}

/// Unsettled items of one operation.
struct Left {
    operation: Operation,
    items: Vec<Item>,
}

/// Unsettled items of members that are gone, oldest operation first.
async fn left_behind(
    context: &Context,
    running: &Running,
) -> Result<BTreeMap<OperationId, Left>, OpError> {
    let now = context.clock.wall();
    let silent_since = now.checked_sub(SILENT).unwrap_or(now);
    let unsettled = context.journal.unsettled(&context.scope, silent_since).await?;
    let mut left: BTreeMap<OperationId, Left> = BTreeMap::new();
    for (operation, item) in unsettled {
        // What this process runs is under way, however long it may have slept.
        if !running.has(operation.id) {
            let of = left.entry(operation.id).or_insert(Left { operation, items: Vec::new() });
            of.items.push(item);
        }
    }
    Ok(left)
}

impl Left {
    fn sent(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| item.state == ItemState::Sent)
    }
}

/// The right to settle one operation: a lease where it is a job.
struct Claim<'a> {
    context: &'a Context,
    lease: Option<JobLease>,
}

impl Claim<'_> {
    /// Settles what was sent, and gives up what was not unless it can be gone on with; true when nothing more can be
    /// asked now.
    async fn settle(&self, left: &Left, goes_on: bool) -> Result<(Vec<Recovered>, bool), OpError> {
        let mut all = if goes_on { Vec::new() } else { self.give_up_unsent(left).await? };
        if self.context.policy.read_only {
            return Ok((all, false)); // asking may repeat a call
        }
        let (settled, stop) = self.settle_sent(left).await?;
        all.extend(settled);
        Ok((all, stop))
    }

    /// Skips what was never sent. All of it or nothing: where one was sent just now, its process lives.
    async fn give_up_unsent(&self, left: &Left) -> Result<Vec<Recovered>, OpError> {
        let Left { operation, items } = left;
        let (state, why) = match operation.verb {
            Verb::Watch => (ItemState::Accepted, "looks only: nothing was to be sent"),
            _ => (ItemState::Skipped, "never sent: its process ended first; run it again"),
        };
        let given_up = items
            .iter()
            .filter(|item| item.state == ItemState::Intended)
            .map(|item| recovered(operation, item, state, why.to_owned()))
            .collect::<Vec<_>>();
        match self.write(&given_up).await {
            Ok(()) => Ok(given_up),
            Err(JournalError::Write { detail }) => {
                tracing::info!(operation = %operation.id, detail, "left to its process, which goes on");
                Ok(Vec::new())
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Settles what was sent by asking storage; true when nothing more can be asked now.
    async fn settle_sent(&self, left: &Left) -> Result<(Vec<Recovered>, bool), OpError> {
        let (context, operation) = (self.context, &left.operation);
        let sent = left.sent().collect::<Vec<_>>();
        if sent.is_empty() {
            return Ok((Vec::new(), false));
        }
        let old = context.journal.job_work(operation.id).await?.before;
        let mut all = Vec::with_capacity(sent.len());
        for batch in sent.chunks(context.policy.concurrency.max(1)) {
            let asking = batch.iter().map(|item| ask(context, operation, item, old.get(&item.id)));
            let asked = join_all(asking).await;
            let stop = asked.iter().any(|asked| asked.as_ref().is_err_and(ends_all));
            let (settled, open): (Vec<_>, Vec<_>) = batch
                .iter()
                .zip(asked)
                .map(|(item, asked)| found(operation, item, asked))
                .partition(|recovered| recovered.state.is_settled());
            all.extend(self.keep(operation, settled).await?);
            all.extend(open);
            if stop {
                return Ok((all, true));
            }
        }
        Ok((all, false))
    }

    /// Writes outcomes of items that nobody else has settled meanwhile: whoever saw the answer knows better.
    async fn keep(
        &self,
        operation: &Operation,
        mut settled: Vec<Recovered>,
    ) -> Result<Vec<Recovered>, OpError> {
        if self.lease.is_none() {
            let journal = &self.context.journal;
            let open = journal.job_items(operation.id, ItemFilter::Unsettled, Slice::ALL).await?;
            let open = open.into_iter().map(|item| item.id).collect::<HashSet<ItemId>>();
            settled.retain(|one| open.contains(&one.item));
        }
        match self.write(&settled).await {
            Ok(()) => Ok(settled),
            Err(JournalError::JobLost) => Ok(Vec::new()),
            Err(other) => Err(other.into()),
        }
    }

    async fn write(&self, settled: &[Recovered]) -> Result<(), JournalError> {
        let Context { journal, clock, .. } = self.context;
        let outcomes = settled.iter().map(|one| (one.item, one.state, Some(one.message.clone())));
        let outcomes = outcomes.collect::<Vec<_>>();
        match self.lease {
            None => journal.settle(&outcomes).await,
            Some(lease) => {
                let step = Step { outcomes, leaving: Vec::new() };
                journal.advance(lease, &step, clock.wall()).await.map(drop)
            }
        }
    }
}

async fn ask(
    context: &Context,
    operation: &Operation,
    item: &Item,
    old: Option<&Stored>,
) -> Result<Asked, CloudError> {
    if operation.verb == Verb::Watch {
        let message = "looks only: nothing was to be sent".to_owned();
        return Ok(Asked { state: ItemState::Accepted, message, now: None });
    }
    in_doubt::ask_storage(context, operation.verb, operation.invalidate, item, old).await
}

fn found(operation: &Operation, item: &Item, asked: Result<Asked, CloudError>) -> Recovered {
    let (state, message) = match asked {
        Ok(asked) => (asked.state, asked.message),
        Err(error) => (ItemState::Sent, format!("storage could not be asked: {error}")),
    };
    let message = format!("its process ended before the answer came; {message}");
    recovered(operation, item, state, message)
}

fn recovered(operation: &Operation, item: &Item, state: ItemState, message: String) -> Recovered {
    Recovered {
        operation: operation.id,
        verb: operation.verb,
        item: item.id,
        key: item.key.clone(),
        to: item.to.clone(),
        state,
        message,
    }
}

/// Whether every further question would most likely fail the same way.
const fn ends_all(error: &CloudError) -> bool {
    matches!(
        error,
        CloudError::Unauthorized { .. }
            | CloudError::Forbidden { .. }
            | CloudError::RateLimited { .. }
            | CloudError::Unreachable { .. }
            | CloudError::TimedOut { .. }
            | CloudError::Unavailable { .. }
    )
}

#[cfg(test)]
mod tests;
