//! After a clear ending: places that never answered are tried again a few times, because an old copy at one of them
//! withdraws it (design §2.2). One look at a time, for as long as a watch may last.
//!
//! After a restart the journal tells of endings that are still young enough. What derived copies were compared with is
//! not in it: those of content that is not gone are looked at no more.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::Desk;
use super::jobs::Done;
use super::journaling::read_history;
use super::probing::Whom;
use super::roster::{LEASE, ours};
use crate::domain::id::InvalidationId;
use crate::domain::invalidation::{Ending, Outcome};
use crate::domain::place::{Place, PlaceId};
use crate::domain::sighting::Sighting;
use crate::domain::snapshot::{PlaceState, WatchSnapshot};
use crate::domain::text::clean;
use crate::domain::time::Moment;
use crate::ops::tracker::publish;
use crate::ops::tracker::watch::{LateLook, Start, Watch};
use crate::ports::journal::{InvalidationRow, JournalError, Lease};

/// Before the first round; each later one waits twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// A journal that cannot be written is asked again.
const AGAIN: Duration = Duration::from_secs(10);
/// Ended watches that are followed like this at once; the eldest goes first.
const MOST: usize = 20;

/// Endings that are looked through after a start.
const ENDED_READ: u32 = 50;

const fn is_clear(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::AllClear | Outcome::ClearExcept | Outcome::SampledClear)
}

/// Places that an ending names as never heard of.
fn never_answered(last: &WatchSnapshot) -> Vec<PlaceId> {
    let silent = last.places.iter().filter(|place| place.state == PlaceState::Unreachable);
    silent.map(|place| place.id.clone()).collect()
}

/// An ended watch with places that were never heard of.
pub(super) struct Vigil {
    watch: Watch,
    until: Moment,
    due: Moment,
    pause: Duration,
    /// Places that the journal names, before anybody has told where they are.
    named: Vec<PlaceId>,
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
    whom: Whom,
    sighting: Sighting,
}

impl Desk {
    /// Goes on with a watch that ended clear, where some place never answered.
    pub(super) fn keep_vigil(&mut self, watch: Watch, outcome: Outcome, now: Moment) {
        let silent = watch.silent_places();
        if !is_clear(outcome) || silent.is_empty() {
            return;
        }
        let until = now + watch.terms().give_up_after;
        self.vigils.push(Vigil {
            watch,
            until,
            due: now + FIRST_PAUSE,
            pause: FIRST_PAUSE,
            named: Vec::new(),
            silent,
            round: VecDeque::new(),
            busy: false,
            found: None,
        });
        self.bound_vigils();
    }

    fn bound_vigils(&mut self) {
        let surplus = self.vigils.len().saturating_sub(MOST);
        self.vigils.drain(..surplus);
    }

    /// Goes on with clear endings of this user at this host that an earlier process left places of.
    pub(super) async fn recall_vigils(&mut self) -> Result<(), JournalError> {
        let context = Arc::clone(&self.context);
        let ended = context.journal.ended(Some(&context.scope), ENDED_READ).await?;
        let by = ours(&context.member);
        for row in ended.iter().filter(|row| clean(&row.by) == by) {
            let (Some(ending), Some(last)) = (&row.ended, &row.snapshot) else { continue };
            let named = never_answered(last);
            if is_clear(ending.outcome) && !named.is_empty() && self.find(row.id).is_none() {
                self.recall_vigil(row, ending, named).await?;
            }
        }
        self.bound_vigils();
        Ok(())
    }

    async fn recall_vigil(
        &mut self,
        row: &InvalidationRow,
        ending: &Ending,
        named: Vec<PlaceId>,
    ) -> Result<(), JournalError> {
        let context = Arc::clone(&self.context);
        let (now, wall) = (self.now(), self.wall());
        let passed = Duration::try_from(wall.duration_since(ending.at)).unwrap_or_default();
        let invalidation = context.journal.invalidation(row.id).await?;
        let rest = invalidation.terms.give_up_after.saturating_sub(passed);
        if rest.is_zero() || self.vigils.iter().any(|vigil| vigil.watch.id() == row.id) {
            return Ok(());
        }
        let mut watch = Watch::load(Start {
            lease: Lease { invalidation: row.id, holder: context.member.id, fencing: 0 }, // none is held
            invalidation,
            by: clean(&row.by).into_owned(),
            before: row.snapshot.as_ref(),
            taken_over: true,
            account: &context.account,
            doctrine: self.doctrine,
            usual: crate::domain::usual::Usual::default(),
            now,
            wall,
        });
        watch.recall_truths();
        read_history(&context, &mut watch).await?;
        self.vigils.push(Vigil {
            watch,
            until: now + rest,
            due: now + FIRST_PAUSE,
            pause: FIRST_PAUSE,
            named,
            silent: Vec::new(),
            round: VecDeque::new(),
            busy: false,
            found: None,
        });
        Ok(())
    }

    /// Hosts whose places vigils wait for.
    pub(super) fn hosts_of_vigils(&self) -> impl Iterator<Item = &String> {
        let waiting = self.vigils.iter().filter(|vigil| !vigil.named.is_empty());
        waiting.flat_map(|vigil| &vigil.watch.hosts)
    }

    /// Places of a host are known: those that the journal names can be tried.
    pub(super) fn show_vigils(&mut self, host: &str, places: &[Place], now: Moment) {
        for vigil in &mut self.vigils {
            let waits = !vigil.named.is_empty() && vigil.watch.hosts.iter().any(|own| own == host);
            if waits {
                vigil.watch.take_places(host, places, now, &mut self.chance);
                vigil.silent.extend(vigil.watch.recall_places(&mut vigil.named, now));
            }
        }
    }

    /// Looks at silent places whose time has come; withdraws where an old copy was seen.
    pub(super) async fn tend_vigils(&mut self) {
        let now = self.now();
        self.vigils.retain(|vigil| {
            let any = !vigil.silent.is_empty() || !vigil.named.is_empty();
            vigil.busy || vigil.found.is_some() || (now < vigil.until && any)
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
        let whom = Whom::at(&vigil.watch.spots[place].place);
        let (id, probe) = (vigil.watch.id(), vigil.watch.late_probe(place, slot));
        if self.lets_in(&whom, now) {
            self.vigils[index].busy = true;
            self.ask(whom, probe, now, move |whom, sighting| {
                Done::Late(Box::new(LateProbe { id, place, slot, whom, sighting }))
            });
        }
    }

    pub(super) fn take_late(&mut self, probed: &LateProbe) {
        let LateProbe { id, place, slot, whom, sighting } = probed;
        let (now, wall, mut chance) = (self.now(), self.wall(), self.chance.fork());
        self.came_back(whom, sighting, now);
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
                // nothing of what is taken back is on disk yet
                self.follow(watch, picture, now, Moment::default());
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
        let names = watch.live_names().into_iter().map(|name| watch.changed_by_us(name));
        let (names, own) = (names.collect::<Vec<_>>(), watch.invalidation.operation.id);
        let newer = journal.newer_operations(&self.context.scope, &names, own).await?;
        if newer.iter().any(Option::is_some) {
            return Ok(None);
        }
        journal.reopen(watch.id()).await?;
        journal.acquire(watch.id(), self.context.member.id, self.wall(), LEASE).await
    }
}
