//! Golden files of every JSON shape: fields are only ever added, words never change.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::cloud::CloudProcess;
use crate::support::home::{Home, Ran};
use crate::support::scrub;

const HERO: &str = "press/2026/hero";
const ORIGINAL: &str = "/demo/image/upload/press/2026/hero.jpg";

macro_rules! golden {
    ($name:literal, $value:expr) => {
        insta::assert_json_snapshot!($name, scrub::json(&$value))
    };
}

fn warm() -> (CloudProcess, Home) {
    let cloud = CloudProcess::start(&["--assets", "3", "--edges", "2"]);
    cloud.at_every_edge(ORIGINAL);
    cloud.at_every_edge("/demo/image/upload/c_scale,w_120/press/2026/hero.jpg");
    let home = Home::new(cloud.url());
    (cloud, home)
}

#[test]
fn the_ready_line() {
    let cloud =
        CloudProcess::start(&["--edges", "2", "--api-key", "key", "--api-secret", "secret"]);
    let mut ready = cloud.ready.clone();
    assert!(ready["instance"].as_str().is_some_and(|instance| !instance.is_empty()));
    ready["instance"] = Value::from("[id]");
    golden!("ready_line", ready);
    let served: Value = serde_json::from_slice(
        &crate::support::http::get(&format!("{}/_local/edges", cloud.api())).body,
    )
    .expect("JSON");
    assert_eq!(served["edges"], cloud.ready["edges"]);
    assert_eq!(served["instance"], cloud.ready["instance"]);
}

#[test]
fn reading() {
    let (cloud, home) = warm();
    let read = |arguments: &[&str]| home.run(&[arguments, &["--json"]].concat()).expect(0).json();
    golden!("ls", read(&["ls", "--limit", "2"]));
    golden!("show", read(&["show", HERO]));
    golden!("places", read(&["places"]));
    golden!("probe", read(&["probe", &format!("{}{ORIGINAL}", cloud.edges()[0].1)]));
    golden!("pending_empty", read(&["pending"]));
    assert_eq!(home.run(&["activity", "--json"]).expect(0).stdout, "", "nothing was ordered");
    golden!("config_path", without_home(&home, &read(&["config", "path"])));
    golden!("config_check", without_home(&home, &read(&["config", "check"])));
    golden!("themes_list", read(&["themes", "list"]));
}

#[test]
fn explaining_is_offline() {
    let url =
        "https://res.cloudinary.com/acme/image/upload/c_scale,w_300/v1700000000/press/hero.jpg";
    let home = Home::new("");
    let explained = home.run(&["explain", url, "--mode", "legacy", "--json"]).expect(0).json();
    insta::assert_json_snapshot!("explain", explained);
}

#[test]
fn a_stream_from_plan_to_outcome() {
    let (_cloud, home) = warm();
    let ran = home.run(&["rm", HERO, "--yes", "--note", "TICKET-1", "--json"]).expect(0);
    let events = ran.events();
    let names: BTreeSet<&str> = events.iter().filter_map(|line| line["event"].as_str()).collect();
    assert_eq!(names, BTreeSet::from(["plan", "item", "sighting", "progress", "outcome"]));
    assert!(events.iter().all(|line| line["schema"] == "allclear.rm/1"));
    assert_eq!(events[0]["event"], "plan");
    golden!("rm_plan", events[0]);
    golden!("rm_item", ran.named("item")[0]);
    let cleared = ran.named("sighting").into_iter().find(|seen| seen["verdict"] == "cleared");
    let mut cleared = cleared.expect("something became clear");
    for field in ["place", "url", "why", "reason", "clear"] {
        assert!(!cleared[field].is_null(), "{cleared}");
        cleared[field] = Value::from(format!("[{field}]"));
    }
    golden!("rm_sighting", cleared);
    golden!("rm_progress", shape(&ran.named("progress")[0]));
    golden!("rm_outcome", ran.outcome());
    golden!("history", home.run(&["history", "--json"]).expect(0).json());
    golden!("activity", home.run(&["activity", "--json"]).expect(0).json());
    let chosen = home.run(&["activity", "--columns", "what,outcome", "--no-header"]).expect(0);
    assert_eq!(chosen.stdout, "delete  all_clear\n");
    let unknown = home.run(&["pending", "--columns", "colour"]).expect(2);
    assert!(unknown.stderr.contains("asset"), "those that there are: {}", unknown.stderr);
    reports(&home, ran.outcome()["invalidation"].as_str().expect("an ID"));
}

/// The story of what has just ended, in every form.
fn reports(home: &Home, id: &str) {
    golden!("report", shape(&home.run(&["report", id, "--json"]).expect(0).json()));
    let text = home.run(&["report", id]).expect(0).stdout;
    for wanted in
        ["# delete of ", "all clear: 2 of 2 caches", "TICKET-1", "## How it spread", "## Caches"]
    {
        assert!(text.contains(wanted), "{wanted} is not in\n{text}");
    }
    let page = home.folder.path().join("report.html");
    let to = page.to_str().expect("UTF-8");
    let order = ["report", &id[..13], "--format=html", "--output", to];
    home.run(&order).expect(0);
    let html = std::fs::read_to_string(&page).expect("it was written");
    assert!(html.starts_with("<!doctype html>") && html.contains("<svg"), "{html}");
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&page.metadata().expect("a file").permissions());
    assert_eq!(mode & 0o777, 0o600, "it may name what nobody else should read");
    let again = home.run(&order).expect(2);
    assert!(
        again.stderr.contains("cannot be written"),
        "nothing is written over: {}",
        again.stderr
    );
    assert!(home.run(&["report", "abcdef12"]).expect(1).stderr.contains("abcdef12"));
}

#[test]
fn streams_that_watch_nothing() {
    let (_cloud, home) = warm();
    golden!("dry_run", home.run(&["purge", HERO, "--dry-run", "--json"]).expect(0).outcome());
    golden!(
        "no_wait",
        accepted(&home.run(&["purge", HERO, "--yes", "--no-wait", "--json"]).expect(0))
    );
    golden!("pending", shape_of_pending(&home));
    golden!(
        "no_invalidate",
        home.run(&["rm", HERO, "--yes", "--no-invalidate", "--json"]).expect(0).outcome()
    );
}

/// Plan and outcome of a stream; all of its lines name their schema and an event that is known.
fn stream(name: &str, ran: &Ran) -> (Value, Value) {
    const EVENTS: [&str; 7] =
        ["plan", "item", "sighting", "regression", "withdrawn", "progress", "outcome"];
    let schema = format!("allclear.{name}/1");
    for line in ran.events() {
        assert_eq!(line["schema"], schema.as_str(), "{line}");
        assert!(EVENTS.contains(&line["event"].as_str().expect("a name")), "{line}");
    }
    let plan = ran.named("plan").into_iter().next().unwrap_or_default();
    (shape(&plan), shape(&ran.outcome()))
}

#[test]
fn streams_of_every_change() {
    let cloud = CloudProcess::start(&["--assets", "6", "--edges", "2", "--backups"]);
    let home = Home::new(cloud.url());
    let file = home.file("new.jpg", &super::rules::new_picture());
    let (plan, outcome) = stream("purge", &home.run(&["purge", HERO, "--yes", "--json"]).expect(0));
    golden!("purge_plan", plan);
    golden!("purge_outcome", outcome);
    let (plan, outcome) =
        stream("replace", &home.run(&["replace", HERO, &file, "--yes", "--json", "--wait=40s"]));
    golden!("replace_plan", plan);
    golden!("replace_outcome", outcome);
    let (plan, outcome) = stream(
        "rename",
        &home.run(&["rename", HERO, "press/2026/renamed", "--yes", "--json", "--wait=40s"]),
    );
    golden!("rename_plan", plan);
    golden!("rename_outcome", outcome);
    home.run(&["rm", "press/2026/renamed", "--yes", "--no-invalidate"]).expect(0);
    let (plan, outcome) = stream(
        "restore",
        &home.run(&["restore", "press/2026/renamed", "--yes", "--json", "--wait=40s"]),
    );
    golden!("restore_plan", plan);
    golden!("restore_outcome", outcome);
}

#[test]
fn a_watch_of_a_url() {
    let (cloud, home) = warm();
    let url = format!("{}{ORIGINAL}", cloud.edges()[0].1);
    let ran =
        home.run(&["watch", &url, "--expect", "live", "--json", "--timeout", "40s"]).expect(0);
    let (plan, outcome) = stream("watch", &ran);
    assert_eq!(plan, Value::Null, "nothing is changed");
    golden!("watch_outcome", outcome);
    let id = ran.outcome()["invalidation"].as_str().expect("an ID").to_owned();
    let again = home.run(&["watch", &id, "--json"]).expect(0);
    assert_eq!(stream("watch", &again).1, outcome, "an ended one says the same");
    golden!("places_of_a_url", shape(&home.run(&["places", &url, "--json"]).expect(0).json()));
}

#[test]
fn a_worker() {
    use std::io::{BufRead as _, Read as _};
    let (_cloud, home) = warm();
    let mut child = home.spawn(&["track", "--json"]);
    let mut said = std::io::BufReader::new(child.stdout.take().expect("piped"));
    let (mut first, mut rest) = (String::new(), String::new());
    said.read_line(&mut first).expect("UTF-8");
    let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    rustix::process::kill_process(pid.expect("ours"), rustix::process::Signal::TERM)
        .expect("it runs");
    said.read_to_string(&mut rest).expect("UTF-8");
    assert_eq!(child.wait().expect("our own child").code(), Some(0));
    let lines = first.lines().chain(rest.lines());
    let lines = lines.map(|line| shape(&serde_json::from_str(line).expect("JSON")));
    golden!("track", Value::Array(lines.collect()));
}

#[test]
fn what_needs_no_cloud() {
    let home = Home::new("cloudinary://123456789012:hush@acme");
    let read = |arguments: &[&str]| home.run(&[arguments, &["--json"]].concat()).expect(0).json();
    golden!("config_show", without_home(&home, &read(&["config", "show"])));
    golden!("config_init", without_home(&home, &read(&["config", "init"])));
    golden!("version", shape(&read(&["--version"])));
    golden!("doctor", shape(&read(&["doctor", "--offline"])));
    golden!("completions", shape(&read(&["completions", "bash"])));
    golden!("man", shape(&read(&["man", "rm"])));
    let share = home.folder.path().join("share");
    golden!("man_dir", shape(&read(&["man", "--dir", share.to_str().expect("UTF-8")])));
}

#[test]
fn jobs_and_what_is_asked_of_them() {
    let cloud = CloudProcess::start(&["--assets", "30", "--edges", "2"]);
    let home = Home::new("");
    let folder = home.folder.path().join(".config/allclear");
    std::fs::create_dir_all(&folder).expect("a folder");
    let text = format!(
        "[profiles.it]\ncloudinary_url = \"{}\"\nrisk = \"test\"\nstart_delay = \"5m\"\n",
        cloud.url()
    );
    std::fs::write(folder.join("config.toml"), text).expect("a file");
    let listed = home.run(&["ls", "--columns", "id", "--no-header"]).expect(0).stdout;
    let ids = listed.lines().take(12).map(str::trim).collect::<Vec<_>>().join("\n");
    let file = home.file("ids.txt", ids.as_bytes());
    let mut child = home.spawn(&["rm", "--from", &file, "--confirm", "12", "--no-wait", "--quiet"]);
    // it waits, to be called off: long enough to be asked for this and that
    let jobs = || home.run(&["jobs", "--json"]).expect(0).json();
    assert!(crate::crash::until(&mut child, || jobs()["jobs"][0]["waiting_until"].is_string()));
    golden!("jobs", shape(&jobs()));
    let id = jobs()["jobs"][0]["operation"].as_str().expect("an ID").to_owned();
    let ask = |what: &str| home.run(&["jobs", what, &id, "--json"]).expect(0);
    golden!("jobs_pause", shape(&without_wait(ask("pause").json())));
    golden!("jobs_resume", shape(&without_wait(ask("resume").outcome())));
    golden!("jobs_cancel", shape(&without_wait(ask("cancel").json())));
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(1), "nothing was sent");
    let retry = home.run(&["retry-failed", &id, "--dry-run", "--json"]).expect(0);
    let (plan, outcome) = stream("retry_failed", &retry);
    golden!("retry_failed_plan", plan);
    golden!("retry_failed_outcome", outcome);
}

/// A wait comes and goes by the moment.
fn without_wait(mut value: Value) -> Value {
    for field in ["waiting_until", "waiting_because"] {
        value["job"][field] = Value::from("[now and then]");
    }
    value
}

#[test]
fn journals() {
    let (_cloud, home) = warm();
    home.run(&["rm", HERO, "--yes"]).expect(0);
    let checked = without_home(&home, &home.run(&["journal", "check", "--json"]).expect(0).json());
    let pruned = home.run(&["journal", "prune", "--dry-run", "--json"]).expect(0).json();
    let (from, to) = (home.folder.path().join("state/journal.db"), home.folder.path().join("b.db"));
    let paths = [from.to_str().expect("UTF-8"), to.to_str().expect("UTF-8")];
    let copied = home.run(&["journal", "copy", paths[0], paths[1], "--json"]).expect(0).json();
    golden!("journal_check", shape(&checked));
    golden!("journal_prune", shape(&pruned));
    golden!("journal_copy", shape(&copied));
}

/// Golden files of each command's JSON, in this file's macros or elsewhere; `-`: it has none.
const GOLDEN: &[(&str, &[&str])] = &[
    ("demo", &["-"]),
    ("cloud", &["ready_line"]),
    ("ls", &["ls"]),
    ("show", &["show"]),
    ("explain", &["explain"]),
    ("rename", &["rename_plan", "rename_outcome"]),
    ("rm", &["rm_plan", "rm_item", "rm_sighting", "rm_progress", "rm_outcome", "dry_run"]),
    ("replace", &["replace_plan", "replace_outcome"]),
    ("purge", &["purge_plan", "purge_outcome", "no_wait"]),
    ("restore", &["restore_plan", "restore_outcome"]),
    ("probe", &["probe"]),
    ("watch", &["watch_outcome"]),
    ("pending", &["pending", "pending_empty"]),
    ("history", &["history"]),
    ("activity", &["activity"]),
    ("jobs pause", &["jobs", "jobs_pause"]),
    ("jobs resume", &["jobs_resume"]),
    ("jobs cancel", &["jobs_cancel"]),
    ("retry-failed", &["retry_failed_plan", "retry_failed_outcome"]),
    ("journal check", &["journal_check"]),
    ("journal prune", &["journal_prune"]),
    ("journal copy", &["journal_copy"]),
    ("track", &["track"]),
    ("report", &["report"]),
    ("places", &["places", "places_of_a_url"]),
    ("config path", &["config_path"]),
    ("config show", &["config_show"]),
    ("config check", &["config_check"]),
    ("config init", &["config_init"]),
    ("themes list", &["themes_list"]),
    ("doctor", &["doctor"]),
    ("completions", &["completions"]),
    ("man", &["man", "man_dir"]),
];

#[test]
fn every_command_has_its_golden_file() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/snapshots");
    let command = allclear::cli::help::command();
    let mut missing = Vec::new();
    for outer in command.get_subcommands() {
        let below: Vec<String> = outer
            .get_subcommands()
            .map(|inner| format!("{} {}", outer.get_name(), inner.get_name()))
            .collect();
        let names = if below.is_empty() { vec![outer.get_name().to_owned()] } else { below };
        for name in names {
            let files = GOLDEN.iter().find(|(known, _)| *known == name).map(|(_, files)| *files);
            let there = |file: &&str| {
                **file == *"-" || folder.join(format!("suite__cli__shapes__{file}.snap")).is_file()
            };
            if !files.is_some_and(|files| files.iter().all(there)) {
                missing.push(name);
            }
        }
    }
    assert_eq!(missing, [""; 0], "these have no golden file: add one here and to the table");
}

#[test]
fn errors() {
    let (cloud, home) = warm();
    golden!("error_not_found", home.run(&["show", "nobody", "--json"]).expect(1).error());
    golden!("error_not_confirmed", home.run(&["rm", HERO, "--json"]).expect(2).error());
    golden!("error_read_only", home.run(&["--read-only", "rm", HERO, "--json"]).expect(5).error());
    golden!("error_bad_name", home.run(&["show", "a?b", "--json"]).expect(2).error());
    golden!("error_usage", home.run(&["ls", "--limit", "none", "--json"]).expect(2).error());
    golden!(
        "error_no_profile",
        without_home(&home, &home.run(&["ls", "--profile", "nobody", "--json"]).expect(2).error())
    );
    let file = home.file("bad.toml", b"[profiles.a]\nrsk = 1\n");
    golden!(
        "error_bad_config",
        without_home(&home, &home.run(&["ls", "--config", &file, "--json"]).expect(2).error())
    );
    let nothing = Home::new("");
    golden!(
        "error_nothing_configured",
        without_home(&nothing, &nothing.run(&["ls", "--json"]).expect(2).error())
    );
    let wrong = Home::new(&cloud.url().replace(cloud.text("api_secret"), "wrong"));
    golden!("error_unauthorized", wrong.run(&["ls", "--json"]).expect(5).error());
}

/// The same without the folder of this run.
fn without_home(home: &Home, value: &Value) -> Value {
    let folder = home.folder.path().to_str().expect("UTF-8");
    serde_json::from_str(&value.to_string().replace(folder, "[home]")).expect("JSON")
}

fn accepted(ran: &Ran) -> Value {
    let outcome = ran.outcome();
    assert_eq!(outcome["outcome"], "accepted");
    outcome
}

/// What is pending changes by the moment: its shape does not.
fn shape_of_pending(home: &Home) -> Value {
    shape(&home.run(&["pending", "--json"]).expect(0).json()["invalidations"][0])
}

/// Every scalar replaced by the name of its type.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            fields.iter().map(|(name, of)| (name.clone(), shape(of))).collect()
        }
        Value::Array(all) => Value::Array(all.iter().take(1).map(shape).collect()),
        Value::String(_) => Value::from("text"),
        Value::Number(_) => Value::from("number"),
        Value::Bool(_) => Value::from("bool"),
        Value::Null => Value::Null,
    }
}
