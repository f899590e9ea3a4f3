//! Time, passed in.

use crate::domain::time::{Moment, Timestamp};

/// Both clocks. Tests over in-memory adapters use one that follows tokio's paused time.
pub trait Clock: Send + Sync {
    /// Wall clock, for display, journal and signatures.
    fn wall(&self) -> Timestamp;

    /// Clock for durations: never jumps and counts sleep.
    fn moment(&self) -> Moment;
}
