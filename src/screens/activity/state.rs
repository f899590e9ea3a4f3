//! What the Activity screen knows.

use tui_input::Input;

use crate::app::msg::Failure;
use crate::domain::id::OperationId;
use crate::domain::job::ActRow;
use crate::domain::time::Timestamp;
use crate::ports::journal::ActivityRow;
use crate::screens::assets::rows::Filter;
use crate::ui::widgets::listing::position;

const HOUR: i64 = 3600;

/// Rows as the journal has them, newest first; the cursor belongs to an operation, so that no row jumps under it.
#[derive(Debug, Clone, Default)]
pub struct ActivityState {
    pub rows: Vec<ActivityRow>,
    /// What was done to jobs and profiles beside ordering, newest first.
    pub acts: Vec<ActRow>,
    pub failure: Option<Failure>,
    /// Read at least once.
    pub is_read: bool,
    pub at: Option<OperationId>,
    pub filter: Filter,
    /// The field of `/` while it has the keys.
    pub filter_field: Option<Input>,
}

impl ActivityState {
    /// Rows that match the filter.
    pub fn shown(&self) -> impl Iterator<Item = &ActivityRow> {
        self.rows.iter().filter(|row| self.filter.is_empty() || self.filter.matches(&words(row)))
    }

    /// What was done to the job of an order, newest first; of the profile where there is none.
    pub fn acts_of(&self, operation: Option<OperationId>) -> impl Iterator<Item = &ActRow> {
        self.acts.iter().filter(move |act| act.operation == operation)
    }

    /// Whether the outcome of something listed is still open; calls that nobody made within the hour are not waited for.
    #[must_use]
    pub fn is_unsettled(&self, now: Timestamp) -> bool {
        self.rows.iter().filter(|row| row.ended.is_none()).any(|row| {
            let fresh = now.duration_since(row.operation.at).as_secs() < HOUR;
            row.invalidation.is_some() || fresh && row.accepted + row.failed < row.items
        })
    }

    /// Position of the cursor among the rows shown.
    #[must_use]
    pub fn position(&self) -> usize {
        position(self.at, self.shown().map(|row| row.operation.id))
    }

    /// The operation under the cursor.
    #[must_use]
    pub fn current(&self) -> Option<&ActivityRow> {
        self.shown().nth(self.position())
    }
}

/// What a filter looks through.
fn words(row: &ActivityRow) -> String {
    let outcome = row.ended.as_ref().map_or("", |ending| ending.outcome.as_str());
    let operation = &row.operation;
    let note = operation.note.as_deref().unwrap_or("");
    let verb = operation.verb.as_str();
    [&row.by, verb, &row.label, outcome, note, &operation.command_line].join(" ")
}
