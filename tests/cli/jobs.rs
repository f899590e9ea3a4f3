//! Orders as jobs: listed, paused, resumed and cancelled from another process, tried again, told in a file.

use std::time::Duration;

use serde_json::Value;

use crate::crash::middleman::{Manners, Middleman, Stage};
use crate::crash::{finish, until};
use crate::support::cloud::CloudProcess;
use crate::support::home::{Home, Ran};

/// Public IDs that the cloud holds.
fn everything(home: &Home) -> Vec<String> {
    let list = ["ls", "--limit", "100000", "--columns", "id", "--no-header"];
    home.run(&list).expect(0).stdout.lines().map(|line| line.trim().to_owned()).collect()
}

fn jobs(home: &Home) -> Value {
    finish(home, &["jobs", "--json"]).expect(0).json()["jobs"].clone()
}

/// Waits until the newest job is in a state.
fn until_state(home: &Home, state: &str) -> Value {
    for _ in 0..400 {
        let job = jobs(home)[0].clone();
        if job["state"] == state {
            return job;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("never {state}: {}", jobs(home)[0]);
}

/// Assets of an order that is under way for about ten seconds.
const MANY: usize = 300;

/// A purge of [`MANY`] assets through a slow middleman, under way.
struct UnderWay {
    _cloud: CloudProcess,
    middleman: Middleman,
    home: Home,
    child: std::process::Child,
}

impl UnderWay {
    fn start() -> Self {
        let cloud = CloudProcess::start(&["--assets", "400", "--edges", "1"]);
        // some of a cloud's assets are no images
        let mut ids = everything(&Home::new(cloud.url()));
        ids.truncate(MANY);
        let middleman = Middleman::before(cloud.api());
        middleman.behave(Manners { after: Duration::from_secs(1), ..Manners::default() });
        let home = Home::new(&middleman.url(cloud.url()));
        let file = home.file("ids.txt", ids.join("\n").as_bytes());
        let count = ids.len().to_string();
        let order = ["purge", "--from", &file, "--confirm", &count, "--no-wait", "--json"];
        // nobody reads it meanwhile, and a pipe would fill up
        let told =
            |name: &str| std::fs::File::create(home.folder.path().join(name)).expect("a file");
        let mut command = home.command(&order);
        let mut child =
            command.stdout(told("told")).stderr(told("said")).spawn().expect("allclear starts");
        assert!(until(&mut child, || middleman.reached(Stage::Delivered) >= 5));
        Self { _cloud: cloud, middleman, home, child }
    }

    fn ended(mut self) -> Ran {
        let status = self.child.wait().expect("it ends");
        let told = |name: &str| {
            std::fs::read_to_string(self.home.folder.path().join(name)).expect("a file")
        };
        Ran { code: status.code(), stdout: told("told"), stderr: told("said") }
    }
}

#[test]
fn a_job_is_paused_and_resumed_from_another_process() {
    let under_way = UnderWay::start();
    let home = &under_way.home;
    let job = until_state(home, "running");
    let id = job["operation"].as_str().expect("an ID");
    assert_eq!((&job["verb"], &job["ssh_client"]), (&Value::from("purge"), &Value::Null));
    let paused = finish(home, &["jobs", "pause", &id[..18]]).expect(0);
    assert!(paused.stdout.contains("paused"), "{}", paused.stdout);
    assert!(paused.stderr.contains("allclear jobs resume"), "{}", paused.stderr);
    // what is in flight settles, then nothing leaves
    let mut before = 0;
    while before != under_way.middleman.reached(Stage::Asked) {
        before = under_way.middleman.reached(Stage::Asked);
        std::thread::sleep(Duration::from_millis(1_500));
    }
    assert!(before < MANY, "{before}");
    under_way.middleman.behave(Manners::default());
    let job = until_state(home, "paused");
    assert_eq!(job["items"]["sent"], 0, "{job}");
    assert!(job["run_by"].as_str().is_some(), "it is still run");
    let resumed = finish(home, &["jobs", "resume", id]).expect(0);
    assert!(resumed.stdout.contains("goes on"), "{}", resumed.stdout);
    let ran = under_way.ended().expect(0);
    let states = ran.named("job").iter().map(|job| job["state"].clone()).collect::<Vec<_>>();
    assert!(states.contains(&Value::from("paused")), "{states:?}");
    assert_eq!(ran.named("item").len(), MANY);
}

#[test]
fn a_job_is_cancelled_from_another_process() {
    let under_way = UnderWay::start();
    let home = &under_way.home;
    let job = until_state(home, "running");
    let id = job["operation"].as_str().expect("an ID");
    finish(home, &["jobs", "cancel", id, "--json"]).expect(0);
    let job = until_state(home, "cancelled");
    let (accepted, skipped) = (&job["items"]["accepted"], &job["items"]["skipped"]);
    assert_eq!(
        accepted.as_u64().unwrap_or(0) + skipped.as_u64().unwrap_or(0),
        MANY as u64,
        "{job}"
    );
    let again = finish(home, &["jobs", "resume", id]);
    assert!(again.stderr.contains("cancelled"), "{}", again.stderr);
    let skipped = skipped.as_u64().expect("a count");
    let retry = finish(home, &["retry-failed", id, "--dry-run", "--json"]).expect(0);
    let plan = &retry.named("plan")[0];
    assert_eq!(plan["items"].as_array().map(|items| items.len() as u64), Some(skipped));
    let ran = under_way.ended().expect(4);
    assert_eq!(ran.named("item").len(), MANY);
}

#[test]
fn a_job_whose_process_died_waits_and_every_command_says_so() {
    let mut under_way = UnderWay::start();
    under_way.middleman.kill(&mut under_way.child);
    let home = &under_way.home;
    under_way.middleman.behave(Manners::default());
    let job = until_state(home, "interrupted");
    let id = job["operation"].as_str().expect("an ID");
    let other = finish(home, &["ls", "--limit", "1"]).expect(0);
    let told = format!("job {} waits: its process ended", &id[..13]);
    assert!(other.stderr.contains(&told), "{}", other.stderr);
    assert!(other.stderr.contains("allclear jobs resume"), "{}", other.stderr);
    let results = home.folder.path().join("results.csv");
    let results = results.to_str().expect("UTF-8");
    finish(home, &["jobs", "resume", id, "--no-wait", "--results", results]).expect(0);
    let text = std::fs::read_to_string(results).expect("results");
    assert_eq!(text.lines().count(), MANY + 1, "{text}");
    assert!(text.lines().skip(1).all(|line| line.contains(",accepted,")), "{text}");
    assert_eq!(jobs(home)[0]["state"], "done");
    let again = finish(home, &["jobs", "resume", id, "--no-wait"]).expect(0);
    assert!(again.stderr.contains(&format!("0 of {MANY} assets left")), "{}", again.stderr);
    let after = finish(home, &["ls", "--limit", "1"]).expect(0).stderr;
    assert!(!after.contains("waits"), "{after}");
}

#[test]
fn what_failed_of_a_list_is_told_and_tried_again() {
    let cloud = CloudProcess::start(&["--assets", "1000", "--edges", "1"]);
    let home = Home::new(cloud.url());
    let ids = everything(&home);
    // ten are not there now, and ten cannot be
    let away = ids.iter().take(10).collect::<Vec<_>>();
    for id in &away {
        let to = format!("away/{id}");
        finish(&home, &["rename", id, &to, "--no-invalidate", "--yes", "--quiet"]).expect(0);
    }
    let odd = (0..10).map(|n| format!("odd?{n}\u{1b}[2J")).collect::<Vec<_>>();
    let list = [ids.as_slice(), &odd].concat().join("\n");
    let file = home.file("ids.txt", list.as_bytes());
    let results = home.folder.path().join("results.jsonl");
    let results = results.to_str().expect("UTF-8");
    let good = (ids.len() - 10).to_string();
    let order =
        ["rm", "--from", &file, "--confirm", &good, "--no-invalidate", "--results", results];
    let ran = finish(&home, &order).expect(4);
    assert!(!ran.stderr.contains('\u{1b}'), "nothing reaches the terminal raw");
    for name in away.iter().map(|id| id.as_str()).chain(["odd?3"]) {
        assert!(ran.stderr.contains(name), "{name} is named\n{}", ran.stderr);
    }
    assert_eq!(everything(&home).len(), 10, "the good ones are done");
    let told = std::fs::read_to_string(results).expect("results");
    let told = told.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let told = told.collect::<Vec<_>>();
    let of = |state: &str| told.iter().filter(|line| line["state"] == state).count();
    assert_eq!((of("accepted"), of("not_found"), of("refused")), (ids.len() - 10, 10, 10));
    let job = jobs(&home)[0].clone();
    assert_eq!(
        (&job["items"]["accepted"], &job["items"]["refused"]),
        (&Value::from(ids.len() - 10), &Value::from(20))
    );

    for id in &away {
        let from = format!("away/{id}");
        finish(&home, &["rename", &from, id, "--no-invalidate", "--yes", "--quiet"]).expect(0);
    }
    let id = job["operation"].as_str().expect("an ID");
    let retry = finish(&home, &["retry-failed", id, "--yes", "--json"]).expect(4);
    let plan = &retry.named("plan")[0];
    assert_eq!(plan["items"].as_array().map(Vec::len), Some(10), "just those");
    assert_eq!(plan["left_out"].as_array().map(Vec::len), Some(10));
    assert_eq!(plan["invalidate"], false, "as it was ordered");
    assert_eq!(everything(&home), Vec::<String>::new());
}

#[test]
fn who_ordered_carries_the_address_they_came_from() {
    let cloud = CloudProcess::start(&["--assets", "3"]);
    let home = Home::new(cloud.url());
    let id = everything(&home).remove(0);
    let order = ["rm", &id, "--yes", "--wait=60s"];
    let mut command = home.command(&order);
    command.env("SSH_CONNECTION", "192.0.2.7 52144 198.51.100.1 22");
    let output = command.output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let history = finish(&home, &["history", "--json"]).expect(0).json();
    assert_eq!(history["invalidations"][0]["ssh_client"], "192.0.2.7");
    assert!(finish(&home, &["history"]).expect(0).stdout.contains("from 192.0.2.7"));
    assert_eq!(jobs(&home)[0]["ssh_client"], "192.0.2.7");
    // whatever the variable says, nothing of it reaches a terminal
    let mut command = home.command(&["jobs"]);
    command.env("SSH_CONNECTION", "\u{1b}]52;c;AAAA\u{7} 1 2 3");
    assert!(
        !String::from_utf8_lossy(&command.output().expect("it ends").stdout).contains('\u{1b}')
    );
}
