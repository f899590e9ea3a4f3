//! The command line of `:` as it is drawn; its state and completion are [`crate::app::command_line`].

pub mod view;
