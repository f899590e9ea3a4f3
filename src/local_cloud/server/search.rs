//! The Search API (facts §3.9): for assets, for folders, and by signed URL.

mod signed;

use serde_json::{Map, Value, json};

use super::Cloud;
use super::params::{Param, Params};
use super::reply::{Reply, bad};
use super::wire::{self, Row, Shown};
use crate::local_cloud::world::search::{
    Aggregate, Found, FoundFolder, MOST_SORTS, Position, Query, Range, Sort,
};

pub use signed::{at_edge, at_origin};

/// Aggregates in one question, and ranges in one of them, at most.
const MOST_AGGREGATES: usize = 10;
const MOST_RANGES: usize = 100;

/// What is shown of a match whatever `fields` says.
const ALWAYS: [&str; 7] =
    ["public_id", "asset_id", "asset_folder", "created_at", "status", "type", "resource_type"];

/// What `with_field` may name. Analyses and embedded metadata are known, and there are none of them here.
const WITH_FIELD: [&str; 7] = [
    "tags",
    "context",
    "metadata",
    "image_metadata",
    "image_analysis",
    "quality_analysis",
    "accessibility_analysis",
];

/// `resources/search`.
pub fn answer(cloud: &Cloud, params: &Params) -> Result<Reply, Reply> {
    found(cloud, params).map(Reply::ok)
}

/// `folders/search`.
pub fn folders(cloud: &Cloud, params: &Params) -> Result<Reply, Reply> {
    let query = query(params, Sort::of_folders_by)?;
    let begin = cloud.clock.since_start();
    let found = cloud.with(|world, now| world.search_folders(&query, now))?;
    let folders: Vec<Value> = found.page.iter().map(folder_json).collect();
    let took = millis_since(cloud, begin);
    let mut reply = json!({"total_count": found.total, "time": took, "folders": folders});
    set_cursor(&mut reply, found.next.as_ref());
    Ok(Reply::ok(reply))
}

fn folder_json(folder: &FoundFolder) -> Value {
    json!({
        "name": folder.name(),
        "path": folder.path,
        "created_at": wire::time(folder.created_at),
        "external_id": folder.id.to_string(),
    })
}

/// What the parameters of a search ask for, and its answer.
fn found(cloud: &Cloud, params: &Params) -> Result<Value, Reply> {
    let query = Query { counts: aggregates(params)?, ..query(params, Sort::by)? };
    let view = View::of(params)?;
    let begin = cloud.clock.since_start();
    let mut sweep = cloud.with(|world, now| world.begin_search(&query, now))?;
    // step by step, so that the edges need not wait until a million assets were looked at
    while !cloud.with(|world, _| world.go_on(&mut sweep)) {
        std::thread::yield_now();
    }
    let (found, rows) = cloud.with(|world, _| {
        let found = world.end_search(sweep);
        let rows = Row::many(world, &found.page);
        (found, rows)
    });
    let base = cloud.delivery_base();
    let resources: Vec<Value> = rows.iter().map(|row| view.item(row, &base)).collect();
    let took = millis_since(cloud, begin);
    let mut reply = json!({"total_count": found.total, "time": took, "resources": resources});
    set_cursor(&mut reply, found.next.as_ref());
    if !query.counts.is_empty() {
        reply["aggregations"] = aggregations(&query.counts, found);
    }
    Ok(reply)
}

fn aggregations(asked: &[Aggregate], found: Found) -> Value {
    let counts = found.counts.into_iter().map(|counts| {
        let counts = counts.into_iter().map(|(key, count)| (key, json!(count)));
        Value::Object(counts.collect())
    });
    asked.iter().map(|by| by.name.clone()).zip(counts).collect::<Map<_, _>>().into()
}

fn set_cursor(reply: &mut Value, next: Option<&Position>) {
    if let Some(next) = next {
        reply["next_cursor"] = json!(next.to_cursor());
    }
}

fn millis_since(cloud: &Cloud, begin: std::time::Duration) -> u64 {
    let took = cloud.clock.since_start().saturating_sub(begin).as_millis();
    u64::try_from(took).unwrap_or(u64::MAX)
}

/// Which fields of a match are shown.
struct View {
    shown: Shown,
    /// These only, and [`ALWAYS`].
    only: Option<Vec<String>>,
}

impl View {
    /// `fields` beats `with_field`.
    fn of(params: &Params) -> Result<Self, Reply> {
        let with = params.comma_list("with_field").unwrap_or_default();
        if let Some(unknown) = with.iter().find(|name| !WITH_FIELD.contains(&name.as_str())) {
            return Err(invalid("with_field", unknown));
        }
        let mut only = params.comma_list("fields").unwrap_or_default();
        only.retain(|name| !name.is_empty());
        let asked = if only.is_empty() { &with } else { &only };
        let asks = |name: &str| asked.iter().any(|own| own == name);
        let shown =
            Shown { tags: asks("tags"), context: asks("context"), metadata: asks("metadata") };
        Ok(Self { shown, only: Some(only).filter(|only| !only.is_empty()) })
    }

    fn item(&self, row: &Row, base: &str) -> Value {
        let mut item = wire::found(row, base, self.shown);
        if let Some(only) = &self.only {
            item.retain(|name, _| ALWAYS.contains(&name.as_str()) || only.contains(name));
        }
        Value::Object(item)
    }
}

/// The parts of a question that assets and folders have in common.
fn query(params: &Params, sort: fn(&str, bool) -> Option<Sort>) -> Result<Query, Reply> {
    let expression = match params.get("expression") {
        None => String::new(),
        Some(Param::Text(text)) => text.clone(),
        Some(_) => return Err(bad("Invalid value for parameter expression")),
    };
    let after = params.text("next_cursor").map(|text| {
        Position::from_cursor(text).ok_or_else(|| bad("Invalid value for parameter next_cursor"))
    });
    Ok(Query {
        expression,
        sort_by: sorts(params, sort)?,
        limit: params.count("max_results", 50, 500)?,
        after: after.transpose()?,
        counts: Vec::new(),
    })
}

/// `[{"created_at":"desc"}]`: one field an object, the first one counts most. Official clients also send
/// `["public_id:asc", "created_at"]`, of which the latter means descending.
fn sorts(params: &Params, sort: fn(&str, bool) -> Option<Sort>) -> Result<Vec<Sort>, Reply> {
    let mut sorts = Vec::new();
    let mut add = |field: &str, direction: &Value| {
        let highest_first = match direction.as_str().map(str::to_ascii_lowercase).as_deref() {
            Some("asc") => false,
            Some("desc") => true,
            _ => return Err(invalid("sort_by", &direction.to_string())),
        };
        sorts.push(sort(field, highest_first).ok_or_else(|| invalid("sort_by", field))?);
        Ok(())
    };
    for item in items(params, "sort_by")? {
        if let Some(text) = item.as_str() {
            let (field, direction) = text.split_once(':').unwrap_or((text, "desc"));
            add(field, &json!(direction))?;
            continue;
        }
        let one = item.as_object().filter(|item| item.len() == 1);
        let one = one.ok_or_else(|| invalid("sort_by", &item.to_string()))?;
        for (field, direction) in one {
            add(field, direction)?;
        }
    }
    for (field, direction) in nested(params, "sort_by") {
        add(field, &json!(direction))?;
    }
    if sorts.len() > MOST_SORTS {
        return Err(bad(format!("Too many sort_by fields, maximum is {MOST_SORTS}")));
    }
    Ok(sorts)
}

/// `format`, `resource_type`, `type`, and `{"type":"bytes","ranges":[{"key":"small","to":1000}]}`.
fn aggregates(params: &Params) -> Result<Vec<Aggregate>, Reply> {
    let items = items(params, "aggregate")?;
    if items.len() > MOST_AGGREGATES {
        return Err(bad(format!("Too many aggregate fields, maximum is {MOST_AGGREGATES}")));
    }
    let read = |item: &Value| match item {
        Value::String(name) => Aggregate::by_word(name),
        Value::Object(item) => {
            let ranges = item.get("ranges")?.as_array().filter(|all| all.len() <= MOST_RANGES)?;
            let ranges = ranges.iter().map(range).collect::<Option<_>>()?;
            Aggregate::by_ranges(item.get("type")?.as_str()?, ranges)
        }
        _ => None,
    };
    let read = |item: &Value| {
        let shown = item.as_str().map_or_else(|| item.to_string(), str::to_owned);
        read(item).ok_or_else(|| invalid("aggregate", &shown))
    };
    items.iter().map(read).collect()
}

fn range(item: &Value) -> Option<Range> {
    let end = |name| match item.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(number) => number.as_f64().map(Some),
    };
    let key = item.get("key")?.as_str()?.to_owned();
    Some(Range { key, from: end("from")?, to: end("to")? })
}

/// The items of a list of texts and objects, which forms and queries send as JSON text.
fn items(params: &Params, name: &str) -> Result<Vec<Value>, Reply> {
    let read = |text: &String| {
        if text.starts_with(['[', '{']) {
            serde_json::from_str(text).map_err(|_| invalid(name, text))
        } else {
            Ok(Value::from(text.as_str()))
        }
    };
    match params.get(name) {
        None => Ok(Vec::new()),
        Some(Param::Text(text)) if text.is_empty() => Ok(Vec::new()),
        Some(Param::Text(text)) => Ok(listed(read(text)?)),
        Some(Param::List(texts)) => texts.iter().map(read).collect(),
        Some(Param::Json(value)) => Ok(listed(value.clone())),
        Some(Param::File { .. }) => Err(invalid(name, "a file")),
    }
}

fn listed(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        one => vec![one],
    }
}

/// Objects in lists as forms write them: `sort_by[0][created_at]=desc`, `sort_by[][created_at]=desc`.
fn nested<'a>(params: &'a Params, name: &str) -> Vec<(&'a str, &'a str)> {
    let mut found = Vec::new();
    for (own, param) in params.iter() {
        let inner = own
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('['))
            .and_then(|rest| rest.strip_suffix(']'));
        if let (Some((index, field)), Param::Text(text)) =
            (inner.and_then(|inner| inner.split_once("][")), param)
        {
            found.push((index.parse().unwrap_or(0_usize), field, text.as_str()));
        }
    }
    found.sort_by_key(|(index, ..)| *index);
    found.into_iter().map(|(_, field, text)| (field, text)).collect()
}

fn invalid(name: &str, what: &str) -> Reply {
    bad(format!("Invalid value for parameter {name}: {what}"))
}
