//! What the Watch screen knows: which invalidation, which view of it, and where the cursor is.

use std::sync::Arc;

use crate::app::effect::TaskId;
use crate::app::msg::Failure;
use crate::domain::id::InvalidationId;
use crate::domain::place::PlaceId;
use crate::domain::time::Moment;
use crate::ports::journal::SightingRun;

/// Views of one invalidation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tab {
    /// Places by URLs, and why the cell under the cursor was judged as it was.
    #[default]
    Matrix,
    /// The world, with its list twin.
    Map,
    /// Share of cells clear over time, and when each place let go.
    Curve,
    /// What happened, newest last.
    Timeline,
    NotCovered,
}

impl Tab {
    pub const ALL: [Self; 5] =
        [Self::Matrix, Self::Map, Self::Curve, Self::Timeline, Self::NotCovered];

    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Matrix => "Matrix",
            Self::Map => "Map",
            Self::Curve => "Curve",
            Self::Timeline => "Timeline",
            Self::NotCovered => "Not covered",
        }
    }

    /// For narrow terminals.
    #[must_use]
    pub const fn short(self) -> &'static str {
        match self {
            Self::Matrix => "Matrix",
            Self::Map => "Map",
            Self::Curve => "Curve",
            Self::Timeline => "Time",
            Self::NotCovered => "Missed",
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
    pub tab: Tab,
    /// Lines scrolled: from the end in the timeline, from the top elsewhere.
    pub line: usize,
}

/// The evidence of one cell, read from the journal on request.
#[derive(Debug, Clone)]
pub struct EvidenceView {
    pub watch: InvalidationId,
    pub place: PlaceId,
    /// As the snapshot shows it.
    pub url: String,
    /// Runs, oldest first; `None` before the first answer.
    pub runs: Option<Result<Arc<Vec<SightingRun>>, Failure>>,
    pub reading: Option<TaskId>,
    pub since: Moment,
    /// Sightings of the cell when it was last asked for.
    pub sightings: u32,
    pub line: usize,
}
