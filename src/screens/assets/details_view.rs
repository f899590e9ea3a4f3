//! The details of an asset as they are drawn.

use std::time::Duration;

use ratatui::layout::Rect;

use super::details::{Entry, Reach, Section, entries_of};
use super::state::{DetailsTab, Read};
use super::view::version_age;
use super::{details_more, picture};
use crate::app::state::App;
use crate::domain::asset::Asset;
use crate::domain::time::Timestamp;
use crate::ops::engine::Shown;
use crate::screens::shell::spinner;
use crate::ui::pen::Pen;
use crate::ui::theme::{Glyphs, Role};
use crate::ui::{layout, text};

/// Draws the details that are open.
pub fn draw(app: &App, pen: &mut Pen<'_>, area: Rect) {
    let state = &app.assets;
    let Some(open) = &state.details else { return };
    let id = text::shown(open.key.public_id.as_str());
    pen.put(area.x, area.y, area.width, &id, Role::Title);
    let rest = layout::split_top(area, 1).1;
    let listed = state.rows.find(&open.key).and_then(|row| state.rows.get(row));
    match (state.read_of(&open.key), &state.reading) {
        (Some(Read { result: Ok(shown), at, .. }), _) => {
            let used = facts(app, pen, rest, &shown.detail.asset, Some(*at));
            let rest = layout::split_top(rest, used).1;
            let rest = if rest.height > 4 {
                tabs(pen, rest, shown, state.tab);
                layout::split_top(rest, 1).1
            } else {
                rest
            };
            let cursor = state.details_have_keys(&app.env).then_some(open.entry);
            match state.tab {
                DetailsTab::Urls | DetailsTab::Derived => {
                    let entries = entries_of(shown, state.tab);
                    if entries.is_empty() {
                        let line = "nothing was derived from it, and no version is backed up";
                        pen.paragraph(layout::split_top(rest, 1).1, line, Role::Dim);
                    }
                    draw_entries(pen, rest, &entries, cursor);
                }
                DetailsTab::History => details_more::history(app, pen, rest, cursor),
                DetailsTab::Headers => details_more::headers(app, pen, rest, cursor),
                DetailsTab::Picture => picture::draw(app, pen, rest, shown),
            }
        }
        (Some(Read { result: Err(failure), .. }), None) => {
            let rest = layout::split_top(rest, 1).1;
            let used = pen.paragraph(rest, &failure.headline, Role::Bad);
            pen.paragraph(layout::split_top(rest, used).1, &failure.hint, Role::Text);
        }
        (_, reading) => {
            let used = listed.map_or(0, |asset| facts(app, pen, rest, &asset, None));
            let rest = layout::split_top(rest, used + 1).1;
            match reading {
                Some((_, key, since)) if *key == open.key => {
                    let (glyph, waited) = spinner(app, *since);
                    let line = format!("{glyph} reading its URLs and derived assets, {waited}");
                    pen.paragraph(rest, &line, Role::Info);
                }
                _ => {
                    let key = app.keymap.shown("app.open-row");
                    let line = format!("{key} reads its URLs and derived assets (one API call)");
                    pen.paragraph(rest, &line, Role::Dim);
                }
            }
        }
    }
}

/// Parts of the details, this one marked.
fn tabs(pen: &mut Pen<'_>, area: Rect, shown: &Shown, at: DetailsTab) {
    let mut x = pen.put(area.x, area.y, 1, pen.theme.glyphs.line, Role::Border);
    for tab in DetailsTab::ALL {
        let count = match tab {
            DetailsTab::Urls => shown.urls.len(),
            DetailsTab::Derived => shown.detail.derived.len() + shown.detail.versions.len(),
            DetailsTab::History | DetailsTab::Headers | DetailsTab::Picture => 0,
        };
        let wide = area.width >= 46;
        let count = if count > 0 && wide { format!(" {count}") } else { String::new() };
        let role = if tab == at { Role::TabActive } else { Role::Tab };
        let room = area.right().saturating_sub(x + 1);
        x = pen.put(x + 1, area.y, room, &format!("{}{count}", tab.title()), role);
        x += u16::from(wide);
    }
    pen.rule(Rect { x, width: area.right().saturating_sub(x), height: 1, ..area });
}

fn facts(app: &App, pen: &mut Pen<'_>, area: Rect, asset: &Asset, read: Option<Timestamp>) -> u16 {
    let separator = format!(" {} ", pen.theme.glyphs.separator);
    let mut first = vec![format!("{} {}", asset.key.resource_type, asset.key.delivery_type)];
    first.extend(asset.format.as_ref().map(|format| text::shown(format).into_owned()));
    if let (Some(width), Some(height)) = (asset.width, asset.height) {
        first.push(format!("{width}x{height}"));
    }
    first.push(text::bytes(asset.bytes));
    let mut second = vec![format!("version {}", asset.version)];
    let age = version_age(asset, app.env.now);
    if !age.is_empty() {
        second.push(format!("{age} old"));
    }
    if let Some(etag) = &asset.etag {
        second.push(format!("etag {}", text::cut(&text::shown(etag), 9, pen.theme.glyphs.cut)));
    }
    let mut lines = vec![first.join(&separator), second.join(&separator)];
    if !asset.tags.is_empty() {
        lines.push(format!("tags {}", text::shown(&asset.tags.join(", "))));
    }
    if asset.placeholder {
        lines.push("deleted; a backup is kept".to_owned());
    }
    if let Some(at) = read {
        let age = app.env.now.duration_since(at);
        let secs = u64::try_from(age.as_secs()).unwrap_or(0);
        if secs >= 60 {
            lines.push(format!("read {} ago", text::age(Duration::from_secs(secs))));
        }
    }
    let mut used = 0;
    for line in lines {
        let rest = layout::split_top(area, used).1;
        if rest.height == 0 {
            break;
        }
        pen.put(rest.x, rest.y, rest.width, &line, Role::Dim);
        used += 1;
    }
    used
}

/// One drawn line of the entries.
struct Line {
    text: String,
    role: Role,
    glyph: Option<(&'static str, Role)>,
    /// Cut at its front.
    is_url: bool,
    entry: Option<usize>,
}

fn draw_entries(pen: &mut Pen<'_>, area: Rect, entries: &[Entry], cursor: Option<usize>) {
    let lines = entry_lines(pen, entries, usize::from(area.width));
    let height = usize::from(area.height);
    let at = cursor.and_then(|cursor| lines.iter().position(|line| line.entry == Some(cursor)));
    let first = layout::window(at.unwrap_or(0), lines.len(), height);
    for (y, line) in (area.top()..area.bottom()).zip(lines.iter().skip(first)) {
        let here = line.entry.is_some() && line.entry == cursor;
        let mut x = area.x;
        if let Some((glyph, role)) = line.glyph {
            x = pen.put(x, y, 1, glyph, role) + 1;
        } else if line.entry.is_some() {
            x += 2;
        }
        let room = area.right().saturating_sub(x);
        let cut = pen.theme.glyphs.cut;
        let text = if line.is_url {
            text::cut_front(&line.text, usize::from(room), cut)
        } else {
            text::cut(&line.text, usize::from(room), cut)
        };
        let end = pen.put(x, y, room, &text, line.role);
        if let Some(entry) = line.entry.and_then(|at| entries.get(at)).filter(|_| line.is_url) {
            pen.link(x, y, end, &entry.copy);
        }
        if here {
            let row = Rect { y, height: 1, ..area };
            pen.cursor(row, Role::Cursor);
        }
    }
}

/// The name of a section with the number of its entries and, where it has marks, what they mean: as long as there is
/// room for.
fn title(glyphs: &Glyphs, section: Section, count: usize, width: usize) -> String {
    let name = format!("{} ({count})", section.title());
    if section != Section::Urls {
        return name;
    }
    let (reached, not, unsure) = (glyphs.cleared, glyphs.left_out, glyphs.unknown);
    let legend = format!("  {reached} purged  {not} not  {unsure} uncertain");
    let brief = format!("  {reached} purged {not} not {unsure} unsure");
    let ways =
        [format!("{name}{legend}"), format!("{name}{brief}"), format!("URLs ({count}){brief}")];
    ways.into_iter().find(|title| text::width(title) <= width).unwrap_or(name)
}

fn entry_lines(pen: &Pen<'_>, entries: &[Entry], width: usize) -> Vec<Line> {
    let glyphs = pen.theme.glyphs;
    let mut lines = Vec::new();
    let mut section = None;
    for (at, entry) in entries.iter().enumerate() {
        if section != Some(entry.section) {
            section = Some(entry.section);
            let count = entries.iter().filter(|other| other.section == entry.section).count();
            let title = title(glyphs, entry.section, count, width);
            let plain =
                |text: String, role| Line { text, role, glyph: None, is_url: false, entry: None };
            lines.push(plain(String::new(), Role::Text));
            lines.push(plain(title, Role::Heading));
        }
        let glyph = match entry.reach {
            Reach::Covered => Some((glyphs.cleared, Role::Cleared)),
            Reach::NotCovered => Some((glyphs.left_out, Role::Outdated)),
            Reach::Uncertain => Some((glyphs.unknown, Role::Unknown)),
            Reach::None => None,
        };
        let is_url = entry.reach != Reach::None;
        let heads = if is_url {
            vec![entry.head.clone()]
        } else {
            text::wrap(&entry.head, width.saturating_sub(2))
        };
        for (n, head) in heads.into_iter().enumerate() {
            let (text, entry) = if n == 0 { (head, Some(at)) } else { (format!("  {head}"), None) };
            lines.push(Line { text, role: Role::Text, glyph, is_url, entry });
        }
        let word = match entry.reach {
            Reach::NotCovered => Some("not covered: "),
            Reach::Uncertain => Some("uncertain: "),
            Reach::Covered | Reach::None => None,
        };
        for (n, below) in entry.below.iter().enumerate() {
            let text =
                if n == 0 { format!("{}{below}", word.unwrap_or("")) } else { below.clone() };
            for wrapped in text::wrap(&text, width.saturating_sub(4)) {
                let text = format!("    {wrapped}");
                lines.push(Line { text, role: Role::Dim, glyph: None, is_url: false, entry: None });
            }
        }
    }
    lines
}
