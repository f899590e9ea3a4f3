//! The Watch screen: one invalidation as a matrix of places by URLs, a map, a curve and a timeline, with the evidence
//! of each verdict.
//!
//! Shows what the tracker published and judges nothing.

mod cells;
pub mod compare;
mod curve_tab;
pub mod evidence;
mod lists;
pub mod map_tab;
pub mod pace;
pub mod state;
pub mod update;
pub mod view;

pub use state::{EvidenceView, Tab, WatchState};
