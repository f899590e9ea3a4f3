//! A picture in cells: blocks of two pixels, shades of characters, or cells that stand for parts of what the terminal
//! was sent.

use std::sync::Arc;

use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use crate::ui::pen::Pen;
use crate::ui::pixels::{Pixels, Way};
use crate::ui::theme::{Depth, Ground, Role};

/// A picture on screen that is more than its cells.
#[derive(Debug, Clone)]
pub struct Placed {
    pub area: Rect,
    pub pixels: Arc<Pixels>,
    pub way: Way,
}

/// How cells are to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Canvas {
    pub way: Way,
    pub depth: Depth,
    pub ascii: bool,
    pub ground: Option<Ground>,
}

/// Shades from nothing to full.
const BLOCKS: [char; 5] = [' ', '░', '▒', '▓', '█'];
const LETTERS: [char; 10] = [' ', '.', ':', '-', '=', '+', '*', '#', '%', '@'];

/// Draws a picture into the top left of `area`, as large as fits; answers what it took.
pub fn picture(pen: &mut Pen<'_>, area: Rect, pixels: &Arc<Pixels>, mut canvas: Canvas) -> Rect {
    if pixels.file.is_empty() && matches!(canvas.way, Way::Kitty | Way::Iterm2) {
        canvas.way = Way::Cells; // made for another way
    }
    let area = area.intersection(pen.buf.area);
    if area.is_empty() {
        return area;
    }
    let most = if canvas.way == Way::Kitty { MARKS.len() } else { usize::from(u16::MAX) };
    let rows = area.height.min(u16::try_from(most).unwrap_or(u16::MAX));
    let (width, height) = pixels.fit(area.width, rows);
    let area = Rect { width, height, ..area };
    match canvas.way {
        Way::Off => return Rect { width: 0, height: 0, ..area },
        Way::Cells => cells(pen, area, pixels, canvas),
        Way::Kitty => placeholders(pen, area, pixels),
        Way::Iterm2 | Way::Sixel => {}
    }
    if canvas.way != Way::Cells {
        pen.pictures.push(Placed { area, pixels: Arc::clone(pixels), way: canvas.way });
    }
    area
}

fn cells(pen: &mut Pen<'_>, area: Rect, pixels: &Pixels, canvas: Canvas) {
    let (columns, rows) = (u32::from(area.width), u32::from(area.height));
    let half_blocks = !canvas.ascii && canvas.depth != Depth::Mono;
    for y in 0..area.height {
        for x in 0..area.width {
            let column = (u32::from(x), columns);
            let cell = &mut pen.buf[(area.x + x, area.y + y)];
            if half_blocks {
                let half = |lower: u32| {
                    let (red, green, blue) =
                        pixels.part(column, (u32::from(y) * 2 + lower, rows * 2));
                    canvas.depth.nearest(Color::Rgb(red, green, blue))
                };
                cell.set_char('▀').set_style(Style::new().fg(half(0)).bg(half(1)));
                continue;
            }
            let (red, green, blue) = pixels.part(column, (u32::from(y), rows));
            cell.set_char(shade((red, green, blue), canvas));
            let style = match canvas.depth {
                Depth::Mono => pen.theme[Role::Text],
                depth => Style::new().fg(depth.nearest(Color::Rgb(red, green, blue))),
            };
            cell.set_style(style);
        }
    }
}

/// A character that is as full as the colour is bright; the other way round where the ground is known to be light.
fn shade((red, green, blue): (u8, u8, u8), canvas: Canvas) -> char {
    let bright = (u32::from(red) * 299 + u32::from(green) * 587 + u32::from(blue) * 114) / 1000;
    let full = if canvas.ground == Some(Ground::Light) { 255 - bright.min(255) } else { bright };
    let of = |table: &[char]| {
        let at = usize::try_from(full).unwrap_or(0) * table.len() / 256;
        table[at.min(table.len() - 1)]
    };
    if canvas.ascii { of(&LETTERS) } else { of(&BLOCKS) }
}

/// The character that stands for a part of a picture; marks above it count rows and columns.
pub const PLACEHOLDER: char = '\u{10eeee}';

/// Marks that count, from zero; rows beyond them are not drawn (kitty's `rowcolumn-diacritics.txt`).
const MARKS: [char; 128] = [
    '\u{305}', '\u{30d}', '\u{30e}', '\u{310}', '\u{312}', '\u{33d}', '\u{33e}', '\u{33f}',
    '\u{346}', '\u{34a}', '\u{34b}', '\u{34c}', '\u{350}', '\u{351}', '\u{352}', '\u{357}',
    '\u{35b}', '\u{363}', '\u{364}', '\u{365}', '\u{366}', '\u{367}', '\u{368}', '\u{369}',
    '\u{36a}', '\u{36b}', '\u{36c}', '\u{36d}', '\u{36e}', '\u{36f}', '\u{483}', '\u{484}',
    '\u{485}', '\u{486}', '\u{487}', '\u{592}', '\u{593}', '\u{594}', '\u{595}', '\u{597}',
    '\u{598}', '\u{599}', '\u{59c}', '\u{59d}', '\u{59e}', '\u{59f}', '\u{5a0}', '\u{5a1}',
    '\u{5a8}', '\u{5a9}', '\u{5ab}', '\u{5ac}', '\u{5af}', '\u{5c4}', '\u{610}', '\u{611}',
    '\u{612}', '\u{613}', '\u{614}', '\u{615}', '\u{616}', '\u{617}', '\u{657}', '\u{658}',
    '\u{659}', '\u{65a}', '\u{65b}', '\u{65d}', '\u{65e}', '\u{6d6}', '\u{6d7}', '\u{6d8}',
    '\u{6d9}', '\u{6da}', '\u{6db}', '\u{6dc}', '\u{6df}', '\u{6e0}', '\u{6e1}', '\u{6e2}',
    '\u{6e4}', '\u{6e7}', '\u{6e8}', '\u{6eb}', '\u{6ec}', '\u{730}', '\u{732}', '\u{733}',
    '\u{735}', '\u{736}', '\u{73a}', '\u{73d}', '\u{73f}', '\u{740}', '\u{741}', '\u{743}',
    '\u{745}', '\u{747}', '\u{749}', '\u{74a}', '\u{7eb}', '\u{7ec}', '\u{7ed}', '\u{7ee}',
    '\u{7ef}', '\u{7f0}', '\u{7f1}', '\u{7f3}', '\u{816}', '\u{817}', '\u{818}', '\u{819}',
    '\u{81b}', '\u{81c}', '\u{81d}', '\u{81e}', '\u{81f}', '\u{820}', '\u{821}', '\u{822}',
    '\u{823}', '\u{825}', '\u{826}', '\u{827}', '\u{829}', '\u{82a}', '\u{82b}', '\u{82c}',
];

/// What the terminal knows the picture by: an entry of the 256 colours, in which its cells are written.
#[must_use]
pub fn kitty_id(pixels: &Pixels) -> u8 {
    200 + u8::try_from(pixels.id % 48).unwrap_or(0)
}

/// Cells of the picture: the first of a row names the row, those behind it follow from it.
fn placeholders(pen: &mut Pen<'_>, area: Rect, pixels: &Pixels) {
    let style = Style::new().fg(Color::Indexed(kitty_id(pixels)));
    for (y, mark) in (area.top()..area.bottom()).zip(MARKS) {
        for x in area.left()..area.right() {
            let cell = &mut pen.buf[(x, y)];
            cell.set_style(style);
            if x == area.left() {
                cell.set_symbol(&String::from_iter([PLACEHOLDER, mark, MARKS[0]]));
            } else {
                cell.set_char(PLACEHOLDER);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::pixels::tests::flag;
    use crate::ui::theme::Theme;
    use ratatui::buffer::Buffer;

    fn drawn(canvas: Canvas, width: u16, height: u16) -> (Buffer, Vec<Placed>) {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        let theme = Theme::plain();
        let mut pen = Pen::new(&mut buffer, &theme);
        picture(&mut pen, area, &Arc::new(flag(3, 64, 32)), canvas);
        let placed = std::mem::take(&mut pen.pictures);
        (buffer, placed)
    }

    fn text(buffer: &Buffer) -> String {
        let width = usize::from(buffer.area.width);
        let rows = buffer.content.chunks(width);
        rows.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>() + "\n")
            .collect()
    }

    const CANVAS: Canvas =
        Canvas { way: Way::Cells, depth: Depth::True, ascii: false, ground: None };

    #[test]
    fn half_blocks_have_two_pixels_a_cell() {
        let (buffer, placed) = drawn(CANVAS, 8, 2);
        assert!(placed.is_empty());
        let cell = &buffer[(0, 0)];
        assert_eq!(cell.symbol(), "▀");
        let (Color::Rgb(upper, 0, 0), Color::Rgb(lower, 0, 0)) = (cell.fg, cell.bg) else {
            panic!("{cell:?}")
        };
        assert!(upper > lower, "it fades downwards");
        assert!(matches!(buffer[(7, 0)].fg, Color::Rgb(0, 0, _)));
    }

    #[test]
    fn fewer_colours_and_no_colours_draw_it_as_well() {
        let (sixteen, _) = drawn(Canvas { depth: Depth::Sixteen, ..CANVAS }, 8, 2);
        assert!(!sixteen.content.iter().any(|cell| matches!(cell.fg, Color::Rgb(..))));
        assert_eq!(sixteen[(0, 0)].symbol(), "▀");
        let (mono, _) = drawn(Canvas { depth: Depth::Mono, ..CANVAS }, 8, 2);
        assert!(mono.content.iter().all(|cell| cell.fg == Color::Reset));
        assert!(text(&mono).contains('░'), "{}", text(&mono));
        let (ascii, _) = drawn(Canvas { ascii: true, depth: Depth::Mono, ..CANVAS }, 8, 2);
        assert!(text(&ascii).is_ascii());
        let light = Some(Ground::Light);
        let canvas = Canvas { ascii: true, depth: Depth::Mono, ground: light, ..CANVAS };
        let (inverted, _) = drawn(canvas, 8, 2);
        assert_ne!(text(&ascii), text(&inverted));
    }

    #[test]
    fn placeholders_name_row_and_picture_and_over_cells_is_nothing_in_them() {
        let (buffer, placed) = drawn(Canvas { way: Way::Kitty, ..CANVAS }, 4, 2);
        assert_eq!(buffer[(0, 0)].symbol(), "\u{10eeee}\u{305}\u{305}");
        assert_eq!(buffer[(1, 0)].symbol(), "\u{10eeee}");
        assert_eq!(buffer[(0, 0)].fg, Color::Indexed(203));
        assert_eq!(placed[0].area, Rect::new(0, 0, 4, 1));
        let (buffer, placed) = drawn(Canvas { way: Way::Sixel, ..CANVAS }, 4, 2);
        assert_eq!(text(&buffer).trim(), "");
        assert_eq!(placed.len(), 1);
        assert!(drawn(Canvas { way: Way::Off, ..CANVAS }, 4, 2).1.is_empty());
    }

    #[test]
    fn the_smallest_places_are_no_trap() {
        for way in [Way::Off, Way::Cells, Way::Kitty, Way::Iterm2, Way::Sixel] {
            for (width, height) in [(1, 1), (1, 9), (9, 1), (300, 100)] {
                drawn(Canvas { way, ..CANVAS }, width, height);
            }
        }
    }
}
