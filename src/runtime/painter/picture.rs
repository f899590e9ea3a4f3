//! A frame in a form that is quick to compare: eight bytes a cell, and cells that look the same are the same.

use std::collections::HashMap;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::look::Look;
use super::shift::Shift;
use crate::runtime::links;
use crate::ui::pen::Link;

/// Clusters of several characters are numbered from here; single ones are their own number.
const CLUSTERS: u32 = 0x8000_0000;
/// With more of a kind than this the tables are begun anew.
const MANY: usize = 4_000;

/// One cell: which character, looking how, standing for which address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Glyph {
    symbol: u32,
    pub look: u16,
    pub link: u16,
}

impl Glyph {
    /// Nothing, in the terminal's own colours.
    pub const BLANK: Self = Self { symbol: ' ' as u32, look: 0, link: 0 };
    /// The right half of a wide character.
    const CONTINUED: Self = Self { symbol: 0, look: 0, link: 0 };

    pub const fn is_continued(self) -> bool {
        self.symbol == 0
    }

    pub const fn is_space(self) -> bool {
        self.symbol == ' ' as u32
    }

    pub const fn is_ascii(self) -> bool {
        self.symbol < 0x80 && self.symbol != 0
    }

    /// Terminals agree on its columns: the wide characters of old, and all that are narrow by themselves.
    pub const fn is_of_known_width(self, width: u16) -> bool {
        match width {
            1 => self.symbol < CLUSTERS,
            _ => matches!(self.symbol, 0x2E80..=0xFFE6),
        }
    }

    /// All of it in one number.
    pub fn number(self) -> u64 {
        u64::from(self.symbol) << 32 | u64::from(self.look) << 16 | u64::from(self.link)
    }
}

/// What the terminal is to show.
#[derive(Debug, Clone)]
pub struct Picture {
    size: (u16, u16),
    glyphs: Vec<Glyph>,
}

impl Picture {
    pub(super) fn blank(size: (u16, u16)) -> Self {
        Self { size, glyphs: vec![Glyph::BLANK; usize::from(size.0) * usize::from(size.1)] }
    }

    pub(super) const fn size(&self) -> (u16, u16) {
        self.size
    }

    pub(super) fn row(&self, y: u16) -> &[Glyph] {
        let width = usize::from(self.size.0);
        &self.glyphs[usize::from(y) * width..][..width]
    }

    /// As it is after the terminal has moved rows.
    pub(super) fn shifted(&self, shift: Shift) -> Self {
        let mut moved = self.clone();
        let width = usize::from(self.size.0);
        let region =
            &mut moved.glyphs[usize::from(shift.top) * width..usize::from(shift.bottom) * width];
        let by = usize::from(shift.by.unsigned_abs()) * width;
        if shift.by > 0 {
            region.copy_within(by.., 0);
            let kept = region.len() - by;
            region[kept..].fill(Glyph::BLANK);
        } else {
            let kept = region.len() - by;
            region.copy_within(..kept, by);
            region[..by].fill(Glyph::BLANK);
        }
        moved
    }
}

/// What numbers in [`Glyph`]s stand for.
#[derive(Debug)]
pub struct Tables {
    clusters: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u32>,
    looks: Vec<Look>,
    /// The bytes before cells of each address.
    links: Vec<String>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            clusters: Vec::new(),
            numbers: HashMap::new(),
            looks: vec![Look::default()],
            links: vec![String::new()],
        }
    }
}

impl Tables {
    pub const fn are_full(&self) -> bool {
        self.clusters.len() > MANY || self.looks.len() > MANY || self.links.len() > MANY
    }

    pub fn look(&self, number: u16) -> &Look {
        &self.looks[usize::from(number)]
    }

    pub fn link(&self, number: u16) -> &str {
        &self.links[usize::from(number)]
    }

    /// Writes a cell's characters.
    pub fn write(&self, glyph: Glyph, into: &mut Vec<u8>) {
        if glyph.symbol >= CLUSTERS {
            let at = usize::try_from(glyph.symbol - CLUSTERS).unwrap_or_default();
            into.extend(self.clusters[at].as_bytes());
        } else if let Some(c) = char::from_u32(glyph.symbol) {
            into.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    /// Columns of a cell, and those that a terminal may take that draws its characters one by one.
    pub fn extent(&self, glyph: Glyph) -> (u16, u16) {
        let wide = |width: usize| u16::try_from(width).unwrap_or(1);
        if glyph.is_ascii() {
            return (1, 1);
        }
        if glyph.symbol >= CLUSTERS {
            let at = usize::try_from(glyph.symbol - CLUSTERS).unwrap_or_default();
            let cluster = &*self.clusters[at];
            let apart = cluster.chars().map(|c| c.width().unwrap_or(0)).sum();
            (wide(cluster.width()).max(1), wide(apart).max(wide(cluster.width())).max(1))
        } else {
            let width = char::from_u32(glyph.symbol).and_then(char::width);
            (wide(width.unwrap_or(1)).max(1), wide(width.unwrap_or(1)).max(1))
        }
    }

    /// A frame in numbers.
    pub fn picture(&mut self, frame: &Buffer, links: &[Link]) -> Picture {
        let area = frame.area;
        let mut glyphs = Vec::with_capacity(usize::from(area.width) * usize::from(area.height));
        let mut last = ((Color::Reset, Color::Reset, Color::Reset, Modifier::empty(), true), 0);
        for row in frame.content.chunks(usize::from(area.width).max(1)) {
            let mut left = row.len();
            let mut cells = row.iter();
            while let Some(cell) = cells.next() {
                let (symbol, width) = self.symbol(cell.symbol(), left);
                let is_space = symbol == u32::from(' ');
                let style = (cell.fg, cell.bg, cell.underline_color, cell.modifier, is_space);
                if style != last.0 {
                    last = (style, self.look_number(Look::of(cell, is_space)));
                }
                glyphs.push(Glyph { symbol, look: last.1, link: 0 });
                left -= 1;
                if width == 2 && cells.next().is_some() {
                    glyphs.push(Glyph::CONTINUED);
                    left -= 1;
                }
            }
        }
        let mut picture = Picture { size: (area.width, area.height), glyphs };
        for link in links {
            self.put_link(&mut picture, link);
        }
        picture
    }

    /// The number of a cell's characters, and its columns. What cannot be shown in `room` columns is a space.
    fn symbol(&mut self, symbol: &str, room: usize) -> (u32, usize) {
        const SPACE: (u32, usize) = (' ' as u32, 1);
        if let [byte @ b' '..=b'~'] = symbol.as_bytes() {
            return (u32::from(*byte), 1);
        }
        let mut chars = symbol.chars();
        let Some(first) = chars.next() else { return SPACE };
        let single = chars.next().is_none();
        let width = symbol.width();
        if !(1..=2).contains(&width) || width > room || symbol.chars().any(char::is_control) {
            return SPACE;
        }
        if single {
            return (u32::from(first), width);
        }
        let number = self.numbers.get(symbol).copied().unwrap_or_else(|| {
            let number = CLUSTERS + u32::try_from(self.clusters.len()).unwrap_or_default();
            self.clusters.push(symbol.into());
            self.numbers.insert(symbol.into(), number);
            number
        });
        (number, width)
    }

    fn look_number(&mut self, look: Look) -> u16 {
        let at = self.looks.iter().position(|known| *known == look).unwrap_or_else(|| {
            self.looks.push(look);
            self.looks.len() - 1
        });
        u16::try_from(at).unwrap_or_default()
    }

    fn put_link(&mut self, picture: &mut Picture, link: &Link) {
        let Some(open) = links::open(link) else { return };
        let at = self.links.iter().position(|known| *known == open).unwrap_or_else(|| {
            self.links.push(open);
            self.links.len() - 1
        });
        let number = u16::try_from(at).unwrap_or_default();
        let (width, height) = picture.size;
        if link.y < height {
            let row = usize::from(link.y) * usize::from(width);
            let columns =
                usize::from(link.x.min(width))..usize::from((link.x + link.width).min(width));
            for glyph in &mut picture.glyphs[row + columns.start..row + columns.end] {
                if !glyph.is_continued() {
                    glyph.link = number;
                }
            }
        }
    }
}

impl Look {
    /// How a cell looks; of a space only what can be seen.
    fn of(cell: &Cell, is_space: bool) -> Self {
        let seen_on_spaces = Modifier::REVERSED | Modifier::UNDERLINED | Modifier::CROSSED_OUT;
        if is_space && !cell.modifier.intersects(seen_on_spaces) {
            return Self { bg: cell.bg, ..Self::default() };
        }
        let underlined = cell.modifier.contains(Modifier::UNDERLINED);
        Self {
            fg: cell.fg,
            bg: cell.bg,
            underline: if underlined { cell.underline_color } else { Color::Reset },
            modifier: cell.modifier,
        }
    }
}
