//! Text for the clipboard of whoever sits before the terminal: OSC 52, by way of tmux and screen where they are seen.
//!
//! Nobody answers, so nothing here can tell whether the terminal took it.

use base64::Engine as _;

/// Most bytes between the marks: terminals drop longer ones without a word.
const LIMIT: usize = 74_994;
/// Screen takes so many bytes of a string at most.
const SCREEN_CHUNK: usize = 240;

/// What stands between us and the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Between {
    #[default]
    Nothing,
    Tmux,
    Screen,
}

impl Between {
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Nothing => "neither tmux nor screen",
            Self::Tmux => "tmux",
            Self::Screen => "screen",
        }
    }

    /// From the environment.
    pub fn of(env: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
        if set("TMUX") {
            Self::Tmux
        } else if set("STY") || env("TERM").is_some_and(|term| term.starts_with("screen")) {
            Self::Screen
        } else {
            Self::Nothing
        }
    }
}

/// The bytes that put `text` on the clipboard; `None` where it is too long.
#[must_use]
pub fn bytes(text: &str, between: Between) -> Option<Vec<u8>> {
    let encoded = base64::engine::general_purpose::STANDARD.encode(text);
    if encoded.len() > LIMIT {
        return None;
    }
    let osc = format!("\x1b]52;c;{encoded}\x07");
    let out = match between {
        Between::Nothing => osc,
        // tmux keeps it in its own buffer and hands it on; where it may not, the copy goes through untouched
        Between::Tmux => format!("{osc}{}", through_tmux(&osc)),
        Between::Screen => through_screen(&osc),
    };
    Some(out.into_bytes())
}

/// Wrapped so that tmux hands it on as it is (`allow-passthrough`).
#[must_use]
pub fn through_tmux(sequence: &str) -> String {
    format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b"))
}

fn through_screen(sequence: &str) -> String {
    let chars: Vec<char> = sequence.chars().collect();
    let mut out = String::new();
    for chunk in chars.chunks(SCREEN_CHUNK) {
        out.push_str("\x1bP");
        out.extend(chunk);
        out.push_str("\x1b\\");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(&[("TMUX", "/tmp/tmux-0/default,1,0"), ("TERM", "screen-256color")], Between::Tmux)]
    #[case(&[("TERM", "screen")], Between::Screen)]
    #[case(&[("STY", "1.pts"), ("TERM", "xterm")], Between::Screen)]
    #[case(&[("TMUX", ""), ("TERM", "xterm-256color")], Between::Nothing)]
    fn what_is_between_is_read_from_the_environment(
        #[case] vars: &[(&str, &str)],
        #[case] expected: Between,
    ) {
        let env = |name: &str| {
            vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(Between::of(env), expected);
    }

    #[test]
    fn the_text_is_encoded_and_wrapped_for_whoever_is_between() {
        let of = |between| String::from_utf8(bytes("hero", between).unwrap()).unwrap();
        assert_eq!(of(Between::Nothing), "\x1b]52;c;aGVybw==\x07");
        assert_eq!(
            of(Between::Tmux),
            "\x1b]52;c;aGVybw==\x07\x1bPtmux;\x1b\x1b]52;c;aGVybw==\x07\x1b\\"
        );
        assert_eq!(of(Between::Screen), "\x1bP\x1b]52;c;aGVybw==\x07\x1b\\");
    }

    #[test]
    fn what_is_too_long_is_refused_and_screen_gets_pieces() {
        assert!(bytes(&"x".repeat(56_000), Between::Nothing).is_some());
        assert!(bytes(&"x".repeat(57_000), Between::Nothing).is_none());
        let pieces = String::from_utf8(bytes(&"x".repeat(600), Between::Screen).unwrap()).unwrap();
        assert_eq!(pieces.matches("\x1bP").count(), 4);
    }
}
