//! Looks at places that never answered, after the watch has ended clear.

use super::{Watch, Work, of_slot};
use crate::domain::propagation::Standing;
use crate::domain::sighting::{ProbeShape, Sighting};
use crate::domain::snapshot::Regression;
use crate::domain::text::clean;
use crate::domain::time::{Moment, Timestamp};
use crate::domain::verdict::Verdict;
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
        let judgement = (self.doctrine.judge)(sighting, &self.facts(place, slot, sighting));
        if judgement.verdict != Verdict::Outdated {
            return LateLook::Fine;
        }
        let (id, url) = (&self.spots[place].place.id, &self.urls[of_slot(slot).0].shown);
        let why = format!("{id} answers late with an old copy of {url}: {}", judgement.reason);
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
        let id = self.spots[place].place.id.clone();
        let url = self.urls[of_slot(slot).0].shown.clone();
        self.take(place, Work::Cell { slot }, sighting, now, wall, chance);
        self.reschedule_all(now, chance);
        let why = "the place answered only after the ending".to_owned();
        self.regressions.push(Regression { place: id.clone(), url: url.clone(), at: wall, why });
        let withdrawn = TrackerEvent::Withdrawn { invalidation: self.id(), place: id, url };
        self.events.push(withdrawn);
    }

    /// What was said of its end is taken back.
    pub fn withdrawn(&mut self, why: &str, wall: Timestamp) {
        self.say(wall, &format!("withdrawn: {why}"));
        self.withdrawn = true;
        (self.stirred, self.changed, self.urgent) = (true, true, true);
    }
}
