//! Journal first, then publish: what is known of the watches goes to disk, then to whoever looks on.

use std::sync::Arc;
use std::time::Duration;

use super::{Desk, Tracked};
use crate::domain::id::InvalidationId;
use crate::domain::invalidation::{Ending, Outcome, WatchedUrl};
use crate::domain::snapshot::WatchSnapshot;
use crate::domain::text::clean;
use crate::domain::time::{Moment, Timestamp};
use crate::ops::context::Context;
use crate::ops::tracker::watch::Watch;
use crate::ops::tracker::{Board, publish};
use crate::ports::clock::Clock;
use crate::ports::journal::{JournalError, Lease};

/// Sightings are written, and pictures drawn, this often; phases at once but for a short breath.
const FLUSH: Duration = Duration::from_millis(250);
const BREATH: Duration = Duration::from_millis(50);
/// A picture of a watch in which nothing happens is drawn again this often.
const REFRESH: Duration = Duration::from_secs(1);
/// Pictures are written this often.
const SAVE: Duration = Duration::from_millis(500);
/// And so much later for each of its cells, however fast the machine is.
const SAVE_CELL: Duration = Duration::from_micros(200);
/// A picture of many cells takes longer to draw and to write: no more than this share of the time goes into it.
const SHARE_DRAWN: u32 = 12;
const SHARE_SAVED: u32 = 12;
/// The board changes at most 20 times a second.
const PUBLISH: Duration = Duration::from_millis(50);
/// Ended watches that are kept on the board.
const ENDED_SHOWN: usize = 100;

impl Tracked {
    /// How long after the last flush the next one is due; sooner where somebody looks on.
    pub(super) fn flush_pace(&self, watched: bool) -> Duration {
        let pace = match (self.watch.urgent, watched) {
            (true, true) => BREATH,
            (true, false) => BREATH.max(self.saving * SHARE_SAVED),
            (false, true) => FLUSH,
            (false, false) => SAVE,
        };
        pace.max(self.drawing * SHARE_DRAWN)
    }

    /// Draws the present picture, and notes how long that took.
    fn draw(&mut self, clock: &dyn Clock, now: Moment, wall: Timestamp) -> Arc<WatchSnapshot> {
        let began = clock.moment();
        self.picture = Arc::new(publish::snapshot(&self.watch, now, wall, None));
        self.drawing = clock.moment().since(began);
        Arc::clone(&self.picture)
    }

    /// How long after the last save the next one is due: what is news is not put off, but for what saving costs.
    fn save_pace(&self) -> Duration {
        let share = self.saving * SHARE_SAVED;
        if self.watch.urgent {
            return share;
        }
        let cells = u32::try_from(self.picture.cells.len()).unwrap_or(u32::MAX);
        SAVE.max(share).max(SAVE_CELL.saturating_mul(cells))
    }
}

impl Desk {
    /// Writes and then shows what has changed.
    pub(super) async fn flush(&mut self) {
        let (now, watched) = (self.now(), self.is_watched());
        if self.trouble.is_none() {
            // what was seen does not wait for a picture that takes long to draw
            let seen =
                |tracked: &&Tracked| tracked.watch.has_rows() && now.since(tracked.written) >= SAVE;
            let ids = self.tracked.iter().filter(seen).map(|t| t.watch.id()).collect::<Vec<_>>();
            for id in ids {
                if let Err(error) = self.write(id).await {
                    self.journal_failed(id, &error);
                }
            }
            let due = |tracked: &&Tracked| {
                let changed = tracked.is_changed() || tracked.watch.has_rows();
                changed && now.since(tracked.flushed) >= tracked.flush_pace(watched)
            };
            let ids = self.tracked.iter().filter(due).map(|t| t.watch.id()).collect::<Vec<_>>();
            for id in ids {
                self.flush_watch(id, now, watched).await;
            }
            if watched {
                self.refresh(now);
            }
        }
        if self.board_changed && now.since(self.published) >= PUBLISH {
            self.publish(now);
        }
    }

    /// Time passes in pictures as well: what is waited for, and for how long. Nothing new, so nothing to journal.
    fn refresh(&mut self, now: Moment) {
        let wall = self.wall();
        for tracked in &mut self.tracked {
            if now.since(tracked.flushed) < REFRESH.max(tracked.flush_pace(true)) {
                continue;
            }
            tracked.draw(&*self.context.clock, now, wall);
            tracked.flushed = now;
            self.board_changed = true;
        }
    }

    async fn flush_watch(&mut self, id: InvalidationId, now: Moment, watched: bool) {
        if let Err(error) = self.write(id).await {
            self.journal_failed(id, &error);
            return;
        }
        let (wall, context) = (self.wall(), Arc::clone(&self.context));
        let Some(tracked) = self.find(id) else { return };
        let save = now.since(tracked.saved) >= tracked.save_pace();
        if !save && !watched {
            tracked.flushed = now; // drawn when it is written
            return;
        }
        let (lease, before) = (tracked.watch.lease, Arc::clone(&tracked.picture));
        let picture = tracked.draw(&*context.clock, now, wall);
        let began = context.clock.moment();
        if save && let Err(error) = context.journal.save_snapshot(lease, &picture).await {
            tracked.picture = before; // what is not in the journal is not shown
            self.journal_failed(id, &error);
            return;
        }
        tracked.flushed = now;
        if save {
            tracked.saving = context.clock.moment().since(began);
            tracked.saved = now;
            (tracked.watch.urgent, tracked.watch.changed) = (false, false);
            tracked.unflushed = false;
        } else {
            // drawn but not written: once more when writing is due
            tracked.watch.changed = false;
            tracked.unflushed = true;
        }
        self.board_changed = true;
    }

    /// Names, terms and sightings of a watch; then its events are told.
    async fn write(&mut self, id: InvalidationId) -> Result<(), JournalError> {
        let journal = Arc::clone(&self.context.journal);
        let Some(tracked) = self.tracked.iter_mut().find(|tracked| tracked.watch.id() == id) else {
            return Ok(());
        };
        tracked.written = self.context.clock.moment();
        let watch = &mut tracked.watch;
        let lease = watch.lease;
        let changed = watch.changed_names();
        let names = changed.iter().map(|name| watch.names[*name].watched.clone());
        let names = names.collect::<Vec<_>>();
        if !names.is_empty()
            && let Err(error) = journal.save_names(lease, &names).await
        {
            for name in changed {
                watch.name_not_saved(name);
            }
            return Err(error);
        }
        if watch.take_terms_changed()
            && let Err(error) = journal.save_terms(lease, watch.terms()).await
        {
            watch.terms_not_saved();
            return Err(error);
        }
        let (rows, events) = watch.drain();
        if !rows.is_empty()
            && let Err(error) = journal.save_sightings(lease, &rows).await
        {
            watch.put_back(rows, events);
            return Err(error);
        }
        for event in events {
            self.wires.events.send(event).ok(); // nobody needs to listen
        }
        Ok(())
    }

    /// A lost lease makes the watch somebody else's; anything else stops probing until the journal is back.
    pub(super) fn journal_failed(&mut self, id: InvalidationId, error: &JournalError) {
        if *error == JournalError::LeaseLost {
            self.hand_over(id);
        } else {
            self.set_trouble(Some(clean(&error.to_string()).into_owned()));
        }
    }

    pub(super) fn set_trouble(&mut self, trouble: Option<String>) {
        if self.trouble != trouble {
            if let Some(trouble) = &trouble {
                tracing::error!(%trouble, "the journal cannot be used: probing pauses");
            }
            self.trouble = trouble;
            self.board_changed = true;
        }
    }

    /// Somebody else tracks it now: shown as they publish it.
    fn hand_over(&mut self, id: InvalidationId) {
        if let Some(index) = self.tracked.iter().position(|tracked| tracked.watch.id() == id) {
            let tracked = self.tracked.remove(index);
            tracing::info!(invalidation = %id, "another process tracks it now");
            self.foreign.insert(id, tracked.picture);
            self.board_changed = true;
        }
    }

    /// Ends a watch: everything it knows is written, then how it ended; then it is shown.
    pub(super) async fn end(&mut self, id: InvalidationId, outcome: Outcome) {
        if let Err(error) = self.write(id).await {
            self.journal_failed(id, &error);
            return;
        }
        let (now, wall) = (self.now(), self.wall());
        let journal = Arc::clone(&self.context.journal);
        let Some(tracked) = self.find(id) else { return };
        let sentence = tracked.watch.ending_sentence(outcome, now);
        tracked.watch.say(wall, &sentence);
        let ending = Ending { outcome, at: wall, sentence };
        let last = publish::snapshot(&tracked.watch, now, wall, Some(ending.clone()));
        let lease = tracked.watch.lease;
        match journal.end(lease, &ending, &last).await {
            Ok(()) => {
                let ended = self.tracked.iter().position(|tracked| tracked.watch.id() == id);
                if let Some(index) = ended {
                    let watch = self.tracked.remove(index).watch;
                    self.keep_vigil(watch, outcome, now);
                }
                self.show_ended(Arc::new(last));
                self.publish(now);
            }
            Err(error) => {
                if let Some(tracked) = self.find(id) {
                    tracked.watch.timeline.pop();
                }
                self.journal_failed(id, &error);
            }
        }
    }

    pub(super) fn show_ended(&mut self, last: Arc<WatchSnapshot>) {
        self.foreign.remove(&last.id);
        self.ended.retain(|ended| ended.id != last.id);
        self.ended.push(last);
        let surplus = self.ended.len().saturating_sub(ENDED_SHOWN);
        self.ended.drain(..surplus);
        self.board_changed = true;
    }

    /// Shows the present board.
    pub(super) fn publish(&mut self, now: Moment) {
        let open = self.tracked.iter().map(|tracked| &tracked.picture);
        let mut watches =
            self.ended.iter().chain(open).chain(self.foreign.values()).cloned().collect::<Vec<_>>();
        watches.sort_by_key(|watch| (watch.started_at, watch.id));
        let board = Board {
            watches,
            trouble: self.trouble.clone(),
            reach: self.reach.clone(),
            changes: self.heard + self.noticed,
            listens: self.listens,
            held: self.tracked.iter().map(|tracked| tracked.watch.id()).collect(),
        };
        self.wires.board.send_replace(Arc::new(board));
        (self.published, self.board_changed) = (now, false);
    }

    /// What the journal is to tell before anything is judged, and about storage that moved.
    pub(super) async fn ask_journal(&mut self) {
        let context = Arc::clone(&self.context);
        for index in 0..self.tracked.len() {
            if !self.tracked[index].watch.asks_journal() {
                continue;
            }
            let watch = &mut self.tracked[index].watch;
            if let Err(error) = read_history(&context, watch).await {
                self.set_trouble(Some(clean(&error.to_string()).into_owned()));
                return;
            }
            let now = context.clock.moment();
            let watch = &mut self.tracked[index].watch;
            if watch.truths_due().is_some_and(|due| due <= now) {
                watch.advance(now, context.clock.wall(), &mut self.chance); // URLs open at once
            }
            let (id, moved) = (watch.id(), watch.moved_names());
            if !moved.is_empty() && self.check_names(id, &moved).await.is_err() {
                return;
            }
        }
    }

    /// Whether a newer operation took names of a watch over; its URLs go to that one.
    pub(super) async fn check_superseded(&mut self, id: InvalidationId) -> Result<bool, ()> {
        let names = self.find(id).map(|tracked| tracked.watch.live_names()).unwrap_or_default();
        self.check_names(id, &names).await
    }

    async fn check_names(&mut self, id: InvalidationId, names: &[usize]) -> Result<bool, ()> {
        let context = Arc::clone(&self.context);
        let Some(tracked) = self.find(id) else { return Ok(false) };
        let own = tracked.watch.invalidation.operation.id;
        let keys = names.iter().map(|name| tracked.watch.changed_by_us(*name)).collect::<Vec<_>>();
        let newer = match context.journal.newer_operations(&context.scope, &keys, own).await {
            Ok(newer) => newer,
            Err(error) => {
                self.journal_failed(id, &error);
                return Err(());
            }
        };
        let mut any = false;
        for (name, newer) in names.iter().zip(newer) {
            let Some(newer) = newer else { continue };
            let (now, wall) = (self.now(), self.wall());
            let urls = self.find(id).map(|tracked| {
                tracked.watch.supersede(*name, newer.verb.as_str(), now, wall);
                tracked.watch.urls_of(*name)
            });
            self.pass_on(newer.id, urls.unwrap_or_default()).await;
            any = true;
        }
        Ok(any)
    }

    /// URLs of a name that was taken over are watched on by the newer operation, where it watches at all.
    async fn pass_on(&mut self, to: crate::domain::id::OperationId, urls: Vec<WatchedUrl>) {
        let journal = Arc::clone(&self.context.journal);
        let Ok(rows) = journal.open(Some(&self.context.scope)).await else { return };
        let Some(row) = rows.into_iter().find(|row| row.operation.id == to) else { return };
        let Ok(newer) = journal.invalidation(row.id).await else { return };
        let missing = urls
            .into_iter()
            .filter(|url| !newer.urls.iter().any(|known| known.url == url.url))
            .filter_map(|url| {
                let name = newer.names.iter().find(|name| name.key == url.key)?;
                Some(WatchedUrl { item: name.item, ..url })
            })
            .collect::<Vec<_>>();
        if missing.is_empty() {
            return;
        }
        if let Err(error) = journal.watch(row.id, &[], &missing).await {
            tracing::warn!(%error, "URLs of a superseded watch were not passed on");
            return;
        }
        self.reload(row.id).await;
    }

    /// Writes what is known, gives the leases back.
    pub(super) async fn close(mut self) {
        self.jobs.abort_all();
        while self.jobs.join_next().await.is_some() {}
        let (now, wall) = (self.now(), self.wall());
        let leases = self.tracked.iter().map(|t| (t.watch.id(), t.watch.lease));
        for (id, lease) in leases.collect::<Vec<(InvalidationId, Lease)>>() {
            if let Err(error) = self.close_watch(id, lease, now, wall).await {
                tracing::warn!(%error, invalidation = %id, "not everything was journaled at the end");
            }
        }
        self.publish(now);
    }

    async fn close_watch(
        &mut self,
        id: InvalidationId,
        lease: Lease,
        now: Moment,
        wall: Timestamp,
    ) -> Result<(), JournalError> {
        let journal = Arc::clone(&self.context.journal);
        let written = self.write(id).await;
        let last = self.find(id).map(|tracked| publish::snapshot(&tracked.watch, now, wall, None));
        let saved = match &last {
            Some(last) => journal.save_snapshot(lease, last).await,
            None => Ok(()),
        };
        let released = journal.release(lease).await; // whatever else failed
        written.and(saved).and(released)
    }
}

/// What the journal knows of earlier contents, of every name that waits for it.
pub(super) async fn read_history(context: &Context, watch: &mut Watch) -> Result<(), JournalError> {
    let (names, keys): (Vec<_>, Vec<_>) = watch.without_history().into_iter().unzip();
    if names.is_empty() {
        return Ok(());
    }
    match context.journal.earlier_contents(&context.scope, &keys).await {
        Ok(known) => {
            for (name, earlier) in names.into_iter().zip(known) {
                watch.take_history(name, earlier);
            }
            Ok(())
        }
        Err(error) => {
            for name in names {
                watch.no_history(name);
            }
            Err(error)
        }
    }
}
