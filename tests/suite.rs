//! The one integration binary: the house, the command line as the user sees it, the console in a real terminal, and
//! the official SDKs against the local cloud.

mod cli;
mod clients;
mod house;
mod pty;
mod support;
