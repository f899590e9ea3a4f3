//! Sightings: one probe's answer, as far as judgement and operators need it.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::{Moment, Timestamp};

/// The `Accept` header of a probe; a URL that varies by format has one cached copy for each.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum AcceptVariant {
    /// No `Accept` header.
    #[default]
    None,
    Webp,
    Avif,
}

impl AcceptVariant {
    pub const ALL: [Self; 3] = [Self::None, Self::Webp, Self::Avif];

    /// The header to send, if any.
    #[must_use]
    pub const fn header(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Webp => Some("image/webp"),
            Self::Avif => Some("image/avif,image/webp"),
        }
    }

    /// The stable word of JSON and journal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Webp => "webp",
            Self::Avif => "avif",
        }
    }
}

/// What a cache says of itself (RFC 9211, RFC 9111); explains, never decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheStatus {
    Hit,
    HitStale,
    Revalidated,
    Miss,
    Bypass,
    Negative,
    Error,
    #[default]
    Unknown,
}

impl CacheStatus {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::HitStale => "hit_stale",
            Self::Revalidated => "revalidated",
            Self::Miss => "miss",
            Self::Bypass => "bypass",
            Self::Negative => "negative",
            Self::Error => "error",
            Self::Unknown => "unknown",
        }
    }
}

/// How a probe asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeShape {
    /// `GET` with `Range: bytes=0-0`: the usual, cheapest way.
    #[default]
    OneByte,
    /// Plain `GET`, closed after the headers: once per cell and once in quiet (design §2.2).
    HeadersOnly,
    /// Plain `GET` of at most 64 KiB of body, hashed: where validators are missing or weak.
    Body,
}

/// An entity tag as received.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Etag {
    pub weak: bool,
    /// Without quotes and `W/`.
    pub tag: String,
}

/// The response of a cache, reduced to what matters. Every text is from outside: clean before showing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Answer {
    pub status: u16,
    pub etag: Option<Etag>,
    pub last_modified: Option<String>,
    /// Length of the whole body: `Content-Range` total of a 206, `Content-Length` of a 200.
    pub total_length: Option<u64>,
    /// `Age` in seconds.
    pub age: Option<u64>,
    pub cache: CacheStatus,
    /// Code of the PoP that answered, upper case.
    pub pop: Option<String>,
    /// `x-cld-error`: why the delivery failed, or what a placeholder stands for.
    pub error: Option<String>,
    /// `Vary` names `Accept`.
    pub varies_by_accept: bool,
    /// UNIX seconds at which the delivered copy was created, by the server's clock (`crt`).
    pub created: Option<i64>,
    /// Size of the original behind the copy (`obytes`).
    pub original_bytes: Option<u64>,
    /// SHA-256 of the first 64 KiB in hex; only of [`ProbeShape::Body`].
    pub body_hash: Option<String>,
    /// `Retry-After`, at most an hour.
    pub retry_after: Option<Duration>,
    /// `Date`, as received.
    pub date: Option<String>,
    /// Who answered.
    pub peer: Option<IpAddr>,
}

impl Answer {
    /// Whether an answer to a question that nobody ever asked came past every cache, as far as it tells.
    ///
    /// `Some(false)`: a cache answered from a copy, so it took the question for another one. `None`: nothing is told,
    /// and it may have been either.
    #[must_use]
    pub fn came_past_caches(&self) -> Option<bool> {
        /// `Age` counts whole seconds, and a shield hands its own on.
        const FRESH: u64 = 2;
        if self.age.is_some_and(|age| age > FRESH) {
            return Some(false);
        }
        match self.cache {
            CacheStatus::Hit
            | CacheStatus::HitStale
            | CacheStatus::Revalidated
            | CacheStatus::Negative => Some(false),
            CacheStatus::Miss | CacheStatus::Bypass => Some(true),
            CacheStatus::Error | CacheStatus::Unknown => None,
        }
    }
}

/// Why a probe got no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum ProbeFailure {
    #[error("connection refused")]
    Refused,
    #[error("no answer in time")]
    TimedOut,
    #[error("TLS failed: {detail}")]
    Tls { detail: String },
    #[error("connection broke: {detail}")]
    Broken { detail: String },
    /// The peer was not the place's own address, so the answer says nothing about the place.
    #[error("answered by {peer} and not by the place's own address")]
    WrongPeer { peer: String },
    /// Nothing was sent, by a rule of ours or because a quota is spent.
    #[error("{detail}")]
    NotAsked { detail: String },
    /// A vantage point that is not this host failed before the cache could say anything.
    #[error("cannot look from there: {detail}")]
    Vantage { detail: String },
}

/// One probe's answer for one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    pub variant: AcceptVariant,
    pub shape: ProbeShape,
    /// When the request left, and when its answer was in.
    pub sent: Moment,
    pub received: Moment,
    /// Wall clock at `received`, for display and journal only.
    pub at: Timestamp,
    pub result: Result<Answer, ProbeFailure>,
}
