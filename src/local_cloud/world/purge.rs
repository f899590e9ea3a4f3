//! Invalidations: which copies they name, and when they reach each edge.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use super::origin::Address;
use crate::domain::account::InvalidationKind;
use crate::domain::asset::AssetKey;
use crate::domain::delivery_url::PathForm;
use crate::local_cloud::chance::{hash_text, mix};

/// Which copies an invalidation names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Every URL of the asset, by its surrogate key: original and derived, any form, signed too.
    Asset(AssetKey),
    /// URLs of the asset, original and derived, in the plain form, unsigned, without query (facts §1.3).
    Pattern { asset: AssetKey, versions: Versions },
    /// Exactly these paths, with their queries.
    Urls(BTreeSet<String>),
}

/// Which version component a URL pattern has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Versions {
    None,
    /// The literal `v1`.
    One,
    Exactly(Vec<u64>),
}

impl Target {
    /// What an account of `kind` invalidates for `asset`. `versions` are those that count as most recent: the current
    /// one, and on a replace also the replaced one (which of the two is meant, the documentation leaves open).
    #[must_use]
    pub fn of_asset(kind: InvalidationKind, asset: AssetKey, versions: &[u64]) -> Self {
        let versions = match kind {
            InvalidationKind::Surrogate | InvalidationKind::Unknown => return Self::Asset(asset),
            InvalidationKind::Legacy if asset.public_id.has_slash() => Versions::One,
            InvalidationKind::Legacy | InvalidationKind::LegacyUnversioned => Versions::None,
            InvalidationKind::LegacyVersioned => Versions::Exactly(versions.to_vec()),
        };
        Self::Pattern { asset, versions }
    }

    /// The asset it is about, where it is about one.
    #[must_use]
    pub const fn asset(&self) -> Option<&AssetKey> {
        match self {
            Self::Asset(asset) | Self::Pattern { asset, .. } => Some(asset),
            Self::Urls(_) => None,
        }
    }

    /// Whether a copy under `path` (with query), which stands for `address`, is dropped.
    #[must_use]
    pub fn names(&self, path: &str, address: &Address) -> bool {
        match self {
            Self::Asset(asset) => address.names.contains(asset),
            Self::Urls(urls) => urls.contains(path),
            Self::Pattern { asset, versions } => {
                address.readings.iter().filter(|url| url.asset == *asset).any(|url| {
                    let version_fits = match versions {
                        Versions::None => url.version.is_none(),
                        Versions::One => url.is_v1(),
                        Versions::Exactly(exact) => {
                            url.version.is_some_and(|version| exact.contains(&version))
                        }
                    };
                    version_fits
                        && url.form == PathForm::Plain
                        && url.signature.is_none()
                        && url.query.is_none()
                })
            }
        }
    }
}

/// One invalidation on its way.
#[derive(Debug, Clone)]
pub struct Invalidation {
    /// Counts from 1.
    pub number: u64,
    /// Singles it out for chance: what it names, and how often that was named before. Calls about other assets do not
    /// move it.
    pub token: u64,
    pub at: Duration,
    /// The call that asked for it: `destroy`, `rename`, …
    pub verb: &'static str,
    pub target: Target,
    /// One for each cache, in the order of their numbers.
    pub arrivals: Vec<Arrival>,
}

/// An invalidation at one cache.
#[derive(Debug, Clone, Copy, Default)]
pub struct Arrival {
    /// When it should arrive.
    pub due: Duration,
    /// When it did, and was not kept waiting.
    pub arrived_at: Option<Duration>,
    /// When nothing that it names was left: dropped, or after a soft purge replaced.
    pub cleared_at: Option<Duration>,
    /// How many copies it dropped.
    pub dropped: usize,
    /// How many copies it marked as stale that are still served.
    pub stale: usize,
    /// How many copies it missed.
    pub survived: usize,
    /// When old copies came back after it had cleared the cache.
    pub regressed_at: Option<Duration>,
    /// It arrived and was lost.
    pub lost: bool,
}

impl Arrival {
    /// Nothing more will become of it.
    #[must_use]
    pub const fn is_through(&self) -> bool {
        self.lost || self.cleared_at.is_some() || self.survived > 0
    }
}

impl Invalidation {
    /// When the last of these caches was clear; `None` where one is not.
    #[must_use]
    pub fn cleared_at(&self, caches: std::ops::Range<usize>) -> Option<Duration> {
        let cleared: Option<Vec<Duration>> =
            self.arrivals.get(caches)?.iter().map(|arrival| arrival.cleared_at).collect();
        cleared?.into_iter().max()
    }
}

/// How often each target was named, for the tokens of invalidations.
#[derive(Debug, Default)]
pub struct Tokens {
    named: HashMap<u64, u32>,
}

impl Tokens {
    /// Targets that are remembered; beyond them the count begins anew.
    const MOST: usize = 65_536;

    /// The token of the next invalidation of `target`.
    pub fn next(&mut self, target: &Target) -> u64 {
        let what = match target {
            Target::Asset(asset) | Target::Pattern { asset, .. } => hash_text(&asset.to_string()),
            Target::Urls(urls) => {
                urls.iter().fold(1, |hash, url| mix(hash ^ hash_text(url.as_str())))
            }
        };
        if self.named.len() >= Self::MOST && !self.named.contains_key(&what) {
            self.named.clear();
        }
        let count = self.named.entry(what).or_default();
        *count += 1;
        mix(what ^ u64::from(*count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delivery_url::DeliveryUrl;

    const CURRENT: u64 = 1_767_225_600;

    /// Whether each kind of account drops a copy under `path` when `id`, at [`CURRENT`], is invalidated.
    fn dropped(id: &str, path: &str) -> [bool; 4] {
        let asset = AssetKey::image(id.parse().unwrap());
        let readings = DeliveryUrl::readings(path, Some("demo")).unwrap();
        let address = Address::of_asset(readings, asset.clone());
        [
            InvalidationKind::Surrogate,
            InvalidationKind::Legacy,
            InvalidationKind::LegacyUnversioned,
            InvalidationKind::LegacyVersioned,
        ]
        .map(|kind| Target::of_asset(kind, asset.clone(), &[CURRENT]).names(path, &address))
    }

    #[test]
    fn each_kind_of_account_reaches_the_urls_of_the_documented_table() {
        #[rustfmt::skip]
        let table = [
            // public ID       path                                                     surr.  legacy unvers. versioned
            ("sample",         "/demo/image/upload/sample.jpg",                        [true,  true,  true,  false]),
            ("sample",         "/demo/image/upload/v1/sample.jpg",                     [true,  false, false, false]),
            ("sample",         "/demo/image/upload/v1767225600/sample.jpg",            [true,  false, false, true]),
            ("sample",         "/demo/image/upload/v1700000000/sample.jpg",            [true,  false, false, false]),
            ("press/kit/hero", "/demo/image/upload/press/kit/hero.jpg",                [true,  false, true,  false]),
            ("press/kit/hero", "/demo/image/upload/v1/press/kit/hero.jpg",             [true,  true,  false, false]),
            ("press/kit/hero", "/demo/image/upload/v1767225600/press/kit/hero.jpg",    [true,  false, false, true]),
            ("press/kit/hero", "/demo/image/upload/v1700000000/press/kit/hero.jpg",    [true,  false, false, false]),
            ("press/kit/hero", "/demo/image/upload/c_scale,w_300/v1/press/kit/hero.jpg", [true, true, false, false]),
            ("press/kit/hero", "/demo/image/upload/c_scale,w_300/press/kit/hero.jpg",  [true,  false, true,  false]),
            ("press/kit/hero", "/demo/image/upload/c_scale,w_300/v1767225600/press/kit/hero.png", [true, false, false, true]),
            ("press/kit/hero", "/demo/image/upload/s--7q-7iA0T--/v1/press/kit/hero.jpg", [true, false, false, false]),
            ("press/kit/hero", "/demo/image/upload/v1/press/kit/hero.jpg?_a=B1",       [true,  false, false, false]),
            ("press/kit/hero", "/demo/images/v1/press/kit/hero/launch.jpg",            [true,  false, false, false]),
            ("press/kit/hero", "/demo/iu/v1/press/kit/hero.jpg",                       [true,  false, false, false]),
            ("press/kit/hero", "/demo/v1/press/kit/hero.jpg",                          [true,  false, false, false]),
        ];
        for (id, path, expected) in table {
            assert_eq!(dropped(id, path), expected, "{path}");
        }
    }

    #[test]
    fn urls_are_dropped_exactly_as_written() {
        let path = "/demo/image/upload/sample.jpg";
        let address = Address::default();
        let target = Target::Urls([path.to_owned()].into());
        assert!(target.names(path, &address));
        assert!(!target.names("/demo/image/upload/sample.jpg?x=1", &address));
        assert!(!target.names("/demo/image/upload/v1/sample.jpg", &address));
    }
}
