//! One probe, looked at from afar: refused or created, polled, read.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::answer::answer_of;
use super::client::Client;
use super::error::{GlobalpingError, NoAnswer};
use super::privacy;
use super::quota::Ticket;
use super::spot::{Spot, cell_of};
use super::wire::{Entry, HttpOptions, HttpRequest, Locations, Measurement, NewMeasurement};
use crate::domain::place::Vantage;
use crate::domain::sighting::{Answer, ProbeFailure, ProbeShape, Sighting};
use crate::ports::prober::{Probe, Prober};

/// Bounds of the `timeout` field, in seconds.
const TEST_SECONDS: std::ops::RangeInclusive<u64> = 5..=30;
/// What creation and polling take beside the test itself.
const AROUND_A_TEST: Duration = Duration::from_secs(5);
/// Longest path and query that the API takes.
const MAX_PATH: usize = 16_384;

/// Looks at caches through probes of the network: one measurement of one location for each probe, and the same
/// probe of theirs again for the next one at that place.
///
/// `Probe::timeout` bounds all of it; 15 s and more leave a test 10 s and more. A probe of another vantage is a
/// [`ProbeFailure::NotAsked`].
#[derive(Clone)]
pub struct GlobalpingProber {
    client: Arc<Client>,
    spots: Arc<Mutex<HashMap<String, Arc<Spot>>>>,
}

impl GlobalpingProber {
    pub(super) fn new(client: Arc<Client>) -> Self {
        Self { client, spots: Arc::default() }
    }

    async fn look(&self, probe: &Probe) -> Result<Answer, NoAnswer> {
        let Vantage::Globalping(location) = &probe.vantage else {
            let why = format!("this is a probe of {}", probe.vantage);
            return Err(GlobalpingError::Withheld { why }.into());
        };
        let request = Request::of(probe)?;
        let (spot, cell) = (self.spot(location), cell_of(probe));
        spot.tell(cell)?;
        self.client.learn_limits().await?;
        let mut ticket = self.client.quota.take()?;
        let id = self.create(&request, location, &spot, &mut ticket).await?;
        drop(ticket);
        let measurement = self.client.finished(&id).await?;
        let Entry { probe: who, result } = the_one(measurement)?;
        if result.status == "offline" {
            spot.forget_probe();
        } else {
            spot.answered(&id, cell, &who)?;
        }
        answer_of(probe, &who, result, self.client.clock.wall())
    }

    /// Creates a measurement by the probe that looked last, by any probe of the location otherwise.
    async fn create(
        &self,
        request: &Request<'_>,
        location: &str,
        spot: &Spot,
        ticket: &mut Ticket,
    ) -> Result<String, GlobalpingError> {
        if let Some(pin) = spot.pin() {
            let new = request.measurement(Locations::SameAs(&pin));
            match self.client.create(&new, location, ticket).await {
                // its measurement has expired, or its probe is gone
                Err(
                    GlobalpingError::NoProbes { .. }
                    | GlobalpingError::Invalid { .. }
                    | GlobalpingError::Refused { status: 422, .. },
                ) => spot.unpin(&pin),
                other => return other,
            }
        }
        let _first = spot.first.lock().await;
        let pin = spot.pin();
        let locations = pin.as_deref().map_or(Locations::one_of(location), Locations::SameAs);
        let id = self.client.create(&request.measurement(locations), location, ticket).await?;
        spot.created(&id);
        Ok(id)
    }

    fn spot(&self, location: &str) -> Arc<Spot> {
        let mut spots = self.spots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(spots.entry(location.to_owned()).or_default())
    }
}

#[async_trait]
impl Prober for GlobalpingProber {
    async fn probe(&self, probe: &Probe) -> Sighting {
        let clock = &self.client.clock;
        // the request of theirs left between these two moments, so that ages are never judged too young
        let sent = clock.moment();
        let result = tokio::time::timeout(probe.timeout, self.look(probe))
            .await
            .unwrap_or(Err(ProbeFailure::TimedOut.into()))
            .map_err(NoAnswer::into_failure);
        Sighting {
            variant: probe.variant,
            shape: probe.shape,
            sent,
            received: clock.moment(),
            at: clock.wall(),
            result,
        }
    }
}

/// A probe that may be shown to a third party, in the parts that the API wants.
struct Request<'a> {
    target: String,
    host: Option<&'a str>,
    protocol: &'static str,
    path: &'a str,
    query: &'a str,
    headers: BTreeMap<&'static str, &'static str>,
    seconds: u64,
}

impl<'a> Request<'a> {
    /// # Errors
    /// [`GlobalpingError::Withheld`]: it grants access, is not public, or would be sent otherwise than meant.
    fn of(probe: &'a Probe) -> Result<Self, GlobalpingError> {
        let withheld = |why: &str| GlobalpingError::Withheld { why: why.to_owned() };
        if let Some(why) = privacy::kept_from_third_parties(&probe.host, &probe.path) {
            return Err(withheld(&why));
        }
        let (path, query) = probe.path.split_once('?').unwrap_or((&probe.path, ""));
        if probe.path.len() > MAX_PATH {
            return Err(withheld("its probes take no path of this length"));
        }
        let (target, host) = match probe.address {
            None => (probe.host.clone(), None),
            Some(address) if address.port() != if probe.tls { 443 } else { 80 } => {
                return Err(withheld("its probes are sent to the usual ports only"));
            }
            Some(address) if !privacy::is_public(address.ip()) => {
                return Err(withheld("its address is not a public one"));
            }
            Some(address) => (address.ip().to_string(), Some(probe.host.as_str())),
        };
        let mut headers = BTreeMap::from([("Accept-Encoding", "identity")]);
        if let Some(accept) = probe.variant.header() {
            headers.insert("Accept", accept);
        }
        if probe.shape == ProbeShape::OneByte {
            headers.insert("Range", "bytes=0-0");
        }
        let seconds = probe.timeout.saturating_sub(AROUND_A_TEST).as_secs();
        Ok(Self {
            target,
            host,
            protocol: if probe.tls { "HTTPS" } else { "HTTP" },
            path,
            query,
            headers,
            seconds: seconds.clamp(*TEST_SECONDS.start(), *TEST_SECONDS.end()),
        })
    }

    fn measurement<'b>(&'b self, locations: Locations<'b>) -> NewMeasurement<'b> {
        NewMeasurement {
            r#type: "http",
            target: &self.target,
            locations,
            timeout: self.seconds,
            in_progress_updates: false,
            measurement_options: HttpOptions {
                protocol: self.protocol,
                // the families are vantage points of their own and must not mix
                ip_version: self.host.is_none().then_some(4),
                request: HttpRequest {
                    method: "GET",
                    host: self.host,
                    path: self.path,
                    query: self.query,
                    headers: self.headers.clone(),
                },
            },
        }
    }
}

/// The result of a measurement of one location.
fn the_one(measurement: Measurement) -> Result<Entry, GlobalpingError> {
    let mut results = measurement.results;
    match (results.pop(), results.len()) {
        (Some(entry), 0) => Ok(entry),
        (None, _) => {
            Err(GlobalpingError::Odd { detail: "the measurement has no result".to_owned() })
        }
        (Some(_), more) => {
            let detail = format!("{} probes answered where one was asked", more + 1);
            Err(GlobalpingError::Odd { detail })
        }
    }
}
