//! One look at every place, without any change.

use futures_util::future::join_all;

use super::context::Context;
use super::error::OpError;
use super::tracker::{probe_at, probe_timeout, read_reference};
use super::watch_url::{Target, target};
use crate::domain::judge::{AgeTrust, Facts, judge};
use crate::domain::place::Place;
use crate::domain::sighting::{AcceptVariant, ProbeShape, Sighting};
use crate::domain::verdict::{Content, Expectation, Judgement, Stored};
use crate::ports::places::PlacesError;

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
    let target = target(context, typed).await?;
    let places = context.places.places(&target.host).await?;
    let Some(first) = places.first() else {
        let api = context.scope.api.clone();
        return Err(PlacesError::NoEdges { api, detail: "no place to look at".to_owned() }.into());
    };
    let truth = truth(context, first, &target).await;
    Ok(join_all(places.iter().map(|place| look_at(context, place, &target, &truth))).await)
}

/// What the URL must show: storage's own word for an original, a reference read for a derived copy.
async fn truth(context: &Context, place: &Place, target: &Target) -> Stored {
    match (&target.stored, target.version) {
        (Stored::Holds(_), Some(version)) if target.derived => {
            let variant = AcceptVariant::default();
            let read = read_reference(context, place, &target.url, version, variant).await;
            Stored::Holds(read.unwrap_or(Content { version: Some(version), ..Content::default() }))
        }
        (stored, _) => stored.clone(),
    }
}

async fn look_at(context: &Context, place: &Place, target: &Target, truth: &Stored) -> Look {
    let timeout = probe_timeout(context);
    let probe =
        probe_at(place, &target.url, AcceptVariant::default(), ProbeShape::OneByte, timeout);
    let sighting = context.prober.probe(&probe).await;
    let (expectation, new) = match truth {
        Stored::Empty => (Expectation::Gone, None),
        Stored::Holds(now) => (Expectation::Refetched, Some(now)),
    };
    let facts = Facts {
        expectation,
        public_id: target.url.asset.public_id.as_str(),
        derived: target.derived,
        old: None,
        new,
        earlier: &[],
        since_sent: None,
        since_changed: None,
        age: AgeTrust::default(),
        doubt: std::time::Duration::ZERO,
        reference: None,
        exists_again: false,
        body: None,
        only_watching: true,
    };
    Look { place: place.clone(), judgement: judge(&sighting, &facts), sighting }
}
