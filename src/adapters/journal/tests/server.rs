//! What a journal on a PostgreSQL server must do beside what any journal must.

use std::sync::LazyLock;
use std::time::Duration;

use super::super::postgres;
use super::cluster::{Cluster, PASSWORD};
use super::make::*;
use super::{Processes, SqlJournal, in_file};
use crate::domain::invalidation::{ItemState, Verb};
use crate::ops::journal_copy::copy;
use crate::ports::journal::{Journal, JournalError, Reach};
use crate::ports::journal_store::JournalStore;

/// The server of this test process: it ends with it.
static SHARED: LazyLock<Option<Cluster>> = LazyLock::new(Cluster::start);

/// Times of tests are made up: the server's clock says nothing about them.
async fn at_url(url: &str) -> SqlJournal {
    postgres::open(url, Processes::new("test", |_| true), false).await.unwrap()
}

/// A journal in a new database; `None` where PostgreSQL is not installed.
pub async fn fresh() -> Option<SqlJournal> {
    Some(at_url(&SHARED.as_ref()?.fresh()).await)
}

/// The time by this host's clock.
fn wall() -> crate::domain::time::Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    crate::domain::time::from_millis(i64::try_from(since.as_millis()).unwrap())
}

/// Waits until a condition holds.
async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(30), async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what}");
}

#[tokio::test]
async fn many_open_a_new_one_at_once() {
    let Some(cluster) = SHARED.as_ref() else { return };
    let url = cluster.fresh();
    let opened = futures_util::future::join_all((0..6).map(|_| at_url(&url))).await;
    for journal in opened {
        joined(&journal, "ana", 1).await;
        journal.close().await;
    }
}

#[tokio::test]
async fn a_password_is_in_no_error_and_nowhere_else() {
    let Some(cluster) = SHARED.as_ref() else { return };
    let url = cluster.fresh();
    let journal = at_url(&url).await;
    assert!(!format!("{journal:?}").contains(PASSWORD), "debug");
    assert!(!Journal::location(&journal).contains(PASSWORD));
    journal.close().await;
    let processes = || Processes::new("test", |_| true);
    for wrong in [
        url.replace(PASSWORD, "wrong-hush"),
        url.replace("/t", "/none"),
        url.replace("team:", "nobody:"),
        url.replace("127.0.0.1", "127.0.0.1:1@127.0.0.1"),
    ] {
        let error = SqlJournal::open(&wrong, processes()).await.unwrap_err().to_string();
        assert!(!error.contains("hush"), "{error}");
    }
}

#[tokio::test]
async fn a_newer_one_is_refused() {
    let Some(cluster) = SHARED.as_ref() else { return };
    let url = cluster.fresh();
    let journal = at_url(&url).await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         SELECT 999, 'later', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1",
    )
    .execute(&journal.link.pool())
    .await
    .unwrap();
    journal.close().await;
    let error = SqlJournal::open(&url, Processes::new("test", |_| true)).await.unwrap_err();
    assert!(matches!(error, JournalError::Newer { found: 999, .. }), "{error}");
}

#[tokio::test]
async fn it_is_looked_at_without_being_made() {
    let Some(cluster) = SHARED.as_ref() else { return };
    let url = cluster.fresh();
    let before = super::super::inspect(&url).await.unwrap();
    assert_eq!((before.exists, before.schema), (false, None));
    at_url(&url).await.close().await;
    let after = super::super::inspect(&url).await.unwrap();
    assert_eq!((after.exists, after.schema), (true, Some(after.known_schema)));
    assert!(after.server.is_some_and(|server| !server.version.is_empty()));
}

#[tokio::test]
async fn what_another_member_writes_is_heard_and_heartbeats_are_not() {
    let Some(cluster) = SHARED.as_ref() else { return };
    let url = cluster.fresh();
    let (here, there) = (at_url(&url).await, at_url(&url).await);
    let ana = joined(&there, "ana", 1).await;
    let mut seen = here.change(u64::MAX).await;
    // the listener may be just up, which counts as well
    while let Ok(more) = tokio::time::timeout(Duration::from_secs(1), here.change(seen)).await {
        seen = more;
    }
    there.join(&ana, at(1)).await.unwrap();
    let quiet = tokio::time::timeout(Duration::from_millis(300), here.change(seen)).await;
    assert!(quiet.is_err(), "a heartbeat is no change");
    recorded(&there, &ana, at(1), "a").await;
    let told = tokio::time::timeout(Duration::from_secs(10), here.change(seen)).await;
    assert!(told.is_ok(), "an order is");
    assert_eq!(here.open(None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_clock_that_is_wrong_decides_nothing() {
    let Some(cluster) = SHARED.as_ref() else { return };
    let url = cluster.fresh();
    let processes = || Processes::new("test", |_| true);
    let right = SqlJournal::open(&url, processes()).await.unwrap();
    let wrong = SqlJournal::open(&url, processes()).await.unwrap();
    let now = |late: i64| crate::domain::time::from_millis(wall().as_millisecond() + late);
    let hour = 3_600_000;
    let (ana, bob) = (member("ana", 1), member("bob", 2));
    right.join(&ana, now(0)).await.unwrap();
    wrong.join(&bob, now(hour)).await.unwrap(); // its clock is an hour fast
    let known = recorded(&right, &ana, now(0), "a").await;
    let held = right.acquire(known.id, ana.id, now(0), TTL).await.unwrap();
    assert!(held.is_some());
    assert_eq!(wrong.acquire(known.id, bob.id, now(hour), TTL).await.unwrap(), None, "not expired");
    let later = recorded(&wrong, &bob, now(hour), "b").await;
    let written = right.invalidation(later.id).await.unwrap().operation.at;
    let apart = written.as_millisecond() - now(0).as_millisecond();
    assert!(apart.abs() < 60_000, "{apart} ms: an order is not from the future");
    let order = right.activity(None, 10).await.unwrap();
    assert_eq!(order.iter().map(|row| row.label.as_str()).collect::<Vec<_>>(), ["b", "a"]);
    let again = wrong.invalidation(known.id).await.unwrap().operation.at;
    assert!(
        (again.as_millisecond() - now(hour).as_millisecond()).abs() < 60_000,
        "by their own clock"
    );
}

#[tokio::test]
async fn two_members_order_for_the_same_asset_at_once() {
    let Some(cluster) = SHARED.as_ref() else { return };
    let url = cluster.fresh();
    let (here, there) = (at_url(&url).await, at_url(&url).await);
    let (ana, bob) = (joined(&here, "ana", 1).await, joined(&there, "bob", 2).await);
    for n in 0..20 {
        let (first, second) = (
            intent(Verb::Purge, &ana, at(n), &["a", "b"]),
            intent(Verb::Purge, &bob, at(n), &["b", "a"]),
        );
        let (one, two) = tokio::join!(here.record(&first), there.record(&second));
        assert_eq!((one, two), (Ok(()), Ok(())));
        // either may be taken up by either, and by one of them only
        for known in [&first, &second] {
            let id = known.invalidation.as_ref().unwrap().id;
            let (a, b) = tokio::join!(
                here.acquire(id, ana.id, at(n), TTL),
                there.acquire(id, bob.id, at(n), TTL)
            );
            let given = [a.unwrap(), b.unwrap()].into_iter().flatten().count();
            assert_eq!(given, 1);
        }
    }
    assert_eq!(here.activity(None, 100).await.unwrap().len(), 40);
}

#[tokio::test]
async fn a_journal_moves_there_and_back() {
    let Some(there) = fresh().await else { return };
    let (from, _folder) = in_file().await;
    let ana = joined(&from, "ana", 1).await;
    for n in 0..3 {
        // names that sort otherwise by the rules of a language, and one that not every database can hold
        let ids = (0..200).map(|id| {
            ["Zoo", "ämter", "a b", "A-b", "press/"][id % 5].to_owned() + &id.to_string()
        });
        let ids = ids.collect::<Vec<_>>();
        let ids = ids.iter().map(String::as_str).collect::<Vec<_>>();
        from.record(&intent(Verb::Purge, &ana, at(n), &ids)).await.unwrap();
    }
    // cut short, then gone on with
    for table in there.tables().iter().take(4) {
        let rows = from.page(table, None, 50).await.unwrap();
        there.put(table, &rows).await.unwrap();
    }
    let copied = copy(&from, &there, |_| {}).await.unwrap();
    assert!(copied.iter().any(|table| table.rows == 600 && table.written < 600), "{copied:?}");
    assert_eq!(there.check().await.unwrap().damage, Vec::<String>::new());
    let (back, _other) = in_file().await;
    let returned = copy(&there, &back, |_| {}).await.unwrap();
    let sums = |copied: &[crate::ops::journal_copy::Copied]| {
        copied
            .iter()
            .map(|table| (table.table, table.rows, table.checksum.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(sums(&copied), sums(&returned));
}

#[tokio::test]
async fn a_server_that_dies_takes_nothing_along_that_was_accepted() {
    let Some(mut cluster) = Cluster::start() else { return };
    let url = cluster.fresh();
    let journal = at_url(&url).await;
    let ana = joined(&journal, "ana", 1).await;
    let kept = recorded(&journal, &ana, at(1), "kept").await;
    cluster.kill();
    until("it is seen that it is gone", async || matches!(journal.reach(), Reach::Gone { .. }))
        .await;
    let refused =
        journal.record(&intent(Verb::Purge, &ana, at(2), &["refused"])).await.unwrap_err();
    assert!(matches!(refused, JournalError::Gone { .. }), "{refused}");
    assert!(!refused.to_string().contains(PASSWORD), "{refused}");
    let began = std::time::Instant::now();
    assert!(journal.open(None).await.is_err());
    assert!(began.elapsed() < Duration::from_secs(1), "nobody waits for a server that is gone");
    cluster.revive();
    until("it is found again", async || matches!(journal.reach(), Reach::Reached { .. })).await;
    assert_eq!(journal.invalidation(kept.id).await.unwrap(), kept);
    journal.mark_sent(&[kept.items[0].id], at(3)).await.unwrap();
    journal.settle(&[(kept.items[0].id, ItemState::Accepted, None)]).await.unwrap();
    assert_eq!(journal.activity(None, 10).await.unwrap().len(), 1, "what was refused is not there");
}

#[tokio::test]
async fn a_member_of_another_host_that_died_is_noticed_before_its_lease_runs_out() {
    let Some(cluster) = SHARED.as_ref() else { return };
    let url = cluster.fresh();
    let processes = || Processes::new("test", |_| true);
    let here = SqlJournal::open(&url, processes()).await.unwrap();
    let there = SqlJournal::open(&url, processes()).await.unwrap();
    let (ana, bob) = (member("ana", 1), member("bob", 2));
    here.join(&ana, wall()).await.unwrap();
    there.join(&bob, wall()).await.unwrap();
    let known = recorded(&here, &ana, wall(), "a").await;
    let hour = Duration::from_secs(3600);
    assert!(here.acquire(known.id, ana.id, wall(), hour).await.unwrap().is_some());
    let holds = async |member: &crate::domain::invalidation::Member| {
        let present = there.present().await.unwrap();
        !present.lacks(&member.id.to_string(), Some(0), i64::MAX)
    };
    until("both are seen", async || holds(&ana).await && holds(&bob).await).await;
    tokio::time::sleep(Duration::from_secs(4)).await; // silent for long, and there
    assert_eq!(there.acquire(known.id, bob.id, wall(), hour).await.unwrap(), None);
    here.join(&ana, wall()).await.unwrap();
    drop(here); // as a process that dies: nothing is given back
    until("the server lets go", async || !holds(&ana).await).await;
    let died = std::time::Instant::now();
    let taken = async || {
        there.join(&bob, wall()).await.unwrap();
        there
            .acquire(known.id, bob.id, wall(), hour)
            .await
            .unwrap()
            .is_some_and(|it| it.fencing == 2)
    };
    until("it is taken over", taken).await;
    assert!(died.elapsed() < Duration::from_secs(10), "long before the lease runs out");
    let row = there.row(known.id).await.unwrap();
    assert!(row.tracked_by.is_some_and(|by| by.contains("bob")));
}

/// Fills a journal with ended orders and pending ones, as years of a team would.
async fn fill(journal: &SqlJournal, ended: u32, pending: u32) {
    let all = ended + pending;
    let texts = [
        "INSERT INTO cloud (id, cloud_name, api, instance) VALUES ('c', 'demo', 'https://api.test', '')".to_owned(),
        format!(
            "INSERT INTO operation (id, cloud, member, verb, ordered_at, command_line, invalidate, label, items) \
             SELECT lpad(to_hex(i), 8, '0') || '-0000-7000-8000-000000000000', 'c', '01890000-0000-7000-8000-000000000000', 'purge', i, 'purge', 1, 'a', 1 \
             FROM generate_series(1, {all}) AS i"
        ),
        format!(
            "INSERT INTO invalidation (id, operation, terms, not_covered, outcome, ended_at, sentence) \
             SELECT lpad(to_hex(i), 8, '0') || '-1111-7000-8000-000000000000', \
             lpad(to_hex(i), 8, '0') || '-0000-7000-8000-000000000000', '{{}}', '[]', \
             CASE WHEN i > {pending} THEN 'all_clear' END, CASE WHEN i > {pending} THEN i END, \
             CASE WHEN i > {pending} THEN 'all clear' END FROM generate_series(1, {all}) AS i"
        ),
        format!(
            "INSERT INTO job (operation, terms, wish, lease_until, fencing, run_since, settled_before, ended_at) \
             SELECT lpad(to_hex(i), 8, '0') || '-0000-7000-8000-000000000000', \
             '{{\"api_path\":\"explicit\",\"overwrite\":false,\"resumable\":true}}', 'run', 0, 1, i, 0, i \
             FROM generate_series(1, {all}) AS i"
        ),
        "ANALYZE".to_owned(),
    ];
    for text in texts {
        sqlx::query(sqlx::AssertSqlSafe(text)).execute(&journal.link.pool()).await.unwrap();
    }
}

#[tokio::test]
async fn a_long_history_makes_no_list_slower() {
    let Some(journal) = fresh().await else { return };
    let long = std::env::var("ALLCLEAR_TEST_LONG").is_ok_and(|it| it == "1");
    let ended = if long { 990_000 } else { 90_000 };
    fill(&journal, ended, 10_000).await;
    let demo = crate::domain::invalidation::CloudScope {
        cloud_name: "demo".into(),
        api: "https://api.test".into(),
        instance: None,
    };
    // all that is read of the past by a console that opens, of its cloud and of all
    for scope in [Some(&demo), None] {
        let since = std::time::Instant::now();
        assert_eq!(journal.activity(scope, 100).await.unwrap().len(), 100);
        assert_eq!(journal.jobs(scope, 100, wall()).await.unwrap().len(), 100);
        assert_eq!(journal.ended(scope, 100).await.unwrap().len(), 100);
        assert_eq!(journal.acts(scope, 100).await.unwrap().len(), 0);
        journal.pulse().await.unwrap();
        let took = since.elapsed();
        let of = scope.map_or("every cloud", |_| "one cloud");
        println!("journal: {ended} ended orders, {of}: five lists in {took:.1?}");
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
    journal.close().await;
}
