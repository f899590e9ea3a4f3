//! Faults at work: which are active now, whom they hit, and how often they have struck.
//!
//! Chance never counts requests of other places and never the order of calls: what decides about an invalidation is
//! its own number (see [`super::World`]), what decides about a request is how many the same place had before it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::fault::{ApiPart, Begin, Fault, FaultKind, Share, Site};
use super::network::Place;
use crate::domain::sighting::AcceptVariant;
use crate::local_cloud::chance::{Chance, hash_text};

/// Times of invalidations that are remembered for faults that follow each of them.
const MOST_TIMES: usize = 1024;

/// Who could be hit.
#[derive(Debug, Clone, Copy)]
pub enum Victim<'a> {
    /// A cache, by its place and the code of its `PoP`.
    Cache(Place, &'a str),
    Api(ApiPart),
}

impl Victim<'_> {
    const fn place(self) -> Place {
        match self {
            Self::Cache(place, _) => place,
            Self::Api(_) => Place::Api,
        }
    }
}

/// What an `ETag` looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EtagStyle {
    #[default]
    Strong,
    Weak,
    /// Another one at each node.
    OfNode,
    None,
}

/// What becomes of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BodyFate {
    #[default]
    Whole,
    /// Half of it, then a reset.
    Cut,
    /// Half of it, then the end of the connection.
    Truncated,
}

/// How long somebody waits in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hang {
    /// While the fault of this number lasts,
    fault: u64,
    /// and no longer than until then.
    until: Duration,
}

/// What a request suffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Conditions {
    /// The connection is reset.
    pub reset: bool,
    /// Not answered for a while.
    pub hang: Option<Hang>,
    /// A status in place of the answer, with seconds to wait.
    pub refused: Option<(u16, Option<u64>)>,
    pub delay: Duration,
    pub ageless: bool,
    pub etag: EtagStyle,
    /// Seconds that the clock is ahead.
    pub ahead: i64,
    pub body: BodyFate,
    /// The call is carried out although its answer is spoilt.
    pub carried_out: bool,
}

/// What becomes of an invalidation that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    CarriedOut,
    /// Kept waiting until then, or without end.
    Held(Option<Duration>),
    Lost,
    /// Copies become stale; their successor is there so long after somebody asked.
    Soft(Duration),
    /// Copies of that class stay.
    Misses(AcceptVariant),
}

/// A time in which a fault is active.
#[derive(Debug, Clone, Copy)]
struct Window {
    end: Option<Duration>,
}

#[derive(Debug, Clone)]
struct Armed {
    uid: u64,
    fault: Fault,
}

#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    asked: u64,
    struck: u32,
}

/// A fault and how it stands.
#[derive(Debug, Clone)]
pub struct FaultState {
    pub fault: Fault,
    pub active: bool,
    /// When the present window ends.
    pub until: Option<Duration>,
    /// How often it has struck, where that is counted: a fault with a share or a count.
    pub struck: u64,
}

/// All faults of a world.
#[derive(Debug)]
pub struct Faults {
    chance: Chance,
    armed: Vec<Armed>,
    armed_ever: u64,
    first_invalidation: Option<Duration>,
    invalidated: VecDeque<Duration>,
    tallies: BTreeMap<(u64, Place), Tally>,
}

impl Faults {
    #[must_use]
    pub fn of(chance: Chance, faults: Vec<Fault>) -> Self {
        let mut all = Self {
            chance,
            armed: Vec::new(),
            armed_ever: 0,
            first_invalidation: None,
            invalidated: VecDeque::new(),
            tallies: BTreeMap::new(),
        };
        for fault in faults {
            all.add(fault);
        }
        all
    }

    /// Adds a fault and returns its ID, made up where it has none; `None` where the ID is taken.
    pub fn add(&mut self, mut fault: Fault) -> Option<String> {
        self.armed_ever += 1;
        if fault.id.is_empty() {
            let mut number = self.armed_ever;
            while self.position(&format!("fault-{number}")).is_some() {
                number += 1;
            }
            fault.id = format!("fault-{number}");
        } else if self.position(&fault.id).is_some() {
            return None;
        }
        let id = fault.id.clone();
        self.armed.push(Armed { uid: self.armed_ever, fault });
        Some(id)
    }

    /// Removes one; false where there is none.
    pub fn remove(&mut self, id: &str) -> bool {
        self.position(id).map(|at| self.armed.remove(at)).is_some()
    }

    /// Switches one on, from now and as if it had never struck, or off; false where there is none.
    pub fn switch(&mut self, id: &str, on: bool, now: Duration) -> bool {
        let Some(at) = self.position(id) else { return false };
        let armed = &mut self.armed[at];
        if on && !armed.fault.on {
            armed.fault.begin = Begin::Start(now);
            self.tallies.retain(|(uid, _), _| *uid != armed.uid);
        }
        armed.fault.on = on;
        true
    }

    pub fn clear(&mut self) {
        self.armed.clear();
        self.tallies.clear();
    }

    fn position(&self, id: &str) -> Option<usize> {
        self.armed.iter().position(|armed| armed.fault.id == id)
    }

    /// All faults with how they stand, in the order they were added.
    #[must_use]
    pub fn states(&self, now: Duration) -> Vec<FaultState> {
        let state = |armed: &Armed| {
            let window = self.window(&armed.fault, now);
            let tallies = self.tallies.range((armed.uid, Place::FIRST)..=(armed.uid, Place::LAST));
            FaultState {
                fault: armed.fault.clone(),
                active: window.is_some(),
                until: window.and_then(|window| window.end),
                struck: tallies.map(|(_, tally)| u64::from(tally.struck)).sum(),
            }
        };
        self.armed.iter().map(state).collect()
    }

    /// Starts the clock of faults that wait for an invalidation.
    pub fn invalidated(&mut self, now: Duration) {
        self.first_invalidation.get_or_insert(now);
        if self.invalidated.back() != Some(&now) {
            self.invalidated.push_back(now);
        }
        if self.invalidated.len() > MOST_TIMES {
            self.invalidated.pop_front();
        }
    }

    #[must_use]
    pub const fn first_invalidation(&self) -> Option<Duration> {
        self.first_invalidation
    }

    /// The window that `fault` is active in now.
    fn window(&self, fault: &Fault, now: Duration) -> Option<Window> {
        if !fault.on {
            return None;
        }
        let begin = match fault.begin {
            Begin::Start(after) => after,
            Begin::FirstInvalidation(after) => self.first_invalidation?.saturating_add(after),
            Begin::EachInvalidation(after) => {
                let begins = self.invalidated.iter().map(|at| at.saturating_add(after));
                match fault.lasts {
                    Some(_) => begins.rev().find(|begin| *begin <= now)?,
                    None => self.first_invalidation?.saturating_add(after),
                }
            }
        };
        let end = fault.lasts.map(|lasts| begin.saturating_add(lasts));
        (begin <= now && end.is_none_or(|end| now < end)).then_some(Window { end })
    }

    fn hits(fault: &Fault, victim: Victim<'_>) -> bool {
        match (&fault.site, victim) {
            (Site::Edge(codes), Victim::Cache(Place::Edge { node, .. }, code)) => {
                codes.name(code) && fault.node.is_none_or(|own| own == node)
            }
            (Site::Shield(codes), Victim::Cache(Place::Shield(_), code)) => codes.name(code),
            (Site::Api(part), Victim::Api(asked)) => part.covers(asked),
            _ => false,
        }
    }

    /// Position and end of every active fault that may hit `victim`.
    fn active(&self, victim: Victim<'_>, now: Duration) -> Vec<(usize, Option<Duration>)> {
        let hit = self.armed.iter().enumerate().filter(|(_, one)| Self::hits(&one.fault, victim));
        hit.filter_map(|(at, one)| self.window(&one.fault, now).map(|window| (at, window.end)))
            .collect()
    }

    /// Whether the fault strikes this time. `token` singles out what it could strike; without it, how many cases the
    /// place had before.
    fn strikes(&mut self, at: usize, place: Place, token: Option<u64>) -> bool {
        let Armed { uid, fault } = &self.armed[at];
        if fault.share == Share::ALL && fault.count.is_none() {
            return true;
        }
        let tally = self.tallies.entry((*uid, place)).or_default();
        let ordinal = token.unwrap_or(tally.asked);
        tally.asked += 1;
        if fault.count.is_some_and(|count| tally.struck >= count) {
            return false;
        }
        let numbers = [hash_text(&fault.id), place.number(), ordinal];
        if self.chance.share("strike", &numbers) >= fault.share.part() {
            return false;
        }
        tally.struck += 1;
        true
    }

    /// What a request suffers.
    pub fn request(&mut self, victim: Victim<'_>, now: Duration) -> Conditions {
        let mut suffered = Conditions::default();
        if self.armed.is_empty() {
            return suffered;
        }
        for (at, _) in self.active(victim, now) {
            if !is_of_requests(self.armed[at].fault.kind) || !self.strikes(at, victim.place(), None)
            {
                continue;
            }
            let Armed { uid, fault } = &self.armed[at];
            suffered.carried_out |= fault.carried_out;
            match fault.kind {
                FaultKind::Dead => suffered.reset = true,
                FaultKind::Slow => suffered.delay += fault.delay,
                FaultKind::Hang => {
                    let until = now.saturating_add(fault.delay);
                    suffered.hang = Some(Hang { fault: *uid, until });
                }
                FaultKind::Cut => suffered.body = BodyFate::Cut,
                FaultKind::Truncated => suffered.body = BodyFate::Truncated,
                FaultKind::Unavailable | FaultKind::Throttled => {
                    suffered.refused = Some((fault.status, fault.retry_after));
                }
                FaultKind::Ageless => suffered.ageless = true,
                FaultKind::Etagless => suffered.etag = EtagStyle::None,
                FaultKind::WeakEtag => suffered.etag = EtagStyle::Weak,
                FaultKind::NodeEtag => suffered.etag = EtagStyle::OfNode,
                FaultKind::Skew => suffered.ahead = fault.ahead,
                _ => {}
            }
        }
        suffered
    }

    /// Whether everybody is turned away at `victim`, always; asks without counting.
    #[must_use]
    pub fn is_shut(&self, victim: Victim<'_>, kinds: &[FaultKind], now: Duration) -> bool {
        !self.armed.is_empty()
            && self.active(victim, now).into_iter().any(|(at, _)| {
                let fault = &self.armed[at].fault;
                let always = fault.share == Share::ALL && fault.count.is_none();
                kinds.contains(&fault.kind) && always && fault.node.is_none()
            })
    }

    /// Whether it is not over yet.
    #[must_use]
    pub fn goes_on(&self, hang: Hang, now: Duration) -> bool {
        let armed = self.armed.iter().find(|armed| armed.uid == hang.fault);
        now < hang.until && armed.is_some_and(|armed| self.window(&armed.fault, now).is_some())
    }

    /// How much later than usual the invalidation `token` will arrive.
    pub fn lateness(&mut self, victim: Victim<'_>, token: u64, now: Duration) -> Duration {
        let mut late = Duration::ZERO;
        for (at, _) in self.active(victim, now) {
            let kind = self.armed[at].fault.kind;
            // the share of a slow fault is one of answers
            if kind == FaultKind::Slow
                || kind == FaultKind::Late && self.strikes(at, victim.place(), Some(token))
            {
                late += self.armed[at].fault.late;
            }
        }
        late
    }

    /// What becomes of the invalidation `token` that arrives now: waiting goes before losing, losing before the rest.
    pub fn arrival(&mut self, victim: Victim<'_>, token: u64, now: Duration) -> Fate {
        use FaultKind::{Lost, Soft, Stuck, Variant};
        let active = self.active(victim, now);
        for kind in [Stuck, Lost, Soft, Variant] {
            for (at, end) in &active {
                if self.armed[*at].fault.kind != kind
                    || !self.strikes(*at, victim.place(), Some(token))
                {
                    continue;
                }
                let fault = &self.armed[*at].fault;
                return match kind {
                    Stuck => Fate::Held(*end),
                    Lost => Fate::Lost,
                    Soft => Fate::Soft(fault.after),
                    _ => Fate::Misses(fault.variant),
                };
            }
        }
        Fate::CarriedOut
    }

    /// How long after now `victim` falls back to what the invalidation `token` has just dropped.
    pub fn regress(&mut self, victim: Victim<'_>, token: u64, now: Duration) -> Option<Duration> {
        let active = self.active(victim, now);
        let of_kind = active.iter().filter(|(at, _)| {
            let kind = self.armed[*at].fault.kind;
            kind == FaultKind::Regress
        });
        let candidates: Vec<usize> = of_kind.map(|(at, _)| *at).collect();
        let struck =
            candidates.into_iter().find(|at| self.strikes(*at, victim.place(), Some(token)))?;
        Some(self.armed[struck].fault.after)
    }

    /// How long the Admin API goes on telling what was before a change that is made now.
    #[must_use]
    pub fn lag(&self, now: Duration) -> Option<Duration> {
        if self.armed.is_empty() {
            return None;
        }
        let active = self.active(Victim::Api(ApiPart::Admin), now);
        let lags = active.into_iter().map(|(at, _)| &self.armed[at].fault);
        lags.filter(|fault| fault.kind == FaultKind::Lag).map(|fault| fault.late).max()
    }
}

const fn is_of_requests(kind: FaultKind) -> bool {
    use FaultKind::{Lag, Late, Lost, Quota, Regress, Soft, Stuck, Variant};
    !matches!(kind, Stuck | Lost | Late | Soft | Variant | Regress | Lag | Quota)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    const fn at(edge: usize, code: &str) -> Victim<'_> {
        Victim::Cache(Place::Edge { edge, node: 0 }, code)
    }

    fn faults(all: Vec<Fault>) -> Faults {
        Faults::of(Chance::new(1), all)
    }

    #[test]
    fn windows_count_from_the_start_from_the_first_or_from_each_invalidation() {
        let one = |begin| Fault {
            begin,
            lasts: Some(secs(20)),
            ..Fault::at_edge("sin", FaultKind::Dead)
        };
        let dead = |faults: &mut Faults, n| faults.request(at(1, "SIN"), secs(n)).reset;

        let mut from_start = faults(vec![one(Begin::Start(secs(5)))]);
        assert_eq!([4, 5, 24, 25].map(|n| dead(&mut from_start, n)), [false, true, true, false]);
        assert!(!from_start.request(at(0, "FRA"), secs(6)).reset);

        let mut from_first = faults(vec![one(Begin::FirstInvalidation(secs(5)))]);
        assert!(!dead(&mut from_first, 1000));
        from_first.invalidated(secs(100));
        from_first.invalidated(secs(200));
        let seen = [104, 105, 124, 125, 205].map(|n| dead(&mut from_first, n));
        assert_eq!(seen, [false, true, true, false, false]);

        let mut from_each = faults(vec![one(Begin::EachInvalidation(secs(5)))]);
        from_each.invalidated(secs(100));
        from_each.invalidated(secs(200));
        let seen = [104, 105, 125, 204, 205, 225].map(|n| dead(&mut from_each, n));
        assert_eq!(seen, [false, true, false, false, true, false]);
    }

    #[test]
    fn a_count_is_kept_for_each_place_apart() {
        let mut faults = faults(vec![Fault::at_edge("*", FaultKind::Regress)]);
        assert_eq!(faults.regress(at(0, "FRA"), 1, secs(1)), Some(Fault::AFTER));
        assert_eq!(faults.regress(at(0, "FRA"), 2, secs(2)), None);
        assert_eq!(faults.regress(at(1, "SIN"), 2, secs(2)), Some(Fault::AFTER));
        assert_eq!(faults.states(secs(2))[0].struck, 2);
    }

    #[test]
    fn a_share_strikes_about_as_often_as_it_says_and_always_the_same_ones() {
        let half = || {
            let share = Share::of(0.5).unwrap();
            faults(vec![Fault { share, ..Fault::at_edge("*", FaultKind::Lost) }])
        };
        let lost = |faults: &mut Faults, token| faults.arrival(at(0, "FRA"), token, secs(1));
        let (mut one, mut two) = (half(), half());
        let forward: Vec<_> = (0..1000).map(|token| lost(&mut one, token)).collect();
        let mut backward: Vec<_> = (0..1000).rev().map(|token| lost(&mut two, token)).collect();
        backward.reverse();
        assert_eq!(forward, backward, "whatever the order of the calls");
        let count = forward.iter().filter(|fate| **fate == Fate::Lost).count();
        assert!((400..600).contains(&count), "{count}");
    }

    #[test]
    fn faults_are_switched_by_their_id() {
        let off = Fault { on: false, id: "x".into(), ..Fault::at_edge("FRA", FaultKind::Dead) };
        let lasting = Fault { lasts: Some(secs(10)), ..off };
        let mut faults = faults(vec![lasting.clone()]);
        assert!(!faults.request(at(0, "FRA"), secs(1)).reset);
        assert!(faults.switch("x", true, secs(100)) && !faults.switch("y", true, secs(100)));
        assert!(faults.request(at(0, "FRA"), secs(109)).reset);
        assert!(!faults.request(at(0, "FRA"), secs(110)).reset);
        assert_eq!(faults.add(lasting), None, "the ID is taken");
        let another = Fault::at_edge("FRA", FaultKind::Ageless);
        assert_eq!(faults.add(another).as_deref(), Some("fault-3"));
        assert!(faults.remove("x") && !faults.remove("x"));
        assert_eq!(faults.states(secs(1)).len(), 1);
    }
}
