//! From what a probe of the network saw to what a probe of ours tells.
//!
//! Nothing is concluded from less than a whole, finished test: what is missing, in progress or odd is a failure.
//!
//! A body of theirs is cut after 10,000 characters and was turned into text, chunk by chunk: bytes that are no UTF-8
//! are gone. So a hash is made only of a body that is surely whole and as stored: not cut, not encoded, without a
//! single replacement character and exactly as long as the server said. Pictures have none; for them entity tags
//! and lengths must do. `Accept-Encoding: identity` is asked for, and where a server encodes all the same, neither
//! hash nor length nor a strong tag of that encoding is told, for they would not compare with those of other places.

use std::net::IpAddr;

use hyper::HeaderMap;
use sha2::{Digest as _, Sha256};

use super::error::{GlobalpingError, NoAnswer, shown};
use super::wire::{ProbeInfo, TestResult, TlsInfo};
use crate::adapters::http_prober::headers;
use crate::domain::sighting::{Answer, ProbeFailure, ProbeShape};
use crate::domain::time::Timestamp;
use crate::ports::prober::Probe;

/// The answer in `result` to what `probe` asked.
pub(super) fn answer_of(
    probe: &Probe,
    who: &ProbeInfo,
    result: TestResult,
    now: Timestamp,
) -> Result<Answer, NoAnswer> {
    match result.status.as_str() {
        "finished" => {}
        "failed" => return Err(failure(&result).into()),
        "offline" => return Err(GlobalpingError::Offline { whom: who.in_words() }.into()),
        "in-progress" => return Err(ProbeFailure::TimedOut.into()), // given up by the network itself
        other => {
            let detail = format!("the test is `{}`", shown(other));
            return Err(GlobalpingError::Odd { detail }.into());
        }
    }
    if probe.tls {
        check_certificate(result.tls.as_ref())?;
    }
    let peer = result.resolved_address.as_deref().and_then(|text| text.parse::<IpAddr>().ok());
    check_peer(probe, peer)?;
    let missing = |what: &str| GlobalpingError::Odd { detail: format!("the test has no {what}") };
    let status = result.status_code.filter(|status| (100..=999).contains(status));
    let status = status.ok_or_else(|| missing("status code"))?;
    let headers = result.headers.ok_or_else(|| missing("headers"))?.into_map();
    let mut answer = headers::answer(status, &headers, now);
    answer.peer = peer;
    if !headers::is_identity(&headers) {
        answer.total_length = None;
        answer.etag.iter_mut().for_each(|etag| etag.weak = true);
    } else if probe.shape == ProbeShape::Body && result.truncated == Some(false) {
        answer.body_hash = whole_body(status, &headers, result.raw_body.as_deref());
    }
    Ok(answer)
}

/// A wrong certificate fails no test of theirs, but it is no evidence of ours; nor is one that nobody checked.
fn check_certificate(tls: Option<&TlsInfo>) -> Result<(), ProbeFailure> {
    let detail = match tls {
        Some(TlsInfo { authorized: true, .. }) => return Ok(()),
        Some(TlsInfo { error: Some(error), .. }) => {
            format!("the certificate is not valid ({})", shown(error))
        }
        Some(_) => "the certificate is not valid".to_owned(),
        None => "the probe told nothing of the certificate".to_owned(),
    };
    Err(ProbeFailure::Tls { detail })
}

/// Where one address was meant, another one's answer says nothing about the place.
fn check_peer(probe: &Probe, peer: Option<IpAddr>) -> Result<(), ProbeFailure> {
    let Some(meant) = probe.address else { return Ok(()) };
    match peer {
        Some(peer) if peer.to_canonical() == meant.ip().to_canonical() => Ok(()),
        Some(peer) => Err(ProbeFailure::WrongPeer { peer: peer.to_string() }),
        None => Err(ProbeFailure::WrongPeer { peer: "nobody named".to_owned() }),
    }
}

/// A test that failed. Its words are those of the probe's own libraries; only well-known ones are understood.
fn failure(result: &TestResult) -> ProbeFailure {
    let words = shown(result.raw_output.as_deref().unwrap_or("no reason given"));
    let lower = words.to_ascii_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    let source = result.failure_source.as_deref();
    if source == Some("internal") {
        return GlobalpingError::ProbeFailed { detail: words }.into_failure();
    }
    if source == Some("resolver") || has(&["enotfound", "eai_again", "nxdomain", "servfail"]) {
        let detail = format!("the probe's resolver failed: {words}");
        return ProbeFailure::Vantage { detail };
    }
    if has(&["econnrefused"]) {
        ProbeFailure::Refused
    } else if has(&["timeout", "timed out", "etimedout"]) {
        ProbeFailure::TimedOut
    } else if has(&["certificate", "ssl", "tls"]) {
        ProbeFailure::Tls { detail: words }
    } else {
        ProbeFailure::Broken { detail: words }
    }
}

/// The hash of a body that is surely all of it.
fn whole_body(status: u16, headers: &HeaderMap, body: Option<&str>) -> Option<String> {
    let body = body.unwrap_or_default();
    let told: usize = headers.get("content-length")?.to_str().ok()?.trim().parse().ok()?;
    let whole = status == 200 && told == body.len() && !body.contains('\u{fffd}');
    whole.then(|| hex::encode(Sha256::digest(body)))
}
