//! One place for each location of a profile.

use async_trait::async_trait;

use super::privacy;
use crate::adapters::places::provider_of;
use crate::domain::place::{Place, PlaceId, Vantage};
use crate::domain::text::clean;
use crate::ports::places::{Places, PlacesError};

/// Places that the network's probes look from. Their addresses are whatever the resolver of the probe says, so the
/// same locations serve every public host; asks nobody.
#[derive(Debug, Clone)]
pub struct GlobalpingPlaces {
    /// Name to show and the location as it is asked for.
    spots: Vec<(PlaceId, String)>,
}

impl GlobalpingPlaces {
    pub(super) fn new(locations: &[String]) -> Self {
        let locations: Vec<&str> = locations.iter().map(|location| location.trim()).collect();
        let name = |location: &&str| {
            let first = first_condition(location);
            let alone =
                locations.iter().filter(|other| first_condition(other) == first).count() == 1;
            PlaceId(format!("GP {}", clean(if alone { first } else { location })))
        };
        let spots = locations.iter().map(|location| (name(location), (*location).to_owned()));
        Self { spots: spots.collect() }
    }
}

/// `frankfurt` of `frankfurt+datacenter-network`.
fn first_condition(location: &str) -> &str {
    location.split('+').next().unwrap_or(location).trim()
}

#[async_trait]
impl Places for GlobalpingPlaces {
    /// # Errors
    /// [`PlacesError::OutOfReach`] for a host that is not public: its name is not told to anybody.
    async fn places(&self, host: &str) -> Result<Vec<Place>, PlacesError> {
        if let Some(why) = privacy::host_refusal(host) {
            return Err(PlacesError::OutOfReach {
                host: clean(host).into_owned(),
                from: "Globalping".to_owned(),
                why: why.to_owned(),
            });
        }
        let place = |(id, location): &(PlaceId, String)| Place {
            id: id.clone(),
            pop: None,
            city: None,
            provider: provider_of(host),
            vantage: Vantage::Globalping(location.clone()),
            address: None,
            tls: true,
            host: host.to_owned(),
        };
        Ok(self.spots.iter().map(place).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(locations: &[&str]) -> GlobalpingPlaces {
        let locations: Vec<String> = locations.iter().map(|l| (*l).to_owned()).collect();
        GlobalpingPlaces::new(&locations)
    }

    #[tokio::test]
    async fn every_location_is_a_place_whose_address_is_not_ours_to_know() {
        let found =
            places(&["frankfurt+datacenter-network", " aws-us-east-1", "tokyo+a", "tokyo+b"])
                .places("res.cloudinary.com")
                .await
                .unwrap();
        let ids: Vec<&str> = found.iter().map(|place| place.id.0.as_str()).collect();
        assert_eq!(ids, ["GP frankfurt", "GP aws-us-east-1", "GP tokyo+a", "GP tokyo+b"]);
        let first = &found[0];
        let location = "frankfurt+datacenter-network".to_owned();
        assert_eq!(first.vantage, Vantage::Globalping(location));
        assert_eq!((first.address, first.tls, first.provider.as_str()), (None, true, "cloudinary"));
        assert_eq!(first.host, "res.cloudinary.com");
    }

    #[tokio::test]
    async fn a_host_that_is_not_public_is_not_told_to_anybody() {
        for host in ["127.0.0.1:4001", "localhost", "10.0.0.7", "media.internal"] {
            let refused = places(&["JP"]).places(host).await.unwrap_err();
            assert!(matches!(refused, PlacesError::OutOfReach { .. }), "{refused}");
        }
    }
}
