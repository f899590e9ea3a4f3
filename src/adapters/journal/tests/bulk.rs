//! Size: what a bulk operation costs.

use std::time::Instant;

use super::in_file;
use super::make::*;
use crate::domain::invalidation::{ItemState, Verb};
use crate::ports::journal::Journal;

/// Ten times as many where the code is optimised.
const ASSETS: usize = if cfg!(debug_assertions) { 10_000 } else { 100_000 };

/// Prints times; they are measured by the benchmarks and asserted nowhere.
#[tokio::test]
async fn many_assets_are_recorded_and_settled() {
    let (journal, _folder) = in_file().await;
    let ana = joined(&journal, "ana", 1).await;
    let public_ids: Vec<String> = (0..ASSETS).map(|n| format!("bulk/2026/asset-{n:06}")).collect();
    let public_ids: Vec<&str> = public_ids.iter().map(String::as_str).collect();
    let mut intent = intent(Verb::Delete, &ana, at(1), &public_ids);
    // A delete of many watches names; their URLs are sampled.
    intent.invalidation.as_mut().unwrap().urls.truncate(1000);
    let begin = Instant::now();
    journal.record(&intent).await.unwrap();
    println!("recorded {ASSETS} assets with their names in {:?}", begin.elapsed());

    let ids: Vec<_> = intent.items.iter().map(|item| item.id).collect();
    let begin = Instant::now();
    journal.mark_sent(&ids, at(2)).await.unwrap();
    println!("marked as sent in {:?}", begin.elapsed());
    let outcomes: Vec<_> = ids.iter().map(|id| (*id, ItemState::Accepted, None)).collect();
    let begin = Instant::now();
    journal.settle(&outcomes).await.unwrap();
    println!("settled in {:?}", begin.elapsed());

    let begin = Instant::now();
    let row = journal.activity(None, 1).await.unwrap().remove(0);
    println!("counted in {:?}", begin.elapsed());
    assert_eq!((row.items, row.accepted, row.failed), (ASSETS, ASSETS, 0));
    let begin = Instant::now();
    let read = journal.invalidation(intent.invalidation.unwrap().id).await.unwrap();
    println!("read back in {:?}", begin.elapsed());
    assert_eq!((read.items.len(), read.names.len(), read.urls.len()), (ASSETS, ASSETS, 1000));
    assert_eq!(read.items[ASSETS - 1].key, key(public_ids[ASSETS - 1]));
}
