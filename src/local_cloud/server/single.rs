//! Upload API calls that change what is stored: explicit, rename, destroy, tags, context (facts §2.4 to §2.6).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Cloud;
use super::naming::{known_public_id, new_public_id};
use super::params::Params;
use super::reply::{Reply, bad, missing};
use super::upload::{Eager, attributes, delivery_type, replied, resource_type};
use super::wire::Row;
use crate::domain::asset::{AssetKey, DeliveryType};
use crate::domain::public_id::PublicId;
use crate::local_cloud::world::asset::HexId;
use crate::local_cloud::world::changes::{Attributes, Rename, TagCommand};
use crate::local_cloud::world::refusal::Refusal;

/// Names in one call of tags or context, at most.
const MOST_NAMED: usize = 1000;

/// The existing asset that `id_name` and `type` name.
fn named(params: &Params, kind: &str, id_name: &str) -> Result<AssetKey, Reply> {
    Ok(AssetKey {
        resource_type: resource_type(kind)?,
        delivery_type: delivery_type(params, "type")?,
        public_id: known_public_id(params.required(id_name)?)?,
    })
}

pub fn explicit(cloud: &Cloud, params: &Params, kind: &str) -> Result<Reply, Reply> {
    params.required("type")?;
    let key = named(params, kind, "public_id")?;
    let (attributes, invalidate) = (attributes(params)?, params.switch("invalidate")?);
    let eager = Eager::of(params)?;
    let (row, made) = cloud.with(|world, now| {
        // what was delivered from this host is known; nothing else is ever fetched
        if key.delivery_type == DeliveryType::Fetch && world.storage().get(&key).is_none() {
            return Err(Refusal::bad("Images of type fetch are restricted in this account"));
        }
        let content = world.stored(&key)?.content.clone();
        eager.check(&content)?;
        let asset = world.explicit(&key, attributes, invalidate, now)?;
        let made = eager.make(world, &key, now);
        Ok::<_, Refusal>((Row::of(world, &asset), made))
    })?;
    let mut reply = replied(cloud, &row);
    eager.tell(cloud, &mut reply, &made);
    Ok(Reply::ok(Value::Object(reply)))
}

pub fn rename(cloud: &Cloud, params: &Params, kind: &str) -> Result<Reply, Reply> {
    let from = named(params, kind, "from_public_id")?;
    let delivery_type = match params.text("to_type") {
        Some(_) => delivery_type(params, "to_type")?,
        None => from.delivery_type,
    };
    if delivery_type != from.delivery_type && !is_stored_type(delivery_type) {
        return Err(bad(format!("Invalid type {delivery_type}")));
    }
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
    let mut reply = replied(cloud, &row);
    // told where asked for; one SDK sends values here
    for name in ["context", "metadata"] {
        if params.text(name).is_none()
            || params.optional_switch(name).is_ok_and(|is| is == Some(false))
        {
            reply.shift_remove(name);
        }
    }
    Ok(Reply::ok(Value::Object(reply)))
}

/// Types that files are stored under; the others name where something comes from.
pub const fn is_stored_type(delivery_type: DeliveryType) -> bool {
    matches!(
        delivery_type,
        DeliveryType::Upload | DeliveryType::Private | DeliveryType::Authenticated
    )
}

pub fn destroy(cloud: &Cloud, params: &Params, kind: &str) -> Result<Reply, Reply> {
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

pub fn destroy_by_id(cloud: &Cloud, params: &Params) -> Result<Reply, Reply> {
    let id = HexId::parse(params.required("asset_id")?);
    let invalidate = params.switch("invalidate")?;
    Ok(destroyed(cloud, id, invalidate))
}

fn destroyed(cloud: &Cloud, id: Option<HexId>, invalidate: bool) -> Reply {
    let folder = cloud.with(|world, now| {
        world.advance(now);
        let asset = world.storage().by_id(id?)?.clone();
        world.destroy(&asset.key, invalidate, now);
        Some(asset.asset_folder.clone())
    });
    Reply::ok(match folder {
        Some(folder) => json!({"result": "ok", "asset_folder": &*folder}),
        None => json!({"result": "not found"}),
    })
}

/// The one call that needs neither key nor signature. What the service says to a token that it does not know is not
/// documented.
pub fn delete_by_token(cloud: &Cloud, params: &Params) -> Result<Reply, Reply> {
    let token = params.required("token")?;
    let now = cloud.with(|_, now| now);
    let id = cloud.delete_tokens.take(token, now).ok_or_else(|| bad("Invalid or expired token"))?;
    let mut reply = destroyed(cloud, Some(id), params.switch("invalidate")?);
    if let Some(fields) = reply.body.as_object_mut() {
        fields.shift_remove("asset_folder");
    }
    Ok(reply)
}

/// The assets that a call names by `public_ids`.
fn named_many(params: &Params, kind: &str) -> Result<Vec<AssetKey>, Reply> {
    let (resource_type, delivery_type) = (resource_type(kind)?, delivery_type(params, "type")?);
    let ids = params
        .list("public_ids")
        .filter(|ids| !ids.is_empty())
        .ok_or_else(|| missing("public_ids"))?;
    if ids.len() > MOST_NAMED {
        return Err(bad(format!("Too many public_ids: {}, maximum is {MOST_NAMED}", ids.len())));
    }
    let keys = ids.iter().filter_map(|id| PublicId::from_cloud(id).ok());
    Ok(keys.map(|public_id| AssetKey { resource_type, delivery_type, public_id }).collect())
}

pub fn tags(cloud: &Cloud, params: &Params, kind: &str) -> Result<Reply, Reply> {
    let command = match params.required("command")? {
        "add" => TagCommand::Add,
        "remove" => TagCommand::Remove,
        "replace" => TagCommand::Replace,
        "set_exclusive" => TagCommand::SetExclusive,
        "remove_all" => TagCommand::RemoveAll,
        other => return Err(bad(format!("Invalid command {other}"))),
    };
    let tags = params.comma_list("tag").or_else(|| params.comma_list("tags"));
    let tags = match tags {
        Some(tags) => tags,
        None if command == TagCommand::RemoveAll => Vec::new(),
        None => return Err(missing("tag")),
    };
    let keys = named_many(params, kind)?;
    let done = cloud.with(|world, now| world.tag(command, &tags, &keys, now));
    Ok(Reply::ok(json!({"public_ids": done})))
}

pub fn context(cloud: &Cloud, params: &Params, kind: &str) -> Result<Reply, Reply> {
    let adds = match params.required("command")? {
        "add" => true,
        "remove_all" => false,
        other => return Err(bad(format!("Invalid command {other}"))),
    };
    let given = params.pairs("context");
    let given = match given {
        Some(given) if !given.is_empty() => given,
        _ if adds => return Err(missing("context")),
        _ => BTreeMap::new(),
    };
    let keys = named_many(params, kind)?;
    let done = cloud.with(|world, now| {
        let change = |key: &AssetKey| {
            let asset = world.stored(key).ok()?;
            let mut context =
                if adds { BTreeMap::clone(&asset.context) } else { BTreeMap::default() };
            context.extend(given.clone());
            let attributes = Attributes { context: Some(context), ..Attributes::default() };
            world.update(key, attributes, now).ok().map(|asset| asset.key.public_id.to_string())
        };
        keys.iter().filter_map(change).collect::<Vec<_>>()
    });
    Ok(Reply::ok(json!({"public_ids": done})))
}

/// The answer to a call that goes on behind the scenes.
pub fn pending(params: &Params, kind: &str, batch: &str) -> Map<String, Value> {
    let mut reply = Map::new();
    reply.insert("status".to_owned(), json!("pending"));
    reply.insert("resource_type".to_owned(), json!(kind));
    reply.insert("type".to_owned(), json!(params.text("type").unwrap_or("upload")));
    if let Some(id) = params.text("public_id") {
        reply.insert("public_id".to_owned(), json!(id));
    }
    reply.insert("batch_id".to_owned(), json!(batch));
    reply
}
