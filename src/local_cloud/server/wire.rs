//! JSON shapes of assets (facts §2.3, §3.2, §3.9). The stand-in's own: the client has others, on purpose.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::domain::asset::ResourceType;
use crate::domain::time::Timestamp;
use crate::local_cloud::content::{Content, Format};
use crate::local_cloud::world::World;
use crate::local_cloud::world::asset::{Access, AccessRule, Derived, Pairs, StoredAsset};

/// An asset with the path of its original, taken out of the world; bytes are looked at later.
#[derive(Debug, Clone)]
pub struct Row {
    pub asset: Arc<StoredAsset>,
    pub path: String,
    pub placeholder: bool,
}

impl Row {
    pub fn of(world: &World, asset: &Arc<StoredAsset>) -> Self {
        Self { path: world.original_path(asset), asset: asset.clone(), placeholder: false }
    }

    pub fn many(world: &World, assets: &[Arc<StoredAsset>]) -> Vec<Self> {
        assets.iter().map(|asset| Self::of(world, asset)).collect()
    }
}

/// A derived asset with its path.
#[derive(Debug, Clone)]
pub struct DerivedRow {
    pub derived: Derived,
    pub path: String,
}

impl DerivedRow {
    pub fn of(world: &World, asset: &StoredAsset, derived: &Derived) -> Self {
        let path = world.derived_url(&asset.key, asset.version, derived).path();
        Self { derived: derived.clone(), path }
    }
}

/// `2026-01-01T00:00:00Z`.
pub fn time(unix: i64) -> String {
    Timestamp::from_second(unix).unwrap_or_default().to_string()
}

/// Which optional parts a listing shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shown {
    pub tags: bool,
    pub context: bool,
    pub metadata: bool,
}

/// One item of a listing; pages have five hundred, so it is written as it stands.
#[derive(Serialize)]
pub struct Item<'a> {
    asset_id: String,
    public_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
    version: u64,
    resource_type: &'a str,
    #[serde(rename = "type")]
    delivery_type: &'a str,
    created_at: String,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    placeholder: Option<bool>,
    asset_folder: &'a str,
    display_name: &'a str,
    url: String,
    secure_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Context<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a BTreeMap<String, String>>,
}

#[derive(Serialize)]
struct Context<'a> {
    custom: &'a BTreeMap<String, String>,
}

impl<'a> Item<'a> {
    pub fn of(row: &'a Row, base: &str, shown: Shown) -> Self {
        let asset = &*row.asset;
        let size = size(asset);
        let url = format!("{base}{}", row.path);
        let some = |pairs: &'a Pairs| (!pairs.is_empty()).then_some(&**pairs);
        Self {
            asset_id: asset.asset_id.to_string(),
            public_id: asset.key.public_id.as_str(),
            format: asset.format().map(Format::as_str),
            version: asset.version,
            resource_type: asset.key.resource_type.as_str(),
            delivery_type: asset.key.delivery_type.as_str(),
            created_at: time(asset.created_at),
            bytes: if row.placeholder { 0 } else { asset.content.length() },
            width: size.map(|(width, _)| width),
            height: size.map(|(_, height)| height),
            placeholder: row.placeholder.then_some(true),
            asset_folder: &asset.asset_folder,
            display_name: &asset.display_name,
            secure_url: url.clone(),
            url,
            tags: shown.tags.then(|| asset.tags.iter().map(|tag| &**tag).collect()),
            context: some(&asset.context)
                .filter(|_| shown.context)
                .map(|custom| Context { custom }),
            metadata: some(&asset.metadata).filter(|_| shown.metadata),
        }
    }

    /// To be changed further.
    pub fn into_map(self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(map)) => map,
            _ => unreachable!("an item is an object of texts and numbers"),
        }
    }
}

/// Pixels of pictures and films; raw files have none.
fn size(asset: &StoredAsset) -> Option<(u32, u32)> {
    asset.content.size().filter(|_| asset.key.resource_type != ResourceType::Raw)
}

fn urls(object: &mut Map<String, Value>, base: &str, path: &str) {
    let url = format!("{base}{path}");
    object.insert("url".to_owned(), json!(url));
    object.insert("secure_url".to_owned(), json!(url));
}

fn tags(asset: &StoredAsset) -> Value {
    asset.tags.iter().map(|tag| json!(&**tag)).collect()
}

/// Adds who decides whether the asset may be shown, where somebody does.
pub fn moderation(object: &mut Map<String, Value>, asset: &StoredAsset) {
    if let Some(moderation) = &asset.moderation {
        let item = json!({"kind": &*moderation.kind, "status": moderation.status.as_str()});
        object.insert("moderation".to_owned(), json!([item]));
    }
}

/// One derived asset.
pub fn derived(row: &DerivedRow, base: &str) -> Value {
    let content = row.derived.content();
    let mut object = Map::new();
    object.insert("id".to_owned(), json!(row.derived.id.to_string()));
    object.insert("transformation".to_owned(), json!(row.derived.transformation));
    object.insert("format".to_owned(), json!(content.format().map_or("", Format::as_str)));
    object.insert("bytes".to_owned(), json!(content.length()));
    urls(&mut object, base, &row.path);
    Value::Object(object)
}

/// One item of `eager`.
pub fn eager(row: &DerivedRow, base: &str) -> Value {
    let content: &Content = row.derived.content();
    let mut object = Map::new();
    object.insert("transformation".to_owned(), json!(row.derived.transformation));
    if let Some((width, height)) = content.size() {
        object.insert("width".to_owned(), json!(width));
        object.insert("height".to_owned(), json!(height));
    }
    object.insert("bytes".to_owned(), json!(content.length()));
    object.insert("format".to_owned(), json!(content.format().map_or("", Format::as_str)));
    urls(&mut object, base, &row.path);
    Value::Object(object)
}

/// Everything about one asset.
pub fn detail(row: &Row, base: &str) -> Map<String, Value> {
    let shown = Shown { tags: true, context: true, metadata: true };
    let mut object = Item::of(row, base, shown).into_map();
    let asset = &row.asset;
    if !row.placeholder {
        object.insert("etag".to_owned(), json!(asset.content.etag()));
    }
    object.insert("version_id".to_owned(), json!(asset.version_id.to_string()));
    object.insert("last_updated".to_owned(), json!({"updated_at": time(asset.uploaded_at)}));
    if let Some(name) = &asset.original_filename {
        object.insert("original_filename".to_owned(), json!(&**name));
    }
    if let Some(access) = &asset.access {
        object.insert("access_control".to_owned(), access_control(access));
    }
    object
}

/// Who may have an asset.
fn access_control(access: &Access) -> Value {
    let rule = |rule: &AccessRule| match rule {
        AccessRule::Token => json!({"access_type": "token"}),
        AccessRule::Anonymous { start, end } => {
            let mut object = Map::new();
            object.insert("access_type".to_owned(), json!("anonymous"));
            for (name, at) in [("start", start), ("end", end)] {
                if let Some(at) = at {
                    object.insert(name.to_owned(), json!(time(*at)));
                }
            }
            Value::Object(object)
        }
    };
    access.0.iter().map(rule).collect()
}

/// A kept version of a file.
pub fn version(kept: &StoredAsset) -> Value {
    json!({
        "version_id": kept.version_id.to_string(),
        "version": kept.version.to_string(),
        "size": kept.content.length(),
        "time": time(kept.uploaded_at),
        "restorable": true,
    })
}

/// The reply of upload, explicit, rename and restore.
pub fn uploaded(row: &Row, base: &str, signature: Option<String>) -> Map<String, Value> {
    let asset = &row.asset;
    let mut object = Map::new();
    let mut set = |name: &str, value: Value| object.insert(name.to_owned(), value);
    set("asset_id", json!(asset.asset_id.to_string()));
    set("public_id", json!(asset.key.public_id.as_str()));
    set("version", json!(asset.version));
    set("version_id", json!(asset.version_id.to_string()));
    if let Some(signature) = signature {
        set("signature", json!(signature));
    }
    if let Some((width, height)) = size(asset) {
        set("width", json!(width));
        set("height", json!(height));
    }
    if let Some(format) = asset.format() {
        set("format", json!(format.as_str()));
    }
    set("resource_type", json!(asset.key.resource_type.as_str()));
    set("created_at", json!(time(asset.created_at)));
    set("tags", tags(asset));
    if asset.key.resource_type == ResourceType::Image {
        set("pages", json!(1));
    }
    set("bytes", json!(asset.content.length()));
    set("type", json!(asset.key.delivery_type.as_str()));
    set("etag", json!(asset.content.etag()));
    set("placeholder", json!(false));
    urls(&mut object, base, &row.path);
    moderation(&mut object, asset);
    let mut set = |name: &str, value: Value| object.insert(name.to_owned(), value);
    set("asset_folder", json!(&*asset.asset_folder));
    set("display_name", json!(&*asset.display_name));
    if !asset.context.is_empty() {
        set("context", json!({"custom": *asset.context}));
    }
    if !asset.metadata.is_empty() {
        set("metadata", json!(*asset.metadata));
    }
    if let Some(name) = &asset.original_filename {
        set("original_filename", json!(&**name));
    }
    if let Some(access) = &asset.access {
        set("access_control", access_control(access));
    }
    object
}

/// One match of a search.
pub fn found(row: &Row, base: &str, with: Shown) -> Map<String, Value> {
    let asset = &row.asset;
    let mut object = Map::new();
    let mut set = |name: &str, value: Value| object.insert(name.to_owned(), value);
    set("asset_id", json!(asset.asset_id.to_string()));
    set("public_id", json!(asset.key.public_id.as_str()));
    set("asset_folder", json!(&*asset.asset_folder));
    set("filename", json!(asset.filename()));
    set("display_name", json!(&*asset.display_name));
    // always there: `cld` reads it of raw files too
    set("format", json!(asset.format_word()));
    set("version", json!(asset.version));
    set("resource_type", json!(asset.key.resource_type.as_str()));
    set("type", json!(asset.key.delivery_type.as_str()));
    set("created_at", json!(search_time(asset.created_at)));
    set("uploaded_at", json!(search_time(asset.uploaded_at)));
    set("bytes", json!(asset.content.length()));
    set("backup_bytes", json!(if asset.backed_up { asset.content.length() } else { 0 }));
    if let Some((width, height)) = size(asset) {
        set("width", json!(width));
        set("height", json!(height));
        let ratio = f64::from(width) / f64::from(height.max(1));
        set("aspect_ratio", json!((ratio * 1e5).round() / 1e5));
        set("pixels", json!(u64::from(width) * u64::from(height)));
    }
    urls(&mut object, base, &row.path);
    let mut set = |name: &str, value: Value| object.insert(name.to_owned(), value);
    set("status", json!("active"));
    set("access_mode", json!("public"));
    set("access_control", Value::Null);
    set("etag", json!(asset.content.etag()));
    if with.tags {
        set("tags", tags(asset));
    }
    if with.context {
        set("context", json!(*asset.context));
    }
    if with.metadata {
        set("metadata", json!(*asset.metadata));
    }
    object
}

/// Search writes `+00:00` where the others write `Z`.
fn search_time(unix: i64) -> String {
    time(unix).replace('Z', "+00:00")
}
