//! What drills and tests may see and do behind the scenes: `/_local` on the API's listener.
//!
//! Answers loopback peers that ask for a loopback host, and nobody else. `edges` is always there; the rest only
//! where it was not switched off.
//!
//! | | |
//! |---|---|
//! | `GET /_local/edges` | the ready line |
//! | `GET /_local/state[?url=…]` | the copies that each edge holds, of one URL or of the first thousand |
//! | `GET /_local/invalidations[?since=N]` | when each invalidation reaches each edge, and when it truly cleared |
//! | `GET /_local/clock`, `POST {"advance":"70s"}` | time since the start; moves it forward |
//! | `GET /_local/fault`, `POST {"edge","kind",…}`, `DELETE` | faults as in scenarios, `at` counted from now; ends all |
//! | `POST /_local/reset` | begins anew, as another instance |

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};
use serde_json::{Value, json};

use super::Cloud;
use super::listen::Peer;
use super::params::unescape;
use super::reply::{Reply, bad};
use crate::local_cloud::scenario::WrittenFault;
use crate::local_cloud::span::duration;
use crate::local_cloud::world::World;
use crate::local_cloud::world::edge::Copy;
use crate::local_cloud::world::fault::{Begin, EdgeChoice, Fault};
use crate::local_cloud::world::purge::{Invalidation, Target};

/// Copies that one answer shows at most, of each edge.
const MOST_COPIES: usize = 1000;
/// Largest body of a control call, in bytes.
const MOST_BYTES: usize = 64 * 1024;

pub async fn answer(cloud: Arc<Cloud>, peer: &Peer, request: Request) -> Reply {
    if !is_local(peer.address, request.headers()) {
        return Reply::error(403, "Only for callers on this host, by a loopback address");
    }
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    let name = path.strip_prefix("/_local/").unwrap_or_default();
    if (&method, name) == (&Method::GET, "edges") {
        return Reply::ok(json!(cloud.ready()));
    }
    if !cloud.options.control {
        return Reply::no_such_endpoint(&path);
    }
    let query = query_of(&request);
    let Ok(body) = axum::body::to_bytes(request.into_body(), MOST_BYTES).await else {
        return bad("The body is too large");
    };
    let done = match (method.as_str(), name) {
        ("GET", "state") => state(&cloud, query("url").as_deref()),
        ("GET", "invalidations") => invalidations(&cloud, query("since").as_deref()),
        ("GET", "clock") => Ok(clock(&cloud)),
        ("POST", "clock") => skip(&cloud, &body),
        ("GET", "fault") => Ok(faults(&cloud)),
        ("POST", "fault") => add_fault(&cloud, &body),
        ("DELETE", "fault") => {
            cloud.with(World::clear_faults);
            Ok(faults(&cloud))
        }
        ("POST", "reset") => {
            let fresh = cloud.clone();
            let _ = tokio::task::spawn_blocking(move || fresh.reset()).await;
            Ok(Reply::ok(json!(cloud.ready())))
        }
        _ => Err(Reply::no_such_endpoint(&path)),
    };
    done.unwrap_or_else(|refused| refused)
}

/// Whether both ends are on this host, and the caller knows it: a page in a browser could be made to connect here
/// under a name of its own.
fn is_local(peer: SocketAddr, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    peer.ip().to_canonical().is_loopback() && is_loopback_host(host)
}

fn is_loopback_host(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn query_of(request: &Request) -> impl Fn(&str) -> Option<String> + use<> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    move |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(own, _)| *own == name).map(|(_, value)| unescape(value, true)).next()
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn state(cloud: &Cloud, url: Option<&str>) -> Result<Reply, Reply> {
    let path = match url {
        None => None,
        Some(url) => {
            let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
            let at = rest.find('/').ok_or_else(|| bad(format!("Invalid url: {url}")))?;
            Some(rest[at..].to_owned())
        }
    };
    let (edges, now) = cloud.with(|world, now| {
        world.advance(now);
        let edges: Vec<_> = world
            .edges()
            .iter()
            .map(|edge| {
                let copies: Vec<(String, Copy)> = match &path {
                    Some(path) => edge
                        .copies_of(path)
                        .iter()
                        .map(|copy| (path.clone(), copy.clone()))
                        .collect(),
                    None => edge
                        .copies()
                        .take(MOST_COPIES)
                        .map(|(path, copy)| (path.to_owned(), copy.clone()))
                        .collect(),
                };
                (edge.pop, edge.copies().count(), copies)
            })
            .collect();
        (edges, now)
    });
    let edges: Vec<Value> = edges
        .into_iter()
        .map(|(pop, count, mut copies)| {
            copies.sort_by(|a, b| a.0.cmp(&b.0));
            let copies: Vec<Value> =
                copies.iter().map(|(path, copy)| copy_json(path, copy, now)).collect();
            json!({"pop": pop.code, "holds": count, "copies": copies})
        })
        .collect();
    Ok(Reply::ok(json!({"now_ms": millis(now), "edges": edges})))
}

fn copy_json(path: &str, copy: &Copy, now: Duration) -> Value {
    json!({
        "path": path,
        "variant": copy.variant.map(crate::domain::sighting::AcceptVariant::as_str),
        "status": copy.answer.status,
        "etag": copy.answer.content.as_ref().map(|content| content.etag().to_owned()),
        "age_ms": millis(copy.age(now)),
        "fresh": copy.is_fresh(now),
        "kept_until_ms": millis(copy.stored_at.saturating_add(copy.kept_for)),
    })
}

fn invalidations(cloud: &Cloud, since: Option<&str>) -> Result<Reply, Reply> {
    let since: u64 = match since {
        None => 0,
        Some(text) => text.parse().map_err(|_| bad("Invalid value for parameter since"))?,
    };
    let (list, now) = cloud.with(|world, now| {
        world.advance(now);
        let newer = world.invalidations().filter(|one| one.number > since);
        (newer.cloned().collect::<Vec<_>>(), now)
    });
    let list: Vec<Value> = list.iter().map(|one| invalidation_json(cloud, one)).collect();
    Ok(Reply::ok(json!({"now_ms": millis(now), "invalidations": list})))
}

fn invalidation_json(cloud: &Cloud, one: &Invalidation) -> Value {
    let asset = one.target.asset().map(|key| {
        json!({"resource_type": key.resource_type, "type": key.delivery_type, "public_id": key.public_id})
    });
    let urls = match &one.target {
        Target::Urls(urls) => Some(urls),
        Target::Asset(_) | Target::Pattern { .. } => None,
    };
    let arrivals = cloud.settings.edges.iter().zip(&one.arrivals).map(|(pop, arrival)| {
        json!({
            "pop": pop.code,
            "due_ms": millis(arrival.due),
            "cleared_at_ms": arrival.cleared_at.map(millis),
            "dropped": arrival.dropped,
            "regressed_at_ms": arrival.regressed_at.map(millis),
            "lost": arrival.lost,
        })
    });
    json!({
        "number": one.number,
        "at_ms": millis(one.at),
        "call": one.verb,
        "asset": asset,
        "urls": urls,
        "edges": arrivals.collect::<Vec<_>>(),
    })
}

fn clock(cloud: &Cloud) -> Reply {
    let (now, unix_now) = cloud.with(|world, now| {
        world.advance(now);
        (now, world.unix_now())
    });
    Reply::ok(json!({"now_ms": millis(now), "wall": super::wire::time(unix_now)}))
}

fn skip(cloud: &Cloud, body: &[u8]) -> Result<Reply, Reply> {
    let body: Value =
        serde_json::from_slice(body).map_err(|_| bad("Invalid JSON in request body"))?;
    let text = body.get("advance").and_then(Value::as_str);
    let text = text.ok_or_else(|| super::reply::missing("advance"))?;
    cloud.clock.skip(duration(text).map_err(|error| bad(error.to_string()))?);
    Ok(clock(cloud))
}

fn faults(cloud: &Cloud) -> Reply {
    let faults = cloud.with(|world, _| world.faults().to_vec());
    let faults: Vec<Value> = faults.iter().map(fault_json).collect();
    Reply::ok(json!({"faults": faults}))
}

fn fault_json(fault: &Fault) -> Value {
    let (begins, after) = match fault.begin {
        Begin::Start(after) => ("start", after),
        Begin::FirstInvalidation(after) => ("first_invalidation", after),
    };
    let edge = match &fault.edge {
        EdgeChoice::One(code) => code,
        EdgeChoice::All => "*",
    };
    json!({
        "edge": edge,
        "kind": fault.kind,
        "from": begins,
        "after_ms": millis(after),
        "for_ms": fault.lasts.map(millis),
    })
}

fn add_fault(cloud: &Cloud, body: &[u8]) -> Result<Reply, Reply> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let written: WrittenFault = serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| bad(format!("Invalid fault: {error}")))?;
    let fault = written.read_live();
    if let EdgeChoice::One(code) = &fault.edge
        && !cloud.settings.edges.iter().any(|pop| pop.code == code)
    {
        return Err(bad(format!("There is no edge {code}")));
    }
    cloud.with(|world, now| world.add_fault(fault, now));
    Ok(faults(cloud))
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn only_loopback_names_are_loopback_hosts() {
        for host in ["127.0.0.1:80", "127.9.9.9", "localhost:1", "LOCALHOST", "[::1]:5", "[::1]"] {
            assert!(is_loopback_host(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "127.0.0.1.evil.example:80",
            "192.0.2.1",
            "[::2]:1",
            "localhost.evil",
        ] {
            assert!(!is_loopback_host(host), "{host}");
        }
    }
}
