//! The truth about a watched URL: reference reads, and what storage's answers amount to (design §2.2, §2.3).
//!
//! Decides nothing about copies: [`crate::domain::judge`] does.

use std::net::SocketAddr;
use std::time::Duration;

use super::super::context::Context;
use super::schedule::Pace;
use crate::domain::delivery_url::{DeliveryUrl, is_vendor_pinned, reference_path};
use crate::domain::invalidation::{Verb, WatchedName, same_content};
use crate::domain::place::Place;
use crate::domain::sighting::{AcceptVariant, Answer, ProbeShape};
use crate::domain::verdict::{Content, Stored};
use crate::ports::prober::Probe;

/// Reads a URL past every cache, at one place: the content that storage delivers for it now.
///
/// `version` is the asset's real one; the read goes under a lower one that no cache can hold. `None` where nothing
/// usable came back. Spends one request outside of the tracker's limits: callers read few at a time.
pub async fn read_reference(
    context: &Context,
    place: &Place,
    url: &DeliveryUrl,
    version: u64,
    variant: AcceptVariant,
) -> Option<Content> {
    let timeout = probe_timeout(context);
    let probe = reference_probe(place, url, version, variant, fastrand::u64(..), timeout);
    let answer = context.prober.probe(&probe).await.result.ok().filter(came_past_caches)?;
    content_of(&answer).map(|content| Content { version: Some(version), ..content })
}

/// How long a probe of this profile waits for an answer.
const fn probe_timeout(context: &Context) -> Duration {
    timeout_of(context.policy.loopback)
}

/// The same, by whether every place is on loopback.
pub(crate) const fn timeout_of(loopback: bool) -> Duration {
    Pace::new(loopback).timeout()
}

/// The probe of a reference read.
pub(super) fn reference_probe(
    place: &Place,
    url: &DeliveryUrl,
    version: u64,
    variant: AcceptVariant,
    random: u64,
    timeout: Duration,
) -> Probe {
    let uncached = reference_path(url, version, random);
    probe_at(place, &uncached, variant, ProbeShape::Body, timeout)
}

/// The probe for a URL at a place: at its own address, under the URL's own host. The edges of a local cloud speak
/// plain HTTP and serve every host; a host that is pinned to one vendor is asked under its own name.
pub(crate) fn probe_at(
    place: &Place,
    url: &DeliveryUrl,
    variant: AcceptVariant,
    shape: ProbeShape,
    timeout: Duration,
) -> Probe {
    let mut address = place.address;
    let plain = |address: &SocketAddr| !url.is_web() || address.port() == 443;
    if place.tls && !url.https && address.as_ref().is_some_and(plain) {
        // the same cache, asked without TLS; a web address says by itself where it has a port of its own
        address.as_mut().into_iter().for_each(|address| address.set_port(80));
    }
    let vantage = place.vantage.clone();
    let own = !place.tls || is_vendor_pinned(&place.host);
    let host = if own { place.host.clone() } else { url.host_name() };
    let (tls, path) = (place.tls && url.https, url.path());
    Probe { vantage, address, tls, host, path, variant, shape, timeout }
}

/// Whether the answer to a reference read can have come from storage: no cache holds its key, so one that says it
/// served a copy, or whose copy has an age, does not go by versions, and what it serves may be the old content.
pub(super) fn came_past_caches(answer: &Answer) -> bool {
    answer.came_past_caches() != Some(false)
}

/// Whether two reference reads got the same body; by hash where both have one.
pub(super) fn is_same_body(one: &Content, other: &Content) -> bool {
    match (&one.body_hash, &other.body_hash) {
        (Some(a), Some(b)) => a == b && one.bytes == other.bytes,
        _ => one.etag.is_some() && same_content(one, other),
    }
}

/// Whether delivery still gives the content from before, although storage holds something else.
pub(super) fn is_behind(read: &Content, stored: &Content, before: Option<&Content>) -> bool {
    let is_stored = read.etag.is_some() && read.etag == stored.etag;
    !is_stored && before.is_some_and(|before| is_same_body(before, read))
}

/// What was delivered, as far as it identifies a body; weak tags identify nothing.
pub(crate) fn content_of(answer: &Answer) -> Option<Content> {
    let strong = answer.etag.as_ref().filter(|etag| !etag.weak);
    matches!(answer.status, 200 | 206).then(|| Content {
        asset_id: None,
        version: None,
        etag: strong.map(|etag| etag.tag.clone()),
        bytes: answer.total_length,
        body_hash: answer.body_hash.clone(),
        last_modified: answer.last_modified.clone(),
    })
}

/// Whether an uncached read of a name's URL bears out what storage is said to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Support {
    Yes,
    /// What is delivered is something else: the change has not arrived there.
    No,
    Unclear,
}

/// Compares an uncached read with a claim about storage; a copy that wears no known tag shows presence only.
pub(super) fn support(answer: &Answer, claim: &Stored, old: Option<&Stored>) -> Support {
    let (served, refused) =
        (matches!(answer.status, 200 | 206), matches!(answer.status, 404 | 410));
    let contradicts = match claim {
        // a placeholder says in the header what it stands for
        Stored::Empty => served && answer.error.is_none(),
        Stored::Holds(_) => refused,
    };
    match claim {
        _ if contradicts => Support::No,
        Stored::Empty if served || refused => Support::Yes,
        Stored::Holds(claimed) if served => {
            let before = match old {
                Some(Stored::Holds(before)) if !same_content(before, claimed) => Some(before),
                _ => None,
            };
            support_by_tag(answer, claimed, before)
        }
        _ => Support::Unclear,
    }
}

fn support_by_tag(answer: &Answer, claimed: &Content, before: Option<&Content>) -> Support {
    let strong = answer.etag.as_ref().filter(|etag| !etag.weak).map(|etag| etag.tag.as_str());
    if strong.is_some() && strong == claimed.etag.as_deref() {
        Support::Yes
    } else if strong.is_some() && strong == before.and_then(|before| before.etag.as_deref()) {
        Support::No
    } else {
        Support::Unclear
    }
}

/// Whether a reading of storage only shows that it lags behind the call that was accepted: what it held before,
/// under the same identity.
pub(super) fn lags(verb: Verb, name: &WatchedName, told: Option<&Stored>, now: &Stored) -> bool {
    match (verb, now) {
        (Verb::Purge | Verb::Watch, _)
        | (Verb::Delete, Stored::Empty)
        | (Verb::Restore, Stored::Holds(_)) => false,
        // empty is as before only where nothing was there, and no lag where a call of ours was told so
        (Verb::Rename, Stored::Empty) => name.must_live && was_empty(name, told),
        (Verb::Replace | Verb::Restore, Stored::Empty) => was_empty(name, told),
        (Verb::Delete | Verb::Rename | Verb::Replace, Stored::Holds(_)) => {
            told.is_none_or(|told| !same_stored(told, now)) && is_as_before(name, now)
        }
    }
}

/// Whether an empty name can be one whose content has not arrived yet.
fn was_empty(name: &WatchedName, told: Option<&Stored>) -> bool {
    !matches!(name.old, Some(Stored::Holds(_))) && told != Some(&Stored::Empty)
}

/// Whether storage shows what it held before the call: the same version of the same asset.
pub(super) fn is_as_before(name: &WatchedName, now: &Stored) -> bool {
    let (Some(Stored::Holds(old)), Stored::Holds(now)) = (&name.old, now) else { return false };
    let same_asset = match (&old.asset_id, &now.asset_id) {
        (Some(old), Some(now)) => old == now,
        _ => true,
    };
    same_asset && old.version == now.version
}

/// Whether two readings of storage agree.
pub(super) fn same_stored(one: &Stored, other: &Stored) -> bool {
    match (one, other) {
        (Stored::Empty, Stored::Empty) => true,
        (Stored::Holds(one), Stored::Holds(other)) => {
            same_content(one, other) && (one.version == other.version || one.version.is_none())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::ItemId;
    use crate::domain::sighting::{CacheStatus, Etag};
    use rstest::rstest;

    fn content(asset: &str, version: u64, etag: &str) -> Content {
        Content {
            asset_id: Some(asset.into()),
            version: Some(version),
            etag: Some(etag.into()),
            ..Content::default()
        }
    }

    fn name(old: Option<Stored>, must_live: bool) -> WatchedName {
        WatchedName {
            item: ItemId::new(),
            key: crate::ops::testing::image("press/hero"),
            must_live,
            old,
            new: None,
            changed_at: None,
            superseded: false,
        }
    }

    fn answer(status: u16, tag: Option<&str>, error: Option<&str>) -> Answer {
        Answer {
            status,
            etag: tag.map(|tag| Etag { weak: false, tag: tag.into() }),
            error: error.map(str::to_owned),
            ..Answer::default()
        }
    }

    #[rstest]
    #[case::gone(404, None, None, Support::Yes)]
    #[case::placeholder(200, Some("p"), Some("Resource not found - press/hero"), Support::Yes)]
    #[case::still_there(200, Some("old"), None, Support::No)]
    #[case::refused(401, None, None, Support::Unclear)]
    #[case::overloaded(503, None, None, Support::Unclear)]
    fn an_empty_name(
        #[case] status: u16,
        #[case] tag: Option<&str>,
        #[case] error: Option<&str>,
        #[case] expected: Support,
    ) {
        let old = Stored::Holds(content("a", 1, "old"));
        let seen = answer(status, tag, error);
        assert_eq!(support(&seen, &Stored::Empty, Some(&old)), expected);
    }

    #[rstest]
    #[case::new(200, Some("new"), Support::Yes)]
    #[case::old(200, Some("old"), Support::No)]
    #[case::not_yet(404, None, Support::No)]
    #[case::something(200, Some("else"), Support::Unclear)]
    #[case::no_tag(200, None, Support::Unclear)]
    #[case::refused(401, None, Support::Unclear)]
    fn a_changed_name(#[case] status: u16, #[case] tag: Option<&str>, #[case] expected: Support) {
        let (old, new) = (content("a", 1, "old"), Stored::Holds(content("a", 2, "new")));
        let seen = answer(status, tag, None);
        assert_eq!(support(&seen, &new, Some(&Stored::Holds(old))), expected);
    }

    #[test]
    fn a_purged_name_is_borne_out_by_what_it_always_had() {
        let same = Stored::Holds(content("a", 1, "same"));
        let seen = answer(200, Some("same"), None);
        assert_eq!(support(&seen, &same, Some(&same)), Support::Yes);
        let derived = answer(200, Some("of-the-copy"), None);
        assert_eq!(support(&derived, &same, Some(&same)), Support::Unclear);
    }

    #[rstest]
    #[case::miss(CacheStatus::Miss, Some(0), true)]
    #[case::on_its_way(CacheStatus::Miss, Some(2), true)]
    #[case::silent(CacheStatus::Unknown, None, true)]
    #[case::hit(CacheStatus::Hit, None, false)]
    #[case::stale(CacheStatus::HitStale, Some(0), false)]
    #[case::checked(CacheStatus::Revalidated, Some(0), false)]
    #[case::a_miss_from_a_shield(CacheStatus::Miss, Some(400), false)]
    #[case::silent_and_old(CacheStatus::Unknown, Some(3), false)]
    fn a_key_that_a_cache_holds_tells_nothing_of_storage(
        #[case] cache: CacheStatus,
        #[case] age: Option<u64>,
        #[case] expected: bool,
    ) {
        let seen = Answer { age, cache, ..answer(200, Some("old"), None) };
        assert_eq!(came_past_caches(&seen), expected);
    }

    #[test]
    fn delivery_that_gives_the_old_content_is_behind() {
        let (old, new) = (content("a", 1, "old"), content("a", 2, "new"));
        let read = |tag: &str| content_of(&answer(200, Some(tag), None)).unwrap();
        assert!(is_behind(&read("old"), &new, Some(&old)));
        assert!(!is_behind(&read("new"), &new, Some(&old)));
        assert!(!is_behind(&read("else"), &new, Some(&old)));
        assert!(!is_behind(&read("old"), &new, None));
        assert!(!is_behind(&read("new"), &new, Some(&new)), "storage itself says so");
    }

    #[rstest]
    #[case::destroyed_and_still_listed(Verb::Delete, false, Some(("a", 1)), true)]
    #[case::uploaded_again(Verb::Delete, false, Some(("b", 2)), false)]
    #[case::overwritten_since(Verb::Delete, false, Some(("a", 2)), false)]
    #[case::destroyed(Verb::Delete, false, None, false)]
    #[case::old_name_still_listed(Verb::Rename, false, Some(("a", 1)), true)]
    #[case::old_name_gone(Verb::Rename, false, None, false)]
    #[case::replaced(Verb::Replace, false, Some(("a", 2)), false)]
    #[case::not_replaced_yet(Verb::Replace, false, Some(("a", 1)), true)]
    #[case::replaced_and_deleted_by_another(Verb::Replace, false, None, false)]
    #[case::new_name_overwritten_and_deleted(Verb::Rename, true, None, false)]
    #[case::purged(Verb::Purge, false, Some(("a", 1)), false)]
    #[case::purged_and_deleted_by_another(Verb::Purge, false, None, false)]
    #[case::watched(Verb::Watch, false, Some(("a", 1)), false)]
    fn storage_that_lags(
        #[case] verb: Verb,
        #[case] must_live: bool,
        #[case] now: Option<(&str, u64)>,
        #[case] expected: bool,
    ) {
        let old = Stored::Holds(content("a", 1, "old"));
        let now = now.map_or(Stored::Empty, |(asset, version)| {
            Stored::Holds(content(asset, version, "any"))
        });
        assert_eq!(lags(verb, &name(Some(old), must_live), None, &now), expected);
    }

    #[rstest]
    #[case::not_restored_yet(Verb::Restore, None, true)]
    #[case::not_uploaded_yet(Verb::Replace, Some(false), true)]
    #[case::new_name_not_there(Verb::Rename, Some(false), true)]
    #[case::destroyed_again_by_us(Verb::Replace, Some(true), false)]
    fn an_empty_name_that_was_empty_before(
        #[case] verb: Verb,
        #[case] told_empty: Option<bool>,
        #[case] expected: bool,
    ) {
        let told = told_empty.map(|empty| match empty {
            true => Stored::Empty,
            false => Stored::Holds(content("a", 2, "new")),
        });
        let name = name(Some(Stored::Empty), true);
        assert_eq!(lags(verb, &name, told.as_ref(), &Stored::Empty), expected);
    }

    #[rstest]
    #[case::of_the_url("res.cloudinary.com", "media.acme.test")]
    #[case::of_the_vendor("resf.cloudinary.com", "resf.cloudinary.com")]
    fn a_place_is_asked_under_the_urls_host_but_a_pinned_one_under_its_own(
        #[case] host: &str,
        #[case] asked: &str,
    ) {
        let account = crate::domain::account::Account {
            own_hosts: vec!["media.acme.test".to_owned()],
            ..crate::domain::account::Account::named("acme")
        };
        let url = DeliveryUrl::parse("https://media.acme.test/acme/image/upload/a.jpg", &account);
        let place = Place {
            id: crate::domain::place::PlaceId("x".to_owned()),
            pop: None,
            city: None,
            provider: "fastly".to_owned(),
            vantage: crate::domain::place::Vantage::Here,
            address: "192.0.2.1:443".parse().ok(),
            tls: true,
            host: host.to_owned(),
        };
        let (variant, shape) = (AcceptVariant::None, ProbeShape::OneByte);
        let probe = probe_at(&place, &url.unwrap(), variant, shape, Duration::from_secs(1));
        assert_eq!((probe.host.as_str(), probe.tls), (asked, true));
    }

    #[test]
    fn only_what_tells_contents_apart_is_kept_of_an_answer() {
        let weak = Answer {
            status: 200,
            etag: Some(Etag { weak: true, tag: "w".into() }),
            total_length: Some(7),
            body_hash: Some("h".into()),
            ..Answer::default()
        };
        let content = content_of(&weak).unwrap();
        assert_eq!(
            (content.etag, content.bytes, content.body_hash),
            (None, Some(7), Some("h".into()))
        );
        assert_eq!(content_of(&answer(404, None, None)), None);
        assert_eq!(content_of(&answer(503, None, None)), None);
    }
}
