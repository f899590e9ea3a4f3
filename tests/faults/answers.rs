//! Answers that are none: broken, hostile, endless.

use std::time::{Duration, Instant};

use rstest::rstest;

use super::{HERO, Line};
use crate::support::proxy::{Fate, Forged, Request};

/// Every call of the API meets `fate`; what says where the edges are passes.
fn api(fate: Fate) -> impl Fn(&Request) -> Fate + Send + Sync + 'static {
    move |request| if request.path.starts_with("/v1_1/") { fate.clone() } else { Fate::Pass }
}

/// A listing that is an answer in every way but the one that `part` breaks.
fn listing(part: &str) -> String {
    format!("{{\"resources\":[{part}]}}")
}

fn deep() -> String {
    format!("{{\"resources\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000))
}

#[rstest]
#[case::no_json("hello")]
#[case::nothing("")]
#[case::a_page("<html><body>Sign in</body></html>")]
#[case::no_number(&listing("{\"public_id\":\"a\",\"version\":NaN}"))]
#[case::infinite(&listing("{\"public_id\":\"a\",\"version\":1e999}"))]
#[case::twice("{\"resources\":[],\"resources\":[]}")]
#[case::other_types("{\"resources\":{\"public_id\":7}}")]
#[case::a_list("[1,2,3]")]
#[case::a_depth_bomb(&deep())]
#[case::cut_off("{\"resources\":[{\"public_id\":\"a\"")]
fn an_answer_that_is_none_is_said_and_never_believed(#[case] body: &str) {
    let line = Line::with(api(Fate::Instead(Forged::json(200, body))));
    for command in [
        &["ls", "--json"][..],
        &["rm", HERO, "--yes", "--json"],
        &["purge", HERO, "--yes", "--json"],
    ] {
        let ran = line.home.run(command);
        assert_eq!(ran.code, Some(1), "{command:?}\n{}\n{}", ran.stdout, ran.stderr);
        let error = ran.error();
        assert_eq!(error["code"], "malformed_reply", "{error}");
        assert!(error["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{error}");
        let message = error["message"].as_str().expect("a sentence");
        assert!(message.chars().count() < 600, "{message}");
    }
    assert!(line.holds(HERO), "nothing was sent");
    assert_eq!(line.proxy.asked(|request| request.is("destroy")), 0);
}

#[test]
fn an_answer_without_end_is_not_read_to_its_end() {
    let line = Line::with(api(Fate::Flood(100 << 20)));
    let begun = Instant::now();
    let error = line.home.run(&["ls", "--json"]).expect(1).error();
    assert_eq!(error["code"], "malformed_reply", "{error}");
    assert!(error["message"].as_str().is_some_and(|said| said.contains("more than")), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[rstest]
#[case::many(1_000, 10)]
#[case::large(1, 2_000_000)]
fn headers_have_bounds(#[case] count: usize, #[case] size: usize) {
    let mut forged = Forged::json(200, "{\"resources\":[]}");
    for number in 0..count {
        forged = forged.header(&format!("x-{number}"), vec![b'a'; size]);
    }
    let line = Line::with(api(Fate::Instead(forged)));
    let error = line.home.run(&["ls", "--json"]).expect(1).error();
    assert_eq!(error["code"], "malformed_reply", "{error}");
}

#[test]
fn a_redirect_gets_no_credentials() {
    let elsewhere = Line::with(|_| Fate::Instead(Forged::json(200, "{\"resources\":[]}")));
    let target = format!("http://{}/v1_1/demo/resources/image/upload", elsewhere.proxy.address);
    let moved = Forged::json(302, "{}").header("Location", target);
    let line = Line::with(api(Fate::Instead(moved)));
    let error = line.home.run(&["ls", "--json"]).expect(1).error();
    assert!(error["message"].as_str().is_some_and(|said| said.contains("redirect")), "{error}");
    let error = line.home.run(&["purge", HERO, "--yes", "--json"]).expect(1).error();
    assert!(error["message"].as_str().is_some_and(|said| said.contains("redirect")), "{error}");
    assert_eq!(elsewhere.proxy.asked(|_| true), 0, "nobody was sent there");
}

#[test]
fn an_answer_that_trickles_is_given_up() {
    let line = Line::with(api(Fate::Loris));
    let begun = Instant::now();
    let (listed, purged) = std::thread::scope(|scope| {
        let listed = scope.spawn(|| line.home.run(&["ls", "--json"]));
        let purged = scope.spawn(|| line.home.run(&["purge", HERO, "--yes", "--json"]));
        (listed.join().expect("no panic"), purged.join().expect("no panic"))
    });
    for ran in [listed, purged] {
        let error = ran.expect(1).error();
        assert_eq!(error["code"], "timed_out", "{error}");
    }
    assert!(begun.elapsed() < Duration::from_secs(50));
}

#[test]
fn names_that_no_command_could_name_are_left_out_of_lists() {
    let hostile = "{\"public_id\":\"a\\u001b[2J\"},{\"public_id\":\"..\"},{\"public_id\":\"good\",\"version\":1}";
    let line = Line::with(api(Fate::Instead(Forged::json(200, &listing(hostile)))));
    let ran = line.home.run(&["ls", "--columns", "id", "--no-header"]).expect(0);
    assert!(ran.stdout.contains("good"), "{}", ran.stdout);
    assert!(!ran.stdout.contains('\u{1b}'));
}
