//! The command line: what was typed, what is meant, and how it is said.
//!
//! A front end over `ops`, as the console is one: it judges nothing and sends nothing by itself. Data goes to
//! standard output, words to standard error, logs to a file. Start reading at `run`, then `order` and `follow`.

mod activity;
pub mod args;
mod cloud;
mod completions;
mod config;
mod confirm;
mod connect;
mod console;
mod demo;
mod doctor;
mod exit;
mod explain;
mod failure;
mod fastly;
mod follow;
pub mod help;
mod jobs;
mod journal;
mod json;
mod log;
mod look_from;
mod ls;
mod man;
mod order;
mod output;
mod pending;
mod places;
mod plain;
mod plan_text;
mod pops;
mod probe;
mod purge;
mod rename;
mod replace;
mod report;
mod resolve;
mod restore;
mod results;
mod rm;
mod run;
mod show;
mod signals;
mod themes;
mod track;
mod values;
mod version;
mod watch;
mod web;
mod words;

pub use exit::Exit;
pub use run::run;
