//! What the handle asks for.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Desk, PendingBaseline};
use crate::domain::id::InvalidationId;
use crate::domain::invalidation::{Outcome, Verb};
use crate::domain::place::PlaceId;
use crate::ops::error::OpError;
use crate::ops::tracker::watch::MOST_AGAIN;
use crate::ops::tracker::{Command, Settled, publish};
use crate::ports::journal::JournalError;

impl Desk {
    pub(super) async fn obey(&mut self, command: Command) {
        match command {
            Command::TakeUp { id, done } => {
                let answer = self.take_up(id).await.map_err(OpError::from);
                done.send(answer).ok(); // whoever asked may have gone
            }
            Command::Baseline { id, existing, done } => {
                let since = self.now();
                self.baselines.push(PendingBaseline { id, existing, since, started: false, done });
            }
            Command::Settled { id, names, calls } => {
                self.settled(id, !names.is_empty(), &calls).await;
            }
            Command::Abandon { id, done } => {
                let answer = self.abandon(id).await;
                done.send(answer).ok();
            }
            Command::Exclude { id, place, done } => {
                done.send(self.exclude(id, &place)).ok();
            }
            Command::PurgeAgain { id, done } => self.purge_again(id, done).await,
            #[cfg(test)]
            Command::Count { done } => {
                let watches = self.tracked.iter().map(|tracked| tracked.watch.retained());
                let others = self.gate.retained() + self.jobs.len() + self.ended.len();
                done.send(watches.sum::<usize>() + others + self.atlas.len()).ok();
            }
        }
    }

    async fn settled(&mut self, id: InvalidationId, has_names: bool, calls: &[Settled]) {
        let (now, wall) = (self.now(), self.wall());
        if let Some(tracked) = self.find(id) {
            tracked.watch.settle(calls, now, wall);
        }
        if has_names && self.find(id).is_some() {
            self.reload(id).await; // the journal has their URLs as well
        }
    }

    async fn abandon(&mut self, id: InvalidationId) -> Result<(), OpError> {
        self.own(id).await?;
        self.end(id, Outcome::Abandoned).await;
        let still_open = self.find(id).is_some();
        let detail = self.trouble.clone().filter(|_| still_open);
        detail.map_or(Ok(()), |detail| Err(JournalError::Write { detail }.into()))
    }

    fn exclude(&mut self, id: InvalidationId, place: &PlaceId) -> Result<(), OpError> {
        let (now, wall) = (self.now(), self.wall());
        let Some(tracked) = self.find(id) else { return Err(not_ours(id)) };
        if tracked.watch.exclude(place, now, wall) {
            return Ok(());
        }
        let places = tracked.watch.spots.iter().map(|spot| spot.place.id.0.as_str());
        let known = places.collect::<Vec<_>>().join(", ");
        Err(OpError::Invalid {
            message: format!("this watch has no place named {place}"),
            hint: format!("its places are {known}"),
        })
    }

    async fn purge_again(
        &mut self,
        id: InvalidationId,
        done: oneshot::Sender<Result<(), OpError>>,
    ) {
        match self.prepare_again(id, None).await {
            Ok(index) => self.send_again(index, done),
            Err(error) => {
                done.send(Err(error)).ok();
            }
        }
    }

    /// Sends an invalidation again where the profile lets the tracker do so.
    pub(super) async fn purge_again_by_policy(&mut self, id: InvalidationId, why: &str) {
        match self.prepare_again(id, Some(why)).await {
            Ok(index) => self.send_again(index, oneshot::channel().0), // the timeline tells what came of it
            Err(error) => {
                let wall = self.wall();
                if let Some(tracked) = self.find(id) {
                    tracked
                        .watch
                        .say(wall, &format!("the invalidation was not sent again: {error}"));
                }
            }
        }
    }

    /// The intent is journaled before the call leaves.
    async fn prepare_again(
        &mut self,
        id: InvalidationId,
        policy: Option<&str>,
    ) -> Result<usize, OpError> {
        let (now, wall) = (self.now(), self.wall());
        let journal = Arc::clone(&self.context.journal);
        if self.context.policy.read_only {
            let profile = self.context.policy.profile.clone();
            return Err(OpError::ReadOnly { profile, verb: "purge" });
        }
        let index = self.tracked.iter().position(|tracked| tracked.watch.id() == id);
        let index = index.ok_or_else(|| not_ours(id))?;
        let watch = &mut self.tracked[index].watch;
        if let Some((message, hint)) = refusal(watch) {
            return Err(OpError::Invalid { message, hint: hint.to_owned() });
        }
        watch.purging_again = true;
        watch.purged_again.push(wall);
        let by_policy = policy.map(|why| format!(" by itself, as the profile says: {why}"));
        let text = format!("sending the invalidation again{}", by_policy.unwrap_or_default());
        watch.say(wall, &text);
        let picture = publish::snapshot(watch, now, wall, None);
        if let Err(error) = journal.save_snapshot(watch.lease, &picture).await {
            watch.purging_again = false;
            watch.purged_again.pop();
            self.journal_failed(id, &error);
            return Err(error.into());
        }
        self.tracked[index].picture = Arc::new(picture);
        self.board_changed = true;
        Ok(index)
    }

    /// Makes sure that this process tracks an invalidation, taking it up where nobody does.
    async fn own(&mut self, id: InvalidationId) -> Result<(), OpError> {
        self.take_up(id).await?;
        if self.find(id).is_some() { Ok(()) } else { Err(not_ours(id)) }
    }
}

/// Why an invalidation is not sent again, and what to do.
fn refusal(watch: &crate::ops::tracker::watch::Watch) -> Option<(String, &'static str)> {
    if watch.invalidation.operation.verb == Verb::Watch {
        let message = "this watch ordered nothing that could be sent again".to_owned();
        return Some((message, "order `purge` for the asset"));
    }
    if watch.is_executing() || watch.purging_again {
        let message = "its calls are still being made".to_owned();
        return Some((message, "wait for their answers"));
    }
    (watch.purged_again.len() >= MOST_AGAIN).then(|| {
        let message = format!("it was sent again {MOST_AGAIN} times already");
        (message, "a cache that keeps an old copy now is a case for the service's support")
    })
}

fn not_ours(id: InvalidationId) -> OpError {
    OpError::Invalid {
        message: format!("{id} is not open, or another process tracks it"),
        hint: "see `allclear pending` for who does".to_owned(),
    }
}
