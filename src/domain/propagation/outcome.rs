//! How a watch ends, and the sentence that says so: what was seen, never "everywhere".

use std::time::Duration;

use super::MissChance;
use crate::domain::invalidation::Outcome;

/// What an ending is told with.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tally {
    /// Caches that answered, and caches that were asked; addresses that answer as one cache are one.
    pub reached: usize,
    pub asked: usize,
    /// Places that answered: an address each.
    pub addresses: usize,
    pub never_answered: Vec<String>,
    pub excluded: Vec<String>,
    /// Fewest clear sightings in a row of any cell.
    pub sightings: u32,
    pub quiet: Duration,
    /// What the sightings can have missed.
    pub miss_chance: MissChance,
    /// Cells clear by proof of a refetch, and cells that hold the same bytes without such a proof.
    pub refetched: usize,
    pub same: usize,
    /// Cells clear and in all, and the places that hold those which are not.
    pub clear: usize,
    pub total: usize,
    pub not_clear_at: Vec<String>,
    pub not_covered: usize,
    /// Cells there would have been without the sample.
    pub sampled_of: Option<usize>,
    pub elapsed: Duration,
}

/// Names of a list that are written out; the rest is counted.
const NAMED: usize = 5;

/// The outcome of a watch whose every cell is clear through the quiet.
#[must_use]
pub const fn outcome_when_clear(not_covered: usize, sampled_of: Option<usize>) -> Outcome {
    match (not_covered, sampled_of) {
        (0, None) => Outcome::AllClear,
        (0, Some(_)) => Outcome::SampledClear,
        (_, _) => Outcome::ClearExcept,
    }
}

/// One sentence for the operator, the same on every screen.
#[must_use]
pub fn sentence_of(outcome: Outcome, tally: &Tally) -> String {
    match outcome {
        Outcome::AllClear => format!("all clear: {}", seen(tally)),
        Outcome::ClearExcept => format!(
            "clear except {} that the invalidation does not reach: {}",
            counted(tally.not_covered, "URL"),
            seen(tally)
        ),
        Outcome::SampledClear => format!("clear in a sample: {}", seen(tally)),
        Outcome::Superseded => "a newer operation on the same asset took over".to_owned(),
        Outcome::GaveUp => {
            format!("gave up after {}: {}", roughly(tally.elapsed), not_clear(tally))
        }
        Outcome::Blind => blind(tally),
        Outcome::CloudGone => "the local cloud it belonged to no longer runs".to_owned(),
        Outcome::Failed => {
            "the cloud accepted none of the calls, so there is nothing to watch".to_owned()
        }
        Outcome::Abandoned => format!("abandoned by the operator: {}", not_clear(tally)),
    }
}

fn seen(tally: &Tally) -> String {
    let sampled = tally
        .sampled_of
        .map(|all| format!("; {} of {} watched", tally.total, counted(all, "cell")));
    let same = (tally.same > 0).then(|| {
        let Tally { refetched, same, .. } = tally;
        format!("; {refetched} refetched, {same} same bytes, refetch not visible")
    });
    let addresses = (tally.addresses > tally.reached)
        .then(|| format!(" at {}", counted(tally.addresses, "address")));
    format!(
        "{} of {} reached{}, {} each, quiet {} s{}{}{}; chance to miss one stale node of four: {}",
        tally.reached,
        counted(tally.asked, "cache"),
        addresses.unwrap_or_default(),
        counted(tally.sightings as usize, "sighting"),
        tally.quiet.as_secs(),
        sampled.unwrap_or_default(),
        same.unwrap_or_default(),
        left_out(tally),
        tally.miss_chance
    )
}

fn left_out(tally: &Tally) -> String {
    let told = |what: &str, names: &[String]| {
        if names.is_empty() { String::new() } else { format!("; {what}: {}", named(names)) }
    };
    told("never answered", &tally.never_answered) + &told("excluded", &tally.excluded)
}

fn not_clear(tally: &Tally) -> String {
    if tally.total == 0 {
        return format!("nothing was seen{}", left_out(tally));
    }
    let open = tally.total - tally.clear;
    if open == 0 {
        return format!("every cell looked clear but the proof is not complete{}", left_out(tally));
    }
    let verb = if open == 1 { "is" } else { "are" };
    format!(
        "{open} of {} {verb} not clear, at {}{}",
        counted(tally.total, "cell"),
        named(&tally.not_clear_at),
        left_out(tally)
    )
}

fn blind(tally: &Tally) -> String {
    match (tally.asked, tally.not_covered) {
        (0, 0) => "blind: there is nothing to watch".to_owned(),
        (0, urls) => format!(
            "blind: there is nothing to watch, the invalidation does not reach {}",
            counted(urls, "URL")
        ),
        (asked, _) => {
            format!("blind: none of {} answered{}", counted(asked, "place"), left_out(tally))
        }
    }
}

/// `3 URLs`, `1 URL`.
fn counted(count: usize, what: &str) -> String {
    let plural = if what.ends_with('s') { "es" } else { "s" };
    format!("{count} {what}{}", if count == 1 { "" } else { plural })
}

/// The first names of a list and how many more.
fn named(names: &[String]) -> String {
    let shown = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn roughly(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally() -> Tally {
        Tally {
            reached: 24,
            asked: 24,
            sightings: 3,
            quiet: Duration::from_secs(30),
            miss_chance: MissChance { low: 0.01, high: 0.178 },
            refetched: 48,
            clear: 48,
            total: 48,
            ..Tally::default()
        }
    }

    #[test]
    fn the_sentence_counts_what_was_seen() {
        assert_eq!(
            sentence_of(Outcome::AllClear, &tally()),
            "all clear: 24 of 24 caches reached, 3 sightings each, quiet 30 s; chance to miss one stale node of four: 1.0 % if stale for all URLs, 18 % if for one"
        );
        let one = Tally { reached: 1, asked: 1, sightings: 1, ..tally() };
        assert_eq!(
            sentence_of(Outcome::AllClear, &one),
            "all clear: 1 of 1 cache reached, 1 sighting each, quiet 30 s; chance to miss one stale node of four: 1.0 % if stale for all URLs, 18 % if for one"
        );
    }

    #[test]
    fn addresses_of_one_cache_are_told_apart_from_caches() {
        let three = Tally { reached: 3, asked: 3, addresses: 8, ..tally() };
        assert_eq!(
            sentence_of(Outcome::AllClear, &three),
            "all clear: 3 of 3 caches reached at 8 addresses, 3 sightings each, quiet 30 s; chance to miss one stale node of four: 1.0 % if stale for all URLs, 18 % if for one"
        );
    }

    #[test]
    fn what_was_left_out_is_named() {
        let tally = Tally {
            reached: 22,
            never_answered: vec!["SIN".into()],
            excluded: vec!["LAX".into()],
            refetched: 18,
            same: 6,
            ..tally()
        };
        assert_eq!(
            sentence_of(Outcome::AllClear, &tally),
            "all clear: 22 of 24 caches reached, 3 sightings each, quiet 30 s; 18 refetched, 6 same bytes, \
             refetch not visible; never answered: SIN; excluded: LAX; \
             chance to miss one stale node of four: 1.0 % if stale for all URLs, 18 % if for one"
        );
    }

    #[test]
    fn long_lists_are_cut() {
        let names = (0..9).map(|n| format!("P{n}")).collect::<Vec<_>>();
        assert_eq!(named(&names), "P0, P1, P2, P3, P4 and 4 more");
    }

    #[test]
    fn only_one_outcome_uses_its_words() {
        let tally =
            Tally { not_covered: 2, clear: 47, not_clear_at: vec!["SIN".into()], ..tally() };
        for outcome in Outcome::ALL.into_iter().filter(|outcome| *outcome != Outcome::AllClear) {
            for tally in [&tally, &Tally::default(), &Tally { clear: 48, ..tally.clone() }] {
                let sentence = sentence_of(outcome, tally);
                assert!(!sentence.contains("all clear"), "{sentence}");
            }
        }
        assert_eq!(
            sentence_of(Outcome::GaveUp, &Tally { elapsed: Duration::from_secs(3600), ..tally }),
            "gave up after 60 min: 1 of 48 cells is not clear, at SIN"
        );
    }

    #[test]
    fn outcomes_of_a_clear_watch() {
        assert_eq!(outcome_when_clear(0, None), Outcome::AllClear);
        assert_eq!(outcome_when_clear(0, Some(9)), Outcome::SampledClear);
        assert_eq!(outcome_when_clear(1, None), Outcome::ClearExcept);
        assert_eq!(outcome_when_clear(1, Some(9)), Outcome::ClearExcept);
    }
}
