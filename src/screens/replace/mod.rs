//! The field of a replace: the file to upload.

pub mod state;
pub mod view;

pub use state::ReplaceForm;
