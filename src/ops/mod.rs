//! Use cases over the ports, the same for console and command line; and the one tracker of the process.
//!
//! Knows no terminal, no SQL and no HTTP. Front ends hold an [`Engine`] and differ only in what they do with
//! plans, progress and snapshots.

pub mod context;
pub mod engine;
pub mod error;
mod evidence;
pub mod execute;
pub mod guard;
pub mod in_doubt;
pub mod jobs;
pub mod journal_copy;
pub mod look;
pub mod picture;
pub mod plan;
pub mod postmortem;
pub mod recover;
pub mod resolve;
pub mod show;
#[cfg(test)]
pub mod testing;
pub mod tracker;
mod watch_url;
pub mod web_origin;

pub use context::{Context, Policy};
pub use engine::Engine;
pub use error::OpError;
pub use watch_url::{WEB, WebClaim};
