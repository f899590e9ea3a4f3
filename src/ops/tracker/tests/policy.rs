//! What a profile lets the tracker do by itself, and how much it may ask for.

use super::*;
use crate::domain::invalidation::PurgeAgain;

#[tokio::test(start_paused = true)]
async fn a_spent_budget_ends_the_watch_without_a_false_word() {
    let mut edges = habits(&[1_000, 1_000]);
    edges[1].stuck = true;
    let world = World::with(&edges, |context| context.policy.probe_budget = Some(60)).await;
    let id = world.delete().await;
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::GaveUp);
    assert!(last.sentence.contains("not clear, at SIN"), "{}", last.sentence);
    assert!(last.sentence.contains("its budget of 60 requests is spent"), "{}", last.sentence);
    assert!(last.sentence.contains("`probe_budget`"), "it says what to do: {}", last.sentence);
    assert_eq!((last.requests_spent, last.requests_most), (60, Some(60)));
    tokio::time::sleep(Duration::from_secs(120)).await;
    let kept = world.context.journal.ended(Some(&world.context.scope), 5).await.unwrap();
    let kept = kept[0].snapshot.as_ref().unwrap();
    assert_eq!(kept.cells, last.cells, "its state is kept");
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_ends_within_quiet_is_no_all_clear() {
    let world = World::new(&habits(&[1_000])).await;
    let needed = world.outcome(world.delete().await).await.requests_spent;
    let world = World::with(&habits(&[1_000]), |context| {
        context.policy.probe_budget = Some(needed - 1);
    })
    .await;
    let last = world.outcome(world.delete().await).await;
    let (clear, total) = last.clear_of_total();
    if outcome_of(&last) != Outcome::AllClear {
        assert_eq!(outcome_of(&last), Outcome::GaveUp);
        assert!(!last.sentence.contains("all clear"), "{}", last.sentence);
    }
    assert!(clear <= total && last.requests_spent < needed);
}

#[tokio::test(start_paused = true)]
async fn the_plan_tells_the_budget_before_the_start() {
    let world = World::new(&habits(&[1_000, 1_000])).await;
    let terms = OrderTerms::default();
    let plan = plan::plan(&world.context, &delete("press/hero"), &terms).await.unwrap();
    assert_eq!(plan.budget, world.context.policy.budget(plan.requests));
    let last = world.outcome(world.delete().await).await;
    assert_eq!(last.requests_most, Some(plan.budget));
    let remote = crate::ops::Policy::new("p", crate::domain::purge::Risk::Production, false);
    assert_eq!((remote.budget(10), remote.budget(5_000)), (1_000, 50_000));
    let told = crate::ops::Policy { probe_budget: Some(77), ..remote };
    assert_eq!(told.budget(5_000), 77);
}

/// An edge that hears the second invalidation after `deaf` ones only, in a profile that sends it again by itself.
async fn with_auto(deaf: usize) -> (World, InvalidationId) {
    let mut edges = habits(&[100, 100]);
    (edges[1].shield, edges[1].deaf) = (true, deaf);
    let world = World::with(&edges, |context| {
        context.policy.purge_again = PurgeAgain::Auto;
        context.policy.hold_back = Duration::from_secs(5);
        context.policy.give_up_after = Duration::from_secs(900);
    })
    .await;
    let id = world.replace().await;
    (world, id)
}

#[tokio::test(start_paused = true)]
async fn by_policy_an_invalidation_is_sent_again_and_the_timeline_says_so() {
    let (world, id) = with_auto(1).await;
    let sent = world.until(id, |watch| !watch.purged_again.is_empty()).await;
    assert!(said(&sent, "by itself, as the profile says: "), "{:#?}", sent.timeline);
    let kept = world.context.journal.open(None).await.unwrap();
    assert_eq!(
        kept[0].snapshot.as_ref().unwrap().purged_again.len(),
        1,
        "journaled before it left"
    );
    let held = world.until(id, |watch| watch.phase == Phase::HoldingBack).await;
    assert_eq!(held.clear_of_total().0, 0, "all runs start again");
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::AllClear, "{}", last.sentence);
    assert_eq!(last.purged_again.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn by_policy_it_is_sent_again_twice_at_most_and_never_in_a_row() {
    let (world, id) = with_auto(9).await;
    let last = world.outcome(id).await;
    assert_eq!(outcome_of(&last), Outcome::GaveUp);
    let [first, second] = last.purged_again[..] else { panic!("{:?}", last.purged_again) };
    assert!(second.duration_since(first).as_secs() >= 60);
    let calls = world.cloud.changes();
    assert_eq!(calls.iter().filter(|call| call.starts_with("invalidate")).count(), 2, "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn where_the_asset_is_gone_another_purge_is_marked_unproven() {
    let mut edges = habits(&[100]);
    edges[0].stuck = true;
    let world = World::new(&edges).await;
    let id = world.delete().await;
    let seen = world.until(id, |watch| watch.offer.is_some()).await;
    let Some(Offer::PurgeAgain { why }) = &seen.offer else { panic!("{seen:?}") };
    assert!(why.contains("unproven"), "{why}");
    world.tracker.purge_again(id).await.unwrap();
    let seen = world.until(id, |watch| said(watch, "sent again; ")).await;
    assert!(said(&seen, "unproven"), "{:#?}", seen.timeline);
}
