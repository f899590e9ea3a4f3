//! Time of a simulation: tokio's, with what the machine slept through and a wall clock that may be wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::time::{Moment, Timestamp};
use crate::ports::clock::Clock;

/// Both clocks of a simulated machine. They follow tokio's time, which may be paused; clones are the same clock.
#[derive(Debug, Clone)]
pub struct SimulatedClock(Arc<Course>);

#[derive(Debug)]
struct Course {
    origin: Instant,
    /// Wall time at the origin.
    began: Timestamp,
    /// Milliseconds that passed while the machine slept and tokio's time stood still.
    slept: AtomicU64,
    /// Milliseconds that the wall clock is ahead of the world's; negative where it is behind.
    ahead: AtomicI64,
}

impl SimulatedClock {
    /// A clock whose origin is now, and which calls that `began`.
    #[must_use]
    pub fn starting_at(began: Timestamp) -> Self {
        let (slept, ahead) = (AtomicU64::default(), AtomicI64::default());
        Self(Arc::new(Course { origin: Instant::now(), began, slept, ahead }))
    }

    /// The machine sleeps: both clocks go on by so much at once, and no timer of the process fires for it.
    pub fn suspend(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.0.slept.fetch_add(millis, Ordering::Relaxed);
    }

    /// Sets the wall clock so many milliseconds ahead of the world's; it may go back.
    pub fn set_ahead(&self, millis: i64) {
        self.0.ahead.store(millis, Ordering::Relaxed);
    }

    /// Time since the origin, with what was slept through.
    #[must_use]
    pub fn passed(&self) -> Duration {
        self.0.origin.elapsed() + Duration::from_millis(self.0.slept.load(Ordering::Relaxed))
    }
}

impl Clock for SimulatedClock {
    fn wall(&self) -> Timestamp {
        let ahead = jiff::SignedDuration::from_millis(self.0.ahead.load(Ordering::Relaxed));
        let wall = self.0.began.checked_add(self.passed()).and_then(|wall| wall.checked_add(ahead));
        wall.unwrap_or(self.0.began)
    }

    fn moment(&self) -> Moment {
        Moment::from_origin(self.passed())
    }
}
