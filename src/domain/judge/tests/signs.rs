//! What tells contents apart: tags, bodies, lengths, dates.

use super::*;

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

#[test]
fn a_body_that_nodes_tag_each_in_its_own_way_is_one_content() {
    let (before, now) = (hashed(Some("node 1"), "h", 900), hashed(Some("node 2"), "h", 900));
    let facts = Facts { old: Some(&before), new: Some(&now), ..facts(Expectation::Refetched) };
    for tag in ["node 1", "node 2"] {
        let seen = Answer { total_length: Some(900), ..served(tag) };
        assert_eq!(verdict(seen, &facts), (Verdict::Same, "same_bytes"), "{tag}");
    }
    let other = hashed(Some("node 1"), "h-other", 900);
    let facts = Facts { earlier: std::slice::from_ref(&other), ..facts };
    let seen = Answer { total_length: Some(900), ..served("node 1") };
    assert_eq!(verdict(seen, &facts).0, Verdict::Outdated, "worn by other content as well");
}

#[test]
fn the_tag_that_storage_tells_is_that_of_new_whatever_delivery_makes_of_it() {
    let (stored, delivered) = (tagged("md5"), hashed(Some("node 1"), "h", 1000));
    let facts = Facts {
        old: Some(&stored),
        new: Some(&delivered),
        stored: Some(&stored),
        ..facts(Expectation::Refetched)
    };
    assert_eq!(verdict(served("md5"), &facts).0, Verdict::Same);
    assert_eq!(verdict(served("node 1"), &facts).0, Verdict::Same);
    assert!(!verdict(served("node 2"), &facts).0.is_clear(), "its body is to be read");
    let earlier = tagged("before");
    let facts = Facts { earlier: std::slice::from_ref(&earlier), ..facts };
    assert_eq!(verdict(served("before"), &facts).0, Verdict::Outdated);
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
