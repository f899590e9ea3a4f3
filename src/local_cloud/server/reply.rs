//! Answers of the API: JSON, an ID, and the quota where a call used it.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use super::headers::{http_date, text_value};
use crate::domain::time::Timestamp;
use crate::local_cloud::world::quota::QuotaLeft;
use crate::local_cloud::world::refusal::Refusal;

/// What is answered.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
    pub quota: Option<QuotaLeft>,
}

impl Reply {
    pub const fn ok(body: Value) -> Self {
        Self { status: 200, body, quota: None }
    }

    pub fn error(status: u16, message: &str) -> Self {
        Self { status, body: json!({"error": {"message": message}}), quota: None }
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
        let text = self.body.to_string();
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        );
        headers.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("max-age=0, private, must-revalidate"),
        );
        headers.insert(header::SERVER, HeaderValue::from_static("cloudinary"));
        let mut set = |name: &'static str, value: &str| {
            headers.insert(HeaderName::from_static(name), text_value(value));
        };
        set("etag", &format!("W/\"{}\"", hex::encode(Md5::digest(&text))));
        set("x-request-id", request_id);
        set("status", &format!("{status}"));
        if let Some(message) = self.body.pointer("/error/message").and_then(Value::as_str) {
            set("x-cld-error", message);
        }
        if let Some(quota) = self.quota {
            set("x-featureratelimit-limit", &quota.limit.to_string());
            set("x-featureratelimit-remaining", &quota.remaining.to_string());
            set("x-featureratelimit-reset", &http_date(quota.reset_at));
        }
        *response.body_mut() = Body::from(text);
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
