//! Edges that refuse, hang or have a wrong clock.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::{NEW, OLD};
use crate::caches::bed::{Bed, Stream, cloud, origin, plain};
use crate::caches::fan_out::Arrival::After;
use crate::caches::nginx::{Edge, Nginx};
use crate::caches::others::varnish;
use crate::caches::program::{Part, Running, addresses};
use crate::support::cloud::CloudProcess;
use crate::support::home::Home;

#[test]
fn an_edge_that_asks_to_wait_is_given_time() {
    const BUSY: Duration = Duration::from_secs(6);
    if !Part::Nginx.is_there() {
        return;
    }
    let cloud = cloud(&["--assets", "0"]);
    let busy = "add_header Retry-After 2 always; set $wait 0; if (-f $lab/busy) { set $wait 1; } \
                if ($request_method = PURGE) { set $wait 0; } if ($wait) { return 429; }";
    let edges = [Edge::new("FRA"), Edge::new("SIN").server(busy)];
    let (nginx, _) = Nginx::start(&origin(&cloud), &edges, None, &[]);
    let bed = Bed::of_caches(cloud, nginx.caches.clone(), |_, _| After(100));
    let one = bed.upload("bed/one.txt", OLD);
    bed.warm(&one.paths, &[""]);
    std::fs::write(nginx.switch("busy"), "").expect("a file");
    let order = bed.replacing(&one, NEW);
    let order: Vec<&str> = order.iter().map(String::as_str).chain(["--wait=50s"]).collect();
    let mut stream = Stream::of(bed.spawn(&order));
    let refused = stream.next("sighting", |seen| seen["place"] == "SIN");
    assert_eq!(
        (&refused["verdict"], &refused["reason"]),
        (&"unknown".into(), &"unusable_status".into())
    );
    std::thread::sleep(BUSY);
    std::fs::remove_file(nginx.switch("busy")).expect("our own file");
    stream.next("sighting", |seen| seen["place"] == "SIN" && seen["reason"] == "equals_new");
    let outcome = stream.next("outcome", |_| true);
    bed.truly_clear_by(&outcome, &one.paths);
    assert_eq!(outcome["places"]["reached"], 2);
    let refused = nginx.answers("SIN").into_iter().filter(|status| *status == 429).count();
    // a look every two seconds, and what was in flight at first; without patience it would be some thirty
    assert!((1..=12).contains(&refused), "{refused}");
}

/// A closed port, an edge that speaks no TLS, and one that takes the connection and then says nothing.
#[test]
fn places_that_never_answer_are_left_out_and_counted() {
    if !Part::Nginx.is_there() {
        return;
    }
    let cloud = cloud(&["--assets", "0"]);
    let nginx = Nginx::fleet(&origin(&cloud), &["FRA", "SIN", "NRT"]);
    let silent = TcpListener::bind((addresses(1)[0].ip(), 0)).expect("a listener");
    let mut places: Vec<_> =
        nginx.caches[..2].iter().map(|cache| (cache.pop.clone(), plain(cache.address))).collect();
    places.push(("closed".to_owned(), plain(addresses(1)[0])));
    let third = nginx.caches[2].address;
    places.push(("secret".to_owned(), format!("https://{third}")));
    places.push(("silent".to_owned(), plain(silent.local_addr().expect("an address"))));
    let bed = Bed::new(cloud, &places, nginx.caches.clone(), |_, _| After(100));
    let one = bed.upload("bed/one.txt", OLD);
    bed.warm(&one.paths, &[""]);
    let looked =
        bed.run(&["probe", &format!("http://{}{}", origin(&bed.cloud), one.path()), "--json"]);
    let looked = looked.expect(0).json();
    let failure = |place: &str| {
        let looks = looked["looks"].as_array().expect("looks");
        let look = looks.iter().find(|look| look["place"] == place).expect("a look");
        assert_eq!((&look["verdict"], &look["reason"]), (&"unknown".into(), &"no_answer".into()));
        look["failure"].as_str().expect("why").to_owned()
    };
    assert_eq!(failure("closed"), "connection refused");
    assert!(failure("secret").starts_with("TLS"), "{}", failure("secret"));
    assert!(failure("silent").contains("time"), "{}", failure("silent"));
    let ran = bed.replace(&one, NEW, &["--wait=55s"]).expect(0);
    bed.truly_clear(&ran, &one.paths);
    assert_eq!(ran.outcome()["places"]["reached"], 2);
    assert_eq!(ran.outcome()["places"]["unreachable"], 3);
}

/// No real cache lies about the time; edges of the local cloud do.
#[test]
fn clocks_that_are_wrong_by_five_minutes_do_not_matter() {
    let file = format!("{}/tests/scenarios/clock-skew.toml", env!("CARGO_MANIFEST_DIR"));
    let scenario = std::fs::read_to_string(file).expect("a scenario");
    let cloud = CloudProcess::with_control(&scenario, &["--assets", "12"]);
    let home = Home::new(cloud.url());
    let path = "/demo/image/upload/press/2026/hero.jpg";
    let now = jiff::Timestamp::now();
    let skew = |(pop, reply): &(String, crate::support::http::Reply)| {
        let date = jiff::fmt::rfc2822::parse(reply.header("date")).expect("a date").timestamp();
        (pop.clone(), (date.duration_since(now).as_secs_f64() / 60.0).round())
    };
    let skewed: Vec<_> =
        cloud.at_every_edge(path).iter().map(skew).filter(|(_, by)| *by != 0.0).collect();
    assert_eq!(skewed, [("FRA".to_owned(), 5.0), ("SYD".to_owned(), -5.0)]);
    for order in ["purge", "rm"] {
        let ran = home.run(&[order, "press/2026/hero", "--yes", "--json", "--wait=40s"]).expect(0);
        assert_eq!(ran.outcome()["outcome"], "all_clear");
    }
    assert!(cloud.at_every_edge(path).iter().all(|(_, reply)| reply.status == 404));
}

/// Whatever a test started is gone when it is over, and when it has failed as well.
#[test]
fn nothing_is_left_running() {
    if !Part::Nginx.is_there() || !Part::Varnish.is_there() {
        return;
    }
    let failed = std::panic::catch_unwind(|| {
        let cloud = cloud(&["--assets", "0"]);
        let nginx = Nginx::fleet(&origin(&cloud), &["FRA"]);
        let varnish = varnish("AMS", &origin(&cloud));
        let pids = [nginx.id(), varnish.id()];
        assert!(pids.iter().all(|pid| Running::lives(*pid)));
        let bed = Bed::of_caches(cloud, nginx.caches.clone(), |_, _| After(100));
        let children: Vec<u32> = pids.iter().flat_map(|pid| Running::children(*pid)).collect();
        drop(bed);
        std::panic::panic_any([&pids[..], &children[..]].concat());
    });
    let pids = failed.expect_err("it failed").downcast::<Vec<u32>>().expect("our own words");
    assert!(pids.len() >= 3, "Varnish is two processes: {pids:?}");
    let waiting = Instant::now();
    while let Some(left) = pids.iter().find(|pid| Running::lives(**pid)) {
        assert!(waiting.elapsed() < Duration::from_secs(5), "{left} is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
}
