//! The one integration binary: the house, the command line as the user sees it, the console in a real terminal.

mod cli;
mod house;
mod pty;
mod support;
