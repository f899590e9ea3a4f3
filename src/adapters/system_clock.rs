//! The clocks of this host; the only place that asks for "now".

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::domain::time::{Moment, Timestamp};
use crate::ports::clock::Clock;

/// The host's wall clock, and its clock that never jumps and counts sleep.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// `CLOCK_MONOTONIC` stands still while a Linux host sleeps; elsewhere it counts sleep.
#[cfg(any(target_os = "linux", target_os = "android"))]
const COUNTS_SLEEP: ClockId = ClockId::Boottime;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const COUNTS_SLEEP: ClockId = ClockId::Monotonic;

impl Clock for SystemClock {
    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    fn moment(&self) -> Moment {
        let now = clock_gettime(COUNTS_SLEEP);
        Moment::from_origin(Duration::new(
            u64::try_from(now.tv_sec).unwrap_or_default(),
            u32::try_from(now.tv_nsec).unwrap_or_default(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_never_go_back_and_the_wall_clock_is_of_this_century() {
        let (earlier, later) = (SystemClock.moment(), SystemClock.moment());
        assert!(later >= earlier && earlier > Moment::default());
        assert!(SystemClock.wall().as_second() > 1_700_000_000);
    }
}
