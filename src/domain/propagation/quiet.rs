//! Quiet: looking on after everything is clear, because caches fall back (design §2.2).

use std::time::Duration;

use super::{GONE_LATE, GONE_QUIET, Part, Propagation};
use crate::domain::time::Moment;

/// How far quiet has been observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quiet {
    pub since: Moment,
    /// How long it must last.
    pub needed: Duration,
    /// Every place and cell was looked at as often and as late as the rule asks, for long enough.
    pub done: bool,
}

impl Propagation {
    /// Quiet as of `now`; `None` while anything is not clear.
    #[must_use]
    pub fn quiet(&self, now: Moment) -> Option<Quiet> {
        let since = self.quiet_since?;
        let needed = self.quiet_needed() + self.quiet_unseen();
        let done = now.since(since) >= needed && self.is_clear() && self.was_looked_at(since);
        Some(Quiet { since, needed, done })
    }

    /// How long quiet lasts: longer where gone content is proven to a normal or strict level.
    #[must_use]
    pub fn quiet_needed(&self) -> Duration {
        let q = self.rule().q;
        let any_gone = (0..self.urls()).any(|url| self.needs_late_look(url));
        if any_gone { q.max(GONE_QUIET) } else { q }
    }

    /// How much longer than needed quiet lasts: as long as the place that was without an answer for most of it.
    fn quiet_unseen(&self) -> Duration {
        self.counted().map(|place| place.quiet_unseen).max().unwrap_or_default()
    }

    /// When quiet may end at the earliest; `None` while there is none.
    #[must_use]
    pub fn quiet_until(&self) -> Option<Moment> {
        self.quiet_since.map(|since| since + self.quiet_needed() + self.quiet_unseen())
    }

    /// Whether a URL needs a look after second 65 of quiet: a cached 404 lives a minute at first.
    #[must_use]
    pub fn needs_late_look(&self, url: usize) -> bool {
        let gone = matches!(self.urls[url].part, Part::Open { gone: true, .. });
        gone && self.rule.outlives_refusals
    }

    /// When the late look may be made.
    #[must_use]
    pub fn late_from(since: Moment) -> Moment {
        since + GONE_LATE
    }

    /// Looks that each place needs in quiet.
    #[must_use]
    pub const fn quiet_looks_needed(&self) -> u32 {
        self.rule().m
    }

    /// Clear sightings at a place since quiet began.
    #[must_use]
    pub fn quiet_looks(&self, place: usize) -> u32 {
        self.places[place].quiet_looks
    }

    /// Cells of a place that were not seen in quiet yet; of the place with most of them.
    #[must_use]
    pub fn quiet_looks_left(&self) -> usize {
        let unseen = |place: &super::PlaceTrack| {
            self.cells_at(place).filter(|(_, cell)| cell.quiet_looks() == 0).count()
        };
        self.counted().map(unseen).max().unwrap_or_default()
    }

    fn was_looked_at(&self, since: Moment) -> bool {
        let late = Self::late_from(since);
        self.counted().all(|place| place.total == 0 || place.quiet_looks >= self.rule().m)
            && self.counted_cells().all(|(url, cell)| {
                cell.quiet_looks() > 0
                    && (!self.needs_late_look(url)
                        || cell.quiet_last().is_some_and(|last| last >= late))
            })
    }

    /// Fewest clear sightings in a row among all cells that count.
    #[must_use]
    pub fn shortest_run(&self) -> u32 {
        self.counted_cells().map(|(_, cell)| cell.run).min().unwrap_or(0)
    }

    /// Places that were ever seen with an old copy.
    #[must_use]
    pub fn places_seen_outdated(&self) -> usize {
        let outdated =
            |place: &&super::PlaceTrack| place.cells.iter().any(|cell| cell.ever_outdated);
        self.counted().filter(outdated).count()
    }

    /// Cells that are clear by proof of a refetch, and those that merely hold the same bytes.
    #[must_use]
    pub fn refetched_and_same(&self) -> (usize, usize) {
        use crate::domain::verdict::Verdict;
        self.counted_cells().fold((0, 0), |(refetched, same), (_, cell)| match cell.verdict {
            Some(Verdict::Cleared) => (refetched + 1, same),
            Some(Verdict::Same) => (refetched, same + 1),
            _ => (refetched, same),
        })
    }
}
