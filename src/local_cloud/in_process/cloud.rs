//! The cloud and the way to it.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;

use super::clock::SimulatedClock;
use super::diary::Diary;
use crate::domain::account::{Account, LocalDelivery};
use crate::domain::sighting::Answer;
use crate::domain::time::Timestamp;
use crate::local_cloud::world::trouble::Hang;
use crate::local_cloud::world::{Settings, World};

/// Reads what status and headers of an answer tell, at a wall time: in production the prober's own reader.
pub type ReadHead = fn(u16, &HeaderMap, Timestamp) -> Answer;

/// How requests and answers travel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Travel {
    /// Shortest and longest way of a probe to an edge and back; connecting takes as long again.
    pub probe: (Duration, Duration),
    /// Shortest and longest way of a call to the API and back.
    pub call: (Duration, Duration),
    /// Share of probes whose answer is lost: they reach the edge, and nothing comes back.
    pub lost_probes: f64,
    /// Share of calls that are carried out and whose answer is lost.
    pub lost_calls: f64,
    /// How long a caller of the API waits for an answer.
    pub patience: Duration,
    /// Addresses that each edge answers at.
    pub addresses: usize,
    /// The edges are on loopback, as those of a local cloud are.
    pub loopback: bool,
    /// Chance of all of this.
    pub seed: u64,
}

impl Default for Travel {
    /// A good line to caches in the world: nothing is lost.
    fn default() -> Self {
        let millis = Duration::from_millis;
        Self {
            probe: (millis(8), millis(180)),
            call: (millis(80), millis(400)),
            lost_probes: 0.0,
            lost_calls: 0.0,
            patience: Duration::from_secs(60),
            addresses: 1,
            loopback: false,
            seed: 1,
        }
    }
}

/// A local cloud in this process.
pub struct InProcess {
    world: Mutex<World>,
    settings: Settings,
    clock: SimulatedClock,
    travel: Travel,
    pub(super) read: ReadHead,
    chance: Mutex<fastrand::Rng>,
    /// Which edge answers at an address.
    addresses: HashMap<SocketAddr, usize>,
    connections: AtomicU64,
    diary: Mutex<Diary>,
}

impl InProcess {
    /// How often somebody who hangs looks whether it is over.
    const LOOK: Duration = Duration::from_millis(100);

    /// A cloud that begins now, at `began_at` UNIX seconds of its own clock.
    #[must_use]
    pub fn start(
        settings: Settings,
        travel: Travel,
        clock: SimulatedClock,
        began_at: i64,
        read: ReadHead,
    ) -> Arc<Self> {
        let addresses = (0..settings.edges.len())
            .flat_map(|edge| Self::addresses_of(&travel, edge).map(move |address| (address, edge)));
        Arc::new(Self {
            addresses: addresses.collect(),
            world: Mutex::new(World::new(settings.clone(), began_at)),
            chance: Mutex::new(fastrand::Rng::with_seed(travel.seed)),
            connections: AtomicU64::new(0),
            diary: Mutex::default(),
            settings,
            clock,
            travel,
            read,
        })
    }

    /// Asks the world something, at the present time: its books, or a change by somebody else.
    pub fn with<R>(&self, ask: impl FnOnce(&mut World, Duration) -> R) -> R {
        let now = self.clock.passed();
        ask(&mut self.world.lock().unwrap_or_else(PoisonError::into_inner), now)
    }

    /// Looks into the diary of what was asked.
    pub fn diary<R>(&self, look: impl FnOnce(&mut Diary) -> R) -> R {
        look(&mut self.diary.lock().unwrap_or_else(PoisonError::into_inner))
    }

    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    #[must_use]
    pub const fn clock(&self) -> &SimulatedClock {
        &self.clock
    }

    #[must_use]
    pub const fn travel(&self) -> &Travel {
        &self.travel
    }

    /// The account as a profile that knows everything about it has it.
    #[must_use]
    pub fn account(&self) -> Account {
        let edges = 0..self.settings.edges.len();
        let first = |edge| Self::addresses_of(&self.travel, edge).next();
        let local = self.travel.loopback.then(|| LocalDelivery {
            instance: "in-process".to_owned(),
            edges: edges.filter_map(first).map(|address| address.to_string()).collect(),
            origin: SocketAddr::from((Ipv4Addr::LOCALHOST, 9000)).to_string(),
        });
        Account {
            invalidation: self.settings.mode,
            bulk_invalidation: Some(self.settings.bulk_invalidation),
            local,
            ..Account::named(&self.settings.cloud_name)
        }
    }

    /// The edge that answers at `address`, by position.
    #[must_use]
    pub fn edge_at(&self, address: SocketAddr) -> Option<usize> {
        self.addresses.get(&address).copied()
    }

    /// Addresses of an edge: on loopback, else of the range that is kept for tests (RFC 2544).
    pub(super) fn addresses_of(
        travel: &Travel,
        edge: usize,
    ) -> impl Iterator<Item = SocketAddr> + use<> {
        let loopback = travel.loopback;
        let octet = |number: usize| u8::try_from(number % 250).unwrap_or(0) + 1;
        let port = |number: usize| 9001 + u16::try_from(number).unwrap_or(0);
        let addresses = travel.addresses.max(1);
        (0..addresses).map(move |one| {
            if loopback {
                SocketAddr::from((Ipv4Addr::LOCALHOST, port(edge * addresses + one)))
            } else {
                SocketAddr::from((Ipv4Addr::new(198, 18, octet(edge), octet(one)), 443))
            }
        })
    }

    pub(super) fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed)
    }

    fn chance(&self) -> MutexGuard<'_, fastrand::Rng> {
        self.chance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A time between both.
    pub(super) fn between(&self, (least, most): (Duration, Duration)) -> Duration {
        least + most.saturating_sub(least).mul_f64(self.chance().f64())
    }

    /// Whether something that happens in such a share of all cases happens.
    pub(super) fn happens(&self, share: f64) -> bool {
        share > 0.0 && self.chance().f64() < share
    }

    /// Waits in vain.
    pub(super) async fn over(&self, hang: Hang) {
        while self.with(|world, now| world.goes_on(hang, now)) {
            tokio::time::sleep(Self::LOOK).await;
        }
    }
}

/// Waits, where there is something to wait for.
pub(super) async fn wait(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}
