//! Plans: an order resolved against storage, with its price and its limits, before anything is sent.

mod notes;
mod onlookers;
mod patience;
mod price;
mod route;
mod select;
mod watched;

pub use patience::Patience;
pub use watched::host_of;

use std::time::Duration;

use super::context::Context;
use super::error::OpError;
use crate::domain::asset::{Asset, AssetKey};
use crate::domain::invalidation::{ItemState, Verb};
use crate::domain::job::Refused;
use crate::domain::purge::{
    ApiPath, Confirmation, LeftOut, LeftOutReason, Order, OrderTerms, Plan, PlannedItem, Selection,
};
use crate::domain::verdict::{Content, Stored};
use crate::ports::cloud::Destroyed;
use route::Route;
use select::{Found, Selected};

pub use select::selection_label;

/// Resolves an order against storage, without changing anything.
///
/// # Errors
/// Read-only profile, bad or missing names, an empty selection, the cloud's.
#[cfg(test)]
pub async fn plan(context: &Context, order: &Order, terms: &OrderTerms) -> Result<Plan, OpError> {
    plan_patiently(context, order, terms, Patience::default()).await
}

/// Resolves an order against storage, without changing anything; waits for the quota where somebody sees it.
///
/// # Errors
/// Read-only profile, bad or missing names, an empty selection, the cloud's.
pub async fn plan_patiently(
    context: &Context,
    order: &Order,
    terms: &OrderTerms,
    patience: Patience<'_>,
) -> Result<Plan, OpError> {
    refuse_on_read_only(context, order.verb())?;
    match order {
        Order::Rename { from, to, overwrite } => rename(context, from, to, *overwrite, terms).await,
        Order::Delete { what } => {
            let selected = select::existing(context, what, Verb::Delete, terms, patience).await?;
            let route = route::of_delete(context, selected.found.len(), terms).await?;
            Draft::new(Verb::Delete, route, selected).finish(context, terms).await
        }
        Order::Purge { what } => {
            let selected = select::existing(context, what, Verb::Purge, terms, patience).await?;
            Draft::new(Verb::Purge, Route::of(ApiPath::Explicit), selected)
                .finish(context, terms)
                .await
        }
        Order::Replace { key, file } => {
            let checked = tokio::fs::metadata(file).await;
            if !checked.as_ref().is_ok_and(std::fs::Metadata::is_file) {
                let detail =
                    checked.err().map_or_else(|| "is no file".to_owned(), |e| e.to_string());
                return Err(OpError::Invalid {
                    message: format!("cannot read {}: {detail}", file.display()),
                    hint: "give the path of a file on this machine".to_owned(),
                });
            }
            let what = Selection::Keys(vec![key.clone()]);
            let selected = select::existing(context, &what, Verb::Replace, terms, patience).await?;
            let mut draft = Draft::new(Verb::Replace, Route::of(ApiPath::Upload), selected);
            draft.file = Some(file.clone());
            draft.finish(context, terms).await
        }
        Order::Restore { keys } => {
            let selected = select::restorable(context, keys, terms, patience).await?;
            Draft::new(Verb::Restore, Route::of(ApiPath::RestoreThenExplicit), selected)
                .finish(context, terms)
                .await
        }
    }
}

/// The one place that keeps writes from a read-only profile, for plans and for their execution.
///
/// # Errors
/// [`OpError::ReadOnly`].
pub fn refuse_on_read_only(context: &Context, verb: Verb) -> Result<(), OpError> {
    if context.policy.read_only && verb != Verb::Watch {
        return Err(OpError::ReadOnly {
            profile: context.policy.profile.clone(),
            verb: verb.as_str(),
        });
    }
    Ok(())
}

async fn rename(
    context: &Context,
    from: &AssetKey,
    to: &AssetKey,
    overwrite: bool,
    terms: &OrderTerms,
) -> Result<Plan, OpError> {
    let invalid = |message: String, hint: &str| OpError::Invalid { message, hint: hint.to_owned() };
    if from == to {
        return Err(invalid(format!("{from} already has this name"), "give another name"));
    }
    if from.resource_type != to.resource_type {
        return Err(invalid(
            format!("a rename cannot turn a {} into a {}", from.resource_type, to.resource_type),
            "upload the file again under the other resource type",
        ));
    }
    let what = Selection::Keys(vec![from.clone()]);
    let selected =
        select::existing(context, &what, Verb::Rename, terms, Patience::default()).await?;
    let target = context.cloud.stat(to).await?;
    if target.is_some() && !overwrite {
        return Err(OpError::TargetExists {
            cloud: context.account.cloud_name.clone(),
            to: to.to_string(),
        });
    }
    let mut draft = Draft::new(Verb::Rename, Route::of(ApiPath::Rename), selected);
    draft.to = Some((to.clone(), target));
    draft.overwrite = overwrite;
    draft.finish(context, terms).await
}

/// A plan in the making: what was found in storage, before URLs and prices.
struct Draft {
    verb: Verb,
    api_path: ApiPath,
    why: String,
    found: Vec<Found>,
    left_out: Vec<LeftOut>,
    duplicates: usize,
    /// New name of a rename, and what storage holds there.
    to: Option<(AssetKey, Option<Asset>)>,
    overwrite: bool,
    file: Option<std::path::PathBuf>,
}

impl Draft {
    fn new(verb: Verb, route: Route, selected: Selected) -> Self {
        let Selected { found, left_out, duplicates } = selected;
        let Route { api_path, why } = route;
        Self {
            verb,
            api_path,
            why,
            found,
            left_out,
            duplicates,
            to: None,
            overwrite: false,
            file: None,
        }
    }

    /// What the operator named and what is not sent, as the job keeps it.
    fn refused(&self, terms: &OrderTerms) -> Vec<Refused> {
        let named = self.left_out.iter().filter(|left| left.reason.is_failure());
        let kept = named.map(|left| Refused {
            typed: left.name.clone(),
            state: match left.reason {
                LeftOutReason::Unknown => ItemState::NotFound,
                _ => ItemState::Failed,
            },
            reason: left.why.clone(),
            readings: left.readings.clone(),
        });
        terms.refused.iter().cloned().chain(kept).collect()
    }

    /// Whether it takes away or overwrites what storage holds.
    const fn destroys(&self) -> bool {
        matches!(self.verb, Verb::Delete | Verb::Replace) || self.overwrite
    }

    /// How long it can be called off after the confirmation: a large one that takes something away.
    fn start_delay(&self, context: &Context) -> Duration {
        if self.destroys() && self.found.len() > context.policy.confirm_above {
            context.policy.start_delay
        } else {
            Duration::ZERO
        }
    }

    async fn finish(self, context: &Context, terms: &OrderTerms) -> Result<Plan, OpError> {
        let confidence = terms.confidence.unwrap_or(context.policy.confidence);
        let urls = if terms.invalidate {
            watched::urls(context, &self, terms)?
        } else {
            watched::Urls::default()
        };
        let found = context.places.places(&urls.host(context)).await.unwrap_or_default();
        let places = found.len();
        let (watched, sampled_urls) = urls.sampled(context, terms);
        let sampled_of = sampled_urls.map(|_| watched::variants(&urls.watched) * places);
        let usual = context.journal.usual(&context.scope).await.unwrap_or_default();
        let cells = watched::variants(&watched);
        let price = price::price(context, &self, cells, places, confidence, &usual);
        let too_many = sampled_urls.is_none() && cells > context.policy.verify_full_max;
        let offer = too_many.then(|| notes::offered_sample(context, &watched, terms));
        let seen_by = onlookers::of(&context.account, &watched, &found);
        let quota = context.cloud.quota();
        let paced_until = price::paced_until(quota, price.admin_calls, context.clock.wall());
        let start_delay = self.start_delay(context);
        let mut notes = notes::notes(&self, terms, places);
        notes.extend(notes::paced(paced_until, price.admin_calls));
        notes.extend(notes::by_url(&urls, terms));
        notes.extend(notes::onlookers(&seen_by));
        notes.extend(notes::start_delay(start_delay));
        notes.extend(offer.flatten());
        notes.extend(notes::usually(&usual).filter(|_| terms.invalidate));
        let confirmation = Confirmation::needed(
            context.policy.risk,
            &context.account.cloud_name,
            self.found.len(),
            context.policy.confirm_above,
        );
        Ok(Plan {
            verb: self.verb,
            cloud_name: context.account.cloud_name.clone(),
            api_path: self.api_path,
            why: self.why.clone(),
            overwrite: self.overwrite,
            invalidate: terms.invalidate,
            file: self.file.clone(),
            upload_calls: price.upload_calls,
            admin_calls: price.admin_calls,
            quota_left: quota.map(|quota| quota.remaining),
            paced_until,
            watched,
            not_covered: urls.not_covered,
            by_url: urls.by_url,
            duplicates: self.duplicates,
            left_out: self.left_out.clone(),
            seen_by,
            places,
            requests: price.requests,
            budget: context.policy.budget(price.requests),
            stuck_after: context.policy.stuck_after(&usual),
            delay: start_delay,
            execution: price.execution,
            verification: price.verification,
            confidence,
            sampled_of,
            sampled_urls,
            notes,
            confirmation,
            refused: self.refused(terms),
            items: self.items(),
        })
    }

    fn items(self) -> Vec<PlannedItem> {
        let to = self.to.map(|(key, _)| key);
        self.found
            .into_iter()
            .map(|found| PlannedItem {
                to: to.clone(),
                old: Some(found.old()),
                bytes: found.asset.as_ref().map_or(0, |asset| asset.bytes),
                derived: found.derived.as_ref().map(Vec::len),
                backup: found.backup,
                key: found.key,
            })
            .collect()
    }
}

/// What storage holds, as far as a listing or a detail tells.
#[must_use]
pub fn content_of(asset: &Asset) -> Content {
    Content {
        asset_id: asset.asset_id.clone(),
        version: Some(asset.version),
        etag: asset.etag.clone(),
        bytes: Some(asset.bytes).filter(|bytes| *bytes > 0), // no file is empty: not told
        ..Content::default()
    }
}

/// What storage holds under a name; a placeholder of a deleted asset is nothing.
#[must_use]
pub fn stored(asset: Option<&Asset>) -> Stored {
    match asset {
        Some(asset) if !asset.placeholder => Stored::Holds(content_of(asset)),
        _ => Stored::Empty,
    }
}

/// Whether a `destroy` reply means that the asset is not there any more.
#[must_use]
pub const fn is_gone(reply: Destroyed) -> bool {
    matches!(reply, Destroyed::Ok | Destroyed::NotFound)
}

#[cfg(test)]
mod tests;
