//! Places that other hosts look from: real processes at both ends of the pipe, and a program that stands in for
//! `ssh` between them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use allclear::adapters::http_prober::HttpProber;
use allclear::adapters::places::{LoopbackPlaces, fetch_local_edges};
use allclear::adapters::ssh::{SshHost, SshHosts, SshOptions, SshPlaces, SshProber};
use allclear::adapters::system_clock::SystemClock;
use allclear::domain::place::{Place, Vantage};
use allclear::domain::sighting::{AcceptVariant, ProbeFailure, ProbeShape, Sighting};
use allclear::ports::clock::Clock;
use allclear::ports::places::Places as _;
use allclear::ports::prober::{Probe, Prober};
use serde_json::{Value, json};

use crate::support::cloud::CloudProcess;
use crate::support::home::Home;

const HERO: &str = "/demo/image/upload/press/2026/hero.jpg";
const HELLO: &str = r#"{"schema":"allclear.probe/1","hello":{"program":"by hand","local":true}}"#;

/// A remote host: what is started there, and where it notes its process IDs.
struct Bastion {
    folder: tempfile::TempDir,
}

impl Bastion {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn pids(&self) -> PathBuf {
        self.folder.path().join("pids")
    }

    fn started(&self) -> Vec<String> {
        let noted = std::fs::read_to_string(self.pids()).unwrap_or_default();
        noted.lines().map(str::to_owned).collect()
    }

    /// `flags` are those of the probe command over there; it has no profile, no journal and no credentials.
    fn options(&self, flags: &[&str]) -> SshOptions {
        let note = r#"echo $$ >> "$0"; exec "$@""#;
        let mut command = vec!["sh".to_owned(), "-c".to_owned(), note.to_owned()];
        command.push(self.pids().to_str().expect("UTF-8").to_owned());
        command.extend(["env", "-i"].map(str::to_owned));
        command.push(format!("HOME={}", self.folder.path().display()));
        command.push(env!("CARGO_BIN_EXE_allclear").to_owned());
        command
            .extend(["probe", "--json", "--stdin"].iter().chain(flags).map(|it| (*it).to_owned()));
        SshOptions {
            program: Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("src/adapters/ssh/testdata/fake-ssh")
                .into(),
            command,
            first_pause: Duration::from_millis(50),
            longest_pause: Duration::from_millis(200),
            local: true,
            ..SshOptions::default()
        }
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

fn hosts(names: &[&str], options: SshOptions) -> Arc<SshHosts> {
    let hosts: Vec<SshHost> = names.iter().map(|name| name.parse().expect("a host")).collect();
    Arc::new(SshHosts::new(hosts, options, &clock()))
}

async fn edges(cloud: &CloudProcess) -> Vec<Place> {
    let ready = fetch_local_edges(cloud.api()).await.expect("edges").expect("a local cloud");
    LoopbackPlaces::new(cloud.api(), &ready).places("any").await.expect("places")
}

fn probe(place: &Place, path: &str) -> Probe {
    Probe {
        vantage: place.vantage.clone(),
        address: place.address,
        tls: place.tls,
        host: place.host.clone(),
        path: path.to_owned(),
        variant: AcceptVariant::None,
        shape: ProbeShape::Body,
        timeout: Duration::from_secs(30),
    }
}

/// Both from here and from over there, without what the moment decides.
fn comparable(seen: Sighting) -> Result<allclear::domain::sighting::Answer, ProbeFailure> {
    let mut seen = seen.result?;
    (seen.age, seen.date) = (None, None);
    Ok(seen)
}

#[tokio::test]
async fn another_host_sees_what_this_one_sees() {
    let cloud = CloudProcess::start(&["--propagation", "0s..10ms"]);
    cloud.at_every_edge(HERO);
    let (here, bastion) = (edges(&cloud).await, Bastion::new());
    let names = ["good", "banner", "noisy"];
    let hosts = hosts(&names, bastion.options(&["--local"]));
    let places = SshPlaces::at_edges(Arc::clone(&hosts), clock(), here.clone())
        .places("any")
        .await
        .expect("places");
    assert_eq!(places.len(), names.len() * here.len());
    assert_eq!(places[0].id.0, format!("good/{}", here[0].id));
    let (direct, remote) = (HttpProber::new(clock()), SshProber::new(Arc::clone(&hosts), clock()));
    for place in &places {
        let started = SystemClock.moment();
        let seen = remote.probe(&probe(place, HERO)).await;
        assert!(started <= seen.sent && seen.sent <= seen.received, "{seen:?}");
        assert!(seen.received <= SystemClock.moment());
        let direct = direct.probe(&Probe { vantage: Vantage::Here, ..probe(place, HERO) }).await;
        let (direct, remote) = (comparable(direct), comparable(seen));
        assert!(
            direct.as_ref().is_ok_and(|answer| answer.status == 200 && answer.body_hash.is_some())
        );
        assert_eq!(direct, remote, "{}", place.id);
    }
    // and sees it go
    let home = Home::new(cloud.url());
    home.run(&["rm", "press/2026/hero", "--yes"]).expect(0);
    for place in &places {
        let answer = remote.probe(&probe(place, HERO)).await.result.expect("an answer");
        assert_eq!((answer.status, place.vantage.to_string().starts_with("ssh:")), (404, true));
        assert!(answer.error.is_some_and(|why| why.contains("press/2026/hero")));
    }
    assert_eq!(bastion.started().len(), names.len(), "one connection each carried everything");
    drop((remote, hosts));
    gone(&bastion.started()).await;
}

/// Waits until none of these processes is left, not even as a zombie.
async fn gone(pids: &[String]) {
    let started = Instant::now();
    while let Some(left) = pids.iter().find(|pid| Path::new("/proc").join(pid).exists()) {
        assert!(started.elapsed() < Duration::from_secs(20), "{left} is still there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn many_probes_share_one_connection_and_a_lost_one_is_made_again() {
    let cloud = CloudProcess::start(&[]);
    let (here, bastion) = (edges(&cloud).await, Bastion::new());
    let hosts = hosts(&["good"], bastion.options(&["--local"]));
    let remote = SshProber::new(Arc::clone(&hosts), clock());
    let places = SshPlaces::at_edges(hosts, clock(), here).places("any").await.expect("places");
    let all = || async {
        let looks = (0..60).map(|n| probe(&places[n % places.len()], HERO));
        let looks: Vec<Probe> = looks.collect();
        futures_util::future::join_all(looks.iter().map(|it| remote.probe(it))).await
    };
    for (n, seen) in all().await.into_iter().enumerate() {
        let peer = seen.result.expect("an answer").peer;
        assert_eq!(peer, places[n % places.len()].address.map(|it| it.ip()), "answers are matched");
    }
    let first = bastion.started();
    assert_eq!(first.len(), 1);
    let status = std::process::Command::new("kill").args(["-9", &first[0]]).status();
    assert!(status.expect("kill").success());
    let started = Instant::now();
    loop {
        match remote.probe(&probe(&places[0], HERO)).await.result {
            Ok(_) if bastion.started().len() == 2 => break,
            Ok(_) => {} // it still answered
            Err(why) => assert!(matches!(why, ProbeFailure::Vantage { .. }), "{why}"),
        }
        assert!(started.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    gone(&first).await;
}

#[tokio::test]
async fn a_host_that_does_not_say_local_looks_at_no_address_of_its_own() {
    let cloud = CloudProcess::start(&[]);
    let (here, bastion) = (edges(&cloud).await, Bastion::new());
    let remote = SshProber::new(hosts(&["good"], bastion.options(&[])), clock());
    let vantage = Vantage::Ssh("good".to_owned());
    let seen = remote.probe(&Probe { vantage, ..probe(&here[0], HERO) }).await;
    let why = seen.result.expect_err("no look").to_string();
    assert!(why.starts_with("ssh good: 127.0.0.1 is a loopback address"), "{why}");
}

#[tokio::test]
async fn the_other_end_resolves_for_itself() {
    let bastion = Bastion::new();
    let hosts = hosts(&["good", "denied"], bastion.options(&["--local"]));
    let places = SshPlaces::new(hosts, clock()).places("localhost:8080").await.expect("places");
    let first = &places[0];
    assert!(
        first.address.is_some_and(|it| it.ip().is_loopback() && it.port() == 8080),
        "{first:?}"
    );
    assert!(first.id.0.starts_with("good/localhost:8080@"), "{first:?}");
    let last = places.last().expect("a place");
    assert_eq!((last.id.0.as_str(), last.address), ("denied/localhost:8080", None));
}

#[test]
fn the_line_protocol_needs_no_configuration_and_leaves_none() {
    let cloud = CloudProcess::start(&[]);
    cloud.at_every_edge(HERO);
    let edge = cloud.edges().remove(0).1;
    let address = edge.strip_prefix("http://").expect("plain HTTP");
    let asked = json!({ "id": 1, "probe": {
        "host": "res.cloudinary.com", "path": HERO, "tls": false, "address": address, "timeout_ms": 10_000,
    } });
    let places = json!({ "id": 2, "places": { "host": "127.0.0.1" } });
    let home = Home::new("");
    let input = format!("\n{HELLO}\n{asked}\n{places}\n");
    let ran = home.run_with_input(&["probe", "--json", "--stdin", "--local"], &input).expect(0);
    let mut said = ran.events();
    assert_eq!(said.remove(0)["hello"]["local"], true);
    said.sort_by_key(|line| line["id"].as_u64());
    assert!(said.iter().all(|line| line["schema"] == "allclear.probe/1"));
    let answer = &said[0]["answer"];
    assert_eq!((&answer["status"], &answer["cache"]), (&json!(206), &json!("hit")), "{answer}");
    assert!(answer["etag"].is_string() && said[0]["times"]["done_ms"].is_u64());
    assert_eq!(said[1]["addresses"], json!(["127.0.0.1"]));
    assert_eq!(ran.stderr, "");
    let kept = std::fs::read_dir(home.folder.path().join("state")).into_iter().flatten().flatten();
    let kept: Vec<String> = kept.map(|it| it.file_name().to_string_lossy().into_owned()).collect();
    assert!(!kept.iter().any(|name| name.contains("journal")), "{kept:?}");
}

#[test]
fn other_versions_and_other_input_are_answered_clearly() {
    let home = Home::new("");
    let probe = ["probe", "--json", "--stdin"];
    let newer = r#"{"schema":"allclear.probe/2","hello":{}}"#;
    let said: Value = home.run_with_input(&probe, newer).expect(2).json();
    assert_eq!(said["error"]["code"], "unknown_version");
    let message = "the other end speaks allclear.probe/2, this one allclear.probe/1";
    assert_eq!(
        (&said["schema"], &said["error"]["message"]),
        (&json!("allclear.probe/1"), &json!(message))
    );
    let said: Value = home.run_with_input(&probe, "{\"url\":1}\n").expect(2).json();
    assert_eq!(said["error"]["code"], "bad_greeting");
    let ran = home.run_with_input(&["probe", "--stdin"], HELLO).expect(2);
    assert!(ran.stderr.contains("allclear probe --json --stdin"), "{}", ran.stderr);
    // URLs mean what they always mean, and need no profile
    let ran = home.run_with_input(&probe, "http://127.0.0.1:1/a.jpg\n").expect(3);
    assert_eq!(ran.json()["looks"][0]["failure"], "connection refused");
    let ran = home.run_with_input(&probe, "press/hero\n").expect(2);
    assert_eq!((ran.stdout.as_str(), &ran.error()["schema"]), ("", &json!("allclear.error/1")));
    let hostile = (0..40).map(|n| format!("{{\"id\":{n},\"probe\":\"rm -rf /\"}}\nnonsense\n"));
    let ran =
        home.run_with_input(&probe, &format!("{HELLO}\n{}", hostile.collect::<String>())).expect(2);
    assert!(ran.stdout.lines().count() <= 60, "{}", ran.stdout);
}
