//! What the control surface tells, as JSON. Times are milliseconds since the cloud's start.

use std::ops::Range;
use std::time::Duration;

use serde_json::{Value, json};

use crate::domain::sighting::AcceptVariant;
use crate::local_cloud::scenario::{Expect, Scenario};
use crate::local_cloud::span::text;
use crate::local_cloud::world::cache::Copy;
use crate::local_cloud::world::fault::{Begin, Codes, FaultKind, Site};
use crate::local_cloud::world::network::{NodeBy, Place};
use crate::local_cloud::world::purge::{Arrival, Invalidation, Target};
use crate::local_cloud::world::story::{Entry, What, Why};
use crate::local_cloud::world::trouble::FaultState;
use crate::local_cloud::world::truth::Truth;
use crate::local_cloud::world::{Settings, World};

pub fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A copy; whether it is outdated is told where that is known.
pub fn copy(
    path: &str,
    copy: &Copy,
    node: Option<usize>,
    outdated: Option<bool>,
    now: Duration,
) -> Value {
    json!({
        "path": path,
        "node": node.map(|node| node + 1),
        "variant": copy.variant.map(AcceptVariant::as_str),
        "status": copy.answer.status,
        "etag": copy.answer.content.as_ref().map(|content| content.etag().to_owned()),
        "age_ms": millis(copy.age(now)),
        "fresh": copy.is_fresh(now),
        "outdated": outdated,
        "stale": copy.stale.is_some(),
        "kept_until_ms": millis(copy.stored_at.saturating_add(copy.kept_for)),
    })
}

const fn node_of(place: Place) -> Option<usize> {
    match place {
        Place::Edge { node, .. } => Some(node),
        Place::Shield(_) | Place::Api => None,
    }
}

/// The truth about one URL at the caches of one edge, or at one shield.
pub fn truth(pop: &str, path: &str, caches: &[Truth], holds: usize, now: Duration) -> Value {
    let copies = caches.iter().flat_map(|cache| {
        let node = node_of(cache.place).filter(|_| caches.len() > 1);
        cache.copies.iter().map(move |(one, outdated)| copy(path, one, node, Some(*outdated), now))
    });
    let outdated = caches.iter().any(Truth::is_outdated);
    let cleared = caches.iter().map(|cache| cache.cleared_at).max().flatten();
    json!({
        "pop": pop,
        "holds": holds,
        "copies": copies.collect::<Vec<_>>(),
        "outdated": outdated,
        "cleared_at_ms": cleared.filter(|_| !outdated).map(millis),
    })
}

/// An invalidation with what became of it at each cache.
pub fn invalidation(world: &World, one: &Invalidation) -> Value {
    let asset = one.target.asset().map(|key| {
        json!({"resource_type": key.resource_type, "type": key.delivery_type, "public_id": key.public_id})
    });
    let urls = match &one.target {
        Target::Urls(urls) => Some(urls),
        Target::Asset(_) | Target::Pattern { .. } => None,
    };
    let network = world.network();
    let edges = network.edges().iter().enumerate().map(|(edge, shown)| {
        let nodes = network.nodes(edge);
        let mut row = arrivals(shown.pop.code, one, nodes.clone());
        if nodes.len() > 1 {
            let each = nodes.enumerate().map(|(node, cache)| {
                let mut row = arrivals(shown.pop.code, one, cache..cache + 1);
                row["node"] = json!(node + 1);
                row
            });
            row["nodes"] = each.collect();
        }
        row
    });
    let shields = network.shields().iter().enumerate().map(|(shield, shown)| {
        let cache = network.number(Place::Shield(shield));
        arrivals(shown.pop.code, one, cache..cache + 1)
    });
    let whole = 0..network.places().len();
    json!({
        "number": one.number,
        "at_ms": millis(one.at),
        "call": one.verb,
        "asset": asset,
        "urls": urls,
        "cleared_at_ms": one.cleared_at(whole).map(millis),
        "edges": edges.collect::<Vec<_>>(),
        "shields": shields.collect::<Vec<_>>(),
    })
}

/// What became of an invalidation at the caches of one place, together.
fn arrivals(pop: &str, one: &Invalidation, caches: Range<usize>) -> Value {
    let all = &one.arrivals[caches.clone()];
    let sum = |count: fn(&Arrival) -> usize| all.iter().map(count).sum::<usize>();
    let last = |time: fn(&Arrival) -> Option<Duration>| all.iter().filter_map(time).max();
    json!({
        "pop": pop,
        "due_ms": all.iter().map(|arrival| millis(arrival.due)).max(),
        "cleared_at_ms": one.cleared_at(caches).map(millis),
        "dropped": sum(|arrival| arrival.dropped),
        "stale": sum(|arrival| arrival.stale),
        "survived": sum(|arrival| arrival.survived),
        "regressed_at_ms": last(|arrival| arrival.regressed_at).map(millis),
        "lost": all.iter().any(|arrival| arrival.lost),
    })
}

/// One thing that happened.
pub fn entry(world: &World, one: &Entry) -> Value {
    let mut row = match &one.what {
        What::Sent { invalidation } => json!({"what": "sent", "invalidation": invalidation}),
        What::Arrived { invalidation, dropped, survived } => json!({
            "what": "arrived", "invalidation": invalidation, "dropped": dropped, "survived": survived,
        }),
        What::Held { invalidation } => json!({"what": "held", "invalidation": invalidation}),
        What::Lost { invalidation } => json!({"what": "lost", "invalidation": invalidation}),
        What::Softened { invalidation, copies } => {
            json!({"what": "softened", "invalidation": invalidation, "copies": copies})
        }
        What::Left { path, variant, why } => {
            let (why, invalidation) = match why {
                Why::Purged(number) => ("purged", Some(number)),
                Why::Replaced => ("replaced", None),
            };
            json!({
                "what": "left", "path": path, "variant": variant.map(AcceptVariant::as_str),
                "why": why, "invalidation": invalidation,
            })
        }
        What::Returned { path } => json!({"what": "returned", "path": path}),
        What::Refilled { path, shield } => {
            let shield = world.network().shields()[*shield].pop.code;
            json!({"what": "refilled", "path": path, "from": shield})
        }
    };
    row["number"] = json!(one.number);
    row["at_ms"] = json!(millis(one.at));
    match one.place {
        Place::Edge { edge, node } => {
            let shown = &world.network().edges()[edge];
            row["edge"] = json!(shown.pop.code);
            if shown.nodes() > 1 {
                row["node"] = json!(node + 1);
            }
        }
        Place::Shield(shield) => {
            row["shield"] = json!(world.network().shields()[shield].pop.code);
        }
        Place::Api => {}
    }
    row
}

/// A fault as it is written, and how it stands.
pub fn fault(state: &FaultState) -> Value {
    let fault = &state.fault;
    let (from, after) = match fault.begin {
        Begin::Start(after) => ("start", after),
        Begin::FirstInvalidation(after) => ("first_invalidation", after),
        Begin::EachInvalidation(after) => ("each_invalidation", after),
    };
    let mut row = json!({
        "id": fault.id,
        "kind": fault.kind.word(),
        "on": fault.on,
        "active": state.active,
        "until_ms": state.until.map(millis),
        "struck": state.struck,
        "from": from,
        "after_ms": millis(after),
        "for_ms": fault.lasts.map(millis),
        "node": fault.node.map(|node| node + 1),
    });
    match &fault.site {
        Site::Edge(codes) => row["edge"] = choice(codes),
        Site::Shield(codes) => row["shield"] = choice(codes),
        Site::Api(part) => row["api"] = json!(part.word()),
    }
    for key in fault.kind.spec().keys {
        row[*key] = match *key {
            "share" => json!(fault.share.part()),
            "count" => json!(fault.count),
            "delay" if fault.delay == Duration::MAX => Value::Null,
            "delay" => json!(text(fault.delay)),
            "late" => json!(text(fault.late)),
            "after" => json!(text(fault.after)),
            "by" => json!(fault.ahead),
            "status" => json!(fault.status),
            "retry_after" => json!(fault.retry_after),
            "variant" => json!(fault.variant.as_str()),
            "carried_out"
                if fault.site.kind() == crate::local_cloud::world::fault::SiteKind::Api =>
            {
                json!(fault.carried_out)
            }
            _ => continue,
        };
    }
    if fault.kind == FaultKind::Throttled {
        row["status"] = json!(429);
    }
    row
}

/// One code as it is, several as a list, all as a star.
fn choice(codes: &Codes) -> Value {
    match codes {
        Codes::All => json!("*"),
        Codes::These(codes) => match codes.as_slice() {
            [one] => json!(one),
            several => json!(several),
        },
    }
}

/// What the cloud plays.
pub fn scenario(settings: &Settings, scenario: Option<&Scenario>) -> Value {
    let range = |(min, max): (Duration, Duration)| format!("{}..{}", text(min), text(max));
    let network = &settings.network;
    let own = network.own.iter().map(|own| {
        let row = json!({
            "nodes": own.nodes,
            "shield": own.shield,
            "propagation": own.propagation.map(range),
        });
        (own.code.clone(), row)
    });
    let spreads = crate::local_cloud::span::Spread::WORDS;
    let spread = spreads.iter().find(|(_, spread)| *spread == network.spread);
    json!({
        "name": scenario.map(|scenario| &scenario.name),
        "title": scenario.and_then(|scenario| scenario.title.as_ref()),
        "seed": settings.seed,
        "assets": settings.assets,
        "edges": settings.edges.iter().map(|pop| pop.code).collect::<Vec<_>>(),
        "nodes": network.nodes,
        "node_by": match network.node_by {
            NodeBy::Connection => "connection",
            NodeBy::Request => "request",
        },
        "shields": network.shields.iter().map(|pop| pop.code).collect::<Vec<_>>(),
        "propagation": range(settings.propagation),
        "shield_propagation": range(network.shield_propagation.unwrap_or(settings.propagation)),
        "spread": spread.map(|(word, _)| word),
        "mode": settings.mode,
        "bulk_invalidation": settings.bulk_invalidation,
        "backups": settings.backups,
        "admin_quota": settings.admin_quota,
        "search_lag": text(settings.search_lag),
        "traffic": settings.traffic,
        "edge": own.collect::<serde_json::Map<_, _>>(),
    })
}

/// What was promised, and what is not so.
pub fn expect(expect: &Expect, world: &World) -> Value {
    let broken = expect.broken(world);
    json!({
        "within": expect.within.map(text),
        "later": choice(&expect.later),
        "never": choice(&expect.never),
        "regress": choice(&expect.regress),
        "holds": broken.is_empty(),
        "broken": broken,
    })
}
