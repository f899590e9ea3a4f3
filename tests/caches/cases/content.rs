//! What tells an old copy from a new one where headers do not.

use super::{NEW, OLD};
use crate::caches::bed::{Bed, cloud, not_clear_at, origin, reasons};
use crate::caches::fan_out::Arrival::{After, Never};
use crate::caches::nginx::{Edge, Nginx};
use crate::caches::others::{squid, varnish};
use crate::caches::program::Part;

/// nginx never tells an age, and here no validator either; old and new are of the same length.
#[test]
fn without_age_and_entity_tag_the_bytes_decide() {
    if !Part::Nginx.is_there() {
        return;
    }
    assert_eq!(OLD.len(), NEW.len());
    let cloud = cloud(&["--assets", "0"]);
    let bare = "proxy_hide_header ETag; proxy_hide_header Last-Modified;";
    let edges = ["FRA", "SIN"].map(|pop| Edge::new(pop).location(bare));
    let (nginx, _) = Nginx::start(&origin(&cloud), &edges, None, &[]);
    let bed = Bed::of_caches(cloud, nginx.caches.clone(), |cache, _| {
        After(if cache.pop == "SIN" { 7_000 } else { 100 })
    });
    let one = bed.upload("bed/one.txt", OLD);
    bed.warm(&one.paths, &[""]);
    let seen = bed.cache("SIN").view(one.path(), "");
    assert!(
        ["etag", "age", "last-modified"].iter().all(|name| seen.header(name).is_empty()),
        "{seen:?}"
    );
    let ran = bed.replace(&one, NEW, &["--wait=40s"]).expect(0);
    bed.truly_clear(&ran, &one.paths);
    assert!(ran.outcome()["duration_ms"].as_u64() > Some(7_000), "{}", ran.outcome());
    let why = reasons(&ran, "SIN");
    assert_eq!(why.last().map(String::as_str), Some("equals_new"), "{why:?}");
    assert!(why.len() > 1, "{why:?}");
}

#[test]
fn weak_tags_and_tags_of_nodes_are_seen_through() {
    if !Part::Nginx.is_there() {
        return;
    }
    let cloud = cloud(&["--assets", "0"]);
    let weak = "proxy_hide_header ETag; add_header ETag 'W/$upstream_http_etag' always;";
    let of_node = "proxy_hide_header ETag; add_header ETag '\"nrt1-$bare_etag\"' always;";
    let edges =
        [Edge::new("FRA"), Edge::new("SIN").location(weak), Edge::new("NRT").location(of_node)];
    let (nginx, _) = Nginx::start(&origin(&cloud), &edges, None, &[]);
    let bed = Bed::of_caches(cloud, nginx.caches.clone(), |cache, _| {
        After(if cache.pop == "FRA" { 100 } else { 7_000 })
    });
    let one = bed.upload("bed/one.txt", OLD);
    bed.warm(&one.paths, &[""]);
    assert!(bed.cache("SIN").view(one.path(), "").header("etag").starts_with("W/\""));
    assert!(bed.cache("NRT").view(one.path(), "").header("etag").starts_with("\"nrt1-"));
    let ran = bed.replace(&one, NEW, &["--wait=40s"]).expect(0);
    bed.truly_clear(&ran, &one.paths);
    assert!(ran.outcome()["duration_ms"].as_u64() > Some(7_000), "{}", ran.outcome());
    for pop in ["SIN", "NRT"] {
        let why = reasons(&ran, pop);
        assert_eq!(why.last().map(String::as_str), Some("equals_new"), "{pop}: {why:?}");
    }
}

/// HEAD goes past the cache and is answered by the origin, GET is served the old copy.
#[test]
fn a_head_that_is_fresh_says_nothing() {
    if !Part::Nginx.is_there() {
        return;
    }
    let cloud = cloud(&["--assets", "0"]);
    let past =
        "proxy_cache_convert_head off; proxy_cache_bypass $is_head; proxy_no_cache $is_head;";
    let edges = [Edge::new("FRA"), Edge::new("SIN").location(past)];
    let (nginx, _) = Nginx::start(&origin(&cloud), &edges, None, &[]);
    let bed = Bed::of_caches(cloud, nginx.caches.clone(), |cache, _| {
        if cache.pop == "SIN" { Never } else { After(100) }
    });
    let one = bed.upload("bed/one.txt", OLD);
    bed.warm(&one.paths, &[""]);
    let ran = bed.replace(&one, NEW, &["--wait=10s"]);
    not_clear_at(&ran, &["SIN"]);
    assert_eq!(reasons(&ran, "SIN"), ["earlier_content"]);
    let head = bed.cache("SIN").ask("HEAD", one.path(), &[]);
    let get = bed.cache("SIN").view(one.path(), "");
    assert_eq!(head.header("etag"), bed.truth(one.path(), "").header("etag"));
    assert_ne!(head.header("etag"), get.header("etag"));
    assert_eq!(get.body, OLD.as_bytes());
}

/// The same bytes were to be fetched anew. Who tells an age shows whether they were; who tells none is listed apart.
#[test]
fn a_copy_that_was_not_fetched_anew_is_shown_by_its_age() {
    const OLDER: u64 = 4;
    if ![Part::Nginx, Part::Varnish, Part::Squid].iter().all(|part| part.is_there()) {
        return;
    }
    let cloud = cloud(&["--assets", "0"]);
    let nginx = Nginx::fleet(&origin(&cloud), &["FRA"]);
    let (varnish, squid) = (varnish("AMS", &origin(&cloud)), squid("WAW", &origin(&cloud)));
    let caches = vec![nginx.caches[0].clone(), varnish.cache.clone(), squid.cache.clone()];
    let bed = Bed::of_caches(cloud, caches, |cache, number| {
        if cache.pop == "AMS" || number > 1 { After(100) } else { Never }
    });
    let one = bed.upload("bed/one.txt", OLD);
    bed.warm(&one.paths, &[""]);
    let age = |path: &String| bed.cache("WAW").view(path, "").header("age").parse::<u64>();
    while one.paths.iter().any(|path| age(path).expect("a number") < OLDER) {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let ran = bed.purge(&one, &["--wait=8s"]);
    not_clear_at(&ran, &["WAW"]);
    assert_eq!(reasons(&ran, "WAW"), ["older_than_purge"]);
    assert_eq!(reasons(&ran, "FRA"), ["same_bytes"]);
    let ran = bed.purge(&one, &["--wait=30s"]).expect(0);
    bed.truly_clear(&ran, &one.paths);
}
