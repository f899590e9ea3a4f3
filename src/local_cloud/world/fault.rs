//! What goes wrong at edges, and when.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Which edges a fault hits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EdgeChoice {
    /// The edge of one `PoP`, by its code.
    One(String),
    All,
}

impl EdgeChoice {
    /// Reads a code such as `SIN`, or `*` for all edges.
    #[must_use]
    pub fn read(text: &str) -> Self {
        match text {
            "*" | "all" => Self::All,
            code => Self::One(code.to_ascii_uppercase()),
        }
    }

    #[must_use]
    pub fn hits(&self, code: &str) -> bool {
        match self {
            Self::All => true,
            Self::One(one) => one == code,
        }
    }
}

/// Kinds of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Invalidations that arrive are kept waiting until the fault is over; without an end they are never carried out.
    Stuck,
    /// Connections are reset before a byte is answered. Invalidations arrive all the same.
    Dead,
    /// Every answer comes [`Fault::delay`] later, and every invalidation [`Fault::late`] later.
    Slow,
    /// Once, [`Fault::after`] an invalidation has cleared the edge, the copies that it dropped are back, as from a
    /// shield behind it that had not been cleared.
    Regress,
    /// Invalidations that arrive are lost.
    Lost,
    /// Answers carry no `Age`.
    Ageless,
    /// Answers are 503 without content.
    Unavailable,
    /// Answers are 429 with `Retry-After`.
    Throttled,
}

/// When a fault begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// So long after the cloud's start.
    Start(Duration),
    /// So long after the first invalidation that the cloud ever received.
    FirstInvalidation(Duration),
}

/// One thing that goes wrong at one edge, or at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub edge: EdgeChoice,
    pub kind: FaultKind,
    pub begin: Begin,
    /// How long it lasts; without it, until the cloud stops.
    pub lasts: Option<Duration>,
    /// [`FaultKind::Slow`]: how much later an answer comes.
    pub delay: Duration,
    /// [`FaultKind::Slow`]: how much later an invalidation arrives.
    pub late: Duration,
    /// [`FaultKind::Regress`]: how long after clearing the old copies are back.
    pub after: Duration,
}

impl Fault {
    pub const DELAY: Duration = Duration::from_millis(800);
    pub const LATE: Duration = Duration::from_secs(30);
    pub const AFTER: Duration = Duration::from_secs(3);

    /// A fault of `kind` at `edge` from the start on, without end.
    #[must_use]
    pub const fn new(edge: EdgeChoice, kind: FaultKind) -> Self {
        Self {
            edge,
            kind,
            begin: Begin::Start(Duration::ZERO),
            lasts: None,
            delay: Self::DELAY,
            late: Self::LATE,
            after: Self::AFTER,
        }
    }

    /// From when to when it lasts; `None` before it is known, or for no end.
    fn window(&self, first_invalidation: Option<Duration>) -> Option<(Duration, Option<Duration>)> {
        let begin = match self.begin {
            Begin::Start(after) => after,
            Begin::FirstInvalidation(after) => first_invalidation?.saturating_add(after),
        };
        Some((begin, self.lasts.map(|lasts| begin.saturating_add(lasts))))
    }

    fn is_active(&self, first_invalidation: Option<Duration>, now: Duration) -> bool {
        self.window(first_invalidation)
            .is_some_and(|(begin, end)| begin <= now && end.is_none_or(|end| now < end))
    }
}

/// All faults of a world.
#[derive(Debug, Default)]
pub struct Faults {
    all: Vec<Fault>,
    first_invalidation: Option<Duration>,
    /// Regressions that have happened: index of the fault and of the edge.
    spent: Vec<(usize, usize)>,
}

impl Faults {
    #[must_use]
    pub fn of(all: Vec<Fault>) -> Self {
        Self { all, ..Self::default() }
    }

    pub fn add(&mut self, fault: Fault) {
        self.all.push(fault);
    }

    pub fn clear(&mut self) {
        self.all.clear();
        self.spent.clear();
    }

    #[must_use]
    pub fn all(&self) -> &[Fault] {
        &self.all
    }

    /// Starts the clock of faults that wait for the first invalidation.
    pub fn invalidated(&mut self, now: Duration) {
        self.first_invalidation.get_or_insert(now);
    }

    /// The fault of `kind` that `code` suffers from now.
    #[must_use]
    pub fn active(&self, kind: FaultKind, code: &str, now: Duration) -> Option<&Fault> {
        self.position(kind, code, now).map(|at| &self.all[at])
    }

    fn position(&self, kind: FaultKind, code: &str, now: Duration) -> Option<usize> {
        self.all.iter().position(|fault| {
            fault.kind == kind
                && fault.edge.hits(code)
                && fault.is_active(self.first_invalidation, now)
        })
    }

    /// Until when `code` keeps invalidations waiting: `None` not at all, `Some(None)` without end.
    #[must_use]
    pub fn stuck_until(&self, code: &str, now: Duration) -> Option<Option<Duration>> {
        let stuck = self.active(FaultKind::Stuck, code, now)?;
        stuck.window(self.first_invalidation).map(|(_, end)| end)
    }

    /// How long after now `code` falls back to what it has just dropped; once for each fault and edge.
    pub fn regress(&mut self, code: &str, edge: usize, now: Duration) -> Option<Duration> {
        let first = self.first_invalidation;
        let at = self.all.iter().enumerate().position(|(at, fault)| {
            fault.kind == FaultKind::Regress
                && fault.edge.hits(code)
                && fault.is_active(first, now)
                && !self.spent.contains(&(at, edge))
        })?;
        self.spent.push((at, edge));
        Some(self.all[at].after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn windows_count_from_the_start_or_from_the_first_invalidation() {
        let one = |begin| Fault {
            begin,
            lasts: Some(secs(20)),
            ..Fault::new(EdgeChoice::read("sin"), FaultKind::Dead)
        };
        let dead = |faults: &Faults, at| faults.active(FaultKind::Dead, "SIN", secs(at)).is_some();

        let from_start = Faults::of(vec![one(Begin::Start(secs(5)))]);
        assert_eq!([4, 5, 24, 25].map(|at| dead(&from_start, at)), [false, true, true, false]);
        assert!(from_start.active(FaultKind::Dead, "FRA", secs(6)).is_none());

        let mut from_first = Faults::of(vec![one(Begin::FirstInvalidation(secs(5)))]);
        assert!(!dead(&from_first, 1000));
        from_first.invalidated(secs(100));
        from_first.invalidated(secs(200));
        assert_eq!(
            [104, 105, 124, 125].map(|at| dead(&from_first, at)),
            [false, true, true, false]
        );
    }

    #[test]
    fn a_regression_happens_once_for_each_edge() {
        let mut faults = Faults::of(vec![Fault::new(EdgeChoice::All, FaultKind::Regress)]);
        assert_eq!(faults.regress("FRA", 0, secs(1)), Some(Fault::AFTER));
        assert_eq!(faults.regress("FRA", 0, secs(2)), None);
        assert_eq!(faults.regress("SIN", 1, secs(2)), Some(Fault::AFTER));
    }
}
