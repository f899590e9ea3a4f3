//! Widgets, one a file: functions from facts to cells.

pub mod band;
pub mod bar;
pub mod curve;
pub mod field;
pub mod hints;
pub mod listing;
pub mod map;
pub mod matrix;
pub mod picture;
pub mod popup;
pub mod verdict;

#[cfg(test)]
pub mod testing;
