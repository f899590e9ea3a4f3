//! When to look at an old copy again: seldom before anything can have happened, often around the time when caches
//! usually let go, seldom afterwards. Pure.

use std::time::Duration;

use crate::domain::usual::Usual;

/// When places are expected to let go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rhythm {
    /// Times after the call, shortest first; each as likely as any other.
    likely: Vec<Duration>,
}

/// What is expected before anything is known: some seconds up to some minutes (facts §1.1). Later they are a few
/// among many, so that a cloud that changes its habits is still noticed.
const PRIOR: [u64; 9] = [2, 4, 7, 12, 20, 35, 60, 120, 240];
/// Times learned that are heeded.
const HEEDED: usize = 500;
/// The next look is when a further one of so many should have let go.
const PARTS: usize = 8;
/// Shortest and longest time between looks while some are expected still.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(15);
/// Longest time between looks before anything is expected, and after all are overdue.
const SELDOM: Duration = Duration::from_secs(60);
/// The part of the time passed that a look comes late at most: of what is expected still, and of what is overdue.
const PATIENCE: u32 = 4;
const OVERDUE_PATIENCE: u32 = 8;

impl Default for Rhythm {
    fn default() -> Self {
        Self::new(&Usual::default())
    }
}

impl Rhythm {
    #[must_use]
    pub fn new(usual: &Usual) -> Self {
        let learned = usual.places();
        let stride = learned.len().div_ceil(HEEDED).max(1);
        let prior = PRIOR.map(Duration::from_secs);
        let mut likely: Vec<_> = learned.iter().step_by(stride).copied().chain(prior).collect();
        likely.sort_unstable();
        Self { likely }
    }

    /// Time until the next look at a place that served an old copy `since` after the call.
    #[must_use]
    pub fn step(&self, since: Duration) -> Duration {
        let over = self.likely.partition_point(|time| *time <= since);
        if over == self.likely.len() {
            return (since / OVERDUE_PATIENCE).clamp(LONGEST, SELDOM);
        }
        let part = (self.likely.len() / PARTS).max(1);
        let next = self.likely[(over + part - 1).min(self.likely.len() - 1)];
        let step = next.saturating_sub(since);
        if over < part {
            return step.clamp(SHORTEST, SELDOM); // hardly any has let go by now
        }
        step.min(since / PATIENCE).clamp(SHORTEST, LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A cloud whose every place takes about `about` seconds.
    fn habit(about: u64) -> Rhythm {
        let watch: Vec<_> = (0..10).map(|n| Duration::from_millis(about * (960 + 8 * n))).collect();
        Rhythm::new(&Usual::of(&vec![watch; 20]))
    }

    /// When looks are made at a place that never lets go, within `until`.
    fn looks(rhythm: &Rhythm, until: Duration) -> Vec<Duration> {
        let mut at = Duration::ZERO;
        std::iter::from_fn(|| {
            at += rhythm.step(at);
            (at <= until).then_some(at)
        })
        .collect()
    }

    fn between(looks: &[Duration], from: u64, to: u64) -> usize {
        looks.iter().filter(|at| (secs(from)..secs(to)).contains(*at)).count()
    }

    #[test]
    fn without_history_seconds_come_first_and_minutes_are_sparse() {
        let looks = looks(&Rhythm::default(), secs(600));
        assert_eq!(looks[..3], [secs(2), secs(3), secs(4)]);
        assert!(between(&looks, 0, 60) >= 10, "{looks:?}");
        assert!((10..=16).contains(&between(&looks, 60, 240)), "{looks:?}");
        assert!(between(&looks, 240, 600) <= 12, "{looks:?}");
    }

    #[test]
    fn looks_are_few_before_and_dense_around_the_usual_time() {
        let looks = looks(&habit(100), secs(600));
        assert!(between(&looks, 0, 95) <= 4, "{looks:?}");
        assert!(between(&looks, 95, 105) >= 5, "{looks:?}");
        assert!(between(&looks, 110, 240) <= 12, "{looks:?}");
    }

    #[test]
    fn a_fast_cloud_is_seen_at_once_and_a_late_place_soon() {
        let looks = looks(&habit(3), secs(120));
        assert!(between(&looks, 2, 4) >= 1, "{looks:?}");
        assert!(between(&looks, 4, 20) >= 5, "{looks:?}");
    }

    proptest! {
        #[test]
        fn a_step_is_never_too_short_nor_too_long(
            watches in proptest::collection::vec(
                proptest::collection::vec(0_u64..4_000_000, 0..30), 0..20),
            since in 0_u64..10_000_000,
        ) {
            let millis = |all: &Vec<u64>| all.iter().copied().map(Duration::from_millis).collect();
            let watches: Vec<Vec<Duration>> = watches.iter().map(millis).collect();
            let step = Rhythm::new(&Usual::of(&watches)).step(Duration::from_millis(since));
            prop_assert!((SHORTEST..=SELDOM).contains(&step), "{step:?}");
        }
    }
}
