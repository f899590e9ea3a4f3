//! What the Pending screen knows.

use crate::app::action::SortBy;
use crate::app::state::Tracked;
use crate::domain::id::InvalidationId;
use crate::domain::invalidation::Outcome;
use crate::screens::arrangement::{Arrangement, SortKey, word_of};
use crate::screens::pending::view::state_of;
use crate::screens::watch::view::counted;
use crate::ui::widgets::listing::position;

/// Which invalidations are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Show {
    /// What is open, and what has ended below it.
    #[default]
    All,
    Open,
    Ended,
}

impl Show {
    pub const ALL: [Self; 3] = [Self::All, Self::Open, Self::Ended];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Open => "open",
            Self::Ended => "ended",
        }
    }

    /// The next choice of the key.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::All => Self::Open,
            Self::Open => Self::Ended,
            Self::Ended => Self::All,
        }
    }

    const fn takes(self, tracked: &Tracked) -> bool {
        match self {
            Self::All => true,
            Self::Open => tracked.ended.is_none(),
            Self::Ended => tracked.ended.is_some(),
        }
    }
}

/// The cursor belongs to an invalidation, so that no row jumps under it.
#[derive(Debug, Clone, Default)]
pub struct PendingState {
    pub at: Option<InvalidationId>,
    pub show: Show,
    pub list: Arrangement,
}

impl PendingState {
    /// What is listed, in its order.
    #[must_use]
    pub fn shown<'a>(&self, tracked: &'a [Tracked]) -> Vec<&'a Tracked> {
        self.list.rows(tracked.iter().filter(|row| self.show.takes(row)), words, key)
    }

    /// Position of the cursor among what is listed.
    #[must_use]
    pub fn position(&self, tracked: &[Tracked]) -> usize {
        position(self.at, self.shown(tracked).into_iter().map(|row| row.id))
    }

    /// The invalidation under the cursor.
    #[must_use]
    pub fn current<'a>(&self, tracked: &'a [Tracked]) -> Option<&'a Tracked> {
        let shown = self.shown(tracked);
        shown.get(position(self.at, shown.iter().map(|row| row.id))).copied()
    }
}

/// What a filter looks through.
fn words(row: &Tracked) -> String {
    let state = word_of(|glyphs| state_of(row, glyphs));
    let note = row.snapshot.as_ref().and_then(|shown| shown.note.as_deref()).unwrap_or("");
    [row.verb.as_str(), &row.label, &state, &row.by, note].join(" ")
}

fn key(row: &Tracked, by: SortBy) -> SortKey {
    let cells = row.snapshot.as_deref().map(counted);
    match by {
        SortBy::Name => SortKey::Word(row.label.to_lowercase()),
        SortBy::Age => SortKey::Number(-row.started_at.as_millisecond()),
        SortBy::Size => SortKey::descending(cells.map_or(0, |(_, total)| total)),
        SortBy::State => SortKey::Number(need(row)),
        SortBy::Order => SortKey::Word(row.verb.as_str().to_owned()),
        SortBy::Done => {
            let share = cells.map_or(0, |(clear, total)| clear * 1000 / total.max(1));
            SortKey::Number(i64::try_from(share).unwrap_or(0))
        }
        SortBy::Who => SortKey::Word(row.by.to_lowercase()),
        SortBy::Server | SortBy::Kind | SortBy::Pending => SortKey::Same,
    }
}

/// Less is more urgent: what is stuck, then what is open, then ends from bad to good.
fn need(row: &Tracked) -> i64 {
    match (&row.ended, row.snapshot.as_deref()) {
        (None, Some(shown)) if shown.stuck => 0,
        (None, Some(shown)) if !shown.regressions.is_empty() => 1,
        (None, _) => 2,
        (Some(ending), _) => match ending.outcome {
            Outcome::GaveUp | Outcome::Blind | Outcome::Failed => 3,
            Outcome::ClearExcept => 4,
            Outcome::SampledClear => 5,
            Outcome::Superseded | Outcome::CloudGone | Outcome::Abandoned => 6,
            Outcome::AllClear => 7,
        },
    }
}
