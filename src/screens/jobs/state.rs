//! What the Jobs screen knows.

use std::sync::Arc;

use crate::app::action::SortBy;
use crate::app::effect::TaskId;
use crate::app::msg::Failure;
use crate::domain::id::OperationId;
use crate::domain::invalidation::Item;
use crate::domain::job::{JobRow, JobState};
use crate::screens::arrangement::{Arrangement, SortKey, word_of};
use crate::screens::jobs::view::state_of;
use crate::ui::widgets::listing::position;

/// Job, number of items not done when they were asked for, and the items.
pub type NotDone = (OperationId, usize, Result<Arc<Vec<Item>>, Failure>);

/// Jobs as the journal has them; the cursor belongs to a job, so that no row jumps under it.
#[derive(Debug, Clone, Default)]
pub struct JobsState {
    /// What is not over first, then what is, newest first.
    pub rows: Vec<JobRow>,
    pub failure: Option<Failure>,
    /// Read at least once.
    pub is_read: bool,
    pub at: Option<OperationId>,
    pub list: Arrangement,
    /// Items that were not done, of the job that was last asked for.
    pub items: Option<NotDone>,
    pub reading: Option<(TaskId, OperationId, usize)>,
}

impl JobsState {
    /// What is listed, in its order.
    #[must_use]
    pub fn shown(&self) -> Vec<&JobRow> {
        self.list.rows(self.rows.iter(), words, key)
    }

    /// Position of the cursor.
    #[must_use]
    pub fn position(&self) -> usize {
        position(self.at, self.shown().iter().map(|row| row.operation.id))
    }

    /// The job under the cursor.
    #[must_use]
    pub fn current(&self) -> Option<&JobRow> {
        self.shown().get(self.position()).copied()
    }

    /// Jobs that may still send something.
    pub fn live(&self) -> impl Iterator<Item = &JobRow> {
        self.rows.iter().filter(|row| !row.state.is_over())
    }

    /// Jobs that go on once somebody lets them.
    #[must_use]
    pub fn held(&self) -> usize {
        self.rows.iter().filter(|row| row.state == JobState::Held).count()
    }
}

/// What a filter looks through.
fn words(row: &JobRow) -> String {
    let state = word_of(|glyphs| state_of(row, glyphs));
    let note = row.operation.note.as_deref().unwrap_or("");
    [row.operation.verb.as_str(), &row.label, &state, &row.by, note].join(" ")
}

fn key(row: &JobRow, by: SortBy) -> SortKey {
    let counts = &row.counts;
    match by {
        SortBy::Name => SortKey::Word(row.label.to_lowercase()),
        SortBy::Age => SortKey::Number(-row.operation.at.as_millisecond()),
        SortBy::Size => SortKey::descending(counts.total()),
        SortBy::State => SortKey::Number(need(row)),
        SortBy::Order => SortKey::Word(row.operation.verb.as_str().to_owned()),
        SortBy::Done => {
            let share = counts.settled() * 1000 / counts.total().max(1);
            SortKey::Number(i64::try_from(share).unwrap_or(0))
        }
        SortBy::Who => SortKey::Word(row.by.to_lowercase()),
        SortBy::Server | SortBy::Kind | SortBy::Pending => SortKey::Same,
    }
}

/// Less is more urgent: what nobody runs, what is held, what runs, then what is over, with failures before the rest.
fn need(row: &JobRow) -> i64 {
    match row.state {
        JobState::Interrupted => 0,
        JobState::Held | JobState::Paused => 1,
        JobState::Waiting => 2,
        JobState::Running if row.wait.is_some() => 3,
        JobState::Running | JobState::Cancelling => 4,
        JobState::Done if row.counts.not_done() > 0 => 5,
        JobState::Cancelled => 6,
        JobState::Done => 7,
    }
}
