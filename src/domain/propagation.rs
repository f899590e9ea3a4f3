//! What verdicts add up to over places, URLs and time: runs, regressions, quiet (design §2.2).
//!
//! Takes verdicts and moments, knows no bytes and asks nobody: [`super::judge`] judges, the tracker looks.
//! Nothing here can clear a cell but its own sightings.

use std::collections::BTreeMap;
use std::time::Duration;

use super::confidence::Rule;
use super::sighting::AcceptVariant;
use super::time::Moment;
use super::verdict::Verdict;

mod cell;
mod mixture;
mod outcome;
mod quiet;
#[cfg(test)]
mod tests;

pub use cell::{CellTrack, LONGEST_SILENCE};
pub use mixture::{MIXED_K, MissChance};
pub use outcome::{Tally, outcome_when_clear, sentence_of};
pub use quiet::Quiet;

/// Failures in a row after which a place that never answered is left out.
pub const FAILURES_TO_LEAVE_OUT: u32 = 3;
/// Length of the quiet of gone content, so that a first negative-cache entry expires within it.
const GONE_QUIET: Duration = Duration::from_secs(75);
/// When such an entry has expired for sure.
const GONE_LATE: Duration = Duration::from_secs(65);

/// One cache entry: place x delivery URL x `Accept` variant, by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellRef {
    pub place: usize,
    pub url: usize,
    pub variant: AcceptVariant,
}

/// One judged sighting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    pub verdict: Verdict,
    /// False for a transport failure.
    pub answered: bool,
    /// It tells nothing of the copy, neither for nor against: no answer, or a server's own trouble.
    pub says_nothing: bool,
    /// It is of the copy that the cell's look before was of, as its `Age` tells.
    pub same_copy: bool,
    pub sent: Moment,
    pub received: Moment,
}

/// What one look changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Noted {
    /// The cell was clear and serves an old copy again.
    pub regression: bool,
    pub became_clear: bool,
    /// Every cell of the place is clear now, and was not before.
    pub place_cleared: bool,
    /// The place answered for the first time: it counts from now on.
    pub place_joined: bool,
    /// The place never answered and is left out from now on.
    pub place_left_out: bool,
}

/// How a place takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Not answered yet, and not often enough asked to leave it out.
    Waiting,
    /// Has answered: blocks until clear.
    Counted,
    /// Never answered.
    LeftOut,
    /// Left out by the operator.
    Excluded,
}

/// How a URL takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Its truth is not known yet: blocks.
    Waiting,
    /// Looked at; `gone` where storage is empty.
    Open { gone: bool, since: Moment },
    /// Superseded or without a call behind it: does not take part.
    Dropped,
}

#[derive(Debug, Clone, Default)]
struct PlaceTrack {
    answered: bool,
    excluded: bool,
    left_out: bool,
    failures: u32,
    /// Old and new copies took turns: several caches behind one address.
    mixed: bool,
    /// When an old copy of an asset was first followed by a new one, by asset.
    turned: BTreeMap<usize, Moment>,
    /// The cache that its answers name, by a number of the caller's; places that answer as one cache share it.
    cache: Option<usize>,
    /// Of its cells that take part: all, and those that are clear.
    total: usize,
    clear: usize,
    /// Of those that are clear: whose last look said nothing, and since when there are any.
    silent: usize,
    silent_since: Option<Moment>,
    /// Clear sightings in quiet, and how much of it the place was without an answer.
    quiet_looks: u32,
    quiet_unseen: Duration,
    /// One for each URL and variant.
    cells: Vec<CellTrack>,
}

#[derive(Debug, Clone, Copy)]
struct UrlTrack {
    part: Part,
    /// The asset that it delivers, by a number of the caller's: one purge is for all its URLs.
    asset: usize,
    variants: usize,
}

/// The state of one watch over all its places and URLs.
#[derive(Debug, Clone)]
pub struct Propagation {
    rule: Rule,
    places: Vec<PlaceTrack>,
    urls: Vec<UrlTrack>,
    /// URLs whose truth is not known, and cells of all that take part at a place that serves them all.
    waiting: usize,
    cells: usize,
    quiet_since: Option<Moment>,
    valid_from: Moment,
}

impl UrlTrack {
    /// Its cells at a place that serves it.
    const fn cells(self) -> usize {
        if matches!(self.part, Part::Dropped) { 0 } else { self.variants }
    }
}

impl PlaceTrack {
    /// Judges the cells of a URL under the present k, and counts those that take part.
    fn count_in(&mut self, url: usize, track: UrlTrack, rule: Rule) {
        let cells = self.cells[slot(url, AcceptVariant::None)..].iter_mut().take(track.cells());
        for cell in cells {
            cell.judge(rule, self.mixed);
            self.total += usize::from(!cell.blank);
            self.clear += usize::from(cell.clear && !cell.blank);
            self.silent += usize::from(cell.clear && cell.is_silent() && !cell.blank);
        }
    }

    /// Where no counted cell is silent any more, none has been since.
    fn end_silence(&mut self) {
        self.silent_since = self.silent_since.filter(|_| self.silent > 0);
    }

    /// The cells of a URL are counted no more.
    fn count_out(&mut self, url: usize, track: UrlTrack) {
        for cell in self.cells[slot(url, AcceptVariant::None)..].iter().take(track.cells()) {
            self.total -= usize::from(!cell.blank);
            self.clear -= usize::from(cell.clear && !cell.blank);
            self.silent -= usize::from(cell.clear && cell.is_silent() && !cell.blank);
        }
    }

    /// A clear cell fell silent with a look sent at `sent`, or one of those that were silent was heard of again.
    fn note_silence(&mut self, falls_silent: bool, sent: Moment, quiet: Option<Moment>) {
        if falls_silent {
            self.silent += 1;
            self.silent_since.get_or_insert(sent);
            return;
        }
        self.silent = self.silent.saturating_sub(1);
        if self.silent == 0
            && let Some(since) = self.silent_since.take()
            && let Some(quiet) = quiet
        {
            self.quiet_unseen += sent.since(since.max(quiet));
        }
    }
}

const VARIANTS: usize = AcceptVariant::ALL.len();

const fn slot(url: usize, variant: AcceptVariant) -> usize {
    url * VARIANTS + variant as usize
}

impl Propagation {
    #[must_use]
    pub fn new(rule: Rule) -> Self {
        Self {
            rule,
            places: Vec::new(),
            urls: Vec::new(),
            waiting: 0,
            cells: 0,
            quiet_since: None,
            valid_from: Moment::default(),
        }
    }

    #[must_use]
    pub const fn rule(&self) -> Rule {
        self.rule
    }

    /// A place to look at. `answered` where it is known to have answered before, e.g. by the journal.
    pub fn add_place(&mut self, answered: bool, excluded: bool, now: Moment) -> usize {
        self.places.push(PlaceTrack {
            answered,
            excluded,
            cells: vec![CellTrack::default(); self.urls.len() * VARIANTS],
            ..PlaceTrack::default()
        });
        let place = self.places.len() - 1;
        self.recount(place);
        self.settle(now);
        place
    }

    /// A URL of an asset whose truth is not known yet, with one cell or one for each variant. Assets are numbers of
    /// the caller's.
    pub fn add_url(&mut self, asset: usize, all_variants: bool, now: Moment) -> usize {
        let variants = if all_variants { VARIANTS } else { 1 };
        self.urls.push(UrlTrack { part: Part::Waiting, asset, variants });
        for place in &mut self.places {
            place.cells.extend([CellTrack::default(); VARIANTS]);
        }
        let url = self.urls.len() - 1;
        self.count_in(url);
        self.settle(now);
        url
    }

    /// Whether the place serves this URL at all: if not, there is no such cell.
    pub fn serve(&mut self, place: usize, url: usize, served: bool, now: Moment) {
        let (rule, track) = (self.rule(), self.urls[url]);
        let place = &mut self.places[place];
        place.count_out(url, track);
        for variant in AcceptVariant::ALL {
            place.cells[slot(url, variant)].blank = !served;
        }
        place.count_in(url, track, rule);
        place.end_silence();
        self.settle(now);
    }

    /// The URL was seen to vary by `Accept`: from now on each variant has a cell.
    pub fn widen(&mut self, url: usize, now: Moment) {
        self.change(url, now, |watch| watch.urls[url].variants = VARIANTS);
    }

    /// Its truth is known (again): looks sent before `now` no longer count.
    pub fn open_url(&mut self, url: usize, gone: bool, now: Moment) {
        self.change(url, now, |watch| {
            watch.urls[url].part = Part::Open { gone, since: now };
            watch.end_runs_of(url);
        });
    }

    /// Its truth is in question: it blocks until [`Self::open_url`].
    pub fn close_url(&mut self, url: usize, now: Moment) {
        self.change(url, now, |watch| {
            watch.urls[url].part = Part::Waiting;
            watch.end_runs_of(url);
        });
    }

    /// It takes no part any more.
    pub fn drop_url(&mut self, url: usize, now: Moment) {
        self.change(url, now, |watch| watch.urls[url].part = Part::Dropped);
    }

    /// Leaves a place out that is known to have never answered; an answer takes it in again.
    pub fn leave_out(&mut self, place: usize, now: Moment) {
        let place = &mut self.places[place];
        place.left_out = !place.answered;
        self.settle(now);
    }

    /// Leaves a place out by order of the operator.
    pub fn exclude(&mut self, place: usize, now: Moment) {
        self.places[place].excluded = true;
        self.settle(now);
    }

    /// Runs and quiet start again, e.g. after a suspend: looks sent before `now` no longer count.
    pub fn restart(&mut self, now: Moment) {
        self.valid_from = now;
        for url in 0..self.urls.len() {
            self.end_runs_of(url);
        }
        self.recount_all(now);
    }

    /// Takes in one judged sighting.
    pub fn observe(&mut self, cell: CellRef, look: Look) -> Noted {
        let mut noted = self.note_answer(cell.place, look.answered);
        let Part::Open { since, .. } = self.urls[cell.url].part else { return noted };
        if look.sent < since || look.sent < self.valid_from || look.received < look.sent {
            self.settle(look.received);
            return noted; // sent under another truth
        }
        if look.verdict.is_clear() && self.quiet_since.is_some_and(|quiet| look.sent >= quiet) {
            self.places[cell.place].quiet_looks += 1;
        }
        let takes_turns = look.verdict == Verdict::Outdated && self.was_new_before(cell, look);
        let (rule, quiet) = (self.rule(), self.quiet_since);
        let place = &mut self.places[cell.place];
        let track = &mut place.cells[slot(cell.url, cell.variant)];
        let (was_clear, was_silent) = (track.clear, track.clear && track.is_silent());
        let told_apart = track.tells_apart(look);
        let was_proved = track.was_proved(); // by the rule's own k: mixture raises it for the others at once
        if look.verdict.is_clear() && track.old_seen() {
            place.turned.entry(self.urls[cell.url].asset).or_insert(look.received);
        }
        track.take(look, quiet);
        track.judge(rule, place.mixed);
        noted.became_clear = track.clear && !was_clear;
        noted.regression = was_proved && look.verdict == Verdict::Outdated && !told_apart;
        track.regressed |= noted.regression;
        let (all_clear_before, now_clear) = (place.clear == place.total, track.clear);
        let counts = !track.blank; // it may have been asked before that was known
        if counts && now_clear != was_clear {
            place.clear = if now_clear { place.clear + 1 } else { place.clear - 1 };
        }
        let now_silent = track.clear && track.is_silent();
        if counts && was_silent != now_silent {
            place.note_silence(now_silent, look.sent, quiet);
        }
        if takes_turns {
            self.mix(cell.place);
        }
        let place = &self.places[cell.place];
        noted.place_cleared = !all_clear_before && place.clear == place.total;
        self.settle(look.received);
        noted
    }

    /// Takes in that a place was asked outside of a judgement (baseline, reference read).
    pub fn observe_place(&mut self, place: usize, answered: bool, now: Moment) -> Noted {
        let noted = self.note_answer(place, answered);
        self.settle(now);
        noted
    }

    fn note_answer(&mut self, place: usize, answered: bool) -> Noted {
        let mut noted = Noted::default();
        let place = &mut self.places[place];
        if answered {
            place.failures = 0;
            noted.place_joined = !std::mem::replace(&mut place.answered, true);
            place.left_out = false;
        } else {
            place.failures += 1;
            let leave_out =
                !place.answered && !place.left_out && place.failures >= FAILURES_TO_LEAVE_OUT;
            noted.place_left_out = leave_out;
            place.left_out |= leave_out;
        }
        noted
    }

    #[must_use]
    pub fn standing(&self, place: usize) -> Standing {
        match &self.places[place] {
            place if place.excluded => Standing::Excluded,
            place if place.answered => Standing::Counted,
            place if place.left_out => Standing::LeftOut,
            _ => Standing::Waiting,
        }
    }

    /// Transport failures in a row.
    #[must_use]
    pub fn failures(&self, place: usize) -> u32 {
        self.places[place].failures
    }

    /// Cells of a place: clear, and in all.
    #[must_use]
    pub fn cells_of(&self, place: usize) -> (usize, usize) {
        (self.places[place].clear, self.places[place].total)
    }

    #[must_use]
    pub fn track(&self, cell: CellRef) -> &CellTrack {
        &self.places[cell.place].cells[slot(cell.url, cell.variant)]
    }

    /// Variants of a URL that have cells.
    pub fn variants(&self, url: usize) -> impl Iterator<Item = AcceptVariant> + use<> {
        AcceptVariant::ALL.into_iter().take(self.urls[url].variants)
    }

    #[must_use]
    pub fn is_open(&self, url: usize) -> bool {
        matches!(self.urls[url].part, Part::Open { .. })
    }

    #[must_use]
    pub fn is_dropped(&self, url: usize) -> bool {
        self.urls[url].part == Part::Dropped
    }

    #[must_use]
    pub fn is_gone(&self, url: usize) -> bool {
        matches!(self.urls[url].part, Part::Open { gone: true, .. })
    }

    /// Whether the place serves the URL at all.
    #[must_use]
    pub fn is_blank(&self, place: usize, url: usize) -> bool {
        self.places[place].cells[slot(url, AcceptVariant::None)].blank
    }

    #[must_use]
    pub fn places(&self) -> usize {
        self.places.len()
    }

    #[must_use]
    pub fn urls(&self) -> usize {
        self.urls.len()
    }

    /// Places that have answered and are not excluded.
    #[must_use]
    pub fn reached(&self) -> usize {
        self.counted().count()
    }

    /// Caches that have answered: places that name one and the same count once.
    #[must_use]
    pub fn caches_reached(&self) -> usize {
        let (named, unnamed): (Vec<_>, Vec<_>) =
            self.counted().map(|place| place.cache).partition(Option::is_some);
        let named: std::collections::BTreeSet<_> = named.into_iter().flatten().collect();
        named.len() + unnamed.len()
    }

    /// Places that count and whose cells are all clear.
    #[must_use]
    pub fn clear_places(&self) -> usize {
        self.counted().filter(|place| place.clear == place.total).count()
    }

    /// Cells of places that count: clear, and in all.
    #[must_use]
    pub fn clear_of_total(&self) -> (usize, usize) {
        self.counted()
            .fold((0, 0), |(clear, total), place| (clear + place.clear, total + place.total))
    }

    /// Every place was asked often enough and none ever answered, or there is none.
    #[must_use]
    pub fn is_blind(&self) -> bool {
        let askable = |place: &&PlaceTrack| !place.excluded;
        self.places.iter().filter(askable).all(|place| place.left_out && !place.answered)
    }

    fn counted(&self) -> impl Iterator<Item = &PlaceTrack> {
        self.places.iter().filter(|place| place.answered && !place.excluded)
    }

    /// Cells that take part and count, place by place.
    fn counted_cells(&self) -> impl Iterator<Item = (usize, &CellTrack)> {
        self.counted().flat_map(|place| self.cells_at(place))
    }

    /// Cells of a place that take part.
    pub fn tracks(&self, place: usize) -> impl Iterator<Item = &CellTrack> {
        self.cells_at(&self.places[place]).map(|(_, cell)| cell)
    }

    /// Cells of a place that take part, each with its URL.
    fn cells_at<'a>(
        &'a self,
        place: &'a PlaceTrack,
    ) -> impl Iterator<Item = (usize, &'a CellTrack)> {
        self.urls.iter().enumerate().filter(|(_, track)| track.part != Part::Dropped).flat_map(
            move |(url, track)| {
                let slots = slot(url, AcceptVariant::None)..;
                let cells = place.cells[slots].iter().take(track.variants);
                cells.filter(|cell| !cell.blank).map(move |cell| (url, cell))
            },
        )
    }

    /// When the present quiet began.
    #[must_use]
    pub const fn quiet_since(&self) -> Option<Moment> {
        self.quiet_since
    }

    /// Whether every counted cell is clear and was so when it was last looked at, with at least one place and one URL,
    /// and nobody left to hear of.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.is_proven() && self.silent_cells() == 0
    }

    /// Cells that are clear and whose last look said nothing.
    #[must_use]
    pub fn silent_cells(&self) -> usize {
        self.counted().map(|place| place.silent).sum()
    }

    /// [`Self::is_clear`], but for cells whose last look said nothing.
    fn is_proven(&self) -> bool {
        let waiting = |place: usize| self.standing(place) == Standing::Waiting;
        let (clear, total) = self.clear_of_total();
        total > 0
            && clear == total
            && self.waiting == 0
            && !(0..self.places.len()).any(waiting)
            && self.is_all_served()
    }

    /// Whether every URL that takes part is served by some place that counts.
    fn is_all_served(&self) -> bool {
        self.counted().any(|place| place.total == self.cells)
            || (0..self.urls.len()).all(|url| self.is_dropped(url) || self.is_served(url))
    }

    /// Whether some place that counts serves the URL.
    fn is_served(&self, url: usize) -> bool {
        self.counted().any(|place| !place.cells[slot(url, AcceptVariant::None)].blank)
    }

    /// Looks so far tell nothing any more of a URL.
    fn end_runs_of(&mut self, url: usize) {
        for place in &mut self.places {
            place.turned.remove(&self.urls[url].asset);
            for cell in &mut place.cells[slot(url, AcceptVariant::None)..][..VARIANTS] {
                cell.forget_looks();
            }
        }
    }

    /// Changes one URL. Its cells are counted out and in again: a watch of many thousand URLs is not counted afresh for
    /// each of them.
    fn change(&mut self, url: usize, now: Moment, change: impl FnOnce(&mut Self)) {
        self.count_out(url);
        change(self);
        self.count_in(url);
        self.settle(now);
    }

    fn count_out(&mut self, url: usize) {
        let track = self.urls[url];
        self.waiting -= usize::from(track.part == Part::Waiting);
        self.cells -= track.cells();
        for place in &mut self.places {
            place.count_out(url, track);
        }
    }

    fn count_in(&mut self, url: usize) {
        let (rule, track) = (self.rule(), self.urls[url]);
        self.waiting += usize::from(track.part == Part::Waiting);
        self.cells += track.cells();
        for place in &mut self.places {
            place.count_in(url, track, rule);
            place.end_silence();
        }
    }

    fn recount_all(&mut self, now: Moment) {
        for place in 0..self.places.len() {
            self.recount(place);
        }
        self.settle(now);
    }

    /// Counts a place's cells afresh, under its present k.
    fn recount(&mut self, place: usize) {
        let rule = self.rule();
        let place = &mut self.places[place];
        (place.total, place.clear, place.silent) = (0, 0, 0);
        for (url, track) in self.urls.iter().enumerate() {
            place.count_in(url, *track, rule);
        }
        place.end_silence();
    }

    /// Quiet begins when everything is clear, and ends when anything is not; a cell whose last look said nothing only
    /// holds up its end.
    fn settle(&mut self, now: Moment) {
        match self.quiet_since {
            None if self.is_clear() => self.begin_quiet(now),
            Some(_) if !self.is_proven() => self.quiet_since = None,
            _ => {}
        }
    }

    fn begin_quiet(&mut self, now: Moment) {
        self.quiet_since = Some(now);
        for place in &mut self.places {
            (place.quiet_looks, place.quiet_unseen) = (0, Duration::ZERO);
            for cell in &mut place.cells {
                cell.begin_quiet();
            }
        }
    }
}
