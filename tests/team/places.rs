//! Places that workers contribute: looked from by them alone, and never clear by their silence.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use super::cluster::Cluster;
use super::{Worker, finish, member, run, signal};
use crate::support::cloud::CloudProcess;
use crate::support::home::Home;

#[test]
fn a_worker_looks_from_its_place_for_everybody() {
    let Some(cluster) = Cluster::start() else { return };
    let flags = ["--assets", "30", "--edges", "2", "--propagation", "1s..2s"];
    let cloud = CloudProcess::start(&flags);
    let journal = cluster.fresh();
    let (ana, bob) = (member(&cloud, &journal), member(&cloud, &journal));
    run(&ana, &["pending"]).expect(0); // makes the schema
    let worker = Worker::start_with(&bob, &["--place", "dc-2"]);
    let second = run(&ana, &["track", "--place", "dc-2"]).expect(2);
    assert!(second.stderr.contains("another worker looks from dc-2"), "{}", second.stderr);
    let purged = run(&ana, &["purge", "press/2026/hero", "--yes", "--json"]).expect(0);
    let outcome = purged.outcome();
    assert_eq!(outcome["outcome"], "all_clear", "{outcome}");
    assert_eq!(
        outcome["places"]["reached"], 4,
        "two edges from here, and two from there: {outcome}"
    );
    let seen = purged.named("sighting");
    let from = |place: &Value| place["place"].as_str().is_some_and(|it| it.starts_with("dc-2/"));
    assert!(seen.iter().any(from), "{seen:?}");
    worker.stop();
    // who has left is no place any more
    let purged = run(&ana, &["purge", "press/2026/hero", "--yes", "--json"]).expect(0);
    assert_eq!(purged.outcome()["places"]["reached"], 2);
    let home = Home::new(cloud.url());
    let alone = finish(&home, &["track", "--place", "dc-2"]).expect(2);
    assert!(alone.stderr.contains("this journal is a file"), "{}", alone.stderr);
}

#[test]
fn a_worker_that_vanishes_keeps_the_all_clear_away() {
    let Some(cluster) = Cluster::start() else { return };
    let flags = ["--assets", "30", "--edges", "2", "--propagation", "6s..8s"];
    let cloud = CloudProcess::start(&flags);
    let journal = cluster.fresh();
    let (ana, bob) = (member(&cloud, &journal), member(&cloud, &journal));
    run(&ana, &["pending"]).expect(0); // makes the schema
    let mut worker = Worker::start_with(&bob, &["--place", "dc-2"]);
    let arguments =
        ["--journal", &journal, "purge", "press/2026/hero", "--yes", "--json", "--wait=40s"];
    let mut command = ana.0.command(&arguments);
    let mut order =
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut lines = BufReader::new(order.stdout.take().expect("piped")).lines();
    let mut next = || -> Option<Value> {
        let line = lines.next()?.expect("UTF-8");
        Some(serde_json::from_str(&line).expect("JSON"))
    };
    let since = Instant::now();
    loop {
        let event = next().expect("it looks from there before it ends");
        let from = event["place"].as_str().is_some_and(|place| place.starts_with("dc-2/"));
        if event["event"] == "sighting" && from {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(60), "nobody looks from there");
    }
    signal(&worker.child, Signal::KILL);
    worker.child.wait().expect("our own child");
    let rest = std::iter::from_fn(next).collect::<Vec<_>>();
    assert_ne!(order.wait().expect("our own child").code(), Some(0));
    let last = rest.last().expect("an outcome");
    assert_ne!(last["outcome"], "all_clear", "{last}");
    // a worker of the same name is that place again
    let again = Worker::start_with(&bob, &["--place", "dc-2"]);
    let since = Instant::now();
    loop {
        let history = run(&ana, &["history", "--json"]).expect(0).json();
        if history["invalidations"][0]["ended"]["outcome"] == "all_clear" {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(120), "{history}");
        std::thread::sleep(Duration::from_millis(500));
    }
    again.stop();
}
