//! What is to be done for a job, from a plan that was just confirmed or from the journal alone.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::domain::asset::AssetKey;
use crate::domain::id::{InvalidationId, ItemId, OperationId};
use crate::domain::invalidation::{Item, Operation, Verb};
use crate::domain::purge::{ApiPath, Plan};
use crate::domain::time::Timestamp;
use crate::domain::verdict::Stored;
use crate::ports::journal::{ByUrl, Intent, JobWork};

/// Assets of one Admin call.
const BULK: usize = 100;

/// A job as its runner needs it.
#[derive(Clone)]
pub(super) struct Work {
    pub operation: Operation,
    pub api_path: ApiPath,
    pub overwrite: bool,
    /// Of a replacement.
    pub file: Option<PathBuf>,
    pub not_before: Option<Timestamp>,
    /// Several processes may make its calls.
    pub is_shared: bool,
    pub invalidation: Option<InvalidationId>,
    pub items: Vec<Item>,
    /// What storage held before.
    pub before: HashMap<ItemId, Stored>,
    /// To be named to the cloud one by one when every item has its outcome.
    pub by_url: ByUrl,
}

/// Items of one call, by their positions: consecutive, and of the same types where they are many.
pub(super) type Unit = Vec<usize>;

impl Work {
    pub fn of_plan(plan: &Plan, intent: Intent) -> Self {
        let before = plan.items.iter().zip(&intent.items);
        let before = before.filter_map(|(planned, item)| Some((item.id, planned.old.clone()?)));
        Self {
            api_path: plan.api_path,
            overwrite: plan.overwrite,
            file: plan.file.clone(),
            not_before: intent.job.as_ref().and_then(|job| job.terms.not_before),
            is_shared: intent.job.is_some_and(|job| job.terms.shared),
            invalidation: intent.invalidation.map(|invalidation| invalidation.id),
            before: before.collect(),
            by_url: ByUrl { urls: plan.by_url.clone(), lost: 0 },
            items: intent.items,
            operation: intent.operation,
        }
    }

    /// What the journal has of it now, after somebody else ran it; the positions stay.
    pub fn refresh(&mut self, work: JobWork) {
        (self.items, self.before, self.by_url) = (work.items, work.before, work.by_url);
    }

    /// `None` where its calls cannot be made from the journal alone.
    pub fn of_journal(work: JobWork) -> Option<Self> {
        let JobWork { operation, terms, invalidation, items, before, by_url, .. } = work;
        let is_settled = items.iter().all(|item| item.state.is_settled());
        let terms = terms.filter(|terms| terms.resumable || is_settled)?;
        Some(Self {
            api_path: terms.api_path,
            overwrite: terms.overwrite,
            file: None,
            not_before: terms.not_before,
            is_shared: terms.shared,
            operation,
            invalidation,
            items,
            before,
            by_url,
        })
    }

    pub const fn id(&self) -> OperationId {
        self.operation.id
    }

    pub const fn verb(&self) -> Verb {
        self.operation.verb
    }

    pub const fn invalidate(&self) -> bool {
        self.operation.invalidate
    }

    /// Whether its calls count against the Admin quota.
    pub const fn uses_quota(&self) -> bool {
        matches!(self.api_path, ApiPath::AdminBulk | ApiPath::RestoreThenExplicit)
    }

    /// The calls for the items at `positions`, in their order.
    pub fn units(&self, positions: impl Iterator<Item = usize>) -> Vec<Unit> {
        let most = if self.uses_quota() { BULK } else { 1 };
        let mut units: Vec<Unit> = Vec::new();
        for position in positions {
            let types = |at: usize| {
                let AssetKey { resource_type, delivery_type, .. } = &self.items[at].key;
                (*resource_type, *delivery_type)
            };
            match units.last_mut() {
                Some(unit) if unit.len() < most && types(unit[0]) == types(position) => {
                    unit.push(position);
                }
                _ => units.push(vec![position]),
            }
        }
        units
    }
}
