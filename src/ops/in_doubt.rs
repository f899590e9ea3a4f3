//! Calls whose answer never came: storage says what became of them.
//!
//! Only what is harmless is sent once more: `explicit` with `invalidate`, and `destroy` of the very version that
//! was to go. A rename, an upload or a restore is never repeated.

use crate::domain::asset::Asset;
use crate::domain::invalidation::{Item, ItemState, Verb, same_content};
use crate::domain::verdict::{Content, Stored};
use crate::ops::context::Context;
use crate::ops::plan::{content_of, is_gone, stored};
use crate::ports::cloud::CloudError;

/// What storage says about a call without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub state: ItemState,
    /// What was found, in one sentence.
    pub message: String,
    /// What storage holds now under the watched name (`to` of a rename).
    pub now: Option<Stored>,
}

/// Settles an item of `verb` that was sent and never answered; `old` is what storage held before.
///
/// # Errors
/// Storage could not be asked; the item stays as it is.
pub async fn ask_storage(
    context: &Context,
    verb: Verb,
    invalidate: bool,
    item: &Item,
    old: Option<&Stored>,
) -> Result<Asked, CloudError> {
    let before = match old {
        Some(Stored::Holds(before)) => Some(before),
        _ => None,
    };
    match verb {
        Verb::Delete => deleted(context, invalidate, item, before).await,
        Verb::Purge | Verb::Watch => purged(context, item).await,
        Verb::Rename => renamed(context, invalidate, item, before).await,
        Verb::Replace => replaced(context, item, before).await,
        Verb::Restore => restored(context, invalidate, item).await,
    }
}

fn accepted(message: &str, now: Stored) -> Asked {
    Asked { state: ItemState::Accepted, message: message.to_owned(), now: Some(now) }
}

fn failed(message: &str, now: Option<&Asset>) -> Asked {
    Asked { state: ItemState::Failed, message: message.to_owned(), now: Some(stored(now)) }
}

async fn deleted(
    context: &Context,
    invalidate: bool,
    item: &Item,
    before: Option<&Content>,
) -> Result<Asked, CloudError> {
    let Some(now) = context.cloud.stat(&item.key).await? else {
        return Ok(accepted("settled by asking storage: it is gone", Stored::Empty));
    };
    if before.is_none_or(|before| !is_same_asset(before, &now)) {
        return Ok(failed(
            "storage holds another asset under this name now; look before you order again",
            Some(&now),
        ));
    }
    let again = context.cloud.destroy(&item.key, invalidate).await?;
    Ok(if is_gone(again) {
        accepted("the first call was not carried out, the second was", Stored::Empty)
    } else {
        failed("not carried out; order it again", Some(&now))
    })
}

async fn purged(context: &Context, item: &Item) -> Result<Asked, CloudError> {
    Ok(match context.cloud.invalidate(&item.key).await {
        Ok(asset) => accepted("sent once more, which is harmless", stored(Some(&asset))),
        Err(CloudError::NotFound { .. }) => failed("the asset is gone meanwhile", None),
        Err(other) => return Err(other),
    })
}

async fn renamed(
    context: &Context,
    invalidate: bool,
    item: &Item,
    before: Option<&Content>,
) -> Result<Asked, CloudError> {
    let Some(to) = &item.to else {
        return Ok(failed("the journal has no new name for it", None));
    };
    let target = context.cloud.stat(to).await?;
    let arrived = match (&target, before.and_then(|before| before.asset_id.as_ref())) {
        (Some(target), Some(asset_id)) => target.asset_id.as_ref() == Some(asset_id),
        (Some(_), None) => context.cloud.stat(&item.key).await?.is_none(),
        (None, _) => false,
    };
    if !arrived && target.is_none() && context.cloud.stat(&item.key).await?.is_none() {
        let message = format!("storage has neither name: look for what the cloud made of {to}");
        return Ok(accepted(&message, Stored::Empty));
    }
    if !arrived {
        return Ok(failed(
            "storage still has the old name: not carried out; order it again",
            target.as_ref(),
        ));
    }
    if invalidate {
        context.cloud.invalidate(to).await?;
    }
    Ok(accepted("settled by asking storage: it has the new name", stored(target.as_ref())))
}

async fn replaced(
    context: &Context,
    item: &Item,
    before: Option<&Content>,
) -> Result<Asked, CloudError> {
    let now = context.cloud.stat(&item.key).await?;
    let changed = match (&now, before) {
        (Some(now), Some(before)) => !same_content(&content_of(now), before),
        (now, _) => now.is_some(),
    };
    Ok(if changed {
        accepted(
            "settled by asking storage: it holds another file than before",
            stored(now.as_ref()),
        )
    } else {
        failed(
            "storage holds what it held before: not carried out, or the file is the same; order it again",
            now.as_ref(),
        )
    })
}

async fn restored(context: &Context, invalidate: bool, item: &Item) -> Result<Asked, CloudError> {
    let Some(now) = context.cloud.stat(&item.key).await? else {
        return Ok(failed("storage does not have it: not carried out; order it again", None));
    };
    if invalidate {
        context.cloud.invalidate(&item.key).await?;
    }
    Ok(accepted("settled by asking storage: it is back", stored(Some(&now))))
}

/// The same file of the same asset, so that repeating a `destroy` can hit nothing else.
fn is_same_asset(before: &Content, now: &Asset) -> bool {
    before.version == Some(now.version)
        && (before.asset_id.is_none() || now.asset_id.is_none() || before.asset_id == now.asset_id)
}

#[cfg(test)]
mod tests;
