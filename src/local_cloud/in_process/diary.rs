//! What was asked, and when: what nobody could have seen is told by it from what somebody overlooked.

use std::collections::HashMap;
use std::time::Duration;

use crate::domain::asset::AssetKey;
use crate::domain::sighting::AcceptVariant;

/// Looks at one cell that are remembered.
const MOST_LOOKS: usize = 1_024;

/// Requests that reached the cloud, since it began.
#[derive(Debug, Clone, Default)]
pub struct Diary {
    probes: u64,
    calls: u64,
    looks: HashMap<(usize, AcceptVariant, String), Vec<Duration>>,
    reads: HashMap<AssetKey, Duration>,
}

impl Diary {
    /// Probes that reached an edge.
    #[must_use]
    pub const fn probes(&self) -> u64 {
        self.probes
    }

    /// Calls of the API that were carried out.
    #[must_use]
    pub const fn calls(&self) -> u64 {
        self.calls
    }

    /// When an edge served probes of this path (with query) for one class of clients, oldest first; of very many the
    /// latest.
    #[must_use]
    pub fn looks(&self, edge: usize, path: &str, accept: AcceptVariant) -> &[Duration] {
        self.looks.get(&(edge, accept, path.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// When storage was last asked what it holds under a name: by a call, or by a body read past the caches.
    #[must_use]
    pub fn last_read(&self, key: &AssetKey) -> Option<Duration> {
        self.reads.get(key).copied()
    }

    pub(super) const fn probed(&mut self) {
        self.probes += 1;
    }

    pub(super) fn looked(&mut self, edge: usize, path: &str, accept: AcceptVariant, at: Duration) {
        let looks = self.looks.entry((edge, accept, path.to_owned())).or_default();
        if looks.len() >= MOST_LOOKS {
            looks.drain(..MOST_LOOKS / 2);
        }
        looks.push(at);
    }

    pub(super) const fn called(&mut self) {
        self.calls += 1;
    }

    pub(super) fn read(&mut self, key: &AssetKey, at: Duration) {
        self.reads.insert(key.clone(), at);
    }
}
