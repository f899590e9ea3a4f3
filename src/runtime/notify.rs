//! News through the terminal: a bell, and a notification in the way that it understands.

use std::time::Duration;

use super::clipboard::{Between, through_tmux};
use crate::app::notice::Notice;

/// How a terminal is asked to notify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Way {
    /// By what the environment says of the terminal; nothing where it says nothing.
    #[default]
    Auto,
    None,
    /// iTerm2, WezTerm, Ghostty, ConEmu.
    Osc9,
    /// rxvt, foot, VTE.
    Osc777,
    /// kitty.
    Osc99,
}

/// What the operator wants to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Events by their words; all where it is empty.
    pub on: Vec<String>,
    pub bell: bool,
    pub way: Way,
    /// Shorter waits are not worth it while the window has the focus.
    pub after: Duration,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { on: Vec::new(), bell: true, way: Way::Auto, after: Duration::from_secs(10) }
    }
}

impl Wanted {
    /// The bytes for a notice; `focused` as far as the terminal tells.
    #[must_use]
    pub fn bytes(
        &self,
        notice: &Notice,
        focused: Option<bool>,
        env: impl Fn(&str) -> Option<String>,
    ) -> Vec<u8> {
        let wanted = self.on.is_empty() || self.on.iter().any(|on| on == notice.event.as_str());
        if !wanted || (notice.took < self.after && focused != Some(false)) {
            return Vec::new();
        }
        let way = match self.way {
            Way::Auto => guess(&env),
            way => way,
        };
        let (title, body) = (plain(&notice.title), plain(&notice.body));
        let sequence = match way {
            Way::Auto | Way::None => String::new(),
            Way::Osc9 => format!("\x1b]9;{title}\x07"),
            Way::Osc777 => format!("\x1b]777;notify;{title};{body}\x07"),
            Way::Osc99 => {
                format!(
                    "\x1b]99;i=allclear:d=0;{title}\x1b\\\x1b]99;i=allclear:p=body;{body}\x1b\\"
                )
            }
        };
        let sequence = match Between::of(&env) {
            Between::Tmux if !sequence.is_empty() => through_tmux(&sequence),
            Between::Screen => String::new(),
            Between::Nothing | Between::Tmux => sequence,
        };
        let bell = if self.bell { "\x07" } else { "" };
        format!("{sequence}{bell}").into_bytes()
    }
}

/// Text that cannot end the sequence it is in.
fn plain(text: &str) -> String {
    let kept = text.chars().filter(|c| !c.is_control()).map(|c| if c == ';' { ',' } else { c });
    kept.take(200).collect()
}

fn guess(env: &impl Fn(&str) -> Option<String>) -> Way {
    let get = |name: &str| env(name).unwrap_or_default();
    let (term, program) = (get("TERM"), get("TERM_PROGRAM").to_lowercase());
    if term.contains("kitty") || !get("KITTY_WINDOW_ID").is_empty() {
        return Way::Osc99;
    }
    if ["iterm", "wezterm", "ghostty"].iter().any(|known| program.contains(known))
        || !get("ConEmuPID").is_empty()
    {
        return Way::Osc9;
    }
    if term.starts_with("foot") || term.starts_with("rxvt") || !get("VTE_VERSION").is_empty() {
        return Way::Osc777;
    }
    Way::None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::notice::Event;
    use rstest::rstest;

    fn notice(took: u64) -> Notice {
        Notice {
            event: Event::AllClear,
            title: "all clear; delete \u{7}x".into(),
            body: "8 of 8".into(),
            json: serde_json::Value::Null,
            took: Duration::from_secs(took),
        }
    }

    fn said(wanted: &Wanted, took: u64, focused: Option<bool>, vars: &[(&str, &str)]) -> String {
        let env = |name: &str| {
            vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        String::from_utf8(wanted.bytes(&notice(took), focused, env)).unwrap()
    }

    #[rstest]
    #[case(&[("TERM", "xterm-kitty")], "\x1b]99;i=allclear:d=0;all clear, delete x\x1b\\\x1b]99;i=allclear:p=body;8 of 8\x1b\\\x07")]
    #[case(&[("TERM_PROGRAM", "WezTerm")], "\x1b]9;all clear, delete x\x07\x07")]
    #[case(&[("VTE_VERSION", "7000")], "\x1b]777;notify;all clear, delete x;8 of 8\x07\x07")]
    #[case(&[("TERM", "xterm-256color")], "\x07")]
    #[case(&[("TERM_PROGRAM", "WezTerm"), ("TMUX", "x")], "\x1bPtmux;\x1b\x1b]9;all clear, delete x\x07\x1b\\\x07")]
    fn the_terminal_is_told_in_its_own_way(#[case] vars: &[(&str, &str)], #[case] expected: &str) {
        assert_eq!(said(&Wanted::default(), 60, Some(true), vars), expected);
    }

    #[test]
    fn short_waits_are_quiet_while_somebody_looks() {
        let wanted = Wanted::default();
        assert_eq!(said(&wanted, 2, Some(true), &[]), "");
        assert_eq!(said(&wanted, 2, None, &[]), "");
        assert_eq!(said(&wanted, 2, Some(false), &[]), "\x07");
        let quiet = Wanted { bell: false, way: Way::None, ..Wanted::default() };
        assert_eq!(said(&quiet, 60, None, &[("TERM", "xterm-kitty")]), "");
        let picky = Wanted { on: vec!["stuck".into()], ..Wanted::default() };
        assert_eq!(said(&picky, 60, None, &[]), "");
    }
}
