//! Globalping, the public network of probes: caches all over the world, as users near them see them.
//!
//! One probe of ours is one *test* of theirs: a measurement of one location, created and then polled until it is
//! finished. The second sighting of a place is asked of the same probe again, so that a run of sightings is a run
//! at one place; where another probe takes over, it is said, and every run of that place begins anew.
//!
//! Probes are never put together into one measurement, though the API could: its results do not say which of the
//! asked locations they belong to, tests are counted one by one all the same, and an answer of Frankfurt taken for
//! Tokyo's could make a false *all clear*.
//!
//! A third party sees what is asked: hosts that are not public and URLs that grant access are refused here, before
//! anything leaves ([`kept_from_third_parties`]). Source of the API: <https://globalping.io/docs/api.globalping.io>.

mod answer;
mod client;
mod error;
mod options;
mod places;
pub(in crate::adapters) mod privacy;
mod prober;
mod quota;
mod spot;
pub(in crate::adapters) mod transport;
pub(in crate::adapters) mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use self::client::Client;
use crate::ports::clock::Clock;

pub use error::GlobalpingError;
pub use options::{BadGlobalping, DEFAULT_BASE, GlobalpingOptions};
pub use places::GlobalpingPlaces;
pub use privacy::kept_from_third_parties;
pub use prober::GlobalpingProber;
pub use quota::{Quota, QuotaNow};

/// The network as one profile uses it: one connection pool and one quota behind its places and its prober.
#[derive(Clone)]
pub struct Globalping {
    client: Arc<Client>,
}

impl Globalping {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// The first option that cannot be used.
    pub fn new(options: GlobalpingOptions, clock: Arc<dyn Clock>) -> Result<Self, BadGlobalping> {
        options.check()?;
        let transport = transport::HttpTransport::new(
            &options.base_url,
            options.authorization()?,
            options.call_timeout,
        )
        .map_err(|detail| BadGlobalping::BaseUrl { detail })?;
        Ok(Self::over(Arc::new(transport), options, clock))
    }

    fn over(
        transport: Arc<dyn transport::Transport>,
        options: GlobalpingOptions,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { client: Arc::new(Client::new(transport, options, clock)) }
    }

    /// One place for each location of the options.
    #[must_use]
    pub fn places(&self) -> GlobalpingPlaces {
        GlobalpingPlaces::new(&self.client.options.locations)
    }

    /// Looks from any location, also from those of an earlier run's journal that the options no longer name.
    #[must_use]
    pub fn prober(&self) -> GlobalpingProber {
        GlobalpingProber::new(Arc::clone(&self.client))
    }

    /// What is left of the tests of this hour, as last told; asks nobody.
    #[must_use]
    pub fn quota(&self) -> &Arc<Quota> {
        &self.client.quota
    }

    /// Asks how many tests are left; costs none.
    ///
    /// # Errors
    /// Whatever keeps the network from answering.
    pub async fn ask_quota(&self) -> Result<Option<QuotaNow>, GlobalpingError> {
        self.client.ask_limits().await?;
        Ok(self.client.quota.now())
    }
}

/// Reads bytes as answers of the network: nothing but a whole, finished test may be an answer.
#[cfg(any(test, fuzzing))]
pub(crate) fn untrusted(
    body: &[u8],
    probe: &crate::ports::prober::Probe,
    now: crate::domain::time::Timestamp,
) {
    use crate::domain::text::clean;

    if let Ok(measurement) = wire::decode::<wire::Measurement>(body) {
        for entry in measurement.results {
            let finished = entry.result.status == "finished";
            let answer = answer::answer_of(probe, &entry.probe, entry.result, now);
            assert!(finished || answer.is_err(), "no answer from nothing");
            assert_eq!(clean(&entry.probe.in_words()), entry.probe.in_words());
        }
    }
    wire::decode::<wire::Limits>(body).ok();
    wire::decode::<wire::Created>(body).ok();
    if let Ok(refusal) = wire::decode::<wire::Refusal>(body) {
        let words = refusal.error.in_words();
        assert_eq!(clean(&words), words);
    }
}
