//! What a command can fail with, before `report` puts it into words.

use crate::ops::OpError;

use super::output::Gone;

/// Why a command did not do as asked.
#[derive(Debug)]
pub enum Failure {
    Op(OpError),
    /// Asked for in a way that cannot be meant.
    Usage {
        message: String,
        hint: String,
    },
    /// The operator said no.
    Declined {
        verb: &'static str,
    },
    File {
        path: String,
        detail: String,
    },
    /// Nobody reads our output any more: a quiet end.
    Gone,
    /// Stopped by a signal.
    Interrupted,
}

impl Failure {
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: hint.into() }
    }

    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Usage { hint, .. } => Some(hint.clone()),
            _ => None,
        }
    }
}

impl<E: Into<OpError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Op(error.into())
    }
}

impl From<Gone> for Failure {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}
