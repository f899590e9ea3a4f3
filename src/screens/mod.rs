//! One folder a screen or dialog, each with its state, its update and its view.
//!
//! State and update are pure and know no terminal; views only read.

pub mod activity;
pub mod arrangement;
pub mod ask;
pub mod assets;
pub mod copy_menu;
pub mod debug;
pub mod first_run;
pub mod footer;
pub mod help;
pub mod jobs;
pub mod order;
pub mod palette;
pub mod pending;
pub mod picker;
pub mod rename;
pub mod replace;
pub mod running;
pub mod shell;
pub mod watch;

#[cfg(test)]
mod gallery;
#[cfg(test)]
mod shots;
#[cfg(test)]
pub mod testing;
