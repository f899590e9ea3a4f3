//! Whatever the network answers: a clear failure, in time, and never a verdict from nothing.

use rstest::rstest;
use serde_json::json;

use super::mock::{Canned, serving};
use super::*;
use crate::adapters::globalping::transport::Fault;

fn refusal(status: u16, kind: &str) -> Canned {
    let error = json!({ "type": kind, "message": "No.", "params": { "target": "is odd\u{7}" } });
    Canned::json(status, &json!({ "error": error }))
}

#[rstest]
#[case::validation(
    refusal(400, "validation_error"),
    "refused the measurement: No. (target: is odd\u{fffd})"
)]
#[case::no_probes(refusal(422, "no_probes_found"), "Globalping has no probe for `tokyo`")]
#[case::token(refusal(401, "unauthorized"), "Globalping refused the token")]
#[case::credits(refusal(429, "insufficient_credits"), "tests and credits are spent")]
#[case::not_there(
    Canned::text(404, "text/html", "<p>no</p>"),
    "status 404: this is no Globalping API"
)]
#[case::moved(Canned::text(302, "text/html", ""), "status 302")]
#[case::down(
    Canned::text(503, "text/html", "<p>down</p>"),
    "Globalping is in trouble (status 503)"
)]
#[case::no_json(
    Canned::text(202, "text/html", "{\"id\":\"a\"}"),
    "answered with `text/html`, and not with JSON"
)]
#[case::truncated(
    Canned::text(202, "application/json", "{\"id\":\"m0"),
    "breaks off after 9 bytes"
)]
#[case::broken(Canned::text(202, "application/json", "{id}"), "broken JSON")]
#[case::no_id(Canned::json(202, &json!({ "probesCount": 1 })), "missing field `id`")]
#[case::odd_id(Canned::json(202, &json!({ "id": "../limits" })), "is no ID")]
#[case::huge(Canned::Fault(Fault::TooLong), "longer than 1048576 bytes")]
#[case::unreachable(Canned::Fault(Fault::Unreachable("connection refused".into())), "cannot be reached: connection refused")]
#[case::cut(Canned::Fault(Fault::Broken("connection reset".into())), "broke: connection reset")]
#[tokio::test(start_paused = true)]
async fn a_creation_that_fails_is_said_and_not_repeated(
    #[case] answer: Canned,
    #[case] said: &str,
) {
    let (prober, world) = usual();
    lock(&world).on_create.push_back(answer);
    let failure = words(look(&prober, "tokyo").await);
    assert!(failure.contains(said), "{failure}");
    assert_eq!(calls(&world, "POST"), 1);
    assert_eq!(calls(&world, "GET /v1/measurements/"), 0);
}

#[rstest]
#[case::expired(refusal(404, "not_found"), 1, "gone from Globalping")]
#[case::down(Canned::text(500, "text/plain", ""), 3, "in trouble (status 500)")]
#[case::truncated(Canned::text(200, "application/json", "{\"id\":\"m000\",\"sta"), 3, "breaks off")]
#[case::no_json(Canned::text(200, "text/html", "<p>"), 3, "not with JSON")]
#[case::huge(Canned::Fault(Fault::TooLong), 1, "longer than")]
#[case::no_result(Canned::json(200, &json!({ "status": "finished", "results": [] })), 1, "no result")]
#[case::unknown(Canned::json(200, &json!({ "status": "odd", "results": [] })), 3, "is `odd`")]
#[case::two(Canned::json(200, &json!({ "status": "finished", "results": [
    { "result": serving("a", "NRT") }, { "result": serving("b", "NRT") } ] })), 1, "2 probes answered")]
#[tokio::test(start_paused = true)]
async fn a_reading_that_fails_is_said(
    #[case] answer: Canned,
    #[case] reads: usize,
    #[case] said: &str,
) {
    let (prober, world) = usual();
    lock(&world).on_read.extend(std::iter::repeat_n(answer, 10));
    let failure = words(look(&prober, "tokyo").await);
    assert!(failure.contains(said), "{failure}");
    assert_eq!(calls(&world, "GET /v1/measurements/"), reads);
}

#[tokio::test(start_paused = true)]
async fn one_bad_reading_loses_no_test() {
    let (prober, world) = usual();
    lock(&world).on_read.extend([
        Canned::text(502, "text/html", ""),
        refusal(429, "too_many_requests").with("retry-after", "2"),
        Canned::Fault(Fault::Broken("connection reset".into())),
    ]);
    assert_eq!(tag(&look(&prober, "tokyo").await), Some("9f1c"));
    let world = lock(&world);
    assert_eq!((world.used, world.rude), (1, 0));
}

#[rstest]
#[case::limits("limits")]
#[case::creation("create")]
#[case::reading("read")]
#[tokio::test(start_paused = true)]
async fn nothing_hangs(#[case] what: &str) {
    let (network, world) = network(World::new(), options());
    {
        let mut world = lock(&world);
        let queue = match what {
            "limits" => &mut world.on_limits,
            "create" => &mut world.on_create,
            _ => &mut world.on_read,
        };
        queue.push_back(Canned::Silence);
    }
    let prober = network.prober();
    let seen = prober.probe(&probe_from("tokyo")).await;
    assert_eq!(seen.result, Err(ProbeFailure::TimedOut));
    assert_eq!(seen.received.since(seen.sent), Duration::from_secs(15));
    look(&prober, "tokyo").await.unwrap();
    let spent = network.quota().now().unwrap().spent;
    assert_eq!(
        spent,
        if what == "limits" { 1 } else { 2 },
        "what may have been spent counts as spent"
    );
}

#[tokio::test(start_paused = true)]
async fn a_measurement_that_never_ends_is_left_in_time() {
    let mut world = World::new();
    world.takes = Duration::from_secs(3600);
    let (network, world) = network(world, options());
    assert_eq!(look(&network.prober(), "tokyo").await, Err(ProbeFailure::TimedOut));
    assert_eq!(lock(&world).rude, 0);
}

#[tokio::test(start_paused = true)]
async fn an_api_without_limits_is_used_all_the_same() {
    let (network, world) = network(World::new(), options());
    lock(&world).on_limits.push_back(refusal(404, "not_found"));
    look(&network.prober(), "tokyo").await.unwrap();
    assert_eq!(network.quota().now().unwrap().remaining, 249);
    assert!(network.ask_quota().await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_location_that_nobody_is_at_is_asked_again_later() {
    let (prober, world) = usual();
    lock(&world).probes[2].online = false;
    assert!(words(look(&prober, "tokyo").await).contains("no probe for `tokyo`"));
    lock(&world).probes[2].online = true;
    look(&prober, "tokyo").await.unwrap();
    assert_eq!(lock(&world).used, 1);
}
