//! The Upload API: no quota, signed calls (facts §2).

use std::collections::BTreeMap;
use std::collections::hash_map::Entry;
use std::sync::PoisonError;

use axum::body::Bytes;
use serde_json::{Map, Value, json};

use super::Cloud;
use super::api::Call;
use super::auth::{Account, sign_reply};
use super::params::{MOST_FILE_BYTES, Param, Params, data_uri};
use super::reply::{Reply, bad};
use super::wire::{DerivedRow, Row, eager, uploaded};
use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};
use crate::domain::public_id::PublicId;
use crate::local_cloud::chance::{Chance, hash_bytes};
use crate::local_cloud::content::{Content, Format, sniff};
use crate::local_cloud::world::asset::HexId;
use crate::local_cloud::world::changes::{Attributes, Rename, TagCommand, Upload};
use crate::local_cloud::world::refusal::Refusal;

/// Files that arrive in pieces at a time, at most.
const MOST_IN_PIECES: usize = 16;
/// Largest file that arrives in pieces.
const MOST_BYTES_IN_PIECES: usize = 4 * MOST_FILE_BYTES;

/// Whether a POST to this path belongs to the Upload API.
pub fn is_upload_call(path: &[&str]) -> bool {
    match path {
        ["upload"] | ["asset", "destroy"] => true,
        [kind, action] => {
            (*kind == "auto" || kind.parse::<ResourceType>().is_ok())
                && matches!(
                    *action,
                    "upload"
                        | "upload_chunked"
                        | "explicit"
                        | "rename"
                        | "destroy"
                        | "tags"
                        | "context"
                )
        }
        _ => false,
    }
}

pub fn answer(cloud: &Cloud, call: &Call, account: &Account<'_>) -> Result<Reply, Reply> {
    let path = call.path();
    let (kind, action) = match path.as_slice() {
        ["upload"] => ("auto", "upload"),
        ["asset", "destroy"] => ("image", "destroy_by_id"),
        [kind, action] => (*kind, *action),
        _ => return Err(Reply::no_such_endpoint(&path.join("/"))),
    };
    if action.starts_with("upload") && call.params.text("signature").is_none() {
        refuse_unsigned_upload(call)?;
    }
    account.check_signed(&call.headers, &call.params, cloud.clock.wall())?;
    match action {
        "upload" | "upload_chunked" => upload(cloud, call, kind),
        "explicit" => explicit(cloud, &call.params, kind),
        "rename" => rename(cloud, &call.params, kind),
        "destroy" => destroy(cloud, &call.params, kind),
        "destroy_by_id" => destroy_by_id(cloud, &call.params),
        "tags" => tags(cloud, &call.params, kind),
        "context" => context(cloud, &call.params, kind),
        _ => Err(Reply::no_such_endpoint(&path.join("/"))),
    }
}

fn refuse_unsigned_upload(call: &Call) -> Result<(), Reply> {
    if call.headers.contains_key(axum::http::header::AUTHORIZATION) {
        return Ok(());
    }
    Err(match call.params.text("upload_preset") {
        Some(preset) => bad(format!("Upload preset not found: {preset}")),
        None => bad("Upload preset must be specified when using unsigned upload"),
    })
}

fn resource_type(word: &str) -> Result<ResourceType, Reply> {
    word.parse().map_err(|_| bad(format!("Invalid resource type {word}")))
}

fn delivery_type(params: &Params, name: &str) -> Result<DeliveryType, Reply> {
    match params.text(name) {
        None => Ok(DeliveryType::Upload),
        Some(word) => word.parse().map_err(|_| bad(format!("Invalid type {word}"))),
    }
}

/// A name that is to be stored: trimmed, and by the rules.
fn new_public_id(raw: &str) -> Result<PublicId, Reply> {
    let trimmed = raw.trim_matches([' ', '/']);
    trimmed.parse().map_err(|_| Refusal::BadPublicId { id: raw.to_owned() }.into())
}

/// A name that exists or not; what cannot be a name does not exist.
pub fn known_public_id(raw: &str) -> Result<PublicId, Reply> {
    PublicId::from_cloud(raw).map_err(|_| Refusal::NotFound { id: raw.to_owned() }.into())
}

/// The existing asset that `id_name` and `type` name.
fn named(params: &Params, kind: &str, id_name: &str) -> Result<AssetKey, Reply> {
    Ok(AssetKey {
        resource_type: resource_type(kind)?,
        delivery_type: delivery_type(params, "type")?,
        public_id: known_public_id(params.required(id_name)?)?,
    })
}

/// What a call says about an asset's attributes.
pub fn attributes(params: &Params) -> Attributes {
    Attributes {
        tags: params.comma_list("tags"),
        context: params.pairs("context"),
        metadata: params.pairs("metadata"),
        asset_folder: params.text("asset_folder").map(str::to_owned),
        display_name: params.text("display_name").map(str::to_owned),
    }
}

/// The reply for an asset as it is now.
fn replied(cloud: &Cloud, row: &Row) -> Map<String, Value> {
    let asset = &row.asset;
    let id = asset.key.public_id.as_str();
    let signature = sign_reply(id, asset.version, &cloud.settings.api_secret);
    uploaded(row, &cloud.delivery_base(), Some(signature))
}

fn upload(cloud: &Cloud, call: &Call, kind: &str) -> Result<Reply, Reply> {
    let params = &call.params;
    let (bytes, name) = file(params)?;
    let bytes = match pieced_together(cloud, call, bytes)? {
        Pieces::Whole(bytes) => bytes,
        Pieces::More(reply) => return Ok(reply),
    };
    if bytes.is_empty() {
        return Err(bad("Empty file"));
    }
    let name = params.text("filename_override").map(str::to_owned).or(name);
    let (resource_type, content) = recognised(kind, bytes, name.as_deref())?;
    let key = AssetKey {
        resource_type,
        delivery_type: delivery_type(params, "type")?,
        public_id: chosen_id(cloud, params, &content, resource_type, name.as_deref())?,
    };
    let mut attributes = attributes(params);
    if attributes.asset_folder.is_none() {
        attributes.asset_folder = params.text("folder").map(str::to_owned);
    }
    let order = Upload {
        key: key.clone(),
        content,
        original_filename: name.as_deref().map(|name| stem(name).to_owned()),
        attributes,
        overwrite: params.optional_switch("overwrite")?.unwrap_or(true),
        invalidate: params.switch("invalidate")?,
        backup: params.switch("backup")?,
    };
    let chains = chains(params, "eager");
    let (done, row, made) = cloud.with(|world, now| {
        let done = world.upload(order, now);
        let made = make_eager(world, &key, &chains, now);
        let row = Row::of(world, &done.asset);
        (done, row, made)
    });
    let mut reply = replied(cloud, &row);
    if done.existing {
        reply.insert("existing".to_owned(), json!(true));
    }
    if done.overwritten {
        reply.insert("overwritten".to_owned(), json!(true));
    }
    add_eager(cloud, &mut reply, &made);
    reply.insert("api_key".to_owned(), json!(cloud.options.api_key));
    Ok(Reply::ok(Value::Object(reply)))
}

/// The file of an upload, with its name where it has one.
fn file(params: &Params) -> Result<(Bytes, Option<String>), Reply> {
    match params.get("file") {
        Some(Param::File { name, bytes }) => {
            if bytes.len() > MOST_FILE_BYTES {
                let got = bytes.len();
                return Err(bad(format!(
                    "File size too large. Got {got}. Maximum is {MOST_FILE_BYTES}."
                )));
            }
            Ok((bytes.clone(), name.clone()))
        }
        Some(Param::Text(text)) if text.starts_with("data:") => {
            let bytes = data_uri(text).ok_or_else(|| bad("Invalid data URI"))?;
            Ok((bytes.into(), None))
        }
        Some(Param::Text(text)) if text.contains("://") => {
            let shown: String = text.chars().take(200).collect();
            Err(bad(format!("Error in loading {shown} - the local cloud fetches nothing")))
        }
        Some(Param::Text(text)) if !text.is_empty() => {
            Ok((Bytes::copy_from_slice(text.as_bytes()), None))
        }
        _ => Err(super::reply::missing("file")),
    }
}

enum Pieces {
    Whole(Bytes),
    More(Reply),
}

/// Puts a large file together from requests with `Content-Range` and one `X-Unique-Upload-Id` (facts §2.3).
fn pieced_together(cloud: &Cloud, call: &Call, bytes: Bytes) -> Result<Pieces, Reply> {
    let header = |name: &str| call.headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(range), Some(id)) = (header("content-range"), header("x-unique-upload-id")) else {
        return Ok(Pieces::Whole(bytes));
    };
    let wrong = || bad(format!("Invalid Content-Range {range}"));
    let (part, total) =
        range.strip_prefix("bytes ").and_then(|r| r.split_once('/')).ok_or_else(wrong)?;
    let (first, last) = part.split_once('-').ok_or_else(wrong)?;
    let number = |text: &str| text.parse::<usize>().map_err(|_| wrong());
    let (first, last) = (number(first)?, number(last)?);
    if last < first || last - first + 1 != bytes.len() {
        return Err(wrong());
    }
    let mut pieces = cloud.pieces.lock().unwrap_or_else(PoisonError::into_inner);
    let open = pieces.len();
    let so_far = match pieces.entry(id.to_owned()) {
        Entry::Occupied(so_far) => so_far.into_mut(),
        Entry::Vacant(_) if open >= MOST_IN_PIECES => {
            return Err(bad("Too many uploads in pieces at a time"));
        }
        Entry::Vacant(room) => room.insert(Vec::new()),
    };
    if so_far.len() != first || last >= MOST_BYTES_IN_PIECES {
        pieces.remove(id);
        return Err(wrong());
    }
    so_far.extend_from_slice(&bytes);
    if total.parse() == Ok(last + 1) {
        return Ok(Pieces::Whole(pieces.remove(id).unwrap_or_default().into()));
    }
    let public_id = call.params.text("public_id").unwrap_or_default();
    let more =
        json!({"done": false, "bytes": so_far.len(), "public_id": public_id, "kind": "upload"});
    Ok(Pieces::More(Reply::ok(more)))
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
        Some(crate::local_cloud::content::Sniffed { format, size: None })
    };
    let found = found.or_else(|| by_name().filter(|_| resource_type == ResourceType::Raw));
    Ok((resource_type, Content::uploaded(bytes, found)))
}

/// The name that an upload gets.
fn chosen_id(
    cloud: &Cloud,
    params: &Params,
    content: &Content,
    resource_type: ResourceType,
    name: Option<&str>,
) -> Result<PublicId, Reply> {
    let given = params.text("public_id").map(str::to_owned);
    let id = match (given, name) {
        (Some(given), _) => given,
        (None, Some(name)) if params.switch("use_filename")? => {
            let base = if resource_type == ResourceType::Raw { name } else { stem(name) };
            let base: String =
                base.chars().map(|c| if r"?&#\%<>+/ ".contains(c) { '_' } else { c }).collect();
            if params.optional_switch("unique_filename")?.unwrap_or(true) {
                format!("{base}_{}", random_word(cloud, content, 6))
            } else {
                base
            }
        }
        (None, name) => {
            let extension = name.and_then(|name| name.rsplit_once('.')).map(|(_, ext)| ext);
            let word = random_word(cloud, content, 20);
            match extension.filter(|_| resource_type == ResourceType::Raw) {
                Some(extension) => format!("{word}.{extension}"),
                None => word,
            }
        }
    };
    let folder = params.text("public_id_prefix").or(params.text("folder"));
    let id = folder.map_or(id.clone(), |folder| format!("{}/{id}", folder.trim_matches('/')));
    new_public_id(&id)
}

/// File name without folders and extension.
fn stem(name: &str) -> &str {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

fn random_word(cloud: &Cloud, content: &Content, letters: u64) -> String {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let chance = Chance::new(cloud.settings.seed);
    let of = hash_bytes(cloud.request_id().as_bytes()) ^ content.length();
    let letter = |at| usize::try_from(chance.below(36, "name", &[of, at])).unwrap_or(0);
    (0..letters).map(|at| char::from(ALPHABET[letter(at)])).collect()
}

/// Several transformations, parted by bars.
fn chains(params: &Params, name: &str) -> Vec<String> {
    let texts = params.list(name).unwrap_or_default();
    texts
        .iter()
        .flat_map(|text| text.split('|'))
        .filter(|t| !t.is_empty())
        .map(str::to_owned)
        .collect()
}

fn make_eager(
    world: &mut crate::local_cloud::world::World,
    key: &AssetKey,
    chains: &[String],
    now: std::time::Duration,
) -> Vec<DerivedRow> {
    for chain in chains {
        world.make_eager(key, chain, now);
    }
    let Some(asset) = world.storage().get(key).cloned() else { return Vec::new() };
    let wanted = |row: &crate::local_cloud::world::asset::Derived| {
        chains.iter().any(|chain| {
            *chain == row.transformation || chain.starts_with(&format!("{}/", row.transformation))
        })
    };
    let rows = world.storage().derived(key).iter().filter(|row| wanted(row));
    rows.map(|row| DerivedRow::of(world, &asset, row)).collect()
}

fn add_eager(cloud: &Cloud, reply: &mut Map<String, Value>, made: &[DerivedRow]) {
    if !made.is_empty() {
        let base = cloud.delivery_base();
        let items: Vec<Value> = made.iter().map(|row| eager(row, &base)).collect();
        reply.insert("eager".to_owned(), json!(items));
    }
}

fn explicit(cloud: &Cloud, params: &Params, kind: &str) -> Result<Reply, Reply> {
    let key = named(params, kind, "public_id")?;
    params.required("type")?;
    let (attributes, invalidate) = (attributes(params), params.switch("invalidate")?);
    // what was delivered from this host is known; nothing else is ever fetched
    let is_unknown = || cloud.with(|world, _| world.storage().get(&key).is_none());
    if key.delivery_type == DeliveryType::Fetch && is_unknown() {
        return Err(bad("Images of type fetch are restricted in this account"));
    }
    let chains = chains(params, "eager");
    let (row, made) = cloud.with(|world, now| {
        let asset = world.explicit(&key, attributes, invalidate, now)?;
        let made = make_eager(world, &key, &chains, now);
        Ok::<_, Refusal>((Row::of(world, &asset), made))
    })?;
    let mut reply = replied(cloud, &row);
    add_eager(cloud, &mut reply, &made);
    Ok(Reply::ok(Value::Object(reply)))
}

fn rename(cloud: &Cloud, params: &Params, kind: &str) -> Result<Reply, Reply> {
    let from = named(params, kind, "from_public_id")?;
    let delivery_type = match params.text("to_type") {
        Some(_) => delivery_type(params, "to_type")?,
        None => from.delivery_type,
    };
    let public_id = new_public_id(params.required("to_public_id")?)?;
    let order = Rename {
        to: AssetKey { resource_type: from.resource_type, delivery_type, public_id },
        from,
        overwrite: params.switch("overwrite")?,
        invalidate: params.switch("invalidate")?,
    };
    let row = cloud.with(|world, now| {
        let asset = world.rename(&order, now)?;
        Ok::<_, Refusal>(Row::of(world, &asset))
    })?;
    Ok(Reply::ok(Value::Object(replied(cloud, &row))))
}

fn destroy(cloud: &Cloud, params: &Params, kind: &str) -> Result<Reply, Reply> {
    let raw = params.required("public_id")?;
    let invalidate = params.switch("invalidate")?;
    let (resource_type, delivery_type) = (resource_type(kind)?, delivery_type(params, "type")?);
    let Ok(public_id) = PublicId::from_cloud(raw) else {
        return Ok(Reply::ok(json!({"result": "not found"})));
    };
    let key = AssetKey { resource_type, delivery_type, public_id };
    let found = cloud.with(|world, now| world.destroy(&key, invalidate, now));
    Ok(Reply::ok(json!({"result": if found { "ok" } else { "not found" }})))
}

fn destroy_by_id(cloud: &Cloud, params: &Params) -> Result<Reply, Reply> {
    let id = HexId::parse(params.required("asset_id")?);
    let invalidate = params.switch("invalidate")?;
    let folder = cloud.with(|world, now| {
        let asset = world.storage().by_id(id?)?.clone();
        world.destroy(&asset.key, invalidate, now);
        Some(asset.asset_folder.clone())
    });
    Ok(Reply::ok(match folder {
        Some(folder) => json!({"result": "ok", "asset_folder": &*folder}),
        None => json!({"result": "not found"}),
    }))
}

/// The assets that a call names by `public_ids`.
fn named_many(params: &Params, kind: &str) -> Result<Vec<AssetKey>, Reply> {
    let (resource_type, delivery_type) = (resource_type(kind)?, delivery_type(params, "type")?);
    let ids = params.list("public_ids").ok_or_else(|| super::reply::missing("public_ids"))?;
    if ids.len() > 1000 {
        return Err(bad(format!("Too many public_ids: {}, maximum is 1000", ids.len())));
    }
    let keys = ids.iter().filter_map(|id| PublicId::from_cloud(id).ok());
    Ok(keys.map(|public_id| AssetKey { resource_type, delivery_type, public_id }).collect())
}

fn tags(cloud: &Cloud, params: &Params, kind: &str) -> Result<Reply, Reply> {
    let command = match params.required("command")? {
        "add" => TagCommand::Add,
        "remove" => TagCommand::Remove,
        "replace" => TagCommand::Replace,
        "set_exclusive" => TagCommand::SetExclusive,
        "remove_all" => TagCommand::RemoveAll,
        other => return Err(bad(format!("Invalid command {other}"))),
    };
    let tags = params.comma_list("tag").or(params.comma_list("tags")).unwrap_or_default();
    let keys = named_many(params, kind)?;
    let done = cloud.with(|world, now| world.tag(command, &tags, &keys, now));
    Ok(Reply::ok(json!({"public_ids": done})))
}

fn context(cloud: &Cloud, params: &Params, kind: &str) -> Result<Reply, Reply> {
    let adds = match params.required("command")? {
        "add" => true,
        "remove_all" => false,
        other => return Err(bad(format!("Invalid command {other}"))),
    };
    let given = params.pairs("context").unwrap_or_default();
    let keys = named_many(params, kind)?;
    let done = cloud.with(|world, now| {
        let change = |key: &AssetKey| {
            let asset = world.stored(key).ok()?;
            let mut context = if adds { asset.context.clone() } else { BTreeMap::default() };
            context.extend(given.clone());
            let attributes = Attributes { context: Some(context), ..Attributes::default() };
            world.update(key, attributes, now).ok().map(|asset| asset.key.public_id.to_string())
        };
        keys.iter().filter_map(change).collect::<Vec<_>>()
    });
    Ok(Reply::ok(json!({"public_ids": done})))
}
