//! The edge of the console: terminal, loop, tasks and signals. Everything that waits, spawns or writes is here.

pub mod clipboard;
pub(crate) mod colours;
pub mod event_loop;
pub mod executor;
pub mod input;
pub mod notify;
pub mod output;
pub mod signals;
pub mod terminal;
mod theme_files;

mod console;
#[cfg(test)]
mod loop_tests;

pub use console::{ConsoleError, ConsoleOptions, ExitReason, run_console};
