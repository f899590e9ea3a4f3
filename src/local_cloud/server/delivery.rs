//! Delivery over HTTP: edges, and the origin behind them.
//!
//! An answer whose bytes are at hand is written at once, on the async thread that read the request; drawing waits
//! its turn on threads of its own.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use tokio::sync::Semaphore;

use super::Cloud;
use super::fetch::fetch;
use super::headers::{Headers, http_date, of_answer, of_edge, unix_of};
use super::listen::Peer;
use super::trouble::{change_etag, over, spoil};
use crate::domain::delivery_url::shared_target;
use crate::domain::sighting::AcceptVariant;
use crate::local_cloud::content::{Content, sniff};
use crate::local_cloud::pops::Pop;
use crate::local_cloud::world::origin::Answer;
use crate::local_cloud::world::{self, Served, World};

/// Pictures that are drawn at a time, in all clouds of the process: each may need some hundred megabytes.
static ROOM_TO_DRAW: Semaphore = Semaphore::const_new(2);

/// What delivers from one edge.
pub fn edge(cloud: Arc<Cloud>, edge: usize) -> Router {
    Router::new().fallback(move |ConnectInfo(peer): ConnectInfo<Peer>, request: Request| {
        let cloud = cloud.clone();
        async move { at_edge(cloud, edge, peer, request).await }
    })
}

/// What delivers from storage, past every cache.
pub fn origin(cloud: Arc<Cloud>) -> Router {
    Router::new().fallback(move |ConnectInfo(peer): ConnectInfo<Peer>, request: Request| {
        let cloud = cloud.clone();
        async move { at_origin(cloud, peer, request).await }
    })
}

/// What matters of a request. The host only decides whether the path lacks the cloud's name: all hosts of the cloud
/// share the copies.
pub(in crate::local_cloud) struct Asked {
    head: Parts,
    pub accept: AcceptVariant,
}

impl Asked {
    pub(in crate::local_cloud) fn of<B>(request: axum::http::Request<B>) -> Self {
        let (head, _) = request.into_parts();
        Self { accept: accept_class(&head.headers), head }
    }

    /// Path and query as at the shared host.
    pub(in crate::local_cloud) fn target(&self, cloud_name: &str) -> Cow<'_, str> {
        let uri = &self.head.uri;
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        // a request line may name the host itself, and then the header does not count (RFC 9112 §3.2.2)
        let host = uri.authority().map(axum::http::uri::Authority::as_str);
        shared_target(
            host.or_else(|| self.text(&header::HOST)).unwrap_or_default(),
            target,
            cloud_name,
        )
    }

    fn text(&self, name: &HeaderName) -> Option<&str> {
        self.head.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn is_head(&self) -> bool {
        self.head.method == Method::HEAD
    }
}

/// The class of clients that a copy is made for, where the answer varies.
fn accept_class(headers: &HeaderMap) -> AcceptVariant {
    let names = |kind: &str| {
        let accept = headers.get_all(header::ACCEPT).iter().map(HeaderValue::as_bytes);
        accept
            .flat_map(|line| line.windows(kind.len()))
            .any(|part| part.eq_ignore_ascii_case(kind.as_bytes()))
    };
    if names("image/avif") {
        AcceptVariant::Avif
    } else if names("image/webp") {
        AcceptVariant::Webp
    } else {
        AcceptVariant::None
    }
}

/// The answer to methods that read nothing.
fn unread(request: &Request) -> Option<Response<Body>> {
    match *request.method() {
        Method::GET | Method::HEAD => None,
        Method::OPTIONS => Some(preflight(request.headers())),
        _ => {
            let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
            response.headers_mut().insert(header::ALLOW, METHODS);
            Some(response)
        }
    }
}

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

/// Pages of all sites may read everything that is public.
fn preflight(asked: &HeaderMap) -> Response<Body> {
    let mut response = empty(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(header::ALLOW, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    if let Some(wanted) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    response
}

async fn at_edge(cloud: Arc<Cloud>, edge: usize, peer: Peer, request: Request) -> Response<Body> {
    if let Some(response) = unread(&request) {
        return response;
    }
    let asked = Asked::of(request);
    let target = asked.target(&cloud.settings.cloud_name);
    if let Some(response) = super::search::at_edge(&cloud, edge, &peer, &target).await {
        return response;
    }
    read_remote(&cloud, Some(edge), &peer, &target, asked.accept).await;
    let connection = Some(peer.connection);
    let ask = |world: &mut World, now| {
        let response = world.request_on(edge, connection, &target, asked.accept, now);
        (response, world.unix_now())
    };
    let (mut response, mut unix_now) = cloud.with(ask);
    while let world::Response::Hang(hang) = response {
        over(&cloud, hang).await;
        (response, unix_now) = cloud.with(ask);
    }
    drop(target);
    match response {
        world::Response::Reset | world::Response::Hang(_) => {
            peer.cut();
            empty(StatusCode::SERVICE_UNAVAILABLE)
        }
        world::Response::Refused { status, retry_after, delay } => {
            wait(delay).await;
            let mut response = empty(StatusCode::from_u16(status).unwrap_or_default());
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            response
        }
        world::Response::Served(served) => {
            wait(served.delay).await;
            let (answer, fate) = (served.answer.clone(), served.body);
            let response = drawn(answer, move |bytes| {
                let place = (edge, cloud.settings.edges[edge]);
                let request_id = || cloud.request_id();
                Written::of_edge(&asked, &served, bytes, place, unix_now, request_id).into()
            })
            .await;
            spoil(response, fate, &peer).await
        }
    }
}

async fn at_origin(cloud: Arc<Cloud>, peer: Peer, request: Request) -> Response<Body> {
    if let Some(response) = unread(&request) {
        return response;
    }
    let asked = Asked::of(request);
    let target = asked.target(&cloud.settings.cloud_name);
    if let Some(response) = super::search::at_origin(&cloud, &target).await {
        return response;
    }
    read_remote(&cloud, None, &peer, &target, asked.accept).await;
    let ask = |world: &mut World, now| {
        (Arc::new(world.origin(&target, asked.accept, now)), world.unix_now())
    };
    let (answer, unix_now) = cloud.with(ask);
    drop(target);
    drawn(answer.clone(), move |bytes| {
        let mut headers = of_answer(&answer, unix_now);
        headers.set("x-request-id", cloud.request_id());
        Written::of(&asked, &answer, bytes, headers).into()
    })
    .await
}

/// Reads the remote file that `target` names into storage, where it is not there yet. Only for callers on this host:
/// nobody else may reach its ports by way of this one. What cannot be read is not there; storage says so.
async fn read_remote(
    cloud: &Cloud,
    edge: Option<usize>,
    peer: &Peer,
    target: &str,
    accept: AcceptVariant,
) {
    if !target.contains("/fetch/") || !peer.address.ip().to_canonical().is_loopback() {
        return;
    }
    let wanted = cloud.with(|world, now| world.wants_remote(edge, target, accept, now));
    let Some((key, remote)) = wanted else { return };
    match fetch(cloud, remote).await {
        Ok(bytes) if !bytes.is_empty() => {
            let sniffed = sniff(&bytes);
            let content = Content::uploaded(bytes, sniffed);
            let _ = content.etag(); // hashed here, not while others wait for the world
            cloud.with(|world, now| world.keep_remote(key, content, now));
        }
        Ok(_) => {}
        Err(error) => tracing::debug!(%key, %error, "a remote file was not read"),
    }
}

async fn wait(delay: std::time::Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}

/// Writes the response with the bytes of `answer`: at once where they are at hand, else off the async threads, in
/// which others want to be served.
async fn drawn(
    answer: Arc<Answer>,
    write: impl FnOnce(Bytes) -> Response<Body> + Send + 'static,
) -> Response<Body> {
    let Some(content) = answer.content.clone() else { return write(Bytes::new()) };
    if answer.is_at_hand()
        && let Some(bytes) = content.at_hand()
    {
        return write(bytes);
    }
    let room = ROOM_TO_DRAW.acquire().await;
    let work = move || {
        let _room = room;
        let bytes = content.bytes_to_keep();
        if let Some((original, _)) = &answer.original {
            let _ = original.length();
        }
        write(bytes)
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| empty(StatusCode::INTERNAL_SERVER_ERROR))
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_LENGTH, 0.into());
    response
}

/// An answer as it is written, whoever carries it: status, headers and the part of the bytes that was asked for.
pub(in crate::local_cloud) struct Written {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Also where the method was HEAD: it is up to the carrier to leave them out.
    pub body: Bytes,
    is_head: bool,
}

impl Written {
    /// The answer of an edge, with the bytes of what it serves; `unix_now` is the world's clock, not the edge's.
    pub(in crate::local_cloud) fn of_edge(
        asked: &Asked,
        served: &Served,
        bytes: Bytes,
        place: (usize, Pop),
        unix_now: i64,
        request_id: impl FnOnce() -> String,
    ) -> Self {
        let unix_now = unix_now.saturating_add(served.ahead);
        let mut headers = of_answer(&served.answer, unix_now);
        of_edge(&mut headers, served, place, unix_now, request_id);
        change_etag(&mut headers.0, served);
        Self::of(asked, &served.answer, bytes, headers)
    }

    /// The order of conditions is that of RFC 9110 §13.2.2.
    fn of(asked: &Asked, answer: &Answer, mut bytes: Bytes, mut headers: Headers) -> Self {
        let mut status = StatusCode::from_u16(answer.status).unwrap_or_default();
        if let Some(content) = &answer.content {
            let length = bytes.len() as u64;
            if is_known(asked, content.etag(), answer.created_at) {
                (status, bytes) = (StatusCode::NOT_MODIFIED, Bytes::new());
                headers.0.remove(header::CONTENT_TYPE);
            } else {
                match wanted_part(asked, content.etag(), answer.created_at, length) {
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
            headers.0.insert(header::CONTENT_LENGTH, bytes.len().into());
        }
        Self { status, headers: headers.0, body: bytes, is_head: asked.is_head() }
    }
}

impl From<Written> for Response<Body> {
    fn from(written: Written) -> Self {
        let Written { status, headers, body, is_head } = written;
        let mut response = Self::new(if is_head { Body::empty() } else { Body::from(body) });
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

/// Whether the client has this content already: by its validator, else by its date.
fn is_known(asked: &Asked, etag: &str, changed_at: i64) -> bool {
    if let Some(text) = asked.text(&header::IF_NONE_MATCH) {
        let names = |one: &str| one.trim().trim_start_matches("W/").trim_matches('"') == etag;
        return text.trim() == "*" || text.split(',').any(names);
    }
    let since = asked.text(&header::IF_MODIFIED_SINCE).and_then(unix_of);
    since.is_some_and(|since| changed_at <= since)
}

/// The part that is asked for, where there is one and `If-Range` does not want all of something newer.
fn wanted_part(asked: &Asked, etag: &str, changed_at: i64, length: u64) -> Option<Part> {
    let range = asked.text(&header::RANGE).filter(|_| !asked.is_head())?;
    let is_same = match asked.text(&header::IF_RANGE).map(str::trim) {
        None => true,
        // a weak validator never matches here
        Some(text) if text.starts_with(['"', 'W']) && !text.contains("GMT") => {
            text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) == Some(etag)
        }
        Some(date) => date == http_date(changed_at),
    };
    is_same.then(|| part_of(range, length)).flatten()
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
    fn accept_is_read_in_any_case_and_over_all_lines() {
        let class = |lines: &[&'static str]| {
            let lines = lines.iter().map(|line| (header::ACCEPT, HeaderValue::from_static(line)));
            accept_class(&lines.collect())
        };
        assert_eq!(class(&[]), AcceptVariant::None);
        assert_eq!(class(&["*/*"]), AcceptVariant::None);
        assert_eq!(class(&["text/html", "Image/WebP;q=0.8"]), AcceptVariant::Webp);
        assert_eq!(class(&["image/webp,image/avif"]), AcceptVariant::Avif);
    }

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
