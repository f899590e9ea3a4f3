//! When a watch ends, and what it offers before that.

use std::time::Duration;

use super::Watch;
use crate::domain::invalidation::{Outcome, PurgeAgain, Verb};
use crate::domain::propagation::{Standing, Tally, outcome_when_clear, sentence_of};
use crate::domain::sample;
use crate::domain::snapshot::Offer;
use crate::domain::time::Moment;
use crate::domain::verdict::Expectation;

/// What the watch is ready for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    GoOn,
    /// It ends like this, whatever storage says.
    End(Outcome),
    /// Everything is clear and confirmed by storage: it ends unless a newer operation took a name over.
    EndUnlessSuperseded(Outcome),
}

/// Without any place this long, nothing will be seen.
const NO_PLACES: Duration = Duration::from_secs(60);
/// An old copy that stays this long is worth another purge.
const OUTDATED_FOR_LONG: Duration = Duration::from_secs(5 * 60);
/// While storage is read for the last time no look begins; if that takes longer, slow looks go on.
const LOOKS_REST: Duration = Duration::from_secs(5);
/// After one that the policy sent, the next one waits at least so long.
const AGAIN_PAUSE: Duration = Duration::from_secs(60);
/// Repeated invalidations in all (design §2.3).
pub const MOST_AGAIN: usize = 2;

impl Watch {
    /// Decides whether the watch ends; begins the last reading of storage when its time has come.
    pub fn step(&mut self, now: Moment, chance: &mut fastrand::Rng) -> Step {
        self.follow_quiet(now, chance);
        if self.is_executing() || self.purging_again {
            return self.unless_given_up(now);
        }
        let watches = self.invalidation.operation.verb == Verb::Watch;
        if self.accepted() == 0 && !watches {
            return Step::End(Outcome::Failed);
        }
        if !self.names.is_empty() && self.names.iter().all(super::Name::is_dropped) {
            let superseded = self.names.iter().any(|name| name.watched.superseded);
            return Step::End(if superseded { Outcome::Superseded } else { Outcome::Failed });
        }
        if self.is_blind(now) {
            return Step::End(Outcome::Blind);
        }
        if self.is_confirmed(now) {
            let terms = self.terms();
            let covered_but = self.invalidation.not_covered.len();
            return Step::EndUnlessSuperseded(outcome_when_clear(covered_but, terms.sampled_of));
        }
        self.unless_given_up(now)
    }

    fn unless_given_up(&self, now: Moment) -> Step {
        let spent = self.has_spent_its_budget() && self.in_flight == 0 && self.closing.is_none();
        if now.since(self.quickened) < self.terms().give_up_after && !spent {
            return Step::GoOn;
        }
        Step::End(if self.grid.reached() == 0 { Outcome::Blind } else { Outcome::GaveUp })
    }

    /// No request may be made any more.
    #[must_use]
    pub fn has_spent_its_budget(&self) -> bool {
        self.terms().budget.is_some_and(|most| self.spent >= most)
    }

    /// Nothing to watch, or nothing reached.
    fn is_blind(&self, now: Moment) -> bool {
        let any_url = (0..self.urls.len()).any(|url| !self.grid.is_dropped(url));
        let any_open = (0..self.urls.len()).any(|url| self.grid.is_open(url));
        let no_places = self
            .places_trouble
            .as_ref()
            .is_some_and(|(_, since)| self.spots.is_empty() && now.since(*since) > NO_PLACES);
        !any_url || no_places || (any_open && self.places_known && self.grid.is_blind())
    }

    /// When everything was clear through the quiet, and storage was to be read once more since.
    #[must_use]
    pub fn closing_since(&self) -> Option<Moment> {
        self.closing
    }

    /// Everything is clear through the quiet, nothing is under way, and storage was read again since.
    fn is_confirmed(&mut self, now: Moment) -> bool {
        let done = self.grid.quiet(now).is_some_and(|quiet| quiet.done);
        let names = if done { self.live_names() } else { Vec::new() };
        let confirmed = !names.is_empty() && names.iter().all(|name| self.confirmed.contains(name));
        let lasts = self.closing.is_some_and(|since| now.since(since) > LOOKS_REST);
        // no look begins while the last ones end, or a slow place would keep one under way for ever
        self.rests = done && (confirmed || !lasts);
        if !done || self.in_flight > 0 {
            return false;
        }
        if self.closing.is_none() {
            (self.closing, self.urgent, self.changed) = (Some(now), true, true);
            self.read_for_the_last_time(&names, now);
            return false;
        }
        self.recheck_unread(&names, now);
        confirmed && !self.reads_for_the_last_time()
    }

    /// Not clear although the usual propagation time is over.
    #[must_use]
    pub fn is_stuck(&self, now: Moment) -> bool {
        let late = now.since(self.quickened) >= self.terms().stuck_after;
        (late || self.was_stuck) && !self.grid.is_clear()
    }

    /// What the operator may do next.
    #[must_use]
    pub fn offer(&self, now: Moment) -> Option<Offer> {
        let verb = self.invalidation.operation.verb;
        if self.purged_again.len() >= MOST_AGAIN || self.purging_again || verb == Verb::Watch {
            return None;
        }
        let why = self.why_again(now)?;
        let unproven = if self.any_gone() { "; unproven where the asset is gone" } else { "" };
        Some(Offer::PurgeAgain { why: format!("{why}{unproven}") })
    }

    /// Whether some name is gone: all there is to repeat then is a `destroy` of nothing, of which nobody has said that
    /// it invalidates.
    #[must_use]
    pub fn any_gone(&self) -> bool {
        let gone = |name: &super::Name| {
            !name.is_dropped() && name.watched.expectation() == Some(Expectation::Gone)
        };
        self.names.iter().any(gone)
    }

    fn why_again(&self, now: Moment) -> Option<String> {
        let terms = self.terms();
        let still = |what: &dyn Fn(&super::CellView) -> bool| {
            self.spots.iter().enumerate().any(|(place, spot)| {
                self.grid.standing(place) == Standing::Counted && spot.cells.iter().any(what)
            })
        };
        if self.has_open_regression() {
            return Some("a cache fell back to the old copy".to_owned());
        }
        let usual_is_over = now.since(self.quickened) >= terms.stuck_after + terms.hold_back;
        if usual_is_over && self.repinned_since.is_some() && still(&|cell| cell.repinned > 0) {
            return Some("a cache fetched the old copy again, from a shield".to_owned());
        }
        if let Some((place, outdated)) = self.longest_outdated(now)
            && outdated >= self.outdated_for_long()
        {
            let place = &self.spots[place].place.id;
            return Some(format!("{place} serves an old copy for {} s", outdated.as_secs()));
        }
        let negative = self.negative_cache_since.is_some()
            && still(&|cell| {
                cell.last.as_ref().and_then(|last| last.judgement.as_ref()).is_some_and(|judged| {
                    judged.reason == crate::domain::verdict::Reason::NegativeCache
                })
            });
        negative.then(|| "a cache holds a 404 from before".to_owned())
    }

    /// Five minutes; on loopback, where propagation takes seconds, no longer than until it is stuck.
    fn outdated_for_long(&self) -> Duration {
        let terms = self.terms();
        if terms.loopback { terms.stuck_after.min(OUTDATED_FOR_LONG) } else { OUTDATED_FOR_LONG }
    }

    /// A cell that fell back and is not clear again.
    fn has_open_regression(&self) -> bool {
        (0..self.spots.len()).any(|place| {
            self.grid.standing(place) == Standing::Counted
                && self.grid.tracks(place).any(|cell| cell.regressed && !cell.clear)
        })
    }

    /// The place that serves an old copy for the longest time, and for how long.
    #[must_use]
    pub fn longest_outdated(&self, now: Moment) -> Option<(usize, Duration)> {
        let of_place = |place: usize| {
            let since = self.grid.tracks(place).filter_map(|cell| cell.outdated_since).min();
            since.map(|since| (place, now.since(since)))
        };
        (0..self.spots.len())
            .filter(|place| self.grid.standing(*place) == Standing::Counted)
            .filter_map(of_place)
            .max_by_key(|(_, outdated)| *outdated)
    }

    /// Numbers and names that the sentence of an ending is made of.
    #[must_use]
    pub fn tally(&self, now: Moment) -> Tally {
        let (clear, total) = self.grid.clear_of_total();
        let (refetched, same) = self.grid.refetched_and_same();
        let excluded = self.named(Standing::Excluded);
        Tally {
            reached: self.grid.caches_reached(),
            // an address that never answered may be a cache of its own
            asked: self.spots.len() - excluded.len() - self.grid.reached()
                + self.grid.caches_reached(),
            addresses: self.grid.reached(),
            never_answered: self.named(Standing::LeftOut),
            excluded,
            sightings: self.grid.shortest_run(),
            quiet: self.grid.quiet(now).map_or(Duration::ZERO, |quiet| now.since(quiet.since)),
            miss_chance: self.grid.miss_chance(),
            refetched,
            same,
            clear,
            total,
            not_clear_at: self.not_clear_at(),
            not_covered: self.invalidation.not_covered.len(),
            sampled_of: self.terms().sampled_of,
            elapsed: self.elapsed(now),
        }
    }

    /// Places that count and hold cells that are not clear.
    #[must_use]
    pub fn not_clear_at(&self) -> Vec<String> {
        let not_clear = |place: &usize| {
            let (clear, total) = self.grid.cells_of(*place);
            clear < total && self.grid.standing(*place) == Standing::Counted
        };
        let places = (0..self.spots.len()).filter(not_clear);
        places.map(|place| self.spots[place].place.id.0.clone()).collect()
    }

    /// How an ending is said.
    #[must_use]
    pub fn ending_sentence(&self, outcome: Outcome, now: Moment) -> String {
        let any_url = (0..self.urls.len()).any(|url| !self.grid.is_dropped(url));
        let mut tally = self.tally(now);
        if outcome == Outcome::Blind && !any_url {
            tally.asked = 0; // nothing to watch, whoever might have answered
        }
        let sentence = sentence_of(outcome, &tally);
        match outcome {
            Outcome::GaveUp if self.has_spent_its_budget() => {
                let most = self.terms().budget.unwrap_or_default();
                format!(
                    "{sentence}; its budget of {most} requests is spent: raise `probe_budget` and purge again, or look \
                     with `allclear probe`"
                )
            }
            Outcome::SampledClear | Outcome::ClearExcept => match self.terms().sampled_urls {
                Some(all) => format!("{sentence}; {}", sample::in_words(all, self.live_urls())),
                None => sentence,
            },
            _ => sentence,
        }
    }

    /// Watched URLs that take part.
    fn live_urls(&self) -> usize {
        (0..self.urls.len()).filter(|url| !self.grid.is_dropped(*url)).count()
    }

    /// Why the policy sends the invalidation again now: it was offered for a further hold-back, and not sent again
    /// within the last minute.
    pub fn is_sent_again_by_policy(&mut self, now: Moment) -> Option<String> {
        if self.terms().purge_again != PurgeAgain::Auto || self.again_not_before > now {
            return None;
        }
        let Some(Offer::PurgeAgain { why }) = self.offer(now) else {
            self.offered_since = None;
            return None;
        };
        let since = *self.offered_since.get_or_insert(now);
        if now.since(since) < self.terms().hold_back {
            return None;
        }
        (self.offered_since, self.again_not_before) = (None, now + AGAIN_PAUSE);
        Some(why)
    }
}
