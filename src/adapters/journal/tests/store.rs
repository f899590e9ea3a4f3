//! The journal as a store of rows.

use std::time::Duration;

use sqlx::Row as _;

use super::super::store::TABLES;
use super::make::*;
use super::{in_file, open};
use crate::domain::invalidation::{Outcome, Verb};
use crate::ops::journal_copy::{CopyError, copy};
use crate::ports::journal::Journal as _;
use crate::ports::journal_store::{Cell, JournalStore, Kind};

/// A journal with something in every table but those that only sightings fill.
async fn filled() -> (super::SqlJournal, tempfile::TempDir) {
    let (journal, folder) = in_file().await;
    let ana = joined(&journal, "ana", 1).await;
    for (n, verb) in [Verb::Purge, Verb::Delete, Verb::Watch].into_iter().enumerate() {
        let ids = (0..300).map(|id| format!("{n}/{id:03}")).collect::<Vec<_>>();
        let ids = ids.iter().map(String::as_str).collect::<Vec<_>>();
        let intent = intent(verb, &ana, at(i64::try_from(n).unwrap()), &ids);
        journal.record(&intent).await.unwrap();
        let watched = intent.invalidation.as_ref().unwrap();
        let lease =
            journal.acquire(watched.id, ana.id, at(5), Duration::from_secs(9)).await.unwrap();
        let lease = lease.unwrap();
        journal.save_snapshot(lease, &snapshot(watched, at(6))).await.unwrap();
        if n == 0 {
            let ending = ending(Outcome::AllClear, at(20));
            journal.end(lease, &ending, &snapshot(watched, at(20))).await.unwrap();
        }
    }
    (journal, folder)
}

#[tokio::test]
async fn the_tables_are_those_of_the_schema() {
    let (journal, _folder) = in_file().await;
    let known = sqlx::query(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
         AND name NOT LIKE '_sqlx%' ORDER BY name",
    )
    .fetch_all(&journal.link.pool())
    .await
    .unwrap();
    let known = known.iter().map(|row| row.get::<String, _>(0)).collect::<Vec<_>>();
    let mut listed = TABLES.iter().map(|table| table.name).collect::<Vec<_>>();
    listed.sort_unstable();
    assert_eq!(known, listed);
    for table in TABLES {
        let sql =
            format!("SELECT name, type, pk FROM pragma_table_info('{}') ORDER BY name", table.name);
        let columns =
            sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&journal.link.pool()).await.unwrap();
        let schema = columns
            .iter()
            .map(|row| {
                let kind = match row.get::<String, _>(1).as_str() {
                    "BIGINT" => Kind::Int,
                    _ => Kind::Text,
                };
                (row.get::<String, _>(0), kind, row.get::<i64, _>(2) > 0)
            })
            .collect::<Vec<_>>();
        let mut ours = table
            .columns
            .iter()
            .enumerate()
            .map(|(at, (name, kind))| ((*name).to_owned(), *kind, at < table.key))
            .collect::<Vec<_>>();
        ours.sort_by(|one, other| one.0.cmp(&other.0));
        assert_eq!(schema, ours, "{}", table.name);
    }
}

#[tokio::test]
async fn a_copy_is_the_same_and_is_told_from_another_journal() {
    let (from, _kept) = filled().await;
    let (to, target) = in_file().await;
    let copied = copy(&from, &to, |_| ()).await.unwrap();
    assert_eq!(copied.len(), TABLES.len());
    let items = copied.iter().find(|it| it.table == "item").unwrap();
    assert_eq!((items.rows, items.written), (900, 900));
    to.close().await;
    let to = open(&target).await;
    assert_eq!(to.ended(None, 9).await.unwrap(), from.ended(None, 9).await.unwrap());
    assert_eq!(to.open(None).await.unwrap().len(), 2);
    assert_eq!(to.check().await.unwrap().damage, [""; 0]);
    assert_eq!(to.check().await.unwrap().rows, from.check().await.unwrap().rows);
    // what happens in the source later follows
    let ben = joined(&from, "ben", 2).await;
    from.record(&intent(Verb::Purge, &ben, at(50), &["z"])).await.unwrap();
    let again = copy(&from, &to, |_| ()).await.unwrap();
    assert_eq!(again.iter().find(|it| it.table == "item").unwrap().written, 1);
    // and a journal of its own is never mixed with it
    let (other, _folder) = filled().await;
    let error = copy(&from, &other, |_| ()).await.unwrap_err();
    assert!(matches!(error, CopyError::NotEmpty { .. }), "{error}");
}

#[tokio::test]
async fn pruned_the_evidence_of_what_ended_is_gone_and_the_trail_stays() {
    let (journal, _folder) = filled().await;
    let trail = journal.activity(None, 9).await.unwrap();
    let before = journal.prune(at(10), true).await.unwrap();
    assert_eq!(before.invalidations, 0, "it ended later");
    let would = journal.prune(at(30), true).await.unwrap();
    assert_eq!((would.invalidations, would.snapshots), (1, 1));
    assert!(would.urls > 0);
    let snapshots = TABLES.iter().find(|table| table.name == "snapshot").unwrap();
    assert_eq!(journal.count(snapshots).await, Ok(3), "counted only");
    assert_eq!(journal.prune(at(30), false).await.unwrap(), would);
    assert_eq!(journal.count(snapshots).await, Ok(2), "what is open keeps its picture");
    assert_eq!(journal.activity(None, 9).await.unwrap(), trail);
    assert_eq!(journal.ended(None, 9).await.unwrap().len(), 1);
    assert_eq!(journal.check().await.unwrap().damage, [""; 0]);
}

#[tokio::test]
async fn pages_go_on_after_a_key_of_many_parts() {
    let (journal, _folder) = filled().await;
    let table = TABLES.iter().find(|table| table.name == "watched_name").unwrap();
    let (mut after, mut read): (Option<Vec<Cell>>, _) = (None, Vec::new());
    loop {
        let page = journal.page(table, after.as_deref(), 7).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last[..table.key].to_vec());
        read.extend(page);
    }
    assert_eq!(read.len() as u64, journal.count(table).await.unwrap());
    assert!(read.is_sorted_by(|one, other| one[..table.key] < other[..table.key]));
}
