//! What we need from outside, as traits with their error types. No implementation lives here.

pub mod changes;
pub mod clock;
pub mod cloud;
pub mod errands;
pub mod journal;
pub mod journal_store;
pub mod journal_team;
pub mod list_copy;
pub mod notifier;
pub mod places;
pub mod prober;
pub mod programs;
