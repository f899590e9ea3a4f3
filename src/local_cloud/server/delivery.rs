//! Delivery over HTTP: edges, and the origin behind them.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, Method, Response, StatusCode, header};

use super::Cloud;
use super::headers::{Headers, of_answer, of_edge};
use super::listen::Peer;
use crate::domain::sighting::AcceptVariant;
use crate::local_cloud::world::origin::Answer;
use crate::local_cloud::world::{self, World};

/// What delivers from one edge.
pub fn edge(cloud: Arc<Cloud>, edge: usize) -> Router {
    Router::new().fallback(move |ConnectInfo(peer): ConnectInfo<Peer>, request: Request| {
        let cloud = cloud.clone();
        async move { at_edge(cloud, edge, peer, Asked::of(&request)).await }
    })
}

/// What delivers from storage, past every cache.
pub fn origin(cloud: Arc<Cloud>) -> Router {
    Router::new().fallback(move |request: Request| {
        let cloud = cloud.clone();
        async move { at_origin(cloud, Asked::of(&request)).await }
    })
}

/// What matters of a request. The host does not: all hosts of the cloud share the copies.
struct Asked {
    method: Method,
    target: String,
    accept: AcceptVariant,
    range: Option<String>,
    none_match: Option<String>,
}

impl Asked {
    fn of(request: &Request) -> Self {
        let uri = request.uri();
        let target = uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
        let text = |name| {
            request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        Self {
            method: request.method().clone(),
            target,
            accept: accept_class(request.headers()),
            range: text(header::RANGE),
            none_match: text(header::IF_NONE_MATCH),
        }
    }

    fn is_readable(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }
}

/// The class of clients that a copy is made for, where the answer varies.
fn accept_class(headers: &HeaderMap) -> AcceptVariant {
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let accept = accept.collect::<Vec<_>>().join(",").to_ascii_lowercase();
    if accept.contains("image/avif") {
        AcceptVariant::Avif
    } else if accept.contains("image/webp") {
        AcceptVariant::Webp
    } else {
        AcceptVariant::None
    }
}

async fn at_edge(cloud: Arc<Cloud>, edge: usize, peer: Peer, asked: Asked) -> Response<Body> {
    if !asked.is_readable() {
        return empty(StatusCode::METHOD_NOT_ALLOWED);
    }
    if let Some(response) = super::search::at_edge(&cloud, edge, &peer, &asked.target).await {
        return response;
    }
    let (response, unix_now) = cloud.with(|world, now| {
        (world.request(edge, &asked.target, asked.accept, now), world.unix_now())
    });
    match response {
        world::Response::Reset => {
            peer.cut();
            empty(StatusCode::SERVICE_UNAVAILABLE)
        }
        world::Response::Refused { status, retry_after, delay } => {
            tokio::time::sleep(delay).await;
            let mut response = empty(StatusCode::from_u16(status).unwrap_or_default());
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            response
        }
        world::Response::Served(served) => {
            tokio::time::sleep(served.delay).await;
            off_the_async_threads(move || {
                let pop = cloud.settings.edges[edge];
                let mut headers = of_answer(&served.answer, unix_now);
                let request_id = cloud.request_id();
                of_edge(&mut headers, &served, (edge, pop), unix_now, &request_id);
                written(&asked, &served.answer, headers)
            })
            .await
        }
    }
}

async fn at_origin(cloud: Arc<Cloud>, asked: Asked) -> Response<Body> {
    if !asked.is_readable() {
        return empty(StatusCode::METHOD_NOT_ALLOWED);
    }
    if let Some(response) = super::search::at_origin(&cloud, &asked.target).await {
        return response;
    }
    off_the_async_threads(move || {
        let ask = |world: &mut World, now| {
            (world.origin(&asked.target, asked.accept, now), world.unix_now())
        };
        let (answer, unix_now) = cloud.with(ask);
        let mut headers = of_answer(&answer, unix_now);
        headers.set("x-request-id", cloud.request_id());
        written(&asked, &answer, headers)
    })
    .await
}

/// Drawing takes milliseconds, in which others want to be served.
async fn off_the_async_threads(
    work: impl FnOnce() -> Response<Body> + Send + 'static,
) -> Response<Body> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| empty(StatusCode::INTERNAL_SERVER_ERROR))
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_LENGTH, 0.into());
    response
}

/// Status, headers and the part of the bytes that was asked for.
fn written(asked: &Asked, answer: &Answer, mut headers: Headers) -> Response<Body> {
    let mut status = StatusCode::from_u16(answer.status).unwrap_or_default();
    let mut bytes = Bytes::new();
    if let Some(content) = &answer.content {
        bytes = content.bytes();
        let length = bytes.len() as u64;
        if is_known(asked, content.etag()) {
            (status, bytes) = (StatusCode::NOT_MODIFIED, Bytes::new());
        } else {
            match asked.range.as_deref().and_then(|range| part_of(range, length)) {
                Some(Part::Bytes(first, last)) => {
                    status = StatusCode::PARTIAL_CONTENT;
                    headers.set("content-range", format!("bytes {first}-{last}/{length}"));
                    let at = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
                    bytes = bytes.slice(at(first)..=at(last));
                }
                Some(Part::Nothing) => {
                    (status, bytes) = (StatusCode::RANGE_NOT_SATISFIABLE, Bytes::new());
                    headers.set("content-range", format!("bytes */{length}"));
                }
                None => {}
            }
        }
    }
    if status != StatusCode::NOT_MODIFIED {
        headers.set("content-length", bytes.len().to_string());
    }
    let body = if asked.method == Method::HEAD { Body::empty() } else { Body::from(bytes) };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers.0;
    response
}

/// Whether the client has this content already (`If-None-Match`).
fn is_known(asked: &Asked, etag: &str) -> bool {
    let names = |text: &str| {
        text.split(',').any(|one| one.trim().trim_start_matches("W/").trim_matches('"') == etag)
    };
    asked.none_match.as_deref().is_some_and(|text| text.trim() == "*" || names(text))
}

/// What a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// First and last byte.
    Bytes(u64, u64),
    /// All of it lies behind the end.
    Nothing,
}

/// A `Range` with one part; anything else is not followed (RFC 9110 §14).
fn part_of(range: &str, length: u64) -> Option<Part> {
    let (first, last) = range.trim().strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let part = match (first.trim(), last.trim()) {
        ("", last) => {
            let count = number(last)?;
            (length.saturating_sub(count), length.checked_sub(1).filter(|_| count > 0))
        }
        (first, "") => (number(first)?, length.checked_sub(1)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            (first, length.checked_sub(1).map(|end| end.min(last)))
        }
    };
    Some(match part {
        (first, Some(last)) if first <= last => Part::Bytes(first, last),
        _ => Part::Nothing,
    })
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        assert_eq!(part_of("bytes=0-0", 10), Some(Part::Bytes(0, 0)));
        assert_eq!(part_of("bytes=2-", 10), Some(Part::Bytes(2, 9)));
        assert_eq!(part_of("bytes=2-99", 10), Some(Part::Bytes(2, 9)));
        assert_eq!(part_of("bytes=-3", 10), Some(Part::Bytes(7, 9)));
        assert_eq!(part_of("bytes=-99", 10), Some(Part::Bytes(0, 9)));
        assert_eq!(part_of("bytes=10-", 10), Some(Part::Nothing));
        assert_eq!(part_of("bytes=-0", 10), Some(Part::Nothing));
        assert_eq!(part_of("bytes=0-0", 0), Some(Part::Nothing));
        assert_eq!(part_of("bytes=5-2", 10), None);
        assert_eq!(part_of("bytes=0-1,3-4", 10), None);
        assert_eq!(part_of("lines=0-1", 10), None);
    }
}
