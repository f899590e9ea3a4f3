//! `publish_resources`: assets that needed a signature are opened to everybody (facts §1.5, §3.7).

use serde_json::{Value, json};

use super::Cloud;
use super::admin::{Answer, check_count};
use super::params::Params;
use super::reply::{Reply, bad, missing};
use super::wire::{Row, uploaded};
use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};
use crate::domain::public_id::PublicId;
use crate::local_cloud::world::World;
use crate::local_cloud::world::changes::Rename;
use crate::local_cloud::world::removal::MOST_BY_SELECTION;

/// Which assets are meant.
enum Chosen {
    Ids(Vec<String>),
    Prefix(String),
    Tag(String),
}

impl Chosen {
    fn of(params: &Params) -> Result<Self, Reply> {
        let ids = params.list("public_ids").filter(|ids| !ids.is_empty());
        match (ids, params.text("prefix"), params.text("tag")) {
            (Some(ids), None, None) => {
                check_count("public_ids", ids.len())?;
                Ok(Self::Ids(ids))
            }
            (None, Some(prefix), None) => Ok(Self::Prefix(prefix.to_owned())),
            (None, None, Some(tag)) => Ok(Self::Tag(tag.to_owned())),
            (None, None, None) => Err(missing("public_ids, prefix or tag")),
            _ => Err(bad("Only one of public_ids, prefix and tag may be given")),
        }
    }

    fn keys(&self, world: &World, kind: ResourceType, from: &[DeliveryType]) -> Vec<AssetKey> {
        let stored = world.storage();
        let key = |delivery_type: DeliveryType, id: &String| {
            let public_id = PublicId::from_cloud(id).ok()?;
            Some(AssetKey { resource_type: kind, delivery_type, public_id })
        };
        let mut keys: Vec<AssetKey> = match self {
            Self::Ids(ids) => ids
                .iter()
                .flat_map(|id| from.iter().filter_map(move |from| key(*from, id)))
                .filter(|key| stored.get(key).is_some())
                .collect(),
            Self::Prefix(prefix) => from
                .iter()
                .flat_map(|from| stored.prefixed(kind, *from, prefix, None))
                .map(|asset| asset.key.clone())
                .collect(),
            Self::Tag(tag) => stored
                .iter()
                .filter(|asset| asset.key.resource_type == kind && asset.has_tag(tag))
                .filter(|asset| from.contains(&asset.key.delivery_type))
                .map(|asset| asset.key.clone())
                .collect(),
        };
        keys.truncate(MOST_BY_SELECTION);
        keys
    }
}

/// Moves private and authenticated assets, or those of the one `type` that is given, to the type `upload`. What
/// stands under the name already is replaced with `overwrite` only; `invalidate` needs bulk invalidation, as with
/// every call of this API.
pub fn answer(cloud: &Cloud, params: &Params, kind: ResourceType) -> Answer {
    let from = match params.text("type") {
        None => vec![DeliveryType::Private, DeliveryType::Authenticated],
        Some(word) => {
            let word: DeliveryType =
                word.parse().map_err(|_| bad(format!("Invalid type {word}")))?;
            vec![word]
        }
    };
    let (chosen, overwrite) = (Chosen::of(params)?, params.switch("overwrite")?);
    let invalidate = params.switch("invalidate")? && cloud.settings.bulk_invalidation;
    let outcomes: Vec<Result<Row, String>> = cloud.with(|world, now| {
        world.advance(now);
        let keys = chosen.keys(world, kind, &from);
        let publish = |key: AssetKey| {
            let to = AssetKey { delivery_type: DeliveryType::Upload, ..key.clone() };
            let id = key.public_id.to_string();
            let done = world.rename(&Rename { from: key, to, overwrite, invalidate }, now);
            done.map(|asset| Row::of(world, &asset)).map_err(|_| id)
        };
        keys.into_iter().map(publish).collect()
    });
    let base = cloud.delivery_base();
    let (mut published, mut failed) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(row) => published.push(Value::Object(uploaded(&row, &base, None))),
            Err(id) => failed.push(json!({"public_id": id})),
        }
    }
    Ok(Reply::ok(json!({"published": published, "failed": failed})))
}
