//! The one tracker of the process: owns every open invalidation and the probe scheduler.
//!
//! It judges, journals, then publishes immutable snapshots; screens and commands subscribe, and none of them
//! judges. Invalidations that another process tracks are shown from the journal and taken over when its lease
//! expires.

use std::sync::Arc;

use tokio::sync::{broadcast, watch};

use super::context::Context;
use super::error::OpError;
use crate::domain::id::{InvalidationId, ItemId};
use crate::domain::invalidation::{ItemState, WatchedName};
use crate::domain::place::PlaceId;
use crate::domain::snapshot::WatchSnapshot;
use crate::domain::time::Timestamp;
use crate::domain::verdict::{Judgement, Stored};

/// What the tracker knows: open watches, oldest first, and those that ended since the process began.
#[derive(Debug, Clone, Default)]
pub struct Board {
    pub watches: Vec<Arc<WatchSnapshot>>,
    /// Why the journal cannot be used at the moment, if so; cleaned.
    pub trouble: Option<String>,
}

impl Board {
    #[must_use]
    pub fn get(&self, id: InvalidationId) -> Option<&Arc<WatchSnapshot>> {
        self.watches.iter().find(|watch| watch.id == id)
    }
}

/// Single things that happened, for streams; a slow listener loses the oldest.
#[derive(Debug, Clone)]
pub enum TrackerEvent {
    Sighting {
        invalidation: InvalidationId,
        place: PlaceId,
        url: String,
        judgement: Judgement,
        clear: bool,
    },
    Regression {
        invalidation: InvalidationId,
        place: PlaceId,
        url: String,
        why: String,
    },
}

/// The outcome of one call, told to the tracker by whoever made it.
#[derive(Debug, Clone)]
pub struct Settled {
    pub item: ItemId,
    pub state: ItemState,
    /// When the call left.
    pub sent_at: Option<Timestamp>,
    /// When its answer was in.
    pub settled_at: Timestamp,
    /// What the call's own answer says that storage holds now under the item's name (`to` for a rename).
    pub now: Option<Stored>,
}

/// Handle of the tracker; cheap to clone.
#[derive(Clone)]
pub struct Tracker {
    inner: Arc<Inner>,
}

struct Inner {}

impl Tracker {
    /// Starts the tracker's task: takes up every open invalidation of the scope that nobody tracks.
    #[must_use]
    pub fn start(context: Arc<Context>) -> Self {
        todo!("{}", context.scope.cloud_name)
    }

    /// The latest board; changes at most 20 times a second.
    #[must_use]
    pub fn board(&self) -> watch::Receiver<Arc<Board>> {
        todo!()
    }

    /// Sightings and regressions as they are judged.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<TrackerEvent> {
        todo!()
    }

    /// Takes up an invalidation that this process has just recorded; returns when its lease is held, so that
    /// nobody else can take it up before the first call leaves.
    ///
    /// # Errors
    /// The journal's.
    pub async fn take_up(&self, invalidation: InvalidationId) -> Result<(), OpError> {
        todo!("{invalidation}")
    }

    /// One probe at every covered URL of existing derived copies and originals, before the call leaves
    /// (design §2.3, baseline). Returns when all have ended, or 30 s after the last that timed out.
    pub async fn baseline(&self, invalidation: InvalidationId) {
        todo!("{invalidation}")
    }

    /// New names and URLs with OLD read, and calls settled: probing of them begins after the hold-back.
    pub async fn settled(
        &self,
        invalidation: InvalidationId,
        names: Vec<WatchedName>,
        calls: Vec<Settled>,
    ) {
        todo!("{invalidation} {names:?} {calls:?}")
    }

    /// Gives a watch up: journaled, and its lease released.
    ///
    /// # Errors
    /// Unknown ID, or the journal's.
    pub async fn abandon(&self, invalidation: InvalidationId) -> Result<(), OpError> {
        todo!("{invalidation}")
    }

    /// Leaves a place out of a watch: journaled, and named in the result.
    ///
    /// # Errors
    /// Unknown ID or place, or the journal's.
    pub async fn exclude(
        &self,
        invalidation: InvalidationId,
        place: &PlaceId,
    ) -> Result<(), OpError> {
        todo!("{invalidation} {place}")
    }

    /// Sends the invalidation again (`explicit` + `invalidate`; a repeated `destroy` where the asset is gone);
    /// at most two per invalidation; restarts hold-back and all runs.
    ///
    /// # Errors
    /// Not open, tracked elsewhere, already sent twice, or the cloud's.
    pub async fn purge_again(&self, invalidation: InvalidationId) -> Result<(), OpError> {
        todo!("{invalidation}")
    }

    /// Waits for the end of a watch; `None` when the tracker stops first.
    pub async fn outcome(&self, invalidation: InvalidationId) -> Option<Arc<WatchSnapshot>> {
        todo!("{invalidation}")
    }

    /// Stops probing, writes what is known, releases the leases and waits for that.
    pub async fn shutdown(&self) {
        todo!()
    }
}

/// The content of a URL as storage delivers it now: the same URL under a version that no cache can hold.
pub async fn read_reference(
    context: &Context,
    place: &crate::domain::place::Place,
    url: &crate::domain::delivery_url::DeliveryUrl,
    version: u64,
    variant: crate::domain::sighting::AcceptVariant,
) -> Option<crate::domain::verdict::Content> {
    todo!("{} {place:?} {url:?} {version} {variant:?}", context.scope.cloud_name)
}
