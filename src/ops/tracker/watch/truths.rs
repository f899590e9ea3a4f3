//! Truths of a watch: storage and references asked for, taken in, moved; URLs opened when theirs is known.

use super::super::names::{Learnt, Need, Since, Stage};
use super::super::truth::{
    came_past_caches, content_of, is_as_before, is_behind, is_same_body, same_stored,
};
use super::{Recheck, Reference, Url, UrlTruth, Watch};
use crate::domain::asset::AssetKey;
use crate::domain::propagation::Standing;
use crate::domain::sighting::{AcceptVariant, Answer, Sighting};
use crate::domain::time::{Moment, Timestamp};
use crate::domain::verdict::{Content, Expectation, Stored};
use std::collections::hash_map::Entry;
use std::time::Duration;

/// A name to be asked about at the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatErrand {
    pub name: usize,
    pub key: AssetKey,
    /// Beside the name's own reading: something odd was seen, or the end has come.
    pub is_recheck: bool,
}

/// Waits between readings that bring nothing, in seconds.
const AGAIN: [u64; 4] = [1, 2, 5, 10];
/// A storage that shows the old asset again for this long is in doubt.
const LAG: Duration = Duration::from_secs(60);
/// A name that waits for a read past the caches, or for its URLs to be opened, is looked at again so often whatever
/// happens to it.
const LOOKED_AGAIN: Duration = Duration::from_secs(1);
/// Failures of a reference read after which its URL is looked at without one.
const REFERENCE_TRIES: u32 = 3;

fn again(tries: u32) -> Duration {
    Duration::from_secs(AGAIN[(tries as usize).min(AGAIN.len() - 1)])
}

impl Watch {
    /// Moves names and URLs on whose time has come.
    pub fn advance(&mut self, now: Moment, wall: Timestamp, chance: &mut fastrand::Rng) {
        if !self.turns.is_anybodys(now) {
            return;
        }
        for index in self.turns.take(self.names.len(), now) {
            self.names[index].tick(now);
            self.want_evidence(index, now, wall);
            let mut is_open = true;
            for url in self.names[index].urls.clone() {
                self.open_when_known(url, now, chance);
                is_open &= self.grid.is_open(url) || self.grid.is_dropped(url);
            }
            let name = &self.names[index];
            let (moves, asks) = match (&name.stage, name.need()) {
                (Stage::HoldingBack { until }, _) => (Some(*until), None),
                (_, Some((Need::Stat, due))) => (None, Some(due)),
                // a read past the caches has its own agenda, but no place may be left that makes it
                (Stage::Reading(_), _) => (Some(now + LOOKED_AGAIN), None),
                (Stage::Known, _) if !is_open => (Some(now + LOOKED_AGAIN), None),
                _ => (None, None),
            };
            self.turns.plan(index, moves, asks);
        }
        self.changed = true;
    }

    /// When names move on by themselves, or storage is to be asked.
    #[must_use]
    pub fn truths_due(&mut self) -> Option<Moment> {
        self.turns.due()
    }

    /// Orders the uncached read that a name waits for, or says that no place can make it.
    fn want_evidence(&mut self, index: usize, now: Moment, wall: Timestamp) {
        let Some((Need::Reference, due)) = self.names[index].need() else { return };
        match self.proof_of(index) {
            Some(proof) if self.may_answer(proof) => {
                let reference = &mut self.references[proof];
                if !reference.wanted && !reference.busy {
                    (reference.answer, reference.tries) = (None, 0);
                    self.want_reference(proof, due);
                }
            }
            _ => {
                self.names[index].asked(Need::Reference, now);
                let learnt = self.names[index].no_place_answers(now);
                self.name_learnt(index, &learnt, now, wall);
            }
        }
    }

    /// The reference whose uncached read bears out what storage says of a name.
    pub(super) fn proof_of(&self, name: usize) -> Option<usize> {
        self.names[name].proof
    }

    /// Whether any place may still answer for it: places are not known yet, or one of them is not given up.
    fn may_answer(&self, reference: usize) -> bool {
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

    /// Names to be asked about at the API now, at most `most`.
    pub fn due_stats(&mut self, now: Moment, most: usize) -> Vec<StatErrand> {
        let mut errands = Vec::new();
        while errands.len() < most
            && let Some(name) = self.turns.take_asking_again(now)
        {
            if self.rechecks.contains_key(&name) {
                let key = self.names[name].watched.key.clone();
                errands.push(StatErrand { name, key, is_recheck: true });
            }
        }
        while errands.len() < most
            && let Some(index) = self.turns.take_asking(now)
        {
            let name = &mut self.names[index];
            if let Some((Need::Stat, _)) = name.need() {
                name.asked(Need::Stat, now);
                let key = name.watched.key.clone();
                errands.push(StatErrand { name: index, key, is_recheck: false });
            }
        }
        errands
    }

    /// Storage's answer about a name, asked at `asked`.
    pub fn take_stat(
        &mut self,
        errand: &StatErrand,
        answer: Result<Stored, String>,
        asked: Moment,
        now: Moment,
        wall: Timestamp,
    ) {
        self.turns.touch(errand.name);
        if errand.is_recheck {
            self.take_recheck(errand.name, answer, asked, now, wall);
            return;
        }
        let name = &mut self.names[errand.name];
        let learnt = match answer {
            Ok(stored) => name.take_stat(stored, now),
            Err(why) => name.take_trouble(why, now),
        };
        self.name_learnt(errand.name, &learnt, now, wall);
    }

    fn name_learnt(&mut self, index: usize, learnt: &Learnt, now: Moment, wall: Timestamp) {
        if *learnt == Learnt::Known {
            let proof = self.proof_of(index);
            self.name_known(index, proof, now, wall);
        }
        self.turns.touch(index);
        self.changed = true;
    }

    /// A truth is known, or is another one than before: journaled, and its URLs are judged by it from now on. Of
    /// its references only the one just read under this truth is kept.
    fn name_known(&mut self, index: usize, fresh: Option<usize>, now: Moment, wall: Timestamp) {
        let name = &mut self.names[index];
        let since = name.changed.map_or(Duration::ZERO, |changed| changed.elapsed(now));
        name.watched.changed_at = wall.checked_sub(since).ok().or(Some(wall));
        self.tell_known(index, wall);
        self.names_changed.insert(index);
        self.confirmed.remove(&index);
        for position in self.names[index].references.clone() {
            if Some(position) != fresh {
                let reference = &mut self.references[position];
                (reference.answer, reference.tries, reference.answers) = (None, 0, 0);
                reference.generation += 1;
            }
        }
        if self.names[index].earlier.is_none() {
            self.without_history.push(index);
        }
        for url in self.names[index].urls.clone() {
            if !self.grid.is_dropped(url) {
                self.urls[url].truth = [const { None }; super::VARIANTS];
                self.grid.close_url(url, now);
            }
        }
        self.turns.touch(index);
    }

    /// Whether each of its names is worth news of its own.
    pub(super) fn has_few_names(&self) -> bool {
        self.names.len() <= 8
    }

    /// Of a few names each is told, of many that all are known.
    fn tell_known(&mut self, index: usize, wall: Timestamp) {
        if !self.has_few_names() {
            // they become known in about their order: the last one tells first
            if self.names.iter().rev().all(|name| name.is_known() || name.is_dropped()) {
                self.say(wall, &format!("storage: all {} names are known", self.names.len()));
                self.urgent = true;
            }
            return;
        }
        self.urgent = true;
        let watched = &self.names[index].watched;
        let what = match watched.expectation() {
            Some(Expectation::Gone) => "is gone",
            Some(Expectation::New) => "holds new content",
            Some(Expectation::Live) if watched.new == Some(Stored::Empty) => "is not there",
            Some(Expectation::Live) => "is there",
            Some(Expectation::Refetched) | None => "is as before, so only Age can show a refetch",
        };
        let mut urls = self.names[index].urls.iter();
        let is_web = urls.any(|url| self.urls[*url].watched.url.is_web());
        let asked = if is_web { "origin" } else { "storage" };
        let sentence = format!("{asked}: {} {what}", watched.key);
        self.say(wall, &sentence);
    }

    /// Opens a URL whose truth is known in all variants, or cannot be read.
    fn open_when_known(&mut self, index: usize, now: Moment, chance: &mut fastrand::Rng) {
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

    /// Storage is to be asked about a name again, because something odd was seen.
    pub(super) fn recheck(&mut self, name: usize, now: Moment) {
        if !self.names[name].is_known() {
            return;
        }
        self.rechecked.insert(name, now);
        if let Entry::Vacant(vacant) = self.rechecks.entry(name) {
            vacant.insert(Recheck { since: now, tries: 0 });
            self.turns.ask_again(name, Some(now));
        }
    }

    fn take_recheck(
        &mut self,
        index: usize,
        answer: Result<Stored, String>,
        asked: Moment,
        now: Moment,
        wall: Timestamp,
    ) {
        let Some(mut recheck) = self.rechecks.remove(&index) else { return };
        let name = &mut self.names[index];
        if !name.is_known() {
            return;
        }
        recheck.tries += 1;
        let due = now + again(recheck.tries - 1);
        match answer {
            Err(why) => {
                name.trouble = Some(why);
                self.rechecks.insert(index, recheck);
                self.turns.ask_again(index, Some(due));
            }
            Ok(stored)
                if name.watched.new.as_ref().is_some_and(|new| same_stored(new, &stored)) =>
            {
                name.trouble = None;
                if self.closing_since().is_some_and(|since| asked >= since) {
                    self.confirmed.insert(index);
                }
            }
            Ok(stored) if is_as_before(&name.watched, &stored) => {
                if now.since(recheck.since) < LAG {
                    self.rechecks.insert(index, recheck);
                    self.turns.ask_again(index, Some(due));
                } else {
                    name.told = None;
                    name.read(now);
                    self.read_afresh(index);
                    self.close_urls_of(index, now);
                    self.say(wall, "storage shows the asset as before the call");
                }
            }
            Ok(stored) => {
                name.moved(stored, asked);
                self.say(
                    wall,
                    &format!("storage changed again: {}", self.names[index].watched.key),
                );
                self.name_known(index, None, now, wall);
                self.moved.push(index);
            }
        }
        self.changed = true;
    }

    /// A name's references have all their tries again.
    fn read_afresh(&mut self, name: usize) {
        for reference in &self.names[name].references {
            let reference = &mut self.references[*reference];
            (reference.tries, reference.answers) = (0, 0);
        }
    }

    pub(super) fn close_urls_of(&mut self, name: usize, now: Moment) {
        for url in &self.names[name].urls {
            if !self.grid.is_dropped(*url) {
                self.grid.close_url(*url, now);
            }
        }
        self.turns.touch(name);
        self.urgent = true;
    }

    /// Whether the journal is to tell anything.
    #[must_use]
    pub fn asks_journal(&self) -> bool {
        !self.without_history.is_empty() || !self.moved.is_empty()
    }

    /// Names whose earlier contents the journal must tell before anything is judged.
    pub fn without_history(&mut self) -> Vec<(usize, AssetKey)> {
        let wanting = std::mem::take(&mut self.without_history);
        wanting.into_iter().map(|index| (index, self.names[index].watched.key.clone())).collect()
    }

    pub fn take_history(&mut self, name: usize, earlier: Vec<Content>) {
        self.names[name].earlier.get_or_insert_default().extend(earlier);
        self.turns.touch(name);
    }

    /// The journal could not tell: asked again.
    pub fn no_history(&mut self, name: usize) {
        self.without_history.push(name);
    }

    /// Names whose storage changed under the watch since the last call: a newer operation may be behind it.
    pub fn moved_names(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.moved)
    }

    /// Names that take part.
    #[must_use]
    pub fn live_names(&self) -> Vec<usize> {
        (0..self.names.len()).filter(|name| !self.names[*name].is_dropped()).collect()
    }

    /// A name's key, and when the call for it left (or was ordered).
    #[must_use]
    pub fn changed_by_us(&self, name: usize) -> (AssetKey, Timestamp) {
        let sent = self.item(name).and_then(|item| item.sent_at);
        let since = sent.unwrap_or(self.invalidation.operation.at);
        (self.names[name].watched.key.clone(), since)
    }

    /// A newer operation took the name over.
    pub fn supersede(&mut self, name: usize, by: &str, now: Moment, wall: Timestamp) {
        self.names[name].watched.superseded = true;
        self.names_changed.insert(name);
        let key = self.names[name].watched.key.clone();
        self.say(wall, &format!("{key}: taken over by a newer operation ({by})"));
        self.drop_name(name, now);
        self.urgent = true;
    }

    /// The invalidation was sent again: hold-back and all runs start again. With what each answer tells of storage.
    pub fn sent_again(
        &mut self,
        sent: &[(usize, Option<Stored>)],
        at: Moment,
        now: Moment,
        wall: Timestamp,
    ) {
        let hold_back = self.terms().hold_back;
        if sent.is_empty() {
            return;
        }
        for (index, told) in sent {
            let name = &mut self.names[*index];
            if name.is_dropped() {
                continue;
            }
            (name.sent, name.told) = (Some(Since::at(at)), told.clone());
            name.hold_back(now + hold_back);
            self.rechecks.remove(index);
            self.read_afresh(*index);
            self.close_urls_of(*index, now);
        }
        self.grid.restart(now);
        self.confirmed.clear();
        (self.quickened, self.was_stuck) = (now, false);
        (self.repinned_since, self.negative_cache_since) = (None, None);
        for spot in &mut self.spots {
            (spot.sentinel, spot.repinned) = (None, 0);
            for cell in &mut spot.cells {
                (cell.repinned, cell.unclear, cell.unknown) = (0, 0, 0);
            }
        }
        let unproven = if self.any_gone() {
            "; unproven: nobody says that a repeated destroy invalidates"
        } else {
            ""
        };
        let text = format!("invalidation sent again; hold-back and runs start again{unproven}");
        self.say(wall, &text);
        self.turns.touch_all();
        self.urgent = true;
    }
}

// The last reading: everything is clear through the quiet, and what storage holds is read once more.
impl Watch {
    /// Begins the last reading of `names`: what proved each is read past the caches again, which asks nothing of the
    /// API. Storage itself is asked where no place can make such a read, on doubt, and about as many as places cannot
    /// read within seconds, unless that costs Admin quota. What derived copies are compared with is read again as well,
    /// where it may have been the content from before: delivery may lag behind storage.
    pub(super) fn read_for_the_last_time(&mut self, names: &[usize], now: Moment) {
        const SECONDS: usize = 10;
        let quick = if self.terms().loopback { usize::MAX } else { self.grid.reached() * SECONDS };
        for (position, name) in names.iter().enumerate() {
            let fits = position < quick || costs_admin_quota(&self.names[*name].watched.key);
            match self.proof_of(*name) {
                Some(proof) if fits && self.may_answer(proof) => self.read_once_more(proof, now),
                _ => self.recheck(*name, now),
            }
        }
        for url in 0..self.urls.len() {
            if !self.grid.is_open(url) || !self.may_be_as_before(url) {
                continue;
            }
            for variant in self.grid.variants(url) {
                if let Some(reference) = self.urls[url].refs[variant as usize] {
                    self.read_once_more(reference, now);
                }
            }
        }
    }

    /// Whether what a derived copy is compared with cannot be told from the content before a change.
    fn may_be_as_before(&self, url: usize) -> bool {
        let Url { watched, name, refs, .. } = &self.urls[url];
        let name = &self.names[*name].watched;
        let changed = matches!(name.expectation(), Some(Expectation::New | Expectation::Live))
            && matches!(name.new, Some(Stored::Holds(_)));
        let read = refs[AcceptVariant::None as usize]
            .and_then(|reference| self.references[reference].answer.as_ref())
            .and_then(content_of);
        let existed = matches!(name.old, Some(Stored::Holds(_)));
        changed
            && existed
            && watched.derived
            && read
                .is_some_and(|read| watched.old.as_ref().is_none_or(|old| is_same_body(old, &read)))
    }

    /// Names whose last reading has brought nothing and waits for nothing: storage is asked.
    pub(super) fn recheck_unread(&mut self, names: &[usize], now: Moment) {
        for name in names {
            let reads = |reference: &usize| self.references[*reference].closing;
            let is_read = self.names[*name].references.iter().any(reads);
            if !self.confirmed.contains(name) && !is_read {
                self.recheck(*name, now);
            }
        }
    }

    fn read_once_more(&mut self, index: usize, now: Moment) {
        self.references[index].closing = true;
        if !self.references[index].wanted {
            self.want_reference(index, now);
        }
    }

    /// Whether some read of the last reading has not come back.
    pub(super) fn reads_for_the_last_time(&self) -> bool {
        self.references.iter().any(|reference| reference.closing)
    }

    /// The end is off: reads that come back are like any other.
    pub(super) fn no_last_reading(&mut self) {
        self.references.iter_mut().for_each(|reference| reference.closing = false);
    }

    /// A read of the last reading came back. The same as before confirms; anything else is a doubt, and storage is
    /// asked; where delivery gives something else under the same storage, it had lagged, and copies are judged by what
    /// it gives now.
    fn take_last_reading(
        &mut self,
        index: usize,
        sent: Moment,
        usable: Option<&Answer>,
        now: Moment,
    ) {
        let reference = &mut self.references[index];
        reference.wanted = false;
        let name = reference.name;
        self.turns.touch(name);
        self.changed = true;
        let is_late = self.closing.is_none_or(|since| sent < since);
        let is_proof = self.proof_of(name) == Some(index);
        let Some(answer) = usable.filter(|_| !is_late) else {
            self.references[index].tries += 1;
            if is_proof {
                self.recheck(name, now);
            } else if self.may_answer(index) && self.closing.is_some() {
                self.read_once_more(index, now);
            }
            return;
        };
        let agrees = match &self.references[index].answer {
            Some(before) => is_same_answer(before, answer),
            None => self.names[name].is_borne_out_by(answer),
        };
        if agrees {
            (self.references[index].tries, self.references[index].answer) =
                (0, Some(answer.clone()));
            if is_proof {
                self.confirmed.insert(name);
            }
            return;
        }
        self.confirmed.remove(&name);
        self.recheck(name, now);
        let reference = &mut self.references[index];
        let is_compared = reference.derived || reference.variant != AcceptVariant::None;
        if is_compared && content_of(answer).is_some() {
            (reference.answer, reference.answers) = (Some(answer.clone()), 0);
            for url in &self.names[name].urls {
                if self.urls[*url].refs.contains(&Some(index)) && self.grid.is_open(*url) {
                    self.grid.close_url(*url, now);
                }
            }
        }
    }
}

/// Whether asking storage about an asset counts against the hourly quota: `explicit` serves uploads only.
const fn costs_admin_quota(key: &AssetKey) -> bool {
    use crate::domain::asset::DeliveryType::{Authenticated, Private, Upload};
    !matches!(key.delivery_type, Upload | Private | Authenticated)
}

/// Whether two uncached reads got the same: the same content, or the same refusal.
fn is_same_answer(before: &Answer, now: &Answer) -> bool {
    match (content_of(before), content_of(now)) {
        (Some(before), Some(now)) => is_same_body(&before, &now),
        (None, None) => before.status == now.status && before.error == now.error,
        _ => false,
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
