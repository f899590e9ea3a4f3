//! Exit codes of the command line (design §5), all of them.

use crate::domain::invalidation::Outcome;
use crate::report::{FAILED, REFUSED, USAGE};

/// What the process returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All clear, or done as asked.
    Done,
    Failed,
    /// Usage or configuration.
    Usage,
    /// Gave up, blind, superseded: not proven clear.
    NotClear,
    SomeFailed,
    /// Credentials, permission, locked profile.
    Refused,
    /// Clear except what was not covered or not sampled.
    ClearExcept,
    Interrupted,
    /// The console was ended by a signal: 128 and its number.
    Signal(u8),
}

impl Exit {
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => FAILED,
            Self::Usage => USAGE,
            Self::NotClear => 3,
            Self::SomeFailed => 4,
            Self::Refused => REFUSED,
            Self::ClearExcept => 6,
            Self::Interrupted => 130,
            Self::Signal(code) => code,
        }
    }

    /// How a failure ends: `report` knows the code.
    #[must_use]
    pub const fn of_failure(code: u8) -> Self {
        match code {
            USAGE => Self::Usage,
            REFUSED => Self::Refused,
            _ => Self::Failed,
        }
    }

    /// How a watch ended.
    #[must_use]
    pub const fn of(outcome: Outcome) -> Self {
        match outcome.exit_code() {
            0 => Self::Done,
            6 => Self::ClearExcept,
            1 => Self::Failed,
            _ => Self::NotClear,
        }
    }

    /// The same where some items of the order failed: a success is then one for the rest only.
    #[must_use]
    pub const fn with_failed_items(self, failed: usize) -> Self {
        match self {
            Self::Done | Self::ClearExcept if failed > 0 => Self::SomeFailed,
            other => other,
        }
    }

    /// The worse of two, for commands over several targets.
    #[must_use]
    pub const fn worse(self, other: Self) -> Self {
        if matches!(self, Self::Done) { other } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_design() {
        let codes: Vec<u8> = Outcome::ALL.into_iter().map(|it| Exit::of(it).code()).collect();
        assert_eq!(codes, Outcome::ALL.map(Outcome::exit_code));
        assert_eq!(Exit::of(Outcome::AllClear).with_failed_items(2), Exit::SomeFailed);
        assert_eq!(Exit::of(Outcome::Blind).with_failed_items(2), Exit::NotClear);
        assert_eq!(Exit::of(Outcome::Failed).with_failed_items(2), Exit::Failed);
    }
}
