//! Which URLs a plan watches and which it cannot reach.

use super::{Draft, Found, OpError};
use crate::domain::coverage::{COPY_LIFE, Call, Coverage, CoverageReason};
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::id::ItemId;
use crate::domain::invalidation::{NotCovered, Verb, WatchedUrl};
use crate::domain::purge::{OrderTerms, PlannedUrl, Verify};
use crate::domain::sighting::AcceptVariant;
use crate::domain::watch_list::{ListedUrl, Subject};
use crate::ops::context::Context;
use crate::ops::resolve;

/// The URLs of a plan, before a sample is drawn.
#[derive(Default)]
pub(super) struct Urls {
    pub watched: Vec<PlannedUrl>,
    pub not_covered: Vec<NotCovered>,
    /// Those that are named to the cloud one by one, as they are.
    pub by_url: Vec<DeliveryUrl>,
    /// URLs that are not reached and could be named.
    pub nameable: usize,
}

/// The URLs of every asset of a draft, with those that the operator added.
///
/// # Errors
/// An added URL that is not this cloud's.
pub(super) fn urls(context: &Context, draft: &Draft, terms: &OrderTerms) -> Result<Urls, OpError> {
    let extra = extra_urls(context, draft, terms)?;
    let mut urls = Urls::default();
    for (position, found) in draft.found.iter().enumerate() {
        let Some(asset) = &found.asset else { continue };
        let subject = Subject {
            asset,
            derived: found.derived.as_deref().unwrap_or_default(),
            extra: &extra,
            account: &context.account,
            call: draft.call(),
            copy_life: COPY_LIFE,
        };
        for listed in subject.watch_list() {
            match (subject.not_covered(&listed), listed.coverage.reason()) {
                (Some(_), Some(reason)) if terms.attempt_by_url && can_be_named(reason) => {
                    urls.by_url.push(listed.url.clone());
                    let listed = ListedUrl { coverage: Coverage::Uncertain(reason), ..listed };
                    urls.watched.push(planned(context, draft, position, found, listed));
                }
                (Some(entry), reason) => {
                    urls.nameable += usize::from(reason.is_some_and(can_be_named));
                    urls.not_covered.push(entry);
                }
                (None, _) => urls.watched.push(planned(context, draft, position, found, listed)),
            }
        }
    }
    Ok(urls)
}

/// Whether a URL that the order does not reach is one of the asset's own at the cloud's CDN, so that naming it by
/// itself could help.
const fn can_be_named(reason: CoverageReason) -> bool {
    !matches!(
        reason,
        CoverageReason::NewName
            | CoverageReason::Restored
            | CoverageReason::OtherAsset
            | CoverageReason::FrontCdn
            | CoverageReason::Browser
    )
}

impl Draft {
    fn call(&self) -> Call<'_> {
        let to = self.to.as_ref();
        Call::of(
            self.api_path,
            to.map(|(to, _)| to),
            to.is_some_and(|(_, target)| target.is_some()),
        )
    }
}

fn planned(
    context: &Context,
    draft: &Draft,
    position: usize,
    found: &Found,
    listed: ListedUrl,
) -> PlannedUrl {
    let new_name = draft.to.as_ref().map(|(to, _)| to);
    let key = match new_name {
        Some(to) if listed.of_new_name => to.clone(),
        _ => found.key.clone(),
    };
    PlannedUrl {
        item: position,
        shown: listed.url.render(&context.account),
        of_new_name: listed.of_new_name,
        exists: listed.exists,
        url: WatchedUrl {
            derived: listed.derived.is_some() || may_become_derived(draft, &listed.url),
            url: listed.url,
            coverage: listed.coverage,
            item: ItemId::default(),
            key,
            old: None,
        },
    }
}

/// A replacement may be of another format: under the old extension it is a conversion then, whose content only a
/// reference read knows.
fn may_become_derived(draft: &Draft, url: &DeliveryUrl) -> bool {
    draft.verb == Verb::Replace && url.extension.is_some()
}

/// What the operator added, each in the reading that names an asset of the draft.
fn extra_urls(
    context: &Context,
    draft: &Draft,
    terms: &OrderTerms,
) -> Result<Vec<DeliveryUrl>, OpError> {
    let mut extra = Vec::with_capacity(terms.extra_urls.len());
    for typed in &terms.extra_urls {
        let readings = resolve::delivery_urls(&context.account, typed)?;
        let ours = |url: &&DeliveryUrl| draft.names().any(|key| *key == url.asset);
        if let Some(url) = readings.iter().find(ours) {
            extra.push(url.clone());
        }
    }
    Ok(extra)
}

impl Draft {
    fn names(&self) -> impl Iterator<Item = &crate::domain::asset::AssetKey> {
        self.found.iter().map(|found| &found.key).chain(self.to.iter().map(|(to, _)| to))
    }
}

impl Urls {
    /// The host that most URLs are delivered by.
    pub fn host(&self, context: &Context) -> String {
        host_of(context, self.watched.first().map(|planned| &planned.url.url))
    }

    /// All watched URLs, or a seeded, stratified sample where the order asks for one and there are too many; with
    /// the number of URLs there would have been.
    pub fn sampled(
        &self,
        context: &Context,
        terms: &OrderTerms,
    ) -> (Vec<PlannedUrl>, Option<usize>) {
        let most = context.policy.verify_full_max;
        if terms.verify == Verify::Full || self.watched.len() <= most {
            return (self.watched.clone(), None);
        }
        (sample(&self.watched, most, seed_of(&self.watched)), Some(self.watched.len()))
    }
}

/// Cells that these URLs have at one place: those with automatic format have one for each `Accept` variant.
pub(super) fn variants(urls: &[PlannedUrl]) -> usize {
    let of = |url: &PlannedUrl| {
        if url.url.url.has_automatic_format() { AcceptVariant::ALL.len() } else { 1 }
    };
    urls.iter().map(of).sum()
}

/// The delivery host to look for places at: that of `url`, else the shared one.
pub fn host_of(context: &Context, url: Option<&DeliveryUrl>) -> String {
    url.map_or_else(
        || {
            context
                .account
                .own_hosts
                .first()
                .cloned()
                .unwrap_or_else(|| "res.cloudinary.com".to_owned())
        },
        DeliveryUrl::host_name,
    )
}

/// The seed of a plan's sample: the same for the same names, so that a plan that is shown is the one carried out.
fn seed_of(urls: &[PlannedUrl]) -> u64 {
    const START: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let names = urls.iter().flat_map(|url| url.url.key.public_id.as_str().bytes());
    names.fold(START, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

/// `most` URLs, drawn evenly from originals and derived copies of every folder.
fn sample(urls: &[PlannedUrl], most: usize, seed: u64) -> Vec<PlannedUrl> {
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut strata = std::collections::BTreeMap::<(bool, &str), Vec<usize>>::new();
    for (position, url) in urls.iter().enumerate() {
        let id = url.url.key.public_id.as_str();
        let folder = id.rsplit_once('/').map_or("", |(folder, _)| folder);
        strata.entry((url.url.derived, folder)).or_default().push(position);
    }
    for stratum in strata.values_mut() {
        chance.shuffle(stratum);
    }
    let mut drawn = Vec::with_capacity(most);
    let mut round = 0;
    while drawn.len() < most {
        let before = drawn.len();
        drawn.extend(
            strata.values().filter_map(|stratum| stratum.get(round)).copied().take(most - before),
        );
        if drawn.len() == before {
            break;
        }
        round += 1;
    }
    drawn.sort_unstable();
    drawn.into_iter().filter_map(|position| urls.get(position).cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sample;
    use crate::ops::testing::image;

    /// `all` originals in folders of very different sizes.
    fn population(all: usize) -> Vec<PlannedUrl> {
        let account = crate::domain::account::Account::named("demo");
        let planned = |item: usize| {
            let folder = if item.is_multiple_of(10) { item % 70 } else { 999 };
            let key = image(&format!("folder{folder}/{item}"));
            let url = DeliveryUrl::original(&account, &key, Some("jpg"));
            PlannedUrl {
                item,
                shown: url.render(&account),
                of_new_name: false,
                exists: true,
                url: WatchedUrl {
                    url,
                    coverage: Coverage::Covered,
                    item: ItemId::default(),
                    key,
                    derived: false,
                    old: None,
                },
            }
        };
        (0..all).map(planned).collect()
    }

    #[test]
    fn samples_miss_as_often_as_the_plan_says() {
        const ALL: usize = 1_200;
        const DRAWN: usize = 120;
        const ROUNDS: u64 = 3_000;
        let urls = population(ALL);
        let stale = sample::stale_of(ALL);
        let mut chance = fastrand::Rng::with_seed(5);
        let mut missed = 0_u32;
        for seed in 0..ROUNDS {
            // the books: which URLs are stale is nothing that the sample knows
            let planted = chance.choose_multiple(0..ALL, stale);
            let drawn = sample(&urls, DRAWN, seed);
            assert_eq!(drawn.len(), DRAWN);
            missed += u32::from(!drawn.iter().any(|url| planted.contains(&url.item)));
        }
        let rate = f64::from(missed) / 3_000.0;
        let told = sample::miss_chance(ALL, DRAWN, stale);
        let error = (told * (1.0 - told) / 3_000.0).sqrt();
        assert!((rate - told).abs() < 4.0 * error, "missed {rate}, told {told}");
        assert!(sample::in_words(ALL, DRAWN).contains(&format!("{:.1} %", told * 100.0)));
    }

    #[test]
    fn a_sample_holds_every_folder_and_is_the_same_for_the_same_plan() {
        let urls = population(1_200);
        let drawn = sample(&urls, 120, seed_of(&urls));
        let folders = |urls: &[PlannedUrl]| {
            let folder = |url: &PlannedUrl| {
                url.url.key.public_id.as_str().split_once('/').map(|(at, _)| at.to_owned())
            };
            urls.iter().filter_map(folder).collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(folders(&drawn), folders(&urls));
        assert_eq!(drawn, sample(&urls, 120, seed_of(&urls)));
        assert_ne!(drawn, sample(&urls, 120, seed_of(&urls[1..])));
    }
}
