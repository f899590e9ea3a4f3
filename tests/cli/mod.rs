//! The command line as the user sees it: the real binary, against a local cloud in another process.

mod bad_input;
mod by_curl;
mod control;
mod drills;
mod reading;
mod rules;
mod shapes;
mod ssh_places;
mod trouble;
