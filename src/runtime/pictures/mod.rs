//! Pictures on the terminal: which way it is likely to understand, the file made small, and the bytes that show it.
//!
//! The terminal is not asked what it can: some answer after seconds, some never. What the environment says decides, and
//! `pictures` of the configuration overrules it; characters work everywhere.

mod easel;
mod load;
mod scaled;
mod sixel;

pub use easel::{Easel, farewell};
pub use load::{compare, load};
pub use scaled::{LONGEST_SIDE, scaled};

use super::clipboard::Between;
use crate::ui::pixels::Way;

/// Whether this build draws pictures.
pub const BUILT: bool = cfg!(feature = "images");

/// What the terminal is likely to understand. Over SSH and inside of tmux or screen, which hand on what they know and
/// no more, it is characters; as they are where there are no colours.
pub fn guess(env: impl Fn(&str) -> Option<String>) -> Way {
    guess_and_why(env).0
}

/// The same, with what of the environment says so.
pub fn guess_and_why(env: impl Fn(&str) -> Option<String>) -> (Way, String) {
    let get = |name: &str| env(name).unwrap_or_default();
    let set = |name: &str| !get(name).is_empty();
    let said = |name: &str| format!("{name}={}", get(name));
    if Between::of(&env) != Between::Nothing {
        return (Way::Cells, "tmux or screen is between, which hands on what it knows".to_owned());
    }
    if set("SSH_CONNECTION") || set("SSH_TTY") {
        return (Way::Cells, "over SSH nobody tells what the terminal understands".to_owned());
    }
    let (term, program) = (get("TERM"), get("TERM_PROGRAM").to_lowercase());
    if term.contains("kitty") || term.contains("ghostty") {
        return (Way::Kitty, said("TERM"));
    }
    if set("KITTY_WINDOW_ID") {
        return (Way::Kitty, "KITTY_WINDOW_ID is set".to_owned());
    }
    if program == "ghostty" {
        return (Way::Kitty, said("TERM_PROGRAM"));
    }
    if program == "iterm.app" || program == "wezterm" {
        return (Way::Iterm2, said("TERM_PROGRAM"));
    }
    if get("LC_TERMINAL") == "iTerm2" {
        return (Way::Iterm2, said("LC_TERMINAL"));
    }
    let sixel = ["foot", "contour", "mlterm", "yaft"];
    if sixel.iter().any(|known| term.starts_with(known)) {
        return (Way::Sixel, said("TERM"));
    }
    (Way::Cells, "nothing says that this terminal draws pictures".to_owned())
}

/// Columns and rows of a cell in pixels, where the terminal tells the kernel.
#[must_use]
pub fn cell_size() -> Option<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
    let wide = size.ws_xpixel.checked_div(size.ws_col)?;
    let high = size.ws_ypixel.checked_div(size.ws_row)?;
    (wide > 1 && high > 1).then_some((wide, high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(&[("TERM", "xterm-kitty")], Way::Kitty)]
    #[case(&[("TERM", "xterm-256color"), ("KITTY_WINDOW_ID", "1")], Way::Kitty)]
    #[case(&[("TERM", "xterm-ghostty")], Way::Kitty)]
    #[case(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "iTerm.app")], Way::Iterm2)]
    #[case(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "WezTerm")], Way::Iterm2)]
    #[case(&[("TERM", "foot")], Way::Sixel)]
    #[case(&[("TERM", "xterm-256color")], Way::Cells)]
    #[case(&[("TERM", "xterm-kitty"), ("SSH_CONNECTION", "x")], Way::Cells)]
    #[case(&[("TERM", "tmux-256color"), ("TMUX", "x"), ("KITTY_WINDOW_ID", "1")], Way::Cells)]
    #[case(&[], Way::Cells)]
    fn the_environment_decides(#[case] vars: &[(&str, &str)], #[case] expected: Way) {
        let env = |name: &str| {
            vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(guess(env), expected);
    }
}
