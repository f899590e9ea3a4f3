//! Whether the console takes orders: a production profile starts locked, and is unlocked for a while.
//!
//! The engine has the last word; this is what the header shows and what keeps a dialog from asking in vain.

use std::time::Duration;

use crate::domain::purge::Risk;
use crate::domain::time::Moment;
use crate::ops::guard::UNLOCKED_FOR;

/// The lock of the profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// Nothing to lock: a mistake on this profile is not dangerous. It can be locked all the same.
    None,
    Locked,
    OpenUntil(Moment),
}

impl Lock {
    /// How a profile starts.
    #[must_use]
    pub const fn of(risk: Risk) -> Self {
        match risk {
            Risk::Production => Self::Locked,
            Risk::Local | Risk::Test => Self::None,
        }
    }

    /// Unlocked at `now`.
    #[must_use]
    pub fn opened(now: Moment) -> Self {
        Self::OpenUntil(now + UNLOCKED_FOR)
    }

    /// Whether no order is taken at `now`.
    #[must_use]
    pub fn is_locked(self, now: Moment) -> bool {
        match self {
            Self::None => false,
            Self::Locked => true,
            Self::OpenUntil(until) => now >= until,
        }
    }

    /// How long orders are taken yet, where that ends.
    #[must_use]
    pub fn time_left(self, now: Moment) -> Option<Duration> {
        match self {
            Self::OpenUntil(until) if now < until => Some(until.since(now)),
            _ => None,
        }
    }

    /// The word of the header: minutes, in the last one seconds.
    #[must_use]
    pub fn shown(self, now: Moment) -> Option<String> {
        match (self, self.time_left(now)) {
            (Self::None, _) => None,
            (_, None) => Some("locked".to_owned()),
            (_, Some(left)) if left > MINUTE => {
                Some(format!("unlocked {} min", left.as_secs().div_ceil(60)))
            }
            (_, Some(left)) => Some(format!("unlocked {} s", ceil(left))),
        }
    }

    /// When [`Lock::shown`] changes by itself.
    #[must_use]
    pub fn changes_in(self, now: Moment) -> Option<Duration> {
        let left = self.time_left(now)?;
        let step = if left > MINUTE { MINUTE } else { Duration::from_secs(1) };
        let over = left.as_nanos() % step.as_nanos();
        let over = u64::try_from(over).map_or(step, Duration::from_nanos);
        Some(if over.is_zero() { step } else { over })
    }
}

const MINUTE: Duration = Duration::from_secs(60);

const fn ceil(left: Duration) -> u64 {
    left.as_secs() + if left.subsec_nanos() > 0 { 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_origin(Duration::from_secs(seconds))
    }

    #[test]
    fn production_starts_locked_and_opens_for_a_quarter_of_an_hour() {
        assert!(Lock::of(Risk::Production).is_locked(at(0)));
        assert!(!Lock::of(Risk::Test).is_locked(at(0)));
        let open = Lock::opened(at(10));
        assert!(!open.is_locked(at(10)) && !open.is_locked(at(909)));
        assert!(open.is_locked(at(910)));
    }

    #[test]
    fn the_header_counts_minutes_and_then_seconds() {
        let open = Lock::opened(at(0));
        assert_eq!(open.shown(at(0)).as_deref(), Some("unlocked 15 min"));
        assert_eq!(open.shown(at(61)).as_deref(), Some("unlocked 14 min"));
        assert_eq!(open.shown(at(870)).as_deref(), Some("unlocked 30 s"));
        assert_eq!(open.shown(at(900)).as_deref(), Some("locked"));
        assert_eq!(Lock::None.shown(at(0)), None);
        assert_eq!(open.changes_in(at(30)), Some(Duration::from_secs(30)));
        assert_eq!(open.changes_in(at(870)), Some(Duration::from_secs(1)));
        assert_eq!(open.changes_in(at(901)), None);
    }
}
