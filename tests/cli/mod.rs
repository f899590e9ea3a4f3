//! The command line as the user sees it: the real binary, against a local cloud in another process.

mod any_url;
mod bad_input;
mod by_curl;
mod completing;
mod configuring;
mod control;
mod doctor;
mod drills;
mod jobs;
mod journals;
mod looking_from;
mod manners;
mod plans;
mod reading;
mod rules;
mod secrets;
mod shapes;
mod ssh_places;
mod trouble;
