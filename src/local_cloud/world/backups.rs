//! Backups: earlier files of assets, and what is left of deleted ones (facts §3.6).

use std::collections::{BTreeMap, HashMap, HashSet};
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
    /// Files that are the present ones of their assets, and whose backups were deleted.
    dropped: HashSet<HexId>,
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
        if current.backed_up && !self.dropped.contains(&current.version_id) {
            versions.insert(0, current.clone());
        }
        versions
    }

    /// Deletes one kept file for good; false where there is none. Of a deleted asset nothing is left with the last.
    fn delete(&mut self, current: Option<&Arc<StoredAsset>>, id: HexId, version: HexId) -> bool {
        let mut found = false;
        if let Some(former) = self.former.get_mut(&id) {
            let before = former.len();
            former.retain(|kept| kept.version_id != version);
            found = former.len() < before;
        }
        let Some(current) = current else { return found };
        if current.version_id == version && current.backed_up {
            found |= self.dropped.insert(version);
        }
        if found && self.versions(current).is_empty() {
            self.placeholders.retain(|_, gone| gone.asset_id != id);
        }
        found
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

    /// Deletes a kept file for good; false where there is none.
    pub fn delete_backup(&mut self, id: HexId, version: HexId, now: Duration) -> bool {
        self.advance(now);
        let current = self.present_or_gone(id).cloned();
        self.backups.delete(current.as_ref(), id, version)
    }

    /// A kept file of an asset, or of a deleted one.
    pub fn kept_version(
        &mut self,
        id: HexId,
        version: HexId,
        now: Duration,
    ) -> Option<Arc<StoredAsset>> {
        self.advance(now);
        let current = self.present_or_gone(id)?;
        self.backups.versions(current).into_iter().find(|kept| kept.version_id == version)
    }

    fn present_or_gone(&self, id: HexId) -> Option<&Arc<StoredAsset>> {
        self.storage.by_id(id).or_else(|| self.backups.placeholder_by_id(id))
    }

    /// The key of an asset or of a deleted one, by asset ID.
    #[must_use]
    pub fn key_of(&self, id: HexId) -> Option<AssetKey> {
        self.present_or_gone(id).map(|asset| asset.key.clone())
    }
}
