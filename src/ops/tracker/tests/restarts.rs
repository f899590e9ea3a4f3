//! Processes that come and go over one journal.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_restart_goes_on_where_the_journal_is() {
    let mut edges = habits(&[1_000, 30_000]);
    edges[1].delay = Duration::from_secs(30);
    let world = World::new(&edges).await;
    let id = world.delete().await;
    world
        .until(id, |watch| {
            place(watch, "FRA", |row| row.clear) > 0 && place(watch, "SIN", |row| row.saw_old)
        })
        .await;
    world.tracker.shutdown().await;
    let stopped = world.cdn.probes(None);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(world.cdn.probes(None), stopped, "nothing looks after the shutdown");

    let (_, tracker) = world.second("ops", 4243);
    let seen = until(&tracker, id, |watch| watch.interrupted).await;
    assert!(said(&seen, "taken up from the journal"), "{:#?}", seen.timeline);
    let last = tracker.outcome(id).await.unwrap();
    assert_eq!(outcome_of(&last), Outcome::AllClear, "{last:#?}");
    assert!(last.elapsed() > Duration::from_secs(35));
    assert!(place(&last, "SIN", |row| row.saw_old), "what was seen before is not forgotten");
}

#[tokio::test(start_paused = true)]
async fn a_killed_process_is_followed_when_its_lease_runs_out() {
    let world = World::new(&habits(&[1_000, 20_000])).await;
    let id = world.delete().await;
    world.until(id, |watch| place(watch, "FRA", |row| row.clear) > 0).await;
    // as after kill -9: the task is gone and its lease is still there
    let (_, second) = world.second("night", 77);
    until(&second, id, |watch| watch.phase == Phase::Probing).await;
    let before = world.cdn.probes(None);
    world.tracker.inner.stop.cancel();
    world.tracker.inner.tasks.wait().await;
    let last = second.outcome(id).await.unwrap();
    assert_eq!(outcome_of(&last), Outcome::AllClear);
    assert!(last.interrupted);
    assert!(world.cdn.probes(None) > before);
}

#[tokio::test(start_paused = true)]
async fn of_two_trackers_one_probes_and_both_show() {
    let world = World::new(&habits(&[1_000, 8_000])).await;
    let (context, second) = world.second("night", 77);
    let id = world.delete().await;
    let shown = until(&second, id, |watch| watch.phase == Phase::Probing).await;
    assert_eq!(shown.by, "ops@desk");
    let lease = context
        .journal
        .acquire(id, context.member.id, context.clock.wall(), Duration::from_secs(6))
        .await;
    assert_eq!(lease, Ok(None), "the first one holds it");
    let refused = second.exclude(id, &PlaceId("SIN".into())).await.unwrap_err();
    assert!(refused.to_string().contains("another process"), "{refused}");
    let (here, there) = (world.outcome(id).await, second.outcome(id).await.unwrap());
    assert_eq!(outcome_of(&here), Outcome::AllClear);
    assert_eq!(here.ended, there.ended);
    assert!(!here.interrupted, "nobody took it over");
}

#[tokio::test(start_paused = true)]
async fn a_place_that_answers_after_the_end_and_a_restart_withdraws_it() {
    let (world, id) = troubles::clear_without_sin(true).await;
    world.tracker.shutdown().await;
    let (_, tracker) = world.second("ops", 4243);
    let seen = until(&tracker, id, |watch| watch.ended.is_none()).await;
    assert!(said(&seen, "withdrawn: SIN answers late with an old copy"), "{:#?}", seen.timeline);
    world.cdn.change(1, |habit| habit.stuck = false);
    tracker.purge_again(id).await.unwrap();
    let last = until(&tracker, id, |watch| watch.ended.is_some()).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear, "{}", last.sentence);
    assert!(last.sentence.contains("2 of 2 caches"), "{}", last.sentence);
}

#[rstest]
#[case::of_somebody_else("night", 0)]
#[case::that_is_too_old("ops", 7_200)]
#[tokio::test(start_paused = true)]
async fn an_ending_is_left_alone(#[case] user: &str, #[case] seconds: u64) {
    let (world, _) = troubles::clear_without_sin(true).await;
    world.tracker.shutdown().await;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let asked = world.cdn.probes(Some(1));
    let (_, tracker) = world.second(user, 4243);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(world.cdn.probes(Some(1)), asked);
    tracker.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn giving_up_is_journaled() {
    let world = World::new(&habits(&[600_000])).await;
    let id = world.delete().await;
    world.until(id, |watch| watch.phase == Phase::Probing).await;
    world.tracker.abandon(id).await.unwrap();
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::Abandoned);
    let kept = world.context.journal.invalidation(id).await.unwrap();
    assert_eq!(kept.ended.unwrap().outcome, Outcome::Abandoned);
    tokio::time::sleep(Duration::from_secs(1)).await; // what was under way
    let spent = world.cdn.probes(None);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(world.cdn.probes(None), spent);
    let unknown = world.tracker.abandon(InvalidationId::new()).await.unwrap_err();
    assert!(matches!(unknown, OpError::Journal(_)), "{unknown}");
}

#[tokio::test(start_paused = true)]
async fn the_outcome_of_what_ended_before_is_known() {
    let world = World::new(&habits(&[200])).await;
    let id = world.delete().await;
    world.outcome(id).await;
    let (_, second) = world.second("late", 99);
    let last = second.outcome(id).await.unwrap();
    assert_eq!(outcome_of(&last), Outcome::AllClear);
    assert!(second.outcome(InvalidationId::new()).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_tracker_that_stops_says_so() {
    let world = World::new(&habits(&[600_000])).await;
    let id = world.delete().await;
    let waiting = tokio::spawn({
        let tracker = world.tracker.clone();
        async move { tracker.outcome(id).await }
    });
    world.tracker.shutdown().await;
    assert!(waiting.await.unwrap().is_none());
    let refused = world.tracker.abandon(id).await.unwrap_err();
    assert!(refused.to_string().contains("stopped"), "{refused}");
    let lease = world.context.journal.acquire(
        id,
        crate::domain::id::MemberId::new(),
        world.context.clock.wall(),
        Duration::from_secs(6),
    );
    assert!(lease.await.unwrap().is_some(), "its lease was given back");
}

#[tokio::test(start_paused = true)]
async fn watching_a_url_ends_when_every_cache_shows_what_storage_holds() {
    let world = World::new(&habits(&[200, 200])).await;
    let url = "https://res.cloudinary.com/demo/image/upload/press/hero.jpg";
    let terms = OrderTerms::default();
    let id = crate::ops::watch_url::watch_url(&world.context, &world.tracker, url, None, &terms)
        .await
        .unwrap();
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear);
    assert_eq!(world.cloud.changes(), [] as [String; 0], "nothing was changed");
}

#[tokio::test(start_paused = true)]
async fn a_suspend_starts_runs_and_quiet_again() {
    let world = World::new(&habits(&[500, 500])).await;
    let id = world.delete().await;
    world.until(id, |watch| watch.phase == Phase::Quiet).await;
    tokio::time::advance(Duration::from_secs(60)).await; // nothing runs meanwhile
    let resumed = world.now();
    let seen = world.until(id, |watch| watch.interrupted).await;
    assert!(said(&seen, "runs and quiet start again"), "{:#?}", seen.timeline);
    assert_eq!(seen.ended, None);
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear);
    assert!(world.now() >= resumed + Duration::from_secs(5), "a quiet of its own after it");
}
