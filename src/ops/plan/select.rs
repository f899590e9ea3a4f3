//! Selections: from marks, prefix, tag or search expression to assets that storage holds.

use std::collections::{BTreeMap, HashMap, HashSet};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{OpError, Patience, stored};
use crate::domain::asset::{Asset, AssetKey, DeliveryType, DerivedAsset, ResourceType};
use crate::domain::invalidation::Verb;
use crate::domain::purge::{Backup, LeftOut, LeftOutReason, Named, OrderTerms, Selection};
use crate::domain::text::clean;
use crate::domain::verdict::Stored;
use crate::ops::context::Context;
use crate::ports::cloud::{CloudError, ListQuery};

/// Up to this many assets are read in detail (derived copies, backups), one Admin call each.
const DETAIL_MAX: usize = 50;
/// Admin calls that a plan leaves untouched for others.
const QUOTA_RESERVE: u32 = 50;
/// Assets a page.
const PAGE: u16 = 500;
/// Public IDs in one call.
const BY_IDS: usize = 100;
/// Such calls at a time.
const BY_IDS_AT_ONCE: usize = 4;
/// Bytes of public IDs in one address: servers take 8 KiB of it.
const ADDRESS: usize = 7 * 1024;

/// One asset of a selection, as far as it was read.
pub(super) struct Found {
    pub key: AssetKey,
    /// `None` only for something to be restored.
    pub asset: Option<Asset>,
    /// `None` when not read.
    pub derived: Option<Vec<DerivedAsset>>,
    pub backup: Backup,
}

impl Found {
    /// What storage holds; nothing for something to be restored.
    pub fn old(&self) -> Stored {
        stored(self.asset.as_ref())
    }
}

/// What a selection came to.
#[derive(Default)]
pub(super) struct Selected {
    pub found: Vec<Found>,
    pub left_out: Vec<LeftOut>,
    /// Names given more than once, beyond the first time each.
    pub duplicates: usize,
}

/// The selection in words.
#[must_use]
pub fn selection_label(what: &Selection) -> String {
    match what {
        Selection::Keys(keys) => match keys.as_slice() {
            [one] => one.to_string(),
            many => format!("{} public IDs", many.len()),
        },
        Selection::Listed(names) => format!("a list of {} names", names.len()),
        Selection::Prefix { prefix, resource_type, .. } => {
            format!("{resource_type} prefix `{prefix}`")
        }
        Selection::Tag { tag, resource_type } => format!("{resource_type} tag `{tag}`"),
        Selection::Search { expression } => format!("search `{expression}`"),
    }
}

/// The assets of a selection, each read from storage; at most as many as the terms allow.
///
/// # Errors
/// Names that do not exist, what would select everything, an empty selection, too many, the cloud's.
pub(super) async fn existing(
    context: &Context,
    what: &Selection,
    verb: Verb,
    terms: &OrderTerms,
    patience: Patience<'_>,
) -> Result<Selected, OpError> {
    let bound = Bound { most: terms.max_items.or(context.policy.max_items), what };
    let selected = match what {
        Selection::Keys(keys) => {
            let (keys, duplicates) = distinct(keys);
            bound.check(keys.len())?;
            by_keys(context, keys, duplicates, terms.leave_out_missing).await?
        }
        Selection::Listed(names) => {
            bound.check(names.len())?;
            listed(context, names).await?
        }
        Selection::Prefix { resource_type, delivery_type, prefix } => {
            let prefix = spoken(context, "prefix", prefix)?;
            let query = ListQuery::Resources {
                resource_type: *resource_type,
                delivery_type: *delivery_type,
                prefix: Some(prefix.to_owned()),
            };
            let listed = list_all(context, &query, &bound, patience).await?;
            refuse_half_a_folder(prefix, &listed)?;
            Selected { found: deepen(context, listed).await?, ..Selected::default() }
        }
        Selection::Tag { resource_type, tag } => {
            let tag = spoken(context, "tag", tag)?.to_owned();
            let query = ListQuery::Tag { resource_type: *resource_type, tag };
            let listed = list_all(context, &query, &bound, patience).await?;
            Selected { found: deepen(context, listed).await?, ..Selected::default() }
        }
        Selection::Search { expression } => {
            let expression = spoken(context, "search", expression)?.to_owned();
            searched(context, expression, verb, &bound, patience).await?
        }
    };
    if selected.found.is_empty() {
        return Err(nothing(context, what, &selected.left_out));
    }
    Ok(selected)
}

/// How many assets an order may be about.
struct Bound<'a> {
    most: Option<usize>,
    what: &'a Selection,
}

impl Bound<'_> {
    fn check(&self, assets: usize) -> Result<(), OpError> {
        match self.most {
            Some(most) if assets > most => {
                Err(OpError::TooMany { what: selection_label(self.what), most })
            }
            _ => Ok(()),
        }
    }
}

/// A selector that says something: an empty one, a lone `/` or `*` would select everything.
fn spoken<'t>(context: &Context, selector: &str, text: &'t str) -> Result<&'t str, OpError> {
    let says = !text.trim_matches(|c: char| c.is_whitespace() || c == '/' || c == '*').is_empty();
    match selector {
        _ if says => Ok(text),
        "prefix" => Err(OpError::EmptyPrefix { cloud: context.account.cloud_name.clone() }),
        _ => Err(OpError::Invalid {
            message: format!(
                "an empty {selector} would select everything in {}",
                context.account.cloud_name
            ),
            hint: "say which assets are meant".to_owned(),
        }),
    }
}

/// A prefix that is a folder ends with `/`: without it, `press` would take `press-kit` as well.
fn refuse_half_a_folder(prefix: &str, listed: &[Asset]) -> Result<(), OpError> {
    if prefix.ends_with('/') {
        return Ok(());
    }
    let rest = |asset: &Asset| asset.key.public_id.as_str().strip_prefix(prefix).map(str::to_owned);
    let inside = |asset: &&Asset| rest(asset).is_some_and(|rest| rest.starts_with('/'));
    let folder = listed.iter().filter(inside).count();
    let other = listed.iter().find(|asset| !inside(asset));
    match other {
        Some(other) if folder > 0 => Err(OpError::Invalid {
            message: format!(
                "`{prefix}` is a folder and also the beginning of other names, such as `{}`",
                other.key.public_id
            ),
            hint: format!(
                "give `{prefix}/` for the folder; the others need a selector of their own"
            ),
        }),
        _ => Ok(()),
    }
}

/// Why nothing is left of a selection.
fn nothing(context: &Context, what: &Selection, left_out: &[LeftOut]) -> OpError {
    let of = |reason| left_out.iter().filter(move |left| left.reason == reason);
    if of(LeftOutReason::Malformed).next().is_some() {
        let first = left_out.iter().take(3).map(|left| format!("`{}`: {}", left.name, left.why));
        return OpError::Invalid {
            message: format!(
                "none of {} can be used; {}",
                selection_label(what),
                first.collect::<Vec<_>>().join("; ")
            ),
            hint: "give public IDs as `allclear ls` shows them, or whole delivery URLs".to_owned(),
        };
    }
    if of(LeftOutReason::Unknown).next().is_some() {
        let assets = left_out.iter().map(|left| left.name.clone()).collect();
        return OpError::Missing { cloud: context.account.cloud_name.clone(), assets };
    }
    OpError::NothingSelected { what: selection_label(what) }
}

/// The usable names of a list, and why the others are not.
async fn listed(context: &Context, names: &[Named]) -> Result<Selected, OpError> {
    let mut left_out = Vec::new();
    let (mut seen, mut duplicates) = (HashSet::new(), 0);
    let mut usable = Vec::with_capacity(names.len());
    for name in names {
        match &name.meant {
            Ok(candidates) if candidates.is_empty() => {}
            Ok(candidates) if seen.insert(candidates.first()) => usable.push((name, candidates)),
            Ok(_) => duplicates += 1,
            Err(why) => left_out.push(LeftOut {
                name: name.typed.clone(),
                key: None,
                readings: Vec::new(),
                reason: LeftOutReason::Malformed,
                why: why.clone(),
            }),
        }
    }
    let likeliest = usable.iter().filter_map(|(_, keys)| keys.first().cloned()).collect();
    let read = read_each(context, likeliest).await?;
    let mut found = Vec::with_capacity(read.len());
    for ((name, candidates), read) in usable.into_iter().zip(read) {
        let read = match read {
            missing if missing.asset.is_none() => {
                other_reading(context, candidates).await?.unwrap_or(missing)
            }
            read => read,
        };
        if read.asset.is_some() {
            found.push(read);
        } else {
            let readings = candidates.clone();
            left_out.push(LeftOut { readings, ..unknown(context, Some(&name.typed), read.key) });
        }
    }
    // two names may turn out to be one asset
    let (mut seen, before) = (HashSet::new(), found.len());
    found.retain(|one: &Found| seen.insert(one.key.clone()));
    duplicates += before - found.len();
    Ok(Selected { found, left_out, duplicates })
}

/// The first of the less likely readings of a URL that storage holds.
async fn other_reading(
    context: &Context,
    candidates: &[AssetKey],
) -> Result<Option<Found>, OpError> {
    for key in candidates.iter().skip(1) {
        let found = read_stat(context, key.clone()).await?;
        if found.asset.is_some() {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// What a search finds, each read from storage before it counts: the index lags. What storage has no longer is left
/// out; a delete also leaves out what the index knows otherwise than storage, because the expression may not fit it
/// any more.
async fn searched(
    context: &Context,
    expression: String,
    verb: Verb,
    bound: &Bound<'_>,
    patience: Patience<'_>,
) -> Result<Selected, OpError> {
    let about_tags = expression.contains("tags");
    let indexed = list_all(context, &ListQuery::Search { expression }, bound, patience).await?;
    let mut seen = HashSet::new();
    let indexed =
        indexed.into_iter().filter(|asset| seen.insert(asset.key.clone())).collect::<Vec<_>>();
    let keys = indexed.iter().map(|asset| asset.key.clone()).collect();
    let read = read_each(context, keys).await?;
    let mut selected = Selected::default();
    for (index, found) in indexed.iter().zip(read) {
        let reason = match &found.asset {
            None => LeftOutReason::Vanished,
            Some(stored) if verb == Verb::Delete && differs(index, stored, about_tags) => {
                LeftOutReason::Changed
            }
            Some(_) => {
                selected.found.push(found);
                continue;
            }
        };
        let why = match reason {
            LeftOutReason::Changed => "the search index lags: storage has changed it since",
            _ => "the search index lags: storage has it no longer",
        };
        selected.left_out.push(LeftOut {
            name: clean(&found.key.to_string()).into_owned(),
            key: Some(found.key),
            readings: Vec::new(),
            reason,
            why: why.to_owned(),
        });
    }
    Ok(selected)
}

/// Whether the search index knows another file, or other tags where the search is about them.
fn differs(index: &Asset, stored: &Asset, about_tags: bool) -> bool {
    let sorted =
        |asset: &Asset| asset.tags.iter().cloned().collect::<std::collections::BTreeSet<_>>();
    let other_asset = match (&index.asset_id, &stored.asset_id) {
        (Some(one), Some(other)) => one != other,
        _ => false,
    };
    other_asset
        || index.version != stored.version
        || (about_tags && sorted(index) != sorted(stored))
}

/// Assets to bring back: a kept backup is required, whether the name is empty or holds a placeholder.
///
/// # Errors
/// The cloud's.
pub(super) async fn restorable(
    context: &Context,
    keys: &[AssetKey],
    terms: &OrderTerms,
    patience: Patience<'_>,
) -> Result<Selected, OpError> {
    let (keys, duplicates) = distinct(keys);
    let most = terms.max_items.or(context.policy.max_items);
    Bound { most, what: &Selection::Keys(keys.clone()) }.check(keys.len())?;
    if keys.is_empty() {
        return Err(OpError::NothingSelected { what: "nothing".to_owned() });
    }
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        let detail = if found.len() < DETAIL_MAX {
            patience.until_answered(context, || context.cloud.detail(&key)).await
        } else {
            Err(CloudError::NotFound { cloud: String::new(), asset: String::new() })
        };
        let (asset, backup) = match detail {
            Ok(detail) => {
                let kept = detail.asset.placeholder
                    || detail.versions.iter().any(|version| version.restorable);
                // a placeholder is nothing in storage, and tells under which URLs the asset was served
                (Some(detail.asset), if kept { Backup::Kept } else { Backup::None })
            }
            Err(CloudError::NotFound { .. }) => (None, Backup::Unknown),
            Err(other) => return Err(other.into()),
        };
        found.push(Found { key, asset, derived: None, backup });
    }
    Ok(Selected { found, duplicates, ..Selected::default() })
}

/// Each once, in their order; and how many were there again.
fn distinct(keys: &[AssetKey]) -> (Vec<AssetKey>, usize) {
    let mut seen = HashSet::new();
    let once = keys.iter().filter(|key| seen.insert(*key)).cloned().collect::<Vec<_>>();
    let again = keys.len() - once.len();
    (once, again)
}

/// Every page of a listing. A cursor that comes again would never end.
async fn list_all(
    context: &Context,
    query: &ListQuery,
    bound: &Bound<'_>,
    patience: Patience<'_>,
) -> Result<Vec<Asset>, OpError> {
    let mut assets = Vec::new();
    let mut cursor = None;
    loop {
        let list = || context.cloud.list(query, PAGE, cursor.as_deref());
        let page = patience.until_answered(context, list).await?;
        assets.extend(page.assets.into_iter().filter(|asset| !asset.placeholder));
        bound.check(assets.len())?;
        if page.next_cursor.is_some() && page.next_cursor == cursor {
            return Err(OpError::Invalid {
                message: "the listing does not go on: its cursor came twice".to_owned(),
                hint: "try again in a minute".to_owned(),
            });
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(assets);
        }
    }
}

/// Names that must all exist, unless those that do not may be left out.
async fn by_keys(
    context: &Context,
    keys: Vec<AssetKey>,
    duplicates: usize,
    leave_out_missing: bool,
) -> Result<Selected, OpError> {
    let read = read_each(context, keys).await?;
    let (found, missing): (Vec<_>, Vec<_>) =
        read.into_iter().partition(|found| found.asset.is_some());
    if !missing.is_empty() && !leave_out_missing {
        let assets = missing.iter().map(|missing| missing.key.to_string()).collect();
        return Err(OpError::Missing { cloud: context.account.cloud_name.clone(), assets });
    }
    let left_out = missing.into_iter().map(|missing| unknown(context, None, missing.key));
    Ok(Selected { found, left_out: left_out.collect(), duplicates })
}

/// A name that storage does not have.
fn unknown(context: &Context, typed: Option<&str>, key: AssetKey) -> LeftOut {
    LeftOut {
        name: typed.map_or_else(|| clean(&key.to_string()).into_owned(), str::to_owned),
        readings: vec![key.clone()],
        key: Some(key),
        reason: LeftOutReason::Unknown,
        why: format!("{} has no such asset", context.account.cloud_name),
    }
}

/// Adds derived copies and backups to listed assets where they are few.
async fn deepen(context: &Context, listed: Vec<Asset>) -> Result<Vec<Found>, OpError> {
    if may_read_details(context, listed.len()) {
        let keys = listed.into_iter().map(|asset| asset.key).collect();
        let read = read_each(context, keys).await?;
        return Ok(read.into_iter().filter(|found| found.asset.is_some()).collect());
    }
    Ok(listed
        .into_iter()
        .map(|asset| Found {
            key: asset.key.clone(),
            asset: Some(asset),
            derived: None,
            backup: Backup::Unknown,
        })
        .collect())
}

fn may_read_details(context: &Context, assets: usize) -> bool {
    let within_quota = context.cloud.quota().is_none_or(|quota| {
        quota.remaining as usize >= assets + QUOTA_RESERVE.min(quota.limit / 10) as usize
    });
    assets <= DETAIL_MAX && within_quota
}

/// Reads each name, in its order: few in detail, more by their names, a hundred a call, and where that would take too
/// much of the quota by calls that cost none.
async fn read_each(context: &Context, keys: Vec<AssetKey>) -> Result<Vec<Found>, OpError> {
    if !may_read_details(context, keys.len()) {
        return read_by_ids(context, keys).await;
    }
    stream::iter(keys)
        .map(|key| read_detail(context, key))
        .buffered(context.policy.concurrency.max(1))
        .try_collect()
        .await
}

/// At most a quarter of what is left of the quota goes into reading names. While it is not known, the first call
/// tells it.
fn may_read_by_ids(context: &Context, calls: usize) -> bool {
    context.cloud.quota().is_none_or(|quota| {
        let kept = QUOTA_RESERVE.min(quota.limit / 10);
        calls * 4 <= quota.remaining.saturating_sub(kept) as usize
    })
}

/// Reads names in calls of a hundred; where the quota is too small for that, and where it runs out on the way, the
/// rest by calls that cost none.
async fn read_by_ids(context: &Context, keys: Vec<AssetKey>) -> Result<Vec<Found>, OpError> {
    let mut groups = BTreeMap::<(ResourceType, DeliveryType), Vec<&AssetKey>>::new();
    for key in &keys {
        groups.entry((key.resource_type, key.delivery_type)).or_default().push(key);
    }
    let mut calls = groups
        .iter()
        .flat_map(|(types, keys)| in_calls(keys).map(|ids| (*types, ids)))
        .collect::<Vec<_>>();
    let mut held = HashMap::new();
    // the first one by itself: its answer tells the quota
    for at_once in [1, BY_IDS_AT_ONCE] {
        let now = if at_once == 1 { 1.min(calls.len()) } else { calls.len() };
        if !may_read_by_ids(context, calls.len()) {
            break;
        }
        let answers = stream::iter(calls.drain(..now).collect::<Vec<_>>())
            .map(|((resource_type, delivery_type), ids)| async move {
                context.cloud.by_ids(resource_type, delivery_type, &ids).await
            })
            .buffered(at_once)
            .try_collect::<Vec<_>>()
            .await;
        match answers {
            Ok(answers) => {
                let assets = answers.into_iter().flatten();
                held.extend(assets.map(|asset| (asset.key.clone(), asset)));
            }
            Err(CloudError::RateLimited { .. }) => {
                return stat_each(context, keys).await;
            }
            Err(other) => return Err(other.into()),
        }
    }
    if !calls.is_empty() {
        return stat_each(context, keys).await;
    }
    let found = |key: AssetKey| Found {
        asset: held.remove(&key),
        key,
        derived: None,
        backup: Backup::Unknown,
    };
    Ok(keys.into_iter().map(found).collect())
}

/// By calls that cost none of the quota, one each.
async fn stat_each(context: &Context, keys: Vec<AssetKey>) -> Result<Vec<Found>, OpError> {
    stream::iter(keys)
        .map(|key| read_stat(context, key))
        .buffered(context.policy.concurrency.max(1))
        .try_collect()
        .await
}

/// Public IDs call by call: at most a hundred, and no more than an address holds.
fn in_calls(keys: &[&AssetKey]) -> impl Iterator<Item = Vec<String>> {
    let mut calls: Vec<Vec<String>> = Vec::new();
    let mut room = 0;
    for key in keys {
        // a byte may take three characters, beside the name of the parameter
        let takes = key.public_id.as_str().len() * 3 + "public_ids%5B%5D=&".len();
        match calls.last_mut() {
            Some(call) if call.len() < BY_IDS && takes <= room => {
                call.push(key.public_id.to_string());
                room -= takes;
            }
            _ => {
                calls.push(vec![key.public_id.to_string()]);
                room = ADDRESS.saturating_sub(takes);
            }
        }
    }
    calls.into_iter()
}

async fn read_detail(context: &Context, key: AssetKey) -> Result<Found, OpError> {
    match context.cloud.detail(&key).await {
        Ok(detail) if detail.asset.placeholder => {
            Ok(Found { key, asset: None, derived: None, backup: Backup::Kept })
        }
        Ok(detail) => {
            let backup = if detail.versions.iter().any(|version| version.restorable) {
                Backup::Kept
            } else {
                Backup::None
            };
            Ok(Found { key, asset: Some(detail.asset), derived: Some(detail.derived), backup })
        }
        Err(CloudError::NotFound { .. }) => {
            Ok(Found { key, asset: None, derived: None, backup: Backup::Unknown })
        }
        Err(CloudError::RateLimited { .. }) => read_stat(context, key).await,
        Err(other) => Err(other.into()),
    }
}

async fn read_stat(context: &Context, key: AssetKey) -> Result<Found, OpError> {
    let asset = context.cloud.stat(&key).await?;
    Ok(Found { key, asset, derived: None, backup: Backup::Unknown })
}
