//! The table of commands with the operator's keys in it: what dispatch, footer, help and README read.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use super::commands::{COMMANDS, Command, Scope};
use super::key::Key;

/// Keys by command id, as configured; an empty list unbinds.
pub type KeyOverrides = BTreeMap<String, Vec<String>>;

/// Where keys are written, by command id: `config.toml:4:3`.
pub type KeyPlaces = BTreeMap<String, String>;

/// Why a key is not bound as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFault {
    /// No command has this id.
    Unknown {
        id: String,
    },
    /// The text field needs the key.
    OfTheField {
        id: &'static str,
        key: String,
    },
    Unreadable {
        id: &'static str,
        why: String,
    },
    /// Another command has the key, and keeps it.
    Taken {
        key: Key,
        id: &'static str,
        by: &'static str,
    },
}

impl KeyFault {
    /// The command it is about.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Unknown { id } => id,
            Self::OfTheField { id, .. } | Self::Unreadable { id, .. } | Self::Taken { id, .. } => {
                id
            }
        }
    }

    /// In words, with the places of both commands where two want one key.
    #[must_use]
    pub fn said(&self, places: &KeyPlaces) -> String {
        let written = |id: &str| places.get(id).map(|at| format!("{at}: ")).unwrap_or_default();
        let place = |id: &str| match (places.get(id), id.strip_prefix("own.")) {
            (Some(at), _) => at.clone(),
            (None, Some(own)) => format!("[commands.{own}]"),
            (None, None) => "the program's own table".to_owned(),
        };
        match self {
            Self::Unknown { id } => format!("{}keys: no command `{id}`", written(id)),
            Self::OfTheField { id, key } => {
                format!("{}keys: {id}: `{key}` belongs to the text field", written(id))
            }
            Self::Unreadable { id, why } => format!("{}keys: {id}: {why}", written(id)),
            Self::Taken { key, id, by } => {
                format!(
                    "keys: `{key}` of {id} ({}) is bound to {by} ({}) already",
                    place(id),
                    place(by)
                )
            }
        }
    }
}

/// What each key means in each scope.
#[derive(Debug, Clone)]
pub struct Keymap {
    commands: &'static [Command],
    keys: Vec<Vec<Key>>,
    lookup: HashMap<(Scope, Key), usize>,
}

impl Keymap {
    /// The map of `commands` with `overrides`. What cannot be used is left out and named: a broken key file
    /// never keeps the console shut.
    #[must_use]
    pub fn build(commands: &'static [Command], overrides: &KeyOverrides) -> (Self, Vec<KeyFault>) {
        let mut warnings: Vec<KeyFault> = overrides
            .keys()
            .filter(|id| !commands.iter().any(|command| command.id == id.as_str()))
            .map(|id| KeyFault::Unknown { id: id.clone() })
            .collect();
        let mut map = Self { commands, keys: Vec::new(), lookup: HashMap::new() };
        for command in commands {
            let written: Vec<&str> = match overrides.get(command.id) {
                Some(own) => own.iter().map(String::as_str).collect(),
                None => command.keys.to_vec(),
            };
            let mut keys = Vec::new();
            for raw in written {
                match raw.parse::<Key>() {
                    Ok(key) if command.scope.is_text() && key.text().is_some() => {
                        let key = raw.to_owned();
                        warnings.push(KeyFault::OfTheField { id: command.id, key });
                    }
                    Ok(key) => keys.push(key),
                    Err(why) => {
                        let why = why.to_string();
                        warnings.push(KeyFault::Unreadable { id: command.id, why });
                    }
                }
            }
            map.keys.push(keys);
        }
        // What the operator bound wins over the table's own keys.
        let (own, table): (Vec<_>, Vec<_>) =
            (0..commands.len()).partition(|at| overrides.contains_key(commands[*at].id));
        for at in own.into_iter().chain(table) {
            let command = &commands[at];
            let mut kept = Vec::new();
            for key in std::mem::take(&mut map.keys[at]) {
                if let Some(other) = map.clash(command.scope, key) {
                    let by = commands[other].id;
                    warnings.push(KeyFault::Taken { key, id: command.id, by });
                } else {
                    map.lookup.insert((command.scope, key), at);
                    kept.push(key);
                }
            }
            map.keys[at] = kept;
        }
        (map, warnings)
    }

    /// The whole table.
    #[must_use]
    pub const fn commands(&self) -> &'static [Command] {
        self.commands
    }

    /// The command with this name after `:`, or this id.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&'static Command> {
        self.commands.iter().find(|command| command.verbs.contains(&name) || command.id == name)
    }

    /// The command that `key` has in `scope`, in one of its parents or in a scope below it.
    fn clash(&self, scope: Scope, key: Key) -> Option<usize> {
        let above = self.find(scope, key);
        above.or_else(|| {
            Scope::ALL
                .into_iter()
                .filter(|below| is_below(*below, scope))
                .find_map(|below| self.lookup.get(&(below, key)).copied())
        })
    }

    fn find(&self, scope: Scope, key: Key) -> Option<usize> {
        let mut next = Some(scope);
        while let Some(current) = next {
            if let Some(at) = self.lookup.get(&(current, key)) {
                return Some(*at);
            }
            next = current.parent();
        }
        None
    }

    /// What `key` means in `scope` or its parents.
    #[must_use]
    pub fn command(&self, scope: Scope, key: Key) -> Option<&'static Command> {
        self.find(scope, key).map(|at| &self.commands[at])
    }

    /// Every key that means something in `scope`, its parents' included.
    pub fn offered(&self, scope: Scope) -> impl Iterator<Item = (Key, &'static Command)> + '_ {
        let chain: Vec<Scope> = chain(scope).collect();
        self.commands
            .iter()
            .zip(&self.keys)
            .filter(move |(command, _)| chain.contains(&command.scope))
            .flat_map(|(command, keys)| keys.iter().map(move |key| (*key, command)))
    }

    /// Commands of `scope` alone with their keys, in the order of the table.
    pub fn of(&self, scope: Scope) -> impl Iterator<Item = (&'static Command, &[Key])> + '_ {
        self.commands
            .iter()
            .zip(&self.keys)
            .filter(move |(command, _)| command.scope == scope)
            .map(|(command, keys)| (command, keys.as_slice()))
    }

    /// Keys of a command, by its id.
    #[must_use]
    pub fn keys(&self, id: &str) -> &[Key] {
        self.commands
            .iter()
            .position(|command| command.id == id)
            .map_or(&[], |at| self.keys[at].as_slice())
    }

    /// The first key of a command as text, or `:verb` where it has none.
    #[must_use]
    pub fn shown(&self, id: &str) -> String {
        match (self.keys(id).first(), self.commands.iter().find(|command| command.id == id)) {
            (Some(key), _) => key.to_string(),
            (None, Some(command)) => format!(":{}", command.name()),
            (None, None) => String::new(),
        }
    }

    /// What the footer of `scope` may offer, most useful first; the way to the help is among the first.
    #[must_use]
    pub fn hints(&self, scope: Scope) -> Vec<Hint> {
        let mut ranked: Vec<_> = chain(scope)
            .flat_map(|scope| self.of(scope))
            .filter(|(command, keys)| command.hint.0 > 0 && !keys.is_empty())
            .collect();
        ranked.sort_by_key(|(command, _)| command.hint.0);
        let hint = |(command, keys): (&Command, &[Key])| Hint {
            id: command.id,
            key: keys[0].to_string(),
            word: command.hint.1,
        };
        ranked.into_iter().map(hint).collect()
    }
}

/// One offer of a footer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The command's.
    pub id: &'static str,
    pub key: String,
    pub word: &'static str,
}

fn chain(scope: Scope) -> impl Iterator<Item = Scope> {
    std::iter::successors(Some(scope), |scope| scope.parent())
}

fn is_below(scope: Scope, above: Scope) -> bool {
    scope != above && chain(scope).any(|scope| scope == above)
}

/// The table of keys for the README, in Markdown.
#[must_use]
pub fn key_table_markdown() -> String {
    let (map, _) = Keymap::build(COMMANDS, &KeyOverrides::new());
    let mut out = String::from("| where | keys | after `:` | what |\n|---|---|---|---|\n");
    for scope in TABLE_ORDER {
        for (command, keys) in map.of(scope) {
            let keys: Vec<_> =
                keys.iter().map(|key| format!("`{}`", escaped(&key.to_string()))).collect();
            let verbs: Vec<_> = command.verbs.iter().map(|verb| format!("`{verb}`")).collect();
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} |",
                scope.title(),
                keys.join(" "),
                verbs.join(" "),
                escaped(command.help)
            );
        }
    }
    out
}

/// The keys that matter on one page, in Markdown, with what the marks of the console mean.
#[must_use]
pub fn cheat_sheet_markdown() -> String {
    const PAGE: [Scope; 13] = [
        Scope::Anywhere,
        Scope::Assets,
        Scope::Details,
        Scope::Plan,
        Scope::PlanWord,
        Scope::Watch,
        Scope::Pending,
        Scope::Jobs,
        Scope::Activity,
        Scope::CommandLine,
        Scope::CopyMenu,
        Scope::SortMenu,
        Scope::Always,
    ];
    let (map, _) = Keymap::build(COMMANDS, &KeyOverrides::new());
    let mut out = String::from(
        "# allclear on one page\n\n\
         Made by `docs/shoot` from the program's own table of commands. `?` shows the same for the screen you are on, \
         and enter runs what is found there.\n\n",
    );
    for scope in PAGE {
        let rows: Vec<String> = map
            .of(scope)
            .filter(|(_, keys)| !keys.is_empty())
            .map(|(command, keys)| {
                let keys: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
                format!("{} {}", keys.join(" "), short(command.help))
            })
            .collect();
        let _ = writeln!(out, "**{}**: {}\n", scope.title(), rows.join(" · "));
    }
    let typed: Vec<String> = COMMANDS
        .iter()
        .filter(|command| !command.verbs.is_empty())
        .map(|command| {
            let usage = command.takes.usage();
            let gap = if usage.is_empty() { "" } else { " " };
            format!("`{}{gap}{usage}`", command.verbs[0])
        })
        .collect();
    let _ = writeln!(out, "**after `:`**: {}\n", typed.join(" · "));
    let marks = crate::ui::widgets::verdict::legend(&crate::ui::theme::UNICODE);
    let marks: Vec<String> = marks.iter().map(|(mark, _)| mark.trim().to_owned()).collect();
    let _ = writeln!(out, "**marks of the Watch screen**: {}\n", marks.join(" · "));
    out.push_str(
        "Enter opens and never changes anything. What changes something shows its plan first, and the key that opened \
         a plan never confirms it. Paste a delivery URL anywhere to land on its asset.\n",
    );
    out
}

/// A help text up to where it goes into detail.
fn short(help: &str) -> &str {
    let cut = help.find(['(', ';', ':']).unwrap_or(help.len());
    let cut = if help[..cut].trim().contains(' ') { cut } else { help.len() };
    help[..cut].trim()
}

/// Scopes in the order in which help and README show them.
pub const TABLE_ORDER: [Scope; 23] = [
    Scope::Assets,
    Scope::Details,
    Scope::Pending,
    Scope::Watch,
    Scope::Evidence,
    Scope::Jobs,
    Scope::Activity,
    Scope::Anywhere,
    Scope::Filter,
    Scope::CommandLine,
    Scope::Help,
    Scope::SortMenu,
    Scope::CopyMenu,
    Scope::Debug,
    Scope::Picker,
    Scope::Dialog,
    Scope::Form,
    Scope::Waiting,
    Scope::Plan,
    Scope::PlanWord,
    Scope::Running,
    Scope::Ask,
    Scope::Always,
];

fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(overrides: &[(&str, &[&str])]) -> (Keymap, Vec<KeyFault>) {
        let overrides = overrides
            .iter()
            .map(|(id, keys)| {
                ((*id).to_owned(), keys.iter().map(|key| (*key).to_owned()).collect())
            })
            .collect();
        Keymap::build(COMMANDS, &overrides)
    }

    #[test]
    fn no_key_means_two_things_in_one_scope() {
        let (map, warnings) = built(&[]);
        assert_eq!(warnings, Vec::<KeyFault>::new());
        for scope in Scope::ALL {
            let mut seen = std::collections::BTreeSet::new();
            for (key, command) in map.offered(scope) {
                assert!(seen.insert(key), "{key} of {} is bound twice in {scope:?}", command.id);
            }
        }
    }

    #[test]
    fn the_key_that_opens_a_dialog_never_confirms_it() {
        let (map, _) = built(&[]);
        let openers: Vec<Key> = COMMANDS
            .iter()
            .filter(|command| command.changes_the_world() || command.help.ends_with("(asks)"))
            .flat_map(|command| map.keys(command.id).to_vec())
            .collect();
        assert!(openers.len() > 4);
        for confirming in ["plan.confirm", "ask.yes", "word.confirm"] {
            assert!(map.keys(confirming).iter().all(|key| !openers.contains(key)), "{confirming}");
        }
    }

    #[test]
    fn keys_that_terminals_take_are_never_bound() {
        let taken =
            ["ctrl-s", "ctrl-q", "ctrl-\\", "ctrl-b", "ctrl-a", "ctrl-h", "ctrl-i", "ctrl-m"];
        for command in COMMANDS {
            for key in command.keys {
                assert!(!taken.contains(key) && !key.contains("alt-"), "{key} of {}", command.id);
            }
        }
    }

    #[test]
    fn text_fields_take_every_character() {
        let (map, _) = built(&[("filter.leave", &["x"])]);
        for scope in Scope::ALL.into_iter().filter(|scope| scope.is_text()) {
            assert!(map.offered(scope).all(|(key, _)| key.text().is_none()), "{scope:?}");
        }
    }

    #[test]
    fn keys_can_be_changed_and_mistakes_are_named() {
        let (map, warnings) =
            built(&[("order.delete", &["D", "q"]), ("plan.confirm", &["f9"]), ("no.such", &["x"])]);
        assert_eq!(map.command(Scope::Assets, Key::char('D')).unwrap().id, "order.delete");
        assert_eq!(map.command(Scope::Assets, Key::char('d')).map(|c| c.id), None);
        assert_eq!(map.command(Scope::Plan, Key::char('y')).map(|c| c.id), None);
        let places = KeyPlaces::from([("order.delete".into(), "/c.toml:4:1".into())]);
        let said: Vec<_> = warnings.iter().map(|fault| fault.said(&places)).collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        keys: no command `no.such`
        keys: `q` of app.quit (the program's own table) is bound to order.delete (/c.toml:4:1) already
        ");
    }

    #[test]
    fn the_readme_has_every_command() {
        let table = key_table_markdown();
        for command in COMMANDS {
            assert!(table.contains(command.help), "{}", command.id);
        }
        assert_eq!(table.lines().count(), COMMANDS.len() + 2);
    }
}
