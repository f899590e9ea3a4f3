//! The Admin API that goes on telling what was: changes that it has not heard of yet.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::World;
use super::asset::{Derived, StoredAsset};
use crate::domain::asset::AssetKey;

/// What was there before a change.
#[derive(Debug, Clone)]
pub struct Was {
    until: Duration,
    pub asset: Option<Arc<StoredAsset>>,
    pub derived: Vec<Derived>,
}

/// Changes that the Admin API has not heard of.
#[derive(Debug, Default)]
pub struct Lag {
    before: BTreeMap<AssetKey, Was>,
}

impl Lag {
    /// What the Admin API tells of `key` in place of storage.
    pub fn of(&self, key: &AssetKey, now: Duration) -> Option<&Was> {
        self.before.get(key).filter(|was| now < was.until)
    }

    /// Assets that it still tells of as they were, where `wanted`, sorted.
    pub fn assets(
        &self,
        wanted: impl Fn(&StoredAsset) -> bool,
        order: impl Fn(&StoredAsset, &StoredAsset) -> Ordering,
    ) -> Vec<&Arc<StoredAsset>> {
        let assets = self.before.values().filter_map(|was| was.asset.as_ref());
        let mut assets: Vec<_> = assets.filter(|asset| wanted(asset)).collect();
        assets.sort_by(|a, b| order(a, b));
        assets
    }
}

impl World {
    /// `key` is about to change: where a fault says so, the Admin API hears of it later.
    pub(super) fn remember_before(&mut self, key: &AssetKey) {
        let Some(lag) = self.faults.lag(self.now) else { return };
        self.forget_what_was();
        let was = Was {
            until: self.now + lag,
            asset: self.storage.get(key).cloned(),
            derived: self.storage.derived(key).to_vec(),
        };
        self.lag.before.entry(key.clone()).or_insert(was);
    }

    /// Lets the Admin API hear of what is long enough ago.
    pub(super) fn forget_what_was(&mut self) {
        let now = self.now;
        self.lag.before.retain(|_, was| now < was.until);
    }
}

/// Two sorted rows as one.
pub fn merged<'a, T: 'a>(
    one: impl Iterator<Item = &'a T>,
    two: impl IntoIterator<Item = &'a T>,
    order: impl Fn(&T, &T) -> Ordering,
) -> impl Iterator<Item = &'a T> {
    let (mut one, mut two) = (one.peekable(), two.into_iter().peekable());
    std::iter::from_fn(move || match (one.peek(), two.peek()) {
        (Some(first), Some(second)) if order(first, second).is_gt() => two.next(),
        (Some(_), _) => one.next(),
        (None, _) => two.next(),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_sorted_rows_become_one() {
        let merged = super::merged([1, 4, 6].iter(), &[2, 3, 9], Ord::cmp);
        assert_eq!(merged.copied().collect::<Vec<_>>(), [1, 2, 3, 4, 6, 9]);
    }
}
