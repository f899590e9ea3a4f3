//! Truths of a watch: what storage holds of each name, asked for, taken in, moved.

use super::super::names::{Learnt, Need, Since, Stage};
use super::super::truth::{is_as_before, same_stored};
use super::{Recheck, Watch};
use crate::domain::asset::AssetKey;
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
pub(super) const LAG: Duration = Duration::from_secs(60);
/// A name that waits for a read past the caches, or for its URLs to be opened, is looked at again so often whatever
/// happens to it.
const LOOKED_AGAIN: Duration = Duration::from_secs(1);
pub(super) fn again(tries: u32) -> Duration {
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
    pub(super) fn want_evidence(&mut self, index: usize, now: Moment, wall: Timestamp) {
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

    pub(super) fn name_learnt(
        &mut self,
        index: usize,
        learnt: &Learnt,
        now: Moment,
        wall: Timestamp,
    ) {
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
