//! The rules of the design in their order, each with its reason.

use super::*;

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
#[case(Expectation::Gone)]
#[case(Expectation::New)]
#[case(Expectation::Live)]
#[case(Expectation::Refetched)]
fn earlier_content_is_outdated_whatever_the_headers(#[case] expectation: Expectation) {
    let (new, earlier) = (tagged("new"), [tagged("first"), tagged("second")]);
    let facts = Facts {
        new: (expectation != Expectation::Gone).then_some(&new),
        earlier: &earlier,
        age: AgeTrust::Believed,
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
#[case::ours(Some(OURS), Verdict::Cleared, "placeholder")]
#[case::of_another(Some("Resource not found - logo"), Verdict::Outdated, "still_served")]
#[case::a_copy(None, Verdict::Outdated, "still_served")]
fn something_served_where_storage_is_empty(
    #[case] error: Option<&str>,
    #[case] expected: Verdict,
    #[case] word: &str,
) {
    for status in [200, 206] {
        let seen = Answer { status, error: error.map(str::to_owned), ..served("whatever") };
        assert_eq!(verdict(seen, &facts(Expectation::Gone)), (expected, word), "{status}");
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
fn a_copy_that_was_told_to_be_old_stays_so_however_its_age_is_rounded() {
    let content = tagged("same");
    let known = |age| Facts {
        new: Some(&content),
        known_age: Some(Duration::from_millis(age)),
        ..facts(Expectation::Refetched)
    };
    let rounded = Answer { age: Some(40), ..served("same") };
    assert_eq!(judge(&sighting(Ok(rounded.clone())), &known(40_100)).verdict, Verdict::Outdated);
    assert_eq!(judge(&sighting(Ok(rounded)), &known(40_000)).verdict, Verdict::Same);
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
