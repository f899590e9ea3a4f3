//! Whether `Age` can be believed at a place: only after it was seen growing with our clock (design §2.2).

use std::time::Duration;

use crate::domain::time::Moment;

/// What is known of a place's `Age` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AgeTrust {
    /// Not seen often enough. It can speak against a copy, never for it.
    #[default]
    Unproven,
    /// Seen growing with our clock.
    Believed,
    /// Seen standing still, or our clock cannot be trusted: neither for nor against.
    Disproved,
}

/// Two looks closer together than this prove nothing: `Age` steps in whole seconds.
const APART: Duration = Duration::from_secs(3);
/// Rounding at both ends.
const SLACK: Duration = Duration::from_millis(1500);
/// How often an `Age` may stand still before it is thrown away.
const STANDSTILLS: u8 = 2;

/// Follows the `Age` of one cell; several cells of a place add up to the place's trust.
#[derive(Debug, Clone, Default)]
pub struct AgeWatch {
    last: Option<Mark>,
    /// Of the copy that was seen last.
    made: Option<Made>,
    is_same_copy: bool,
    standstills: u8,
    trust: AgeTrust,
}

/// When a copy was made, in milliseconds of our clock: not before `from`, and at `to` at the latest. Whole seconds of
/// `Age` leave a second open, which every further look at the same copy narrows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Made {
    from: i64,
    to: i64,
}

impl Made {
    fn of(age: u64, sent: Moment, received: Moment) -> Self {
        let millis = |at: Moment| i64::try_from(at.since_origin().as_millis()).unwrap_or(i64::MAX);
        let age = i64::try_from(age).unwrap_or(i64::MAX).saturating_mul(1000);
        let (from, to) = (millis(sent).saturating_sub(age), millis(received).saturating_sub(age));
        Self { from: from.saturating_sub(1000), to }
    }

    /// What both know, if they can be of the same copy.
    fn meet(self, other: Self) -> Option<Self> {
        let both = Self { from: self.from.max(other.from), to: self.to.min(other.to) };
        (both.from <= both.to).then_some(both)
    }
}

#[derive(Debug, Clone)]
struct Mark {
    tag: Option<String>,
    age: u64,
    at: Moment,
}

impl AgeWatch {
    #[must_use]
    pub fn trust(&self) -> AgeTrust {
        self.trust
    }

    /// Whether the last sighting was of the same copy as the one before.
    #[must_use]
    pub const fn is_same_copy(&self) -> bool {
        self.is_same_copy
    }

    /// How old the copy that was seen last is `now`, at least; all looks at it together know more than the last.
    #[must_use]
    pub fn known_age(&self, now: Moment) -> Option<Duration> {
        let now = i64::try_from(now.since_origin().as_millis()).ok()?;
        let age = now.saturating_sub(self.made?.to);
        u64::try_from(age).ok().map(Duration::from_millis)
    }

    /// Takes in the `Age` (seconds) of one sighting of the cell with its entity tag.
    pub fn see(&mut self, tag: Option<&str>, age: Option<u64>, sent: Moment, at: Moment) {
        self.is_same_copy = false;
        let Some(age) = age else {
            self.made = None;
            return;
        };
        let made = Made::of(age, sent, at);
        let wears_it = self.last.as_ref().is_some_and(|last| last.tag.as_deref() == tag);
        let met = self.made.filter(|_| wears_it).and_then(|known| known.meet(made));
        (self.is_same_copy, self.made) = (met.is_some(), Some(met.unwrap_or(made)));
        match &self.last {
            Some(last) if last.tag.as_deref() == tag && age >= last.age => {
                let passed = at.since(last.at);
                if passed < APART {
                    return; // keep the elder mark: only distance proves
                }
                let grown = Duration::from_secs(age - last.age);
                if grown.abs_diff(passed) <= SLACK {
                    self.trust = AgeTrust::Believed;
                } else if grown.is_zero()
                    && Duration::from_secs(age) > passed + SLACK // else it may be another copy, fetched meanwhile
                    && self.trust == AgeTrust::Unproven
                {
                    self.standstills += 1;
                    if self.standstills >= STANDSTILLS {
                        self.trust = AgeTrust::Disproved;
                    }
                }
            }
            _ => {}
        }
        self.last = Some(Mark { tag: tag.map(str::to_owned), age, at });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn seen(ages: &[(u64, u64)]) -> AgeTrust {
        let mut watch = AgeWatch::default();
        for (at, age) in ages {
            let at = Moment::from_origin(Duration::from_secs(*at));
            watch.see(Some("a"), Some(*age), at, at);
        }
        watch.trust()
    }

    #[rstest]
    #[case::once(&[(0, 400)], AgeTrust::Unproven)]
    #[case::too_close(&[(0, 400), (1, 401), (2, 402)], AgeTrust::Unproven)]
    #[case::growing(&[(0, 400), (4, 404)], AgeTrust::Believed)]
    #[case::close_looks_add_up(&[(0, 400), (1, 401), (2, 402), (3, 403)], AgeTrust::Believed)]
    #[case::rounded(&[(0, 400), (5, 404)], AgeTrust::Believed)]
    #[case::stands_still_once(&[(0, 7), (5, 7)], AgeTrust::Unproven)]
    #[case::stands_still(&[(0, 7), (5, 7), (10, 7)], AgeTrust::Disproved)]
    #[case::fetched_at_every_look(&[(0, 0), (5, 0), (10, 0), (15, 0)], AgeTrust::Unproven)]
    #[case::fetched_between_looks(&[(0, 7), (10, 7), (20, 7), (30, 7)], AgeTrust::Unproven)]
    #[case::too_fast(&[(0, 7), (5, 107)], AgeTrust::Unproven)]
    #[case::fetched_again(&[(0, 400), (5, 1)], AgeTrust::Unproven)]
    #[case::fetched_again_then_growing(&[(0, 400), (5, 1), (9, 5)], AgeTrust::Believed)]
    fn age_is_believed_only_when_it_grows_with_our_clock(
        #[case] ages: &[(u64, u64)],
        #[case] trust: AgeTrust,
    ) {
        assert_eq!(seen(ages), trust);
    }

    #[test]
    fn another_copy_proves_nothing() {
        let mut watch = AgeWatch::default();
        watch.see(Some("a"), Some(10), second(0), second(0));
        watch.see(Some("b"), Some(15), second(5), second(5));
        assert_eq!(watch.trust(), AgeTrust::Unproven);
        assert!(!watch.is_same_copy());
    }

    #[test]
    fn looks_at_one_copy_narrow_when_it_was_made() {
        let mut watch = AgeWatch::default();
        let millis = |millis| Moment::from_origin(Duration::from_millis(millis));
        // made at 2.3 s
        watch.see(Some("a"), Some(7), millis(10_100), millis(10_120));
        assert!(!watch.is_same_copy());
        assert_eq!(watch.known_age(millis(10_120)), Some(Duration::from_secs(7)));
        watch.see(Some("a"), Some(9), millis(11_340), millis(11_350));
        assert!(watch.is_same_copy());
        assert_eq!(watch.known_age(millis(11_350)), Some(Duration::from_secs(9)));
        watch.see(Some("a"), Some(9), millis(12_250), millis(12_260));
        assert!(watch.is_same_copy());
        assert_eq!(watch.known_age(millis(12_260)), Some(Duration::from_millis(9_910)));
        // made again at 12.3 s
        watch.see(Some("a"), Some(1), millis(13_400), millis(13_410));
        assert!(!watch.is_same_copy());
        assert_eq!(watch.known_age(millis(13_410)), Some(Duration::from_secs(1)));
        watch.see(Some("a"), None, millis(14_000), millis(14_010));
        assert_eq!((watch.is_same_copy(), watch.known_age(millis(14_010))), (false, None));
    }

    fn second(second: u64) -> Moment {
        Moment::from_origin(Duration::from_secs(second))
    }
}
