//! One URL, several copies.

use super::{NEW, OLD};
use crate::caches::bed::{Bed, cloud, not_clear_at, origin, reasons};
use crate::caches::cache::{ACCEPTS, Manner};
use crate::caches::fan_out::Arrival::{After, Never};
use crate::caches::nginx::Nginx;
use crate::caches::program::Part;

/// The keys of both edges name the kind of `Accept`; whoever purges the second one does not know that.
#[test]
fn a_variant_that_survives_its_purge_is_found() {
    if !Part::Nginx.is_there() {
        return;
    }
    let cloud = cloud(&["--assets", "12"]);
    let nginx = Nginx::fleet(&origin(&cloud), &["FRA", "SIN"]);
    let mut caches = nginx.caches.clone();
    caches[1].manner = Manner::Bare;
    let bed = Bed::of_caches(cloud, caches, |_, _| After(100));
    let id = "press/2026/hero";
    let paths = bed.paths_of(id, "image");
    bed.warm(&paths, &ACCEPTS);
    let ran = bed.run(&["rm", id, "--yes", "--json", "--wait=15s"]);
    not_clear_at(&ran, &["SIN"]);
    let outcome = ran.outcome();
    let open = outcome["not_clear"].as_array().expect("a list");
    assert!(open.iter().all(|cell| cell["reason"] == "still_served"), "{outcome}");
    let automatic =
        |cell: &serde_json::Value| cell["url"].as_str().expect("a URL").contains("f_auto");
    assert!(open.iter().all(automatic), "only what varies survived: {outcome}");
    assert_eq!(bed.outdated(&paths, &ACCEPTS), ["SIN"]);
    let statuses = ACCEPTS.map(|accept| {
        let automatic = paths.iter().filter(|path| path.contains("f_auto"));
        automatic.map(|path| bed.cache("SIN").view(path, accept).status).max().expect("some")
    });
    assert_eq!(statuses, [404, 200, 200]);
}

/// A purge of the bare path leaves the copy with a query; a look at it says so.
#[test]
fn a_query_is_a_copy_of_its_own() {
    if !Part::Nginx.is_there() {
        return;
    }
    let cloud = cloud(&["--assets", "0"]);
    let nginx = Nginx::fleet(&origin(&cloud), &["FRA", "SIN"]);
    let at = origin(&cloud);
    let bed = Bed::of_caches(cloud, nginx.caches.clone(), |_, _| After(100));
    let one = bed.upload("bed/one.txt", OLD);
    let query = [format!("{}?campaign=spring", one.path())];
    bed.warm(&one.paths, &[""]);
    bed.warm(&query, &[""]);
    let ran = bed.replace(&one, NEW, &["--wait=30s"]).expect(0);
    bed.truly_clear(&ran, &one.paths);
    let plan = ran.named("plan").remove(0);
    let watched = plan["watched"].as_array().expect("a list");
    assert!(
        watched.iter().all(|url| !url["url"].as_str().expect("a URL").contains('?')),
        "nobody spoke of it"
    );
    let url = format!("http://{at}{}", query[0]);
    let looked = bed.run(&["probe", &url, "--json"]).expect(0).json();
    for look in looked["looks"].as_array().expect("looks") {
        assert_eq!(
            (&look["verdict"], &look["reason"]),
            (&"outdated".into(), &"differs_from_storage".into())
        );
    }
    let ran = bed.run(&["watch", &url, "--json", "--timeout", "6s"]);
    not_clear_at(&ran, &["FRA", "SIN"]);
    assert_eq!(bed.outdated(&query, &[""]), ["FRA", "SIN"]);
    for cache in &nginx.caches {
        cache.purge(&query[0]);
    }
    let ran = bed.run(&["watch", &url, "--json", "--timeout", "30s"]).expect(0);
    bed.truly_clear(&ran, &query);
}

/// Nobody could see the file for a while, caches remembered that, and it came back.
#[test]
fn a_cached_404_is_no_all_clear() {
    if !Part::Nginx.is_there() {
        return;
    }
    let cloud = cloud(&["--assets", "0", "--backups"]);
    let nginx = Nginx::fleet(&origin(&cloud), &["FRA", "SIN"]);
    let bed = Bed::of_caches(cloud, nginx.caches.clone(), |cache, number| {
        if cache.pop == "SIN" && number == 1 { Never } else { After(300) }
    });
    let one = bed.upload("bed/one.txt", OLD);
    let kind = ["--resource-type", "raw", "--yes", "--json"];
    bed.run(&[&["rm", &one.id, "--no-invalidate"], &kind[..]].concat()).expect(0);
    bed.warm(&one.paths, &[""]);
    assert_eq!(bed.cache("SIN").view(one.path(), "").status, 404);
    let ran = bed.run(&[&["restore", &one.id, "--wait=12s"], &kind[..]].concat());
    not_clear_at(&ran, &["SIN"]);
    assert_eq!(reasons(&ran, "SIN"), ["negative_cache"]);
    assert_eq!(bed.outdated(&one.paths, &[""]), ["SIN"]);
    let ran = bed.purge(&one, &["--wait=30s"]).expect(0);
    bed.truly_clear(&ran, &one.paths);
    assert_eq!(bed.cache("SIN").view(one.path(), "").body, OLD.as_bytes());
}
