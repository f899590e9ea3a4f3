//! Selections: from marks, prefix, tag or search expression to assets that storage holds.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{OpError, stored};
use crate::domain::asset::{Asset, AssetKey, DerivedAsset};
use crate::domain::purge::{Backup, Selection};
use crate::domain::verdict::Stored;
use crate::ops::context::Context;
use crate::ports::cloud::{CloudError, ListQuery};

/// Up to this many assets are read in detail (derived copies, backups), one Admin call each.
const DETAIL_MAX: usize = 50;
/// Admin calls that a plan leaves untouched for others.
const QUOTA_RESERVE: u32 = 50;
/// Assets a page.
const PAGE: u16 = 500;

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

/// The selection in words.
#[must_use]
pub fn selection_label(what: &Selection) -> String {
    match what {
        Selection::Keys(keys) => match keys.as_slice() {
            [one] => one.to_string(),
            many => format!("{} public IDs", many.len()),
        },
        Selection::Prefix { prefix, resource_type, .. } => {
            format!("{resource_type} prefix `{prefix}`")
        }
        Selection::Tag { tag, resource_type } => format!("{resource_type} tag `{tag}`"),
        Selection::Search { expression } => format!("search `{expression}`"),
    }
}

/// The assets of a selection, each read from storage.
///
/// # Errors
/// Names that do not exist, an empty prefix or selection, the cloud's.
pub(super) async fn existing(context: &Context, what: &Selection) -> Result<Vec<Found>, OpError> {
    let found = match what {
        Selection::Keys(keys) => by_keys(context, distinct(keys)).await?,
        Selection::Prefix { prefix, .. } if prefix.is_empty() => {
            return Err(OpError::EmptyPrefix { cloud: context.account.cloud_name.clone() });
        }
        Selection::Prefix { resource_type, delivery_type, prefix } => {
            let query = ListQuery::Resources {
                resource_type: *resource_type,
                delivery_type: *delivery_type,
                prefix: Some(prefix.clone()),
            };
            let listed = list_all(context, &query).await?;
            deepen(context, listed).await?
        }
        Selection::Tag { resource_type, tag } => {
            let query = ListQuery::Tag { resource_type: *resource_type, tag: tag.clone() };
            let listed = list_all(context, &query).await?;
            deepen(context, listed).await?
        }
        Selection::Search { expression } => {
            // the index lags: what it names is read from storage before it counts
            let listed =
                list_all(context, &ListQuery::Search { expression: expression.clone() }).await?;
            let keys = listed.into_iter().map(|asset| asset.key).collect::<Vec<_>>();
            let read = read_each(context, distinct(&keys)).await?;
            read.into_iter().filter(|found| found.asset.is_some()).collect()
        }
    };
    if found.is_empty() {
        return Err(OpError::NothingSelected { what: selection_label(what) });
    }
    Ok(found)
}

/// Assets to bring back: a kept backup is required, whether the name is empty or holds a placeholder.
///
/// # Errors
/// The cloud's.
pub(super) async fn restorable(
    context: &Context,
    keys: &[AssetKey],
) -> Result<Vec<Found>, OpError> {
    let keys = distinct(keys);
    if keys.is_empty() {
        return Err(OpError::NothingSelected { what: "nothing".to_owned() });
    }
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        let detail = if found.len() < DETAIL_MAX {
            context.cloud.detail(&key).await
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
    Ok(found)
}

fn distinct(keys: &[AssetKey]) -> Vec<AssetKey> {
    let mut seen = std::collections::HashSet::new();
    keys.iter().filter(|key| seen.insert(*key)).cloned().collect()
}

async fn list_all(context: &Context, query: &ListQuery) -> Result<Vec<Asset>, OpError> {
    let mut assets = Vec::new();
    let mut cursor = None;
    loop {
        let page = context.cloud.list(query, PAGE, cursor.as_deref()).await?;
        assets.extend(page.assets.into_iter().filter(|asset| !asset.placeholder));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(assets);
        }
    }
}

async fn by_keys(context: &Context, keys: Vec<AssetKey>) -> Result<Vec<Found>, OpError> {
    let found = read_each(context, keys).await?;
    let missing = found
        .iter()
        .filter(|found| found.asset.is_none())
        .map(|found| found.key.to_string())
        .collect::<Vec<_>>();
    if missing.is_empty() {
        Ok(found)
    } else {
        Err(OpError::Missing { cloud: context.account.cloud_name.clone(), assets: missing })
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

/// Reads each name: few in detail, many by a call that costs no quota.
async fn read_each(context: &Context, keys: Vec<AssetKey>) -> Result<Vec<Found>, OpError> {
    let in_detail = may_read_details(context, keys.len());
    stream::iter(keys)
        .map(|key| async move {
            if in_detail { read_detail(context, key).await } else { read_stat(context, key).await }
        })
        .buffered(context.policy.concurrency.max(1))
        .try_collect()
        .await
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
