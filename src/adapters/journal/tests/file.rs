//! The file: who may read it, what it refuses to be, and several processes at once.

use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use super::make::*;
use super::{in_file, in_memory, open};
use crate::adapters::journal::{Processes, SqlJournal};
use crate::domain::id::MemberId;
use crate::domain::invalidation::Verb;
use crate::ports::journal::{Journal, JournalError, Lease};

fn everybody_lives() -> Processes {
    Processes::new("test", |_| true)
}

async fn try_open(path: &std::path::Path) -> Result<SqlJournal, JournalError> {
    SqlJournal::open_within(path.to_str().unwrap(), everybody_lives(), Duration::from_millis(50))
        .await
}

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_new_journal_is_for_its_user_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/odd name %41?/journal.db");
    let journal = try_open(&path).await.unwrap();
    joined(&journal, "ana", 1).await;
    assert_eq!(journal.warnings(), [""; 0]);
    assert_eq!((mode(&path), mode(&folder.path().join("state"))), (0o600, 0o700));
    let log = path.with_file_name("journal.db-wal");
    assert_eq!(mode(&log), 0o600, "the log holds the same rows");
    assert!(journal.location().ends_with("odd name %41?/journal.db"), "{}", journal.location());
    assert_eq!(journal.integrity().await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_journal_that_others_can_read_is_warned_of() {
    let (journal, folder) = in_file().await;
    journal.close().await;
    let path = folder.path().join("journal.db");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let journal = try_open(&path).await.unwrap();
    assert!(journal.warnings()[0].contains("mode 644"), "{:?}", journal.warnings());
}

#[tokio::test]
async fn a_location_is_a_path_or_a_sqlite_url() {
    let (journal, folder) = in_file().await;
    let ana = joined(&journal, "ana", 1).await;
    recorded(&journal, &ana, at(1), "a").await;
    let path = folder.path().to_str().unwrap();
    for url in [format!("sqlite:{path}/journal.db"), format!("sqlite://{path}/journ%61l.db")] {
        let same = SqlJournal::open(&url, everybody_lives()).await.unwrap();
        assert_eq!(same.open(None).await.unwrap().len(), 1, "{url}");
    }
    let not_built = "the journal postgres cannot be opened: PostgreSQL is not built in";
    let none = "the journal postgres://… cannot be opened: a # in user or password is written %23";
    let words = if cfg!(feature = "postgres") { none } else { not_built };
    for (location, words) in [
        ("postgres://ops:hunter2@db/allclear#hunter2", words),
        ("mysql://root@db", "the journal mysql cannot be opened: give a path or a sqlite: URL"),
        ("sqlite:a.db?mode=ro", "takes no parameters"),
        ("sqlite::memory:", "a journal needs a file"),
        ("", "a journal needs a file"),
        ("/", "a journal needs a file"),
    ] {
        let error = SqlJournal::open(location, everybody_lives()).await.unwrap_err().to_string();
        assert!(error.contains(words) && !error.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_said() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let error = try_open(&folder.path().join("file/journal.db")).await.unwrap_err().to_string();
    assert!(error.contains("its folder cannot be made: "), "{error}");
    let error = try_open(folder.path()).await.unwrap_err().to_string();
    assert!(error.contains("the file cannot be opened for writing: is a directory"), "{error}");
    // The superuser may write everywhere.
    if !rustix::process::geteuid().is_root() {
        let closed = folder.path().join("closed");
        std::fs::create_dir(&closed).unwrap();
        std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o500)).unwrap();
        let error = try_open(&closed.join("journal.db")).await.unwrap_err().to_string();
        assert!(error.contains("cannot be opened for writing: permission denied"), "{error}");
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let (journal, folder) = in_file().await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'of tomorrow', 1, x'00', 0)",
    )
    .execute(&journal.link.pool())
    .await
    .unwrap();
    journal.close().await;
    let path = folder.path().join("journal.db");
    let error = try_open(&path).await.unwrap_err();
    assert!(matches!(error, JournalError::Newer { found: 9999, known: 6, .. }), "{error}");
}

#[tokio::test]
async fn a_damaged_file_is_said_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    std::fs::write(&path, "no database at all, but long enough to be looked at".repeat(100))
        .unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = try_open(&path).await.unwrap_err();
    assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn damage_within_the_file_is_found() {
    let (journal, folder) = in_file().await;
    let ana = joined(&journal, "ana", 1).await;
    let many: Vec<String> = (0..500).map(|n| format!("a-{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    journal.record(&intent(Verb::Delete, &ana, at(1), &many)).await.unwrap();
    journal.close().await;
    let path = folder.path().join("journal.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let end = bytes.len() - 4096;
    bytes[end / 2..end].fill(0x5a);
    std::fs::write(&path, bytes).unwrap();
    match try_open(&path).await {
        Ok(journal) => match journal.integrity().await {
            Ok(found) => assert!(!found.is_empty()),
            Err(error) => assert!(matches!(error, JournalError::Damaged { .. }), "{error}"),
        },
        Err(error) => assert!(matches!(error, JournalError::Damaged { .. }), "{error}"),
    }
}

#[tokio::test]
async fn a_full_disk_is_said_and_nothing_is_half_written() {
    let journal = in_memory().await;
    let ana = joined(&journal, "ana", 1).await;
    sqlx::query("PRAGMA max_page_count = 1").execute(&journal.link.pool()).await.unwrap();
    let many: Vec<String> = (0..500).map(|n| format!("a-{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let error = journal.record(&intent(Verb::Delete, &ana, at(1), &many)).await.unwrap_err();
    let words = "the journal cannot be written: the disk that holds in memory is full";
    assert_eq!(error.to_string(), words);
    assert_eq!(journal.activity(None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_damage() {
    let (journal, _folder) = in_file().await;
    let ana = joined(&journal, "ana", 1).await;
    let known = recorded(&journal, &ana, at(1), "a").await;
    sqlx::query("UPDATE item SET state = 'sold\u{1b}'")
        .execute(&journal.link.pool())
        .await
        .unwrap();
    let error = journal.invalidation(known.id).await.unwrap_err();
    assert_eq!(error, JournalError::Damaged { detail: "state: sold\u{fffd}".into() });
}

#[tokio::test]
async fn a_database_of_another_program_is_not_touched() {
    let (journal, folder) = in_file().await;
    sqlx::query("PRAGMA application_id = 0").execute(&journal.link.pool()).await.unwrap();
    journal.close().await;
    let error = try_open(&folder.path().join("journal.db")).await.unwrap_err().to_string();
    assert!(error.contains("it is a database of another program"), "{error}");
}

#[tokio::test]
async fn a_lock_that_is_not_given_up_is_said() {
    let (journal, folder) = in_file().await;
    let path = folder.path().join("journal.db");
    let patient = try_open(&path).await.unwrap();
    let held = journal.begin().await.unwrap();
    let error = patient.join(&member("ben", 2), at(1)).await.unwrap_err();
    assert!(matches!(error, JournalError::Busy { .. }), "{error}");
    // Readers do not wait for writers.
    assert_eq!(patient.open(None).await.unwrap(), []);
    drop(held);
    patient.join(&member("ben", 2), at(1)).await.unwrap();
}

#[tokio::test]
async fn many_processes_open_a_new_journal_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let opened = futures_util::future::join_all((0..8).map(|_| {
        let path = path.to_str().unwrap().to_owned();
        tokio::spawn(async move { SqlJournal::open(&path, everybody_lives()).await.map(drop) })
    }))
    .await;
    for result in opened {
        assert_eq!(result.unwrap(), Ok(()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_fight_for_a_lease_and_one_wins() {
    let (one, folder) = in_file().await;
    let two = open(&folder).await;
    let journals = [Arc::new(one), Arc::new(two)];
    let ana = joined(&*journals[0], "ana", 1).await;
    for round in 0..20 {
        let id = recorded(&*journals[0], &ana, at(round), "a").await.id;
        let contenders = (0..6).map(|n| {
            let journal = Arc::clone(&journals[n % 2]);
            tokio::spawn(async move {
                journal.acquire(id, MemberId::new(), at(round), TTL).await.unwrap()
            })
        });
        let won: Vec<Lease> = futures_util::future::join_all(contenders)
            .await
            .into_iter()
            .filter_map(Result::unwrap)
            .collect();
        assert_eq!(won.len(), 1, "round {round}");
        // Both see it, and only the winner may go on.
        for journal in &journals {
            assert!(journal.renew(won[0], at(round), TTL).await.is_ok());
            let loser = Lease { holder: MemberId::new(), ..won[0] };
            assert_eq!(journal.renew(loser, at(round), TTL).await, Err(JournalError::LeaseLost));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_write_at_the_same_time_and_nothing_is_lost() {
    let (one, folder) = in_file().await;
    let two = open(&folder).await;
    let journals = [Arc::new(one), Arc::new(two)];
    let ana = joined(&*journals[0], "ana", 1).await;
    let writers = (0..40).map(|n| {
        let (journal, ana) = (Arc::clone(&journals[n % 2]), ana.clone());
        tokio::spawn(async move {
            recorded(&*journal, &ana, at(1), &format!("asset-{n}")).await;
        })
    });
    for written in futures_util::future::join_all(writers).await {
        written.unwrap();
    }
    assert_eq!(journals[0].open(None).await.unwrap().len(), 40);
    assert_eq!(journals[1].integrity().await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_dead_holder_is_followed_at_once_and_its_items_are_unsettled() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let dead = Arc::new(AtomicU32::new(0));
    let processes = |realm: &str| {
        let dead = Arc::clone(&dead);
        Processes::new(realm, move |pid| pid != dead.load(Ordering::Relaxed))
    };
    let open =
        async |realm| SqlJournal::open(path.to_str().unwrap(), processes(realm)).await.unwrap();
    let (here, elsewhere) = (open("boot-1").await, open("boot-2").await);
    let ana = joined(&here, "ana", 41).await;
    let ben = joined(&here, "ben", 42).await;
    let eve = joined(&elsewhere, "eve", 43).await;
    let known = recorded(&here, &ana, at(1), "a").await;
    let lease = here.acquire(known.id, ana.id, at(1), TTL).await.unwrap().unwrap();
    assert_eq!(here.acquire(known.id, ben.id, at(2), TTL).await.unwrap(), None);
    assert_eq!(here.unsettled(&scope(), at(0)).await.unwrap(), []);

    dead.store(41, Ordering::Relaxed);
    // Pid 41 means nothing in another realm.
    assert_eq!(elsewhere.acquire(known.id, eve.id, at(2), TTL).await.unwrap(), None);
    assert_eq!(elsewhere.unsettled(&scope(), at(0)).await.unwrap(), []);
    assert!(elsewhere.open(None).await.unwrap()[0].tracked_by.is_some());
    assert_eq!(here.open(None).await.unwrap()[0].tracked_by, None);
    assert_eq!(here.unsettled(&scope(), at(0)).await.unwrap().len(), 1);
    let taken = here.acquire(known.id, ben.id, at(2), TTL).await.unwrap().unwrap();
    assert_eq!(taken.fencing, lease.fencing + 1);
    assert_eq!(here.renew(lease, at(3), TTL).await, Err(JournalError::LeaseLost));
}

#[tokio::test]
async fn a_write_that_is_cut_off_leaves_nothing() {
    let (journal, _folder) = in_file().await;
    let ana = joined(&journal, "ana", 1).await;
    let many: Vec<String> = (0..50).map(|n| format!("a-{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut cut_off = 0;
    for polls in 1.. {
        let intent = intent(Verb::Delete, &ana, at(1), &many);
        let finished = polled(journal.record(&intent), polls).await;
        let found = journal.activity(None, 10).await.unwrap();
        if !found.is_empty() {
            // All or nothing; all of it is there as soon as the commit has left.
            let open = journal.open(None).await.unwrap();
            assert_eq!((found[0].items, open.len()), (50, 1));
            let read = journal.invalidation(open[0].id).await.unwrap();
            assert_eq!(read, intent.invalidation.unwrap());
            break;
        }
        assert_eq!(finished, None);
        assert_eq!(journal.open(None).await.unwrap(), []);
        cut_off += 1;
    }
    assert!(cut_off >= 5, "it was cut off at {cut_off} points only");
    assert_eq!(journal.integrity().await.unwrap(), [""; 0]);
}

/// What comes of `call` when it is polled at most so often and then dropped, as a task is when it is cancelled.
async fn polled<T>(call: impl Future<Output = T>, polls: u32) -> Option<T> {
    let mut call = pin!(call);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        call.as_mut().poll(context).map(Some)
    })
    .await
}
