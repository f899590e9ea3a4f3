//! Expressions that cannot be read.

/// Most that is quoted of an expression, in characters.
const QUOTED: usize = 40;

/// An expression that cannot be read, with where and what: the service's own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Query Error (at position {position}) '{rest}'")]
pub struct QueryError {
    /// Characters, from 1; one more than there are where something is missing at the end.
    pub position: usize,
    /// What stands there, the first 40 characters of it.
    pub rest: String,
}

impl QueryError {
    /// The error that `text` is not understood from its byte `at` on.
    #[must_use]
    pub fn at(text: &str, at: usize) -> Self {
        let (before, rest) = text.split_at(text.floor_char_boundary(at));
        Self { position: before.chars().count() + 1, rest: rest.chars().take(QUOTED).collect() }
    }
}
