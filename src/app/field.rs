//! Text fields: editing keys and cleaned pastes.

use tui_input::{Input, InputRequest};

use super::key::{Code, Key};
use crate::domain::text::is_unsafe;

/// Longest text that a field takes, in characters.
const MAX: usize = 4096;

/// Puts a key into a field; whether the text or its cursor changed.
pub fn edit(field: &mut Input, key: Key) -> bool {
    let request = match (key.code, key.ctrl, key.alt) {
        (Code::Char(c), false, false) if !is_unsafe(c) && field.value().chars().count() < MAX => {
            InputRequest::InsertChar(c)
        }
        (Code::Backspace, false, false) | (Code::Char('h'), true, false) => {
            InputRequest::DeletePrevChar
        }
        (Code::Delete, false, false) => InputRequest::DeleteNextChar,
        (Code::Left, false, false) => InputRequest::GoToPrevChar,
        (Code::Right, false, false) => InputRequest::GoToNextChar,
        (Code::Left, true, false) => InputRequest::GoToPrevWord,
        (Code::Right, true, false) => InputRequest::GoToNextWord,
        (Code::Home, ..) | (Code::Char('a'), true, false) => InputRequest::GoToStart,
        (Code::End, ..) | (Code::Char('e'), true, false) => InputRequest::GoToEnd,
        (Code::Char('w') | Code::Backspace, true, false) => InputRequest::DeletePrevWord,
        (Code::Char('u'), true, false) => InputRequest::DeleteFromStart,
        (Code::Char('k'), true, false) => InputRequest::DeleteTillEnd,
        _ => return false,
    };
    field.handle(request).is_some()
}

/// Puts a paste into a field: one line, without control, bidi and invisible marks.
pub fn paste(field: &mut Input, raw: &str) {
    for c in one_line(raw).chars() {
        if field.value().chars().count() >= MAX {
            break;
        }
        field.handle(InputRequest::InsertChar(c));
    }
}

/// A paste on one line: line ends become spaces, unsafe characters go.
#[must_use]
pub fn one_line(raw: &str) -> String {
    let spaced = raw.trim().replace(['\r', '\n', '\t'], " ");
    spaced.chars().filter(|c| !is_unsafe(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_edit_and_commands_do_not() {
        let mut field = Input::new("press/hero".into());
        assert!(edit(&mut field, Key::char('2')));
        assert!(edit(&mut field, Key::ctrl('w')));
        assert_eq!(field.value(), "press/");
        assert!(edit(&mut field, Key::char('d')));
        assert!(!edit(&mut field, Key::ctrl('c')));
        assert!(!edit(&mut field, Key::char('\u{200b}')));
        assert_eq!(field.value(), "press/d");
    }

    #[test]
    fn a_paste_is_cleaned_and_stays_on_one_line() {
        let mut field = Input::default();
        paste(&mut field, " a\u{1b}[31m\nb\u{202e}c\r\n");
        assert_eq!(field.value(), "a[31m bc");
    }
}
