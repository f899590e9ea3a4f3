//! The field of a rename: the new name, checked as it is typed.

pub mod state;
pub mod view;

pub use state::RenameForm;
