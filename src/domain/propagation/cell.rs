//! What is known of one cell: its run of clear sightings, and the old copies it was seen with.

use std::time::Duration;

use super::Look;
use super::mixture::{MIXED_K, MOST_TURNS};
use crate::domain::confidence::Rule;
use crate::domain::time::Moment;
use crate::domain::verdict::Verdict;

/// A run that is suspended goes on only where an answer came so soon after the first look that had none.
pub const LONGEST_SILENCE: Duration = Duration::from_secs(60);
/// Looks without an answer that a run goes on after: so many, and one more for every so many clear sightings.
const SILENT_LOOKS: u32 = 2;
const CLEAR_FOR_ONE_MORE: u32 = 4;

/// What is known of one cell.
///
/// A run of clear sightings is *suspended* by a look that says nothing of the copy (no answer, or a server's own
/// trouble) and goes on with the next clear sighting. Nothing is clear by that look: while its last look said nothing
/// a cell ends no watch, the time without an answer counts neither for the run's span nor for the quiet, and the looks
/// that are needed must all be clear ones. A silence of more than a minute, or more silent looks than two and one for
/// every four clear sightings, ends the run, and so does every answer that is not clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CellTrack {
    /// Clear sightings in a row, but for looks that said nothing.
    pub run: u32,
    /// When the first of the looks left that said nothing since the last clear sighting of the run.
    silent_since: Option<Moment>,
    /// Looks within the run that said nothing, and how long it was without an answer.
    silent_looks: u32,
    unseen: Duration,
    /// Clear by the rule's own k since the last old copy, whatever came after.
    proved: bool,
    /// Clear sightings since the last old copy, whatever came between them.
    fresh: u32,
    /// They were all of one copy, of which it could not be told whether it is old.
    undecided: bool,
    /// How often an old copy came after a new one.
    turns: u32,
    /// An old copy was seen under the present truth.
    old_seen: bool,
    run_from: Option<Moment>,
    run_to: Option<Moment>,
    /// Proven by its run, though that may be suspended.
    pub clear: bool,
    pub verdict: Option<Verdict>,
    pub sightings: u32,
    pub ever_outdated: bool,
    pub regressed: bool,
    /// First of the outdated sightings in a row.
    pub outdated_since: Option<Moment>,
    /// Clear sightings of it since quiet began, and the last of them.
    quiet_looks: u32,
    quiet_last: Option<Moment>,
    /// The place does not serve this URL's host.
    pub(super) blank: bool,
}

impl CellTrack {
    /// Clear sightings of it since quiet began.
    #[must_use]
    pub const fn quiet_looks(&self) -> u32 {
        self.quiet_looks
    }

    /// First sighting of the present run.
    #[must_use]
    pub const fn run_from(&self) -> Option<Moment> {
        self.run_from
    }

    /// The run is suspended: the last look said nothing of the copy.
    #[must_use]
    pub const fn is_silent(&self) -> bool {
        self.silent_since.is_some()
    }

    /// How long the run has been seen to last: from its first sighting to `until`, but for the time without an answer.
    #[must_use]
    pub fn lasted(&self, until: Moment) -> Option<Duration> {
        self.run_from.map(|from| until.since(from).saturating_sub(self.unseen))
    }

    /// Whether it was proven clear since the last old copy, by the rule's own k, whatever came after.
    pub(super) const fn was_proved(&self) -> bool {
        self.proved
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
        (self.fresh, self.old_seen, self.outdated_since, self.proved) = (0, false, None, false);
    }

    /// Whether the copy that passed for clear is told to be old by this look: nothing fell back, and no other copy
    /// was seen.
    pub(super) fn tells_apart(&self, look: Look) -> bool {
        look.verdict == Verdict::Outdated && look.same_copy && self.undecided && self.fresh > 0
    }

    pub(super) fn take(&mut self, look: Look, quiet: Option<Moment>) {
        let told_apart = self.tells_apart(look);
        self.sightings = self.sightings.saturating_add(1);
        self.verdict = Some(look.verdict);
        if look.verdict.is_clear() {
            if quiet.is_some_and(|since| look.sent >= since) {
                self.quiet_looks += 1;
                self.quiet_last = Some(look.sent);
            }
            self.go_on(look.sent);
            self.run = self.run.saturating_add(1);
            let is_one_copy = self.fresh == 0 || (self.undecided && look.same_copy);
            self.undecided = look.verdict == Verdict::Same && is_one_copy;
            self.fresh = self.fresh.saturating_add(1);
            self.run_from.get_or_insert(look.received);
            self.run_to = Some(look.sent);
        } else if look.says_nothing && self.run > 0 && self.forgives(look) {
            self.silent_since.get_or_insert(look.sent);
            self.silent_looks += 1;
        } else {
            self.end_run();
        }
        if look.verdict == Verdict::Outdated {
            let turned = self.fresh > 0 && !told_apart;
            self.turns = self.turns.saturating_add(u32::from(turned));
            (self.ever_outdated, self.old_seen, self.fresh) = (true, true, 0);
            self.proved = false;
            self.outdated_since.get_or_insert(look.received);
        } else {
            self.outdated_since = None;
        }
    }

    /// An answer came at last; too late, and the run begins anew.
    fn go_on(&mut self, sent: Moment) {
        let Some(since) = self.silent_since.take() else { return };
        let unseen = sent.since(since);
        if unseen > LONGEST_SILENCE {
            self.end_run();
        } else {
            self.unseen += unseen;
        }
    }

    /// Whether the run outlives another look that says nothing.
    fn forgives(&self, look: Look) -> bool {
        let since = self.silent_since.unwrap_or(look.sent);
        self.silent_looks < SILENT_LOOKS + self.run / CLEAR_FOR_ONE_MORE
            && look.received.since(since) <= LONGEST_SILENCE
    }

    fn end_run(&mut self) {
        (self.run, self.run_from, self.run_to, self.clear) = (0, None, None, false);
        (self.silent_since, self.silent_looks, self.unseen) = (None, 0, Duration::ZERO);
    }

    /// The span counts from the end of the first sighting to the start of the last, so never too long.
    pub(super) fn is_proven(&self, k: u32, t: Duration) -> bool {
        let span = self.run_to.and_then(|to| self.lasted(to));
        self.run > 0 && self.run >= k && span.is_some_and(|span| span >= t)
    }

    pub(super) fn judge(&mut self, rule: Rule, mixed: bool) {
        self.clear = self.is_proven(self.k(rule, mixed), rule.t);
        self.proved |= self.is_proven(rule.k, rule.t);
    }
}
