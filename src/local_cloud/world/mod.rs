//! The world of the local cloud: storage, edges, and what travels between them. Pure.
//!
//! Every call brings `now`, the time since the world began, and first lets happen what was due before it:
//! invalidations arrive, old copies come back, viewers look at pages. Chance comes from a seed, so the same calls
//! at the same times have the same outcome. Nothing here waits or sends.

pub mod asset;
pub mod backups;
pub mod cache;
pub mod changes;
pub mod demo;
pub mod fault;
mod fetched;
mod lag;
pub mod listing;
pub mod network;
pub mod origin;
mod propagation;
pub mod purge;
pub mod quota;
pub mod refusal;
pub mod removal;
pub mod search;
mod serving;
pub mod storage;
pub mod story;
mod tag_list;
pub(super) mod token;
mod transformation;
pub mod trouble;
pub mod truth;
mod viewers;
mod warmth;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use self::asset::{Derived, StoredAsset};
use self::backups::Backups;
use self::cache::Gone;
use self::fault::{ApiPart, Fault, FaultKind};
use self::lag::Lag;
use self::network::{Network, NetworkSettings};
use self::origin::Answer;
use self::purge::{Invalidation, Tokens};
use self::quota::{Quota, QuotaLeft};
use self::search::SearchIndex;
use self::storage::Storage;
use self::story::Story;
use self::trouble::{BodyFate, Conditions, EtagStyle, FaultState, Faults, Hang, Victim};
use self::viewers::Viewers;
use super::chance::Chance;
use super::content::Format;
use super::pops::Pop;
use crate::domain::account::{Account, InvalidationKind};
use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};
use crate::domain::delivery_url::{DeliveryUrl, SignatureKind};
use crate::domain::sighting::AcceptVariant;

/// Invalidations that are remembered after they have arrived.
const MOST_INVALIDATIONS: usize = 50_000;

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
    pub network: NetworkSettings,
    pub faults: Vec<Fault>,
}

/// How a cache answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheState {
    Hit,
    Miss,
    /// From the cache, which knows that the copy is outdated and fetches its successor.
    Stale,
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
    /// Which node of the edge answered.
    pub node: usize,
    /// The shield that the copy came through, and how that answered then.
    pub shield: Option<ShieldSeen>,
    pub etag: EtagStyle,
    /// Seconds that the edge's clock is ahead.
    pub ahead: i64,
    pub body: BodyFate,
}

/// What an answer tells of the shield behind the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShieldSeen {
    pub pop: Pop,
    pub state: CacheState,
    pub hits: u64,
}

/// What somebody who asks an edge gets.
#[derive(Debug, Clone)]
pub enum Response {
    Served(Served),
    /// The connection is reset.
    Reset,
    /// Nothing is answered until it is over ([`World::goes_on`]).
    Hang(Hang),
    /// A status of the edge's own: 429 or a 5xx, with seconds to wait.
    Refused {
        status: u16,
        retry_after: Option<u64>,
        delay: Duration,
    },
}

/// Something that will happen.
#[derive(Debug)]
enum Event {
    /// An invalidation, by its number, reaches a cache.
    Arrives { invalidation: u64, cache: usize },
    /// Copies that were dropped are back at a cache.
    Returns { invalidation: u64, cache: usize, copies: Gone },
    /// The successor of a stale copy has been fetched.
    Revalidated { cache: usize, path: Arc<str>, accept: AcceptVariant },
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
    network: Network,
    faults: Faults,
    lag: Lag,
    viewers: Viewers,
    quota: Quota,
    invalidations: VecDeque<Invalidation>,
    sent: u64,
    tokens: Tokens,
    /// Invalidations that wait at a cache that is stuck: numbers of both.
    held: BTreeSet<(u64, usize)>,
    story: Story,
    /// Requests that each edge has had.
    requests: Vec<u64>,
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
            network: Network::new(&settings.edges, &settings.network, settings.propagation),
            faults: Faults::of(chance, settings.faults.clone()),
            lag: Lag::default(),
            viewers: Viewers::new(chance, settings.traffic),
            quota: Quota::new(settings.admin_quota),
            invalidations: VecDeque::new(),
            sent: 0,
            tokens: Tokens::default(),
            held: BTreeSet::new(),
            story: Story::default(),
            requests: vec![0; settings.edges.len()],
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
    pub const fn network(&self) -> &Network {
        &self.network
    }

    /// What truly happened.
    #[must_use]
    pub const fn story(&self) -> &Story {
        &self.story
    }

    /// Invalidations that are remembered, oldest first.
    pub fn invalidations(&self) -> impl DoubleEndedIterator<Item = &Invalidation> {
        self.invalidations.iter()
    }

    /// All faults and how they stand.
    pub fn faults(&mut self, now: Duration) -> Vec<FaultState> {
        self.advance(now);
        self.faults.states(self.now)
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
        let admin = Victim::Api(ApiPart::Admin);
        if self.faults.is_shut(admin, &[FaultKind::Quota], self.now) {
            return Err(self.quota.empty(self.unix_now()));
        }
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

    /// What a call to a part of the API suffers.
    pub fn call(&mut self, part: ApiPart, now: Duration) -> Conditions {
        self.advance(now);
        self.faults.request(Victim::Api(part), self.now)
    }

    /// Whether somebody still waits in vain.
    pub fn goes_on(&mut self, hang: Hang, now: Duration) -> bool {
        self.advance(now);
        self.faults.goes_on(hang, self.now)
    }

    /// Adds a fault; what it counts from the start counts from now. Its ID is returned; `None` where it is taken.
    pub fn add_fault(&mut self, mut fault: Fault, now: Duration) -> Option<String> {
        self.advance(now);
        if let fault::Begin::Start(after) = fault.begin {
            fault.begin = fault::Begin::Start(self.now + after);
        }
        self.faults.add(fault)
    }

    /// Switches a fault on, from now, or off; false where there is none of that ID.
    pub fn switch_fault(&mut self, id: &str, on: bool, now: Duration) -> bool {
        self.advance(now);
        let found = self.faults.switch(id, on, self.now);
        self.release();
        found
    }

    /// Removes a fault; false where there is none of that ID.
    pub fn remove_fault(&mut self, id: &str, now: Duration) -> bool {
        self.advance(now);
        let found = self.faults.remove(id);
        self.release();
        found
    }

    /// Ends all faults.
    pub fn clear_faults(&mut self, now: Duration) {
        self.advance(now);
        self.faults.clear();
        self.release();
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
