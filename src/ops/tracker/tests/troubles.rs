//! Caches, clouds and people that do not do as hoped: never a false all clear.

use super::*;
use crate::domain::snapshot::UrlRow;

#[tokio::test(start_paused = true)]
async fn a_stuck_edge_is_never_all_clear() {
    let mut edges = habits(&[1_000, 1_000]);
    edges[1].stuck = true;
    let world = World::with(&edges, |context| {
        context.policy.give_up_after = Duration::from_secs(600);
    })
    .await;
    let id = world.delete().await;
    let stuck = world.until(id, |watch| watch.stuck && watch.offer.is_some()).await;
    assert!(stuck.sentence.contains("SIN"), "{}", stuck.sentence);
    assert!(stuck.elapsed() < Duration::from_secs(70), "{:?}", stuck.elapsed());
    assert_eq!(stuck.ended, None);
    let mut board = world.tracker.board();
    let last = loop {
        let now = board.borrow_and_update().get(id).cloned().unwrap();
        assert!(!now.sentence.contains("all clear"), "{}", now.sentence);
        assert!(!said(&now, "all clear"));
        if now.ended.is_some() {
            break now;
        }
        board.changed().await.unwrap();
    };
    assert_eq!(outcome_of(&last), Outcome::GaveUp);
    assert!(last.sentence.contains("at SIN"), "{}", last.sentence);
    assert!(last.sentence.starts_with("gave up after 10 min"), "{}", last.sentence);
}

#[tokio::test(start_paused = true)]
async fn a_stuck_edge_can_be_left_out_by_the_operator_and_is_named() {
    let mut edges = habits(&[1_000, 1_000]);
    edges[1].stuck = true;
    let world = World::new(&edges).await;
    let id = world.delete().await;
    world.until(id, |watch| watch.stuck).await;
    let nowhere = world.tracker.exclude(id, &PlaceId("LAX".into())).await.unwrap_err();
    assert!(nowhere.to_string().contains("LAX"));
    world.tracker.exclude(id, &PlaceId("SIN".into())).await.unwrap();
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear);
    assert!(last.sentence.contains("1 of 1 cache reached"), "{}", last.sentence);
    assert!(last.sentence.contains("excluded: SIN"), "{}", last.sentence);
    let kept = world.context.journal.invalidation(id).await.unwrap();
    assert_eq!(kept.terms.excluded, ["SIN"]);
}

#[tokio::test(start_paused = true)]
async fn a_dead_place_is_left_out_and_named() {
    let mut edges = habits(&[1_000, 1_000, 1_000]);
    edges[2].dead = true;
    let world = World::new(&edges).await;
    let id = world.delete().await;
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear);
    assert!(last.sentence.contains("2 of 3 caches reached"), "{}", last.sentence);
    assert!(last.sentence.contains("never answered: IAD"), "{}", last.sentence);
    assert_eq!(place(&last, "IAD", |row| Some(row.state)), Some(PlaceState::Unreachable));
}

#[tokio::test(start_paused = true)]
async fn a_place_that_answered_once_blocks_when_it_dies() {
    let world = World::with(&habits(&[1_000, 60_000]), |context| {
        context.policy.give_up_after = Duration::from_secs(300);
    })
    .await;
    let id = world.delete().await;
    world.until(id, |watch| place(watch, "SIN", |row| row.saw_old)).await;
    world.cdn.change(1, |habit| habit.dead = true);
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::GaveUp);
    assert_eq!(place(&last, "SIN", |row| Some(row.state)), Some(PlaceState::Answering));
}

#[tokio::test(start_paused = true)]
async fn a_place_that_answers_late_joins() {
    let mut edges = habits(&[4_000, 1_000]);
    edges[1] = Habit { dead: true, stuck: true, ages: true, ..Habit::default() };
    let world = World::with(&edges, |context| {
        context.policy.give_up_after = Duration::from_secs(120);
    })
    .await;
    let id = world.delete().await;
    world.until(id, |watch| place(watch, "SIN", |row| row.state == PlaceState::Unreachable)).await;
    world.cdn.change(1, |habit| habit.dead = false);
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::GaveUp, "the late place holds an old copy");
}

#[rstest]
#[case::refusing(Habit { dead: true, ..Habit::default() })]
#[case::silent(Habit { hangs: true, ..Habit::default() })]
#[tokio::test(start_paused = true)]
async fn with_all_edges_dead_it_is_blind(#[case] habit: Habit) {
    let world = World::new(&[habit.clone(), habit]).await;
    let id = world.delete().await;
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::Blind);
    assert!(last.sentence.contains("none of 2 places answered"), "{}", last.sentence);
    assert!(last.elapsed() < Duration::from_secs(120), "{:?}", last.elapsed());
}

#[tokio::test(start_paused = true)]
async fn without_places_it_is_blind() {
    let world = World::with(&habits(&[1_000]), |context| {
        context.places = Arc::new(FakePlaces::default());
    })
    .await;
    let id = world.delete().await;
    let waiting = world.until(id, |watch| watch.sentence.contains("no place to look at")).await;
    assert!(waiting.sentence.contains("no such host"), "{}", waiting.sentence);
    assert_eq!(outcome_of(&world.outcome(id).await), Outcome::Blind);
}

#[tokio::test(start_paused = true)]
async fn an_edge_that_falls_back_is_a_regression() {
    let mut edges = habits(&[1_000, 1_000]);
    edges[1].falls_back_after = Some(Duration::from_secs(20));
    edges[1].deaf = 1;
    let world = World::with(&edges, |context| {
        context.policy.confidence = Confidence::Normal;
        context.policy.give_up_after = Duration::from_secs(200);
    })
    .await;
    let mut events = world.tracker.events();
    let id = world.replace().await;
    let seen = world.until(id, |watch| !watch.regressions.is_empty()).await;
    assert_eq!(seen.regressions[0].place.0, "SIN");
    assert_eq!(seen.ended, None);
    assert!(matches!(seen.offer, Some(Offer::PurgeAgain { .. })));
    let regression = loop {
        match events.recv().await.unwrap() {
            TrackerEvent::Regression { place, .. } => break place,
            TrackerEvent::Sighting { .. } | TrackerEvent::Withdrawn { .. } => {}
        }
    };
    assert_eq!(regression.0, "SIN");
    world.tracker.purge_again(id).await.unwrap();
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear, "{last:#?}");
    assert_eq!(last.purged_again.len(), 1);
    assert!(!last.regressions.is_empty(), "it stays in the record");
}

#[tokio::test(start_paused = true)]
async fn an_old_copy_from_a_shield_slows_the_looks_and_is_purged_again() {
    let mut edges = habits(&[100, 100]);
    (edges[1].shield, edges[1].deaf) = (true, 1);
    let world = World::new(&edges).await;
    let id = world.replace().await;
    let offered = world.until(id, |watch| watch.offer.is_some()).await;
    assert_eq!(offered.ended, None);
    let looks = world.cdn.probes(Some(1));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(world.cdn.probes(Some(1)) - looks < 40, "slow looks at what looking cannot help");
    world.tracker.purge_again(id).await.unwrap();
    assert_eq!(outcome_of(&world.outcome(id).await), Outcome::AllClear);
}

#[tokio::test(start_paused = true)]
async fn an_invalidation_is_sent_again_twice_at_most() {
    let mut edges = habits(&[100]);
    edges[0].stuck = true;
    let world = World::new(&edges).await;
    let id = world.delete().await;
    world.until(id, |watch| watch.stuck).await;
    world.tracker.purge_again(id).await.unwrap();
    world.tracker.purge_again(id).await.unwrap();
    let refused = world.tracker.purge_again(id).await.unwrap_err();
    assert!(refused.to_string().contains("2 times"), "{refused}");
    let destroys = world.cloud.changes();
    assert_eq!(destroys.iter().filter(|call| call.starts_with("destroy")).count(), 3);
    assert!(!destroys.iter().any(|call| call.starts_with("replace")), "never a re-upload");
}

#[tokio::test(start_paused = true)]
async fn a_stale_node_behind_an_address_is_found_out() {
    let mut edges = habits(&[100]);
    edges[0] = Habit { stale_node: true, deaf: 9, ages: false, ..edges[0].clone() };
    let world = World::with(&edges, |context| {
        context.policy.give_up_after = Duration::from_secs(90);
    })
    .await;
    let id = world.delete().await;
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::GaveUp);
    assert!(last.cells.iter().any(|cell| cell.k == 11), "its answers took turns");
}

#[tokio::test(start_paused = true)]
async fn a_cached_404_of_a_living_name_is_no_success() {
    let world = World::with(&habits(&[500]), |context| {
        context.policy.give_up_after = Duration::from_secs(30);
    })
    .await;
    world.cdn.warm(&["/demo/image/upload/press/star.jpg", "/demo/image/upload/v1/press/star.jpg"]);
    world.cdn.change(0, |habit| habit.stuck = true);
    let order =
        Order::Rename { from: image("press/hero"), to: image("press/star"), overwrite: false };
    let id = world.order(order).await;
    let seen = world
        .until(id, |watch| watch.cells.iter().any(|cell| cell.reason == "negative_cache"))
        .await;
    assert_eq!(seen.ended, None);
    assert_eq!(outcome_of(&world.outcome(id).await), Outcome::GaveUp);
}

#[tokio::test(start_paused = true)]
async fn an_upload_by_somebody_else_restarts_the_judgement() {
    let world = World::new(&habits(&[200, 20_000])).await;
    let id = world.delete().await;
    world.until(id, |watch| place(watch, "FRA", |row| row.clear) > 0).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    world.cloud.put(&image("press/hero"));
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear);
    assert!(last.elapsed() > Duration::from_secs(60), "FRA held its 404 for a minute");
    assert!(said(&last, "storage changed again"), "{:#?}", last.timeline);
    assert!(last.urls.iter().all(|url| url.expectation == Some(Expectation::New)));
}

#[tokio::test(start_paused = true)]
async fn a_newer_order_takes_the_name_over() {
    let mut edges = habits(&[500, 500]);
    edges[1].stuck = true;
    let world = World::new(&edges).await;
    let first = world.replace().await;
    world.until(first, |watch| watch.phase == Phase::Probing).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    world.cdn.change(1, |habit| habit.stuck = false);
    let second = world.delete().await;
    assert_eq!(outcome_of(&world.outcome(first).await), Outcome::Superseded);
    assert_eq!(outcome_of(&world.outcome(second).await), Outcome::AllClear);
}

#[tokio::test(start_paused = true)]
async fn nothing_ends_while_storage_cannot_be_read_once_more() {
    let world = World::new(&habits(&[200, 200])).await;
    let dead = || {
        Script::Refuse(crate::ports::cloud::CloudError::Unreachable {
            api: "https://api.fake.test".into(),
            detail: "connection refused".into(),
        })
    };
    let id = world.delete().await;
    for _ in 0..5 {
        world.cloud.script("stat", dead());
    }
    world.until(id, |watch| watch.phase == Phase::Quiet).await;
    for edge in 0..2 {
        world.cdn.change(edge, |habit| habit.ignores_versions = true); // delivery tells nothing either
    }
    let waiting = world.until(id, |watch| watch.sentence.contains("does not answer")).await;
    assert_eq!(waiting.phase, Phase::Quiet);
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear);
    assert!(last.elapsed() > Duration::from_secs(20), "1, 2, 5 and 10 s between readings");
}

#[tokio::test(start_paused = true)]
async fn a_cloud_that_refuses_everything_leaves_nothing_to_watch() {
    let world = World::new(&habits(&[200])).await;
    let refused =
        crate::ports::cloud::CloudError::Forbidden { cloud: "demo".into(), message: "no".into() };
    world.cloud.script("destroy", Script::Refuse(refused));
    let id = world.delete().await;
    assert_eq!(outcome_of(&world.outcome(id).await), Outcome::Failed);
}

#[tokio::test(start_paused = true)]
async fn a_slow_place_delays_the_end_and_does_not_prevent_it() {
    let mut edges = habits(&[500, 500]);
    edges[1].slow = Duration::from_millis(1_500);
    let world = World::new(&edges).await;
    let id = world.delete().await;
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear);
    assert!(last.elapsed() < Duration::from_secs(60), "{:?}", last.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_cache_that_asks_for_a_pause_gets_it() {
    let mut edges = habits(&[200]);
    edges[0].overloaded = 6;
    let world = World::new(&edges).await;
    let id = world.delete().await;
    assert_eq!(outcome_of(&world.outcome(id).await), Outcome::AllClear);
    assert!(world.now() > cdn::START + Duration::from_secs(10), "it was left alone in between");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_somebody_brings_back_late_is_noticed_before_the_end() {
    let mut edges = habits(&[200, 200]);
    edges[1].stuck = true;
    let world = World::with(&edges, |context| {
        context.policy.give_up_after = Duration::from_secs(400);
    })
    .await;
    let id = world.delete().await;
    world.until(id, |watch| place(watch, "SIN", |row| row.saw_old)).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    world.cloud.put(&image("press/hero"));
    let seen = world.until(id, |watch| said(watch, "storage changed again")).await;
    assert_eq!(seen.ended, None);
    assert!(seen.elapsed() < Duration::from_secs(120), "{:?}", seen.elapsed());
    assert!(seen.urls.iter().any(|url| url.expectation == Some(Expectation::New)));
}

#[tokio::test(start_paused = true)]
async fn caches_that_go_by_no_version_cannot_vouch_for_storage() {
    let mut edges = habits(&[200, 200]);
    for edge in &mut edges {
        (edge.ignores_versions, edge.stuck, edge.ages) = (true, true, false);
    }
    let world = World::with(&edges, |context| {
        context.policy.give_up_after = Duration::from_secs(120);
    })
    .await;
    let id = world.replace().await;
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::GaveUp);
    assert_eq!(last.clear_of_total().0, 0, "what a cache serves is no truth about storage");
    assert!(said(&last, "answers reads past the caches from a cache"), "{:#?}", last.timeline);
}

#[tokio::test(start_paused = true)]
async fn a_derived_copy_that_delivery_still_gives_as_before_is_read_again() {
    let mut edges = habits(&[200, 200]);
    for edge in &mut edges {
        edge.ages = false;
    }
    let world = World::new(&edges).await;
    let before = world.cdn.serves(0, SMALL).1;
    world.cdn.lag_path(SMALL);
    let id = world.replace().await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let waiting = world.tracker.board().borrow().get(id).cloned().unwrap();
    assert_eq!(waiting.ended, None, "{}", waiting.sentence);
    world.cdn.catch_up();
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear, "{}", last.sentence);
    for edge in 0..2 {
        assert_ne!(world.cdn.serves(edge, SMALL).1, before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_derived_copy_that_really_stays_as_it_was_does_not_block_for_ever() {
    let world = World::new(&habits(&[200])).await;
    world.cdn.lag_path(SMALL);
    let id = world.replace().await;
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear, "{}", last.sentence);
    assert!(last.elapsed() > Duration::from_secs(60), "{:?}", last.elapsed());
}

/// Of two edges the second is dead until the watch has ended without it.
pub(super) async fn clear_without_sin(stuck: bool) -> (World, InvalidationId) {
    let mut edges = habits(&[1_000, 1_000]);
    (edges[1].dead, edges[1].stuck) = (true, stuck);
    let world = World::new(&edges).await;
    let id = world.delete().await;
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear);
    assert!(last.sentence.contains("never answered: SIN"), "{}", last.sentence);
    world.cdn.change(1, |habit| habit.dead = false);
    (world, id)
}

#[tokio::test(start_paused = true)]
async fn an_old_copy_at_a_place_that_answers_after_the_end_withdraws_it() {
    let (world, id) = clear_without_sin(true).await;
    let mut events = world.tracker.events();
    let seen = world.until(id, |watch| watch.ended.is_none()).await;
    assert!(said(&seen, "withdrawn: SIN answers late with an old copy"), "{:#?}", seen.timeline);
    assert!(seen.sentence.contains("withdrawn: "), "{}", seen.sentence);
    assert_eq!(seen.regressions[0].place.0, "SIN");
    let open = world.context.journal.open(None).await.unwrap();
    assert_eq!((open.len(), open[0].id), (1, id), "everybody sees it pending again");
    let withdrawn = loop {
        if let TrackerEvent::Withdrawn { place, .. } = events.recv().await.unwrap() {
            break place;
        }
    };
    assert_eq!(withdrawn.0, "SIN");
    world.cdn.change(1, |habit| habit.stuck = false);
    world.tracker.purge_again(id).await.unwrap();
    let last = world.until(id, |watch| watch.ended.is_some()).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear);
    assert!(last.sentence.contains("2 of 2 caches"), "{}", last.sentence);
}

#[tokio::test(start_paused = true)]
async fn a_place_without_old_copies_that_answers_late_changes_nothing() {
    let (world, id) = clear_without_sin(false).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    let asked = world.cdn.probes(Some(1));
    assert!(asked > 0);
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear);
    tokio::time::sleep(Duration::from_secs(7_200)).await;
    assert_eq!(world.cdn.probes(Some(1)), asked, "once seen it is left alone");
}

#[tokio::test(start_paused = true)]
async fn what_a_newer_order_stands_for_is_not_withdrawn() {
    let (world, id) = clear_without_sin(true).await;
    world.cdn.change(1, |habit| habit.dead = true);
    let key = image("press/hero");
    world.cloud.put(&key);
    let second = world.delete().await;
    world.cdn.change(1, |habit| habit.dead = false);
    world.until(second, |watch| place(watch, "SIN", |row| row.saw_old)).await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    let first = world.outcome(id).await;
    assert_eq!(outcome_of(&first), Outcome::AllClear, "the newer one tells of it");
}

/// Places that turn up one after another.
#[derive(Clone)]
struct Growing(Arc<std::sync::Mutex<FakePlaces>>);

#[async_trait::async_trait]
impl crate::ports::places::Places for Growing {
    async fn places(
        &self,
        host: &str,
    ) -> Result<Vec<crate::domain::place::Place>, crate::ports::places::PlacesError> {
        let now = self.0.lock().unwrap().clone();
        now.places(host).await
    }
}

#[rstest]
#[case::that_holds_an_old_copy(Habit { delay: Duration::from_secs(200), ages: true, ..Habit::default() }, "2 of 2 caches reached")]
#[case::that_never_answers(Habit { dead: true, ..Habit::default() }, "never answered: SIN")]
#[tokio::test(start_paused = true)]
async fn a_place_discovered_during_a_watch_joins_and_is_waited_for(
    #[case] late: Habit,
    #[case] told: &str,
) {
    let growing = Growing(Arc::new(std::sync::Mutex::new(FakePlaces::local(&POPS[..1]))));
    let places = growing.clone();
    let mut edges = habits(&[90_000, 0]);
    edges[1] = late;
    let world = World::with(&edges, |context| context.places = Arc::new(places)).await;
    let id = world.delete().await;
    let seen = world.until(id, |watch| watch.phase == Phase::Probing).await;
    assert_eq!(seen.places.len(), 1);
    *growing.0.lock().unwrap() = FakePlaces::local(&POPS[..2]);
    world.until(id, |watch| watch.places.len() == 2).await;
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear, "{}", last.sentence);
    assert!(last.sentence.contains(told), "{}", last.sentence);
    let held = world.cdn.serves(1, HERO).0 == 200;
    assert!(!held || edges[1].dead, "an all clear waits for what it has reached");
}

#[tokio::test(start_paused = true)]
async fn a_proof_asks_the_api_nothing_where_delivery_tells() {
    let world = World::new(&habits(&[1_000, 2_000])).await;
    let id = world.delete().await;
    let asked = || world.cloud.calls().iter().filter(|call| call.starts_with("stat")).count();
    let before = asked();
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear, "{}", last.sentence);
    assert_eq!(asked(), before, "{:?}", world.cloud.calls());
}

#[tokio::test(start_paused = true)]
async fn a_derived_copy_whose_delivery_lagged_for_long_is_judged_anew_at_the_end() {
    let mut edges = habits(&[200, 200]);
    for edge in &mut edges {
        edge.ages = false;
    }
    let world = World::new(&edges).await;
    let before = world.cdn.serves(0, SMALL).1;
    world.cdn.lag_path(SMALL);
    let id = world.replace().await;
    let believed = |watch: &WatchSnapshot| {
        let refetched = |url: &UrlRow| url.expectation == Some(Expectation::Refetched);
        watch.elapsed() > Duration::from_secs(61) && watch.urls.iter().any(refetched)
    };
    world.until(id, believed).await;
    world.cdn.catch_up();
    let old = |watch: &WatchSnapshot| {
        watch.cells.iter().any(|cell| cell.verdict == Some(Verdict::Outdated))
    };
    let seen = world.until(id, |watch| watch.ended.is_some() || old(watch)).await;
    assert_eq!(seen.ended, None, "{}", seen.sentence);
    world.tracker.purge_again(id).await.unwrap();
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear, "{}", last.sentence);
    for edge in 0..2 {
        assert_ne!(world.cdn.serves(edge, SMALL).1, before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_purged_asset_that_somebody_deletes_is_watched_as_gone() {
    let world = World::with(&habits(&[200, 30_000]), |context| {
        context.policy.give_up_after = Duration::from_secs(400);
    })
    .await;
    let id = world.order(Order::Purge { what: Selection::Keys(vec![image("press/hero")]) }).await;
    world.until(id, |watch| place(watch, "FRA", |row| row.clear) > 0).await;
    world.cloud.take(&image("press/hero"));
    world.cdn.change(0, |habit| habit.delay = Duration::ZERO);
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear, "{last:#?}");
    assert!(last.urls.iter().all(|url| url.expectation == Some(Expectation::Gone)));
}
