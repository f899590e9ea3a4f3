//! Wrong beliefs, each a way in which simpler tools decide: the simulation must catch them all.

use std::time::Duration;

use crate::domain::confidence::{Confidence, Rule};
use crate::domain::judge::{Facts, judge};
use crate::domain::sighting::{CacheStatus, Sighting};
use crate::domain::verdict::{Expectation, Judgement, Reason, Verdict};
use crate::ops::tracker::Doctrine;

use super::run::Name;

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

/// A mutant, by name, with fixed stories of which some catch it.
pub struct Mutant {
    pub name: &'static str,
    pub doctrine: Doctrine,
    pub stories: &'static [Name],
}

/// Every mutant. Their stories are among the fixed ones, in which the true judge tells no false all clear.
pub fn all() -> [Mutant; 3] {
    use Confidence::{Normal, Strict};
    let truth = Doctrine::default();
    [
        Mutant {
            name: "hit or miss decides",
            doctrine: Doctrine { judge: by_hit_or_miss, ..truth },
            stories: &[(24, Strict), (25, Strict), (26, Strict), (27, Strict)],
        },
        Mutant {
            name: "one sighting and no quiet",
            doctrine: Doctrine { rule: one_look, ..truth },
            stories: &[(139, Normal), (140, Normal), (141, Normal), (142, Normal)],
        },
        Mutant {
            name: "unreachable counts as clear",
            doctrine: Doctrine { judge: unreachable_is_clear, ..truth },
            stories: &[(353, Normal), (370, Normal), (371, Normal), (372, Normal)],
        },
    ]
}
