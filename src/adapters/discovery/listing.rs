//! What all resolvers said of a host, kept as long as they said it holds.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};

use super::exchange::Exchange;
use super::message::{Family, Found, Question, Tag, Trouble};
use super::quota::Quota;
use super::subnet::{Resolver, Subnet};
use crate::adapters::places::provider_of;
use crate::domain::place::{Place, PlaceId, Vantage};
use crate::domain::text::clean;
use crate::domain::time::Moment;
use crate::ports::clock::Clock;
use crate::ports::places::{Places, PlacesError};

/// Questions under way at a time.
const MAX_UNDER_WAY: usize = 8;
/// Answers that are kept at most.
const MAX_KEPT: usize = 2048;
/// Places of one host at most.
const MAX_PLACES: usize = 256;
/// Resolvers and subnets that are asked for at most; the rest is left out, with a warning.
const MAX_RESOLVERS: usize = 16;
const MAX_SUBNETS: usize = 32;

/// How resolvers are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoveryOptions {
    /// How long one try may take; a question has two, and then one over TCP of twice as long.
    pub patience: Duration,
    /// Questions a minute at most, all resolvers together.
    pub per_minute: usize,
    /// What a resolver says holds at least and at most so long; trouble holds as long as the least.
    pub least_ttl: Duration,
    pub longest_ttl: Duration,
    /// Believe addresses of this host and its network.
    pub local: bool,
}

impl Default for DiscoveryOptions {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(2),
            per_minute: 48,
            least_ttl: Duration::from_secs(30),
            longest_ttl: Duration::from_secs(3600),
            local: false,
        }
    }
}

/// What one resolver said for one subnet's sake, or plainly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub resolver: Resolver,
    pub subnet: Option<Subnet>,
    /// Asked for IPv6 addresses.
    pub ipv6: bool,
    pub outcome: Result<Found, Trouble>,
}

impl Row {
    /// Who said it: `google for Tokyo (198.51.100.0/24)`.
    #[must_use]
    pub fn source(&self) -> String {
        let resolver = &self.resolver.name;
        let Some(subnet) = &self.subnet else { return resolver.clone() };
        match self.outcome.as_ref().map(|found| found.tag) {
            Ok(Tag::Ignored) => format!("{resolver}, ignoring {subnet}"),
            Ok(Tag::NotTailored) => format!("{resolver}, the same for {subnet}"),
            _ => format!("{resolver} for {subnet}"),
        }
    }
}

/// A place, and who named its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPlace {
    pub place: Place,
    /// In the order of asking, each once.
    pub sources: Vec<String>,
}

/// Everything that was said of one host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    pub rows: Vec<Row>,
    pub places: Vec<FoundPlace>,
}

impl Listing {
    /// Rows whose answer was for their subnet, and rows that carried a subnet and were answered.
    #[must_use]
    pub fn tailored_of_answered(&self) -> (usize, usize) {
        let tags = self.rows.iter().filter_map(|row| Some(row.outcome.as_ref().ok()?.tag));
        let tags: Vec<Tag> = tags.filter(|tag| *tag != Tag::Plain).collect();
        (tags.iter().filter(|tag| **tag == Tag::Tailored).count(), tags.len())
    }

    /// Why there is no place, in words.
    fn why_none(&self) -> String {
        let Some(row) = self.rows.first() else { return "no resolver is configured".to_owned() };
        let refused = self.rows.iter().filter_map(|row| {
            let (address, why) = row.outcome.as_ref().ok()?.refused.first()?;
            Some(format!("{}: {address} is {why}", row.resolver.name))
        });
        let troubles = self.rows.iter().filter_map(|row| {
            Some(format!("{}: {}", row.resolver.name, row.outcome.as_ref().err()?))
        });
        let first = refused.chain(troubles).next();
        first.unwrap_or_else(|| format!("{}: it has no address", row.resolver.name))
    }
}

/// Asks the resolvers of a profile.
pub struct Discovery {
    resolvers: Vec<Resolver>,
    subnets: Vec<Subnet>,
    options: DiscoveryOptions,
    clock: Arc<dyn Clock>,
    quota: Quota,
    kept: Mutex<HashMap<Key, Kept>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    resolver: SocketAddr,
    subnet: Option<(IpAddr, u8)>,
    family: Family,
    host: String,
}

#[derive(Debug, Clone)]
struct Kept {
    until: Moment,
    outcome: Result<Found, Trouble>,
}

impl Discovery {
    #[must_use]
    pub fn new(
        mut resolvers: Vec<Resolver>,
        mut subnets: Vec<Subnet>,
        options: DiscoveryOptions,
        clock: Arc<dyn Clock>,
    ) -> Self {
        if resolvers.len() > MAX_RESOLVERS || subnets.len() > MAX_SUBNETS {
            tracing::warn!(MAX_RESOLVERS, MAX_SUBNETS, "some resolvers or subnets are not asked");
        }
        resolvers.truncate(MAX_RESOLVERS);
        subnets.truncate(MAX_SUBNETS);
        let quota = Quota::new(options.per_minute);
        Self { resolvers, subnets, options, clock, quota, kept: Mutex::default() }
    }

    /// Asks everybody what is not known, or no longer, and lists it all. Plain questions go first; what the limit
    /// leaves out is listed as not asked and asked by a later call.
    pub async fn look(&self, host: &str) -> Listing {
        let (name, port) = name_and_port(host);
        let name = name.to_ascii_lowercase();
        let mut subnets = vec![None];
        subnets.extend(self.subnets.iter().cloned().map(Some));
        let mut asks = Vec::new();
        for subnet in &subnets {
            for resolver in &self.resolvers {
                for family in [Family::V4, Family::V6] {
                    asks.push((resolver.clone(), subnet.clone(), family));
                }
            }
        }
        let rows: Vec<Row> = stream::iter(asks)
            .map(|(resolver, subnet, family)| self.row(&name, resolver, subnet, family))
            .buffered(MAX_UNDER_WAY)
            .collect()
            .await;
        let places = places(host, port, &rows);
        Listing { rows, places }
    }

    async fn row(
        &self,
        host: &str,
        resolver: Resolver,
        subnet: Option<Subnet>,
        family: Family,
    ) -> Row {
        let key = Key {
            resolver: resolver.address,
            subnet: subnet.as_ref().map(|subnet| (subnet.network(), subnet.prefix())),
            family,
            host: host.to_owned(),
        };
        let outcome = match self.known(&key) {
            Some(outcome) => outcome,
            None => self.ask(key, &resolver, subnet.clone()).await,
        };
        Row { resolver, subnet, ipv6: family == Family::V6, outcome }
    }

    fn known(&self, key: &Key) -> Option<Result<Found, Trouble>> {
        let now = self.clock.moment();
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(key).filter(|kept| now < kept.until).map(|kept| kept.outcome.clone())
    }

    async fn ask(
        &self,
        key: Key,
        resolver: &Resolver,
        subnet: Option<Subnet>,
    ) -> Result<Found, Trouble> {
        let question = Question::new(&key.host, key.family, subnet, self.options.local)?;
        let (quota, clock, patience) = (&self.quota, &*self.clock, self.options.patience);
        let outcome = Exchange { quota, clock, patience }.ask(resolver.address, &question).await;
        if matches!(outcome, Err(Trouble::NotAsked { .. })) {
            return outcome;
        }
        let told = outcome.as_ref().map_or(Duration::ZERO, |found| found.ttl);
        let holds = told.min(self.options.longest_ttl).max(self.options.least_ttl);
        let now = self.clock.moment();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, kept| now < kept.until);
        if kept.len() < MAX_KEPT {
            kept.insert(key, Kept { until: now + holds, outcome: outcome.clone() });
        }
        outcome
    }
}

/// One place for each address, IPv4 and IPv6 apart, in the order in which they were named.
fn places(host: &str, port: u16, rows: &[Row]) -> Vec<FoundPlace> {
    let mut places: Vec<FoundPlace> = Vec::new();
    for row in rows {
        let Ok(found) = &row.outcome else { continue };
        let source = row.source();
        for address in &found.addresses {
            let address = SocketAddr::new(*address, port);
            let known = places.iter().position(|known| known.place.address == Some(address));
            if let Some(at) = known {
                let sources = &mut places[at].sources;
                if !sources.contains(&source) {
                    sources.push(source.clone());
                }
            } else if places.len() < MAX_PLACES {
                let sources = vec![source.clone()];
                places.push(FoundPlace { place: place(host, address), sources });
            }
        }
    }
    places
}

fn place(host: &str, address: SocketAddr) -> Place {
    Place {
        id: PlaceId(format!("{}@{}", clean(host), address.ip())),
        pop: None, // its own answers tell; the subnet that led to it does not
        city: None,
        provider: provider_of(host),
        vantage: Vantage::Here,
        address: Some(address),
        tls: true,
        host: host.to_owned(),
    }
}

/// A delivery host may carry a port.
fn name_and_port(host: &str) -> (&str, u16) {
    let parsed = host.rsplit_once(':').and_then(|(name, port)| Some((name, port.parse().ok()?)));
    parsed.unwrap_or((host, 443))
}

/// The places that a [`Discovery`] finds.
pub struct DiscoveredPlaces {
    discovery: Arc<Discovery>,
}

impl DiscoveredPlaces {
    #[must_use]
    pub fn new(discovery: Arc<Discovery>) -> Self {
        Self { discovery }
    }
}

#[async_trait]
impl Places for DiscoveredPlaces {
    /// # Errors
    /// [`PlacesError::Unresolved`] when no resolver named an address that may be asked.
    async fn places(&self, host: &str) -> Result<Vec<Place>, PlacesError> {
        let listing = self.discovery.look(host).await;
        if listing.places.is_empty() {
            let (host, detail) = (clean(host).into_owned(), listing.why_none());
            return Err(PlacesError::Unresolved { host, detail });
        }
        Ok(listing.places.into_iter().map(|found| found.place).collect())
    }
}
