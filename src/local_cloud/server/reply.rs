//! Answers of the API: JSON, an ID, and the quota where a call used it.

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use md5::{Digest as _, Md5};
use serde::Serialize;
use serde_json::{Value, json};

use super::headers::{http_date, text_value};
use crate::domain::time::Timestamp;
use crate::local_cloud::world::quota::QuotaLeft;
use crate::local_cloud::world::refusal::Refusal;

const JSON: &str = "application/json; charset=utf-8";
/// Longest text of a refusal, in characters.
const LONGEST_MESSAGE: usize = 4096;

/// What is answered.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
    pub quota: Option<QuotaLeft>,
    /// Answered in place of `body`.
    pub file: Option<Box<File>>,
}

/// A file to be downloaded.
#[derive(Debug)]
pub struct File {
    pub bytes: Bytes,
    pub content_type: &'static str,
    /// The name to save it under, where it is not to be shown.
    pub attachment: Option<String>,
}

impl Reply {
    pub const fn ok(body: Value) -> Self {
        Self { status: 200, body, quota: None, file: None }
    }

    /// A refusal. What callers sent may be part of `message`, at any length.
    pub fn error(status: u16, message: &str) -> Self {
        let message = match message.char_indices().nth(LONGEST_MESSAGE) {
            Some((end, _)) => &format!("{}…", &message[..end]),
            None => message,
        };
        Self { status, ..Self::ok(json!({"error": {"message": message}})) }
    }

    /// An answer that is large, and that nobody changes any more.
    pub fn written(body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => Self::file(bytes.into(), JSON, None),
            Err(why) => Self::error(500, &why.to_string()),
        }
    }

    pub fn file(bytes: Bytes, content_type: &'static str, attachment: Option<String>) -> Self {
        let file = Box::new(File { bytes, content_type, attachment });
        Self { file: Some(file), ..Self::ok(Value::Null) }
    }

    pub fn no_such_endpoint(path: &str) -> Self {
        Self::error(404, &format!("The local cloud has no endpoint {path}"))
    }

    pub const fn with_quota(mut self, quota: QuotaLeft) -> Self {
        self.quota = Some(quota);
        self
    }

    /// The HTTP answer.
    pub fn send(self, request_id: &str) -> Response<Body> {
        let (content_type, bytes, attachment) = match self.file {
            None => (JSON, Bytes::from(self.body.to_string()), None),
            Some(file) => (file.content_type, file.bytes, file.attachment),
        };
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("max-age=0, private, must-revalidate"),
        );
        headers.insert(header::SERVER, HeaderValue::from_static("cloudinary"));
        let mut set = |name: &'static str, value: &str| {
            headers.insert(HeaderName::from_static(name), text_value(value));
        };
        set("etag", &format!("W/\"{}\"", hex::encode(Md5::digest(&bytes))));
        set("x-request-id", request_id);
        set("status", &format!("{status}"));
        if let Some(name) = attachment {
            let name: String = name.chars().map(|c| if c == '"' { '_' } else { c }).collect();
            set("content-disposition", &format!("attachment; filename=\"{name}\""));
        }
        if let Some(message) = self.body.pointer("/error/message").and_then(Value::as_str) {
            set("x-cld-error", message);
        }
        if let Some(quota) = self.quota {
            set("x-featureratelimit-limit", &quota.limit.to_string());
            set("x-featureratelimit-remaining", &quota.remaining.to_string());
            set("x-featureratelimit-reset", &http_date(quota.reset_at));
        }
        *response.body_mut() = Body::from(bytes);
        response
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        Self::error(refusal.status(), &refusal.to_string())
    }
}

/// An hour's calls are used up (facts §3.8).
pub fn quota_exceeded(quota: QuotaLeft) -> Reply {
    let reset = Timestamp::from_second(quota.reset_at).unwrap_or_default();
    let reset = reset.strftime("%Y-%m-%d %H:%M:%S UTC");
    let limit = quota.limit;
    let message = format!(
        "Rate Limit Exceeded. Limit of {limit} api operations reached. Try again on {reset}"
    );
    Reply::error(420, &message).with_quota(quota)
}

/// A bad parameter.
pub fn bad(message: impl AsRef<str>) -> Reply {
    Reply::error(400, message.as_ref())
}

pub fn missing(name: &str) -> Reply {
    bad(format!("Missing required parameter - {name}"))
}
