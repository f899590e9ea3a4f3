//! What to ask which place next, and when.

use super::super::names::Need;
use super::super::schedule::{Case, Crowd, QuietPlan, jitter};
use super::super::truth::{probe_at, reference_probe};
use super::{Baseline, Watch, of_slot, slot_of};
use crate::domain::coverage::Coverage;
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::propagation::{Propagation, Standing};
use crate::domain::sighting::{AcceptVariant, ProbeShape};
use crate::domain::time::Moment;
use crate::domain::verdict::{Stored, Verdict};
use crate::ports::prober::Probe;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// A cell is judged by it.
    Cell { slot: usize },
    /// A look at the old copy before the call leaves.
    Baseline { slot: usize },
    /// A read past the caches.
    Reference { index: usize, generation: u32 },
}

/// One request at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    pub place: usize,
    pub work: Work,
    pub probe: Probe,
}

/// A sentinel that did not answer for this long passes its role on.
const SENTINEL_PATIENCE: Duration = Duration::from_secs(30);

impl Watch {
    /// When there is something to ask a place; `None` while it is busy or nothing is to be asked.
    pub fn due_at(&mut self, place: usize) -> Option<Moment> {
        let due = self.first_due(place)?;
        Some(due.max(self.spots[place].hold_until))
    }

    fn first_due(&mut self, place: usize) -> Option<Moment> {
        if self.has_spent_its_budget() {
            return None;
        }
        let spot = &mut self.spots[place];
        if spot.busy || spot.lost || self.grid.standing(place) == Standing::Excluded {
            return None;
        }
        let baseline = self
            .baseline
            .as_ref()
            .is_some_and(|baseline| baseline.left.get(&place).is_some_and(|left| !left.is_empty()));
        if baseline {
            return Some(Moment::default());
        }
        let rests = self.rests;
        let cell = spot.agenda.first().map(|(due, _)| due).filter(|_| !rests);
        let reference = self.first_reference(place).map(|(due, _)| due);
        cell.into_iter().chain(reference).min()
    }

    /// The first reference read that this place can make, with its host; places that fail leave them to others.
    fn first_reference(&mut self, place: usize) -> Option<(Moment, &str)> {
        let fails = |place: usize| self.grid.failures(place) > 0;
        let others_do =
            || (0..self.spots.len()).any(|other| !fails(other) && !self.spots[other].lost);
        let spot = &self.spots[place];
        let due = |(host, agenda)| {
            let (host, agenda): (&'_ String, &mut super::Agenda) = (host, agenda);
            let (due, _) = agenda.first()?;
            spot.hosts.contains(host).then_some((due, host.as_str()))
        };
        let first = self.reference_agendas.iter_mut().filter_map(due).min()?;
        (!fails(place) || !others_do()).then_some(first)
    }

    /// The next request to a place, if one is due; the caller has made sure that it may leave.
    pub fn next_errand(&mut self, place: usize, now: Moment, random: u64) -> Option<Errand> {
        if self.due_at(place)? > now {
            return None;
        }
        let (work, probe) = self
            .baseline_errand(place)
            .or_else(|| self.reference_errand(place, now, random))
            .or_else(|| self.cell_errand(place, now))?;
        self.spots[place].busy = true;
        self.in_flight += 1;
        self.spent += 1;
        Some(Errand { place, work, probe })
    }

    fn baseline_errand(&mut self, place: usize) -> Option<(Work, Probe)> {
        let baseline = self.baseline.as_mut()?;
        let slot = baseline.left.get_mut(&place)?.pop()?;
        baseline.in_flight += 1;
        Some((Work::Baseline { slot }, self.probe(place, slot, ProbeShape::OneByte)))
    }

    fn reference_errand(
        &mut self,
        place: usize,
        now: Moment,
        random: u64,
    ) -> Option<(Work, Probe)> {
        let (due, host) = self.first_reference(place)?;
        if due > now {
            return None;
        }
        let host = host.to_owned();
        let index = self.reference_agendas.get_mut(&host)?.take(now)?;
        let reference = &mut self.references[index];
        (reference.busy, reference.wanted) = (true, false);
        let (name, generation) = (reference.name, reference.generation);
        let (url, variant) = (reference.url.clone(), reference.variant);
        if self.proof_of(name) == Some(index)
            && matches!(self.names[name].need(), Some((Need::Reference, _)))
        {
            self.names[name].asked(Need::Reference, now);
        }
        let version = self.names[name].version();
        let place = &self.spots[place].place;
        let probe = reference_probe(place, &url, version, variant, random, self.pace.timeout());
        Some((Work::Reference { index, generation }, probe))
    }

    fn cell_errand(&mut self, place: usize, now: Moment) -> Option<(Work, Probe)> {
        if self.rests {
            return None;
        }
        let slot = self.spots[place].agenda.take(now)?;
        let (url, variant) = of_slot(slot);
        if !self.grid.is_open(url) || !self.grid.variants(url).any(|other| other == variant) {
            return None; // its truth came into question meanwhile: opening schedules it again
        }
        let shape = self.shape(place, slot);
        self.spots[place].cells[slot].last_sent = Some(now);
        Some((Work::Cell { slot }, self.probe(place, slot, shape)))
    }

    pub(super) fn probe(&self, place: usize, slot: usize, shape: ProbeShape) -> Probe {
        let (url, variant) = of_slot(slot);
        let url = &self.urls[url].watched.url;
        probe_at(&self.spots[place].place, url, variant, shape, self.pace.timeout())
    }

    /// Mostly one byte; a body where tags tell nothing; headers of the whole once per cell and once in quiet,
    /// because a cache may hold ranges apart.
    fn shape(&self, place: usize, slot: usize) -> ProbeShape {
        let cell = &self.spots[place].cells[slot];
        let track = self.grid.track(Self::cell_ref(place, slot));
        let completes = track.run + 1 >= self.grid.k(Self::cell_ref(place, slot));
        let first_in_quiet = self.quiet_planned.is_some() && track.quiet_looks() == 0;
        if cell.body_wanted {
            ProbeShape::Body
        } else if first_in_quiet || (completes && !cell.headers_seen) {
            ProbeShape::HeadersOnly
        } else {
            ProbeShape::OneByte
        }
    }

    /// Looks at old copies begin: at covered URLs of what storage held before, at most some per place, and of derived
    /// copies where a read past the caches tells what they are to be compared with.
    pub fn start_baseline(&mut self, existing: &BTreeSet<DeliveryUrl>) {
        let existed = |url: &&usize| {
            let url = &self.urls[**url];
            let name = &self.names[url.name].watched;
            url.watched.coverage == Coverage::Covered
                && !name.must_live
                && existing.contains(&url.watched.url)
                && matches!(name.old, Some(Stored::Holds(_)))
                && (!url.watched.derived || url.watched.old.is_some())
        };
        let urls = (0..self.urls.len()).collect::<Vec<_>>();
        let most = self.pace.baseline_per_place();
        let slots = urls.iter().filter(existed).take(most);
        let mut slots = slots.map(|url| slot_of(*url, AcceptVariant::None)).collect::<Vec<_>>();
        slots.reverse();
        let askable = |place: &usize| {
            let standing = self.grid.standing(*place);
            !self.spots[*place].lost && !matches!(standing, Standing::Excluded | Standing::LeftOut)
        };
        let left = (0..self.spots.len())
            .filter(askable)
            .map(|place| {
                let served = |slot: &usize| !self.grid.is_blank(place, of_slot(*slot).0);
                (place, slots.iter().copied().filter(served).collect())
            })
            .collect::<BTreeMap<_, Vec<_>>>();
        self.baseline = Some(Baseline { left, ..Baseline::default() });
    }

    /// Whether all looks at old copies have ended, and long enough ago for those that timed out.
    #[must_use]
    pub fn baseline_has_ended(&self, now: Moment) -> bool {
        let Some(baseline) = &self.baseline else { return true };
        let looking = baseline.in_flight > 0 || baseline.left.values().any(|left| !left.is_empty());
        let lingers =
            baseline.last_timeout.is_some_and(|at| now.since(at) < self.pace.baseline_grace());
        !looking && !lingers
    }

    /// No further looks at old copies begin; those under way end.
    pub fn shorten_baseline(&mut self) {
        if let Some(baseline) = &mut self.baseline {
            baseline.left.clear();
        }
    }

    pub fn drop_baseline(&mut self) {
        self.baseline = None;
    }

    /// A place does not answer: its baseline is over.
    pub(super) fn baseline_looked(
        &mut self,
        place: usize,
        answered: bool,
        timed_out: bool,
        now: Moment,
    ) {
        let Some(baseline) = &mut self.baseline else { return };
        baseline.in_flight = baseline.in_flight.saturating_sub(1);
        if !answered {
            baseline.left.remove(&place);
        }
        if timed_out {
            baseline.last_timeout = Some(now);
        }
    }

    /// Plans the looks at all cells of a place afresh.
    pub(super) fn reschedule(&mut self, place: usize, now: Moment, chance: &mut fastrand::Rng) {
        for slot in self.slots(place) {
            self.schedule(place, slot, now, chance);
        }
    }

    pub(super) fn reschedule_all(&mut self, now: Moment, chance: &mut fastrand::Rng) {
        for place in 0..self.spots.len() {
            self.reschedule(place, now, chance);
        }
    }

    pub(super) fn schedule_url(&mut self, url: usize, now: Moment, chance: &mut fastrand::Rng) {
        for place in 0..self.spots.len() {
            if self.grid.is_blank(place, url) {
                continue;
            }
            for variant in self.grid.variants(url) {
                self.schedule(place, slot_of(url, variant), now, chance);
            }
        }
    }

    /// Plans the next look at a cell.
    pub(super) fn schedule(
        &mut self,
        place: usize,
        slot: usize,
        now: Moment,
        chance: &mut fastrand::Rng,
    ) {
        let (url, _) = of_slot(slot);
        let due = (self.grid.is_open(url) && !self.spots[place].lost).then(|| {
            let silent = self.grid.track(Self::cell_ref(place, slot)).is_silent();
            let due = match self.quiet_plan(url) {
                Some(plan) if !silent => self.due_in_quiet(plan, place, slot, now, chance),
                _ => now + self.pace.next(self.case(place, slot, now), chance),
            };
            self.not_before(place, slot, due)
        });
        self.spots[place].agenda.set(slot, due);
    }

    /// Gone cells have a floor between looks.
    fn not_before(&self, place: usize, slot: usize, due: Moment) -> Moment {
        let last = self.spots[place].cells[slot].last_sent;
        match last {
            Some(last) if self.grid.is_gone(of_slot(slot).0) => {
                due.max(last + self.pace.gone_floor())
            }
            _ => due,
        }
    }

    fn case(&self, place: usize, slot: usize, now: Moment) -> Case {
        let here = &self.spots[place];
        let cell = &here.cells[slot];
        let track = self.grid.track(Self::cell_ref(place, slot));
        let crowd = self.crowd(place);
        match track.verdict {
            None if self.another_tells(place, slot) => Case::Waiting { crowd },
            None => Case::Fresh,
            Some(_) if cell.compare_now => Case::Compare,
            Some(_) if track.is_silent() => Case::Unclear { looks: cell.unclear },
            Some(Verdict::Outdated) if here.repinned > 0 => Case::Repinned { looks: cell.repinned },
            Some(_) if track.clear && here.repinned > 0 => Case::Repinned { looks: u32::MAX },
            Some(_) if track.clear => Case::Clear { crowd },
            Some(verdict) if verdict.is_clear() => {
                let rule = self.grid.rule();
                let ran = cell.last_sent.and_then(|to| track.lasted(to));
                Case::Running {
                    left: self.grid.k(Self::cell_ref(place, slot)).saturating_sub(track.run).max(1),
                    over: rule.t.saturating_sub(ran.unwrap_or_default()),
                }
            }
            Some(Verdict::Outdated) if self.another_tells(place, slot) => Case::Waiting { crowd },
            Some(Verdict::Outdated) => {
                Case::Outdated { step: self.rhythm.step(self.since_call(now)) }
            }
            Some(_) => Case::Unclear { looks: cell.unclear },
        }
    }

    fn crowd(&self, place: usize) -> Crowd {
        Crowd { all: self.grid.clear_of_total().1, here: self.grid.cells_of(place).1 }
    }

    /// Whether another cell of the place tells when the purge arrives.
    fn another_tells(&self, place: usize, slot: usize) -> bool {
        let (clear, total) = self.grid.cells_of(place);
        total - clear > self.pace.sentinel_above()
            && self.spots[place].sentinel.is_some_and(|sentinel| sentinel != slot)
    }

    fn quiet_plan(&self, url: usize) -> Option<QuietPlan> {
        let since = self.quiet_planned?;
        let late = self.grid.needs_late_look(url).then(|| Propagation::late_from(since));
        Some(QuietPlan { since, length: self.grid.quiet_needed(), needed: 1, late, leisure: 1.0 })
    }

    /// The place's looks in quiet, spread over its cells; more where they turn out to be too few.
    fn due_in_quiet(
        &self,
        plan: QuietPlan,
        place: usize,
        slot: usize,
        now: Moment,
        chance: &mut fastrand::Rng,
    ) -> Moment {
        let (_, cells) = self.grid.cells_of(place);
        let cells = u32::try_from(cells.max(1)).unwrap_or(u32::MAX);
        let needed = self.grid.quiet_looks_needed().div_ceil(cells);
        let leisure = self.pace.leisure(cells, plan.length);
        let plan = QuietPlan { needed: needed.max(1), leisure, ..plan };
        let track = self.grid.track(Self::cell_ref(place, slot));
        let last = self.spots[place].cells[slot].last_sent;
        if let Some(planned) = plan.next(track.quiet_looks(), last, now, chance) {
            return planned;
        }
        // enough for this cell; slow looks go on only where the end is delayed
        let end = plan.since + plan.length;
        let lacks = self.grid.quiet_looks(place) < self.grid.quiet_looks_needed();
        let wait = if now >= end && lacks {
            Duration::ZERO
        } else {
            self.pace.next(Case::Clear { crowd: self.crowd(place) }, chance)
        };
        now.max(end) + wait
    }

    /// Follows the quiet: when it begins or ends all looks are planned afresh.
    pub fn follow_quiet(&mut self, now: Moment, chance: &mut fastrand::Rng) {
        let quiet = self.grid.quiet_since();
        if quiet == self.quiet_planned {
            return;
        }
        self.quiet_planned = quiet;
        (self.closing, self.rests) = (None, false);
        self.confirmed.clear();
        self.no_last_reading();
        self.reschedule_all(now, chance);
        (self.changed, self.urgent) = (true, true);
    }

    /// Keeps one cell of a place as the one that tells, after a look at `slot` with `verdict`.
    pub(super) fn keep_sentinel(
        &mut self,
        place: usize,
        slot: usize,
        verdict: Verdict,
        now: Moment,
        chance: &mut fastrand::Rng,
    ) {
        let here = &mut self.spots[place];
        let silent = now.since(here.sentinel_since) > SENTINEL_PATIENCE;
        match (here.sentinel, verdict) {
            (None, Verdict::Outdated) => {
                (here.sentinel, here.sentinel_since) = (Some(slot), now);
                self.let_wait(place, now, chance);
            }
            (Some(sentinel), Verdict::Outdated) if sentinel == slot => here.sentinel_since = now,
            (Some(sentinel), verdict) if sentinel == slot && verdict.is_clear() => {
                here.sentinel = None;
                self.sweep(place, now, chance);
            }
            (Some(sentinel), Verdict::Unknown)
                if sentinel == slot && (here.cells[slot].unknown >= 3 || silent) =>
            {
                self.pass_on(place, slot, now, chance);
            }
            _ => {}
        }
    }

    /// One tells for all: what was not seen yet can wait for it, and is looked at now and then.
    fn let_wait(&mut self, place: usize, now: Moment, chance: &mut fastrand::Rng) {
        for slot in self.slots(place) {
            if self.grid.track(Self::cell_ref(place, slot)).verdict.is_none() {
                self.schedule(place, slot, now, chance);
            }
        }
    }

    /// The sentinel cleared: all others that are not clear are looked at soon, each with its own run.
    fn sweep(&mut self, place: usize, now: Moment, chance: &mut fastrand::Rng) {
        for slot in self.slots(place) {
            let cell = self.grid.track(Self::cell_ref(place, slot));
            if !cell.clear && matches!(cell.verdict, Some(Verdict::Outdated) | None) {
                let due = now + jitter(Duration::from_secs(1), chance);
                let due = self.not_before(place, slot, due);
                self.spots[place].agenda.set(slot, Some(due));
            }
        }
    }

    /// Another cell with an old copy takes the role.
    fn pass_on(&mut self, place: usize, from: usize, now: Moment, chance: &mut fastrand::Rng) {
        let is_outdated = |other: &usize| {
            let cell = self.grid.track(Self::cell_ref(place, *other));
            *other != from && cell.verdict == Some(Verdict::Outdated)
        };
        let next = self.slots(place).into_iter().find(is_outdated);
        let here = &mut self.spots[place];
        (here.sentinel, here.sentinel_since) = (next, now);
        if let Some(next) = next {
            self.schedule(place, next, now, chance);
        }
    }
}
