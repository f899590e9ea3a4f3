//! The attempt for URLs that no call of a job reaches: they are named to the cloud one by one, once.

use super::work::Work;
use super::{ExecutedItem, Execution, tell};
use crate::domain::invalidation::ItemState;
use crate::ops::context::Context;
use crate::ops::error::OpError;
use crate::ports::cloud::CloudError;
use crate::ports::journal::JobLease;
use tokio::sync::mpsc;

/// URLs of one call.
const AT_ONCE: usize = 100;

/// Names what is to be named, and notes what the cloud said. A process that dies in between does it again: the call is
/// harmless, and only sightings tell whether it helped.
///
/// # Errors
/// The journal's.
pub(super) async fn name(
    context: &Context,
    work: &Work,
    items: &[ExecutedItem],
    lease: JobLease,
    events: &mpsc::Sender<Execution>,
) -> Result<(), OpError> {
    if work.by_url.is_empty() {
        return Ok(());
    }
    let now = context.clock.wall();
    if !items.iter().any(|item| item.state == ItemState::Accepted) {
        let answer = "not named: no call of the order was accepted";
        return Ok(context.journal.named_by_url(lease, answer, now).await?);
    }
    let urls = work.by_url.urls.iter().map(|url| url.render(&context.account));
    let urls = urls.collect::<Vec<_>>();
    let (mut answer, accepted) = match send(context, &urls).await {
        Ok(answer) => (answer, true),
        Err(why) => (why.to_string(), false),
    };
    if work.by_url.lost > 0 {
        let lost = work.by_url.lost;
        answer = format!("{answer}; {lost} not named, because their signatures are not kept");
    }
    context.journal.named_by_url(lease, &answer, context.clock.wall()).await?;
    tell(events, Execution::Named { urls: urls.len(), accepted, answer }).await;
    Ok(())
}

/// The cloud's last answer, in its own words.
async fn send(context: &Context, urls: &[String]) -> Result<String, CloudError> {
    let mut answer = "nothing was left to name".to_owned();
    for urls in urls.chunks(AT_ONCE) {
        answer = context.cloud.invalidate_by_urls(urls).await?;
    }
    Ok(answer)
}
