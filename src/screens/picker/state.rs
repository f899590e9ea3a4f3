//! What a picker knows.

use std::collections::BTreeMap;

use tui_input::Input;

use crate::app::fuzzy;
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
    pub const fn title(self) -> &'static str {
        match self {
            Self::Theme => "Theme: moving shows it, enter keeps it",
            Self::Profile => "Profile",
            Self::Folder => "Folder of what is loaded: enter lists it from the server",
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
}

impl Picker {
    /// A picker with everything there is to pick from.
    #[must_use]
    pub fn new(kind: PickerKind, app: &App) -> Self {
        let (choices, before) = match kind {
            PickerKind::Theme => (themes(app), app.theme.name.clone()),
            PickerKind::Profile => (app.profiles.clone(), app.env.setup.profile.clone()),
            PickerKind::Folder => (folders(app), app.assets.prefix().unwrap_or("").to_owned()),
        };
        let cursor = choices.iter().position(|choice| choice.name == before).unwrap_or(0);
        Self { kind, field: Input::default(), choices, cursor, before }
    }

    /// Choices that match what was typed, the best first.
    #[must_use]
    pub fn matches(&self) -> Vec<&Choice> {
        let typed = self.field.value();
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

fn themes(app: &App) -> Vec<Choice> {
    let names = app.themes.names();
    names
        .map(|name| Choice { name: name.to_owned(), about: app.themes.about(name).to_owned() })
        .collect()
}

/// Most assets that are looked through for folders.
const LOOKED_AT: usize = 200_000;

/// Every folder that a loaded name is in, with how many are below it, as far as is loaded.
fn folders(app: &App) -> Vec<Choice> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in app.assets.rows.names().take(LOOKED_AT) {
        for (at, _) in name.match_indices('/') {
            *counts.entry(name[..=at].to_owned()).or_default() += 1;
        }
    }
    let more = if app.assets.next_cursor.is_some() { " or more" } else { "" };
    let all = Choice { name: String::new(), about: "everything".to_owned() };
    let listed = counts.into_iter().map(|(name, count)| Choice {
        about: format!("{}{more}", crate::ui::text::plural(count, "asset")),
        name,
    });
    std::iter::once(all).chain(listed).collect()
}
