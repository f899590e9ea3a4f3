//! Orders as jobs: listed, paused, resumed and cancelled from another process, tried again, told in a file.

use std::process::{Command, Stdio};
use std::time::Duration;

use rstest::rstest;
use serde_json::Value;

use crate::crash::middleman::{Manners, Middleman, Stage};
use crate::crash::{finish, until};
use crate::support::cloud::CloudProcess;
use crate::support::home::{Home, Ran};
use crate::support::proxy::{Fate, Forged, Proxy};

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

/// The same command with the default for HUP, which a run of the tests under `nohup` would hand on as ignored.
fn heeding_hang_ups(command: &Command) -> Command {
    let mut heeding = Command::new("/usr/bin/env");
    heeding.arg("--default-signal=HUP").arg(command.get_program()).args(command.get_args());
    heeding.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        heeding.current_dir(folder);
    }
    heeding.stdin(Stdio::null());
    heeding
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
        let mut command = heeding_hang_ups(&home.command(&order));
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

/// Sends a signal to a process of ours.
fn signal(child: &std::process::Child, name: &str) {
    let pid = child.id().to_string();
    let sent = std::process::Command::new("kill").args(["-s", name, &pid]).status();
    assert!(sent.expect("kill is there").success());
}

#[rstest]
#[case::hang_up("HUP", 129, "hung up")]
#[case::terminate("TERM", 143, "terminated")]
fn a_session_that_closes_calls_nothing_off(
    #[case] name: &str,
    #[case] code: i32,
    #[case] word: &str,
) {
    let under_way = UnderWay::start();
    signal(&under_way.child, name);
    let asked = under_way.middleman.reached(Stage::Asked);
    let UnderWay { _cloud, middleman, home, mut child } = under_way;
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(code));
    let said = std::fs::read_to_string(home.folder.path().join("said")).expect("a file");
    assert!(said.contains(&format!("{word}: finishing the calls in flight")), "{said}");
    let told = std::fs::read_to_string(home.folder.path().join("told")).expect("a file");
    let outcome: Value = serde_json::from_str(told.lines().last().expect("a line")).expect("JSON");
    assert_eq!(
        (&outcome["outcome"], &outcome["exit_code"]),
        (&Value::from("interrupted"), &Value::from(code))
    );
    let sentence = outcome["sentence"].as_str().expect("a sentence");
    assert!(sentence.contains("allclear jobs resume"), "{sentence}");
    // calls in flight have settled, and what was not sent is neither cancelled nor skipped
    let job = until_state(&home, "interrupted");
    let items = &job["items"];
    assert_eq!((&items["sent"], &items["skipped"]), (&Value::from(0), &Value::from(0)), "{job}");
    let accepted = items["accepted"].as_u64().expect("a count");
    assert!(accepted >= 5 && accepted < MANY as u64, "{job}");
    assert!(middleman.reached(Stage::Asked) <= asked + 60, "nothing more was sent");
    assert_eq!(job["run_by"], Value::Null, "its lease is given back");
    middleman.behave(Manners::default());
    let id = job["operation"].as_str().expect("an ID");
    finish(&home, &["jobs", "resume", id, "--no-wait"]).expect(0);
    assert_eq!(jobs(&home)[0]["items"]["accepted"], MANY);
}

#[test]
fn ctrl_c_calls_off_what_was_not_sent() {
    let under_way = UnderWay::start();
    signal(&under_way.child, "INT");
    let UnderWay { _cloud, middleman: _middleman, home, mut child } = under_way;
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    let job = until_state(&home, "cancelled");
    let count = |state: &str| job["items"][state].as_u64().expect("a count");
    assert!(count("skipped") > 0, "{job}");
    assert_eq!(count("accepted") + count("skipped"), MANY as u64, "{job}");
}

#[test]
fn a_hang_up_under_nohup_means_nothing() {
    let cloud = CloudProcess::start(&["--propagation", "3s..4s", "--edges", "1"]);
    let home = Home::new(cloud.url());
    let program = home.command(&[]).get_program().to_owned();
    let order = "trap '' HUP; exec \"$0\" purge press/2026/hero --yes --json";
    let mut command = std::process::Command::new("sh");
    command.args(["-c", order]).arg(program).env_clear().current_dir(home.folder.path());
    command.env("HOME", home.folder.path()).env("CLOUDINARY_URL", cloud.url());
    command.env("ALLCLEAR_STATE_DIR", home.folder.path().join("state"));
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    assert!(until(&mut child, || home.folder.path().join("state/journal.db").exists()));
    for _ in 0..20 {
        signal(&child, "HUP");
        std::thread::sleep(Duration::from_millis(50)); // between two hang-ups
    }
    let ended = child.wait_with_output().expect("it ends");
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stdout));
}

/// A profile for the cloud behind `url`, with these settings.
fn profile(url: &str, settings: &str) -> Home {
    let home = Home::new("");
    let folder = home.folder.path().join(".config/allclear");
    std::fs::create_dir_all(&folder).expect("a folder");
    let text = format!("[profiles.it]\ncloudinary_url = \"{url}\"\n{settings}\n");
    std::fs::write(folder.join("config.toml"), text).expect("a file");
    home
}

#[test]
fn a_cloud_that_refuses_for_too_long_stops_the_job_and_resumed_it_goes_on() {
    let cloud = CloudProcess::start(&["--assets", "60", "--edges", "1"]);
    let ids = everything(&Home::new(cloud.url()));
    let down = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let is_down = std::sync::Arc::clone(&down);
    let proxy = Proxy::before(cloud.api(), move |request| {
        let busy = Forged::json(503, "{\"error\":{\"message\":\"Come back later\"}}");
        if request.method == "POST" && is_down.load(std::sync::atomic::Ordering::SeqCst) {
            Fate::Instead(busy)
        } else {
            Fate::Pass
        }
    });
    let home = profile(&proxy.url(cloud.url()), "stop_after = \"3s\"\nconfirm_above = 1000");
    let file = home.file("ids.txt", ids[..40].join("\n").as_bytes());
    let ran = finish(&home, &["purge", "--from", &file, "--yes", "--json"]).expect(3);
    let outcome = ran.outcome();
    assert_eq!(outcome["outcome"], "stopped", "{outcome}");
    let sentence = outcome["sentence"].as_str().expect("a sentence");
    assert!(sentence.contains("nothing got through for"), "{sentence}");
    assert!(sentence.contains("allclear jobs resume"), "{sentence}");
    let job = jobs(&home)[0].clone();
    let items = &job["items"];
    assert_eq!(job["state"], "paused", "{job}");
    assert_eq!((&items["failed"], &items["skipped"]), (&Value::from(0), &Value::from(0)), "{job}");
    assert!(job["stopped_because"].as_str().is_some_and(|why| why.contains("Come back")), "{job}");
    let listed = finish(&home, &["jobs"]).expect(0).stdout;
    assert!(listed.contains("stopped: nothing got through"), "{listed}");
    down.store(false, std::sync::atomic::Ordering::SeqCst);
    let id = job["operation"].as_str().expect("an ID");
    finish(&home, &["jobs", "resume", id, "--no-wait"]).expect(0);
    let job = jobs(&home)[0].clone();
    assert_eq!(
        (&job["items"]["accepted"], &job["state"]),
        (&Value::from(40), &Value::from("done"))
    );
}

/// A list of this many, of which one of a hundred is not there and one of a hundred cannot be meant.
const LISTED: usize = 10_000;
const ODD: usize = LISTED / 100;

#[test]
fn of_ten_thousand_names_the_good_ones_are_done_and_just_the_others_tried_again() {
    let cloud = CloudProcess::start(&["--assets", "14000", "--edges", "1", "--admin-quota", "500"]);
    let home = Home::new(cloud.url());
    let ids = everything(&home);
    let good = LISTED - 2 * ODD;
    // the first of those that are not there now
    let away = &ids[..3];
    for id in away {
        let to = format!("away/{id}");
        finish(&home, &["rename", id, &to, "--no-invalidate", "--yes", "--quiet"]).expect(0);
    }
    let unknown = (3..ODD).map(|n| format!("no/such/thing-{n}"));
    let unknown = away.iter().cloned().chain(unknown).collect::<Vec<_>>();
    let odd = (0..ODD).map(|n| format!("odd?{n}\u{1b}[2J")).collect::<Vec<_>>();
    let list = [&ids[3..3 + good], &unknown, &odd].concat();
    assert_eq!(list.len(), LISTED);
    let file = home.file("ids.txt", list.join("\n").as_bytes());
    let results = home.folder.path().join("results.jsonl");
    let results = results.to_str().expect("UTF-8");
    let count = good.to_string();
    let terms = ["--no-invalidate", "--api", "upload", "--results", results];
    let order = [&["rm", "--from", &file, "--confirm", &count][..], &terms].concat();
    let begun = std::time::Instant::now();
    let ran = finish(&home, &order).expect(4);
    println!("{LISTED} names took {:?}", begun.elapsed());
    assert!(!ran.stderr.contains('\u{1b}'), "nothing reaches the terminal raw");
    for name in unknown.iter().map(String::as_str).chain(["odd?3", "odd?99"]) {
        assert!(ran.stderr.contains(name), "{name} is named");
    }
    let held = everything(&home).len();
    assert_eq!(held, ids.len() - good, "the good ones are gone, and no other");
    let told = std::fs::read_to_string(results).expect("results");
    let told = told.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let told = told.collect::<Vec<_>>();
    let of = |state: &str| told.iter().filter(|line| line["state"] == state).count();
    assert_eq!((of("accepted"), of("not_found"), of("refused")), (good, ODD, ODD));
    assert!(told.iter().all(|line| line["state"] == "accepted" || line["reason"].is_string()));
    let job = jobs(&home)[0].clone();
    assert_eq!(
        (&job["items"]["accepted"], &job["items"]["refused"], &job["items"]["failed"]),
        (&Value::from(good), &Value::from(2 * ODD), &Value::from(0))
    );

    for id in away {
        let from = format!("away/{id}");
        finish(&home, &["rename", &from, id, "--no-invalidate", "--yes", "--quiet"]).expect(0);
    }
    let id = job["operation"].as_str().expect("an ID");
    let retry = finish(&home, &["retry-failed", id, "--yes", "--json"]).expect(4);
    let plan = &retry.named("plan")[0];
    assert_eq!(plan["items"].as_array().map(Vec::len), Some(away.len()), "just those");
    assert_eq!(plan["left_out"].as_array().map(Vec::len), Some(2 * ODD - away.len()));
    assert_eq!(plan["invalidate"], false, "as it was ordered");
    assert_eq!(everything(&home).len(), held - away.len());
}

#[test]
fn a_name_that_was_a_url_with_a_token_is_tried_again_though_the_token_is_not_kept() {
    let cloud = CloudProcess::start(&["--assets", "20", "--edges", "1"]);
    let home = Home::new(cloud.url());
    let id = "press/2026/hero";
    finish(&home, &["rename", id, "away/hero", "--no-invalidate", "--yes", "--quiet"]).expect(0);
    let token = "exp=1~hmac=c0ffee";
    let (_, edge) = &cloud.edges()[0];
    let url = format!("{edge}/demo/image/upload/{id}.jpg?__cld_token__={token}");
    let file = home.file("ids.txt", format!("{url}\nlogo\n").as_bytes());
    let ran = finish(&home, &["rm", "--from", &file, "--no-invalidate", "--yes"]).expect(4);
    assert!(!ran.stderr.contains(token) && ran.stderr.contains("hero"), "{}", ran.stderr);
    finish(&home, &["rename", "away/hero", id, "--no-invalidate", "--yes", "--quiet"]).expect(0);
    let job = jobs(&home)[0]["operation"].as_str().expect("an ID").to_owned();
    // the newest job is the second rename
    let all = jobs(&home);
    let job = all
        .as_array()
        .and_then(|all| all.iter().find(|job| job["verb"] == "delete"))
        .map_or(job, |job| job["operation"].as_str().expect("an ID").to_owned());
    let retry = finish(&home, &["retry-failed", &job, "--yes", "--json"]).expect(0);
    let plan = &retry.named("plan")[0];
    assert_eq!(plan["items"][0]["asset"]["public_id"], id, "{plan}");
    let journal = std::fs::read(home.folder.path().join("state/journal.db")).expect("a journal");
    assert!(!journal.windows(token.len()).any(|it| it == token.as_bytes()), "it is not kept");
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
