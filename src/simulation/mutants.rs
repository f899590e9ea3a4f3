//! Wrong beliefs, each a way in which simpler tools decide: the simulation must catch them all.

use std::time::Duration;

use crate::domain::confidence::{Confidence, Rule};
use crate::domain::judge::{Facts, judge};
use crate::domain::sighting::{CacheStatus, Sighting};
use crate::domain::verdict::{Expectation, Judgement, Reason, Verdict};
use crate::ops::tracker::Doctrine;

use super::run::Name;
use super::story::{Matter, Story};

fn cleared(reason: Reason) -> Judgement {
    Judgement { verdict: Verdict::Cleared, reason }
}

/// The cache's own word decides: a miss means that it was cleared, and so does a hit on what was stored since the
/// call, as far as its `Age` tells. Contents are not looked at.
fn by_hit_or_miss(sighting: &Sighting, facts: &Facts<'_>) -> Judgement {
    let truly = judge(sighting, facts);
    let Ok(answer) = &sighting.result else { return truly };
    let served = match facts.expectation {
        Expectation::Gone => matches!(answer.status, 200 | 206 | 404),
        _ => matches!(answer.status, 200 | 206),
    };
    let stored_since =
        answer.age.zip(facts.since_sent).is_none_or(|(age, since)| age <= since.as_secs());
    match answer.cache {
        CacheStatus::Miss if served => cleared(Reason::EqualsNew),
        CacheStatus::Hit if served && stored_since => cleared(Reason::EqualsNew),
        CacheStatus::Hit if served => {
            Judgement { verdict: Verdict::Outdated, reason: Reason::EarlierContent }
        }
        _ => truly,
    }
}

/// Whoever does not answer is taken to be clear.
fn unreachable_is_clear(sighting: &Sighting, facts: &Facts<'_>) -> Judgement {
    if sighting.result.is_err() { cleared(Reason::NotFound) } else { judge(sighting, facts) }
}

/// One sighting is enough, and nobody looks on.
fn one_look(_: Confidence) -> Rule {
    Rule { k: 1, t: Duration::ZERO, m: 0, q: Duration::ZERO, outlives_refusals: false }
}

/// A mutant, by name, with what must be the matter in a story for it to go wrong.
pub struct Mutant {
    pub name: &'static str,
    pub doctrine: Doctrine,
    shown_by: &'static [Matter],
}

impl Mutant {
    /// The first `most` of the stories `among` in which it may go wrong.
    pub fn stories(&self, among: &[Name], most: usize) -> Vec<Name> {
        let may_show = |(seed, level): &&Name| {
            let story = Story::draw(*seed, *level);
            let shows = |matter: &Matter| self.shown_by.contains(matter);
            story.is_seen_by_each_probe() && story.matters.iter().any(shows)
        };
        among.iter().filter(may_show).take(most).copied().collect()
    }
}

/// Every mutant.
pub fn all() -> [Mutant; 3] {
    let truth = Doctrine::default();
    [
        Mutant {
            name: "hit or miss decides",
            doctrine: Doctrine { judge: by_hit_or_miss, ..truth },
            shown_by: &[Matter::Shield],
        },
        Mutant {
            name: "one sighting and no quiet",
            doctrine: Doctrine { rule: one_look, ..truth },
            shown_by: &[Matter::Resurrection],
        },
        Mutant {
            name: "unreachable counts as clear",
            doctrine: Doctrine { judge: unreachable_is_clear, ..truth },
            shown_by: &[Matter::Dead],
        },
    ]
}
