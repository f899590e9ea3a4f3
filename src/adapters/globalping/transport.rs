//! One call to an API over HTTPS: bounded in time and size, no redirect, nothing repeated.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{
    ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, RETRY_AFTER,
};
use reqwest::{Method, Url};

use crate::adapters::{USER_AGENT, deepest, io_in_words, is_loopback_url, tls};

/// Bytes of an answer at most, after decompression.
pub(in crate::adapters) const MAX_ANSWER: usize = 1 << 20;
/// For a connection to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest pause that an API can ask for.
const MAX_PAUSE: Duration = Duration::from_secs(3600);

/// What is asked of an API.
#[derive(Debug, Clone)]
pub(in crate::adapters) struct Ask {
    pub method: Method,
    /// Below the base URL, with a leading `/`, percent-encoded.
    pub path: String,
    /// JSON.
    pub body: Option<Vec<u8>>,
    /// For `If-None-Match`.
    pub etag: Option<HeaderValue>,
}

impl Ask {
    pub(in crate::adapters) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: None, etag: None }
    }
}

/// A whole answer, whatever its status.
#[derive(Debug, Clone)]
pub(in crate::adapters) struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    /// A header as text.
    pub(in crate::adapters) fn text(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
    }

    /// `Retry-After` in seconds, at most an hour.
    pub(in crate::adapters) fn retry_after(&self) -> Option<Duration> {
        let seconds = self.text(RETRY_AFTER.as_str())?.parse().ok()?;
        Some(Duration::from_secs(seconds).min(MAX_PAUSE))
    }

    /// Whether the body says that it is JSON.
    pub(in crate::adapters) fn is_json(&self) -> bool {
        let kind = self.text(CONTENT_TYPE.as_str()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::adapters) enum Fault {
    /// Nothing left this host.
    Unreachable(String),
    TimedOut,
    Broken(String),
    TooLong,
}

/// Carries one call out.
#[async_trait]
pub(in crate::adapters) trait Transport: Send + Sync {
    async fn exchange(&self, ask: Ask) -> Result<Reply, Fault>;
}

/// The real thing: a connection pool to one API.
pub(in crate::adapters) struct HttpTransport {
    http: reqwest::Client,
    base: String,
    timeout: Duration,
}

impl HttpTransport {
    /// `secret` goes with every call.
    ///
    /// # Errors
    /// In words, what makes `base` or this host unfit.
    pub(in crate::adapters) fn new(
        base: &str,
        secret: Option<(HeaderName, HeaderValue)>,
        timeout: Duration,
    ) -> Result<Self, String> {
        let base = base.trim_end_matches('/').to_owned();
        let url = Url::parse(&base).map_err(|_| "it is no URL".to_owned())?;
        let loopback = is_loopback_url(&url);
        let plain = loopback && url.scheme() == "http";
        let mut tls = if plain { tls::plain_only() } else { tls::client_config() };
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let mut headers: HeaderMap = secret.into_iter().collect();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(USER_AGENT)
            .default_headers(headers)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT);
        if loopback {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|why| in_words(&why))?;
        Ok(Self { http, base, timeout })
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Reply, Fault> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|why| fault(&why))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(Fault::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, headers, body })
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn exchange(&self, ask: Ask) -> Result<Reply, Fault> {
        let mut request = self
            .http
            .request(ask.method, format!("{}{}", self.base, ask.path))
            .timeout(self.timeout);
        if let Some(etag) = ask.etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(body) = ask.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let response = request.send().await.map_err(|why| fault(&why))?;
        self.read(response).await
    }
}

fn fault(why: &reqwest::Error) -> Fault {
    match why {
        _ if why.is_connect() => Fault::Unreachable(in_words(why)),
        _ if why.is_timeout() => Fault::TimedOut,
        _ => Fault::Broken(in_words(why)),
    }
}

/// What lies at the bottom of an error, without URLs and numbers of the operating system.
fn in_words(why: &reqwest::Error) -> String {
    if why.is_timeout() {
        return format!("no connection within {} s", CONNECT_TIMEOUT.as_secs());
    }
    let why = deepest(why);
    why.downcast_ref::<std::io::Error>().map_or_else(|| why.to_string(), io_in_words)
}
