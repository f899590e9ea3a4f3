//! One watch: everything known of one invalidation that this process tracks. Pure: moments, wall time and chance
//! are passed in, probes and readings are handed out as errands and come back as answers.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use super::names::{Name, Since};
use super::rhythm::Rhythm;
use super::schedule::{Agenda, Pace};
use crate::domain::id::{InvalidationId, ItemId};
use crate::domain::invalidation::{Invalidation, Item, ItemState, WatchTerms, WatchedUrl};
use crate::domain::judge::{AgeTrust, AgeWatch, Body};
use crate::domain::place::{Place, PlaceId};
use crate::domain::propagation::{CellRef, Propagation};
use crate::domain::sighting::{AcceptVariant, Answer, CacheStatus, Etag};
use crate::domain::snapshot::{CurvePoint, Regression, TimelineEntry};
use crate::domain::time::{Moment, Timestamp};
use crate::domain::verdict::{Content, Expectation, Judgement};
use crate::ports::journal::{Lease, SightingRow};

use super::{Doctrine, TrackerEvent};

mod ends;
mod last_reading;
mod late;
mod load;
mod looks;
mod places;
mod references;
mod story;
mod truths;
mod turns;
mod work;

pub use ends::{MOST_AGAIN, Step};
pub use late::LateLook;
pub use load::Start;
pub use truths::StatErrand;
use turns::Turns;
pub use work::{Errand, Work};

const VARIANTS: usize = AcceptVariant::ALL.len();

/// Position of a cell among those of a place.
const fn slot_of(url: usize, variant: AcceptVariant) -> usize {
    url * VARIANTS + variant as usize
}

const fn of_slot(slot: usize) -> (usize, AcceptVariant) {
    (slot / VARIANTS, AcceptVariant::ALL[slot % VARIANTS])
}

/// A watched URL and what it must show.
#[derive(Debug, Clone)]
pub struct Url {
    pub watched: WatchedUrl,
    pub name: usize,
    /// As an operator may open it, and as a column heads it; cleaned.
    pub shown: String,
    pub short: String,
    /// Canonical text, for the journal.
    pub canonical: String,
    host: String,
    /// Reference read of each variant.
    refs: [Option<usize>; VARIANTS],
    /// What each variant must show, once known.
    truth: [Option<UrlTruth>; VARIANTS],
}

/// What one variant of a URL must show.
#[derive(Debug, Clone, PartialEq)]
struct UrlTruth {
    expectation: Expectation,
    new: Option<Content>,
}

/// A URL read past the caches, for one variant.
#[derive(Debug, Clone)]
struct Reference {
    url: crate::domain::delivery_url::DeliveryUrl,
    host: String,
    variant: AcceptVariant,
    name: usize,
    derived: bool,
    busy: bool,
    /// Failures since it was last wanted.
    tries: u32,
    /// Answers under the present truth; one that still gives the content from before is read again, ever later.
    answers: u32,
    wanted: bool,
    answer: Option<crate::domain::sighting::Answer>,
    /// Read once more, because the end has come.
    closing: bool,
    /// Changes with every truth: an answer asked for under an elder one is dropped.
    generation: u32,
}

/// A place as this watch sees it.
#[derive(Debug, Clone)]
pub struct Spot {
    pub place: Place,
    hosts: HashSet<String>,
    /// Known from the journal but not listed any more: it cannot be asked.
    pub lost: bool,
    agenda: Agenda,
    cells: Vec<CellView>,
    /// Whether `Age` means anything here.
    age: AgeTrust,
    /// Bodies read here, by cell and entity tag.
    bodies: HashMap<CopyMark, Body>,
    /// No request before this, after failures.
    hold_until: Moment,
    busy: bool,
    sentinel: Option<usize>,
    sentinel_since: Moment,
    /// Cells whose old copy came back from a shield: looks at the place slow.
    repinned: usize,
    pub saw_old: bool,
    pub last_rtt: Option<Duration>,
    pub cleared_after: Option<Duration>,
    /// When its last cell let go, since the call.
    pub let_go_after: Option<Duration>,
    /// PoP as the answers tell it.
    pub pop: Option<String>,
}

/// What tells the copies that a cell has had from one another. A weak tag may stay as it was over other bytes, so
/// length and date must be the same as well.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CopyMark {
    slot: usize,
    etag: Etag,
    if_weak: Option<(Option<u64>, Option<String>)>,
}

impl CopyMark {
    /// `None` for a copy without a tag.
    fn of(slot: usize, answer: &Answer) -> Option<Self> {
        let etag = answer.etag.clone()?;
        let if_weak = etag.weak.then(|| (answer.total_length, answer.last_modified.clone()));
        Some(Self { slot, etag, if_weak })
    }
}

/// What is kept of a cell beside its run.
#[derive(Debug, Clone, Default)]
pub struct CellView {
    pub last: Option<Box<LastSeen>>,
    age: AgeWatch,
    headers_seen: bool,
    /// An answer came without an entity tag where one was needed: bodies are read from then on.
    tagless: bool,
    body_wanted: bool,
    /// The last look could not be compared without one.
    compare_now: bool,
    /// Tags whose body was asked for.
    bodies_asked: u8,
    /// Looks in a row that were not clear.
    unclear: u32,
    /// Unknowns in a row.
    unknown: u32,
    repinned: u32,
    last_sent: Option<Moment>,
}

/// The last sighting of a cell, for display.
#[derive(Debug, Clone)]
pub struct LastSeen {
    /// `None` for a baseline look, which judges nothing.
    pub judgement: Option<Judgement>,
    /// Its reason as a sentence; cleaned once, because pictures are drawn more often than cells are looked at.
    pub why: String,
    pub cache: CacheStatus,
    pub age: Option<u64>,
    pub status: Option<u16>,
    /// The entity tag, shortened and cleaned.
    pub etag: Option<String>,
    pub at: Timestamp,
}

/// Looks at old copies before the call leaves.
#[derive(Debug, Clone, Default)]
struct Baseline {
    /// Cells to look at, by place, next one last.
    left: BTreeMap<usize, Vec<usize>>,
    in_flight: usize,
    last_timeout: Option<Moment>,
}

/// A reading of storage beside those of the names' own: at the first odd sighting, and always at the end.
#[derive(Debug, Clone, Copy)]
struct Recheck {
    since: Moment,
    tries: u32,
}

/// One watch.
#[derive(Debug)]
pub struct Watch {
    pub lease: Lease,
    pub invalidation: Invalidation,
    pub by: String,
    /// Where each call of the invalidation is among its items.
    items_at: HashMap<ItemId, usize>,
    pub names: Vec<Name>,
    pub urls: Vec<Url>,
    references: Vec<Reference>,
    /// Hosts that deliver its URLs, each once.
    pub hosts: Vec<String>,
    /// Due reference reads, by the host that must serve them.
    reference_agendas: HashMap<String, Agenda>,
    pub spots: Vec<Spot>,
    /// Caches that answers have named, by provider and PoP.
    caches: HashMap<(String, String), usize>,
    pub grid: Propagation,
    doctrine: Doctrine,
    pub pace: Pace,
    rhythm: Rhythm,
    baseline: Option<Baseline>,
    rechecks: HashMap<usize, Recheck>,
    /// When a name was last to be read again.
    rechecked: HashMap<usize, Moment>,
    /// Names whose truth was confirmed at the end of the present quiet.
    confirmed: HashSet<usize>,
    /// The quiet that looks were planned for.
    quiet_planned: Option<Moment>,
    /// When it was taken up, or a call last had its answer: stuck and giving up count from here.
    pub quickened: Moment,
    started: Option<Since>,
    /// Doubt about S and N after a restart.
    doubt: Duration,
    clock_went_back: bool,
    pub places_known: bool,
    /// Why places could not be found, and since when; cleaned.
    pub places_trouble: Option<(String, Moment)>,
    pub in_flight: usize,
    /// Names that may move on, with their URLs.
    turns: Turns,
    /// Names that the journal is to tell the earlier contents of.
    without_history: Vec<usize>,
    /// Names whose storage changed under the watch.
    moved: Vec<usize>,
    /// Everything was clear through the quiet: storage is read once more.
    closing: Option<Moment>,
    /// No look at a cell begins: the end is near.
    rests: bool,

    // what is shown
    pub regressions: Vec<Regression>,
    pub timeline: Vec<TimelineEntry>,
    pub curve: Vec<CurvePoint>,
    pub spent: u64,
    pub interrupted: bool,
    was_stuck: bool,
    /// Its clear ending was taken back.
    pub withdrawn: bool,
    pub purged_again: Vec<Timestamp>,
    pub purging_again: bool,
    /// Since when the tracker would send it again, and when it may at the earliest.
    offered_since: Option<Moment>,
    again_not_before: Moment,
    negative_cache_since: Option<Moment>,
    repinned_since: Option<Moment>,

    // what is to be journaled and told
    rows: Vec<SightingRow>,
    events: Vec<TrackerEvent>,
    names_changed: HashSet<usize>,
    terms_changed: bool,
    pub changed: bool,
    /// A cell was looked at and nothing else is known than before.
    pub looked: bool,
    pub urgent: bool,
}

/// The doubt that a restart leaves about times taken from the wall clock (design §2.3).
const RESTART_DOUBT: Duration = Duration::from_secs(5);

impl Watch {
    #[must_use]
    pub fn id(&self) -> InvalidationId {
        self.invalidation.id
    }

    #[must_use]
    pub fn terms(&self) -> &WatchTerms {
        &self.invalidation.terms
    }

    fn item(&self, name: usize) -> Option<&Item> {
        let item = self.names[name].watched.item;
        self.invalidation.items.get(*self.items_at.get(&item)?)
    }

    /// Time since the order was given, across restarts.
    #[must_use]
    pub fn elapsed(&self, now: Moment) -> Duration {
        self.started.map_or_else(|| now.since(self.quickened), |started| started.elapsed(now))
    }

    /// Time since the first of its calls left, or since it was taken up where none did.
    fn since_call(&self, now: Moment) -> Duration {
        let sent = self.names.iter().filter_map(|name| name.sent).map(|sent| sent.elapsed(now));
        sent.max().unwrap_or_else(|| now.since(self.quickened))
    }

    /// Runs and quiet start again after a suspend, or when the journal was out of reach for long.
    pub fn interrupt(&mut self, why: &str, now: Moment, wall: Timestamp) {
        self.interrupted = true;
        self.grid.restart(now);
        self.say(wall, &format!("interrupted: {why}; runs and quiet start again"));
        self.reschedule_all(now, &mut fastrand::Rng::new());
        self.urgent = true;
    }

    /// Whether any call of it still has no answer.
    #[must_use]
    pub fn is_executing(&self) -> bool {
        self.invalidation.items.iter().any(|item| !item.state.is_settled())
    }

    /// Calls accepted, and calls in all.
    #[must_use]
    pub fn accepted(&self) -> usize {
        let accepted = |item: &&Item| item.state == ItemState::Accepted;
        self.invalidation.items.iter().filter(accepted).count()
    }

    /// Whether `Age` means anything at a place.
    fn age_trust(&self, place: usize) -> AgeTrust {
        if self.clock_went_back {
            return AgeTrust::Disproved;
        }
        self.spots[place].age
    }

    fn cell_ref(place: usize, slot: usize) -> CellRef {
        let (url, variant) = of_slot(slot);
        CellRef { place, url, variant }
    }

    /// Slots of cells that exist at a place and take part.
    fn slots(&self, place: usize) -> Vec<usize> {
        (0..self.urls.len())
            .filter(|url| !self.grid.is_dropped(*url) && !self.grid.is_blank(place, *url))
            .flat_map(|url| self.grid.variants(url).map(move |variant| slot_of(url, variant)))
            .collect()
    }

    /// The place with this ID.
    #[must_use]
    pub fn place(&self, id: &PlaceId) -> Option<usize> {
        self.spots.iter().position(|spot| spot.place.id == *id)
    }

    /// Sightings and events since the last call, oldest first.
    pub fn drain(&mut self) -> (Vec<SightingRow>, Vec<TrackerEvent>) {
        (std::mem::take(&mut self.rows), std::mem::take(&mut self.events))
    }

    /// Puts back what could not be journaled, at most as much as is worth keeping.
    pub fn put_back(&mut self, mut rows: Vec<SightingRow>, mut events: Vec<TrackerEvent>) {
        const KEPT: usize = 5_000;
        rows.append(&mut self.rows);
        events.append(&mut self.events);
        rows.drain(..rows.len().saturating_sub(KEPT));
        events.drain(..events.len().saturating_sub(KEPT));
        (self.rows, self.events) = (rows, events);
    }

    /// Whether there is anything to write beside its picture.
    #[must_use]
    pub fn has_words(&self) -> bool {
        !self.rows.is_empty() || !self.names_changed.is_empty() || self.terms_changed
    }

    /// Names whose truth changed since the last call.
    pub fn changed_names(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.names_changed).into_iter().collect()
    }

    pub fn name_not_saved(&mut self, name: usize) {
        self.names_changed.insert(name);
    }

    pub fn take_terms_changed(&mut self) -> bool {
        std::mem::take(&mut self.terms_changed)
    }

    pub fn terms_not_saved(&mut self) {
        self.terms_changed = true;
    }
}

impl Url {
    /// What its plain variant must show, once known.
    #[must_use]
    pub fn expectation(&self) -> Option<Expectation> {
        self.truth[AcceptVariant::None as usize].as_ref().map(|truth| truth.expectation)
    }
}

impl Watch {
    /// The last sighting of a cell.
    #[must_use]
    pub fn last_seen(&self, cell: CellRef) -> Option<&LastSeen> {
        let slot = slot_of(cell.url, cell.variant);
        self.spots[cell.place].cells.get(slot)?.last.as_deref()
    }

    /// The watched URLs of a name.
    #[must_use]
    pub fn urls_of(&self, name: usize) -> Vec<WatchedUrl> {
        let urls = self.names[name].urls.iter();
        urls.map(|url| self.urls[*url].watched.clone()).collect()
    }

    #[must_use]
    pub fn reference_count(&self) -> usize {
        self.references.len()
    }
}
