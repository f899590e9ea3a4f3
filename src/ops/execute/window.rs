//! The sliding window: as many calls in flight as the profile allows, each marked as sent before it leaves.
//!
//! One write at a time collects everything that is waiting: outcomes of calls that were answered, and marks of those
//! that leave next. Nothing leaves before its mark is durable; an outcome is told only when it is.
//!
//! So that no place is empty while a mark is written, some calls are marked ahead: they leave as places become free, no
//! later than [`AHEAD`] after their mark, or their marks are taken back. After a crash they are in doubt like those in
//! flight, and storage is asked about them.
//!
//! Calls and writes are tasks of their own: they go on while the window itself waits for the journal or the tracker.
//! A write that stood still would keep the journal's turn from everybody, the window among them.

mod answers;
mod others;
mod outage;
mod writing;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::brake::Brake;
use super::call::{self, Answered, Wait};
use super::heart::Pulse;
use super::pace::Meter;
use super::team::{Look, Page, Team};
use super::work::{Unit, Work};
use super::{ExecutedItem, Execution, tell};
use crate::domain::invalidation::{Item, ItemState};
use crate::domain::job::{JobState, JobWait, Wish};
use crate::domain::time::Moment;
use crate::ops::context::Context;
use crate::ops::error::OpError;
use crate::ops::jobs::Here;
use crate::ops::tracker::{Settled, Tracker};
use crate::ports::journal::{JobLease, JobsOf, JournalError};
use outage::Outage;
use writing::Written;

/// The tracker hears of outcomes at most so often: it looks through all names each time.
const TELL_TRACKER: Duration = Duration::from_millis(200);
/// A call leaves no later than this after it was marked: what is judged by when it left bears no more.
const AHEAD: Duration = Duration::from_secs(1);

/// What the window works with.
pub(super) struct Desk<'a> {
    pub context: &'a Arc<Context>,
    pub tracker: &'a Tracker,
    /// Of a hand: grows with what it is given.
    pub work: Arc<Work>,
    pub lease: JobLease,
    pub pulse: &'a Pulse,
    pub events: &'a mpsc::Sender<Execution>,
    pub cancel: &'a CancellationToken,
    pub leave: &'a CancellationToken,
}

/// How a run ended.
pub(super) enum End {
    /// Every item has its outcome.
    Through,
    /// The rest is left as it is, for whoever takes the job up.
    Left,
    /// Nothing got through for too long; why, in one sentence.
    Stopped(String),
    /// Nothing gets through here; others go on with it.
    LeftToOthers(String),
}

/// One job under way.
pub(super) struct Window<'a> {
    desk: Desk<'a>,
    here: &'a mut Here,
    /// The others, where it is shared: what is next is asked of the journal then, and no queue is kept.
    team: Option<Team>,
    /// States as the journal has them.
    items: Vec<ExecutedItem>,
    queue: VecDeque<Unit>,
    /// Marked as sent, and to leave as soon as a place is free; with the time of the mark.
    marked: VecDeque<(Unit, Moment)>,
    /// Not to leave after all: in the queue again once the journal has them as intended.
    taken_back: Vec<Unit>,
    /// Items that were sent and whose outcome nobody knows, with the time to ask storage.
    doubts: VecDeque<Doubt>,
    flights: JoinSet<(Flight, Vec<Answered>)>,
    /// Answers that are not in the journal yet.
    answered: Vec<(usize, Answered)>,
    writing: Option<JoinHandle<Written>>,
    /// When something began to wait for being written.
    waiting_since: Option<Moment>,
    untold: Vec<Settled>,
    told: Moment,
    /// Why the rest is not sent.
    stop: Option<String>,
    /// The server of the journal is gone, and what was written last may be there or not.
    outage: Option<Outage>,
    /// The journal cannot be written: what is in it stays as it is.
    unwritable: bool,
    /// This process is about to end: the rest stays as it is, for whoever takes the job up.
    leaves: bool,
    /// Since when every answer was a refusal, or none came; waits that the quota names do not count.
    refused_since: Option<Moment>,
    /// Why it is given up for now.
    given_up: Option<String>,
    /// Others go on with it.
    handed_over: bool,
    /// It is written down that nothing more is sent.
    skipped: bool,
    brake: Brake,
    meter: Meter,
    state: JobState,
    waits: Option<JobWait>,
    done: usize,
    failed: usize,
}

struct Doubt {
    position: usize,
    tries: u32,
    at: Moment,
    why: String,
}

/// A call in flight, or a question about one.
struct Flight {
    unit: Unit,
    since: Moment,
    /// Questions so far, where it is one.
    tries: u32,
}

impl<'a> Window<'a> {
    pub fn new(desk: Desk<'a>, here: &'a mut Here) -> Self {
        let work = &desk.work;
        let items = work.items.iter().map(ExecutedItem::of).collect::<Vec<_>>();
        let intended = positions(&work.items, ItemState::Intended);
        let now = desk.context.clock.moment();
        let doubt = |position| Doubt {
            position,
            tries: 0,
            at: now,
            why: "its process ended before the answer came".to_owned(),
        };
        let most = desk.context.policy.concurrency.max(1);
        let team = work.is_shared.then(|| Team::of(work, desk.lease, most, now));
        // of a shared job the journal tells what is next, and what the dead had under way
        let alone = team.is_none();
        let doubts = positions(&work.items, ItemState::Sent).filter(|_| alone).map(doubt).collect();
        let done = work.items.iter().filter(|item| item.state.is_settled()).count();
        let failed = work.items.iter().filter(|item| item.state == ItemState::Failed).count();
        let waiting = work.not_before.is_some_and(|at| at > desk.context.clock.wall());
        Self {
            queue: work.units(intended.filter(|_| alone)).into(),
            team,
            marked: VecDeque::new(),
            taken_back: Vec::new(),
            doubts,
            items,
            flights: JoinSet::new(),
            answered: Vec::new(),
            writing: None,
            waiting_since: None,
            untold: Vec::new(),
            told: now,
            stop: None,
            outage: None,
            unwritable: false,
            leaves: false,
            refused_since: None,
            given_up: None,
            handed_over: false,
            skipped: false,
            brake: Brake::default(),
            meter: Meter::start(now, done),
            state: if waiting { JobState::Waiting } else { JobState::Running },
            waits: None,
            done,
            failed,
            desk,
            here,
        }
    }

    /// Sends what is to be sent, and returns when every item has its outcome or nothing more may leave.
    ///
    /// # Errors
    /// [`JournalError::JobLost`] when another process runs the job now.
    pub async fn run(mut self) -> Result<(Vec<ExecutedItem>, End), OpError> {
        let mut cancelled = false;
        loop {
            self.heed().await;
            self.take_marks_back();
            self.skip_the_rest();
            self.start_doubts();
            self.start_writing();
            if self.is_over() {
                break;
            }
            let wake = self.wake();
            tokio::select! {
                biased;
                () = self.desk.pulse.until_lost() => return self.lost().await,
                () = self.desk.cancel.cancelled(), if !cancelled => {
                    cancelled = true;
                    self.cancel().await;
                }
                () = self.desk.leave.cancelled(), if !self.leaves => self.leaves = true,
                () = self.here.changed() => {}
                look = Team::looked(&mut self.team) => self.looked(look).await,
                written = on(&mut self.writing) => self.written(written).await,
                Some(landed) = self.flights.join_next() => {
                    let (flight, answers) = ended(landed).await;
                    self.landed(&flight, answers);
                }
                () = tokio::time::sleep(wake) => {}
            }
            self.tick().await;
        }
        // answers that the journal did not take are told all the same
        for (position, answer) in std::mem::take(&mut self.answered) {
            self.settled(position, answer).await;
        }
        self.tell_tracker().await;
        let is_hand = self.desk.lease.is_hand; // which knows its own part alone
        let is_through = !is_hand && self.items.iter().all(|item| item.state.is_settled());
        let end = match self.given_up {
            _ if self.unwritable => End::Left,
            Some(why) if is_hand || self.handed_over => End::LeftToOthers(why),
            Some(why) if !is_through => End::Stopped(why),
            _ if is_through && !self.leaves && self.here.wish() != Wish::Cancel => End::Through,
            _ => End::Left,
        };
        Ok((self.items, end))
    }

    /// What the operator wants now, whoever said it; and why nothing leaves at the moment.
    async fn heed(&mut self) {
        let now = self.desk.context.clock.wall();
        let held_back = self.desk.work.not_before.filter(|at| *at > now);
        let state = match self.here.wish() {
            Wish::Cancel => JobState::Cancelling,
            Wish::Pause => JobState::Paused,
            Wish::Hold => JobState::Held,
            Wish::Run if held_back.is_some() => JobState::Waiting,
            Wish::Run => JobState::Running,
        };
        if state == JobState::Cancelling && self.stop.is_none() {
            self.stop = Some("cancelled before it was sent".to_owned());
            if let Some(team) = &mut self.team {
                team.take_nothing(); // whoever cancelled has skipped what waited
            }
        }
        if state != self.state {
            if state == JobState::Running {
                self.meter = Meter::start(self.now(), self.done);
                self.refused_since = None;
            }
            self.state = state;
            tell(self.desk.events, Execution::State(state)).await;
        }
        let delay = held_back.map(|until| JobWait {
            until,
            because: "large orders wait for a while, to be called off".to_owned(),
        });
        let outage = self.outage.as_ref().map(|outage| outage.wait.clone());
        let wait = outage.or(delay).or_else(|| self.quota()).or_else(|| self.brake.wait(now));
        let wait = wait.filter(|_| state == JobState::Running || state == JobState::Waiting);
        if wait != self.waits {
            self.waits.clone_from(&wait);
            self.desk.pulse.wait.send_replace(wait.clone());
            tell(self.desk.events, Execution::Wait(wait)).await;
        }
    }

    /// Admin calls that the last reply left for this hour; none left is waited for and never tried.
    fn quota(&self) -> Option<JobWait> {
        let now = self.desk.context.clock.wall();
        let quota = self.desk.context.cloud.quota().filter(|_| self.desk.work.uses_quota())?;
        let until = quota.reset_at.filter(|at| *at > now)?;
        let left = usize::try_from(quota.remaining).unwrap_or(usize::MAX);
        (left <= self.flights.len() && !self.queue.is_empty()).then(|| JobWait {
            until,
            because: format!("all {} Admin API calls of this hour are used", quota.limit),
        })
    }

    fn now(&self) -> Moment {
        self.desk.context.clock.moment()
    }

    fn may_send(&self) -> bool {
        let goes_on = self.stop.is_none() && !self.leaves;
        goes_on && self.state == JobState::Running && self.waits.is_none()
    }

    /// Calls that may leave beside those in flight.
    fn free(&self) -> usize {
        let most = self.desk.context.policy.concurrency.max(1);
        // Admin calls go one at a time: each carries many assets, and each tells what is left
        let most = self.team.as_ref().map_or(most, Team::most);
        let most = if self.desk.work.uses_quota() { 1 } else { self.brake.narrowed(most) };
        most.saturating_sub(self.flights.len())
    }

    /// What was not sent and will not be has its outcome.
    fn skip_the_rest(&mut self) {
        let Some(why) = self.stop.clone().filter(|_| !self.unwritable) else { return };
        for position in std::mem::take(&mut self.queue).into_iter().flatten() {
            let skipped = Answered::skipped(&self.desk.work.items[position], &why);
            self.answered.push((position, skipped));
        }
    }

    /// Asks storage about calls whose answer nobody saw.
    fn start_doubts(&mut self) {
        let now = self.now();
        let most = self.desk.context.policy.concurrency.max(1);
        let most = self.team.as_ref().map_or(most, Team::most);
        while !self.leaves
            && self.outage.is_none()
            && self.flights.len() < most
            && self.doubts.front().is_some_and(|doubt| doubt.at <= now)
            && let Some(doubt) = self.doubts.pop_front()
        {
            let flight = Flight { unit: vec![doubt.position], since: now, tries: doubt.tries + 1 };
            let (context, work) = (Arc::clone(self.desk.context), Arc::clone(&self.desk.work));
            self.flights.spawn(async move {
                let item = &work.items[doubt.position];
                (flight, vec![call::ask(&context, &work, item, &doubt.why).await])
            });
        }
    }

    /// Nothing is under way here.
    fn idles(&self) -> bool {
        self.flights.is_empty() && self.writing.is_none() && self.answered.is_empty()
    }

    fn is_cancelling(&self) -> bool {
        self.state == JobState::Cancelling
    }

    /// The tracker hears of outcomes now and then.
    async fn tick(&mut self) {
        let now = self.now();
        let idles = self.idles();
        if let Some(team) = &mut self.team {
            team.look(self.desk.context, idles, now);
        }
        if !self.untold.is_empty() && now >= self.told + TELL_TRACKER {
            self.tell_tracker().await;
        }
        if self.state == JobState::Running
            && let Some((rate, eta)) = self.meter.due(now, self.done, self.items.len())
        {
            tell(self.desk.events, Execution::Pace { rate, eta }).await;
        }
    }

    /// Written down as everybody's wish, so that no other process goes on with it.
    async fn cancel(&mut self) {
        let Desk { context, work, .. } = &self.desk;
        let (of, now) = (JobsOf::One(work.id()), context.clock.wall());
        let wished = context.journal.wish(of, Wish::Cancel, context.member.id, now).await;
        if let Err(trouble) = wished {
            tracing::error!(%trouble, "the journal does not know that the job was cancelled");
        }
        self.here.learn(Wish::Cancel);
    }

    /// Somebody else runs the job: calls in flight settle, and that somebody asks storage about them.
    async fn lost(mut self) -> Result<(Vec<ExecutedItem>, End), OpError> {
        while self.flights.join_next().await.is_some() {}
        Err(JournalError::JobLost.into())
    }

    fn is_over(&self) -> bool {
        let nothing_waits = self.flights.is_empty() && self.writing.is_none();
        let through = self.team.as_ref().is_none_or(|team| team.is_through(self.done));
        let nothing_left =
            self.leaves || (self.queue.is_empty() && self.doubts.is_empty() && through);
        let nothing_waits = nothing_waits && self.marked.is_empty();
        nothing_waits && nothing_left && (self.answered.is_empty() || self.unwritable)
    }

    /// When something is due without anything having happened.
    fn wake(&self) -> Duration {
        let now = self.now();
        let wall = self.desk.context.clock.wall();
        let wait = self.waits.as_ref().map(|wait| {
            now + Duration::try_from(wait.until.duration_since(wall)).unwrap_or_default()
        });
        let gathered = self.waiting_since.filter(|_| self.writing.is_none());
        let gathered =
            gathered.filter(|_| self.outage.is_none()).map(|since| since + self.gather());
        let again =
            self.outage.as_ref().filter(|_| self.writing.is_none() && self.flights.is_empty());
        let again = again.map(|outage| outage.again);
        let tell = (!self.untold.is_empty()).then(|| self.told + TELL_TRACKER);
        let doubts = self.doubts.iter().map(|doubt| doubt.at).min();
        let doubts = doubts.filter(|_| self.outage.is_none());
        let pace = (self.state == JobState::Running).then(|| self.meter.next());
        let marked = self.marked.front().map(|(_, at)| *at + AHEAD);
        let team = self.team.as_ref().and_then(|team| team.wake(self.may_send(), self.idles()));
        let team = team.filter(|_| self.writing.is_none());
        let soon = [wait, gathered, again, tell, doubts, pace, marked, team];
        let soon = soon.into_iter().flatten().min();
        let soon = soon.unwrap_or(now + Duration::from_secs(3600));
        soon.since(now).max(Duration::from_millis(1))
    }
}

/// The write under way; never, where there is none.
async fn on<T>(writing: &mut Option<JoinHandle<T>>) -> T {
    match writing {
        Some(writing) => ended(writing.await).await,
        None => std::future::pending().await,
    }
}

/// What a task came to. Its panic is ours; at the end of the runtime nothing comes any more.
async fn ended<T>(task: Result<T, JoinError>) -> T {
    match task.map_err(JoinError::try_into_panic) {
        Ok(value) => value,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Err(Err(_)) => std::future::pending().await,
    }
}

fn positions(items: &[Item], state: ItemState) -> impl Iterator<Item = usize> {
    let is = move |(position, item): (usize, &Item)| (item.state == state).then_some(position);
    items.iter().enumerate().filter_map(is)
}
