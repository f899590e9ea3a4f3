//! Storage, edges and invalidations together, over time that is passed in.

use std::time::Duration;

use axum::body::Bytes;

use super::changes::{Attributes, Rename, Upload};
use super::fault::{Begin, EdgeChoice};
use super::listing::{ListOrder, Selection};
use super::removal::{Doomed, Removal};
use super::search::Query;
use super::*;
use crate::local_cloud::content::Content;
use crate::local_cloud::pops::POPS;

const BEGAN: i64 = 1_800_000_000;

pub(super) fn settings() -> Settings {
    Settings {
        cloud_name: "demo".to_owned(),
        api_secret: "s3cr3t".into(),
        auth_token_key: None,
        assets: 60,
        edges: POPS[..4].to_vec(),
        seed: 1,
        propagation: (secs(2), secs(20)),
        mode: InvalidationKind::Surrogate,
        bulk_invalidation: false,
        backups: false,
        admin_quota: 1000,
        search_lag: Duration::ZERO,
        traffic: 0.0,
        faults: Vec::new(),
    }
}

fn world() -> World {
    World::new(settings(), BEGAN)
}

fn with_faults(faults: Vec<Fault>) -> World {
    World::new(Settings { faults, ..settings() }, BEGAN)
}

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn key(id: &str) -> AssetKey {
    AssetKey::image(id.parse().unwrap())
}

fn served(world: &mut World, edge: usize, path: &str, at: u64) -> Served {
    match world.request(edge, path, AcceptVariant::None, secs(at)) {
        Response::Served(served) => served,
        other => panic!("{other:?}"),
    }
}

fn status(world: &mut World, edge: usize, path: &str, at: u64) -> u16 {
    served(world, edge, path, at).answer.status
}

fn etag(world: &mut World, edge: usize, path: &str, at: u64) -> Option<String> {
    let served = served(world, edge, path, at);
    served.answer.content.as_ref().map(|content| content.etag().to_owned())
}

/// URLs of the hero: as the API names it, as SDKs build it, and one derived from it.
fn hero_urls(world: &World) -> [String; 3] {
    let version = world.storage().get(&key("press/2026/hero")).unwrap().version;
    [
        format!("/demo/image/upload/v{version}/press/2026/hero.jpg"),
        "/demo/image/upload/v1/press/2026/hero.jpg".to_owned(),
        format!("/demo/image/upload/c_fill,h_90,w_120/v{version}/press/2026/hero.jpg"),
    ]
}

fn replacement(id: &str, bytes: &'static [u8], invalidate: bool) -> Upload {
    Upload {
        key: key(id),
        content: Content::uploaded(Bytes::from_static(bytes), None),
        original_filename: None,
        attributes: Attributes::default(),
        overwrite: true,
        invalidate,
        backup: false,
    }
}

#[test]
fn without_invalidation_every_edge_goes_on_serving_what_is_gone() {
    let mut world = world();
    let urls = hero_urls(&world);
    assert!(world.destroy(&key("press/2026/hero"), false, secs(1)));
    for edge in 0..4 {
        for url in &urls {
            let served = served(&mut world, edge, url, 86_400);
            assert_eq!((served.answer.status, served.state), (200, CacheState::Hit), "{url}");
        }
    }
    assert_eq!(world.origin(&urls[0], AcceptVariant::None, secs(86_400)).status, 404);
    assert_eq!(world.invalidations().count(), 0);
    // a version that no edge has seen goes to storage
    let fresh = "/demo/image/upload/v7/press/2026/hero.jpg";
    assert_eq!(status(&mut world, 0, fresh, 86_400), 404);
}

#[test]
fn each_edge_drops_its_copies_when_the_invalidation_reaches_it() {
    let mut world = world();
    let urls = hero_urls(&world);
    world.destroy(&key("press/2026/hero"), true, secs(10));
    let due: Vec<Duration> =
        world.invalidations().next().unwrap().arrivals.iter().map(|arrival| arrival.due).collect();
    assert!(due.iter().all(|due| (secs(12)..=secs(30)).contains(due)), "{due:?}");
    assert_eq!(due.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
    for (edge, due) in due.into_iter().enumerate() {
        let before = world.now.max(due.saturating_sub(Duration::from_millis(1)));
        if before < due {
            let early = world.request(edge, &urls[0], AcceptVariant::None, before);
            assert!(matches!(early, Response::Served(served) if served.answer.status == 200));
        }
    }
    for edge in 0..4 {
        for url in &urls {
            let served = served(&mut world, edge, url, 31);
            let error = served.answer.error.clone().unwrap();
            assert_eq!(
                (served.answer.status, error.as_str()),
                (404, "Resource not found - press/2026/hero")
            );
        }
    }
    let arrivals = &world.invalidations().next().unwrap().arrivals;
    assert!(arrivals.iter().all(|arrival| arrival.cleared_at == Some(arrival.due)));
    // both variants and both spellings of the original, and both derived URLs
    assert!(arrivals.iter().all(|arrival| arrival.dropped == 6), "{arrivals:?}");
}

#[test]
fn the_same_seed_has_the_same_delays_and_another_seed_others() {
    let due = |seed| {
        let mut world = World::new(Settings { seed, ..settings() }, BEGAN);
        world.destroy(&key("logo"), true, secs(1));
        world.invalidations().next().unwrap().arrivals.iter().map(|a| a.due).collect::<Vec<_>>()
    };
    assert_eq!(due(1), due(1));
    assert_ne!(due(1), due(2));
}

#[test]
fn a_legacy_account_drops_exactly_its_pattern() {
    use InvalidationKind::{Legacy, LegacyUnversioned, LegacyVersioned};
    // of the versioned, the /v1/ and the derived versioned URL, and of one without version
    let table = [
        (Legacy, [200, 404, 200, 200]),
        (LegacyUnversioned, [200, 200, 200, 404]),
        (LegacyVersioned, [404, 200, 404, 200]),
    ];
    for (mode, expected) in table {
        let mut world = World::new(Settings { mode, ..settings() }, BEGAN);
        let mut urls = hero_urls(&world).to_vec();
        urls.push("/demo/image/upload/press/2026/hero.jpg".to_owned());
        assert_eq!(status(&mut world, 0, &urls[3], 0), 200);
        world.destroy(&key("press/2026/hero"), true, secs(1));
        let found: Vec<u16> = urls.iter().map(|url| status(&mut world, 0, url, 60)).collect();
        assert_eq!(found, expected, "{mode}");
    }
}

#[test]
fn a_signed_url_is_dropped_by_surrogate_keys_and_never_by_patterns() {
    for (mode, expected) in
        [(InvalidationKind::Surrogate, 404), (InvalidationKind::LegacyUnversioned, 200)]
    {
        let mut world = World::new(Settings { mode, ..settings() }, BEGAN);
        let url = world.url_of(&key("logo"), Some("png"));
        let path = url.signed(&"s3cr3t".into(), SignatureKind::Sha256Long).path();
        assert_eq!(status(&mut world, 1, &path, 0), 200);
        world.destroy(&key("logo"), true, secs(1));
        assert_eq!(status(&mut world, 1, &path, 60), expected, "{mode}");
    }
}

#[test]
fn a_new_version_is_new_at_once_and_the_old_url_only_after_the_invalidation() {
    let mut world = world();
    let [old, ..] = hero_urls(&world);
    let before = etag(&mut world, 0, &old, 0);
    let uploaded = world.upload(replacement("press/2026/hero", b"new", true), secs(1));
    assert!(uploaded.overwritten);
    let new = format!("/demo/image/upload/v{}/press/2026/hero", uploaded.asset.version);
    let newest = Some(uploaded.asset.content.etag().to_owned());
    assert_eq!(etag(&mut world, 0, &new, 1), newest);
    assert_eq!(etag(&mut world, 0, &old, 1), before);
    assert_eq!(etag(&mut world, 0, &old, 60), newest, "any version delivers the newest file");
    assert_ne!(before, newest);
}

#[test]
fn two_uploads_in_one_second_and_one_after_a_delete_have_rising_versions() {
    let mut world = world();
    let first = world.upload(replacement("a", b"1", false), secs(5)).asset;
    let second = world.upload(replacement("a", b"2", false), secs(5)).asset;
    world.destroy(&key("a"), false, secs(5));
    let third = world.upload(replacement("a", b"3", false), secs(5)).asset;
    assert!(first.version < second.version && second.version < third.version);
    assert_eq!(first.asset_id, second.asset_id);
    assert_ne!(second.asset_id, third.asset_id);
}

#[test]
fn a_rename_keeps_asset_id_and_version_and_drops_derived_assets() {
    let mut world = world();
    let [old, ..] = hero_urls(&world);
    let before = world.storage().get(&key("press/2026/hero")).unwrap().clone();
    assert!(!world.storage().derived(&before.key).is_empty());
    let rename = |to: &str, overwrite| Rename {
        from: key("press/2026/hero"),
        to: key(to),
        overwrite,
        invalidate: true,
    };
    let taken = world.rename(&rename("logo", false), secs(1)).unwrap_err();
    assert_eq!(taken.to_string(), "to_public_id logo already exists");
    let after = world.rename(&rename("press/2026/hero-2", false), secs(1)).unwrap();
    assert_eq!((after.asset_id, after.version), (before.asset_id, before.version));
    assert!(world.storage().derived(&after.key).is_empty());
    assert!(world.storage().derived(&before.key).is_empty());
    assert_eq!(status(&mut world, 2, &old, 60), 404);
    let new = world.original_path(&after);
    assert_eq!(status(&mut world, 2, &new, 60), 200);
    let missing = world.rename(&rename("x", false), secs(61)).unwrap_err();
    assert_eq!(missing.to_string(), "Resource not found - press/2026/hero");
}

#[test]
fn a_cached_refusal_outlives_the_upload_until_it_is_invalidated() {
    let mut world = world();
    let path = "/demo/image/upload/v1/press/new.jpg";
    assert_eq!(status(&mut world, 0, path, 0), 404);
    let jpeg = Content::picture(crate::local_cloud::content::Shape::of(Format::Jpg, 1), 1);
    world.upload(Upload { content: jpeg, ..replacement("press/new", b"", false) }, secs(1));
    assert_eq!(status(&mut world, 0, path, 59), 404);
    assert_eq!(status(&mut world, 0, path, 60), 200, "a first refusal is kept for a minute");
    assert_eq!(status(&mut world, 1, path, 60), 200);

    let path = "/demo/image/upload/v2/press/new2.jpg";
    assert_eq!(status(&mut world, 0, path, 100), 404);
    let jpeg = Content::picture(crate::local_cloud::content::Shape::of(Format::Jpg, 1), 1);
    world.upload(Upload { content: jpeg, ..replacement("press/new2", b"", true) }, secs(101));
    assert_eq!(status(&mut world, 0, path, 130), 200);
}

#[test]
fn automatic_format_is_cached_for_each_accept_class() {
    let mut world = world();
    let path = "/demo/image/upload/f_auto/v3/press/2026/hero.jpg";
    let format = |world: &mut World, accept| match world.request(0, path, accept, secs(1)) {
        Response::Served(served) => {
            (served.answer.content.as_ref().unwrap().format().unwrap(), served.state)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(format(&mut world, AcceptVariant::None), (Format::Jpg, CacheState::Miss));
    assert_eq!(format(&mut world, AcceptVariant::Webp), (Format::Webp, CacheState::Miss));
    assert_eq!(format(&mut world, AcceptVariant::Avif), (Format::Webp, CacheState::Miss));
    assert_eq!(format(&mut world, AcceptVariant::Webp), (Format::Webp, CacheState::Hit));
    let rows = world.storage().derived(&key("press/2026/hero"));
    assert_eq!(rows.iter().filter(|row| row.transformation == "f_auto").count(), 1);
}

#[test]
fn a_default_picture_stands_in_and_the_reason_is_told() {
    let mut world = world();
    let path = "/demo/image/upload/d_brand:logo-dark.png/v1/press/nobody.jpg";
    let served = served(&mut world, 0, path, 0);
    assert_eq!(served.answer.status, 200);
    assert_eq!(served.answer.error.as_deref(), Some("Resource not found - press/nobody"));
    let logo = world.storage().get(&key("brand/logo-dark")).unwrap();
    assert_eq!(served.answer.content.as_ref().map(|c| c.etag()), Some(logo.content.etag()));
    assert_eq!(status(&mut world, 0, "/demo/image/upload/d_nope/v1/press/nobody.jpg", 0), 404);
}

#[test]
fn private_files_need_a_signature_and_a_wrong_one_never_helps() {
    let mut world = world();
    let private = AssetKey {
        resource_type: ResourceType::Image,
        delivery_type: DeliveryType::Private,
        public_id: "legal/signed-contract".parse().unwrap(),
    };
    let unsigned = "/demo/image/private/v1/legal/signed-contract.jpg";
    assert_eq!(status(&mut world, 0, unsigned, 0), 401);
    let asset = world.storage().get(&private).unwrap().clone();
    let signed = world.original_path(&asset);
    assert!(signed.contains("/s--"), "{signed}");
    assert_eq!(status(&mut world, 0, &signed, 0), 200);
    assert_eq!(status(&mut world, 0, "/demo/image/upload/s--aaaaaaaa--/logo.png", 0), 401);
    assert_eq!(status(&mut world, 0, "/other/image/upload/logo.png", 0), 401);
    assert_eq!(status(&mut world, 0, "/", 0), 404);
}

#[test]
fn a_stuck_edge_never_drops_and_one_that_is_stuck_for_a_while_drops_then() {
    let stuck = |edge: &str, lasts| Fault {
        lasts,
        begin: Begin::FirstInvalidation(secs(0)),
        ..Fault::new(EdgeChoice::read(edge), FaultKind::Stuck)
    };
    let mut world = with_faults(vec![stuck("FRA", None), stuck("SIN", Some(secs(50)))]);
    let [url, ..] = hero_urls(&world);
    world.destroy(&key("press/2026/hero"), true, secs(10));
    assert_eq!([0, 1, 2].map(|edge| status(&mut world, edge, &url, 59)), [200, 200, 404]);
    assert_eq!([0, 1, 2].map(|edge| status(&mut world, edge, &url, 60)), [200, 404, 404]);
    assert_eq!(status(&mut world, 0, &url, 86_400), 200);
    world.clear_faults(secs(86_401));
    assert_eq!(status(&mut world, 0, &url, 86_401), 404);
}

#[test]
fn a_dead_edge_resets_connections_while_it_is_dead() {
    let dead = Fault {
        begin: Begin::FirstInvalidation(secs(5)),
        lasts: Some(secs(20)),
        ..Fault::new(EdgeChoice::read("IAD"), FaultKind::Dead)
    };
    let mut world = with_faults(vec![dead]);
    let [url, ..] = hero_urls(&world);
    world.destroy(&key("press/2026/hero"), true, secs(100));
    assert!(!world.is_dead(2, secs(104)));
    assert!(matches!(world.request(2, &url, AcceptVariant::None, secs(105)), Response::Reset));
    assert!(world.is_dead(2, secs(124)) && !world.is_dead(1, secs(124)));
    assert_eq!(status(&mut world, 2, &url, 125), 404);
}

#[test]
fn a_slow_edge_answers_and_clears_later() {
    let mut world = with_faults(vec![Fault::new(EdgeChoice::read("FRA"), FaultKind::Slow)]);
    let [url, ..] = hero_urls(&world);
    assert_eq!(served(&mut world, 0, &url, 0).delay, Fault::DELAY);
    assert_eq!(served(&mut world, 1, &url, 0).delay, Duration::ZERO);
    world.destroy(&key("press/2026/hero"), true, secs(0));
    assert_eq!([0, 1].map(|edge| status(&mut world, edge, &url, 31)), [200, 404]);
    assert_eq!(status(&mut world, 0, &url, 50), 404);
}

#[test]
fn a_regressing_edge_serves_the_old_copy_again_once_and_shows_its_age() {
    let mut world = with_faults(vec![Fault::new(EdgeChoice::read("SIN"), FaultKind::Regress)]);
    let [url, ..] = hero_urls(&world);
    let old = etag(&mut world, 1, &url, 0);
    world.upload(replacement("press/2026/hero", b"new", true), secs(0));
    let cleared = world.invalidations().next().unwrap().arrivals[1].due;
    world.advance(cleared);
    let between = cleared + Duration::from_millis(1);
    let Response::Served(new) = world.request(1, &url, AcceptVariant::None, between) else {
        panic!()
    };
    assert_ne!(new.answer.content.as_ref().map(|c| c.etag().to_owned()), old);
    let back = served(&mut world, 1, &url, 60);
    assert_eq!(back.answer.content.as_ref().map(|c| c.etag().to_owned()), old);
    assert_eq!(back.state, CacheState::Miss, "as from a shield");
    assert!(back.age > secs(60));
    assert_eq!(served(&mut world, 1, &url, 61).state, CacheState::Hit);
    assert!(world.invalidations().next().unwrap().arrivals[1].regressed_at.is_some());
    // purged again it is gone for good
    world.explicit(&key("press/2026/hero"), Attributes::default(), true, secs(100)).unwrap();
    assert_ne!(etag(&mut world, 1, &url, 130), old);
    assert_ne!(etag(&mut world, 1, &url, 300), old);
}

#[test]
fn a_lost_invalidation_changes_nothing_and_a_repeated_one_arrives() {
    let lost = Fault { lasts: Some(secs(30)), ..Fault::new(EdgeChoice::All, FaultKind::Lost) };
    let mut world = with_faults(vec![lost]);
    let [url, ..] = hero_urls(&world);
    world.destroy(&key("press/2026/hero"), true, secs(0));
    assert_eq!(status(&mut world, 0, &url, 40), 200);
    assert!(!world.destroy(&key("press/2026/hero"), true, secs(40)), "not found, and purged again");
    assert_eq!(status(&mut world, 0, &url, 61), 404);
}

#[test]
fn admin_deletes_invalidate_only_where_the_account_does_so_in_bulk() {
    for (bulk_invalidation, expected) in [(false, 200), (true, 404)] {
        let mut world = World::new(Settings { bulk_invalidation, ..settings() }, BEGAN);
        let [url, ..] = hero_urls(&world);
        let doomed = vec![
            ("press/2026/hero".to_owned(), Some(key("press/2026/hero"))),
            ("nope".to_owned(), Some(key("nope"))),
        ];
        let order = Removal {
            doomed: Doomed::Keys(doomed),
            keep_original: false,
            transformations: Vec::new(),
            invalidate: true,
            after: None,
        };
        let removed = world.remove_many(&order, secs(1)).removed;
        assert_eq!((removed[0].found, removed[0].originals, removed[0].derived), (true, 1, 2));
        assert!(!removed[1].found);
        assert_eq!(status(&mut world, 0, &url, 60), expected);
    }
}

#[test]
fn urls_are_invalidated_exactly_as_they_are_named() {
    let mut world = world();
    let [versioned, v1, _] = hero_urls(&world);
    world.destroy(&key("press/2026/hero"), false, secs(0));
    world.invalidate_urls([v1.clone()].into(), secs(0));
    assert_eq!(status(&mut world, 3, &v1, 60), 404);
    assert_eq!(status(&mut world, 3, &versioned, 60), 200);
}

#[test]
fn a_backed_up_asset_leaves_a_placeholder_and_comes_back_with_its_id() {
    let mut world = World::new(Settings { backups: true, ..settings() }, BEGAN);
    let before = world.storage().get(&key("logo")).unwrap().clone();
    world.destroy(&key("logo"), false, secs(1));
    let detail = world.detail(&key("logo"), secs(1)).unwrap();
    assert!(detail.placeholder && detail.versions.len() == 1);
    assert_eq!(
        world.origin("/demo/image/upload/logo.png", AcceptVariant::None, secs(1)).status,
        404
    );
    let after = world.restore(&key("logo"), None, secs(2)).unwrap();
    assert_eq!((after.asset_id, after.version), (before.asset_id, before.version));
    assert_eq!(world.invalidations().count(), 0, "restore invalidates nothing");

    world.upload(replacement("logo", b"new", false), secs(3));
    let versions = world.detail(&key("logo"), secs(3)).unwrap().versions;
    assert_eq!(versions.len(), 2);
    let again = world.restore(&key("logo"), Some(before.version_id), secs(4)).unwrap();
    assert_eq!(again.content.etag(), before.content.etag());
    assert!(again.version > before.version);

    let mut world = self::world();
    world.destroy(&key("logo"), false, secs(1));
    assert_eq!(world.restore(&key("logo"), None, secs(2)).unwrap_err().as_str(), "no_backup");
}

#[test]
fn pages_follow_each_other_without_gap_or_repetition() {
    let mut world = world();
    let by_age = |after| ListOrder {
        resource_type: Some(ResourceType::Image),
        delivery_type: Some(DeliveryType::Upload),
        selection: Selection::All,
        oldest_first: false,
        start_at: None,
        limit: 7,
        after,
    };
    for selection in [Selection::All, Selection::Prefix("p".to_owned())] {
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let order = ListOrder { selection: selection.clone(), ..by_age(after) };
            let page = world.list(&order, secs(1));
            seen.extend(page.assets.iter().map(|asset| asset.key.clone()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let unlike: std::collections::BTreeSet<_> = seen.iter().cloned().collect();
        let expected = world.storage().iter().filter(|asset| {
            (asset.key.resource_type, asset.key.delivery_type)
                == (ResourceType::Image, DeliveryType::Upload)
                && (selection == Selection::All || asset.key.public_id.as_str().starts_with('p'))
        });
        assert_eq!((seen.len(), unlike.len()), (expected.count(), seen.len()));
        if selection != Selection::All {
            assert!(seen.is_sorted());
        }
    }
}

#[test]
fn search_hears_of_changes_after_its_lag() {
    let mut world = World::new(Settings { search_lag: secs(5), ..settings() }, BEGAN);
    let count = |world: &mut World, at| {
        let query = Query { expression: "public_id=logo".into(), limit: 10, ..Query::default() };
        world.search(&query, secs(at)).unwrap().total
    };
    assert_eq!(count(&mut world, 0), 1);
    world.destroy(&key("logo"), false, secs(10));
    assert_eq!([10, 14, 15].map(|at| count(&mut world, at)), [1, 1, 0]);
}

#[test]
fn viewers_keep_edges_warm_and_let_refusals_be_cached() {
    let mut world = World::new(Settings { traffic: 50.0, ..settings() }, BEGAN);
    let [url, ..] = hero_urls(&world);
    world.destroy(&key("press/2026/hero"), true, secs(1));
    for at in 1..80 {
        world.advance(secs(at));
    }
    let refused = |edge: &Edge| edge.copies_of(&url).iter().any(|copy| copy.answer.status == 404);
    assert!(world.edges().iter().any(refused), "viewers of old pages still ask");
}

#[test]
fn a_hundred_thousand_assets_are_there_at_once() {
    let begin = std::time::Instant::now();
    let mut world =
        World::new(Settings { assets: 100_000, edges: POPS[..8].to_vec(), ..settings() }, BEGAN);
    let took = begin.elapsed();
    assert_eq!(world.storage().len(), 100_000);
    let page = ListOrder {
        resource_type: Some(ResourceType::Image),
        delivery_type: None,
        selection: Selection::All,
        oldest_first: false,
        start_at: None,
        limit: 500,
        after: None,
    };
    assert_eq!(world.list(&page, secs(1)).assets.len(), 500);
    assert!(took < secs(20), "{took:?}"); // under two seconds when built for release, on a quiet machine
    println!("100,000 assets in {took:?}");
}
