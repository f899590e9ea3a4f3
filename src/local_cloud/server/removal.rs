//! The part of the Admin API that takes away, and brings back (facts §3.3, §3.6).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Cloud;
use super::admin::{Answer, check_count, read_cursor};
use super::params::Params;
use super::reply::{Reply, bad, missing};
use super::wire::{self, Row};
use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};
use crate::domain::public_id::PublicId;
use crate::local_cloud::world::asset::HexId;
use crate::local_cloud::world::backups::NotRestored;
use crate::local_cloud::world::listing::Position;
use crate::local_cloud::world::refusal::Refusal;
use crate::local_cloud::world::removal::{Doomed, Removal, Removals};

/// The one selector of a delete.
pub fn selected(
    params: &Params,
    resource_type: ResourceType,
    delivery_type: DeliveryType,
) -> Result<Doomed, Reply> {
    let ids = params.list("public_ids").filter(|ids| !ids.is_empty());
    let prefix = params.text("prefix");
    match (ids, prefix, params.switch("all")?) {
        (Some(ids), None, false) => {
            check_count("public_ids", ids.len())?;
            let key = |id: &String| {
                let public_id = PublicId::from_cloud(id).ok()?;
                Some(AssetKey { resource_type, delivery_type, public_id })
            };
            Ok(Doomed::Keys(once(&ids).map(|id| (id.clone(), key(id))).collect()))
        }
        (None, Some(prefix), false) => {
            Ok(Doomed::Prefix { resource_type, delivery_type, prefix: prefix.to_owned() })
        }
        (None, None, true) => Ok(Doomed::All { resource_type, delivery_type }),
        (None, None, false) => Err(missing("public_ids, prefix or all")),
        _ => Err(bad("Only one of public_ids, prefix and all may be given")),
    }
}

/// What a call names, a hundred at most.
fn named(params: &Params, name: &str) -> Result<Vec<String>, Reply> {
    let given = params.list(name).filter(|all| !all.is_empty()).ok_or_else(|| missing(name))?;
    check_count(name, given.len())?;
    Ok(given)
}

/// Each of these once: a name that is given twice is told by what came of it first.
fn once(ids: &[String]) -> impl Iterator<Item = &String> {
    let mut seen = BTreeSet::new();
    ids.iter().filter(move |id| seen.insert(id.as_str()))
}

/// Deletes by asset IDs, of any types. The reply names what it deleted by these IDs (the service may say public IDs:
/// not known).
pub fn delete_by_asset_ids(cloud: &Cloud, params: &Params) -> Answer {
    let ids = named(params, "asset_ids")?;
    let keys = cloud.with(|world, now| {
        world.advance(now);
        let key = |id: &String| world.storage().by_id(HexId::parse(id)?).map(|one| one.key.clone());
        once(&ids).map(|id| (id.clone(), key(id))).collect()
    });
    removed(cloud, params, Doomed::Keys(keys))
}

pub fn removed(cloud: &Cloud, params: &Params, doomed: Doomed) -> Answer {
    let transformations = params.list("transformations").unwrap_or_default();
    let after = match params.text("next_cursor").map(read_cursor).transpose()? {
        Some(Position::Name(id)) => Some(id),
        _ => None,
    };
    let order = Removal {
        doomed,
        keep_original: params.switch("keep_original")?,
        transformations: transformations
            .iter()
            .flat_map(|text| text.split('|'))
            .map(str::to_owned)
            .collect(),
        invalidate: params.switch("invalidate")?,
        after,
    };
    let Removals { removed, next } = cloud.with(|world, now| world.remove_many(&order, now));
    let word = |found| if found { "deleted" } else { "not_found" };
    let deleted: Map<String, Value> =
        removed.iter().map(|one| (one.name.clone(), json!(word(one.found)))).collect();
    let counts: Map<String, Value> = removed
        .iter()
        .map(|one| (one.name.clone(), json!({"original": one.originals, "derived": one.derived})))
        .collect();
    let mut reply =
        json!({"deleted": deleted, "deleted_counts": counts, "partial": next.is_some()});
    if let Some(next) = next {
        reply["next_cursor"] = json!(Position::Name(next).to_cursor());
    }
    Ok(Reply::ok(reply))
}

pub fn delete_derived(cloud: &Cloud, params: &Params) -> Answer {
    let ids = named(params, "derived_resource_ids")?;
    let invalidate = params.switch("invalidate")?;
    let known: Vec<HexId> = ids.iter().filter_map(|id| HexId::parse(id)).collect();
    let gone = cloud.with(|world, now| world.remove_derived(&known, invalidate, now));
    let found: BTreeSet<String> =
        gone.iter().filter(|(_, found)| *found).map(|(id, _)| id.to_string()).collect();
    let word = |id: &String| if found.contains(id) { "deleted" } else { "not_found" };
    let deleted: Map<String, Value> = ids.iter().map(|id| (id.clone(), json!(word(id)))).collect();
    Ok(Reply::ok(json!({"deleted": deleted})))
}

/// Known from an official client only (`facts/edges…` §5): drops exactly the named URLs.
pub fn invalidate_by_urls(cloud: &Cloud, params: &Params) -> Answer {
    let urls = named(params, "urls")?;
    let mut paths = BTreeSet::new();
    for url in &urls {
        paths.insert(path_of(url).ok_or_else(|| bad(format!("Invalid url: {url}")))?);
    }
    cloud.with(|world, now| world.invalidate_urls(paths, now));
    Ok(Reply::ok(json!({"invalidation": {"took": 0.01, "urls": urls}})))
}

/// Path and query of a URL: what caches key on.
fn path_of(url: &str) -> Option<String> {
    if url.starts_with('/') {
        return Some(url.to_owned());
    }
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    rest.find('/').map(|at| rest[at..].split('#').next().unwrap_or_default().to_owned())
}

pub fn restore(
    cloud: &Cloud,
    params: &Params,
    resource_type: ResourceType,
    delivery_type: DeliveryType,
) -> Answer {
    let ids = named(params, "public_ids")?;
    let key = |id: &String| {
        let public_id = PublicId::from_cloud(id).ok()?;
        Some(AssetKey { resource_type, delivery_type, public_id })
    };
    restored(cloud, params, ids.iter().map(|id| (id.clone(), key(id))).collect())
}

pub fn restore_by_id(cloud: &Cloud, params: &Params) -> Answer {
    let ids = named(params, "asset_ids")?;
    let keys = cloud.with(|world, _| {
        let key = |id: &String| HexId::parse(id).and_then(|id| world.key_of(id));
        ids.iter().map(|id| (id.clone(), key(id))).collect()
    });
    restored(cloud, params, keys)
}

fn restored(cloud: &Cloud, params: &Params, keys: Vec<(String, Option<AssetKey>)>) -> Answer {
    let versions = params.list("versions");
    if versions.as_ref().is_some_and(|versions| versions.len() != keys.len()) {
        return Err(bad("versions must have as many items as there are assets"));
    }
    let base = cloud.delivery_base();
    let mut reply = Map::new();
    for (at, (name, key)) in keys.into_iter().enumerate() {
        let version = versions.as_ref().map(|versions| HexId::parse(&versions[at]));
        let outcome = match (key, version) {
            (None, _) => Err("no_backup"),
            (Some(_), Some(None)) => Err("failed"),
            (Some(key), version) => cloud.with(|world, now| {
                let asset = world.restore(&key, version.flatten(), now);
                asset.map(|asset| Row::of(world, &asset)).map_err(NotRestored::as_str)
            }),
        };
        let value = match outcome {
            Ok(row) => Value::Object(wire::uploaded(&row, &base, None)),
            Err(word) => json!({"error": word}),
        };
        reply.insert(name, value);
    }
    Ok(Reply::ok(Value::Object(reply)))
}

pub fn delete_backups(cloud: &Cloud, params: &Params, id: &str) -> Answer {
    let id = HexId::parse(id).ok_or_else(|| Refusal::NotFound { id: id.to_owned() })?;
    let versions = named(params, "version_ids")?;
    let (deleted, failed): (Vec<&String>, Vec<&String>) = cloud.with(|world, now| {
        let gone = |version: &&String| {
            HexId::parse(version).is_some_and(|version| world.delete_backup(id, version, now))
        };
        once(&versions).partition(gone)
    });
    let status = if failed.is_empty() { 200 } else { 207 };
    let body = json!({"deleted_version_ids": deleted, "failed_version_ids": failed});
    Ok(Reply { status, ..Reply::ok(body) })
}
