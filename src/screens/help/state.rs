//! What the help knows.

use tui_input::Input;

use crate::app::commands::{Command, Scope};
use crate::app::keymap::{Keymap, TABLE_ORDER};

/// Search text and cursor.
#[derive(Debug, Clone)]
pub struct HelpState {
    /// Where it was opened.
    pub scope: Scope,
    pub field: Input,
    pub cursor: usize,
}

/// One line of the help.
#[derive(Debug, Clone, Copy)]
pub struct HelpRow {
    pub command: &'static Command,
    /// Can be run from here.
    pub runs: bool,
}

impl HelpState {
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        Self { scope, field: Input::default(), cursor: 0 }
    }

    /// Commands that match what was typed: of the screen it was opened on, then of every screen, then the rest.
    #[must_use]
    pub fn rows(&self, keymap: &Keymap) -> Vec<HelpRow> {
        let here: Vec<Scope> =
            std::iter::successors(Some(self.scope), |scope| scope.parent()).collect();
        let rest = TABLE_ORDER.into_iter().filter(|scope| !here.contains(scope));
        let needle = self.field.value().to_lowercase();
        let order: Vec<Scope> = here.iter().copied().chain(rest).collect();
        order
            .into_iter()
            .flat_map(|scope| keymap.of(scope).map(move |row| (scope, row)))
            .filter(|(scope, (command, keys))| {
                needle.is_empty()
                    || command.help.to_lowercase().contains(&needle)
                    || command.id.contains(&needle)
                    || scope.title().to_lowercase().contains(&needle)
                    || command.verbs.iter().any(|verb| verb.contains(&needle))
                    || keys.iter().any(|key| key.to_string().eq_ignore_ascii_case(&needle))
            })
            .map(|(scope, (command, _))| HelpRow {
                command,
                runs: here.contains(&scope) || !command.verbs.is_empty(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::commands::COMMANDS;
    use crate::app::keymap::KeyOverrides;

    #[test]
    fn this_screen_comes_first_and_everything_is_found() {
        let (keymap, _) = Keymap::build(COMMANDS, &KeyOverrides::new());
        let mut help = HelpState::new(Scope::Watch);
        assert_eq!(help.rows(&keymap).len(), COMMANDS.len());
        assert_eq!(help.rows(&keymap)[0].command.scope, Scope::Watch);
        help.field = Input::new("rename".into());
        let found = help.rows(&keymap);
        assert!(found.iter().any(|row| row.command.id == "order.rename" && row.runs));
        help.field = Input::new("plan.confirm".into());
        assert!(!help.rows(&keymap)[0].runs);
    }
}
