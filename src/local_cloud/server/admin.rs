//! The Admin API: Basic authentication, an hourly quota (facts §3).

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::Cloud;
use super::api::Call;
use super::auth::Account;
use super::params::Params;
use super::removal::{
    delete_backups, delete_by_asset_ids, delete_derived, invalidate_by_urls, removed, restore,
    restore_by_id, selected,
};
use super::reply::{Reply, bad, missing, quota_exceeded};
use super::upload::{attributes, known_public_id};
use super::wire::{self, DerivedRow, Row, Shown};
use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};
use crate::domain::public_id::PublicId;
use crate::domain::time::Timestamp;
use crate::local_cloud::world::World;
use crate::local_cloud::world::asset::HexId;
use crate::local_cloud::world::listing::{ListOrder, Page, Position, Selection};
use crate::local_cloud::world::refusal::Refusal;
use crate::local_cloud::world::removal::Doomed;

/// Names in one call by names, at most.
const MOST_NAMED: usize = 100;

pub(super) type Answer = Result<Reply, Reply>;

pub fn answer(cloud: &Cloud, call: &Call, account: &Account<'_>) -> Answer {
    let path = call.path();
    let by_urls = path == ["derived_resources", "invalidate_by_urls"];
    if by_urls && call.params.text("signature").is_some() {
        account.check_signed(&call.headers, &call.params, cloud.clock.wall())?;
    } else {
        account.check_basic(&call.headers)?;
    }
    let quota = cloud.with(World::take_quota).map_err(quota_exceeded)?;
    let answered = match call.method {
        Method::GET => read(cloud, &path, &call.params),
        Method::POST | Method::PUT => write(cloud, call, &path),
        Method::DELETE => delete(cloud, &path, &call.params),
        _ => Err(Reply::error(405, "Method not allowed")),
    };
    let reply = answered.unwrap_or_else(|refused| refused);
    Ok(reply.with_quota(quota))
}

fn read(cloud: &Cloud, path: &[&str], params: &Params) -> Answer {
    match path {
        ["ping"] => Ok(Reply::ok(json!({"status": "ok"}))),
        ["config"] => config(cloud, params),
        ["usage"] | ["usage", _] => Ok(usage(cloud)),
        ["resources"] => {
            Ok(Reply::ok(json!({"resource_types": ResourceType::ALL.map(ResourceType::as_str)})))
        }
        ["resources", "search"] => super::search::answer(cloud, params),
        ["resources", "visual_search"] => Err(Reply::no_such_endpoint(&path.join("/"))),
        ["folders", "search"] => super::search::folders(cloud, params),
        ["resources", "by_asset_ids"] => by_asset_ids(cloud, params),
        ["resources", "by_asset_folder"] => {
            let folder = params.text("asset_folder").unwrap_or_default().trim_matches('/');
            listed(cloud, params, None, None, Selection::Folder(folder.to_owned()))
        }
        ["resources", id] if HexId::parse(id).is_some() => {
            let key = HexId::parse(id).and_then(|id| cloud.with(|world, _| world.key_of(id)));
            let key = key.ok_or_else(|| Refusal::NotFound { id: (*id).to_owned() })?;
            detail(cloud, params, &key)
        }
        ["resources", kind] => {
            listed(cloud, params, Some(resource_type(kind)?), None, selection(params))
        }
        ["resources", kind, "tags", tag @ ..] if !tag.is_empty() => {
            let tag = Selection::Tag(tag.join("/"));
            listed(cloud, params, Some(resource_type(kind)?), None, tag)
        }
        ["resources", kind, "context"] => {
            let key = params.required("key")?.to_owned();
            let value = params.text("value").map(str::to_owned);
            let context = Selection::Context { key, value };
            listed(cloud, params, Some(resource_type(kind)?), None, context)
        }
        ["resources", kind, "moderations", ..] => {
            resource_type(kind)?;
            Ok(Reply::ok(json!({"resources": []})))
        }
        ["resources", kind, delivery] => {
            let (kind, delivery) = (resource_type(kind)?, delivery_type(delivery)?);
            match params.list("public_ids") {
                Some(ids) => by_public_ids(cloud, params, kind, delivery, &ids),
                None => listed(cloud, params, Some(kind), Some(delivery), selection(params)),
            }
        }
        ["resources", kind, delivery, id @ ..] => detail(cloud, params, &key(kind, delivery, id)?),
        ["tags", kind] => tags(cloud, params, resource_type(kind)?),
        ["folders"] => folders(cloud, ""),
        ["folders", path @ ..] => folders(cloud, &path.join("/")),
        _ => Err(Reply::no_such_endpoint(&path.join("/"))),
    }
}

fn write(cloud: &Cloud, call: &Call, path: &[&str]) -> Answer {
    let params = &call.params;
    match (call.method.as_str(), path) {
        ("POST", ["resources", "search"]) => super::search::answer(cloud, params),
        ("POST", ["folders", "search"]) => super::search::folders(cloud, params),
        ("POST", ["resources", "restore"]) => restore_by_id(cloud, params),
        ("POST", ["resources", kind, delivery, "restore"]) => {
            restore(cloud, params, resource_type(kind)?, delivery_type(delivery)?)
        }
        ("PUT", ["resources", id]) if HexId::parse(id).is_some() => {
            let key = HexId::parse(id).and_then(|id| cloud.with(|world, _| world.key_of(id)));
            let key = key.ok_or_else(|| Refusal::NotFound { id: (*id).to_owned() })?;
            update(cloud, params, &key)
        }
        ("POST", ["resources", kind, delivery, id @ ..]) if !id.is_empty() => {
            update(cloud, params, &key(kind, delivery, id)?)
        }
        ("POST", ["folders", folder @ ..]) if !folder.is_empty() => {
            let folder = folder.join("/");
            cloud.with(|world, now| world.make_folder(&folder, now))?;
            let name = folder.rsplit('/').next().unwrap_or_default();
            Ok(Reply::ok(json!({"success": true, "path": folder, "name": name})))
        }
        ("PUT", ["folders", folder @ ..]) if !folder.is_empty() => {
            let (from, to) =
                (folder.join("/"), params.required("to_folder")?.trim_matches('/').to_owned());
            cloud.with(|world, now| world.move_folder(&from, &to, now))?;
            Ok(Reply::ok(json!({"from": folder_json(&from), "to": folder_json(&to)})))
        }
        _ => Err(Reply::no_such_endpoint(&path.join("/"))),
    }
}

fn delete(cloud: &Cloud, path: &[&str], params: &Params) -> Answer {
    match path {
        ["resources"] => delete_by_asset_ids(cloud, params),
        ["resources", "backup", id] => delete_backups(cloud, params, id),
        ["resources", kind, "tags", tag @ ..] if !tag.is_empty() => {
            let doomed = Doomed::Tag { resource_type: resource_type(kind)?, tag: tag.join("/") };
            removed(cloud, params, doomed)
        }
        ["resources", kind, delivery] => {
            let doomed = selected(params, resource_type(kind)?, delivery_type(delivery)?)?;
            removed(cloud, params, doomed)
        }
        ["derived_resources"] => delete_derived(cloud, params),
        ["derived_resources", "invalidate_by_urls"] => invalidate_by_urls(cloud, params),
        ["folders", folder @ ..] if !folder.is_empty() => {
            let gone = cloud.with(|world, now| world.remove_folder(&folder.join("/"), now))?;
            Ok(Reply::ok(json!({"deleted": gone})))
        }
        _ => Err(Reply::no_such_endpoint(&path.join("/"))),
    }
}

fn resource_type(word: &str) -> Result<ResourceType, Reply> {
    word.parse().map_err(|_| Reply::error(404, &format!("Invalid resource type {word}")))
}

fn delivery_type(word: &str) -> Result<DeliveryType, Reply> {
    word.parse().map_err(|_| Reply::error(404, &format!("Invalid type {word}")))
}

fn key(kind: &str, delivery: &str, id: &[&str]) -> Result<AssetKey, Reply> {
    Ok(AssetKey {
        resource_type: resource_type(kind)?,
        delivery_type: delivery_type(delivery)?,
        public_id: known_public_id(&id.join("/"))?,
    })
}

fn config(cloud: &Cloud, params: &Params) -> Answer {
    let created_at = wire::time(cloud.clock.started_at().as_second());
    let mut config = json!({"cloud_name": cloud.settings.cloud_name, "created_at": created_at});
    if params.switch("settings")? {
        config["settings"] = json!({"folder_mode": "dynamic"});
    }
    Ok(Reply::ok(config))
}

fn usage(cloud: &Cloud) -> Reply {
    let (assets, derived, bytes, used, now) = cloud.with(|world, _| {
        let storage = world.storage();
        let contents: Vec<_> = storage.iter().map(|asset| asset.content.clone()).collect();
        (storage.len(), storage.derived_count(), contents, world.quota_used(), world.unix_now())
    });
    let bytes: u64 = bytes.iter().map(|content| content.length()).sum();
    let credits = bytes as f64 / f64::from(1 << 30);
    Reply::ok(json!({
        "plan": "Local",
        "last_updated": wire::time(now).get(..10),
        "transformations": {"usage": derived, "credits_usage": 0.0},
        "objects": {"usage": assets + derived},
        "bandwidth": {"usage": 0, "credits_usage": 0.0},
        "storage": {"usage": bytes, "credits_usage": credits},
        "credits": {"usage": credits, "limit": 25.0, "used_percent": credits * 4.0},
        "requests": used,
        "resources": assets,
        "derived_resources": derived,
        "media_limits": {
            "image_max_size_bytes": 104_857_600, "video_max_size_bytes": 104_857_600,
            "raw_max_size_bytes": 104_857_600, "image_max_px": 25_000_000, "asset_max_total_px": 50_000_000,
        },
    }))
}

fn selection(params: &Params) -> Selection {
    params.text("prefix").map_or(Selection::All, |prefix| Selection::Prefix(prefix.to_owned()))
}

fn shown(params: &Params) -> Result<Shown, Reply> {
    Ok(Shown {
        tags: params.switch("tags")?,
        // these names may also carry values
        context: params.optional_switch("context").unwrap_or_default().unwrap_or(false),
        metadata: params.optional_switch("metadata").unwrap_or_default().unwrap_or(false),
    })
}

fn listed(
    cloud: &Cloud,
    params: &Params,
    resource_type: Option<ResourceType>,
    delivery_type: Option<DeliveryType>,
    selection: Selection,
) -> Answer {
    if matches!(selection, Selection::Prefix(_)) && delivery_type.is_none() {
        return Err(bad("Parameter prefix is only supported with a type"));
    }
    let order = ListOrder {
        resource_type,
        delivery_type,
        selection,
        oldest_first: matches!(params.text("direction"), Some("asc" | "1")),
        start_at: start_at(params)?,
        limit: params.count("max_results", 10, 500)?,
        after: params.text("next_cursor").map(read_cursor).transpose()?,
    };
    let (page, rows) = cloud.with(|world, now| {
        let page = world.list(&order, now);
        let rows = Row::many(world, &page.assets);
        (page, rows)
    });
    page_reply(cloud, params, &rows, &page)
}

fn page_reply(cloud: &Cloud, params: &Params, rows: &[Row], page: &Page) -> Result<Reply, Reply> {
    let (base, shown) = (cloud.delivery_base(), shown(params)?);
    let fields = params.comma_list("fields");
    let items = rows.iter().map(|row| only(wire::item(row, &base, shown), fields.as_deref()));
    let mut reply = json!({"resources": items.collect::<Vec<_>>()});
    if let Some(next) = &page.next {
        reply["next_cursor"] = json!(write_cursor(next));
    }
    Ok(Reply::ok(reply))
}

/// The fields that were asked for; the ones that name the asset are always there.
pub fn only(mut item: Map<String, Value>, fields: Option<&[String]>) -> Value {
    const ALWAYS: [&str; 4] = ["asset_id", "public_id", "resource_type", "type"];
    if let Some(fields) = fields.filter(|fields| !fields.is_empty()) {
        item.retain(|name, _| ALWAYS.contains(&name.as_str()) || fields.contains(name));
    }
    Value::Object(item)
}

fn start_at(params: &Params) -> Result<Option<i64>, Reply> {
    let Some(text) = params.text("start_at") else { return Ok(None) };
    let wrong = || bad(format!("Invalid value for parameter start_at: {text}"));
    if let Ok(day) = text.parse::<jiff::civil::Date>() {
        let at = day.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| wrong())?;
        return Ok(Some(at.timestamp().as_second()));
    }
    text.parse::<Timestamp>().map(|at| Some(at.as_second())).map_err(|_| wrong())
}

/// A place in a listing, as text nobody should read.
pub(super) fn write_cursor(position: &Position) -> String {
    hex::encode(match position {
        Position::Name(id) => format!("n:{id}"),
        Position::Age(kind, created_at, order) => format!("a:{kind}:{created_at}:{order}"),
    })
}

pub(super) fn read_cursor(text: &str) -> Result<Position, Reply> {
    let read = || {
        let plain = String::from_utf8(hex::decode(text).ok()?).ok()?;
        if let Some(id) = plain.strip_prefix("n:") {
            return Some(Position::Name(id.to_owned()));
        }
        let mut parts = plain.strip_prefix("a:")?.split(':');
        let kind = parts.next()?.parse().ok()?;
        Some(Position::Age(kind, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    };
    read().ok_or_else(|| bad("Invalid value for parameter next_cursor"))
}

fn by_public_ids(
    cloud: &Cloud,
    params: &Params,
    resource_type: ResourceType,
    delivery_type: DeliveryType,
    ids: &[String],
) -> Answer {
    check_count("public_ids", ids.len())?;
    let keys: Vec<AssetKey> = ids
        .iter()
        .filter_map(|id| PublicId::from_cloud(id).ok())
        .map(|public_id| AssetKey { resource_type, delivery_type, public_id })
        .collect();
    let rows = cloud.with(|world, now| {
        let assets = world.pick(&keys, now);
        Row::many(world, &assets)
    });
    page_reply(cloud, params, &rows, &Page::default())
}

fn by_asset_ids(cloud: &Cloud, params: &Params) -> Answer {
    let ids = params.list("asset_ids").ok_or_else(|| missing("asset_ids"))?;
    check_count("asset_ids", ids.len())?;
    let rows = cloud.with(|world, now| {
        world.advance(now);
        let found = ids.iter().filter_map(|id| world.storage().by_id(HexId::parse(id)?));
        found.map(|asset| Row::of(world, asset)).collect::<Vec<_>>()
    });
    page_reply(cloud, params, &rows, &Page::default())
}

pub(super) fn check_count(name: &str, count: usize) -> Result<(), Reply> {
    if count > MOST_NAMED {
        return Err(bad(format!("Too many {name}: {count}, maximum is {MOST_NAMED}")));
    }
    Ok(())
}

fn detail(cloud: &Cloud, params: &Params, key: &AssetKey) -> Answer {
    let (row, derived, versions) = cloud.with(|world, now| {
        let detail = world.detail(key, now)?;
        let row = Row { placeholder: detail.placeholder, ..Row::of(world, &detail.asset) };
        let derived: Vec<DerivedRow> =
            detail.derived.iter().map(|one| DerivedRow::of(world, &detail.asset, one)).collect();
        Ok::<_, Refusal>((row, derived, detail.versions))
    })?;
    let base = cloud.delivery_base();
    let mut reply = wire::detail(&row, &base);
    let limit = params.count("max_results", 10, 500)?;
    let skip = match params.text("derived_next_cursor") {
        None => 0,
        Some(cursor) => read_offset(cursor)?,
    };
    let page: Vec<Value> =
        derived.iter().skip(skip).take(limit).map(|one| wire::derived(one, &base)).collect();
    let end = skip + page.len();
    reply.insert("derived".to_owned(), json!(page));
    if end < derived.len() {
        let cursor = hex::encode(format!("d:{end}"));
        reply.insert("next_cursor".to_owned(), json!(cursor));
        reply.insert("derived_next_cursor".to_owned(), json!(cursor));
    }
    if params.switch("versions")? {
        let versions: Vec<Value> = versions.iter().map(|kept| wire::version(kept)).collect();
        reply.insert("versions".to_owned(), json!(versions));
    }
    Ok(Reply::ok(Value::Object(reply)))
}

fn read_offset(cursor: &str) -> Result<usize, Reply> {
    let plain = hex::decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let offset = plain.as_deref().and_then(|text| text.strip_prefix("d:")?.parse().ok());
    offset.ok_or_else(|| bad("Invalid value for parameter derived_next_cursor"))
}

fn update(cloud: &Cloud, params: &Params, key: &AssetKey) -> Answer {
    let attributes = attributes(params);
    let row = cloud.with(|world, now| {
        let asset = world.update(key, attributes, now)?;
        Ok::<_, Refusal>(Row::of(world, &asset))
    })?;
    Ok(Reply::ok(Value::Object(wire::detail(&row, &cloud.delivery_base()))))
}

fn tags(cloud: &Cloud, params: &Params, kind: ResourceType) -> Answer {
    let limit = params.count("max_results", 10, 500)?;
    let prefix = params.text("prefix").unwrap_or_default();
    let after = match params.text("next_cursor").map(read_cursor).transpose()? {
        Some(Position::Name(tag)) => Some(tag),
        _ => None,
    };
    let mut tags = cloud.with(|world, now| world.tags(kind, prefix, after.as_deref(), now));
    let more = tags.len() > limit;
    tags.truncate(limit);
    let mut reply = json!({"tags": tags});
    if let Some(last) = tags.last().filter(|_| more) {
        reply["next_cursor"] = json!(write_cursor(&Position::Name(last.clone())));
    }
    Ok(Reply::ok(reply))
}

fn folder_json(path: &str) -> Value {
    json!({"name": path.rsplit('/').next().unwrap_or_default(), "path": path})
}

fn folders(cloud: &Cloud, path: &str) -> Answer {
    let found = cloud.with(|world, now| world.folders(path, now))?;
    let chance = crate::local_cloud::chance::Chance::new(cloud.settings.seed);
    let items: Vec<Value> = found
        .iter()
        .map(|folder| {
            let id = chance.id("folder", &[crate::local_cloud::chance::hash_text(&folder.path)]);
            json!({"name": folder.name, "path": folder.path, "external_id": hex::encode(id)})
        })
        .collect();
    let total = items.len();
    Ok(Reply::ok(json!({"folders": items, "next_cursor": null, "total_count": total})))
}
