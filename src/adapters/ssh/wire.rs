//! The line protocol `allclear.probe/1`: JSON Lines, a greeting each, then requests and replies matched by ID.
//!
//! ```text
//! > {"schema":"allclear.probe/1","hello":{"program":"allclear/0.1.0","local":false}}
//! < {"schema":"allclear.probe/1","hello":{"program":"allclear/0.1.0","local":false}}
//! > {"id":1,"places":{"host":"res.cloudinary.com"}}
//! < {"schema":"allclear.probe/1","id":1,"addresses":["192.0.2.7","2001:db8::7"]}
//! > {"id":2,"probe":{"host":"res.cloudinary.com","path":"/demo/…","tls":true,"address":"192.0.2.7:443",
//!    "variant":"none","shape":"one_byte","timeout_ms":15000}}
//! < {"schema":"allclear.probe/1","id":2,"times":{"sent_ms":12,"received_ms":31,"done_ms":31},"answer":{…}}
//! > {"id":3,"probe":{…}}
//! < {"schema":"allclear.probe/1","id":3,"times":{…},"failure":{"kind":"refused"}}
//! < {"schema":"allclear.probe/1","error":{"code":"bad_line","message":"…"}}
//! ```
//! Unknown fields are ignored, so that fields may be added; whatever changes the meaning is a new version.
//! Replies come in any order. Nothing here is a domain type: the words on the wire stay when the domain changes.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::sighting::{AcceptVariant, Answer, CacheStatus, Etag, ProbeFailure, ProbeShape};
use crate::domain::text::clean;
use crate::domain::time::duration_ms;
use crate::ports::prober::Probe;

/// Name and version of the protocol.
pub const SCHEMA: &str = "allclear.probe/1";
/// Bytes of a request at most.
pub(super) const MAX_REQUEST: usize = 16 << 10;
/// Bytes of a reply at most.
pub(super) const MAX_REPLY: usize = 64 << 10;
/// Characters of one text within a reply.
const MAX_TEXT: usize = 300;

/// The first line of each end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hello {
    /// Name and version of the program.
    #[serde(default)]
    pub program: String,
    /// This end is willing to look at addresses of the looking host and its private network.
    #[serde(default)]
    pub local: bool,
}

/// A line of the asking end; exactly one of the options is there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Request {
    pub id: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<ProbeAsk>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub places: Option<PlacesAsk>,
}

/// One probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProbeAsk {
    pub host: String,
    pub path: String,
    pub tls: bool,
    /// Without one the looking end asks its own resolver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<SocketAddr>,
    #[serde(default)]
    pub variant: AcceptVariant,
    #[serde(default)]
    pub shape: ProbeShape,
    pub timeout_ms: u64,
}

/// What a host resolves to over there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PlacesAsk {
    pub host: String,
}

/// A line of the looking end.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Reply {
    pub schema: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hello: Option<Hello>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<Times>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Told>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<IpAddr>>,
    /// Not about a request: the line, or the conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Fault>,
}

impl Reply {
    pub fn new() -> Self {
        Self { schema: SCHEMA.to_owned(), ..Self::default() }
    }

    pub fn to(id: u64) -> Self {
        Self { id: Some(id), ..Self::new() }
    }

    pub fn failed(id: u64, kind: Kind, detail: impl Into<String>) -> Self {
        let failure = Failure { kind: kind.as_str().to_owned(), detail: Some(detail.into()) };
        Self { failure: Some(failure), ..Self::to(id) }
    }

    pub fn fault(code: &str, message: impl Into<String>) -> Self {
        let error = Fault { code: code.to_owned(), message: message.into() };
        Self { error: Some(error), ..Self::new() }
    }
}

/// Durations since the looking end read the request, rounded so that the true interval lies within.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_field_names)] // the unit is part of the words on the wire
pub(super) struct Times {
    /// The probe left: rounded down.
    pub sent_ms: u64,
    /// Its answer was in, or it had failed: rounded up.
    pub received_ms: u64,
    /// The reply was written: rounded down.
    pub done_ms: u64,
}

/// What is wrong with a line, or with the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Fault {
    pub code: String,
    #[serde(default)]
    pub message: String,
}

/// Why a request has no answer; `kind` is a [`Kind`], or a word of a newer program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failure {
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The stable words of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Refused,
    TimedOut,
    Tls,
    Broken,
    WrongPeer,
    /// This end does not look there.
    NotAllowed,
    /// Asked more often than its manners allow.
    Busy,
    /// The host has no address over there.
    Unresolved,
    /// The request cannot be meant.
    BadRequest,
    /// This end could not look.
    Unable,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::TimedOut => "timed_out",
            Self::Tls => "tls",
            Self::Broken => "broken",
            Self::WrongPeer => "wrong_peer",
            Self::NotAllowed => "not_allowed",
            Self::Busy => "busy",
            Self::Unresolved => "unresolved",
            Self::BadRequest => "bad_request",
            Self::Unable => "unable",
        }
    }
}

/// The response of a cache.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Told {
    pub status: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    #[serde(default)]
    pub weak: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_length: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<u64>,
    #[serde(default)]
    pub cache: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pop: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(default)]
    pub varies_by_accept: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_hash: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<IpAddr>,
}

impl From<Answer> for Told {
    fn from(answer: Answer) -> Self {
        let (etag, weak) = answer.etag.map_or((None, false), |etag| (Some(etag.tag), etag.weak));
        Self {
            status: answer.status,
            etag,
            weak,
            last_modified: answer.last_modified,
            total_length: answer.total_length,
            age: answer.age,
            cache: answer.cache.as_str().to_owned(),
            pop: answer.pop,
            error: answer.error,
            varies_by_accept: answer.varies_by_accept,
            created: answer.created,
            original_bytes: answer.original_bytes,
            body_hash: answer.body_hash,
            retry_after_ms: answer.retry_after.map(duration_ms),
            date: answer.date,
            peer: answer.peer,
        }
    }
}

impl From<Told> for Answer {
    fn from(told: Told) -> Self {
        let weak = told.weak;
        Self {
            status: told.status,
            // never cut: half of a tag would be another tag
            etag: told.etag.map(|tag| Etag { weak, tag }),
            last_modified: told.last_modified.map(cut),
            total_length: told.total_length,
            age: told.age,
            cache: cache_status(&told.cache),
            pop: told.pop.filter(|code| is_code(code)),
            error: told.error.map(cut),
            varies_by_accept: told.varies_by_accept,
            created: told.created,
            original_bytes: told.original_bytes,
            body_hash: told.body_hash,
            retry_after: told
                .retry_after_ms
                .map(|pause| Duration::from_millis(pause).min(Duration::from_hours(1))),
            date: told.date.map(cut),
            peer: told.peer,
        }
    }
}

/// As the reader of headers lets them through.
fn is_code(pop: &str) -> bool {
    (2..=8).contains(&pop.len())
        && pop.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// A word of a newer program is no status that we know.
fn cache_status(word: &str) -> CacheStatus {
    serde_json::from_value(serde_json::Value::from(word)).unwrap_or_default()
}

impl From<ProbeFailure> for Failure {
    fn from(failure: ProbeFailure) -> Self {
        let (kind, detail) = match failure {
            ProbeFailure::Refused => (Kind::Refused, None),
            ProbeFailure::TimedOut => (Kind::TimedOut, None),
            ProbeFailure::Tls { detail } => (Kind::Tls, Some(detail)),
            ProbeFailure::Broken { detail } => (Kind::Broken, Some(detail)),
            ProbeFailure::WrongPeer { peer } => (Kind::WrongPeer, Some(peer)),
            ProbeFailure::NotAsked { detail } => (Kind::NotAllowed, Some(detail)),
            ProbeFailure::Vantage { detail } => (Kind::Unable, Some(detail)),
        };
        Self { kind: kind.as_str().to_owned(), detail }
    }
}

impl Failure {
    /// What a probe from `host` failed with.
    pub fn seen_from(self, host: &str) -> ProbeFailure {
        let detail = self.detail.as_deref().map(short).unwrap_or_default();
        match self.kind.as_str() {
            "refused" => ProbeFailure::Refused,
            "timed_out" => ProbeFailure::TimedOut,
            "tls" => ProbeFailure::Tls { detail },
            "broken" => ProbeFailure::Broken { detail },
            "wrong_peer" => ProbeFailure::WrongPeer { peer: detail },
            "not_allowed" | "busy" => {
                ProbeFailure::NotAsked { detail: format!("{host}: {detail}") }
            }
            kind if detail.is_empty() => {
                ProbeFailure::Vantage { detail: format!("{host}: {}", short(kind)) }
            }
            _ => ProbeFailure::Vantage { detail: format!("{host}: {detail}") },
        }
    }
}

impl From<&Probe> for ProbeAsk {
    fn from(probe: &Probe) -> Self {
        Self {
            host: probe.host.clone(),
            path: probe.path.clone(),
            tls: probe.tls,
            address: probe.address,
            variant: probe.variant,
            shape: probe.shape,
            timeout_ms: duration_ms(probe.timeout),
        }
    }
}

/// The beginning of a text, as it was sent: whoever shows it cleans it.
fn cut(text: String) -> String {
    if text.len() <= MAX_TEXT { text } else { text.chars().take(MAX_TEXT).collect() }
}

/// The beginning of a text from outside, cleaned, for a reason that will be shown.
pub(super) fn short(text: &str) -> String {
    clean(text.trim()).chars().take(MAX_TEXT).collect()
}
