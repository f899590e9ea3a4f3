//! The local cloud's clock: time since its start, and the wall clock it claims.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::domain::time::Timestamp;

/// What the server asks the time of; tests bring one that stands still.
pub trait Clock: Send + Sync + 'static {
    /// Time since the cloud started; never goes back.
    fn since_start(&self) -> Duration;

    /// Wall clock at the start.
    fn started_at(&self) -> Timestamp;

    /// Moves the clock forward, as if `by` had passed at once.
    fn skip(&self, by: Duration);
}

/// The machine's own clocks, plus what was skipped.
#[derive(Debug)]
pub struct MachineClock {
    started: Instant,
    started_at: Timestamp,
    skipped: Mutex<Duration>,
}

impl MachineClock {
    #[must_use]
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
            started_at: Timestamp::now(),
            skipped: Mutex::new(Duration::ZERO),
        }
    }
}

impl Clock for MachineClock {
    fn since_start(&self) -> Duration {
        let skipped = *self.skipped.lock().expect("a duration cannot be left half written");
        self.started.elapsed() + skipped
    }

    fn started_at(&self) -> Timestamp {
        self.started_at
    }

    fn skip(&self, by: Duration) {
        let mut skipped = self.skipped.lock().expect("a duration cannot be left half written");
        *skipped = skipped.saturating_add(by);
    }
}
