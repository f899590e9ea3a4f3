//! Immutable pictures of a watch, published by the tracker; screens and commands only show them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::confidence::Confidence;
use super::id::InvalidationId;
use super::invalidation::{CloudScope, Ending, NotCovered, Verb};
use super::place::PlaceId;
use super::propagation::MissChance;
use super::sighting::{AcceptVariant, CacheStatus};
use super::time::Timestamp;
use super::verdict::{Expectation, Verdict};

/// Everything there is to show of one invalidation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WatchSnapshot {
    pub id: InvalidationId,
    pub verb: Verb,
    pub scope: CloudScope,
    /// The asset, or the first of many and how many more; cleaned.
    pub label: String,
    /// Who ordered it: `user@host`.
    pub by: String,
    pub note: Option<String>,
    pub started_at: Timestamp,
    /// Wall time of this picture.
    pub taken_at: Timestamp,
    pub confidence: Confidence,
    pub phase: Phase,
    pub calls: Calls,
    pub places: Vec<PlaceRow>,
    pub urls: Vec<UrlRow>,
    /// `places.len() * urls.len()` entries, place by place; each holds its variants' cells.
    pub cells: Vec<Cell>,
    pub not_covered: Vec<NotCovered>,
    pub regressions: Vec<Regression>,
    /// Newest last, bounded.
    pub timeline: Vec<TimelineEntry>,
    /// Cells clear over time since the start, newest last, bounded.
    pub curve: Vec<CurvePoint>,
    /// Not clear although the usual propagation time is over.
    pub stuck: bool,
    /// Runs and quiet started again after a suspend or a take-over.
    pub interrupted: bool,
    pub requests_spent: u64,
    /// Requests a watch without trouble needs.
    pub requests_budget: u64,
    /// Requests it makes at most: it gives up when they are spent.
    #[serde(default)]
    pub requests_most: Option<u64>,
    /// What happens now or how it ended, in one sentence of design §2.2.
    pub sentence: String,
    pub ended: Option<Ending>,
    /// What the tracker suggests, e.g. a purge again; the command carries it out.
    pub offer: Option<Offer>,
    /// When the invalidation was sent again, oldest first.
    #[serde(default)]
    pub purged_again: Vec<Timestamp>,
    /// What its sightings can have missed.
    pub miss_chance: MissChance,
}

impl WatchSnapshot {
    /// Cells clear and cells in all, each variant counted, over places that have answered.
    #[must_use]
    pub fn clear_of_total(&self) -> (usize, usize) {
        let counted = self.cells.iter().filter(|cell| cell.counted);
        counted
            .map(Cell::clear_of_variants)
            .fold((0, 0), |(clear, total), (of_it, variants)| (clear + of_it, total + variants))
    }

    /// The sentence, with the word in front when it is stuck.
    #[must_use]
    pub fn state(&self) -> String {
        if self.stuck { format!("stuck: {}", self.sentence) } else { self.sentence.clone() }
    }

    /// The cell of a place and a URL by their positions.
    #[must_use]
    pub fn cell(&self, place: usize, url: usize) -> Option<&Cell> {
        self.cells.get(place * self.urls.len() + url)
    }

    /// Number of places that have answered.
    #[must_use]
    pub fn reached(&self) -> usize {
        self.places.iter().filter(|place| place.state == PlaceState::Answering).count()
    }

    /// Time from the order to this picture, or to the end.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        let until = self.ended.as_ref().map_or(self.taken_at, |ending| ending.at);
        Duration::try_from(until.duration_since(self.started_at)).unwrap_or_default()
    }
}

/// What the watch is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Calls to the cloud are being made.
    Executing,
    /// Waiting before the first probe, so as not to plant the old copy again.
    HoldingBack,
    /// Waiting for storage to show the change.
    ReadingStorage,
    Probing,
    /// Everything is clear; looking on.
    Quiet,
    Ended,
}

/// Calls to the cloud: what was accepted and what was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Calls {
    pub total: usize,
    pub accepted: usize,
    pub not_found: usize,
    pub failed: usize,
}

/// One row of the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceRow {
    pub id: PlaceId,
    pub pop: Option<String>,
    pub city: Option<String>,
    pub state: PlaceState,
    /// Cells of this place that are clear.
    pub clear: usize,
    pub cells: usize,
    /// Round trip of the last answer.
    pub last_rtt: Option<Duration>,
    /// When every cell became clear, since the order.
    pub cleared_after: Option<Duration>,
    /// When the last cell let go, since the call: at the first of the sightings that prove it.
    #[serde(default)]
    pub let_go_after: Option<Duration>,
    /// Was ever seen with the old copy.
    pub saw_old: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceState {
    /// Not answered yet.
    Waiting,
    /// Has answered at least once: it blocks until clear.
    Answering,
    /// Never answered; left out after 3 failures, and named.
    Unreachable,
    /// Left out by the operator, and named.
    Excluded,
}

/// One column of the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UrlRow {
    /// Delivery URL as an operator may open it; cleaned.
    pub url: String,
    /// Short form for columns: what differs from its neighbours, e.g. `v1 c_scale,w_300`.
    pub short: String,
    /// The asset's name; cleaned.
    pub asset: String,
    pub covered: bool,
    pub expectation: Option<Expectation>,
}

/// One place and URL; with several `Accept` variants the worst of them, with their number.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cell {
    /// Part of the count: its place has answered.
    pub counted: bool,
    pub clear: bool,
    pub verdict: Option<Verdict>,
    /// Variant that the verdict is about.
    pub variant: AcceptVariant,
    pub variants: u8,
    /// Variants that are clear.
    #[serde(default)]
    pub clear_variants: u8,
    /// Stable word of the reason.
    pub reason: String,
    /// The reason as a sentence; cleaned.
    pub why: String,
    /// Cleared sightings in a row, and how many are needed.
    pub run: u32,
    pub k: u32,
    pub sightings: u32,
    pub ever_outdated: bool,
    pub regressed: bool,
    pub cache: CacheStatus,
    pub age: Option<u64>,
    pub status: Option<u16>,
    pub etag: Option<String>,
    pub seen_at: Option<Timestamp>,
}

impl Cell {
    /// Variants that are clear, and all.
    #[must_use]
    pub fn clear_of_variants(&self) -> (usize, usize) {
        let variants = usize::from(self.variants.max(1));
        (if self.clear { variants } else { usize::from(self.clear_variants) }, variants)
    }
}

/// A cell that was clear and served an old copy again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Regression {
    pub place: PlaceId,
    pub url: String,
    pub at: Timestamp,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    pub at: Timestamp,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurvePoint {
    pub after: Duration,
    pub clear: usize,
    pub total: usize,
}

/// What could be done next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Offer {
    /// Send the invalidation again, with the reason.
    PurgeAgain { why: String },
}
