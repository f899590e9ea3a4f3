//! The Assets screen: the list, its filter, sort and marks, and the details of one asset.

#[cfg(test)]
mod copy_tests;
pub mod details;
pub mod details_more;
pub mod details_view;
pub mod filter;
pub mod picture;
#[cfg(test)]
mod picture_tests;
pub mod rows;
pub mod state;
pub mod update;
pub mod view;

pub use state::{AssetsState, DetailsTab};
