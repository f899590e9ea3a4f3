//! Carries one call out: URL, authentication, time-outs, bounded answers, and repeats where they are harmless.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Client, Method, StatusCode, Url, multipart};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use super::errors::{self, Refusal};
use super::quota::{self, QuotaCell};
use super::{Credentials, sign};
use crate::adapters::{deepest, io_in_words, tls};
use crate::domain::text::clean;
use crate::ports::clock::Clock;
use crate::ports::cloud::CloudError;

/// Longest wait that a `Retry-After` can ask of a call; longer ones are the caller's business.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// Patience and bounds of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientOptions {
    /// For one connection to be made.
    pub connect_timeout: Duration,
    /// For a whole call with its repeats.
    pub timeout: Duration,
    /// For one upload request; a large file takes several.
    pub upload_timeout: Duration,
    /// How often a harmless call is repeated at most.
    pub repeats: u32,
    /// Upper bound of the first pause; it doubles, and the real one is chance below it.
    pub pause: Duration,
    /// Bytes of an answer at most, after decompression.
    pub max_answer: usize,
    /// Bytes of a file sent in one request at most; a larger file goes in parts of `upload_part`.
    pub upload_whole: u64,
    pub upload_part: usize,
}

impl Default for ClientOptions {
    /// Upload sizes: facts, Upload API, "Limits".
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            upload_timeout: Duration::from_mins(10),
            repeats: 2,
            pause: Duration::from_millis(400),
            max_answer: 32 << 20,
            upload_whole: 100_000_000,
            upload_part: 20_000_000,
        }
    }
}

/// Whether a call that may have arrived can be sent once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Reads, and purges that change nothing.
    Harmless,
    /// Only while it is certain that nothing was sent.
    OnlyUnsent,
}

/// Parameters of an Upload API call, without those of the signature.
pub(super) type Params = Vec<(&'static str, String)>;

/// What a call carries; decides how it proves who we are.
#[derive(Debug)]
pub(super) enum Payload<'a> {
    /// Admin API, Basic authentication.
    Query(Params),
    Json(Value),
    /// Upload API, signed.
    Signed(Params),
    SignedFile {
        params: Params,
        file: &'a Path,
    },
    /// One part of a large file: bytes `from` to `from + part.len()` of `total`.
    SignedPart {
        params: Params,
        name: &'a str,
        part: Vec<u8>,
        from: u64,
        total: u64,
        upload: &'a str,
    },
}

/// One call to the API.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub method: Method,
    /// Below `/v1_1/<cloud>/`, percent-encoded.
    pub path: String,
    pub payload: Payload<'a>,
    pub repeat: Repeat,
    pub timeout: Duration,
    /// What it is about, in the operator's words.
    pub subject: String,
}

/// The whole answer to a call.
#[derive(Debug)]
pub(super) struct Reply {
    pub body: Vec<u8>,
}

/// An attempt that gave no usable answer.
struct Failed {
    error: CloudError,
    /// Nothing left this host.
    unsent: bool,
    again: Again,
}

/// Whether another attempt may fare better.
enum Again {
    No,
    Soon,
    /// After the pause that the cloud asks for.
    After(Duration),
}

/// The connection pool to one API and what every call needs.
pub(super) struct Transport {
    http: Client,
    api: String,
    credentials: Credentials,
    pub(super) options: ClientOptions,
    pub(super) quota: QuotaCell,
    clock: Arc<dyn Clock>,
}

impl Transport {
    pub(super) fn new(
        credentials: Credentials,
        api: &str,
        options: ClientOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CloudError> {
        let api = api.trim_end_matches('/').to_owned();
        let unusable = |detail: &str| CloudError::Unreachable {
            api: clean(&api).into_owned(),
            detail: detail.to_owned(),
        };
        let url = Url::parse(&api).map_err(|_| unusable("this is no URL"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(unusable("an API prefix begins with https:// or http:// and a host"));
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err(CloudError::Unreachable {
                api: url.host_str().unwrap_or_default().to_owned(),
                detail: "an API prefix has neither user, password nor query".to_owned(),
            });
        }
        let loopback = crate::adapters::is_loopback_url(&url);
        let mut tls = if loopback && url.scheme() == "http" {
            tls::plain_only()
        } else {
            tls::client_config()
        };
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(crate::adapters::USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(options.connect_timeout);
        if loopback {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|why| unusable(&innermost(&why)))?;
        Ok(Self { http, api, credentials, options, quota: QuotaCell::default(), clock })
    }

    pub(super) fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    pub(super) fn api(&self) -> &str {
        &self.api
    }

    pub(super) fn cloud(&self) -> &str {
        &self.credentials.cloud_name
    }

    /// Sends `call` until it has an answer, may not be repeated or has no time left.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Reply, CloudError> {
        let deadline = Instant::now() + call.timeout;
        for attempt in 0.. {
            let failed = match self.once(call, deadline).await {
                Ok(reply) => return Ok(reply),
                Err(failed) => failed,
            };
            let pause = match failed.again {
                Again::No => return Err(failed.error),
                Again::Soon => self.jitter(attempt),
                Again::After(asked) => asked,
            };
            if attempt >= self.options.repeats
                || !(failed.unsent || call.repeat == Repeat::Harmless)
                || pause > MAX_PAUSE
                || Instant::now() + pause >= deadline
            {
                return Err(failed.error);
            }
            tracing::debug!(path = %call.path, attempt, why = %failed.error, "call is repeated");
            tokio::time::sleep(pause).await;
        }
        unreachable!("the loop above returns")
    }

    /// Reads the answer of `call` as JSON.
    pub(super) async fn json<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, CloudError> {
        let reply = self.send(call).await?;
        self.decode(&reply.body)
    }

    pub(super) fn decode<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, CloudError> {
        if let Ok(read) = serde_json::from_slice(body) {
            return Ok(read);
        }
        // once more, for the place of what is odd: keeping it costs as much again
        let mut json = serde_json::Deserializer::from_slice(body);
        let read = serde_path_to_error::deserialize(&mut json).map_err(|why| {
            let (path, why) = (why.path().to_string(), why.into_inner());
            if why.is_data() {
                format!("at `{path}`: {why}")
            } else if body.trim_ascii_start().starts_with(b"{") {
                format!("broken JSON: {why}")
            } else {
                errors::no_json(body)
            }
        });
        read.map_err(|detail| self.malformed(&detail))
    }

    pub(super) fn malformed(&self, detail: &str) -> CloudError {
        errors::malformed(&self.api, detail, &self.credentials.api_secret)
    }

    /// Foreign text that may be shown.
    pub(super) fn tidy(&self, raw: &str) -> String {
        errors::tidy(raw, &self.credentials.api_secret)
    }

    async fn once(&self, call: &Call<'_>, deadline: Instant) -> Result<Reply, Failed> {
        let final_error = |error| Failed { error, unsent: true, again: Again::No };
        let request = self
            .request(call)
            .await
            .map_err(final_error)?
            .timeout(deadline.saturating_duration_since(Instant::now()));
        let response = request.send().await.map_err(|why| self.no_answer(call, &why))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let told = quota::read(&headers);
        if let Some(quota) = told {
            self.quota.set(quota);
        }
        let body = self.body(call, response).await?;
        if status.is_success() && (body.len() > 8192 || errors::message_of(&body).is_none()) {
            return Ok(Reply { body });
        }
        let mut error = Refusal {
            cloud: self.cloud(),
            api: &self.api,
            subject: &call.subject,
            status: status.as_u16(),
            body: &body,
            location: headers.get(LOCATION).and_then(|to| to.to_str().ok()),
            quota: told,
            secret: &self.credentials.api_secret,
        }
        .into_error();
        let again = match &mut error {
            CloudError::Unavailable { retry_after: asked, .. } => {
                *asked = retry_after(status, &headers);
                // who makes many of them has all of them wait, and not this one alone
                let is_one_too_many =
                    status == StatusCode::TOO_MANY_REQUESTS && call.method == Method::POST;
                if is_one_too_many { Again::No } else { asked.map_or(Again::Soon, Again::After) }
            }
            _ => Again::No,
        };
        Err(Failed { error, unsent: false, again })
    }

    /// The body of an answer, as far as it is within bounds.
    async fn body(
        &self,
        call: &Call<'_>,
        mut response: reqwest::Response,
    ) -> Result<Vec<u8>, Failed> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|why| self.no_answer(call, &why))? {
            if body.len() + chunk.len() > self.options.max_answer {
                return Err(Failed {
                    error: self.malformed(&format!(
                        "an answer of more than {} bytes",
                        self.options.max_answer
                    )),
                    unsent: false,
                    again: Again::No,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    async fn request(&self, call: &Call<'_>) -> Result<reqwest::RequestBuilder, CloudError> {
        let request = self.http.request(call.method.clone(), self.url(&call.path)?);
        let basic = |request: reqwest::RequestBuilder| {
            request.basic_auth(
                &self.credentials.api_key,
                Some(self.credentials.api_secret.expose_secret()),
            )
        };
        Ok(match &call.payload {
            Payload::Query(query) if query.is_empty() => basic(request),
            Payload::Query(query) => basic(request).query(query),
            Payload::Json(body) => basic(request).json(body),
            Payload::Signed(params) => request.form(&self.signed(params)),
            Payload::SignedFile { params, file } => {
                let unreadable = |why: std::io::Error| unreadable(file, &why);
                let opened = tokio::fs::File::open(file).await.map_err(unreadable)?;
                let length = opened.metadata().await.map_err(unreadable)?.len();
                let part =
                    multipart::Part::stream_with_length(opened, length).file_name(file_name(file));
                request.multipart(self.form(params).part("file", part))
            }
            Payload::SignedPart { params, name, part, from, total, upload } => {
                let last = from + part.len() as u64 - 1;
                let part = multipart::Part::bytes(part.clone()).file_name((*name).to_owned());
                request
                    .header("Content-Range", format!("bytes {from}-{last}/{total}"))
                    .header("X-Unique-Upload-Id", *upload)
                    .multipart(self.form(params).part("file", part))
            }
        })
    }

    fn form(&self, params: &Params) -> multipart::Form {
        self.signed(params)
            .into_iter()
            .fold(multipart::Form::new(), |form, (name, value)| form.text(name, value))
    }

    /// `params` with time, key and signature; signed anew for every attempt.
    fn signed(&self, params: &Params) -> Params {
        let mut params = params.clone();
        params.retain(|(_, value)| !value.is_empty());
        params.push(("timestamp", self.clock.wall().as_second().to_string()));
        let signature =
            sign::sign(&params, &self.credentials.api_secret, self.credentials.signature);
        params.push(("api_key", self.credentials.api_key.clone()));
        params.push(("signature", signature));
        params
    }

    fn url(&self, path: &str) -> Result<Url, CloudError> {
        let text = format!("{}/v1_1/{}/{path}", self.api, escape(self.cloud(), ""));
        // an HTTP client folds `.` and `..` away and would then ask for another asset
        let folded = path.split('/').any(|segment| matches!(segment, "." | ".."));
        match Url::parse(&text) {
            Ok(url) if !folded => Ok(url),
            _ => Err(CloudError::Refused {
                cloud: self.cloud().to_owned(),
                message: format!("`{}` cannot be part of an API address", clean(path)),
            }),
        }
    }

    fn no_answer(&self, call: &Call<'_>, why: &reqwest::Error) -> Failed {
        let api = self.api.clone();
        if why.is_connect() {
            let detail = if why.is_timeout() {
                format!("no connection within {} s", self.options.connect_timeout.as_secs())
            } else {
                self.tidy(&innermost(why))
            };
            let error = CloudError::Unreachable { api, detail };
            return Failed { error, unsent: true, again: Again::Soon };
        }
        if why.is_timeout() {
            let error = CloudError::TimedOut { api, after: call.timeout };
            return Failed { error, unsent: false, again: Again::No };
        }
        let detail =
            format!("the connection broke before the answer was complete ({})", innermost(why));
        Failed { error: self.malformed(&detail), unsent: false, again: Again::Soon }
    }

    /// A pause of chance length, up to a bound that doubles with every attempt.
    fn jitter(&self, attempt: u32) -> Duration {
        self.options.pause.saturating_mul(2_u32.saturating_pow(attempt)).mul_f64(fastrand::f64())
    }
}

/// `text` with everything outside `A–Z a–z 0–9 _ . -` and `also` percent-encoded (facts: Admin API, "Path escaping").
pub(super) fn escape(text: &str, also: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut path, byte| {
        if byte.is_ascii_alphanumeric() || b"_.-".contains(&byte) || also.as_bytes().contains(&byte)
        {
            path.push(char::from(byte));
        } else {
            write!(path, "%{byte:02X}").expect("a String takes everything");
        }
        path
    })
}

/// The file's own name, with what could confuse a multipart reader replaced.
pub(super) fn file_name(file: &Path) -> String {
    let name = file.file_name().map(std::ffi::OsStr::to_string_lossy).unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '_' };
    name.chars().map(plain).collect()
}

pub(super) fn unreadable(file: &Path, why: &std::io::Error) -> CloudError {
    CloudError::File {
        path: clean(&file.display().to_string()).into_owned(),
        detail: io_in_words(why),
    }
}

/// What lies at the bottom of an error, without URLs and numbers of the operating system.
pub(super) fn innermost(why: &(dyn std::error::Error + 'static)) -> String {
    let why = deepest(why);
    why.downcast_ref::<std::io::Error>().map_or_else(|| why.to_string(), io_in_words)
}

fn retry_after(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    let asked = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    matches!(status.as_u16(), 429 | 503).then(|| Duration::from_secs(asked))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("press/kit/hero", "press/kit/hero")]
    #[case("été 2026/a&b", "%C3%A9t%C3%A9%202026/a%26b")]
    #[case("http://example.com/a b?x=1", "http://example.com/a%20b%3Fx%3D1")]
    #[case("a(b)'~", "a%28b%29%27%7E")]
    fn ids_keep_their_slashes_and_colons(#[case] id: &str, #[case] path: &str) {
        assert_eq!(escape(id, "/:"), path);
    }

    #[test]
    fn a_tag_keeps_no_slash() {
        assert_eq!(escape("a/b", ""), "a%2Fb");
    }

    #[test]
    fn file_names_are_plain() {
        assert_eq!(file_name(Path::new("/tmp/é \"x\".png")), "___x_.png");
    }
}
