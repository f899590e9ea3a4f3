//! Watching a URL that nothing was ordered for: storage is the truth, a difference is outdated. Of a web address that
//! belongs to no known cloud a read past the caches is the truth, or what the operator says of it.

use super::context::Context;
use super::error::OpError;
use super::plan::{host_of, stored};
use super::resolve;
use super::tracker::Tracker;
use super::web_origin::Wanted;
use crate::domain::coverage::Coverage;
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::id::{InvalidationId, ItemId, OperationId};
use crate::domain::invalidation::{
    Invalidation, Item, ItemState, Operation, PurgeAgain, Verb, WatchTerms, WatchedName, WatchedUrl,
};
use crate::domain::purge::OrderTerms;
use crate::domain::text::clean;
use crate::domain::verdict::{Content, Expectation, Stored};
use crate::ports::cloud::CloudError;
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
    record(context, tracker, &intent).await
}

/// API of the scope of web addresses that belong to no known cloud; the cloud's name is their host.
pub const WEB: &str = "web";

/// What an operator says of a web address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WebClaim {
    pub expect: Option<Expectation>,
    /// Entity tag of what it must show.
    pub etag: Option<String>,
    /// Entity tag of what it showed before.
    pub old_etag: Option<String>,
}

impl WebClaim {
    /// What follows from it for the reading of the origin.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        let tagged = |etag: &String| Content { etag: Some(etag.clone()), ..Content::default() };
        match (self.expect, &self.etag) {
            (Some(Expectation::Gone), _) => Wanted::Gone,
            (_, Some(etag)) => Wanted::Tagged { etag: etag.clone() },
            (Some(Expectation::New | Expectation::Live), None) => {
                Wanted::Served { not: self.old_etag.as_ref().map(tagged) }
            }
            (Some(Expectation::Refetched) | None, None) => Wanted::AsServed,
        }
    }
}

/// Journals a watch of a web address that belongs to no known cloud; the context's cloud is its
/// [`super::web_origin::WebOrigin`].
///
/// # Errors
/// What cannot be decided, and what would help; a claim that the origin contradicts; the journal's.
pub(crate) async fn watch_web(
    context: &Context,
    tracker: &Tracker,
    url: &DeliveryUrl,
    claim: &WebClaim,
    terms: &OrderTerms,
) -> Result<InvalidationId, OpError> {
    let stored = web_truth(context, url, claim, terms).await?;
    let wanted = claim.wanted();
    let tagged = |etag: &String| Content { etag: Some(etag.clone()), ..Content::default() };
    let target = Target {
        stored: stored.clone().unwrap_or(Stored::Empty),
        version: None,
        derived: !matches!(wanted, Wanted::Tagged { .. }),
        host: url.host_name(),
        url: url.clone(),
    };
    let mut intent = intent(context, target, claim.expect, terms);
    let now = context.clock.wall();
    if let Some(watch) = &mut intent.invalidation {
        let old = claim.old_etag.as_ref().map(tagged);
        for name in &mut watch.names {
            name.old = old.clone().map(Stored::Holds);
            // a copy that was fetched since is a refetched one; when the origin changed is not asked here
            name.changed_at = terms.since.or_else(|| stored.as_ref().map(|_| now));
            name.new.clone_from(&stored);
        }
        watch.urls.iter_mut().for_each(|url| url.old.clone_from(&old));
    }
    record(context, tracker, &intent).await
}

/// What the origin holds as far as the watch begins with it; `None`: not what is wanted yet, it is read again.
async fn web_truth(
    context: &Context,
    url: &DeliveryUrl,
    claim: &WebClaim,
    terms: &OrderTerms,
) -> Result<Option<Stored>, OpError> {
    let (shown, host) = (url.masked(), url.host_name());
    let refused = |message: String, hint: &str| {
        Err(OpError::Invalid { message: clean(&message).into_owned(), hint: hint.to_owned() })
    };
    if claim.expect == Some(Expectation::Refetched) && terms.since.is_none() {
        let message =
            format!("nothing tells when {shown} was purged, so no age can tell a new copy");
        return refused(message, "say it with --since TIME");
    }
    match context.cloud.stat(&url.asset).await {
        Ok(asset) => {
            let holds = stored(asset.as_ref());
            if claim.expect == Some(Expectation::Refetched) && holds == Stored::Empty {
                let message = format!("a read past the caches of {host} gets nothing");
                return refused(message, "check the URL, or use --expect gone");
            }
            Ok(Some(holds))
        }
        Err(CloudError::Conflict { message }) => match claim.expect {
            Some(Expectation::Gone) => {
                let message = format!("{message}, so that what the caches have will not go");
                refused(message, "remove it at the origin first, or leave --expect out")
            }
            _ if claim.old_etag.is_some() => Ok(None),
            _ => refused(message, "check the URL, or use --expect gone"),
        },
        Err(CloudError::Unreachable { detail, .. }) => {
            let what = "what it must show cannot be known";
            let message =
                format!("a read past the caches of {host} is not possible ({detail}): {what}");
            let hint = match claim.expect {
                None => "say it: --expect gone, or --etag TAG of the new content",
                _ => "say it with --etag TAG of the new content",
            };
            refused(message, hint)
        }
        Err(other) => Err(other.into()),
    }
}

async fn record(
    context: &Context,
    tracker: &Tracker,
    intent: &Intent,
) -> Result<InvalidationId, OpError> {
    let id = intent
        .invalidation
        .as_ref()
        .map_or_else(InvalidationId::new, |invalidation| invalidation.id);
    context.journal.record(intent).await?;
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
            api_path: None,
            excluded: Vec::new(),
        },
        items: vec![item.clone()],
        names: vec![name],
        urls: vec![url],
        not_covered: Vec::new(),
        ended: None,
    };
    Intent { operation, items: vec![item], invalidation: Some(invalidation), job: None }
}
