//! Writing into cells: text is measured and cut, areas are filled, nothing leaves its area.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::text;
use super::theme::{Role, Theme};
use super::widgets::picture::Placed;

/// Cells that stand for an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub x: u16,
    pub y: u16,
    pub width: u16,
    pub url: String,
}

/// A buffer and the theme to write with.
pub struct Pen<'a> {
    pub buf: &'a mut Buffer,
    pub theme: &'a Theme,
    /// Cells that can be opened, where the terminal can do that.
    pub links: Vec<Link>,
    /// Pictures that the terminal draws.
    pub pictures: Vec<Placed>,
}

impl<'a> Pen<'a> {
    pub const fn new(buf: &'a mut Buffer, theme: &'a Theme) -> Self {
        Self { buf, theme, links: Vec::new(), pictures: Vec::new() }
    }

    /// Writes `text` from `(x, y)` in at most `max` columns, with the cut mark where it is longer; answers the
    /// column after it.
    pub fn put(&mut self, x: u16, y: u16, max: u16, text: &str, role: Role) -> u16 {
        self.styled(x, y, max, text, self.theme[role])
    }

    /// The same with a style of its own.
    pub fn styled(&mut self, x: u16, y: u16, max: u16, text: &str, style: Style) -> u16 {
        let area = self.buf.area;
        if y < area.y || y >= area.bottom() || x >= area.right() || max == 0 {
            return x;
        }
        let max = max.min(area.right() - x);
        let shown = text::cut(text, usize::from(max), self.theme.glyphs.cut);
        let Some(columns) = text::plain_width(&shown) else {
            return self.buf.set_stringn(x, y, shown.as_ref(), usize::from(max), style).0;
        };
        let from = self.buf.index_of(x, y);
        for (cell, c) in self.buf.content[from..].iter_mut().zip(shown.chars()) {
            cell.set_char(c).set_style(style);
        }
        x + u16::try_from(columns).unwrap_or(max)
    }

    /// Writes `text` so that it ends before column `right`, in at most `max` columns; answers where it begins.
    pub fn put_right(&mut self, right: u16, y: u16, max: u16, text: &str, role: Role) -> u16 {
        let wide = u16::try_from(text::width(text)).unwrap_or(u16::MAX).min(max);
        let x = right.saturating_sub(wide);
        self.put(x, y, wide, text, role);
        x
    }

    /// Writes parts one after the other in at most `max` columns.
    pub fn parts(&mut self, x: u16, y: u16, max: u16, parts: &[(&str, Role)]) -> u16 {
        let mut at = x;
        for (text, role) in parts {
            at = self.put(at, y, (x + max).saturating_sub(at), text, *role);
        }
        at
    }

    /// Gives every cell of `area` the style of a role.
    pub fn tint(&mut self, area: Rect, role: Role) {
        let (area, style) = (area.intersection(self.buf.area), self.theme[role]);
        if area.is_empty() || style == Style::default() {
            return; // most of a theme on the terminal's own colours
        }
        for y in area.top()..area.bottom() {
            let from = self.buf.index_of(area.x, y);
            for cell in &mut self.buf.content[from..from + usize::from(area.width)] {
                cell.set_style(style);
            }
        }
    }

    /// Lays the cursor over `area`. What is faint elsewhere is as strong as the rest here: it is what is being read.
    pub fn cursor(&mut self, area: Rect, role: Role) {
        self.tint(area, role);
        let area = area.intersection(self.buf.area);
        let (faint, text) = (self.theme[Role::Dim].fg, self.theme[Role::Text].fg);
        for position in area.positions() {
            let cell = &mut self.buf[position];
            cell.modifier.remove(Modifier::DIM);
            if faint.is_some_and(|faint| faint == cell.fg) && self.theme[role].fg.is_none() {
                cell.fg = text.unwrap_or(Color::Reset);
            }
        }
    }

    /// Makes the cells from `(x, y)` up to column `end` stand for an address.
    pub fn link(&mut self, x: u16, y: u16, end: u16, url: &str) {
        let area = self.buf.area;
        let end = end.min(area.right());
        if y < area.bottom() && x < end {
            self.links.push(Link { x, y, width: end - x, url: url.to_owned() });
        }
    }

    /// Empties `area`.
    pub fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buf.area);
        self.links.retain(|link| {
            !Rect { x: link.x, y: link.y, width: link.width, height: 1 }.intersects(area)
        });
        self.pictures.retain(|placed| !placed.way.is_over_cells() || !placed.area.intersects(area));
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                self.buf[(x, y)].reset();
            }
        }
        self.tint(area, Role::Text);
    }

    /// A line across `area`'s first row.
    pub fn rule(&mut self, area: Rect) {
        self.rule_as(area, Role::Border);
    }

    /// The same in another role.
    pub fn rule_as(&mut self, area: Rect, role: Role) {
        let line = self.theme.glyphs.line.repeat(usize::from(area.width));
        self.put(area.x, area.y, area.width, &line, role);
    }

    /// Wrapped paragraphs from the top of `area`; answers the rows used.
    pub fn paragraph(&mut self, area: Rect, text: &str, role: Role) -> u16 {
        let mut used = 0;
        for line in text::wrap(text, usize::from(area.width)) {
            if used == area.height {
                break;
            }
            self.put(area.x, area.y + used, area.width, &line, role);
            used += 1;
        }
        used
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn plain_text_is_written_as_any_other(text in "[ -~─-▟·…✓→⠁]{0,40}", x in 0u16..30, max in 0u16..40) {
            let theme = Theme::plain();
            let area = Rect::new(0, 0, 30, 2);
            let (mut ours, mut theirs) = (Buffer::empty(area), Buffer::empty(area));
            let end = Pen::new(&mut ours, &theme).put(x, 1, max, &text, Role::Strong);
            let room = usize::from(max.min(30 - x));
            let shown = text::cut(&text, room, theme.glyphs.cut);
            let (expected, _) = theirs.set_stringn(x, 1, &shown, room, theme[Role::Strong]);
            prop_assert_eq!((end, ours), (expected, theirs));
        }
    }
}
