//! Addresses that can be opened from the terminal (OSC 8), where it is known to take them. The visible text is the
//! address, or its end, so that nothing is hidden.

use crate::ui::pen::Link;

/// Longest address; terminals cut at about 2 kB.
const LONGEST: usize = 2_000;

/// Whether the terminal is known to take links. Behind tmux and screen it is not known.
pub fn known(env: impl Fn(&str) -> Option<String>) -> bool {
    let get = |name: &str| env(name).unwrap_or_default();
    let term = get("TERM");
    if !get("TMUX").is_empty() || !get("STY").is_empty() || term.starts_with("screen") {
        return false;
    }
    let program = get("TERM_PROGRAM").to_lowercase();
    let named = ["iterm.app", "wezterm", "vscode", "ghostty", "hyper", "rio"];
    let vte = get("VTE_VERSION").parse::<u32>().is_ok_and(|version| version >= 5_000);
    let konsole = get("KONSOLE_VERSION").parse::<u32>().is_ok_and(|version| version >= 201_200);
    vte || konsole
        || named.contains(&program.as_str())
        || ["KITTY_WINDOW_ID", "WT_SESSION"].iter().any(|name| !get(name).is_empty())
        || ["xterm-kitty", "foot", "alacritty", "contour", "xterm-ghostty"]
            .iter()
            .any(|known| term.starts_with(known))
}

/// The bytes before a link's text; nothing for what is no plain address.
#[must_use]
pub fn open(link: &Link) -> Option<String> {
    let url = &link.url;
    let is_web = url.starts_with("http://") || url.starts_with("https://");
    let plain = url.bytes().all(|byte| byte.is_ascii_graphic());
    (is_web && plain && url.len() <= LONGEST).then(|| format!("\x1b]8;;{url}\x1b\\"))
}

/// The bytes after it.
pub const CLOSE: &str = "\x1b]8;;\x1b\\";

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn link(x: u16, url: &str) -> Link {
        Link { x, y: 1, width: 10, url: url.to_owned() }
    }

    #[rstest]
    #[case(&[("TERM", "xterm-256color")], false)]
    #[case(&[("TERM", "xterm-kitty")], true)]
    #[case(&[("TERM", "xterm-256color"), ("VTE_VERSION", "7006")], true)]
    #[case(&[("TERM", "xterm-256color"), ("VTE_VERSION", "4000")], false)]
    #[case(&[("TERM", "tmux-256color"), ("TMUX", "x"), ("KITTY_WINDOW_ID", "1")], false)]
    #[case(&[("TERM_PROGRAM", "iTerm.app")], true)]
    fn only_terminals_that_are_known_to_take_them_get_links(
        #[case] vars: &[(&str, &str)],
        #[case] expected: bool,
    ) {
        let env = |name: &str| {
            vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(known(env), expected);
    }

    #[test]
    fn only_plain_web_addresses_become_links() {
        assert_eq!(open(&link(0, "http://h/a.jpg")).unwrap(), "\x1b]8;;http://h/a.jpg\x1b\\");
        for bad in ["javascript:x", "http://h/\x1b\\", "http://h/a b", "http://h/ü"] {
            assert_eq!(open(&link(0, bad)), None, "{bad:?}");
        }
    }
}
