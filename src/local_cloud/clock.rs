//! The local cloud's clock: time since its start, and the wall clock.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::time::Timestamp;

/// What the server asks the time of; tests may bring one that stands still.
pub trait Clock: Send + Sync + 'static {
    /// Time since the cloud started, with what was skipped; never goes back.
    fn since_start(&self) -> Duration;

    /// Wall clock at the start.
    fn started_at(&self) -> Timestamp;

    /// Wall clock now, without what was skipped: the one that callers sign by.
    fn wall(&self) -> Timestamp;

    /// Moves time since the start forward, as if `by` had passed at once.
    fn skip(&self, by: Duration);

    /// Stops time since the start, until [`Self::resume`]; it can still be skipped.
    fn freeze(&self);

    /// Lets time since the start go on from where it stopped.
    fn resume(&self);

    /// Whether it stands still.
    fn is_frozen(&self) -> bool;
}

/// The machine's own clocks.
#[derive(Debug)]
pub struct MachineClock {
    started: Instant,
    started_at: Timestamp,
    course: Mutex<Course>,
}

/// What was done to time.
#[derive(Debug, Default)]
struct Course {
    skipped: Duration,
    /// Time that passed on the machine while it was frozen.
    missed: Duration,
    /// Since when it is frozen, on the machine.
    frozen: Option<Duration>,
}

impl MachineClock {
    #[must_use]
    pub fn start() -> Self {
        let (started, started_at) = (Instant::now(), Timestamp::now());
        Self { started, started_at, course: Mutex::default() }
    }

    fn course(&self) -> MutexGuard<'_, Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for MachineClock {
    fn since_start(&self) -> Duration {
        let course = self.course();
        let passed = course.frozen.unwrap_or_else(|| self.started.elapsed());
        passed.saturating_sub(course.missed).saturating_add(course.skipped)
    }

    fn started_at(&self) -> Timestamp {
        self.started_at
    }

    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    fn skip(&self, by: Duration) {
        let mut course = self.course();
        course.skipped = course.skipped.saturating_add(by);
    }

    fn freeze(&self) {
        let passed = self.started.elapsed();
        self.course().frozen.get_or_insert(passed);
    }

    fn resume(&self) {
        let mut course = self.course();
        if let Some(since) = course.frozen.take() {
            course.missed += self.started.elapsed().saturating_sub(since);
        }
    }

    fn is_frozen(&self) -> bool {
        self.course().frozen.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frozen_time_stands_still_can_be_skipped_and_goes_on_from_where_it_was() {
        let clock = MachineClock::start();
        clock.freeze();
        let at = clock.since_start();
        clock.freeze();
        assert_eq!(clock.since_start(), at);
        clock.skip(Duration::from_secs(60));
        let later = at + Duration::from_secs(60);
        assert!(clock.is_frozen() && clock.since_start() == later);
        clock.resume();
        clock.resume();
        assert!(!clock.is_frozen());
        let after = clock.since_start();
        assert!(after >= later && after < later + Duration::from_secs(5), "{after:?}");
    }
}
