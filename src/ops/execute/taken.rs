//! Jobs that somebody else had for a while: this process or its host slept, its lease ran out, and another one settled
//! what was in doubt or went on.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc;

use super::heart::LEASE;
use super::work::Work;
use super::{Execution, tell};
use crate::domain::invalidation::ItemState;
use crate::ops::context::Context;
use crate::ops::error::OpError;
use crate::ports::journal::JobLease;

/// Who only settles what was in doubt is through within this.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(500);

/// Claims a lost job again, with what the journal has of it now: what others settled is told, and never sent again.
///
/// # Errors
/// [`OpError::TakenOver`] while another process goes on with it; the journal's.
pub(super) async fn back(
    context: &Context,
    work: &mut Work,
    events: &mpsc::Sender<Execution>,
) -> Result<JobLease, OpError> {
    let (operation, member) = (work.id(), context.member.id);
    let since = context.clock.moment();
    let lease = loop {
        let now = context.clock.wall();
        if let Some(lease) = context.journal.claim_job(operation, member, now, LEASE).await? {
            break lease;
        }
        if context.clock.moment().since(since) >= PATIENCE {
            let job = context.journal.job(operation, context.clock.wall()).await?;
            let who = job.run_by.unwrap_or_else(|| "another process".to_owned());
            return Err(OpError::TakenOver { operation, who });
        }
        tokio::time::sleep(LOOK).await;
    };
    let before = work.items.iter().map(|item| (item.id, item.state)).collect::<HashMap<_, _>>();
    work.refresh(context.journal.job_work(operation).await?);
    tracing::info!(%operation, "another process had the job for a while; it is gone on with here");
    let settled = work.items.iter().filter(|item| item.state.is_settled()).count();
    let failed = work.items.iter().filter(|item| item.state == ItemState::Failed).count();
    for item in &work.items {
        if item.state.is_settled() && before.get(&item.id) != Some(&item.state) {
            let (key, message) = (item.key.clone(), item.message.clone());
            let (item, state) = (item.id, item.state);
            let told = Execution::Item { item, key, state, message, done: settled, failed };
            tell(events, told).await;
        }
    }
    Ok(lease)
}
