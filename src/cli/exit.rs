//! Exit codes of the command line (design §5), all of them.

use crate::domain::invalidation::Outcome;

/// What the process returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All clear, or done as asked.
    Done = 0,
    Failed = 1,
    /// Usage or configuration.
    Usage = 2,
    /// Gave up, blind, superseded: not proven clear.
    NotClear = 3,
    SomeFailed = 4,
    /// Credentials, permission, locked profile.
    Refused = 5,
    /// Clear except what was not covered or not sampled.
    ClearExcept = 6,
    Interrupted = 130,
}

impl Exit {
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
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
