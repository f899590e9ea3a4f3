//! What all watches have to say is written together: seldom where nothing happens, and before anybody is told.

use super::*;
use crate::ops::testing::StillJournal;
use crate::ports::journal::Journal;

const NAMES: [&str; 8] = ["a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7"];

/// A world of two edges that keep every old copy, and a watch of each name, all of them looked at.
async fn stuck(journal: &StillJournal) -> (World, Vec<InvalidationId>) {
    fastrand::seed(11);
    let mut edges = habits(&[1_000, 1_000]);
    for edge in &mut edges {
        edge.stuck = true;
    }
    let journal = Arc::new(journal.clone());
    let world = World::over(FakeCloud::with(&NAMES), &edges, |context| {
        context.journal = journal;
        context.policy.give_up_after = Duration::from_secs(3600);
    })
    .await;
    let urls = NAMES.map(|name| format!("/demo/image/upload/{name}.jpg"));
    world.cdn.warm(&urls.each_ref().map(String::as_str));
    let mut ids = Vec::new();
    for name in NAMES {
        ids.push(world.order(delete(name)).await);
    }
    for id in &ids {
        let shows = |watch: &WatchSnapshot| watch.places.iter().all(|place| place.saw_old);
        world.until(*id, |watch| watch.places.len() == 2 && shows(watch) && watch.stuck).await;
    }
    (world, ids)
}

#[rstest]
#[case::while_somebody_looks_on(true)]
#[case::while_nobody_does(false)]
#[tokio::test(start_paused = true)]
async fn old_copies_that_stay_cost_one_write_a_second_however_many_are_watched(
    #[case] watched: bool,
) {
    const SECONDS: u64 = 20;
    let journal = StillJournal::in_memory().await;
    let (world, _) = stuck(&journal).await;
    let _board = watched.then(|| world.tracker.board());
    let (saves, probes) = (journal.saves(), world.cdn.probes(None));
    tokio::time::sleep(Duration::from_secs(SECONDS)).await;
    let (saves, probes) = (journal.saves() - saves, world.cdn.probes(None) - probes);
    assert!(probes > 200, "{probes} looks, or this shows nothing");
    let most = usize::try_from(SECONDS).unwrap() + 1;
    assert!(saves <= most, "{saves} writes for {probes} looks");
    assert!(saves >= most / 2, "{saves} writes for {probes} looks");
    world.tracker.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_sighting_is_told_once_it_is_written_and_that_is_soon() {
    let journal = StillJournal::in_memory().await;
    let (world, ids) = stuck(&journal).await;
    let written = async || {
        let mut written = 0;
        for id in &ids {
            let kept = journal.kept_sightings(*id).await.unwrap();
            written += kept.iter().map(|run| run.sightings).sum::<u64>();
        }
        written
    };
    let mut events = world.tracker.events();
    let (before, asked) = (written().await, world.cdn.probes(None) as u64);
    let mut told = 0;
    for _ in 0..20 {
        let asked_now = world.cdn.probes(None) as u64;
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        while let Ok(TrackerEvent::Sighting { .. }) = events.try_recv() {
            told += 1;
        }
        let written = written().await - before;
        assert!(told <= written, "{told} told, {written} written");
        assert!(told >= asked_now - asked, "{told} told of {}", asked_now - asked);
    }
    assert!(told > 200, "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_lost_is_let_go_and_the_others_are_written_on() {
    let journal = StillJournal::in_memory().await;
    let (world, ids) = stuck(&journal).await;
    let ben = testing::member("ben", 77);
    // no further ahead than clocks of working hosts may be
    let later = world.context.clock.wall() + jiff::SignedDuration::from_secs(50);
    journal.join(&ben, later).await.unwrap();
    let taken = journal.acquire(ids[3], ben.id, later, Duration::from_secs(10)).await.unwrap();
    assert!(taken.is_some(), "its lease had run out, by the taker's clock");
    let at = journal.row(ids[3]).await.unwrap().snapshot.unwrap().taken_at;
    let mut board = world.tracker.board();
    let held = board.wait_for(|board| !board.held.contains(&ids[3])).await.unwrap().held.clone();
    assert_eq!(held.len(), ids.len() - 1);
    tokio::time::sleep(Duration::from_secs(5)).await;
    for id in &ids {
        let row = journal.row(*id).await.unwrap().snapshot.unwrap();
        let is_new = row.taken_at > at + jiff::SignedDuration::from_secs(2);
        assert_eq!(is_new, *id != ids[3], "{id}");
    }
    assert_eq!(board.borrow().trouble, None);
}
