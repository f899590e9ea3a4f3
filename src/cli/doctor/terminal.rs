//! The terminal: what the environment and the system tell of it, and what it answers where it may be asked.

use std::io::IsTerminal as _;
use std::time::Duration;

use super::super::console::depth_of;
use super::{Finding, Findings};
use crate::config::{ColorWord, PicturesWord};
use crate::runtime::answers::{Heard, LATEST, may_be_asked};
use crate::runtime::clipboard::Between;
use crate::runtime::{asking, colours, pictures};
use crate::ui::pixels::Way;
use crate::ui::theme::{Depth, Ground};

/// Below this the console shows little more than where one is.
const COMFORTABLE: (u16, u16) = (80, 24);
const USABLE: (u16, u16) = (40, 10);

/// What is looked at.
pub struct Seen {
    /// Columns and rows, where there is a terminal.
    size: Option<(u16, u16)>,
    input: bool,
    output: bool,
    variables: Vec<(&'static str, String)>,
}

const VARIABLES: [&str; 16] = [
    "TERM",
    "COLORTERM",
    "TERM_PROGRAM",
    "NO_COLOR",
    "TMUX",
    "STY",
    "SSH_CONNECTION",
    "SSH_TTY",
    "LC_ALL",
    "LC_CTYPE",
    "LANG",
    "ACCESSIBLE",
    "VTE_VERSION",
    "KITTY_WINDOW_ID",
    "WT_SESSION",
    "LC_TERMINAL",
];

impl Seen {
    /// This process's terminal.
    #[must_use]
    pub fn now() -> Self {
        let size = |stream| rustix::termios::tcgetwinsize(stream).ok();
        let size = size(rustix::stdio::stdout()).or_else(|| size(rustix::stdio::stderr()));
        let variable = |name| Some((name, std::env::var(name).ok().filter(|it| !it.is_empty())?));
        Self {
            size: size.map(|it| (it.ws_col, it.ws_row)).filter(|it| it.0 > 0),
            input: std::io::stdin().is_terminal(),
            output: std::io::stdout().is_terminal(),
            variables: VARIABLES.into_iter().filter_map(variable).collect(),
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    fn owned(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }
}

/// What the configuration says, each with its place.
#[derive(Debug, Default)]
pub struct Chosen {
    pub pictures: Option<(PicturesWord, String)>,
    pub color: Option<(ColorWord, String)>,
}

/// What the terminal answered, and how long that took.
pub type Told = (Heard, Duration);

/// Says what the console can count on; `told`: by the terminal, where it was asked.
#[must_use]
pub fn look(seen: &Seen, chosen: &Chosen, told: Option<&Told>) -> Vec<Finding> {
    let mut part = Findings::of("terminal");
    match (seen.input && seen.output, seen.size) {
        (false, _) => part.note(
            "size",
            "standard input or output is no terminal: the console cannot open here",
            "open it in a terminal (ssh -t HOST), or use the commands",
        ),
        (true, Some((columns, rows))) if columns < USABLE.0 || rows < USABLE.1 => part.note(
            "size",
            format!("{columns}x{rows}: the console shows very little"),
            "40x10 is usable, 80x24 comfortable",
        ),
        (true, Some((columns, rows))) if columns < COMFORTABLE.0 || rows < COMFORTABLE.1 => {
            part.ok("size", format!("{columns}x{rows}: usable; 80x24 is comfortable"));
        }
        (true, Some((columns, rows))) => part.ok("size", format!("{columns}x{rows}")),
        (true, None) => {
            part.note("size", "the terminal tells no size", "run: stty cols 80 rows 24");
        }
    }
    kind(seen, &mut part);
    let by_word = chosen.color.as_ref().and_then(|(word, by)| Some((depth_of(*word)?, by)));
    let depth = by_word.map_or_else(|| colours::depth(|name| seen.owned(name)), |(depth, _)| depth);
    let why = match (by_word, seen.get("NO_COLOR"), seen.get("COLORTERM")) {
        (Some((_, by)), ..) => format!(" ({by})"),
        (None, Some(_), _) => " (NO_COLOR)".to_owned(),
        (None, None, Some(claim)) => format!(" (COLORTERM={claim})"),
        (None, None, None) => String::new(),
    };
    part.ok("colours", format!("{}{why}", depth.as_str()));
    if colours::locale_lacks_unicode(|name| seen.owned(name)) {
        part.note(
            "characters",
            "the locale is not UTF-8: ASCII is drawn",
            "set LANG to one that ends with .UTF-8",
        );
    } else {
        part.ok("characters", "Unicode");
    }
    clipboard(seen, &mut part);
    if let Some((heard, took)) = told {
        answered(heard, *took, &mut part);
    }
    let heard = told.map(|(heard, _)| heard);
    drawn(seen, chosen.pictures.as_ref(), depth == Depth::Mono, heard, &mut part);
    part.found()
}

/// Asks the terminal what the console would ask, where there is one that may be asked.
#[must_use]
pub fn ask(seen: &Seen) -> Option<Told> {
    if !(seen.input && seen.output && may_be_asked(|name| std::env::var(name).ok())) {
        return None;
    }
    let (guessed, _) = pictures::guess_and_why(|name| std::env::var(name).ok());
    asking::ask(guessed).ok()
}

/// Says what the terminal answered.
fn answered(heard: &Heard, took: Duration, part: &mut Findings) {
    let after = format!("after {} ms", took.as_millis());
    if heard.attributes.is_none() && heard.background.is_none() {
        return part.note(
            "answers",
            format!("it answered nothing within {} s", LATEST.as_secs()),
            "leave the console unasked: --no-query, and choose a theme in the configuration",
        );
    }
    match &heard.name {
        Some(name) => part.ok("answers", format!("{after}, as {name}")),
        None => part.ok("answers", format!("{after}, without a name")),
    }
    match &heard.background {
        Some((said, Some(Ground::Light))) => part.ok("background", format!("light ({said})")),
        Some((said, Some(Ground::Dark))) => part.ok("background", format!("dark ({said})")),
        Some((said, None)) => part.note(
            "background",
            format!("its answer means nothing here: {said}"),
            "choose a theme in the configuration: `allclear themes list`",
        ),
        None => part.note(
            "background",
            "it does not say whether it is light or dark: dark is taken",
            "where it is light: theme = \"default-light\" in the configuration",
        ),
    }
    let kitty = match heard.graphics {
        Some(true) => "it draws kitty's pictures",
        Some(false) => "it draws none of kitty's pictures",
        None => "kitty's pictures were not asked for",
    };
    if let Some(attributes) = &heard.attributes {
        let list: Vec<_> = attributes.iter().map(u16::to_string).collect();
        let sixels = if pictures::has_sixels(heard) { "sixels" } else { "no sixels" };
        part.ok("graphics", format!("{kitty}; {sixels} (attributes {})", list.join(";")));
    }
}

/// How pictures are drawn in the details of an asset, and why so.
fn drawn(
    seen: &Seen,
    chosen: Option<&(PicturesWord, String)>,
    colourless: bool,
    heard: Option<&Heard>,
    part: &mut Findings,
) {
    if !pictures::BUILT {
        return part.note(
            "pictures",
            "this build draws none: it is without the feature `images`",
            "install one with it to see pictures in the details of an asset",
        );
    }
    match chosen.filter(|(word, _)| *word != PicturesWord::Auto) {
        Some((PicturesWord::Off, by)) => part.ok("pictures", format!("switched off ({by})")),
        Some((word, by)) => part.ok("pictures", format!("{} ({by})", word.as_str())),
        None if colourless => part.ok("pictures", "as shaded characters: there are no colours"),
        None => {
            let guessed = pictures::guess_and_why(|name| seen.owned(name));
            // what is between answers for itself
            let heard = heard.filter(|_| Between::of(|name| seen.owned(name)) == Between::Nothing);
            let (way, why) = match heard {
                Some(heard) => pictures::concluded(heard, guessed),
                None => guessed,
            };
            let said = format!("{} ({why}); JPEG, PNG, GIF, WebP", way.as_str());
            if way == Way::Cells {
                let fix = "where your terminal knows more: pictures = \"kitty\", \"iterm2\" or \"sixel\" in the configuration";
                part.note("pictures", said, fix);
            } else {
                part.ok("pictures", said);
            }
        }
    }
}

fn kind(seen: &Seen, part: &mut Findings) {
    let through = match (seen.get("TMUX"), seen.get("STY"), seen.get("SSH_CONNECTION")) {
        (Some(_), _, Some(_)) => ", in tmux, over SSH",
        (Some(_), _, None) => ", in tmux",
        (None, Some(_), Some(_)) => ", in screen, over SSH",
        (None, Some(_), None) => ", in screen",
        (None, None, Some(_)) => ", over SSH",
        (None, None, None) => "",
    };
    match seen.get("TERM") {
        None => part.note(
            "kind",
            format!("TERM is not set{through}: the least is assumed"),
            "set TERM to what your terminal is, such as xterm-256color",
        ),
        Some("dumb") => part.note(
            "kind",
            format!("dumb{through}: the console works line by line (--plain)"),
            "set TERM to what your terminal is, such as xterm-256color",
        ),
        Some(term) => {
            let program = seen.get("TERM_PROGRAM").map(|it| format!(" ({it})")).unwrap_or_default();
            part.ok("kind", format!("{term}{program}{through}"));
        }
    }
    if seen.get("ACCESSIBLE").is_some_and(|it| it != "0") {
        part.ok("plain", "ACCESSIBLE is set: the console works line by line (--plain)");
    }
}

/// Whether copying through the terminal (OSC 52) is likely to arrive. No terminal tells it.
fn clipboard(seen: &Seen, part: &mut Findings) {
    let (term, program) = (seen.get("TERM").unwrap_or(""), seen.get("TERM_PROGRAM").unwrap_or(""));
    let knows = ["kitty", "alacritty", "wezterm", "foot", "ghostty", "contour", "rio"];
    let likely = knows.iter().any(|name| term.contains(name))
        || ["iTerm.app", "WezTerm", "ghostty", "vscode", "tmux", "rio"].contains(&program)
        || ["KITTY_WINDOW_ID", "WT_SESSION"].iter().any(|name| seen.get(name).is_some());
    if seen.get("TMUX").is_some() {
        part.note(
            "clipboard",
            "in tmux it arrives where tmux passes it on",
            "put `set -g set-clipboard on` into tmux.conf",
        );
    } else if seen.get("STY").is_some() {
        part.note("clipboard", "screen seldom passes it on", "use tmux, or select with the mouse");
    } else if program == "Apple_Terminal" {
        part.note(
            "clipboard",
            "this terminal takes nothing from programs",
            "use another terminal, or select with the mouse",
        );
    } else if likely {
        part.ok("clipboard", "likely: this terminal takes what is copied (OSC 52)");
    } else {
        part.note(
            "clipboard",
            "not known: some terminals take what is copied only when they are told to",
            "allow OSC 52 in your terminal's settings, then try `y` in the console",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(size: Option<(u16, u16)>, variables: &[(&'static str, &str)]) -> String {
        let variables =
            variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let seen = Seen { size, input: true, output: true, variables };
        let line = |it: &Finding| format!("{} {}: {}", it.state.as_str(), it.what, it.said);
        look(&seen, &Chosen::default(), None).iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_the_terminal_answers() {
        let said = |heard: &Heard| {
            let line = |it: &Finding| format!("{} {}: {}", it.state.as_str(), it.what, it.said);
            let mut part = Findings::of("terminal");
            answered(heard, Duration::from_millis(12), &mut part);
            let seen = Seen { size: None, input: true, output: true, variables: vec![] };
            drawn(&seen, None, false, Some(heard), &mut part);
            part.found().iter().map(line).collect::<Vec<_>>().join("\n")
        };
        let whole = Heard {
            background: Some(("rgb:ffff/ffff/ffff".to_owned(), Some(Ground::Light))),
            name: Some("XTerm(388)".to_owned()),
            graphics: None,
            attributes: Some(vec![64, 1, 9]),
        };
        insta::assert_snapshot!(said(&whole), @r"
        ok answers: after 12 ms, as XTerm(388)
        ok background: light (rgb:ffff/ffff/ffff)
        ok graphics: kitty's pictures were not asked for; no sixels (attributes 64;1;9)
        note pictures: half-blocks (the terminal answers that it draws none); JPEG, PNG, GIF, WebP
        ");
        let attributes = Some(vec![62, 4]);
        let fence_alone = Heard { background: None, name: None, attributes, ..whole.clone() };
        insta::assert_snapshot!(said(&fence_alone), @r"
        ok answers: after 12 ms, without a name
        note background: it does not say whether it is light or dark: dark is taken
        ok graphics: kitty's pictures were not asked for; sixels (attributes 62;4)
        ok pictures: sixel (the terminal answers that it has sixels); JPEG, PNG, GIF, WebP
        ");
        let odd = Heard { background: Some(("blue".to_owned(), None)), ..whole };
        assert!(said(&odd).contains("note background: its answer means nothing here: blue"));
        assert!(said(&Heard::default()).contains("note answers: it answered nothing within 2 s"));
    }

    #[test]
    fn what_the_environment_tells() {
        insta::assert_snapshot!(
            said(Some((120, 40)), &[("TERM", "xterm-kitty"), ("COLORTERM", "truecolor"), ("LANG", "de_DE.UTF-8")]),
            @r"
        ok size: 120x40
        ok kind: xterm-kitty
        ok colours: true colour (COLORTERM=truecolor)
        ok characters: Unicode
        ok clipboard: likely: this terminal takes what is copied (OSC 52)
        ok pictures: kitty (TERM=xterm-kitty); JPEG, PNG, GIF, WebP
        "
        );
        insta::assert_snapshot!(
            said(Some((30, 8)), &[("TERM", "screen-256color"), ("TMUX", "x"), ("SSH_CONNECTION", "y"), ("LC_ALL", "C")]),
            @r"
        note size: 30x8: the console shows very little
        ok kind: screen-256color, in tmux, over SSH
        ok colours: 256 colours
        note characters: the locale is not UTF-8: ASCII is drawn
        note clipboard: in tmux it arrives where tmux passes it on
        note pictures: half-blocks (tmux or screen is between, which hands on what it knows); JPEG, PNG, GIF, WebP
        "
        );
        assert!(
            said(None, &[("TERM", "dumb")])
                .contains("note kind: dumb: the console works line by line")
        );
    }
}
