//! What is known of one cell: its run of clear sightings, and the old copies it was seen with.

use std::time::Duration;

use super::Look;
use super::mixture::{MIXED_K, MOST_TURNS};
use crate::domain::confidence::Rule;
use crate::domain::time::Moment;
use crate::domain::verdict::Verdict;

/// What is known of one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CellTrack {
    /// Clear sightings in a row.
    pub run: u32,
    /// Clear sightings since the last old copy, whatever came between them.
    fresh: u32,
    /// How often an old copy came after a new one.
    turns: u32,
    /// An old copy was seen under the present truth.
    old_seen: bool,
    run_from: Option<Moment>,
    run_to: Option<Moment>,
    pub clear: bool,
    pub verdict: Option<Verdict>,
    pub sightings: u32,
    pub ever_outdated: bool,
    pub regressed: bool,
    /// First of the outdated sightings in a row.
    pub outdated_since: Option<Moment>,
    /// Looks at it since quiet began, and the last of them.
    quiet_looks: u32,
    quiet_last: Option<Moment>,
    /// The place does not serve this URL's host.
    pub(super) blank: bool,
}

impl CellTrack {
    /// Looks at it since quiet began.
    #[must_use]
    pub const fn quiet_looks(&self) -> u32 {
        self.quiet_looks
    }

    /// First sighting of the present run.
    #[must_use]
    pub const fn run_from(&self) -> Option<Moment> {
        self.run_from
    }

    /// Clear sightings since the last old copy, whatever came between them.
    #[must_use]
    pub const fn fresh(&self) -> u32 {
        self.fresh
    }

    pub(super) const fn quiet_last(&self) -> Option<Moment> {
        self.quiet_last
    }

    pub(super) const fn begin_quiet(&mut self) {
        (self.quiet_looks, self.quiet_last) = (0, None);
    }

    /// Whether an old copy was seen under the present truth.
    pub(super) const fn old_seen(&self) -> bool {
        self.old_seen
    }

    /// Clear sightings in a row that it needs. Among caches that take turns every turn raises it, so that looking for
    /// long finds no lucky run: the chances to miss a stale node, over all its runs together, stay within twice that
    /// of the first.
    pub(super) fn k(&self, rule: Rule, mixed: bool) -> u32 {
        if mixed {
            rule.k.max(MIXED_K + 2 * self.turns.saturating_sub(1).min(MOST_TURNS))
        } else {
            rule.k
        }
    }

    /// Looks under another truth, or from before a pause, count for nothing.
    pub(super) fn forget_looks(&mut self) {
        self.end_run();
        (self.fresh, self.old_seen, self.outdated_since) = (0, false, None);
    }

    pub(super) fn take(&mut self, look: Look, quiet: Option<Moment>) {
        self.sightings = self.sightings.saturating_add(1);
        self.verdict = Some(look.verdict);
        if quiet.is_some_and(|since| look.sent >= since) {
            self.quiet_looks += 1;
            self.quiet_last = Some(look.sent);
        }
        if look.verdict.is_clear() {
            self.run = self.run.saturating_add(1);
            self.fresh = self.fresh.saturating_add(1);
            self.run_from.get_or_insert(look.received);
            self.run_to = Some(look.sent);
        } else {
            self.end_run();
        }
        if look.verdict == Verdict::Outdated {
            self.turns = self.turns.saturating_add(u32::from(self.fresh > 0));
            (self.ever_outdated, self.old_seen, self.fresh) = (true, true, 0);
            self.outdated_since.get_or_insert(look.received);
        } else {
            self.outdated_since = None;
        }
    }

    fn end_run(&mut self) {
        (self.run, self.run_from, self.run_to, self.clear) = (0, None, None, false);
    }

    /// The span counts from the end of the first sighting to the start of the last, so never too long.
    pub(super) fn is_proven(&self, k: u32, t: Duration) -> bool {
        let span = self.run_from.zip(self.run_to).map(|(from, to)| to.since(from));
        self.run > 0 && self.run >= k && span.is_some_and(|span| span >= t)
    }

    pub(super) fn judge(&mut self, rule: Rule, mixed: bool) {
        self.clear = self.is_proven(self.k(rule, mixed), rule.t);
    }
}
