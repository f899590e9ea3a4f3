//! Whom to tell when something happened: `[notify]`.

use secrecy::SecretString;
use serde::Deserialize;

use super::file::Span;

/// The table as written; what is not there is as the console has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotifyFile {
    /// What is worth a bell; everything without a word.
    pub on: Vec<NoticeWord>,
    pub bell: Option<bool>,
    /// How the terminal is asked to notify.
    pub terminal: Option<TerminalWord>,
    /// Shorter waits are quiet while the window has the focus.
    pub after: Option<Span>,
    pub hooks: Vec<HookFile>,
    /// Gets the same JSON by POST, without credentials; may hold a token.
    pub webhook: Option<SecretString>,
}

/// A program that reads JSON on its standard input.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookFile {
    #[serde(default)]
    pub on: Vec<NoticeWord>,
    /// Program and arguments, run without a shell.
    pub command: Vec<String>,
    /// It is ended after this; 10 s without a word.
    pub timeout: Option<Span>,
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeWord {
    AllClear,
    Ended,
    Stuck,
    Regression,
    JobDone,
    JobFailed,
}

impl NoticeWord {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllClear => "all_clear",
            Self::Ended => "ended",
            Self::Stuck => "stuck",
            Self::Regression => "regression",
            Self::JobDone => "job_done",
            Self::JobFailed => "job_failed",
        }
    }
}

/// Ways that terminals understand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TerminalWord {
    Auto,
    None,
    Osc9,
    Osc777,
    Osc99,
}
