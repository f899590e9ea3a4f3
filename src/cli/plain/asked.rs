//! What may be typed: the commands of the console by their words, with the flags of the command line.

use clap::{CommandFactory as _, Parser, Subcommand};

use super::super::args::{Purge, Rename, Replace, Restore, Rm};
use super::super::failure::Failure;
use super::super::values;
use crate::app::commands::words;
use crate::domain::asset::ResourceType;

#[derive(Debug, Parser)]
#[command(multicall = true, disable_help_subcommand = true)]
struct Line {
    #[command(subcommand)]
    asked: Asked,
}

/// One command.
#[derive(Debug, Subcommand)]
pub enum Asked {
    /// List assets, or those whose name begins with PREFIX
    #[command(visible_aliases = ["assets", "prefix", "ls"])]
    List { prefix: Option<String> },
    /// List what has a tag
    Tag { tag: String },
    /// List what a search expression finds; the index lags by seconds
    Search {
        #[arg(required = true)]
        expression: Vec<String>,
    },
    /// List images, videos or raw files
    Type {
        #[arg(value_parser = values::resource_type())]
        resource_type: ResourceType,
    },
    /// Show only names with this text; `!` in front inverts, without a text all are shown
    Filter { text: Vec<String> },
    /// Show the next rows of the list; reads on where the cloud has more
    More,
    /// Read the list again
    Refresh,
    /// Show an asset: its number in the list, its name, or one of its URLs
    #[command(visible_alias = "show")]
    Open { what: String },
    /// Rename an asset (shows a plan, asks)
    Rename(Rename),
    /// Delete and purge assets by number (3, 2-5), name, URL or selector (shows a plan, asks)
    #[command(visible_alias = "delete")]
    Rm(Rm),
    /// Purge the caches and keep the assets (shows a plan, asks)
    Purge(Purge),
    /// Upload a new file under a public ID (shows a plan, asks)
    Replace(Replace),
    /// Bring back deleted assets from their backups (shows a plan, asks)
    Restore(Restore),
    /// List what is not yet clear, with numbers
    Pending,
    /// List what has ended
    History,
    /// Follow an invalidation by number or ID, or watch a URL; without a word the newest
    Watch { what: Option<String> },
    /// Send an invalidation again (asks)
    Again { what: String },
    /// Give a watch up (asks)
    Abandon { what: String },
    /// List the newest jobs, whoever ordered them, with numbers
    Jobs,
    /// Send nothing more of a job until it is resumed
    Pause { what: String },
    /// Let a paused, held or interrupted job go on
    Resume { what: String },
    /// Send nothing more of a job, ever (asks)
    Cancel { what: String },
    /// Take orders on a locked profile for a while (asks for the name of the cloud)
    Unlock,
    /// Take no orders until it is unlocked
    Lock,
    /// The story of an invalidation, for the post-mortem
    Report { what: String },
    /// Commands, or one of them in full
    #[command(visible_alias = "?")]
    Help { command: Option<String> },
    /// Leave; watches go on at the next start
    #[command(visible_aliases = ["q", "exit"])]
    Quit,
}

/// Reads a line; `None`: it is empty. A URL alone is opened.
///
/// # Errors
/// What was not understood, and what was probably meant; the help of a command, which is no mistake, too.
pub fn read(line: &str) -> Result<Option<Asked>, Refusal> {
    let line = line.trim();
    if line.is_empty() {
        return Ok(None);
    }
    if (line.starts_with("https://") || line.starts_with("http://")) && !line.contains(' ') {
        return Ok(Some(Asked::Open { what: line.to_owned() }));
    }
    let words = words(line).map_err(|bad| Refusal::Mistake(bad.message, NEXT.to_owned()))?;
    match Line::try_parse_from(words) {
        Ok(line) => Ok(Some(line.asked)),
        Err(error) if error.kind() == clap::error::ErrorKind::DisplayHelp => {
            Err(Refusal::Help(error.render().to_string()))
        }
        Err(error) => {
            let Failure::Usage { message, hint } = Failure::of_usage(&error) else {
                return Err(Refusal::Mistake("not understood".to_owned(), NEXT.to_owned()));
            };
            let hint = if hint.starts_with("`allclear") { NEXT.to_owned() } else { hint };
            Err(Refusal::Mistake(message, hint))
        }
    }
}

/// Whether a word begins a command of the program's own.
pub fn is_known(word: &str) -> bool {
    Line::command()
        .get_subcommands()
        .any(|inner| inner.get_name() == word || inner.get_all_aliases().any(|alias| alias == word))
}

const NEXT: &str = "type help";

/// Why a line is no command.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It asked for help.
    Help(String),
    /// What is wrong, and the next step.
    Mistake(String, String),
}

/// Every command on a line, or one in full.
pub fn help(command: Option<&str>) -> Vec<String> {
    let mut line = Line::command();
    line.build();
    let known = |inner: &clap::Command, word: &str| {
        inner.get_name() == word || inner.get_visible_aliases().any(|alias| alias == word)
    };
    if let Some(word) = command {
        let found = line.get_subcommands_mut().find(|inner| known(inner, word));
        return match found {
            Some(inner) => {
                inner.render_long_help().to_string().lines().map(str::to_owned).collect()
            }
            None => vec![format!("there is no command `{word}`; type help")],
        };
    }
    let mut lines: Vec<String> = line
        .get_subcommands()
        .map(|inner| {
            let names: Vec<&str> =
                std::iter::once(inner.get_name()).chain(inner.get_visible_aliases()).collect();
            let about = inner.get_about().map(ToString::to_string).unwrap_or_default();
            format!("{}: {about}", names.join(" or "))
        })
        .collect();
    lines.push(
        "A URL alone opens its asset. `help rename` says everything about one command.".to_owned(),
    );
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::commands::COMMANDS;

    #[test]
    fn words_are_those_of_the_console() {
        // what the screen alone has, or what is said otherwise here
        let elsewhere = ["unmark", "sort", "copy", "theme", "back", "map", "curve", "timeline"];
        let mut line = Line::command();
        line.build();
        let knows = |word: &str| {
            line.get_subcommands().any(|inner| {
                inner.get_name() == word || inner.get_visible_aliases().any(|alias| alias == word)
            })
        };
        let words = [
            "filter", "refresh", "more", "assets", "prefix", "tag", "search", "rename", "replace",
            "purge", "restore", "rm", "delete", "abandon", "help", "quit", "q", "open", "pending",
            "watch",
        ];
        for word in words {
            assert!(
                COMMANDS.iter().any(|command| command.verbs.contains(&word)),
                "{word} is a word of the console"
            );
            assert!(knows(word), "{word}");
        }
        assert!(elsewhere.iter().all(|word| !knows(word)));
    }

    #[test]
    fn slips_are_answered_with_what_was_meant() {
        let mistake = |line: &str| match read(line) {
            Err(Refusal::Mistake(what, next)) => (what, next),
            other => panic!("{other:?}"),
        };
        let (what, next) = mistake("renme a b");
        assert!(what.contains("renme") && next.contains("rename"), "{what}; {next}");
        let (what, next) = mistake("rename a");
        assert!(what.contains("<TO>") && next == "type help", "{what}; {next}");
        assert_eq!(mistake("open 'a").0, "a quote is not closed");
        assert!(read("  ").unwrap().is_none());
        assert!(matches!(read("rm --help"), Err(Refusal::Help(text)) if text.contains("--prefix")));
        assert!(matches!(read("https://x.example/a"), Ok(Some(Asked::Open { .. }))));
        assert!(
            matches!(read("delete 1 3-5 --note T-1"), Ok(Some(Asked::Rm(rm))) if rm.selector.targets == ["1", "3-5"])
        );
        assert!(help(None).iter().any(|line| line.starts_with("rm or delete: ")));
        assert!(help(Some("delete")).iter().any(|line| line.contains("--tag")));
    }
}
