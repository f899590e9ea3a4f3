//! Whatever can happen to the console.

use std::sync::Arc;

use super::effect::{JobId, TaskId};
use super::key::Key;
use crate::domain::asset::AssetKey;
use crate::domain::id::InvalidationId;
use crate::domain::invalidation::Item;
use crate::domain::job::{ActRow, JobRow};
use crate::domain::purge::{Order, Plan};
use crate::ops::engine::{Executed, Execution, Looked, Shown, Undo};
use crate::ops::tracker::Board;
use crate::ports::cloud::{ListQuery, Page, Quota};
use crate::ports::journal::{ActivityRow, InvalidationRow, SightingRun};
use crate::ports::list_copy::ListCopy;
use crate::screens::assets::picture::Found;
use crate::screens::watch::compare::Sides;
use crate::ui::pixels::Way;
use crate::ui::theme::Ground;

/// What the terminal sent, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    Key(Key),
    /// The text between the marks of a bracketed paste, as sent.
    Paste(String),
    Resize(u16, u16),
    /// The terminal said of its background what it is.
    Ground(Ground),
    /// The terminal said what it draws pictures with; `why` it is taken for that.
    Pictures {
        way: Way,
        why: String,
    },
    /// The window got or lost the focus.
    Focus(bool),
    /// Lines of the wheel, down is positive.
    Wheel(i32),
    /// A click at column and row.
    Click(u16, u16),
}

/// An error in the operator's words: what went wrong and what to do next, both cleaned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub headline: String,
    pub hint: String,
    pub kind: FailureKind,
}

/// As far as a screen reacts differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The new name of a rename is taken: overwriting is offered.
    TargetExists,
    /// The asset is not in the cloud.
    Missing,
    Other,
}

impl Failure {
    /// A failure that is nothing special.
    #[must_use]
    pub fn new(headline: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { headline: headline.into(), hint: hint.into(), kind: FailureKind::Other }
    }
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Msg {
    /// Everything that was waiting in the terminal's queue.
    Input(Vec<Input>),
    /// Time has passed; sent only while something on screen shows time.
    Tick,
    /// Published by the tracker, already judged and journaled.
    Board(Arc<Board>),
    Listed {
        task: TaskId,
        result: Result<Page, Failure>,
    },
    /// Paths of the folders in a folder of the server.
    Folders {
        path: String,
        result: Result<Vec<String>, Failure>,
    },
    /// A list as it was kept.
    Copied {
        query: ListQuery,
        copy: Box<ListCopy>,
    },
    /// Row numbers after filter and sort, made off the loop.
    Arranged {
        task: TaskId,
        rows: Vec<u32>,
    },
    Shown {
        task: TaskId,
        key: AssetKey,
        result: Result<Arc<Shown>, Failure>,
    },
    /// The asset that a pasted or typed text means.
    Resolved {
        typed: String,
        result: Result<AssetKey, Failure>,
    },
    Planned {
        task: TaskId,
        result: Result<Box<Plan>, Failure>,
    },
    Execution {
        job: JobId,
        event: Execution,
    },
    Executed {
        job: JobId,
        result: Result<Executed, Failure>,
    },
    Journal {
        open: Result<Vec<InvalidationRow>, Failure>,
        ended: Vec<InvalidationRow>,
    },
    /// What changes whenever something happened in the journal.
    Pulse(Result<String, Failure>),
    /// The audit trail, newest first.
    /// Orders, and what was done to jobs and profiles beside them.
    Activity(Result<(Vec<ActivityRow>, Vec<ActRow>), Failure>),
    /// What was done to an asset, newest first.
    AssetHistory {
        task: TaskId,
        result: Result<Vec<ActivityRow>, Failure>,
    },
    /// One look at a URL from every place.
    Looked {
        task: TaskId,
        result: Result<Arc<Looked>, Failure>,
    },
    /// The picture of an asset, or why there is none.
    Picture {
        task: TaskId,
        result: Result<Box<Found>, Failure>,
    },
    /// What a place serves now, and what storage holds.
    Compared {
        task: TaskId,
        result: Result<Box<Sides>, Failure>,
    },
    /// Jobs, newest first.
    Jobs(Result<Vec<JobRow>, Failure>),
    JobItems {
        task: TaskId,
        result: Result<Arc<Vec<Item>>, Failure>,
    },
    /// What a job did not get done, as an order to be planned, and whether it is to invalidate.
    Retry(Result<Box<(Order, bool)>, Failure>),
    /// What would undo an operation, to be planned.
    Undo(Result<Box<Undo>, Failure>),
    /// What was seen in one cell.
    Evidence {
        task: TaskId,
        result: Result<Arc<Vec<SightingRun>>, Failure>,
    },
    /// A watch of a URL has begun.
    Watching(Result<InvalidationId, Failure>),
    /// Something small was asked and is done, or not.
    Told {
        done: String,
        result: Result<(), Failure>,
    },
    /// What did not work when somebody was to be told; cleaned.
    NotTold(Vec<String>),
    /// Theme files of the operator that changed: name and text.
    ThemeFiles(Vec<(String, String)>),
    Quota(Option<Quota>),
    /// A task died of a mistake in this program.
    TaskFailed(String),
}
