//! One look at every place, without any change.

use super::context::Context;
use super::error::OpError;
use crate::domain::place::Place;
use crate::domain::sighting::Sighting;
use crate::domain::verdict::Judgement;

/// One look at one place, without any change.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    pub place: Place,
    pub sighting: Sighting,
    /// Judged against storage: a difference is outdated, equal is same, gone is gone.
    pub judgement: Judgement,
}

/// Looks at every place once and judges what it sees against storage.
///
/// # Errors
/// A URL that is not this cloud's, no places, the cloud's.
pub async fn look(context: &Context, typed: &str) -> Result<Vec<Look>, OpError> {
    let target = super::watch_url::target(context, typed).await?;
    todo!("{:?} {:?} {}", target.version, target.stored, target.host)
}
