//! Two processes on one journal, waiting that is stopped, processes that die.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::cloud::CloudProcess;
use crate::support::home::{Home, Ran};

const HERO: &str = "press/2026/hero";
const ORIGINAL: &str = "/demo/image/upload/press/2026/hero.jpg";

/// Waits until the journal shows something pending, and returns its row.
fn pending(home: &Home) -> Value {
    pending_that(home, |_| true)
}

/// Waits for a pending row that somebody tracks: a row is in the journal before its lease is.
fn tracked(home: &Home) -> Value {
    pending_that(home, |row| row["tracked_by"].is_string())
}

fn pending_that(home: &Home, wanted: impl Fn(&Value) -> bool) -> Value {
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        let rows = home.run(&["pending", "--json"]).json()["invalidations"].clone();
        if let Some(row) = rows.as_array().and_then(|rows| rows.first()).filter(|row| wanted(row)) {
            return row.clone();
        }
        assert!(Instant::now() < patience, "nothing of the kind became pending: {rows}");
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
    let cloud = CloudProcess::start(&["--propagation", "10s..12s"]);
    cloud.at_every_edge(ORIGINAL);
    let home = Home::new(cloud.url());
    let ordering = home.spawn(&["rm", HERO, "--yes", "--json"]);
    let row = tracked(&home);
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

#[test]
fn a_newer_order_takes_the_older_watch_over() {
    let cloud = CloudProcess::start(&["--propagation", "4s..5s"]);
    cloud.at_every_edge(ORIGINAL);
    let home = Home::new(cloud.url());
    let older = home.spawn(&["purge", HERO, "--yes", "--json"]);
    let id = pending(&home)["invalidation"].as_str().expect("an ID").to_owned();
    home.run(&["rm", HERO, "--yes", "--no-wait"]).expect(0);
    let outcome = finished(older).expect(3).outcome();
    assert_eq!(
        (&outcome["outcome"], &outcome["invalidation"]),
        (&"superseded".into(), &Value::from(id))
    );
}

#[test]
fn what_is_stuck_is_said_and_given_up_in_the_end() {
    let scenario = "[[fault]]\nedge = \"FRA\"\nkind = \"stuck\"\n";
    let cloud = CloudProcess::with_scenario(scenario, &[]);
    cloud.at_every_edge(ORIGINAL);
    let home = Home::new(cloud.url());
    let config = home.file(
        "drill.toml",
        b"[profiles.drill]\ncloudinary_url_env = \"CLOUDINARY_URL\"\nstuck_after = \"1s\"\ngive_up_after = \"6s\"\n",
    );
    let drill = ["--config", &config, "--profile", "drill"];
    let run = |arguments: &[&str]| home.run(&[&drill, arguments].concat());
    let waiting = run(&["rm", HERO, "--yes", "--json", "--wait=3s"]).expect(3);
    assert_eq!(
        waiting.named("progress").pop().expect("progress")["stuck"],
        true,
        "{}",
        waiting.stdout
    );
    let pending = run(&["pending", "--json"]).expect(3).json();
    assert_eq!(
        (&pending["stuck"], &pending["invalidations"][0]["stuck"]),
        (&true.into(), &true.into())
    );
    let id = pending["invalidations"][0]["invalidation"].as_str().expect("an ID").to_owned();
    let text = run(&["pending"]).expect(0);
    assert!(text.stdout.contains("stuck: "), "{}", text.stdout);
    let outcome = run(&["watch", &id, "--json"]).expect(3).outcome();
    assert_eq!(
        (&outcome["outcome"], &outcome["open"]),
        (&"gave_up".into(), &false.into()),
        "{outcome}"
    );
    let history = run(&["history", "--json"]).expect(0).json();
    assert_eq!(history["invalidations"][0]["ended"]["outcome"], "gave_up");
}

#[test]
fn some_items_failed() {
    let cloud = CloudProcess::start(&["--backups"]);
    let home = Home::new(cloud.url());
    home.run(&["rm", HERO, "--yes", "--no-invalidate"]).expect(0);
    let ran = home.run(&["restore", HERO, "press/nobody", "--yes", "--json"]).expect(4);
    let outcome = ran.outcome();
    assert_eq!(
        (&outcome["outcome"], &outcome["failed"]),
        (&"all_clear".into(), &1.into()),
        "{outcome}"
    );
    assert!(ran.stderr.contains("press/nobody"), "{}", ran.stderr);
}

#[test]
fn a_url_is_watched_without_any_change() {
    let cloud = CloudProcess::start(&[]);
    cloud.at_every_edge(ORIGINAL);
    let home = Home::new(cloud.url());
    let url = format!("{}{ORIGINAL}", cloud.edges()[0].1);
    let ran = home.run(&["watch", &url, "--json"]).expect(0);
    assert_eq!(ran.outcome()["outcome"], "all_clear", "{}", ran.stdout);
    home.run(&["rm", HERO, "--yes", "--no-invalidate"]).expect(0);
    let stale =
        home.run(&["watch", &url, "--expect", "gone", "--timeout", "2s", "--json"]).expect(3);
    assert_eq!(stale.outcome()["not_clear"][0]["verdict"], "outdated", "{}", stale.stdout);
    let wrong = home.run(&["watch", &url, "--expect", "live"]).expect(2);
    assert!(wrong.stderr.contains("storage has no"), "{}", wrong.stderr);
}
