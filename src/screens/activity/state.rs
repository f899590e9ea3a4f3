//! What the Activity screen knows.

use crate::app::action::SortBy;
use crate::app::msg::Failure;
use crate::domain::id::OperationId;
use crate::domain::invalidation::Outcome;
use crate::domain::job::ActRow;
use crate::domain::time::Timestamp;
use crate::ports::journal::ActivityRow;
use crate::screens::arrangement::{Arrangement, SortKey};
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
    pub list: Arrangement,
}

impl ActivityState {
    /// Rows that match the filter, in their order.
    #[must_use]
    pub fn shown(&self) -> Vec<&ActivityRow> {
        self.list.rows(self.rows.iter(), words, key)
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
        position(self.at, self.shown().iter().map(|row| row.operation.id))
    }

    /// The operation under the cursor.
    #[must_use]
    pub fn current(&self) -> Option<&ActivityRow> {
        self.shown().get(self.position()).copied()
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

fn key(row: &ActivityRow, by: SortBy) -> SortKey {
    match by {
        SortBy::Name => SortKey::Word(row.label.to_lowercase()),
        SortBy::Age => SortKey::Number(-row.operation.at.as_millisecond()),
        SortBy::Size => SortKey::descending(row.items),
        SortBy::State => SortKey::Number(need(row)),
        SortBy::Order => SortKey::Word(row.operation.verb.as_str().to_owned()),
        SortBy::Who => SortKey::Word(row.by.to_lowercase()),
        SortBy::Server | SortBy::Kind | SortBy::Pending | SortBy::Done => SortKey::Same,
    }
}

/// Less is more urgent: what failed, what is open, then ends from bad to good.
fn need(row: &ActivityRow) -> i64 {
    match row.ended.as_ref().map(|ending| ending.outcome) {
        Some(Outcome::GaveUp | Outcome::Blind | Outcome::Failed) => 0,
        None if row.failed > 0 => 0,
        None if row.invalidation.is_some() => 1,
        None if row.accepted < row.items => 2,
        Some(Outcome::ClearExcept) => 3,
        Some(Outcome::SampledClear) => 4,
        Some(Outcome::Superseded | Outcome::CloudGone | Outcome::Abandoned) => 5,
        None | Some(Outcome::AllClear) => 6,
    }
}
