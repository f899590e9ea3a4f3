//! What goes over the wire (source: Globalping's OpenAPI text and server, autumn 2026). Lenient where nothing of
//! ours hangs on it: a field that is missing is missing, one of another kind is an error that names it.

use std::collections::BTreeMap;

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::shown;

/// Header lines of an answer that are looked at.
const MAX_HEADERS: usize = 256;

/// `POST /v1/measurements`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewMeasurement<'a> {
    pub r#type: &'static str,
    pub target: &'a str,
    pub locations: Locations<'a>,
    /// Seconds, 5 to 30.
    pub timeout: u64,
    pub in_progress_updates: bool,
    pub measurement_options: HttpOptions<'a>,
}

/// Where to look from.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(untagged)]
pub(super) enum Locations<'a> {
    /// The probes of an earlier measurement, by its ID.
    SameAs(&'a str),
    Magic([Magic<'a>; 1]),
}

impl<'a> Locations<'a> {
    /// One probe that fits the free text.
    pub(super) const fn one_of(magic: &'a str) -> Self {
        Self::Magic([Magic { magic, limit: 1 }])
    }
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Magic<'a> {
    pub magic: &'a str,
    pub limit: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HttpOptions<'a> {
    pub protocol: &'static str,
    /// Only for targets that are names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_version: Option<u8>,
    pub request: HttpRequest<'a>,
}

#[derive(Debug, Serialize)]
pub(super) struct HttpRequest<'a> {
    pub method: &'static str,
    /// Also the name in the TLS handshake; only where the target is an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<&'a str>,
    pub path: &'a str,
    pub query: &'a str,
    pub headers: BTreeMap<&'static str, &'static str>,
}

/// The answer to a creation.
#[derive(Debug, Deserialize)]
pub(super) struct Created {
    pub id: String,
}

/// `GET /v1/measurements/<id>`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Measurement {
    pub status: String,
    #[serde(default)]
    pub results: Vec<Entry>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Entry {
    #[serde(default)]
    pub probe: ProbeInfo,
    pub result: TestResult,
}

/// Where a probe is; probes have no public IDs, so this is all that tells one from another.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub(super) struct ProbeInfo {
    pub country: Option<String>,
    pub state: Option<String>,
    pub city: Option<String>,
    pub asn: Option<u64>,
    pub network: Option<String>,
}

impl ProbeInfo {
    /// `Frankfurt, DE (Example Net)`.
    pub(super) fn in_words(&self) -> String {
        let place: Vec<&str> =
            [&self.city, &self.country].into_iter().flatten().map(String::as_str).collect();
        let network = self.network.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
        let place = if place.is_empty() { "somewhere".to_owned() } else { place.join(", ") };
        shown(&format!("{place}{network}"))
    }
}

/// What one probe saw.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct TestResult {
    pub status: String,
    /// `target`, `resolver` or `internal`, of a failed test.
    pub failure_source: Option<String>,
    pub resolved_address: Option<String>,
    pub status_code: Option<u16>,
    pub headers: Option<HeaderLines>,
    pub raw_body: Option<String>,
    pub raw_output: Option<String>,
    pub truncated: Option<bool>,
    pub tls: Option<TlsInfo>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct TlsInfo {
    pub authorized: bool,
    pub error: Option<String>,
}

/// Headers as JSON carries them: a value is one line or a list of lines.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub(in crate::adapters) struct HeaderLines(BTreeMap<String, Lines>);

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a header is a text or a list of texts")]
enum Lines {
    One(String),
    Many(Vec<String>),
}

impl HeaderLines {
    /// As headers; what no header can hold is left out, and so is what comes after the first 256 lines.
    pub(in crate::adapters) fn into_map(self) -> HeaderMap {
        let lines = self.0.into_iter().flat_map(|(name, lines)| {
            let lines = match lines {
                Lines::One(line) => vec![line],
                Lines::Many(lines) => lines,
            };
            lines.into_iter().map(move |line| (name.clone(), line))
        });
        let mut map = HeaderMap::new();
        for (name, line) in lines.take(MAX_HEADERS) {
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(line.as_bytes())) {
                map.append(name, value);
            }
        }
        map
    }
}

/// `GET /v1/limits`, of which only this matters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Limits {
    pub rate_limit: RateLimit,
    #[serde(default)]
    pub credits: Option<Credits>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RateLimit {
    pub measurements: MeasurementLimits,
}

#[derive(Debug, Deserialize)]
pub(super) struct MeasurementLimits {
    pub create: CreateLimit,
}

#[derive(Debug, Deserialize)]
pub(super) struct CreateLimit {
    pub limit: u32,
    pub remaining: u32,
    /// Seconds; 0 before the first test of an hour.
    #[serde(default)]
    pub reset: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Credits {
    #[serde(default)]
    pub remaining: u64,
}

/// `{"error": {"type", "message", "params"?}}`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Refusal {
    #[serde(default)]
    pub error: RefusalBody,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct RefusalBody {
    #[serde(default)]
    pub r#type: String,
    #[serde(default)]
    pub message: String,
    #[serde(default)]
    pub params: BTreeMap<String, serde_json::Value>,
}

impl RefusalBody {
    /// The message, with each parameter that it is about.
    pub(super) fn in_words(&self) -> String {
        let about = self.params.iter().take(5).map(|(name, what)| match what.as_str() {
            Some(text) => format!("{name}: {text}"),
            None => format!("{name}: {what}"),
        });
        let about: Vec<String> = about.collect();
        let message = if self.message.is_empty() { "no reason given" } else { &self.message };
        match about.as_slice() {
            [] => shown(message),
            about => shown(&format!("{message} ({})", about.join("; "))),
        }
    }
}

/// Reads JSON.
///
/// # Errors
/// In words, which field is odd, or that the text breaks off.
pub(in crate::adapters) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let mut json = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut json).map_err(|why| {
        let path = why.path().to_string();
        let why = why.into_inner();
        if why.is_eof() {
            format!("it breaks off after {} bytes", body.len())
        } else if why.is_syntax() {
            format!("broken JSON: {why}")
        } else {
            format!("at `{path}`: {why}")
        }
    })
}
