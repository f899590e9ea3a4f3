//! The Search API (facts §3.9).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Cloud;
use super::admin::only;
use super::params::{Param, Params};
use super::reply::{Reply, bad};
use super::wire::{self, Row, Shown};
use crate::local_cloud::content::Format;
use crate::local_cloud::world::asset::StoredAsset;
use crate::local_cloud::world::refusal::Refusal;
use crate::local_cloud::world::search::Query;

pub fn answer(cloud: &Cloud, params: &Params) -> Result<Reply, Reply> {
    let query = Query {
        expression: params.text("expression").unwrap_or_default().to_owned(),
        sort_by: sort_by(params)?,
        limit: params.count("max_results", 50, 500)?,
        after: params.text("next_cursor").map(read_cursor).transpose()?,
    };
    let begin = cloud.clock.since_start();
    let (found, rows) = cloud.with(|world, now| {
        let found = world.search(&query, now)?;
        let rows = Row::many(world, &found.page);
        Ok::<_, Refusal>((found, rows))
    })?;
    let with = params.list("with_field").unwrap_or_default();
    let fields = params.comma_list("fields");
    let asks = |name: &str| {
        let named = |list: &[String]| list.iter().any(|field| field == name);
        named(&with) || fields.as_deref().is_some_and(named)
    };
    let shown = Shown { tags: asks("tags"), context: asks("context"), metadata: asks("metadata") };
    let base = cloud.delivery_base();
    let item = |row: &Row| {
        let fields = fields.clone().map(|mut fields| {
            let always = ["asset_folder", "created_at", "status"];
            fields.extend(always.map(str::to_owned));
            fields
        });
        only(wire::found(row, &base, shown), fields.as_deref())
    };
    let resources: Vec<Value> = rows.iter().map(item).collect();
    let took = u64::try_from(cloud.clock.since_start().saturating_sub(begin).as_millis())
        .unwrap_or(u64::MAX);
    let mut reply = json!({"total_count": found.all.len(), "time": took, "resources": resources});
    if let Some((fingerprint, end)) = found.next {
        reply["next_cursor"] = json!(hex::encode(format!("s:{fingerprint:x}:{end}")));
    }
    if let Some(by) = params.list("aggregate") {
        reply["aggregations"] = aggregations(&by, &found.all)?;
    }
    Ok(Reply::ok(reply))
}

/// `[{"created_at":"desc"}]`, as JSON or as text of it.
fn sort_by(params: &Params) -> Result<Vec<(String, bool)>, Reply> {
    let wrong = || bad("Invalid value for parameter sort_by");
    let value = match params.get("sort_by") {
        None => return Ok(Vec::new()),
        Some(Param::Json(value)) => value.clone(),
        Some(Param::Text(text)) => serde_json::from_str(text).map_err(|_| wrong())?,
        Some(Param::List(items)) if items.is_empty() => return Ok(Vec::new()),
        Some(_) => return Err(wrong()),
    };
    let items = match value {
        Value::Array(items) => items,
        one => vec![one],
    };
    let mut fields = Vec::new();
    for item in items {
        let Value::Object(item) = item else { return Err(wrong()) };
        for (field, direction) in item {
            match direction.as_str() {
                Some("asc") => fields.push((field, false)),
                Some("desc") => fields.push((field, true)),
                _ => return Err(wrong()),
            }
        }
    }
    Ok(fields)
}

fn read_cursor(text: &str) -> Result<(u64, usize), Reply> {
    let read = || {
        let plain = String::from_utf8(hex::decode(text).ok()?).ok()?;
        let (fingerprint, end) = plain.strip_prefix("s:")?.split_once(':')?;
        Some((u64::from_str_radix(fingerprint, 16).ok()?, end.parse().ok()?))
    };
    read().ok_or_else(|| bad("Invalid value for parameter next_cursor"))
}

/// How many matches there are of each kind.
fn aggregations(by: &[String], all: &[std::sync::Arc<StoredAsset>]) -> Result<Value, Reply> {
    let mut reply = Map::new();
    for field in by {
        let value = |asset: &StoredAsset| match field.as_str() {
            "format" => Some(asset.format().map_or("", Format::as_str)),
            "resource_type" => Some(asset.key.resource_type.as_str()),
            "type" => Some(asset.key.delivery_type.as_str()),
            _ => None,
        };
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for asset in all {
            let value = value(asset)
                .ok_or_else(|| bad(format!("Invalid value for parameter aggregate: {field}")))?;
            *counts.entry(value).or_default() += 1;
        }
        reply.insert(field.clone(), json!(counts));
    }
    Ok(Value::Object(reply))
}
