//! What is stored now, and the orders it is listed in.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use super::asset::{Derived, HexId, StoredAsset};
use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};
use crate::domain::public_id::PublicId;

/// Place of an asset in the order of creation, per resource type.
pub type AgeRank = (ResourceType, i64, u64);

/// All originals and derived assets of the cloud.
#[derive(Debug, Default)]
pub struct Storage {
    by_key: BTreeMap<AssetKey, Arc<StoredAsset>>,
    by_age: BTreeMap<AgeRank, Arc<StoredAsset>>,
    by_id: BTreeMap<HexId, Arc<StoredAsset>>,
    derived: HashMap<AssetKey, Vec<Derived>>,
    /// Highest version that each name that is gone ever had: its next upload must exceed it.
    last_versions: HashMap<AssetKey, u64>,
    /// Folders that were made by hand; those of assets exist anyway.
    folders: BTreeSet<String>,
    /// Remote files that are to be read anew.
    outdated: HashSet<AssetKey>,
    /// Counts changes, so that answers can be remembered until the next one.
    generation: u64,
}

fn rank(asset: &StoredAsset) -> AgeRank {
    (asset.key.resource_type, asset.created_at, asset.order)
}

impl Storage {
    /// Storage that holds `assets`, whose keys, ranks and IDs are unlike.
    #[must_use]
    pub fn of(assets: impl Iterator<Item = StoredAsset>) -> Self {
        let assets: Vec<_> = assets.map(Arc::new).collect();
        // each is built in one go from all of them, which packs it densely
        Self {
            by_key: assets.iter().map(|asset| (asset.key.clone(), asset.clone())).collect(),
            by_id: assets.iter().map(|asset| (asset.asset_id, asset.clone())).collect(),
            by_age: assets.into_iter().map(|asset| (rank(&asset), asset)).collect(),
            ..Self::default()
        }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    #[must_use]
    pub fn get(&self, key: &AssetKey) -> Option<&Arc<StoredAsset>> {
        self.by_key.get(key)
    }

    #[must_use]
    pub fn by_id(&self, id: HexId) -> Option<&Arc<StoredAsset>> {
        self.by_id.get(&id)
    }

    /// Every asset, by resource type, delivery type and public ID.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<StoredAsset>> {
        self.by_key.values()
    }

    /// Every asset in that order, from behind `after` on.
    pub fn iter_after(&self, after: Option<&AssetKey>) -> impl Iterator<Item = &Arc<StoredAsset>> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.by_key.range::<AssetKey, _>((start, Bound::Unbounded)).map(|(_, asset)| asset)
    }

    /// Whether the remote file of `key` is to be read anew before it is delivered from here.
    #[must_use]
    pub fn is_outdated(&self, key: &AssetKey) -> bool {
        self.outdated.contains(key)
    }

    /// The remote file of `key` is to be read anew.
    pub fn distrust(&mut self, key: &AssetKey) {
        self.outdated.insert(key.clone());
    }

    /// The remote file of `key` was read, and is the stored one.
    pub fn confirm(&mut self, key: &AssetKey) {
        self.outdated.remove(key);
    }

    /// Stores `asset` under its key, in place of what was there.
    pub fn put(&mut self, asset: StoredAsset) -> Arc<StoredAsset> {
        self.generation += 1;
        let asset = Arc::new(asset);
        if let Some(before) = self.by_key.insert(asset.key.clone(), asset.clone()) {
            self.by_age.remove(&rank(&before));
            self.by_id.remove(&before.asset_id);
        }
        self.by_age.insert(rank(&asset), asset.clone());
        self.by_id.insert(asset.asset_id, asset.clone());
        asset
    }

    /// Removes the original with all derived assets; the number of these comes with it.
    pub fn remove(&mut self, key: &AssetKey) -> Option<(Arc<StoredAsset>, usize)> {
        let asset = self.by_key.remove(key)?;
        self.generation += 1;
        self.by_age.remove(&rank(&asset));
        self.by_id.remove(&asset.asset_id);
        self.last_versions.insert(key.clone(), asset.version);
        let derived = self.derived.remove(key).map_or(0, |derived| derived.len());
        Some((asset, derived))
    }

    /// The version that a file stored under `key` now must have at least.
    #[must_use]
    pub fn next_version(&self, key: &AssetKey, unix_now: i64) -> u64 {
        let now = u64::try_from(unix_now).unwrap_or(0);
        self.last_version(key).map_or(now, |last| now.max(last + 1))
    }

    /// The version that `key` has, or had when it was removed.
    #[must_use]
    pub fn last_version(&self, key: &AssetKey) -> Option<u64> {
        let stored = self.by_key.get(key).map(|asset| asset.version);
        stored.or_else(|| self.last_versions.get(key).copied())
    }

    /// Assets of one resource type (and delivery type) by age, newest first unless `oldest_first`; `after` goes on.
    pub fn aged(
        &self,
        resource_type: ResourceType,
        delivery_type: Option<DeliveryType>,
        oldest_first: bool,
        after: Option<(i64, u64)>,
    ) -> impl Iterator<Item = &Arc<StoredAsset>> {
        let mut low = Bound::Included((resource_type, i64::MIN, 0));
        let mut high = Bound::Included((resource_type, i64::MAX, u64::MAX));
        if let Some((created_at, order)) = after {
            let last = Bound::Excluded((resource_type, created_at, order));
            *if oldest_first { &mut low } else { &mut high } = last;
        }
        let mut range = self.by_age.range((low, high));
        std::iter::from_fn(move || if oldest_first { range.next() } else { range.next_back() })
            .map(|(_, asset)| asset)
            .filter(move |asset| delivery_type.is_none_or(|kind| asset.key.delivery_type == kind))
    }

    /// Assets of one pair of types whose public ID begins with `prefix`, by public ID; `after` goes on.
    pub fn prefixed(
        &self,
        resource_type: ResourceType,
        delivery_type: DeliveryType,
        prefix: &str,
        after: Option<&str>,
    ) -> impl Iterator<Item = &Arc<StoredAsset>> {
        let key = |id: &str| {
            let public_id = PublicId::from_cloud(id).ok()?;
            Some(AssetKey { resource_type, delivery_type, public_id })
        };
        let start = match after.and_then(key) {
            Some(last) => Bound::Excluded(last),
            // no name sorts before a space
            None => key(prefix).or_else(|| key(" ")).map_or(Bound::Unbounded, Bound::Included),
        };
        self.by_key.range((start, Bound::Unbounded)).map(|(_, asset)| asset).take_while({
            let prefix = prefix.to_owned();
            move |asset| {
                (asset.key.resource_type, asset.key.delivery_type) == (resource_type, delivery_type)
                    && asset.key.public_id.as_str().starts_with(&prefix)
            }
        })
    }

    /// Derived assets of `key`, oldest first.
    #[must_use]
    pub fn derived(&self, key: &AssetKey) -> &[Derived] {
        self.derived.get(key).map_or(&[], Vec::as_slice)
    }

    #[must_use]
    pub fn derived_count(&self) -> usize {
        self.derived.values().map(Vec::len).sum()
    }

    /// The derived assets of `key`, to be added to.
    pub fn derived_mut(&mut self, key: &AssetKey) -> &mut Vec<Derived> {
        self.derived.entry(key.clone()).or_default()
    }

    /// Removes the derived assets of `key` that `unwanted` picks, and counts them.
    pub fn remove_derived(
        &mut self,
        key: &AssetKey,
        unwanted: impl Fn(&Derived) -> bool,
    ) -> Vec<Derived> {
        let Some(derived) = self.derived.get_mut(key) else { return Vec::new() };
        derived.extract_if(.., |one| unwanted(one)).collect()
    }

    /// The asset that a derived asset was made from, by the ID of the latter.
    #[must_use]
    pub fn origin_of_derived(&self, id: HexId) -> Option<AssetKey> {
        let owns = |derived: &Vec<Derived>| derived.iter().any(|one| one.id == id);
        self.derived.iter().find(|(_, derived)| owns(derived)).map(|(key, _)| key.clone())
    }

    /// Paths of all folders, parents included, sorted.
    #[must_use]
    pub fn folders(&self) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        let used: BTreeSet<&str> = self.iter().map(|asset| &*asset.asset_folder).collect();
        for path in used.into_iter().chain(self.folders.iter().map(String::as_str)) {
            let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
            all.extend(ends.map(|end| path[..end].to_owned()).filter(|part| !part.is_empty()));
        }
        all
    }

    pub fn make_folder(&mut self, path: &str) {
        self.folders.insert(path.to_owned());
    }

    /// Forgets the hand-made folders at and below `path`.
    pub fn forget_folder(&mut self, path: &str) {
        self.folders.retain(|folder| !is_inside(folder, path));
    }
}

/// Whether `folder` is `path` or below it.
#[must_use]
pub fn is_inside(folder: &str, path: &str) -> bool {
    folder.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
