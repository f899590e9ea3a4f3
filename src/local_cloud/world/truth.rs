//! What each cache truly holds, compared with storage; for drills and tests.

use std::time::Duration;

use super::World;
use super::cache::Copy;
use super::network::Place;
use super::origin::Answer;

/// The truth about one URL at one cache.
#[derive(Debug, Clone)]
pub struct Truth {
    pub place: Place,
    /// With whether storage would answer otherwise today.
    pub copies: Vec<(Copy, bool)>,
    /// When the last outdated copy left; `None` where one is still there, or where none was ever seen to leave.
    pub cleared_at: Option<Duration>,
}

impl Truth {
    /// Whether a copy of what storage no longer has is there.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        self.copies.iter().any(|(_, outdated)| *outdated)
    }
}

impl World {
    /// The truth about a path (with query) at each cache, in the order of their numbers.
    pub fn truth(&mut self, path: &str, now: Duration) -> Vec<Truth> {
        self.advance(now);
        let places = self.network.places().iter().enumerate();
        places
            .map(|(cache, place)| {
                let copies = self.network.cache(cache).copies_of(path);
                let fresh = copies.iter().filter(|copy| copy.is_fresh(self.now));
                let judged = |copy: &Copy| (copy.clone(), self.is_outdated(&copy.answer));
                let mut truth =
                    Truth { place: *place, copies: fresh.map(judged).collect(), cleared_at: None };
                if !truth.is_outdated() {
                    truth.cleared_at = self.story.last_left(*place, path);
                }
                truth
            })
            .collect()
    }

    /// Whether storage would answer with something else than what was cached.
    #[must_use]
    pub fn is_outdated(&self, cached: &Answer) -> bool {
        let address = &cached.address;
        let exists = |key| self.storage.get(key).is_some();
        match (&cached.original, &cached.content) {
            (Some((original, _)), _) => {
                let stored = address.names.iter().find_map(|key| self.storage.get(key));
                stored.is_none_or(|asset| {
                    let content = &asset.content;
                    !std::sync::Arc::ptr_eq(content, original) && content.etag() != original.etag()
                })
            }
            // a picture that stands in for another one
            (None, Some(content)) => {
                address.readings.iter().any(|url| exists(&url.asset))
                    || !address.names.iter().filter_map(|key| self.storage.get(key)).any(|asset| {
                        std::sync::Arc::ptr_eq(&asset.content, content)
                            || asset.content.etag() == content.etag()
                    })
            }
            (None, None) => cached.status == 404 && address.names.iter().any(exists),
        }
    }
}
