//! Journal first, then publish: what is known of the watches goes to disk, then to whoever looks on.

use std::sync::Arc;
use std::time::Duration;

use super::{Desk, Tracked};
use crate::domain::id::InvalidationId;
use crate::domain::invalidation::{Ending, Outcome, WatchTerms, WatchedName, WatchedUrl};
use crate::domain::snapshot::WatchSnapshot;
use crate::domain::text::clean;
use crate::domain::time::{Moment, Timestamp};
use crate::ops::context::Context;
use crate::ops::tracker::watch::Watch;
use crate::ops::tracker::{Board, TrackerEvent, publish};
use crate::ports::clock::Clock;
use crate::ports::journal::{JournalError, Lease, News, SightingRow};

/// What all watches have to say is written together, this often: each write costs a sync of the disk and some switches
/// between threads, whatever is in it.
pub(super) const BEAT: Duration = Duration::from_secs(1);
/// Sooner where something moved and somebody looks on; phases at once but for a short breath.
const SOON: Duration = Duration::from_millis(250);
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

/// What a watch has to say, taken out of it until it is written.
struct Words {
    id: InvalidationId,
    lease: Lease,
    changed: Vec<usize>,
    names: Vec<WatchedName>,
    terms: Option<WatchTerms>,
    rows: Vec<SightingRow>,
    events: Vec<TrackerEvent>,
    picture: Option<Drawn>,
}

/// A picture that is shown once what it shows is written.
struct Drawn {
    now: Arc<WatchSnapshot>,
    before: Arc<WatchSnapshot>,
    saved: bool,
}

impl Words {
    fn news(&self) -> News<'_> {
        let picture = self.picture.as_ref().filter(|drawn| drawn.saved);
        News {
            lease: self.lease,
            names: &self.names,
            terms: self.terms.as_ref(),
            sightings: &self.rows,
            picture: picture.map(|drawn| &*drawn.now),
        }
    }

    fn is_for_the_journal(&self) -> bool {
        let News { names, terms, sightings, picture, .. } = self.news();
        !names.is_empty() || terms.is_some() || !sightings.is_empty() || picture.is_some()
    }

    /// Cells of the picture to write: it costs as much as they are many.
    fn weight(&self) -> u32 {
        let drawn = self.picture.as_ref().filter(|drawn| drawn.saved);
        drawn.map_or(0, |drawn| u32::try_from(drawn.now.cells.len()).unwrap_or(u32::MAX)) + 1
    }
}

impl Tracked {
    /// When it is to be written or drawn, where the last beat was at `beat`.
    pub(super) fn word_due(&self, beat: Moment, watched: bool) -> Option<Moment> {
        let news = self.watch.changed || self.moved;
        let has_words = self.watch.has_words();
        if !(news || has_words || self.watch.looked || self.unflushed) {
            return None;
        }
        let pace = match (self.watch.urgent, news, watched) {
            (true, _, true) => BREATH,
            (true, _, false) => BREATH.max(self.saving * SHARE_SAVED),
            (false, true, true) => SOON,
            (false, _, _) => BEAT,
        };
        let due = beat + pace;
        if has_words {
            return Some(due);
        }
        let shows = watched && (news || self.watch.looked);
        Some(due.max(if shows { self.drawing_due() } else { self.saving_due() }))
    }

    fn drawing_due(&self) -> Moment {
        self.flushed + self.drawing * SHARE_DRAWN
    }

    fn saving_due(&self) -> Moment {
        self.drawing_due().max(self.saved + self.save_pace())
    }

    /// Takes out what is to be written; draws what is to be shown.
    fn words(
        &mut self,
        clock: &dyn Clock,
        now: Moment,
        wall: Timestamp,
        watched: bool,
    ) -> Option<Words> {
        let has_words = self.watch.has_words();
        let unseen = self.watch.changed || self.moved || self.watch.looked || has_words;
        let save = (unseen || self.unflushed) && self.saving_due() <= now;
        let draw = save || (unseen && watched && self.drawing_due() <= now);
        if !has_words && !draw {
            return None;
        }
        let mut words = self.spoken();
        if draw {
            let before = Arc::clone(&self.picture);
            words.picture = Some(Drawn { now: self.draw(clock, now, wall), before, saved: save });
        }
        Some(words)
    }

    /// Takes out what is to be written of names, terms and sightings.
    fn spoken(&mut self) -> Words {
        let watch = &mut self.watch;
        let changed = watch.changed_names();
        let names = changed.iter().map(|name| watch.names[*name].watched.clone()).collect();
        let terms = watch.take_terms_changed().then(|| watch.terms().clone());
        let (rows, events) = watch.drain();
        let (id, lease) = (watch.id(), watch.lease);
        Words { id, lease, changed, names, terms, rows, events, picture: None }
    }

    /// Puts back what could not be written: what is not in the journal is not shown.
    fn put_back(&mut self, words: Words) {
        for name in words.changed {
            self.watch.name_not_saved(name);
        }
        if words.terms.is_some() {
            self.watch.terms_not_saved();
        }
        self.watch.put_back(words.rows, words.events);
        if let Some(drawn) = words.picture {
            self.picture = drawn.before;
        }
    }

    /// Its picture was drawn and, where that was due, written in `took`.
    fn is_shown(&mut self, saved: bool, took: Duration, now: Moment) {
        self.flushed = now;
        (self.watch.changed, self.watch.looked, self.moved) = (false, false, false);
        self.unflushed = !saved; // written when that is due
        if saved {
            (self.saved, self.saving) = (now, took);
            self.watch.urgent = false;
        }
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
            let beat = self.beat_at;
            let due = |tracked: &Tracked| tracked.word_due(beat, watched);
            if self.tracked.iter().filter_map(due).any(|due| due <= now) {
                self.write_all(now, watched).await;
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
    /// All together, so that whoever looks on is woken once.
    fn refresh(&mut self, now: Moment) {
        if now.since(self.refreshed) < REFRESH {
            return;
        }
        self.refreshed = now;
        let wall = self.wall();
        for tracked in &mut self.tracked {
            if tracked.flushed >= now || tracked.drawing_due() > now {
                continue;
            }
            tracked.draw(&*self.context.clock, now, wall);
            tracked.flushed = now;
            self.board_changed = true;
        }
    }

    /// One write for what all watches have to say, whichever of them could not wait.
    async fn write_all(&mut self, now: Moment, watched: bool) {
        let (wall, context) = (self.wall(), Arc::clone(&self.context));
        let words = |tracked: &mut Tracked| tracked.words(&*context.clock, now, wall, watched);
        let words = self.tracked.iter_mut().filter_map(words).collect::<Vec<_>>();
        self.beat_at = now;
        if let Err(error) = self.say(words, now).await {
            self.no_journal(&error);
        }
    }

    /// Writes words in one transaction; then events are told and pictures shown. Who lost its lease is let go.
    async fn say(&mut self, words: Vec<Words>, now: Moment) -> Result<(), JournalError> {
        let context = Arc::clone(&self.context);
        let began = context.clock.moment();
        let written = words.iter().filter(|words| words.is_for_the_journal());
        let weight = written.clone().map(Words::weight).fold(0, u32::saturating_add).max(1);
        let news = written.map(Words::news).collect::<Vec<_>>();
        let saved = match news.as_slice() {
            [] => Ok(Vec::new()),
            news => context.journal.save(news).await,
        };
        let lost = match saved {
            Ok(lost) => lost,
            Err(error) => {
                for words in words {
                    if let Some(tracked) = self.find(words.id) {
                        tracked.put_back(words);
                    }
                }
                return Err(error);
            }
        };
        let took = context.clock.moment().since(began);
        for words in words {
            if lost.contains(&words.lease) {
                if let (Some(drawn), Some(tracked)) = (words.picture, self.find(words.id)) {
                    tracked.picture = drawn.before;
                }
                self.hand_over(words.id);
                continue;
            }
            let share = took.mul_f64(f64::from(words.weight()) / f64::from(weight));
            if let (Some(drawn), Some(tracked)) = (&words.picture, self.find(words.id)) {
                tracked.is_shown(drawn.saved, share, now);
                self.board_changed = true;
            }
            for event in words.events {
                self.wires.events.send(event).ok(); // nobody needs to listen
            }
        }
        Ok(())
    }

    /// Names, terms and sightings of a watch are written; then its events are told.
    async fn write(&mut self, id: InvalidationId) -> Result<(), JournalError> {
        let Some(tracked) = self.find(id) else { return Ok(()) };
        let words = tracked.spoken();
        let now = self.now();
        self.say(vec![words], now).await?;
        if self.find(id).is_some() { Ok(()) } else { Err(JournalError::LeaseLost) }
    }

    /// A lost lease makes the watch somebody else's; anything else stops probing until the journal is back.
    pub(super) fn journal_failed(&mut self, id: InvalidationId, error: &JournalError) {
        if *error == JournalError::LeaseLost {
            self.hand_over(id);
        } else {
            self.no_journal(error);
        }
    }

    fn no_journal(&mut self, error: &JournalError) {
        self.set_trouble(Some(clean(&error.to_string()).into_owned()));
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
        let leases = self.tracked.iter().map(|tracked| tracked.watch.lease).collect::<Vec<_>>();
        let context = Arc::clone(&self.context);
        let last = |tracked: &mut Tracked| {
            let (mut words, before) = (tracked.spoken(), Arc::clone(&tracked.picture));
            let now = tracked.draw(&*context.clock, now, wall);
            words.picture = Some(Drawn { now, before, saved: true });
            words
        };
        let words = self.tracked.iter_mut().map(last).collect();
        if let Err(error) = self.say(words, now).await {
            tracing::warn!(%error, "not everything was journaled at the end");
        }
        for lease in leases {
            // whatever else failed
            if let Err(error) = context.journal.release(lease).await {
                tracing::warn!(%error, invalidation = %lease.invalidation, "a lease was not given back");
            }
        }
        self.publish(now);
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
