//! When to look at what: limits, back-off and cadence (design §2.3). Pure: moments and chance are passed in.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use crate::domain::place::LimitKey;
use crate::domain::time::Moment;

/// How much may be asked of caches, by all watches of the process together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Shortest time between two requests to one address.
    per_address: Duration,
    /// Shortest time between any two requests.
    overall: Duration,
    in_flight_per_provider: usize,
    in_flight: usize,
}

impl Limits {
    /// 1 request/s per address, 8 in flight per provider, 32 overall; on loopback 500/s per address, 2,000/s and
    /// 64 in flight overall. One in flight per address, always.
    #[must_use]
    pub const fn new(loopback: bool) -> Self {
        if loopback {
            Self {
                per_address: Duration::from_millis(2),
                overall: Duration::from_micros(500),
                in_flight_per_provider: 64,
                in_flight: 64,
            }
        } else {
            Self {
                per_address: Duration::from_secs(1),
                overall: Duration::ZERO,
                in_flight_per_provider: 8,
                in_flight: 32,
            }
        }
    }
}

/// Longest pause that a `Retry-After` can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// First and longest pause after a 429 or 503 that names none.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_OWN_PAUSE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, Default)]
struct AddressState {
    busy: bool,
    free_at: Moment,
    /// Refusals for load in a row.
    refusals: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct ProviderState {
    in_flight: usize,
    free_at: Moment,
}

/// Lets requests through, one by one, within the limits.
#[derive(Debug)]
pub struct Gate {
    limits: Limits,
    addresses: HashMap<LimitKey, AddressState>,
    providers: HashMap<String, ProviderState>,
    in_flight: usize,
    free_at: Moment,
}

impl Gate {
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            addresses: HashMap::new(),
            providers: HashMap::new(),
            in_flight: 0,
            free_at: Moment::default(),
        }
    }

    /// What is kept.
    #[cfg(test)]
    pub fn retained(&self) -> usize {
        self.addresses.len() + self.providers.len()
    }

    /// When a request to `address` may leave; `None` while something in flight must end first.
    #[must_use]
    pub fn opens_at(&self, address: &LimitKey, provider: &str) -> Option<Moment> {
        let to = self.addresses.get(address).copied().unwrap_or_default();
        let by = self.providers.get(provider).copied().unwrap_or_default();
        let full = to.busy
            || by.in_flight >= self.limits.in_flight_per_provider
            || self.in_flight >= self.limits.in_flight;
        (!full).then(|| to.free_at.max(by.free_at).max(self.free_at))
    }

    /// A request leaves now.
    pub fn enter(&mut self, address: &LimitKey, provider: &str, now: Moment) {
        let to = self.addresses.entry(address.clone()).or_default();
        to.busy = true;
        to.free_at = now + self.limits.per_address;
        self.providers.entry(provider.to_owned()).or_default().in_flight += 1;
        self.in_flight += 1;
        // from the last slot, not from now: a late wake-up loses no rate, and no more than a tenth of a second of it
        let floor = now - Duration::from_millis(100);
        self.free_at = self.free_at.max(floor) + self.limits.overall;
    }

    /// A request has ended.
    pub fn leave(&mut self, address: &LimitKey, provider: &str) {
        if let Some(to) = self.addresses.get_mut(address) {
            to.busy = false;
        }
        if let Some(by) = self.providers.get_mut(provider) {
            by.in_flight = by.in_flight.saturating_sub(1);
        }
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// The address answered without complaint.
    pub fn welcome(&mut self, address: &LimitKey) {
        if let Some(to) = self.addresses.get_mut(address) {
            to.refusals = 0;
        }
    }

    /// The address asked to be left alone (429, 503): full jitter over a doubling time, or as long as it said. A
    /// `Retry-After` goes for its provider as well, but on loopback, where all edges share one.
    pub fn back_off(
        &mut self,
        address: &LimitKey,
        provider: &str,
        retry_after: Option<Duration>,
        now: Moment,
        chance: &mut fastrand::Rng,
    ) {
        let to = self.addresses.entry(address.clone()).or_default();
        to.refusals = to.refusals.saturating_add(1);
        let longest = FIRST_PAUSE
            .saturating_mul(1 << to.refusals.saturating_sub(1).min(10))
            .min(LONGEST_OWN_PAUSE);
        let own = FIRST_PAUSE / 2 + jitter(longest, chance);
        let until = now + retry_after.map_or(own, |asked| asked.min(LONGEST_PAUSE).max(own));
        to.free_at = to.free_at.max(until);
        if retry_after.is_some() && self.limits.overall.is_zero() {
            let by = self.providers.entry(provider.to_owned()).or_default();
            by.free_at = by.free_at.max(until);
        }
    }
}

/// Evenly between nothing and `over`.
#[must_use]
pub fn jitter(over: Duration, chance: &mut fastrand::Rng) -> Duration {
    over.mul_f64(chance.f64())
}

/// Evenly within a fifth around `about`.
fn around(about: Duration, chance: &mut fastrand::Rng) -> Duration {
    about.mul_f64(0.8 + 0.4 * chance.f64())
}

/// Which numbered things are due when; each at most once.
#[derive(Debug, Clone, Default)]
pub struct Agenda {
    heap: BinaryHeap<Reverse<(Moment, usize)>>,
    due: Vec<Option<Moment>>,
}

impl Agenda {
    /// Sets when `slot` is due, or that it is not.
    pub fn set(&mut self, slot: usize, due: Option<Moment>) {
        if self.due.len() <= slot {
            self.due.resize(slot + 1, None);
        }
        if std::mem::replace(&mut self.due[slot], due) == due {
            return;
        }
        if let Some(due) = due {
            self.heap.push(Reverse((due, slot)));
        }
    }

    /// What is kept.
    #[cfg(test)]
    pub fn retained(&self) -> usize {
        self.heap.len() + self.due.len()
    }

    #[must_use]
    pub fn due(&self, slot: usize) -> Option<Moment> {
        self.due.get(slot).copied().flatten()
    }

    /// The first thing due.
    pub fn first(&mut self) -> Option<(Moment, usize)> {
        while let Some(Reverse((due, slot))) = self.heap.peek().copied() {
            if self.due(slot) == Some(due) {
                return Some((due, slot));
            }
            self.heap.pop();
        }
        None
    }

    /// Takes the first thing, if it is due.
    pub fn take(&mut self, now: Moment) -> Option<usize> {
        let (due, slot) = self.first()?;
        (due <= now).then(|| {
            self.heap.pop();
            self.due[slot] = None;
            slot
        })
    }
}

/// Why a cell is looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// Nothing seen yet.
    Fresh,
    /// An old copy that tells when the purge arrives. With the time that the rhythm of purges leaves it.
    Outdated { step: Duration },
    /// Not clear for another reason.
    Unclear { looks: u32 },
    /// Not clear, or not seen yet, and another one tells.
    Waiting { crowd: Crowd },
    /// Not clear because the old copy came back from a shield: looking helps nobody.
    Repinned { looks: u32 },
    /// Clear sightings in a row, more are needed: how many, and over how long still.
    Running { left: u32, over: Duration },
    /// Clear, while others are not.
    Clear { crowd: Crowd },
    /// A body is needed to compare.
    Compare,
}

/// How many cells want a look now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crowd {
    /// Of the whole watch.
    pub all: usize,
    /// Of the place.
    pub here: usize,
}

/// Looks per second on loopback that may go to cells of which nothing new is expected.
const LOCAL_CROWD: u64 = 1_000;
/// Elsewhere each of them is looked at once in a minute, and a place no more than once in so long for them.
const FOR_THE_CROWD: Duration = Duration::from_secs(4);

/// How often to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    loopback: bool,
}

/// Seconds between looks at something that is not clear (facts, edges §7.6).
const STEPS: [u64; 7] = [1, 2, 3, 5, 8, 13, 15];

impl Pace {
    #[must_use]
    pub const fn new(loopback: bool) -> Self {
        Self { loopback }
    }

    /// Time until the next look; full jitter at the start, then about the usual step.
    #[must_use]
    pub fn next(self, case: Case, chance: &mut fastrand::Rng) -> Duration {
        let ms = Duration::from_millis;
        let secs = Duration::from_secs;
        match (case, self.loopback) {
            (Case::Fresh, true) => jitter(ms(200), chance),
            (Case::Fresh, false) => jitter(secs(1), chance),
            (Case::Outdated { .. } | Case::Unclear { .. }, true) => around(ms(750), chance),
            (Case::Outdated { step }, false) => around(step, chance),
            (Case::Unclear { looks }, false) => {
                let step = STEPS[(looks as usize).saturating_sub(1).min(STEPS.len() - 1)];
                around(secs(step), chance)
            }
            (Case::Waiting { crowd } | Case::Clear { crowd }, true) => {
                around(secs((crowd.all as u64 / LOCAL_CROWD).clamp(5, 60)), chance)
            }
            (Case::Waiting { crowd } | Case::Clear { crowd }, false) => {
                let here = u32::try_from(crowd.here).unwrap_or(u32::MAX);
                around(FOR_THE_CROWD.saturating_mul(here).max(secs(60)), chance)
            }
            // a shield of the local cloud is drained in seconds: the design's 15 s and 60 s, three times as dense
            (Case::Repinned { looks }, true) => {
                around(secs(if looks <= 1 { 5 } else { 20 }), chance)
            }
            (Case::Repinned { looks: 0..=1 }, false) => around(secs(15), chance),
            (Case::Repinned { .. }, false) => around(secs(60), chance),
            (Case::Running { left, over }, loopback) => {
                let floor = if loopback { ms(100) } else { secs(1) };
                // a little late rather than early: the span must be full with the last of them
                (over.mul_f64(1.02) / left.max(1)).max(floor) + jitter(floor / 2, chance)
            }
            (Case::Compare, true) => ms(20),
            (Case::Compare, false) => secs(1),
        }
    }

    /// A gone cell is not looked at more often than this, so that probes do not lengthen the life of a cached 404;
    /// denser on loopback, where the drill is to be watched.
    #[must_use]
    pub const fn gone_floor(self) -> Duration {
        if self.loopback { Duration::from_millis(500) } else { Duration::from_secs(3) }
    }

    /// Time until a place that gave no answer is tried again, after `failures` in a row.
    #[must_use]
    pub fn after_failure(
        self,
        failures: u32,
        left_out: bool,
        chance: &mut fastrand::Rng,
    ) -> Duration {
        let about = match (self.loopback, left_out) {
            (true, true) => Duration::from_secs(5),
            (true, false) => Duration::from_millis(500),
            (false, true) => Duration::from_secs(60),
            (false, false) => Duration::from_secs(1 << failures.clamp(1, 4)),
        };
        around(about, chance)
    }

    /// Above this many cells of a place that are not clear, one of them tells for all.
    #[must_use]
    pub const fn sentinel_above(self) -> usize {
        if self.loopback { 40 } else { 1 }
    }

    /// Share of `length` that looks at all `cells` of a place may be put off by and still fit in.
    #[must_use]
    pub fn leisure(self, cells: u32, length: Duration) -> f64 {
        let limits = Limits::new(self.loopback);
        let busy = limits.per_address.saturating_mul(cells).as_secs_f64();
        (1.0 - busy / length.as_secs_f64().max(1.0)).clamp(0.02, 1.0)
    }

    /// How long so many looks at one place take at the least.
    #[must_use]
    pub fn time_for(self, looks: usize) -> Duration {
        let looks = u32::try_from(looks).unwrap_or(u32::MAX);
        Limits::new(self.loopback).per_address.saturating_mul(looks)
    }

    /// How long one request may take.
    #[must_use]
    pub const fn timeout(self) -> Duration {
        if self.loopback { Duration::from_secs(5) } else { Duration::from_secs(15) }
    }

    /// How long the call waits after a baseline probe that timed out and may still be under way inside the CDN.
    #[must_use]
    pub const fn baseline_grace(self) -> Duration {
        if self.loopback { Duration::from_secs(1) } else { Duration::from_secs(30) }
    }

    /// Most baseline probes per place: the call must not wait for long.
    #[must_use]
    pub const fn baseline_per_place(self) -> usize {
        if self.loopback { 100 } else { 20 }
    }
}

/// When to look at a cell in quiet: `needed` looks spread over `length`, the last after `late` where one must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuietPlan {
    pub since: Moment,
    pub length: Duration,
    pub needed: u32,
    pub late: Option<Moment>,
    /// Share of the length that looks may be put off by: little where there are many to be made.
    pub leisure: f64,
}

impl QuietPlan {
    /// The look after `done` looks, the last of them at `last`; `None` when there have been enough.
    #[must_use]
    pub fn next(
        &self,
        done: u32,
        last: Option<Moment>,
        now: Moment,
        chance: &mut fastrand::Rng,
    ) -> Option<Moment> {
        if done < self.needed {
            let share = self.length.mul_f64(0.95) / self.needed.max(1);
            let slot = self.since
                + share * done
                + share.mul_f64(self.leisure * (0.2 + 0.7 * chance.f64()));
            let is_last = done + 1 == self.needed;
            return Some(self.not_too_early(slot, is_last, chance).max(now));
        }
        let late = self.late?;
        let seen_late = last.is_some_and(|last| last >= late);
        (!seen_late).then(|| self.not_too_early(now, true, chance))
    }

    fn not_too_early(&self, slot: Moment, is_last: bool, chance: &mut fastrand::Rng) -> Moment {
        match self.late {
            Some(late) if is_last => {
                slot.max(late + jitter((self.since + self.length).since(late) / 2, chance))
            }
            _ => slot,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FAR: &str = "fastly";

    fn at(millis: u64) -> Moment {
        Moment::from_origin(Duration::from_millis(millis))
    }

    fn address(port: u16) -> LimitKey {
        LimitKey::Address(([127, 0, 0, 1], port).into())
    }

    #[test]
    fn one_request_a_second_and_one_in_flight_per_address() {
        let mut gate = Gate::new(Limits::new(false));
        assert_eq!(gate.opens_at(&address(1), FAR), Some(at(0)));
        gate.enter(&address(1), FAR, at(0));
        assert_eq!(gate.opens_at(&address(1), FAR), None, "one is in flight");
        gate.leave(&address(1), FAR);
        assert_eq!(gate.opens_at(&address(1), FAR), Some(at(1000)));
        assert_eq!(gate.opens_at(&address(2), FAR), Some(at(0)), "others may go");
    }

    #[test]
    fn eight_in_flight_per_provider_and_thirty_two_overall() {
        let mut gate = Gate::new(Limits::new(false));
        for port in 0..8 {
            gate.enter(&address(port), FAR, at(0));
        }
        assert_eq!(gate.opens_at(&address(9), FAR), None);
        for port in 10..34 {
            let provider = format!("p{}", port % 6);
            assert!(gate.opens_at(&address(port), &provider).is_some());
            gate.enter(&address(port), &provider, at(0));
        }
        assert_eq!(gate.opens_at(&address(99), "new"), None);
    }

    #[test]
    fn loopback_takes_five_hundred_a_second_per_address() {
        let mut gate = Gate::new(Limits::new(true));
        let (mut now, mut sent) = (at(1000), 0);
        while now < at(2000) {
            now = now.max(gate.opens_at(&address(1), "local").unwrap());
            gate.enter(&address(1), "local", now);
            gate.leave(&address(1), "local");
            sent += 1;
        }
        assert!((495..=505).contains(&sent), "{sent}");
    }

    #[test]
    fn whoever_asks_for_a_pause_gets_it() {
        let mut chance = fastrand::Rng::with_seed(7);
        let mut gate = Gate::new(Limits::new(false));
        gate.back_off(&address(1), FAR, Some(Duration::from_secs(30)), at(0), &mut chance);
        assert_eq!(gate.opens_at(&address(1), FAR), Some(at(30_000)));
        assert_eq!(gate.opens_at(&address(2), FAR), Some(at(30_000)), "and its provider");
        assert_eq!(gate.opens_at(&address(3), "other"), Some(at(0)));
        for _ in 0..20 {
            gate.back_off(&address(4), "own", None, at(0), &mut chance);
        }
        let opens = gate.opens_at(&address(4), "own").unwrap();
        assert!(opens >= at(1000) && opens <= at(61_000), "{opens:?}");
    }

    #[test]
    fn an_agenda_gives_what_is_due_first_and_once() {
        let mut agenda = Agenda::default();
        agenda.set(0, Some(at(30)));
        agenda.set(2, Some(at(10)));
        agenda.set(1, Some(at(20)));
        agenda.set(0, Some(at(5)));
        agenda.set(1, None);
        assert_eq!(agenda.take(at(4)), None);
        assert_eq!(agenda.take(at(100)), Some(0));
        assert_eq!(agenda.take(at(100)), Some(2));
        assert_eq!(agenda.take(at(100)), None);
    }

    #[test]
    fn outdated_cells_of_the_local_cloud_are_looked_at_about_every_second() {
        let mut chance = fastrand::Rng::with_seed(1);
        for looks in 0..100 {
            let next = Pace::new(true).next(Case::Unclear { looks }, &mut chance);
            assert!((500..=1000).contains(&next.as_millis()), "{next:?}");
            let next = Pace::new(false).next(Case::Unclear { looks }, &mut chance);
            assert!(next <= Duration::from_secs(18), "{next:?}");
        }
    }

    proptest! {
        #[test]
        fn a_run_spans_its_time(seed in any::<u64>(), k in 2_u32..12, over in 0_u64..60) {
            let mut chance = fastrand::Rng::with_seed(seed);
            let over = Duration::from_secs(over);
            let mut spent = Duration::ZERO;
            for done in 1..k {
                let case = Case::Running { left: k - done, over: over.saturating_sub(spent) };
                spent += Pace::new(false).next(case, &mut chance);
            }
            prop_assert!(spent >= over);
            prop_assert!(spent <= over.mul_f64(1.1) + Duration::from_secs(2 * u64::from(k)));
        }

        #[test]
        fn quiet_looks_fall_into_quiet_and_the_last_is_late(seed in any::<u64>(), needed in 1_u32..20) {
            let mut chance = fastrand::Rng::with_seed(seed);
            let plan = QuietPlan {
                since: at(1000),
                length: Duration::from_secs(75),
                needed,
                late: Some(at(66_000)),
                leisure: 1.0,
            };
            let (mut now, mut done, mut last) = (at(1000), 0, None);
            while let Some(next) = plan.next(done, last, now, &mut chance) {
                prop_assert!(next >= now && next <= at(76_000), "{next:?}");
                (now, last, done) = (next, Some(next), done + 1);
                prop_assert!(done <= needed + 1);
            }
            prop_assert!(last.unwrap() >= at(66_000) && done >= needed);
        }
    }
}
