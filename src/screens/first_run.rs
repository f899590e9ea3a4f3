//! The first screen where no cloud is configured yet, as it is drawn: what this is, and three keys.

use ratatui::buffer::Buffer;

use crate::ui::pen::Pen;
use crate::ui::theme::{Role, Theme};
use crate::ui::{layout, text};

/// What the operator chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Demo,
    Quit,
}

/// Draws the keys, or how to set a profile up.
pub fn draw(frame: &mut Buffer, theme: &Theme, config: &str, explains: bool) {
    let area = frame.area;
    let mut pen = Pen::new(frame, theme);
    pen.tint(area, Role::Text);
    let config = text::shown(config);
    let from_file =
        format!("in a file: `allclear config init` writes {config} with every key explained");
    let lines: Vec<(&str, &str, Role)> = if explains {
        vec![
            ("", "Three ways to name a cloud, the first that is there counts:", Role::Text),
            (
                "1",
                "export CLOUDINARY_URL=cloudinary://<api_key>:<api_secret>@<cloud_name>",
                Role::Accent,
            ),
            ("2", from_file.as_str(), Role::Text),
            ("3", "profiles of the official `cld` tool are found by themselves", Role::Text),
            (
                "",
                "A new profile counts as production and starts locked, until you say otherwise.",
                Role::Dim,
            ),
            ("", "", Role::Text),
            ("esc", "back", Role::Hint),
            ("q", "quit", Role::Hint),
        ]
    } else {
        vec![
            (
                "",
                "rename, delete and purge media, then watch every cache let go, with proof",
                Role::Text,
            ),
            ("", "No cloud is configured yet.", Role::Dim),
            ("", "", Role::Text),
            (
                "d",
                "demo: a local cloud in this program, nothing to configure, nothing to break",
                Role::Text,
            ),
            ("s", "set up: how to name your own cloud", Role::Text),
            ("q", "quit", Role::Text),
        ]
    };
    let width = area.width.min(84).saturating_sub(2);
    let mut wrapped: Vec<(&str, Vec<String>, Role)> = lines
        .into_iter()
        .map(|(key, line, role)| {
            (key, text::wrap(line, usize::from(width.saturating_sub(6))), role)
        })
        .collect();
    let count = |wrapped: &[(&str, Vec<String>, Role)]| -> usize {
        wrapped.iter().map(|(_, lines, _)| lines.len()).sum()
    };
    if count(&wrapped) + 2 > usize::from(area.height) {
        wrapped.retain(|(key, ..)| !key.is_empty()); // the keys come first
    }
    let rows = count(&wrapped);
    let height = u16::try_from(rows + 2).unwrap_or(u16::MAX);
    let place = layout::centred(area, width, height);
    // too little room for all: the keys that lead on are on the last line, whatever else is cut
    let last = area.bottom().saturating_sub(1);
    let tight = rows + 1 > usize::from(area.height) && area.height > 2;
    let bottom = if tight { last } else { area.bottom() };
    if tight {
        let keys = if explains { "esc back  q quit" } else { "d demo  s set up  q quit" };
        pen.put(place.x, last, width, keys, Role::Hint);
    }
    pen.put(place.x, place.y, width, "allclear", Role::Brand);
    let mut y = place.y + if place.height > 10 { 2 } else { 1 };
    for (key, lines, role) in wrapped {
        pen.put(place.x, y, 4, key, Role::Key);
        let indent = if key.is_empty() { 0 } else { 5 };
        for line in lines {
            if y >= bottom {
                return;
            }
            pen.put(place.x + indent, y, width.saturating_sub(indent), &line, role);
            y += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widgets::testing::text_of;
    use ratatui::layout::Rect;

    fn picture(width: u16, height: u16, explains: bool) -> String {
        let mut frame = Buffer::empty(Rect::new(0, 0, width, height));
        let config = "/home/ann/.config/allclear/config.toml";
        draw(&mut frame, &Theme::plain(), config, explains);
        text_of(&frame)
    }

    #[test]
    fn three_keys_and_how_to_set_up() {
        insta::assert_snapshot!("first_run_80x24", picture(80, 24, false));
        insta::assert_snapshot!("set_up_80x24", picture(80, 24, true));
        let small = picture(40, 10, false);
        assert!(small.contains("demo") && small.contains("quit"), "the keys come first:\n{small}");
        for (width, height) in [(20, 5), (5, 2), (1, 1), (300, 100)] {
            picture(width, height, true);
        }
    }
}
