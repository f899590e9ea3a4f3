//! The fields of an asset that search knows.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::local_cloud::content::Format;
use crate::local_cloud::world::asset::StoredAsset;

/// What one field of an asset holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    Texts(Vec<Cow<'a, str>>),
    Number(f64),
    /// UNIX seconds.
    Time(i64),
    /// The asset has no such thing, or there is no such field: nothing matches.
    Nothing,
}

/// What `field` of `asset` holds.
#[must_use]
pub fn value_of<'a>(field: &str, asset: &'a StoredAsset) -> Value<'a> {
    let text = |text: &'a str| Value::Texts(vec![text.into()]);
    let size = || asset.content.size();
    match field {
        "public_id" => text(asset.key.public_id.as_str()),
        "filename" => text(asset.filename()),
        "display_name" => text(&asset.display_name),
        "asset_folder" => text(&asset.asset_folder),
        "tags" => Value::Texts(asset.tags.iter().map(|tag| Cow::Borrowed(&**tag)).collect()),
        "resource_type" => text(asset.key.resource_type.as_str()),
        "type" => text(asset.key.delivery_type.as_str()),
        "format" => asset.format().map_or(Value::Nothing, |format| text(Format::as_str(format))),
        "status" => text("active"),
        "access_mode" => text("public"),
        "asset_id" => Value::Texts(vec![asset.asset_id.to_string().into()]),
        "etag" => text(asset.content.etag()),
        "bytes" => Value::Number(asset.content.length() as f64),
        "version" => Value::Number(asset.version as f64),
        "width" => size().map_or(Value::Nothing, |(width, _)| Value::Number(width.into())),
        "height" => size().map_or(Value::Nothing, |(_, height)| Value::Number(height.into())),
        "pixels" => {
            size().map_or(Value::Nothing, |(w, h)| Value::Number(f64::from(w) * f64::from(h)))
        }
        "aspect_ratio" => size()
            .map_or(Value::Nothing, |(w, h)| Value::Number(f64::from(w) / f64::from(h.max(1)))),
        "created_at" => Value::Time(asset.created_at),
        "uploaded_at" | "last_updated" | "updated_at" => Value::Time(asset.uploaded_at),
        _ => match field.split_once('.') {
            Some(("context", key)) => asset.context.get(key).map_or(Value::Nothing, |v| text(v)),
            Some(("metadata", key)) => asset.metadata.get(key).map_or(Value::Nothing, |v| text(v)),
            _ => Value::Nothing,
        },
    }
}

const NUMBERS: [&str; 6] = ["bytes", "version", "width", "height", "pixels", "aspect_ratio"];
const TIMES: [&str; 4] = ["created_at", "uploaded_at", "last_updated", "updated_at"];

pub fn is_number(field: &str) -> bool {
    NUMBERS.contains(&field)
}

pub fn is_time(field: &str) -> bool {
    TIMES.contains(&field)
}

pub fn is_sortable(field: &str) -> bool {
    const TEXTS: [&str; 9] = [
        "public_id",
        "filename",
        "display_name",
        "asset_folder",
        "resource_type",
        "type",
        "format",
        "asset_id",
        "score",
    ];
    is_number(field) || is_time(field) || TEXTS.contains(&field)
}

pub fn compare(field: &str, a: &StoredAsset, b: &StoredAsset) -> Ordering {
    match (value_of(field, a), value_of(field, b)) {
        (Value::Texts(a), Value::Texts(b)) => a.cmp(&b),
        (Value::Number(a), Value::Number(b)) => a.total_cmp(&b),
        (Value::Time(a), Value::Time(b)) => a.cmp(&b),
        (Value::Nothing, Value::Nothing) => Ordering::Equal,
        (Value::Nothing, _) => Ordering::Less,
        (_, Value::Nothing) => Ordering::Greater,
        _ => Ordering::Equal,
    }
}
