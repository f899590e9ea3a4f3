//! One cache of every kind, and what only one kind does.

use super::{NEW, OLD};
use crate::caches::bed::{Bed, cloud, origin, plain, reasons};
use crate::caches::cache::{ACCEPTS, Manner};
use crate::caches::fan_out::Arrival::After;
use crate::caches::nginx::Nginx;
use crate::caches::others::{haproxy, squid, traffic_server, varnish};
use crate::caches::program::Part;

/// Seconds that HAProxy keeps a copy where it is one of many.
const SHORT: u32 = 8;

#[test]
fn every_kind_of_cache_is_read_and_waited_for() {
    if !Part::ALL.iter().all(|part| part.is_there()) {
        return;
    }
    let cloud = cloud(&["--assets", "12"]);
    let at = origin(&cloud);
    let nginx = Nginx::fleet(&at, &["FRA"]);
    let alone = [
        varnish("AMS", &at),
        varnish("LHR", &at),
        varnish("CDG", &at),
        squid("WAW", &at),
        traffic_server("SIN", &at),
        haproxy("HEL", &at, SHORT),
    ];
    let mut caches = nginx.caches.clone();
    caches.extend(alone.iter().map(|one| one.cache.clone()));
    caches[2].manner = Manner::Soft;
    caches[3].manner = Manner::Ban;
    let bed = Bed::of_caches(cloud, caches, |cache, _| {
        After(300 + 20 * u64::from(cache.pop.as_bytes()[0]))
    });
    // what each says of itself
    let one = bed.upload("bed/one.txt", OLD);
    bed.warm(&one.paths, &[""]);
    let url = format!("http://{}{}", at, one.path());
    let looked = bed.run(&["probe", &url, "--json"]).expect(0).json();
    assert_eq!(looked["places"]["reached"], 7, "{looked}");
    for look in looked["looks"].as_array().expect("looks") {
        let place = look["place"].as_str().expect("a name");
        // Traffic Server does not tell where it is
        let told = if place == "SIN" { serde_json::Value::Null } else { place.into() };
        assert_eq!(look["pop_seen"], told, "{look}");
        assert_eq!(look["verdict"], "same", "{look}");
        assert_eq!(look["bytes"], OLD.len(), "{look}");
        // HAProxy says nothing of itself but an age, and nginx everything but that
        assert_eq!(look["cache"], if place == "HEL" { "unknown" } else { "hit" }, "{look}");
        assert_eq!(look["age"].is_null(), place == "FRA", "{look}");
    }
    // an asset with derived copies, three variants of some, goes from all of them
    let id = "press/2026/hero";
    let paths = bed.paths_of(id, "image");
    bed.warm(&paths, &ACCEPTS);
    let ran = bed.run(&["rm", id, "--yes", "--json", "--wait=50s"]).expect(0);
    bed.truly_clear(&ran, &paths);
    for pop in ["FRA", "AMS", "LHR", "CDG", "WAW", "SIN", "HEL"] {
        let seen = reasons(&ran, pop);
        let has = |reason: &str| seen.iter().any(|seen| seen == reason);
        assert!(has("still_served") || has("earlier_content"), "{pop}: {seen:?}");
        assert!(has("not_found"), "{pop}: {seen:?}");
    }
}

/// After a soft purge the first viewer is served the old copy, as a hit, and the second the new one, as a hit:
/// whoever waits for a miss waits for ever.
#[test]
fn a_soft_purge_serves_the_old_copy_once_and_then_clears() {
    if !Part::Varnish.is_there() {
        return;
    }
    let cloud = cloud(&["--assets", "0"]);
    let varnish = varnish("LHR", &origin(&cloud));
    let cache = varnish.cache.clone().with(Manner::Soft);
    let bed = Bed::of_caches(cloud, vec![cache], |_, _| After(1_500));
    let one = bed.upload("bed/one.txt", OLD);
    bed.warm(&one.paths, &[""]);
    let ran = bed.replace(&one, NEW, &["--wait=54s", "--confidence=normal"]).expect(0);
    bed.truly_clear(&ran, &one.paths);
    assert_eq!(reasons(&ran, "LHR"), ["earlier_content", "equals_new"]);
    assert_eq!(bed.cache("LHR").view(one.path(), "").header("x-cache"), "HIT");
}

#[test]
fn a_cache_that_cannot_be_purged_blocks_until_its_time_is_over() {
    const KEPT: u32 = 15;
    if !Part::Haproxy.is_there() || !Part::Nginx.is_there() {
        return;
    }
    let cloud = cloud(&["--assets", "0"]);
    let nginx = Nginx::fleet(&origin(&cloud), &["FRA"]);
    let haproxy = haproxy("HEL", &origin(&cloud), KEPT);
    let caches = vec![nginx.caches[0].clone(), haproxy.cache.clone()];
    let places: Vec<_> =
        caches.iter().map(|cache| (cache.pop.clone(), plain(cache.address))).collect();
    let bed = Bed::new(cloud, &places, caches, |_, _| After(100));
    let one = bed.upload("bed/one.txt", OLD);
    bed.warm(&one.paths, &[""]);
    let warmed = std::time::Instant::now();
    let ran = bed.replace(&one, NEW, &["--wait=50s"]).expect(0);
    bed.truly_clear(&ran, &one.paths);
    assert!(warmed.elapsed().as_secs() >= u64::from(KEPT), "{}", ran.stdout);
    assert!(
        bed.purged().iter().any(|purged| purged.pop == "HEL"),
        "it was told, and did not know what"
    );
    assert_eq!(reasons(&ran, "HEL"), ["earlier_content", "equals_new"]);
}
