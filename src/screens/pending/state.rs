//! What the Pending screen knows.

use crate::app::state::Tracked;
use crate::domain::id::InvalidationId;

/// The cursor belongs to an invalidation, so that no row jumps under it.
#[derive(Debug, Clone, Default)]
pub struct PendingState {
    pub at: Option<InvalidationId>,
}

impl PendingState {
    /// Position of the cursor among `tracked`.
    #[must_use]
    pub fn position(&self, tracked: &[Tracked]) -> usize {
        self.at.and_then(|id| tracked.iter().position(|row| row.id == id)).unwrap_or(0)
    }

    /// The invalidation under the cursor.
    #[must_use]
    pub fn current<'a>(&self, tracked: &'a [Tracked]) -> Option<&'a Tracked> {
        tracked.get(self.position(tracked))
    }
}
