//! The core of the console: what can be asked ([`action`]), what can happen ([`msg`]), what is asked of the world
//! ([`effect`]), the state and its one update function.
//!
//! Pure: no await, no clock, no I/O, no judgement of its own. Of `ops` and `ports` it knows the plain data that
//! answers are made of, never a handle that could be called.

pub mod action;
pub mod command_line;
pub mod commands;
pub mod debug;
pub mod effect;
pub mod field;
pub mod freshness;
pub mod fuzzy;
pub mod guard;
pub mod kept_view;
pub mod key;
pub mod keymap;
pub mod lock;
pub mod msg;
pub mod notice;
pub mod order;
pub mod own;
pub mod quoting;
pub mod state;
pub mod update;

#[cfg(test)]
mod tests;

pub use action::Action;
pub use effect::Effect;
pub use msg::Msg;
pub use state::App;
