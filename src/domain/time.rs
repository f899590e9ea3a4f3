//! Two clocks: moments for durations, timestamps for people and journals.

use std::ops::{Add, Sub};
use std::time::Duration;

pub use jiff::Timestamp;

/// A point on a clock that never jumps and counts sleep; only differences mean anything.
///
/// Never stored: after a restart durations come from journaled [`Timestamp`]s with a wider band.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(Duration);

impl Moment {
    /// The moment `since_origin` after the clock's arbitrary origin.
    #[must_use]
    pub const fn from_origin(since_origin: Duration) -> Self {
        Self(since_origin)
    }

    /// Time since the clock's arbitrary origin.
    #[must_use]
    pub const fn since_origin(self) -> Duration {
        self.0
    }

    /// Time from `earlier` to here, zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, rest: Duration) -> Self {
        Self(self.0.saturating_add(rest))
    }
}

impl Sub<Duration> for Moment {
    type Output = Self;

    fn sub(self, rest: Duration) -> Self {
        Self(self.0.saturating_sub(rest))
    }
}

/// Milliseconds since the epoch, as journals and the wire carry time.
#[must_use]
pub fn to_millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// The timestamp of `millis` since the epoch; out of range is clamped to the epoch.
#[must_use]
pub fn from_millis(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A duration in whole milliseconds, as `--json` and the journal write it.
#[must_use]
pub fn duration_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
