//! Calls that change something, while the line is bad.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rstest::rstest;

use super::{HERO, Line, ORIGINAL};
use crate::support::proxy::{Fate, Forged, Request};

const THREE: [&str; 3] = ["press/2026/hero", "logo", "sample"];

/// The first time that each body of this call is seen it meets `fate`.
fn once(action: &'static str, fate: Fate) -> impl Fn(&Request) -> Fate + Send + Sync + 'static {
    let seen = Mutex::new(std::collections::BTreeSet::new());
    move |request| {
        let subject = request.body.split('&').find(|pair| pair.contains("public_id"));
        let new = || seen.lock().expect("no panic").insert(subject.map(str::to_owned));
        if request.is(action) && new() { fate.clone() } else { Fate::Pass }
    }
}

/// Every time.
fn always(action: &'static str, fate: Fate) -> impl Fn(&Request) -> Fate + Send + Sync + 'static {
    move |request| if request.is(action) { fate.clone() } else { Fate::Pass }
}

#[rstest]
#[case::reset(Fate::ResetAfter)]
#[case::half(Fate::Half)]
#[case::nonsense(Fate::AfterInstead(Forged::json(200, "{\"result\":[[[")))]
#[case::other(Fate::AfterInstead(Forged::json(200, "{\"result\":\"perhaps\"}")))]
#[case::unavailable(Fate::AfterInstead(Forged::json(503, "{}")))]
fn a_delete_whose_answer_is_lost_is_not_sent_again(#[case] fate: Fate) {
    let line = Line::with(once("destroy", fate));
    let ran = line.home.run(&[&["rm", "--yes", "--json"][..], &THREE].concat()).expect(0);
    let items = ran.named("item");
    assert_eq!(items.len(), 3);
    for item in &items {
        assert_eq!(item["state"], "accepted", "{item}");
        let said = item["message"].as_str().expect("what happened");
        assert!(said.contains("settled by asking storage: it is gone"), "{said}");
    }
    assert_eq!(ran.outcome()["outcome"], "all_clear");
    assert_eq!(line.proxy.asked(|request| request.is("destroy")), 3, "each was sent once");
    assert_eq!(line.invalidations("destroy"), 3, "and carried out once");
}

#[test]
fn a_delete_that_never_arrived_is_sent_again_once_storage_says_so() {
    let line = Line::with(once("destroy", Fate::ResetBefore));
    let ran = line.home.run(&[&["rm", "--yes", "--json"][..], &THREE].concat()).expect(0);
    for item in ran.named("item") {
        let said = item["message"].as_str().expect("what happened");
        assert!(said.contains("the first call was not carried out, the second was"), "{said}");
    }
    assert_eq!(line.invalidations("destroy"), 3);
    assert!(!line.holds(HERO));
}

#[rstest]
#[case::carried_out(Fate::ResetAfter, true)]
#[case::half(Fate::Half, true)]
#[case::lost(Fate::ResetBefore, false)]
fn a_rename_is_sent_once_whatever_becomes_of_its_answer(#[case] fate: Fate, #[case] done: bool) {
    let line = Line::with(always("rename", fate));
    let ran = line.home.run(&["rename", HERO, "press/2026/star", "--yes", "--json", "--wait=30s"]);
    let item = ran.named("item").remove(0);
    let said = item["message"].as_str().expect("what happened");
    if done {
        let ran = ran.expect(0);
        assert_eq!(item["state"], "accepted", "{item}");
        assert_eq!(ran.outcome()["outcome"], "all_clear");
    } else {
        assert_eq!(item["state"], "failed", "{item}");
        assert!(said.contains("order it again"), "{said}");
        assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    }
    assert_eq!(line.proxy.asked(|request| request.is("rename")), 1);
    assert_eq!((line.holds("press/2026/star"), line.holds(HERO)), (done, !done));
}

#[test]
fn an_upload_whose_answer_is_lost_is_not_sent_again() {
    let line = Line::with(always("upload", Fate::ResetAfter));
    let picture = line.cloud.at_origin("/demo/image/upload/sample.jpg").body;
    let file = line.home.file("new.jpg", &picture);
    let ran = line.home.run(&["replace", HERO, &file, "--yes", "--json", "--wait=30s"]).expect(0);
    let item = ran.named("item").remove(0);
    assert_eq!(item["state"], "accepted", "{item}");
    assert_eq!(line.proxy.asked(|request| request.is("upload")), 1);
    assert_eq!(line.cloud.at_origin(ORIGINAL).body, picture);
}

#[test]
fn a_purge_is_harmless_and_is_sent_again_by_itself() {
    let line = Line::with(once("explicit", Fate::ResetBefore));
    let ran = line.home.run(&["purge", HERO, "--yes", "--json"]).expect(0);
    assert_eq!(ran.outcome()["outcome"], "all_clear");
}

#[rstest]
#[case::limited(420, None)]
fn in_a_storm_of_refusals_nothing_hangs_and_nothing_is_lost(
    #[case] status: u16,
    #[case] after: Option<&str>,
) {
    let mut forged = Forged::json(status, "{\"error\":{\"message\":\"Too many\"}}");
    if let Some(after) = after {
        forged = forged.header("Retry-After", after);
    }
    let storm = move |request: &Request| {
        if request.method == "POST" { Fate::Instead(forged.clone()) } else { Fate::Pass }
    };
    let line = Line::with(storm);
    let ran = line.home.run(&[&["rm", "--yes", "--json", "--wait=5s"][..], &THREE].concat());
    let items = ran.named("item");
    assert_eq!(items.len(), 3, "{}\n{}", ran.stdout, ran.stderr);
    for item in &items {
        assert_ne!(item["state"], "accepted", "{item}");
        assert!(item["message"].as_str().is_some_and(|said| !said.is_empty()), "{item}");
    }
    assert!(matches!(ran.code, Some(1 | 3)), "{:?}\n{}", ran.code, ran.stdout);
    assert_eq!(line.invalidations("destroy"), 0, "nothing arrived");
    assert!(THREE.iter().all(|id| line.holds(id)));
    assert!(line.proxy.asked(|request| request.is("destroy")) <= 9, "it did not hammer");
}

#[rstest]
#[case::too_many(429, Some("0"))]
#[case::bad_gateway(502, None)]
#[case::unavailable_with_a_time(503, Some("0"))]
fn after_a_short_storm_everything_is_done(
    #[case] status: u16,
    #[case] after: Option<&'static str>,
) {
    let left = AtomicUsize::new(4);
    let line = Line::with(move |request| {
        let refuse = |left: usize| left.checked_sub(1);
        let storm = request.is("explicit")
            && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, refuse).is_ok();
        if storm {
            let busy = Forged::json(status, "{\"error\":{\"message\":\"Slow down\"}}");
            Fate::Instead(match after {
                Some(after) => busy.header("Retry-After", after),
                None => busy,
            })
        } else {
            Fate::Pass
        }
    });
    let ran = line.home.run(&[&["purge", "--yes", "--json"][..], &THREE].concat()).expect(0);
    assert_eq!(ran.outcome()["outcome"], "all_clear");
}
