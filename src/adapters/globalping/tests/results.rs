//! What a finished test tells, and what it does not.

use rstest::rstest;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::mock::{seen, serving};
use super::*;

async fn look_at(sees: Value, shape: ProbeShape) -> Result<Answer, ProbeFailure> {
    let mut world = World::new();
    world.probes[2].sees = sees;
    let (network, _world) = network(world, options());
    network.prober().probe(&Probe { shape, ..probe_from("tokyo") }).await.result
}

fn with(mut result: Value, key: &str, value: Value) -> Value {
    result[key] = value;
    result
}

#[rstest]
#[case::refused("target", "connect ECONNREFUSED 203.0.114.7:443", ProbeFailure::Refused)]
#[case::slow("target", "Request timeout.", ProbeFailure::TimedOut)]
#[case::tls("target", "SSL alert number 40", ProbeFailure::Tls { detail: "SSL alert number 40".into() })]
#[case::broken("target", "other side closed", ProbeFailure::Broken { detail: "other side closed".into() })]
#[case::tricks("target", "a\u{1b}[2Jb", ProbeFailure::Broken { detail: "a\u{fffd}[2Jb".into() })]
#[case::resolver("resolver", "queryA ENOTFOUND x", ProbeFailure::Vantage {
    detail: "the probe's resolver failed: queryA ENOTFOUND x".into() })]
#[case::internal("internal", "Request timeout.", ProbeFailure::Vantage {
    detail: "the probe of Globalping failed: Request timeout.".into() })]
#[tokio::test(start_paused = true)]
async fn a_failed_test_is_a_failure(
    #[case] source: &str,
    #[case] output: &str,
    #[case] failure: ProbeFailure,
) {
    let result = json!({ "status": "failed", "failureSource": source, "rawOutput": output,
        "resolvedAddress": null, "headers": {}, "statusCode": null, "tls": null });
    assert_eq!(look_at(result, ProbeShape::OneByte).await, Err(failure));
}

#[rstest]
#[case::wrong(json!({ "authorized": false, "error": "ERR_TLS_CERT_ALTNAME_INVALID" }), "ERR_TLS")]
#[case::wrong_without_words(json!({ "authorized": false }), "not valid")]
#[case::unchecked(Value::Null, "told nothing")]
#[tokio::test(start_paused = true)]
async fn a_wrong_certificate_is_no_evidence(#[case] tls: Value, #[case] said: &str) {
    let result = look_at(with(serving("9f1c", "NRT"), "tls", tls), ProbeShape::OneByte).await;
    assert!(
        matches!(&result, Err(ProbeFailure::Tls { detail }) if detail.contains(said)),
        "{result:?}"
    );
}

#[rstest]
#[case::no_status(with(serving("a", "NRT"), "statusCode", Value::Null), "no status code")]
#[case::odd_status(with(serving("a", "NRT"), "statusCode", json!(7)), "no status code")]
#[case::no_headers(with(serving("a", "NRT"), "headers", Value::Null), "no headers")]
#[case::unknown(with(serving("a", "NRT"), "status", json!("odd")), "the test is `odd`")]
#[case::number(seen(200, &json!({ "etag": 7 })), "results[0].result")]
#[tokio::test(start_paused = true)]
async fn half_a_result_is_no_result(#[case] sees: Value, #[case] said: &str) {
    let result = look_at(sees, ProbeShape::OneByte).await;
    assert!(
        matches!(&result, Err(ProbeFailure::Vantage { detail }) if detail.contains(said)),
        "{result:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_test_that_the_network_gave_up_has_timed_out() {
    let result = with(serving("a", "NRT"), "status", json!("in-progress"));
    assert_eq!(look_at(result, ProbeShape::OneByte).await, Err(ProbeFailure::TimedOut));
}

#[tokio::test(start_paused = true)]
async fn several_lines_and_odd_headers_are_read() {
    let headers = json!({ "etag": "W/\"9f1c\"", "vary": ["Accept-Encoding", "Accept"], "x-cache": "HIT",
        "bad name": "x", "x-line": "a\nb", "x-text": "été", "content-length": "184233" });
    let answer = look_at(seen(200, &headers), ProbeShape::HeadersOnly).await.unwrap();
    assert!(answer.varies_by_accept && answer.etag.unwrap().weak);
    assert_eq!((answer.total_length, answer.body_hash), (Some(184_233), None));
}

const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>é";

fn body_of(status: u16, length: usize, more: &Value) -> Value {
    let mut headers = json!({ "etag": "\"9f1c\"", "content-length": length.to_string() });
    headers.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    with(seen(status, &headers), "rawBody", json!(SVG))
}

#[tokio::test(start_paused = true)]
async fn a_text_that_is_surely_whole_is_hashed() {
    let whole = body_of(200, SVG.len(), &json!({}));
    let answer = look_at(whole.clone(), ProbeShape::Body).await.unwrap();
    assert_eq!(answer.body_hash, Some(hex::encode(Sha256::digest(SVG))));
    assert_eq!(answer.total_length, Some(SVG.len() as u64));
    assert_eq!(look_at(whole, ProbeShape::OneByte).await.unwrap().body_hash, None);
}

#[rstest]
#[case::cut(with(body_of(200, SVG.len(), &json!({})), "truncated", json!(true)))]
#[case::not_said(with(body_of(200, SVG.len(), &json!({})), "truncated", Value::Null))]
#[case::longer(body_of(200, SVG.len() + 1, &json!({})))]
#[case::partial(body_of(206, SVG.len(), &json!({})))]
#[case::encoded(body_of(200, SVG.len(), &json!({ "content-encoding": "br" })))]
#[case::binary(with(body_of(200, 4, &json!({})), "rawBody", json!("a\u{fffd}")))]
#[case::length_not_told(with(seen(200, &json!({ "etag": "\"9f1c\"" })), "rawBody", json!(SVG)))]
#[tokio::test(start_paused = true)]
async fn any_other_body_has_no_hash(#[case] sees: Value) {
    assert_eq!(look_at(sees, ProbeShape::Body).await.unwrap().body_hash, None);
}

#[tokio::test(start_paused = true)]
async fn an_encoded_copy_does_not_compare_with_those_of_other_places() {
    let encoded = body_of(200, SVG.len(), &json!({ "content-encoding": "br" }));
    let answer = look_at(encoded, ProbeShape::OneByte).await.unwrap();
    assert!(answer.etag.unwrap().weak);
    assert_eq!(answer.total_length, None);
    let partial = json!({ "content-range": "bytes 0-0/77" });
    let mut partial = body_of(206, 1, &partial);
    partial["headers"]["content-encoding"] = json!("gzip");
    assert_eq!(look_at(partial, ProbeShape::OneByte).await.unwrap().total_length, None);
}
