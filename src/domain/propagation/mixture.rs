//! Several caches behind one address: how they show, what they ask for, and what may still be missed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{CellRef, Look, Propagation, slot};
use crate::domain::time::Moment;

/// Sightings in a row that a place with mixed verdicts needs: 95 % sure if a quarter of its nodes were stale.
pub const MIXED_K: u32 = 11;
/// Turns that raise it further: with more the chance to miss is below one in a million.
pub(super) const MOST_TURNS: u32 = 20;
/// The part of a place's nodes that is taken to be stale where a chance is told.
const STALE_SHARE: f64 = 0.25;
/// A purge drops the URLs of an asset one after another: for this long old copies beside new ones are no mixture.
const ONE_PURGE: Duration = Duration::from_secs(1);

/// Chance that the looks of a watch missed one stale node of four at one of its places.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "Told")]
pub struct MissChance {
    /// The node is stale for everything that is watched there.
    pub low: f64,
    /// The node is stale for one cell, the one that was looked at least.
    pub high: f64,
}

/// As a picture may tell it: earlier ones knew one figure.
#[derive(Deserialize)]
#[serde(untagged)]
enum Told {
    Between { low: f64, high: f64 },
    About(f64),
}

impl From<Told> for MissChance {
    fn from(told: Told) -> Self {
        match told {
            Told::Between { low, high } => Self { low, high },
            Told::About(chance) => Self { low: chance, high: chance },
        }
    }
}

impl Default for MissChance {
    /// Nothing was looked at: everything is missed.
    fn default() -> Self {
        Self { low: 1.0, high: 1.0 }
    }
}

impl std::fmt::Display for MissChance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (low, high) = (percent(self.low), percent(self.high));
        if low == high {
            write!(f, "{high} %")
        } else {
            write!(f, "{low} % if stale for all URLs, {high} % if for one")
        }
    }
}

impl MissChance {
    /// The same at length, where there is room to say what the two ends mean.
    #[must_use]
    pub fn at_length(self) -> String {
        let (low, high) = (percent(self.low), percent(self.high));
        format!(
            "{low} % if that node is stale for everything watched at its place, {high} % if for a single URL, the one \
             that was looked at least"
        )
    }
}

fn percent(chance: f64) -> String {
    match chance * 100.0 {
        tiny if tiny < 0.1 => "under 0.1".to_owned(),
        small if small < 10.0 => format!("{small:.1}"),
        percent => format!("{percent:.0}"),
    }
}

/// Chance that none of `looks` meets the stale node.
fn missed_by(looks: u32) -> f64 {
    (1.0 - STALE_SHARE).powi(i32::try_from(looks).unwrap_or(i32::MAX))
}

impl Propagation {
    /// Clear sightings in a row that a cell needs.
    #[must_use]
    pub fn k(&self, cell: CellRef) -> u32 {
        self.track(cell).k(self.rule(), self.places[cell.place].mixed)
    }

    #[must_use]
    pub fn is_mixed(&self, place: usize) -> bool {
        self.places[place].mixed
    }

    /// The place's answers name this cache.
    pub fn answers_as(&mut self, place: usize, cache: usize, now: Moment) {
        let beside = self.places.iter().position(|other| other.cache == Some(cache));
        if self.places[place].cache.replace(cache) != Some(cache)
            && beside.is_some_and(|beside| self.places[beside].mixed)
        {
            self.mix(place);
            self.settle(now);
        }
    }

    /// Whether an old copy seen in a look is one behind: this cell was seen with the new one, at this address or
    /// another of the same cache, or another cell of the asset has turned from old to new.
    pub(super) fn was_new_before(&self, cell: CellRef, look: Look) -> bool {
        let cache = self.places[cell.place].cache;
        let same =
            |at: usize| at == cell.place || (cache.is_some() && self.places[at].cache == cache);
        let asset = self.urls[cell.url].asset;
        self.places.iter().enumerate().filter(|(at, _)| same(*at)).any(|(at, place)| {
            let track = &place.cells[slot(cell.url, cell.variant)];
            let told_apart = at == cell.place && track.tells_apart(look);
            let turned = place.turned.get(&asset);
            (!track.blank && track.fresh() > 0 && !told_apart)
                || turned.is_some_and(|turned| look.sent.since(*turned) > ONE_PURGE)
        })
    }

    /// Old and new take turns at this cache: every address of it needs more sightings.
    pub(super) fn mix(&mut self, place: usize) {
        let cache = self.places[place].cache;
        for at in 0..self.places.len() {
            let same = at == place || (cache.is_some() && self.places[at].cache == cache);
            if same && !std::mem::replace(&mut self.places[at].mixed, true) {
                self.recount(at);
            }
        }
    }

    /// What the clear sightings since the last old copy can have missed. Where an old copy was seen, the first of
    /// them is what the run begins with, and proves nothing.
    #[must_use]
    pub fn miss_chance(&self) -> MissChance {
        let (mut fewest, mut most) = (None::<u32>, 0_u32);
        for place in self.counted() {
            let mut here = 0_u32;
            for (_, cell) in self.cells_at(place) {
                let begun = u32::from(cell.old_seen());
                let looks = cell.fresh().saturating_sub(begun);
                fewest = Some(fewest.map_or(looks, |fewest| fewest.min(looks)));
                here = here.saturating_add(looks);
            }
            most = most.max(here);
        }
        MissChance { low: missed_by(most), high: missed_by(fewest.unwrap_or(0)) }
    }
}
