//! The Pending screen: every invalidation that is not clear yet, whoever started it, and those that ended.

pub mod state;
pub mod update;
pub mod view;

pub use state::{PendingState, Show};
