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
use crate::domain::text::clean;
use crate::domain::time::{Moment, Timestamp};
use crate::domain::verdict::Stored;
use crate::ops::context::Context;
use crate::ops::error::OpError;
use crate::ops::jobs::Here;
use crate::ops::tracker::{Settled, Tracker};
use crate::ports::journal::{JobLease, JobsOf, JournalError, Step};
use crate::ports::journal_team::{Dealt, Turn};

/// Storage is asked about one call at most so often, before it is left to the next start.
const DOUBTS: u32 = 6;
/// The tracker hears of outcomes at most so often: it looks through all names each time.
const TELL_TRACKER: Duration = Duration::from_millis(200);
/// Waiting for more to be written with takes this share of a call's time, no longer than a write took, and no longer
/// than [`GATHER`].
const GATHER_SHARE: u32 = 8;
const GATHER: Duration = Duration::from_millis(10);
/// A call leaves no later than this after it was marked: what is judged by when it left bears no more.
const AHEAD: Duration = Duration::from_secs(1);
/// A shared job waits so long for its journal's server to come back, and looks for it so often.
const OUTAGE: Duration = Duration::from_secs(60);
const KNOCK: Duration = Duration::from_millis(500);
/// A journal that is busy or cannot be written is tried again so often before nothing more is sent.
const WRITES: u32 = 3;

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

/// Since when, when it is tried again, and what is said of it.
struct Outage {
    since: Moment,
    again: Moment,
    wait: JobWait,
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

/// A write that has ended.
struct Written {
    answered: Vec<(usize, Answered)>,
    leaving: Vec<Unit>,
    taken_back: Vec<Unit>,
    /// Of a shared job: how many were asked for.
    asked: usize,
    /// Of a shared job: that nothing more is sent was written.
    stops: bool,
    /// Of a shared job: what was marked unknown to this process was given up.
    renounces: bool,
    at: Timestamp,
    took: Duration,
    result: Result<(Wish, Option<Dealt>), JournalError>,
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

    /// Calls to have marked beyond those that may leave: as many as places become free during a write, twice over.
    fn ahead(&self) -> usize {
        let (call, write) = (self.meter.call_time(), self.meter.write_time());
        let most = self.desk.context.policy.concurrency.max(1);
        let is_slowed = self.brake.narrowed(most) < most;
        if self.team.is_some() || self.desk.work.uses_quota() || is_slowed || call.is_zero() {
            return 0;
        }
        let share = 2.0 * write.as_secs_f64() / call.as_secs_f64();
        // never fewer than an eighth, never more than may leave at once
        let ahead = (most as f64 * share.clamp(0.125, 1.0)).ceil();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to `most`")]
        let ahead = ahead as usize;
        ahead.min(most)
    }

    /// Calls leave that the journal has as sent, as far as there are places.
    fn depart(&mut self) {
        let now = self.now();
        while self.may_send()
            && self.free() > 0
            && let Some((unit, _)) = self.marked.pop_front_if(|(_, at)| now.since(*at) < AHEAD)
        {
            let at = self.desk.context.clock.wall();
            self.send(unit, at);
        }
    }

    /// Where nothing may leave any more, or not soon, marked calls are intended again.
    fn take_marks_back(&mut self) {
        let late = |(_, at): &(Unit, Moment)| self.now().since(*at) >= AHEAD;
        if self.marked.is_empty() || (self.may_send() && !self.marked.front().is_some_and(late)) {
            return;
        }
        let units = std::mem::take(&mut self.marked).into_iter().map(|(unit, _)| unit);
        let units = units.collect::<Vec<_>>();
        for position in units.iter().flatten() {
            let item = &self.desk.work.items[*position];
            self.answered.push((*position, Answered::not_sent(item)));
        }
        self.taken_back.extend(units);
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

    /// Begins to write what is waiting, unless more is about to come.
    fn start_writing(&mut self) {
        if self.writing.is_some() || self.unwritable {
            return;
        }
        let now = self.now();
        if self.outage.as_ref().is_some_and(|it| now < it.again || !self.flights.is_empty()) {
            return; // what is under way comes first: all that is known is written at once then
        }
        let renounces = self.outage.is_some();
        if renounces {
            self.renounce();
        }
        let free = if self.may_send() { self.next_calls(now) } else { 0 };
        let skip = self.stop.clone().filter(|_| self.skips_for_all());
        if free == 0 && self.answered.is_empty() && skip.is_none() && !renounces {
            self.waiting_since = None;
            return;
        }
        let since = *self.waiting_since.get_or_insert(now);
        let enough = self.flights.is_empty() || free * 2 > self.most();
        if !enough && !renounces && now < since + self.gather() {
            return;
        }
        self.waiting_since = None;
        let leaving = self.queue.drain(..free.min(self.queue.len())).collect::<Vec<_>>();
        let answered = std::mem::take(&mut self.answered);
        let taken_back = std::mem::take(&mut self.taken_back);
        let (context, lease) = (Arc::clone(self.desk.context), self.desk.lease);
        let work = &self.desk.work;
        let outcome = |(_, it): &(usize, Answered)| (it.item, it.state, it.message.clone());
        let outcomes = answered.iter().map(outcome).collect();
        let stops = skip.is_some();
        let at = context.clock.wall();
        let leaves = leaving.iter().flatten().map(|position| work.items[*position].id);
        let page = if self.team.is_some() {
            let (cap, wait) = (context.policy.concurrency.max(1), self.brake.wait(at));
            Page::Turn(Turn { outcomes, most: free, cap, wait, renounces, skip })
        } else {
            Page::Step(Step { outcomes, leaving: leaves.collect() })
        };
        self.writing = Some(tokio::spawn(async move {
            let began = context.clock.moment();
            let mut result = page.write(&context, lease, at).await;
            for pause in 1..WRITES {
                if !matches!(result, Err(JournalError::Busy { .. })) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(200) * pause).await;
                result = page.write(&context, lease, at).await;
            }
            let took = context.clock.moment().since(began);
            Written {
                answered,
                leaving,
                taken_back,
                asked: free,
                stops,
                renounces,
                at,
                took,
                result,
            }
        }));
    }

    /// Calls to be marked next: those in the queue, or those that the journal may give.
    fn next_calls(&self, now: Moment) -> usize {
        match &self.team {
            Some(team) if team.asks(now) => self.free(),
            Some(_) => 0,
            None => {
                let wanted = (self.free() + self.ahead()).saturating_sub(self.marked.len());
                wanted.min(self.queue.len())
            }
        }
    }

    /// Calls at once that this process may have.
    fn most(&self) -> usize {
        let most = self.desk.context.policy.concurrency;
        self.team.as_ref().map_or(most, Team::most)
    }

    /// Whether it is to be written down that nothing more is sent: a cancelled job's rest is skipped by whoever cancels.
    fn skips_for_all(&self) -> bool {
        self.team.as_ref().is_some_and(|team| !team.is_hand())
            && !(self.leaves || self.skipped || self.is_cancelling())
    }

    fn gather(&self) -> Duration {
        (self.meter.call_time() / GATHER_SHARE).min(self.meter.write_time()).min(GATHER)
    }

    /// Whether the server of the journal may yet come back in time; what a job of one process marked is known to it.
    fn outlasts(&self) -> bool {
        let since = self.outage.as_ref().map_or_else(|| self.now(), |outage| outage.since);
        self.team.is_some() && self.now().since(since) < OUTAGE
    }

    /// What was answered is written once the server of the journal is back. A call that was not carried out is left
    /// marked: somebody else may have been given it, if the write was carried out.
    fn keep(&mut self, answered: Vec<(usize, Answered)>, because: &str) {
        let now = self.now();
        let since = self.outage.as_ref().map_or(now, |outage| outage.since);
        let until = self.desk.context.clock.wall() + OUTAGE.saturating_sub(now.since(since));
        let because = clean(because).into_owned();
        let wait = self.outage.take().map_or(JobWait { until, because }, |outage| outage.wait);
        self.outage = Some(Outage { since, again: now + KNOCK, wait });
        let known = answered.into_iter().chain(std::mem::take(&mut self.answered));
        let (known, refused) = known.partition(|(_, it)| it.state != ItemState::Intended);
        self.answered = known;
        self.forget(refused);
    }

    /// Whoever runs the job asks about everything that has no answer yet.
    fn renounce(&mut self) {
        let doubts = std::mem::take(&mut self.doubts);
        if let Some(team) = &mut self.team {
            for Doubt { position, .. } in doubts {
                team.renounce(position, self.desk.work.items[position].id);
            }
        }
        let (known, refused): (Vec<_>, Vec<_>) = std::mem::take(&mut self.answered)
            .into_iter()
            .partition(|(_, it)| it.state != ItemState::Intended);
        self.answered = known;
        self.forget(refused);
    }

    fn forget(&mut self, answered: Vec<(usize, Answered)>) {
        let Some(team) = &mut self.team else { return };
        for (position, answer) in answered {
            team.renounce(position, answer.item);
        }
    }

    /// The journal has it: calls leave, and outcomes are told.
    async fn written(&mut self, written: Written) {
        self.writing = None;
        let Written { answered, leaving, taken_back, asked, stops, renounces, at, took, result } =
            written;
        self.meter.write(took);
        self.put_back(taken_back);
        match result {
            Ok((wish, Some(dealt))) => {
                self.here.learn(wish);
                if renounces {
                    self.outage = None;
                }
                self.dealt(&dealt, asked, at, stops);
            }
            Ok((wish, None)) => {
                self.here.learn(wish);
                if wish.sends() {
                    let now = self.now();
                    self.marked.extend(leaving.into_iter().map(|unit| (unit, now)));
                    self.depart();
                } else {
                    self.put_back(leaving); // the journal has not marked them
                }
            }
            Err(JournalError::JobLost) => {
                self.desk.pulse.lost.send_replace(true);
                return; // what was answered is for the new runner to find out
            }
            Err(JournalError::Gone { journal, detail }) if self.outlasts() => {
                self.keep(answered, &format!("the journal {journal} is gone: {detail}"));
                return;
            }
            Err(trouble) => {
                tracing::error!(%trouble, "outcomes not journaled; storage settles them at the next start");
                let marked = std::mem::take(&mut self.marked).into_iter().map(|(unit, _)| unit);
                self.put_back(marked.chain(leaving).collect());
                self.unwritable = true;
                self.leaves |= self.team.is_some(); // others have it as it is
                let why = format!("not sent, because the journal cannot be written: {trouble}");
                self.leave(&why).await;
                self.stop = Some(why);
            }
        }
        for (position, answer) in answered {
            self.settled(position, answer).await;
        }
    }

    /// What the journal gave leaves.
    fn dealt(&mut self, dealt: &Dealt, asked: usize, at: Timestamp, wrote_stop: bool) {
        let now = self.now();
        self.learn(&dealt.about);
        let taken = self.team.as_mut().map(|team| team.take(dealt, asked, now));
        if let Some(wait) = &dealt.wait {
            self.brake.heed(wait);
        }
        for unit in self.desk.work.units(taken.unwrap_or_default().into_iter()) {
            self.send(unit, at);
        }
        match self.stop.clone().filter(|_| self.skips_for_all()) {
            Some(why) if dealt.hands > 0 => {
                (self.given_up, self.handed_over, self.leaves) = (Some(why), true, true);
            }
            stop => self.skipped |= stop.is_some() && wrote_stop,
        }
    }

    /// A hand learns what the calls are about that it was given; who runs the job knows all of it.
    fn learn(&mut self, about: &[(Item, Option<Stored>)]) {
        let Some(team) = self.team.as_mut().filter(|_| !about.is_empty()) else { return };
        let work = Arc::make_mut(&mut self.desk.work);
        for (item, before) in about {
            match team.place_of(item.id, work.items.len()) {
                at if at < work.items.len() => {
                    let settled = std::mem::replace(&mut work.items[at], item.clone());
                    work.before.remove(&settled.id);
                    self.items[at] = ExecutedItem::of(item);
                }
                _ => {
                    work.items.push(item.clone());
                    self.items.push(ExecutedItem::of(item));
                }
            }
            work.before.extend(before.clone().map(|before| (item.id, before)));
        }
    }

    /// What a look at the others showed.
    async fn looked(&mut self, look: Look) {
        let (now, idles) = (self.now(), self.idles());
        let Some(team) = &mut self.team else { return };
        team.plan(&look, idles, now);
        match look {
            Look::Roll(Ok(roll)) => {
                self.leaves |= !roll.is_led; // to run it, where nobody else is faster
                for position in team.inherit(&roll) {
                    self.doubts.push_back(Doubt {
                        position,
                        tries: 0,
                        at: now,
                        why: "its process ended before the answer came".to_owned(),
                    });
                }
            }
            Look::Read { items: Ok(items), .. } => {
                let known = &self.items;
                let news = team.news(items, |at| !known[at].state.is_settled());
                for (position, item) in news {
                    self.done += 1;
                    self.failed += usize::from(item.state == ItemState::Failed);
                    self.report(position, Answered::of(&item)).await;
                }
            }
            Look::Roll(Err(JournalError::JobLost)) => {
                self.desk.pulse.lost.send_replace(true);
            }
            Look::Roll(Err(trouble)) | Look::Read { items: Err(trouble), .. } => {
                tracing::warn!(%trouble, "what others do of a shared job could not be read");
            }
        }
    }

    /// Nothing is under way here.
    fn idles(&self) -> bool {
        self.flights.is_empty() && self.writing.is_none() && self.answered.is_empty()
    }

    fn put_back(&mut self, units: Vec<Unit>) {
        for unit in units.into_iter().rev() {
            self.queue.push_front(unit);
        }
    }

    fn send(&mut self, unit: Unit, sent_at: Timestamp) {
        let (context, work) = (Arc::clone(self.desk.context), Arc::clone(&self.desk.work));
        let items = unit.iter().map(|at| work.items[*at].clone()).collect::<Vec<_>>();
        let flight = Flight { unit, since: self.now(), tries: 0 };
        self.flights
            .spawn(async move { (flight, call::unit(&context, &work, &items, sent_at).await) });
    }

    /// A call has its answers, or a question.
    fn landed(&mut self, flight: &Flight, answers: Vec<Answered>) {
        let now = self.now();
        if flight.tries == 0 {
            self.meter.call(now.since(flight.since));
        }
        let brake = answers.iter().find_map(|answer| answer.wait.clone());
        if let Some(wait) = brake {
            self.brake.pull(&wait, self.desk.context.clock.wall());
            self.refused(&wait, now);
        } else {
            self.brake.release();
            self.refused_since = None;
        }
        let mut again = Vec::new();
        for (position, answer) in flight.unit.iter().copied().zip(answers) {
            if answer.ends_all && self.stop.is_none() {
                let why = answer.why_the_rest_is_skipped();
                if self.desk.lease.is_hand {
                    (self.given_up, self.leaves) = (Some(why.clone()), true);
                }
                self.stop = Some(why);
            }
            match answer.state {
                ItemState::Intended => again.push(position),
                ItemState::Sent if flight.tries < DOUBTS && !self.is_cancelling() => {
                    let pause = Duration::from_secs(1 << flight.tries.min(5));
                    self.doubts.push_back(Doubt {
                        position,
                        tries: flight.tries.max(1),
                        at: now + pause,
                        why: first_words(answer.message.as_deref()),
                    });
                    continue;
                }
                _ => {}
            }
            self.answered.push((position, answer));
        }
        self.depart();
        // said to be not carried out: the next in turn, once the journal has it as intended again
        if let Some(team) = &mut self.team {
            for position in again {
                team.put_back(position, now);
            }
            return;
        }
        let again = self.desk.work.units(again.into_iter());
        self.put_back(again);
    }

    /// Another answer that lets nothing through; for too long, the rest is left to be resumed.
    fn refused(&mut self, wait: &Wait, now: Moment) {
        if wait.is_quota {
            self.refused_since = None; // it ends when the cloud says
            return;
        }
        let since = *self.refused_since.get_or_insert(now);
        let lasted = now.since(since);
        if lasted < self.desk.context.policy.stop_after || self.given_up.is_some() {
            return;
        }
        let because = clean(&wait.because).into_owned();
        let lasted = jiff::SignedDuration::from_secs(lasted.as_secs().cast_signed());
        self.given_up = Some(format!("nothing got through for {lasted:#}: {because}"));
        self.leaves = true;
    }

    fn is_cancelling(&self) -> bool {
        self.state == JobState::Cancelling
    }

    async fn settled(&mut self, position: usize, answer: Answered) {
        let context = self.desk.context;
        if let Some(team) = &mut self.team {
            match answer.state {
                ItemState::Sent => team.leave(position),
                state if state.is_settled() => team.settle(position),
                _ => {}
            }
        }
        if answer.state.is_settled() {
            self.done += 1;
            self.failed += usize::from(answer.state == ItemState::Failed);
            self.untold.push(Settled {
                item: answer.item,
                state: answer.state,
                sent_at: answer.sent_at,
                settled_at: context.clock.wall(),
                now: answer.now.clone(),
            });
        }
        let item = answer.item;
        self.report(position, answer).await;
        if let Some(team) = &mut self.team {
            team.forget(position, item);
        }
    }

    async fn report(&mut self, position: usize, answer: Answered) {
        let Answered { item, key, to, state, message, .. } = answer;
        self.items[position] =
            ExecutedItem { key: key.clone(), to, state, message: message.clone() };
        if state == ItemState::Intended {
            return; // it has no answer yet
        }
        let (done, failed) = (self.done, self.failed);
        tell(self.desk.events, Execution::Item { item, key, state, message, done, failed }).await;
    }

    /// What is left in the journal as it is, because it cannot be written.
    async fn leave(&mut self, why: &str) {
        for position in std::mem::take(&mut self.queue).into_iter().flatten() {
            let mut left = Answered::left(&self.desk.work.items[position], why);
            left.state = ItemState::Skipped;
            self.done += 1;
            self.report(position, left).await;
        }
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

    async fn tell_tracker(&mut self) {
        let calls = std::mem::take(&mut self.untold);
        if let Some(invalidation) = self.desk.work.invalidation
            && !calls.is_empty()
        {
            self.desk.tracker.settled(invalidation, Vec::new(), calls).await;
        }
        self.told = self.now();
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

/// Why a call is in doubt, without what the last question came to.
fn first_words(message: Option<&str>) -> String {
    let message = message.unwrap_or("no answer came");
    message.split("; storage could not be asked").next().unwrap_or(message).to_owned()
}
