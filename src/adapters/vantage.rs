//! Several vantage points as one: their places put together, and each probe sent to where it is to leave from.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;

use super::globalping::GlobalpingProber;
use super::http_prober::HttpProber;
use super::places::told_apart;
use super::ssh::SshProber;
use super::team_places::TeamProber;
use crate::domain::place::{Place, Vantage};
use crate::domain::sighting::{ProbeFailure, Sighting};
use crate::ports::clock::Clock;
use crate::ports::places::{Places, PlacesError};
use crate::ports::prober::{FetchFailure, Probe, Prober};

/// The places of several finders, each named once.
pub struct CombinedPlaces {
    finders: Vec<Arc<dyn Places>>,
}

impl CombinedPlaces {
    #[must_use]
    pub fn new(finders: Vec<Arc<dyn Places>>) -> Self {
        Self { finders }
    }
}

#[async_trait]
impl Places for CombinedPlaces {
    /// One finder that fails is warned of; the first reason is the error where none finds a place.
    async fn places(&self, host: &str) -> Result<Vec<Place>, PlacesError> {
        let found = join_all(self.finders.iter().map(|finder| finder.places(host))).await;
        let (mut places, mut trouble) = (Vec::new(), None);
        for found in found {
            match found {
                Ok(more) => add_unknown(&mut places, more),
                Err(why) => {
                    tracing::warn!(%why, "some places are not known");
                    trouble.get_or_insert(why);
                }
            }
        }
        match trouble {
            Some(why) if places.is_empty() => Err(why),
            _ => Ok(told_apart(places)),
        }
    }
}

/// Adds places at addresses that nobody looks at from the same vantage point yet.
fn add_unknown(places: &mut Vec<Place>, more: Vec<Place>) {
    for place in more {
        let is_known = place.address.is_some()
            && places.iter().any(|other| {
                (other.address, &other.vantage, &other.host)
                    == (place.address, &place.vantage, &place.host)
            });
        if !is_known {
            places.push(place);
        }
    }
}

/// Sends each probe to the vantage point that it names.
pub struct RoutedProber {
    here: HttpProber,
    ssh: Option<SshProber>,
    globalping: Option<GlobalpingProber>,
    team: Option<TeamProber>,
    clock: Arc<dyn Clock>,
}

impl RoutedProber {
    #[must_use]
    pub fn new(
        ssh: Option<SshProber>,
        globalping: Option<GlobalpingProber>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { here: HttpProber::new(Arc::clone(&clock)), ssh, globalping, team: None, clock }
    }

    /// Asks members of the team as well.
    #[must_use]
    pub fn with_team(self, team: TeamProber) -> Self {
        Self { team: Some(team), ..self }
    }
}

#[async_trait]
impl Prober for RoutedProber {
    async fn probe(&self, probe: &Probe) -> Sighting {
        match (&probe.vantage, &self.ssh, &self.globalping, &self.team) {
            (Vantage::Here, ..) => self.here.probe(probe).await,
            (Vantage::Ssh(_), Some(ssh), ..) => ssh.probe(probe).await,
            (Vantage::Globalping(_), _, Some(globalping), _) => globalping.probe(probe).await,
            (Vantage::Worker(_), .., Some(team)) => team.probe(probe).await,
            // a watch of another day, under another configuration
            (vantage, ..) => {
                let (now, detail) = (self.clock.moment(), format!("{vantage} is not configured"));
                Sighting {
                    variant: probe.variant,
                    shape: probe.shape,
                    sent: now,
                    received: now,
                    at: self.clock.wall(),
                    result: Err(ProbeFailure::Vantage { detail }),
                }
            }
        }
    }

    async fn fetch(&self, probe: &Probe, most: usize) -> Result<Vec<u8>, FetchFailure> {
        match &probe.vantage {
            Vantage::Here => self.here.fetch(probe, most).await,
            other => {
                let detail = format!("no file is loaded from {other}");
                Err(ProbeFailure::NotAsked { detail }.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::adapters::system_clock::SystemClock;
    use crate::domain::place::PlaceId;
    use crate::domain::sighting::{AcceptVariant, ProbeShape};

    struct Found(Result<Vec<Place>, PlacesError>);

    #[async_trait]
    impl Places for Found {
        async fn places(&self, _host: &str) -> Result<Vec<Place>, PlacesError> {
            self.0.clone()
        }
    }

    fn place(id: &str, address: Option<&str>, vantage: Vantage) -> Place {
        Place {
            id: PlaceId(id.to_owned()),
            pop: None,
            city: None,
            provider: "cloudinary".to_owned(),
            vantage,
            address: address.map(|it| it.parse().unwrap()),
            tls: true,
            host: "res.cloudinary.com".to_owned(),
        }
    }

    async fn names(
        found: Vec<Result<Vec<Place>, PlacesError>>,
    ) -> Result<Vec<String>, PlacesError> {
        let finders = found.into_iter().map(|it| Arc::new(Found(it)) as Arc<dyn Places>).collect();
        let places = CombinedPlaces::new(finders).places("res.cloudinary.com").await?;
        Ok(places.into_iter().map(|place| place.id.0).collect())
    }

    fn unresolved() -> PlacesError {
        PlacesError::Unresolved { host: "h".to_owned(), detail: "nobody knows".to_owned() }
    }

    #[tokio::test]
    async fn one_address_seen_from_here_is_one_place_and_from_elsewhere_another() {
        let (one, two) = (Some("192.0.2.1:443"), Some("192.0.2.2:443"));
        let here = vec![place("FRA", one, Vantage::Here)];
        let found = vec![place("a", one, Vantage::Here), place("b", two, Vantage::Here)];
        let there = vec![place("box/a", one, Vantage::Ssh("box".to_owned()))];
        let probes = vec![place("GP jp", None, Vantage::Globalping("jp".to_owned()))];
        let all = names(vec![Ok(here), Ok(found), Ok(there), Ok(probes)]).await.unwrap();
        assert_eq!(all, ["FRA", "b", "box/a", "GP jp"]);
    }

    #[tokio::test]
    async fn a_finder_that_fails_is_no_failure_of_the_others() {
        let here = || Ok(vec![place("FRA", Some("192.0.2.1:443"), Vantage::Here)]);
        assert_eq!(names(vec![Err(unresolved()), here()]).await.unwrap(), ["FRA"]);
        assert_eq!(names(vec![Err(unresolved()), Ok(Vec::new())]).await, Err(unresolved()));
    }

    #[tokio::test]
    async fn a_vantage_point_that_is_not_configured_sees_nothing() {
        let prober = RoutedProber::new(None, None, Arc::new(SystemClock));
        let [ssh, globalping, worker] = ["ssh:box", "globalping:jp", "worker:dc-2"];
        for vantage in [ssh, globalping, worker].map(|it| it.parse::<Vantage>().unwrap()) {
            let probe = Probe {
                vantage: vantage.clone(),
                address: None,
                tls: true,
                host: "res.cloudinary.com".to_owned(),
                path: "/demo/image/upload/a.jpg".to_owned(),
                variant: AcceptVariant::None,
                shape: ProbeShape::OneByte,
                timeout: Duration::from_secs(1),
            };
            let detail = format!("{vantage} is not configured");
            assert_eq!(prober.probe(&probe).await.result, Err(ProbeFailure::Vantage { detail }));
        }
    }
}
