//! The Assets screen as it is drawn. Only visible rows are built.

use std::time::Duration;

use ratatui::layout::Rect;

use super::details_view;
use super::rows::PendingMark;
use super::state::{AssetsState, LoadKind};
use crate::app::action::{Action, SortBy};
use crate::app::commands::{Run, Scope};
use crate::app::state::App;
use crate::domain::asset::Asset;
use crate::domain::time::Timestamp;
use crate::ports::cloud::ListQuery;
use crate::screens::shell::spinner;
use crate::ui::layout::{Column, fit};
use crate::ui::pen::Pen;
use crate::ui::theme::Role;
use crate::ui::widgets::field::field;
use crate::ui::widgets::popup::popup;
use crate::ui::{layout, text};

/// Draws list and details; answers where the terminal's cursor belongs, if a field has the keys.
pub fn draw(app: &App, pen: &mut Pen<'_>, body: Rect) -> Option<(u16, u16)> {
    let panes = layout::panes(body, app.assets.details.is_some());
    let mut cursor = None;
    if let Some(area) = panes.list {
        cursor = list(app, pen, area);
    }
    if let Some(area) = panes.details {
        if panes.list.is_some() {
            for y in area.top()..area.bottom() {
                pen.put(area.x - 1, y, 1, pen.theme.glyphs.upright, Role::Border);
            }
        }
        details_view::draw(app, pen, layout::inset(area, 1));
    }
    cursor
}

const ID: usize = 0;
const CACHES: usize = 5;
const COLUMNS: [Column; 6] = [
    Column { title: "PUBLIC ID", width: 14, grows: true, right: false, priority: 0 },
    Column { title: "TYPE", width: 5, grows: false, right: false, priority: 5 },
    Column { title: "FORMAT", width: 6, grows: false, right: false, priority: 4 },
    Column { title: "AGE", width: 6, grows: false, right: true, priority: 2 },
    Column { title: "SIZE", width: 7, grows: false, right: true, priority: 3 },
    Column { title: "CACHES", width: 11, grows: false, right: false, priority: 1 },
];

/// Width of each column that is shown.
fn widths(app: &App, width: u16) -> Vec<Option<u16>> {
    let mut columns = COLUMNS;
    if width >= 60 {
        columns[ID].width = 28; // names come first: others leave before these are cut
    } else if app.env.pending.0.is_empty() {
        (columns[CACHES].width, columns[CACHES].priority) = (width, u8::MAX); // nothing is in it
    } else {
        columns[ID].width = 18; // a name that can be told is worth more than an age
    }
    // cursor, mark and a space before the first column; a space at the end
    fit(&columns, width.saturating_sub(5))
}

/// What a click on the headings sorts by; `x` counts from the left of the list.
#[must_use]
pub fn heading_at(app: &App, width: u16, x: u16) -> Option<SortBy> {
    let mut from = 4;
    for (at, width) in widths(app, width).into_iter().enumerate() {
        let Some(width) = width else { continue };
        if (from..from + width + 2).contains(&x) {
            return match at {
                ID => Some(SortBy::Name),
                1 | 2 => Some(SortBy::Kind),
                3 => Some(SortBy::Age),
                4 => Some(SortBy::Size),
                _ => Some(SortBy::Pending),
            };
        }
        from += width + 2;
    }
    None
}

fn list(app: &App, pen: &mut Pen<'_>, area: Rect) -> Option<(u16, u16)> {
    let areas = layout::list(area);
    let cursor = status(app, pen, layout::inset(areas.status, 1));
    let state = &app.assets;
    let widths = widths(app, area.width);
    if areas.headings.height > 0 && !state.view.is_empty() {
        headings(app, pen, areas.headings, &widths);
    }
    if state.view.is_empty() {
        nothing(app, pen, layout::inset(areas.rows, 2));
        return cursor;
    }
    let range = state.range();
    for y in areas.rows.top()..areas.rows.bottom() {
        let at = state.offset + usize::from(y - areas.rows.y);
        let Some(asset) = state.at(at) else { break };
        let row = Rect { y, height: 1, ..areas.rows };
        let in_range = range.as_ref().is_some_and(|range| range.contains(&at));
        asset_row(app, pen, row, &widths, &asset, (at == state.cursor, in_range));
    }
    scrollbar(app, pen, areas.rows);
    cursor
}

fn headings(app: &App, pen: &mut Pen<'_>, area: Rect, widths: &[Option<u16>]) {
    let (by, reverse) = app.assets.sort;
    let sorted = match by {
        SortBy::Server | SortBy::State | SortBy::Order | SortBy::Done | SortBy::Who => None,
        SortBy::Name => Some(0),
        SortBy::Kind => Some(2),
        SortBy::Age => Some(3),
        SortBy::Size => Some(4),
        SortBy::Pending => Some(5),
    };
    let glyphs = pen.theme.glyphs;
    let arrow = if reverse { glyphs.up } else { glyphs.down };
    let mut x = area.x + 4;
    for (at, (column, width)) in COLUMNS.iter().zip(widths).enumerate() {
        let Some(width) = *width else { continue };
        let title = if sorted == Some(at) {
            format!("{} {arrow}", column.title)
        } else {
            column.title.to_owned()
        };
        if column.right {
            pen.put_right(x + width, area.y, width, &title, Role::Heading);
        } else {
            pen.put(x, area.y, width, &title, Role::Heading);
        }
        x += width + 2;
    }
}

fn asset_row(
    app: &App,
    pen: &mut Pen<'_>,
    row: Rect,
    widths: &[Option<u16>],
    asset: &Asset,
    (here, in_range): (bool, bool),
) {
    let glyphs = pen.theme.glyphs;
    let state = &app.assets;
    let marked = state.marks.contains(&asset.key);
    let pending = app.env.pending.of(&asset.key);
    let id = text::shown(asset.key.public_id.as_str());
    let mut x = row.x + 4;
    for (at, (column, width)) in COLUMNS.iter().zip(widths).enumerate() {
        let Some(width) = *width else { continue };
        let (word, role) = match at {
            ID => (id.to_string(), Role::Text),
            1 => (asset.key.resource_type.to_string(), Role::Dim),
            2 => (text::shown(asset.format.as_deref().unwrap_or("")).into_owned(), Role::Dim),
            3 => (version_age(asset, app.env.now), Role::Text),
            4 => (text::bytes(asset.bytes), Role::Text),
            _ => caches(pending, asset, glyphs),
        };
        if column.right {
            pen.put_right(x + width, row.y, width, &word, role);
        } else {
            pen.put(x, row.y, width, &word, role);
        }
        if at == ID
            && let Some(span) = state.filter.span(&id)
        {
            highlight(pen, (x, row.y, width), &id, span);
        }
        x += width + 2;
    }
    if here {
        let away = state.details_have_keys(&app.env);
        pen.cursor(
            Rect { width: row.width.saturating_sub(1), ..row },
            if away { Role::CursorAway } else { Role::Cursor },
        );
    }
    if here {
        pen.put(row.x + 1, row.y, 1, glyphs.cursor, Role::Text);
    }
    if marked || in_range {
        let mark = if marked { glyphs.mark } else { glyphs.bullet };
        pen.put(row.x + 2, row.y, 1, mark, Role::Mark);
    }
}

fn highlight(
    pen: &mut Pen<'_>,
    (x, y, width): (u16, u16, u16),
    id: &str,
    span: std::ops::Range<usize>,
) {
    let (Some(before), Some(hit)) = (id.get(..span.start), id.get(span)) else { return };
    let from = u16::try_from(text::width(before)).unwrap_or(u16::MAX);
    let wide = u16::try_from(text::width(hit)).unwrap_or(0);
    if from.saturating_add(wide) < width {
        pen.tint(Rect { x: x + from, y, width: wide, height: 1 }, Role::Match);
    }
}

/// How long the current version exists.
#[must_use]
pub fn version_age(asset: &Asset, now: Timestamp) -> String {
    let Ok(version) = i64::try_from(asset.version) else { return String::new() };
    let secs = u64::try_from(now.as_second() - version).unwrap_or(0);
    if version < 1_000_000_000 { String::new() } else { text::age(Duration::from_secs(secs)) }
}

fn caches(
    pending: Option<PendingMark>,
    asset: &Asset,
    glyphs: &crate::ui::theme::Glyphs,
) -> (String, Role) {
    match pending {
        Some(mark) if mark.stuck => (format!("{} stuck", glyphs.outdated), Role::Outdated),
        Some(mark) if mark.total == 0 => (format!("{} pending", glyphs.unseen), Role::Info),
        Some(mark) => (format!("{} {}/{}", glyphs.same, mark.clear, mark.total), Role::Info),
        None if asset.placeholder => ("deleted".to_owned(), Role::Dim),
        None => (String::new(), Role::Text),
    }
}

fn scrollbar(app: &App, pen: &mut Pen<'_>, rows: Rect) {
    let (total, height) = (app.assets.view.len(), usize::from(rows.height));
    if total <= height || height < 3 {
        return;
    }
    let size = (height * height / total).max(1);
    let last = total - height;
    let top = (app.assets.offset * (height - size)).checked_div(last).unwrap_or(0);
    for line in top..top + size {
        let y = rows.y + u16::try_from(line).unwrap_or(0);
        pen.put(rows.right() - 1, y, 1, pen.theme.glyphs.scroll, Role::Border);
    }
}

/// The line above the list: what it holds, what the filter leaves, what is marked, what is being read.
fn status(app: &App, pen: &mut Pen<'_>, area: Rect) -> Option<(u16, u16)> {
    if area.height == 0 {
        return None;
    }
    let state = &app.assets;
    let mut x = area.x;
    let mut cursor = None;
    let room = |x: u16| area.right().saturating_sub(x);
    if let Some(input) = &state.filter_field {
        x = pen.put(x, area.y, room(x), "/", Role::Key);
        let width = (area.width / 4).clamp(6, 30).min(room(x));
        cursor = Some(field(pen, x, area.y, width, input, false));
        x += width + 2;
    } else if !state.filter.is_empty() {
        let shown = format!("/{}", text::shown(state.filter.text()));
        x = pen.put(x, area.y, area.width / 2, &shown, Role::Match) + 2;
    }
    let separator = format!(" {} ", pen.theme.glyphs.separator);
    for (at, (part, role)) in parts(app, state).iter().enumerate() {
        if at > 0 {
            x = pen.put(x, area.y, room(x), &separator, Role::Dim);
        }
        x = pen.put(x, area.y, room(x), part, *role);
    }
    cursor
}

/// The most important first: what does not fit is cut at the end.
fn parts(app: &App, state: &AssetsState) -> Vec<(String, Role)> {
    let mut parts = Vec::new();
    if let Some(failure) = state.failure.as_ref().filter(|_| !state.rows.is_empty()) {
        parts.push((failure.headline.clone(), Role::Bad));
    }
    if !state.rows.is_empty() {
        let asks = app.keymap.shown("filter.accept");
        parts.push((counted(state, &asks), Role::Text));
    }
    if let Some(at) = state.copied_at {
        let age = app.env.now.duration_since(at).unsigned_abs();
        parts.push((format!("a copy, {} old", text::age(age)), Role::Warning));
    }
    if !state.marks.is_empty() {
        let away = match state.marks_out_of_view() {
            0 => String::new(),
            n => format!(", {n} not in view"),
        };
        parts.push((format!("{} marked{away}", text::len(state.marks.len())), Role::Mark));
    }
    if state.range_from.is_some() {
        let [range, mark] = ["assets.range", "assets.mark"].map(|id| app.keymap.shown(id));
        parts.push((format!("range: move, then {range} or {mark}"), Role::Mark));
    }
    if let Some(what) = narrowed(state) {
        parts.push((what, Role::Accent));
    }
    if let Some(loading) = &state.loading {
        let (glyph, waited) = spinner(app, loading.since);
        let what = match &loading.kind {
            LoadKind::First => "reading the list".to_owned(),
            LoadKind::More => "reading the next page".to_owned(),
            LoadKind::All => "reading every page, esc stops".to_owned(),
            LoadKind::Check => "asking the server".to_owned(),
            LoadKind::Refresh { gathered, .. } if gathered.is_empty() => "reading again".to_owned(),
            LoadKind::Refresh { gathered, .. } => {
                format!("reading again, {}", text::len(gathered.len()))
            }
        };
        parts.push((format!("{glyph} {what}, {waited}"), Role::Info));
    }
    parts
}

/// `12 of 500 loaded, more on the server`: honest about what the filter has seen.
fn counted(state: &AssetsState, asks: &str) -> String {
    let loaded = text::len(state.rows.len());
    let more = match (&state.next_cursor, state.total) {
        (Some(_), Some(total)) => format!(" of {} on the server", text::count(total)),
        (Some(_), None) => ", more on the server".to_owned(),
        (None, _) => String::new(),
    };
    let hint = if state.filter_field.is_some() && state.next_cursor.is_some() {
        format!(": {asks} asks it")
    } else {
        String::new()
    };
    if state.filter.is_empty() {
        match &state.next_cursor {
            Some(_) => format!("{loaded} loaded{more}{hint}"),
            None => text::plural(state.rows.len(), "asset"),
        }
    } else {
        format!("{} of {loaded} loaded{more}{hint}", text::len(state.view.len()))
    }
}

fn narrowed(state: &AssetsState) -> Option<String> {
    Some(match &state.query {
        ListQuery::Resources { prefix: Some(prefix), .. } => {
            format!("under {}", text::shown(prefix))
        }
        ListQuery::Resources { resource_type, delivery_type, .. } => {
            let words = [resource_type.as_str(), delivery_type.as_str()];
            return (words != ["image", "upload"]).then(|| words.join(" "));
        }
        ListQuery::Tag { tag, .. } => format!("tagged {}", text::shown(tag)),
        ListQuery::Folder { folder } => format!("filed in {}", text::shown(folder)),
        ListQuery::Search { expression } => format!("search {}", text::shown(expression)),
    })
}

/// What stands where no row is.
fn nothing(app: &App, pen: &mut Pen<'_>, area: Rect) {
    let state = &app.assets;
    let area =
        Rect { y: area.y + area.height.min(4) / 4, height: area.height.saturating_sub(1), ..area };
    if let Some(failure) = &state.failure {
        let used = pen.paragraph(area, &failure.headline, Role::Bad);
        let rest = Rect { y: area.y + used, height: area.height.saturating_sub(used), ..area };
        let used = used + pen.paragraph(rest, &failure.hint, Role::Text);
        let rest = Rect { y: area.y + used, height: area.height.saturating_sub(used), ..area };
        let again = format!("{} tries again", app.keymap.shown("assets.refresh"));
        pen.paragraph(rest, &again, Role::Dim);
        return;
    }
    let (head, hint) = if state.loading.is_some() {
        (format!("reading the assets of {}", text::shown(&app.env.setup.cloud_name)), String::new())
    } else if !state.rows.is_empty() {
        let back = app.keymap.shown("app.back");
        ("nothing that is loaded matches".to_owned(), format!("{back} drops the filter"))
    } else if state.is_narrowed() {
        let back = app.keymap.shown("app.back");
        ("the server has nothing that matches".to_owned(), format!("{back} shows everything"))
    } else {
        let kind = app.keymap.shown("assets.kind");
        ("no assets of this type".to_owned(), format!("{kind} shows the next type"))
    };
    pen.paragraph(area, &head, Role::Dim);
    let rest = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    pen.paragraph(rest, &hint, Role::Dim);
}

/// One key a column of the list on screen.
pub fn sort_menu(app: &App, pen: &mut Pen<'_>, area: Rect) {
    let offered = SortBy::of(app.screen);
    let rows: Vec<_> = app
        .keymap
        .of(Scope::SortMenu)
        .filter_map(|(command, keys)| match command.run {
            Run::Plain(Action::Sort(by)) if offered.contains(&by) => Some((by, keys)),
            _ => None,
        })
        .collect();
    let height = u16::try_from(rows.len()).unwrap_or(0) + 3;
    let area = layout::centred(area, 44, height);
    let inside = popup(pen, area, "Sort by", Role::Title);
    let (by, reverse) = app.sorted();
    let glyphs = pen.theme.glyphs;
    for (y, (column, keys)) in (inside.y..inside.bottom()).zip(rows) {
        let key = keys.first().map_or_else(String::new, ToString::to_string);
        pen.put(inside.x + 1, y, 3, &key, Role::Key);
        let sorted = column == by;
        let role = if sorted { Role::Strong } else { Role::Text };
        let x = pen.put(
            inside.x + 5,
            y,
            inside.width.saturating_sub(5),
            column.words(app.screen),
            role,
        );
        if sorted {
            let arrow = if reverse { glyphs.up } else { glyphs.down };
            pen.put(x + 1, y, 1, arrow, Role::Accent);
        }
    }
    if inside.height > 0 {
        pen.put(
            inside.x + 1,
            inside.bottom() - 1,
            inside.width,
            "the same key again reverses",
            Role::Dim,
        );
    }
}
