//! How sightings are thinned.

use std::time::Duration;

use super::in_memory;
use super::make::*;
use crate::adapters::journal::SqlJournal;
use crate::domain::invalidation::{Invalidation, Outcome};
use crate::domain::verdict::Verdict;
use crate::domain::verdict::Verdict::{Cleared, Outdated, Unknown};
use crate::ports::journal::{Journal, Lease, SightingRun};

async fn tracked(journal: &SqlJournal, public_id: &str) -> (Invalidation, Lease) {
    let ana = joined(journal, "ana", 1).await;
    let known = recorded(journal, &ana, at(0), public_id).await;
    let lease = journal.acquire(known.id, ana.id, at(0), TTL).await.unwrap().unwrap();
    (known, lease)
}

fn told(run: &SightingRun) -> (&str, u64, Verdict, u64) {
    (&run.place.0, run.run, run.last.judgement.verdict, run.sightings)
}

#[tokio::test]
async fn a_cell_keeps_first_and_last_of_each_run() {
    let journal = in_memory().await;
    let (known, lease) = tracked(&journal, "a").await;
    let verdicts = [Outdated, Outdated, Outdated, Cleared, Cleared, Outdated, Cleared];
    let rows: Vec<_> =
        (1..).zip(verdicts).map(|(second, verdict)| sighting("FRA", at(second), verdict)).collect();
    // In two batches that cut a run in two, with another cell between.
    journal.save_one(seen(lease, &rows[..2])).await.unwrap();
    journal.save_one(seen(lease, &[sighting("SIN", at(2), Unknown)])).await.unwrap();
    journal.save_one(seen(lease, &rows[2..])).await.unwrap();
    let kept = journal.sightings(known.id).await.unwrap();
    assert_eq!(
        kept.iter().map(told).collect::<Vec<_>>(),
        [
            ("FRA", 0, Outdated, 3),
            ("FRA", 1, Cleared, 2),
            ("FRA", 2, Outdated, 1),
            ("FRA", 3, Cleared, 1),
            ("SIN", 0, Unknown, 1)
        ]
    );
    assert_eq!((kept[0].first_at, kept[0].last_at), (at(1), at(3)));
    assert_eq!(kept[0].first.took, Duration::from_millis(42));
    assert_eq!(kept[0].first.result, rows[0].sighting.result);
}

#[tokio::test]
async fn a_run_goes_on_after_a_take_over() {
    let journal = in_memory().await;
    let (known, lease) = tracked(&journal, "a").await;
    journal.save_one(seen(lease, &[sighting("FRA", at(1), Outdated)])).await.unwrap();
    let ben = joined(&journal, "ben", 2).await;
    let taken = journal.acquire(known.id, ben.id, at(60), TTL).await.unwrap().unwrap();
    let rows = [sighting("FRA", at(61), Outdated), sighting("FRA", at(62), Cleared)];
    journal.save_one(seen(taken, &rows)).await.unwrap();
    let kept = journal.sightings(known.id).await.unwrap();
    let told: Vec<_> = kept.iter().map(told).collect();
    assert_eq!(told, [("FRA", 0, Outdated, 2), ("FRA", 1, Cleared, 1)]);
    assert_eq!((kept[0].first_at, kept[0].last_at), (at(1), at(61)));
}

#[tokio::test]
async fn a_flapping_cell_stays_small() {
    let journal = in_memory().await;
    let (known, lease) = tracked(&journal, "a").await;
    for batch in 0..50 {
        let rows: Vec<_> = (0..20)
            .map(|n| (batch * 20 + n, if n % 2 == 0 { Unknown } else { Cleared }))
            .map(|(second, verdict)| sighting("FRA", at(second), verdict))
            .collect();
        journal.save_one(seen(lease, &rows)).await.unwrap();
    }
    let kept = journal.sightings(known.id).await.unwrap();
    let runs: Vec<u64> = kept.iter().map(|run| run.run).collect();
    let expected: Vec<u64> = (0..8).chain(984..1000).collect();
    assert_eq!(runs, expected);
    assert_eq!(kept.last().unwrap().last_at, at(999));
}

#[tokio::test]
async fn sightings_of_what_ended_long_ago_are_dropped() {
    let journal = in_memory().await;
    let (old, lease) = tracked(&journal, "a").await;
    journal.save_one(seen(lease, &[sighting("FRA", at(1), Cleared)])).await.unwrap();
    journal.end(lease, &ending(Outcome::AllClear, at(2)), &snapshot(&old, at(2))).await.unwrap();
    assert_eq!(journal.sightings(old.id).await.unwrap().len(), 1);
    let (new, lease) = tracked(&journal, "b").await;
    journal.save_one(seen(lease, &[sighting("FRA", at(3), Cleared)])).await.unwrap();
    let month = 31 * 24 * 60 * 60;
    let end = ending(Outcome::AllClear, at(month));
    journal.end(lease, &end, &snapshot(&new, at(month))).await.unwrap();
    assert_eq!(journal.sightings(old.id).await.unwrap(), []);
    assert_eq!(journal.sightings(new.id).await.unwrap().len(), 1);
}
