//! Real parts for end-to-end tests: the binary, a local cloud in a process of its own, an HTTP client that shares
//! no code with the program, and a place for a journal.

pub mod cloud;
pub mod home;
pub mod http;
pub mod proxy;
pub mod scrub;
