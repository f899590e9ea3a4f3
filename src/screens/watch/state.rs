//! What the Watch screen knows: which invalidation, and where the cursor is in it.

use crate::domain::id::InvalidationId;

/// What is shown below the matrix, or beside it where there is room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Panel {
    /// Why the cell under the cursor was judged as it was.
    #[default]
    Evidence,
    NotCovered,
    Timeline,
    Curve,
}

impl Panel {
    pub const ALL: [Self; 4] = [Self::Evidence, Self::NotCovered, Self::Timeline, Self::Curve];

    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Evidence => "Evidence",
            Self::NotCovered => "Not covered",
            Self::Timeline => "Timeline",
            Self::Curve => "Curve",
        }
    }
}

/// The invalidation on screen and the cell under the cursor.
#[derive(Debug, Clone, Default)]
pub struct WatchState {
    pub id: Option<InvalidationId>,
    /// Positions in the snapshot's places and URLs; both keep their order while a watch lives.
    pub place: usize,
    pub url: usize,
    pub panel: Panel,
}
