//! What the index knows: storage as it was a while ago.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use super::shelf::Shelf;
use super::sweep::Answers;
use crate::domain::asset::AssetKey;
use crate::local_cloud::world::asset::StoredAsset;
use crate::local_cloud::world::storage::Storage;

/// Changes that the index has not heard of yet at most; older ones are heard of early.
const MOST_PENDING: usize = 500_000;

/// A view of storage that is `lag` behind: storage itself, and what it held before each change that has not been
/// heard of yet. What did not change costs nothing.
#[derive(Debug)]
pub struct SearchIndex {
    lag: Duration,
    /// When each change becomes visible, oldest first.
    due: VecDeque<(Duration, AssetKey)>,
    /// What each key held before its changes, oldest first; one for each of its entries in `due`.
    before: BTreeMap<AssetKey, VecDeque<Option<Arc<StoredAsset>>>>,
    /// Counts the changes that were heard of.
    heard: u64,
    pub(super) answers: Answers,
    pub(super) shelf: Shelf,
}

impl SearchIndex {
    /// An index that follows storage after `lag`, and knows what is there already.
    #[must_use]
    pub fn new(lag: Duration) -> Self {
        Self {
            lag,
            due: VecDeque::new(),
            before: BTreeMap::new(),
            heard: 0,
            answers: Answers::default(),
            shelf: Shelf::default(),
        }
    }

    /// Takes note that `key` was changed now, and that it held `before` until now.
    pub fn changed(&mut self, now: Duration, key: &AssetKey, before: Option<&Arc<StoredAsset>>) {
        if self.lag.is_zero() {
            return;
        }
        self.due.push_back((now.saturating_add(self.lag), key.clone()));
        self.before.entry(key.clone()).or_default().push_back(before.cloned());
        while self.due.len() > MOST_PENDING {
            self.hear();
        }
    }

    /// Hears of every change that is due by `now`.
    pub(super) fn catch_up(&mut self, now: Duration) {
        while self.due.front().is_some_and(|(due, _)| *due <= now) {
            self.hear();
        }
    }

    fn hear(&mut self) {
        let Some((_, key)) = self.due.pop_front() else { return };
        self.heard += 1;
        if let Some(before) = self.before.get_mut(&key) {
            before.pop_front();
            if before.is_empty() {
                self.before.remove(&key);
            }
        }
    }

    /// Tells one state of the view from another.
    pub(super) fn revision(&self, storage: &Storage) -> (u64, u64) {
        (storage.generation(), self.heard)
    }

    /// The assets that the index knows, by key, from behind `after` on.
    pub(super) fn view<'a>(
        &'a self,
        storage: &'a Storage,
        after: Option<&AssetKey>,
    ) -> impl Iterator<Item = &'a Arc<StoredAsset>> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut stored = storage.iter_after(after).peekable();
        let mut former = self.before.range::<AssetKey, _>((start, Bound::Unbounded)).peekable();
        std::iter::from_fn(move || {
            loop {
                let Some((key, _)) = former.peek() else { return stored.next() };
                match stored.peek().map(|asset| asset.key.cmp(key)) {
                    Some(std::cmp::Ordering::Less) => return stored.next(),
                    // changed: what it is now will be heard of later
                    Some(std::cmp::Ordering::Equal) => drop(stored.next()),
                    _ => {}
                }
                let (_, before) = former.next()?;
                if let Some(Some(asset)) = before.front() {
                    return Some(asset);
                }
            }
        })
    }
}
