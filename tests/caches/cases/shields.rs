//! Old copies that come from a tier behind the edge.

use std::time::Duration;

use super::{NEW, OLD};
use crate::caches::bed::{Bed, Stored, Stream, cloud, not_clear_at, origin, plain, reasons};
use crate::caches::fan_out::Arrival::{self, After, Never};
use crate::caches::nginx::{Edge, Nginx};
use crate::caches::others::{Alone, varnish};
use crate::caches::program::Part;

/// Varnish before Varnish, and a file of which both hold the old copy.
struct Tiers {
    bed: Bed,
    one: Stored,
    edge: Alone,
    shield: Alone,
}

impl Tiers {
    /// The edge `AMS` is probed, the shield `IAD` is not; purges arrive as `arrives` says, by cache and number.
    fn warm(arrives: impl Fn(&str, u64) -> Arrival + Send + Sync + 'static) -> Self {
        let cloud = cloud(&["--assets", "0"]);
        let shield = varnish("IAD", &origin(&cloud));
        let edge = varnish("AMS", &shield.cache.address.to_string());
        let places = [("AMS".to_owned(), plain(edge.cache.address))];
        let caches = vec![shield.cache.clone(), edge.cache.clone()];
        let bed =
            Bed::new(cloud, &places, caches, move |cache, number| arrives(&cache.pop, number));
        let one = bed.upload("bed/one.txt", OLD);
        bed.warm(&one.paths, &[""]);
        Self { bed, one, edge, shield }
    }

    /// The replacement is not clear, for the edge serves the old content; purged again, shield first, it is.
    fn is_found_and_mended(&self, within: &str) {
        let Self { bed, one, .. } = self;
        let ran = bed.replace(one, NEW, &[within]);
        not_clear_at(&ran, &["AMS"]);
        assert_eq!(reasons(&ran, "AMS"), ["earlier_content"]);
        let served = bed.cache("AMS").view(one.path(), "");
        assert_eq!(served.body, OLD.as_bytes(), "{served:?}");
        assert_eq!(bed.outdated(&one.paths, &[""]), ["IAD", "AMS"]);
        let ran = bed.purge(one, &["--wait=30s"]).expect(0);
        bed.truly_clear(&ran, &one.paths);
    }
}

/// The edge forgets, asks the shield and is given what it had.
#[test]
fn an_edge_that_its_shield_feeds_again_is_not_clear() {
    if !Part::Varnish.is_there() {
        return;
    }
    let tiers = Tiers::warm(|pop, number| match (pop, number) {
        ("IAD", 1) => Never,
        ("IAD", _) => After(200),
        _ => After(800),
    });
    tiers.is_found_and_mended("--wait=12s");
}

/// Both tiers were purged while storage still held the old file, and one viewer was enough to bring it back.
#[test]
fn a_purge_that_came_before_the_change_is_not_clear() {
    if !Part::Varnish.is_there() {
        return;
    }
    let tiers = Tiers::warm(|pop, number| match (number, pop) {
        (1, _) => Never, // it came too early, below
        (_, "IAD") => After(200),
        _ => After(800),
    });
    let Tiers { one, edge, shield, .. } = &tiers;
    for cache in [&shield.cache, &edge.cache] {
        one.paths.iter().for_each(|path| cache.purge(path));
    }
    one.paths.iter().for_each(|path| drop(edge.cache.view(path, "")));
    tiers.is_found_and_mended("--wait=10s");
}

/// Some 25 seconds after an edge was first seen clear, it loses its copy and is fed the old one by a shield that
/// nobody purged.
#[test]
fn an_old_copy_that_comes_back_in_quiet_withdraws_the_clear() {
    const INTO_QUIET: Duration = Duration::from_secs(14);
    if !Part::Nginx.is_there() {
        return;
    }
    let cloud = cloud(&["--assets", "0"]);
    let turned = "set $source $origin; if (-f $lab/turned) { set $source $shield; }";
    let edges =
        [Edge::new("FRA"), Edge::new("SIN").behind("$source").server(turned), Edge::new("IAD")];
    let (nginx, _) = Nginx::start(&origin(&cloud), &edges, Some(2), &[]);
    let places: Vec<_> =
        nginx.caches[..2].iter().map(|cache| (cache.pop.clone(), plain(cache.address))).collect();
    let bed = Bed::new(cloud, &places, nginx.caches.clone(), |cache, _| {
        if cache.pop == "IAD" { Never } else { After(200) }
    });
    let one = bed.upload("bed/one.txt", OLD);
    bed.warm(&one.paths, &[""]);
    let order = bed.replacing(&one, NEW);
    let order: Vec<&str> =
        order.iter().map(String::as_str).chain(["--confidence=normal", "--wait=55s"]).collect();
    let mut stream = Stream::of(bed.spawn(&order));
    stream.next("progress", |told| told["phase"] == "quiet");
    std::thread::sleep(INTO_QUIET);
    std::fs::write(nginx.switch("turned"), "").expect("a file");
    one.paths.iter().for_each(|path| bed.cache("SIN").purge(path));
    let back = stream.next("regression", |_| true);
    assert_eq!(back["place"], "SIN", "{back}");
    assert_eq!(bed.cache("SIN").view(one.path(), "").body, OLD.as_bytes());
    stream.interrupt();
    let last = stream.next("outcome", |_| true);
    assert_eq!((&last["outcome"], &last["open"]), (&"interrupted".into(), &true.into()), "{last}");
    assert_eq!(stream.code(), Some(130));
}
