//! Bytes for a terminal: cursor moves, looks, text and erasing, each by the shortest way.

use std::io::Write as _;

use super::picture::{Glyph, Tables};
use super::shift::Shift;
use crate::runtime::links;

/// A stretch of spaces this long is erased instead of written.
const ERASED: usize = 9;
/// The same at the end of a row, where one short sequence does.
const ERASED_AT_THE_END: usize = 4;
/// A character that stands so often in a row is written once and repeated by the terminal.
const REPEATED: usize = 14;
/// The same at the end of a row, behind which nothing need be said of the cursor.
const REPEATED_AT_THE_END: usize = 8;

/// Appends bytes and remembers what they leave.
pub struct Writer<'a> {
    tables: &'a Tables,
    bytes: Vec<u8>,
    at: Option<(u16, u16)>,
    size: (u16, u16),
    look: u16,
    link: u16,
    can: Abilities,
}

/// What a terminal is known to do beyond what all do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Abilities {
    /// Erased cells take the background colour that is set.
    pub erases_in_colour: bool,
    /// It repeats the character before (ECMA-48 "REP").
    pub repeats: bool,
}

impl<'a> Writer<'a> {
    /// A writer for a terminal in its own colours.
    pub const fn new(
        tables: &'a Tables,
        at: Option<(u16, u16)>,
        size: (u16, u16),
        can: Abilities,
    ) -> Self {
        Self { tables, bytes: Vec::new(), at, size, look: 0, link: 0, can }
    }

    /// Leaves the terminal in its own colours; the bytes, and where the cursor is.
    pub fn finish(mut self) -> (Vec<u8>, Option<(u16, u16)>) {
        self.take_on(Glyph::BLANK);
        (self.bytes, self.at)
    }

    /// Moves rows. What comes in is blank in the terminal's own colours, whatever it does with others.
    pub fn scroll(&mut self, shift: Shift) {
        self.take_on(Glyph::BLANK);
        let by = shift.by.unsigned_abs();
        let _ = write!(self.bytes, "\x1b[{};{}r", shift.top + 1, shift.bottom);
        if shift.by > 0 {
            let _ = write!(self.bytes, "\x1b[{}H", shift.bottom);
        } else {
            let _ = write!(self.bytes, "\x1b[{}H", shift.top + 1);
        }
        // line feed and reverse index at the margins: what every terminal can do
        for _ in 0..by {
            self.bytes.extend(if shift.by > 0 { &b"\n"[..] } else { b"\x1bM" });
        }
        self.bytes.extend(b"\x1b[r");
        self.at = Some((0, 0));
    }

    /// Turns a row that shows `old` into `new`.
    pub fn row(&mut self, y: u16, old: &[Glyph], new: &[Glyph]) {
        let mut changed: Vec<bool> = old.iter().zip(new).map(|(old, new)| old != new).collect();
        self.spread(&mut changed, old, new);
        let tail = self.tail(new);
        let mut x = 0;
        while let Some(at) = changed[x..].iter().position(|changed| *changed).map(|at| x + at) {
            x = at;
            let glyph = new[x];
            if glyph.is_continued() {
                x += 1;
                continue;
            }
            self.reach(x, y, new);
            if self.can_erase(glyph) {
                let same = new[x..].iter().take_while(|next| **next == glyph).count();
                let of_these = changed[x..x + same].iter().filter(|changed| **changed).count();
                if x >= tail && of_these >= ERASED_AT_THE_END {
                    self.take_on(glyph);
                    self.bytes.extend(b"\x1b[K");
                    return;
                }
                if of_these >= ERASED {
                    self.take_on(glyph);
                    let _ = write!(self.bytes, "\x1b[{same}X");
                    x += same;
                    continue;
                }
            }
            x += match self.repeat(glyph, &new[x..], &changed[x..]) {
                Some(written) => written,
                None => self.put(glyph),
            };
        }
    }

    /// Writes the same character many times, where that is shorter; answers its columns. Where the cursor is afterwards
    /// is said and not relied upon.
    fn repeat(&mut self, glyph: Glyph, row: &[Glyph], changed: &[bool]) -> Option<usize> {
        if !self.can.repeats || !glyph.is_ascii() {
            return None;
        }
        let same = row.iter().take_while(|next| **next == glyph).count();
        let last = changed[..same].iter().rposition(|changed| *changed)?;
        let times = last + 1;
        let enough = if times == row.len() { REPEATED_AT_THE_END } else { REPEATED };
        if times < enough {
            return None;
        }
        let y = self.at.map(|(_, y)| y);
        self.turn(glyph);
        self.tables.write(glyph, &mut self.bytes);
        let _ = write!(self.bytes, "\x1b[{last}b");
        let after = self.size.0 - u16::try_from(row.len() - times).unwrap_or(0);
        self.at = None;
        if after < self.size.0 {
            let _ = write!(self.bytes, "\x1b[{}G", after + 1);
            self.at = y.map(|y| (after, y));
        }
        Some(times)
    }

    /// Cells that a terminal may have covered, or will cover, drawing a cluster character by character.
    fn spread(&self, changed: &mut [bool], old: &[Glyph], new: &[Glyph]) {
        for x in 0..changed.len() {
            if changed[x] {
                for glyph in [old[x], new[x]] {
                    let (width, most) = self.tables.extent(glyph);
                    let end = (x + usize::from(most)).min(changed.len());
                    if most > width {
                        changed[x..end].fill(true);
                    }
                }
            }
        }
    }

    /// The column from which on the row is nothing but erasable spaces of one look.
    fn tail(&self, row: &[Glyph]) -> usize {
        match row.last() {
            Some(last) if self.can_erase(*last) => {
                row.iter().rposition(|glyph| glyph != last).map_or(0, |at| at + 1)
            }
            _ => row.len(),
        }
    }

    fn can_erase(&self, glyph: Glyph) -> bool {
        let look = self.tables.look(glyph.look);
        glyph.is_space()
            && glyph.link == 0
            && look.is_bare()
            && (glyph.look == 0 || self.can.erases_in_colour)
    }

    /// Gets to a cell: through those before it, where writing them is no longer than a jump.
    fn reach(&mut self, x: usize, y: u16, row: &[Glyph]) {
        let target = (u16::try_from(x).unwrap_or(u16::MAX), y);
        if self.at == Some(target) {
            return;
        }
        if let Some((from, line)) = self.at
            && line == y
            && from < target.0
        {
            let between = &row[usize::from(from)..x];
            let alike = |glyph: &Glyph| {
                glyph.is_ascii()
                    && glyph.link == self.link
                    && (glyph.look == self.look || (glyph.is_space() && self.shows_as(*glyph)))
            };
            if between.len() <= 4 && between.iter().all(alike) {
                for glyph in between {
                    self.tables.write(*glyph, &mut self.bytes);
                }
                self.at = Some(target);
                return;
            }
        }
        go(&mut self.bytes, self.at, target);
        self.at = Some(target);
    }

    /// Writes one cell; answers its columns.
    fn put(&mut self, glyph: Glyph) -> usize {
        self.turn(glyph);
        let (width, _) = self.tables.extent(glyph);
        let (x, y) = self.at.unwrap_or_default();
        let known = glyph.is_of_known_width(width);
        if width > 1 && !known {
            // where a terminal takes it for narrow, the second cell must not keep what it had
            self.bytes.extend(b"  ");
            if x + 2 >= self.size.0 {
                go(&mut self.bytes, None, (x, y));
            } else {
                self.bytes.extend(b"\x08\x08");
            }
        }
        self.tables.write(glyph, &mut self.bytes);
        // behind a cluster or a new wide character terminals differ, and so they do behind the last column
        let sure = known && x + width < self.size.0;
        self.at = sure.then_some((x + width, y));
        usize::from(width)
    }

    /// Takes on the look and the address of a cell.
    fn turn(&mut self, glyph: Glyph) {
        if glyph.is_space() && self.link == glyph.link && self.shows_as(glyph) {
            return;
        }
        self.take_on(glyph);
    }

    /// Whether a space looks the same as things are: letters may be bold or red, where it is bare.
    fn shows_as(&self, space: Glyph) -> bool {
        let (now, wanted) = (self.tables.look(self.look), self.tables.look(space.look));
        wanted.is_bare() && now.bg == wanted.bg && !now.shows_on_spaces()
    }

    /// Takes on the look and the address of a cell, whatever it shows.
    fn take_on(&mut self, glyph: Glyph) {
        if self.link != glyph.link {
            let open = self.tables.link(glyph.link);
            self.bytes.extend(if open.is_empty() { links::CLOSE } else { open }.as_bytes());
            self.link = glyph.link;
        }
        if self.look != glyph.look {
            let (from, to) = (self.tables.look(self.look), self.tables.look(glyph.look));
            self.bytes.extend(from.turn(to));
            self.look = glyph.look;
        }
    }
}

/// Moves the cursor by the shortest of the ways that every terminal knows.
pub fn go(bytes: &mut Vec<u8>, from: Option<(u16, u16)>, (x, y): (u16, u16)) {
    let mut best = match (x, y) {
        (0, 0) => "\x1b[H".to_owned(),
        (0, y) => format!("\x1b[{}H", y + 1),
        (x, y) => format!("\x1b[{};{}H", y + 1, x + 1),
    };
    let mut offer = |way: String| {
        if way.len() < best.len() {
            best = way;
        }
    };
    let along = |from: u16| match x.cmp(&from) {
        std::cmp::Ordering::Equal => String::new(),
        std::cmp::Ordering::Greater if x == from + 1 => "\x1b[C".to_owned(),
        std::cmp::Ordering::Greater => format!("\x1b[{}C", x - from),
        std::cmp::Ordering::Less if x == 0 => "\r".to_owned(),
        std::cmp::Ordering::Less => {
            let back = usize::from(from - x);
            if back < 4 { "\x08".repeat(back) } else { format!("\x1b[{back}D") }
        }
    };
    if let Some((column, line)) = from {
        if line == y {
            offer(along(column));
        } else if y == line + 1 {
            // never on the last row: `y` is a row below
            offer(format!("\n{}", along(column)));
            offer(format!("\r\n{}", along(0)));
        }
    }
    bytes.extend(best.as_bytes());
}
