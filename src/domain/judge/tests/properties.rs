//! What holds whatever comes.

use super::*;

/// The verdict that each reason stands for.
const fn verdict_of(reason: &Reason) -> Verdict {
    match reason {
        Reason::NoAnswer { .. }
        | Reason::UnusableStatus { .. }
        | Reason::UnprovenRefusal { .. }
        | Reason::NegativeCache
        | Reason::NotComparable
        | Reason::NothingToCompare
        | Reason::PlacesDiffer => Verdict::Unknown,
        Reason::EarlierContent
        | Reason::StillServed
        | Reason::DiffersFromStorage
        | Reason::DiffersFromRead
        | Reason::DiffersFromTold
        | Reason::NotGone
        | Reason::OlderThanPurge { .. } => Verdict::Outdated,
        Reason::NotFound
        | Reason::Placeholder
        | Reason::SameRefusalAsReference { .. }
        | Reason::EqualsNew
        | Reason::EqualsRead
        | Reason::EqualsTold
        | Reason::YoungerThanChange { .. } => Verdict::Cleared,
        Reason::SameBytes => Verdict::Same,
        Reason::ExistsAgain | Reason::Unrecognised => Verdict::Other,
    }
}

fn words(of: &'static [&'static str]) -> BoxedStrategy<String> {
    prop::sample::select(of).prop_map(str::to_owned).boxed()
}

fn extreme() -> BoxedStrategy<u64> {
    prop_oneof![Just(0), Just(1), Just(u64::MAX), Just(i64::MAX as u64), 0_u64..100, any::<u64>()]
        .boxed()
}

fn any_content() -> BoxedStrategy<Content> {
    (
        proptest::option::of(words(&["old", "new", "x"])),
        proptest::option::of(words(&["h-old", "h-new", "h-x"])),
        proptest::option::of(prop_oneof![Just(1000_u64), Just(200_000), extreme()]),
        proptest::option::of(extreme()),
        proptest::option::of(words(&["a", "b"])),
    )
        .prop_map(|(etag, body_hash, bytes, version, last_modified)| Content {
            asset_id: None,
            version,
            etag,
            bytes,
            body_hash,
            last_modified,
        })
        .boxed()
}

/// Everything that decides a verdict beside the sighting, owned.
#[derive(Debug, Clone)]
struct World {
    old: Option<Content>,
    new: Option<Content>,
    earlier: Vec<Content>,
    reference: Option<Answer>,
    since_sent: Option<Duration>,
    since_changed: Option<Duration>,
    doubt: Duration,
    age: AgeTrust,
    derived: bool,
    only_watching: bool,
    body: Option<Body>,
}

impl World {
    fn facts(&self, expectation: Expectation) -> Facts<'_> {
        Facts {
            derived: self.derived,
            old: self.old.as_ref(),
            new: self.new.as_ref(),
            earlier: &self.earlier,
            since_sent: self.since_sent,
            since_changed: self.since_changed,
            age: self.age,
            known_age: None,
            doubt: self.doubt,
            reference: self.reference.as_ref(),
            body: self.body.as_ref(),
            only_watching: self.only_watching,
            ..facts(expectation)
        }
    }
}

fn any_trust() -> impl Strategy<Value = AgeTrust> {
    prop_oneof![Just(AgeTrust::Unproven), Just(AgeTrust::Believed), Just(AgeTrust::Disproved)]
}

fn any_world() -> BoxedStrategy<World> {
    use proptest::option::of;
    let time = || extreme().prop_map(Duration::from_secs);
    let body = (words(&["h-old", "h-new", "h-x"]), extreme())
        .prop_map(|(hash, length)| Body { hash, length });
    (
        (of(any_content()), of(any_content()), prop::collection::vec(any_content(), 0..4)),
        (of(any_answer()), of(time()), of(time()), time(), any_trust(), of(body)),
        any::<[bool; 2]>(),
    )
        .prop_map(|((old, new, earlier), rest, [derived, only_watching])| {
            let (reference, since_sent, since_changed, doubt, age, body) = rest;
            World {
                old,
                new,
                earlier,
                reference,
                since_sent,
                since_changed,
                doubt,
                age,
                derived,
                only_watching,
                body,
            }
        })
        .boxed()
}

fn any_answer() -> BoxedStrategy<Answer> {
    let etag = proptest::option::of((any::<bool>(), words(&["old", "new", "x"])))
        .prop_map(|etag| etag.map(|(weak, tag)| Etag { weak, tag }));
    let error = proptest::option::of(prop_oneof![Just(OURS.to_owned()), ".{0,40}"]);
    let hash = proptest::option::of(words(&["h-old", "h-new", "h-x"]));
    let length = proptest::option::of(prop_oneof![Just(1000_u64), extreme()]);
    let age = proptest::option::of(extreme());
    let created = proptest::option::of(prop_oneof![Just(i64::MAX), Just(i64::MIN), any::<i64>()]);
    let status = prop_oneof![Just(200_u16), Just(206), Just(404), 0_u16..=999];
    (status, etag, error, hash, length, (age, created))
        .prop_map(|(status, etag, error, body_hash, total_length, (age, created))| Answer {
            status,
            etag,
            total_length,
            age,
            error,
            body_hash,
            created,
            original_bytes: total_length,
            ..Answer::default()
        })
        .boxed()
}

proptest! {
    #[test]
    fn whatever_comes_is_judged_with_a_reason_for_its_verdict(
        seen in any_answer(),
        world in any_world(),
        which in 0_usize..4,
    ) {
        let facts = world.facts(ALL[which]);
        let seen = sighting(Ok(seen));
        let judged = judge(&seen, &facts);
        prop_assert_eq!(judged.verdict, verdict_of(&judged.reason));
        prop_assert!(!judged.reason.to_string().is_empty());
        let _ = wants_body(&seen, &facts);
    }

    #[test]
    fn without_an_answer_nothing_is_ever_clear(world in any_world(), which in 0_usize..4, why in ".{0,20}") {
        for failure in [
            ProbeFailure::Refused,
            ProbeFailure::TimedOut,
            ProbeFailure::Tls { detail: why.clone() },
            ProbeFailure::Broken { detail: why.clone() },
            ProbeFailure::WrongPeer { peer: why.clone() },
            ProbeFailure::NotAsked { detail: why.clone() },
            ProbeFailure::Vantage { detail: why.clone() },
        ] {
            let judged = judge(&sighting(Err(failure)), &world.facts(ALL[which]));
            prop_assert_eq!(judged.verdict, Verdict::Unknown);
        }
    }

    #[test]
    fn a_tag_of_earlier_content_never_clears(
        seen in any_answer(),
        world in any_world(),
        which in 0_usize..4,
    ) {
        let seen = Answer { status: 200, error: None, ..Answer { etag: Some(Etag { weak: false, tag: "old".into() }), ..seen } };
        let new_wears_it = world.new.as_ref().is_some_and(|new| new.etag.as_deref() == Some("old"));
        prop_assume!(!new_wears_it);
        let world = World { old: Some(tagged("old")), ..world };
        // where NEW has no tag at all only its body can tell, and what it tells is believed
        prop_assume!(world.new.as_ref().is_none_or(|new| new.etag.is_some()));
        let judged = judge(&sighting(Ok(seen)), &world.facts(ALL[which]));
        prop_assert!(!judged.verdict.is_clear(), "{:?}", judged);
    }

    #[test]
    fn an_older_copy_is_never_judged_better(
        ages in (extreme(), extreme()),
        world in any_world(),
    ) {
        let rank = |verdict| match verdict {
            Verdict::Cleared => 0,
            Verdict::Same => 1,
            _ => 2,
        };
        let content = tagged("same");
        let facts = Facts { old: Some(&content), new: Some(&content), earlier: &[], body: None, ..world.facts(Expectation::Refetched) };
        let of = |age: u64| rank(judge(&sighting(Ok(aged(age, served("same")))), &facts).verdict);
        let (younger, older) = (ages.0.min(ages.1), ages.0.max(ages.1));
        prop_assert!(of(younger) <= of(older));
        let unknown = judge(&sighting(Ok(served("same"))), &facts).verdict;
        prop_assert_eq!(unknown, Verdict::Same);
    }

    #[test]
    fn doubt_only_makes_less_certain(age in extreme(), world in any_world(), more in extreme()) {
        // storage is read after the call has left
        let world = World { since_changed: world.since_changed.min(world.since_sent), ..world };
        let content = tagged("same");
        let facts = Facts { old: Some(&content), new: Some(&content), earlier: &[], body: None, ..world.facts(Expectation::Refetched) };
        let doubtful = Facts { doubt: facts.doubt.saturating_add(Duration::from_secs(more)), ..facts };
        let seen = sighting(Ok(aged(age, served("same"))));
        let (sure, unsure) = (judge(&seen, &facts).verdict, judge(&seen, &doubtful).verdict);
        prop_assert!(unsure == sure || unsure == Verdict::Same, "{sure:?} became {unsure:?}");
    }

    #[test]
    fn only_proof_clears(seen in any_answer(), which in 0_usize..4, trust in 0_usize..3) {
        let (old, new) = (hashed(Some("old"), "h-old", 1000), hashed(Some("new"), "h-new", 1000));
        let expectation = ALL[which];
        let old = if expectation == Expectation::Refetched { &new } else { &old };
        let facts = Facts {
            old: Some(old),
            new: (expectation != Expectation::Gone).then_some(&new),
            age: [AgeTrust::Unproven, AgeTrust::Believed, AgeTrust::Disproved][trust],
            ..facts(expectation)
        };
        let judged = judge(&sighting(Ok(seen.clone())), &facts);
        if judged.verdict.is_clear() {
            if expectation == Expectation::Gone {
                prop_assert_eq!(seen.error.as_deref(), Some(OURS));
            } else {
                prop_assert!(matches!(seen.status, 200 | 206));
                let tag = seen.etag.as_ref().is_some_and(|etag| !etag.weak && etag.tag == "new");
                prop_assert!(tag || seen.body_hash.as_deref() == Some("h-new"));
            }
        }
    }

    #[test]
    fn cache_status_never_decides(seen in any_answer(), which in 0_usize..4, cache in 0_usize..3) {
        use crate::domain::sighting::CacheStatus;
        let (old, new) = (tagged("old"), tagged("new"));
        let facts = Facts { old: Some(&old), new: Some(&new), ..facts(ALL[which]) };
        let cache = [CacheStatus::Hit, CacheStatus::Miss, CacheStatus::HitStale][cache];
        let marked = Answer { cache, ..seen.clone() };
        prop_assert_eq!(
            judge(&sighting(Ok(seen)), &facts),
            judge(&sighting(Ok(marked)), &facts)
        );
    }
}
