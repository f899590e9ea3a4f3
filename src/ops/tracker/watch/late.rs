//! Looks at places that never answered, after the watch has ended clear.

use super::super::names::Stage;
use super::looks::reason_of;
use super::{UrlTruth, Watch, Work, of_slot};
use crate::domain::place::PlaceId;
use crate::domain::propagation::Standing;
use crate::domain::sighting::{AcceptVariant, ProbeShape, Sighting};
use crate::domain::snapshot::Regression;
use crate::domain::text::clean;
use crate::domain::time::{Moment, Timestamp};
use crate::domain::verdict::{Expectation, Stored, Verdict};
use crate::ops::tracker::TrackerEvent;
use crate::ports::prober::Probe;

/// What a late look tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LateLook {
    /// Still no answer.
    Silent,
    /// An answer without an old copy.
    Fine,
    /// An old copy: the ending does not hold.
    Old { why: String },
}

impl Watch {
    /// Believes again what the watch ended with, as far as the journal tells it: that a name is gone, or what storage
    /// holds under it. What derived copies were compared with is not kept, so copies of those tell nothing.
    pub fn recall_truths(&mut self) {
        for name in &mut self.names {
            if !name.is_dropped() && name.watched.new.is_some() {
                name.stage = Stage::Known;
                name.told.clone_from(&name.watched.new);
            }
        }
        for url in &mut self.urls {
            let name = &self.names[url.name];
            let Some(expectation) = name.watched.expectation().filter(|_| name.is_known()) else {
                continue;
            };
            let new = match &name.watched.new {
                Some(Stored::Holds(stored)) if !url.watched.derived => Some(stored.clone()),
                _ => None,
            };
            if new.is_some() || expectation == Expectation::Gone {
                url.truth[0] = Some(UrlTruth { expectation, new });
            }
        }
    }

    /// Cells of which the recalled truth says enough to judge a copy.
    fn recalled_cells(&self, place: usize) -> Vec<usize> {
        let known = |slot: &usize| {
            let (url, variant) = of_slot(*slot);
            let truth = self.urls[url].truth[0].as_ref();
            truth.is_some_and(|truth| {
                truth.expectation == Expectation::Gone || variant == AcceptVariant::None
            })
        };
        self.slots(place).into_iter().filter(known).collect()
    }

    /// Of the places named in an ending as never heard of, those that can be asked now, each with the cells that can
    /// still be judged; they are taken out of `named`.
    pub fn recall_places(
        &mut self,
        named: &mut Vec<PlaceId>,
        now: Moment,
    ) -> Vec<(usize, Vec<usize>)> {
        let mut found = Vec::new();
        for place in 0..self.spots.len() {
            let spot = &self.spots[place];
            let Some(at) = named.iter().position(|id| *id == spot.place.id).filter(|_| !spot.lost)
            else {
                continue;
            };
            named.remove(at);
            self.grid.leave_out(place, now);
            let cells = self.recalled_cells(place);
            if !cells.is_empty() {
                found.push((place, cells));
            }
        }
        found
    }

    /// Places that never answered and can be asked, each with its cells.
    #[must_use]
    pub fn silent_places(&self) -> Vec<(usize, Vec<usize>)> {
        (0..self.spots.len())
            .filter(|place| self.grid.standing(*place) == Standing::LeftOut)
            .filter(|place| !self.spots[*place].lost)
            .map(|place| (place, self.slots(place)))
            .filter(|(_, cells)| !cells.is_empty())
            .collect()
    }

    #[must_use]
    pub fn late_probe(&self, place: usize, slot: usize) -> Probe {
        self.probe(place, slot, ProbeShape::OneByte)
    }

    /// Judges a look by the truth that the watch ended with.
    #[must_use]
    pub fn judge_late(&self, place: usize, slot: usize, sighting: &Sighting) -> LateLook {
        if sighting.result.is_err() {
            return LateLook::Silent;
        }
        let judgement = self.judged(place, slot, sighting);
        if judgement.verdict != Verdict::Outdated {
            return LateLook::Fine;
        }
        let (id, url) = (&self.spots[place].place.id, &self.urls[of_slot(slot).0].shown);
        let why = reason_of(&judgement);
        let why = format!("{id} answers late with an old copy of {url}: {why}");
        LateLook::Old { why: clean(&why).into_owned() }
    }

    /// The watch goes on: the late place counts from now on, by what it was seen with.
    pub fn resume(
        &mut self,
        place: usize,
        slot: usize,
        sighting: &Sighting,
        now: Moment,
        wall: Timestamp,
        chance: &mut fastrand::Rng,
    ) {
        self.in_flight = 1; // the look that is taken in now
        (self.closing, self.rests, self.quickened) = (None, false, now);
        self.confirmed.clear();
        self.take(place, Work::Cell { slot }, sighting, now, wall, chance);
        self.reschedule_all(now, chance);
        let why = "the place answered only after the ending";
        let Regression { place, url, .. } = self.keep_regression(place, of_slot(slot).0, why, wall);
        let invalidation = self.id();
        self.events.push(TrackerEvent::Withdrawn { invalidation, place, url });
    }

    /// What was said of its end is taken back.
    pub fn withdrawn(&mut self, why: &str, wall: Timestamp) {
        self.say(wall, &format!("withdrawn: {why}"));
        self.withdrawn = true;
        self.turns.touch_all();
        (self.changed, self.urgent) = (true, true);
    }
}
