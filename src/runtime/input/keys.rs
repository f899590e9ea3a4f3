//! One key, click or turn of the wheel from its bytes, as xterm and those after it write them (its "ctlseqs"), with what
//! rxvt and the Linux console write otherwise.

use crate::app::key::{Code, Key};
use crate::app::msg::Input;

pub const ESC: u8 = 0x1b;
/// Longer sequences are none.
const LONGEST: usize = 64;
/// Lines of one turn of the wheel.
const TURN: i32 = 3;

/// What the first of some bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meant {
    /// So many bytes, and what they mean to us, if anything.
    Input(usize, Option<Input>),
    /// So many bytes begin a paste.
    Paste(usize),
    /// So many bytes are what the terminal says of itself (DA1), which are these.
    Attributes(usize, Vec<u16>),
    /// They begin what is not whole.
    More,
}

const fn plain_key(code: Code) -> Key {
    Key { code, ctrl: false, alt: false, shift: false }
}

const fn input(used: usize, key: Key) -> Meant {
    Meant::Input(used, Some(Input::Key(key)))
}

/// What `bytes`, of which there is at least one, begin with.
pub fn first(bytes: &[u8]) -> Meant {
    match bytes {
        [ESC] => Meant::More,
        [ESC, ESC, ..] => input(1, plain_key(Code::Esc)),
        [ESC, b'[', rest @ ..] => control(rest),
        [ESC, b'O', rest @ ..] => single(rest),
        [ESC, rest @ ..] => with_alt(rest),
        _ => character(bytes),
    }
}

/// The first of `bytes` with Alt held, behind an escape that is not among them.
pub fn with_alt(bytes: &[u8]) -> Meant {
    match character(bytes) {
        Meant::Input(used, Some(Input::Key(key))) => input(used + 1, Key { alt: true, ..key }),
        Meant::Input(used, other) => Meant::Input(used + 1, other),
        other => other,
    }
}

/// A character, or a key that is one byte.
pub fn character(bytes: &[u8]) -> Meant {
    let Some(&byte) = bytes.first() else { return Meant::More };
    let ctrl = |c: u8| Key::ctrl(char::from(c));
    let key = match byte {
        ESC => plain_key(Code::Esc),
        b'\r' => plain_key(Code::Enter),
        b'\t' => plain_key(Code::Tab),
        0x7f => plain_key(Code::Backspace),
        0 => ctrl(b' '),
        1..=0x1a => ctrl(b'a' - 1 + byte),
        0x1c..=0x1f => ctrl(b'4' + (byte - 0x1c)),
        b' '..=b'~' => Key::char(char::from(byte)),
        _ => return wide(bytes),
    };
    input(1, key)
}

/// A character of several bytes.
fn wide(bytes: &[u8]) -> Meant {
    let length = match bytes[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Meant::Input(1, None),
    };
    let part = &bytes[..length.min(bytes.len())];
    match std::str::from_utf8(part) {
        Ok(text) => text.chars().next().map_or(Meant::More, |c| input(length, Key::char(c))),
        Err(why) if why.error_len().is_none() => Meant::More,
        Err(_) => Meant::Input(1, None),
    }
}

/// Behind `ESC O`.
fn single(rest: &[u8]) -> Meant {
    let Some(&last) = rest.first() else { return Meant::More };
    let code = match last {
        b'M' => Some(Code::Enter), // of the number pad
        b'P'..=b'S' => Some(Code::F(1 + last - b'P')),
        _ => arrow(last),
    };
    match code {
        Some(code) => input(3, plain_key(code)),
        None => Meant::Input(3, None),
    }
}

const fn arrow(last: u8) -> Option<Code> {
    Some(match last {
        b'A' => Code::Up,
        b'B' => Code::Down,
        b'C' => Code::Right,
        b'D' => Code::Left,
        b'H' => Code::Home,
        b'F' => Code::End,
        _ => return None,
    })
}

/// Behind `ESC [`.
fn control(rest: &[u8]) -> Meant {
    const INTRODUCER: usize = 2;
    match rest {
        [] | [b'['] => return Meant::More,
        [b'[', last @ b'A'..=b'E', ..] => {
            return input(INTRODUCER + 2, plain_key(Code::F(1 + last - b'A')));
        }
        [b'[', ..] => return Meant::Input(INTRODUCER + 1, None),
        [b'M', button, x, y, ..] => {
            let [button, x, y] = [button, x, y].map(|byte| u16::from(byte.saturating_sub(32)));
            return Meant::Input(INTRODUCER + 4, mouse(button, x, y, true));
        }
        [b'M', ..] => return Meant::More,
        _ => {}
    }
    let parameters = rest.iter().take_while(|byte| matches!(byte, b' '..=b'?')).count();
    let Some(&last) = rest.get(parameters) else {
        let too_long = rest.len() > LONGEST;
        return if too_long { Meant::Input(INTRODUCER + rest.len(), None) } else { Meant::More };
    };
    if !matches!(last, b'@'..=b'~') {
        return Meant::Input(INTRODUCER + parameters, None); // cut off by what comes next
    }
    let used = INTRODUCER + parameters + 1;
    let text = std::str::from_utf8(&rest[..parameters]).unwrap_or_default();
    match (text, last) {
        ("200", b'~') => Meant::Paste(used),
        (text, b'c') if text.starts_with('?') => Meant::Attributes(used, numbers(&text[1..])),
        _ => Meant::Input(used, meaning(text, last)),
    }
}

/// Numbers between semicolons; what is missing or wrong is 0, parts behind a colon are left out.
fn numbers(text: &str) -> Vec<u16> {
    let number = |part: &str| part.split(':').next().and_then(|it| it.parse().ok()).unwrap_or(0);
    text.split(';').map(number).collect()
}

fn meaning(text: &str, last: u8) -> Option<Input> {
    if let (Some(text), b'M' | b'm') = (text.strip_prefix('<'), last) {
        let [button, x, y] = numbers(text)[..] else { return None };
        return mouse(button, x, y, last == b'M');
    }
    if text.starts_with(['<', '=', '>', '?']) {
        return None; // what the terminal says of itself
    }
    let all = numbers(text);
    let at = |place: usize| all.get(place).copied().unwrap_or(0);
    if last == b'M' {
        return mouse(at(0).checked_sub(32)?, at(1), at(2), true);
    }
    let code = match last {
        b'I' if text.is_empty() => return Some(Input::Focus(true)),
        b'O' if text.is_empty() => return Some(Input::Focus(false)),
        b'P'..=b'S' if at(0) <= 1 => Code::F(1 + last - b'P'), // others say where the cursor is
        b'Z' => return Some(Input::Key(Key { shift: true, ..plain_key(Code::Tab) })),
        b'a'..=b'd' if text.is_empty() => {
            let code = arrow(last.to_ascii_uppercase())?;
            return Some(Input::Key(Key { shift: true, ..plain_key(code) }));
        }
        b'u' => return written(at(0), at(1)),
        b'~' if at(0) == 27 && all.len() == 3 => return written(at(2), at(1)),
        b'~' => numbered(at(0))?,
        _ => arrow(last)?,
    };
    Some(Input::Key(held(code, at(1))))
}

/// Keys that are a number and a tilde.
fn numbered(number: u16) -> Option<Code> {
    let f = |n: u16| u8::try_from(n).ok().map(Code::F);
    Some(match number {
        1 | 7 => Code::Home,
        2 => Code::Insert,
        3 => Code::Delete,
        4 | 8 => Code::End,
        5 => Code::PageUp,
        6 => Code::PageDown,
        11..=15 => return f(number - 10),
        17..=21 => return f(number - 11),
        23..=26 => return f(number - 12),
        28 | 29 => return f(number - 13),
        31..=34 => return f(number - 14),
        _ => return None,
    })
}

/// A key with what was held: one more than the sum of shift 1, alt 2, control 4.
const fn held(code: Code, modifiers: u16) -> Key {
    let bits = modifiers.saturating_sub(1);
    Key { code, shift: bits & 1 != 0, alt: bits & 2 != 0, ctrl: bits & 4 != 0 }
}

/// A key that is named by its character.
fn written(number: u16, modifiers: u16) -> Option<Input> {
    let code = match number {
        9 => Code::Tab,
        13 => Code::Enter,
        27 => Code::Esc,
        8 | 127 => Code::Backspace,
        0xe000..=0xf8ff => return None, // keys of a number pad, modifiers alone
        _ => Code::Char(char::from_u32(number.into()).filter(|c| !c.is_control())?),
    };
    let key = held(code, modifiers);
    Some(Input::Key(match code {
        Code::Char(c) => {
            let c = match (key.ctrl, key.shift) {
                (true, _) => c.to_ascii_lowercase(),
                (false, true) => c.to_ascii_uppercase(),
                (false, false) => c,
            };
            Key { code: Code::Char(c), shift: false, ..key }
        }
        _ => key,
    }))
}

/// The left button going down, and the wheel; columns and rows count from one.
fn mouse(button: u16, x: u16, y: u16, down: bool) -> Option<Input> {
    const WHEEL: u16 = 64;
    let (kind, which) = (button & !0b1_1111, button & 0b11);
    match (kind, which) {
        (0, 0) if down => Some(Input::Click(x.saturating_sub(1), y.saturating_sub(1))),
        (WHEEL, 0) if down => Some(Input::Wheel(-TURN)),
        (WHEEL, 1) if down => Some(Input::Wheel(TURN)),
        _ => None, // other buttons, and what moves
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("q", "q")]
    #[case("G", "G")]
    #[case("ü", "ü")]
    #[case("世", "世")]
    #[case("\r", "enter")]
    #[case("\t", "tab")]
    #[case("\x7f", "backspace")]
    #[case("\x08", "ctrl-h")]
    #[case("\x01", "ctrl-a")]
    #[case("\x1a", "ctrl-z")]
    #[case("\0", "ctrl-space")]
    #[case("\x1d", "ctrl-5")]
    #[case("\x1b[A", "up")]
    #[case("\x1bOB", "down")]
    #[case("\x1b[1;5C", "ctrl-right")]
    #[case("\x1b[1;2D", "shift-left")]
    #[case("\x1b[b", "shift-down")]
    #[case("\x1b[H", "home")]
    #[case("\x1b[1~", "home")]
    #[case("\x1b[8~", "end")]
    #[case("\x1b[2~", "insert")]
    #[case("\x1b[3;5~", "ctrl-delete")]
    #[case("\x1b[5~", "pageup")]
    #[case("\x1b[6~", "pagedown")]
    #[case("\x1b[Z", "shift-tab")]
    #[case("\x1bOP", "f1")]
    #[case("\x1b[1;2S", "shift-f4")]
    #[case("\x1b[[C", "f3")]
    #[case("\x1b[15~", "f5")]
    #[case("\x1b[24~", "f12")]
    #[case("\x1b[34~", "f20")]
    #[case("\x1bx", "alt-x")]
    #[case("\x1b\x7f", "alt-backspace")]
    #[case("\x1b]", "alt-]")]
    #[case("\x1b[27;5;13~", "ctrl-enter")]
    #[case("\x1b[99;5u", "ctrl-c")]
    #[case("\x1b[97;2u", "A")]
    #[case("\x1b[27u", "esc")]
    fn keys_are_read(#[case] bytes: &str, #[case] expected: &str) {
        let key: Key = expected.parse().unwrap();
        assert_eq!(first(bytes.as_bytes()), input(bytes.len(), key));
        for cut in 1..bytes.len() {
            let part = first(&bytes.as_bytes()[..cut]);
            let is_alt_key = matches!(bytes.as_bytes(), [ESC, b'[' | b'O', ..]) && cut == 2;
            assert!(part == Meant::More || is_alt_key, "{bytes:?} at {cut}: {part:?}");
        }
    }

    #[rstest]
    #[case("\x1b[I", Some(Input::Focus(true)))]
    #[case("\x1b[O", Some(Input::Focus(false)))]
    #[case("\x1b[<0;10;3M", Some(Input::Click(9, 2)))]
    #[case("\x1b[<16;10;3M", Some(Input::Click(9, 2)))]
    #[case("\x1b[<0;10;3m", None)]
    #[case("\x1b[<2;10;3M", None)]
    #[case("\x1b[<35;10;3M", None)]
    #[case("\x1b[<64;10;3M", Some(Input::Wheel(-3)))]
    #[case("\x1b[<65;10;3M", Some(Input::Wheel(3)))]
    #[case("\x1b[<66;10;3M", None)]
    #[case("\x1b[M *#", Some(Input::Click(9, 2)))]
    #[case("\x1b[M`*#", Some(Input::Wheel(-3)))]
    #[case("\x1b[32;10;3M", Some(Input::Click(9, 2)))]
    #[case("\x1b[97;10;3M", Some(Input::Wheel(3)))]
    #[case("\x1b[?2026;2$y", None)]
    #[case("\x1b[12;40R", None)]
    #[case("\x1b[>41;388;0c", None)]
    #[case("\x1bOx", None)]
    #[case("\x1b[201~", None)]
    #[case("\x1b[57441u", None)]
    fn what_else_the_terminal_sends(#[case] bytes: &str, #[case] expected: Option<Input>) {
        assert_eq!(first(bytes.as_bytes()), Meant::Input(bytes.len(), expected));
    }

    #[test]
    fn what_is_broken_off_leaves_the_next_key() {
        assert_eq!(first(b"\x1b[1;\x1b[A"), Meant::Input(4, None));
        assert_eq!(first(b"\x1b\x1b[A"), input(1, plain_key(Code::Esc)));
        assert_eq!(first(b"\xffq"), Meant::Input(1, None));
        assert_eq!(first(b"\xc3q"), Meant::Input(1, None));
        let endless = [b"\x1b[".as_slice(), &[b'1'; 80]].concat();
        assert_eq!(first(&endless), Meant::Input(82, None));
        assert_eq!(first(b"\x1b[?62;4;22c"), Meant::Attributes(11, vec![62, 4, 22]));
    }
}
