//! What operators ask of jobs: pause, resume, cancel, hold all, try the failed ones again.

use crate::domain::asset::{DeliveryType, ResourceType};
use crate::domain::id::OperationId;
use crate::domain::invalidation::{Item, ItemState, Verb};
use crate::domain::job::{ItemFilter, JobRow, Refused, Slice, Wish};
use crate::domain::purge::{Named, Order, Selection};
use crate::ops::context::Context;
use crate::ops::error::OpError;
use crate::ops::jobs::Running;
use crate::ops::plan;
use crate::ops::resolve::candidates;
use crate::ports::journal::JobsOf;

/// Who goes on with a job that was resumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resumed {
    /// A process that runs it already: `user@host pid`.
    By(String),
    /// Nobody yet: it has to be taken up.
    Nobody,
}

/// What an earlier job did not get done, as an order of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// What cannot be meant is left out again, with its reason.
    pub order: Order,
    /// False where the earlier job invalidated nothing.
    pub invalidate: bool,
}

/// What takes an earlier operation back, as an order of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undo {
    pub order: Order,
    /// What stays as it is in spite of it.
    pub remark: Option<String>,
}

/// Writes down what is wanted of one job; tells it at once where it runs here.
///
/// # Errors
/// The job is over, or the journal's.
pub(crate) async fn wish(
    context: &Context,
    running: &Running,
    operation: OperationId,
    wish: Wish,
) -> Result<JobRow, OpError> {
    if wish == Wish::Run {
        plan::refuse_on_read_only(
            context,
            context.journal.job(operation, context.clock.wall()).await?.operation.verb,
        )?;
    }
    let now = context.clock.wall();
    context.journal.wish(JobsOf::One(operation), wish, context.member.id, now).await?;
    let job = context.journal.job(operation, now).await?;
    if job.wish != wish || job.state.is_over() && wish != Wish::Cancel {
        return Err(OpError::Invalid {
            message: format!(
                "{} cannot be asked of it: the job is {}",
                word(wish),
                job.state.as_str()
            ),
            hint: "`allclear jobs` lists how jobs stand".to_owned(),
        });
    }
    running.tell(operation, wish);
    Ok(job)
}

/// Holds all jobs of the profile, or lets all that are held go on; returns those that were changed.
///
/// # Errors
/// The journal's.
pub(crate) async fn wish_all(
    context: &Context,
    running: &Running,
    wish: Wish,
) -> Result<Vec<OperationId>, OpError> {
    let (of, now) = (JobsOf::Cloud(&context.scope), context.clock.wall());
    let changed = context.journal.wish(of, wish, context.member.id, now).await?;
    for operation in &changed {
        running.tell(*operation, wish);
    }
    Ok(changed)
}

/// What a job did not get done, as an order.
///
/// # Errors
/// Everything was done, or it cannot be done again from the journal alone; the journal's.
pub(crate) async fn retry(context: &Context, operation: OperationId) -> Result<Retry, OpError> {
    let job = context.journal.job(operation, context.clock.wall()).await?;
    let invalid = |message: String, hint: &str| OpError::Invalid { message, hint: hint.to_owned() };
    if !job.state.is_over() {
        return Err(invalid(
            format!("the job is {}: it may still do what it has not done", job.state.as_str()),
            "resume it, or cancel it first: `allclear jobs resume|cancel ID`",
        ));
    }
    let work = context.journal.job_work(operation).await?;
    let items = context.journal.job_items(operation, ItemFilter::NotDone, Slice::ALL).await?;
    let to = items.iter().find_map(|item| item.to.clone());
    let of_item =
        |item: &Item| Named { typed: item.key.to_string(), meant: Ok(vec![item.key.clone()]) };
    // a name that did not exist may exist now
    let of_refused = |refused: &Refused| Named {
        meant: match refused.state {
            ItemState::NotFound if !refused.readings.is_empty() => Ok(refused.readings.clone()),
            // kept by an older program
            ItemState::NotFound => {
                let (resource_type, delivery_type, id) = with_types(&refused.typed);
                candidates(&context.account, id, resource_type, delivery_type)
                    .map_err(|why| why.to_string())
            }
            _ => Err(refused.reason.clone()),
        },
        typed: refused.typed.clone(),
    };
    let named = items.iter().map(of_item).chain(work.refused.iter().map(of_refused));
    let named = named.collect::<Vec<_>>();
    let keys = named.iter().filter_map(|named| named.meant.as_ref().ok()?.first().cloned());
    let keys = keys.collect::<Vec<_>>();
    let Some(first) = keys.first().cloned() else {
        let (message, hint) = if named.is_empty() {
            ("nothing of this job failed".to_owned(), "`allclear jobs` lists what did")
        } else {
            let message = format!("none of the {} names that failed can be meant", named.len());
            (message, "correct the list and order it again")
        };
        return Err(invalid(message, hint));
    };
    let order = match (job.operation.verb, to) {
        (Verb::Delete, _) => Order::Delete { what: Selection::Listed(named) },
        (Verb::Purge, _) => Order::Purge { what: Selection::Listed(named) },
        (Verb::Restore, _) => Order::Restore { keys },
        (Verb::Rename, Some(to)) => Order::Rename {
            from: first,
            to,
            overwrite: work.terms.is_some_and(|terms| terms.overwrite),
        },
        (verb, _) => {
            return Err(invalid(
                format!("a {} cannot be tried again from the journal alone", verb.as_str()),
                "order it again",
            ));
        }
    };
    Ok(Retry { order, invalidate: job.operation.invalidate })
}

/// What would undo an operation: what was deleted is restored from its backups, a rename is taken back.
///
/// # Errors
/// It is under way, nothing of it was accepted, or there is no way back, with the next step; the journal's.
pub(crate) async fn undo(context: &Context, operation: OperationId) -> Result<Undo, OpError> {
    let invalid = |message: &str, hint: &str| OpError::Invalid {
        message: message.to_owned(),
        hint: hint.to_owned(),
    };
    let job = context.journal.job(operation, context.clock.wall()).await?;
    match job.operation.verb {
        Verb::Delete | Verb::Rename => {}
        Verb::Replace => {
            return Err(invalid(
                "a replaced file is not in the journal: nothing can be undone",
                "replace it again with the file as it was; `show` lists versions that are backed up",
            ));
        }
        Verb::Purge | Verb::Watch => {
            return Err(invalid("it changed nothing in storage: nothing is to be undone", ""));
        }
        Verb::Restore => {
            return Err(invalid("a restore is undone by deleting again", "order a delete"));
        }
    }
    if !job.state.is_over() {
        return Err(invalid("it is still under way", "stop it, or let it end, then undo it"));
    }
    let done = ItemFilter::In(ItemState::Accepted);
    let items = context.journal.job_items(operation, done, Slice::ALL).await?;
    let Some(first) = items.first() else {
        return Err(invalid("nothing of it was done: nothing is to be undone", ""));
    };
    if let (Verb::Rename, Some(to)) = (job.operation.verb, &first.to) {
        let terms = context.journal.job_work(operation).await?.terms;
        let remark = terms
            .is_some_and(|terms| terms.overwrite)
            .then(|| format!("what {to} was before it was overwritten does not come back"));
        let (from, to) = (to.clone(), first.key.clone());
        return Ok(Undo { order: Order::Rename { from, to, overwrite: false }, remark });
    }
    let keys = items.into_iter().map(|item| item.key).collect();
    Ok(Undo { order: Order::Restore { keys }, remark: None })
}

/// The types in front of a public ID, as keys are shown that are no uploaded image.
fn with_types(typed: &str) -> (Option<ResourceType>, Option<DeliveryType>, &str) {
    let read = || {
        let (resource_type, rest) = typed.split_once('/')?;
        let (delivery_type, id) = rest.split_once('/')?;
        Some((resource_type.parse().ok()?, delivery_type.parse().ok()?, id))
    };
    read().map_or((None, None, typed), |(rt, dt, id)| (Some(rt), Some(dt), id))
}

const fn word(wish: Wish) -> &'static str {
    match wish {
        Wish::Run => "to resume",
        Wish::Pause => "to pause",
        Wish::Hold => "to hold",
        Wish::Cancel => "to cancel",
    }
}
