//! Storage in memory behind the port of the cloud.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use md5::{Digest, Md5};

use super::image;
use crate::domain::asset::{
    Asset, AssetDetail, AssetKey, BackupVersion, DeliveryType, DerivedAsset, ResourceType,
};
use crate::domain::time::from_millis;
use crate::ports::cloud::{
    BulkDeleted, Cloud, CloudError, Destroyed, ListQuery, Page, Quota, RenameCall, ReplaceCall,
    Restored,
};

/// UNIX seconds of the first upload in a [`FakeCloud`]; each change of a file is one second later.
pub const BASE_VERSION: u64 = 1_795_000_000;

/// What happens to a call instead of the usual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Script {
    /// Nothing is carried out, and this is the answer.
    Refuse(CloudError),
    /// It is carried out, and this is all the caller sees.
    Lose(CloudError),
    /// It is carried out after this long.
    Delay(Duration),
    /// Nothing is carried out and no answer ever comes.
    Hang,
}

impl Script {
    /// Carried out, but the answer is lost.
    pub fn lose() -> Self {
        Self::Lose(timed_out())
    }

    /// Lost on the way: the caller cannot tell it from [`Script::lose`].
    pub fn drop() -> Self {
        Self::Refuse(timed_out())
    }
}

fn timed_out() -> CloudError {
    CloudError::TimedOut { api: FakeCloud::API.to_owned(), after: Duration::from_secs(60) }
}

/// Storage in memory behind the port of the cloud. Changes at once, keeps every call, fails as scripted.
#[derive(Debug)]
pub struct FakeCloud {
    name: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    assets: BTreeMap<AssetKey, Asset>,
    derived: BTreeMap<AssetKey, Vec<DerivedAsset>>,
    backups: BTreeMap<AssetKey, Asset>,
    uploads: u64,
    calls: Vec<String>,
    scripts: VecDeque<(String, Script)>,
    quota: Option<Quota>,
    /// What a search finds, where the index lags behind.
    index: Option<Vec<Asset>>,
}

impl FakeCloud {
    pub const API: &'static str = "https://api.fake.test";

    /// An empty cloud named `demo`.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { name: "demo".to_owned(), state: Mutex::default() })
    }

    /// A cloud that holds these public IDs as images.
    pub fn with(public_ids: &[&str]) -> Arc<Self> {
        let cloud = Self::new();
        for public_id in public_ids {
            cloud.put(&image(public_id));
        }
        cloud
    }

    /// Uploads new content under `key`, as another person might; returns what storage holds then.
    pub fn put(&self, key: &AssetKey) -> Asset {
        let mut state = self.state();
        let body = format!("{key} {}", state.uploads);
        state.upload(key, body.as_bytes())
    }

    /// Takes `key` away, as another person might; a backup is kept.
    pub fn take(&self, key: &AssetKey) -> Option<Asset> {
        self.state().remove(key)
    }

    /// What storage holds under `key`.
    pub fn asset(&self, key: &AssetKey) -> Option<Asset> {
        self.state().assets.get(key).cloned()
    }

    /// Adds a derived copy of `key`.
    pub fn derive(&self, key: &AssetKey, transformation: &str) {
        let mut state = self.state();
        let version = state.assets.get(key).map_or(1, |asset| asset.version);
        let copy = DerivedAsset {
            id: hex::encode(Md5::digest(format!("{key} {transformation}"))),
            transformation: transformation.to_owned(),
            format: Some("jpg".to_owned()),
            bytes: 512,
            secure_url: format!(
                "https://res.cloudinary.com/{}/{}/{}/{transformation}/v{version}/{}.jpg",
                self.name, key.resource_type, key.delivery_type, key.public_id
            ),
        };
        state.derived.entry(key.clone()).or_default().push(copy);
    }

    /// From now on searches find what storage holds now, whatever happens to it.
    pub fn freeze_index(&self) {
        let mut state = self.state();
        state.index = Some(state.assets.values().cloned().collect());
    }

    pub fn set_quota(&self, limit: u32, remaining: u32) {
        self.state().quota = Some(Quota { limit, remaining, reset_at: None });
    }

    /// The next call of this verb (`rename destroy replace invalidate restore delete_many list detail stat ping
    /// invalidate_by_urls`) goes as scripted; scripts of one verb queue.
    pub fn script(&self, verb: &str, script: Script) {
        self.state().scripts.push_back((verb.to_owned(), script));
    }

    /// From now on every call is carried out.
    pub fn forget_scripts(&self) {
        self.state().scripts.clear();
    }

    /// Every call so far, e.g. `destroy press/hero invalidate`.
    pub fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    /// The calls so far that changed, or might have changed, something.
    pub fn changes(&self) -> Vec<String> {
        let reads = ["ping", "list", "detail", "stat", "by_ids"];
        let mut calls = self.calls();
        calls.retain(|call| !reads.iter().any(|read| call.starts_with(read)));
        calls
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a call and carries it out as scripted.
    async fn call<T>(
        &self,
        verb: &str,
        words: String,
        carry_out: impl FnOnce(&mut State) -> Result<T, CloudError> + Send,
    ) -> Result<T, CloudError> {
        let script = {
            let mut state = self.state();
            state.calls.push(format!("{verb} {words}").trim_end().to_owned());
            let scripted = state.scripts.iter().position(|(of, _)| of == verb);
            scripted.and_then(|at| state.scripts.remove(at)).map(|(_, script)| script)
        };
        match script {
            None => carry_out(&mut self.state()),
            Some(Script::Refuse(error)) => Err(error),
            Some(Script::Lose(error)) => carry_out(&mut self.state()).and(Err(error)),
            Some(Script::Delay(wait)) => {
                tokio::time::sleep(wait).await;
                carry_out(&mut self.state())
            }
            Some(Script::Hang) => std::future::pending().await,
        }
    }

    fn missing(&self, key: &AssetKey) -> CloudError {
        CloudError::NotFound { cloud: self.name.clone(), asset: key.to_string() }
    }
}

impl State {
    fn upload(&mut self, key: &AssetKey, body: &[u8]) -> Asset {
        self.uploads += 1;
        let version = BASE_VERSION + self.uploads;
        let before = self.assets.get(key);
        let asset = Asset {
            key: key.clone(),
            asset_id: before
                .and_then(|asset| asset.asset_id.clone())
                .or_else(|| Some(format!("{:032x}", self.uploads))),
            version,
            format: (key.resource_type != ResourceType::Raw).then(|| "jpg".to_owned()),
            bytes: 1000 + body.len() as u64,
            width: Some(800),
            height: Some(600),
            etag: Some(hex::encode(Md5::digest(body))),
            created_at: Some(from_millis(i64::try_from(version).unwrap_or_default() * 1000)),
            asset_folder: None,
            display_name: None,
            tags: Vec::new(),
            secure_url: None,
            placeholder: false,
        };
        if let Some(before) = self.assets.insert(key.clone(), asset.clone()) {
            self.backups.insert(key.clone(), before);
        }
        asset
    }

    fn remove(&mut self, key: &AssetKey) -> Option<Asset> {
        self.derived.remove(key);
        let asset = self.assets.remove(key)?;
        self.backups.insert(key.clone(), asset.clone());
        Some(asset)
    }
}

#[async_trait]
impl Cloud for FakeCloud {
    fn cloud_name(&self) -> &str {
        &self.name
    }

    fn api(&self) -> &str {
        Self::API
    }

    fn quota(&self) -> Option<Quota> {
        self.state().quota
    }

    async fn ping(&self) -> Result<(), CloudError> {
        self.call("ping", String::new(), |_| Ok(())).await
    }

    async fn list(
        &self,
        query: &ListQuery,
        limit: u16,
        cursor: Option<&str>,
    ) -> Result<Page, CloudError> {
        let fits = |asset: &Asset| match query {
            ListQuery::Resources { resource_type, delivery_type, prefix } => {
                asset.key.resource_type == *resource_type
                    && asset.key.delivery_type == *delivery_type
                    && prefix
                        .as_deref()
                        .is_none_or(|prefix| asset.key.public_id.as_str().starts_with(prefix))
            }
            ListQuery::Tag { resource_type, tag } => {
                asset.key.resource_type == *resource_type && asset.tags.contains(tag)
            }
            ListQuery::Folder { folder } => asset.asset_folder.as_ref() == Some(folder),
            // Good enough for tests: the expression is part of the name.
            ListQuery::Search { expression } => asset.key.public_id.as_str().contains(expression),
        };
        let from: usize = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or_default();
        self.call("list", cursor.unwrap_or_default().to_owned(), |state| {
            let searched = matches!(query, ListQuery::Search { .. });
            let all: Vec<&Asset> = match &state.index {
                Some(index) if searched => index.iter().filter(|asset| fits(asset)).collect(),
                _ => state.assets.values().filter(|asset| fits(asset)).collect(),
            };
            let to = all.len().min(from + usize::from(limit));
            Ok(Page {
                assets: all[from.min(to)..to].iter().map(|asset| (*asset).clone()).collect(),
                next_cursor: (to < all.len()).then(|| to.to_string()),
                total: matches!(query, ListQuery::Search { .. }).then_some(all.len() as u64),
            })
        })
        .await
    }

    async fn detail(&self, key: &AssetKey) -> Result<AssetDetail, CloudError> {
        self.call("detail", key.to_string(), |state| {
            let asset = state.assets.get(key).cloned().ok_or_else(|| self.missing(key))?;
            let versions = state.backups.get(key).map(|backup| BackupVersion {
                version_id: format!("{:032x}", backup.version),
                version: backup.version,
                bytes: backup.bytes,
                restorable: true,
            });
            Ok(AssetDetail {
                asset,
                derived: state.derived.get(key).cloned().unwrap_or_default(),
                derived_truncated: false,
                versions: versions.into_iter().collect(),
            })
        })
        .await
    }

    async fn by_ids(
        &self,
        resource_type: ResourceType,
        delivery_type: DeliveryType,
        public_ids: &[String],
    ) -> Result<Vec<Asset>, CloudError> {
        self.call("by_ids", public_ids.len().to_string(), |state| {
            let held = |public_id: &String| {
                let public_id = public_id.parse().ok()?;
                state.assets.get(&AssetKey { resource_type, delivery_type, public_id }).cloned()
            };
            Ok(public_ids.iter().filter_map(held).collect())
        })
        .await
    }

    async fn stat(&self, key: &AssetKey) -> Result<Option<Asset>, CloudError> {
        self.call("stat", key.to_string(), |state| Ok(state.assets.get(key).cloned())).await
    }

    async fn rename(&self, call: &RenameCall) -> Result<Asset, CloudError> {
        let RenameCall { from, to, overwrite, invalidate } = call;
        let words = format!(
            "{from} {to}{}{}",
            said(*overwrite, "overwrite"),
            said(*invalidate, "invalidate")
        );
        self.call("rename", words, |state| {
            if state.assets.contains_key(to) && !overwrite {
                return Err(CloudError::Conflict {
                    message: format!("to_public_id({}) already exists", to.public_id),
                });
            }
            let derived = state.derived.remove(from);
            let mut asset = state.assets.remove(from).ok_or_else(|| self.missing(from))?;
            asset.key = to.clone();
            state.assets.insert(to.clone(), asset.clone());
            state.derived.remove(to);
            state.derived.extend(derived.map(|derived| (to.clone(), derived)));
            Ok(asset)
        })
        .await
    }

    async fn destroy(&self, key: &AssetKey, invalidate: bool) -> Result<Destroyed, CloudError> {
        self.call("destroy", format!("{key}{}", said(invalidate, "invalidate")), |state| {
            Ok(state.remove(key).map_or(Destroyed::NotFound, |_| Destroyed::Ok))
        })
        .await
    }

    async fn replace(&self, call: &ReplaceCall) -> Result<Asset, CloudError> {
        let body = std::fs::read(&call.file).map_err(|error| CloudError::File {
            path: call.file.display().to_string(),
            detail: error.to_string(),
        })?;
        self.call(
            "replace",
            format!("{}{}", call.key, said(call.invalidate, "invalidate")),
            |state| Ok(state.upload(&call.key, &body)),
        )
        .await
    }

    async fn invalidate(&self, key: &AssetKey) -> Result<Asset, CloudError> {
        self.call("invalidate", key.to_string(), |state| {
            state.assets.get(key).cloned().ok_or_else(|| self.missing(key))
        })
        .await
    }

    async fn restore(
        &self,
        resource_type: ResourceType,
        delivery_type: DeliveryType,
        public_ids: &[String],
    ) -> Result<Vec<(String, Restored)>, CloudError> {
        self.call("restore", public_ids.join(" "), |state| {
            let restored = |public_id: &String| {
                let public_id = public_id.clone();
                let Ok(parsed) = public_id.parse() else {
                    return (public_id, Restored::NoBackup);
                };
                let key = AssetKey { resource_type, delivery_type, public_id: parsed };
                let Some(asset) = state.backups.remove(&key) else {
                    return (public_id, Restored::NoBackup);
                };
                state.assets.insert(key, asset.clone());
                (public_id, Restored::Ok(Box::new(asset)))
            };
            Ok(public_ids.iter().map(restored).collect())
        })
        .await
    }

    async fn delete_many(
        &self,
        resource_type: ResourceType,
        delivery_type: DeliveryType,
        public_ids: &[String],
        invalidate: bool,
    ) -> Result<BulkDeleted, CloudError> {
        let words = format!("{}{}", public_ids.join(" "), said(invalidate, "invalidate"));
        self.call("delete_many", words, |state| {
            let deleted = |public_id: &String| {
                let key = |public_id| AssetKey { resource_type, delivery_type, public_id };
                let found = public_id.parse().is_ok_and(|id| state.remove(&key(id)).is_some());
                (public_id.clone(), found)
            };
            Ok(BulkDeleted { deleted: public_ids.iter().map(deleted).collect(), next_cursor: None })
        })
        .await
    }

    async fn invalidate_by_urls(&self, urls: &[String]) -> Result<String, CloudError> {
        self.call("invalidate_by_urls", urls.join(" "), |_| Ok("ok".to_owned())).await
    }
}

/// Words of a call, after its subject.
fn said(yes: bool, word: &str) -> String {
    if yes { format!(" {word}") } else { String::new() }
}
