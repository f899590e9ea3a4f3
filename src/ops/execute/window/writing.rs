//! What is written: outcomes, and marks of the calls that leave next.

use std::sync::Arc;
use std::time::Duration;

use super::{AHEAD, Answered, Flight, Page, Team, Window};
use crate::domain::job::Wish;
use crate::domain::time::{Moment, Timestamp};
use crate::ops::execute::call;
use crate::ops::execute::work::Unit;
use crate::ports::journal::{JournalError, Step};
use crate::ports::journal_team::{Dealt, Turn};

/// Waiting for more to be written with takes this share of a call's time, no longer than a write took, and no longer
/// than [`GATHER`].
const GATHER_SHARE: u32 = 8;
const GATHER: Duration = Duration::from_millis(10);
/// A journal that is busy or cannot be written is tried again so often before nothing more is sent.
const WRITES: u32 = 3;

/// A write that has ended.
pub(super) struct Written {
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

impl Window<'_> {
    /// Calls to have marked beyond those that may leave: as many as places become free during a write, twice over.
    pub(super) fn ahead(&self) -> usize {
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
    pub(super) fn depart(&mut self) {
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
    pub(super) fn take_marks_back(&mut self) {
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

    /// Begins to write what is waiting, unless more is about to come.
    pub(super) fn start_writing(&mut self) {
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
    pub(super) fn next_calls(&self, now: Moment) -> usize {
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
    pub(super) fn most(&self) -> usize {
        let most = self.desk.context.policy.concurrency;
        self.team.as_ref().map_or(most, Team::most)
    }

    /// Whether it is to be written down that nothing more is sent: a cancelled job's rest is skipped by whoever cancels.
    pub(super) fn skips_for_all(&self) -> bool {
        self.team.as_ref().is_some_and(|team| !team.is_hand())
            && !(self.leaves || self.skipped || self.is_cancelling())
    }

    pub(super) fn gather(&self) -> Duration {
        (self.meter.call_time() / GATHER_SHARE).min(self.meter.write_time()).min(GATHER)
    }

    /// The journal has it: calls leave, and outcomes are told.
    pub(super) async fn written(&mut self, written: Written) {
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

    pub(super) fn put_back(&mut self, units: Vec<Unit>) {
        for unit in units.into_iter().rev() {
            self.queue.push_front(unit);
        }
    }

    pub(super) fn send(&mut self, unit: Unit, sent_at: Timestamp) {
        let (context, work) = (Arc::clone(self.desk.context), Arc::clone(&self.desk.work));
        let items = unit.iter().map(|at| work.items[*at].clone()).collect::<Vec<_>>();
        let flight = Flight { unit, since: self.now(), tries: 0 };
        self.flights
            .spawn(async move { (flight, call::unit(&context, &work, &items, sent_at).await) });
    }
}
