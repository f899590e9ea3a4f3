//! The command line: one field, completion over the table of commands and what it can name, history.

use std::collections::BTreeMap;

use tui_input::Input;

use super::commands::{Command, Takes};
use super::fuzzy;
use super::quoting::quoted;
use super::state::App;
use crate::app::action::SortBy;
use crate::domain::asset::ResourceType;
use crate::screens::picker::{Picker, PickerKind};
use crate::ui::text;

/// Most completions offered at once.
const OFFERED: usize = 50;
/// Most rows that are looked through for names.
const LOOKED_AT: usize = 20_000;

/// Most rows that are looked through for tags: each is built for it.
const TAGS_LOOKED_AT: usize = 2_000;

/// One completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The whole text with this choice in it.
    pub line: String,
    pub shown: String,
    pub help: String,
    /// Leads to a change in the cloud, by way of its dialog.
    pub changes: bool,
}

/// Field, completions and where in the history we are.
#[derive(Debug, Clone, Default)]
pub struct CommandLine {
    pub field: Input,
    pub choices: Vec<Choice>,
    pub chosen: Option<usize>,
    /// Counted from the newest.
    pub in_history: Option<usize>,
    /// What was wrong with the last enter.
    pub problem: Option<String>,
}

impl CommandLine {
    /// Looks for completions of what is typed.
    pub fn look(app: &App, text: &str) -> Vec<Choice> {
        let head = text.trim_start();
        match head.split_once(' ') {
            None => verbs(app.keymap.commands(), head),
            Some((verb, args)) => match app.keymap.by_name(verb) {
                Some(command) => arguments(app, command, verb, args),
                None => Vec::new(),
            },
        }
    }

    /// The next or previous completion; without any, the history.
    pub fn step(&mut self, history: &[String], down: bool) {
        if !self.choices.is_empty() && (self.in_history.is_none() && !self.field.value().is_empty())
        {
            let last = self.choices.len() - 1;
            self.chosen = Some(match (self.chosen, down) {
                (None, true) => 0,
                (None, false) => last,
                (Some(at), true) => {
                    if at == last {
                        0
                    } else {
                        at + 1
                    }
                }
                (Some(at), false) => at.checked_sub(1).unwrap_or(last),
            });
            return;
        }
        let at = match (self.in_history, down) {
            (None, true) => None,
            (None, false) => Some(0),
            (Some(at), false) => Some((at + 1).min(history.len().saturating_sub(1))),
            (Some(at), true) => at.checked_sub(1),
        };
        self.in_history = at.filter(|_| !history.is_empty());
        let line = self.in_history.and_then(|at| history.iter().rev().nth(at));
        self.field = Input::new(line.cloned().unwrap_or_default());
    }

    /// Puts the chosen completion, or the first, into the field.
    pub fn complete(&mut self) -> bool {
        let Some(choice) = self.choices.get(self.chosen.unwrap_or(0)) else { return false };
        self.field = Input::new(choice.line.clone());
        self.chosen = None;
        self.in_history = None;
        true
    }

    /// The text that enter runs: the chosen completion, where one is chosen.
    #[must_use]
    pub fn line(&self) -> String {
        match self.chosen.and_then(|at| self.choices.get(at)) {
            Some(choice) => choice.line.trim().to_owned(),
            None => self.field.value().trim().to_owned(),
        }
    }
}

/// Commands whose name begins with `typed`, then those whose name or help has its letters in order.
fn verbs(commands: &'static [Command], typed: &str) -> Vec<Choice> {
    let named = commands.iter().filter(|command| !command.verbs.is_empty());
    let mut ranked: Vec<(u32, &Command, &str)> = named
        .filter_map(|command| {
            if typed.is_empty() {
                return Some((0, command, command.verbs[0]));
            }
            let by_verb = command.verbs.iter().map(|verb| (fuzzy::score(verb, typed), *verb));
            let (by_name, verb) = by_verb.max_by_key(|(score, _)| *score)?;
            let in_help = typed.len() > 2 && command.help.to_lowercase().contains(typed);
            Some((by_name.or(in_help.then_some(0))?, command, verb))
        })
        .collect();
    ranked.sort_by_key(|(rank, ..)| std::cmp::Reverse(*rank));
    ranked
        .into_iter()
        .map(|(_, command, verb)| {
            let takes = command.takes.usage();
            let gap = if takes.is_empty() { "" } else { " " };
            Choice {
                line: format!("{verb}{gap}"),
                shown: format!("{verb}{gap}{takes}"),
                help: command.help.to_owned(),
                changes: command.changes_the_world(),
            }
        })
        .collect()
}

fn arguments(app: &App, command: &Command, verb: &str, args: &str) -> Vec<Choice> {
    let (kept, last) = args.rsplit_once(' ').map_or(("", args), |(kept, last)| (kept, last));
    let gap = if kept.is_empty() { "" } else { " " };
    let choice = |name: &str, help: String| Choice {
        line: format!("{verb} {kept}{gap}{name}"),
        shown: crate::ui::text::shown(name).into_owned(),
        help,
        changes: command.changes_the_world(),
    };
    let begins = |name: &&str| name.starts_with(last);
    match command.takes {
        Takes::Nothing | Takes::Text(_) => Vec::new(),
        Takes::Theme => app
            .themes
            .names()
            .filter(begins)
            .map(|name| choice(name, app.themes.about(name).to_owned()))
            .collect(),
        Takes::Profile => app
            .profiles
            .iter()
            .filter(|profile| profile.name.starts_with(last))
            .map(|profile| choice(&profile.name, profile.about.clone()))
            .collect(),
        Takes::Folder => Picker::new(PickerKind::Folder, app)
            .choices
            .iter()
            .filter(|folder| !folder.name.is_empty() && folder.name.starts_with(last))
            .take(OFFERED)
            .map(|folder| choice(&quoted(&folder.name), folder.about.clone()))
            .collect(),
        Takes::Tag => {
            let mut tags: BTreeMap<String, usize> = BTreeMap::new();
            let rows = 0..app.assets.rows.len().min(TAGS_LOOKED_AT);
            for asset in rows.filter_map(|row| app.assets.rows.get(row)) {
                for tag in asset.tags.into_iter().filter(|tag| tag.starts_with(last)) {
                    *tags.entry(tag).or_default() += 1;
                }
            }
            let mut tags: Vec<_> = tags.into_iter().collect();
            tags.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            let help = |count| format!("{} of those looked through", text::plural(count, "asset"));
            tags.into_iter()
                .take(OFFERED)
                .map(|(tag, count)| choice(&quoted(&tag), help(count)))
                .collect()
        }
        Takes::Sort => {
            let names = SortBy::of(app.screen).iter().map(|by| by.as_str());
            names.filter(begins).map(|name| choice(name, String::new())).collect()
        }
        Takes::Kind => {
            let names = ResourceType::ALL.iter().map(|kind| kind.as_str());
            names.filter(begins).map(|name| choice(name, String::new())).collect()
        }
        Takes::Watch => app
            .tracked
            .iter()
            .map(|tracked| (tracked.id.to_string(), tracked))
            .filter(|(id, _)| id.starts_with(last))
            .take(OFFERED)
            .map(|(id, tracked)| {
                choice(&id, format!("{} {}", tracked.verb.as_str(), tracked.label))
            })
            .collect(),
        Takes::Assets => {
            let flags = [
                ("--prefix", "all that begin with a prefix"),
                ("--tag", "all with a tag"),
                ("--search", "all that match a search expression"),
                ("--no-invalidate", "leave the caches alone"),
                ("--overwrite", "overwrite the new name"),
                ("--resource-type", "image, video or raw"),
                ("--type", "upload, private, authenticated, …"),
            ];
            if last.starts_with('-') {
                return flags
                    .iter()
                    .filter(|(flag, _)| flag.starts_with(last))
                    .map(|(flag, help)| choice(flag, (*help).to_owned()))
                    .collect();
            }
            let names = app.assets.rows.names().take(LOOKED_AT);
            let found = |name: &str| !last.is_empty() && name.starts_with(last);
            names
                .filter(|name| found(name))
                .take(OFFERED)
                .map(|name| choice(&quoted(name), String::new()))
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::commands::COMMANDS;

    #[test]
    fn verbs_are_found_by_beginning_then_by_letters_then_by_help() {
        let names =
            |typed: &str| verbs(COMMANDS, typed).into_iter().map(|c| c.shown).collect::<Vec<_>>();
        assert_eq!(names("ren")[0], "rename <ID|URL>");
        assert_eq!(names("rn")[0], "rename <ID|URL>");
        assert_eq!(names("rm")[0], "rm <ID|URL>");
        assert!(names("colours").contains(&"theme [name]".to_owned()));
        assert!(names("zzz").is_empty());
    }

    #[test]
    fn history_is_walked_from_the_newest() {
        let history = ["one".to_owned(), "two".to_owned()];
        let mut line = CommandLine::default();
        line.step(&history, false);
        assert_eq!(line.field.value(), "two");
        line.step(&history, false);
        assert_eq!(line.field.value(), "one");
        line.step(&history, true);
        line.step(&history, true);
        assert_eq!(line.field.value(), "");
    }
}
