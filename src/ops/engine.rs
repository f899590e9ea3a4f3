//! The engine: one entry for every use case.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::error::OpError;
use super::tracker::Tracker;
use crate::domain::asset::{AssetDetail, AssetKey, DeliveryType, ResourceType};
use crate::domain::id::{InvalidationId, ItemId, OperationId};
use crate::domain::invalidation::ItemState;
use crate::domain::place::Place;
use crate::domain::purge::{Order, OrderTerms, Plan};
use crate::domain::sighting::Sighting;
use crate::domain::verdict::{Expectation, Judgement};
use crate::ports::cloud::{ListQuery, Page};
use crate::ports::journal::{ActivityRow, InvalidationRow};

/// Every use case, over one profile.
pub struct Engine {
    context: Arc<Context>,
    tracker: Tracker,
}

/// An asset with its delivery URLs.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    pub detail: AssetDetail,
    pub urls: Vec<ShownUrl>,
    /// What an invalidation never reaches on any account, one sentence each.
    pub notes: Vec<String>,
}

/// One delivery URL of an asset and whether an invalidation reaches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownUrl {
    /// As an operator may open it.
    pub url: String,
    /// Transformation, empty for the original.
    pub transformation: String,
    /// `covered`, `not_covered` or `uncertain`.
    pub coverage: &'static str,
    /// Stable word and sentence of why, empty when covered.
    pub reason: String,
    pub why: String,
    pub next_step: String,
}

/// What happens while a plan is executed.
#[derive(Debug, Clone, PartialEq)]
pub enum Execution {
    /// The intent is in the journal.
    Recorded { operation: OperationId, invalidation: Option<InvalidationId>, total: usize },
    /// One call has its answer.
    Item {
        item: ItemId,
        key: AssetKey,
        state: ItemState,
        message: Option<String>,
        done: usize,
        failed: usize,
    },
}

/// What an executed plan came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Executed {
    pub operation: OperationId,
    /// Set where there is something to watch.
    pub invalidation: Option<InvalidationId>,
    pub items: Vec<ExecutedItem>,
}

/// One item of an executed plan.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutedItem {
    pub key: AssetKey,
    pub to: Option<AssetKey>,
    pub state: ItemState,
    pub message: Option<String>,
}

/// One look at one place, without any change.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    pub place: Place,
    pub sighting: Sighting,
    /// Judged against storage: a difference is outdated, equal is same, gone is gone.
    pub judgement: Judgement,
}

/// Reads and orders of one profile.
impl Engine {
    /// Starts the tracker and settles what a dead process left in doubt by asking storage.
    #[must_use]
    pub fn start(context: Context) -> Self {
        let context = Arc::new(context);
        let tracker = Tracker::start(Arc::clone(&context));
        Self { context, tracker }
    }

    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    #[must_use]
    pub fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    /// The asset an operator means by a public ID or a delivery URL.
    ///
    /// # Errors
    /// [`OpError::BadName`] with what is wrong and what to do.
    pub fn resolve(
        &self,
        typed: &str,
        resource_type: Option<ResourceType>,
        delivery_type: Option<DeliveryType>,
    ) -> Result<AssetKey, OpError> {
        todo!("{typed} {resource_type:?} {delivery_type:?}")
    }

    /// One page of assets, at most 500.
    ///
    /// # Errors
    /// The cloud's.
    pub async fn list(
        &self,
        query: &ListQuery,
        limit: u16,
        cursor: Option<&str>,
    ) -> Result<Page, OpError> {
        Ok(self.context.cloud.list(query, limit, cursor).await?)
    }

    /// One asset, its derived copies and its delivery URLs with coverage.
    ///
    /// # Errors
    /// The cloud's.
    pub async fn show(&self, key: &AssetKey) -> Result<Shown, OpError> {
        todo!("{key}")
    }

    /// Resolves an order against storage, without changing anything.
    ///
    /// # Errors
    /// Read-only profile, bad or missing names, an empty selection, the cloud's.
    pub async fn plan(&self, order: &Order, terms: &OrderTerms) -> Result<Plan, OpError> {
        todo!("{order:?} {terms:?}")
    }

    /// Carries a plan out: intent to the journal, baseline, calls, outcomes to the journal and the tracker.
    /// `typed` is the confirmation word, where one is needed. `cancel` lets calls in flight settle and skips the rest.
    ///
    /// # Errors
    /// Not confirmed, or the journal's before anything was sent; failures of single calls are in the result.
    pub async fn execute(
        &self,
        plan: &Plan,
        terms: &OrderTerms,
        typed: Option<&str>,
        events: &mpsc::Sender<Execution>,
        cancel: &CancellationToken,
    ) -> Result<Executed, OpError> {
        todo!("{plan:?} {terms:?} {typed:?} {events:?} {cancel:?}")
    }

    /// Watches a URL without changing anything; storage is NEW.
    ///
    /// # Errors
    /// A URL that is not this cloud's, the cloud's, the journal's.
    pub async fn watch_url(
        &self,
        url: &str,
        expect: Option<Expectation>,
        terms: &OrderTerms,
    ) -> Result<InvalidationId, OpError> {
        todo!("{url} {expect:?} {terms:?}")
    }

    /// One look at every place.
    ///
    /// # Errors
    /// A URL that is not this cloud's, no places, the cloud's.
    pub async fn look(&self, url: &str) -> Result<Vec<Look>, OpError> {
        todo!("{url}")
    }

    /// Where this profile can look.
    ///
    /// # Errors
    /// No place can be found.
    pub async fn places(&self) -> Result<Vec<Place>, OpError> {
        todo!()
    }

    /// Open invalidations of this cloud, whoever started them.
    ///
    /// # Errors
    /// The journal's.
    pub async fn pending(&self) -> Result<Vec<InvalidationRow>, OpError> {
        Ok(self.context.journal.open(Some(&self.context.scope)).await?)
    }

    /// Ended invalidations, newest first.
    ///
    /// # Errors
    /// The journal's.
    pub async fn history(&self, limit: u32) -> Result<Vec<InvalidationRow>, OpError> {
        Ok(self.context.journal.ended(Some(&self.context.scope), limit).await?)
    }

    /// The audit trail, newest first.
    ///
    /// # Errors
    /// The journal's.
    pub async fn activity(&self, limit: u32) -> Result<Vec<ActivityRow>, OpError> {
        Ok(self.context.journal.activity(Some(&self.context.scope), limit).await?)
    }

    /// Stops the tracker and waits for it.
    pub async fn shutdown(&self) {
        self.tracker.shutdown().await;
    }
}
