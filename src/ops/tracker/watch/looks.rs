//! What came back from a place: judged, counted, kept, and what it means for the next looks.

use super::{Body, CopyMark, LastSeen, Watch, Work, of_slot};
use crate::domain::judge::{AgeTrust, Facts, judge, says_nothing, wants_body};
use crate::domain::place::PlaceId;
use crate::domain::propagation::{Look, Noted, Standing};
use crate::domain::sighting::{AcceptVariant, CacheStatus, Etag, ProbeFailure, Sighting};
use crate::domain::snapshot::Regression;
use crate::domain::text::clean;
use crate::domain::time::{Moment, Timestamp};
use crate::domain::verdict::{Content, Expectation, Judgement, Reason, Stored, Verdict};
use crate::ops::tracker::TrackerEvent;
use crate::ports::journal::SightingRow;
use std::time::Duration;

/// An entity tag as it is shown.
fn shown_tag(etag: &Etag) -> String {
    const LONGEST: usize = 64;
    clean(&etag.tag.chars().take(LONGEST).collect::<String>()).into_owned()
}

/// The reason of a judgement as a sentence, cleaned.
pub(super) fn reason_of(judgement: &Judgement) -> String {
    clean(&judgement.reason.to_string()).into_owned()
}

/// While odd copies are seen storage is read this often: somebody else may have brought the name back.
const ODD_FOR_LONG: Duration = Duration::from_secs(60);

impl Watch {
    /// Takes in what came back for an errand.
    pub fn take(
        &mut self,
        place: usize,
        work: Work,
        sighting: &Sighting,
        now: Moment,
        wall: Timestamp,
        chance: &mut fastrand::Rng,
    ) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let spot = &mut self.spots[place];
        spot.busy = false;
        if let Ok(answer) = &sighting.result {
            spot.last_rtt = Some(sighting.received.since(sighting.sent));
            if let Some(pop) = &answer.pop {
                self.answers_from(place, pop.clone(), now);
            }
        }
        let news = match work {
            Work::Cell { slot } => self.take_cell(place, slot, sighting, now, wall, chance),
            Work::Baseline { slot } => {
                self.take_baseline(place, slot, sighting, now, wall);
                true
            }
            Work::Reference { index, generation } => {
                let noted = self.grid.observe_place(place, sighting.result.is_ok(), now);
                self.tell_place(place, noted, wall);
                self.take_reference(index, generation, sighting, now, wall);
                true
            }
        };
        // in quiet each look counts, and an end may wait for one that was under way or for the last of the budget
        let may_end = self.quiet_planned.is_some() || self.closing.is_some();
        self.changed |= news || may_end || self.has_spent_its_budget();
        self.looked = true;
        self.hold_after(place, sighting, now, chance);
        self.follow_quiet(now, chance);
    }

    /// Judges what a cell served, by the truth of now.
    pub(super) fn judged(&self, place: usize, slot: usize, sighting: &Sighting) -> Judgement {
        (self.doctrine.judge)(sighting, &self.facts(place, slot, sighting))
    }

    /// The PoP that an answer names; addresses of one provider that answer from one PoP are one cache.
    fn answers_from(&mut self, place: usize, pop: String, now: Moment) {
        let spot = &mut self.spots[place];
        if spot.pop.as_ref() == Some(&pop) {
            return;
        }
        let name = (spot.place.provider.clone(), pop.clone());
        spot.pop = Some(pop);
        let next = self.caches.len();
        let cache = *self.caches.entry(name).or_insert(next);
        self.grid.answers_as(place, cache, now);
    }

    /// A place that gives no answer is not asked again at once.
    fn hold_after(
        &mut self,
        place: usize,
        sighting: &Sighting,
        now: Moment,
        chance: &mut fastrand::Rng,
    ) {
        let wait = if sighting.result.is_ok() {
            Duration::ZERO
        } else {
            let left_out = self.grid.standing(place) == Standing::LeftOut;
            self.pace.after_failure(self.grid.failures(place), left_out, chance)
        };
        self.spots[place].hold_until = now + wait;
    }

    fn take_baseline(
        &mut self,
        place: usize,
        slot: usize,
        sighting: &Sighting,
        now: Moment,
        wall: Timestamp,
    ) {
        let noted = self.grid.observe_place(place, sighting.result.is_ok(), now);
        let timed_out = matches!(sighting.result, Err(ProbeFailure::TimedOut));
        self.baseline_looked(place, sighting.result.is_ok(), timed_out, now);
        self.tell_place(place, noted, wall);
        let (url, _) = of_slot(slot);
        let old = self.old_of(url, AcceptVariant::None);
        let facts = Facts { since_sent: None, ..self.facts(place, slot, sighting) };
        let facts = Facts { old: old.as_ref(), new: None, earlier: &[], ..facts };
        let facts = Facts { expectation: Expectation::New, ..facts };
        let saw_old = judge(sighting, &facts).reason == Reason::EarlierContent;
        self.spots[place].saw_old |= saw_old;
        self.keep_last(place, slot, None, sighting);
    }

    /// Returns whether anything else is known than before: an old copy that is seen once more is no news.
    fn take_cell(
        &mut self,
        place: usize,
        slot: usize,
        sighting: &Sighting,
        now: Moment,
        wall: Timestamp,
        chance: &mut fastrand::Rng,
    ) -> bool {
        let (url, _) = of_slot(slot);
        self.see_age(place, slot, sighting);
        self.keep_body(place, slot, sighting);
        let judgement = self.judged(place, slot, sighting);
        let body = wants_body(sighting, &self.facts(place, slot, sighting));
        let cell_ref = Self::cell_ref(place, slot);
        let look = Look {
            verdict: judgement.verdict,
            answered: sighting.result.is_ok(),
            says_nothing: says_nothing(&judgement),
            same_copy: self.spots[place].cells[slot].age.is_same_copy(),
            sent: sighting.sent,
            received: sighting.received,
        };
        let before = self.grid.track(cell_ref).verdict;
        let noted = self.grid.observe(cell_ref, look);
        let as_before = before == Some(judgement.verdict) && noted == Noted::default();
        self.count(place, slot, sighting, &judgement, body, now);
        self.tell_place(place, noted, wall);
        if noted.place_cleared {
            self.place_cleared(place, now, wall);
        }
        let watched = &self.urls[url].watched;
        let told = if watched.url.is_web() {
            judgement.clone().without_storage(!watched.derived)
        } else {
            judgement.clone()
        };
        if noted.regression {
            self.regressed(place, url, &told, wall);
        }
        if sighting.result.as_ref().is_ok_and(|answer| answer.varies_by_accept) {
            self.widen(url, now, chance);
        }
        self.keep_last(place, slot, Some(&told), sighting);
        self.note(place, slot, sighting, &told);
        self.follow_up(url, slot, &judgement, now);
        self.keep_sentinel(place, slot, judgement.verdict, now, chance);
        self.schedule(place, slot, now, chance);
        !as_before || sighting.result.is_err()
    }

    /// Everything that decides the verdict beside the sighting.
    pub(super) fn facts<'a>(&'a self, place: usize, slot: usize, sighting: &Sighting) -> Facts<'a> {
        let (url, variant) = of_slot(slot);
        let watched = &self.urls[url];
        let name = &self.names[watched.name];
        let truth = watched.truth[variant as usize].as_ref();
        let base = name.watched.expectation().unwrap_or(Expectation::New);
        let bodies = &self.spots[place].bodies;
        let answer = sighting.result.as_ref().ok().filter(|_| !bodies.is_empty());
        let mark = answer.and_then(|answer| CopyMark::of(slot, answer));
        Facts {
            expectation: truth.map_or(base, |truth| truth.expectation),
            public_id: name.watched.key.public_id.as_str(),
            derived: watched.watched.derived,
            old: self.old_ref(url, variant),
            new: truth.and_then(|truth| truth.new.as_ref()),
            stored: match &name.watched.new {
                Some(Stored::Holds(stored)) if !watched.watched.derived => Some(stored),
                _ => None,
            },
            earlier: name.earlier.as_deref().unwrap_or_default(),
            since_sent: name.sent.map(|sent| sent.elapsed(sighting.received)),
            since_changed: name.changed.map(|changed| changed.elapsed(sighting.sent)),
            age: self.age_trust(place),
            known_age: self.spots[place].cells[slot].age.known_age(sighting.received),
            doubt: self.doubt,
            reference: self.reference_answer(url, variant),
            body: mark.and_then(|mark| bodies.get(&mark)),
            only_watching: self.only_watches(),
        }
    }

    fn only_watches(&self) -> bool {
        self.invalidation.operation.verb == crate::domain::invalidation::Verb::Watch
    }

    /// OLD of a variant: a reference read of a derived copy is of the plain variant.
    fn old_ref(&self, url: usize, variant: AcceptVariant) -> Option<&Content> {
        let watched = &self.urls[url];
        if watched.watched.derived || variant != AcceptVariant::None {
            return watched.watched.old.as_ref().filter(|_| variant == AcceptVariant::None);
        }
        match &self.names[watched.name].watched.old {
            Some(Stored::Holds(content)) => Some(content),
            _ => None,
        }
    }

    fn old_of(&self, url: usize, variant: AcceptVariant) -> Option<Content> {
        self.old_ref(url, variant).cloned()
    }

    fn see_age(&mut self, place: usize, slot: usize, sighting: &Sighting) {
        if let Ok(answer) = &sighting.result {
            let tag = answer.etag.as_ref().map(|etag| etag.tag.as_str());
            let here = &mut self.spots[place];
            here.cells[slot].age.see(tag, answer.age, sighting.sent, sighting.received);
            here.age = match (here.age, here.cells[slot].age.trust()) {
                (AgeTrust::Believed, _) | (_, AgeTrust::Believed) => AgeTrust::Believed,
                (AgeTrust::Disproved, _) | (_, AgeTrust::Disproved) => AgeTrust::Disproved,
                _ => AgeTrust::Unproven,
            };
        }
    }

    /// Remembers the body of a copy, so that it is read once.
    fn keep_body(&mut self, place: usize, slot: usize, sighting: &Sighting) {
        const REMEMBERED: usize = 4_096;
        let Ok(answer) = &sighting.result else { return };
        let (Some(mark), Some(hash), Some(length)) =
            (CopyMark::of(slot, answer), &answer.body_hash, answer.total_length)
        else {
            return;
        };
        let bodies = &mut self.spots[place].bodies;
        if bodies.len() < REMEMBERED {
            bodies.insert(mark, Body { hash: hash.clone(), length });
        }
    }

    /// Counts what the next look depends on.
    fn count(
        &mut self,
        place: usize,
        slot: usize,
        sighting: &Sighting,
        judgement: &Judgement,
        body: bool,
        now: Moment,
    ) {
        const BODIES_PER_CELL: u8 = 16;
        use crate::domain::sighting::ProbeShape;
        let repinned = self.is_repinned(place, slot, sighting, judgement);
        let cell = &mut self.spots[place].cells[slot];
        let clear = judgement.verdict.is_clear();
        cell.unclear = if clear { 0 } else { cell.unclear.saturating_add(1) };
        let unknown = judgement.verdict == Verdict::Unknown;
        cell.unknown = if unknown { cell.unknown.saturating_add(1) } else { 0 };
        cell.headers_seen |= sighting.shape != ProbeShape::OneByte && clear;
        // a tagless copy is compared by its body each time, a new tag once
        cell.body_wanted = body && cell.bodies_asked < BODIES_PER_CELL;
        cell.compare_now = cell.body_wanted;
        let tagless = sighting.result.as_ref().is_ok_and(|answer| answer.etag.is_none());
        if body && !tagless {
            cell.bodies_asked += 1;
        }
        // and where tags come and go, so that a run is not ended by every answer without one
        cell.tagless |= body && tagless;
        cell.body_wanted |= cell.tagless;
        let was_repinned = cell.repinned > 0;
        cell.repinned = match judgement.verdict {
            Verdict::Outdated if repinned || was_repinned => cell.repinned.saturating_add(1),
            _ if clear => 0,
            _ => cell.repinned,
        };
        let is_repinned = cell.repinned > 0;
        let here = &mut self.spots[place];
        here.repinned = here.repinned + usize::from(is_repinned) - usize::from(was_repinned);
        if repinned && self.repinned_since.is_none() {
            self.repinned_since = Some(now);
        }
        if judgement.verdict == Verdict::Outdated {
            self.spots[place].saw_old = true;
        }
    }

    /// The old copy came by a miss, or was fetched after storage had changed: a shield holds it.
    fn is_repinned(
        &self,
        place: usize,
        slot: usize,
        sighting: &Sighting,
        judgement: &Judgement,
    ) -> bool {
        let old = matches!(judgement.reason, Reason::EarlierContent | Reason::StillServed);
        let Ok(answer) = &sighting.result else { return false };
        let facts = self.facts(place, slot, sighting);
        let fetched_since = facts.age == AgeTrust::Believed
            && answer.age.zip(facts.since_changed).is_some_and(|(age, since)| {
                let band = Duration::from_secs(2).max(self.doubt);
                Duration::from_secs(age).saturating_add(band) < since
            });
        old && (answer.cache == CacheStatus::Miss || fetched_since)
    }

    fn widen(&mut self, url: usize, now: Moment, chance: &mut fastrand::Rng) {
        if self.grid.variants(url).count() == super::VARIANTS {
            return;
        }
        self.grid.widen(url, now);
        let (watched, name) = (self.urls[url].watched.clone(), self.urls[url].name);
        for variant in AcceptVariant::ALL {
            let reference = self.reference(&watched, name, variant);
            self.urls[url].refs[variant as usize] = Some(reference);
        }
        self.turns.touch(name);
        self.schedule_url(url, now, chance);
    }

    /// Asks for what would explain an odd sighting.
    fn follow_up(&mut self, url: usize, slot: usize, judgement: &Judgement, now: Moment) {
        let name = self.urls[url].name;
        match judgement.reason {
            // at the first of them storage is read, and now and then while there are more: the truth may have moved
            Reason::Unrecognised | Reason::StillServed | Reason::NegativeCache => {
                let first =
                    self.spots.iter().map(|spot| spot.cells[slot].unclear).sum::<u32>() <= 1;
                let read = self.rechecked.get(&name).copied().unwrap_or(self.quickened);
                if first || now.since(read) >= ODD_FOR_LONG {
                    self.recheck(name, now);
                }
                if judgement.reason == Reason::NegativeCache {
                    self.negative_cache_since.get_or_insert(now);
                }
            }
            Reason::UnprovenRefusal { .. } => self.want_reference_of(slot, now),
            _ => {}
        }
        let odd = matches!(judgement.verdict, Verdict::Other)
            || matches!(judgement.reason, Reason::NotComparable);
        if odd && !self.urls[url].watched.derived {
            self.want_reference_of(slot, now);
        }
    }

    /// Reads a URL past the caches, once under each truth.
    fn want_reference_of(&mut self, slot: usize, now: Moment) {
        let (url, variant) = of_slot(slot);
        let Some(index) = self.urls[url].refs[variant as usize] else { return };
        let reference = &self.references[index];
        if reference.answer.is_none() && !reference.wanted && !reference.busy {
            self.want_reference(index, now);
        }
    }

    fn keep_last(
        &mut self,
        place: usize,
        slot: usize,
        judgement: Option<&Judgement>,
        sighting: &Sighting,
    ) {
        let answer = sighting.result.as_ref().ok();
        self.spots[place].cells[slot].last = Some(Box::new(LastSeen {
            judgement: judgement.cloned(),
            why: judgement.map(reason_of).unwrap_or_default(),
            cache: answer.map(|answer| answer.cache).unwrap_or_default(),
            age: answer.and_then(|answer| answer.age),
            status: answer.map(|answer| answer.status),
            etag: answer.and_then(|answer| answer.etag.as_ref()).map(shown_tag),
            at: sighting.at,
        }));
    }

    /// For the journal and for streams.
    fn note(&mut self, place: usize, slot: usize, sighting: &Sighting, judgement: &Judgement) {
        let (url, _) = of_slot(slot);
        let clear = self.grid.track(Self::cell_ref(place, slot)).clear;
        let id = self.spots[place].place.id.clone();
        self.rows.push(SightingRow {
            place: id.clone(),
            url: self.urls[url].canonical.clone(),
            sighting: sighting.clone(),
            judgement: judgement.clone(),
        });
        self.events.push(TrackerEvent::Sighting {
            invalidation: self.id(),
            place: id,
            url: self.urls[url].shown.clone(),
            judgement: judgement.clone(),
            clear,
        });
    }

    fn regressed(&mut self, place: usize, url: usize, judgement: &Judgement, wall: Timestamp) {
        let why = reason_of(judgement);
        let Regression { place, url, .. } = self.keep_regression(place, url, &why, wall);
        self.say(wall, &format!("{place} fell back: {url} {why}"));
        let invalidation = self.id();
        self.events.push(TrackerEvent::Regression { invalidation, place, url, why });
    }

    /// Of very many the first are kept.
    pub(super) fn keep_regression(
        &mut self,
        place: usize,
        url: usize,
        why: &str,
        at: Timestamp,
    ) -> Regression {
        const KEPT: usize = 200;
        let (place, url) = (self.spots[place].place.id.clone(), self.urls[url].shown.clone());
        let regression = Regression { place, url, at, why: why.to_owned() };
        if self.regressions.len() < KEPT {
            self.regressions.push(regression.clone());
        }
        self.urgent = true;
        regression
    }

    fn place_cleared(&mut self, place: usize, now: Moment, wall: Timestamp) {
        let elapsed = self.elapsed(now);
        let last = self
            .slots(place)
            .into_iter()
            .filter_map(|slot| self.grid.track(Self::cell_ref(place, slot)).run_from());
        let let_go = last.max().map(|at| self.since_call(now).saturating_sub(now.since(at)));
        let spot = &mut self.spots[place];
        (spot.cleared_after, spot.let_go_after) = (Some(elapsed), let_go);
        let PlaceId(id) = &self.spots[place].place.id;
        self.say(wall, &format!("{id} clear after {:.1} s", elapsed.as_secs_f64()));
    }

    fn tell_place(&mut self, place: usize, noted: Noted, wall: Timestamp) {
        let PlaceId(id) = &self.spots[place].place.id;
        if noted.place_left_out {
            let sentence = format!("{id} does not answer: left out");
            self.say(wall, &sentence);
            self.turns.touch_all();
            self.urgent = true;
        } else if noted.place_joined && self.grid.failures(place) == 0 && self.is_late(place) {
            let sentence = format!("{id} answers and joins");
            self.say(wall, &sentence);
        }
    }

    /// The place was left out before it answered.
    fn is_late(&self, place: usize) -> bool {
        let PlaceId(id) = &self.spots[place].place.id;
        self.timeline.iter().any(|entry| entry.text == format!("{id} does not answer: left out"))
    }
}
