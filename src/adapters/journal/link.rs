//! Where the journal's connections come from, and what is known of the way to them: a file is always there; a server
//! can be far, or gone for a while.
#![cfg_attr(
    not(feature = "postgres"),
    allow(dead_code, reason = "what a server needs is not used without one")
)]

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sqlx::{Any, AnyPool, Transaction};
use tokio::sync::{Mutex, Notify, watch};
use tokio_util::sync::DropGuard;

use crate::domain::id::MemberId;
use crate::domain::time::Timestamp;
use crate::ports::journal::{JournalError, Reach};

/// Longest wait for one call to a server that else answers.
const PATIENCE: Duration = Duration::from_secs(120);

/// A difference between clocks that is less than this is none: it takes that long to ask.
const SAME_CLOCK_MS: i64 = 500;

/// What is particular to a database, beside how it is opened.
#[derive(Debug, Clone)]
pub(super) struct Ways {
    /// Begins a write.
    pub begin: &'static str,
    /// Begins reading several statements as of one moment.
    pub snapshot: &'static str,
    /// Where one process writes one thing at a time: its turn. A server has finer locks than that.
    pub turn: Option<Arc<Mutex<()>>>,
    /// Values of one statement at most.
    pub values_at_once: usize,
    pub locks: Locks,
    /// Says to the other members that something was written.
    pub tell: Option<String>,
}

/// What a question ends with so that its answer stays as it is until the write has ended. A file has one lock, and
/// whoever writes has it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Locks {
    /// Others may ask the same of the job `j`, and nobody changes it.
    pub share_job: &'static str,
    /// As for the job `j` and its hand `h`.
    pub share_hand: &'static str,
    /// One at a time.
    pub keep: &'static str,
    /// One at a time, without those that others hold.
    pub next: &'static str,
}

/// Connections, and what is known of the way to them.
#[derive(Debug)]
pub(super) struct Link {
    pool: Arc<RwLock<AnyPool>>,
    pub ways: Ways,
    server: Option<Arc<Server>>,
    /// Counts what others wrote, as far as they tell.
    changes: watch::Sender<u64>,
    /// Ends the task that looks after a server.
    _until: Option<DropGuard>,
}

/// What is known of a server.
#[derive(Debug)]
pub(super) struct Server {
    location: String,
    reach: watch::Sender<Reach>,
    /// Somebody doubts that it answers: it is asked at once.
    pub doubted: Notify,
    /// Its clock less ours in milliseconds; 0 where they agree.
    skew: AtomicI64,
    /// This process as it joined.
    pub member: watch::Sender<Option<String>>,
    /// Whether times are kept by its clock; else by the ones that are passed in.
    keeps_time: bool,
}

impl Link {
    /// Connections to a file.
    pub fn to_file(pool: AnyPool) -> Self {
        let ways = Ways {
            begin: "BEGIN IMMEDIATE", // takes the write lock at once, so that no write fails half-way for want of it
            snapshot: "BEGIN",
            turn: Some(Arc::default()),
            values_at_once: 120, // `$n` is looked up in a list: a statement twice as long takes four times as long
            locks: Locks::default(),
            tell: None,
        };
        Self {
            pool: Arc::new(RwLock::new(pool)),
            ways,
            server: None,
            changes: watch::Sender::new(0),
            _until: None,
        }
    }

    /// Connections to a server that `until` looks after.
    #[cfg(feature = "postgres")]
    pub fn to_server(pool: AnyPool, ways: Ways, server: Arc<Server>, until: DropGuard) -> Self {
        Self {
            pool: Arc::new(RwLock::new(pool)),
            ways,
            server: Some(server),
            changes: watch::Sender::new(0),
            _until: Some(until),
        }
    }

    /// What the task that looks after a server changes.
    #[cfg(feature = "postgres")]
    pub fn shared(&self) -> Arc<RwLock<AnyPool>> {
        Arc::clone(&self.pool)
    }

    /// The connections as they are now: after an outage they are others.
    pub fn pool(&self) -> AnyPool {
        self.pool.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins to read several statements as of one moment.
    pub async fn snapshot(&self) -> Result<Transaction<'static, Any>, sqlx::Error> {
        self.pool().begin_with(self.ways.snapshot).await
    }

    pub fn is_server(&self) -> bool {
        self.server.is_some()
    }

    /// Where it is counted that somebody else wrote.
    #[cfg(feature = "postgres")]
    pub fn changes(&self) -> watch::Sender<u64> {
        self.changes.clone()
    }

    /// Resolves with the number of changes once it is not `seen` any more; of a file it is never told.
    pub async fn change(&self, seen: u64) -> u64 {
        let mut changes = self.changes.subscribe();
        let number = changes.wait_for(|number| *number != seen).await.ok().map(|number| *number);
        match number {
            Some(number) => number,
            None => std::future::pending().await,
        }
    }

    pub fn reach(&self) -> Reach {
        self.server.as_ref().map_or(Reach::Here, |server| server.reach.borrow().clone())
    }

    /// Carries a call out, unless the server is gone, or until it is.
    ///
    /// # Errors
    /// The call's; [`JournalError::Gone`] at once while the server is known to be gone.
    pub async fn over<T>(
        &self,
        call: impl Future<Output = Result<T, JournalError>> + Send,
    ) -> Result<T, JournalError> {
        let Some(server) = &self.server else { return call.await };
        let mut reach = server.reach.subscribe();
        if let Some(gone) = server.gone_as(&reach.borrow_and_update()) {
            return Err(gone);
        }
        tokio::select! {
            biased;
            done = tokio::time::timeout(PATIENCE, call) => {
                let done = done.unwrap_or_else(|_| {
                    Err(server.no_answer(&format!("no answer within {} s", PATIENCE.as_secs())))
                });
                if matches!(done, Err(JournalError::Gone { .. })) {
                    server.doubted.notify_one();
                }
                done
            }
            gone = server.until_gone(&mut reach) => Err(gone),
        }
    }

    /// This process joins as this member: the server is to know that it is there.
    pub fn joins(&self, member: MemberId) {
        if let Some(server) = &self.server {
            server.member.send_if_modified(|known| {
                let first = known.is_none();
                known.get_or_insert_with(|| member.to_string());
                first
            });
        }
    }

    /// The same moment by the clock that times are kept by.
    pub fn there(&self, here: Timestamp) -> Timestamp {
        moved(here, self.skew())
    }

    /// That clock less ours, in milliseconds.
    pub fn skew(&self) -> i64 {
        self.server.as_ref().map_or(0, |server| server.skew.load(Ordering::Relaxed))
    }

    /// Whether the server's clock is to be read now and then.
    pub fn keeps_time(&self) -> bool {
        self.server.as_ref().is_some_and(|server| server.keeps_time)
    }

    /// Learns what the server's clock showed at some time between `here`, by ours, and `took` later.
    pub fn learn_clock(&self, here: Timestamp, took: Duration, there: i64) {
        let Some(server) = &self.server else { return };
        let known = server.skew.load(Ordering::Relaxed);
        let took = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
        let skew = skew_of(known, there.saturating_sub(here.as_millisecond()), took);
        if skew != known {
            server.skew.store(skew, Ordering::Relaxed);
            tracing::info!(skew_ms = skew, "the journal's clock and this host's differ");
        }
    }
}

/// How far a clock is ahead of ours, in milliseconds, that was `found` ahead of the time of a question whose answer took
/// `took`. What may as well be the time that the answer took is no difference to what is `known`.
fn skew_of(known: i64, found: i64, took: i64) -> i64 {
    let least = found.saturating_sub(took);
    let may_be = |skew: i64| (skew.clamp(least, found) - skew).abs() < SAME_CLOCK_MS;
    match known {
        known if may_be(known) => known,
        _ if may_be(0) => 0,
        _ => found.saturating_sub(took / 2),
    }
}

/// `at`, `by` milliseconds later.
pub(super) fn moved(at: Timestamp, by: i64) -> Timestamp {
    if by == 0 {
        return at; // what is finer than a millisecond stays
    }
    Timestamp::from_millisecond(at.as_millisecond().saturating_add(by)).unwrap_or(at)
}

impl Server {
    #[cfg(feature = "postgres")]
    pub fn new(location: &str, keeps_time: bool) -> Self {
        Self {
            location: location.to_owned(),
            reach: watch::Sender::new(Reach::Reached { delay: Duration::ZERO }),
            doubted: Notify::new(),
            skew: AtomicI64::new(0),
            member: watch::Sender::new(None),
            keeps_time,
        }
    }

    #[cfg(feature = "postgres")]
    pub fn is_gone(&self) -> bool {
        matches!(*self.reach.borrow(), Reach::Gone { .. })
    }

    /// It answered after `delay`.
    #[cfg(feature = "postgres")]
    pub fn answered(&self, delay: Duration) {
        self.reach.send_replace(Reach::Reached { delay });
    }

    #[cfg(feature = "postgres")]
    pub fn is_lost(&self, detail: String) {
        self.reach.send_if_modified(|reach| {
            let gone = Reach::Gone { detail };
            let news = *reach != gone;
            *reach = gone;
            news
        });
    }

    fn no_answer(&self, detail: &str) -> JournalError {
        JournalError::Gone { journal: self.location.clone(), detail: detail.to_owned() }
    }

    fn gone_as(&self, reach: &Reach) -> Option<JournalError> {
        match reach {
            Reach::Gone { detail } => Some(self.no_answer(detail)),
            Reach::Here | Reach::Reached { .. } => None,
        }
    }

    async fn until_gone(&self, reach: &mut watch::Receiver<Reach>) -> JournalError {
        let gone = reach.wait_for(|reach| matches!(reach, Reach::Gone { .. })).await;
        let gone = gone.ok().and_then(|reach| self.gone_as(&reach));
        match gone {
            Some(gone) => gone,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::quick_and_alike(0, 40, 80, 0)]
    #[case::an_answer_that_took_long(0, 2_300, 2_400, 0)]
    #[case::ahead(0, 60_010, 20, 60_000)]
    #[case::behind(0, -59_990, 20, -60_000)]
    #[case::known_and_slow(60_000, 63_000, 4_000, 60_000)]
    #[case::set_right(60_000, 30, 60, 0)]
    #[case::another(60_000, 90_010, 20, 90_000)]
    fn a_slow_answer_is_no_other_clock(
        #[case] known: i64,
        #[case] found: i64,
        #[case] took: i64,
        #[case] expected: i64,
    ) {
        assert_eq!(skew_of(known, found, took), expected);
    }
}
