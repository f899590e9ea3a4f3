//! Listings of the Admin API, the detail of one asset, and tags (facts §3.2).

use jiff::fmt::rfc2822;
use jiff::{Timestamp, civil, tz};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Cloud;
use super::admin::Answer;
use super::params::{Param, Params};
use super::reply::{Reply, bad, missing};
use super::upload::attributes;
use super::wire::{self, DerivedRow, Item, Row, Shown};
use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};
use crate::domain::public_id::PublicId;
use crate::local_cloud::world::asset::HexId;
use crate::local_cloud::world::listing::{ListOrder, Page, Position, Selection};
use crate::local_cloud::world::refusal::Refusal;

/// Names in one call by names, at most.
const MOST_NAMED: usize = 100;
/// Items of one page at most, and where no number is asked for.
const PAGE: (usize, usize) = (500, 10);

pub fn selection(params: &Params) -> Selection {
    params.text("prefix").map_or(Selection::All, |prefix| Selection::Prefix(prefix.to_owned()))
}

/// What is shown of each item beside the usual fields: what a switch, or `fields`, names.
fn shown(params: &Params, fields: Option<&[String]>) -> Shown {
    let asks = |name: &str| {
        // some of these names may carry other values
        let switched = params.optional_switch(name).unwrap_or_default().unwrap_or(false);
        switched || fields.is_some_and(|fields| fields.iter().any(|field| field == name))
    };
    Shown { tags: asks("tags"), context: asks("context"), metadata: asks("metadata") }
}

/// Names in a list, or in one text with commas.
pub fn named(params: &Params, name: &str) -> Option<Vec<String>> {
    match params.get(name)? {
        Param::Text(_) => params.comma_list(name),
        _ => params.list(name),
    }
}

pub fn listed(
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
        oldest_first: oldest_first(params)?,
        start_at: start_at(params)?,
        limit: params.count("max_results", PAGE.1, PAGE.0)?,
        after: params.text("next_cursor").map(read_cursor).transpose()?,
    };
    // a cursor of another kind of listing would begin anew, and never end
    match (&order.selection, &order.after) {
        (_, None)
        | (Selection::Prefix(_), Some(Position::Name(_)))
        | (
            Selection::All
            | Selection::Tag(_)
            | Selection::Folder(_)
            | Selection::Context { .. }
            | Selection::Moderation { .. },
            Some(Position::Age(..)),
        ) => {}
        _ => return Err(wrong_cursor()),
    }
    let (page, rows) = cloud.with(|world, now| {
        let page = world.list(&order, now);
        let rows = Row::many(world, &page.assets);
        (page, rows)
    });
    page_reply(cloud, params, &rows, &page)
}

fn page_reply(cloud: &Cloud, params: &Params, rows: &[Row], page: &Page) -> Result<Reply, Reply> {
    let base = cloud.delivery_base();
    let fields = params.comma_list("fields");
    let fields = fields.as_deref();
    let shown = shown(params, fields);
    let moderated = params.switch("moderations")?;
    let next_cursor = page.next.as_ref().map(Position::to_cursor);
    if fields.is_none() && !moderated {
        let resources = rows.iter().map(|row| Item::of(row, &base, shown)).collect();
        return Ok(Reply::written(&PageReply { resources, next_cursor }));
    }
    let items = rows.iter().map(|row| {
        let mut item = Item::of(row, &base, shown).into_map();
        if moderated {
            wire::moderation(&mut item, &row.asset);
        }
        only(item, fields)
    });
    Ok(Reply::written(&PageReply { resources: items.collect(), next_cursor }))
}

#[derive(Serialize)]
struct PageReply<T> {
    resources: Vec<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// The fields that were asked for; the ones that name the asset are always there.
fn only(mut item: Map<String, Value>, fields: Option<&[String]>) -> Value {
    const ALWAYS: [&str; 4] = ["asset_id", "public_id", "resource_type", "type"];
    if let Some(fields) = fields.filter(|fields| !fields.is_empty()) {
        item.retain(|name, _| ALWAYS.contains(&name.as_str()) || fields.contains(name));
    }
    Value::Object(item)
}

fn oldest_first(params: &Params) -> Result<bool, Reply> {
    match params.text("direction") {
        None => Ok(false),
        Some(text) if text.eq_ignore_ascii_case("desc") || text == "-1" => Ok(false),
        Some(text) if text.eq_ignore_ascii_case("asc") || text == "1" => Ok(true),
        Some(text) => Err(bad(format!("Invalid value for parameter direction: {text}"))),
    }
}

fn start_at(params: &Params) -> Result<Option<i64>, Reply> {
    let Some(text) = params.text("start_at") else { return Ok(None) };
    let wrong = || bad(format!("Invalid value for parameter start_at: {text}"));
    read_time(text).map(|at| Some(at.as_second())).ok_or_else(wrong)
}

/// A time as clients write it: ISO 8601, `2026-01-31 12:00:00 UTC` with or without its end, or as HTTP does. UTC
/// where no zone is named.
fn read_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse() {
        return Some(at);
    }
    if let Ok(at) = rfc2822::DateTimeParser::new().parse_timestamp(text) {
        return Some(at);
    }
    let bare = text.strip_suffix("UTC").unwrap_or(text).trim_end();
    let at: civil::DateTime = bare.parse().ok()?;
    at.to_zoned(tz::TimeZone::UTC).ok().map(|at| at.timestamp())
}

/// Where a listing goes on.
pub fn read_cursor(text: &str) -> Result<Position, Reply> {
    Position::from_cursor(text).ok_or_else(wrong_cursor)
}

fn wrong_cursor() -> Reply {
    bad("Invalid value for parameter next_cursor")
}

/// How many items came before, as text nobody should read.
pub fn write_offset(offset: usize) -> String {
    hex::encode(format!("d:{offset}"))
}

/// How many items came before: none where there is no cursor of this name.
pub fn read_offset(params: &Params, name: &str) -> Result<usize, Reply> {
    let Some(cursor) = params.text(name) else { return Ok(0) };
    let plain = hex::decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let offset = plain.as_deref().and_then(|text| text.strip_prefix("d:")?.parse().ok());
    offset.ok_or_else(|| bad(format!("Invalid value for parameter {name}")))
}

pub fn by_public_ids(
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

pub fn by_asset_ids(cloud: &Cloud, params: &Params) -> Answer {
    let ids = named(params, "asset_ids").ok_or_else(|| missing("asset_ids"))?;
    check_count("asset_ids", ids.len())?;
    let rows = cloud.with(|world, now| {
        world.advance(now);
        let found = ids.iter().filter_map(|id| world.storage().by_id(HexId::parse(id)?));
        found.map(|asset| Row::of(world, asset)).collect::<Vec<_>>()
    });
    page_reply(cloud, params, &rows, &Page::default())
}

pub fn check_count(name: &str, count: usize) -> Result<(), Reply> {
    if count > MOST_NAMED {
        return Err(bad(format!("Too many {name}: {count}, maximum is {MOST_NAMED}")));
    }
    Ok(())
}

pub fn detail(cloud: &Cloud, params: &Params, key: &AssetKey) -> Answer {
    let (row, derived, versions) = cloud.with(|world, now| {
        let detail = world.detail(key, now)?;
        let row = Row { placeholder: detail.placeholder, ..Row::of(world, &detail.asset) };
        let derived: Vec<DerivedRow> =
            detail.derived.iter().map(|one| DerivedRow::of(world, &detail.asset, one)).collect();
        Ok::<_, Refusal>((row, derived, detail.versions))
    })?;
    let base = cloud.delivery_base();
    let mut reply = wire::detail(&row, &base);
    wire::moderation(&mut reply, &row.asset);
    let limit = params.count("max_results", PAGE.1, PAGE.0)?;
    let skip = read_offset(params, "derived_next_cursor")?;
    let page: Vec<Value> =
        derived.iter().skip(skip).take(limit).map(|one| wire::derived(one, &base)).collect();
    let end = skip + page.len();
    reply.insert("derived".to_owned(), json!(page));
    if end < derived.len() {
        let cursor = write_offset(end);
        reply.insert("next_cursor".to_owned(), json!(cursor));
        reply.insert("derived_next_cursor".to_owned(), json!(cursor));
    }
    if params.switch("versions")? {
        let versions: Vec<Value> = versions.iter().map(|kept| wire::version(kept)).collect();
        reply.insert("versions".to_owned(), json!(versions));
    }
    Ok(Reply::ok(Value::Object(reply)))
}

pub fn update(cloud: &Cloud, params: &Params, key: &AssetKey) -> Answer {
    let attributes = attributes(params)?;
    let row = cloud.with(|world, now| {
        let asset = world.update(key, attributes, now)?;
        Ok::<_, Refusal>(Row::of(world, &asset))
    })?;
    let mut reply = wire::detail(&row, &cloud.delivery_base());
    wire::moderation(&mut reply, &row.asset);
    Ok(Reply::ok(Value::Object(reply)))
}

pub fn tags(cloud: &Cloud, params: &Params, kind: ResourceType) -> Answer {
    let limit = params.count("max_results", PAGE.1, PAGE.0)?;
    let prefix = params.text("prefix").unwrap_or_default();
    let after = match params.text("next_cursor").map(read_cursor).transpose()? {
        Some(Position::Name(tag)) => Some(tag),
        Some(Position::Age(..)) => return Err(wrong_cursor()),
        None => None,
    };
    let mut tags = cloud.with(|world, now| world.tags(kind, prefix, after.as_deref(), now));
    let more = tags.len() > limit;
    tags.truncate(limit);
    let mut reply = json!({"tags": tags});
    if let Some(last) = tags.last().filter(|_| more) {
        reply["next_cursor"] = json!(Position::Name(last.clone()).to_cursor());
    }
    Ok(Reply::ok(reply))
}
