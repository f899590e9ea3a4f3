//! The one tracker of the process: owns every open invalidation and the probe scheduler.
//!
//! It judges, journals, then publishes immutable snapshots; screens and commands subscribe, and none of them
//! judges. Invalidations that another process tracks are shown from the journal and taken over when its lease
//! expires.
//!
//! One task owns everything (`desk`); probes and readings of storage run beside it, bounded, and come back as
//! answers. What it decides is pure and tested without it: `watch` (one invalidation), `names` (its way to a
//! known truth), `schedule` (limits and cadence), and in the domain the judgement and the propagation.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{broadcast, mpsc, oneshot, watch as latest};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::context::Context;
use super::error::OpError;
use crate::domain::confidence::{Confidence, Rule};
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::id::{InvalidationId, ItemId};
use crate::domain::invalidation::{ItemState, WatchedName};
use crate::domain::judge::{Facts, judge};
use crate::domain::place::PlaceId;
use crate::domain::sighting::Sighting;
use crate::domain::snapshot::WatchSnapshot;
use crate::domain::time::Timestamp;
use crate::domain::verdict::{Judgement, Stored};
use crate::ports::journal::Reach;

mod desk;
mod labels;
mod names;
mod publish;
mod rhythm;
#[doc(hidden)] // for benches alone
pub mod schedule;
mod truth;
mod watch;

#[cfg(test)]
mod tests;

pub(crate) use labels::shown as shown_url;
pub use truth::read_reference;
pub(crate) use truth::{content_of, probe_at, timeout_of};

/// What the tracker knows: open watches, oldest first, and those that ended since the process began.
#[derive(Debug, Clone, Default)]
pub struct Board {
    pub watches: Vec<Arc<WatchSnapshot>>,
    /// Why the journal cannot be used at the moment, if so; cleaned.
    pub trouble: Option<String>,
    /// Whether the journal can be reached, and how far away it is.
    pub reach: Reach,
    /// Counts what others wrote, as far as they tell or it shows.
    pub changes: u64,
    /// Whether every write shows in `changes` at once, so that nobody need ask.
    pub listens: bool,
    /// What this process tracks.
    pub held: Vec<InvalidationId>,
}

impl Board {
    #[must_use]
    pub fn get(&self, id: InvalidationId) -> Option<&Arc<WatchSnapshot>> {
        self.watches.iter().find(|watch| watch.id == id)
    }
}

/// Single things that happened, for streams; a slow listener loses the oldest.
#[derive(Debug, Clone)]
pub enum TrackerEvent {
    Sighting {
        invalidation: InvalidationId,
        place: PlaceId,
        url: String,
        judgement: Judgement,
        clear: bool,
    },
    Regression {
        invalidation: InvalidationId,
        place: PlaceId,
        url: String,
        why: String,
    },
    /// A place that had never answered shows an old copy after a clear ending: the watch goes on.
    Withdrawn {
        invalidation: InvalidationId,
        place: PlaceId,
        url: String,
    },
}

/// What the tracker believes of what it sees. There is one true doctrine, the default; others are mutants that tests
/// must catch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Doctrine {
    pub judge: fn(&Sighting, &Facts<'_>) -> Judgement,
    pub rule: fn(Confidence) -> Rule,
}

impl Default for Doctrine {
    fn default() -> Self {
        Self { judge, rule: Confidence::rule }
    }
}

/// The outcome of one call, told to the tracker by whoever made it.
#[derive(Debug, Clone)]
pub struct Settled {
    pub item: ItemId,
    pub state: ItemState,
    /// When the call left.
    pub sent_at: Option<Timestamp>,
    /// When its answer was in.
    pub settled_at: Timestamp,
    /// What the call's own answer says that storage holds now under the item's name (`to` for a rename).
    pub now: Option<Stored>,
}

/// Handle of the tracker; cheap to clone. When the last one is gone the tracker stops.
#[derive(Clone)]
pub struct Tracker {
    inner: Arc<Inner>,
}

struct Inner {
    context: Arc<Context>,
    commands: mpsc::Sender<Command>,
    board: latest::Receiver<Arc<Board>>,
    /// Of those who hold a receiver of the board, how many only wait for an end.
    waiting: Arc<AtomicUsize>,
    events: broadcast::Sender<TrackerEvent>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// One who waits for an end and looks at nothing before it.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn beside(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What the handle asks of the task.
enum Command {
    TakeUp {
        id: InvalidationId,
        done: oneshot::Sender<Result<(), OpError>>,
    },
    Baseline {
        id: InvalidationId,
        existing: BTreeSet<DeliveryUrl>,
        done: oneshot::Sender<()>,
    },
    Settled {
        id: InvalidationId,
        names: Vec<WatchedName>,
        calls: Vec<Settled>,
    },
    Abandon {
        id: InvalidationId,
        done: oneshot::Sender<Result<(), OpError>>,
    },
    Exclude {
        id: InvalidationId,
        place: PlaceId,
        done: oneshot::Sender<Result<(), OpError>>,
    },
    PurgeAgain {
        id: InvalidationId,
        done: oneshot::Sender<Result<(), OpError>>,
    },
    /// How much is kept in memory.
    #[cfg(test)]
    Count {
        done: oneshot::Sender<usize>,
    },
}

/// Commands that wait for the task; more make their senders wait.
const COMMANDS: usize = 64;
/// Events that a slow listener may lag behind.
const EVENTS: usize = 1024;

impl Tracker {
    /// Starts the tracker's task: takes up every open invalidation of the scope that nobody tracks.
    #[must_use]
    pub fn start(context: Arc<Context>) -> Self {
        Self::start_with(context, fastrand::Rng::new(), Doctrine::default())
    }

    /// [`Self::start`] with the chance that jitter is drawn from, so that tests repeat, and with what is believed, so
    /// that tests can show that they would notice a wrong belief.
    #[must_use]
    pub(crate) fn start_with(
        context: Arc<Context>,
        chance: fastrand::Rng,
        doctrine: Doctrine,
    ) -> Self {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (board_tx, board) = latest::channel(Arc::new(Board::default()));
        let (events, _) = broadcast::channel(EVENTS);
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let waiting = Arc::new(AtomicUsize::new(0));
        let desk = desk::Desk::new(
            Arc::clone(&context),
            desk::Wires {
                inbox,
                board: board_tx,
                waiting: Arc::clone(&waiting),
                events: events.clone(),
                stop: stop.clone(),
            },
            chance,
            doctrine,
        );
        tasks.spawn(desk.run());
        tasks.close();
        Self { inner: Arc::new(Inner { context, commands, board, waiting, events, stop, tasks }) }
    }

    /// A tracker that takes nothing up, for commands that only read; orders cannot be watched by it.
    #[must_use]
    pub fn idle(context: Arc<Context>) -> Self {
        let (commands, _) = mpsc::channel(1);
        let (_, board) = latest::channel(Arc::new(Board::default()));
        let (events, _) = broadcast::channel(1);
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.close();
        let waiting = Arc::default();
        Self { inner: Arc::new(Inner { context, commands, board, waiting, events, stop, tasks }) }
    }

    /// The latest board; changes at most 20 times a second.
    #[must_use]
    pub fn board(&self) -> latest::Receiver<Arc<Board>> {
        self.inner.board.clone()
    }

    /// Sightings and regressions as they are judged.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<TrackerEvent> {
        self.inner.events.subscribe()
    }

    /// Takes up an invalidation that this process has just recorded; returns when its lease is held, so that
    /// nobody else can take it up before the first call leaves.
    ///
    /// # Errors
    /// The journal's.
    pub async fn take_up(&self, invalidation: InvalidationId) -> Result<(), OpError> {
        self.ask(|done| Command::TakeUp { id: invalidation, done }).await
    }

    /// One probe at every covered URL of `existing` derived copies and originals, before the call leaves
    /// (design §2.3, baseline). Returns when all have ended, or 30 s after the last that timed out (1 s on
    /// loopback, where nothing lingers).
    pub async fn baseline(&self, invalidation: InvalidationId, existing: BTreeSet<DeliveryUrl>) {
        let (done, wait) = oneshot::channel();
        let command = Command::Baseline { id: invalidation, existing, done };
        if self.inner.commands.send(command).await.is_ok() {
            wait.await.ok(); // a tracker that stops holds nothing back
        }
    }

    /// New names and URLs with OLD read, and calls settled: probing of them begins after the hold-back.
    pub async fn settled(
        &self,
        invalidation: InvalidationId,
        names: Vec<WatchedName>,
        calls: Vec<Settled>,
    ) {
        let command = Command::Settled { id: invalidation, names, calls };
        self.inner.commands.send(command).await.ok(); // stopped: the journal has it for the next start
    }

    /// Gives a watch up: journaled, and its lease released.
    ///
    /// # Errors
    /// Unknown ID, tracked elsewhere, or the journal's.
    pub async fn abandon(&self, invalidation: InvalidationId) -> Result<(), OpError> {
        self.ask(|done| Command::Abandon { id: invalidation, done }).await
    }

    /// Leaves a place out of a watch: journaled, and named in the result.
    ///
    /// # Errors
    /// Unknown ID or place, tracked elsewhere, or the journal's.
    pub async fn exclude(
        &self,
        invalidation: InvalidationId,
        place: &PlaceId,
    ) -> Result<(), OpError> {
        let place = place.clone();
        self.ask(|done| Command::Exclude { id: invalidation, place, done }).await
    }

    /// Sends the invalidation again (`explicit` + `invalidate`; a repeated `destroy` where the asset is gone);
    /// at most two per invalidation; restarts hold-back and all runs.
    ///
    /// # Errors
    /// Not open, tracked elsewhere, already sent twice, or the cloud's.
    pub async fn purge_again(&self, invalidation: InvalidationId) -> Result<(), OpError> {
        self.ask(|done| Command::PurgeAgain { id: invalidation, done }).await
    }

    /// Waits for the end of a watch; `None` when the tracker stops first, or nobody knows the ID.
    pub async fn outcome(&self, invalidation: InvalidationId) -> Option<Arc<WatchSnapshot>> {
        let _waiting = Waiting::beside(&self.inner.waiting);
        let mut board = self.board();
        if board.borrow().get(invalidation).is_none()
            && let Some(ended) = self.ended_before(invalidation).await
        {
            return ended;
        }
        let has_ended =
            |board: &Arc<Board>| board.get(invalidation).is_some_and(|watch| watch.ended.is_some());
        let last = board.wait_for(has_ended).await.ok()?;
        last.get(invalidation).cloned()
    }

    /// One that the journal knows as ended: its last picture. `Some(None)` where the journal does not know it.
    async fn ended_before(
        &self,
        invalidation: InvalidationId,
    ) -> Option<Option<Arc<WatchSnapshot>>> {
        let Context { journal, clock, .. } = &*self.inner.context;
        match journal.invalidation(invalidation).await {
            Ok(known) => known.ended?,
            Err(crate::ports::journal::JournalError::Unknown { .. }) => return Some(None),
            Err(_) => return None,
        };
        let row = journal.row(invalidation).await.ok()?;
        Some(Some(Arc::new(publish::foreign(&row, clock.wall()))))
    }

    /// Stops probing, writes what is known, releases the leases and waits for that.
    pub async fn shutdown(&self) {
        self.inner.stop.cancel();
        self.inner.tasks.wait().await;
    }

    /// Things that are kept in memory for all watches and the limits.
    #[cfg(test)]
    async fn retained(&self) -> usize {
        let (done, count) = oneshot::channel();
        self.inner.commands.send(Command::Count { done }).await.ok();
        count.await.expect("the tracker runs")
    }

    async fn ask(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<(), OpError>>) -> Command,
    ) -> Result<(), OpError> {
        let (done, wait) = oneshot::channel();
        let sent = self.inner.commands.send(command(done)).await.is_ok();
        match wait.await {
            Ok(answer) if sent => answer,
            _ => Err(OpError::Invalid {
                message: "the tracker has stopped".to_owned(),
                hint: "start the program again; the journal goes on where it was".to_owned(),
            }),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
