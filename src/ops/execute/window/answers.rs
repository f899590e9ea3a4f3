//! What became of calls: answers taken in, counted and told.

use std::time::Duration;

use super::{Answered, Doubt, Flight, Wait, Window};
use crate::domain::invalidation::ItemState;
use crate::domain::text::clean;
use crate::domain::time::Moment;
use crate::ops::execute::{ExecutedItem, Execution, tell};
use crate::ops::tracker::Settled;

/// Storage is asked about one call at most so often, before it is left to the next start.
const DOUBTS: u32 = 6;

impl Window<'_> {
    /// A call has its answers, or a question.
    pub(super) fn landed(&mut self, flight: &Flight, answers: Vec<Answered>) {
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
    pub(super) fn refused(&mut self, wait: &Wait, now: Moment) {
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

    pub(super) async fn settled(&mut self, position: usize, answer: Answered) {
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

    pub(super) async fn report(&mut self, position: usize, answer: Answered) {
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
    pub(super) async fn leave(&mut self, why: &str) {
        for position in std::mem::take(&mut self.queue).into_iter().flatten() {
            let mut left = Answered::left(&self.desk.work.items[position], why);
            left.state = ItemState::Skipped;
            self.done += 1;
            self.report(position, left).await;
        }
    }

    pub(super) async fn tell_tracker(&mut self) {
        let calls = std::mem::take(&mut self.untold);
        if let Some(invalidation) = self.desk.work.invalidation
            && !calls.is_empty()
        {
            self.desk.tracker.settled(invalidation, Vec::new(), calls).await;
        }
        self.told = self.now();
    }
}

/// Why a call is in doubt, without what the last question came to.
fn first_words(message: Option<&str>) -> String {
    let message = message.unwrap_or("no answer came");
    message.split("; storage could not be asked").next().unwrap_or(message).to_owned()
}
