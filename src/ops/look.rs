//! One look at every place, without any change.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};

use super::context::Context;
use super::error::OpError;
use super::tracker::{content_of, probe_at, read_reference, timeout_of};
use super::watch_url::{Target, target};
use super::web_origin::{self, NoRead};
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::judge::{AgeTrust, Facts, judge, wants_body};
use crate::domain::place::Place;
use crate::domain::sighting::{AcceptVariant, Answer, ProbeShape, Sighting};
use crate::domain::verdict::{Content, Expectation, Judgement, Reason, Stored, Verdict};
use crate::ports::places::{Places, PlacesError};
use crate::ports::prober::Prober;

/// Looks under way at a time.
const UNDER_WAY: usize = 32;

/// One look at one place, without any change.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    pub place: Place,
    pub sighting: Sighting,
    /// Judged against the truth: a difference is outdated, equal is same, gone is gone.
    pub judgement: Judgement,
}

/// What the places were compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truth {
    /// What storage holds.
    Storage,
    /// A read past the caches.
    Read,
    /// Nothing: no verdict can be had, and why.
    Nothing { why: NoRead },
}

/// All places at one URL.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    pub truth: Truth,
    pub looks: Vec<Look>,
}

/// What looking at any web address needs: no cloud, no journal.
#[derive(Clone)]
pub struct Lookout {
    pub places: Arc<dyn Places>,
    pub prober: Arc<dyn Prober>,
    /// Every place is on loopback.
    pub loopback: bool,
}

impl Lookout {
    /// Looks at every place once; a read past the caches is the truth, where it can be had.
    ///
    /// # Errors
    /// No places.
    pub async fn look(&self, url: &DeliveryUrl) -> Result<Looked, OpError> {
        let host = url.host_name();
        let places = found(&*self.places, &host, &host).await?;
        let timeout = timeout_of(self.loopback);
        let (truth, judged) = match web_origin::read(&*self.prober, &places, url, timeout).await {
            Ok((_, answer)) => (Truth::Read, Some(answer)),
            Err(why) => (Truth::Nothing { why }, None),
        };
        let stored =
            judged.as_ref().map(|answer| content_of(answer).map_or(Stored::Empty, Stored::Holds));
        let looking = Looking {
            prober: &*self.prober,
            url,
            public_id: url.asset.public_id.as_str(),
            derived: true,
            truth: stored.as_ref(),
            reference: judged.as_ref(),
            timeout,
        };
        let mut looks = looking.at_all(&places).await;
        for look in &mut looks {
            look.judgement = without_storage(look.judgement.clone());
        }
        if judged.is_none() && differ(&looks) {
            for look in &mut looks {
                if look.judgement.reason == Reason::NothingToCompare {
                    look.judgement.reason = Reason::PlacesDiffer;
                }
            }
        }
        Ok(Looked { truth, looks })
    }
}

/// Looks at every place once and judges what it sees against storage.
///
/// # Errors
/// A URL that is not this cloud's, no places, the cloud's.
pub async fn look(context: &Context, typed: &str) -> Result<Looked, OpError> {
    let target = target(context, typed).await?;
    let places = found(&*context.places, &target.host, &context.scope.api).await?;
    let truth = truth(context, &places[0], &target).await;
    let looking = Looking {
        prober: &*context.prober,
        url: &target.url,
        public_id: target.url.asset.public_id.as_str(),
        derived: target.derived,
        truth: Some(&truth),
        reference: None,
        timeout: timeout_of(context.policy.loopback),
    };
    Ok(Looked { truth: Truth::Storage, looks: looking.at_all(&places).await })
}

/// At least one place.
async fn found(places: &dyn Places, host: &str, asked: &str) -> Result<Vec<Place>, OpError> {
    let found = places.places(host).await?;
    if found.is_empty() {
        let (api, detail) = (asked.to_owned(), "no place to look at".to_owned());
        return Err(PlacesError::NoEdges { api, detail }.into());
    }
    Ok(found)
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

/// One URL and what it must show.
struct Looking<'a> {
    prober: &'a dyn Prober,
    url: &'a DeliveryUrl,
    public_id: &'a str,
    derived: bool,
    /// `None`: not known, so nothing is judged.
    truth: Option<&'a Stored>,
    reference: Option<&'a Answer>,
    timeout: Duration,
}

impl Looking<'_> {
    async fn at_all(&self, places: &[Place]) -> Vec<Look> {
        stream::iter(places).map(|place| self.at(place)).buffered(UNDER_WAY).collect().await
    }

    /// Looks twice where only the body can tell.
    async fn at(&self, place: &Place) -> Look {
        let sighting = self.probe(place, ProbeShape::OneByte).await;
        let Some(truth) = self.truth else {
            return Look { place: place.clone(), judgement: unjudged(&sighting), sighting };
        };
        let facts = self.facts(truth);
        if wants_body(&sighting, &facts) {
            let whole = self.probe(place, ProbeShape::Body).await;
            if whole.result.is_ok() {
                return Look {
                    place: place.clone(),
                    judgement: judge(&whole, &facts),
                    sighting: whole,
                };
            }
        }
        Look { place: place.clone(), judgement: judge(&sighting, &facts), sighting }
    }

    async fn probe(&self, place: &Place, shape: ProbeShape) -> Sighting {
        let variant = AcceptVariant::default();
        self.prober.probe(&probe_at(place, self.url, variant, shape, self.timeout)).await
    }

    fn facts<'a>(&'a self, truth: &'a Stored) -> Facts<'a> {
        let (expectation, new) = match truth {
            Stored::Empty => (Expectation::Gone, None),
            Stored::Holds(now) => (Expectation::Refetched, Some(now)),
        };
        Facts {
            expectation,
            public_id: self.public_id,
            derived: self.derived,
            old: None,
            new,
            stored: None,
            earlier: &[],
            since_sent: None,
            since_changed: None,
            age: AgeTrust::default(),
            known_age: None,
            doubt: Duration::ZERO,
            reference: self.reference,
            body: None,
            only_watching: true,
        }
    }
}

/// Of a sighting that nothing can be compared with.
fn unjudged(sighting: &Sighting) -> Judgement {
    let reason = match &sighting.result {
        Err(why) => Reason::NoAnswer { detail: why.to_string() },
        Ok(Answer { status: 200 | 206 | 404 | 410, .. }) => Reason::NothingToCompare,
        Ok(Answer { status, .. }) => Reason::UnusableStatus { status: *status },
    };
    Judgement { verdict: Verdict::Unknown, reason }
}

fn without_storage(judgement: Judgement) -> Judgement {
    match judgement.without_storage(false) {
        Judgement { verdict, reason: Reason::SameBytes } => {
            Judgement { verdict, reason: Reason::EqualsRead }
        }
        other => other,
    }
}

/// Whether two places surely serve different copies; signs that only one of them tells say nothing.
fn differ(looks: &[Look]) -> bool {
    let answers: Vec<&Answer> = looks
        .iter()
        .filter(|look| look.judgement.reason == Reason::NothingToCompare)
        .filter_map(|look| look.sighting.result.as_ref().ok())
        .collect();
    let first = |pick: &dyn Fn(&Answer) -> Option<String>| {
        let mut told = answers.iter().filter_map(|answer| pick(answer));
        let first = told.next();
        told.any(|other| Some(&other) != first.as_ref())
    };
    first(&|answer| Some(matches!(answer.status, 200 | 206).to_string()))
        || first(&|answer| answer.total_length.map(|length| length.to_string()))
        || first(&|answer| Some(answer.etag.as_ref().filter(|etag| !etag.weak)?.tag.clone()))
}
