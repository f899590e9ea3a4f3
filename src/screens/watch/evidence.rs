//! The evidence of one cell as it is drawn: every run of equal verdicts with what was received and why it was judged so.

use ratatui::layout::Rect;

use super::state::EvidenceView;
use crate::app::state::App;
use crate::domain::sighting::{AcceptVariant, Answer, ProbeShape};
use crate::domain::time::Timestamp;
use crate::ports::journal::{Evidence, SightingRun};
use crate::screens::shell::{clock, spinner};
use crate::ui::pen::Pen;
use crate::ui::theme::Role;
use crate::ui::widgets::hints::hints;
use crate::ui::widgets::popup::{divide, popup};
use crate::ui::widgets::verdict::face_of;
use crate::ui::{layout, text};

/// The frame of a dialog about one cell, with its URL at the top; the room in the middle, and the line for the keys.
pub fn of_cell(
    pen: &mut Pen<'_>,
    screen: Rect,
    (width, height): (u16, u16),
    title: &str,
    address: &str,
) -> (Rect, Rect) {
    let area = layout::centred(screen, width, height.min(most(screen)));
    let inside = popup(pen, area, title, Role::Title);
    let (body, keys) = layout::split_bottom(inside, 1);
    let url = text::shown(address);
    let url = text::cut_front(&url, usize::from(body.width), pen.theme.glyphs.cut);
    let end = pen.put(body.x, body.y, body.width, &url, Role::Accent);
    pen.link(body.x, body.y, end, address);
    let framed = area.height >= 10;
    if framed {
        divide(pen, area, keys.y.saturating_sub(1));
    }
    let rest = layout::split_top(body, 1).1;
    (Rect { height: rest.height.saturating_sub(u16::from(framed)), ..rest }, keys)
}

/// Rows that a dialog about one cell may have.
#[must_use]
pub fn most(screen: Rect) -> u16 {
    screen.height.saturating_sub(2).max(screen.height.min(8))
}

/// Widest evidence.
const WIDTH: u16 = 110;
/// Rows of the dialog beside those of the evidence: its frame, the URL, and the keys with the line above them.
const AROUND: u16 = 6;

/// Draws the evidence over the screen.
pub fn draw(app: &App, pen: &mut Pen<'_>, view: &EvidenceView, area: Rect) {
    let title = format!("Evidence: {}", text::shown(&view.place.0));
    let told = match &view.runs {
        Some(Ok(runs)) => lines(pen, runs, usize::from(area.width.min(WIDTH).saturating_sub(4))),
        _ => Vec::new(),
    };
    let height = u16::try_from(told.len()).unwrap_or(u16::MAX).max(4).saturating_add(AROUND);
    let (list, keys) = of_cell(pen, area, (WIDTH, height), &title, &view.url);
    match &view.runs {
        None => {
            let (glyph, waited) = spinner(app, view.since);
            pen.put(
                list.x,
                list.y,
                list.width,
                &format!("{glyph} reading the journal, {waited}"),
                Role::Info,
            );
        }
        Some(Err(failure)) => {
            let used = pen.paragraph(list, &failure.headline, Role::Bad);
            pen.paragraph(layout::split_top(list, used).1, &failure.hint, Role::Text);
        }
        Some(Ok(runs)) if runs.is_empty() => {
            pen.paragraph(list, "the journal keeps no sighting of this cell yet", Role::Dim);
        }
        Some(Ok(_)) => {
            let most = told.len().saturating_sub(usize::from(list.height));
            for (y, (line, role)) in
                (list.top()..list.bottom()).zip(told.iter().skip(view.line.min(most)))
            {
                pen.put(list.x, y, list.width, line, *role);
            }
        }
    }
    let hint = [
        (app.keymap.shown("evidence.down"), "more"),
        (app.keymap.shown("evidence.copy"), "copy the URL"),
        (app.keymap.shown("evidence.close"), "close"),
    ];
    hints(pen, keys, &hint);
}

/// Lines there are to scroll over.
#[must_use]
pub fn length(view: &EvidenceView) -> usize {
    match &view.runs {
        Some(Ok(runs)) => runs.len() * 5,
        _ => 0,
    }
}

/// Newest run first: verdict and count, the reason, what was received first and last.
fn lines(pen: &Pen<'_>, runs: &[SightingRun], width: usize) -> Vec<(String, Role)> {
    let mut lines = Vec::new();
    for run in runs.iter().rev() {
        let face = face_of(run.last.judgement.verdict, pen.theme.glyphs);
        let seen = text::plural(usize::try_from(run.sightings).unwrap_or(usize::MAX), "sighting");
        let variant = match run.variant {
            AcceptVariant::None => String::new(),
            other => format!("  Accept: {}", other.header().unwrap_or_default()),
        };
        let head = format!("{} {}  {seen}  {}{variant}", face.glyph, face.word, span(run));
        lines.push((head, face.role));
        let why = run.last.judgement.reason.to_string();
        for line in text::wrap(&text::shown(&why), width.saturating_sub(2)) {
            lines.push((format!("  {line}"), Role::Text));
        }
        let both = run.sightings > 1;
        for (word, evidence) in [("last ", &run.last), ("first", &run.first)] {
            if word == "first" && !both {
                continue;
            }
            let word = if both { word } else { "seen " };
            let separator = format!(" {} ", pen.theme.glyphs.separator);
            let facts = text::flow(&facts(evidence), &separator, width.saturating_sub(9));
            for (at, line) in facts.iter().enumerate() {
                let before = if at == 0 { format!("  {word}  ") } else { " ".repeat(9) };
                lines.push((format!("{before}{line}"), Role::Dim));
            }
        }
    }
    lines
}

fn span(run: &SightingRun) -> String {
    let at = |time: Timestamp| clock(time);
    if run.first_at == run.last_at {
        format!("at {}", at(run.last_at))
    } else {
        format!("{} to {}", at(run.first_at), at(run.last_at))
    }
}

/// What was received: status, cache, age, validators, who answered.
fn facts(evidence: &Evidence) -> Vec<String> {
    let mut facts = Vec::new();
    match &evidence.result {
        Err(failure) => facts.push(text::shown(&failure.to_string()).into_owned()),
        Ok(answer) => facts.extend(received(answer)),
    }
    facts.push(match evidence.shape {
        ProbeShape::OneByte => "asked for one byte".to_owned(),
        ProbeShape::HeadersOnly => "asked for all, read the headers".to_owned(),
        ProbeShape::Body => "body compared".to_owned(),
    });
    facts.push(format!("{} ms", evidence.took.as_millis()));
    facts
}

fn received(answer: &Answer) -> Vec<String> {
    let clean = |raw: &str| text::shown(raw).into_owned();
    let mut facts = vec![format!("status {}", answer.status)];
    facts.push(format!("cache {}", answer.cache.as_str().replace('_', " ")));
    facts.push(answer.age.map_or_else(|| "no Age".to_owned(), |age| format!("Age {age} s")));
    facts.push(match &answer.etag {
        Some(etag) if etag.weak => format!("etag W/{}", clean(&etag.tag)),
        Some(etag) => format!("etag {}", clean(&etag.tag)),
        None => "no etag".to_owned(),
    });
    facts.extend(answer.last_modified.as_ref().map(|at| format!("modified {}", clean(at))));
    facts.extend(answer.total_length.map(text::bytes));
    facts.extend(answer.body_hash.as_ref().map(|hash| {
        let short: String = hash.chars().take(12).collect();
        format!("sha256 {}", clean(&short))
    }));
    facts.extend(answer.error.as_ref().map(|error| format!("x-cld-error {}", clean(error))));
    facts.extend(answer.pop.as_ref().map(|pop| format!("PoP {}", clean(pop))));
    facts.extend(answer.peer.map(|peer| format!("from {peer}")));
    facts
}
