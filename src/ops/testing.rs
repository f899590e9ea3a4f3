//! Fakes for unit tests of the use cases: storage in memory, time that is tokio's, a journal in memory.
//!
//! With `#[tokio::test(start_paused = true)]` time passes only while nothing else is to be done. The journal runs on
//! a thread of its own, which tokio cannot see, so [`StillJournal`] holds the clock during its calls.

mod cloud;
mod journal;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;

use super::context::{Context, Policy};
use crate::domain::account::Account;
use crate::domain::asset::AssetKey;
use crate::domain::id::{ItemId, MemberId};
use crate::domain::invalidation::{CloudScope, Item, ItemState, Member, Operation};
use crate::domain::place::{Place, PlaceId, Vantage};
use crate::domain::purge::Risk;
use crate::domain::sighting::{ProbeFailure, Sighting};
use crate::domain::time::{Moment, Timestamp, from_millis};
use crate::ports::clock::Clock;
use crate::ports::cloud::Cloud;
use crate::ports::journal::Journal;
use crate::ports::places::{Places, PlacesError};
use crate::ports::prober::{Probe, Prober};

pub use cloud::{BASE_VERSION, FakeCloud, Script};
pub use journal::{StillJournal, still};

/// 2026-11-21T12:00:00Z: wall time at the start of every test.
pub const BASE_MILLIS: i64 = 1_795_262_400_000;

/// The public ID `raw` as an uploaded image.
///
/// # Panics
/// When `raw` is no public ID.
pub fn image(raw: &str) -> AssetKey {
    AssetKey::image(raw.parse().expect("a valid public ID"))
}

/// A context over a [`FakeCloud`], [`PausedClock`], [`FakePlaces`] with two edges, a journal in memory and a prober
/// that reaches nothing. Its fields are public: `Context { prober, ..context }` replaces one.
///
/// # Panics
/// When the journal cannot be made.
pub async fn context(cloud: Arc<FakeCloud>) -> Context {
    let clock = PausedClock::start();
    let journal = StillJournal::in_memory().await;
    let member = member("ops", 4242);
    journal.join(&member, clock.wall()).await.expect("a journal in memory takes everything");
    Context {
        account: Account::named(cloud.cloud_name()),
        scope: scope(&cloud),
        cloud,
        journal: Arc::new(journal),
        prober: Arc::new(DeadProber(clock.clone())),
        places: Arc::new(FakePlaces::local(&["FRA", "SIN"])),
        clock: Arc::new(clock),
        member,
        policy: Policy::new("test", Risk::Local, true),
    }
}

pub fn member(user: &str, pid: u32) -> Member {
    Member {
        id: MemberId::new(),
        user: user.to_owned(),
        host: "desk".to_owned(),
        pid,
        started_at: from_millis(BASE_MILLIS),
        ssh_client: None,
    }
}

pub fn scope(cloud: &FakeCloud) -> CloudScope {
    CloudScope {
        cloud_name: cloud.cloud_name().to_owned(),
        api: cloud.api().to_owned(),
        instance: Some("instance-1".to_owned()),
    }
}

/// Both clocks follow tokio's, which tests may pause: the wall starts at [`BASE_MILLIS`].
#[derive(Debug, Clone)]
pub struct PausedClock {
    origin: tokio::time::Instant,
}

impl PausedClock {
    pub fn start() -> Self {
        Self { origin: tokio::time::Instant::now() }
    }
}

impl Clock for PausedClock {
    fn wall(&self) -> Timestamp {
        from_millis(BASE_MILLIS) + self.moment().since_origin()
    }

    fn moment(&self) -> Moment {
        Moment::from_origin(self.origin.elapsed())
    }
}

/// The same places for every host.
#[derive(Debug, Clone, Default)]
pub struct FakePlaces(pub Vec<Place>);

impl FakePlaces {
    /// One edge on loopback for each PoP, from port 9001 on; nothing listens there.
    pub fn local(pops: &[&str]) -> Self {
        let place = |(port, pop): (u16, &&str)| Place {
            id: PlaceId((*pop).to_owned()),
            pop: Some((*pop).to_owned()),
            city: None,
            provider: "local".to_owned(),
            vantage: Vantage::Here,
            address: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
            tls: false,
            host: format!("127.0.0.1:{port}"),
        };
        Self((9001..).zip(pops).map(place).collect())
    }
}

#[async_trait]
impl Places for FakePlaces {
    async fn places(&self, host: &str) -> Result<Vec<Place>, PlacesError> {
        if self.0.is_empty() {
            let detail = "no such host".to_owned();
            return Err(PlacesError::Unresolved { host: host.to_owned(), detail });
        }
        Ok(self.0.clone())
    }
}

/// A prober whose every probe is refused.
pub struct DeadProber(pub PausedClock);

#[async_trait]
impl Prober for DeadProber {
    async fn probe(&self, probe: &Probe) -> Sighting {
        Sighting {
            variant: probe.variant,
            shape: probe.shape,
            sent: self.0.moment(),
            received: self.0.moment(),
            at: self.0.wall(),
            result: Err(ProbeFailure::Refused),
        }
    }
}

/// An item of `operation`, not sent.
pub fn item(operation: &Operation, key: &AssetKey) -> Item {
    Item {
        id: ItemId::new(),
        operation: operation.id,
        key: key.clone(),
        to: None,
        state: ItemState::Intended,
        sent_at: None,
        message: None,
    }
}

mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ports::cloud::Destroyed;

    #[tokio::test(start_paused = true)]
    async fn paused_time_stands_still_while_the_journal_works() {
        let context = context(FakeCloud::with(&["press/hero"])).await;
        let before = context.clock.wall();
        for _ in 0..20 {
            assert_eq!(context.journal.open(Some(&context.scope)).await.unwrap(), []);
        }
        assert_eq!(context.clock.wall(), before);
        tokio::time::sleep(Duration::from_secs(90)).await;
        assert_eq!(context.clock.wall().duration_since(before).as_secs(), 90);
    }

    #[tokio::test(start_paused = true)]
    async fn the_cloud_fails_as_scripted_and_keeps_what_was_asked() {
        let cloud = FakeCloud::with(&["a", "b"]);
        cloud.script("destroy", Script::lose());
        cloud.script("destroy", Script::drop());
        assert!(cloud.destroy(&image("a"), true).await.unwrap_err().is_in_doubt());
        assert!(cloud.destroy(&image("b"), true).await.unwrap_err().is_in_doubt());
        assert_eq!((cloud.asset(&image("a")), cloud.asset(&image("b")).is_some()), (None, true));
        assert_eq!(cloud.destroy(&image("a"), true).await, Ok(Destroyed::NotFound));
        assert_eq!(
            cloud.changes(),
            ["destroy a invalidate", "destroy b invalidate", "destroy a invalidate"]
        );
    }
}
