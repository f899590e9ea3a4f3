//! What the Jobs screen knows.

use std::sync::Arc;

use crate::app::effect::TaskId;
use crate::app::msg::Failure;
use crate::domain::id::OperationId;
use crate::domain::invalidation::Item;
use crate::domain::job::{JobRow, JobState};
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
    /// Items that were not done, of the job that was last asked for.
    pub items: Option<NotDone>,
    pub reading: Option<(TaskId, OperationId, usize)>,
}

impl JobsState {
    /// Position of the cursor.
    #[must_use]
    pub fn position(&self) -> usize {
        position(self.at, self.rows.iter().map(|row| row.operation.id))
    }

    /// The job under the cursor.
    #[must_use]
    pub fn current(&self) -> Option<&JobRow> {
        self.rows.get(self.position())
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
