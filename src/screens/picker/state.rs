//! What a picker knows.

use std::collections::BTreeSet;

use tui_input::Input;

use super::folders;
use crate::app::fuzzy;
use crate::app::keymap::Keymap;
use crate::app::state::App;

/// What is picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PickerKind {
    Theme,
    Profile,
    Folder,
}

impl PickerKind {
    #[must_use]
    pub fn title(self, keymap: &Keymap) -> String {
        let take = keymap.shown("picker.take");
        match self {
            Self::Theme => format!("Theme: moving shows it, {take} keeps it"),
            Self::Profile => "Profile".to_owned(),
            Self::Folder => {
                let open = keymap.shown("picker.open");
                format!("Folders: {take} lists one, {open} shows what is in it")
            }
        }
    }
}

/// One thing to pick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// As the command takes it.
    pub name: String,
    pub about: String,
}

/// A list with a search field.
#[derive(Debug, Clone)]
pub struct Picker {
    pub kind: PickerKind,
    pub field: Input,
    pub choices: Vec<Choice>,
    /// Among those that match.
    pub cursor: usize,
    /// What was before, for leaving without a choice.
    pub before: String,
    /// Folders whose content is shown.
    pub open: BTreeSet<String>,
    /// Folders of the server whose content it was not asked for.
    pub unread: BTreeSet<String>,
}

/// More folders than this are shown closed at first.
const SHOWN_OPEN: usize = 12;

impl Picker {
    /// A picker with everything there is to pick from.
    #[must_use]
    pub fn new(kind: PickerKind, app: &App) -> Self {
        let ((choices, unread), before) = match kind {
            PickerKind::Theme => ((themes(app), BTreeSet::new()), app.theme_name().to_owned()),
            PickerKind::Profile => {
                ((app.profiles.clone(), BTreeSet::new()), app.env.setup.profile.clone())
            }
            PickerKind::Folder => (folders::choices(app), app.assets.folder().unwrap_or_default()),
        };
        let open = match kind {
            PickerKind::Folder if choices.len() <= SHOWN_OPEN => {
                choices.iter().map(|choice| choice.name.clone()).collect()
            }
            PickerKind::Folder => ancestors(&before).map(str::to_owned).collect(),
            _ => BTreeSet::new(),
        };
        let mut picker =
            Self { kind, field: Input::default(), choices, cursor: 0, before, open, unread };
        picker.go_to(&picker.before.clone());
        picker
    }

    /// The server told more folders: they are shown, and the cursor stays where it is.
    pub fn again(&mut self, app: &App) {
        let current = self.current().map(|choice| choice.name.clone()).unwrap_or_default();
        (self.choices, self.unread) = folders::choices(app);
        self.go_to(&current);
    }

    /// Puts the cursor on a choice, if it is shown.
    fn go_to(&mut self, name: &str) {
        let at = self.matches().iter().position(|choice| choice.name == name);
        self.cursor = at.unwrap_or(0);
    }

    /// Whether the list is a tree now: folders, and nothing is searched for.
    #[must_use]
    pub fn is_tree(&self) -> bool {
        self.kind == PickerKind::Folder && self.field.value().is_empty()
    }

    /// How deep in the tree a folder is.
    #[must_use]
    pub fn depth(name: &str) -> usize {
        name.matches('/').count()
    }

    /// Whether there are folders in this one, or may be.
    #[must_use]
    pub fn has_folders(&self, name: &str) -> bool {
        if self.unread.contains(name) {
            return true;
        }
        let inside = |choice: &&Choice| choice.name.len() > name.len();
        !name.is_empty() && self.choices.iter().filter(inside).any(|one| one.name.starts_with(name))
    }

    /// Shows what is in the folder under the cursor, or goes into it where that is shown; answers the folder whose
    /// content the server is to be asked for.
    pub fn unfold(&mut self) -> Option<String> {
        let name = self.current().map(|choice| choice.name.clone())?;
        if self.unread.contains(&name) {
            self.open.insert(name.clone());
            return Some(name);
        }
        if self.has_folders(&name) && !self.open.insert(name) {
            self.cursor += 1;
        }
        None
    }

    /// Hides what is in the folder under the cursor, or goes to the folder that it is in.
    pub fn fold(&mut self) {
        let Some(name) = self.current().map(|choice| choice.name.clone()) else { return };
        if self.has_folders(&name) && self.open.remove(&name) {
            return;
        }
        let above = ancestors(&name).last().unwrap_or_default().to_owned();
        self.go_to(&above);
    }

    /// Choices that match what was typed, the best first.
    #[must_use]
    pub fn matches(&self) -> Vec<&Choice> {
        let typed = self.field.value();
        if self.is_tree() {
            let shown = |choice: &&Choice| ancestors(&choice.name).all(|it| self.open.contains(it));
            return self.choices.iter().filter(shown).collect();
        }
        if typed.is_empty() {
            return self.choices.iter().collect();
        }
        let mut ranked: Vec<(u32, &Choice)> = self
            .choices
            .iter()
            .filter_map(|choice| Some((fuzzy::score(&choice.name, typed)?, choice)))
            .collect();
        ranked.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        ranked.into_iter().map(|(_, choice)| choice).collect()
    }

    /// The choice under the cursor.
    #[must_use]
    pub fn current(&self) -> Option<&Choice> {
        self.matches().get(self.cursor).copied()
    }
}

/// The folders that a folder is in, outermost first, without itself.
fn ancestors(name: &str) -> impl Iterator<Item = &str> {
    let inner = name.strip_suffix('/').unwrap_or(name);
    inner.match_indices('/').map(move |(at, _)| &name[..=at])
}

fn themes(app: &App) -> Vec<Choice> {
    let names = app.themes.names();
    names
        .map(|name| Choice { name: name.to_owned(), about: app.themes.about(name).to_owned() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(names: &[&str]) -> Picker {
        let choice = |name: &str| Choice { name: name.to_owned(), about: String::new() };
        let all = std::iter::once("").chain(names.iter().copied()).map(choice).collect();
        Picker {
            kind: PickerKind::Folder,
            field: Input::default(),
            choices: all,
            cursor: 0,
            before: String::new(),
            open: BTreeSet::new(),
            unread: BTreeSet::new(),
        }
    }

    fn shown(picker: &Picker) -> Vec<&str> {
        picker.matches().iter().map(|choice| choice.name.as_str()).collect()
    }

    #[test]
    fn folders_open_and_close() {
        let mut picker =
            tree(&["press/", "press/2025/", "press/2026/", "press/2026/may/", "shop/"]);
        assert_eq!(shown(&picker), ["", "press/", "shop/"]);
        picker.cursor = 1;
        picker.unfold();
        assert_eq!(shown(&picker), ["", "press/", "press/2025/", "press/2026/", "shop/"]);
        picker.unfold();
        assert_eq!(picker.current().unwrap().name, "press/2025/", "an open one is gone into");
        picker.unfold();
        assert_eq!(picker.current().unwrap().name, "press/2025/", "nothing is in it");
        picker.fold();
        assert_eq!(picker.current().unwrap().name, "press/");
        picker.fold();
        assert_eq!(shown(&picker), ["", "press/", "shop/"]);
        picker.field = Input::new("may".to_owned());
        assert_eq!(shown(&picker), ["press/2026/may/"], "a search looks everywhere");
    }
}
