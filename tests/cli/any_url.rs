//! Any web address, whoever it belongs to: looked at and watched without a profile, at edges named by hand. The
//! caches behind it are those of a local cloud in another process, reached as anybody's CDN is.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::support::cloud::CloudProcess;
use crate::support::home::{Home, Ran};
use crate::support::scrub;

const HERO: &str = "press/2026/hero";
const URL: &str = "http://media.test/demo/image/upload/press/2026/hero.jpg";
const PATH: &str = "/demo/image/upload/press/2026/hero.jpg";

/// `arguments`, and the edges of `cloud` as an operator would name them.
fn at_edges(cloud: &CloudProcess, arguments: &[&str]) -> Vec<String> {
    let mut all: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
    for (pop, url) in cloud.edges() {
        all.push("--edge".to_owned());
        all.push(format!("{pop}={}", url.trim_start_matches("http://")));
    }
    all
}

fn run(home: &Home, arguments: &[String]) -> Ran {
    home.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Without any profile, journal or credentials.
fn nobody() -> Home {
    Home::new("")
}

#[test]
fn a_foreign_url_is_looked_at_without_a_profile() {
    let cloud = CloudProcess::start(&["--propagation", "0s..10ms"]);
    cloud.at_every_edge(PATH);
    let home = nobody();
    let seen = run(&home, &at_edges(&cloud, &["probe", URL, "--json"])).expect(0).json();
    insta::assert_json_snapshot!("probe_foreign", scrub::json(&seen));
    let ran = run(&home, &at_edges(&cloud, &["probe", URL])).expect(0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{}", ran.stdout);
    assert!(lines[0].starts_with("PLACE  POP") && lines[0].ends_with("WHY"), "{}", ran.stdout);
    assert!(lines[1].contains("FRA Frankfurt"), "{}", ran.stdout);
    assert!(lines[1].ends_with("equals what a read past the caches gets"), "{}", ran.stdout);
    let tally = "3 of 3 places answered: 3 addresses tried, 3 distinct PoPs seen";
    assert!(ran.stderr.contains(tally), "{}", ran.stderr);
    let kept = std::fs::read_dir(home.folder.path().join("state")).into_iter().flatten().flatten();
    let kept: Vec<_> = kept.map(|it| it.file_name().to_string_lossy().into_owned()).collect();
    assert!(!kept.iter().any(|name| name.contains("journal")), "{kept:?}");
}

#[test]
fn several_urls_and_standard_input() {
    let cloud = CloudProcess::start(&[]);
    let other = "http://media.test/demo/image/upload/nobody.jpg";
    let ran = run(&nobody(), &at_edges(&cloud, &["probe", URL, other, "--json"])).expect(0);
    let looks: Vec<Value> = ran.events();
    assert_eq!((&looks[0]["url"], &looks[1]["url"]), (&URL.into(), &other.into()));
    assert_eq!(
        looks[1]["looks"][0]["verdict"], "cleared",
        "gone there, as at the origin: {}",
        looks[1]
    );
    assert_eq!(looks[1]["looks"][0]["reason"], "same_refusal_as_reference");
    let arguments = at_edges(&cloud, &["probe", "--stdin", "--json"]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let listed =
        nobody().run_with_input(&arguments, &format!("# two\n{URL}\n\n{other}\n")).expect(0);
    assert_eq!(listed.events().len(), 2);
}

#[test]
fn an_old_copy_is_told_from_what_the_origin_serves() {
    let cloud = CloudProcess::start(&["--propagation", "3600s..3600s"]);
    cloud.at_every_edge(PATH);
    let owner = Home::new(cloud.url());
    let file = owner
        .file("new.jpg", &cloud.at_origin("/demo/image/upload/press/2026/ceo-portrait.jpg").body);
    owner.run(&["replace", HERO, &file, "--yes", "--no-wait"]).expect(0);
    let seen = run(&nobody(), &at_edges(&cloud, &["probe", URL, "--json"])).expect(0).json();
    assert_eq!(seen["truth"], "read");
    for look in seen["looks"].as_array().expect("looks") {
        assert_eq!(
            (&look["verdict"], &look["reason"]),
            (&"outdated".into(), &"differs_from_read".into()),
            "{look}"
        );
    }
}

#[test]
fn what_is_no_url_is_refused_before_anything_is_asked() {
    let home = nobody();
    for (typed, part) in [
        ("press/hero", "does not begin with https://"),
        ("ftp://media.test/a.jpg", "`ftp` URLs cannot be looked at"),
        ("https://me:pw-1234@media.test/a.jpg", "user name or password"),
        ("https://media.test:99999/a.jpg", "`99999` is no port"),
        ("https://media.test/a\u{7}b", "control character"),
        ("https:///a.jpg", "names no host"),
    ] {
        for command in ["probe", "watch"] {
            let ran = home.run(&[command, typed, "--json"]).expect(2);
            let error = ran.error();
            assert!(error["message"].as_str().is_some_and(|said| said.contains(part)), "{error}");
            assert!(error["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{error}");
            assert!(ran.stdout.is_empty() && !ran.stderr.contains("pw-1234"), "{}", ran.stderr);
        }
    }
    let long = format!("https://media.test/{}", "a".repeat(9000));
    assert!(home.run(&["probe", &long]).expect(2).stderr.contains("too long"));
    let refused = home.run(&["probe", URL, "not-one", "--edge", "127.0.0.1:1"]).expect(2);
    assert!(refused.stdout.is_empty(), "nothing was looked at: {}", refused.stdout);
}

#[test]
fn secrets_of_a_url_are_never_shown() {
    let home = nobody();
    let url = "http://media.test/s--AbCdEf12--/a.jpg?w=1&access_token=hush-hush&Signature=qqq777";
    for arguments in [
        &["probe", url, url, "--edge", "127.0.0.1:1"][..],
        &["probe", url, "--edge", "127.0.0.1:1", "--json"],
        &["watch", url, "--edge", "127.0.0.1:1", "--expect", "refetched"],
        &["watch", url, "--edge", "127.0.0.1:1", "--expect", "gone", "--timeout", "1s", "--json"],
    ] {
        let ran = home.run(arguments);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains("media.test") || said.contains("watching"), "{said}");
        for secret in ["AbCdEf12", "hush-hush", "qqq777"] {
            assert!(!said.contains(secret), "{said}");
        }
    }
    let log =
        std::fs::read_to_string(home.folder.path().join("state/allclear.log")).unwrap_or_default();
    assert!(!log.contains("hush-hush") && !log.contains("qqq777"), "{log}");
}

#[test]
fn a_dead_place_is_a_row_and_no_place_at_all_a_blind_look() {
    let cloud = CloudProcess::start(&[]);
    let mut arguments = at_edges(&cloud, &["probe", URL, "--json"]);
    arguments.extend(["--edge".to_owned(), "XXX=127.0.0.1:1".to_owned()]);
    let seen = run(&nobody(), &arguments).expect(0).json();
    assert_eq!(
        (&seen["places"]["reached"], &seen["places"]["unreachable"]),
        (&3.into(), &1.into())
    );
    assert_eq!(seen["blind"], false);
    let dead = &seen["looks"][3];
    assert_eq!(
        (&dead["reason"], &dead["failure"]),
        (&"no_answer".into(), &"connection refused".into())
    );
    let blind = nobody().run(&["probe", URL, "--edge", "127.0.0.1:1"]).expect(3);
    assert!(blind.stderr.contains("a read past the caches is not possible"), "{}", blind.stderr);
    assert!(blind.stderr.contains("blind: no place answered"), "{}", blind.stderr);
    assert!(blind.stdout.contains("unknown"), "{}", blind.stdout);
}

/// Answers every request in the same way, as a server without caches in front of it, or a cache that ignores the
/// query, would; until it is told to answer otherwise.
struct Canned {
    address: std::net::SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    head: Arc<Mutex<&'static str>>,
}

impl Canned {
    fn start(head: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (asked, head) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(Mutex::new(head)));
        let (log, said) = (Arc::clone(&asked), Arc::clone(&head));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut reader = BufReader::new(stream);
                let mut request = String::new();
                while reader.read_line(&mut request).is_ok_and(|read| read > 2) {}
                log.lock().expect("the log").push(request);
                let head = *said.lock().expect("the head");
                let reply =
                    format!("HTTP/1.1 {head}\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx");
                reader.get_mut().write_all(reply.as_bytes()).ok();
            }
        });
        Self { address, asked, head }
    }

    fn edge(&self, name: &str) -> String {
        format!("{name}={}", self.address)
    }

    fn answer(&self, head: &'static str) {
        *self.head.lock().expect("the head") = head;
    }

    fn requests(&self) -> Vec<String> {
        self.asked.lock().expect("the log").clone()
    }
}

#[test]
fn without_anything_to_compare_with_there_is_no_verdict() {
    let cache = Canned::start("200 OK\r\nX-Cache: HIT\r\nAge: 900\r\nETag: \"old\"");
    let bare = Canned::start("200 OK\r\nETag: \"other\"\r\nX-Served-By: cache-x-QQ9");
    let home = nobody();
    let one = home.run(&["probe", URL, "--edge", &cache.edge("FRA"), "--json"]).expect(0).json();
    assert_eq!((&one["truth"], &one["looks"][0]["verdict"]), (&"none".into(), &"unknown".into()));
    assert_eq!(one["looks"][0]["reason"], "nothing_to_compare");
    assert!(one["truth_why"].as_str().is_some_and(|why| why.contains("from a copy")), "{one}");
    let edges = [cache.edge("FRA"), bare.edge("SIN")];
    let two = home
        .run(&["probe", URL, "--edge", &edges[0], "--edge", &edges[1], "--json"])
        .expect(0)
        .json();
    for look in two["looks"].as_array().expect("looks") {
        assert_eq!(
            (&look["verdict"], &look["reason"]),
            (&"unknown".into(), &"places_differ".into())
        );
    }
    let text = home.run(&["probe", URL, "--edge", &edges[0], "--edge", &edges[1]]).expect(0);
    assert!(text.stderr.contains("1 unknown PoP code: QQ9"), "{}", text.stderr);
    let request = &bare.requests()[0];
    assert!(
        request.contains("\r\nhost: media.test\r\n") && request.contains("allclear/"),
        "{request}"
    );
    assert!(!request.to_ascii_lowercase().contains("cookie"), "{request}");
}

#[test]
fn a_watch_that_nothing_can_decide_is_refused_with_what_would_help() {
    let cache = Canned::start("200 OK\r\nX-Cache: HIT\r\nAge: 900\r\nETag: \"old\"");
    let edge = cache.edge("FRA");
    let home = nobody();
    let refused = |more: &[&str]| {
        let ran =
            home.run(&[&["watch", URL, "--edge", &edge, "--json"][..], more].concat()).expect(2);
        let error = ran.error();
        (
            error["message"].as_str().unwrap_or_default().to_owned(),
            error["hint"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let (why, hint) = refused(&[]);
    assert!(why.contains("from a copy") && hint.contains("--etag"), "{why} {hint}");
    let (why, hint) = refused(&["--expect", "new"]);
    assert!(why.contains("is not possible") && hint.contains("--etag"), "{why} {hint}");
    let (why, hint) = refused(&["--expect", "refetched"]);
    assert!(why.contains("purged") && hint.contains("--since"), "{why} {hint}");
    let (_, hint) = refused(&["--expect", "refetched", "--since", "2026-01-01T00:00:00Z"]);
    assert!(hint.contains("--etag"), "{hint}");
    // a tag that everybody knows can be decided
    let told = ["watch", URL, "--edge", &edge, "--etag", "\"old\"", "--timeout", "30s"];
    let ran = home.run(&told).expect(0);
    assert!(ran.stdout.starts_with("all clear: 1 of 1 cache reached"), "{}", ran.stdout);
    let other = ["watch", URL, "--edge", &edge, "--etag", "new", "--timeout", "3s"];
    let ran = home.run(&other).expect(3);
    assert!(
        ran.stdout.contains("outdated at FRA") && ran.stdout.contains("the entity tag asked for"),
        "{}",
        ran.stdout
    );
    let own = home.run(&["watch", "0123456789ab", "--etag", "new"]).expect(2);
    assert!(
        own.stderr.contains("--etag is for URLs of which no storage is known"),
        "{}",
        own.stderr
    );
}

#[test]
fn caches_that_ignore_the_query_can_be_watched_until_all_of_them_refuse() {
    let caches =
        [Canned::start("200 OK\r\nX-Cache: HIT\r\nAge: 900"), Canned::start("404 Not Found")];
    let home = nobody();
    let (fra, sin) = (caches[0].edge("FRA"), caches[1].edge("SIN"));
    let arguments = [
        "watch",
        URL,
        "--expect",
        "gone",
        "--edge",
        &fra,
        "--edge",
        &sin,
        "--timeout",
        "60s",
        "--json",
    ];
    let mut watching = home.spawn(&arguments);
    let stdout = watching.stdout.take().expect("a pipe");
    let mut outcome = Value::Null;
    for line in BufReader::new(stdout).lines() {
        let event: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        if event["verdict"] == "outdated" {
            assert_eq!((&event["place"], &event["reason"]), (&"FRA".into(), &"not_gone".into()));
            caches[0].answer("404 Not Found\r\nX-Cache: HIT\r\nAge: 1");
        }
        outcome = event;
    }
    assert_eq!(watching.wait().expect("an end").code(), Some(0));
    assert_eq!((&outcome["event"], &outcome["outcome"]), (&"outcome".into(), &"all_clear".into()));
}

#[test]
fn a_foreign_url_is_followed_until_it_is_gone_everywhere() {
    let cloud = CloudProcess::start(&["--propagation", "1s..3s"]);
    cloud.at_every_edge(PATH);
    let home = nobody();
    let gone = at_edges(&cloud, &["watch", URL, "--expect", "gone", "--timeout", "60s", "--json"]);
    let refused = run(&home, &gone).expect(2).error();
    assert!(
        refused["message"].as_str().is_some_and(|why| why.contains("still gets a copy")),
        "{refused}"
    );
    Home::new(cloud.url()).run(&["rm", HERO, "--yes", "--no-wait"]).expect(0);
    let ran = run(&home, &gone).expect(0);
    insta::assert_json_snapshot!("watch_foreign_outcome", scrub::json(&ran.outcome()));
    let verdicts: Vec<Value> = ran.named("sighting");
    let reasons = |verdict: &str| {
        let of = verdicts.iter().filter(|seen| seen["verdict"] == verdict);
        of.map(|seen| seen["reason"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert!(reasons("outdated").iter().all(|reason| reason == "not_gone"), "{verdicts:?}");
    assert!(!reasons("outdated").is_empty(), "old copies were seen going: {verdicts:?}");
    assert!(reasons("cleared").iter().all(|reason| reason == "same_refusal_as_reference"));
    for (pop, reply) in cloud.at_every_edge(PATH) {
        assert_eq!(reply.status, 404, "{pop}");
    }
}

#[test]
fn new_content_is_waited_for_at_the_origin_and_then_at_every_cache() {
    let cloud = CloudProcess::start(&["--propagation", "0s..2s"]);
    cloud.at_every_edge(PATH);
    let old = cloud.at_origin(PATH).header("etag").to_owned();
    let home = nobody();
    let arguments = at_edges(
        &cloud,
        &["watch", URL, "--expect", "new", "--old-etag", &old, "--timeout", "60s", "--json"],
    );
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut waiting = home.spawn(&arguments);
    // it is watched before anything has changed, and nothing is asked of the caches meanwhile
    let owner = Home::new(cloud.url());
    let file = owner
        .file("new.jpg", &cloud.at_origin("/demo/image/upload/press/2026/ceo-portrait.jpg").body);
    owner.run(&["replace", HERO, &file, "--yes", "--no-wait"]).expect(0);
    let ended = waiting.wait().expect("an end");
    assert_eq!(ended.code(), Some(0));
    let new = cloud.at_origin(PATH).header("etag").to_owned();
    assert!(
        new != old
            && cloud.at_every_edge(PATH).iter().all(|(_, reply)| reply.header("etag") == new)
    );
}

#[test]
fn a_refetch_shows_by_the_age_of_the_copies() {
    let cloud = CloudProcess::start(&["--propagation", "0s..500ms"]);
    cloud.at_every_edge(PATH);
    // the copies are to be older than the purge by more than the clocks' steps
    while cloud
        .at_every_edge(PATH)
        .iter()
        .filter_map(|(_, reply)| reply.header("age").parse().ok())
        .min()
        < Some(4_u64)
    {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let since = jiff::Timestamp::now().to_string();
    let home = nobody();
    let arguments = at_edges(
        &cloud,
        &["watch", URL, "--expect", "refetched", "--since", &since, "--timeout", "3s", "--json"],
    );
    let ran = run(&home, &arguments).expect(3);
    assert!(
        ran.named("sighting").iter().any(|seen| seen["reason"] == "older_than_purge"),
        "{}",
        ran.stdout
    );
    let id = ran.outcome()["invalidation"].as_str().expect("an ID").to_owned();
    Home::new(cloud.url()).run(&["purge", HERO, "--yes", "--no-wait"]).expect(0);
    // the watch stays open and is gone on with, by its ID alone and without any profile
    let on = at_edges(&cloud, &["watch", &id, "--timeout", "60s", "--json"]);
    let ran = run(&home, &on).expect(0);
    assert_eq!(
        (&ran.outcome()["outcome"], &ran.outcome()["invalidation"]),
        (&"all_clear".into(), &id.into())
    );
}

#[test]
fn a_profile_does_not_get_in_the_way_and_its_own_urls_stay_its_own() {
    let cloud = CloudProcess::start(&[]);
    cloud.at_every_edge(PATH);
    let home = Home::new(cloud.url());
    let seen = run(&home, &at_edges(&cloud, &["probe", URL, "--json"])).expect(0).json();
    assert_eq!(
        (&seen["truth"], &seen["looks"][0]["reason"]),
        (&"read".into(), &"equals_read".into())
    );
    let own = format!("{}{PATH}", cloud.edges()[0].1);
    let seen = home.run(&["probe", &own, "--json"]).expect(0).json();
    assert_eq!(
        (&seen["truth"], &seen["looks"][0]["reason"]),
        (&"storage".into(), &"same_bytes".into())
    );
    let refused = run(&home, &at_edges(&cloud, &["probe", &own])).expect(2);
    assert!(refused.stderr.contains("says by itself where its edges are"), "{}", refused.stderr);
    // a cloud that is gone is told, and its addresses are not taken for anybody's
    drop(cloud);
    let dead = home.run(&["probe", &own]).expect(1);
    assert!(dead.stderr.contains("does not answer"), "{}", dead.stderr);
}

#[test]
fn tables_fit_where_they_stand() {
    let cloud = CloudProcess::start(&[]);
    let arguments = at_edges(&cloud, &["probe", URL, "--quiet"]);
    let home = nobody();
    for (columns, reason_below) in [(140, false), (80, true), (60, true)] {
        let quoted: Vec<String> = arguments.iter().map(|it| format!("'{it}'")).collect();
        let line = format!(
            "stty cols {columns}; exec {} {}",
            env!("CARGO_BIN_EXE_allclear"),
            quoted.join(" ")
        );
        let mut command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).env_clear().env("PATH", "/usr/bin:/bin");
        command.env("HOME", home.folder.path()).env("ALLCLEAR_STATE_DIR", home.folder.path());
        let Ok(shown) = command.output() else { return }; // no `script` here: the pipe is tested above
        let shown = String::from_utf8_lossy(&shown.stdout).replace('\r', "");
        let rows: Vec<&str> = shown.lines().collect();
        assert!(rows.iter().all(|row| row.chars().count() <= columns), "{columns}:\n{shown}");
        let below = rows.iter().any(|row| row.starts_with("  equals what"));
        assert_eq!(below, reason_below, "{columns}:\n{shown}");
    }
}
