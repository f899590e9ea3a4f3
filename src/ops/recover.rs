//! What dead processes left behind: items that were never sent, and calls whose answer nobody saw.
//!
//! What was never sent is given up and said so; what was sent is settled by asking storage. Nothing that is not
//! idempotent is repeated. The invalidation itself stays open: the tracker goes on from the journal.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::error::OpError;
use super::in_doubt::{self, Asked};
use crate::domain::asset::AssetKey;
use crate::domain::id::{ItemId, OperationId};
use crate::domain::invalidation::{Item, ItemState, Operation, Verb, WatchedName};
use crate::domain::verdict::Stored;
use crate::ports::cloud::CloudError;
use crate::ports::journal::JournalError;

/// A member that was not heard of for so long counts as gone; trackers report every two seconds. A process that
/// wakes up later finds its unsent items given up, and sends none of them.
const SILENT: SignedDuration = SignedDuration::from_secs(30);

/// Between two looks for what has been left behind while this process runs.
const AGAIN: Duration = Duration::from_secs(30);

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

/// Settles what dead members of this cloud left behind.
///
/// # Errors
/// The journal's. A cloud that does not answer is no error: its items stay as they are.
pub async fn recover(context: &Context) -> Result<Vec<Recovered>, OpError> {
    let mut all = Vec::new();
    for left in left_behind(context).await?.into_values() {
        all.extend(give_up_unsent(context, &left).await?);
        if context.policy.read_only {
            continue; // asking may repeat a call
        }
        let (settled, stop) = settle_sent(context, &left).await?;
        all.extend(settled);
        if stop {
            break;
        }
    }
    Ok(all)
}

/// Ends what belongs to earlier runs of this profile's local cloud, then recovers now and every half minute.
pub(super) async fn keep_recovering(context: Arc<Context>, stop: CancellationToken) {
    let work = async {
        if let Err(trouble) = end_earlier_runs(&context).await {
            tracing::warn!(%trouble, "watches of earlier local clouds were not ended");
        }
        loop {
            match recover(&context).await {
                Ok(recovered) => recovered.iter().for_each(tell),
                Err(trouble) => {
                    tracing::warn!(%trouble, "what was left in doubt is not settled yet");
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
    };
    stop.run_until_cancelled(work).await;
}

async fn end_earlier_runs(context: &Context) -> Result<u64, JournalError> {
    let Some(running) = context.scope.instance.as_deref() else { return Ok(0) };
    let now = context.clock.wall();
    context.journal.end_of_gone_clouds(&context.scope.api, Some(running), now).await
}

fn tell(recovered: &Recovered) {
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
async fn left_behind(context: &Context) -> Result<BTreeMap<OperationId, Left>, OpError> {
    let now = context.clock.wall();
    let silent_since = now.checked_sub(SILENT).unwrap_or(now);
    let unsettled = context.journal.unsettled(&context.scope, silent_since).await?;
    let mut left: BTreeMap<OperationId, Left> = BTreeMap::new();
    for (operation, item) in unsettled {
        // Our own are under way, however long this process may have slept.
        if operation.member != context.member.id {
            let of = left.entry(operation.id).or_insert(Left { operation, items: Vec::new() });
            of.items.push(item);
        }
    }
    Ok(left)
}

/// Skips what was never sent. All of it or nothing: where one was sent just now, its process lives.
async fn give_up_unsent(context: &Context, left: &Left) -> Result<Vec<Recovered>, OpError> {
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
    match context.journal.settle(&outcomes(&given_up)).await {
        Ok(()) => Ok(given_up),
        Err(JournalError::Write { detail }) => {
            tracing::info!(operation = %operation.id, detail, "left to its process, which goes on");
            Ok(Vec::new())
        }
        Err(other) => Err(other.into()),
    }
}

/// Settles what was sent by asking storage; true when nothing more can be asked now.
async fn settle_sent(context: &Context, left: &Left) -> Result<(Vec<Recovered>, bool), OpError> {
    let Left { operation, items } = left;
    let sent = items.iter().filter(|item| item.state == ItemState::Sent).collect::<Vec<_>>();
    if sent.is_empty() {
        return Ok((Vec::new(), false));
    }
    let old = old_contents(context, operation).await?;
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
        all.extend(settle(context, settled).await?);
        all.extend(open);
        if stop {
            return Ok((all, true));
        }
    }
    Ok((all, false))
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

/// Writes outcomes of items that nobody else has settled meanwhile: whoever saw the answer knows better.
async fn settle(context: &Context, settled: Vec<Recovered>) -> Result<Vec<Recovered>, OpError> {
    let open = left_behind(context).await?;
    let open = open.values().flat_map(|left| &left.items).map(|item| item.id);
    let open = open.collect::<HashSet<ItemId>>();
    let settled = settled.into_iter().filter(|one| open.contains(&one.item)).collect::<Vec<_>>();
    context.journal.settle(&outcomes(&settled)).await?;
    Ok(settled)
}

/// What storage held before, by item, as far as the intent tells.
async fn old_contents(
    context: &Context,
    operation: &Operation,
) -> Result<HashMap<ItemId, Stored>, OpError> {
    let invalidation = match context.journal.find(&operation.id.to_string()).await {
        Ok(id) => context.journal.invalidation(id).await?,
        // Nothing is watched, so nothing was read before.
        Err(JournalError::Unknown { .. }) => return Ok(HashMap::new()),
        Err(other) => return Err(other.into()),
    };
    let keys = invalidation.items.iter().map(|item| (item.id, &item.key));
    let keys = keys.collect::<HashMap<ItemId, &AssetKey>>();
    let is_source = |name: &&WatchedName| keys.get(&name.item) == Some(&&name.key);
    let names = invalidation.names.iter().filter(is_source);
    Ok(names.filter_map(|name| Some((name.item, name.old.clone()?))).collect())
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

fn outcomes(recovered: &[Recovered]) -> Vec<(ItemId, ItemState, Option<String>)> {
    recovered.iter().map(|one| (one.item, one.state, Some(one.message.clone()))).collect()
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
