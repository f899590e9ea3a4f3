//! Bounds: how late an all clear may be, and between which rates a counted rate can lie.

use std::time::Duration;

use super::story::{Matter, Story};

/// Longest time from the last thing that stirred (the last old copy leaving, a fault ending, a change, a repeated
/// purge) to the all clear, from the rule and the cadence:
///
/// - hold-back and readings of storage until the change is known: 5 s + 15 s, and 60 s more where storage lags;
/// - the next look at a cell that waits, at a place that gave no answer, or that slowed because of a shield: at most
///   a minute and a fifth;
/// - runs: each cell its k looks, one request a second for a place, or t where that is longer, and once more that
///   long, because a quarter of the looks may be spent on bodies and references;
/// - quiet: q, for gone content at least 75 s with the late look after that, m looks at each place;
/// - the last reading of storage: 20 s.
///
/// Where answers are lost, or refused in bursts, a run or the quiet lasts longer or starts anew now and then: three times
/// that.
pub fn lag(story: &Story, cells: usize) -> Duration {
    let secs = Duration::from_secs;
    let rule = story.level.rule();
    let places = story.settings.edges.len() * story.travel.addresses;
    let here = u32::try_from(cells.div_ceil(places.max(1))).unwrap_or(u32::MAX);
    let run = rule.t.max(secs(u64::from(rule.k * here.max(1)))) * 2;
    let quiet = rule.q.max(secs(75)) + secs(u64::from(rule.m.max(here))) + secs(15);
    let known = secs(20) + secs(if story.matters.contains(&Matter::Lag) { 60 } else { 0 });
    let proof = run + quiet;
    let loses = story.travel.lost_probes > 0.0
        || [Matter::Slow, Matter::Refusals].iter().any(|one| story.matters.contains(one));
    known + secs(72) + proof * if loses { 3 } else { 1 } + secs(20)
}

/// Least and greatest rate at which `hits` of `cases` is not a surprise of less than `doubt` on either side (exact,
/// after Clopper and Pearson).
pub fn exact(hits: usize, cases: usize, doubt: f64) -> (f64, f64) {
    let solve = |target: &dyn Fn(f64) -> bool| {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if target(middle) { low = middle } else { high = middle }
        }
        f64::midpoint(low, high)
    };
    // at least `hits`, if the rate is p: rises with p
    let at_least = |p: f64| 1.0 - below(hits, cases, p);
    let at_most = |p: f64| below(hits + 1, cases, p);
    let least = if hits == 0 { 0.0 } else { solve(&|p| at_least(p) < doubt) };
    let most = if hits >= cases { 1.0 } else { solve(&|p| at_most(p) > doubt) };
    (least, most)
}

/// Chance of fewer than `hits` of `cases` at the rate `p`.
fn below(hits: usize, cases: usize, p: f64) -> f64 {
    if p <= 0.0 {
        return if hits > 0 { 1.0 } else { 0.0 };
    }
    if p >= 1.0 {
        return if hits > cases { 1.0 } else { 0.0 };
    }
    let n = cases as f64;
    let mut term = n * (1.0 - p).ln(); // log of the chance of none
    let mut sum = 0.0;
    for k in 0..hits.min(cases + 1) {
        sum += term.exp();
        let k = k as f64;
        term += ((n - k) / (k + 1.0)).ln() + (p / (1.0 - p)).ln();
    }
    sum.min(1.0)
}

#[test]
fn exact_bounds_are_those_of_the_tables() {
    // Clopper and Pearson, 95 % two-sided: 0 of 10 up to 30.85 %; 5 of 10 between 18.71 % and 81.29 %
    let (least, most) = exact(0, 10, 0.025);
    assert!(least.abs() < 1e-9 && (most - 0.3085).abs() < 1e-4, "{least} {most}");
    let (least, most) = exact(5, 10, 0.025);
    assert!((least - 0.1871).abs() < 1e-4 && (most - 0.8129).abs() < 1e-4, "{least} {most}");
    let (least, most) = exact(10, 10, 0.025);
    assert!((least - 0.6915).abs() < 1e-4 && (most - 1.0).abs() < 1e-9, "{least} {most}");
}
