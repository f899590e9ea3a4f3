//! After a clear ending: places that never answered are tried again a few times, because an old copy at one of them
//! withdraws it (design §2.2). One look at a time, for as long as a watch may last, and only while this process runs.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::jobs::Done;
use super::probing::look;
use super::roster::LEASE;
use super::{Desk, Tracked};
use crate::domain::id::InvalidationId;
use crate::domain::invalidation::Outcome;
use crate::domain::place::LimitKey;
use crate::domain::sighting::Sighting;
use crate::domain::text::clean;
use crate::domain::time::Moment;
use crate::ops::tracker::publish;
use crate::ops::tracker::watch::{LateLook, Watch};
use crate::ports::journal::JournalError;

/// Before the first round; each later one waits twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// A journal that cannot be written is asked again.
const AGAIN: Duration = Duration::from_secs(10);
/// Ended watches that are followed like this at once; the eldest goes first.
const MOST: usize = 20;

/// An ended watch with places that were never heard of.
pub(super) struct Vigil {
    watch: Watch,
    until: Moment,
    due: Moment,
    pause: Duration,
    /// Places to try, each with the cells that are still to be looked at.
    silent: Vec<(usize, Vec<usize>)>,
    /// Those of this round.
    round: VecDeque<usize>,
    busy: bool,
    /// An old copy was seen: what to say of it.
    found: Option<String>,
}

/// A late look that has ended.
pub(super) struct LateProbe {
    id: InvalidationId,
    place: usize,
    slot: usize,
    address: LimitKey,
    provider: String,
    sighting: Sighting,
}

impl Desk {
    /// Goes on with a watch that ended clear, where some place never answered.
    pub(super) fn keep_vigil(&mut self, watch: Watch, outcome: Outcome, now: Moment) {
        let is_clear =
            matches!(outcome, Outcome::AllClear | Outcome::ClearExcept | Outcome::SampledClear);
        let silent = watch.silent_places();
        if !is_clear || silent.is_empty() {
            return;
        }
        let until = now + watch.terms().give_up_after;
        self.vigils.push(Vigil {
            watch,
            until,
            due: now + FIRST_PAUSE,
            pause: FIRST_PAUSE,
            silent,
            round: VecDeque::new(),
            busy: false,
            found: None,
        });
        let surplus = self.vigils.len().saturating_sub(MOST);
        self.vigils.drain(..surplus);
    }

    /// Looks at silent places whose time has come; withdraws where an old copy was seen.
    pub(super) async fn tend_vigils(&mut self) {
        let now = self.now();
        self.vigils.retain(|vigil| {
            vigil.busy || vigil.found.is_some() || (now < vigil.until && !vigil.silent.is_empty())
        });
        if self.trouble.is_some() {
            return;
        }
        while let Some(index) =
            self.vigils.iter().position(|vigil| vigil.found.is_some() && vigil.due <= now)
        {
            let vigil = self.vigils.remove(index);
            if let Err((mut vigil, error)) = self.withdraw(vigil).await {
                vigil.due = now + AGAIN;
                self.set_trouble(Some(clean(&error.to_string()).into_owned()));
                self.vigils.push(*vigil);
                return;
            }
        }
        for index in 0..self.vigils.len() {
            self.look_late(index, now);
        }
    }

    fn look_late(&mut self, index: usize, now: Moment) {
        let vigil = &mut self.vigils[index];
        if vigil.busy || vigil.found.is_some() || vigil.due > now {
            return;
        }
        let Some(place) = vigil.round.front().copied() else {
            vigil.round = vigil.silent.iter().map(|(place, _)| *place).collect();
            return;
        };
        let cells = vigil.silent.iter().find(|(silent, _)| *silent == place);
        let Some(slot) = cells.and_then(|(_, cells)| cells.last()).copied() else {
            vigil.round.pop_front();
            return;
        };
        let to = &vigil.watch.spots[place].place;
        let (address, provider) = (to.limit_key(), to.provider.clone());
        if self.gate.opens_at(&address, &provider).is_none_or(|at| at > now) {
            return;
        }
        self.gate.enter(&address, &provider, now);
        vigil.busy = true;
        let (id, probe) = (vigil.watch.id(), vigil.watch.late_probe(place, slot));
        let context = Arc::clone(&self.context);
        self.jobs.spawn(async move {
            let sighting = look(&context, &probe).await;
            Done::Late(Box::new(LateProbe { id, place, slot, address, provider, sighting }))
        });
    }

    pub(super) fn take_late(&mut self, probed: &LateProbe) {
        let LateProbe { id, place, slot, address, provider, sighting } = probed;
        let (now, wall, mut chance) = (self.now(), self.wall(), self.chance.fork());
        self.gate.leave(address, provider);
        let Some(vigil) = self.vigils.iter_mut().find(|vigil| vigil.watch.id() == *id) else {
            return;
        };
        vigil.busy = false;
        match vigil.watch.judge_late(*place, *slot, sighting) {
            LateLook::Silent => {
                vigil.round.pop_front();
            }
            LateLook::Fine => {
                let cells = vigil.silent.iter_mut().find(|(silent, _)| silent == place);
                if let Some((_, cells)) = cells {
                    cells.retain(|cell| cell != slot);
                }
                vigil.silent.retain(|(_, cells)| !cells.is_empty());
            }
            LateLook::Old { why } => {
                vigil.watch.resume(*place, *slot, sighting, now, wall, &mut chance);
                vigil.found = Some(why);
                return;
            }
        }
        if vigil.round.is_empty() {
            vigil.due = now + vigil.pause;
            vigil.pause *= 2;
        }
    }

    /// Takes the ended invalidation up again, unless a newer operation stands for its names now.
    async fn withdraw(&mut self, vigil: Vigil) -> Result<(), (Box<Vigil>, JournalError)> {
        match self.reopen(&vigil).await {
            Ok(None) => Ok(()),
            Ok(Some(lease)) => {
                let Vigil { mut watch, found, .. } = vigil;
                let (now, wall) = (self.now(), self.wall());
                watch.lease = lease;
                watch.withdrawn(&found.unwrap_or_default(), wall);
                let picture = Arc::new(publish::snapshot(&watch, now, wall, None));
                self.ended.retain(|ended| ended.id != watch.id());
                self.foreign.remove(&watch.id());
                self.epoch += 1;
                self.tracked.push(Tracked {
                    watch,
                    epoch: self.epoch,
                    next_place: 0,
                    stepped: now,
                    flushed: Moment::default(),
                    saved: Moment::default(),
                    drawing: Duration::ZERO,
                    saving: Duration::ZERO,
                    picture,
                });
                self.board_changed = true;
                Ok(())
            }
            Err(error) => Err((Box::new(vigil), error)),
        }
    }

    async fn reopen(
        &self,
        vigil: &Vigil,
    ) -> Result<Option<crate::ports::journal::Lease>, JournalError> {
        let (journal, watch) = (&self.context.journal, &vigil.watch);
        for name in watch.live_names() {
            let (key, since) = watch.changed_by_us(name);
            let own = watch.invalidation.operation.id;
            let newer = journal.newer_operation(&self.context.scope, &key, since, own).await?;
            if newer.is_some() {
                return Ok(None);
            }
        }
        journal.reopen(watch.id()).await?;
        journal.acquire(watch.id(), self.context.member.id, self.wall(), LEASE).await
    }
}
