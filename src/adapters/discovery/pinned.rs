//! Hosts that are pinned to one vendor each: the same copies by another name, to compare vendors with.
//!
//! The shared host is delivered by several CDNs, and which of them answers changes with time and place. `resa`,
//! `resc` and `resf` lead to one of them each; the service says that they are for troubleshooting and not for
//! production (facts: delivery URLs, "Host form"). Whether a purge covers their keys is not known, so that such
//! places are labelled and whoever composes places decides whether they count.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;

use crate::adapters::places::SHARED_HOST;
use crate::domain::place::{Place, PlaceId};
use crate::ports::places::{Places, PlacesError};

/// The pinned hosts beside the shared one, in the order Akamai, Cloudflare, Fastly.
const PINNED: [&str; 3] = ["resa.cloudinary.com", "resc.cloudinary.com", "resf.cloudinary.com"];
/// What the name of a diagnostic place begins with.
const LABEL: &str = "diagnostic ";

/// The vendor-pinned hosts that deliver what `host` delivers: of the shared host three, of any other none.
#[must_use]
pub fn pinned_hosts(host: &str) -> &'static [&'static str] {
    let bare = host.strip_suffix(":443").unwrap_or(host);
    if bare.eq_ignore_ascii_case(SHARED_HOST) { &PINNED } else { &[] }
}

/// `place` labelled as one to compare with. A probe of it names the place's own host, not that of the URL.
#[must_use]
pub fn diagnostic(place: Place) -> Place {
    if place.id.0.starts_with(LABEL) {
        return place;
    }
    Place { id: PlaceId(format!("{LABEL}{}", place.id)), ..place }
}

/// The diagnostic places of the shared host, found as `inner` finds the places of any host.
pub struct VendorPinnedPlaces {
    inner: Arc<dyn Places>,
}

impl VendorPinnedPlaces {
    #[must_use]
    pub fn new(inner: Arc<dyn Places>) -> Self {
        Self { inner }
    }
}

#[async_trait]
impl Places for VendorPinnedPlaces {
    /// None for any host but the shared one; a pinned host that does not resolve has no place.
    async fn places(&self, host: &str) -> Result<Vec<Place>, PlacesError> {
        let found =
            join_all(pinned_hosts(host).iter().map(|pinned| self.inner.places(pinned))).await;
        let mut places = Vec::new();
        for found in found {
            match found {
                Ok(found) => places.extend(found.into_iter().map(diagnostic)),
                Err(why) => tracing::warn!(%why, "a vendor-pinned host has no place"),
            }
        }
        Ok(places)
    }
}
