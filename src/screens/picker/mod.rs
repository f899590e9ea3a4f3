//! Pickers: one list to search in, for themes, profiles and folders. Moving previews where that can be; enter takes.

pub mod folders;
pub mod state;
pub mod view;

pub use folders::ServerFolders;
pub use state::{Choice, Picker, PickerKind};
