//! Places of a watch: found, found again, lost, left out by the operator.

use std::collections::HashSet;

use super::super::schedule::Agenda;
use super::{CellView, Spot, VARIANTS, Watch};
use crate::domain::judge::AgeTrust;
use crate::domain::place::{Place, PlaceId, Vantage};
use crate::domain::propagation::Standing;
use crate::domain::snapshot::PlaceRow;
use crate::domain::time::{Moment, Timestamp};

impl Watch {
    /// Takes in the places of one host: new ones join, those known from the journal get their address back.
    pub fn take_places(
        &mut self,
        host: &str,
        found: &[Place],
        now: Moment,
        chance: &mut fastrand::Rng,
    ) {
        self.places_known = true;
        self.places_trouble = None;
        let mut joined = Vec::new();
        for place in found {
            let known = self.spots.iter().position(|spot| {
                spot.place.id == place.id
                    || (!spot.lost
                        && place.address.is_some()
                        && (&spot.place.vantage, spot.place.address)
                            == (&place.vantage, place.address))
            });
            if let Some(index) = known {
                if self.find_again(index, place, host, now) {
                    joined.push(index);
                }
            } else {
                joined.push(self.spots.len());
                let excluded = self.terms().excluded.contains(&place.id.0);
                self.add_spot(Spot::new(place.clone(), host), false, excluded, now);
            }
        }
        self.blank_unserved(now);
        for place in joined {
            self.reschedule(place, now, chance);
        }
        self.turns.touch_all();
        self.changed = true;
    }

    /// True where it delivers more than it was known to.
    fn find_again(&mut self, index: usize, place: &Place, host: &str, now: Moment) -> bool {
        let spot = &mut self.spots[index];
        if spot.lost {
            spot.place = place.clone();
            (spot.lost, spot.hold_until) = (false, now);
        }
        spot.hosts.insert(host.to_owned())
    }

    fn add_spot(&mut self, mut spot: Spot, answered: bool, excluded: bool, now: Moment) {
        spot.cells.resize_with(self.urls.len() * VARIANTS, CellView::default);
        self.grid.add_place(answered, excluded, now);
        self.spots.push(spot);
    }

    /// A place that the journal has seen answering: it blocks, even while nobody lists it.
    pub(super) fn add_lost_spot(&mut self, row: &PlaceRow, now: Moment) {
        let place = Place {
            id: row.id.clone(),
            pop: row.pop.clone(),
            city: row.city.clone(),
            provider: String::new(),
            vantage: Vantage::Here,
            address: None,
            tls: false,
            host: String::new(),
        };
        let excluded = self.terms().excluded.contains(&row.id.0);
        let spot = Spot {
            lost: true,
            saw_old: row.saw_old,
            cleared_after: row.cleared_after,
            let_go_after: row.let_go_after,
            hosts: HashSet::new(),
            ..Spot::new(place, "")
        };
        self.add_spot(spot, true, excluded, now);
    }

    /// Cells of URLs that a place does not deliver do not exist.
    fn blank_unserved(&mut self, now: Moment) {
        for (place, spot) in self.spots.iter().enumerate() {
            for (url, watched) in self.urls.iter().enumerate() {
                let served = spot.serves(watched);
                if served == self.grid.is_blank(place, url) {
                    self.grid.serve(place, url, served, now);
                }
            }
        }
    }

    pub fn no_places(&mut self, why: String, now: Moment) {
        let since = self.places_trouble.take().map_or(now, |(_, since)| since);
        self.places_trouble = Some((why, since));
        self.changed = true;
    }

    /// Leaves a place out; false when there is no such place.
    pub fn exclude(&mut self, id: &PlaceId, now: Moment, wall: Timestamp) -> bool {
        let Some(place) = self.place(id) else { return false };
        if self.grid.standing(place) == Standing::Excluded {
            return true;
        }
        self.grid.exclude(place, now);
        self.invalidation.terms.excluded.push(id.0.clone());
        self.terms_changed = true;
        self.say(wall, &format!("{id} left out by the operator"));
        self.turns.touch_all();
        self.urgent = true;
        true
    }

    /// IDs of the places that stand like this.
    #[must_use]
    pub fn named(&self, standing: Standing) -> Vec<String> {
        (0..self.spots.len())
            .filter(|place| self.grid.standing(*place) == standing)
            .map(|place| self.spots[place].place.id.0.clone())
            .collect()
    }
}

impl Spot {
    pub(super) fn new(place: Place, host: &str) -> Self {
        Self {
            pop: None,
            hosts: HashSet::from([host.to_owned()]),
            lost: false,
            agenda: Agenda::default(),
            cells: Vec::new(),
            age: AgeTrust::default(),
            bodies: std::collections::HashMap::new(),
            hold_until: Moment::default(),
            busy: false,
            sentinel: None,
            sentinel_since: Moment::default(),
            repinned: 0,
            saw_old: false,
            last_rtt: None,
            cleared_after: None,
            let_go_after: None,
            place,
        }
    }
}
