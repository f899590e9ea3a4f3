//! The evidence of one cell: what was seen there, run by run, as the journal keeps it.

use super::context::Context;
use super::error::OpError;
use super::tracker::shown_url;
use crate::domain::id::InvalidationId;
use crate::domain::place::PlaceId;
use crate::ports::journal::SightingRun;

/// What the journal keeps of the sightings of one place and URL (as snapshots show it), oldest first.
///
/// # Errors
/// The journal's.
pub async fn evidence(
    context: &Context,
    id: InvalidationId,
    place: &PlaceId,
    url: &str,
) -> Result<Vec<SightingRun>, OpError> {
    let invalidation = context.journal.invalidation(id).await?;
    let watched = invalidation.urls.iter().map(|watched| &watched.url);
    let canonical: Vec<String> = watched
        .filter(|watched| shown_url(watched, &context.account) == url)
        .map(crate::domain::delivery_url::DeliveryUrl::canonical)
        .collect();
    let mut runs = context.journal.kept_sightings(id).await?;
    runs.retain(|run| run.place == *place && canonical.contains(&run.url));
    runs.sort_by_key(|run| (run.first_at, run.variant, run.run));
    Ok(runs)
}
