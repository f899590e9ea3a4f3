//! The tracker's task: owns all watches, sends probes within the limits, journals, then publishes.
//!
//! Nothing here judges, and no lock is held anywhere: what runs beside the task comes back as a [`Done`].

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot, watch as latest};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::schedule::{Gate, Limits};
use super::watch::Watch;
use super::{Board, Command, Doctrine, TrackerEvent};
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::id::InvalidationId;
use crate::domain::snapshot::WatchSnapshot;
use crate::domain::time::{Moment, Timestamp};
use crate::ops::context::Context;
use crate::ports::journal::{Mark, Reach};

mod commands;
mod jobs;
mod journaling;
mod late;
mod probing;
mod roster;

use jobs::{Atlas, Done};

/// Ends of the channels that the task holds.
pub struct Wires {
    pub inbox: mpsc::Receiver<Command>,
    pub board: latest::Sender<Arc<Board>>,
    /// Of those who hold a receiver of the board beside the handle, how many only wait for an end.
    pub waiting: Arc<AtomicUsize>,
    pub events: broadcast::Sender<TrackerEvent>,
    pub stop: CancellationToken,
}

/// A watch and when it was last dealt with.
struct Tracked {
    watch: Watch,
    /// Tells answers to this watch from those to one that was dropped and taken up again.
    epoch: u64,
    /// Whose turn it is to be asked.
    next_place: usize,
    stepped: Moment,
    /// Something changed before the last step that is not drawn yet.
    moved: bool,
    /// Its picture was drawn and is not on disk yet.
    unflushed: bool,
    /// When its picture was last drawn, and written.
    flushed: Moment,
    saved: Moment,
    /// What it took to draw and to write its last picture; it grows with the cells.
    drawing: Duration,
    saving: Duration,
    /// It is not read again before this, while its calls are under way.
    unread_until: Moment,
    picture: Arc<WatchSnapshot>,
}

/// The calls of one order wait for these looks at old copies.
struct PendingBaseline {
    id: InvalidationId,
    /// URLs of originals and derived copies that storage holds.
    existing: BTreeSet<DeliveryUrl>,
    since: Moment,
    started: bool,
    done: oneshot::Sender<()>,
}

/// Everything that the task owns.
pub struct Desk {
    context: Arc<Context>,
    wires: Wires,
    doctrine: Doctrine,
    tracked: Vec<Tracked>,
    /// Pictures of what others track.
    foreign: HashMap<InvalidationId, Arc<WatchSnapshot>>,
    /// Ended since the process began, oldest first, bounded.
    ended: Vec<Arc<WatchSnapshot>>,
    /// Ended, with places that were never heard of.
    vigils: Vec<late::Vigil>,
    /// Open ones whose calls had all left when names were compared last.
    settled: HashSet<InvalidationId>,
    /// Whether the journal was asked for those of an earlier process.
    recalled: bool,
    baselines: Vec<PendingBaseline>,
    gate: Gate,
    chance: fastrand::Rng,
    jobs: JoinSet<Done>,
    stats_in_flight: usize,
    atlas: HashMap<String, Atlas>,
    /// No host lacks places before this, unless a watch is taken up.
    search_due: Option<Moment>,
    epoch: u64,
    /// Whose turn it is to probe first.
    turn: usize,
    ticked: Moment,
    scanned: Option<Moment>,
    /// How the journal looked before it was last scanned.
    mark: Option<Mark>,
    /// The last look of it while nothing was open, and how often that was another one than before.
    noted: Option<Mark>,
    noticed: u64,
    listens: bool,
    published: Moment,
    /// When what all watches had to say was last written, and pictures in which nothing happened were drawn.
    beat_at: Moment,
    refreshed: Moment,
    board_changed: bool,
    trouble: Option<String>,
    /// How far away the journal is, as it was last shown.
    reach: Reach,
    /// Changes of other members that were told of, and whether they were looked at.
    heard: u64,
    told: bool,
    /// What the last scan took: those that others ask for come no closer together than some times that.
    scanning: Duration,
}

/// Heartbeat, leases, what others track.
const SCAN: Duration = Duration::from_secs(2);
/// After something was told of, the list is read this soon.
const TOLD: Duration = Duration::from_millis(100);
/// And at most this share of the time goes into it.
const SHARE_SCANNED: u32 = 10;
/// Longest sleep, and the same while somebody looks on: a longer gap between ticks would hide a suspend.
const LONGEST_SLEEP: Duration = Duration::from_secs(2);
const LONGEST_WATCHED: Duration = Duration::from_secs(1);
/// A longer gap between ticks interrupts every watch (design §2.3).
const GAP: Duration = Duration::from_secs(10);
/// How often a watch in which something happens is asked whether it ends.
const STEP: Duration = Duration::from_millis(100);

impl Tracked {
    /// When it is to be asked whether it ends: soon where something moved, or where quiet is over and something
    /// holds the end up; else now and then, and when quiet will be over.
    fn step_due(&self) -> Moment {
        let (soon, later) = (self.stepped + STEP, self.stepped + LONGEST_SLEEP);
        if self.watch.changed {
            return soon;
        }
        let Some(over) = self.watch.grid.quiet_until() else { return later };
        if over <= self.stepped { soon } else { later.min(over) }
    }
}

impl Desk {
    pub fn new(
        context: Arc<Context>,
        wires: Wires,
        chance: fastrand::Rng,
        doctrine: Doctrine,
    ) -> Self {
        let now = context.clock.moment();
        Self {
            gate: Gate::new(Limits::new(context.policy.loopback)),
            context,
            wires,
            doctrine,
            tracked: Vec::new(),
            foreign: HashMap::new(),
            ended: Vec::new(),
            vigils: Vec::new(),
            settled: HashSet::new(),
            recalled: false,
            baselines: Vec::new(),
            chance,
            jobs: JoinSet::new(),
            stats_in_flight: 0,
            atlas: HashMap::new(),
            search_due: None,
            epoch: 0,
            turn: 0,
            ticked: now,
            scanned: None,
            mark: None,
            noted: None,
            noticed: 0,
            listens: false,
            published: now,
            beat_at: now,
            refreshed: now,
            board_changed: false,
            trouble: None,
            reach: Reach::default(),
            heard: 0,
            told: false,
            scanning: Duration::ZERO,
        }
    }

    /// Runs until it is told to stop or nobody holds a handle any more.
    pub async fn run(mut self) {
        loop {
            self.tick().await;
            if self.has_nothing_to_do() {
                let journal = Arc::clone(&self.context.journal);
                let mark = self.mark.take();
                let command = tokio::select! {
                    biased;
                    () = self.wires.stop.cancelled() => break,
                    command = self.wires.inbox.recv() => command.map(Some),
                    () = journal.changed(mark.as_ref()) => Some(None),
                    heard = journal.change(self.heard) => {
                        (self.heard, self.told, self.board_changed) = (heard, true, true);
                        Some(None)
                    }
                };
                // however long that was: there was nothing that a gap could have harmed
                (self.ticked, self.scanned) = (self.now(), None);
                match command {
                    Some(Some(command)) => self.obey(command).await,
                    Some(None) => {}
                    None => break,
                }
                continue;
            }
            let wake = self.sleep_for();
            let journal = Arc::clone(&self.context.journal);
            tokio::select! {
                biased;
                () = self.wires.stop.cancelled() => break,
                command = self.wires.inbox.recv() => match command {
                    Some(command) => self.obey(command).await,
                    None => break,
                },
                Some(done) = self.jobs.join_next() => self.take_all(done),
                heard = journal.change(self.heard) => {
                    (self.heard, self.told, self.board_changed) = (heard, true, true);
                }
                () = tokio::time::sleep(wake) => {}
            }
        }
        self.close().await;
    }

    /// Whether nothing is open, here or elsewhere, that time alone could change: the next command or write wakes us.
    fn has_nothing_to_do(&self) -> bool {
        let open = !self.tracked.is_empty() || !self.foreign.is_empty() || !self.vigils.is_empty();
        let under_way = !self.baselines.is_empty() || !self.jobs.is_empty() || self.board_changed;
        self.recalled && self.trouble.is_none() && !open && !under_way
    }

    fn now(&self) -> Moment {
        self.context.clock.moment()
    }

    fn wall(&self) -> Timestamp {
        self.context.clock.wall()
    }

    /// Whether anybody looks at the board, beside those who only wait for an end: pictures in which nothing is new
    /// are drawn for nobody else.
    fn is_watched(&self) -> bool {
        let holders = self.wires.board.receiver_count();
        holders > 1 + self.wires.waiting.load(Ordering::Relaxed) // the handle holds one
    }

    /// Everything whose time has come.
    async fn tick(&mut self) {
        self.notice_gap();
        let now = self.now();
        if self.scanned.is_none_or(|at| now.since(at) >= self.scan_pace()) {
            self.told = false;
            self.scan().await;
            let done = self.now();
            (self.scanned, self.scanning) = (Some(done), done.since(now));
            self.show_reach();
        }
        self.find_places();
        self.advance().await;
        self.tend_vigils().await;
        self.end_baselines();
        self.pump();
        self.flush().await;
    }

    /// How long after the last scan the next one is due: soon where another member told of something.
    fn scan_pace(&self) -> Duration {
        if self.told { TOLD.max(self.scanning * SHARE_SCANNED).min(SCAN) } else { SCAN }
    }

    /// Shows how far away the journal is, where that is news.
    fn show_reach(&mut self) {
        let reach = self.context.journal.reach();
        let is_news = match (&self.reach, &reach) {
            (Reach::Reached { delay: shown }, Reach::Reached { delay }) => {
                let apart = shown.abs_diff(*delay);
                apart > Duration::from_millis(5) && apart > *shown / 2
            }
            (shown, now) => shown != now,
        };
        if is_news {
            (self.reach, self.board_changed) = (reach, true);
        }
    }

    /// A gap between ticks means that the machine slept: nothing seen before it counts.
    fn notice_gap(&mut self) {
        let now = self.now();
        let gap = now.since(std::mem::replace(&mut self.ticked, now));
        if gap > GAP {
            let (wall, why) = (self.wall(), format!("nothing ran for {} s", gap.as_secs()));
            for tracked in &mut self.tracked {
                tracked.watch.interrupt(&why, now, wall);
            }
            self.scanned = None;
        }
    }

    /// Names, URLs and ends of all watches.
    async fn advance(&mut self) {
        let now = self.now();
        for index in 0..self.tracked.len() {
            let watch = &mut self.tracked[index].watch;
            if watch.truths_due().is_some_and(|due| due <= now) {
                watch.advance(now, self.context.clock.wall(), &mut self.chance);
                self.ask_storage(index, now);
            }
        }
        self.ask_journal().await;
        let due = |tracked: &Tracked| tracked.step_due() <= now || tracked.watch.urgent;
        let ids = self.tracked.iter().filter(|tracked| due(tracked)).map(|t| t.watch.id());
        for id in ids.collect::<Vec<_>>() {
            self.step(id).await;
        }
    }

    /// Asks one watch whether it ends.
    async fn step(&mut self, id: InvalidationId) {
        use super::watch::Step;
        let (now, mut chance) = (self.now(), self.chance.fork());
        let Some(tracked) = self.find(id) else { return };
        tracked.stepped = now;
        tracked.moved |= std::mem::take(&mut tracked.watch.changed);
        tracked.watch.plot(now);
        match tracked.watch.step(now, &mut chance) {
            Step::GoOn => {
                if let Some(why) = tracked.watch.is_sent_again_by_policy(now) {
                    self.purge_again_by_policy(id, &why).await;
                }
            }
            Step::End(outcome) => self.end(id, outcome).await,
            Step::EndUnlessSuperseded(outcome) => {
                if self.check_superseded(id).await == Ok(false) {
                    self.end(id, outcome).await;
                }
            }
        }
    }

    fn find(&mut self, id: InvalidationId) -> Option<&mut Tracked> {
        self.tracked.iter_mut().find(|tracked| tracked.watch.id() == id)
    }

    /// Time until something is due.
    fn sleep_for(&mut self) -> Duration {
        let now = self.now();
        let scan = self.scanned.map_or(now, |at| at + self.scan_pace());
        let longest = if self.is_watched() { LONGEST_WATCHED } else { LONGEST_SLEEP };
        let mut wake = scan.min(now + longest);
        if self.trouble.is_none() {
            let due = self.next_request().into_iter().chain(self.next_errand());
            wake = due.fold(wake, Moment::min);
        }
        wake.since(now).max(Duration::from_millis(1))
    }

    /// When some watch wants to move on, be journaled or be published.
    fn next_errand(&mut self) -> Option<Moment> {
        // with every reading of storage under way, the next answer wakes us
        let asks = self.stats_in_flight < jobs::STATS;
        let (watched, beat) = (self.is_watched(), self.beat_at);
        let baseline = self.baselines.first().map(|_| self.now() + STEP);
        let of_watch = |tracked: &mut Tracked| {
            let word = tracked.word_due(beat, watched);
            let truths = tracked.watch.truths_due().filter(|_| asks);
            truths.into_iter().chain(word).fold(tracked.step_due(), Moment::min)
        };
        self.tracked.iter_mut().map(of_watch).chain(baseline).min()
    }
}
