//! The edge of the console: terminal, loop, tasks and signals. Everything that waits, spawns or writes is here.

pub mod answers;
pub mod asking;
mod background;
pub mod clipboard;
pub mod colours;
pub mod event_loop;
pub mod executor;
mod first_run;
mod history;
pub mod input;
pub mod links;
pub mod notify;
pub mod output;
pub mod painter;
pub mod pictures;
mod report;
pub mod signals;
pub mod terminal;
mod theme_files;
mod views;

mod console;
#[cfg(test)]
mod loop_tests;

pub use crate::screens::first_run::Step;
pub use console::{ConsoleError, ConsoleOptions, Ended, ExitReason, Opening, run_console};
pub use event_loop::Arrived;
pub use first_run::run_first;
