//! One job, several hosts: every item exactly once by the cloud's own books, the team's cap kept, whoever dies.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use super::cluster::Cluster;
use super::{Worker, is_long, member, run, signal};
use crate::crash::start;
use crate::support::cloud::CloudProcess;
use crate::support::home::Home;
use crate::support::http;

/// How long the cloud takes for each call.
const CALL: Duration = Duration::from_millis(300);
const SLOW: &str = "[[fault]]\napi = \"upload\"\nkind = \"slow\"\ndelay = \"300ms\"\n";
/// What a profile allows at once unless it says otherwise.
pub const CAP: usize = 30;

/// A cloud with `assets`, and their public IDs.
pub fn cloud(assets: usize) -> (CloudProcess, Vec<String>) {
    let made = (assets + assets / 10 + 10).to_string(); // some are no images
    let flags = ["--assets", &made, "--edges", "1", "--propagation", "0s..100ms", "--traffic", "0"];
    let cloud = CloudProcess::with_control(SLOW, &flags);
    let list = ["ls", "--limit", "1000000", "--columns", "id", "--no-header"];
    let listed = Home::new(cloud.url()).run(&list).expect(0).stdout;
    let ids = listed.lines().map(|line| line.trim().to_owned()).take(assets).collect::<Vec<_>>();
    assert_eq!(ids.len(), assets);
    (cloud, ids)
}

/// A purge under way, and what its console says.
pub struct Order {
    pub child: Child,
    said: Option<std::thread::JoinHandle<Vec<Value>>>,
}

impl Drop for Order {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Order {
    pub fn start((home, journal): &(Home, String), ids: &[String]) -> Self {
        let file = home.file("ids.txt", ids.join("\n").as_bytes());
        let count = ids.len().to_string();
        let arguments = [
            "--journal",
            journal,
            "purge",
            "--from",
            &file,
            "--confirm",
            &count,
            "--verify",
            "sample",
            "--no-wait",
            "--json",
        ];
        let mut command = home.command(&arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().expect("allclear starts");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        let said = std::thread::spawn(move || {
            let lines = out.lines().map_while(Result::ok);
            lines.map(|line| serde_json::from_str(&line).expect("JSON")).collect()
        });
        Self { child, said: Some(said) }
    }

    pub fn ends(mut self) -> Vec<Value> {
        let code = self.child.wait().expect("our own child").code();
        let said = self.said.take().expect("once").join().expect("it reads");
        assert_eq!(code, Some(0), "{:?}", said.last());
        said
    }
}

/// What the cloud carried out: each asset, and when, in milliseconds of its clock.
pub fn carried_out(cloud: &CloudProcess) -> (BTreeMap<String, usize>, Vec<u64>) {
    let told = http::get(&format!("{}/_local/invalidations", cloud.api()));
    let told: Value = serde_json::from_slice(&told.body).expect("JSON");
    let (mut assets, mut times) = (BTreeMap::<String, usize>::new(), Vec::new());
    for one in told["invalidations"].as_array().expect("invalidations") {
        let id = one["asset"]["public_id"].as_str().expect("an asset").to_owned();
        *assets.entry(id).or_default() += 1;
        times.push(one["at_ms"].as_u64().expect("a time"));
    }
    times.sort_unstable();
    (assets, times)
}

/// Most calls that were carried out within the time that each of them takes: so many were under way at least.
fn most_at_once(times: &[u64]) -> usize {
    let within = u64::try_from(CALL.as_millis()).expect("small") - 10;
    let since =
        |(at, time): (usize, &u64)| at + 1 - times.partition_point(|it| it + within < *time);
    times.iter().enumerate().map(since).max().unwrap_or_default()
}

/// The job as a console sees it.
pub fn jobs(member: &(Home, String)) -> Value {
    run(member, &["jobs", "--json"]).expect(0).json()["jobs"][0].clone()
}

pub fn accepted(job: &Value) -> u64 {
    job["items"]["accepted"].as_u64().unwrap_or_default()
}

/// Waits until something holds of the job as a console sees it.
pub fn until_job(member: &(Home, String), what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let since = Instant::now();
    loop {
        let job = jobs(member);
        if holds(&job) {
            return job;
        }
        assert!(since.elapsed() < Duration::from_secs(240), "{what}: {job}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn three_workers_and_two_consoles_share_a_purge_while_workers_are_killed() {
    let Some(cluster) = Cluster::start() else { return };
    let assets = if is_long() { 20_000 } else { 2_000 };
    let pause = Duration::from_secs(if is_long() { 10 } else { 4 });
    let (cloud, ids) = cloud(assets);
    let journal = cluster.fresh();
    let (ana, bob) = (member(&cloud, &journal), member(&cloud, &journal));
    let hosts = [(); 3].map(|()| member(&cloud, &journal));
    run(&ana, &["pending"]).expect(0); // makes the schema
    let mut workers = hosts.each_ref().map(Worker::start);
    let order = Order::start(&ana, &ids);
    until_job(&bob, "it begins", |job| accepted(job) > 0);
    let (mut kills, mut shared, mut killed) = (0, false, Instant::now());
    loop {
        let job = jobs(&bob);
        shared |= job["run_by"].as_str().is_some_and(|by| by.ends_with("and 3 more"));
        if job["state"] == "done" {
            break;
        }
        assert_ne!(job["state"], "interrupted", "{job}");
        if killed.elapsed() >= pause {
            let worker = &mut workers[kills % 3];
            signal(&worker.child, Signal::KILL);
            worker.child.wait().expect("our own child");
            *worker = Worker::start(&hosts[kills % 3]);
            (kills, killed) = (kills + 1, Instant::now());
        }
        std::thread::sleep(pause / 10); // each look is a process of its own
    }
    let said = order.ends();
    for worker in workers {
        worker.stop();
    }
    assert!(shared, "all three helped at once");

    // the console that ordered it tells of every item, whoever sent it
    let items = said.iter().filter(|event| event["event"] == "item").collect::<Vec<_>>();
    assert_eq!(items.len(), assets);
    assert!(items.iter().all(|item| item["state"] == "accepted"));
    let in_doubt = |item: &&&Value| {
        item["message"].as_str().is_some_and(|it| it.starts_with("its process ended"))
    };
    let doubts = items.iter().filter(in_doubt).count();

    let (books, times) = carried_out(&cloud);
    assert_eq!(books.len(), assets, "no item was lost");
    let again = books.values().map(|times| times - 1).sum::<usize>();
    assert!(books.values().all(|times| *times <= 2), "never more than once for one death");
    assert!(again <= doubts, "{again} sent twice, {doubts} were in doubt at a death");
    let most = most_at_once(&times);
    assert!(most <= CAP, "{most} calls at once");
    let took = Duration::from_millis(times[times.len() - 1] - times[0]) + CALL;
    let ideal = CALL * u32::try_from(assets.div_ceil(CAP)).expect("few");
    let ratio = took.as_secs_f64() / ideal.as_secs_f64();
    println!(
        "team: {assets} items by four processes in {took:.1?}, {ratio:.2} of the ideal {ideal:.1?}; {kills} kills, \
         {doubts} items in doubt, {again} sent once more, at most {most} of {CAP} at once"
    );
    assert!(ratio < if is_long() { 1.3 } else { 2.0 }, "{ratio}: a loaded machine takes its time");
}

#[test]
fn a_job_outlives_the_console_that_ordered_it_and_heeds_any_other() {
    let Some(cluster) = Cluster::start() else { return };
    let (cloud, ids) = cloud(900);
    let journal = cluster.fresh();
    let (ana, bob) = (member(&cloud, &journal), member(&cloud, &journal));
    let hosts = [(); 2].map(|()| member(&cloud, &journal));
    run(&ana, &["pending"]).expect(0); // makes the schema
    let workers = hosts.each_ref().map(Worker::start);
    let mut order = Order::start(&ana, &ids);
    let both = |job: &Value| job["run_by"].as_str().is_some_and(|by| by.ends_with("and 2 more"));
    until_job(&bob, "both help", both);
    let at_death = accepted(&jobs(&bob));
    signal(&order.child, Signal::KILL);
    order.child.wait().expect("our own child");
    let goes_on = |job: &Value| accepted(job) > at_death + 2 * CAP as u64;
    until_job(&bob, "it goes on without its console", goes_on);

    let id = jobs(&bob)["operation"].as_str().expect("an ID").to_owned();
    run(&bob, &["jobs", "pause", &id]).expect(0);
    let paused = until_job(&bob, "calls under way settle", |job| job["items"]["sent"] == 0);
    assert_eq!(paused["state"], "paused", "{paused}");
    std::thread::sleep(CALL * 3); // time enough for calls that must not be
    assert_eq!(accepted(&jobs(&bob)), accepted(&paused));
    let mut resuming = start(&bob.0, &["--journal", &journal, "jobs", "resume", &id, "--no-wait"]);
    let resumed = |job: &Value| accepted(job) > accepted(&paused) + CAP as u64;
    until_job(&bob, "it goes on", resumed);
    run(&ana, &["jobs", "cancel", &id]).expect(0);
    let over = until_job(&bob, "it is over", |job| job["state"] == "cancelled");
    let (done, skipped) = (accepted(&over), over["items"]["skipped"].as_u64().unwrap_or_default());
    assert_eq!(done + skipped, 900, "{over}");
    assert!(skipped > 0, "{over}");
    resuming.wait().expect("our own child");
    for worker in workers {
        worker.stop();
    }
    let (books, times) = carried_out(&cloud);
    assert_eq!(
        books.len() as u64,
        done,
        "what was not sent was skipped, and what was sent is known"
    );
    assert!(books.values().all(|times| *times <= 2));
    let most = most_at_once(&times);
    assert!(most <= CAP, "{most} calls at once");
}
