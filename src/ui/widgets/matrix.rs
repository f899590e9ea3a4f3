//! The matrix of a watch: places down, delivery URLs across, one face a cell. Only what is seen is built.

use ratatui::layout::Rect;

use super::verdict::{Face, face};
use crate::domain::snapshot::{PlaceRow, PlaceState, WatchSnapshot};
use crate::ui::layout::window;
use crate::ui::pen::Pen;
use crate::ui::text;
use crate::ui::theme::Role;

/// Columns of a cell with its word, with a short word, and with a letter.
const WORD: u16 = 12;
const SHORT: u16 = 8;
const LETTER: u16 = 4;

/// How much of a verdict is spelled out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Words {
    Long,
    Short,
    Letter,
}

/// A place in a few words: PoP and city, else its id.
#[must_use]
pub fn place_label(place: &PlaceRow) -> String {
    let id = text::shown(&place.id.0);
    match &place.city {
        Some(city) => format!("{id} {}", text::shown(city)),
        None => id.into_owned(),
    }
}

/// Draws as much of the matrix as fits, the cursor's cell included.
pub fn matrix(pen: &mut Pen<'_>, area: Rect, shown: &WatchSnapshot, cursor: (usize, usize)) {
    if area.height < 2 || shown.places.is_empty() {
        let word = if shown.places.is_empty() { "no place has been found yet" } else { "" };
        pen.put(area.x, area.y, area.width, word, Role::Dim);
        return;
    }
    let labels: Vec<String> = shown.places.iter().map(place_label).collect();
    let longest = labels.iter().map(|label| text::width(label)).max().unwrap_or(0);
    let label_width =
        u16::try_from(longest).unwrap_or(18).clamp(3, if area.width < 60 { 8 } else { 20 });
    // two for the cursor, label, clear of cells
    let counts = 7;
    let left = 2 + label_width + counts;
    let room = area.width.saturating_sub(left);
    let urls = shown.urls.len();
    let share = room / u16::try_from(urls.max(1)).unwrap_or(u16::MAX);
    let words = if share >= WORD {
        Words::Long
    } else if share >= SHORT {
        Words::Short
    } else {
        Words::Letter
    };
    let wide = match words {
        Words::Long => share.min(26),
        Words::Short => share,
        Words::Letter => share.clamp(LETTER, 6),
    };
    let visible = usize::from(room / wide).max(1);
    let first_url = window(cursor.1, urls, visible);
    let rows = usize::from(area.height - 1);
    let first_place = window(cursor.0, shown.places.len(), rows);

    headings(
        pen,
        area,
        shown,
        Columns { left, wide, first: first_url, visible, words, at: cursor.1 },
    );
    for (line, at) in (first_place..shown.places.len()).take(rows).enumerate() {
        let y = area.y + 1 + u16::try_from(line).unwrap_or(u16::MAX);
        let place = &shown.places[at];
        let here = at == cursor.0;
        let marker = if here { pen.theme.glyphs.cursor } else { " " };
        pen.put(area.x, y, 1, marker, Role::Accent);
        let role = if here { Role::Strong } else { Role::Text };
        pen.put(area.x + 2, y, label_width, &labels[at], role);
        let counted = format!("{}/{}", place.clear, place.cells);
        let role =
            if place.clear == place.cells && place.cells > 0 { Role::Cleared } else { Role::Dim };
        pen.put_right(area.x + 2 + label_width + counts - 1, y, counts - 1, &counted, role);
        for url in (first_url..urls).take(visible) {
            let x = area.x + left + wide * u16::try_from(url - first_url).unwrap_or(0);
            let Some(cell) = shown.cell(at, url) else { continue };
            let face = face(cell, place.state, pen.theme.glyphs);
            draw_face(pen, (x, y), wide, &face, words, here && url == cursor.1);
        }
        note_beside(
            pen,
            area,
            place,
            (left + wide * u16::try_from(urls.min(visible)).unwrap_or(0), y),
        );
    }
}

#[derive(Clone, Copy)]
struct Columns {
    left: u16,
    wide: u16,
    first: usize,
    visible: usize,
    words: Words,
    at: usize,
}

fn headings(pen: &mut Pen<'_>, area: Rect, shown: &WatchSnapshot, columns: Columns) {
    let Columns { left, wide, first, visible, words, at } = columns;
    let urls = shown.urls.len();
    if first > 0 || first + visible < urls {
        let more = format!("{} URLs", text::len(urls));
        pen.put(area.x + 2, area.y, left.saturating_sub(3), &more, Role::Heading);
    }
    for (column, url) in shown.urls.iter().enumerate().skip(first).take(visible) {
        let x = area.x + left + wide * u16::try_from(column - first).unwrap_or(0);
        let role = if column == at { Role::Accent } else { Role::Heading };
        let title = if words == Words::Long {
            let doubt = if url.covered { "" } else { "~" };
            format!("{doubt}{}", text::shown(&url.short))
        } else {
            format!("{}", column + 1)
        };
        pen.put(x, area.y, wide.saturating_sub(2).max(2), &title, role);
    }
}

fn draw_face(pen: &mut Pen<'_>, at: (u16, u16), wide: u16, face: &Face, words: Words, here: bool) {
    let shown = match words {
        Words::Long => format!("{} {}", face.glyph, face.word),
        Words::Short => format!("{} {}", face.glyph, face.short),
        Words::Letter => format!("{}{}", face.glyph, face.letter),
    };
    let style = pen.theme[face.role];
    let style = if here { style.patch(pen.theme[Role::Cursor]) } else { style };
    pen.styled(at.0, at.1, wide.saturating_sub(1), &shown, style);
}

/// Where there is room: when the place became clear, or why it does not count.
fn note_beside(pen: &mut Pen<'_>, area: Rect, place: &PlaceRow, (left, y): (u16, u16)) {
    let room = area.width.saturating_sub(left + 1);
    if room < 9 {
        return;
    }
    let note = match (place.state, place.cleared_after) {
        (PlaceState::Unreachable, _) => "left out: never answered".to_owned(),
        (PlaceState::Excluded, _) => "left out by you".to_owned(),
        (_, Some(after)) => format!("after {}", text::measured(after)),
        _ => return,
    };
    if text::width(&note) <= usize::from(room) {
        pen.put(area.x + left + 1, y, room, &note, Role::Dim);
    }
}
