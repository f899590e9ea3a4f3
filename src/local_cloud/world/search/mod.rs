//! Search: expressions, an index that lags behind storage, and pages of matches (facts §3.9).
//!
//! `lexer` and `parser` read an expression into an [`Expression`], which is asked of every asset in turn: there is
//! no inverted index, and nothing is copied. `index` remembers only what has changed lately; `sweep` goes through
//! all assets some thousands at a time, so that nobody else waits for it, and keeps the matches that come first.

mod error;
mod expression;
mod fields;
mod folders;
mod index;
mod lexer;
mod literal;
mod order;
mod parser;
mod shelf;
mod sweep;
mod words;

#[cfg(test)]
mod tests;

pub use error::QueryError;
pub use expression::Expression;
pub use folders::{FoundFolder, FoundFolders};
pub use index::SearchIndex;
pub use order::{MOST_SORTS, Position, Sort};
pub use shelf::KeptReply;
pub use sweep::{Aggregate, Found, Query, Range, Sweep};
