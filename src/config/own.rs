//! Commands of the operator's own: `[commands.NAME]`.

use serde::Deserialize;

use super::file::Span;

/// A program that the console runs on request, about what is under the cursor.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnFile {
    /// Program and arguments, run without a shell; `{public_id}` and the like are filled in.
    pub command: Vec<String>,
    /// Keys of the console; without any it is run by its name after `:` and from the help.
    #[serde(default)]
    pub keys: Vec<String>,
    /// The screen on which the keys work; every one without a word.
    pub on: Option<ScreenWord>,
    pub help: Option<String>,
    /// Whether it changes anything: it then asks first, and not at all while the profile is locked or read-only.
    pub changes: Option<bool>,
    /// It is ended after this; 30 s without a word.
    pub timeout: Option<Span>,
}

/// Screens by their words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScreenWord {
    Assets,
    Pending,
    Watch,
    Jobs,
    Activity,
}
