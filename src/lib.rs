//! allclear: rename, delete and purge media, then watch every cache let go, with proof.
//!
//! The data flows one way:
//!
//! ```text
//!  terminal event ─► Action ─► update ─► Effect ─► task ─► Msg ─► update ─► State ─► view ─► frame
//!  runtime/          app/      screens/  app/      runtime/       screens/  screens/ screens/
//! ```
//!
//! Layers, each knowing those to its left (and `config` the types that adapters are built from):
//! `domain ← ports ← ops ← {cli, runtime}`; `adapters` and `local_cloud` implement or stand behind `ports`;
//! `app` and `screens` know `domain` and draw with `ui`. `tests/layering.rs` keeps the map honest.
//!
//! Invariants:
//! - the domain does no I/O, has no async and no "now";
//! - an intent is in the journal before its call leaves, the outcome after it;
//! - one tracker judges, journals, then publishes immutable snapshots; screens and commands only show them;
//! - the loop owns the state of the console, only `runtime/executor.rs` spawns, a task sends a `Msg`;
//! - a false *all clear* is the worst thing this program can do.
//!
//! Start reading at [`domain::verdict`], then [`ops::tracker`].

pub mod adapters;
pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod local_cloud;
pub mod ops;
pub mod ports;
pub mod report;
pub mod runtime;
pub mod screens;
#[cfg(test)]
mod simulation;
pub mod ui;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod untrusted;
