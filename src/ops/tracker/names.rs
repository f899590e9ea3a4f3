//! One watched name on its way to a known truth: call, hold-back, readings of storage (design §2.3). Pure.

use std::time::Duration;

use super::truth::{Support, lags, same_stored, support};
use crate::domain::invalidation::{Verb, WatchedName};
use crate::domain::sighting::Answer;
use crate::domain::time::{Moment, Timestamp};
use crate::domain::verdict::{Content, Stored};

/// A point in the past that may lie before the process began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    anchor: Moment,
    /// How long before `anchor`.
    lead: Duration,
}

impl Since {
    #[must_use]
    pub const fn at(anchor: Moment) -> Self {
        Self { anchor, lead: Duration::ZERO }
    }

    /// The point that the wall clock called `at`; `None` when the wall clock has gone back behind it since.
    #[must_use]
    pub fn of_wall(at: Timestamp, now: Moment, wall: Timestamp) -> Option<Self> {
        let passed = wall.duration_since(at);
        if passed.as_secs() < -1 {
            return None;
        }
        Some(Self { anchor: now, lead: Duration::try_from(passed).unwrap_or_default() })
    }

    /// Time from here to `now`.
    #[must_use]
    pub fn elapsed(self, now: Moment) -> Duration {
        now.since(self.anchor) + self.lead
    }
}

/// Where a name is on its way.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// Its call has no answer yet.
    Executing,
    HoldingBack {
        until: Moment,
    },
    Reading(Box<Reading>),
    Known,
    /// No call was accepted for it, or a newer operation took it over.
    Dropped,
}

/// A reading of storage under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    pub since: Moment,
    /// Readings that did not show the change.
    pub tries: u32,
    due: Moment,
    /// What storage is said to hold: by the call's own answer, or by itself.
    claim: Option<Stored>,
    /// The claim is storage's own word, given just now.
    stat_agrees: bool,
    /// An uncached read of the name's URL: not made yet, not possible, or its answer.
    evidence: Evidence,
    asked: Option<Need>,
    /// Start of the latest request.
    last_asked: Moment,
}

#[derive(Debug, Clone, PartialEq)]
enum Evidence {
    Missing,
    Impossible,
    Seen(Box<Answer>),
}

/// What a name needs to be asked next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The API.
    Stat,
    /// A reference read of its URL.
    Reference,
}

/// What came of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Learnt {
    /// More is to be asked.
    Nothing,
    /// Not changed yet; read again later.
    NotYet,
    /// Storage is known.
    Known,
}

/// Storage lags no longer than this.
const LAG: Duration = Duration::from_secs(60);
/// Waits between readings that do not show the change, in seconds.
const AGAIN: [u64; 4] = [1, 2, 5, 10];

/// A watched name and what is known of it.
#[derive(Debug, Clone)]
pub struct Name {
    pub watched: WatchedName,
    pub stage: Stage,
    /// What the call's own answer says that storage holds.
    pub told: Option<Stored>,
    /// When the call left (S).
    pub sent: Option<Since>,
    /// When storage was first read as it is now (N).
    pub changed: Option<Since>,
    /// Contents the journal knows; `None` until asked.
    pub earlier: Option<Vec<Content>>,
    /// Why storage could not be read, if so; cleaned.
    pub trouble: Option<String>,
    /// Whether some URL of it serves the original, so that tags can be compared.
    pub reference_is_derived: bool,
    pub has_reference: bool,
    /// The reference whose uncached read bears out what storage says of it, by position.
    pub proof: Option<usize>,
    /// Its URLs, by position.
    pub urls: Vec<usize>,
    /// What is read past the caches for them, by position.
    pub references: Vec<usize>,
    verb: Verb,
}

impl Name {
    #[must_use]
    pub const fn new(watched: WatchedName, verb: Verb) -> Self {
        Self {
            watched,
            stage: Stage::Executing,
            told: None,
            sent: None,
            changed: None,
            earlier: None,
            trouble: None,
            reference_is_derived: false,
            has_reference: false,
            proof: None,
            urls: Vec::new(),
            references: Vec::new(),
            verb,
        }
    }

    /// The call was accepted: no probe before `until`.
    pub fn hold_back(&mut self, until: Moment) {
        self.stage = Stage::HoldingBack { until };
    }

    #[must_use]
    pub fn is_known(&self) -> bool {
        self.stage == Stage::Known
    }

    #[must_use]
    pub fn is_dropped(&self) -> bool {
        self.stage == Stage::Dropped
    }

    /// Ends the hold-back when its time is over.
    pub fn tick(&mut self, now: Moment) {
        if let Stage::HoldingBack { until } = self.stage
            && until <= now
        {
            self.read(now);
        }
    }

    /// Storage is to be read (again) from scratch.
    pub fn read(&mut self, now: Moment) {
        self.stage = Stage::Reading(Box::new(Reading {
            since: now,
            tries: 0,
            due: now,
            claim: self.told.clone(),
            stat_agrees: false,
            evidence: self.no_evidence(),
            asked: None,
            last_asked: now,
        }));
    }

    fn no_evidence(&self) -> Evidence {
        if self.has_reference { Evidence::Missing } else { Evidence::Impossible }
    }

    /// What is to be asked, and when; `None` while an answer is awaited or nothing is to be asked.
    #[must_use]
    pub fn need(&self) -> Option<(Need, Moment)> {
        let Stage::Reading(reading) = &self.stage else { return None };
        if reading.asked.is_some() {
            return None;
        }
        let need = match (&reading.claim, &reading.evidence) {
            (Some(_), Evidence::Missing) => Need::Reference,
            _ => Need::Stat,
        };
        Some((need, reading.due))
    }

    /// A request for it leaves now.
    pub fn asked(&mut self, need: Need, now: Moment) {
        if let Stage::Reading(reading) = &mut self.stage {
            (reading.asked, reading.last_asked) = (Some(need), now);
        }
    }

    /// The request ended without an answer that says anything: asked again at once, elsewhere.
    pub fn not_answered(&mut self, need: Need) {
        if let Stage::Reading(reading) = &mut self.stage
            && reading.asked == Some(need)
        {
            reading.asked = None;
        }
    }

    /// Storage answered.
    pub fn take_stat(&mut self, now_holds: Stored, now: Moment) -> Learnt {
        let (verb, told) = (self.verb, self.told.clone());
        self.trouble = None;
        let lags = lags(verb, &self.watched, told.as_ref(), &now_holds);
        let Stage::Reading(reading) = &mut self.stage else { return Learnt::Nothing };
        // a name that stays empty is: somebody deleted what had come. What was there before says nothing, however long
        let settled = now_holds == Stored::Empty && now.since(reading.since) >= LAG;
        if lags && !settled {
            return self.not_yet(now);
        }
        if reading.asked != Some(Need::Stat) {
            return Learnt::Nothing;
        }
        (reading.asked, reading.stat_agrees) = (None, true);
        reading.claim = Some(now_holds);
        self.decide(now)
    }

    /// Storage did not answer.
    pub fn take_trouble(&mut self, why: String, now: Moment) -> Learnt {
        self.trouble = Some(why);
        self.not_yet(now)
    }

    /// The uncached read answered.
    pub fn take_evidence(&mut self, answer: &Answer, now: Moment) -> Learnt {
        let Stage::Reading(reading) = &mut self.stage else { return Learnt::Nothing };
        if reading.asked != Some(Need::Reference) {
            return Learnt::Nothing;
        }
        (reading.asked, reading.evidence) = (None, Evidence::Seen(Box::new(answer.clone())));
        self.decide(now)
    }

    /// Whether an uncached read shows what storage is known to hold.
    #[must_use]
    pub fn is_borne_out_by(&self, answer: &Answer) -> bool {
        let old = self.watched.old.as_ref();
        self.watched.new.as_ref().is_some_and(|new| support(answer, new, old) == Support::Yes)
    }

    /// No place can make the uncached read: storage's own word must do.
    pub fn no_place_answers(&mut self, now: Moment) -> Learnt {
        let Stage::Reading(reading) = &mut self.stage else { return Learnt::Nothing };
        (reading.asked, reading.evidence) = (None, Evidence::Impossible);
        self.decide(now)
    }

    fn decide(&mut self, now: Moment) -> Learnt {
        let old = self.watched.old.clone();
        let Stage::Reading(reading) = &mut self.stage else { return Learnt::Nothing };
        let Some(claim) = &reading.claim else { return Learnt::Nothing };
        let supported = match &reading.evidence {
            Evidence::Missing => return Learnt::Nothing,
            Evidence::Impossible => Support::Unclear,
            Evidence::Seen(answer) => support(answer, claim, old.as_ref()),
        };
        match (supported, reading.stat_agrees) {
            (Support::Yes, _) | (Support::Unclear, true) => {
                let (claim, asked) = (claim.clone(), reading.last_asked);
                self.known(claim, asked)
            }
            (_, false) => Learnt::Nothing, // storage is asked next
            (Support::No, true) => self.not_yet(now),
        }
    }

    fn known(&mut self, holds: Stored, asked: Moment) -> Learnt {
        let as_before = self.watched.new.as_ref().is_some_and(|new| same_stored(new, &holds));
        if !as_before || self.changed.is_none() {
            self.changed = Some(Since::at(asked));
        }
        self.watched.new = Some(holds);
        self.trouble = None;
        self.stage = Stage::Known;
        Learnt::Known
    }

    fn not_yet(&mut self, now: Moment) -> Learnt {
        let evidence = self.no_evidence();
        let told = self.told.clone();
        let Stage::Reading(reading) = &mut self.stage else { return Learnt::Nothing };
        let wait = AGAIN[(reading.tries as usize).min(AGAIN.len() - 1)];
        reading.tries += 1;
        reading.due = now + Duration::from_secs(wait);
        (reading.asked, reading.stat_agrees) = (None, false);
        (reading.claim, reading.evidence) = (told, evidence);
        Learnt::NotYet
    }

    /// Storage holds something else than it was known to: the former truth becomes earlier content.
    pub fn moved(&mut self, holds: Stored, asked: Moment) {
        if let Some(Stored::Holds(before)) = self.watched.new.take() {
            self.earlier.get_or_insert_default().insert(0, before);
        }
        self.told = None;
        self.known(holds, asked);
    }

    /// How long it has been read without showing the change.
    #[must_use]
    pub fn unchanged_for(&self, now: Moment) -> Option<Duration> {
        match &self.stage {
            Stage::Reading(reading) if reading.tries > 0 => Some(now.since(reading.since)),
            _ => None,
        }
    }

    /// Version to read references under: of what storage holds, or held.
    #[must_use]
    pub fn version(&self) -> u64 {
        let of = |stored: &Stored| match stored {
            Stored::Holds(content) => content.version,
            Stored::Empty => None,
        };
        let claim = match &self.stage {
            Stage::Reading(reading) => reading.claim.as_ref(),
            _ => None,
        };
        let candidates = [claim, self.watched.new.as_ref(), self.watched.old.as_ref()];
        candidates.into_iter().flatten().find_map(of).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::ItemId;
    use crate::domain::sighting::Etag;

    fn at(secs: u64) -> Moment {
        Moment::from_origin(Duration::from_secs(secs))
    }

    fn holds(version: u64, tag: &str) -> Stored {
        Stored::Holds(Content {
            asset_id: Some("a".into()),
            version: Some(version),
            etag: Some(tag.into()),
            ..Content::default()
        })
    }

    fn name(verb: Verb, told: Option<Stored>) -> Name {
        let watched = WatchedName {
            item: ItemId::new(),
            key: crate::ops::testing::image("press/hero"),
            must_live: false,
            old: Some(holds(1, "old")),
            new: None,
            changed_at: None,
            superseded: false,
        };
        Name { told, has_reference: true, ..Name::new(watched, verb) }
    }

    fn refused() -> Answer {
        Answer { status: 404, ..Answer::default() }
    }

    fn served(tag: &str) -> Answer {
        let etag = Some(Etag { weak: false, tag: tag.into() });
        Answer { status: 200, etag, ..Answer::default() }
    }

    #[test]
    fn the_calls_own_answer_and_one_reference_read_are_proof() {
        let mut name = name(Verb::Delete, Some(Stored::Empty));
        name.hold_back(at(5));
        name.tick(at(4));
        assert_eq!(name.need(), None, "nothing is asked while holding back");
        name.tick(at(5));
        assert_eq!(name.need(), Some((Need::Reference, at(5))));
        name.asked(Need::Reference, at(5));
        assert_eq!(name.need(), None);
        assert_eq!(name.take_evidence(&refused(), at(6)), Learnt::Known);
        assert_eq!(name.watched.new, Some(Stored::Empty));
        assert_eq!(name.changed.unwrap().elapsed(at(8)), Duration::from_secs(3), "from the asking");
    }

    #[test]
    fn delivery_that_lags_is_read_again_at_growing_distances() {
        let mut name = name(Verb::Replace, Some(holds(2, "new")));
        name.read(at(0));
        let mut now = 0;
        for wait in [1, 2, 5, 10, 10] {
            name.asked(Need::Reference, at(now));
            assert_eq!(name.take_evidence(&served("old"), at(now)), Learnt::Nothing);
            assert_eq!(name.need(), Some((Need::Stat, at(now))), "storage is asked on doubt");
            name.asked(Need::Stat, at(now));
            assert_eq!(name.take_stat(holds(2, "new"), at(now)), Learnt::NotYet);
            now += wait;
            assert_eq!(name.need(), Some((Need::Reference, at(now))));
        }
        assert_eq!(name.unchanged_for(at(now)), Some(Duration::from_secs(28)));
        name.asked(Need::Reference, at(now));
        assert_eq!(name.take_evidence(&served("new"), at(now)), Learnt::Known);
    }

    #[test]
    fn a_name_that_stays_empty_is_empty_however_it_was_told() {
        let mut name = name(Verb::Replace, Some(holds(2, "new")));
        name.watched.old = None;
        name.read(at(0));
        for now in [0, 1, 3, 8, 60] {
            name.asked(Need::Reference, at(now));
            assert_eq!(name.take_evidence(&refused(), at(now)), Learnt::Nothing, "not as told");
            name.asked(Need::Stat, at(now));
            let learnt = name.take_stat(Stored::Empty, at(now));
            let expected = if now < 60 { Learnt::NotYet } else { Learnt::Known };
            assert_eq!(learnt, expected, "at {now} s");
        }
        assert_eq!(name.watched.new, Some(Stored::Empty));
    }

    #[test]
    fn storage_that_lags_is_read_again() {
        let mut name = name(Verb::Delete, None);
        name.read(at(0));
        assert_eq!(name.need(), Some((Need::Stat, at(0))), "nobody told: ask");
        name.asked(Need::Stat, at(0));
        assert_eq!(name.take_stat(holds(1, "old"), at(0)), Learnt::NotYet);
        name.asked(Need::Stat, at(1));
        assert_eq!(name.take_stat(Stored::Empty, at(1)), Learnt::Nothing);
        assert_eq!(name.need(), Some((Need::Reference, at(1))));
        name.asked(Need::Reference, at(1));
        assert_eq!(name.take_evidence(&refused(), at(1)), Learnt::Known);
    }

    #[test]
    fn without_any_place_storages_word_must_do() {
        let mut name = name(Verb::Delete, Some(Stored::Empty));
        name.read(at(0));
        name.asked(Need::Reference, at(0));
        assert_eq!(name.no_place_answers(at(1)), Learnt::Nothing);
        assert_eq!(name.need().unwrap().0, Need::Stat);
        name.asked(Need::Stat, at(1));
        assert_eq!(name.take_stat(Stored::Empty, at(1)), Learnt::Known);
    }

    #[test]
    fn an_unclear_read_leaves_it_to_storage() {
        let mut name = name(Verb::Delete, Some(Stored::Empty));
        name.read(at(0));
        name.asked(Need::Reference, at(0));
        let private = Answer { status: 401, ..Answer::default() };
        assert_eq!(name.take_evidence(&private, at(0)), Learnt::Nothing);
        name.asked(Need::Stat, at(0));
        assert_eq!(name.take_stat(Stored::Empty, at(0)), Learnt::Known);
    }

    #[test]
    fn a_dead_api_is_asked_again_and_said() {
        let mut name = name(Verb::Delete, None);
        name.read(at(0));
        name.asked(Need::Stat, at(0));
        assert_eq!(name.take_trouble("no answer".into(), at(0)), Learnt::NotYet);
        assert_eq!(name.trouble.as_deref(), Some("no answer"));
        assert_eq!(name.need(), Some((Need::Stat, at(1))));
    }

    #[test]
    fn what_was_uploaded_again_after_a_delete_is_the_truth() {
        let mut name = name(Verb::Delete, Some(Stored::Empty));
        name.read(at(0));
        name.asked(Need::Reference, at(0));
        assert_eq!(name.take_evidence(&served("again"), at(0)), Learnt::Nothing);
        name.asked(Need::Stat, at(0));
        assert_eq!(name.take_stat(holds(3, "again"), at(0)), Learnt::Known);
        assert_eq!(name.watched.new, Some(holds(3, "again")));
    }

    #[test]
    fn a_truth_that_moves_leaves_an_earlier_content_behind() {
        let mut name = name(Verb::Replace, Some(holds(2, "new")));
        name.read(at(0));
        name.asked(Need::Reference, at(0));
        name.take_evidence(&served("new"), at(0));
        name.moved(holds(3, "newer"), at(50));
        assert_eq!(name.earlier.as_ref().unwrap()[0].etag.as_deref(), Some("new"));
        assert_eq!(name.changed.unwrap().elapsed(at(51)), Duration::from_secs(1));
        assert!(name.is_known());
    }

    #[test]
    fn moments_before_the_process_began_are_counted_by_the_wall() {
        let wall = Timestamp::from_second(1_000_000).unwrap();
        let since =
            |at_second| Since::of_wall(Timestamp::from_second(at_second).unwrap(), at(3), wall);
        assert_eq!(since(999_900).unwrap().elapsed(at(5)), Duration::from_secs(102));
        assert_eq!(since(1_000_100), None, "the wall clock went back");
    }
}
