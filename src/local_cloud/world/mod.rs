//! The world of the local cloud: storage, edges, and what travels between them. Pure.
//!
//! Every call brings `now`, the time since the world began, and first lets happen what was due before it:
//! invalidations arrive, old copies come back, viewers look at pages. Chance comes from a seed, so the same calls
//! at the same times have the same outcome. Nothing here waits or sends.

pub mod asset;
pub mod backups;
pub mod changes;
pub mod demo;
pub mod edge;
pub mod fault;
mod fetched;
pub mod listing;
pub mod origin;
pub mod purge;
pub mod quota;
pub mod refusal;
pub mod removal;
pub mod search;
pub mod storage;
mod tag_list;
pub(super) mod token;
mod transformation;
mod viewers;
mod warmth;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use self::asset::{Derived, StoredAsset};
use self::backups::Backups;
use self::edge::{Copy, Edge};
use self::fault::{Fault, FaultKind, Faults};
use self::origin::Answer;
use self::purge::{Arrival, Invalidation, Target};
use self::quota::{Quota, QuotaLeft};
use self::search::SearchIndex;
use self::storage::Storage;
use self::viewers::Viewers;
use super::chance::{Chance, hash_text};
use super::content::Format;
use super::pops::Pop;
use crate::domain::account::{Account, InvalidationKind};
use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};
use crate::domain::delivery_url::{DeliveryUrl, SignatureKind};
use crate::domain::sighting::AcceptVariant;

/// Invalidations that are remembered after they have arrived.
const MOST_INVALIDATIONS: usize = 20_000;

/// What a world is made of.
#[derive(Debug, Clone)]
pub struct Settings {
    pub cloud_name: String,
    pub api_secret: SecretString,
    /// Opens authenticated assets by a token in the query, in hex; without it no token opens anything.
    pub auth_token_key: Option<SecretString>,
    /// How many assets there are at the start.
    pub assets: usize,
    pub edges: Vec<Pop>,
    pub seed: u64,
    /// Shortest and longest time that an invalidation takes to an edge.
    pub propagation: (Duration, Duration),
    pub mode: InvalidationKind,
    /// Admin deletes invalidate where asked for.
    pub bulk_invalidation: bool,
    /// Backups of all files are kept.
    pub backups: bool,
    /// Admin and Search calls an hour.
    pub admin_quota: u32,
    pub search_lag: Duration,
    /// Looks of viewers a second, over all edges; 0 for none.
    pub traffic: f64,
    pub faults: Vec<Fault>,
}

/// How a cache answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheState {
    Hit,
    Miss,
}

/// An edge's answer.
#[derive(Debug, Clone)]
pub struct Served {
    pub answer: Arc<Answer>,
    pub age: Duration,
    pub state: CacheState,
    /// How often the copy was served before.
    pub hits: u64,
    /// The answer leaves so much later.
    pub delay: Duration,
    /// `Age` is not told.
    pub ageless: bool,
}

/// What somebody who asks an edge gets.
#[derive(Debug, Clone)]
pub enum Response {
    Served(Served),
    /// The connection is reset.
    Reset,
    /// A status of the edge's own: 429 or 503, with seconds to wait.
    Refused {
        status: u16,
        retry_after: Option<u64>,
        delay: Duration,
    },
}

/// Something that will happen.
#[derive(Debug)]
enum Event {
    /// An invalidation, by its number, reaches an edge.
    Arrives { invalidation: u64, edge: usize },
    /// Copies that were dropped are back at an edge.
    Returns { invalidation: u64, edge: usize, copies: Vec<(Arc<str>, Vec<Copy>)> },
}

#[derive(Debug)]
struct Appointment {
    at: Duration,
    number: u64,
    event: Event,
}

impl PartialEq for Appointment {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}

impl Eq for Appointment {}

impl PartialOrd for Appointment {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Appointment {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// Storage and edges of one cloud.
#[derive(Debug)]
pub struct World {
    settings: Settings,
    account: Account,
    chance: Chance,
    /// UNIX seconds when the world began.
    began_at: i64,
    now: Duration,
    storage: Storage,
    backups: Backups,
    search: SearchIndex,
    edges: Vec<Edge>,
    faults: Faults,
    viewers: Viewers,
    quota: Quota,
    invalidations: VecDeque<Invalidation>,
    sent: u64,
    /// Invalidations that wait at an edge that is stuck without an end.
    held: Vec<(u64, usize)>,
    agenda: BinaryHeap<Reverse<Appointment>>,
    appointments: u64,
    orders: u64,
}

impl World {
    /// A world that begins now, at `began_at` UNIX seconds, with warm edges.
    #[must_use]
    pub fn new(settings: Settings, began_at: i64) -> Self {
        let chance = Chance::new(settings.seed);
        let library = demo::library(chance, settings.assets, began_at, settings.backups);
        let storage = Storage::of(library);
        let mut world = Self {
            account: Account::named(&settings.cloud_name),
            chance,
            began_at,
            now: Duration::ZERO,
            search: SearchIndex::new(settings.search_lag),
            backups: Backups::default(),
            edges: settings.edges.iter().copied().map(Edge::new).collect(),
            faults: Faults::of(settings.faults.clone()),
            viewers: Viewers::new(chance, settings.traffic),
            quota: Quota::new(settings.admin_quota),
            invalidations: VecDeque::new(),
            sent: 0,
            held: Vec::new(),
            agenda: BinaryHeap::new(),
            appointments: 0,
            orders: settings.assets as u64,
            storage,
            settings,
        };
        world.warm_up();
        world
    }

    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    #[must_use]
    pub const fn storage(&self) -> &Storage {
        &self.storage
    }

    #[must_use]
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Invalidations that are remembered, oldest first.
    pub fn invalidations(&self) -> impl DoubleEndedIterator<Item = &Invalidation> {
        self.invalidations.iter()
    }

    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        self.faults.all()
    }

    /// UNIX seconds in this world.
    #[must_use]
    pub fn unix_now(&self) -> i64 {
        self.began_at.saturating_add_unsigned(self.now.as_secs())
    }

    /// Calls made of the present hour's quota.
    #[must_use]
    pub const fn quota_used(&self) -> u32 {
        self.quota.used()
    }

    /// Takes one Admin or Search call out of the hour's pot.
    ///
    /// # Errors
    /// The pot is empty.
    pub fn take_quota(&mut self, now: Duration) -> Result<QuotaLeft, QuotaLeft> {
        self.advance(now);
        self.quota.take(self.unix_now())
    }

    /// Lets everything happen that is due by `now`, in its order. Time never goes back: an earlier `now` is the present.
    pub fn advance(&mut self, now: Duration) {
        let now = now.max(self.now);
        loop {
            let event_at = self.agenda.peek().map(|Reverse(next)| next.at);
            let view_at = self.viewers.due(now);
            let next = [event_at, view_at].into_iter().flatten().min();
            let Some(next) = next.filter(|at| *at <= now) else { break };
            self.now = next.max(self.now);
            if event_at == Some(next) {
                if let Some(Reverse(appointment)) = self.agenda.pop() {
                    self.happen(appointment.event);
                }
            } else {
                self.view();
            }
        }
        self.now = now;
    }

    /// Whether connections to this edge are reset now.
    pub fn is_dead(&mut self, edge: usize, now: Duration) -> bool {
        self.advance(now);
        self.suffers(FaultKind::Dead, edge).is_some()
    }

    /// Somebody asks an edge for `path` (with query).
    pub fn request(
        &mut self,
        edge: usize,
        path: &str,
        accept: AcceptVariant,
        now: Duration,
    ) -> Response {
        self.advance(now);
        if self.suffers(FaultKind::Dead, edge).is_some() {
            return Response::Reset;
        }
        let delay = self.suffers(FaultKind::Slow, edge).map_or(Duration::ZERO, |slow| slow.delay);
        if self.suffers(FaultKind::Unavailable, edge).is_some() {
            return Response::Refused { status: 503, retry_after: None, delay };
        }
        if self.suffers(FaultKind::Throttled, edge).is_some() {
            return Response::Refused { status: 429, retry_after: Some(5), delay };
        }
        let ageless = self.suffers(FaultKind::Ageless, edge).is_some();
        let (answer, age, state, hits) = self.look_up(edge, path, accept);
        Response::Served(Served { answer, age, state, hits, delay, ageless })
    }

    /// Somebody asks storage for `path` (with query), past all edges.
    pub fn origin(&mut self, path: &str, accept: AcceptVariant, now: Duration) -> Answer {
        self.advance(now);
        self.answer(path, accept)
    }

    /// Adds a fault; what it counts from the start counts from now.
    pub fn add_fault(&mut self, mut fault: Fault, now: Duration) {
        self.advance(now);
        if let fault::Begin::Start(after) = fault.begin {
            fault.begin = fault::Begin::Start(self.now + after);
        }
        self.faults.add(fault);
    }

    /// Ends all faults; invalidations that were kept waiting arrive now.
    pub fn clear_faults(&mut self, now: Duration) {
        self.advance(now);
        self.faults.clear();
        for (invalidation, edge) in std::mem::take(&mut self.held) {
            self.appoint(self.now, Event::Arrives { invalidation, edge });
        }
        self.advance(now);
    }

    fn suffers(&self, kind: FaultKind, edge: usize) -> Option<&Fault> {
        self.faults.active(kind, self.edges[edge].pop.code, self.now)
    }

    fn look_up(
        &mut self,
        edge: usize,
        path: &str,
        accept: AcceptVariant,
    ) -> (Arc<Answer>, Duration, CacheState, u64) {
        let now = self.now;
        if let Some(copy) = self.edges[edge].find(path, accept, now) {
            let state = if copy.from_shield { CacheState::Miss } else { CacheState::Hit };
            copy.from_shield = false;
            copy.hits += 1;
            return (copy.answer.clone(), copy.age(now), state, copy.hits);
        }
        let answer = Arc::new(self.answer(path, accept));
        self.edges[edge].store(&path.into(), answer.clone(), accept, now);
        (answer, Duration::ZERO, CacheState::Miss, 0)
    }

    fn answer(&mut self, path: &str, accept: AcceptVariant) -> Answer {
        self.answer_at(self.unix_now(), path, accept)
    }

    /// What storage answers at a time; a derived asset that is made then is dated then.
    fn answer_at(&mut self, unix_now: i64, path: &str, accept: AcceptVariant) -> Answer {
        let origin = self.settings.origin(self.chance, unix_now);
        origin.answer(&mut self.storage, path, accept)
    }

    /// Sends an invalidation of one asset on its way, by the rules of the account.
    fn invalidate(&mut self, asset: &AssetKey, versions: &[u64], verb: &'static str) {
        self.send(Target::of_asset(self.settings.mode, asset.clone(), versions), verb);
    }

    fn send(&mut self, target: Target, verb: &'static str) {
        self.faults.invalidated(self.now);
        self.sent += 1;
        let number = self.sent;
        let arrivals: Vec<Arrival> = (0..self.edges.len())
            .map(|edge| {
                let code = hash_text(self.edges[edge].pop.code);
                let usual =
                    self.chance.between(self.settings.propagation, "arrival", &[number, code]);
                let late = self.suffers(FaultKind::Slow, edge).map_or(Duration::ZERO, |f| f.late);
                Arrival { due: self.now + usual + late, ..Arrival::default() }
            })
            .collect();
        for (edge, arrival) in arrivals.iter().enumerate() {
            self.appoint(arrival.due, Event::Arrives { invalidation: number, edge });
        }
        self.invalidations.push_back(Invalidation { number, at: self.now, verb, target, arrivals });
        if self.invalidations.len() > MOST_INVALIDATIONS {
            self.forget_an_invalidation();
        }
    }

    /// Forgets the oldest invalidation that is through everywhere, or just the oldest where too many are not.
    fn forget_an_invalidation(&mut self) {
        let through = |one: &Invalidation| {
            one.arrivals.iter().all(|arrival| arrival.lost || arrival.cleared_at.is_some())
        };
        let at = self.invalidations.iter().take(MOST_INVALIDATIONS).position(through);
        if at.is_some() || self.invalidations.len() > 10 * MOST_INVALIDATIONS {
            self.invalidations.remove(at.unwrap_or(0));
        }
    }

    fn appoint(&mut self, at: Duration, event: Event) {
        self.appointments += 1;
        self.agenda.push(Reverse(Appointment { at, number: self.appointments, event }));
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrives { invalidation, edge } => self.arrive(invalidation, edge),
            Event::Returns { invalidation, edge, copies } => {
                self.note_arrival(invalidation, edge, |arrival, now| {
                    arrival.regressed_at = Some(now);
                });
                for (path, copies) in copies {
                    for copy in copies {
                        self.edges[edge].put(&path, Copy { from_shield: true, hits: 0, ..copy });
                    }
                }
            }
        }
    }

    fn arrive(&mut self, invalidation: u64, edge: usize) {
        let code = self.edges[edge].pop.code;
        match self.faults.stuck_until(code, self.now) {
            Some(Some(end)) => return self.appoint(end, Event::Arrives { invalidation, edge }),
            Some(None) => return self.held.push((invalidation, edge)),
            None => {}
        }
        if self.suffers(FaultKind::Lost, edge).is_some() {
            return self.note_arrival(invalidation, edge, |arrival, _| arrival.lost = true);
        }
        let at = self.invalidations.binary_search_by_key(&invalidation, |one| one.number);
        let Some(target) = at.ok().map(|at| self.invalidations[at].target.clone()) else { return };
        let mut dropped = self.edges[edge].drop_copies(&target);
        let count = dropped.iter().map(|(_, copies)| copies.len()).sum();
        self.note_arrival(invalidation, edge, |arrival, now| {
            arrival.cleared_at = Some(now);
            arrival.dropped = count;
        });
        for (_, copies) in &mut dropped {
            copies.retain(|copy| copy.answer.status < 400);
        }
        dropped.retain(|(_, copies)| !copies.is_empty());
        if !dropped.is_empty()
            && let Some(after) = self.faults.regress(code, edge, self.now)
        {
            let back = Event::Returns { invalidation, edge, copies: dropped };
            self.appoint(self.now + after, back);
        }
    }

    fn note_arrival(&mut self, number: u64, edge: usize, note: impl Fn(&mut Arrival, Duration)) {
        let now = self.now;
        let at = self.invalidations.binary_search_by_key(&number, |one| one.number);
        if let Some(one) = at.ok().and_then(|at| self.invalidations.get_mut(at)) {
            note(&mut one.arrivals[edge], now);
        }
    }

    /// A viewer looks at a page.
    fn view(&mut self) {
        let Some(view) = self.viewers.look(self.edges.len()) else { return };
        let blocked = [FaultKind::Dead, FaultKind::Unavailable, FaultKind::Throttled];
        if blocked.into_iter().any(|kind| self.suffers(kind, view.edge).is_some()) {
            return;
        }
        let (answer, ..) = self.look_up(view.edge, &view.path, view.accept);
        self.viewers.found(&view.path, answer.status < 400, self.now);
    }

    fn next_order(&mut self) -> u64 {
        self.orders += 1;
        self.orders
    }

    /// The delivery URL of an original, without a version.
    #[must_use]
    pub fn url_of(&self, key: &AssetKey, extension: Option<&str>) -> DeliveryUrl {
        DeliveryUrl::original(&self.account, key, extension)
    }

    /// Path of an original under its present version, signed where it is not public.
    #[must_use]
    pub fn original_path(&self, asset: &StoredAsset) -> String {
        let extension = asset.format().map(Format::as_str);
        let url = self.url_of(&asset.key, extension).with_version(asset.version);
        self.open(url).path()
    }

    /// URL of a derived asset, under the version of its original, signed where it is not public.
    #[must_use]
    pub fn derived_url(&self, key: &AssetKey, version: u64, row: &Derived) -> DeliveryUrl {
        let written = row.extension.as_deref();
        let extension = written.or(row.content().format().map(Format::as_str));
        let extension = extension.filter(|_| key.resource_type != ResourceType::Raw);
        let url = self.url_of(key, extension).with_version(version);
        self.open(url.with_transformation(&row.transformation))
    }

    /// Signs URLs that are not delivered otherwise.
    fn open(&self, url: DeliveryUrl) -> DeliveryUrl {
        match url.asset.delivery_type {
            DeliveryType::Private | DeliveryType::Authenticated => {
                url.signed(&self.settings.api_secret, SignatureKind::default())
            }
            _ => url,
        }
    }
}
