//! Fastly's edge check: one call that looks at a URL in every PoP of that CDN, with a token of the service's owner.
//!
//! No `Places` and no `Prober`, on purpose. The call looks everywhere at once, as one kind of client, and 200 calls
//! an hour are all there are, 18 s apart. A prober would have to answer probes of sixty places that come seconds
//! apart, in three variants, from one such call: the same sighting would count again and again, or most probes
//! would fail and end the runs that they should lengthen. So it is what it is, a second opinion for one URL, to be
//! shown beside a watch. And it looks as users do: a PoP that had no copy has one afterwards.
//!
//! Source: Fastly's API reference, "Content", `GET /content/edge_check`. The reference names the fields `hash`,
//! `pop`, `request`, `response`, `response_time` and `server` without their insides; `response.status` and
//! `response.headers` are read as the plausible shape, and an entry that has neither is told as such.

mod pace;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use self::pace::Pace;
use crate::adapters::globalping::privacy;
use crate::adapters::globalping::transport::{Ask, Fault, HttpTransport, MAX_ANSWER, Transport};
use crate::adapters::globalping::wire::{HeaderLines, decode};
use crate::adapters::http_prober::headers;
use crate::adapters::is_loopback_url;
use crate::domain::sighting::Answer;
use crate::domain::text::clean;
use crate::ports::clock::Clock;

/// The public API.
pub const DEFAULT_BASE: &str = "https://api.fastly.com";
/// A look at every PoP takes its time.
const TIMEOUT: Duration = Duration::from_secs(60);
/// PoPs of an answer that are looked at.
const MAX_POPS: usize = 500;

/// What one PoP serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PopSighting {
    /// Code of the PoP, upper case.
    pub pop: String,
    /// The cache that answered, cleaned.
    pub server: Option<String>,
    /// Why the PoP told nothing, or its answer; never with a body hash, for that of the API is an MD5.
    pub answer: Result<Answer, String>,
    /// MD5 of the whole body, in hex.
    pub md5: Option<String>,
}

/// Why there is no check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EdgeCheckError {
    #[error("the address of Fastly's API is unfit: {detail}")]
    BaseUrl { detail: String },
    /// Of ours: it holds characters that no token has.
    #[error("the Fastly token cannot be sent")]
    BadToken,
    /// Nothing was sent.
    #[error("not asked of Fastly: {why}")]
    Withheld { why: String },
    /// Nothing was sent, or Fastly said so itself.
    #[error("the edge checks of this hour are spent; the next in {} s", .again.as_secs().max(1))]
    Spent { again: Duration },
    #[error("Fastly cannot be reached: {detail}")]
    Unreachable { detail: String },
    #[error("Fastly did not answer within {} s", TIMEOUT.as_secs())]
    TimedOut,
    #[error("Fastly refused the token")]
    Token,
    #[error("Fastly refused the check (status {status})")]
    Refused { status: u16 },
    #[error("Fastly's answer cannot be read: {detail}")]
    Odd { detail: String },
}

impl From<Fault> for EdgeCheckError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unreachable(detail) => Self::Unreachable { detail: short(&detail) },
            Fault::TimedOut => Self::TimedOut,
            Fault::Broken(detail) => Self::Odd { detail: short(&detail) },
            Fault::TooLong => Self::Odd { detail: format!("it is longer than {MAX_ANSWER} bytes") },
        }
    }
}

/// The edge check of one service.
pub struct EdgeCheck {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    pace: Pace,
}

impl EdgeCheck {
    /// `base_url`: [`DEFAULT_BASE`] but in tests. Connects to nothing yet.
    ///
    /// # Errors
    /// An address or a token that cannot be used.
    pub fn new(
        base_url: &str,
        token: &SecretString,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, EdgeCheckError> {
        let unfit = |detail: &str| EdgeCheckError::BaseUrl { detail: detail.to_owned() };
        let url = Url::parse(base_url).map_err(|_| unfit("it is no URL"))?;
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback_url(&url)) {
            return Err(unfit("it begins with https://"));
        }
        let mut value = HeaderValue::from_str(token.expose_secret().trim())
            .map_err(|_| EdgeCheckError::BadToken)?;
        if value.is_empty() {
            return Err(EdgeCheckError::BadToken);
        }
        value.set_sensitive(true);
        let secret = (HeaderName::from_static("fastly-key"), value);
        let transport = HttpTransport::new(base_url, Some(secret), TIMEOUT)
            .map_err(|detail| EdgeCheckError::BaseUrl { detail: short(&detail) })?;
        Ok(Self { transport: Arc::new(transport), clock, pace: Pace::default() })
    }

    /// Checks left of this hour, counted by ourselves.
    #[must_use]
    pub fn left(&self) -> usize {
        self.pace.left(self.clock.moment())
    }

    /// What every PoP serves under `url` (`https://host/path?query`).
    ///
    /// # Errors
    /// A URL that is not for third parties, a spent hour, whatever Fastly says.
    pub async fn edge_check(&self, url: &str) -> Result<Vec<PopSighting>, EdgeCheckError> {
        let path = request(url)?;
        self.pace.take(self.clock.moment()).map_err(|again| EdgeCheckError::Spent { again })?;
        let reply = self.transport.exchange(Ask::get(path)).await?;
        match reply.status {
            200 => {}
            401 | 403 => return Err(EdgeCheckError::Token),
            429 => {
                let again = reply.retry_after().unwrap_or(Duration::from_secs(60));
                self.pace.close(self.clock.moment() + again);
                return Err(EdgeCheckError::Spent { again });
            }
            status => return Err(EdgeCheckError::Refused { status }),
        }
        if !reply.is_json() {
            return Err(EdgeCheckError::Odd { detail: "it is no JSON".to_owned() });
        }
        let entries: Vec<Entry> =
            decode(&reply.body).map_err(|detail| EdgeCheckError::Odd { detail: short(&detail) })?;
        let now = self.clock.wall();
        let sightings = entries.into_iter().take(MAX_POPS);
        Ok(sightings.filter_map(|entry| entry.into_sighting(now)).collect())
    }
}

/// Path and query of the call about `url`.
fn request(url: &str) -> Result<String, EdgeCheckError> {
    let withheld = |why: &str| EdgeCheckError::Withheld { why: why.to_owned() };
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let rest = rest.ok_or_else(|| withheld("this is no web address"))?;
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if let Some(why) = privacy::kept_from_third_parties(host, path) {
        return Err(withheld(&why));
    }
    let mut call = Url::parse(DEFAULT_BASE)
        .and_then(|base| base.join("/content/edge_check"))
        .map_err(|why| withheld(&why.to_string()))?;
    call.query_pairs_mut().append_pair("url", url);
    Ok(format!("{}?{}", call.path(), call.query().unwrap_or_default()))
}

/// One PoP, as the API tells it.
#[derive(Debug, Deserialize)]
struct Entry {
    pop: Option<String>,
    server: Option<String>,
    hash: Option<String>,
    response: Option<Response>,
}

#[derive(Debug, Deserialize)]
struct Response {
    status: Option<u16>,
    headers: Option<HeaderLines>,
}

impl Entry {
    /// `None`: not even the PoP is named.
    fn into_sighting(self, now: crate::domain::time::Timestamp) -> Option<PopSighting> {
        let hash = self.hash.unwrap_or_default();
        let pop = self
            .pop
            .or_else(|| Some(self.server.as_deref()?.rsplit_once('-')?.1.to_owned()))
            .or_else(|| Some(trouble(&hash)?.1.to_owned()))?;
        let fits = (2..=8).contains(&pop.len()) && pop.bytes().all(|b| b.is_ascii_alphanumeric());
        let read = |response: Response| Some((response.status?, response.headers?.into_map()));
        let answer = match (self.response.and_then(read), trouble(&hash)) {
            (_, Some(("timeout", _))) => Err("the PoP took too long".to_owned()),
            (Some((status, lines)), _) => Ok(headers::answer(status, &lines, now)),
            (None, _) => Err("the PoP told neither status nor headers".to_owned()),
        };
        let is_md5 = hash.len() == 32 && hash.bytes().all(|b| b.is_ascii_hexdigit());
        fits.then(|| PopSighting {
            pop: pop.to_ascii_uppercase(),
            server: self.server.as_deref().map(short),
            answer,
            md5: is_md5.then(|| hash.to_ascii_lowercase()),
        })
    }
}

/// `error-timeout-<pop>` and `warning-too-large-<pop>` stand in the place of a hash.
fn trouble(hash: &str) -> Option<(&'static str, &str)> {
    let timed_out = hash.strip_prefix("error-timeout-").map(|pop| ("timeout", pop));
    timed_out.or_else(|| hash.strip_prefix("warning-too-large-").map(|pop| ("size", pop)))
}

fn short(text: &str) -> String {
    clean(text.trim()).chars().take(200).collect()
}
