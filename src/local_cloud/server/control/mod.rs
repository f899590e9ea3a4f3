//! What drills and tests may see and do behind the scenes: `/_local` on the API's listener.
//!
//! Answers loopback peers that ask for a loopback host, and nobody else. `edges` is always there; the rest only
//! where it was not switched off. `docs/control.md` tells it with examples that are tested.

mod guard;
mod shown;

use std::sync::Arc;

use axum::extract::Request;
use axum::http::Method;
use serde_json::{Value, json};

use self::shown::millis;
use super::Cloud;
use super::listen::Peer;
use super::params::unescape;
use super::reply::{Reply, bad, missing};
use crate::local_cloud::scenario::{Scenario, fault_of_json};
use crate::local_cloud::span::duration;
use crate::local_cloud::world::World;
use crate::local_cloud::world::cache::Copy;
use crate::local_cloud::world::network::{Network, Place};

/// Copies that one answer shows at most, of each cache.
const MOST_COPIES: usize = 1000;
/// Entries of the story that one answer shows at most.
const MOST_ENTRIES: usize = 1000;
/// Largest body of a control call, in bytes.
const MOST_BYTES: usize = 64 * 1024;
/// Longest skip of the clock.
const MOST_SKIPPED: std::time::Duration = std::time::Duration::from_hours(24 * 366);

/// Every call that is answered, with what it does.
pub const CALLS: &[(&str, &str, &str)] = &[
    ("GET", "/_local", "these calls"),
    ("GET", "/_local/edges", "the ready line"),
    (
        "GET",
        "/_local/state[?url=U]",
        "the copies that each cache holds, of one URL or of the first thousand",
    ),
    ("GET", "/_local/cleared?url=U", "the true instant at which each edge was clear of a URL"),
    (
        "GET",
        "/_local/cleared?invalidation=N",
        "the true instant at which each edge had carried it out",
    ),
    (
        "GET",
        "/_local/invalidations[?since=N]",
        "when each invalidation reaches each cache, and what became of it",
    ),
    (
        "GET",
        "/_local/story[?since=N][&url=U][&edge=CODE]",
        "everything that happened, in its order",
    ),
    ("GET", "/_local/scenario", "what this cloud plays, and whether it came as expected"),
    ("GET", "/_local/clock", "time since the start"),
    (
        "POST",
        "/_local/clock",
        "moves it forward, stops it, lets it go on: `advance`, `freeze`, `resume`",
    ),
    ("GET", "/_local/fault", "all faults and how they stand"),
    ("POST", "/_local/fault", "adds one as in a scenario, `at` counted from now"),
    ("DELETE", "/_local/fault", "ends all"),
    ("GET", "/_local/fault/ID", "one fault"),
    ("POST", "/_local/fault/ID", "switches it: `on`"),
    ("DELETE", "/_local/fault/ID", "ends it"),
    (
        "POST",
        "/_local/reset",
        "begins anew as another instance, with another `seed` or `scenario` where given",
    ),
];

type Answer = Result<Reply, Reply>;

pub async fn answer(cloud: Arc<Cloud>, peer: &Peer, request: Request) -> Reply {
    if let Err(stranger) = guard::check(peer.address, &request) {
        return Reply::error(403, &stranger.to_string());
    }
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    let name = path.strip_prefix("/_local").unwrap_or_default().trim_matches('/').to_owned();
    if (&method, name.as_str()) == (&Method::GET, "edges") {
        return Reply::ok(json!(cloud.ready()));
    }
    if !cloud.options.control {
        return Reply::no_such_endpoint(&path);
    }
    let query = query_of(&request);
    let Ok(body) = axum::body::to_bytes(request.into_body(), MOST_BYTES).await else {
        return bad("The body is too large");
    };
    // hashes of copies may have to be computed
    let work = move || answered(&cloud, &method, &path, &name, &query, &body);
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Reply::error(500, "General Error"))
}

fn answered(
    cloud: &Cloud,
    method: &Method,
    path: &str,
    name: &str,
    query: &impl Fn(&str) -> Option<String>,
    body: &[u8],
) -> Reply {
    let done = match (method.as_str(), name.split_once('/').unwrap_or((name, ""))) {
        ("GET", ("", "")) => Ok(calls()),
        ("GET", ("state", "")) => match query("url") {
            Some(url) => state_of(cloud, &url),
            None => Ok(state(cloud)),
        },
        ("GET", ("cleared", "")) => cleared(cloud, query),
        ("GET", ("invalidations", "")) => invalidations(cloud, query),
        ("GET", ("story", "")) => story(cloud, query),
        ("GET", ("scenario", "")) => Ok(scenario(cloud)),
        ("GET", ("clock", "")) => Ok(clock(cloud)),
        ("POST", ("clock", "")) => turn_clock(cloud, body),
        ("GET", ("fault", "")) => Ok(faults(cloud)),
        ("POST", ("fault", "")) => add_fault(cloud, body),
        ("DELETE", ("fault", "")) => {
            cloud.with(World::clear_faults);
            Ok(faults(cloud))
        }
        ("GET", ("fault", id)) => one_fault(cloud, id),
        ("POST", ("fault", id)) => switch_fault(cloud, id, body),
        ("DELETE", ("fault", id)) => {
            let found = cloud.with(|world, now| world.remove_fault(id, now));
            if found { Ok(faults(cloud)) } else { Err(no_such_fault(id)) }
        }
        ("POST", ("reset", "")) => reset(cloud, body),
        _ => Err(Reply::no_such_endpoint(path)),
    };
    done.unwrap_or_else(|refused| refused)
}

fn query_of(request: &Request) -> impl Fn(&str) -> Option<String> + Send + use<> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    move |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(own, _)| *own == name).map(|(_, value)| unescape(value, true)).next()
    }
}

/// The body as JSON; nothing is an empty table. Every key must be one of `known`.
fn object(body: &[u8], known: &[&str]) -> Result<serde_json::Map<String, Value>, Reply> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(serde_json::Map::new());
    }
    let Ok(Value::Object(object)) = serde_json::from_slice(body) else {
        return Err(bad("Invalid JSON in request body"));
    };
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(odd) => Err(bad(format!("Unknown parameter {odd}; there are {}", known.join(", ")))),
        None => Ok(object),
    }
}

fn number(query: &impl Fn(&str) -> Option<String>, name: &str) -> Result<Option<u64>, Reply> {
    let read =
        |text: String| text.parse().map_err(|_| bad(format!("Invalid value for parameter {name}")));
    query(name).map(read).transpose()
}

/// Path and query of a URL; a path is taken as it is.
fn path_of(url: &str) -> Result<String, Reply> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let at = rest.find('/').ok_or_else(|| bad(format!("Invalid url: {url}")))?;
    Ok(rest[at..].to_owned())
}

fn calls() -> Reply {
    let call = |(method, path, about): &(&str, &str, &str)| json!({"method": method, "path": path, "about": about});
    Reply::ok(json!({"calls": CALLS.iter().map(call).collect::<Vec<_>>()}))
}

/// Some copies of a cache.
struct Held {
    place: Place,
    code: &'static str,
    count: usize,
    copies: Vec<(String, Copy)>,
}

impl Held {
    fn of(network: &Network, number: usize) -> Self {
        let cache = network.cache(number);
        let mut paths: Vec<&str> = cache.copies().map(|(path, _)| path).collect();
        paths.sort_unstable();
        paths.dedup();
        let copies = paths.into_iter().flat_map(|path| {
            cache.copies_of(path).iter().map(move |copy| (path.to_owned(), copy.clone()))
        });
        Self {
            place: network.places()[number],
            code: network.code(number),
            count: cache.count(),
            copies: copies.take(MOST_COPIES).collect(),
        }
    }
}

/// Some copies of every cache. Whether they are outdated is told of single URLs only.
fn state(cloud: &Cloud) -> Reply {
    let (now, all) = cloud.with(|world, now| {
        world.advance(now);
        let network = world.network();
        let all = (0..network.places().len()).map(|number| Held::of(network, number));
        (now, all.collect::<Vec<_>>())
    });
    let (mut edges, mut shields) = (Vec::new(), Vec::new());
    for Held { place, code, count, copies } in all {
        let shown = copies.iter().map(|(path, copy)| shown::copy(path, copy, None, None, now));
        let mut row = json!({"pop": code, "holds": count, "copies": shown.collect::<Vec<_>>()});
        match place {
            Place::Edge { node, .. } => {
                row["node"] = json!(node + 1);
                edges.push(row);
            }
            Place::Shield(_) | Place::Api => shields.push(row),
        }
    }
    Reply::ok(json!({"now_ms": millis(now), "edges": edges, "shields": shields}))
}

/// The truth about one URL at every edge and shield.
fn state_of(cloud: &Cloud, url: &str) -> Answer {
    let path = path_of(url)?;
    let told = cloud.with(|world, now| {
        let truth = world.truth(&path, now);
        let network = world.network();
        let edges = network.edges().iter().enumerate().map(|(edge, shown)| {
            let nodes = network.nodes(edge);
            let holds = nodes.clone().map(|cache| network.cache(cache).count()).sum();
            shown::truth(shown.pop.code, &path, &truth[nodes], holds, now)
        });
        let edges: Vec<Value> = edges.collect();
        let shields = network.shields().iter().enumerate().map(|(shield, shown)| {
            let cache = network.number(Place::Shield(shield));
            let holds = network.cache(cache).count();
            shown::truth(shown.pop.code, &path, &truth[cache..=cache], holds, now)
        });
        let shields: Vec<Value> = shields.collect();
        json!({"now_ms": millis(now), "edges": edges, "shields": shields})
    });
    Ok(Reply::ok(told))
}

/// The true instants of one URL, or of one invalidation.
fn cleared(cloud: &Cloud, query: &impl Fn(&str) -> Option<String>) -> Answer {
    let of = |place: &Value| json!({"pop": place["pop"], "cleared_at_ms": place["cleared_at_ms"]});
    let short = |told: &Value, key: &str| -> Vec<Value> {
        told[key].as_array().into_iter().flatten().map(of).collect()
    };
    let (told, now) = match (query("url"), number(query, "invalidation")?) {
        (Some(url), None) => {
            let told = state_of(cloud, &url)?.body;
            let now = told["now_ms"].clone();
            (told, now)
        }
        (None, Some(number)) => cloud.with(|world, now| {
            world.advance(now);
            let one = world.invalidations().find(|one| one.number == number);
            let told = one.map(|one| shown::invalidation(world, one));
            let told = told
                .ok_or_else(|| Reply::error(404, &format!("There is no invalidation {number}")))?;
            Ok::<_, Reply>((told, json!(millis(now))))
        })?,
        _ => return Err(bad("Either url or invalidation is required")),
    };
    let edges = short(&told, "edges");
    let times: Option<Vec<u64>> = edges.iter().map(|edge| edge["cleared_at_ms"].as_u64()).collect();
    let last = times.and_then(|times| times.into_iter().max());
    Ok(Reply::ok(json!({
        "now_ms": now, "edges": edges, "shields": short(&told, "shields"), "edges_cleared_at_ms": last,
    })))
}

fn invalidations(cloud: &Cloud, query: &impl Fn(&str) -> Option<String>) -> Answer {
    let since = number(query, "since")?.unwrap_or(0);
    let (list, now) = cloud.with(|world, now| {
        world.advance(now);
        let newer = world.invalidations().filter(|one| one.number > since);
        (newer.map(|one| shown::invalidation(world, one)).collect::<Vec<_>>(), now)
    });
    Ok(Reply::ok(json!({"now_ms": millis(now), "invalidations": list})))
}

fn story(cloud: &Cloud, query: &impl Fn(&str) -> Option<String>) -> Answer {
    let since = number(query, "since")?.unwrap_or(0);
    let path = query("url").map(|url| path_of(&url)).transpose()?;
    let edge = query("edge").map(|edge| edge.to_ascii_uppercase());
    let (entries, more, now) = cloud.with(|world, now| {
        world.advance(now);
        let is_at = |place: Place| match (place, &edge) {
            (_, None) => true,
            (Place::Edge { edge, .. }, Some(code)) => {
                world.network().edges()[edge].pop.code == code
            }
            _ => false,
        };
        let mut wanted = world.story().entries().filter(|entry| {
            entry.number > since
                && is_at(entry.place)
                && path
                    .as_deref()
                    .is_none_or(|path| entry.what.path().is_some_and(|own| **own == *path))
        });
        let shown = wanted.by_ref().take(MOST_ENTRIES).map(|entry| shown::entry(world, entry));
        (shown.collect::<Vec<_>>(), wanted.next().is_some(), now)
    });
    Ok(Reply::ok(json!({"now_ms": millis(now), "entries": entries, "more": more})))
}

fn scenario(cloud: &Cloud) -> Reply {
    let playing = cloud.playing();
    Reply::ok(cloud.with(|world, now| {
        world.advance(now);
        let mut told = shown::scenario(world.settings(), playing.as_ref());
        let expect = playing.as_ref().and_then(|scenario| scenario.expect.as_ref());
        told["expect"] = expect.map_or(Value::Null, |expect| shown::expect(expect, world));
        told["faults"] = world.faults(now).iter().map(shown::fault).collect();
        told["now_ms"] = json!(millis(now));
        told
    }))
}

fn clock(cloud: &Cloud) -> Reply {
    let (now, unix_now) = cloud.with(|world, now| {
        world.advance(now);
        (now, world.unix_now())
    });
    let (wall, frozen) = (super::wire::time(unix_now), cloud.clock.is_frozen());
    Reply::ok(json!({"now_ms": millis(now), "wall": wall, "frozen": frozen}))
}

fn turn_clock(cloud: &Cloud, body: &[u8]) -> Answer {
    let order = object(body, &["advance", "freeze", "resume"])?;
    let told = |name: &str| match order.get(name) {
        None => Ok(false),
        Some(Value::Bool(told)) => Ok(*told),
        Some(_) => Err(bad(format!("Parameter {name} takes true or false"))),
    };
    let (freeze, resume) = (told("freeze")?, told("resume")?);
    if freeze && resume {
        return Err(bad("Either freeze or resume"));
    }
    let advance = match order.get("advance") {
        None => None,
        Some(Value::String(text)) => Some(duration(text).map_err(|error| bad(error.to_string()))?),
        Some(_) => return Err(bad("Parameter advance takes a duration such as \"70s\"")),
    };
    if advance.is_some_and(|span| span > MOST_SKIPPED) {
        return Err(bad("The clock can be advanced by a year at once"));
    }
    if !freeze && !resume && advance.is_none() {
        return Err(missing("advance"));
    }
    if freeze {
        cloud.clock.freeze();
    }
    if let Some(span) = advance {
        cloud.clock.skip(span);
    }
    if resume {
        cloud.clock.resume();
    }
    Ok(clock(cloud))
}

fn faults(cloud: &Cloud) -> Reply {
    let faults = cloud.with(World::faults);
    Reply::ok(json!({"faults": faults.iter().map(shown::fault).collect::<Vec<_>>()}))
}

fn no_such_fault(id: &str) -> Reply {
    Reply::error(404, &format!("There is no fault {id}"))
}

fn one_fault(cloud: &Cloud, id: &str) -> Answer {
    let faults = cloud.with(World::faults);
    let found = faults.iter().find(|state| state.fault.id == id).map(shown::fault);
    found.map(Reply::ok).ok_or_else(|| no_such_fault(id))
}

fn add_fault(cloud: &Cloud, body: &[u8]) -> Answer {
    let body: Value =
        serde_json::from_slice(body).map_err(|_| bad("Invalid JSON in request body"))?;
    let (fault, mentions) = fault_of_json(&body).map_err(|error| bad(error.to_string()))?;
    let added = cloud.with(|world, now| {
        let settings = world.settings();
        let shields = Some(settings.network.shields.as_slice());
        mentions.check(&settings.edges, shields, settings.network.nodes)?;
        Ok::<_, crate::local_cloud::ScenarioError>(world.add_fault(fault, now))
    });
    match added.map_err(|error| bad(error.to_string()))? {
        Some(id) => {
            let mut reply = faults(cloud);
            reply.body["id"] = json!(id);
            Ok(reply)
        }
        None => Err(Reply::error(409, "There is a fault of that id")),
    }
}

fn switch_fault(cloud: &Cloud, id: &str, body: &[u8]) -> Answer {
    let order = object(body, &["on"])?;
    let on = order.get("on").ok_or_else(|| missing("on"))?;
    let on = on.as_bool().ok_or_else(|| bad("Parameter on takes true or false"))?;
    if cloud.with(|world, now| world.switch_fault(id, on, now)) {
        one_fault(cloud, id)
    } else {
        Err(no_such_fault(id))
    }
}

fn reset(cloud: &Cloud, body: &[u8]) -> Answer {
    let order = object(body, &["seed", "scenario"])?;
    let seed = match order.get("seed") {
        None => None,
        Some(seed) => {
            Some(seed.as_u64().ok_or_else(|| bad("Parameter seed takes a whole number"))?)
        }
    };
    let scenario = match order.get("scenario") {
        None => None,
        Some(Value::String(text)) => {
            Some(Scenario::parse(text, "scenario").map_err(|error| bad(error.to_string()))?)
        }
        Some(_) => return Err(bad("Parameter scenario takes the text of a scenario file")),
    };
    cloud.reset(seed, scenario).map_err(|error| bad(error.to_string()))?;
    Ok(Reply::ok(json!(cloud.ready())))
}
