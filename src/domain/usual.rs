//! How long caches usually take to let go, learned from earlier invalidations of the same cloud.

use std::time::Duration;

/// What earlier invalidations took, from the call to the first sighting that proved a place clear.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usual {
    /// Of each place, shortest first.
    places: Vec<Duration>,
    /// Of each watch its slowest place, shortest first.
    watches: Vec<Duration>,
}

/// Watches from which a usual time can be told.
const ENOUGH: usize = 5;
/// A watch is late after so many times what nine of ten took, within these bounds.
const LATE: u32 = 3;
const SOONEST: Duration = Duration::from_secs(60);
const LATEST: Duration = Duration::from_secs(60 * 60);

impl Usual {
    /// Of watches, each given by what its places took.
    #[must_use]
    pub fn of(watches: &[Vec<Duration>]) -> Self {
        let mut places = watches.concat();
        let mut slowest: Vec<_> =
            watches.iter().filter_map(|of_places| of_places.iter().max().copied()).collect();
        places.sort_unstable();
        slowest.sort_unstable();
        Self { places, watches: slowest }
    }

    /// What each place took, shortest first.
    #[must_use]
    pub fn places(&self) -> &[Duration] {
        &self.places
    }

    /// Number of watches that this is known from.
    #[must_use]
    pub fn known_from(&self) -> usize {
        self.watches.len()
    }

    /// What half of the watches took, and nine of ten; `None` where too few are known.
    #[must_use]
    pub fn half_and_most(&self) -> Option<(Duration, Duration)> {
        (self.watches.len() >= ENOUGH)
            .then(|| (within(&self.watches, 50), within(&self.watches, 90)))
    }

    /// When a watch is late: some times what nine of ten took; `None` where too few are known.
    #[must_use]
    pub fn late_after(&self) -> Option<Duration> {
        self.half_and_most().map(|(_, most)| (most * LATE).clamp(SOONEST, LATEST))
    }
}

/// The time within which `percent` of `sorted` were over.
fn within(sorted: &[Duration], percent: usize) -> Duration {
    let over = (sorted.len() * percent).div_ceil(100);
    sorted.get(over.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(all: &[u64]) -> Vec<Duration> {
        all.iter().copied().map(Duration::from_secs).collect()
    }

    #[test]
    fn half_and_most_are_of_whole_watches() {
        let watches: Vec<_> = (1..=10).map(|slowest| secs(&[1, slowest * 10])).collect();
        let usual = Usual::of(&watches);
        let told = usual.half_and_most().unwrap();
        assert_eq!(told, (Duration::from_secs(50), Duration::from_secs(90)));
        assert_eq!(usual.late_after(), Some(Duration::from_secs(270)));
        assert_eq!((usual.places().len(), usual.known_from()), (20, 10));
        assert!(usual.places().is_sorted());
    }

    #[test]
    fn of_few_watches_nothing_is_usual() {
        let usual = Usual::of(&vec![secs(&[5]); 4]);
        assert_eq!((usual.half_and_most(), usual.late_after()), (None, None));
        assert_eq!(Usual::of(&[]), Usual::default());
        assert_eq!(Usual::of(&[secs(&[])]).known_from(), 0);
    }

    #[test]
    fn late_is_neither_at_once_nor_never() {
        assert_eq!(Usual::of(&vec![secs(&[1]); 5]).late_after(), Some(SOONEST));
        assert_eq!(Usual::of(&vec![secs(&[90_000]); 5]).late_after(), Some(LATEST));
    }
}
