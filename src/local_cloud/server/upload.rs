//! The Upload API: no quota, signed calls (facts §2). Here are its routes, and the upload itself.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Method, header};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Cloud;
use super::api::Call;
pub use super::attributes::attributes;
use super::auth::{Account, sign_reply};
use super::body::kept;
use super::limits::{Limits, Share};
pub use super::naming::known_public_id;
use super::naming::{chosen_id, stem};
use super::params::{Param, Params, data_uri, too_large};
use super::pieces::{Placed, piece_of};
use super::reply::{Reply, bad, missing};
use super::single::{self, is_stored_type};
use super::wire::{self, DerivedRow, Row, uploaded};
use super::{download, remote};
use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};
use crate::domain::public_id::PublicId;
use crate::domain::time::Timestamp;
use crate::local_cloud::content::{Content, Format, Sniffed, sniff};
use crate::local_cloud::world::World;
use crate::local_cloud::world::asset::Derived;
use crate::local_cloud::world::changes::{Attributes, Upload};
use crate::local_cloud::world::refusal::Refusal;

/// What an Upload API call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Upload,
    Explicit,
    Rename,
    Destroy,
    DestroyById,
    DeleteByToken,
    Tags,
    Context,
    Download,
    DownloadById,
    DownloadBackup,
}

/// An Upload API call: the resource type of its path, and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    kind: String,
    action: Action,
}

impl Route {
    pub const fn takes_file(&self) -> bool {
        matches!(self.action, Action::Upload)
    }
}

/// The Upload API call that this is; `None` where the path is not of the Upload API.
///
/// # Errors
/// The path is, and there is no such call (`generate_archive`, `multi`, `sprite`, `explode`, `text`,
/// `create_slideshow`, `metadata` are not rehearsed here), or not by this method.
pub fn route(method: &Method, path: &[&str]) -> Option<Result<Route, Reply>> {
    let is_kind = |word: &str| word == "auto" || word.parse::<ResourceType>().is_ok();
    let (kind, name) = match path {
        ["upload" | "upload_chunked"] => ("auto", "upload"),
        ["delete_by_token"] => ("image", "delete_by_token"),
        ["download_backup"] => ("image", "download_backup"),
        ["asset", "destroy"] => ("image", "destroy_by_id"),
        ["asset", "download"] => ("image", "download_by_id"),
        [kind, "destroy_by_id" | "download_by_id" | "download_backup"] if is_kind(kind) => {
            (*kind, "")
        }
        [kind, name] if is_kind(kind) => (*kind, *name),
        _ => return None,
    };
    let action = match (method.as_str(), name) {
        ("POST", "upload" | "upload_chunked") => Action::Upload,
        ("POST", "explicit") => Action::Explicit,
        ("POST", "rename") => Action::Rename,
        ("POST", "destroy") => Action::Destroy,
        ("POST", "destroy_by_id") => Action::DestroyById,
        ("POST", "delete_by_token") => Action::DeleteByToken,
        ("POST", "tags") => Action::Tags,
        ("POST", "context") => Action::Context,
        ("GET", "download") => Action::Download,
        ("GET", "download_by_id") => Action::DownloadById,
        ("GET", "download_backup") => Action::DownloadBackup,
        _ => {
            let asked = format!("{method} {}", path.join("/"));
            return Some(Err(Reply::no_such_endpoint(&asked)));
        }
    };
    Some(Ok(Route { kind: kind.to_owned(), action }))
}

/// Demands what the call has to be let in by.
pub fn admit(
    route: &Route,
    call: &Call,
    account: &Account<'_>,
    wall: Timestamp,
) -> Result<(), Reply> {
    match route.action {
        Action::DeleteByToken => return Ok(()),
        Action::Upload if call.params.text("signature").is_none() => refuse_unsigned(call)?,
        Action::Download | Action::DownloadById | Action::DownloadBackup => {
            return admit_download(call, account, wall);
        }
        Action::Tags | Action::Context => {
            // said in the official Python SDK
            let signed = call.params.without(&["notification_url", "batch_id"]);
            return account.check_signed(&call.headers, &signed, wall);
        }
        _ => {}
    }
    account.check_signed(&call.headers, &call.params, wall)
}

/// No upload preset is configured here, so nobody may upload without a signature.
fn refuse_unsigned(call: &Call) -> Result<(), Reply> {
    if call.headers.contains_key(header::AUTHORIZATION) {
        return Ok(());
    }
    Err(match call.params.text("upload_preset") {
        Some(_) => bad("Upload preset not found"),
        None => bad("Upload preset must be specified when using unsigned upload"),
    })
}

/// A download link may say itself until when it is good.
fn admit_download(call: &Call, account: &Account<'_>, wall: Timestamp) -> Result<(), Reply> {
    let Some(until) = call.params.text("expires_at") else {
        return account.check_signed(&call.headers, &call.params, wall);
    };
    account.check_signature(&call.headers, &call.params)?;
    match until.parse::<i64>() {
        Ok(until) if until >= wall.as_second() => Ok(()),
        Ok(_) => Err(Reply::error(401, "The download link has expired")),
        Err(_) => Err(bad(format!("Invalid value for parameter expires_at: {until}"))),
    }
}

/// Loads the file that an upload names by its address and puts it in the place of the address.
pub async fn load_remote(cloud: &Cloud, call: &mut Call, share: &mut Share) -> Result<(), Reply> {
    let Some(address) = call.params.text("file").filter(|text| remote::is_address(text)) else {
        return Ok(());
    };
    if !call.from_this_host {
        // nobody elsewhere gets to see what is served on this host's loopback
        let shown: String = address.chars().take(500).collect();
        return Err(bad(format!("Error in loading {shown} - only for callers on this host")));
    }
    let (name, bytes) = remote::load(address, &cloud.limits, share).await?;
    call.params.set_file(name, bytes);
    Ok(())
}

pub fn answer(cloud: &Cloud, call: &Call, route: &Route) -> Result<Reply, Reply> {
    let (params, kind) = (&call.params, route.kind.as_str());
    match route.action {
        Action::Upload => upload(cloud, call, kind),
        Action::Explicit => single::explicit(cloud, params, kind),
        Action::Rename => single::rename(cloud, params, kind),
        Action::Destroy => single::destroy(cloud, params, kind),
        Action::DestroyById => single::destroy_by_id(cloud, params),
        Action::DeleteByToken => single::delete_by_token(cloud, params),
        Action::Tags => single::tags(cloud, params, kind),
        Action::Context => single::context(cloud, params, kind),
        Action::Download => download::by_name(cloud, params, kind),
        Action::DownloadById => download::by_id(cloud, params),
        Action::DownloadBackup => download::backup(cloud, params),
    }
}

pub fn resource_type(word: &str) -> Result<ResourceType, Reply> {
    word.parse().map_err(|_| bad(format!("Invalid resource type {word}")))
}

pub fn delivery_type(params: &Params, name: &str) -> Result<DeliveryType, Reply> {
    match params.text(name) {
        None => Ok(DeliveryType::Upload),
        Some(word) => word.parse().map_err(|_| bad(format!("Invalid type {word}"))),
    }
}

/// The reply for an asset as it is now.
pub fn replied(cloud: &Cloud, row: &Row) -> Map<String, Value> {
    let asset = &row.asset;
    let id = asset.key.public_id.as_str();
    let signature = sign_reply(id, asset.version, &cloud.settings.api_secret);
    uploaded(row, &cloud.delivery_base(), Some(signature))
}

/// An upload whose file is there as a whole.
struct Arrived {
    bytes: Bytes,
    name: Option<String>,
    /// Chosen when its first piece came.
    public_id: Option<PublicId>,
    /// Of the memory in flight, where it came in pieces.
    share: Option<Share>,
}

enum Came {
    Whole(Arrived),
    More(Reply),
}

fn upload(cloud: &Cloud, call: &Call, kind: &str) -> Result<Reply, Reply> {
    let params = &call.params;
    if params.text("upload_preset").is_some() {
        return Err(bad("Upload preset not found"));
    }
    let attributes = attributes(params)?;
    let Arrived { bytes, name, public_id, share: _in_flight } = match arrived(cloud, call, kind)? {
        Came::Whole(arrived) => arrived,
        Came::More(reply) => return Ok(reply),
    };
    let bytes = kept(bytes, &cloud.stored)?;
    let (resource_type, content) = recognised(kind, bytes, name.as_deref())?;
    check_format(params, resource_type, &content, name.as_deref())?;
    let eager = Eager::of(params)?;
    eager.check(&content)?;
    let public_id = match public_id {
        Some(chosen) => chosen,
        None => chosen_id(cloud, params, resource_type, name.as_deref())?,
    };
    let delivery_type = delivery_type(params, "type")?;
    if !is_stored_type(delivery_type) {
        return Err(bad(format!("Invalid type {delivery_type}")));
    }
    let key = AssetKey { resource_type, delivery_type, public_id };
    let attributes = completed(attributes, params, name.as_deref())?;
    let keeps_name = !params.switch("discard_original_filename")?;
    let unique_name = params.switch("unique_display_name")?;
    let order = Upload {
        key: key.clone(),
        content,
        original_filename: name.as_deref().map(|name| stem(name).to_owned()).filter(|_| keeps_name),
        attributes,
        overwrite: params.optional_switch("overwrite")?.unwrap_or(true),
        invalidate: params.switch("invalidate")?,
        backup: params.switch("backup")?,
    };
    let (answers_later, gives_token) =
        (params.switch("async")?, params.switch("return_delete_token")?);
    let (done, row, made, now) = cloud.with(|world, now| {
        if unique_name {
            check_display_name(world, &order)?;
        }
        let done = world.upload(order, now);
        let made = eager.make(world, &key, now);
        let row = Row::of(world, &done.asset);
        Ok::<_, Refusal>((done, row, made, now))
    })?;
    if answers_later {
        let pending = single::pending(params, resource_type.as_str(), &cloud.batch_id());
        return Ok(Reply::ok(Value::Object(pending)));
    }
    let mut reply = replied(cloud, &row);
    if done.existing {
        reply.insert("existing".to_owned(), json!(true));
    }
    if done.overwritten {
        reply.insert("overwritten".to_owned(), json!(true));
    }
    if gives_token {
        let token = format!("{}{}", Uuid::now_v7().simple(), Uuid::now_v7().simple());
        reply.insert("delete_token".to_owned(), json!(token));
        cloud.delete_tokens.give(token, done.asset.asset_id, now);
    }
    eager.tell(cloud, &mut reply, &made);
    reply.insert("api_key".to_owned(), json!(cloud.options.api_key));
    Ok(Reply::ok(Value::Object(reply)))
}

/// Folder and name come from elsewhere where an upload does not say them.
fn completed(
    mut attributes: Attributes,
    params: &Params,
    name: Option<&str>,
) -> Result<Attributes, Reply> {
    if attributes.asset_folder.is_none() {
        attributes.asset_folder = params.text("folder").map(str::to_owned);
    }
    if attributes.display_name.is_none() && params.switch("use_filename_as_display_name")? {
        attributes.display_name = name.map(|name| stem(name).to_owned());
    }
    Ok(attributes)
}

/// Names that are to be unique within a folder are refused where they are taken (what the service does then is not
/// documented).
fn check_display_name(world: &World, order: &Upload) -> Result<(), Refusal> {
    let id = order.key.public_id.as_str();
    let (folder, name) = id.rsplit_once('/').unwrap_or(("", id));
    let folder = order.attributes.asset_folder.as_deref().unwrap_or(folder).trim_matches('/');
    let name = order.attributes.display_name.as_deref().unwrap_or(name);
    if world.has_display_name(folder, name, &order.key) {
        return Err(Refusal::bad(format!("Display name {name} already exists in folder {folder}")));
    }
    Ok(())
}

/// The file of an upload, or of its last piece.
fn arrived(cloud: &Cloud, call: &Call, kind: &str) -> Result<Came, Reply> {
    let (bytes, name) = file(&call.params, &cloud.limits)?;
    let name = call.params.text("filename_override").map(str::to_owned).or(name);
    if bytes.is_empty() {
        return Err(bad("Empty file"));
    }
    let Some(piece) = piece_of(&call.headers)? else {
        return Ok(Came::Whole(Arrived { bytes, name, public_id: None, share: None }));
    };
    let now = cloud.with(|_, now| now);
    // clients without a name of their own send the one they are told with the pieces that follow
    let decide = || {
        let (resource_type, _) = recognised(kind, bytes.clone(), name.as_deref())?;
        chosen_id(cloud, &call.params, resource_type, name.as_deref()).map(String::from)
    };
    let room = (&cloud.limits, &cloud.in_flight);
    match cloud.pieces.place(piece, &bytes, room, now, decide)? {
        Placed::More { length, public_id } => Ok(Came::More(Reply::ok(json!({
            "done": false, "bytes": length, "public_id": public_id, "kind": "upload",
        })))),
        Placed::Whole { bytes, public_id, share } => {
            let public_id = Some(known_public_id(&public_id)?);
            Ok(Came::Whole(Arrived { bytes, name, public_id, share: Some(share) }))
        }
    }
}

/// The file of a call, with its name where it has one.
fn file(params: &Params, limits: &Limits) -> Result<(Bytes, Option<String>), Reply> {
    let (bytes, name): (Bytes, _) = match params.get("file") {
        Some(Param::File { name, bytes }) => (bytes.clone(), name.clone()),
        Some(Param::Text(text)) if text.starts_with("data:") => {
            (data_uri(text).ok_or_else(|| bad("Invalid data URI"))?.into(), None)
        }
        Some(Param::Text(text)) if !text.is_empty() => {
            (Bytes::copy_from_slice(text.as_bytes()), None)
        }
        _ => return Err(missing("file")),
    };
    if bytes.len() > limits.file {
        return Err(too_large(bytes.len(), limits));
    }
    Ok((bytes, name))
}

/// Resource type and content of uploaded bytes; a picture that is none is refused.
fn recognised(
    kind: &str,
    bytes: Bytes,
    name: Option<&str>,
) -> Result<(ResourceType, Content), Reply> {
    let found = sniff(&bytes);
    let format = found.map(|found| found.format);
    let resource_type = match kind {
        "auto" if format.is_some_and(Format::is_picture) => ResourceType::Image,
        "auto" if format.is_some_and(Format::is_film_or_sound) => ResourceType::Video,
        "auto" => ResourceType::Raw,
        word => resource_type(word)?,
    };
    match resource_type {
        ResourceType::Image if !format.is_some_and(Format::is_picture) => {
            return Err(bad("Invalid image file"));
        }
        ResourceType::Video
            if !format.is_some_and(|one| one.is_film_or_sound() || one == Format::Gif) =>
        {
            return Err(bad("Unsupported video format or file"));
        }
        _ => {}
    }
    let by_name = || {
        let extension = name.and_then(|name| name.rsplit_once('.')).map(|(_, extension)| extension);
        let format = extension.and_then(Format::from_extension)?;
        Some(Sniffed { format, size: None })
    };
    let found = found.or_else(|| by_name().filter(|_| resource_type == ResourceType::Raw));
    Ok((resource_type, Content::uploaded(bytes, found)))
}

fn check_format(
    params: &Params,
    resource_type: ResourceType,
    content: &Content,
    name: Option<&str>,
) -> Result<(), Reply> {
    let Some(allowed) = params.comma_list("allowed_formats").filter(|all| !all.is_empty()) else {
        return Ok(());
    };
    let by_name = name.and_then(|name| name.rsplit_once('.')).map_or("", |(_, ext)| ext);
    let written = match content.format() {
        Some(format) => format.as_str(),
        None => by_name,
    };
    let is = |allowed: &String| {
        allowed.eq_ignore_ascii_case(written)
            || content.format().is_some_and(|own| Format::from_extension(allowed) == Some(own))
    };
    if allowed.iter().any(is) {
        return Ok(());
    }
    let kind = match resource_type {
        ResourceType::Image => "Image",
        ResourceType::Video => "Video",
        ResourceType::Raw => "Raw",
    };
    Err(bad(format!("{kind} file format {written} not allowed")))
}

/// Derived assets that a call wants made at once.
pub struct Eager {
    chains: Vec<String>,
    /// The reply names them before they are there.
    later: bool,
}

impl Eager {
    pub fn of(params: &Params) -> Result<Self, Reply> {
        let texts = params.list("eager").unwrap_or_default();
        let chains = texts.iter().flat_map(|text| text.split('|')).filter(|text| !text.is_empty());
        Ok(Self {
            chains: chains.map(str::to_owned).collect(),
            later: params.switch("eager_async")?,
        })
    }

    /// # Errors
    /// A chain that cannot be made of such a file.
    pub fn check(&self, content: &Content) -> Result<(), Refusal> {
        World::check_chains(content, &self.chains)
    }

    pub fn make(&self, world: &mut World, key: &AssetKey, now: Duration) -> Vec<DerivedRow> {
        for chain in &self.chains {
            world.make_eager(key, chain, now);
        }
        let Some(asset) = world.storage().get(key).cloned() else { return Vec::new() };
        let wanted = |row: &&Derived| {
            self.chains.iter().any(|chain| {
                *chain == row.transformation
                    || chain.starts_with(&format!("{}/", row.transformation))
            })
        };
        let rows = world.storage().derived(key).iter().filter(wanted);
        rows.map(|row| DerivedRow::of(world, &asset, row)).collect()
    }

    pub fn tell(&self, cloud: &Cloud, reply: &mut Map<String, Value>, made: &[DerivedRow]) {
        if made.is_empty() {
            return;
        }
        let (base, batch) = (cloud.delivery_base(), cloud.batch_id());
        let item = |row: &DerivedRow| {
            let mut item = wire::eager(row, &base);
            if let Some(fields) = item.as_object_mut().filter(|_| self.later) {
                fields.retain(|name, _| {
                    ["transformation", "url", "secure_url"].contains(&name.as_str())
                });
                fields.insert("status".to_owned(), json!("processing"));
                fields.insert("batch_id".to_owned(), json!(batch));
            }
            item
        };
        reply.insert("eager".to_owned(), made.iter().map(item).collect());
    }
}
