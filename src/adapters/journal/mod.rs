//! The journal on a SQL database through sqlx `Any`: SQLite and PostgreSQL by the same text.
//!
//! Rules of this folder: SQL is written by hand with `$n`; columns are BIGINT, TEXT, DOUBLE or bytes; booleans are
//! 0 or 1, times milliseconds since the epoch, structures JSON text. Only `open.rs` knows what is particular to
//! SQLite, and only `postgres.rs` what is to PostgreSQL. Every write is one transaction: in a file it takes the write
//! lock first, so two processes can share the file; on a server it locks the rows that it changes. Every write under a
//! lease checks holder and fencing number in that same transaction.
//!
//! Judges nothing, and has no clock: times are passed in, and on a server turned into times by its clock (`clock.rs`).

mod changes;
mod clock;
mod errands;
mod faults;
mod hands;
mod history;
mod inspect;
mod intents;
mod job_runs;
mod jobs;
mod leases;
mod link;
mod lists;
mod open;
#[cfg(feature = "postgres")]
mod postgres;
mod presence;
mod processes;
mod rows;
mod schema;
mod sightings;
mod sql;
mod sql_journal;
mod store;
mod tracking;
mod vault;

#[cfg(test)]
mod tests;

pub use inspect::{Inspection, ServerSeen, inspect};
pub use processes::Processes;
pub use schema::known_schema;
pub use sql_journal::SqlJournal;
pub use vault::Signer;
