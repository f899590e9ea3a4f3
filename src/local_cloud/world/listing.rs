//! Reading storage: pages, details, tags, folders (facts §3.2, §3.4).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::World;
use super::asset::{Derived, ModerationStatus, StoredAsset};
use super::lag::merged;
use super::refusal::Refusal;
use super::storage::is_inside;
use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};

/// Which assets a listing is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    All,
    /// By public ID; the order is that of the IDs.
    Prefix(String),
    Tag(String),
    Folder(String),
    Context {
        key: String,
        value: Option<String>,
    },
    Moderation {
        kind: String,
        status: ModerationStatus,
    },
}

/// A question for one page of assets.
#[derive(Debug, Clone)]
pub struct ListOrder {
    pub resource_type: Option<ResourceType>,
    pub delivery_type: Option<DeliveryType>,
    pub selection: Selection,
    pub oldest_first: bool,
    /// UNIX seconds: assets created since.
    pub start_at: Option<i64>,
    pub limit: usize,
    pub after: Option<Position>,
}

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// After this public ID.
    Name(String),
    /// After this time of creation and order, within a resource type.
    Age(ResourceType, i64, u64),
}

impl Position {
    /// As text nobody should read.
    #[must_use]
    pub fn to_cursor(&self) -> String {
        hex::encode(match self {
            Self::Name(id) => format!("n:{id}"),
            Self::Age(kind, created_at, order) => format!("a:{kind}:{created_at}:{order}"),
        })
    }

    /// What [`Self::to_cursor`] wrote.
    #[must_use]
    pub fn from_cursor(text: &str) -> Option<Self> {
        let plain = String::from_utf8(hex::decode(text).ok()?).ok()?;
        if let Some(id) = plain.strip_prefix("n:") {
            return Some(Self::Name(id.to_owned()));
        }
        let mut parts = plain.strip_prefix("a:")?.split(':');
        let kind = parts.next()?.parse().ok()?;
        Some(Self::Age(kind, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }
}

/// Some assets, and where to go on.
#[derive(Debug, Default)]
pub struct Page {
    pub assets: Vec<Arc<StoredAsset>>,
    pub next: Option<Position>,
}

/// Everything about one asset.
#[derive(Debug)]
pub struct Detail {
    pub asset: Arc<StoredAsset>,
    /// Deleted, with a backup.
    pub placeholder: bool,
    pub derived: Vec<Derived>,
    /// Kept files, newest first.
    pub versions: Vec<Arc<StoredAsset>>,
}

/// A folder of assets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    pub name: String,
    pub path: String,
}

impl World {
    /// One page of assets, newest first unless asked otherwise, or by public ID where a prefix is given.
    pub fn list(&mut self, order: &ListOrder, now: Duration) -> Page {
        self.advance(now);
        self.forget_what_was();
        let as_stored = |asset: &&Arc<StoredAsset>| self.lag.of(&asset.key, self.now).is_none();
        if let Selection::Prefix(prefix) = &order.selection
            && let (Some(rt), Some(dt)) = (order.resource_type, order.delivery_type)
        {
            let after = match &order.after {
                Some(Position::Name(id)) => Some(id.as_str()),
                _ => None,
            };
            let found = self.storage.prefixed(rt, dt, prefix, after).filter(as_stored);
            let by_name = |a: &StoredAsset, b: &StoredAsset| a.key.cmp(&b.key);
            let wanted = |asset: &StoredAsset| {
                let key = &asset.key;
                (key.resource_type, key.delivery_type) == (rt, dt)
                    && key.public_id.as_str().starts_with(prefix)
                    && after.is_none_or(|after| key.public_id.as_str() > after)
            };
            let was = self.lag.assets(wanted, by_name);
            let found = merged(found, was, |a, b| by_name(a, b));
            let found = found.filter(|asset| is_selected(asset, order));
            let at = |asset: &StoredAsset| Position::Name(asset.key.public_id.to_string());
            return page(found, order.limit, at);
        }
        let kinds = order.resource_type.map_or(ResourceType::ALL.to_vec(), |kind| vec![kind]);
        let resume = match &order.after {
            Some(Position::Age(kind, created_at, number)) => Some((*kind, *created_at, *number)),
            _ => None,
        };
        let skipped = kinds.iter().position(|kind| resume.is_some_and(|(at, ..)| at == *kind));
        let found = kinds[skipped.unwrap_or(0)..].iter().flat_map(|kind| {
            let after =
                resume.filter(|(at, ..)| at == kind).map(|(_, time, number)| (time, number));
            let oldest_first = order.oldest_first;
            let found = self.storage.aged(*kind, order.delivery_type, oldest_first, after);
            let by_age = move |a: &StoredAsset, b: &StoredAsset| {
                let ages = (a.created_at, a.order).cmp(&(b.created_at, b.order));
                if oldest_first { ages } else { ages.reverse() }
            };
            let wanted = |asset: &StoredAsset| {
                let place = (asset.created_at, asset.order);
                let further = |after| if oldest_first { place > after } else { place < after };
                asset.key.resource_type == *kind
                    && order.delivery_type.is_none_or(|own| own == asset.key.delivery_type)
                    && after.is_none_or(further)
            };
            let was = self.lag.assets(wanted, by_age);
            merged(found.filter(as_stored), was, move |a, b| by_age(a, b))
        });
        let found = found.filter(|asset| is_selected(asset, order));
        let at = |asset: &StoredAsset| {
            Position::Age(asset.key.resource_type, asset.created_at, asset.order)
        };
        page(found, order.limit, at)
    }

    /// The assets of these keys that exist, in that order.
    pub fn pick(&mut self, keys: &[AssetKey], now: Duration) -> Vec<Arc<StoredAsset>> {
        self.advance(now);
        keys.iter().filter_map(|key| self.told(key)).cloned().collect()
    }

    /// Everything about one asset, or about a deleted one of which a backup is kept.
    ///
    /// # Errors
    /// Neither exists.
    pub fn detail(&mut self, key: &AssetKey, now: Duration) -> Result<Detail, Refusal> {
        self.advance(now);
        let was = self.lag.of(key, self.now);
        let live = self.told(key);
        let asset = live.or_else(|| self.backups.placeholder(key)).cloned();
        let asset = asset.ok_or_else(|| Refusal::NotFound { id: key.public_id.to_string() })?;
        Ok(Detail {
            placeholder: live.is_none(),
            derived: was
                .map_or_else(|| self.storage.derived(key).to_vec(), |was| was.derived.clone()),
            versions: self.backups.versions(&asset),
            asset,
        })
    }

    /// The asset of `key` as the Admin API tells of it.
    fn told(&self, key: &AssetKey) -> Option<&Arc<StoredAsset>> {
        match self.lag.of(key, self.now) {
            Some(was) => was.asset.as_ref(),
            None => self.storage.get(key),
        }
    }

    /// All tags of a resource type that begin with `prefix`, sorted, after `after`.
    pub fn tags(
        &mut self,
        kind: ResourceType,
        prefix: &str,
        after: Option<&str>,
        now: Duration,
    ) -> Vec<String> {
        self.advance(now);
        let assets = self.storage.iter().filter(|asset| asset.key.resource_type == kind);
        let tags: BTreeSet<&str> =
            assets.flat_map(|asset| asset.tags.iter().map(|tag| &**tag)).collect();
        tags.into_iter()
            .filter(|tag| tag.starts_with(prefix) && after.is_none_or(|after| *tag > after))
            .map(str::to_owned)
            .collect()
    }

    /// The folders directly in `path`, or at the root.
    ///
    /// # Errors
    /// No such folder.
    pub fn folders(&mut self, path: &str, now: Duration) -> Result<Vec<Folder>, Refusal> {
        self.advance(now);
        let all = self.storage.folders();
        if !path.is_empty() && !all.contains(path) {
            return Err(Refusal::NoFolder { path: path.to_owned() });
        }
        let inside = |folder: &String| {
            let (parent, name) = folder.rsplit_once('/').unwrap_or(("", folder));
            (parent == path).then(|| Folder { name: name.to_owned(), path: folder.clone() })
        };
        Ok(all.iter().filter_map(inside).collect())
    }

    /// Makes an empty folder.
    ///
    /// # Errors
    /// It exists.
    pub fn make_folder(&mut self, path: &str, now: Duration) -> Result<(), Refusal> {
        self.advance(now);
        if self.storage.folders().contains(path) {
            return Err(Refusal::Exists { what: format!("Folder {path}") });
        }
        self.storage.make_folder(path);
        Ok(())
    }

    /// Moves a folder with everything in it. Public IDs and URLs stay as they are.
    ///
    /// # Errors
    /// No such folder, or the new one exists.
    pub fn move_folder(&mut self, from: &str, to: &str, now: Duration) -> Result<(), Refusal> {
        self.advance(now);
        let all = self.storage.folders();
        if !all.contains(from) {
            return Err(Refusal::NoFolder { path: from.to_owned() });
        }
        if all.contains(to) {
            return Err(Refusal::Exists { what: format!("Folder {to}") });
        }
        let moved = |folder: &str| format!("{to}{}", &folder[from.len()..]);
        let assets: Vec<Arc<StoredAsset>> = self
            .storage
            .iter()
            .filter(|asset| is_inside(&asset.asset_folder, from))
            .cloned()
            .collect();
        for asset in assets {
            let asset_folder = moved(&asset.asset_folder).into();
            self.store(StoredAsset { asset_folder, ..(*asset).clone() });
        }
        self.storage.forget_folder(from);
        for folder in all.iter().filter(|folder| is_inside(folder, from)) {
            self.storage.make_folder(&moved(folder));
        }
        Ok(())
    }

    /// Removes a folder that holds no assets, with the empty folders in it; their paths are returned.
    ///
    /// # Errors
    /// No such folder, or it is not empty.
    pub fn remove_folder(&mut self, path: &str, now: Duration) -> Result<Vec<String>, Refusal> {
        self.advance(now);
        let all = self.storage.folders();
        if !all.contains(path) {
            return Err(Refusal::NoFolder { path: path.to_owned() });
        }
        if self.storage.iter().any(|asset| is_inside(&asset.asset_folder, path)) {
            return Err(Refusal::FolderNotEmpty);
        }
        self.storage.forget_folder(path);
        Ok(all.into_iter().filter(|folder| is_inside(folder, path)).collect())
    }
}

fn is_selected(asset: &StoredAsset, order: &ListOrder) -> bool {
    let by_selection = match &order.selection {
        Selection::All => true,
        Selection::Prefix(prefix) => asset.key.public_id.as_str().starts_with(prefix),
        Selection::Tag(tag) => asset.has_tag(tag),
        Selection::Folder(folder) => &*asset.asset_folder == folder.as_str(),
        Selection::Context { key, value } => asset
            .context
            .get(key)
            .is_some_and(|own| value.as_ref().is_none_or(|value| value == own)),
        Selection::Moderation { kind, status } => asset
            .moderation
            .as_ref()
            .is_some_and(|own| *own.kind == **kind && own.status == *status),
    };
    by_selection && order.start_at.is_none_or(|start| asset.created_at >= start)
}

fn page<'a>(
    found: impl Iterator<Item = &'a Arc<StoredAsset>>,
    limit: usize,
    position: impl Fn(&StoredAsset) -> Position,
) -> Page {
    let mut assets: Vec<_> = found.take(limit + 1).cloned().collect();
    let more = assets.len() > limit;
    assets.truncate(limit);
    let next = assets.last().filter(|_| more).map(|last| position(last));
    Page { assets, next }
}
