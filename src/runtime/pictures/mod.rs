//! Pictures on the terminal: which way it is likely to understand, the file made small, and the bytes that show it.
//!
//! What the environment says decides until the terminal has answered, which some do after seconds and some never; then
//! that does. `pictures` of the configuration overrules both, and characters work everywhere.

mod easel;
mod load;
mod scaled;
mod sixel;

pub use easel::{Easel, farewell};
pub use load::{compare, load};
pub use scaled::{LONGEST_SIDE, scaled};

use super::answers::Heard;
use super::clipboard::Between;
use crate::ui::pixels::Way;

/// Whether this build draws pictures.
pub const BUILT: bool = cfg!(feature = "images");

/// What the terminal is likely to understand, and what of the environment says so. Over SSH and inside of tmux or
/// screen, which hand on what they know and no more, it is characters; as they are where there are no colours.
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

/// Terminals that have placeholders in the cells for kitty's pictures. Others draw such pictures as well, but not so.
const WITH_PLACEHOLDERS: [&str; 2] = ["kitty", "ghostty"];
/// Terminals that draw the inline images of iTerm2.
const WITH_INLINE_IMAGES: [&str; 2] = ["iterm2", "wezterm"];
/// Sixels, among the attributes that a terminal tells (DA1).
const SIXEL: u16 = 4;

fn is_called(heard: &Heard, names: &[&str]) -> bool {
    let name = heard.name.as_ref().map(|name| name.to_lowercase());
    name.is_some_and(|name| names.iter().any(|known| name.starts_with(known)))
}

/// Whether the terminal is to be asked for kitty's pictures: by its name, or by the environment where it has none. Some
/// of the others would show the question.
#[must_use]
pub fn may_be_kitty(heard: &Heard, guessed: Way) -> bool {
    is_called(heard, &WITH_PLACEHOLDERS) || (heard.name.is_none() && guessed == Way::Kitty)
}

/// Whether the terminal has sixels among its attributes, of which the first is its class.
#[must_use]
pub fn has_sixels(heard: &Heard) -> bool {
    heard.attributes.as_ref().is_some_and(|all| all.iter().skip(1).any(|it| *it == SIXEL))
}

/// What the terminal draws pictures with by its answers, and what says so; what was guessed without them.
#[must_use]
pub fn concluded(heard: &Heard, guessed: (Way, String)) -> (Way, String) {
    if heard.attributes.is_none() {
        return guessed;
    }
    let by_name = || {
        let name = heard.name.as_deref().unwrap_or("one without a name");
        format!("the terminal answers as {name}")
    };
    if heard.graphics == Some(true) && may_be_kitty(heard, guessed.0) {
        (Way::Kitty, by_name())
    } else if is_called(heard, &WITH_INLINE_IMAGES) {
        (Way::Iterm2, by_name())
    } else if has_sixels(heard) {
        (Way::Sixel, "the terminal answers that it has sixels".to_owned())
    } else if guessed.0 == Way::Iterm2 && heard.name.is_none() {
        guessed // elder ones tell no name
    } else {
        (Way::Cells, "the terminal answers that it draws none".to_owned())
    }
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
        assert_eq!(guess_and_why(env).0, expected);
    }

    #[rstest]
    #[case::kitty(Some("kitty(0.35.1)"), Some(true), &[62], Way::Cells, Way::Kitty)]
    #[case::ghostty(Some("ghostty 1.2.3"), Some(true), &[62, 22], Way::Cells, Way::Kitty)]
    #[case::kitty_that_says_no(Some("kitty(0.35.1)"), Some(false), &[62], Way::Kitty, Way::Cells)]
    #[case::kitty_without_a_name(None, Some(true), &[62], Way::Kitty, Way::Kitty)]
    #[case::no_placeholders(Some("Konsole 24.02"), Some(true), &[62, 1, 4], Way::Cells, Way::Sixel)]
    #[case::iterm2(Some("iTerm2 3.5.0"), None, &[62, 4], Way::Cells, Way::Iterm2)]
    #[case::elder_iterm2(None, None, &[1, 2], Way::Iterm2, Way::Iterm2)]
    #[case::inside_of_another(Some("VTE(7600)"), None, &[61, 1], Way::Iterm2, Way::Cells)]
    #[case::wezterm(Some("WezTerm 20240203"), None, &[65, 4, 6], Way::Kitty, Way::Iterm2)]
    #[case::xterm(Some("XTerm(388)"), None, &[64, 1, 9], Way::Cells, Way::Cells)]
    #[case::its_class_alone(None, None, &[4], Way::Cells, Way::Cells)]
    #[case::answers_win(Some("foot(1.16.2)"), None, &[62, 22], Way::Sixel, Way::Cells)]
    fn its_answers_win(
        #[case] name: Option<&str>,
        #[case] graphics: Option<bool>,
        #[case] attributes: &[u16],
        #[case] guessed: Way,
        #[case] expected: Way,
    ) {
        let heard = Heard {
            background: None,
            name: name.map(str::to_owned),
            graphics,
            attributes: Some(attributes.to_vec()),
        };
        assert_eq!(concluded(&heard, (guessed, String::new())).0, expected);
        let nothing = Heard { attributes: None, ..heard };
        assert_eq!(concluded(&nothing, (guessed, String::new())).0, guessed);
    }
}
