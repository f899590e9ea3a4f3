//! The journal on a SQL database through sqlx `Any`: SQLite today, PostgreSQL by the same text.
//!
//! Rules of this folder: SQL is written by hand with `$n`; columns are BIGINT, TEXT, DOUBLE or bytes; booleans are
//! 0 or 1, times milliseconds since the epoch, structures JSON text. Only `open.rs` knows what is particular to
//! SQLite. Every write is one transaction that takes the write lock first, so two processes can share the file;
//! every write under a lease checks holder and fencing number in that same transaction.
//!
//! Judges nothing, and has no clock: times are passed in.

mod changes;
mod faults;
mod history;
mod inspect;
mod intents;
mod job_runs;
mod jobs;
mod leases;
mod lists;
mod open;
mod processes;
mod rows;
mod sightings;
mod sql;
mod sql_journal;
mod store;
mod tracking;
mod vault;

#[cfg(test)]
mod tests;

pub use inspect::{Inspection, inspect};
pub use open::known_schema;
pub use processes::Processes;
pub use sql_journal::SqlJournal;
pub use vault::Signer;
