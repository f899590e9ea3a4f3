//! The help: every command from the table, this screen's first; searchable, and enter runs.

pub mod state;
pub mod view;

pub use state::HelpState;
