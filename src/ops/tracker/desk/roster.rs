//! Who tracks what: heartbeat, leases, taking up, and what others track.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Desk, Tracked};
use crate::domain::id::InvalidationId;
use crate::domain::invalidation::Member;
use crate::domain::snapshot::{Phase, WatchSnapshot};
use crate::domain::text::clean;
use crate::domain::time::Moment;
use crate::ops::tracker::publish;
use crate::ops::tracker::watch::{Start, Watch};
use crate::ports::journal::{InvalidationRow, JournalError, Lease, Reach};

/// How long a lease lasts without being renewed.
pub(super) const LEASE: Duration = Duration::from_secs(6);
/// A fresh invalidation is left to the process that has just recorded it.
const LEFT_TO_ITS_MAKER: Duration = Duration::from_secs(3);
/// Reading an order of many thousand again takes at most this part of the time: most of it this process does itself.
const READING_SHARE: u32 = 20;
/// Of thousands that nobody tracks some are taken up at each look, so that leases are renewed in time.
const ADOPTING: Duration = Duration::from_secs(1);
/// Ended ones that are looked through for what others have ended.
const ENDED_READ: u32 = 50;

impl Desk {
    /// Heartbeat, own leases, and the list of what is open.
    pub(super) async fn scan(&mut self) {
        match self.try_scan().await {
            Ok(()) => self.set_trouble(None),
            Err(error) => self.set_trouble(Some(clean(&error.to_string()).into_owned())),
        }
    }

    async fn try_scan(&mut self) -> Result<(), JournalError> {
        let context = Arc::clone(&self.context);
        self.mark = context.journal.mark();
        self.note_writes();
        // who holds nothing and waits for nobody need not be known to live
        let rests = self.recalled && self.tracked.is_empty() && self.foreign.is_empty();
        if !rests {
            self.beat().await?;
        }
        let rows = context.journal.open_for(&context.scope, context.member.id).await?;
        if rests && !rows.is_empty() {
            context.journal.join(&context.member, context.clock.wall()).await?;
        }
        self.forget_closed(&rows).await?;
        let (began, held) = (self.now(), self.tracked.iter().map(|it| it.watch.id()));
        let held = held.collect::<HashSet<_>>();
        for row in rows.iter().filter(|row| !held.contains(&row.id)) {
            let has_time = self.now().since(began) < ADOPTING;
            if !(has_time && self.adopt(row).await?) {
                self.show_foreign(row);
            }
        }
        if !std::mem::replace(&mut self.recalled, true) {
            self.recall_vigils().await.inspect_err(|_| self.recalled = false)?;
            self.search_due = None;
        }
        self.notice_younger(&rows).await;
        self.reload_executing().await;
        Ok(())
    }

    /// While nothing is open the journal is read after every write, so that lists of it need not be read over and over.
    fn note_writes(&mut self) {
        let rests = self.recalled && self.tracked.is_empty() && self.foreign.is_empty();
        let listens = rests && self.mark.is_some();
        self.board_changed |= listens != std::mem::replace(&mut self.listens, listens);
        if listens && self.mark != self.noted {
            self.noted.clone_from(&self.mark);
            (self.noticed, self.board_changed) = (self.noticed + 1, true);
        }
    }

    /// A sign of life; leases are renewed with it.
    async fn beat(&mut self) -> Result<(), JournalError> {
        let context = Arc::clone(&self.context);
        let leases = self.tracked.iter().map(|tracked| tracked.watch.lease).collect::<Vec<Lease>>();
        let now = context.clock.wall();
        for lost in context.journal.beat(&context.member, &leases, now, LEASE).await? {
            self.journal_failed(lost.invalidation, &JournalError::LeaseLost);
        }
        Ok(())
    }

    /// What others tracked and is not open any more has ended there.
    async fn forget_closed(&mut self, rows: &[InvalidationRow]) -> Result<(), JournalError> {
        let open = rows.iter().map(|row| row.id).collect::<HashSet<_>>();
        if self.foreign.keys().all(|id| open.contains(id)) {
            return Ok(());
        }
        let ended = self.context.journal.ended(Some(&self.context.scope), ENDED_READ).await?;
        let wall = self.wall();
        for row in ended.iter().filter(|row| self.foreign.contains_key(&row.id)).collect::<Vec<_>>()
        {
            self.show_ended(Arc::new(publish::foreign(row, wall)));
        }
        self.foreign.retain(|id, _| open.contains(id));
        self.board_changed = true;
        Ok(())
    }

    /// A younger order may take over names of ours as soon as its calls leave.
    async fn notice_younger(&mut self, rows: &[InvalidationRow]) {
        const NAMES_CHECKED: usize = 50;
        let calls_have_left = |row: &&InvalidationRow| match self
            .tracked
            .iter()
            .find(|tracked| tracked.watch.id() == row.id)
        {
            Some(tracked) => !tracked.watch.is_executing(),
            None => row.snapshot.as_ref().is_some_and(|it| it.phase != Phase::Executing),
        };
        let settled = rows.iter().filter(calls_have_left).map(|row| row.id).collect::<HashSet<_>>();
        let before = std::mem::replace(&mut self.settled, settled);
        if rows.iter().all(|row| before.contains(&row.id) && self.settled.contains(&row.id)) {
            return; // nobody has sent anything since they were compared
        }
        let Some(youngest) = rows.iter().map(|row| row.operation.at).max() else { return };
        let due = |tracked: &&Tracked| {
            let watch = &tracked.watch;
            watch.invalidation.operation.at < youngest && watch.names.len() <= NAMES_CHECKED
        };
        let ids = self.tracked.iter().filter(due).map(|t| t.watch.id()).collect::<Vec<_>>();
        for id in ids {
            if self.check_superseded(id).await.is_err() {
                break;
            }
        }
    }

    /// Takes an open invalidation up, if nobody else does.
    async fn adopt(&mut self, row: &InvalidationRow) -> Result<bool, JournalError> {
        let context = Arc::clone(&self.context);
        let wall = context.clock.wall();
        let age = wall.duration_since(row.operation.at);
        if Duration::try_from(age).is_ok_and(|age| age < LEFT_TO_ITS_MAKER) {
            return Ok(false);
        }
        // of a team's thousands nobody asks for what another member is seen to track
        let by_other = row
            .tracked_by
            .as_ref()
            .is_some_and(|by| *by != format!("{} {}", ours(&context.member), context.member.pid));
        if by_other && context.journal.reach() != Reach::Here {
            return Ok(false);
        }
        let acquired = context.journal.acquire(row.id, context.member.id, wall, LEASE).await?;
        let Some(lease) = acquired else { return Ok(false) };
        let by = clean(&row.by).into_owned();
        let before = match &row.snapshot {
            Some(_) => None,
            None => context.journal.row(row.id).await?.snapshot, // this process had it before
        };
        let before = row.snapshot.as_ref().or(before.as_ref());
        self.load(lease, by, before, true).await?;
        Ok(true)
    }

    /// Takes up what this process has just recorded.
    pub(super) async fn take_up(&mut self, id: InvalidationId) -> Result<(), JournalError> {
        if self.find(id).is_some() {
            return Ok(());
        }
        let context = Arc::clone(&self.context);
        let wall = context.clock.wall();
        match context.journal.acquire(id, context.member.id, wall, LEASE).await? {
            Some(lease) => self.load(lease, ours(&context.member), None, false).await,
            None => Ok(()), // another process was faster: it tracks it, from the journal
        }
    }

    async fn load(
        &mut self,
        lease: Lease,
        by: String,
        before: Option<&WatchSnapshot>,
        taken_over: bool,
    ) -> Result<(), JournalError> {
        let context = Arc::clone(&self.context);
        let invalidation = context.journal.invalidation(lease.invalidation).await?;
        let usual = context.journal.usual(&context.scope).await?;
        let (now, wall) = (self.now(), self.wall());
        let watch = Watch::load(Start {
            lease,
            invalidation,
            by,
            before,
            taken_over,
            account: &context.account,
            doctrine: self.doctrine,
            usual,
            now,
            wall,
        });
        let picture = Arc::new(publish::snapshot(&watch, now, wall, None));
        context.journal.save_snapshot(lease, &picture).await?;
        self.follow(watch, picture, now, now);
        self.show_places(self.tracked.len() - 1);
        Ok(())
    }

    /// Follows a watch whose lease is held, of which `picture` was written at `saved`.
    pub(super) fn follow(
        &mut self,
        watch: Watch,
        picture: Arc<WatchSnapshot>,
        now: Moment,
        saved: Moment,
    ) {
        self.epoch += 1;
        self.foreign.remove(&watch.id());
        self.tracked.push(Tracked {
            watch,
            epoch: self.epoch,
            next_place: 0,
            stepped: now,
            moved: false,
            unflushed: false,
            flushed: saved,
            saved,
            drawing: Duration::ZERO,
            saving: Duration::ZERO,
            unread_until: Moment::default(),
            picture,
        });
        (self.board_changed, self.search_due) = (true, None);
    }

    fn show_foreign(&mut self, row: &InvalidationRow) {
        let picture = publish::foreign(row, self.wall());
        if self.foreign.get(&row.id).is_none_or(|shown| **shown != picture) {
            self.foreign.insert(row.id, Arc::new(picture));
            self.board_changed = true;
        }
    }

    /// Items that another process executes, or settled while this one was told nothing.
    async fn reload_executing(&mut self) {
        let executing = |tracked: &&Tracked| tracked.watch.is_executing();
        let began = self.now();
        let due = |tracked: &&Tracked| tracked.unread_until <= began;
        let ids = self.tracked.iter().filter(executing).filter(due);
        for id in ids.map(|tracked| tracked.watch.id()).collect::<Vec<_>>() {
            let began = self.now();
            self.reload(id).await;
            let ended = self.now();
            if let Some(tracked) = self.find(id) {
                tracked.unread_until = ended + ended.since(began) * READING_SHARE;
            }
        }
    }

    /// Reads an invalidation again: names, URLs and calls that were added or settled.
    pub(super) async fn reload(&mut self, id: InvalidationId) {
        let context = Arc::clone(&self.context);
        match context.journal.invalidation(id).await {
            Ok(invalidation) => {
                let (now, wall) = (self.now(), self.wall());
                if let Some(tracked) = self.find(id) {
                    tracked.watch.merge(invalidation, &context.account, now, wall);
                }
                self.search_due = None;
                let position = self.tracked.iter().position(|tracked| tracked.watch.id() == id);
                if let Some(index) = position {
                    self.show_places(index);
                }
            }
            Err(error) => self.journal_failed(id, &error),
        }
    }
}

pub(super) fn ours(member: &Member) -> String {
    clean(&format!("{}@{}", member.user, member.host)).into_owned()
}
