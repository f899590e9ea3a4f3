//! The local cloud's clock: time since its start, and the wall clock.

use std::sync::{Mutex, PoisonError};
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
}

/// The machine's own clocks.
#[derive(Debug)]
pub struct MachineClock {
    started: Instant,
    started_at: Timestamp,
    skipped: Mutex<Duration>,
}

impl MachineClock {
    #[must_use]
    pub fn start() -> Self {
        let (started, started_at) = (Instant::now(), Timestamp::now());
        Self { started, started_at, skipped: Mutex::default() }
    }
}

impl Clock for MachineClock {
    fn since_start(&self) -> Duration {
        let skipped = *self.skipped.lock().unwrap_or_else(PoisonError::into_inner);
        self.started.elapsed().saturating_add(skipped)
    }

    fn started_at(&self) -> Timestamp {
        self.started_at
    }

    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    fn skip(&self, by: Duration) {
        let mut skipped = self.skipped.lock().unwrap_or_else(PoisonError::into_inner);
        *skipped = skipped.saturating_add(by);
    }
}
