//! The layer below the frame: it knows what the terminal shows, and sends what is new in as few bytes as it can.
//! Rows that only moved up or down are moved by the terminal itself.
//!
//! Exact: a property test replays the bytes through a terminal emulator and compares every cell with the frame.

mod look;
mod picture;
mod shift;
#[cfg(test)]
mod tests;
mod writer;

use ratatui::buffer::Buffer;

use crate::ui::pen::Link;
pub use picture::Picture;
use picture::Tables;
use writer::{Abilities, Writer};

/// What the terminal shows, as far as we know.
#[derive(Debug, Default)]
pub struct Painter {
    tables: Tables,
    /// `None`: anything may be on the screen.
    shown: Option<Picture>,
    /// Where the cursor is, if that is known.
    at: Option<(u16, u16)>,
    cursor_shown: bool,
    can: Abilities,
}

impl Painter {
    /// For the terminal that `TERM` names.
    #[must_use]
    pub fn new(term: &str) -> Self {
        let can = Abilities {
            erases_in_colour: is_among(term, &ERASING_IN_COLOUR),
            repeats: is_among(term, &REPEATING),
        };
        Self { can, ..Self::default() }
    }

    /// The terminal was entered anew, with its cursor hidden, or it was resized, or somebody else wrote on it: the
    /// next frame is whole.
    pub fn forget(&mut self) {
        self.shown = None;
        self.at = None;
        self.tables = Tables::default();
    }

    /// The same, and the cursor is hidden.
    pub fn entered(&mut self) {
        self.forget();
        self.cursor_shown = false;
    }

    /// Takes a frame in; `links` are its cells that stand for addresses.
    pub fn take(&mut self, frame: &Buffer, links: &[Link]) -> Picture {
        if self.tables.are_full() {
            self.forget();
        }
        self.tables.picture(frame, links)
    }

    /// Whether showing the picture that was just taken in writes or moves anything in these rows.
    #[must_use]
    pub fn touches(&self, next: &Picture, mut rows: std::ops::Range<u16>) -> bool {
        let Some(shown) = self.shown.as_ref().filter(|shown| shown.size() == next.size()) else {
            return true;
        };
        let height = next.size().1;
        rows.any(|y| y >= height || shown.row(y) != next.row(y))
            || shift::find(shown, next).is_some()
    }

    /// The bytes that make the terminal show the picture that was just taken in, none where it does already; `cursor`
    /// is where the cursor is to be seen, if at all.
    pub fn paint(&mut self, next: Picture, cursor: Option<(u16, u16)>) -> Vec<u8> {
        let shown = self.shown.take().filter(|shown| shown.size() == next.size());
        let mut bytes = if let Some(shown) = &shown {
            let plain = self.difference(shown, &next, None);
            let scrolled = shift::find(shown, &next).map(|shift| {
                let moved = shown.shifted(shift);
                self.difference(&moved, &next, Some(shift))
            });
            match scrolled {
                Some(scrolled) if scrolled.0.len() < plain.0.len() => scrolled,
                _ => plain,
            }
        } else {
            self.at = None;
            let mut whole = self.difference(&Picture::blank(next.size()), &next, None);
            whole.0.splice(..0, *b"\x1b[m\x1b[2J");
            whole
        };
        self.shown = Some(next);
        self.place_cursor(&mut bytes, cursor);
        bytes.0
    }

    /// The bytes from one picture to another, and where they leave the cursor.
    fn difference(
        &self,
        from: &Picture,
        to: &Picture,
        scrolled: Option<shift::Shift>,
    ) -> (Vec<u8>, Option<(u16, u16)>) {
        let mut writer = Writer::new(&self.tables, self.at, to.size(), self.can);
        if let Some(shift) = scrolled {
            writer.scroll(shift);
        }
        for y in 0..to.size().1 {
            let (old, new) = (from.row(y), to.row(y));
            if old != new {
                writer.row(y, old, new);
            }
        }
        writer.finish()
    }

    fn place_cursor(
        &mut self,
        (bytes, at): &mut (Vec<u8>, Option<(u16, u16)>),
        cursor: Option<(u16, u16)>,
    ) {
        if let Some((x, y)) = cursor {
            if *at != Some((x, y)) {
                writer::go(bytes, *at, (x, y));
                *at = cursor;
            }
            if !self.cursor_shown {
                bytes.extend(b"\x1b[?25h");
            }
        } else if self.cursor_shown {
            bytes.extend(b"\x1b[?25l");
        }
        self.cursor_shown = cursor.is_some();
        self.at = *at;
    }
}

/// Terminals that are known to fill what they erase with the background that is set; others may leave it bare.
const ERASING_IN_COLOUR: [&str; 10] =
    ["xterm", "tmux", "alacritty", "foot", "kitty", "wezterm", "ghostty", "rxvt", "linux", "vte"];
/// Terminals that are known to repeat a character, by their own sources. Many call themselves xterm and do not.
const REPEATING: [&str; 7] =
    ["tmux", "alacritty", "foot", "kitty", "wezterm", "xterm-kitty", "xterm-ghostty"];

fn is_among(term: &str, known: &[&str]) -> bool {
    known.iter().any(|name| term.starts_with(name))
}
