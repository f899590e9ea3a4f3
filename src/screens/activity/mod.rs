//! The Activity screen: the audit trail of this cloud, append-only: who, when, what, the outcome, and the equivalent
//! command line.

pub mod state;
pub mod update;
pub mod view;

pub use state::ActivityState;
