//! From what an operator typed or pasted to the asset that is meant.

use super::context::Context;
use super::error::OpError;
use crate::domain::account::Account;
use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::public_id::PublicId;
use crate::domain::secrets::masked;
use crate::domain::text::clean;

/// Every asset that `typed` can mean, likeliest first, never empty: a public ID has one reading, a delivery URL
/// may have several (`a_b/c` is an asset in a folder, or a transformation of one).
///
/// # Errors
/// [`OpError::BadName`] with what is wrong and what to do.
pub fn candidates(
    account: &Account,
    typed: &str,
    resource_type: Option<ResourceType>,
    delivery_type: Option<DeliveryType>,
) -> Result<Vec<AssetKey>, OpError> {
    let typed = typed.trim();
    if delivery_type != Some(DeliveryType::Fetch) && DeliveryUrl::looks_like_url(typed, account) {
        let readings = DeliveryUrl::parse_all(typed, account)
            .map_err(|bad| bad_url(typed, &bad.to_string()))?;
        return Ok(distinct(readings.into_iter().map(|url| url.asset)));
    }
    let public_id = match delivery_type {
        Some(DeliveryType::Fetch) => PublicId::of_fetch(typed),
        _ => typed.parse(),
    };
    let typed = &masked(typed);
    let public_id = public_id.map_err(|bad| OpError::BadName {
        typed: clean(typed).into_owned(),
        message: format!("`{}` is no public ID: {bad}", clean(typed)),
        hint: "give the public ID as `allclear ls` shows it, or the whole delivery URL".to_owned(),
    })?;
    Ok(vec![AssetKey {
        resource_type: resource_type.unwrap_or_default(),
        delivery_type: delivery_type.unwrap_or_default(),
        public_id,
    }])
}

/// A delivery URL of this cloud.
///
/// # Errors
/// [`OpError::BadName`] with what is wrong and what to do.
pub fn delivery_urls(account: &Account, typed: &str) -> Result<Vec<DeliveryUrl>, OpError> {
    DeliveryUrl::parse_all(typed, account).map_err(|bad| bad_url(typed, &bad.to_string()))
}

/// The one of several candidates that storage holds; the likeliest where it holds none. One candidate is not read.
///
/// # Errors
/// The cloud's.
pub async fn settle(context: &Context, candidates: Vec<AssetKey>) -> Result<AssetKey, OpError> {
    let mut candidates = candidates.into_iter();
    let Some(likeliest) = candidates.next() else {
        return Err(OpError::NothingSelected { what: "an empty name".to_owned() });
    };
    if candidates.len() == 0 || context.cloud.stat(&likeliest).await?.is_some() {
        return Ok(likeliest);
    }
    for other in candidates {
        if context.cloud.stat(&other).await?.is_some() {
            return Ok(other);
        }
    }
    Ok(likeliest)
}

fn bad_url(typed: &str, message: &str) -> OpError {
    let typed = &masked(typed);
    OpError::BadName {
        typed: clean(typed).into_owned(),
        message: format!("`{}` is not a delivery URL of this cloud: {message}", clean(typed)),
        hint: "`allclear explain URL` shows how a URL is read".to_owned(),
    }
}

fn distinct(keys: impl Iterator<Item = AssetKey>) -> Vec<AssetKey> {
    let mut seen = Vec::new();
    for key in keys {
        if !seen.contains(&key) {
            seen.push(key);
        }
    }
    seen
}
