//! The others who work on a shared job: what they leave to this process, and what they did.

use std::sync::Arc;
use std::time::Duration;

use super::{Answered, Doubt, Look, Window};
use crate::domain::invalidation::{Item, ItemState};
use crate::domain::time::Timestamp;
use crate::domain::verdict::Stored;
use crate::ops::execute::ExecutedItem;
use crate::ports::journal::JournalError;
use crate::ports::journal_team::Dealt;

/// The cloud may still carry out the calls of a process that died: they count as under way, and storage is not asked
/// about them, for this long or as long as calls take.
const CARRIED_OUT: Duration = Duration::from_secs(1);

impl Window<'_> {
    /// What the journal gave leaves.
    pub(super) fn dealt(&mut self, dealt: &Dealt, asked: usize, at: Timestamp, wrote_stop: bool) {
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
    pub(super) fn learn(&mut self, about: &[(Item, Option<Stored>)]) {
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
    pub(super) async fn looked(&mut self, look: Look) {
        let (now, idles) = (self.now(), self.idles());
        let carried_out = now + self.meter.call_time().max(CARRIED_OUT);
        let Some(team) = &mut self.team else { return };
        team.plan(&look, idles, now);
        match look {
            Look::Roll(Ok(roll)) => {
                self.leaves |= !roll.is_led; // to run it, where nobody else is faster
                for position in team.inherit(&roll) {
                    self.doubts.push_back(Doubt {
                        position,
                        tries: 0,
                        at: carried_out,
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
}
