//! What the Pending screen knows.

use crate::app::state::Tracked;
use crate::domain::id::InvalidationId;
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
}

impl PendingState {
    /// What is listed.
    pub fn shown<'a>(&self, tracked: &'a [Tracked]) -> impl Iterator<Item = &'a Tracked> + use<'a> {
        let show = self.show;
        tracked.iter().filter(move |row| show.takes(row))
    }

    /// Position of the cursor among what is listed.
    #[must_use]
    pub fn position(&self, tracked: &[Tracked]) -> usize {
        position(self.at, self.shown(tracked).map(|row| row.id))
    }

    /// The invalidation under the cursor.
    #[must_use]
    pub fn current<'a>(&self, tracked: &'a [Tracked]) -> Option<&'a Tracked> {
        self.shown(tracked).nth(self.position(tracked))
    }
}
