//! Themes as files: one TOML a theme, embedded ones first, the operator's beside or over them.
//!
//! A broken theme never keeps the console shut: what can be read is used, the rest is a warning with its file.

use std::collections::BTreeMap;
use std::str::FromStr;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use super::theme::{Depth, Ground, Role, Theme};

/// Themes in this program, by name; the first is the default.
pub const BUILT_IN: &[(&str, &str)] = &[
    (AUTO, include_str!("../../themes/auto.toml")),
    (DEFAULT, include_str!("../../themes/default.toml")),
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    (DEFAULT_LIGHT, include_str!("../../themes/default-light.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
    ("safe-dark", include_str!("../../themes/safe-dark.toml")),
    ("safe-light", include_str!("../../themes/safe-light.toml")),
    ("sixteen", include_str!("../../themes/sixteen.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
    ("production", include_str!("../../themes/production.toml")),
    ("production-light", include_str!("../../themes/production-light.toml")),
];

/// The theme that is used where nobody says which: it goes by the terminal's background.
pub const AUTO: &str = "auto";
/// What is used where a theme is not there.
const DEFAULT: &str = "default";
const DEFAULT_LIGHT: &str = "default-light";

/// What [`AUTO`] comes to. On a dark ground, on one that is not known and with sixteen colours, whose values are the
/// terminal's own business, it stays with the terminal's own.
#[must_use]
pub const fn auto_theme(ground: Option<Ground>, depth: Depth) -> &'static str {
    match (ground, depth) {
        (Some(Ground::Light), Depth::Indexed | Depth::True) => DEFAULT_LIGHT,
        _ => AUTO,
    }
}

/// A theme as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    inherits: Option<String>,
    /// One line about it, for the list of themes.
    #[serde(default)]
    about: String,
    /// Names for colours, used by the roles.
    #[serde(default)]
    palette: BTreeMap<String, String>,
    #[serde(default)]
    roles: BTreeMap<String, Look>,
}

/// A role's style: a colour alone, or all of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Look {
    Colour(String),
    Full {
        fg: Option<String>,
        bg: Option<String>,
        #[serde(default)]
        modifiers: Vec<String>,
    },
}

/// Every theme there is, by name.
#[derive(Debug, Clone, Default)]
pub struct Themes {
    files: BTreeMap<String, File>,
    order: Vec<String>,
}

impl Themes {
    /// The embedded themes.
    #[must_use]
    pub fn built_in() -> Self {
        let mut themes = Self::default();
        for (name, text) in BUILT_IN {
            let read = themes.read(name, text);
            debug_assert!(read.is_ok(), "{name}: {read:?}");
        }
        themes
    }

    /// Adds or replaces a theme; the answer names what is wrong with it.
    pub fn add(&mut self, name: &str, text: &str) -> Vec<String> {
        match self.read(name, text) {
            Ok(()) => self.get(name).1,
            Err(why) => vec![format!("theme {name}: {why}")],
        }
    }

    /// Adds or replaces a theme, whatever it inherits and names.
    fn read(&mut self, name: &str, text: &str) -> Result<(), String> {
        let file: File = toml::from_str(text).map_err(|why| why.message().to_owned())?;
        if !self.order.iter().any(|known| known == name) {
            self.order.push(name.to_owned());
        }
        self.files.insert(name.to_owned(), file);
        Ok(())
    }

    /// Names in the order in which they were added, the default first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.order.iter().map(String::as_str)
    }

    /// One line about a theme.
    #[must_use]
    pub fn about(&self, name: &str) -> &str {
        self.files.get(name).map_or("", |file| &file.about)
    }

    /// The theme, or the default with a warning; also warnings about what it holds.
    #[must_use]
    pub fn get(&self, name: &str) -> (Theme, Vec<String>) {
        let mut warnings = Vec::new();
        let known = if self.files.contains_key(name) {
            name
        } else {
            let names: Vec<_> = self.names().collect();
            warnings.push(format!("no theme `{name}`; there are {}", names.join(", ")));
            DEFAULT
        };
        let mut chain = Vec::new();
        let mut next = Some(known);
        while let Some(current) = next {
            if chain.contains(&current) {
                warnings.push(format!("theme {known}: inherits itself by way of {current}"));
                break;
            }
            chain.push(current);
            next = if let Some(file) = self.files.get(current) {
                file.inherits.as_deref()
            } else {
                warnings.push(format!("theme {known}: inherits `{current}`, which is not there"));
                None
            };
        }
        let mut palette = BTreeMap::new();
        let mut looks: BTreeMap<&str, (&str, &Look)> = BTreeMap::new();
        for name in chain.iter().rev() {
            let Some(file) = self.files.get(*name) else { continue };
            palette.extend(file.palette.iter().map(|(k, v)| (k.as_str(), v.as_str())));
            looks.extend(file.roles.iter().map(|(role, look)| (role.as_str(), (*name, look))));
        }
        let mut styles = BTreeMap::new();
        for (role, (file, look)) in looks {
            match Role::ALL.iter().find(|known| known.as_str() == role) {
                Some(known) => {
                    styles.insert(*known, style(look, &palette, file, role, &mut warnings));
                }
                None => warnings.push(format!("theme {file}: no role `{role}`")),
            }
        }
        (Theme::new(known, |role| styles.get(&role).copied().unwrap_or_default()), warnings)
    }
}

fn style(
    look: &Look,
    palette: &BTreeMap<&str, &str>,
    file: &str,
    role: &str,
    warnings: &mut Vec<String>,
) -> Style {
    let mut colour = |name: &str| {
        let value = palette.get(name).copied().unwrap_or(name);
        Color::from_str(value)
            .map_err(|_| warnings.push(format!("theme {file}: {role}: no colour `{name}`")))
            .ok()
    };
    match look {
        Look::Colour(name) => Style { fg: colour(name), ..Style::default() },
        Look::Full { fg, bg, modifiers } => {
            let (fg, bg) =
                (fg.as_deref().and_then(&mut colour), bg.as_deref().and_then(&mut colour));
            let mut style = Style { fg, bg, ..Style::default() };
            for word in modifiers {
                match word.as_str() {
                    "bold" => style = style.add_modifier(Modifier::BOLD),
                    "dim" => style = style.add_modifier(Modifier::DIM),
                    "italic" => style = style.add_modifier(Modifier::ITALIC),
                    "underlined" => style = style.add_modifier(Modifier::UNDERLINED),
                    "reversed" => style = style.add_modifier(Modifier::REVERSED),
                    other => warnings.push(format!("theme {file}: {role}: no modifier `{other}`")),
                }
            }
            style
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_theme_in_this_program_loads_without_a_warning() {
        let themes = Themes::built_in();
        for (name, text) in BUILT_IN {
            assert_eq!(Themes::built_in().add(name, text), Vec::<String>::new());
            let (theme, warnings) = themes.get(name);
            assert_eq!(warnings, Vec::<String>::new());
            assert_eq!(theme.name, *name);
            assert_ne!(theme[Role::Cursor], Style::default(), "{name}: an invisible cursor");
            assert_ne!(theme[Role::Outdated], theme[Role::Cleared], "{name}");
        }
    }

    #[test]
    fn the_default_leaves_the_terminals_own_colours_alone() {
        let (theme, _) = Themes::built_in().get("default");
        assert_eq!((theme[Role::Text].fg, theme[Role::Text].bg), (None, None));
    }

    #[test]
    fn mistakes_are_named_and_the_rest_is_used() {
        let mut themes = Themes::built_in();
        let warnings = themes.add(
            "mine",
            r#"inherits = "dark"
               [roles]
               "verdict.cleared" = "mauveish"
               "verdict.gone" = "red"
               key = { fg = "red", modifiers = ["loud"] }"#,
        );
        insta::assert_snapshot!(warnings.join("\n"), @r"
        theme mine: key: no modifier `loud`
        theme mine: verdict.cleared: no colour `mauveish`
        theme mine: no role `verdict.gone`
        ");
        assert_eq!(themes.get("mine").0[Role::Key].fg, Some(Color::Red));
        assert_eq!(themes.add("worse", "roles = 3").len(), 1);
        assert_eq!(themes.get("worse").0.name, "default");
    }

    #[test]
    fn a_theme_that_inherits_itself_is_no_trap() {
        let mut themes = Themes::built_in();
        themes.add("a", r#"inherits = "b""#);
        themes.add("b", r#"inherits = "a""#);
        assert!(!themes.get("a").1.is_empty());
    }
}
