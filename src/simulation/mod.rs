//! Simulated propagations: the proof that no *all clear* is false.
//!
//! A [`story`] is drawn from a seed: caches, delays, URLs, an order, and whatever can be the matter. It is [`play`]ed
//! by the real plan, the real execution and the real tracker over the local cloud in this process, on paused time.
//! Whether an *all clear* was false is asked of the world's [`books`] at the moment of the ending and shortly after,
//! never of the judge. The [`mutants`] show that a wrong judge would be caught. [`run`] plays many and sums up.
//!
//! An all clear is *false* where a cache that was reached holds an outdated copy of something watched at that moment.
//! It is *overtaken* where that copy came back after the last look at its cell (a cache fell back between that look
//! and the end), or became outdated after storage was read for the last time: no observer could know, so these are
//! counted apart and must stay rare. Where nodes of a place answer in turn, a look does not see each copy; those
//! stories are held against the chance that the program itself printed.
//!
//! `ALLCLEAR_STORY=seed[:level] cargo test --lib simulation::replay -- --nocapture` plays one and tells all of it.

mod books;
mod bounds;
mod journal;
mod mutants;
mod play;
mod run;
mod story;
mod tests;
