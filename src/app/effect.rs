//! What the console asks of the world; only the executor carries it out.

use std::sync::Arc;

use super::action::SortBy;
use super::notice::Notice;
use super::order::Request;
use super::own::OwnRun;
use crate::domain::asset::AssetKey;
use crate::domain::id::{InvalidationId, OperationId};
use crate::domain::place::PlaceId;
use crate::domain::purge::{OrderTerms, Plan};
use crate::ops::engine::Shown;
use crate::ports::cloud::ListQuery;
use crate::screens::assets::rows::{Filter, PendingNames, RowStore};
use crate::ui::pixels::Way;

/// One read or plan. An answer whose task is not current any more is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TaskId(pub u64);

/// One order under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct JobId(pub u64);

/// Tasks of one lane replace each other: a newer question makes the elder answer worthless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    List,
    Arrange,
    Show,
    Resolve,
    Plan,
    Journal,
    Evidence,
    Activity,
    Pulse,
    Jobs,
    JobItems,
    Retry,
    AssetHistory,
    Look,
    Picture,
}

/// What can be wanted of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobAct {
    Pause,
    Resume,
    Cancel,
}

/// One thing asked of the world.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    List {
        task: TaskId,
        query: ListQuery,
        cursor: Option<String>,
    },
    /// The folders in a folder of the server; at the root where it is empty.
    Folders {
        path: String,
    },
    /// The whole of a kept list whose beginning is shown.
    ReadCopy {
        query: ListQuery,
    },
    Arrange {
        task: TaskId,
        rows: RowStore,
        /// Only these are looked through: all that can match.
        within: Option<Vec<u32>>,
        filter: Filter,
        sort: (SortBy, bool),
        pending: PendingNames,
    },
    Show {
        task: TaskId,
        key: AssetKey,
    },
    Resolve {
        typed: String,
    },
    Plan {
        task: TaskId,
        request: Request,
        terms: OrderTerms,
    },
    Execute {
        job: super::effect::JobId,
        plan: Box<Plan>,
        terms: OrderTerms,
        typed: Option<String>,
    },
    /// Lets calls in flight settle and skips the rest.
    CancelJob(JobId),
    /// The answer is not wanted any more.
    Drop(Lane),
    ReadJournal,
    /// Whether anything happened in the journal.
    CheckJournal,
    /// The audit trail.
    ReadActivity,
    ReadJobs,
    /// What was done to an asset.
    AssetHistory {
        task: TaskId,
        key: AssetKey,
    },
    /// One look at a URL from every place; changes nothing.
    Look {
        task: TaskId,
        url: String,
    },
    /// The picture of an asset from one cache; `insisted`: also where that keeps it beyond every invalidation.
    Picture {
        task: TaskId,
        shown: Arc<Shown>,
        insisted: bool,
        way: Way,
    },
    /// What a place serves now beside what storage holds; `url` as snapshots show it.
    Compare {
        task: TaskId,
        watch: InvalidationId,
        place: PlaceId,
        url: String,
        way: Way,
    },
    /// What a job did not get done.
    JobItems {
        task: TaskId,
        job: OperationId,
    },
    /// What the operator wants of a job of the journal.
    Job {
        job: OperationId,
        act: JobAct,
    },
    RetryJob(OperationId),
    /// What would undo an operation.
    Undo(OperationId),
    /// A line of the command line, for the next start.
    Remember(String),
    HoldAll,
    ResumeAll,
    /// What was seen in one cell; `url` as snapshots show it.
    Evidence {
        task: TaskId,
        watch: InvalidationId,
        place: PlaceId,
        url: String,
    },
    WatchUrl {
        url: String,
    },
    Abandon(InvalidationId),
    Exclude {
        watch: InvalidationId,
        place: PlaceId,
    },
    PurgeAgain(InvalidationId),
    /// The story of an invalidation, to a new file in the current folder.
    Report(InvalidationId),
    /// The names of a plan, to a new file in the current folder.
    SavePlan {
        /// `{}` is where the name of the file goes.
        text: String,
    },
    /// No order is taken until [`Effect::Unlock`].
    Lock,
    /// By the name of the cloud.
    Unlock(String),
    /// A program of the operator's own.
    RunOwn(Box<OwnRun>),
    /// Through the terminal (OSC 52).
    Copy(String),
    /// Tells whoever looks elsewhere: through the terminal, hooks, webhook.
    Notify(Box<Notice>),
    Suspend,
    /// Ends this console; the next one opens for another profile.
    SwitchProfile(String),
    /// Takes the mouse, or gives it back to the terminal.
    Mouse(bool),
    /// Forget what the terminal shows and draw everything.
    Redraw,
    Quit,
}
