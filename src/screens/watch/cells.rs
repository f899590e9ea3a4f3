//! The matrix of a watch with its legend, and why the cell under the cursor was judged as it was.

use ratatui::layout::Rect;

use super::state::WatchState;
use crate::app::state::App;
use crate::domain::snapshot::{Cell, WatchSnapshot};
use crate::domain::verdict::Expectation;
use crate::screens::shell::clock;
use crate::ui::pen::Pen;
use crate::ui::theme::Role;
use crate::ui::widgets::matrix::{matrix, place_label};
use crate::ui::widgets::verdict::{face, legend};
use crate::ui::{layout, text};

/// Matrix, legend and evidence.
pub fn draw(app: &App, pen: &mut Pen<'_>, area: Rect, shown: &WatchSnapshot, at: &WatchState) {
    let places = u16::try_from(shown.places.len()).unwrap_or(u16::MAX);
    let evidence_height = match area.height {
        0..=5 => 0,
        6..=8 => 2,
        9..=12 => 4,
        _ => 5,
    };
    let legend = u16::from(area.height >= 9);
    let spare = area.height.saturating_sub(evidence_height + legend);
    let rows = places.saturating_add(1).min(spare).max(2);
    let (top, rest) = layout::split_top(area, rows);
    matrix(pen, top, shown, (at.place, at.url));
    if legend > 0 {
        draw_legend(pen, rest);
    }
    let gap = u16::from(spare > rows);
    let rest = layout::split_top(rest, legend + gap).1;
    if evidence_height == 0 {
        return;
    }
    // Where the terminal is tall, every URL has a line of its own.
    let urls = u16::try_from(shown.urls.len()).unwrap_or(u16::MAX).saturating_add(2);
    if rest.height >= urls.saturating_add(6) {
        let (above, below) = layout::split_top(rest, 7);
        evidence(app, pen, above, shown, at);
        url_lines(pen, below, shown, at);
    } else {
        evidence(app, pen, rest, shown, at);
    }
}

fn draw_legend(pen: &mut Pen<'_>, area: Rect) {
    let mut x = area.x;
    for (part, role) in legend(pen.theme.glyphs) {
        if usize::from(area.right().saturating_sub(x)) < text::width(part.trim_end()) {
            break;
        }
        x = pen.put(x, area.y, area.right().saturating_sub(x), &part, role);
    }
}

/// The columns of the matrix by number: how many places are clear, what each must show, and its URL.
fn url_lines(pen: &mut Pen<'_>, area: Rect, shown: &WatchSnapshot, at: &WatchState) {
    pen.put(area.x, area.y, area.width, "URLs", Role::Heading);
    let rest = layout::split_top(area, 1).1;
    for (y, (column, url)) in (rest.top()..rest.bottom()).zip(shown.urls.iter().enumerate()) {
        let cells = (0..shown.places.len()).filter_map(|place| shown.cell(place, column));
        let counted: Vec<_> = cells.filter(|cell| cell.counted).collect();
        let clear = counted.iter().filter(|cell| cell.clear).count();
        let role = if clear == counted.len() && clear > 0 { Role::Cleared } else { Role::Dim };
        let number = if column == at.url { Role::Accent } else { Role::Dim };
        pen.put_right(rest.x + 3, y, 3, &(column + 1).to_string(), number);
        pen.put_right(rest.x + 9, y, 5, &format!("{clear}/{}", counted.len()), role);
        let x = pen.put(rest.x + 11, y, 3, if url.covered { "" } else { "~ " }, Role::Unknown);
        let room = rest.right().saturating_sub(x);
        let shown_url = text::shown(&url.url);
        let cut = text::cut_front(&shown_url, usize::from(room), pen.theme.glyphs.cut);
        let end = pen.put(x, y, room, &cut, Role::Text);
        pen.link(x, y, end, &url.url);
    }
}

/// Why the cell under the cursor was judged as it was.
fn evidence(app: &App, pen: &mut Pen<'_>, area: Rect, shown: &WatchSnapshot, at: &WatchState) {
    let (Some(place), Some(url), Some(cell)) =
        (shown.places.get(at.place), shown.urls.get(at.url), shown.cell(at.place, at.url))
    else {
        pen.put(area.x, area.y, area.width, "no cell is under the cursor", Role::Dim);
        return;
    };
    let face = face(cell, place.state, pen.theme.glyphs);
    let mut y = area.y;
    let verdict = cell.verdict.map_or("not seen yet", crate::domain::verdict::Verdict::as_str);
    let head = format!("{} {verdict}", face.glyph);
    let why =
        if cell.why.is_empty() { String::new() } else { format!(": {}", text::shown(&cell.why)) };
    let place_name = format!("{}  ", place_label(place));
    let parts = [
        (place_name.as_str(), Role::Strong),
        (head.as_str(), face.role),
        (why.as_str(), Role::Text),
    ];
    let whole: String = parts.iter().map(|(text, _)| *text).collect();
    if text::width(&whole) <= usize::from(area.width) || area.height < 4 {
        pen.parts(area.x, y, area.width, &parts);
        y += 1;
    } else {
        pen.parts(area.x, y, area.width, &parts[..2]);
        let rest = Rect { y: y + 1, height: 2.min(area.bottom().saturating_sub(y + 1)), ..area };
        y += 1 + pen.paragraph(rest, &text::shown(&cell.why), Role::Text);
    }
    let key = app.keymap.shown("app.open-row");
    let more = match cell.sightings {
        0 => String::new(),
        _ => format!("{key} shows its sightings"),
    };
    let lines = [
        (numbers(pen, cell, usize::from(area.width)), Role::Dim),
        (
            text::cut_front(&text::shown(&url.url), usize::from(area.width), pen.theme.glyphs.cut)
                .into_owned(),
            Role::Accent,
        ),
        (expected(shown, at), Role::Dim),
        (more, Role::Hint),
    ];
    for (line, role) in lines {
        if y >= area.bottom() || line.is_empty() {
            continue;
        }
        let end = pen.put(area.x, y, area.width, &line, role);
        if role == Role::Accent {
            pen.link(area.x, y, end, &url.url);
        }
        y += 1;
    }
}

/// What was seen last, as much of it as fits: what decides comes first.
fn numbers(pen: &Pen<'_>, cell: &Cell, width: usize) -> String {
    let mut facts = Vec::new();
    if let Some(status) = cell.status {
        facts.push(format!("status {status}"));
    }
    if cell.sightings > 0 {
        facts.push(format!("cache {}", cell.cache.as_str().replace('_', " ")));
    }
    if let Some(age) = cell.age {
        facts.push(format!("age {age} s"));
    }
    if cell.sightings > 0 {
        facts.push(format!("{} of {} clear in a row", cell.run.min(cell.k), cell.k));
        facts.push(text::plural(usize::try_from(cell.sightings).unwrap_or(0), "sighting"));
    }
    if let Some(etag) = &cell.etag {
        facts.push(format!("etag {}", text::cut(&text::shown(etag), 10, pen.theme.glyphs.cut)));
    }
    if let Some(at) = cell.seen_at {
        facts.push(format!("seen {}", clock(at)));
    }
    text::fitting(&facts, &format!(" {} ", pen.theme.glyphs.separator), width)
}

fn expected(shown: &WatchSnapshot, at: &WatchState) -> String {
    let Some(url) = shown.urls.get(at.url) else { return String::new() };
    let wanted = match url.expectation {
        Some(expectation) => format!("clear when {}", expectation_words(expectation)),
        None => "what it must show is read from storage first".to_owned(),
    };
    let doubt = if url.covered { "" } else { "; whether the invalidation reaches it is uncertain" };
    let cell = shown.cell(at.place, at.url);
    let variants = match cell {
        Some(cell) if cell.variants > 1 => {
            format!("; {} of {} variants is the worst", cell.variant.as_str(), cell.variants)
        }
        _ => String::new(),
    };
    let history = match cell {
        Some(cell) if cell.regressed => "; was clear and fell back",
        Some(cell) if cell.ever_outdated => "; was seen with the old copy",
        _ => "",
    };
    format!("{wanted}{doubt}{variants}{history}")
}

const fn expectation_words(expectation: Expectation) -> &'static str {
    match expectation {
        Expectation::Gone => "it is gone",
        Expectation::New => "it shows the new content",
        Expectation::Refetched => "it was fetched again after the purge",
        Expectation::Live => "it shows what storage holds",
    }
}
