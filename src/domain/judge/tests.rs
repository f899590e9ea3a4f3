//! Every rule of design §2.2 and every class of status, as tables.

use std::time::Duration;

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::domain::sighting::{AcceptVariant, Etag, ProbeFailure, ProbeShape};
use crate::domain::time::{Moment, Timestamp};

const ID: &str = "press/2026/hero";
const OURS: &str = "Resource not found - press/2026/hero";

fn tagged(tag: &str) -> Content {
    Content { etag: Some(tag.into()), bytes: Some(1000), ..Content::default() }
}

fn hashed(tag: Option<&str>, hash: &str, bytes: u64) -> Content {
    Content {
        etag: tag.map(str::to_owned),
        bytes: Some(bytes),
        body_hash: Some(hash.into()),
        ..Content::default()
    }
}

fn facts(expectation: Expectation) -> Facts<'static> {
    Facts {
        expectation,
        public_id: ID,
        derived: false,
        old: None,
        new: None,
        earlier: &[],
        since_sent: Some(Duration::from_secs(38)),
        since_changed: Some(Duration::from_secs(36)),
        age: AgeTrust::Unproven,
        doubt: Duration::ZERO,
        reference: None,
        exists_again: false,
        body: None,
        only_watching: false,
    }
}

fn answer(status: u16) -> Answer {
    Answer { status, total_length: Some(1000), ..Answer::default() }
}

fn served(tag: &str) -> Answer {
    Answer { etag: Some(Etag { weak: false, tag: tag.into() }), ..answer(206) }
}

fn weakly(tag: &str) -> Answer {
    Answer { etag: Some(Etag { weak: true, tag: tag.into() }), ..answer(206) }
}

fn refused(status: u16, error: Option<&str>) -> Answer {
    Answer { status, error: error.map(str::to_owned), ..Answer::default() }
}

fn aged(age: u64, answer: Answer) -> Answer {
    Answer { age: Some(age), ..answer }
}

fn sighting(result: Result<Answer, ProbeFailure>) -> Sighting {
    Sighting {
        variant: AcceptVariant::None,
        shape: ProbeShape::OneByte,
        sent: Moment::default(),
        received: Moment::default(),
        at: Timestamp::UNIX_EPOCH,
        result,
    }
}

/// Verdict and word of the reason.
fn verdict(answer: Answer, facts: &Facts<'_>) -> (Verdict, &'static str) {
    let judged = judge(&sighting(Ok(answer)), facts);
    (judged.verdict, judged.reason.word())
}

const ALL: [Expectation; 4] =
    [Expectation::Gone, Expectation::New, Expectation::Refetched, Expectation::Live];

// Rule 1: no usable answer.

#[rstest]
#[case(ProbeFailure::Refused)]
#[case(ProbeFailure::TimedOut)]
#[case(ProbeFailure::Tls { detail: "bad certificate".into() })]
#[case(ProbeFailure::Broken { detail: "reset".into() })]
#[case(ProbeFailure::WrongPeer { peer: "192.0.2.9:443".into() })]
fn a_failed_probe_says_nothing(#[case] failure: ProbeFailure) {
    for expectation in ALL {
        let judged = judge(&sighting(Err(failure.clone())), &facts(expectation));
        assert_eq!(judged.verdict, Verdict::Unknown);
        assert_eq!(judged.reason, Reason::NoAnswer { detail: failure.to_string() });
    }
}

#[test]
fn statuses_about_the_moment_say_nothing_whatever_their_headers() {
    let (old, new, gone) = (tagged("old"), tagged("new"), refused(404, Some(OURS)));
    let statuses = [100, 201, 204, 207, 300, 301, 302, 303, 304, 307, 308, 408, 416, 418, 420, 421]
        .into_iter()
        .chain([423, 425, 426, 428, 429, 431, 500, 501, 502, 503, 504, 520, 522, 599, 600, 999]);
    for status in statuses {
        for expectation in ALL {
            let facts = Facts {
                old: Some(&old),
                new: (expectation != Expectation::Gone).then_some(&new),
                reference: Some(&gone),
                ..facts(expectation)
            };
            for tag in ["old", "new"] {
                let seen = Answer { status, error: Some(OURS.into()), ..served(tag) };
                assert_eq!(
                    verdict(seen, &facts),
                    (Verdict::Unknown, "unusable_status"),
                    "{status} {expectation:?}"
                );
            }
        }
    }
}

// Rule 2: known earlier content, before anything else.

#[rstest]
#[case(Expectation::Gone, false)]
#[case(Expectation::Gone, true)]
#[case(Expectation::New, false)]
#[case(Expectation::Live, false)]
#[case(Expectation::Refetched, false)]
fn earlier_content_is_outdated_whatever_the_headers(
    #[case] expectation: Expectation,
    #[case] exists_again: bool,
) {
    let (new, earlier) = (tagged("new"), [tagged("first"), tagged("second")]);
    let facts = Facts {
        new: (expectation != Expectation::Gone).then_some(&new),
        earlier: &earlier,
        age: AgeTrust::Believed,
        exists_again,
        ..facts(expectation)
    };
    for status in [200, 206] {
        let seen = Answer { status, error: Some(OURS.into()), ..aged(0, served("second")) };
        assert_eq!(verdict(seen, &facts), (Verdict::Outdated, "earlier_content"));
    }
}

#[test]
fn content_that_came_back_is_new_and_not_earlier() {
    let (old, new, earlier) = (tagged("b"), tagged("a"), [tagged("b"), tagged("a")]);
    let facts =
        Facts { old: Some(&old), new: Some(&new), earlier: &earlier, ..facts(Expectation::New) };
    assert_eq!(verdict(served("a"), &facts), (Verdict::Cleared, "equals_new"));
    assert_eq!(verdict(served("b"), &facts), (Verdict::Outdated, "earlier_content"));
}

// Rule 3: gone.

#[rstest]
#[case::in_the_clouds_words(404, Some(OURS), Verdict::Cleared, "not_found")]
#[case::gone_for_good(410, Some(OURS), Verdict::Cleared, "not_found")]
#[case::spelt_otherwise(
    404,
    Some("resource not found -  press/2026/hero "),
    Verdict::Cleared,
    "not_found"
)]
#[case::escaped(
    404,
    Some("Resource not found - press%2F2026%2Fhero"),
    Verdict::Cleared,
    "not_found"
)]
#[case::of_another_asset(
    404,
    Some("Resource not found - press/2026/logo"),
    Verdict::Unknown,
    "unproven_refusal"
)]
#[case::of_a_longer_name(
    404,
    Some("Resource not found - press/2026/hero2"),
    Verdict::Unknown,
    "unproven_refusal"
)]
#[case::of_no_asset(404, Some("Resource not found"), Verdict::Unknown, "unproven_refusal")]
#[case::without_a_word(404, None, Verdict::Unknown, "unproven_refusal")]
#[case::gone_without_a_word(410, None, Verdict::Unknown, "unproven_refusal")]
#[case::bad_transformation(
    400,
    Some("Invalid width in transformation: abc"),
    Verdict::Unknown,
    "unproven_refusal"
)]
#[case::unauthorised(401, Some("deny or ACL failure"), Verdict::Unknown, "unproven_refusal")]
#[case::our_words_with_another_status(403, Some(OURS), Verdict::Unknown, "unproven_refusal")]
fn a_refusal_clears_only_with_proof(
    #[case] status: u16,
    #[case] error: Option<&str>,
    #[case] expected: Verdict,
    #[case] word: &str,
) {
    let seen = refused(status, error);
    assert_eq!(verdict(seen, &facts(Expectation::Gone)), (expected, word));
}

#[rstest]
#[case::the_same(404, None, 404, None, true)]
#[case::the_same_words(401, Some("deny or ACL failure"), 401, Some("deny or ACL failure"), true)]
#[case::other_words(401, Some("deny or ACL failure"), 401, None, false)]
#[case::other_status(404, None, 403, None, false)]
#[case::reference_still_delivers(404, None, 200, None, false)]
fn the_reference_read_can_prove_a_refusal(
    #[case] status: u16,
    #[case] error: Option<&str>,
    #[case] reference: u16,
    #[case] reference_error: Option<&str>,
    #[case] proven: bool,
) {
    let reference = refused(reference, reference_error);
    let facts = Facts { reference: Some(&reference), ..facts(Expectation::Gone) };
    let expected = if proven {
        (Verdict::Cleared, "same_refusal_as_reference")
    } else {
        (Verdict::Unknown, "unproven_refusal")
    };
    assert_eq!(verdict(refused(status, error), &facts), expected);
}

#[rstest]
#[case::ours(Some(OURS), false, Verdict::Cleared, "placeholder")]
#[case::ours_although_it_exists(Some(OURS), true, Verdict::Cleared, "placeholder")]
#[case::of_another(Some("Resource not found - logo"), false, Verdict::Outdated, "still_served")]
#[case::a_copy(None, false, Verdict::Outdated, "still_served")]
#[case::a_copy_of_what_came_back(None, true, Verdict::Other, "exists_again")]
fn something_served_where_storage_is_empty(
    #[case] error: Option<&str>,
    #[case] exists_again: bool,
    #[case] expected: Verdict,
    #[case] word: &str,
) {
    for status in [200, 206] {
        let seen = Answer { status, error: error.map(str::to_owned), ..served("whatever") };
        let facts = Facts { exists_again, ..facts(Expectation::Gone) };
        assert_eq!(verdict(seen, &facts), (expected, word), "{status}");
    }
}

// Rule 4: new content, and a name that must live.

#[rstest]
#[case::new(served("new"), Verdict::Cleared, "equals_new")]
#[case::new_from_an_old_cache(aged(9999, served("new")), Verdict::Cleared, "equals_new")]
#[case::old(served("old"), Verdict::Outdated, "earlier_content")]
#[case::neither(served("third"), Verdict::Other, "unrecognised")]
#[case::cached_404(refused(404, Some(OURS)), Verdict::Unknown, "negative_cache")]
#[case::cached_404_without_a_word(refused(404, None), Verdict::Unknown, "negative_cache")]
#[case::cached_410(refused(410, None), Verdict::Unknown, "negative_cache")]
#[case::cached_placeholder(Answer { error: Some(OURS.into()), ..served("placeholder") }, Verdict::Unknown, "negative_cache")]
#[case::refused(refused(403, None), Verdict::Unknown, "unusable_status")]
#[case::no_tag(answer(206), Verdict::Unknown, "not_comparable")]
#[case::another_length_cannot_be_new(Answer { total_length: Some(999), ..answer(206) }, Verdict::Other, "unrecognised")]
#[case::weak_tag_is_no_proof(weakly("new"), Verdict::Unknown, "not_comparable")]
#[case::tag_of_new_with_another_length(Answer { total_length: Some(999), ..served("new") }, Verdict::Unknown, "not_comparable")]
fn changed_content(#[case] seen: Answer, #[case] expected: Verdict, #[case] word: &str) {
    let (old, new) = (tagged("old"), tagged("new"));
    for expectation in [Expectation::New, Expectation::Live] {
        for status in [200, 206] {
            let seen = match seen.status {
                206 => Answer { status, ..seen.clone() },
                _ => seen.clone(),
            };
            let facts = Facts { old: Some(&old), new: Some(&new), ..facts(expectation) };
            assert_eq!(verdict(seen, &facts), (expected, word), "{expectation:?} {status}");
        }
    }
}

#[test]
fn before_new_is_known_nothing_is_cleared() {
    let old = tagged("old");
    for expectation in [Expectation::New, Expectation::Live, Expectation::Refetched] {
        let facts = Facts { old: None, new: None, ..facts(expectation) };
        assert_eq!(verdict(served("x"), &facts), (Verdict::Unknown, "not_comparable"));
        let facts = Facts { old: Some(&old), ..facts };
        assert_eq!(verdict(served("old"), &facts), (Verdict::Outdated, "earlier_content"));
    }
}

const UPLOADED: u64 = 1_700_000_100;

#[rstest]
#[case::made_before_the_upload(Some(1_700_000_000), None, Verdict::Outdated)]
#[case::made_after_the_upload(Some(1_700_000_200), None, Verdict::Other)]
#[case::within_the_band(Some(1_700_000_098), None, Verdict::Other)]
#[case::from_another_original(None, Some(4000), Verdict::Outdated)]
#[case::from_an_original_of_that_size(None, Some(5000), Verdict::Other)]
#[case::nothing_told(None, None, Verdict::Other)]
fn server_clocks_stand_in_for_a_missing_old(
    #[case] created: Option<i64>,
    #[case] original_bytes: Option<u64>,
    #[case] expected: Verdict,
) {
    let new = Content { version: Some(UPLOADED), ..tagged("new") };
    let reference = Answer {
        original_bytes: Some(5000),
        created: Some(UPLOADED.cast_signed() + 3),
        ..served("new")
    };
    let seen = Answer { created, original_bytes, ..served("unheard") };
    let known = Facts {
        derived: true,
        new: Some(&new),
        reference: Some(&reference),
        ..facts(Expectation::New)
    };
    assert_eq!(verdict(seen.clone(), &known).0, expected);
    let original = Facts { derived: false, ..known };
    assert_eq!(verdict(seen.clone(), &original).0, Verdict::Other, "only for derived copies");
    let old = tagged("old");
    let with_old = Facts { old: Some(&old), ..known };
    assert_eq!(verdict(seen, &with_old).0, Verdict::Other, "only where OLD is missing");
}

#[rstest]
#[case::made_after_the_upload(200, Some(1_700_000_103), Verdict::Outdated)]
#[case::made_at_the_upload(200, Some(1_700_000_098), Verdict::Outdated)]
#[case::made_before_what_it_is_made_of(200, Some(1_700_000_050), Verdict::Other)]
#[case::not_told(200, None, Verdict::Other)]
#[case::no_copy(404, Some(1_700_000_103), Verdict::Other)]
fn the_age_of_a_copy_counts_only_after_a_new_one_bore_it_out(
    #[case] status: u16,
    #[case] created: Option<i64>,
    #[case] expected: Verdict,
) {
    let new = Content { version: Some(UPLOADED), ..tagged("new") };
    let reference = Answer { status, created, ..served("new") };
    let known = Facts { derived: true, new: Some(&new), ..facts(Expectation::New) };
    let seen = Answer { created: Some(1_600_000_000), ..served("unheard") };
    assert_eq!(verdict(seen.clone(), &known).0, Verdict::Other, "nothing to calibrate by");
    let calibrated = Facts { reference: Some(&reference), ..known };
    assert_eq!(verdict(seen, &calibrated).0, expected);
}

// Rule 5: refetched. S = 38 s, N = 36 s.

#[rstest]
#[case::older(Some(412), AgeTrust::Believed, Verdict::Outdated, "older_than_purge")]
#[case::just_older(Some(41), AgeTrust::Believed, Verdict::Outdated, "older_than_purge")]
#[case::in_the_upper_band(Some(40), AgeTrust::Believed, Verdict::Same, "same_bytes")]
#[case::in_the_lower_band(Some(34), AgeTrust::Believed, Verdict::Same, "same_bytes")]
#[case::just_younger(Some(33), AgeTrust::Believed, Verdict::Cleared, "younger_than_change")]
#[case::fresh(Some(0), AgeTrust::Believed, Verdict::Cleared, "younger_than_change")]
#[case::no_age(None, AgeTrust::Believed, Verdict::Same, "same_bytes")]
#[case::fresh_but_unproven(Some(0), AgeTrust::Unproven, Verdict::Same, "same_bytes")]
#[case::older_and_unproven_is_held_back(
    Some(412),
    AgeTrust::Unproven,
    Verdict::Outdated,
    "older_than_purge"
)]
#[case::older_by_a_broken_clock(Some(412), AgeTrust::Disproved, Verdict::Same, "same_bytes")]
#[case::fresh_by_a_broken_clock(Some(0), AgeTrust::Disproved, Verdict::Same, "same_bytes")]
fn the_same_bytes_go_by_age(
    #[case] age: Option<u64>,
    #[case] trust: AgeTrust,
    #[case] expected: Verdict,
    #[case] word: &str,
) {
    let content = tagged("same");
    let facts = Facts {
        old: Some(&content),
        new: Some(&content),
        age: trust,
        ..facts(Expectation::Refetched)
    };
    assert_eq!(verdict(Answer { age, ..served("same") }, &facts), (expected, word));
}

#[test]
fn the_reason_names_both_times() {
    let content = tagged("same");
    let facts = Facts { new: Some(&content), ..facts(Expectation::Refetched) };
    let judged = judge(&sighting(Ok(aged(412, served("same")))), &facts);
    assert_eq!(judged.reason.to_string(), "Age 412 s, purge sent 38 s ago: this copy is older");
}

#[rstest]
#[case(44, Verdict::Outdated)]
#[case(43, Verdict::Same)]
#[case(31, Verdict::Same)]
#[case(30, Verdict::Cleared)]
fn doubt_widens_the_band(#[case] age: u64, #[case] expected: Verdict) {
    let content = tagged("same");
    let facts = Facts {
        new: Some(&content),
        age: AgeTrust::Believed,
        doubt: Duration::from_secs(5),
        ..facts(Expectation::Refetched)
    };
    assert_eq!(verdict(aged(age, served("same")), &facts).0, expected);
}

#[rstest]
#[case::never_heard_of(served("third"), false, Verdict::Other, "unrecognised")]
#[case::never_heard_of_and_old(
    aged(412, served("third")),
    false,
    Verdict::Outdated,
    "older_than_purge"
)]
#[case::never_heard_of_when_only_watching(
    served("third"),
    true,
    Verdict::Outdated,
    "differs_from_storage"
)]
#[case::equal_when_only_watching(served("same"), true, Verdict::Same, "same_bytes")]
#[case::cached_404(refused(404, Some(OURS)), false, Verdict::Unknown, "negative_cache")]
#[case::refused(refused(401, None), false, Verdict::Unknown, "unusable_status")]
fn other_bytes_where_nothing_changed(
    #[case] seen: Answer,
    #[case] only_watching: bool,
    #[case] expected: Verdict,
    #[case] word: &str,
) {
    let content = tagged("same");
    let facts = Facts {
        old: (!only_watching).then_some(&content),
        new: Some(&content),
        since_sent: (!only_watching).then_some(Duration::from_secs(38)),
        only_watching,
        ..facts(Expectation::Refetched)
    };
    assert_eq!(verdict(seen, &facts), (expected, word));
}

// Rule 6: not comparable.

#[rstest]
#[case::older(Some(412), Verdict::Outdated, "older_than_purge")]
#[case::younger_is_no_proof(Some(0), Verdict::Unknown, "not_comparable")]
#[case::no_age(None, Verdict::Unknown, "not_comparable")]
fn content_without_validators_goes_by_age_only_against(
    #[case] age: Option<u64>,
    #[case] expected: Verdict,
    #[case] word: &str,
) {
    let new = Content { etag: Some("new".into()), ..Content::default() };
    for expectation in [Expectation::New, Expectation::Live, Expectation::Refetched] {
        let facts = Facts { new: Some(&new), age: AgeTrust::Believed, ..facts(expectation) };
        assert_eq!(verdict(Answer { age, ..weakly("w") }, &facts), (expected, word));
    }
}

// Bodies: weak, absent and per-node tags.

#[rstest]
#[case::weak(weakly("w"))]
#[case::absent(answer(200))]
#[case::made_by_the_node(served("node-7"))]
fn a_body_decides_where_tags_do_not(#[case] seen: Answer) {
    let (old, new) = (hashed(Some("old"), "h-old", 1000), hashed(Some("new"), "h-new", 1000));
    let facts = Facts { old: Some(&old), new: Some(&new), ..facts(Expectation::New) };
    assert!(wants_body(&sighting(Ok(seen.clone())), &facts));
    let with = |hash: &str| Answer { body_hash: Some(hash.into()), ..seen.clone() };
    assert_eq!(verdict(with("h-new"), &facts), (Verdict::Cleared, "equals_new"));
    assert_eq!(verdict(with("h-old"), &facts), (Verdict::Outdated, "earlier_content"));
    assert_eq!(verdict(with("h-else"), &facts), (Verdict::Other, "unrecognised"));
    assert!(!wants_body(&sighting(Ok(with("h-else"))), &facts), "asked once");

    let known = Body { hash: "h-new".into(), length: 1000 };
    let facts = Facts { body: Some(&known), ..facts };
    assert_eq!(verdict(seen.clone(), &facts).0, Verdict::Cleared, "remembered under its tag");
    assert!(!wants_body(&sighting(Ok(seen)), &facts));
}

#[test]
fn the_same_first_bytes_with_another_length_differ() {
    let new = hashed(None, "h", 200_000);
    let facts = Facts { new: Some(&new), ..facts(Expectation::New) };
    let seen = Answer { body_hash: Some("h".into()), total_length: Some(100_000), ..answer(200) };
    assert_eq!(verdict(seen.clone(), &facts).0, Verdict::Other);
    let unknown_length = Answer { total_length: None, ..seen };
    assert_eq!(verdict(unknown_length, &facts).0, Verdict::Unknown);
}

#[test]
fn known_tags_need_no_body() {
    let (old, new) = (hashed(Some("old"), "h-old", 1000), hashed(Some("new"), "h-new", 1000));
    let facts = Facts { old: Some(&old), new: Some(&new), ..facts(Expectation::New) };
    for seen in [served("new"), served("old"), refused(404, None), answer(503)] {
        assert!(!wants_body(&sighting(Ok(seen)), &facts));
    }
    let gone = Facts { new: None, expectation: Expectation::Gone, ..facts };
    assert!(!wants_body(&sighting(Ok(served("x"))), &gone), "any body is one too many");
}

// Signs that OLD and NEW have in common.

#[test]
fn a_tag_of_earlier_content_outranks_a_body_that_was_read_in_part() {
    let (old, new) = (hashed(Some("old"), "h-old", 9_000), hashed(Some("new"), "h-new", 9_000));
    let facts = Facts { old: Some(&old), new: Some(&new), ..facts(Expectation::New) };
    let seen = Answer { total_length: Some(9_000), ..served("old") };
    let misread = Answer { body_hash: Some("h-new".into()), ..seen.clone() };
    assert_ne!(verdict(misread, &facts).0, Verdict::Cleared);
    let remembered = Body { hash: "h-new".into(), length: 9_000 };
    let facts = Facts { body: Some(&remembered), ..facts };
    assert_ne!(verdict(seen, &facts).0, Verdict::Cleared);
}

#[rstest]
#[case::another_beginning(200_000, Some("h-old"), Verdict::Cleared)]
#[case::the_same_beginning(200_000, Some("h-new"), Verdict::Unknown)]
#[case::a_beginning_nobody_read(200_000, None, Verdict::Unknown)]
#[case::another_length(200_001, Some("h-new"), Verdict::Cleared)]
fn a_beginning_proves_nothing_where_both_may_begin_alike(
    #[case] length: u64,
    #[case] beginning: Option<&str>,
    #[case] expected: Verdict,
) {
    let old = Content {
        etag: Some("old".into()),
        bytes: Some(length),
        body_hash: beginning.map(str::to_owned),
        ..Content::default()
    };
    let new = hashed(Some("new"), "h-new", 200_000);
    let facts = Facts { old: Some(&old), new: Some(&new), ..facts(Expectation::New) };
    let seen = |answer: Answer| Answer {
        body_hash: Some("h-new".into()),
        total_length: Some(200_000),
        ..answer
    };
    assert_eq!(verdict(seen(answer(200)), &facts).0, expected);
    assert_eq!(verdict(seen(weakly("w")), &facts).0, expected);
    assert_eq!(verdict(seen(served("new")), &facts).0, Verdict::Cleared, "its tag tells");
    assert!(!verdict(seen(served("old")), &facts).0.is_clear(), "its tag tells");
}

#[test]
fn a_short_body_is_read_whole() {
    let (old, new) = (hashed(Some("old"), "h-old", 900), hashed(Some("new"), "h-new", 900));
    let facts = Facts { old: Some(&old), new: Some(&new), ..facts(Expectation::New) };
    let seen =
        Answer { body_hash: Some("h-new".into()), total_length: Some(900), ..Answer::default() };
    assert_eq!(verdict(Answer { status: 200, ..seen }, &facts).0, Verdict::Cleared);
}

#[test]
fn a_tag_that_stays_when_the_content_changes_is_none() {
    let (old, new) = (hashed(Some("v1"), "h-old", 900), hashed(Some("v1"), "h-new", 900));
    let facts = Facts { old: Some(&old), new: Some(&new), ..facts(Expectation::New) };
    let seen = Answer { total_length: Some(900), ..served("v1") };
    assert_eq!(verdict(seen.clone(), &facts), (Verdict::Unknown, "not_comparable"));
    assert!(wants_body(&sighting(Ok(seen.clone())), &facts));
    let with = |hash: &str| Answer { body_hash: Some(hash.into()), ..seen.clone() };
    assert_eq!(verdict(with("h-old"), &facts).0, Verdict::Outdated);
    assert_eq!(verdict(with("h-new"), &facts).0, Verdict::Cleared);
}

#[rstest]
#[case::of_old(Some("Thu, 01 Jan 2026 00:00:00 GMT"), Verdict::Outdated)]
#[case::of_new(Some("Fri, 02 Jan 2026 00:00:00 GMT"), Verdict::Unknown)]
#[case::of_neither(Some("Sat, 03 Jan 2026 00:00:00 GMT"), Verdict::Unknown)]
#[case::not_told(None, Verdict::Unknown)]
fn a_date_speaks_against_a_copy_and_never_for_it(
    #[case] date: Option<&str>,
    #[case] expected: Verdict,
) {
    let dated =
        |tag: &str, date: &str| Content { last_modified: Some(date.to_owned()), ..tagged(tag) };
    let old = dated("old", "Thu, 01 Jan 2026 00:00:00 GMT");
    let new = dated("new", "Fri, 02 Jan 2026 00:00:00 GMT");
    let facts = Facts { old: Some(&old), new: Some(&new), ..facts(Expectation::New) };
    let seen = Answer { last_modified: date.map(str::to_owned), ..weakly("w") };
    assert_eq!(verdict(seen.clone(), &facts).0, expected);
    let both = Facts { new: Some(&old), ..facts };
    assert_ne!(verdict(seen, &both).0, Verdict::Outdated, "the same date tells nothing");
}

// What holds whatever comes.

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
    exists_again: bool,
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
            doubt: self.doubt,
            reference: self.reference.as_ref(),
            exists_again: self.exists_again,
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
        any::<[bool; 3]>(),
    )
        .prop_map(|((old, new, earlier), rest, [derived, only_watching, exists_again])| {
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
                exists_again,
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
