//! Jobs: what runs, what operators want of it, and what they take up again.
//!
//! What is wanted is in the journal, where every process sees it within a second; the job of this process hears of it at
//! once through [`Running`].

mod control;
mod running;
mod worker;

pub use control::{Resumed, Retry, Undo};
pub(crate) use control::{retry, undo, wish, wish_all};
pub use running::Running;
pub(crate) use running::{Ear, Here};
pub(crate) use worker::{Worker, interrupted};
