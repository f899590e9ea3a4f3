//! What goes wrong, where, and when.
//!
//! [`KINDS`] is the one table of everything that can go wrong: scenario files, the control surface, their schema and
//! the documentation are checked against it.

use std::time::Duration;

use crate::domain::sighting::AcceptVariant;

/// Codes of `PoP`s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Codes {
    All,
    /// In capitals.
    These(Vec<String>),
}

impl Codes {
    /// One code such as `SIN`, or `*` for all.
    #[must_use]
    pub fn read(text: &str) -> Self {
        match text {
            "*" | "all" => Self::All,
            code => Self::These(vec![code.to_ascii_uppercase()]),
        }
    }

    #[must_use]
    pub fn name(&self, code: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(codes) => codes.iter().any(|own| own == code),
        }
    }

    /// The codes that are written out.
    #[must_use]
    pub fn written(&self) -> &[String] {
        match self {
            Self::All => &[],
            Self::These(codes) => codes,
        }
    }
}

/// Parts of the API that a fault can hit apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiPart {
    All,
    /// Everything with Basic authentication but searches.
    Admin,
    /// Everything that is signed: upload, explicit, rename, destroy, tags.
    Upload,
    Search,
}

impl ApiPart {
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("*", Self::All),
        ("admin", Self::Admin),
        ("upload", Self::Upload),
        ("search", Self::Search),
    ];

    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, part)| *part == self).map_or("*", |(word, _)| word)
    }

    #[must_use]
    pub fn covers(self, part: Self) -> bool {
        self == Self::All || self == part
    }
}

/// Where something goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Site {
    Edge(Codes),
    Shield(Codes),
    Api(ApiPart),
}

impl Site {
    #[must_use]
    pub const fn kind(&self) -> SiteKind {
        match self {
            Self::Edge(_) => SiteKind::Edge,
            Self::Shield(_) => SiteKind::Shield,
            Self::Api(_) => SiteKind::Api,
        }
    }
}

/// Which key names the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SiteKind {
    Edge,
    Shield,
    Api,
}

impl SiteKind {
    pub const ALL: [Self; 3] = [Self::Edge, Self::Shield, Self::Api];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Shield => "shield",
            Self::Api => "api",
        }
    }
}

/// Kinds of fault; what each does is told in [`KINDS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    Stuck,
    Lost,
    Late,
    Soft,
    Variant,
    Regress,
    Dead,
    Slow,
    Hang,
    Cut,
    Truncated,
    Unavailable,
    Throttled,
    Ageless,
    Etagless,
    WeakEtag,
    NodeEtag,
    Skew,
    Quota,
    Lag,
}

/// What may be said about a kind of fault.
#[derive(Debug)]
pub struct KindSpec {
    pub kind: FaultKind,
    pub word: &'static str,
    pub sites: &'static [SiteKind],
    /// Keys besides those that every fault may have.
    pub keys: &'static [&'static str],
    pub about: &'static str,
}

use SiteKind::{Api, Edge, Shield};

/// Everything that can go wrong.
#[rustfmt::skip]
pub const KINDS: &[KindSpec] = &[
    KindSpec { kind: FaultKind::Stuck, word: "stuck", sites: &[Edge, Shield], keys: &[],
        about: "invalidations that arrive are kept waiting until the fault is over; without an end they are never carried out" },
    KindSpec { kind: FaultKind::Lost, word: "lost", sites: &[Edge, Shield], keys: &["share", "count"],
        about: "invalidations that arrive are lost" },
    KindSpec { kind: FaultKind::Late, word: "late", sites: &[Edge, Shield], keys: &["late", "share", "count"],
        about: "invalidations arrive later by `late`; answers come as usual" },
    KindSpec { kind: FaultKind::Soft, word: "soft", sites: &[Edge, Shield], keys: &["after", "share", "count"],
        about: "invalidations mark copies stale instead of dropping them: the next request is still served the old copy, and `after` later the edge holds what it fetched meanwhile" },
    KindSpec { kind: FaultKind::Variant, word: "variant", sites: &[Edge, Shield], keys: &["variant", "share", "count"],
        about: "invalidations miss the copies of one `Accept` class" },
    KindSpec { kind: FaultKind::Regress, word: "regress", sites: &[Edge], keys: &["after", "share", "count"],
        about: "`after` an invalidation has cleared the edge, the copies that it dropped are back, as from a cache behind it that had not been cleared; once, unless `count` says more" },
    KindSpec { kind: FaultKind::Dead, word: "dead", sites: &[Edge, Api], keys: &["share", "count"],
        about: "connections are reset before a byte is answered; invalidations arrive all the same" },
    KindSpec { kind: FaultKind::Slow, word: "slow", sites: &[Edge, Api], keys: &["delay", "late", "share"],
        about: "every answer comes `delay` later, and at an edge every invalidation `late` later" },
    KindSpec { kind: FaultKind::Hang, word: "hang", sites: &[Edge, Api], keys: &["delay", "share", "count", "carried_out"],
        about: "requests are taken and not answered for `delay`, or without one until the fault is over" },
    KindSpec { kind: FaultKind::Cut, word: "cut", sites: &[Edge, Api], keys: &["share", "count"],
        about: "the connection is reset in the middle of the body" },
    KindSpec { kind: FaultKind::Truncated, word: "truncated", sites: &[Edge], keys: &["share", "count"],
        about: "the connection is closed in the middle of the body, without a reset" },
    KindSpec { kind: FaultKind::Unavailable, word: "unavailable", sites: &[Edge, Api], keys: &["status", "retry_after", "share", "count", "carried_out"],
        about: "answers are 503, or another 5xx `status`" },
    KindSpec { kind: FaultKind::Throttled, word: "throttled", sites: &[Edge, Api], keys: &["retry_after", "share", "count"],
        about: "answers are 429 with `Retry-After`" },
    KindSpec { kind: FaultKind::Ageless, word: "ageless", sites: &[Edge], keys: &["share"],
        about: "answers carry no `Age`" },
    KindSpec { kind: FaultKind::Etagless, word: "etagless", sites: &[Edge], keys: &["share"],
        about: "answers carry no `ETag`" },
    KindSpec { kind: FaultKind::WeakEtag, word: "weak-etag", sites: &[Edge], keys: &["share"],
        about: "`ETag` is weak: `W/\"…\"`" },
    KindSpec { kind: FaultKind::NodeEtag, word: "node-etag", sites: &[Edge], keys: &["share"],
        about: "each node of the edge has an `ETag` of its own for the same bytes" },
    KindSpec { kind: FaultKind::Skew, word: "skew", sites: &[Edge], keys: &["by"],
        about: "the clock of the edge is ahead, or behind where `by` is negative: `Date` and the times in `Server-Timing`" },
    KindSpec { kind: FaultKind::Quota, word: "quota", sites: &[Api], keys: &[],
        about: "the hour's Admin API calls are used up: 420" },
    KindSpec { kind: FaultKind::Lag, word: "lag", sites: &[Api], keys: &["late"],
        about: "the Admin API goes on listing and describing what was there before a change, for `late` after it" },
];

impl FaultKind {
    /// # Panics
    /// Never: a test walks all kinds.
    #[must_use]
    pub fn spec(self) -> &'static KindSpec {
        KINDS.iter().find(|spec| spec.kind == self).expect("every kind is in the table")
    }

    #[must_use]
    pub fn word(self) -> &'static str {
        self.spec().word
    }

    /// The kind of that name.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        KINDS.iter().find(|spec| spec.word == word).map(|spec| spec.kind)
    }
}

/// When a fault begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// So long after the cloud's start.
    Start(Duration),
    /// So long after the first invalidation that the cloud ever received.
    FirstInvalidation(Duration),
    /// So long after each invalidation, anew.
    EachInvalidation(Duration),
}

/// A part of all cases, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(u32);

impl Share {
    pub const ALL: Self = Self(1_000_000);

    /// A share above 0 and up to 1.
    #[must_use]
    pub fn of(part: f64) -> Option<Self> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        (part > 0.0 && part <= 1.0).then(|| Self(((part * 1e6).round() as u32).max(1)))
    }

    #[must_use]
    pub fn part(self) -> f64 {
        f64::from(self.0) / 1e6
    }
}

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// By which it is switched on and off.
    pub id: String,
    pub site: Site,
    /// Only this node of an edge, from 0.
    pub node: Option<usize>,
    pub kind: FaultKind,
    /// Off until somebody switches it on.
    pub on: bool,
    pub begin: Begin,
    /// How long it lasts; without it, until the cloud stops.
    pub lasts: Option<Duration>,
    /// How much of what it could hit it does hit.
    pub share: Share,
    /// How often it strikes at each place, at most.
    pub count: Option<u32>,
    /// How much later an answer comes.
    pub delay: Duration,
    /// How much later an invalidation arrives, or a change is told.
    pub late: Duration,
    /// How long after clearing old copies are back; how long a stale copy is served before its successor is there.
    pub after: Duration,
    /// Seconds that a clock is ahead.
    pub ahead: i64,
    /// Of an answer that is refused.
    pub status: u16,
    /// Seconds.
    pub retry_after: Option<u64>,
    /// The class of copies that survives.
    pub variant: AcceptVariant,
    /// A call is carried out although its answer never comes.
    pub carried_out: bool,
}

impl Fault {
    pub const DELAY: Duration = Duration::from_millis(800);
    pub const LATE: Duration = Duration::from_secs(30);
    pub const AFTER: Duration = Duration::from_secs(3);
    /// [`Self::after`] of a soft purge.
    pub const REVALIDATION: Duration = Duration::from_millis(500);
    pub const AHEAD: i64 = 300;
    /// `Retry-After` of [`FaultKind::Throttled`].
    pub const RETRY_AFTER: u64 = 5;

    /// A fault of `kind` from the start on, without end, with what its kind has where nothing is said.
    #[must_use]
    pub fn new(site: Site, kind: FaultKind) -> Self {
        Self {
            id: String::new(),
            site,
            node: None,
            kind,
            on: true,
            begin: Begin::Start(Duration::ZERO),
            lasts: None,
            share: Share::ALL,
            count: (kind == FaultKind::Regress).then_some(1),
            delay: if kind == FaultKind::Hang { Duration::MAX } else { Self::DELAY },
            late: Self::LATE,
            after: if kind == FaultKind::Soft { Self::REVALIDATION } else { Self::AFTER },
            ahead: Self::AHEAD,
            status: if kind == FaultKind::Throttled { 429 } else { 503 },
            retry_after: (kind == FaultKind::Throttled).then_some(Self::RETRY_AFTER),
            variant: AcceptVariant::Webp,
            carried_out: false,
        }
    }

    /// As [`Self::new`], at edges: a code, or `*`.
    #[must_use]
    pub fn at_edge(code: &str, kind: FaultKind) -> Self {
        Self::new(Site::Edge(Codes::read(code)), kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_in_the_table_once() {
        let words: std::collections::BTreeSet<_> = KINDS.iter().map(|spec| spec.word).collect();
        assert_eq!(words.len(), KINDS.len());
        for spec in KINDS {
            assert_eq!(FaultKind::read(spec.word), Some(spec.kind));
            assert_eq!(spec.kind.word(), spec.word);
            assert!(!spec.sites.is_empty());
        }
        // the last kind of the enumeration: all before it are numbered without a gap
        assert_eq!(FaultKind::Lag as usize + 1, KINDS.len());
        assert_eq!(FaultKind::read("tired"), None);
    }

    #[test]
    fn a_share_is_above_nothing_and_at_most_all() {
        assert_eq!(Share::of(1.0), Some(Share::ALL));
        assert!((Share::of(0.25).unwrap().part() - 0.25).abs() < 1e-9);
        assert_eq!([0.0, -0.1, 1.01, f64::NAN].map(Share::of), [None; 4]);
    }
}
