//! Keys, as the table of commands and `config.toml` write them: `q`, `ctrl-r`, `shift-tab`, `f1`, `space`.

use std::fmt;
use std::str::FromStr;

/// What was pressed, without its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// A character as typed: shift is part of it.
    Char(char),
    Enter,
    Esc,
    Tab,
    Backspace,
    Delete,
    Insert,
    Left,
    Right,
    Up,
    Down,
    Home,
    End,
    PageUp,
    PageDown,
    F(u8),
}

/// One key press.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub code: Code,
    pub ctrl: bool,
    pub alt: bool,
    /// Only for keys that are no characters.
    pub shift: bool,
}

/// The text names no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{raw}` is no key; write `x`, `ctrl-x`, `f1`, `space`, `enter`, `shift-tab`, …")]
pub struct BadKey {
    pub raw: String,
}

const NAMES: &[(&str, Code)] = &[
    ("space", Code::Char(' ')),
    ("enter", Code::Enter),
    ("esc", Code::Esc),
    ("tab", Code::Tab),
    ("backspace", Code::Backspace),
    ("delete", Code::Delete),
    ("insert", Code::Insert),
    ("left", Code::Left),
    ("right", Code::Right),
    ("up", Code::Up),
    ("down", Code::Down),
    ("home", Code::Home),
    ("end", Code::End),
    ("pageup", Code::PageUp),
    ("pagedown", Code::PageDown),
];

impl Key {
    #[must_use]
    pub const fn plain(code: Code) -> Self {
        Self { code, ctrl: false, alt: false, shift: false }
    }

    #[must_use]
    pub const fn char(c: char) -> Self {
        Self::plain(Code::Char(c))
    }

    #[must_use]
    pub const fn ctrl(c: char) -> Self {
        Self { code: Code::Char(c), ctrl: true, alt: false, shift: false }
    }

    /// The character that a text field takes for this key.
    #[must_use]
    pub const fn text(self) -> Option<char> {
        match self {
            Self { code: Code::Char(c), ctrl: false, alt: false, .. } => Some(c),
            _ => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, word) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")] {
            if held {
                f.write_str(word)?;
            }
        }
        match (NAMES.iter().find(|(_, code)| *code == self.code), self.code) {
            (Some((name, _)), _) => f.write_str(name),
            (None, Code::Char(c)) => write!(f, "{c}"),
            (None, Code::F(n)) => write!(f, "f{n}"),
            (None, _) => Ok(()), // every other code is in the table
        }
    }
}

impl FromStr for Key {
    type Err = BadKey;

    fn from_str(raw: &str) -> Result<Self, BadKey> {
        let bad = || BadKey { raw: raw.to_owned() };
        let mut key = Self::char(' ');
        let mut rest = raw;
        loop {
            let held = [("ctrl-", 0), ("alt-", 1), ("shift-", 2)]
                .into_iter()
                .find_map(|(word, at)| Some((rest.strip_prefix(word)?, at)));
            let Some((after, at)) = held.filter(|(after, _)| !after.is_empty()) else { break };
            rest = after;
            match at {
                0 => key.ctrl = true,
                1 => key.alt = true,
                _ => key.shift = true,
            }
        }
        let mut chars = rest.chars();
        key.code = match (chars.next(), chars.next()) {
            (Some(c), None) if !c.is_control() && c != ' ' => Code::Char(c),
            _ => match NAMES.iter().find(|(name, _)| *name == rest) {
                Some((_, code)) => *code,
                None => rest
                    .strip_prefix('f')
                    .and_then(|n| n.parse::<u8>().ok())
                    .filter(|n| (1..=24).contains(n))
                    .map(Code::F)
                    .ok_or_else(bad)?,
            },
        };
        match key.code {
            Code::Char(c) if key.shift && c.is_lowercase() => {
                key.code = Code::Char(c.to_uppercase().next().unwrap_or(c));
                key.shift = false;
            }
            Code::Char(_) => key.shift = false,
            _ => {}
        }
        if let (true, Code::Char(c)) = (key.ctrl, key.code) {
            key.code = Code::Char(c.to_ascii_lowercase());
        }
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("q", Key::char('q'), "q")]
    #[case("G", Key::char('G'), "G")]
    #[case("shift-g", Key::char('G'), "G")]
    #[case("ctrl-R", Key::ctrl('r'), "ctrl-r")]
    #[case("space", Key::char(' '), "space")]
    #[case("f12", Key::plain(Code::F(12)), "f12")]
    #[case("shift-tab", Key { shift: true, ..Key::plain(Code::Tab) }, "shift-tab")]
    #[case("-", Key::char('-'), "-")]
    #[case("ctrl--", Key::ctrl('-'), "ctrl--")]
    fn keys_are_read_and_written(#[case] raw: &str, #[case] key: Key, #[case] shown: &str) {
        assert_eq!(raw.parse::<Key>().unwrap(), key);
        assert_eq!(key.to_string(), shown);
    }

    #[rstest]
    #[case("")]
    #[case("ctrl-")]
    #[case("f99")]
    #[case("hyper-x")]
    fn what_is_no_key_is_said(#[case] raw: &str) {
        assert!(raw.parse::<Key>().is_err());
    }
}
