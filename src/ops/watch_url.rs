//! Watching a URL that nothing was ordered for: storage is the truth, a difference is outdated.

use super::context::Context;
use super::error::OpError;
use super::plan::{host_of, stored};
use super::resolve;
use super::tracker::Tracker;
use crate::domain::coverage::Coverage;
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::id::{InvalidationId, ItemId, OperationId};
use crate::domain::invalidation::{
    Invalidation, Item, ItemState, Operation, PurgeAgain, Verb, WatchTerms, WatchedName, WatchedUrl,
};
use crate::domain::purge::OrderTerms;
use crate::domain::verdict::{Expectation, Stored};
use crate::ports::journal::Intent;

/// Requests that one URL needs, in three variants at some dozens of places.
const BUDGETED_FOR: u64 = 1_000;

/// A delivery URL and what storage holds of its asset.
pub(crate) struct Target {
    pub url: DeliveryUrl,
    pub stored: Stored,
    /// Version of the asset, for reference reads.
    pub version: Option<u64>,
    /// The URL serves a derived copy.
    pub derived: bool,
    /// Host to look for places at.
    pub host: String,
}

/// Reads a typed URL in the reading that storage knows.
///
/// # Errors
/// A URL that is not this cloud's, the cloud's.
pub(crate) async fn target(context: &Context, typed: &str) -> Result<Target, OpError> {
    let readings = resolve::delivery_urls(&context.account, typed)?;
    let key =
        resolve::settle(context, readings.iter().map(|url| url.asset.clone()).collect()).await?;
    let url = readings
        .into_iter()
        .find(|url| url.asset == key)
        .ok_or_else(|| OpError::NothingSelected { what: "this URL".to_owned() })?;
    let asset = context.cloud.stat(&key).await?;
    Ok(Target {
        stored: stored(asset.as_ref()),
        version: asset.as_ref().map(|asset| asset.version),
        derived: asset.as_ref().is_some_and(|asset| url.is_derived(asset.format.as_deref())),
        host: host_of(context, Some(&url)),
        url,
    })
}

/// Journals a watch of one URL and hands it to the tracker; nothing is changed.
///
/// # Errors
/// A URL that is not this cloud's, an expectation that storage contradicts, the cloud's, the journal's.
pub(crate) async fn watch_url(
    context: &Context,
    tracker: &Tracker,
    typed: &str,
    expect: Option<Expectation>,
    terms: &OrderTerms,
) -> Result<InvalidationId, OpError> {
    let target = target(context, typed).await?;
    refuse_contradiction(&target, expect)?;
    let intent = intent(context, target, expect, terms);
    let id = intent
        .invalidation
        .as_ref()
        .map_or_else(InvalidationId::new, |invalidation| invalidation.id);
    context.journal.record(&intent).await?;
    tracker.take_up(id).await?;
    Ok(id)
}

/// Nothing can become what storage says it is not.
fn refuse_contradiction(target: &Target, expect: Option<Expectation>) -> Result<(), OpError> {
    let key = &target.url.asset;
    let (message, hint) = match (expect, &target.stored) {
        (Some(Expectation::Gone), Stored::Holds(_)) => (
            format!("storage still holds {key}, so its copies will not go"),
            "delete it first, or leave --expect out",
        ),
        (Some(Expectation::New | Expectation::Live | Expectation::Refetched), Stored::Empty) => (
            format!("storage has no {key}, so nothing can be delivered"),
            "check the public ID, or use --expect gone",
        ),
        _ => return Ok(()),
    };
    Err(OpError::Invalid { message, hint: hint.to_owned() })
}

fn intent(
    context: &Context,
    target: Target,
    expect: Option<Expectation>,
    terms: &OrderTerms,
) -> Intent {
    let now = context.clock.wall();
    let operation = Operation {
        id: OperationId::new(),
        verb: Verb::Watch,
        scope: context.scope.clone(),
        member: context.member.id,
        at: now,
        command_line: terms.command_line.clone(),
        note: terms.note.clone(),
        invalidate: false,
    };
    let key = target.url.asset.clone();
    let item = Item {
        id: ItemId::new(),
        operation: operation.id,
        key: key.clone(),
        to: None,
        state: ItemState::Accepted,
        sent_at: terms.since,
        message: None,
    };
    let name = WatchedName {
        item: item.id,
        key: key.clone(),
        must_live: matches!(expect, Some(Expectation::Live | Expectation::New)),
        old: None,
        new: Some(target.stored),
        changed_at: terms.since.map(|_| now),
        superseded: false,
    };
    let url = WatchedUrl {
        url: target.url,
        coverage: Coverage::Covered,
        item: item.id,
        key,
        derived: target.derived,
        old: None,
    };
    let policy = &context.policy;
    let invalidation = Invalidation {
        id: InvalidationId::new(),
        operation: operation.clone(),
        terms: WatchTerms {
            confidence: terms.confidence.unwrap_or(policy.confidence),
            hold_back: std::time::Duration::ZERO,
            give_up_after: terms.give_up_after.unwrap_or(policy.give_up_after),
            stuck_after: policy.stuck_after,
            loopback: policy.loopback,
            sampled_of: None,
            sampled_urls: None,
            budget: Some(policy.budget(BUDGETED_FOR)),
            purge_again: PurgeAgain::Offer,
            excluded: Vec::new(),
        },
        items: vec![item.clone()],
        names: vec![name],
        urls: vec![url],
        not_covered: Vec::new(),
        ended: None,
    };
    Intent { operation, items: vec![item], invalidation: Some(invalidation) }
}
