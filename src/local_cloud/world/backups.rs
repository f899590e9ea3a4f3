//! Backups: earlier files of assets, and what is left of deleted ones (facts §3.6).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::World;
use super::asset::{HexId, StoredAsset};
use crate::domain::asset::AssetKey;

/// Files that one asset keeps at most; the oldest go first.
const MOST_VERSIONS: usize = 20;

/// All backups of the cloud.
#[derive(Debug, Default)]
pub struct Backups {
    /// Files that were replaced or deleted, oldest first, by asset ID.
    former: HashMap<HexId, Vec<Arc<StoredAsset>>>,
    /// Deleted assets that can be restored, by their last name.
    placeholders: BTreeMap<AssetKey, Arc<StoredAsset>>,
}

impl Backups {
    pub fn keep(&mut self, asset: &Arc<StoredAsset>) {
        let former = self.former.entry(asset.asset_id).or_default();
        if former.last().is_none_or(|last| last.version_id != asset.version_id) {
            former.push(asset.clone());
        }
        let surplus = former.len().saturating_sub(MOST_VERSIONS);
        former.drain(..surplus);
    }

    pub fn leave_placeholder(&mut self, asset: Arc<StoredAsset>) {
        self.placeholders.insert(asset.key.clone(), asset);
    }

    pub fn forget_placeholder(&mut self, key: &AssetKey) {
        self.placeholders.remove(key);
    }

    #[must_use]
    pub fn placeholder(&self, key: &AssetKey) -> Option<&Arc<StoredAsset>> {
        self.placeholders.get(key)
    }

    #[must_use]
    pub fn placeholder_by_id(&self, id: HexId) -> Option<&Arc<StoredAsset>> {
        self.placeholders.values().find(|asset| asset.asset_id == id)
    }

    /// Kept files of an asset, newest first: that of `current` where it is backed up, then the earlier ones.
    #[must_use]
    pub fn versions(&self, current: &Arc<StoredAsset>) -> Vec<Arc<StoredAsset>> {
        let former = self.former.get(&current.asset_id).into_iter().flatten().rev();
        let mut versions: Vec<_> =
            former.filter(|kept| kept.version_id != current.version_id).cloned().collect();
        if current.backed_up {
            versions.insert(0, current.clone());
        }
        versions
    }

    fn delete(&mut self, id: HexId, version_id: HexId) -> bool {
        let Some(former) = self.former.get_mut(&id) else { return false };
        let before = former.len();
        former.retain(|kept| kept.version_id != version_id);
        former.len() < before
    }
}

/// Why an asset was not restored, in the service's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotRestored {
    NoBackup,
    Failed,
}

impl NotRestored {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoBackup => "no_backup",
            Self::Failed => "failed",
        }
    }
}

impl World {
    /// Brings back a deleted asset under its last name, or an earlier file of one that exists. Nothing is
    /// invalidated: a cached refusal, or a copy of what was there before, lives on.
    ///
    /// # Errors
    /// There is no backup, or no such version of it.
    pub fn restore(
        &mut self,
        key: &AssetKey,
        version_id: Option<HexId>,
        now: Duration,
    ) -> Result<Arc<StoredAsset>, NotRestored> {
        self.advance(now);
        let live = self.storage.get(key).cloned();
        let gone = self.backups.placeholder(key).cloned();
        let last = live.clone().or(gone).ok_or(NotRestored::NoBackup)?;
        let versions = self.backups.versions(&last);
        let kept = match version_id {
            Some(wanted) => versions.into_iter().find(|kept| kept.version_id == wanted),
            None => versions.into_iter().next(),
        };
        let kept = kept.ok_or(if version_id.is_some() {
            NotRestored::Failed
        } else {
            NotRestored::NoBackup
        })?;
        let unix_now = self.unix_now();
        let same_file = kept.version_id == last.version_id;
        let asset = match &live {
            Some(live) if same_file => return Ok(live.clone()),
            // another file under the name: a new version, as an upload makes one
            Some(live) => {
                self.backups.keep(live);
                self.storage.remove_derived(key, |_| true);
                let version = self.storage.next_version(key, unix_now);
                let (content, version_id) = (kept.content.clone(), kept.version_id);
                StoredAsset {
                    content,
                    version,
                    version_id,
                    uploaded_at: unix_now,
                    ..(**live).clone()
                }
            }
            None => StoredAsset { key: key.clone(), ..(*kept).clone() },
        };
        self.backups.forget_placeholder(key);
        Ok(self.store(asset))
    }

    /// Deletes kept files for good; the ones that did not exist are returned.
    pub fn delete_backups(&mut self, id: HexId, versions: &[HexId], now: Duration) -> Vec<HexId> {
        self.advance(now);
        versions.iter().copied().filter(|version| !self.backups.delete(id, *version)).collect()
    }

    /// The key of an asset or of a deleted one, by asset ID.
    #[must_use]
    pub fn key_of(&self, id: HexId) -> Option<AssetKey> {
        let stored = self.storage.by_id(id).or_else(|| self.backups.placeholder_by_id(id));
        stored.map(|asset| asset.key.clone())
    }
}
