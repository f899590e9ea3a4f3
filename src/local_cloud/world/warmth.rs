//! Edges and shields are warm from the start, as if viewers had been there for days.

use std::sync::Arc;
use std::time::Duration;

use super::World;
use super::asset::StoredAsset;
use super::cache::{Copy, TTL};
use crate::domain::asset::{DeliveryType, ResourceType};
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::sighting::AcceptVariant;
use crate::local_cloud::chance::hash_text;
use crate::local_cloud::content::Format;

/// So many of the newest assets are warm at every edge.
pub const WARM_ASSETS: usize = 300;
/// So many of them are what viewers look at most.
const POPULAR: usize = 60;
/// What pages show of pictures and films; the second only of every other one.
const USUAL: [&str; 2] = ["c_fill,h_90,w_120", "f_auto,q_auto,w_96"];

impl World {
    /// Fills all caches: of each warm asset the original under its version and in the form that SDKs build, and one
    /// or two derived assets. Copies are some minutes to some days old.
    pub(super) fn warm_up(&mut self) {
        let mut warm: Vec<Arc<StoredAsset>> = self
            .storage
            .iter()
            .filter(|asset| asset.key.delivery_type == DeliveryType::Upload)
            .cloned()
            .collect();
        warm.sort_by_key(|asset| (std::cmp::Reverse(asset.uploaded_at), asset.order));
        warm.truncate(WARM_ASSETS);
        for (at, asset) in warm.iter().enumerate() {
            for url in self.usual_urls(asset, at % 2 == 0) {
                let path: Arc<str> = url.path().into();
                self.warm(&path, url.has_automatic_format(), asset.uploaded_at + 30);
                if at < POPULAR {
                    self.viewers.publish(&path);
                }
            }
        }
    }

    fn usual_urls(&self, asset: &StoredAsset, both: bool) -> Vec<DeliveryUrl> {
        let extension = asset.format().map(Format::as_str);
        let plain = self.url_of(&asset.key, extension);
        let versioned = plain.clone().with_version(asset.version);
        let mut urls = vec![versioned.clone(), plain.with_forced_version()];
        if asset.key.resource_type == ResourceType::Image {
            let usual = USUAL.iter().take(if both { 2 } else { 1 });
            urls.extend(usual.map(|chain| versioned.clone().with_transformation(chain)));
        }
        urls
    }

    fn warm(&mut self, path: &Arc<str>, automatic: bool, first_seen_at: i64) {
        let variants: &[AcceptVariant] =
            if automatic { &AcceptVariant::ALL } else { &[AcceptVariant::None] };
        for variant in variants {
            let answer = Arc::new(self.answer_at(first_seen_at, path, *variant));
            if answer.status >= 400 {
                continue;
            }
            for cache in 0..self.network.places().len() {
                let numbers = [cache as u64, hash_text(path), *variant as u64];
                let oldest = u64::try_from(self.began_at - first_seen_at).unwrap_or(1);
                let age = 1 + self.chance.below(oldest.min(3 * 86_400), "age", &numbers);
                let age = Duration::from_secs(age);
                let copy = Copy {
                    variant: answer.varies.then_some(*variant),
                    answer: answer.clone(),
                    stored_at: Duration::ZERO,
                    age_then: age,
                    kept_for: TTL.saturating_sub(age),
                    hits: self.chance.below(900, "hits", &numbers),
                    put_back: false,
                    through: None,
                    stale: None,
                };
                self.network.cache_mut(cache).put(path, copy);
            }
        }
    }
}
