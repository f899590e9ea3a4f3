//! What the operator configured: defaults < file < environment < flags, each value with its origin.
//!
//! Reads the configuration file, the environment and, read-only, the profiles of the official `cld` tool. Opens no
//! connection. Everything but [`Env::from_process`] takes the environment as an argument.

mod build;
mod choice;
mod credentials;
mod error;
mod file;
mod layers;
mod notify;
mod own;
mod paths;
mod places;
pub mod reference;
mod secret_command;

#[cfg(test)]
mod tests;

pub use error::ConfigError;
pub(crate) use error::{names, nearest};
pub use file::{ColorWord, ConfigFile, Loaded, PicturesWord, ProfileFile, load};
pub use layers::{
    Flags, Origin, Preferences, Resolved, Setting, preferences, profile_names, resolve,
};
pub use notify::{HookFile, NoticeWord, NotifyFile, TerminalWord};
pub use own::{OwnFile, ScreenWord};
pub use paths::{Env, Paths};
pub use places::{LookFrom, Network, PlacesFile};

/// A commented configuration file that shows every key.
pub const EXAMPLE: &str = include_str!("example.toml");

/// Reads text as a configuration file.
#[cfg(any(test, fuzzing))]
pub(crate) fn untrusted(text: &str) {
    if let Err(fault) = file::parse(std::path::Path::new("config.toml"), text) {
        let said = fault.to_string();
        assert_eq!(
            crate::domain::text::clean(&said),
            said,
            "what a file holds reaches no terminal raw"
        );
    }
}
