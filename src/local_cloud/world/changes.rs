//! Changes to single assets: upload, explicit, rename, destroy, tags (facts §2.3 to §2.6).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;

use super::World;
use super::asset::{Access, HexId, Moderation, ModerationStatus, Pairs, StoredAsset};
use super::refusal::Refusal;
use super::transformation;
use crate::domain::asset::{AssetKey, DeliveryType};
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::sighting::AcceptVariant;
use crate::local_cloud::content::{Content, Format};

/// Attributes as a call gives them; what is absent stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Attributes {
    pub tags: Option<Vec<String>>,
    pub context: Option<BTreeMap<String, String>>,
    pub metadata: Option<BTreeMap<String, String>>,
    pub asset_folder: Option<String>,
    pub display_name: Option<String>,
    pub access: Option<Access>,
    pub moderation: Option<Moderation>,
    /// A person's decision; an asset that was not moderated is from now on.
    pub moderation_status: Option<ModerationStatus>,
}

/// A file to be stored.
#[derive(Debug)]
pub struct Upload {
    pub key: AssetKey,
    pub content: Content,
    pub original_filename: Option<String>,
    pub attributes: Attributes,
    pub overwrite: bool,
    pub invalidate: bool,
    pub backup: bool,
}

/// What an upload did.
#[derive(Debug)]
pub struct Uploaded {
    pub asset: Arc<StoredAsset>,
    /// The name was taken and nothing was stored.
    pub existing: bool,
    pub overwritten: bool,
}

/// A change of name, of delivery type, or of both.
#[derive(Debug)]
pub struct Rename {
    pub from: AssetKey,
    pub to: AssetKey,
    pub overwrite: bool,
    pub invalidate: bool,
}

/// What is done with tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagCommand {
    Add,
    Remove,
    Replace,
    /// The named assets get the tag, all others lose it.
    SetExclusive,
    RemoveAll,
}

impl World {
    /// Stores a file under a name that is free, or in place of the asset that has it.
    ///
    /// An overwrite keeps the asset's ID, first date and attributes; derived assets go. The old copy and its derived
    /// copies are invalidated where asked for.
    pub fn upload(&mut self, upload: Upload, now: Duration) -> Uploaded {
        self.advance(now);
        let Upload { key, content, original_filename, attributes, overwrite, invalidate, backup } =
            upload;
        let before = self.storage.get(&key).cloned();
        if let Some(asset) = before.clone().filter(|_| !overwrite) {
            return Uploaded { asset, existing: true, overwritten: false };
        }
        let version = self.storage.next_version(&key, self.unix_now());
        let former_version = self.storage.last_version(&key);
        let order = self.next_order();
        let fresh = before.is_none();
        let base = before
            .clone()
            .map_or_else(|| self.blank(&key, &content, order), |before| (*before).clone());
        if let Some(before) = &before {
            self.remember_before(&key);
            self.keep_backup(before);
            self.storage.remove_derived(&key, |_| true);
        }
        self.storage.confirm(&key);
        self.backups.forget_placeholder(&key);
        let mut asset = StoredAsset {
            version,
            version_id: HexId(self.chance.id("version", &[u64::MAX, order])),
            uploaded_at: self.unix_now(),
            content: Arc::new(content),
            original_filename: original_filename.map(Into::into).or(base.original_filename.clone()),
            backed_up: (self.settings.backups || backup || base.backed_up)
                && key.delivery_type != DeliveryType::Fetch,
            ..base
        };
        apply(&mut asset, attributes);
        let asset = self.store(asset);
        if invalidate {
            let versions: Vec<u64> = former_version.into_iter().chain([version]).collect();
            self.invalidate(&key, &versions, "upload");
        }
        self.publish(&asset);
        Uploaded { asset, existing: false, overwritten: !fresh }
    }

    /// Changes attributes and makes derived assets (`eager`); with `invalidate` alone it is a pure purge.
    ///
    /// # Errors
    /// No such asset.
    pub fn explicit(
        &mut self,
        key: &AssetKey,
        attributes: Attributes,
        invalidate: bool,
        now: Duration,
    ) -> Result<Arc<StoredAsset>, Refusal> {
        let asset = self.update(key, attributes, now)?;
        if invalidate {
            self.invalidate(key, &[asset.version], "explicit");
            if key.delivery_type == DeliveryType::Fetch {
                self.storage.distrust(key);
            }
        }
        Ok(asset)
    }

    /// Changes attributes only.
    ///
    /// # Errors
    /// No such asset.
    pub fn update(
        &mut self,
        key: &AssetKey,
        attributes: Attributes,
        now: Duration,
    ) -> Result<Arc<StoredAsset>, Refusal> {
        self.advance(now);
        let before = self.stored(key)?;
        let mut asset = (*before).clone();
        if !apply(&mut asset, attributes) {
            return Ok(before);
        }
        Ok(self.store(asset))
    }

    /// Makes the variant of `key` that `chain` (`c_scale,w_300/png`: the format is optional) stands for.
    pub fn make_eager(&mut self, key: &AssetKey, chain: &str, now: Duration) {
        self.advance(now);
        let Some(asset) = self.storage.get(key).cloned() else { return };
        let (chain, format) = parted(chain);
        let extension = format.or(asset.format().map(Format::as_str));
        let url =
            self.url_of(key, extension).with_version(asset.version).with_transformation(chain);
        let path = self.open(url).path();
        self.derive(&path);
    }

    /// Whether every chain can be made of such a file.
    ///
    /// # Errors
    /// The first that cannot, in the words that its delivery URL would be refused with.
    pub fn check_chains(content: &Content, chains: &[String]) -> Result<(), Refusal> {
        for chain in chains {
            let (links, extension) = parted(chain);
            let links: Vec<String> = links.split('/').map(str::to_owned).collect();
            transformation::plan(&links, content, extension, AcceptVariant::None)
                .map_err(Refusal::bad)?;
        }
        Ok(())
    }

    /// The file of an asset as it is, or converted to another format.
    ///
    /// # Errors
    /// No such asset, or nothing that can be converted so.
    pub fn file_of(
        &mut self,
        key: &AssetKey,
        format: Option<&str>,
        now: Duration,
    ) -> Result<Arc<Content>, Refusal> {
        self.advance(now);
        let asset = self.stored(key)?;
        let Some(wanted) = format.filter(|wanted| {
            asset.format().is_some_and(|own| Format::from_extension(wanted) != Some(own))
        }) else {
            return Ok(asset.content.clone());
        };
        let url = self.open(self.url_of(key, Some(wanted)).with_version(asset.version));
        let answer = self.origin(&url.path(), AcceptVariant::None, now);
        let refused = || answer.error.clone().unwrap_or_else(|| "Invalid format".to_owned());
        answer.content.clone().ok_or_else(|| Refusal::bad(refused()))
    }

    /// Whether another asset of a folder has this display name.
    #[must_use]
    pub fn has_display_name(&self, folder: &str, name: &str, but: &AssetKey) -> bool {
        self.storage.iter().any(|asset| {
            &*asset.asset_folder == folder && &*asset.display_name == name && asset.key != *but
        })
    }

    /// Gives an asset another name. ID, version and file stay; derived assets go. Copies under the old name are
    /// invalidated where asked for, copies of an overwritten target are not.
    ///
    /// # Errors
    /// No such asset, or the new name is taken.
    pub fn rename(&mut self, rename: &Rename, now: Duration) -> Result<Arc<StoredAsset>, Refusal> {
        self.advance(now);
        let Rename { from, to, overwrite, invalidate } = rename;
        let before = self.stored(from)?;
        if self.storage.get(to).is_some() && !overwrite {
            return Err(Refusal::TargetExists { id: to.public_id.to_string() });
        }
        if from != to {
            self.remember_before(to);
            self.remember_before(from);
            if let Some((target, _)) = self.storage.remove(to) {
                self.search.changed(self.now, to, Some(&target));
                self.keep_backup(&target);
            }
            self.backups.forget_placeholder(to);
            self.storage.remove(from);
            self.search.changed(self.now, from, Some(&before));
            let asset = StoredAsset { key: to.clone(), ..(*before).clone() };
            self.store(asset);
        }
        if *invalidate {
            self.invalidate(from, &[before.version], "rename");
        }
        let asset = self.stored(to)?;
        self.publish(&asset);
        Ok(asset)
    }

    /// Deletes an asset with its derived assets; false where there is none. The name is invalidated all the same
    /// where asked for, so that a repeated call repeats the purge.
    pub fn destroy(&mut self, key: &AssetKey, invalidate: bool, now: Duration) -> bool {
        self.advance(now);
        let version = self.storage.last_version(key);
        let removed = self.remove(key).is_some();
        if invalidate {
            self.invalidate(key, version.as_slice(), "destroy");
        }
        removed
    }

    /// Changes tags of the named assets of one pair of types; the IDs that exist are returned.
    pub fn tag(
        &mut self,
        command: TagCommand,
        tags: &[String],
        keys: &[AssetKey],
        now: Duration,
    ) -> Vec<String> {
        self.advance(now);
        if command == TagCommand::SetExclusive {
            self.untag_others(tags, keys);
        }
        let mut done = Vec::new();
        for key in keys {
            let Some(asset) = self.storage.get(key).cloned() else { continue };
            let mut own: Vec<String> = match command {
                TagCommand::Replace | TagCommand::RemoveAll => Vec::new(),
                _ => asset.tags.iter().map(ToString::to_string).collect(),
            };
            match command {
                TagCommand::Remove => own.retain(|tag| !tags.contains(tag)),
                TagCommand::RemoveAll => {}
                _ => own.extend(tags.iter().cloned()),
            }
            let mut changed = (*asset).clone();
            apply(&mut changed, Attributes { tags: Some(own), ..Attributes::default() });
            self.store(changed);
            done.push(key.public_id.to_string());
        }
        done
    }

    fn untag_others(&mut self, tags: &[String], keep: &[AssetKey]) {
        let Some(kind) = keep.first().map(|key| (key.resource_type, key.delivery_type)) else {
            return;
        };
        let others: Vec<Arc<StoredAsset>> = self
            .storage
            .iter()
            .filter(|asset| (asset.key.resource_type, asset.key.delivery_type) == kind)
            .filter(|asset| tags.iter().any(|tag| asset.has_tag(tag)) && !keep.contains(&asset.key))
            .cloned()
            .collect();
        for asset in others {
            let mut changed = (*asset).clone();
            changed.tags =
                asset.tags.iter().filter(|tag| !tags.contains(&tag.to_string())).cloned().collect();
            self.store(changed);
        }
    }

    /// The asset of `key`.
    ///
    /// # Errors
    /// There is none.
    pub fn stored(&self, key: &AssetKey) -> Result<Arc<StoredAsset>, Refusal> {
        let found = self.storage.get(key).cloned();
        found.ok_or_else(|| Refusal::NotFound { id: key.public_id.to_string() })
    }

    /// Stores and tells the search index.
    pub(super) fn store(&mut self, asset: StoredAsset) -> Arc<StoredAsset> {
        self.remember_before(&asset.key);
        self.search.changed(self.now, &asset.key, self.storage.get(&asset.key));
        self.storage.put(asset)
    }

    /// Removes, keeps the backup if there is one, and tells the search index. Returns the number of derived assets.
    pub(super) fn remove(&mut self, key: &AssetKey) -> Option<usize> {
        self.remember_before(key);
        let (asset, derived) = self.storage.remove(key)?;
        self.search.changed(self.now, key, Some(&asset));
        if asset.backed_up {
            self.keep_backup(&asset);
            self.backups.leave_placeholder(asset);
        }
        Some(derived)
    }

    fn keep_backup(&mut self, asset: &Arc<StoredAsset>) {
        if asset.backed_up {
            self.backups.keep(asset);
        }
    }

    fn blank(&self, key: &AssetKey, content: &Content, order: u64) -> StoredAsset {
        let id = key.public_id.as_str();
        let (folder, name) = id.rsplit_once('/').unwrap_or(("", id));
        StoredAsset {
            key: key.clone(),
            asset_id: HexId(self.chance.id("asset", &[u64::MAX, order])),
            version: 0,
            version_id: HexId([0; 16]),
            created_at: self.unix_now(),
            uploaded_at: self.unix_now(),
            order,
            content: Arc::new(Content::uploaded(Bytes::default(), None)),
            tags: Arc::default(),
            context: Pairs::default(),
            metadata: Pairs::default(),
            asset_folder: folder.into(),
            display_name: name.into(),
            original_filename: None,
            moderation: None,
            backed_up: content.length() > 0 && self.settings.backups,
            access: None,
        }
    }

    /// Pages begin to name the asset under its present version.
    fn publish(&mut self, asset: &StoredAsset) {
        if asset.key.delivery_type == DeliveryType::Upload {
            let extension = asset.format().map(Format::as_str);
            let url: DeliveryUrl = self.url_of(&asset.key, extension).with_version(asset.version);
            self.viewers.publish(&url.path().into());
        }
    }
}

/// A chain of transformations without the format that may stand at its end, and that format.
fn parted(chain: &str) -> (&str, Option<&str>) {
    match chain.rsplit_once('/') {
        Some((front, last)) if !last.contains('_') => (front, Some(last)),
        _ => (chain, None),
    }
}

/// Changes what is given; false where nothing was.
fn apply(asset: &mut StoredAsset, attributes: Attributes) -> bool {
    let Attributes {
        tags,
        context,
        metadata,
        asset_folder,
        display_name,
        moderation,
        moderation_status,
        access,
    } = attributes;
    let mut changed = false;
    let mut set = |given: bool| changed |= given;
    set(tags.is_some());
    if let Some(tags) = tags {
        let mut seen = std::collections::BTreeSet::new();
        let tags = tags.into_iter().map(|tag| tag.trim().to_owned());
        asset.tags =
            tags.filter(|tag| !tag.is_empty() && seen.insert(tag.clone())).map(Arc::from).collect();
    }
    set(context.is_some());
    if let Some(context) = context {
        asset.context = Arc::new(context);
    }
    set(metadata.is_some());
    if let Some(metadata) = metadata {
        Arc::make_mut(&mut asset.metadata).extend(metadata);
    }
    set(asset_folder.is_some());
    if let Some(folder) = asset_folder {
        asset.asset_folder = folder.trim_matches('/').into();
    }
    set(display_name.is_some());
    if let Some(name) = display_name {
        asset.display_name = name.into();
    }
    set(access.is_some());
    if let Some(access) = access {
        asset.access = Some(Arc::new(access)).filter(|access| !access.0.is_empty());
    }
    set(moderation.is_some() || moderation_status.is_some());
    if moderation.is_some() {
        asset.moderation = moderation.map(Box::new);
    }
    if let Some(status) = moderation_status {
        asset.moderation.get_or_insert_with(|| Box::new(Moderation::manual())).status = status;
    }
    changed
}
