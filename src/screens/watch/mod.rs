//! The Watch screen: one invalidation, place by place and URL by URL, with the evidence of each verdict.
//!
//! Shows what the tracker published and judges nothing.

pub mod state;
pub mod update;
pub mod view;

pub use state::{Panel, WatchState};
