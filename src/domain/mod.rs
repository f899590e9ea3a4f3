//! Facts and rules of assets and caches.
//!
//! Pure: no I/O, no async, no "now", no terminal. Time and randomness are passed in.
//! Everything that decides whether a copy is stale lives here and can be tested with a table.

pub mod account;
pub mod asset;
pub mod asset_rows;
pub mod confidence;
pub mod coverage;
pub mod delivery_url;
pub mod explain;
pub mod id;
pub mod invalidation;
pub mod job;
pub mod judge;
pub mod place;
pub mod pop;
pub mod propagation;
pub mod public_id;
pub mod purge;
pub mod sample;
pub mod secrets;
pub mod sighting;
pub mod snapshot;
pub mod text;
pub mod time;
pub mod usual;
pub mod verdict;
pub mod watch_list;
