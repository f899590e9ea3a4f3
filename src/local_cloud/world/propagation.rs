//! Invalidations on their way: when they reach each cache, and what becomes of them there.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use super::cache::{Copy, Fetched, Gone, Stale};
use super::network::Place;
use super::purge::{Arrival, Invalidation, Target};
use super::story::{What, Why};
use super::trouble::Fate;
use super::{Appointment, Event, MOST_INVALIDATIONS, World};
use crate::domain::asset::AssetKey;
use crate::local_cloud::chance::hash_text;

/// Invalidations, the newest, that a refill is held against.
const MOST_HELD_AGAINST: usize = 256;
/// Nodes of an edge hear of an invalidation one after the other, within this part of the edge's delay.
const NODE_SPREAD: f64 = 0.1;

impl World {
    /// Sends an invalidation of one asset on its way, by the rules of the account.
    pub(super) fn invalidate(&mut self, asset: &AssetKey, versions: &[u64], verb: &'static str) {
        self.send(Target::of_asset(self.settings.mode, asset.clone(), versions), verb);
    }

    pub(super) fn send(&mut self, target: Target, verb: &'static str) {
        self.faults.invalidated(self.now);
        self.sent += 1;
        let (number, token) = (self.sent, self.tokens.next(&target));
        let caches = self.network.places().len();
        let due = (0..caches).map(|cache| self.now + self.delay(token, cache));
        let due: Vec<Duration> = due.collect();
        let mut arrivals = Vec::with_capacity(caches);
        for (cache, due) in due.into_iter().enumerate() {
            let due = due + self.faults.lateness(self.victim(cache), token, self.now);
            arrivals.push(Arrival { due, ..Arrival::default() });
            self.appoint(due, Event::Arrives { invalidation: number, cache });
        }
        self.story.tell(self.now, Place::Api, What::Sent { invalidation: number });
        self.invalidations.push_back(Invalidation {
            number,
            token,
            at: self.now,
            verb,
            target,
            arrivals,
        });
        if self.invalidations.len() > MOST_INVALIDATIONS {
            self.forget_an_invalidation();
        }
    }

    /// How long the invalidation `token` usually takes to a cache.
    fn delay(&self, token: u64, cache: usize) -> Duration {
        let code = hash_text(self.network.code(cache));
        match self.network.places()[cache] {
            Place::Edge { edge, node } => {
                let delays = self.network.edges()[edge].delays;
                let delay = delays.draw(self.chance, "arrival", &[token, code]);
                let numbers = [token, code, node as u64];
                let later = self.chance.share("node's arrival", &numbers) * NODE_SPREAD;
                if node == 0 { delay } else { delay + delay.mul_f64(later) }
            }
            Place::Shield(shield) => {
                let delays = self.network.shields()[shield].delays;
                delays.draw(self.chance, "shield's arrival", &[token, code])
            }
            Place::Api => Duration::ZERO,
        }
    }

    /// Forgets the oldest invalidation that is through everywhere, or just the oldest where too many are not.
    fn forget_an_invalidation(&mut self) {
        let through = |one: &Invalidation| one.arrivals.iter().all(Arrival::is_through);
        let at = self.invalidations.iter().take(MOST_INVALIDATIONS).position(through);
        if at.is_some() || self.invalidations.len() > 10 * MOST_INVALIDATIONS {
            self.invalidations.remove(at.unwrap_or(0));
        }
    }

    pub(super) fn appoint(&mut self, at: Duration, event: Event) {
        self.appointments += 1;
        self.agenda.push(Reverse(Appointment { at, number: self.appointments, event }));
    }

    pub(super) fn happen(&mut self, event: Event) {
        match event {
            Event::Arrives { invalidation, cache } => self.arrive(invalidation, cache),
            Event::Returns { invalidation, cache, copies } => {
                self.returned(invalidation, cache, copies);
            }
            Event::Revalidated { cache, path, accept } => self.revalidated(cache, &path, accept),
        }
    }

    /// Lets invalidations arrive that were kept waiting; where a fault still says so, they wait again.
    pub(super) fn release(&mut self) {
        for (invalidation, cache) in std::mem::take(&mut self.held) {
            self.appoint(self.now, Event::Arrives { invalidation, cache });
        }
        self.advance(self.now);
    }

    fn arrive(&mut self, number: u64, cache: usize) {
        let at = self.invalidations.binary_search_by_key(&number, |one| one.number);
        let Some(one) = at.ok().map(|at| &self.invalidations[at]) else { return };
        if one.arrivals[cache].arrived_at.is_some() {
            return;
        }
        let (token, target) = (one.token, one.target.clone());
        let (place, victim) = (self.network.places()[cache], self.victim(cache));
        let fate = self.faults.arrival(victim, token, self.now);
        if !matches!(fate, Fate::Held(_)) {
            self.held.remove(&(number, cache));
            self.note_arrival(number, cache, |arrival, now| arrival.arrived_at = Some(now));
        }
        match fate {
            Fate::Held(until) => {
                self.story.tell(self.now, place, What::Held { invalidation: number });
                self.hold(number, cache, until);
            }
            Fate::Lost => {
                self.note_arrival(number, cache, |arrival, _| arrival.lost = true);
                self.story.tell(self.now, place, What::Lost { invalidation: number });
            }
            Fate::Soft(after) => {
                let stale = Stale { invalidation: number, after, revalidating: false };
                let copies = self.network.cache_mut(cache).soften(&target, stale);
                self.note_arrival(number, cache, |arrival, now| {
                    arrival.stale = copies;
                    arrival.cleared_at = (copies == 0).then_some(now);
                });
                let softened = What::Softened { invalidation: number, copies };
                self.story.tell(self.now, place, softened);
            }
            Fate::CarriedOut | Fate::Misses(_) => {
                let but = if let Fate::Misses(variant) = fate { Some(variant) } else { None };
                let (gone, survived) = self.network.cache_mut(cache).drop_copies(&target, but);
                let dropped = gone.len();
                self.note_arrival(number, cache, |arrival, now| {
                    (arrival.dropped, arrival.survived) = (dropped, survived);
                    arrival.cleared_at = (survived == 0).then_some(now);
                });
                let arrived = What::Arrived { invalidation: number, dropped, survived };
                self.story.tell(self.now, place, arrived);
                self.left(cache, gone.clone(), Why::Purged(number));
                self.regress(number, token, cache, gone);
            }
        }
    }

    /// Keeps an invalidation waiting: it is tried again when the fault is over, or sooner when a fault is taken away.
    fn hold(&mut self, invalidation: u64, cache: usize, until: Option<Duration>) {
        self.held.insert((invalidation, cache));
        if let Some(end) = until {
            self.appoint(end, Event::Arrives { invalidation, cache });
        }
    }

    /// Where a fault says so, what was just dropped will be back.
    fn regress(&mut self, number: u64, token: u64, cache: usize, mut gone: Gone) {
        gone.retain(|(_, copy)| copy.answer.status < 400);
        if gone.is_empty() {
            return;
        }
        if let Some(after) = self.faults.regress(self.victim(cache), token, self.now) {
            let back = Event::Returns { invalidation: number, cache, copies: gone };
            self.appoint(self.now + after, back);
        }
    }

    fn returned(&mut self, number: u64, cache: usize, copies: Gone) {
        let place = self.network.places()[cache];
        self.note_arrival(number, cache, |arrival, now| arrival.regressed_at = Some(now));
        for (path, copy) in copies {
            let back = Copy { put_back: true, hits: 0, stale: None, ..copy };
            let gone = self.network.cache_mut(cache).put(&path, back);
            self.left(cache, gone, Why::Replaced);
            self.story.tell(self.now, place, What::Returned { path });
        }
    }

    /// A cache has fetched from a shield what storage no longer has: whatever had cleared it of that did so in vain.
    pub(super) fn refilled(
        &mut self,
        cache: usize,
        path: &Arc<str>,
        fetched: &Fetched,
        shield: usize,
    ) {
        let (place, now) = (self.network.places()[cache], self.now);
        for one in self.invalidations.iter_mut().rev().take(MOST_HELD_AGAINST) {
            let arrival = &mut one.arrivals[cache];
            if arrival.cleared_at.is_some() && one.target.names(path, &fetched.answer.address) {
                arrival.regressed_at = Some(now);
            }
        }
        self.story.tell(now, place, What::Refilled { path: path.clone(), shield });
    }

    pub(super) fn note_arrival(
        &mut self,
        number: u64,
        cache: usize,
        note: impl Fn(&mut Arrival, Duration),
    ) {
        let now = self.now;
        let at = self.invalidations.binary_search_by_key(&number, |one| one.number);
        if let Some(one) = at.ok().and_then(|at| self.invalidations.get_mut(at)) {
            note(&mut one.arrivals[cache], now);
        }
    }
}
