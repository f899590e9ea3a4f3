//! Searches by signed URL on the delivery hosts: `/<cloud>/search/<signature>/<ttl>/<query>[/<next_cursor>]`.
//!
//! Whoever has such a URL may search, without credentials and without using up the hour's calls; edges keep the
//! answer for as long as the URL says (facts §3.9).

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, Response, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::found;
use crate::local_cloud::server::Cloud;
use crate::local_cloud::server::headers::text_value;
use crate::local_cloud::server::listen::Peer;
use crate::local_cloud::server::params::{Params, unescape};
use crate::local_cloud::server::reply::{Reply, bad};
use crate::local_cloud::world::search::KeptReply;

/// Longest time that an answer is kept: as long as any other copy.
const LONGEST_TTL: u64 = 30 * 86_400;

/// What a signed URL says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SignedSearch {
    signature: String,
    ttl: String,
    query: String,
    next_cursor: Option<String>,
}

impl SignedSearch {
    /// Reads path and query; none where they are no signed search of this cloud.
    fn read(target: &str, cloud_name: &str) -> Option<Self> {
        let path = target.split('?').next()?.strip_prefix('/')?;
        let mut parts = path.split('/').map(|part| unescape(part, false));
        if parts.next()? != cloud_name || parts.next()? != "search" {
            return None;
        }
        let read = Self {
            signature: parts.next()?,
            ttl: parts.next()?,
            query: parts.next()?,
            next_cursor: parts.next(),
        };
        let is_number = !read.ttl.is_empty() && read.ttl.bytes().all(|b| b.is_ascii_digit());
        (is_number && parts.next().is_none()).then_some(read)
    }

    /// Always SHA-256, over time to live, query and secret. The cursor is not signed.
    fn is_signed_with(&self, secret: &SecretString) -> bool {
        let text = format!("{}{}{}", self.ttl, self.query, secret.expose_secret());
        let expected = hex::encode(Sha256::digest(text));
        self.signature.as_bytes().ct_eq(expected.as_bytes()).into()
    }

    fn ttl(&self) -> Duration {
        Duration::from_secs(self.ttl.parse().unwrap_or(LONGEST_TTL).min(LONGEST_TTL))
    }

    fn params(&self) -> Result<Params, Reply> {
        let plain = URL_SAFE_NO_PAD.decode(self.query.trim_end_matches('='));
        let plain = plain.map_err(|_| bad("Invalid search query in URL"))?;
        let mut params = Params::from_json(&plain)?;
        params.set_text("next_cursor", self.next_cursor.as_deref().unwrap_or_default());
        Ok(params)
    }

    /// Searches, where the signature is right.
    fn answer(&self, cloud: &Cloud) -> Result<Bytes, Reply> {
        if !self.is_signed_with(&cloud.settings.api_secret) {
            let message = format!(
                "Invalid Signature {}. String to sign - '{}{}'.",
                self.signature, self.ttl, self.query
            );
            return Err(Reply::error(401, &message));
        }
        Ok(found(cloud, &self.params()?)?.to_string().into())
    }
}

/// Answers a signed search at an edge; none where `target` (path and query) is none.
pub async fn at_edge(
    cloud: &Arc<Cloud>,
    edge: usize,
    peer: &Peer,
    target: &str,
) -> Option<Response<Body>> {
    let search = SignedSearch::read(target, &cloud.settings.cloud_name)?;
    let (kept, delay) = cloud.with(|world, now| world.search_at_edge(edge, target, now));
    tokio::time::sleep(delay).await;
    Some(match kept {
        KeptReply::Kept { body, age } => {
            let mut response = listing(cloud, body, search.ttl());
            set(&mut response, "age", &age.as_secs().to_string());
            set(&mut response, "x-cache", "HIT");
            response
        }
        KeptReply::Missing => {
            let mut response = asked(cloud, search, Some((edge, target.to_owned()))).await;
            set(&mut response, "x-cache", "MISS");
            response
        }
        KeptReply::Refused { status, retry_after } => {
            let mut response = empty(status);
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            response
        }
        KeptReply::Reset => {
            peer.cut();
            empty(503)
        }
    })
}

/// Answers a signed search past every cache; none where `target` (path and query) is none.
pub async fn at_origin(cloud: &Arc<Cloud>, target: &str) -> Option<Response<Body>> {
    let search = SignedSearch::read(target, &cloud.settings.cloud_name)?;
    Some(asked(cloud, search, None).await)
}

/// Searches off the async threads; the edge keeps what it was answered.
async fn asked(
    cloud: &Arc<Cloud>,
    search: SignedSearch,
    keep: Option<(usize, String)>,
) -> Response<Body> {
    let cloud = cloud.clone();
    let done = tokio::task::spawn_blocking(move || match search.answer(&cloud) {
        Ok(body) => {
            if let Some((edge, target)) = keep {
                let ttl = search.ttl();
                cloud.with(|world, now| world.keep_search(edge, &target, body.clone(), ttl, now));
            }
            listing(&cloud, body, search.ttl())
        }
        Err(refused) => {
            let mut response = refused.send(&cloud.request_id());
            set(&mut response, "cache-control", "private, no-transform, max-age=0, no-cache");
            response
        }
    });
    done.await.unwrap_or_else(|_| empty(500))
}

fn listing(cloud: &Cloud, body: Bytes, ttl: Duration) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    set(&mut response, "content-type", "application/json; charset=utf-8");
    set(&mut response, "cache-control", &format!("public, max-age={}", ttl.as_secs()));
    set(&mut response, "access-control-allow-origin", "*");
    set(&mut response, "access-control-expose-headers", "X-Cld-Error");
    set(&mut response, "server", "Cloudinary");
    set(&mut response, "content-length", &body.len().to_string());
    set(&mut response, "x-request-id", &cloud.request_id());
    *response.body_mut() = Body::from(body);
    response
}

fn set(response: &mut Response<Body>, name: &'static str, value: &str) {
    response.headers_mut().insert(HeaderName::from_static(name), text_value(value));
}

fn empty(status: u16) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    response.headers_mut().insert(header::CONTENT_LENGTH, 0.into());
    response
}

#[cfg(test)]
mod unit {
    use super::*;

    const QUERY: &str = "eyJleHByZXNzaW9uIjoidGFncz1wcmVzcyBBTkQgdXBsb2FkZWRfYXQ-MWQiLCJtYXhfcmVzdWx0cyI6MzAsInNvcnRfYnkiOlt7ImNyZWF0ZWRfYXQiOiJkZXNjIn1dfQ==";
    const SIGNATURE: &str = "beab5de24548eebc7252b00c2735868d58b2c8114523cd8485ae5ebaf857628b";

    /// The vector of the reference, secret `s3cr3t-acme`.
    #[test]
    fn the_documented_url_is_read_and_its_signature_is_right() {
        let secret = SecretString::from("s3cr3t-acme");
        let target = format!("/acme-demo/search/{SIGNATURE}/300/{QUERY}");
        let search = SignedSearch::read(&target, "acme-demo").unwrap();
        assert!(search.is_signed_with(&secret));
        assert_eq!(search.ttl(), Duration::from_secs(300));
        let params = search.params().unwrap();
        assert_eq!(params.text("expression"), Some("tags=press AND uploaded_at>1d"));
        assert_eq!((params.text("max_results"), params.text("next_cursor")), (Some("30"), None));
        let escaped = target.replace('=', "%3D");
        assert_eq!(SignedSearch::read(&escaped, "acme-demo"), Some(search.clone()));
        let next = SignedSearch::read(&format!("{target}/abc?x=1"), "acme-demo").unwrap();
        assert!(next.is_signed_with(&secret), "the cursor is not signed");
        assert_eq!(next.params().unwrap().text("next_cursor"), Some("abc"));

        let longer = target.replace("/300/", "/3000/");
        assert!(!SignedSearch::read(&longer, "acme-demo").unwrap().is_signed_with(&secret));
        assert!(!search.is_signed_with(&SecretString::from("another")));
    }

    #[test]
    fn other_paths_are_left_to_delivery() {
        for path in [
            "/other/search/a/300/b".to_owned(),
            "/acme-demo/image/upload/search/a/300/b".to_owned(),
            "/acme-demo/search/a/b/c".to_owned(),
            "/acme-demo/search/a/300".to_owned(),
            format!("/acme-demo/search/{SIGNATURE}/300/{QUERY}/x/y"),
            "search/a/300/b".to_owned(),
            String::new(),
        ] {
            assert_eq!(SignedSearch::read(&path, "acme-demo"), None, "{path}");
        }
    }
}
