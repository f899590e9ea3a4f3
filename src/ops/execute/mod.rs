//! Execution: intent to the journal, references and baseline, calls, outcomes to the journal and the tracker.

mod call;
mod intent;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::error::OpError;
use super::plan;
use super::tracker::{Settled, Tracker};
use crate::domain::asset::AssetKey;
use crate::domain::id::{InvalidationId, ItemId, OperationId};
use crate::domain::invalidation::{Item, ItemState};
use crate::domain::purge::{ApiPath, OrderTerms, Plan};
use crate::ports::journal::Intent;
use call::Answered;

/// What happens while a plan is executed.
#[derive(Debug, Clone, PartialEq)]
pub enum Execution {
    /// The intent is in the journal.
    Recorded { operation: OperationId, invalidation: Option<InvalidationId>, total: usize },
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

/// Carries a plan out; see [`super::Engine::execute`].
///
/// # Errors
/// Not confirmed, read-only, or the journal's before anything was sent.
pub async fn execute(
    context: &Context,
    tracker: &Tracker,
    plan: &Plan,
    terms: &OrderTerms,
    typed: Option<&str>,
    events: &mpsc::Sender<Execution>,
    cancel: &CancellationToken,
) -> Result<Executed, OpError> {
    plan::refuse_on_read_only(context, plan.verb)?;
    if !plan.confirmation.is_given_by(typed) {
        return Err(OpError::NotConfirmed {
            verb: plan.verb.as_str(),
            needed: plan.confirmation.clone(),
        });
    }
    let intent = intent::of_plan(context, plan, terms).await;
    context.journal.record(&intent).await?;
    let invalidation = intent.invalidation.as_ref().map(|invalidation| invalidation.id);
    if let Some(invalidation) = invalidation {
        tracker.take_up(invalidation).await?;
        tracker.baseline(invalidation).await;
    }
    let total = intent.items.len();
    let operation = intent.operation.id;
    tell(events, Execution::Recorded { operation, invalidation, total }).await;
    let run = Run { context, tracker, plan, invalidation, events, cancel };
    let items = run.all(intent).await;
    Ok(Executed { operation, invalidation, items })
}

/// One execution under way.
struct Run<'a> {
    context: &'a Context,
    tracker: &'a Tracker,
    plan: &'a Plan,
    invalidation: Option<InvalidationId>,
    events: &'a mpsc::Sender<Execution>,
    cancel: &'a CancellationToken,
}

impl Run<'_> {
    /// Sends every call, a batch at a time: a batch is marked as sent, answered and settled before the next one.
    async fn all(&self, intent: Intent) -> Vec<ExecutedItem> {
        let batch = match self.plan.api_path {
            ApiPath::AdminBulk | ApiPath::RestoreThenExplicit => 100,
            _ => self.context.policy.concurrency.max(1),
        };
        let mut done = Vec::with_capacity(intent.items.len());
        let mut failed = 0;
        let mut stop: Option<String> = None;
        for items in intent.items.chunks(batch) {
            if stop.is_none() && self.cancel.is_cancelled() {
                stop = Some("cancelled before it was sent".to_owned());
            }
            let answers = match &stop {
                Some(why) => items.iter().map(|item| Answered::skipped(item, why)).collect(),
                None => self.batch(items).await,
            };
            stop = stop.or_else(|| {
                answers
                    .iter()
                    .find_map(|answer| answer.ends_all.then(|| answer.why_the_rest_is_skipped()))
            });
            self.settle(&answers).await;
            for answer in answers {
                failed += usize::from(answer.state == ItemState::Failed);
                done.push(self.report(answer, done.len() + 1, failed).await);
            }
        }
        done
    }

    /// One batch of calls, at once; every item gets an answer.
    async fn batch(&self, items: &[Item]) -> Vec<Answered> {
        let sent_at = self.context.clock.wall();
        let ids = items.iter().map(|item| item.id).collect::<Vec<_>>();
        if let Err(trouble) = self.context.journal.mark_sent(&ids, sent_at).await {
            let why = format!("not sent, because the journal cannot be written: {trouble}");
            return items.iter().map(|item| Answered::stopping(item, &why)).collect();
        }
        call::batch(self.context, self.plan, items, sent_at).await
    }

    /// Outcomes into the journal, then to the tracker. A journal that fails now has the items as sent: the next
    /// start settles them by asking storage.
    async fn settle(&self, answers: &[Answered]) {
        let outcomes = answers
            .iter()
            .map(|answer| (answer.item, answer.state, answer.message.clone()))
            .collect::<Vec<_>>();
        if let Err(trouble) = self.context.journal.settle(&outcomes).await {
            tracing::error!(%trouble, "outcomes not journaled; storage settles them at the next start");
        }
        if let Some(invalidation) = self.invalidation {
            let settled_at = self.context.clock.wall();
            let calls = answers
                .iter()
                .map(|answer| Settled {
                    item: answer.item,
                    state: answer.state,
                    sent_at: answer.sent_at,
                    settled_at,
                    now: answer.now.clone(),
                })
                .collect();
            self.tracker.settled(invalidation, Vec::new(), calls).await;
        }
    }

    async fn report(&self, answer: Answered, done: usize, failed: usize) -> ExecutedItem {
        let Answered { item, key, to, state, message, .. } = answer;
        let event = Execution::Item {
            item,
            key: key.clone(),
            state,
            message: message.clone(),
            done,
            failed,
        };
        tell(self.events, event).await;
        ExecutedItem { key, to, state, message }
    }
}

/// Nobody listening is no reason to stop.
async fn tell(events: &mpsc::Sender<Execution>, event: Execution) {
    events.send(event).await.ok();
}
