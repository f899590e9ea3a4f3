//! The server of a shared job's journal is gone for a while: no call is lost, and none is made twice.

use super::{Answered, Doubt, Window};
use crate::domain::invalidation::ItemState;
use crate::domain::job::JobWait;
use crate::domain::text::clean;
use crate::domain::time::Moment;
use std::time::Duration;

/// A shared job waits so long for its journal's server to come back, and looks for it so often.
const OUTAGE: Duration = Duration::from_secs(60);
const KNOCK: Duration = Duration::from_millis(500);

/// Since when, when it is tried again, and what is said of it.
pub(super) struct Outage {
    pub(super) since: Moment,
    pub(super) again: Moment,
    pub(super) wait: JobWait,
}

impl Window<'_> {
    /// Whether the server of the journal may yet come back in time; what a job of one process marked is known to it.
    pub(super) fn outlasts(&self) -> bool {
        let since = self.outage.as_ref().map_or_else(|| self.now(), |outage| outage.since);
        self.team.is_some() && self.now().since(since) < OUTAGE
    }

    /// What was answered is written once the server of the journal is back. A call that was not carried out is left
    /// marked: somebody else may have been given it, if the write was carried out.
    pub(super) fn keep(&mut self, answered: Vec<(usize, Answered)>, because: &str) {
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
    pub(super) fn renounce(&mut self) {
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

    pub(super) fn forget(&mut self, answered: Vec<(usize, Answered)>) {
        let Some(team) = &mut self.team else { return };
        for (position, answer) in answered {
            team.renounce(position, answer.item);
        }
    }
}
