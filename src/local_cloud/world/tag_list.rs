//! The list of all images with one tag, for pages that show them: `image/list/<tag>.json`.
//!
//! Restricted by default, as on new accounts: a signature opens it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::origin::{Address, Answer};
use super::storage::Storage;
use crate::domain::asset::{DeliveryType, ResourceType};
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::time::Timestamp;
use crate::local_cloud::content::{Content, Format, Sniffed};

/// Images of one list at most, the newest first.
const MOST: usize = 1000;
/// How long edges keep a list.
const LIFETIME: Duration = Duration::from_secs(60);

#[derive(Serialize)]
struct List<'a> {
    resources: Vec<Row<'a>>,
    updated_at: String,
}

#[derive(Serialize)]
struct Row<'a> {
    public_id: &'a str,
    version: u64,
    format: &'static str,
    width: Option<u32>,
    height: Option<u32>,
    #[serde(rename = "type")]
    kind: &'static str,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Context<'a>>,
}

#[derive(Serialize)]
struct Context<'a> {
    custom: &'a BTreeMap<String, String>,
}

/// Answers a path of type `list`: images of type `upload` that carry the tag. A tag that none carries is no resource.
pub fn answer(storage: &Storage, readings: Vec<DeliveryUrl>, unix_now: i64) -> Answer {
    let url = &readings[0];
    let tag = url.asset.public_id.as_str().to_owned();
    let names = vec![url.asset.clone()];
    let is_json = url.extension.as_deref() == Some("json")
        && url.transformations.is_empty()
        && url.asset.resource_type == ResourceType::Image;
    let address = Arc::new(Address { readings, names });
    let tagged = storage
        .aged(ResourceType::Image, Some(DeliveryType::Upload), false, None)
        .filter(|asset| asset.has_tag(&tag));
    let resources: Vec<Row<'_>> = tagged
        .take(MOST)
        .map(|asset| Row {
            public_id: asset.key.public_id.as_str(),
            version: asset.version,
            format: asset.format().map_or("", Format::as_str),
            width: asset.content.size().map(|(width, _)| width),
            height: asset.content.size().map(|(_, height)| height),
            kind: asset.key.delivery_type.as_str(),
            created_at: time(asset.created_at),
            context: Some(Context { custom: &asset.context })
                .filter(|context| !context.custom.is_empty()),
        })
        .collect();
    if resources.is_empty() || !is_json {
        return Answer::refusal(404, Some(format!("Resource not found - {tag}")), address);
    }
    let list = List { resources, updated_at: time(unix_now) };
    let bytes = serde_json::to_vec(&list).unwrap_or_default();
    let sniffed = Sniffed { format: Format::Json, size: None };
    Answer {
        status: 200,
        content: Some(Arc::new(Content::uploaded(bytes.into(), Some(sniffed)))),
        lifetime: Some(LIFETIME),
        created_at: unix_now,
        ..Answer::refusal(200, None, address)
    }
}

fn time(unix: i64) -> String {
    Timestamp::from_second(unix).unwrap_or_default().to_string()
}
