//! The delivery URLs of an asset that are worth a look (facts §4.5), each with its coverage.
//!
//! Only URLs whose copies can predate the change are listed: that of the version which a change makes is a new
//! cache key. What nobody is known to have requested cannot be listed; operators add URLs of their own.

use std::collections::HashSet;
use std::time::Duration;

use super::account::Account;
use super::asset::{Asset, AssetKey, DeliveryType, DerivedAsset};
use super::coverage::{Call, Circumstances, Coverage, CoverageFacts, CoverageReason, NextStep};
use super::coverage::{coverage, next_steps};
use super::delivery_url::DeliveryUrl;
use super::invalidation::NotCovered;

/// One delivery URL of an asset and whether the invalidation reaches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedUrl {
    pub url: DeliveryUrl,
    /// Of the new name of a rename it is that of the follow-up purge.
    pub coverage: Coverage,
    /// Transformation of a derived copy; `None` for the original.
    pub derived: Option<String>,
    /// Of the new name of a rename: must deliver, and is never probed before it.
    pub of_new_name: bool,
    /// Storage holds what it delivers: the original, or a derived copy that it lists. A look at anything else would make
    /// the copy that it looks for.
    pub exists: bool,
}

/// What a watch list is made from.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The asset as storage had it before the change.
    pub asset: &'a Asset,
    pub derived: &'a [DerivedAsset],
    /// What operators added, read with [`DeliveryUrl::parse_as`]; those of other assets are left out.
    pub extra: &'a [DeliveryUrl],
    pub account: &'a Account,
    pub call: Call<'a>,
    /// How long a copy can live at the CDN, for the advice on URLs that are not reached.
    pub copy_life: Duration,
}

impl<'a> Subject<'a> {
    /// Every URL to consider, each once: the original's, the derived copies', the operators', the new name's.
    #[must_use]
    pub fn watch_list(&self) -> Vec<ListedUrl> {
        let mut list = List { subject: self, seen: HashSet::new(), urls: Vec::new() };
        for url in self.forms(self.original()) {
            list.add(url, None, true);
        }
        for derived in self.derived {
            for url in self.forms(self.derived_copy(derived)) {
                list.add(url, Some(derived.transformation.clone()), true);
            }
        }
        for extra in self.extra.iter().filter(|extra| self.is_about(extra)) {
            let variant = self.variant(extra);
            let exists = variant.is_none() || self.is_listed(extra);
            list.add(extra.clone(), variant, exists);
        }
        if let Call::Rename { to, .. } = self.call {
            list.add_new_name(to);
        }
        list.urls
    }

    /// What to do about a listed URL that is not, or not surely, reached; the most useful first.
    #[must_use]
    pub fn next_steps(&self, listed: &ListedUrl) -> Vec<NextStep> {
        next_steps(&listed.url, &listed.coverage, &self.circumstances(listed.of_new_name))
    }

    /// The journal's and the plan's entry for a listed URL, where it is not reached.
    #[must_use]
    pub fn not_covered(&self, listed: &ListedUrl) -> Option<NotCovered> {
        let Coverage::NotCovered(reason) = listed.coverage else { return None };
        let steps = self.next_steps(listed);
        Some(NotCovered {
            url: listed.url.masked(),
            reason: reason.word().to_owned(),
            next_step: steps.first().map_or_else(String::new, NextStep::to_string),
        })
    }

    /// The original as the API links to it, else as we would.
    fn original(&self) -> DeliveryUrl {
        let asset = self.asset;
        self.told(asset.secure_url.as_deref()).unwrap_or_else(|| {
            DeliveryUrl::original(self.account, &asset.key, asset.format.as_deref())
        })
    }

    /// A derived copy as the API links to it, else built from its transformation.
    fn derived_copy(&self, derived: &DerivedAsset) -> DeliveryUrl {
        self.told(Some(&derived.secure_url)).unwrap_or_else(|| {
            let format = derived.format.as_deref().or(self.asset.format.as_deref());
            DeliveryUrl::original(self.account, &self.asset.key, format)
                .with_transformation(&derived.transformation)
        })
    }

    /// A URL that the API told, if it is one of this very asset.
    fn told(&self, url: Option<&str>) -> Option<DeliveryUrl> {
        let key = &self.asset.key;
        DeliveryUrl::parse_as(url?, self.account, key).ok().filter(|url| url.asset == *key)
    }

    /// `url` with the version before the change, without one, and as `/v1/` where the SDKs write that.
    fn forms(&self, url: DeliveryUrl) -> Vec<DeliveryUrl> {
        let sdks_write_v1 = self.asset.key.public_id.has_slash()
            && self.asset.key.delivery_type != DeliveryType::Fetch;
        let mut forms =
            vec![url.clone().with_version(self.asset.version), url.clone().without_version()];
        if sdks_write_v1 {
            forms.push(url.with_v1());
        }
        forms
    }

    fn is_about(&self, url: &DeliveryUrl) -> bool {
        url.asset == self.asset.key || self.is_of_new_name(url)
    }

    fn is_of_new_name(&self, url: &DeliveryUrl) -> bool {
        let is_new = |to: &AssetKey| url.asset == *to && *to != self.asset.key;
        matches!(self.call, Call::Rename { to, .. } if is_new(to))
    }

    /// The transformation that makes `url` a variant; another extension is one too.
    fn variant(&self, url: &DeliveryUrl) -> Option<String> {
        let chain = url.transformations.join("/");
        match &url.extension {
            _ if !chain.is_empty() => Some(chain),
            Some(extension) if url.is_derived(self.asset.format.as_deref()) => {
                Some(format!("f_{extension}"))
            }
            _ => None,
        }
    }

    /// Whether storage lists the derived copy that `url` delivers, under whatever version.
    fn is_listed(&self, url: &DeliveryUrl) -> bool {
        self.derived.iter().map(|derived| self.derived_copy(derived)).any(|copy| {
            copy.transformations == url.transformations && copy.extension == url.extension
        })
    }

    /// The purge of the new name follows the rename; all else goes with the call.
    fn circumstances(&self, of_new_name: bool) -> Circumstances<'a> {
        let version = self.asset.version;
        let (asset, call) = match self.call {
            Call::Rename { to, .. } if of_new_name => {
                (CoverageFacts::unchanged(to, Some(version)), Call::Explicit)
            }
            Call::Upload => (CoverageFacts::to_be_replaced(&self.asset.key, version), Call::Upload),
            call => (CoverageFacts::unchanged(&self.asset.key, Some(version)), call),
        };
        Circumstances { asset, account: self.account, call, copy_life: self.copy_life }
    }

    fn coverage(&self, url: &DeliveryUrl, of_new_name: bool) -> Coverage {
        let Circumstances { asset, account, call, .. } = self.circumstances(of_new_name);
        let reached = coverage(url, &asset, account, call);
        match self.call {
            Call::Rename { overwritten: true, .. } if of_new_name => {
                reached.doubted(CoverageReason::OverwrittenTarget)
            }
            _ => reached,
        }
    }
}

struct List<'a> {
    subject: &'a Subject<'a>,
    /// Canonical texts: two readings of one text are one cache key.
    seen: HashSet<String>,
    urls: Vec<ListedUrl>,
}

impl List<'_> {
    fn add(&mut self, url: DeliveryUrl, derived: Option<String>, exists: bool) {
        if self.seen.insert(url.canonical()) {
            let of_new_name = self.subject.is_of_new_name(&url);
            let coverage = self.subject.coverage(&url, of_new_name);
            let exists = exists && !of_new_name;
            self.urls.push(ListedUrl { url, coverage, derived, of_new_name, exists });
        }
    }

    /// The same URLs under the new name, where a 404 or an asset that made way can be in caches; not those with the
    /// version, which nobody can have requested before.
    fn add_new_name(&mut self, to: &AssetKey) {
        let renamed: Vec<_> = self
            .urls
            .iter()
            .filter(|listed| !listed.of_new_name)
            .filter_map(|listed| Some((listed.url.for_asset(to)?, listed.derived.clone())))
            .collect();
        for (url, derived) in renamed {
            let needs_v1 = to.public_id.has_slash() && to.delivery_type != DeliveryType::Fetch;
            self.add(url.clone().without_version(), derived.clone(), false);
            if needs_v1 {
                self.add(url.with_v1(), derived, false);
            }
        }
    }
}

#[cfg(test)]
mod tests;
