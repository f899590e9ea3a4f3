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
    standstills: u8,
    trust: AgeTrust,
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

    /// Takes in the `Age` (seconds) of one sighting of the cell with its entity tag.
    pub fn see(&mut self, tag: Option<&str>, age: Option<u64>, at: Moment) {
        let Some(age) = age else { return };
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
            watch.see(Some("a"), Some(*age), Moment::from_origin(Duration::from_secs(*at)));
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
        watch.see(Some("a"), Some(10), Moment::from_origin(Duration::from_secs(0)));
        watch.see(Some("b"), Some(15), Moment::from_origin(Duration::from_secs(5)));
        assert_eq!(watch.trust(), AgeTrust::Unproven);
    }
}
