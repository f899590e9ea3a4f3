//! Runs, regressions, quiet and places, as stories and as properties.

use std::time::Duration;

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::domain::confidence::Confidence;

fn at(millis: u64) -> Moment {
    Moment::from_origin(Duration::from_millis(millis))
}

/// What the first cell of a place needs.
fn k(story: &Story, place: usize) -> u32 {
    story.watch.k(CellRef { place, url: 0, variant: AcceptVariant::None })
}

/// A watch over `places` that answered and `urls` that are open, and a clock.
struct Story {
    watch: Propagation,
    now: u64,
}

impl Story {
    fn new(confidence: Confidence, places: usize, urls: usize, gone: bool) -> Self {
        let mut watch = Propagation::new(confidence.rule());
        for _ in 0..places {
            watch.add_place(true, false, at(0));
        }
        for url in 0..urls {
            let url = watch.add_url(url, false, at(0));
            watch.open_url(url, gone, at(0));
        }
        Self { watch, now: 0 }
    }

    fn later(&mut self, seconds: u64) -> &mut Self {
        self.now += seconds * 1000;
        self
    }

    fn see(&mut self, place: usize, url: usize, verdict: Verdict) -> Noted {
        let cell = CellRef { place, url, variant: AcceptVariant::None };
        let (sent, received) = (at(self.now), at(self.now + 10));
        self.now += 10;
        self.watch.observe(
            cell,
            Look { verdict, answered: true, says_nothing: false, same_copy: false, sent, received },
        )
    }

    /// A look that is of the copy seen before.
    fn see_again(&mut self, place: usize, url: usize, verdict: Verdict) -> Noted {
        let cell = CellRef { place, url, variant: AcceptVariant::None };
        let (sent, received) = (at(self.now), at(self.now + 10));
        self.now += 10;
        self.watch.observe(
            cell,
            Look { verdict, answered: true, says_nothing: false, same_copy: true, sent, received },
        )
    }

    fn fail(&mut self, place: usize) -> Noted {
        let cell = CellRef { place, url: 0, variant: AcceptVariant::None };
        let (sent, received) = (at(self.now), at(self.now + 10));
        let look = Look {
            verdict: Verdict::Unknown,
            answered: false,
            says_nothing: true,
            same_copy: false,
            sent,
            received,
        };
        self.watch.observe(cell, look)
    }

    /// A look at the cell of `url` to which nobody answers for so many seconds.
    fn lose(&mut self, place: usize, url: usize, seconds: u64) -> Noted {
        let cell = CellRef { place, url, variant: AcceptVariant::None };
        let sent = at(self.now);
        self.later(seconds);
        let (verdict, received) = (Verdict::Unknown, at(self.now));
        self.watch.observe(
            cell,
            Look { verdict, answered: false, says_nothing: true, same_copy: false, sent, received },
        )
    }

    fn first_cell(&self) -> &CellTrack {
        self.watch.track(CellRef { place: 0, url: 0, variant: AcceptVariant::None })
    }

    fn done(&self) -> bool {
        self.watch.quiet(at(self.now)).is_some_and(|quiet| quiet.done)
    }
}

#[test]
fn addresses_that_answer_as_one_cache_count_once_and_share_their_doubt() {
    let mut story = Story::new(Confidence::Normal, 3, 1, false);
    assert_eq!(story.watch.caches_reached(), 3, "nothing is known of them yet");
    story.watch.answers_as(0, 7, at(0));
    story.watch.answers_as(1, 7, at(0));
    assert_eq!((story.watch.caches_reached(), story.watch.reached()), (2, 3));
    story.see(0, 0, Verdict::Cleared);
    assert_eq!(k(&story, 0), 3);
    story.see(1, 0, Verdict::Outdated);
    assert_eq!([0, 1, 2].map(|place| k(&story, place)), [MIXED_K, MIXED_K, 3]);
    // whoever turns out to be behind the same cache needs as many
    story.watch.answers_as(2, 7, at(story.now));
    assert_eq!((k(&story, 2), story.watch.caches_reached()), (MIXED_K, 1));
}

#[test]
fn an_old_copy_beside_a_new_one_takes_back_what_looked_clear() {
    let mut story = Story::new(Confidence::Normal, 2, 1, false);
    story.watch.answers_as(0, 0, at(0));
    story.watch.answers_as(1, 0, at(0));
    for _ in 0..3 {
        story.see(0, 0, Verdict::Cleared);
        story.later(5);
    }
    assert_eq!(story.watch.cells_of(0), (1, 1));
    story.see(1, 0, Verdict::Outdated);
    assert_eq!(story.watch.cells_of(0), (0, 1), "three sightings are not enough any more");
}

#[test]
fn quick_needs_one_sighting_and_a_short_quiet() {
    let mut story = Story::new(Confidence::Quick, 1, 1, true);
    assert!(story.see(0, 0, Verdict::Cleared).became_clear);
    assert!(story.watch.is_clear());
    assert!(!story.done(), "quiet is observed, not skipped");
    story.later(6);
    assert!(!story.done(), "time alone is no quiet");
    story.see(0, 0, Verdict::Cleared);
    assert!(!story.done(), "two sightings are needed");
    story.see(0, 0, Verdict::Cleared);
    assert!(story.done());
    assert_eq!(story.watch.shortest_run(), 3);
}

#[test]
fn normal_needs_three_in_a_row_over_ten_seconds() {
    let mut story = Story::new(Confidence::Normal, 1, 1, false);
    story.see(0, 0, Verdict::Cleared);
    story.later(4).see(0, 0, Verdict::Cleared);
    story.later(4).see(0, 0, Verdict::Cleared);
    assert!(!story.watch.is_clear(), "three, but over eight seconds");
    assert!(story.later(3).see(0, 0, Verdict::Cleared).became_clear);
}

#[rstest]
#[case(Verdict::Unknown)]
#[case(Verdict::Other)]
#[case(Verdict::Outdated)]
fn anything_unclear_ends_the_run(#[case] verdict: Verdict) {
    let mut story = Story::new(Confidence::Normal, 1, 1, false);
    story.see(0, 0, Verdict::Cleared);
    story.later(6).see(0, 0, Verdict::Cleared);
    story.later(6).see(0, 0, verdict);
    story.later(1).see(0, 0, Verdict::Cleared);
    assert!(!story.watch.is_clear());
}

#[test]
fn outdated_after_clear_is_a_regression_and_ends_quiet() {
    let mut story = Story::new(Confidence::Quick, 2, 1, true);
    story.see(0, 0, Verdict::Cleared);
    story.see(1, 0, Verdict::Cleared);
    story.later(4);
    assert!(story.watch.quiet(at(story.now)).is_some());
    let noted = story.see(1, 0, Verdict::Outdated);
    assert!(noted.regression);
    assert_eq!(story.watch.quiet(at(story.now)), None);
    assert!(story.watch.is_mixed(1) && !story.watch.is_mixed(0));
    for _ in 0..10 {
        story.later(1).see(1, 0, Verdict::Cleared);
        assert!(!story.watch.is_clear(), "a mixed place needs eleven");
    }
    story.see(1, 0, Verdict::Cleared);
    assert!(story.watch.is_clear());
}

#[test]
fn every_cell_that_falls_back_is_a_regression() {
    let mut story = Story::new(Confidence::Quick, 1, 2, true);
    story.see(0, 0, Verdict::Cleared);
    story.see(0, 1, Verdict::Cleared);
    assert!(story.see(0, 0, Verdict::Outdated).regression);
    assert!(story.see(0, 1, Verdict::Outdated).regression, "although the place needs eleven now");
    assert!(!story.see(0, 1, Verdict::Outdated).regression, "once");
}

#[test]
fn outdated_before_clear_is_no_regression() {
    let mut story = Story::new(Confidence::Normal, 1, 1, false);
    story.see(0, 0, Verdict::Cleared);
    assert!(!story.see(0, 0, Verdict::Outdated).regression);
    assert!(story.watch.is_mixed(0), "but its answers took turns");
}

#[test]
fn an_asset_that_turned_and_turns_back_at_another_url_is_a_mixture() {
    let mut story = Story::new(Confidence::Quick, 1, 2, false);
    story.watch.urls[1].asset = 0;
    story.see(0, 0, Verdict::Outdated);
    story.see(0, 1, Verdict::Outdated);
    story.see(0, 0, Verdict::Cleared);
    story.see(0, 1, Verdict::Outdated);
    assert!(!story.watch.is_mixed(0), "the purge is dropping one after another");
    story.later(2).see(0, 1, Verdict::Outdated);
    assert!(
        story.watch.is_mixed(0),
        "one purge is for both: behind this address is more than one cache"
    );
    assert!(!story.watch.is_clear(), "so one new copy proves little");
}

#[test]
fn different_assets_turn_each_in_its_time() {
    let mut story = Story::new(Confidence::Quick, 1, 2, false);
    story.see(0, 0, Verdict::Outdated);
    story.see(0, 0, Verdict::Cleared);
    story.later(20).see(0, 1, Verdict::Outdated);
    assert!(!story.watch.is_mixed(0));
}

#[test]
fn an_unknown_between_new_and_old_hides_no_mixture() {
    let mut story = Story::new(Confidence::Normal, 1, 1, false);
    for verdict in [Verdict::Cleared, Verdict::Unknown, Verdict::Outdated] {
        story.later(5).see(0, 0, verdict);
    }
    assert!(story.watch.is_mixed(0));
}

#[test]
fn every_turn_of_a_mixed_place_asks_for_more() {
    let mut story = Story::new(Confidence::Normal, 1, 1, false);
    let mut needed = Vec::new();
    for _ in 0..4 {
        story.later(2).see(0, 0, Verdict::Cleared);
        story.later(2).see(0, 0, Verdict::Outdated);
        needed.push(k(&story, 0));
    }
    assert_eq!(needed, [MIXED_K, MIXED_K + 2, MIXED_K + 4, MIXED_K + 6]);
    for _ in 0..100 {
        story.see(0, 0, Verdict::Cleared);
        story.see(0, 0, Verdict::Outdated);
    }
    assert_eq!(k(&story, 0), MIXED_K + 40, "but not for ever more");
}

#[test]
fn what_can_have_been_missed_is_told_from_the_looks() {
    let mut story = Story::new(Confidence::Quick, 1, 2, false);
    assert_eq!(story.watch.miss_chance(), MissChance { low: 1.0, high: 1.0 });
    story.see(0, 0, Verdict::Outdated);
    for _ in 0..3 {
        story.see(0, 0, Verdict::Cleared); // the first of them only begins the run
    }
    story.see(0, 1, Verdict::Cleared);
    assert_eq!(
        story.watch.miss_chance(),
        MissChance { low: 0.75_f64.powi(3), high: 0.75 },
        "two looks and one at the same place"
    );
}

#[test]
fn a_chance_is_said_as_a_span() {
    let said = |low, high| MissChance { low, high }.to_string();
    assert_eq!(said(0.000_01, 0.178), "under 0.1 % if stale for all URLs, 18 % if for one");
    assert_eq!(said(0.056, 0.056), "5.6 %");
    let earlier: MissChance = serde_json::from_str("0.25").unwrap();
    assert_eq!(earlier, MissChance { low: 0.25, high: 0.25 });
}

#[test]
fn propagation_is_no_mixture() {
    let mut story = Story::new(Confidence::Quick, 1, 1, false);
    story.see(0, 0, Verdict::Outdated);
    story.see(0, 0, Verdict::Outdated);
    story.see(0, 0, Verdict::Cleared);
    assert!(!story.watch.is_mixed(0) && story.watch.is_clear());
}

#[test]
fn a_place_that_never_answers_is_left_out_after_three_failures() {
    let mut story = Story::new(Confidence::Quick, 1, 1, true);
    story.watch.add_place(false, false, at(0));
    story.see(0, 0, Verdict::Cleared);
    assert!(!story.watch.is_clear(), "not heard of yet");
    assert!(!story.fail(1).place_left_out);
    assert!(!story.fail(1).place_left_out);
    assert!(story.fail(1).place_left_out);
    assert_eq!(story.watch.standing(1), Standing::LeftOut);
    assert!(story.watch.is_clear());
    assert!(story.see(1, 0, Verdict::Outdated).place_joined, "it answers late and joins");
    assert!(!story.watch.is_clear());
}

#[test]
fn a_place_that_answered_once_blocks_until_excluded() {
    let mut story = Story::new(Confidence::Quick, 2, 1, true);
    story.see(0, 0, Verdict::Cleared);
    for _ in 0..20 {
        assert!(!story.later(10).fail(1).place_left_out);
    }
    assert!(!story.watch.is_clear());
    story.watch.exclude(1, at(story.now));
    assert!(story.watch.is_clear());
}

#[test]
fn nothing_reached_is_blind_and_never_clear() {
    let mut story = Story::new(Confidence::Quick, 0, 1, true);
    assert!(story.watch.is_blind() && !story.watch.is_clear());
    story.watch.add_place(false, false, at(0));
    assert!(!story.watch.is_blind());
    for _ in 0..3 {
        story.fail(0);
    }
    assert!(story.watch.is_blind() && !story.watch.is_clear());
}

#[test]
fn nothing_to_watch_is_never_clear() {
    let story = Story::new(Confidence::Quick, 3, 0, true);
    assert!(!story.watch.is_clear() && !story.done());
    let mut story = Story::new(Confidence::Quick, 1, 1, true);
    story.see(0, 0, Verdict::Cleared);
    story.watch.drop_url(0, at(story.now));
    assert!(!story.watch.is_clear());
}

#[test]
fn a_url_whose_truth_is_open_blocks() {
    let mut story = Story::new(Confidence::Quick, 1, 1, true);
    let waiting = story.watch.add_url(9, false, at(0));
    story.see(0, 0, Verdict::Cleared);
    assert!(!story.watch.is_clear());
    assert_eq!(story.see(0, waiting, Verdict::Cleared), Noted::default(), "not looked at yet");
    story.watch.open_url(waiting, true, at(story.now));
    story.see(0, waiting, Verdict::Cleared);
    assert!(story.watch.is_clear());
}

#[test]
fn looks_from_before_a_restart_do_not_count() {
    let mut story = Story::new(Confidence::Quick, 1, 1, true);
    story.see(0, 0, Verdict::Cleared);
    let sent = at(story.now);
    story.later(5);
    story.watch.restart(at(story.now));
    assert!(!story.watch.is_clear());
    let cell = CellRef { place: 0, url: 0, variant: AcceptVariant::None };
    let received = at(story.now + 5);
    story.watch.observe(
        cell,
        Look {
            verdict: Verdict::Cleared,
            answered: true,
            says_nothing: false,
            same_copy: false,
            sent,
            received,
        },
    );
    assert!(!story.watch.is_clear());
    story.later(1).see(0, 0, Verdict::Cleared);
    assert!(story.watch.is_clear());
}

#[test]
fn each_variant_has_a_cell_of_its_own() {
    let mut story = Story::new(Confidence::Quick, 1, 1, false);
    story.see(0, 0, Verdict::Cleared);
    story.watch.widen(0, at(story.now));
    assert!(!story.watch.is_clear());
    for variant in [AcceptVariant::Webp, AcceptVariant::Avif] {
        let cell = CellRef { place: 0, url: 0, variant };
        let (sent, received) = (at(story.now), at(story.now + 1));
        let look = Look {
            verdict: Verdict::Cleared,
            answered: true,
            says_nothing: false,
            same_copy: false,
            sent,
            received,
        };
        story.watch.observe(cell, look);
    }
    assert!(story.watch.is_clear());
    assert_eq!(story.watch.clear_of_total(), (3, 3));
}

#[test]
fn a_url_that_a_place_does_not_serve_has_no_cell_there() {
    let mut story = Story::new(Confidence::Quick, 2, 2, true);
    story.watch.serve(1, 1, false, at(0));
    story.see(0, 0, Verdict::Cleared);
    story.see(0, 1, Verdict::Cleared);
    assert!(!story.watch.is_clear());
    assert!(story.see(1, 0, Verdict::Cleared).place_cleared);
    assert!(story.watch.is_clear());
    story.watch.serve(0, 1, false, at(story.now));
    assert!(!story.watch.is_clear(), "nobody was reached for the second URL");
}

#[test]
fn quiet_needs_every_cell_once_and_every_place_often() {
    let mut story = Story::new(Confidence::Quick, 1, 3, true);
    for url in 0..3 {
        story.see(0, url, Verdict::Cleared);
    }
    story.later(5);
    story.see(0, 0, Verdict::Cleared);
    story.see(0, 1, Verdict::Cleared);
    assert!(!story.done(), "the third cell was not seen in quiet");
    story.see(0, 2, Verdict::Cleared);
    assert!(story.done());
}

#[test]
fn quiet_of_gone_content_outlives_a_negative_cache_entry() {
    let mut story = Story::new(Confidence::Normal, 1, 1, true);
    for _ in 0..3 {
        story.later(6).see(0, 0, Verdict::Cleared);
    }
    assert!(story.watch.is_clear());
    let since = story.watch.quiet(at(story.now)).unwrap().since;
    assert_eq!(story.watch.quiet_needed(), Duration::from_secs(75));
    for _ in 0..8 {
        story.later(4).see(0, 0, Verdict::Cleared);
    }
    story.later(60);
    assert!(at(story.now).since(since) > Duration::from_secs(75));
    assert!(!story.done(), "no sighting after second 65");
    story.see(0, 0, Verdict::Cleared);
    assert!(story.done());
}

#[test]
fn quiet_starts_again_after_an_unknown() {
    let mut story = Story::new(Confidence::Quick, 1, 1, true);
    story.see(0, 0, Verdict::Cleared);
    story.later(4).see(0, 0, Verdict::Cleared);
    story.see(0, 0, Verdict::Unknown);
    story.see(0, 0, Verdict::Cleared);
    story.later(2).see(0, 0, Verdict::Cleared);
    assert!(!story.done());
    story.later(4).see(0, 0, Verdict::Cleared);
    assert!(story.done());
}

#[test]
fn a_lost_answer_suspends_a_run_and_its_time_does_not_count() {
    let mut story = Story::new(Confidence::Normal, 1, 1, false);
    story.see(0, 0, Verdict::Cleared);
    story.later(4).see(0, 0, Verdict::Cleared);
    story.later(1).lose(0, 0, 15);
    assert!(!story.watch.is_clear());
    story.later(1).see(0, 0, Verdict::Cleared);
    assert!(!story.watch.is_clear(), "three in a row, but seen over five seconds only");
    story.later(6).see(0, 0, Verdict::Cleared);
    assert!(story.watch.is_clear(), "the run went on");
}

#[test]
fn a_silence_of_more_than_a_minute_ends_a_run() {
    let run_after = |silence: u64| {
        let mut story = Story::new(Confidence::Normal, 1, 1, false);
        for _ in 0..3 {
            story.see(0, 0, Verdict::Cleared);
            story.later(6);
        }
        story.lose(0, 0, 15);
        story.later(silence - 15).see(0, 0, Verdict::Cleared);
        let cell = CellRef { place: 0, url: 0, variant: AcceptVariant::None };
        story.watch.track(cell).run
    };
    assert_eq!((run_after(60), run_after(61)), (4, 1));
}

#[test]
fn more_lost_answers_than_two_and_a_quarter_end_a_run() {
    let mut story = Story::new(Confidence::Strict, 1, 1, false);
    story.see(0, 0, Verdict::Cleared);
    let cell = CellRef { place: 0, url: 0, variant: AcceptVariant::None };
    for lost in 1..=3 {
        story.lose(0, 0, 2);
        assert_eq!(story.watch.track(cell).run, u32::from(lost <= 2), "after {lost}");
    }
    for _ in 0..8 {
        story.later(1).see(0, 0, Verdict::Cleared);
    }
    for lost in 1..=5 {
        story.lose(0, 0, 2);
        assert_eq!(story.watch.track(cell).run > 0, lost <= 4, "after {lost}");
    }
}

#[rstest]
#[case(Verdict::Other)]
#[case(Verdict::Unknown)]
#[case(Verdict::Outdated)]
fn an_answer_that_is_not_clear_ends_a_suspended_run(#[case] verdict: Verdict) {
    let mut story = Story::new(Confidence::Quick, 1, 1, true);
    story.see(0, 0, Verdict::Cleared);
    story.lose(0, 0, 2);
    story.see(0, 0, verdict);
    assert_eq!((story.watch.clear_of_total(), story.watch.quiet_since()), ((0, 1), None));
}

#[test]
fn quiet_waits_for_a_lost_answer_and_lasts_as_much_longer() {
    let mut story = Story::new(Confidence::Quick, 2, 1, true);
    story.see(0, 0, Verdict::Cleared);
    story.see(1, 0, Verdict::Cleared);
    for _ in 0..2 {
        story.later(1).see(0, 0, Verdict::Cleared);
        story.later(1).see(1, 0, Verdict::Cleared);
    }
    let since = story.watch.quiet_since();
    story.lose(1, 0, 15);
    assert_eq!(story.watch.quiet_since(), since, "it goes on");
    story.later(5);
    assert!(!story.done(), "the last look said nothing");
    story.see(1, 0, Verdict::Cleared);
    assert_eq!(story.watch.quiet_since(), since);
    let quiet = story.watch.quiet(at(story.now)).unwrap();
    assert_eq!(quiet.needed, Duration::from_secs(5 + 20), "twenty seconds were not seen");
    assert!(!quiet.done && !story.done());
    story.later(2);
    assert!(story.done());
}

#[test]
fn looks_that_say_nothing_are_no_looks_in_quiet() {
    let mut story = Story::new(Confidence::Quick, 1, 1, true);
    story.see(0, 0, Verdict::Cleared);
    story.later(1).see(0, 0, Verdict::Cleared);
    story.lose(0, 0, 1);
    assert_eq!(story.watch.quiet_looks(0), 1);
    story.see(0, 0, Verdict::Cleared);
    assert_eq!(story.watch.quiet_looks(0), 2);
}

#[test]
fn an_old_copy_after_clear_is_a_regression_whatever_came_between() {
    let mut story = Story::new(Confidence::Quick, 1, 2, true);
    for url in [0, 1] {
        story.see(0, url, Verdict::Cleared);
    }
    story.lose(0, 0, 2);
    assert!(story.later(100).see(0, 0, Verdict::Outdated).regression, "after a lost answer");
    story.see(0, 1, Verdict::Other);
    assert!(story.see(0, 1, Verdict::Outdated).regression, "after something else");
    assert!(!story.see(0, 1, Verdict::Outdated).regression, "once");
}

#[test]
fn refetched_and_same_are_told_apart() {
    let mut story = Story::new(Confidence::Quick, 3, 1, false);
    story.see(0, 0, Verdict::Cleared);
    story.see(1, 0, Verdict::Same);
    story.see(2, 0, Verdict::Same);
    assert!(story.watch.is_clear());
    assert_eq!(story.watch.refetched_and_same(), (1, 2));
}

#[derive(Debug, Clone, Copy)]
enum Event {
    See { place: usize, url: usize, verdict: Verdict },
    Fail { place: usize, url: usize },
    Wait(u64),
    Exclude(usize),
    Restart,
    Reopen(usize),
    Close(usize),
    Widen(usize),
}

fn any_verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        6 => Just(Verdict::Cleared),
        2 => Just(Verdict::Same),
        1 => Just(Verdict::Outdated),
        1 => Just(Verdict::Other),
        1 => Just(Verdict::Unknown),
    ]
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        30 => (0_usize..3, 0_usize..2, any_verdict())
            .prop_map(|(place, url, verdict)| Event::See { place, url, verdict }),
        3 => (0_usize..3, 0_usize..2).prop_map(|(place, url)| Event::Fail { place, url }),
        12 => (1_u64..20).prop_map(Event::Wait),
        1 => (0_usize..3).prop_map(Event::Exclude),
        1 => Just(Event::Restart),
        1 => (0_usize..2).prop_map(Event::Reopen),
        1 => (0_usize..2).prop_map(Event::Close),
        1 => (0_usize..2).prop_map(Event::Widen),
    ]
}

fn any_confidence() -> impl Strategy<Value = Confidence> {
    prop_oneof![Just(Confidence::Quick), Just(Confidence::Normal), Just(Confidence::Strict)]
}

/// What a cell was last seen with; kept apart from the code under test.
#[derive(Debug, Clone, Copy, Default)]
struct Last {
    verdict: Option<Verdict>,
    in_a_row: u32,
}

fn apply(story: &mut Story, last: &mut [[Last; 2]; 3], event: Event) {
    match event {
        Event::See { place, url, verdict } => {
            let open = story.watch.is_open(url);
            story.see(place, url, verdict);
            if open {
                let last = &mut last[place][url];
                last.in_a_row = if verdict.is_clear() { last.in_a_row + 1 } else { 0 };
                last.verdict = Some(verdict);
            }
        }
        Event::Fail { place, url } => {
            let cell = CellRef { place, url, variant: AcceptVariant::None };
            let (sent, received) = (at(story.now), at(story.now + 10));
            let look = Look {
                verdict: Verdict::Unknown,
                answered: false,
                says_nothing: true,
                same_copy: false,
                sent,
                received,
            };
            let open = story.watch.is_open(url);
            story.watch.observe(cell, look);
            story.now += 10;
            if open {
                last[place][url].verdict = Some(Verdict::Unknown); // suspends what was seen
            }
        }
        Event::Wait(seconds) => story.now += seconds * 1000,
        Event::Exclude(place) => story.watch.exclude(place, at(story.now)),
        Event::Restart => {
            story.now += 1;
            story.watch.restart(at(story.now));
            *last = Default::default();
        }
        Event::Reopen(url) => {
            story.now += 1;
            story.watch.open_url(url, true, at(story.now));
            for place in last.iter_mut() {
                place[url] = Last::default();
            }
        }
        Event::Close(url) => {
            story.watch.close_url(url, at(story.now));
            for place in last.iter_mut() {
                place[url] = Last::default();
            }
        }
        Event::Widen(url) => story.watch.widen(url, at(story.now)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn never_clear_while_any_counted_cell_was_last_seen_otherwise(
        confidence in any_confidence(),
        events in prop::collection::vec(any_event(), 0..200),
    ) {
        let mut story = Story::new(confidence, 3, 2, true);
        let mut last = [[Last::default(); 2]; 3];
        for event in events {
            apply(&mut story, &mut last, event);
            let counted = |place: &usize| story.watch.standing(*place) == Standing::Counted;
            let proven = |place: usize| last[place].iter().all(|cell| {
                cell.verdict.is_some_and(Verdict::is_clear) && cell.in_a_row >= confidence.rule().k
            });
            if story.watch.is_clear() {
                prop_assert!((0..3).filter(counted).all(proven), "{last:?}");
                prop_assert!((0..3).any(|place| counted(&place)), "somebody must have been reached");
            }
            if story.done() {
                prop_assert!(story.watch.is_clear());
                let quiet = story.watch.quiet(at(story.now)).unwrap();
                prop_assert!(at(story.now).since(quiet.since) >= confidence.rule().q);
                let seen_in_quiet = |place: &usize| {
                    story.watch.quiet_looks(*place) >= confidence.rule().m
                };
                prop_assert!((0..3).filter(counted).all(|place| seen_in_quiet(&place)));
            }
        }
    }

    #[test]
    fn counters_agree_with_a_count(
        confidence in any_confidence(),
        events in prop::collection::vec(any_event(), 0..120),
        unserved in prop::collection::vec((0_usize..3, 0_usize..2, any::<bool>()), 0..4),
        dropped in prop::option::of((0_usize..2, 0_usize..120)),
    ) {
        let mut story = Story::new(confidence, 3, 2, false);
        let mut last = [[Last::default(); 2]; 3];
        for (place, url, served) in unserved {
            story.watch.serve(place, url, served, at(0));
        }
        for (position, event) in events.into_iter().enumerate() {
            apply(&mut story, &mut last, event);
            if let Some((url, when)) = dropped
                && when == position
            {
                story.watch.drop_url(url, at(story.now));
            }
            let counted = story.watch.counted_cells().collect::<Vec<_>>();
            let clear = counted.iter().filter(|(_, cell)| cell.clear).count();
            prop_assert_eq!(story.watch.clear_of_total(), (clear, counted.len()));
            let mut afresh = story.watch.clone();
            afresh.recount_all(at(story.now));
            let counts = |watch: &Propagation| {
                let of_place = |place: &PlaceTrack| {
                    (place.total, place.clear, place.silent, place.silent_since)
                };
                watch.places.iter().map(of_place).collect::<Vec<_>>()
            };
            prop_assert_eq!(counts(&story.watch), counts(&afresh));
            let waiting = story.watch.urls.iter().filter(|url| url.part == Part::Waiting).count();
            let cells = story.watch.urls.iter().map(|url| url.cells()).sum::<usize>();
            prop_assert_eq!((story.watch.waiting, story.watch.cells), (waiting, cells));
        }
    }

    #[test]
    fn unknown_alone_never_makes_clear(looks in prop::collection::vec((0_usize..3, 0_usize..2, any::<bool>()), 0..200)) {
        let mut story = Story::new(Confidence::Quick, 3, 2, true);
        for (place, url, other) in looks {
            story.later(3).see(place, url, if other { Verdict::Other } else { Verdict::Unknown });
            prop_assert!(!story.watch.is_clear());
            prop_assert_eq!(story.watch.clear_of_total().0, 0);
        }
    }

    #[test]
    fn the_order_of_places_does_not_matter(
        looks in prop::collection::vec((0_usize..3, 0_usize..2, any_verdict()), 1..60),
    ) {
        // looks at different places commute: each place sees its own in order
        let moments = looks.iter().enumerate().map(|(n, look)| (n as u64 * 500, *look));
        let replay = |looks: &mut dyn Iterator<Item = (u64, (usize, usize, Verdict))>| {
            let mut story = Story::new(Confidence::Normal, 3, 2, false);
            for (now, (place, url, verdict)) in looks {
                story.now = now;
                story.see(place, url, verdict);
            }
            (story.watch.clear_of_total(), (0..3).map(|place| story.watch.is_mixed(place)).collect::<Vec<_>>())
        };
        let mut by_place = moments.clone().collect::<Vec<_>>();
        by_place.sort_by_key(|(now, (place, _, _))| (*place, *now));
        prop_assert_eq!(replay(&mut moments.clone()), replay(&mut by_place.into_iter()));
    }
}

#[test]
fn a_copy_that_passed_and_is_told_to_be_old_has_not_fallen_back() {
    let mut story = Story::new(Confidence::Quick, 1, 1, false);
    assert!(story.see(0, 0, Verdict::Same).became_clear);
    story.see_again(0, 0, Verdict::Same);
    let noted = story.see_again(0, 0, Verdict::Outdated);
    assert!(!noted.regression && !story.watch.is_mixed(0));
    assert!(!story.first_cell().clear && story.first_cell().fresh() == 0, "it was never clear");
    assert!(story.see(0, 0, Verdict::Cleared).became_clear, "one new copy is enough again");
}

#[rstest]
#[case::another_copy(&[Verdict::Same], false)]
#[case::was_seen_new(&[Verdict::Cleared], true)]
#[case::was_seen_new_before(&[Verdict::Cleared, Verdict::Same], true)]
fn an_old_copy_after_a_new_one_falls_back(#[case] before: &[Verdict], #[case] same: bool) {
    let mut story = Story::new(Confidence::Quick, 1, 1, false);
    for verdict in before {
        story.see(0, 0, *verdict);
    }
    let noted = if same {
        story.see_again(0, 0, Verdict::Outdated)
    } else {
        story.see(0, 0, Verdict::Outdated)
    };
    assert!(noted.regression && story.watch.is_mixed(0));
}
