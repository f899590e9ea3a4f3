//! What operators ask of jobs: pause, resume, cancel, hold all, try the failed ones again.

use crate::domain::id::OperationId;
use crate::domain::invalidation::Verb;
use crate::domain::job::{ItemFilter, JobRow, Refused, Slice, Wish};
use crate::domain::purge::{Order, OrderTerms, Selection};
use crate::ops::context::Context;
use crate::ops::error::OpError;
use crate::ops::jobs::Running;
use crate::ops::plan;
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
    pub order: Order,
    /// What the earlier job refused because it cannot be meant; it is refused again, with its reason.
    pub refused: Vec<Refused>,
    /// False where the earlier job invalidated nothing.
    pub invalidate: bool,
}

impl Retry {
    /// `terms` as this order needs them.
    #[must_use]
    pub fn terms(&self, terms: OrderTerms) -> OrderTerms {
        OrderTerms {
            invalidate: self.invalidate && terms.invalidate,
            refused: self.refused.clone(),
            leave_out_missing: true,
            ..terms
        }
    }
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
    changed.iter().for_each(|operation| running.tell(*operation, wish));
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
    let mut keys = Vec::new();
    let mut to = None;
    for item in context.journal.job_items(operation, ItemFilter::NotDone, Slice::ALL).await? {
        keys.push(item.key);
        to = item.to;
    }
    let mut refused = Vec::new();
    for one in work.refused {
        // a name that did not exist may exist now
        match plan::name_again(context, &one) {
            Some(key) => keys.push(key),
            None => refused.push(one),
        }
    }
    let Some(first) = keys.first().cloned() else {
        let (message, hint) = if refused.is_empty() {
            ("nothing of this job failed".to_owned(), "`allclear jobs` lists what did")
        } else {
            (
                format!(
                    "what failed of this job cannot be meant: {} of {}",
                    refused.len(),
                    refused.len()
                ),
                "correct the list and order it again",
            )
        };
        return Err(invalid(message, hint));
    };
    let order = match (job.operation.verb, to) {
        (Verb::Delete, _) => Order::Delete { what: Selection::Keys(keys) },
        (Verb::Purge, _) => Order::Purge { what: Selection::Keys(keys) },
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
    Ok(Retry { order, refused, invalidate: job.operation.invalidate })
}

const fn word(wish: Wish) -> &'static str {
    match wish {
        Wish::Run => "to resume",
        Wish::Pause => "to pause",
        Wish::Hold => "to hold",
        Wish::Cancel => "to cancel",
    }
}
