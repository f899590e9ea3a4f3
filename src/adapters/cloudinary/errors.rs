//! What a refusal means (facts: Upload API, "Errors"; Admin API, "Rate limits"), without secrets in any text.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::wire;
use crate::domain::text::clean;
use crate::domain::time::Timestamp;
use crate::ports::cloud::{CloudError, Quota};

/// Characters of foreign text that an error carries at most.
const MAX_TEXT: usize = 300;

/// A reply that is no success, and what it was about.
pub(super) struct Refusal<'a> {
    pub cloud: &'a str,
    pub api: &'a str,
    /// Asset or thing asked for, as the operator knows it.
    pub subject: &'a str,
    pub status: u16,
    pub body: &'a [u8],
    /// Where a redirect points.
    pub location: Option<&'a str>,
    pub quota: Option<Quota>,
    pub secret: &'a SecretString,
}

impl Refusal<'_> {
    pub(super) fn into_error(self) -> CloudError {
        let cloud = self.cloud.to_owned();
        let told = message_of(self.body).map(|raw| tidy(&raw, self.secret));
        let message = told.clone().unwrap_or_else(|| no_json(self.body));
        let says = |words: &str| message.to_ascii_lowercase().contains(words);
        match self.status {
            300..=399 => CloudError::Refused { cloud, message: self.redirect() },
            401 => CloudError::Unauthorized { cloud, message },
            403 => CloudError::Forbidden { cloud, message },
            // only the API's own words prove that an asset is missing: a proxy says 404 as well
            404 if told.is_some() && says("resource not found") => {
                CloudError::NotFound { cloud, asset: clean(self.subject).into_owned() }
            }
            400 if says("already exists") => CloudError::Conflict { message },
            409 => CloudError::Conflict { message },
            420 | 429 if says("subscription") => CloudError::Forbidden { cloud, message },
            420 | 429 => match self.limit(&message) {
                Some(limit) => CloudError::RateLimited {
                    cloud,
                    limit,
                    retry_at: self
                        .quota
                        .and_then(|quota| quota.reset_at)
                        .or_else(|| try_again_on(&message)),
                },
                None if self.status == 429 => CloudError::Unavailable {
                    cloud,
                    status: self.status,
                    message,
                    retry_after: None,
                },
                None => CloudError::Refused { cloud, message },
            },
            408 | 425 | 500..=599 => {
                CloudError::Unavailable { cloud, status: self.status, message, retry_after: None }
            }
            _ if told.is_some() => CloudError::Refused { cloud, message },
            status => CloudError::Malformed {
                api: self.api.to_owned(),
                detail: format!("{message} (status {status})"),
            },
        }
    }

    /// The hourly limit, where this reply is about the hourly limit.
    fn limit(&self, message: &str) -> Option<u32> {
        match self.quota {
            Some(quota) if quota.remaining == 0 => Some(quota.limit),
            _ => number_after(message, "Limit of "),
        }
    }

    fn redirect(&self) -> String {
        let to = self.location.and_then(|location| reqwest::Url::parse(location).ok());
        match to.as_ref().and_then(reqwest::Url::host_str) {
            Some(host) => format!(
                "it redirects to {}; credentials are not taken along, so no redirect is followed",
                clean(host)
            ),
            None => "it redirects; no redirect is followed".to_owned(),
        }
    }
}

/// An answer of an unexpected kind, with the status it came with.
pub(super) fn malformed(api: &str, detail: &str, secret: &SecretString) -> CloudError {
    CloudError::Malformed { api: api.to_owned(), detail: tidy(detail, secret) }
}

/// Says what came instead of JSON.
pub(super) fn no_json(body: &[u8]) -> String {
    let start = String::from_utf8_lossy(&body[..body.len().min(240)]);
    let start = start.trim_start_matches('\u{feff}').trim();
    if start.is_empty() {
        "an empty answer".to_owned()
    } else if start.starts_with('<') {
        "an HTML page instead of JSON, as a proxy, a login page or a wrong upload_prefix gives"
            .to_owned()
    } else {
        format!("text instead of JSON: {}", clean(&start.chars().take(60).collect::<String>()))
    }
}

/// The text of `{"error":{"message":"…"}}` or `{"error":"…"}`, if the body is one.
pub(super) fn message_of(body: &[u8]) -> Option<String> {
    if body.first() != Some(&b'{') && !body.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    match serde_json::from_slice::<wire::ErrorReply>(body).ok()?.error? {
        Value::String(text) => Some(text),
        Value::Object(error) => Some(error.get("message")?.as_str()?.to_owned()),
        _ => None,
    }
}

/// Foreign text that may be shown: one line, bounded, without secret, signature or the string that was signed.
pub(super) fn tidy(raw: &str, secret: &SecretString) -> String {
    let mut text = raw.to_owned();
    if let Some(at) = find_ignoring_case(&text, "invalid signature") {
        text.truncate(at + "invalid signature".len());
        text.push_str(": the API secret or the signature algorithm is not the one of this API key");
    }
    if let Some(at) = find_ignoring_case(&text, "string to sign") {
        text.truncate(at);
    }
    if !secret.expose_secret().is_empty() {
        text = text.replace(secret.expose_secret(), "***");
    }
    let text = mask_digests(text.trim());
    let text = clean(&text);
    match text.char_indices().nth(MAX_TEXT) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.into_owned(),
    }
}

/// Replaces runs of 40 or more hex digits, which only signatures are.
fn mask_digests(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        let (before, run) = rest.split_at(start);
        let end = run.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(run.len());
        masked.push_str(before);
        masked.push_str(if end >= 40 { "***" } else { &run[..end] });
        rest = &run[end..];
    }
    masked + rest
}

fn find_ignoring_case(text: &str, lower: &str) -> Option<usize> {
    text.to_ascii_lowercase().find(lower) // ASCII folding keeps every offset
}

fn number_after(text: &str, words: &str) -> Option<u32> {
    let rest = &text[text.find(words)? + words.len()..];
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// `… Try again on 2025-08-08 17:00:00 UTC`.
fn try_again_on(message: &str) -> Option<Timestamp> {
    let rest = &message[message.find("Try again on ")? + "Try again on ".len()..];
    rest.get(..19)?
        .parse::<jiff::civil::DateTime>()
        .ok()?
        .to_zoned(jiff::tz::TimeZone::UTC)
        .ok()
        .map(|at| at.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const SIGNED: &str = "96bb43a4d634e85642882aeee8b154104d1424d7";

    fn error_of(status: u16, body: &str, quota: Option<Quota>) -> CloudError {
        Refusal {
            cloud: "acme-demo",
            api: "https://api.example.com",
            subject: "press/kit/hero",
            status,
            body: body.as_bytes(),
            location: Some("https://login.example.org/x?y=1"),
            quota,
            secret: &SecretString::from("s3cr3t-acme"),
        }
        .into_error()
    }

    fn said(message: &str) -> String {
        serde_json::json!({ "error": { "message": message } }).to_string()
    }

    const SPENT: Option<Quota> = Some(Quota { limit: 500, remaining: 0, reset_at: None });
    const LEFT: Option<Quota> = Some(Quota { limit: 500, remaining: 9, reset_at: None });

    #[rstest]
    #[case(
        400,
        said("Missing required parameter - public_id"),
        None,
        "acme-demo refused the request: Missing required parameter - public_id"
    )]
    #[case(
        400,
        said("Stale request - reported time is 2026-01-01 which is more than 1 hour ago"),
        None,
        "acme-demo refused the request: Stale request - reported time is 2026-01-01 which is more than 1 hour ago"
    )]
    #[case(
        400,
        said("to_public_id press/kit/hero already exists"),
        None,
        "to_public_id press/kit/hero already exists"
    )]
    #[case(409, said("Folder already exists"), None, "Folder already exists")]
    #[case(401, said(&format!("Invalid Signature {SIGNED}. String to sign - 'public_id=a&timestamp=1'.")), None, "acme-demo refused the credentials: Invalid Signature: the API secret or the signature algorithm is not the one of this API key")]
    #[case(
        401,
        said("api_secret mismatch"),
        None,
        "acme-demo refused the credentials: api_secret mismatch"
    )]
    #[case(
        401,
        said("cloud_name mismatch"),
        None,
        "acme-demo refused the credentials: cloud_name mismatch"
    )]
    #[case(401, "<html>log in</html>".into(), None, "acme-demo refused the credentials: an HTML page instead of JSON, as a proxy, a login page or a wrong upload_prefix gives")]
    #[case(
        403,
        said("User is not permitted"),
        None,
        "acme-demo does not permit this: User is not permitted"
    )]
    #[case(
        404,
        said("Resource not found - press/kit/hero"),
        None,
        "press/kit/hero does not exist in acme-demo"
    )]
    #[case(404, said("No such route"), None, "acme-demo refused the request: No such route")]
    #[case(404, "<!DOCTYPE html>Resource not found".into(), None, "https://api.example.com sent something that is no answer of this API: an HTML page instead of JSON, as a proxy, a login page or a wrong upload_prefix gives (status 404)")]
    #[case(
        404,
        String::new(),
        None,
        "https://api.example.com sent something that is no answer of this API: an empty answer (status 404)"
    )]
    #[case(
        420,
        said(
            "Rate Limit Exceeded. Limit of 500 api operations reached. Try again on 2025-08-08 17:00:00 UTC"
        ),
        None,
        "acme-demo allows 500 Admin API calls an hour and all are used"
    )]
    #[case(
        420,
        said("whatever"),
        SPENT,
        "acme-demo allows 500 Admin API calls an hour and all are used"
    )]
    #[case(
        420,
        said("You don't have an active subscription for Aspose"),
        SPENT,
        "acme-demo does not permit this: You don't have an active subscription for Aspose"
    )]
    #[case(420, said("calm down"), LEFT, "acme-demo refused the request: calm down")]
    #[case(
        429,
        said("Too many concurrent requests"),
        LEFT,
        "acme-demo is overloaded (429): Too many concurrent requests"
    )]
    #[case(
        429,
        said("Too many"),
        SPENT,
        "acme-demo allows 500 Admin API calls an hour and all are used"
    )]
    #[case(500, said("General Error"), None, "acme-demo is overloaded (500): General Error")]
    #[case(502, "<html>bad gateway</html>".into(), None, "acme-demo is overloaded (502): an HTML page instead of JSON, as a proxy, a login page or a wrong upload_prefix gives")]
    #[case(503, String::new(), None, "acme-demo is overloaded (503): an empty answer")]
    #[case(
        302,
        String::new(),
        None,
        "acme-demo refused the request: it redirects to login.example.org; credentials are not taken along, so no redirect is followed"
    )]
    #[case(418, said("teapot"), None, "acme-demo refused the request: teapot")]
    #[case(418, "short and stout".into(), None, "https://api.example.com sent something that is no answer of this API: text instead of JSON: short and stout (status 418)")]
    #[case(400, r#"{"error":"plain text"}"#.into(), None, "acme-demo refused the request: plain text")]
    fn each_refusal_is_told_apart(
        #[case] status: u16,
        #[case] body: String,
        #[case] quota: Option<Quota>,
        #[case] message: &str,
    ) {
        assert_eq!(error_of(status, &body, quota).to_string(), message);
    }

    #[test]
    fn the_time_to_try_again_is_read_from_the_message_where_no_header_tells() {
        let body = said(
            "Rate Limit Exceeded. Limit of 500 api operations reached. Try again on 2025-08-08 17:00:00 UTC",
        );
        let CloudError::RateLimited { retry_at, limit, .. } = error_of(420, &body, None) else {
            panic!("not rate limited");
        };
        assert_eq!((limit, retry_at), (500, Some("2025-08-08T17:00:00Z".parse().unwrap())));
    }

    #[rstest]
    #[case("leaks s3cr3t-acme here", "leaks *** here")]
    #[case("sig 507370e8e24d63e42a60b66ed1f9376cbb48972ad1c8190ce1ac7d721727cf78!", "sig ***!")]
    #[case("asset 5f0c1d2e3a4b5c6d7e8f901234567890", "asset 5f0c1d2e3a4b5c6d7e8f901234567890")]
    #[case("red \u{1b}[31m\u{202e}", "red \u{fffd}[31m\u{fffd}")]
    #[case("odd. STRING TO SIGN - 'x'", "odd.")]
    fn foreign_text_is_tidied(#[case] raw: &str, #[case] shown: &str) {
        assert_eq!(tidy(raw, &SecretString::from("s3cr3t-acme")), shown);
    }

    #[test]
    fn foreign_text_is_bounded() {
        let long = "é".repeat(10_000);
        assert_eq!(tidy(&long, &SecretString::from("")).chars().count(), MAX_TEXT + 1);
    }
}
