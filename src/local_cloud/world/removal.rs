//! Admin deletes: many assets, or derived assets, at once (facts §3.3).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::World;
use super::asset::{HexId, StoredAsset};
use super::purge::Target;
use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};

/// Originals that one call by prefix, tag or all deletes at most.
pub const MOST_BY_SELECTION: usize = 1000;

/// Which assets are to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doomed {
    /// Each with the text that the reply names it by.
    Keys(Vec<(String, Option<AssetKey>)>),
    Prefix {
        resource_type: ResourceType,
        delivery_type: DeliveryType,
        prefix: String,
    },
    All {
        resource_type: ResourceType,
        delivery_type: DeliveryType,
    },
    Tag {
        resource_type: ResourceType,
        tag: String,
    },
}

/// An order to delete.
#[derive(Debug, Clone)]
pub struct Removal {
    pub doomed: Doomed,
    /// Derived assets only.
    pub keep_original: bool,
    /// Derived assets of these chains only; originals are kept.
    pub transformations: Vec<String>,
    /// Takes effect only where the account invalidates in bulk.
    pub invalidate: bool,
    /// Go on here, as the call before said.
    pub after: Option<String>,
}

/// What happened to one asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    pub name: String,
    pub found: bool,
    pub originals: usize,
    pub derived: usize,
}

/// What a delete did.
#[derive(Debug, Default)]
pub struct Removals {
    pub removed: Vec<Removed>,
    /// There is more; go on here.
    pub next: Option<String>,
}

/// Where an asset stands among those of its resource type, as text: storage goes by delivery type, then by ID.
fn place(asset: &StoredAsset) -> String {
    let at = DeliveryType::ALL.iter().position(|one| *one == asset.key.delivery_type);
    format!("{:02}{}", at.unwrap_or_default(), asset.key.public_id)
}

impl World {
    /// Deletes originals with their derived assets, or derived assets alone.
    pub fn remove_many(&mut self, order: &Removal, now: Duration) -> Removals {
        self.advance(now);
        let (keys, next) = self.doomed(order);
        let removed = keys
            .into_iter()
            .map(|(name, key)| match key {
                Some(key) => self.remove_one(name, &key, order),
                None => Removed { name, found: false, originals: 0, derived: 0 },
            })
            .collect();
        Removals { removed, next }
    }

    fn doomed(&self, order: &Removal) -> (Vec<(String, Option<AssetKey>)>, Option<String>) {
        let chosen: Vec<&Arc<StoredAsset>> = match &order.doomed {
            Doomed::Keys(keys) => return (keys.clone(), None),
            Doomed::Prefix { resource_type, delivery_type, prefix } => self
                .storage
                .prefixed(*resource_type, *delivery_type, prefix, order.after.as_deref())
                .take(MOST_BY_SELECTION + 1)
                .collect(),
            Doomed::All { resource_type, delivery_type } => self
                .storage
                .prefixed(*resource_type, *delivery_type, "", order.after.as_deref())
                .take(MOST_BY_SELECTION + 1)
                .collect(),
            Doomed::Tag { resource_type, tag } => self
                .storage
                .iter()
                .filter(|asset| asset.key.resource_type == *resource_type && asset.has_tag(tag))
                .filter(|asset| order.after.as_ref().is_none_or(|after| place(asset) > *after))
                .take(MOST_BY_SELECTION + 1)
                .collect(),
        };
        let more = chosen.len() > MOST_BY_SELECTION;
        let chosen = &chosen[..chosen.len().min(MOST_BY_SELECTION)];
        let next = chosen.last().filter(|_| more).map(|last| match &order.doomed {
            Doomed::Tag { .. } => place(last),
            _ => last.key.public_id.to_string(),
        });
        let key =
            |asset: &&Arc<StoredAsset>| (asset.key.public_id.to_string(), Some(asset.key.clone()));
        (chosen.iter().map(key).collect(), next)
    }

    fn remove_one(&mut self, name: String, key: &AssetKey, order: &Removal) -> Removed {
        let Some(asset) = self.storage.get(key).cloned() else {
            return Removed { name, found: false, originals: 0, derived: 0 };
        };
        let chains = &order.transformations;
        let (originals, derived) = if order.keep_original || !chains.is_empty() {
            let unwanted = |chain: &String| chains.is_empty() || chains.contains(chain);
            (0, self.storage.remove_derived(key, |row| unwanted(&row.transformation)).len())
        } else {
            (1, self.remove(key).unwrap_or(0))
        };
        if order.invalidate && self.settings.bulk_invalidation {
            self.invalidate(key, &[asset.version], "delete_resources");
        }
        Removed { name, found: true, originals, derived }
    }

    /// Deletes derived assets by their IDs; says of each whether it was there.
    pub fn remove_derived(
        &mut self,
        ids: &[HexId],
        invalidate: bool,
        now: Duration,
    ) -> Vec<(HexId, bool)> {
        self.advance(now);
        let mut urls = BTreeSet::new();
        let removed = ids
            .iter()
            .map(|id| {
                let Some(key) = self.storage.origin_of_derived(*id) else { return (*id, false) };
                let gone = self.storage.remove_derived(&key, |row| row.id == *id);
                let version = self.storage.last_version(&key).unwrap_or(1);
                for row in &gone {
                    urls.insert(self.derived_url(&key, version, row).path());
                }
                (*id, !gone.is_empty())
            })
            .collect();
        if invalidate && self.settings.bulk_invalidation && !urls.is_empty() {
            self.send(Target::Urls(urls), "delete_derived_resources");
        }
        removed
    }

    /// Invalidates exactly these paths (with query).
    pub fn invalidate_urls(&mut self, paths: BTreeSet<String>, now: Duration) {
        self.advance(now);
        if !paths.is_empty() {
            self.send(Target::Urls(paths), "invalidate_by_urls");
        }
    }
}
