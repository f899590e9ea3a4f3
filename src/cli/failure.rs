//! What a command can fail with, and how it is said: a sentence with the next step, or one JSON line.

use std::io::Write;

use serde_json::json;

use super::exit::Exit;
use super::output::{Gone, Output, Role};
use crate::config::ConfigError;
use crate::domain::text::clean;
use crate::ops::OpError;

/// Why a command did not do as asked.
#[derive(Debug)]
pub enum Failure {
    Op(OpError),
    Config(ConfigError),
    /// Asked for in a way that cannot be meant.
    Usage { message: String, hint: String },
    /// This host did not let us.
    Failed { message: String, hint: String },
    /// The operator said no.
    Declined { verb: &'static str },
    File { path: String, detail: String },
    /// Nobody reads our output any more: a quiet end.
    Gone,
    /// Stopped by a signal a second time.
    Interrupted,
}

impl Failure {
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: hint.into() }
    }

    pub fn failed(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), hint: hint.into() }
    }

    /// What clap did not understand.
    pub fn of_usage(error: &clap::Error) -> Self {
        let text = error.render().to_string();
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let message = lines.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        let tip = lines.find_map(|line| line.strip_prefix("tip: ")).map(ToOwned::to_owned);
        let hint = tip.unwrap_or_else(|| "`allclear --help` shows what there is".to_owned());
        Self::Usage { message, hint }
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

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<Gone> for Failure {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}
