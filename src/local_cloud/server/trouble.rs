//! Faults where they meet HTTP: calls of the API that fail, answers that never come, bodies that break off.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use super::Cloud;
use super::listen::Peer;
use super::reply::Reply;
use crate::local_cloud::world::Served;
use crate::local_cloud::world::fault::ApiPart;
use crate::local_cloud::world::trouble::{BodyFate, EtagStyle, Hang};

/// How often somebody who hangs looks whether it is over.
const LOOK: Duration = Duration::from_millis(100);

/// Which part of the API a call is for.
pub fn part_of(is_signed: bool, path: &[String]) -> ApiPart {
    match path {
        _ if is_signed => ApiPart::Upload,
        [first, second, ..] if first == "resources" && second == "search" => ApiPart::Search,
        _ => ApiPart::Admin,
    }
}

/// Carries a call out and answers it, as well as faults let it. Nothing of the call is read before it is carried out.
pub async fn endured(
    cloud: &Cloud,
    peer: &Peer,
    part: ApiPart,
    call: impl Future<Output = Reply>,
    request_id: &str,
) -> Response<Body> {
    let suffered = cloud.with(|world, now| world.call(part, now));
    let spoilt = suffered.reset || suffered.hang.is_some() || suffered.refused.is_some();
    if spoilt && suffered.carried_out {
        let _ = call.await;
        return unanswered(cloud, peer, suffered.hang, suffered.refused, request_id).await;
    }
    if suffered.reset || suffered.refused.is_some() {
        return unanswered(cloud, peer, None, suffered.refused, request_id).await;
    }
    if let Some(hang) = suffered.hang {
        over(cloud, hang).await;
    }
    let reply = call.await;
    if !suffered.delay.is_zero() {
        tokio::time::sleep(suffered.delay).await;
    }
    spoil(reply.send(request_id), suffered.body, peer).await
}

/// What somebody gets whose answer does not come.
async fn unanswered(
    cloud: &Cloud,
    peer: &Peer,
    hang: Option<Hang>,
    refused: Option<(u16, Option<u64>)>,
    request_id: &str,
) -> Response<Body> {
    if let Some(hang) = hang {
        over(cloud, hang).await;
    }
    let Some((status, retry_after)) = refused else {
        peer.cut();
        return Response::new(Body::empty());
    };
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let mut response = Reply::error(status, reason.unwrap_or("General Error")).send(request_id);
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// Waits in vain.
pub async fn over(cloud: &Cloud, hang: Hang) {
    while cloud.with(|world, now| world.goes_on(hang, now)) {
        tokio::time::sleep(LOOK).await;
    }
}

/// Breaks a body off in its middle, where its fate says so.
pub async fn spoil(response: Response<Body>, fate: BodyFate, peer: &Peer) -> Response<Body> {
    if fate == BodyFate::Whole {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    head.headers.entry(header::CONTENT_LENGTH).or_insert_with(|| bytes.len().into());
    if bytes.is_empty() {
        if fate == BodyFate::Cut {
            peer.cut();
        }
        return Response::from_parts(head, Body::empty());
    }
    let half = bytes.slice(..bytes.len() / 2);
    let peer = (fate == BodyFate::Cut).then(|| peer.clone());
    let pieces = futures_util::stream::unfold(Some((Some(half), peer)), |rest| async move {
        let (half, peer) = rest?;
        if let Some(half) = half {
            return Some((Ok::<Bytes, std::io::Error>(half), Some((None, peer))));
        }
        // what was written so far leaves first
        tokio::time::sleep(Duration::from_millis(5)).await;
        if let Some(peer) = peer {
            peer.cut();
        }
        Some((Err(std::io::ErrorKind::ConnectionAborted.into()), None))
    });
    Response::from_parts(head, Body::from_stream(pieces))
}

/// Changes the validator of an edge's answer, where a fault says so.
pub fn change_etag(headers: &mut HeaderMap, served: &Served) {
    let Some(etag) = headers.get(header::ETAG).and_then(|etag| etag.to_str().ok()) else { return };
    let bare = etag.trim_matches('"');
    let changed = match served.etag {
        EtagStyle::Strong => return,
        EtagStyle::None => {
            headers.remove(header::ETAG);
            return;
        }
        EtagStyle::Weak => format!("W/\"{bare}\""),
        EtagStyle::OfNode => format!("\"{bare}-{}\"", served.node + 1),
    };
    if let Ok(value) = HeaderValue::from_str(&changed) {
        headers.insert(header::ETAG, value);
    }
}
