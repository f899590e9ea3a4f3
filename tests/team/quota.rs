//! The cloud asks one process for fewer calls, and the whole team waits.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::cluster::Cluster;
use super::jobs::{Order, carried_out, cloud, until_job};
use super::{Worker, run};
use crate::support::home::Home;
use crate::support::proxy::{Fate, Forged, Proxy};

const ASSETS: usize = 600;
/// What the cloud asks for.
const PAUSE: Duration = Duration::from_secs(12);
/// Calls that leave in this time were given out before the refusal was written: a busy machine takes its time.
const GRACE: Duration = Duration::from_secs(3);
/// The time is over so much sooner for one whose call took that long to be refused.
const EARLY: Duration = Duration::from_secs(1);

/// What passed before the cloud, and when.
#[derive(Default)]
struct Books {
    refused: Option<Instant>,
    passed: Vec<Instant>,
}

/// Purges with two workers, of which one is refused once; what passed meanwhile.
fn refused_once(refusal: impl Fn() -> Forged + Send + Sync + 'static) {
    let Some(cluster) = Cluster::start() else { return };
    let (cloud, ids) = cloud(ASSETS);
    let books = Arc::new(Mutex::new(Books::default()));
    let (kept, is_shared) = (Arc::clone(&books), Arc::new(Mutex::new(false)));
    let shared = Arc::clone(&is_shared);
    let proxy = Proxy::before(cloud.api(), move |request| {
        // storage is read by `explicit` as well, without an invalidation
        if !request.is("explicit") || !request.body.contains("invalidate=true") {
            return Fate::Pass;
        }
        let mut books = kept.lock().expect("no writer panics");
        if *shared.lock().expect("no writer panics") && books.refused.is_none() {
            books.refused = Some(Instant::now());
            return Fate::Instead(refusal());
        }
        books.passed.push(Instant::now());
        Fate::Pass
    });
    let (url, journal) = (proxy.url(cloud.url()), cluster.fresh());
    let member = || (Home::new(&url), journal.clone());
    let (ana, bob, hosts) = (member(), member(), [(); 2].map(|()| member()));
    run(&ana, &["pending"]).expect(0); // makes the schema
    let workers = hosts.each_ref().map(Worker::start);
    let order = Order::start(&ana, &ids);
    let both = |job: &serde_json::Value| {
        job["run_by"].as_str().is_some_and(|by| by.ends_with("and 2 more"))
    };
    until_job(&bob, "both help", both);
    *is_shared.lock().expect("no writer panics") = true;
    let said = order.ends();
    for worker in workers {
        worker.stop();
    }
    let books = books.lock().expect("no writer panics");
    let refused = books.refused.expect("one was refused");
    let after = books.passed.iter().filter_map(|at| at.checked_duration_since(refused));
    let early = after.clone().filter(|it| *it > GRACE && *it + EARLY < PAUSE).count();
    let offsets = after.clone().map(|it| it.as_millis()).take(80).collect::<Vec<_>>();
    println!("team: after the refusal calls left at {offsets:?} ms");
    assert_eq!(early, 0, "calls that left while everybody was to wait");
    assert!(after.clone().any(|it| it + EARLY >= PAUSE), "it went on");
    let first = after.filter(|it| *it > GRACE).min().expect("it went on");
    println!("team: one refused, the next call of anybody {first:.1?} later");
    let accepted = said.iter().filter(|event| event["event"] == "item");
    assert_eq!(accepted.filter(|item| item["state"] == "accepted").count(), ASSETS);
    let (exactly, _) = carried_out(&cloud);
    assert_eq!(exactly.len(), ASSETS);
    assert!(exactly.values().all(|times| *times == 1), "what was refused is sent once");
}

#[test]
fn one_that_is_sent_too_many_makes_the_team_wait() {
    let body = r#"{"error":{"message":"Too many concurrent requests"}}"#;
    refused_once(|| Forged::json(429, body).header("Retry-After", PAUSE.as_secs().to_string()));
}

#[test]
fn one_whose_hour_is_used_up_makes_the_team_wait() {
    refused_once(|| {
        let again = jiff::Timestamp::now() + PAUSE + Duration::from_secs(1);
        let again = again.strftime("%Y-%m-%d %H:%M:%S");
        let message = format!(
            "Rate Limit Exceeded. Limit of 500 api operations reached. Try again on {again} UTC"
        );
        Forged::json(420, &format!("{{\"error\":{{\"message\":\"{message}\"}}}}"))
    });
}
