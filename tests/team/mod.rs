//! Several members on one journal: real processes, a real PostgreSQL server, a way to it that breaks.

mod claims;
#[path = "../../src/adapters/journal/tests/cluster.rs"]
mod cluster;
mod jobs;
mod opening;
mod places;
mod quota;
mod takeover;
mod tls;
mod way;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use cluster::{Cluster, PASSWORD};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use way::Way;

use crate::crash::{finish, start, until};
use crate::support::cloud::CloudProcess;
use crate::support::home::{Home, Ran};

/// One member: a home of its own on the team's journal.
fn member(cloud: &CloudProcess, journal: &str) -> (Home, String) {
    (Home::new(cloud.url()), journal.to_owned())
}

/// Carries a command out. A busy machine may keep the server from answering in time: nothing was done then, and the
/// command is given again.
fn run(member: &(Home, String), arguments: &[&str]) -> Ran {
    let mut ran = run_once(member, arguments);
    for _ in 0..10 {
        if ran.code == Some(0) || !ran.stderr.contains("no answer within") {
            break;
        }
        ran = run_once(member, arguments);
    }
    ran
}

fn run_once((home, journal): &(Home, String), arguments: &[&str]) -> Ran {
    finish(home, &[&["--journal", journal.as_str()][..], arguments].concat())
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process ID")).expect("not 0");
    kill_process(pid, signal).expect("our own child");
}

/// Whether the longer variants are asked for.
fn is_long() -> bool {
    std::env::var("ALLCLEAR_TEST_LONG").is_ok_and(|it| it == "1")
}

/// A worker without a screen, and what it says.
struct Worker {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Worker {
    fn start(member: &(Home, String)) -> Self {
        Self::start_with(member, &[])
    }

    fn start_with((home, journal): &(Home, String), more: &[&str]) -> Self {
        let arguments = [&["--journal", journal.as_str(), "track", "--json"], more].concat();
        let mut child = home.spawn(&arguments);
        let said = BufReader::new(child.stdout.take().expect("piped"));
        let mut worker = Self { child, said };
        worker.until("tracking");
        worker
    }

    /// The next event of this name.
    fn until(&mut self, event: &str) -> Value {
        loop {
            let mut line = String::new();
            let read = self.said.read_line(&mut line).expect("UTF-8");
            assert!(read > 0, "it ended before `{event}`");
            let value: Value = serde_json::from_str(&line).expect("JSON");
            if value["event"] == event {
                return value;
            }
        }
    }

    /// Ends as a service manager ends it.
    fn stop(mut self) -> Value {
        signal(&self.child, Signal::TERM);
        let outcome = self.until("outcome");
        assert_eq!(self.child.wait().expect("our own child").code(), Some(0));
        outcome
    }
}

/// A test that fails leaves nobody behind.
impl Drop for Worker {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn everybody_sees_who_ordered_what() {
    let Some(cluster) = Cluster::start() else { return };
    let cloud = CloudProcess::start(&["--assets", "30", "--edges", "2"]);
    let journal = cluster.fresh();
    let (ana, bob) = (member(&cloud, &journal), member(&cloud, &journal));
    run(&ana, &["purge", "press/2026/hero", "--yes", "--note", "TICKET-9"]).expect(0);
    let history = run(&bob, &["history", "--json"]).expect(0);
    assert_eq!(history.json()["invalidations"][0]["note"], "TICKET-9");
    let doctor = run(&bob, &["doctor", "--json"]);
    for said in [&history, &doctor] {
        assert!(!said.stdout.contains(PASSWORD) && !said.stderr.contains(PASSWORD));
    }
    assert!(doctor.stdout.contains("PostgreSQL"), "{}", doctor.stdout);
    let log = std::fs::read_dir(bob.0.folder.path().join("state")).into_iter().flatten().flatten();
    for file in log.map(|entry| entry.path()).filter(|path| path.is_file()) {
        let text = std::fs::read(&file).expect("our own file");
        assert!(!String::from_utf8_lossy(&text).contains(PASSWORD), "{}", file.display());
    }
}

#[test]
fn two_members_purge_the_same_asset_in_the_same_second() {
    let Some(cluster) = Cluster::start() else { return };
    let cloud = CloudProcess::start(&["--assets", "30", "--edges", "2"]);
    let journal = cluster.fresh();
    let (ana, bob) = (member(&cloud, &journal), member(&cloud, &journal));
    run(&ana, &["pending"]).expect(0); // makes the schema
    let order = |(home, journal): &(Home, String)| {
        home.spawn(&["--journal", journal, "purge", "press/2026/hero", "--yes", "--json"])
    };
    let both = [order(&ana), order(&bob)].map(|child| child.wait_with_output().expect("it ends"));
    for ended in both {
        Ran::of(&ended).expect(0);
    }
    let history = run(&ana, &["history", "--json"]).expect(0).json();
    assert_eq!(history["invalidations"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        run(&ana, &["pending", "--json"]).expect(0).json()["invalidations"],
        serde_json::json!([])
    );
}

#[test]
fn a_worker_takes_over_from_a_holder_that_was_killed() {
    let Some(cluster) = Cluster::start() else { return };
    let flags = ["--assets", "30", "--edges", "2", "--propagation", "6s..8s"];
    let cloud = CloudProcess::start(&flags);
    let journal = cluster.fresh();
    let (ana, bob) = (member(&cloud, &journal), member(&cloud, &journal));
    let mut worker = Worker::start(&bob);
    let holder =
        &mut start(&ana.0, &["--journal", &journal, "rm", "press/2026/hero", "--yes", "--quiet"]);
    let held = || {
        let pending = run(&bob, &["pending", "--json"]).json();
        pending["invalidations"][0]["tracked_by"].is_string()
    };
    assert!(until(holder, held), "it tracks what it ordered");
    signal(holder, Signal::KILL);
    holder.wait().expect("our own child");
    let died = Instant::now();
    worker.until("taken_up");
    let took = died.elapsed();
    assert!(
        took < Duration::from_secs(10),
        "{took:?}: a loaded machine takes its time, but not that long"
    );
    let ended = worker.until("ended");
    assert!(ended["message"].as_str().is_some_and(|it| it.starts_with("all_clear")), "{ended}");
    assert_eq!(worker.stop()["held"], 0);
}

#[test]
fn what_a_worker_gives_back_is_taken_up_by_the_next() {
    let Some(cluster) = Cluster::start() else { return };
    let flags = ["--assets", "30", "--edges", "2", "--propagation", "20s..30s"];
    let cloud = CloudProcess::start(&flags);
    let journal = cluster.fresh();
    let (ana, bob) = (member(&cloud, &journal), member(&cloud, &journal));
    let mut first = Worker::start(&ana);
    run(&ana, &["purge", "press/2026/hero", "--yes", "--no-wait"]).expect(0);
    first.until("taken_up");
    let mut second = Worker::start(&bob);
    assert_eq!(first.stop()["held"], 1);
    second.until("taken_up");
    second.stop();
}

#[test]
fn a_database_that_dies_ends_no_watch_and_lets_nothing_be_sent() {
    let Some(mut cluster) = Cluster::start() else { return };
    let flags = ["--assets", "30", "--edges", "2", "--propagation", "10s..12s"];
    let cloud = CloudProcess::start(&flags);
    let ana = member(&cloud, &cluster.fresh());
    let mut worker = Worker::start(&ana);
    run(&ana, &["purge", "press/2026/hero", "--yes", "--no-wait"]).expect(0);
    worker.until("taken_up");
    cluster.kill();
    let refused = run(&ana, &["rm", "press/2026/hero", "--yes", "--json"]).expect(1);
    assert_eq!(refused.error()["code"], "journal_gone", "{}", refused.stderr);
    finish(&ana.0, &["show", "press/2026/hero"]).expect(0); // by a journal of its own: it was not deleted
    cluster.revive();
    let ended = worker.until("ended");
    assert!(ended["message"].as_str().is_some_and(|it| it.starts_with("all_clear")), "{ended}");
    assert_eq!(worker.stop()["held"], 0);
}

#[test]
fn a_member_that_is_cut_off_sends_nothing_and_goes_on_when_it_is_back() {
    let Some(cluster) = Cluster::start() else { return };
    let flags = ["--assets", "30", "--edges", "2", "--propagation", "25s..30s"];
    let cloud = CloudProcess::start(&flags);
    let url = cluster.fresh();
    let way = Way::to(cluster.address());
    let cut = url.replace(&cluster.address().to_string(), &way.address.to_string());
    let (near, far) = (member(&cloud, &url), member(&cloud, &cut));
    let mut worker = Worker::start(&far);
    run(&near, &["purge", "press/2026/hero", "--yes", "--no-wait"]).expect(0);
    worker.until("taken_up");
    way.shut.store(true, Ordering::Relaxed);
    // somebody else takes it up once its lease has run out, or finds it held by a process of this host: both hold
    let refused = run_once(&far, &["rm", "press/2026/hero", "--yes", "--json"]).expect(1);
    assert_eq!(refused.error()["code"], "journal_gone", "{}", refused.stderr);
    assert!(!refused.stderr.contains(PASSWORD));
    run(&near, &["show", "press/2026/hero"]).expect(0); // it was not deleted
    way.shut.store(false, Ordering::Relaxed);
    let ended = worker.until("ended");
    assert!(ended["message"].as_str().is_some_and(|it| it.starts_with("all_clear")), "{ended}");
    worker.stop();
}

#[test]
fn a_journal_is_moved_to_a_server_and_back() {
    let Some(cluster) = Cluster::start() else { return };
    let cloud = CloudProcess::start(&["--assets", "30", "--edges", "2"]);
    let home = Home::new(cloud.url());
    finish(&home, &["purge", "press/2026/hero", "--yes"]).expect(0);
    let file = home.folder.path().join("state/journal.db");
    let file = file.to_str().expect("UTF-8");
    let back = home.folder.path().join("back.db");
    let server = cluster.fresh();
    let there = finish(&home, &["journal", "copy", file, &server, "--json"]).expect(0);
    assert!(!there.stdout.contains(PASSWORD));
    let again = finish(&home, &["journal", "copy", file, &server, "--json"]).expect(0).json();
    assert_eq!(again["written"], 0, "it goes on where it was");
    let back = ["journal", "copy", &server, back.to_str().expect("UTF-8"), "--json"];
    assert_eq!(finish(&home, &back).expect(0).json()["rows"], there.json()["rows"]);
    let whole = finish(&home, &["--journal", &server, "journal", "check"]).expect(0);
    assert!(whole.stdout.contains("is whole"), "{}", whole.stdout);
    finish(&home, &["--journal", &server, "journal", "prune", "--dry-run"]).expect(0);
}
