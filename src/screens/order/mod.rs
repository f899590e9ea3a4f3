//! The dialog of an order: field where it needs one, plan, confirmation. Nothing is sent before the last.
//!
//! The same for every verb; rename and replace add their fields ([`crate::screens::rename`],
//! [`crate::screens::replace`]), what runs afterwards is [`crate::screens::running`].

pub mod plan_text;
pub mod state;
pub mod update;
pub mod view;

pub use state::{OrderDialog, Stage};
