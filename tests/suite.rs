//! The one integration binary: the house, the command line as the user sees it, the console in a real terminal,
//! the official SDKs against the local cloud, the whole program over bad lines and against real caches.

mod caches;
mod cli;
mod clients;
mod crash;
mod faults;
mod house;
mod pictures;
mod pty;
mod support;
#[cfg(feature = "postgres")]
mod team;
