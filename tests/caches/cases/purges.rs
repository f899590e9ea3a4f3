//! Purges that arrive, arrive late or do not arrive, at fleets of equal edges.

use super::{NEW, OLD, WORLD};
use crate::caches::bed::{Bed, cloud, not_clear_at, origin, plain, reasons};
use crate::caches::cache::Manner;
use crate::caches::fan_out::Arrival::{After, Never};
use crate::caches::nginx::{Edge, Nginx};
use crate::caches::others::varnish;
use crate::caches::program::Part;
use crate::support::home::Ran;

#[test]
fn a_purge_that_reaches_every_edge_ends_all_clear() {
    if !Part::Nginx.is_there() {
        return;
    }
    let cloud = cloud(&["--assets", "0"]);
    let nginx = Nginx::fleet(&origin(&cloud), &WORLD);
    let spread = |pop: &str| WORLD.iter().position(|at| *at == pop).expect("one of them") as u64;
    let delays = move |cache: &crate::caches::cache::Cache, _| After(50 * spread(&cache.pop));
    let bed = Bed::of_caches(cloud, nginx.caches.clone(), delays);
    let one = bed.upload("bed/one.txt", OLD);
    bed.warm(&one.paths, &[""]);
    let ran = bed.replace(&one, NEW, &["--wait=40s"]).expect(0);
    bed.truly_clear(&ran, &one.paths);
    assert_eq!(ran.outcome()["places"]["reached"], 24);
    assert_eq!(ran.outcome()["cells"]["total"], 24 * one.paths.len());
    // and the same when it goes altogether, under the version that it has now as well
    bed.paths_of(&one.id, "raw");
    let order = ["rm", &one.id, "--resource-type", "raw", "--yes", "--json", "--wait=40s"];
    let ran = bed.run(&order).expect(0);
    bed.truly_clear(&ran, &one.paths);
    assert!(bed.cache("SIN").view(one.path(), "").status == 404);
    drop(bed);
}

#[test]
fn a_slow_edge_is_waited_for() {
    if !Part::Nginx.is_there() {
        return;
    }
    let cloud = cloud(&["--assets", "0"]);
    let nginx = Nginx::fleet(&origin(&cloud), &WORLD);
    let bed = Bed::of_caches(cloud, nginx.caches.clone(), |cache, _| {
        After(if cache.pop == "SIN" { 12_000 } else { 100 })
    });
    let one = bed.upload("bed/one.txt", OLD);
    bed.warm(&one.paths, &[""]);
    let ran = bed.replace(&one, NEW, &["--wait=50s"]).expect(0);
    bed.truly_clear(&ran, &one.paths);
    assert!(ran.outcome()["duration_ms"].as_u64() > Some(12_000), "{}", ran.outcome());
    assert_eq!(reasons(&ran, "SIN")[..2], ["earlier_content", "equals_new"]);
}

/// Varnish keys by host: a purge under another name is carried out, answered with 200, and changes nothing.
#[test]
fn an_edge_that_said_yes_and_kept_its_copy_is_found() {
    if !Part::Nginx.is_there() || !Part::Varnish.is_there() {
        return;
    }
    let cloud = cloud(&["--assets", "0"]);
    let nginx = Nginx::fleet(&origin(&cloud), &["FRA", "SIN"]);
    let varnish = varnish("AMS", &origin(&cloud));
    let mut caches = nginx.caches.clone();
    caches.push(varnish.cache.clone().with(Manner::WrongHost));
    let bed = Bed::of_caches(cloud, caches, |_, _| After(100));
    let one = bed.upload("bed/one.txt", OLD);
    bed.warm(&one.paths, &[""]);
    let ran = bed.replace(&one, NEW, &["--wait=12s"]);
    not_clear_at(&ran, &["AMS"]);
    assert_eq!(bed.purged().len(), 3, "each said that it was done");
    assert_eq!(reasons(&ran, "AMS"), ["earlier_content"]);
    assert_eq!(bed.outdated(&one.paths, &[""]), ["AMS"]);
}

/// Three sightings of each of twelve URLs miss the stale node in one run of thirty thousand, and then the looks in
/// quiet would have to miss it too.
#[test]
fn one_stale_node_of_four_is_found() {
    if !Part::Nginx.is_there() {
        return;
    }
    let cloud = cloud(&["--assets", "0"]);
    let nodes = (1..=4).map(|node| Edge::new("SIN").node(node)).chain([Edge::new("FRA")]);
    let nodes: Vec<_> = nodes.collect();
    let (nginx, door) = Nginx::start(&origin(&cloud), &nodes, None, &[0, 1, 2, 3]);
    let stale = nginx.caches[2].address;
    let places = [
        ("SIN".to_owned(), plain(door.expect("a door"))),
        ("FRA".to_owned(), plain(nginx.caches[4].address)),
    ];
    let bed = Bed::new(cloud, &places, nginx.caches.clone(), move |cache, _| {
        if cache.address == stale { Never } else { After(200) }
    });
    let stored = ["one", "two", "three", "four"].map(|n| bed.upload(&format!("bed/{n}.txt"), OLD));
    let paths = stored.map(|one| one.paths).concat();
    bed.warm(&paths, &[""]);
    let order = ["rm", "--prefix", "bed/", "--resource-type", "raw", "--yes", "--json"];
    let ran = bed.run(&[&order[..], &["--confidence=normal", "--wait=25s"]].concat());
    not_clear_at(&ran, &["SIN"]);
    let seen = reasons(&ran, "SIN");
    let has = |reason: &str| seen.iter().any(|seen| seen == reason);
    assert!(has("earlier_content") && has("not_found"), "one node of four: {seen:?}");
    assert_eq!(bed.outdated(&paths, &[""]), ["SIN"]);
}

#[test]
fn a_thousand_urls_at_24_edges_stay_within_the_limits() {
    if !Part::Nginx.is_there() {
        return;
    }
    let cloud = cloud(&["--assets", "0"]);
    let nginx = Nginx::fleet(&origin(&cloud), &WORLD);
    let caches = nginx.caches.iter().map(|cache| cache.clone().with(Manner::Bare)).collect();
    let bed = Bed::of_caches(cloud, caches, |_, _| After(100));
    let stored: Vec<_> = (0..334).map(|n| bed.upload(&format!("many/{n:03}.txt"), OLD)).collect();
    // viewers have asked for every tenth
    let some: Vec<_> = stored.iter().step_by(10).flat_map(|one| one.paths.clone()).collect();
    bed.warm(&some, &[""]);
    let order = ["rm", "--prefix", "many/", "--resource-type", "raw", "--yes", "--json"];
    // longer than other commands may take
    let child = bed.spawn(&[&order[..], &["--verify=sample", "--wait=2m"]].concat());
    let ran = Ran::of(&child.wait_with_output().expect("it ends")).expect(6);
    let outcome = ran.outcome();
    assert_eq!(outcome["outcome"], "sampled_clear", "{outcome}");
    assert_eq!(ran.named("plan")[0]["sampled_of"], 1002 * 24);
    assert_eq!(bed.outdated(&some, &[""]), Vec::<String>::new());
    let mut all = Vec::new();
    for pop in WORLD {
        let looks = nginx.looks(pop);
        assert!(busiest_second(&looks) <= 500, "{pop}: {}", busiest_second(&looks));
        all.extend(looks);
    }
    all.sort_by(f64::total_cmp);
    assert!(all.len() >= 24 * 60, "{}", all.len());
    assert!(busiest_second(&all) <= 2000, "{}", busiest_second(&all));
    let foretold = ran.named("plan")[0]["requests"].as_u64().expect("a number");
    assert!(all.len() as u64 <= foretold, "{} looks, {foretold} foretold", all.len());
}

/// Most looks within any second; `looks` are in order.
fn busiest_second(looks: &[f64]) -> usize {
    let within =
        |(at, first): (usize, &f64)| looks[at..].partition_point(|look| *look < first + 1.0);
    looks.iter().enumerate().map(within).max().unwrap_or(0)
}
