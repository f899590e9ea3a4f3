//! The Jobs screen: every order of this cloud with calls to make, whoever gave it: how far it is, what failed, and the
//! keys to pause it, cancel it, let it go on and try again what failed.

pub mod state;
pub mod update;
pub mod view;

pub use state::JobsState;
