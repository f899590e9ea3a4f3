//! References of a watch: reads past the caches, what they say that copies must be, and URLs opened by it.

use super::super::names::Need;
use super::super::truth::{came_past_caches, content_of, is_behind, is_same_body};
use super::truths::{LAG, again};
use super::{Reference, UrlTruth, Watch};
use crate::domain::propagation::Standing;
use crate::domain::sighting::{AcceptVariant, Answer, Sighting};
use crate::domain::time::{Moment, Timestamp};
use crate::domain::verdict::{Content, Expectation, Stored};
use std::time::Duration;

/// Failures of a reference read after which its URL is looked at without one.
const REFERENCE_TRIES: u32 = 3;

impl Watch {
    /// Whether any place may still answer for it: places are not known yet, or one of them is not given up.
    pub(super) fn may_answer(&self, reference: usize) -> bool {
        let reference = &self.references[reference];
        let askable = |place: usize| {
            let spot = &self.spots[place];
            !spot.lost
                && spot.hosts.contains(&reference.host)
                && !matches!(self.grid.standing(place), Standing::LeftOut | Standing::Excluded)
        };
        reference.tries < REFERENCE_TRIES
            && (!self.places_known || (0..self.spots.len()).any(askable))
    }

    pub(super) fn want_reference(&mut self, index: usize, due: Moment) {
        let reference = &mut self.references[index];
        reference.wanted = true;
        if !reference.busy {
            let host = reference.host.clone();
            self.reference_agendas.entry(host).or_default().set(index, Some(due));
        }
    }

    /// Opens a URL whose truth is known in all variants, or cannot be read.
    pub(super) fn open_when_known(
        &mut self,
        index: usize,
        now: Moment,
        chance: &mut fastrand::Rng,
    ) {
        let name = &self.names[self.urls[index].name];
        if !name.is_known() || name.earlier.is_none() || self.grid.is_dropped(index) {
            return;
        }
        let gone = name.watched.expectation() == Some(Expectation::Gone);
        let mut complete = true;
        for variant in self.grid.variants(index) {
            let behind = !gone && self.is_behind(index, variant, now);
            let truth = if behind { None } else { self.truth_of(index, variant) };
            if truth.as_ref().is_none_or(|truth| !gone && truth.new.is_none()) {
                complete &= self.want_content(index, variant, now) && !behind;
            }
            self.urls[index].truth[variant as usize] = truth;
        }
        if complete && !self.grid.is_open(index) {
            self.grid.open_url(index, gone, now);
            self.schedule_url(index, now, chance);
            self.changed = true;
        }
    }

    /// Orders the reference read of a variant; true when the URL is to be looked at without it.
    fn want_content(&mut self, index: usize, variant: AcceptVariant, now: Moment) -> bool {
        let Some(reference) = self.urls[index].refs[variant as usize] else { return true };
        let Reference { wanted, busy, tries, answers, .. } = self.references[reference];
        if !wanted && !busy {
            let wait = tries.max(answers).checked_sub(1).map_or(Duration::ZERO, again);
            self.want_reference(reference, now + wait);
        }
        self.references[reference].tries >= REFERENCE_TRIES || !self.may_answer(reference)
    }

    /// Whether delivery still gives a variant as it was before the change: read again for a minute, for a copy of
    /// the new content may look like the one before, but first of all delivery may lag behind storage. The old
    /// content is known of the plain variant only, so the others wait for that one.
    fn is_behind(&self, index: usize, variant: AcceptVariant, now: Moment) -> bool {
        let url = &self.urls[index];
        let name = &self.names[url.name];
        let Some(Stored::Holds(stored)) = &name.watched.new else { return false };
        let lags = name.changed.is_some_and(|changed| changed.elapsed(now) < LAG);
        let is_new =
            matches!(name.watched.expectation(), Some(Expectation::New | Expectation::Live));
        if !lags || !is_new {
            return false;
        }
        let before = if url.watched.derived {
            url.watched.old.as_ref()
        } else {
            match &name.watched.old {
                Some(Stored::Holds(before)) => Some(before),
                _ => None,
            }
        };
        [variant, AcceptVariant::None].into_iter().any(|variant| {
            url.refs[variant as usize]
                .and_then(|reference| self.references[reference].answer.as_ref())
                .and_then(content_of)
                .is_some_and(|read| is_behind(&read, stored, before))
        })
    }

    /// What a variant of a URL must show, as far as it is known.
    fn truth_of(&self, index: usize, variant: AcceptVariant) -> Option<UrlTruth> {
        let url = &self.urls[index];
        let watched = &self.names[url.name].watched;
        let expectation = watched.expectation()?;
        let Some(Stored::Holds(stored)) = &watched.new else {
            return Some(UrlTruth { expectation, new: None });
        };
        let read = url.refs[variant as usize]
            .and_then(|reference| self.references[reference].answer.as_ref())
            .and_then(content_of);
        let new = if url.watched.derived || variant != AcceptVariant::None {
            Content { version: stored.version, ..read? }
        } else {
            let before = match &watched.old {
                Some(Stored::Holds(before)) => Some(before),
                _ => None,
            };
            with_reference(stored, read.filter(|read| !is_behind(read, stored, before)))
        };
        let unchanged = expectation == Expectation::New
            && variant == AcceptVariant::None
            && url.watched.old.as_ref().is_some_and(|old| is_same_body(old, &new));
        let expectation = if unchanged { Expectation::Refetched } else { expectation };
        Some(UrlTruth { expectation, new: Some(new) })
    }

    /// An uncached read came back.
    pub fn take_reference(
        &mut self,
        index: usize,
        generation: u32,
        sighting: &Sighting,
        now: Moment,
        wall: Timestamp,
    ) {
        self.references[index].busy = false;
        let is_current = self.references[index].generation == generation;
        let is_web = self.references[index].url.is_web();
        let believed = |answer: &Answer| {
            if is_web { !may_be_a_copy(answer) } else { came_past_caches(answer) }
        };
        let of_a_cache = |answer: &Answer| is_final(answer) && !believed(answer);
        if sighting.result.as_ref().is_ok_and(of_a_cache) {
            self.tell_not_past_caches(index, wall);
        }
        let usable = sighting
            .result
            .as_ref()
            .ok()
            .filter(|answer| is_final(answer) && is_current && believed(answer));
        if std::mem::take(&mut self.references[index].closing) {
            self.take_last_reading(index, sighting.sent, usable, now);
            return;
        }
        match usable {
            Some(answer) => {
                let reference = &mut self.references[index];
                (reference.answer, reference.wanted) = (Some(answer.clone()), false);
                // a copy that is refused where there should be one has no content yet: it is read again, later
                reference.tries += u32::from(!matches!(answer.status, 200 | 206));
                reference.answers = reference.answers.saturating_add(1);
                let name = reference.name;
                if self.proof_of(name) == Some(index) {
                    let learnt = self.names[name].take_evidence(answer, now);
                    self.name_learnt(name, &learnt, now, wall);
                }
            }
            None => self.reference_failed(index, now, wall),
        }
        self.turns.touch(self.references[index].name);
        self.changed = true;
    }

    /// Once per host: without reads past the caches there is no telling what copies must be.
    fn tell_not_past_caches(&mut self, index: usize, wall: Timestamp) {
        let host = &self.references[index].host;
        let sentence = format!(
            "{host} answers reads past the caches from a cache: what storage delivers there is not known"
        );
        if self.timeline.iter().all(|entry| entry.text != sentence) {
            self.say(wall, &sentence);
        }
    }

    fn reference_failed(&mut self, index: usize, now: Moment, wall: Timestamp) {
        let reference = &mut self.references[index];
        reference.tries += 1;
        reference.wanted = false;
        let name = reference.name;
        self.names[name].not_answered(Need::Reference);
        if !matches!(self.names[name].need(), Some((Need::Reference, _))) {
            return; // where its content is needed, opening the URL asks again
        }
        if self.may_answer(index) {
            self.want_reference(index, now);
        } else {
            self.want_evidence(name, now, wall);
        }
    }

    /// The reference answer of a URL's variant, for refusals and stand-ins.
    pub(super) fn reference_answer(&self, url: usize, variant: AcceptVariant) -> Option<&Answer> {
        let index = self.urls[url].refs[variant as usize]?;
        self.references[index].answer.as_ref()
    }

    /// A name's references have all their tries again.
    pub(super) fn read_afresh(&mut self, name: usize) {
        for reference in &self.names[name].references {
            let reference = &mut self.references[*reference];
            (reference.tries, reference.answers) = (0, 0);
        }
    }
}

/// Of a web address nobody knows whether caches tell a read past them from the URL itself: what is served counts only
/// where the answer says that it came past them. A refusal proves nothing by itself, it only bears out others.
fn may_be_a_copy(answer: &Answer) -> bool {
    matches!(answer.status, 200 | 206) && answer.came_past_caches() != Some(true)
}

/// An answer that will not be another one in a moment.
const fn is_final(answer: &Answer) -> bool {
    matches!(answer.status, 200 | 206 | 400..=415 | 417 | 451) && answer.status != 408
}

/// Content of an original as storage tells it, with what an uncached read of it adds: the hash of its body, and
/// the tag that is delivered where that is not the stored MD5.
fn with_reference(stored: &Content, read: Option<Content>) -> Content {
    let Some(read) = read else { return stored.clone() };
    let same_tag = read.etag.is_some() && read.etag == stored.etag;
    let same_length = read.bytes.is_some() && read.bytes == stored.bytes;
    if !same_tag && !same_length {
        return stored.clone();
    }
    Content {
        etag: read.etag.or_else(|| stored.etag.clone()),
        body_hash: read.body_hash,
        ..stored.clone()
    }
}
