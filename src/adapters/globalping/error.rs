//! What can go wrong between us and the network, each in words of its own.

use crate::domain::sighting::ProbeFailure;
use crate::domain::text::clean;

use super::transport::{Fault, MAX_ANSWER};

/// Why the network gave no sighting. Texts from outside are cleaned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GlobalpingError {
    /// Something of ours forbids the request; nothing was sent.
    #[error("not asked of Globalping: {why}")]
    Withheld { why: String },
    /// The tests of this hour, of this run or the credits are spent; nothing was sent.
    #[error("{detail}")]
    Spent { detail: String },
    #[error("Globalping cannot be reached: {detail}")]
    Unreachable { detail: String },
    #[error("Globalping did not answer in time")]
    TimedOut,
    #[error("the connection to Globalping broke: {detail}")]
    Broken { detail: String },
    #[error("an answer of Globalping is longer than {MAX_ANSWER} bytes")]
    TooLong,
    #[error("Globalping answered with {found}, and not with JSON")]
    NotJson { found: String },
    #[error("an answer of Globalping cannot be read: {detail}")]
    Odd { detail: String },
    #[error("Globalping refused the token")]
    Token,
    /// `validation_error`, with the parameters that it names.
    #[error("Globalping refused the measurement: {detail}")]
    Invalid { detail: String },
    #[error("Globalping has no probe for `{location}`")]
    NoProbes { location: String },
    #[error("the measurement is gone from Globalping")]
    Expired,
    #[error("Globalping is in trouble (status {status})")]
    Down { status: u16 },
    #[error("Globalping answered with status {status}: {message}")]
    Refused { status: u16, message: String },
    #[error("the probe in {whom} is offline; another one is asked next")]
    Offline { whom: String },
    #[error("Globalping looks from {now} now, and not from {before}: its sightings count anew")]
    OtherProbe { before: String, now: String },
    #[error("the probe of Globalping failed: {detail}")]
    ProbeFailed { detail: String },
}

impl From<Fault> for GlobalpingError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unreachable(detail) => Self::Unreachable { detail: shown(&detail) },
            Fault::TimedOut => Self::TimedOut,
            Fault::Broken(detail) => Self::Broken { detail: shown(&detail) },
            Fault::TooLong => Self::TooLong,
        }
    }
}

impl GlobalpingError {
    /// The failure of the probe that met it.
    pub(super) fn into_failure(self) -> ProbeFailure {
        let detail = self.to_string();
        match self {
            Self::Withheld { .. } | Self::Spent { .. } => ProbeFailure::NotAsked { detail },
            _ => ProbeFailure::Vantage { detail },
        }
    }
}

/// Why there is no answer: the network's trouble, or what its probe met.
pub(super) enum NoAnswer {
    Network(GlobalpingError),
    Met(ProbeFailure),
}

impl From<GlobalpingError> for NoAnswer {
    fn from(error: GlobalpingError) -> Self {
        Self::Network(error)
    }
}

impl From<ProbeFailure> for NoAnswer {
    fn from(failure: ProbeFailure) -> Self {
        Self::Met(failure)
    }
}

impl NoAnswer {
    pub(super) fn into_failure(self) -> ProbeFailure {
        match self {
            Self::Network(error) => error.into_failure(),
            Self::Met(failure) => failure,
        }
    }
}

/// Foreign text, short and fit to be shown.
pub(in crate::adapters) fn shown(text: &str) -> String {
    let text = clean(text.trim());
    let mut short: String = text.chars().take(200).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
