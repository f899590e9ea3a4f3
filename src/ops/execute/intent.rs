//! The intent of a plan: everything the journal must know before the first call leaves.

use std::collections::HashMap;

use super::heart::LEASE;
use crate::domain::id::{InvalidationId, ItemId, OperationId};
use crate::domain::invalidation::{
    Invalidation, Item, ItemState, Operation, WatchTerms, WatchedName, WatchedUrl,
};
use crate::domain::job::JobTerms;
use crate::domain::place::Place;
use crate::domain::purge::{ApiPath, OrderTerms, Plan, PlannedItem, PlannedUrl};
use crate::domain::sighting::AcceptVariant;
use crate::domain::verdict::{Content, Stored};
use crate::ops::context::Context;
use crate::ops::plan::stored;
use crate::ops::tracker::read_reference;
use crate::ports::journal::{Intent, JobIntent, Reach};

/// Reference reads at one place before a call: enough on loopback, few where a place takes one request a second.
const REFERENCES_PER_PLACE_LOCAL: usize = 50;
const REFERENCES_PER_PLACE: usize = 4;

/// The intent of `plan`, with OLD of the derived URLs read as far as the limits allow.
pub(super) async fn of_plan(context: &Context, plan: &Plan, terms: &OrderTerms) -> Intent {
    let operation = Operation {
        id: OperationId::new(),
        verb: plan.verb,
        scope: context.scope.clone(),
        member: context.member.id,
        at: context.clock.wall(),
        command_line: terms.command_line.clone(),
        note: terms.note.clone(),
        invalidate: plan.invalidate,
    };
    let items = plan.items.iter().map(|planned| item(&operation, planned)).collect::<Vec<_>>();
    let invalidation = if plan.invalidate {
        Some(invalidation(context, plan, terms, &operation, &items).await)
    } else {
        None
    };
    let job = job(context, plan, &items);
    Intent { operation, items, invalidation, job: Some(job) }
}

/// What makes it a job that another process can go on with. The file of a replacement is not kept.
fn job(context: &Context, plan: &Plan, items: &[Item]) -> JobIntent {
    let now = context.clock.wall();
    let unwatched = plan.items.iter().zip(items).filter(|_| !plan.invalidate);
    JobIntent {
        terms: JobTerms {
            api_path: plan.api_path,
            overwrite: plan.overwrite,
            not_before: (!plan.delay.is_zero()).then(|| now + plan.delay),
            resumable: plan.file.is_none(),
            shared: is_shared(context, plan),
        },
        ttl: LEASE,
        before: unwatched
            .filter_map(|(planned, item)| Some((item.id, planned.old.clone()?)))
            .collect(),
        refused: plan.refused.clone(),
        by_url: plan.by_url.clone(),
    }
}

/// Whether its calls go out from several hosts: each is one asset's, and the team has a journal.
fn is_shared(context: &Context, plan: &Plan) -> bool {
    let one_by_one =
        matches!(plan.api_path, ApiPath::Explicit | ApiPath::Destroy | ApiPath::Rename);
    one_by_one && plan.file.is_none() && context.journal.reach() != Reach::Here
}

fn item(operation: &Operation, planned: &PlannedItem) -> Item {
    Item {
        id: ItemId::new(),
        operation: operation.id,
        key: planned.key.clone(),
        to: planned.to.clone(),
        state: ItemState::Intended,
        sent_at: None,
        message: None,
    }
}

async fn invalidation(
    context: &Context,
    plan: &Plan,
    terms: &OrderTerms,
    operation: &Operation,
    items: &[Item],
) -> Invalidation {
    let mut names = Vec::with_capacity(items.len());
    for (planned, item) in plan.items.iter().zip(items) {
        names.push(name(item, &item.key, planned.old.clone(), false));
        if let Some(to) = &item.to {
            // a rename is one asset: reading its target again costs one uncounted call
            let old = context.cloud.stat(to).await.ok().map(|target| stored(target.as_ref()));
            names.push(name(item, to, old, true));
        }
    }
    let mut urls = watched_urls(&plan.watched, items);
    read_old_derived(context, plan, &mut urls).await;
    Invalidation {
        id: InvalidationId::new(),
        operation: operation.clone(),
        terms: watch_terms(context, plan, terms),
        items: items.to_vec(),
        names,
        urls,
        not_covered: plan.not_covered.clone(),
        ended: None,
    }
}

fn name(
    item: &Item,
    key: &crate::domain::asset::AssetKey,
    old: Option<Stored>,
    must_live: bool,
) -> WatchedName {
    WatchedName {
        item: item.id,
        key: key.clone(),
        must_live,
        old,
        new: None,
        changed_at: None,
        superseded: false,
    }
}

pub(crate) fn watch_terms(context: &Context, plan: &Plan, terms: &OrderTerms) -> WatchTerms {
    let policy = &context.policy;
    WatchTerms {
        confidence: plan.confidence,
        hold_back: policy.hold_back,
        give_up_after: terms.give_up_after.unwrap_or(policy.give_up_after),
        stuck_after: plan.stuck_after,
        loopback: policy.loopback,
        sampled_of: plan.sampled_of,
        sampled_urls: plan.sampled_urls,
        budget: Some(plan.budget),
        purge_again: policy.purge_again,
        api_path: Some(plan.api_path),
        excluded: Vec::new(),
    }
}

/// The planned URLs, each under the ID of its item.
fn watched_urls(planned: &[PlannedUrl], items: &[Item]) -> Vec<WatchedUrl> {
    planned
        .iter()
        .filter_map(|planned| {
            let item = items.get(planned.item)?;
            Some(WatchedUrl { item: item.id, ..planned.url.clone() })
        })
        .collect()
}

/// Reads OLD of derived URLs by reference, spread over the places.
async fn read_old_derived(context: &Context, plan: &Plan, urls: &mut [WatchedUrl]) {
    let Some(host) = urls.iter().find(|url| url.derived).map(|url| url.url.host_name()) else {
        return;
    };
    let Ok(places) = context.places.places(&host).await else { return };
    let per_place =
        if context.policy.loopback { REFERENCES_PER_PLACE_LOCAL } else { REFERENCES_PER_PLACE };
    let versions = plan.items.iter().filter_map(version_of).collect::<HashMap<_, _>>();
    let wanted = urls.iter_mut().filter(|url| url.derived).take(per_place * places.len());
    let turns = wanted.zip(places.iter().cycle());
    futures_util::future::join_all(
        turns.map(|(url, place)| read_one(context, place, &versions, url)),
    )
    .await;
}

fn version_of(planned: &PlannedItem) -> Option<(&crate::domain::asset::AssetKey, u64)> {
    match &planned.old {
        Some(Stored::Holds(Content { version: Some(version), .. })) => {
            Some((&planned.key, *version))
        }
        _ => None,
    }
}

async fn read_one(
    context: &Context,
    place: &Place,
    versions: &HashMap<&crate::domain::asset::AssetKey, u64>,
    url: &mut WatchedUrl,
) {
    let Some(version) = versions.get(&url.key) else { return };
    url.old = read_reference(context, place, &url.url, *version, AcceptVariant::None).await;
}
