//! What truly happened, for drills and tests; clients see none of it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::network::Place;
use crate::domain::sighting::AcceptVariant;

/// Entries that are remembered; the oldest go first.
const MOST_ENTRIES: usize = 50_000;

/// Why a copy is in a cache no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The invalidation of that number dropped it.
    Purged(u64),
    /// Something newer took its place.
    Replaced,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// An invalidation was accepted.
    Sent { invalidation: u64 },
    /// It arrived, was carried out and dropped so many copies; so many it missed.
    Arrived { invalidation: u64, dropped: usize, survived: usize },
    /// It arrived and was kept waiting.
    Held { invalidation: u64 },
    /// It arrived and was lost.
    Lost { invalidation: u64 },
    /// It arrived and marked so many copies as stale.
    Softened { invalidation: u64, copies: usize },
    /// A copy left the cache.
    Left { path: Arc<str>, variant: Option<AcceptVariant>, why: Why },
    /// Old copies are back after a clearing.
    Returned { path: Arc<str> },
    /// A copy of what storage no longer has was fetched from a shield.
    Refilled { path: Arc<str>, shield: usize },
}

impl What {
    /// The path that it is about, where it is about one.
    #[must_use]
    pub const fn path(&self) -> Option<&Arc<str>> {
        match self {
            Self::Left { path, .. } | Self::Returned { path } | Self::Refilled { path, .. } => {
                Some(path)
            }
            _ => None,
        }
    }
}

/// One thing that happened, with its time and place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Counts from 1.
    pub number: u64,
    pub at: Duration,
    pub place: Place,
    pub what: What,
}

/// Everything that happened lately.
#[derive(Debug, Default)]
pub struct Story {
    entries: VecDeque<Entry>,
    told: u64,
}

impl Story {
    pub fn tell(&mut self, at: Duration, place: Place, what: What) {
        self.told += 1;
        if self.entries.len() >= MOST_ENTRIES {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry { number: self.told, at, place, what });
    }

    /// Oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter()
    }

    /// When a copy of `path` last left the cache at `place` by a purge, or because its successor was there.
    #[must_use]
    pub fn last_left(&self, place: Place, path: &str) -> Option<Duration> {
        let left = |entry: &&Entry| {
            entry.place == place
                && matches!(&entry.what, What::Left { path: own, .. } if **own == *path)
        };
        self.entries.iter().rev().find(left).map(|entry| entry.at)
    }
}
