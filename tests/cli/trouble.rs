//! Two processes on one journal, waiting that is stopped, processes that die.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::cloud::CloudProcess;
use crate::support::home::{Home, Ran};

const HERO: &str = "press/2026/hero";
const ORIGINAL: &str = "/demo/image/upload/press/2026/hero.jpg";

/// Waits until the journal shows something pending, and returns its row.
fn pending(home: &Home) -> Value {
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        let rows = home.run(&["pending", "--json"]).json()["invalidations"].clone();
        if let Some(row) = rows.as_array().and_then(|rows| rows.first()) {
            return row.clone();
        }
        assert!(Instant::now() < patience, "nothing became pending");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Waits until storage shows the delete: a row is in the journal before its call leaves.
fn carried_out(cloud: &CloudProcess) {
    let patience = Instant::now() + Duration::from_secs(20);
    while cloud.at_origin(ORIGINAL).status != 404 {
        assert!(Instant::now() < patience, "the call never left");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn finished(child: std::process::Child) -> Ran {
    Ran::of(&child.wait_with_output().expect("it ends"))
}

fn send(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid");
    rustix::process::kill_process(pid, signal).expect("it lives");
}

#[test]
fn two_processes_share_a_journal() {
    let cloud = CloudProcess::start(&["--propagation", "2s..3s"]);
    cloud.at_every_edge(ORIGINAL);
    let home = Home::new(cloud.url());
    let ordering = home.spawn(&["rm", HERO, "--yes", "--json"]);
    let row = pending(&home);
    assert_eq!(row["verb"], "delete");
    let tracker = row["tracked_by"].as_str().expect("a tracker").to_owned();
    assert!(tracker.contains(&ordering.id().to_string()), "{tracker}");
    let id = row["invalidation"].as_str().expect("an ID");
    let watching = home.spawn(&["watch", id, "--json"]);
    let (ordered, watched) = (finished(ordering).expect(0), finished(watching).expect(0));
    assert_eq!(ordered.outcome()["outcome"], "all_clear");
    assert_eq!(watched.outcome()["outcome"], "all_clear");
    assert_eq!(watched.outcome()["invalidation"], id);
    let history = home.run(&["history", "--json"]).expect(0).json();
    assert_eq!(history["invalidations"].as_array().map(Vec::len), Some(1), "{history}");
    assert_eq!(
        home.run(&["pending", "--json"]).expect(0).json()["invalidations"],
        serde_json::json!([])
    );
}

#[test]
fn killed_while_waiting_and_taken_over_by_another() {
    let cloud = CloudProcess::start(&["--propagation", "2s..3s"]);
    cloud.at_every_edge(ORIGINAL);
    let home = Home::new(cloud.url());
    let mut ordering = home.spawn(&["rm", HERO, "--yes", "--json"]);
    let id = pending(&home)["invalidation"].as_str().expect("an ID").to_owned();
    carried_out(&cloud);
    ordering.kill().expect("kill -9");
    ordering.wait().expect("it is dead");
    let row = pending(&home);
    assert_eq!(row["invalidation"], id.as_str(), "nothing is lost");
    let watched = home.run(&["watch", &id[..13], "--json"]).expect(0);
    assert_eq!(watched.outcome()["outcome"], "all_clear");
    for (pop, reply) in cloud.at_every_edge(ORIGINAL) {
        assert_eq!(reply.status, 404, "{pop}");
    }
}

#[test]
fn without_waiting_others_go_on() {
    let cloud = CloudProcess::start(&[]);
    cloud.at_every_edge(ORIGINAL);
    let home = Home::new(cloud.url());
    let ran = home.run(&["purge", HERO, "--yes", "--no-wait", "--json"]).expect(0);
    let outcome = ran.outcome();
    assert_eq!(
        (&outcome["outcome"], &outcome["open"]),
        (&Value::from("accepted"), &Value::from(true))
    );
    let id = outcome["invalidation"].as_str().expect("an ID").to_owned();
    let row = pending(&home);
    assert_eq!(row["tracked_by"], Value::Null, "the lease was released");
    let watched = home.run(&["watch", &id, "--json"]).expect(0);
    assert_eq!(watched.outcome()["outcome"], "all_clear");
    let again = home.run(&["watch", &id]).expect(0);
    assert!(again.stdout.contains("all clear"), "{}", again.stdout);
}

#[test]
fn ctrl_c_leaves_it_to_the_journal() {
    let cloud = CloudProcess::start(&["--propagation", "20s..30s"]);
    cloud.at_every_edge(ORIGINAL);
    let home = Home::new(cloud.url());
    let ordering = home.spawn(&["rm", HERO, "--yes"]);
    let id = pending(&home)["invalidation"].as_str().expect("an ID").to_owned();
    carried_out(&cloud);
    send(ordering.id(), rustix::process::Signal::INT);
    let ran = finished(ordering).expect(130);
    assert!(ran.stderr.contains(&format!("allclear watch {id}")), "{}", ran.stderr);
    assert!(!ran.stdout.contains("all clear"), "{}", ran.stdout);
    assert_eq!(pending(&home)["tracked_by"], Value::Null, "the lease was released");
}

#[test]
fn a_local_cloud_that_is_gone_is_never_clear() {
    let cloud = CloudProcess::start(&["--propagation", "20s..30s"]);
    cloud.at_every_edge(ORIGINAL);
    let home = Home::new(cloud.url());
    home.run(&["rm", HERO, "--yes", "--no-wait"]).expect(0);
    drop(cloud);
    assert_eq!(
        home.run(&["pending", "--json"]).expect(0).json()["invalidations"],
        serde_json::json!([])
    );
    let history = home.run(&["history", "--json"]).expect(0).json();
    assert_eq!(history["invalidations"][0]["ended"]["outcome"], "cloud_gone");
}

#[test]
fn a_reader_that_has_enough_is_no_error() {
    let cloud = CloudProcess::start(&["--assets", "400"]);
    let home = Home::new(cloud.url());
    let mut listing = home.spawn(&["ls"]);
    drop(listing.stdout.take());
    let ran = finished(listing).expect(0);
    assert_eq!(ran.stderr, "");
}
