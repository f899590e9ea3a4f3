//! Pictures of widgets for tests.
#![allow(clippy::missing_panics_doc)] // they are for tests

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::ui::Theme;
use crate::ui::pen::Pen;

/// What `draw` puts into `width` x `height` cells, without colours; trailing spaces are cut.
pub fn picture(width: u16, height: u16, draw: impl FnOnce(&mut Pen<'_>, Rect)) -> String {
    picture_in(&Theme::plain(), width, height, draw)
}

/// The same in a theme.
pub fn picture_in(
    theme: &Theme,
    width: u16,
    height: u16,
    draw: impl FnOnce(&mut Pen<'_>, Rect),
) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut frame = Buffer::empty(area);
    draw(&mut Pen::new(&mut frame, theme), area);
    text_of(&frame)
}

/// The characters of a buffer, line by line.
pub fn text_of(buffer: &Buffer) -> String {
    let mut lines = Vec::new();
    for y in buffer.area.top()..buffer.area.bottom() {
        let mut line = String::new();
        let mut skip = 0;
        for x in buffer.area.left()..buffer.area.right() {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            skip = crate::ui::text::width(symbol).saturating_sub(1);
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}
