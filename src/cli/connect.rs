//! Builds what `ops` needs, once, from the profile.

use super::output::Output;
use crate::ops::Engine;

/// A command with an engine.
pub struct Session {
    pub engine: Engine,
    pub output: Output,
    /// For the audit trail.
    pub command_line: String,
    /// Never ask.
    pub no_input: bool,
}
