//! Orders that go well, each to its own truth.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_deleted_asset_is_watched_until_every_cache_let_go() {
    let world = World::new(&habits(&[2_000, 6_000])).await;
    let id = world.delete().await;
    let seen = world.until(id, |watch| watch.phase == Phase::Probing).await;
    assert!(seen.urls.iter().any(|url| url.short == "original"), "{:?}", seen.urls);
    let first = world.until(id, |watch| place(watch, "FRA", |row| row.clear) > 0).await;
    assert!(first.clear_of_total().0 < first.clear_of_total().1, "FRA clears before SIN");
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear);
    assert!(last.sentence.starts_with("all clear: 2 of 2 caches reached, "), "{}", last.sentence);
    assert!(last.urls.iter().all(|url| url.expectation == Some(Expectation::Gone)));
    assert_eq!(last.clear_of_total().0, last.clear_of_total().1);
    assert!(last.places.iter().all(|place| place.saw_old && place.cleared_after.is_some()));
    for edge in 0..2 {
        assert_eq!(world.cdn.serves(edge, HERO).0, 404);
        assert_eq!(world.cdn.serves(edge, SMALL).0, 404);
    }
    assert!(last.elapsed() >= Duration::from_secs(11), "6 s of propagation and 5 s of quiet");
    assert!(last.elapsed() < Duration::from_secs(20), "{:?}", last.elapsed());
    assert!(last.curve.windows(2).all(|pair| pair[0].after <= pair[1].after));
    assert_eq!(last.regressions, []);
    let ended = world.context.journal.ended(Some(&world.context.scope), 5).await.unwrap();
    assert_eq!(ended[0].ended.as_ref().unwrap().outcome, Outcome::AllClear);
    world.tracker.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_purged_asset_shows_its_refetch_by_age() {
    let world = World::new(&habits(&[1_000, 3_000])).await;
    let id = world.order(purge("press/hero")).await;
    let seen = world.until(id, |watch| watch.cells.iter().any(|cell| cell.ever_outdated)).await;
    let old = seen.cells.iter().find(|cell| cell.verdict == Some(Verdict::Outdated)).unwrap();
    assert_eq!(old.reason, "older_than_purge");
    assert!(old.why.starts_with("Age 40"), "{}", old.why);
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear);
    assert!(last.urls.iter().all(|url| url.expectation == Some(Expectation::Refetched)));
}

#[tokio::test(start_paused = true)]
async fn without_age_the_same_bytes_are_listed_apart() {
    let silent = Habit { delay: Duration::from_secs(1), ..Habit::default() };
    let world = World::new(&[silent.clone(), silent]).await;
    let id = world.order(purge("press/hero")).await;
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear);
    assert!(last.sentence.contains("same bytes, refetch not visible"), "{}", last.sentence);
}

#[tokio::test(start_paused = true)]
async fn a_replaced_asset_must_show_its_new_content() {
    let world = World::new(&habits(&[1_000, 4_000])).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), b"another picture").unwrap();
    let key = image("press/hero");
    let id = world.order(Order::Replace { key: key.clone(), file: file.path().to_owned() }).await;
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear, "{last:#?}");
    assert!(last.urls.iter().all(|url| url.expectation == Some(Expectation::New)));
    let new = world.cloud.asset(&key).unwrap().etag;
    for edge in 0..2 {
        assert_eq!(world.cdn.serves(edge, HERO), (200, new.clone()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_rename_empties_the_old_name_and_fills_the_new_one() {
    let world = World::new(&habits(&[1_000, 2_000])).await;
    let (from, to) = (image("press/hero"), image("press/star"));
    let id =
        world.order(Order::Rename { from: from.clone(), to: to.clone(), overwrite: false }).await;
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear, "{last:#?}");
    let expected = |key: &AssetKey| {
        let rows = last.urls.iter().filter(|url| url.asset == key.to_string());
        rows.map(|url| url.expectation.unwrap()).collect::<Vec<_>>()
    };
    assert!(!expected(&from).is_empty() && !expected(&to).is_empty());
    assert!(expected(&from).iter().all(|expected| *expected == Expectation::Gone));
    assert!(expected(&to).iter().all(|expected| *expected == Expectation::Live));
}

#[tokio::test(start_paused = true)]
async fn every_variant_of_an_automatic_format_has_to_clear() {
    fastrand::seed(3);
    let cloud = FakeCloud::with(&["press/hero"]);
    cloud.derive(&image("press/hero"), "f_auto,w_300");
    let world = World::over(cloud, &habits(&[1_000]), |_| {}).await;
    world.cdn.warm(&[AUTO]);
    let id = world.order(purge("press/hero")).await;
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear);
    let cell = last.cells.iter().find(|cell| cell.variants == 3).expect("an automatic URL");
    assert!(cell.clear);
}

#[rstest]
#[case::weak(Habit { weak: true, ..Habit::default() })]
#[case::none(Habit { no_tags: true, ..Habit::default() })]
#[tokio::test(start_paused = true)]
async fn bodies_are_compared_where_tags_tell_nothing(#[case] habit: Habit) {
    let world = World::new(&[Habit { delay: Duration::from_secs(2), ..habit }]).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), b"another picture").unwrap();
    let key = image("press/hero");
    let id = world.order(Order::Replace { key, file: file.path().to_owned() }).await;
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear, "{last:#?}");
    assert!(last.elapsed() > Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn no_probe_leaves_before_the_hold_back_is_over() {
    let world = World::with(&habits(&[1_000, 1_000]), |context| {
        context.policy.hold_back = Duration::from_secs(30);
    })
    .await;
    let id = world.delete().await;
    let called = world.now();
    let before = world.cdn.probes(None);
    let seen = world.until(id, |watch| watch.phase == Phase::HoldingBack).await;
    assert!(seen.sentence.starts_with("holding back for "), "{}", seen.sentence);
    tokio::time::sleep(Duration::from_secs(29)).await;
    assert_eq!(world.cdn.probes(None), before, "not even a reference read");
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear);
    let first = world.cdn.looks(HERO).into_iter().map(|(at, _)| at.since_origin());
    assert!(first.filter(|at| *at > called).min().unwrap() >= called + Duration::from_secs(29));
}

#[tokio::test(start_paused = true)]
async fn storage_that_lags_keeps_probes_away() {
    let world = World::new(&habits(&[500, 500])).await;
    world.cdn.lag("press/hero");
    let id = world.delete().await;
    let called = world.now();
    tokio::time::sleep(Duration::from_secs(80)).await;
    let seen = world.until(id, |watch| watch.phase == Phase::ReadingStorage).await;
    assert!(seen.sentence.contains("storage has not changed for"), "{}", seen.sentence);
    let looks = world.cdn.looks(HERO);
    assert!(looks.iter().all(|(at, _)| at.since_origin() < called), "only the baseline looked");
    world.cdn.catch_up();
    assert_eq!(outcome_of(&world.outcome(id).await), Outcome::AllClear);
}

#[tokio::test(start_paused = true)]
async fn normal_confidence_outlives_a_negative_cache_entry() {
    let world = World::with(&habits(&[1_000, 1_000]), |context| {
        context.policy.confidence = Confidence::Normal;
    })
    .await;
    let id = world.delete().await;
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear);
    assert!(last.elapsed() >= Duration::from_secs(85), "{:?}", last.elapsed());
    assert!(last.cells.iter().all(|cell| cell.run >= 4), "three in a row and one late in quiet");
    assert!(last.sentence.contains("quiet 7"), "{}", last.sentence);
    let shapes = world.cdn.looks(HERO).into_iter().map(|(_, shape)| shape);
    let plain = shapes.filter(|s| *s == crate::domain::sighting::ProbeShape::HeadersOnly).count();
    assert!(plain >= 4, "once per cell and once in quiet");
}

#[tokio::test(start_paused = true)]
async fn many_assets_are_one_watch() {
    fastrand::seed(5);
    let ids = (0..20).map(|n| format!("bulk/{n}")).collect::<Vec<_>>();
    let cloud = FakeCloud::with(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    let world = World::over(cloud, &habits(&[1_000, 3_000, 2_000]), |context| {
        context.policy.confirm_above = 100;
    })
    .await;
    let keys = ids.iter().map(|id| image(id)).collect();
    let id = world.order(Order::Delete { what: Selection::Keys(keys) }).await;
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear, "{}", last.sentence);
    assert_eq!(last.calls.accepted, 20);
    assert!(last.clear_of_total().1 >= 20 * 3);
    assert!(last.requests_spent <= 3 * last.requests_budget, "{last:?}");
    let stats = world.cloud.calls().iter().filter(|call| call.starts_with("stat")).count();
    assert!(stats <= 40, "storage was asked {stats} times");
}

#[tokio::test(start_paused = true)]
async fn real_caches_are_asked_politely() {
    let world = World::with(&habits(&[1_000, 25_000]), |context| {
        context.policy = crate::ops::Policy::new("test", crate::domain::purge::Risk::Test, false);
    })
    .await;
    let id = world.delete().await;
    let called = world.now();
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear);
    for edge in 0..2 {
        let asked = world.cdn.asked(edge);
        let since = asked.iter().filter(|(at, _)| *at >= called).collect::<Vec<_>>();
        let gaps = since.windows(2).map(|pair| pair[1].0.abs_diff(pair[0].0));
        assert!(gaps.min().unwrap() >= Duration::from_millis(999), "one request a second");
        let hero = since.iter().filter(|(_, path)| path == HERO).map(|(at, _)| *at);
        let hero = hero.collect::<Vec<_>>();
        let gaps = hero.windows(2).map(|pair| pair[1].abs_diff(pair[0]));
        assert!(gaps.min().unwrap() >= Duration::from_millis(2_999), "gone: once in three seconds");
    }
    assert!(last.requests_spent <= 2 * last.requests_budget, "{last:?}");
}
