use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rstest::rstest;

use super::super::{SshHost, SshHosts, SshOptions, SshPlaces, SshProber};
use crate::adapters::system_clock::SystemClock;
use crate::domain::place::Vantage;
use crate::domain::sighting::{AcceptVariant, CacheStatus, ProbeFailure, ProbeShape, Sighting};
use crate::ports::clock::Clock;
use crate::ports::places::Places as _;
use crate::ports::prober::{Probe, Prober as _};

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

fn options() -> SshOptions {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    SshOptions {
        program: folder.join("src/adapters/ssh/testdata/fake-ssh").into(),
        command: ["sh", "-c", "exit 9"].map(str::to_owned).to_vec(),
        connect_timeout: Duration::from_secs(1),
        patience: Duration::from_secs(1),
        first_pause: Duration::from_millis(50),
        longest_pause: Duration::from_millis(100),
        local: false,
    }
}

fn hosts(names: &[&str], options: SshOptions) -> Arc<SshHosts> {
    let hosts: Vec<SshHost> = names.iter().map(|name| name.parse().unwrap()).collect();
    Arc::new(SshHosts::new(hosts, options, &clock()))
}

fn prober(host: &str, options: SshOptions) -> SshProber {
    SshProber::new(hosts(&[host], options), clock())
}

fn probe(host: &str) -> Probe {
    Probe {
        vantage: Vantage::Ssh(host.to_owned()),
        address: Some("192.0.2.7:443".parse().unwrap()),
        tls: true,
        host: "res.cloudinary.com".to_owned(),
        path: "/demo/image/upload/s--secret--/a.jpg".to_owned(),
        variant: AcceptVariant::Webp,
        shape: ProbeShape::OneByte,
        timeout: Duration::from_secs(20),
    }
}

fn why(seen: &Sighting) -> String {
    seen.result.as_ref().unwrap_err().to_string()
}

#[rstest]
#[case::refused("denied", "ops@denied: Permission denied (publickey).")]
#[case::unknown("nowhere", "ssh: Could not resolve hostname nowhere")]
#[case::says_nothing("blank", "it ended with exit status 3")]
#[case::command_ends("good", "it ended with exit status 9")]
#[case::login_that_asks(
    "chatty",
    "it said `Please log in at the front desk`, then it ended with exit status 1"
)]
#[case::talks_on("endless", "it said 200 lines and no greeting of allclear.probe/1")]
#[case::silent("silent", "no greeting for 2 s")]
#[case::newer(
    "newer",
    "it speaks allclear.probe/2, this end allclear.probe/1: install the same allclear at both"
)]
#[case::older("older", "it refused: this end is old")]
#[case::mute("mute", "it answered nothing for 1 s")]
#[case::half_a_reply("half", "it ended with exit status 0")]
#[case::no_reply("html", "what it says is no allclear.probe/1")]
#[tokio::test]
async fn a_host_that_does_not_answer_is_a_place_that_fails_with_the_reason(
    #[case] host: &str,
    #[case] reason: &str,
) {
    let prober = prober(host, options());
    let seen = prober.probe(&probe(host)).await;
    assert_eq!(why(&seen), format!("cannot look from there: ssh {host}: {reason}"));
    assert!(matches!(seen.result, Err(ProbeFailure::Vantage { .. })));
    assert_eq!((seen.variant, seen.shape), (AcceptVariant::Webp, ProbeShape::OneByte));
    assert!(seen.sent <= seen.received);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let prober = prober("good", SshOptions { program: "/nowhere/ssh".into(), ..options() });
    let seen = prober.probe(&probe("good")).await;
    let expected = "ssh good: cannot start `/nowhere/ssh`: no such file or folder";
    assert_eq!(why(&seen), format!("cannot look from there: {expected}"));
}

#[tokio::test]
async fn only_hosts_of_the_profile_are_connected_to() {
    let prober = prober("once", options());
    for vantage in [Vantage::Ssh("good".into()), Vantage::Ssh("-oProxyCommand=x".into())] {
        let seen = prober.probe(&Probe { vantage, ..probe("") }).await;
        assert!(why(&seen).ends_with("is no ssh place of this profile"), "{}", why(&seen));
    }
    let seen = prober.probe(&Probe { vantage: Vantage::Here, ..probe("") }).await;
    assert_eq!(why(&seen), "cannot look from there: here is no place reached by ssh");
}

#[tokio::test]
async fn a_lost_host_is_left_alone_for_a_while_and_then_tried_again() {
    let pause = Duration::from_millis(400);
    let options = SshOptions { first_pause: pause, longest_pause: 2 * pause, ..options() };
    let prober = prober("once", options);
    assert_eq!(prober.probe(&probe("once")).await.result, Err(ProbeFailure::Refused));
    // it ends after one reply: what is asked then fails, until the pause is over
    let (started, mut told) = (Instant::now(), Vec::new());
    loop {
        let seen = prober.probe(&probe("once")).await;
        if seen.result == Err(ProbeFailure::Refused) {
            break;
        }
        told.push(why(&seen));
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", told.last());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(told.iter().any(|why| why.contains("exit status 0; tried again in 1 s")), "{told:?}");
    assert!(started.elapsed() >= pause);
}

#[tokio::test]
async fn many_probes_of_a_lost_host_fail_together() {
    let prober = prober("mute", options());
    let many = (0..100).map(|_| async { why(&prober.probe(&probe("mute")).await) });
    let started = Instant::now();
    for why in futures_util::future::join_all(many).await {
        assert!(why.starts_with("cannot look from there: ssh mute: "), "{why}");
    }
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn what_is_told_is_not_believed_blindly() {
    let prober = prober("liar", options());
    let ask = || async { prober.probe(&probe("liar")).await };
    let first = ask().await;
    assert_eq!(first.result, Err(ProbeFailure::WrongPeer { peer: "192.0.2.99".to_owned() }));
    let second = ask().await;
    assert!(matches!(second.result, Err(ProbeFailure::WrongPeer { .. })), "no peer is no proof");
    let third = ask().await.result.unwrap();
    assert_eq!((third.cache, third.pop), (CacheStatus::Unknown, None));
    assert_eq!(why(&ask().await), "cannot look from there: ssh liar: its reply is no answer");
    assert_eq!(why(&ask().await), "cannot look from there: ssh liar: \u{fffd}[2Jno more");
}

#[tokio::test]
async fn a_probe_ends_in_time_whatever_the_host_does() {
    let slow = SshOptions { patience: Duration::from_secs(60), ..options() };
    for (host, expected) in [
        ("silent", ProbeFailure::Vantage { detail: "ssh silent: still connecting".to_owned() }),
        ("mute", ProbeFailure::TimedOut),
    ] {
        let prober = prober(host, slow.clone());
        let (started, timeout) = (Instant::now(), Duration::from_secs(2));
        let seen = prober.probe(&Probe { timeout, ..probe(host) }).await;
        assert_eq!(seen.result, Err(expected));
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_a_place_and_no_error() {
    let hosts = hosts(&["denied", "blank", "denied"], options());
    let places =
        SshPlaces::new(Arc::clone(&hosts), clock()).places("media.acme.test").await.unwrap();
    let ids: Vec<_> = places.iter().map(|place| place.id.0.as_str()).collect();
    assert_eq!(ids, ["denied/media.acme.test", "blank/media.acme.test"]);
    assert!(places.iter().all(|place| place.address.is_none() && place.tls));
    assert_eq!(places[0].vantage, Vantage::Ssh("denied".to_owned()));
}

/// Processes that are children of this test program, dead or alive.
#[cfg(target_os = "linux")] // listed differently elsewhere
fn children() -> Vec<String> {
    let ours = std::process::id().to_string();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let stat = |entry: std::fs::DirEntry| std::fs::read_to_string(entry.path().join("stat")).ok();
    processes
        .filter_map(stat)
        .filter(|stat| {
            let rest = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
            rest.split_whitespace().nth(1) == Some(ours.as_str())
        })
        .collect()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn nothing_is_left_behind() {
    let named = |name: &str| children().iter().any(|stat| stat.contains(name));
    let options = SshOptions { patience: Duration::from_secs(60), ..options() };
    let prober = prober("mute", options);
    let timeout = Duration::from_millis(500);
    prober.probe(&Probe { timeout, ..probe("mute") }).await;
    let before = children();
    assert!(named("(sleep)"), "{before:?}");
    let pid = |stat: &str| stat.split_whitespace().next().unwrap_or_default().to_owned();
    let ours: Vec<String> =
        before.iter().filter(|it| it.contains("(sleep)")).map(|it| pid(it)).collect();
    drop(prober);
    let started = Instant::now();
    // tests beside this one have children of their own: at least one of those seen must go, dead ones included
    while children().iter().filter(|it| ours.contains(&pid(it))).count() == ours.len() {
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", children());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
