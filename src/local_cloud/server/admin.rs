//! The Admin API's endpoints: who may call, what a call costs, and who answers it (facts §3).

use axum::http::Method;
use serde_json::json;

use super::account::{config, usage};
use super::api::Call;
use super::auth::Account;
use super::listing::{by_asset_ids, by_public_ids, detail, listed, named, selection, tags, update};
pub(super) use super::listing::{check_count, read_cursor};
use super::params::Params;
use super::removal::{
    delete_backups, delete_by_asset_ids, delete_derived, invalidate_by_urls, removed, restore,
    restore_by_id, selected,
};
use super::reply::{Reply, quota_exceeded};
use super::upload::known_public_id;
use super::{Cloud, folders};
use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};
use crate::local_cloud::world::World;
use crate::local_cloud::world::asset::HexId;
use crate::local_cloud::world::listing::Selection;
use crate::local_cloud::world::refusal::Refusal;
use crate::local_cloud::world::removal::Doomed;

pub(super) type Answer = Result<Reply, Reply>;

pub fn answer(cloud: &Cloud, call: &Call, account: &Account<'_>) -> Answer {
    let path = call.path();
    // some clients sign what others send with a password
    if call.params.text("signature").is_some() {
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
        ["usage"] => usage(cloud, None),
        ["usage", day] => usage(cloud, Some(day)),
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
            detail(cloud, params, &key_of(cloud, id)?)
        }
        ["resources", kind] => {
            // the type may be a parameter here
            let delivery = params.text("type").map(delivery_type).transpose()?;
            of_type(cloud, params, resource_type(kind)?, delivery)
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
        ["resources", kind, "moderations", by, status] => {
            let status = status
                .parse()
                .map_err(|()| Reply::error(404, &format!("Invalid moderation status {status}")))?;
            let moderated = Selection::Moderation { kind: (*by).to_owned(), status };
            listed(cloud, params, Some(resource_type(kind)?), None, moderated)
        }
        ["resources", kind, delivery] => {
            of_type(cloud, params, resource_type(kind)?, Some(delivery_type(delivery)?))
        }
        ["resources", kind, delivery, id @ ..] => detail(cloud, params, &key(kind, delivery, id)?),
        ["tags", kind] => tags(cloud, params, resource_type(kind)?),
        ["folders", path @ ..] => folders::list(cloud, params, &path.join("/")),
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
            update(cloud, params, &key_of(cloud, id)?)
        }
        ("POST", ["resources", kind, "publish_resources"]) => {
            super::publish::answer(cloud, params, resource_type(kind)?)
        }
        ("POST", ["resources", kind, delivery, id @ ..]) if !id.is_empty() => {
            update(cloud, params, &key(kind, delivery, id)?)
        }
        ("POST", ["folders", folder @ ..]) if !folder.is_empty() => {
            folders::make(cloud, &folder.join("/"))
        }
        ("PUT", ["folders", folder @ ..]) if !folder.is_empty() => {
            folders::rename(cloud, params, &folder.join("/"))
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
        ["folders", folder @ ..] if !folder.is_empty() => folders::remove(cloud, &folder.join("/")),
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

/// The key of the asset with this ID, deleted ones with a backup included.
fn key_of(cloud: &Cloud, id: &str) -> Result<AssetKey, Reply> {
    let key = HexId::parse(id).and_then(|id| cloud.with(|world, _| world.key_of(id)));
    key.ok_or_else(|| Refusal::NotFound { id: id.to_owned() }.into())
}

/// The assets of a resource type: those that are named, those with a prefix, or all.
fn of_type(
    cloud: &Cloud,
    params: &Params,
    resource_type: ResourceType,
    delivery_type: Option<DeliveryType>,
) -> Answer {
    match named(params, "public_ids") {
        Some(ids) => {
            let delivery_type = delivery_type.unwrap_or(DeliveryType::Upload);
            by_public_ids(cloud, params, resource_type, delivery_type, &ids)
        }
        None => listed(cloud, params, Some(resource_type), delivery_type, selection(params)),
    }
}
