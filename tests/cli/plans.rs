//! Plans and what keeps a large order from going wrong, against a local cloud in another process.

use std::io::{BufRead, BufReader};

use serde_json::Value;

use crate::support::cloud::CloudProcess;
use crate::support::home::Home;

/// Public IDs of all images that the cloud of `home` holds.
fn everything(home: &Home) -> Vec<String> {
    let listed =
        home.run(&["ls", "--limit", "100000", "--columns", "id", "--no-header"]).expect(0).stdout;
    listed.lines().map(|line| line.trim().to_owned()).collect()
}

/// A profile with these settings for the cloud.
fn profile(cloud: &CloudProcess, settings: &str) -> Home {
    let home = Home::new("");
    let folder = home.folder.path().join(".config/allclear");
    std::fs::create_dir_all(&folder).expect("a folder");
    let text = format!("[profiles.it]\ncloudinary_url = \"{}\"\n{settings}\n", cloud.url());
    std::fs::write(folder.join("config.toml"), text).expect("a file");
    home
}

fn plan_of(home: &Home, arguments: &[&str]) -> Value {
    let ran = home.run(&[arguments, &["--dry-run", "--json"]].concat()).expect(0);
    ran.events().remove(0)
}

#[test]
fn ten_thousand_deletes_do_not_hit_a_quota_of_five_hundred() {
    let cloud = CloudProcess::start(&["--assets", "14000", "--admin-quota", "500"]);
    let home = Home::new(cloud.url());
    let all = everything(&home);
    let ids = &all[..10_000];
    let list = home.file("ids.txt", ids.join("\n").as_bytes());

    let plan = plan_of(&home, &["rm", "--from", &list]);
    assert_eq!(plan["items"].as_array().map(Vec::len), Some(10_000));
    assert_eq!(plan["api_path"], "upload_api_destroy");
    assert_eq!(plan["calls"]["admin"], 0, "{}", plan["calls"]);
    assert_eq!(plan["calls"]["upload"], 10_000);
    let why = plan["api_path_why"].as_str().expect("a reason");
    assert!(why.contains("not counted against the Admin quota"), "{why}");
    assert_eq!(plan["paced_until"], Value::Null);
    assert_eq!(plan["confirmation"]["word"], "10000");

    // in words, with the quota of another hour
    let cloud = CloudProcess::start(&["--assets", "14000", "--admin-quota", "500"]);
    let home = Home::new(cloud.url());
    let list = home.file("ids.txt", ids.join("\n").as_bytes());
    let text = home.run(&["rm", "--from", &list, "--dry-run"]).expect(0).stdout;
    for words in ["10000 assets", "not counted against the Admin quota"] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
    assert!(!text.contains("waits"), "{text}");

    // and that way is gone: twice as many as the quota has calls
    let list = home.file("some.txt", ids[..1_000].join("\n").as_bytes());
    let order =
        ["rm", "--from", &list, "--confirm", "1000", "--verify", "sample", "--no-wait", "--json"];
    let ran = home.run(&order).expect(0);
    let accepted = ran.named("item").iter().filter(|item| item["state"] == "accepted").count();
    assert_eq!(accepted, 1_000);
    let left = ran.named("plan")[0]["calls"]["admin_left"].as_u64().expect("a quota");
    assert!(left > 0, "nothing hit the quota");
}

#[test]
fn of_a_long_list_the_good_ones_are_done_and_the_others_are_named() {
    let cloud = CloudProcess::start(&["--assets", "200"]);
    let home = Home::new(cloud.url());
    let ids = everything(&home);
    let mut names = ids[..100].to_vec();
    names.extend(["no/such/thing".to_owned(), "what?".to_owned(), ids[3].clone()]);
    let list = names.join("\n");

    let ran = home
        .run_with_input(&["rm", "--from", "-", "--confirm", "100", "--no-wait", "--json"], &list);
    let ran = ran.expect(4);
    let plan = ran.named("plan").remove(0);
    assert_eq!(plan["duplicates"], 1);
    let left: Vec<_> = plan["left_out"].as_array().expect("a list").iter().collect();
    let words = |field: &str| left.iter().map(|one| one[field].as_str()).collect::<Vec<_>>();
    assert_eq!(words("reason"), [Some("malformed"), Some("unknown")]);
    assert_eq!(words("name"), [Some("what?"), Some("no/such/thing")]);
    let items = ran.named("item");
    let in_state = |state: &str| items.iter().filter(|item| item["state"] == state).count();
    assert_eq!((in_state("accepted"), in_state("left_out")), (100, 2));
    assert_eq!(ran.outcome()["exit_code"], 4);
    assert_eq!(everything(&home).len(), ids.len() - 100);

    // named one by one, a name that does not exist stops everything before anything is sent
    let strict = home.run(&["rm", &ids[110], "no/such/thing", "--yes", "--json"]).expect(1);
    assert_eq!(strict.error()["code"], "not_found");
    assert_eq!(everything(&home).len(), ids.len() - 100);
}

#[test]
fn the_admin_api_deletes_in_bulk_once_it_was_seen_to_reach_the_caches() {
    let cloud = CloudProcess::start(&["--assets", "200", "--bulk-invalidation"]);
    let home = profile(&cloud, "bulk_invalidation = true\nconfirm_above = 1000");
    let ids = everything(&home);
    let list = home.file("ids.txt", ids[3..130].join("\n").as_bytes());
    let before = plan_of(&home, &["rm", "--from", &list]);
    assert_eq!(before["api_path"], "upload_api_destroy");

    let few = [&["rm", "--api", "admin", "--yes", "--json"][..], &[&ids[0], &ids[1], &ids[2]]];
    let seen = home.run(&few.concat()).expect(0);
    assert_eq!(seen.named("plan")[0]["api_path"], "admin_api_bulk_delete");
    assert_eq!(seen.outcome()["outcome"], "all_clear");

    let after = plan_of(&home, &["rm", "--from", &list]);
    assert_eq!(after["api_path"], "admin_api_bulk_delete", "{}", after["api_path_why"]);
    assert_eq!(after["calls"]["admin"], 2);
}

#[test]
fn urls_that_an_account_never_reaches_can_be_named_by_themselves() {
    let cloud = CloudProcess::start(&["--mode", "legacy"]);
    let home = Home::new(cloud.url());
    let plan = plan_of(&home, &["purge", "press/2026/hero"]);
    let missed = plan["not_covered"].as_array().expect("a list").len();
    assert!(missed > 0, "{plan}");
    let ran =
        home.run(&["purge", "press/2026/hero", "--attempt-by-url", "--yes", "--json"]).expect(0);
    let attempt = ran.named("attempt_by_url").remove(0);
    assert_eq!(attempt["urls"], missed, "{attempt}");
    assert_eq!(ran.outcome()["outcome"], "all_clear", "every URL was seen to be fetched again");
}

#[test]
fn a_plan_says_everything_before_anything_is_sent() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let plan = plan_of(&home, &["rm", "press/2026/hero"]);
    for field in [
        "items",
        "bytes",
        "derived",
        "api_path",
        "api_path_why",
        "calls",
        "watched",
        "not_covered",
        "left_out",
        "duplicates",
        "seen_by",
        "places",
        "requests",
        "budget",
        "execution_ms",
        "verification_ms",
        "start_delay_ms",
        "paced_until",
        "notes",
        "confirmation",
    ] {
        assert!(plan.get(field).is_some(), "{field} is in {plan}");
    }
    let text = home.run(&["rm", "press/2026/hero", "--dry-run"]).expect(0).stdout;
    for line in ["how: ", "calls: ", "time: ", "seen by: ", "budget: "] {
        assert!(text.contains(line), "{line} is in\n{text}");
    }
}

#[test]
fn a_locked_profile_is_opened_by_the_name_of_its_cloud_alone() {
    let cloud = CloudProcess::start(&[]);
    let home = profile(&cloud, "risk = \"production\"\nstart_delay = \"0s\"");
    let refused = home.run(&["rm", "press/2026/hero", "--yes", "--json"]).expect(5);
    assert_eq!(refused.error()["code"], "locked");
    let wrong = home.run(&["rm", "press/2026/hero", "--confirm", "other", "--json"]).expect(2);
    assert_eq!(wrong.error()["code"], "not_confirmed");
    home.run(&["purge", "press/2026/hero", "--confirm", "demo"]).expect(0);
}

#[test]
fn guards_of_a_profile_hold_for_every_command() {
    let cloud = CloudProcess::start(&["--assets", "20"]);
    let home = profile(&cloud, "max_items = 2\nread_only = false");
    let all = home.run(&["rm", "--search", "resource_type:image", "--yes", "--json"]).expect(2);
    assert_eq!(all.error()["code"], "too_many");
    let told =
        home.run(&["purge", "press/2026/hero", "logo", "--max-items", "1", "--yes", "--json"]);
    assert_eq!(told.expect(2).error()["code"], "too_many");
    for empty in ["", "/", " "] {
        let refused = home.run(&["rm", "--prefix", empty, "--yes", "--json"]).expect(2);
        assert_eq!(refused.error()["code"], "empty_prefix");
    }
    let file = home.file("new.jpg", b"x");
    let orders: [&[&str]; 5] = [
        &["rm", "press/2026/hero"],
        &["purge", "press/2026/hero"],
        &["rename", "press/2026/hero", "b"],
        &["restore", "press/2026/hero"],
        &["replace", "press/2026/hero", &file],
    ];
    for order in orders {
        let refused = home.run(&[order, &["--read-only", "--yes", "--json"]].concat()).expect(5);
        assert_eq!(refused.error()["code"], "read_only", "{order:?}");
    }
}

#[test]
fn a_large_delete_is_called_off_before_it_starts() {
    let cloud = CloudProcess::start(&["--assets", "20"]);
    let home = profile(&cloud, "confirm_above = 1\nstart_delay = \"1h\"");
    let mut child = home.spawn(&["rm", "press/2026/hero", "logo", "--confirm", "2"]);
    let mut said = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    while !line.contains("calls it off") {
        line.clear();
        assert!(said.read_line(&mut line).expect("text") > 0, "it says that it waits");
    }
    let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    rustix::process::kill_process(pid.expect("a pid"), rustix::process::Signal::INT)
        .expect("our own child");
    assert_eq!(child.wait().expect("our own child").code(), Some(130));
    assert_eq!(cloud.at_origin("/demo/image/upload/press/2026/hero.jpg").status, 200);
}
