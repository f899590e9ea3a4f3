//! Every key that a scenario may have: what it takes and what it means. Reading, the schema and the documentation
//! are made of, or checked against, these tables.

use crate::local_cloud::pops::POPS;

/// What a key takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Takes {
    Text,
    /// A whole number, from and to.
    Integer(i64, i64),
    /// A number, from and to.
    Number(f64, f64),
    Switch,
    /// `500ms`, `20s`, `1m30s`.
    Duration,
    /// As [`Self::Duration`], and `-5m`.
    SignedDuration,
    /// `start`, `start+5s`, or a duration after the first invalidation.
    Begin,
    /// `2s..20s`.
    Range,
    /// One of these.
    Words(&'static [&'static str]),
    /// The code of a `PoP`.
    Code,
    /// The code of a `PoP`, a list of them, or `*`.
    Codes,
    /// A number of shields, or the codes of their `PoP`s.
    Shields,
    /// `[[fault]]` and the like.
    Tables,
    /// `[expect]` and the like.
    Table,
}

/// One key.
#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    pub takes: Takes,
    pub about: &'static str,
}

pub const MODES: &[&str] = &["surrogate", "legacy", "legacy-unversioned", "legacy-versioned"];
const SPREADS: &[&str] = &["uniform", "tail"];
const NODE_BY: &[&str] = &["connection", "request"];
const PARTS: &[&str] = &["*", "admin", "upload", "search"];
const VARIANTS: &[&str] = &["none", "webp", "avif"];

/// Most nodes of one edge.
const MOST_NODES: i64 = crate::local_cloud::options::MOST_NODES.cast_signed() as i64;
const MOST_EDGES: i64 = POPS.len().cast_signed() as i64;

/// Keys at the top of a file. All but `title` have a flag of `allclear cloud` that beats them, if there is one.
#[rustfmt::skip]
pub const TOP: &[Key] = &[
    Key { name: "title", takes: Takes::Text, about: "what happens, in one line" },
    Key { name: "seed", takes: Takes::Integer(0, i64::MAX), about: "what chance is drawn from: the same seed and scenario give the same story" },
    Key { name: "assets", takes: Takes::Integer(0, 10_000_000), about: "assets at the start" },
    Key { name: "edges", takes: Takes::Integer(1, MOST_EDGES), about: "how many edges there are" },
    Key { name: "nodes", takes: Takes::Integer(1, MOST_NODES), about: "nodes of each edge, each a cache of its own" },
    Key { name: "node_by", takes: Takes::Words(NODE_BY), about: "whether a node is drawn for each connection or for each request" },
    Key { name: "shields", takes: Takes::Shields, about: "caches between the edges and storage; edges take them in turn" },
    Key { name: "propagation", takes: Takes::Range, about: "how long an invalidation takes to an edge" },
    Key { name: "shield_propagation", takes: Takes::Range, about: "how long an invalidation takes to a shield; as to an edge where nothing is said" },
    Key { name: "spread", takes: Takes::Words(SPREADS), about: "how delays lie in their range: all alike, or most near its begin and a few beyond its end" },
    Key { name: "mode", takes: Takes::Words(MODES), about: "how invalidations find copies" },
    Key { name: "bulk_invalidation", takes: Takes::Switch, about: "whether Admin bulk deletes invalidate" },
    Key { name: "backups", takes: Takes::Switch, about: "whether every file is backed up" },
    Key { name: "admin_quota", takes: Takes::Integer(0, u32::MAX as i64), about: "Admin and Search calls an hour" },
    Key { name: "search_lag", takes: Takes::Duration, about: "how far search lags behind storage" },
    Key { name: "traffic", takes: Takes::Number(0.0, 1000.0), about: "looks of viewers a second, over all edges" },
    Key { name: "edge", takes: Takes::Table, about: "what one edge has of its own, by the code of its PoP: `[edge.SIN]`" },
    Key { name: "fault", takes: Takes::Tables, about: "what goes wrong: `[[fault]]`, as often as needed" },
    Key { name: "expect", takes: Takes::Table, about: "what the first invalidation truly comes to; `GET /_local/scenario` tells whether it did" },
];

/// Keys of `[edge.CODE]`.
#[rustfmt::skip]
pub const EDGE: &[Key] = &[
    Key { name: "nodes", takes: Takes::Integer(1, MOST_NODES), about: "nodes of this edge" },
    Key { name: "shield", takes: Takes::Code, about: "the shield behind it, one of `shields`" },
    Key { name: "propagation", takes: Takes::Range, about: "how long an invalidation takes to it" },
];

/// Keys of `[[fault]]`. Which kind takes which of the last ones is in the table of kinds.
#[rustfmt::skip]
pub const FAULT: &[Key] = &[
    Key { name: "kind", takes: Takes::Text, about: "what goes wrong" },
    Key { name: "edge", takes: Takes::Codes, about: "at which edges" },
    Key { name: "shield", takes: Takes::Codes, about: "at which shields" },
    Key { name: "api", takes: Takes::Words(PARTS), about: "in which part of the API" },
    Key { name: "node", takes: Takes::Integer(1, MOST_NODES), about: "at one node of the edge only, from 1" },
    Key { name: "id", takes: Takes::Text, about: "by which it is switched on and off; `fault-1` and so on where nothing is said" },
    Key { name: "on", takes: Takes::Switch, about: "false: off until it is switched on, and its time counts from then" },
    Key { name: "at", takes: Takes::Begin, about: "when it begins: so long after the first invalidation, or `start`, `start+5s` after the start; from the start where nothing is said" },
    Key { name: "after_invalidation", takes: Takes::Duration, about: "when it begins: so long after each invalidation, anew" },
    Key { name: "for", takes: Takes::Duration, about: "how long it lasts; without it, until the cloud stops" },
    Key { name: "share", takes: Takes::Number(0.0, 1.0), about: "how much of what it could hit it does hit, above 0 and up to 1" },
    Key { name: "count", takes: Takes::Integer(1, u32::MAX as i64), about: "how often it strikes at each place, at most" },
    Key { name: "delay", takes: Takes::Duration, about: "slow: how much later an answer comes, 800ms where nothing is said; hang: how long none comes" },
    Key { name: "late", takes: Takes::Duration, about: "how much later an invalidation arrives, or a change is told; 30s where nothing is said" },
    Key { name: "after", takes: Takes::Duration, about: "regress: from clearing to falling back, 3s; soft: from the first request to the new copy, 500ms" },
    Key { name: "by", takes: Takes::SignedDuration, about: "how far a clock is ahead, or with a minus behind; 5m where nothing is said" },
    Key { name: "status", takes: Takes::Integer(500, 599), about: "which error it is; 503 where nothing is said" },
    Key { name: "retry_after", takes: Takes::Duration, about: "what `Retry-After` says, in whole seconds; throttled: 5s where nothing is said" },
    Key { name: "variant", takes: Takes::Words(VARIANTS), about: "which class of copies survives; webp where nothing is said" },
    Key { name: "carried_out", takes: Takes::Switch, about: "whether a call is carried out although its answer is spoilt; no where nothing is said" },
];

/// Keys of a fault that not every kind takes.
pub const OF_KINDS: &[&str] = &[
    "share",
    "count",
    "delay",
    "late",
    "after",
    "by",
    "status",
    "retry_after",
    "variant",
    "carried_out",
];

/// Keys of `[expect]`.
#[rustfmt::skip]
pub const EXPECT: &[Key] = &[
    Key { name: "within", takes: Takes::Duration, about: "how long after the first invalidation every edge is clear that the other keys do not name" },
    Key { name: "later", takes: Takes::Codes, about: "edges that are clear after that time, and not before" },
    Key { name: "never", takes: Takes::Codes, about: "edges that this invalidation never clears" },
    Key { name: "regress", takes: Takes::Codes, about: "edges that have an old copy again after they were clear" },
];

/// The key of that name.
pub fn find<'k>(keys: &'k [Key], name: &str) -> Option<&'k Key> {
    keys.iter().find(|key| key.name == name)
}
