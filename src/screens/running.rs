//! An order under way: progress with rate and time left, failures, and how it ended.

use std::time::Duration;

use ratatui::layout::Rect;

use crate::app::state::{App, Job, JobEnd};
use crate::domain::time::Moment;
use crate::ui::pen::Pen;
use crate::ui::theme::Role;
use crate::ui::widgets::bar::bar;
use crate::ui::widgets::hints::hints;
use crate::ui::widgets::popup::{divide, popup};
use crate::ui::{layout, text};

/// Calls settled a second so far, and how long the rest takes at that rate.
#[must_use]
pub fn pace(job: &Job, now: Moment) -> Option<(f64, Duration)> {
    let spent = now.since(job.since).as_secs_f64();
    if job.done == 0 || spent <= 0.0 {
        return None;
    }
    let rate = job.done as f64 / spent;
    let left = job.total.saturating_sub(job.done) as f64 / rate;
    Some((rate, Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX)))
}

/// Columns of the dialog.
const WIDTH: u16 = 76;

/// Draws the dialog of an order under way.
pub fn draw(app: &App, pen: &mut Pen<'_>, job: &Job, area: Rect) {
    let said = said(job);
    let wide = usize::from(area.width.min(WIDTH).saturating_sub(4));
    let lines = said.iter().map(|(line, _)| text::wrap(line, wide).len()).sum::<usize>();
    let said_rows = u16::try_from(lines).unwrap_or(u16::MAX).clamp(1, 6);
    let failures = u16::try_from(job.failures.len()).unwrap_or(u16::MAX).min(12);
    let list = if failures > 0 { failures + 1 } else { 0 };
    let area = layout::centred(area, WIDTH, 7 + said_rows + list);
    let title = format!("{} {}", capital(job.verb.as_str()), job.label);
    let inside = popup(pen, area, &title, Role::Title);
    let (body, keys) = layout::split_bottom(inside, 1);
    let (body, ruled) = layout::split_bottom(body, 1);
    divide(pen, area, ruled.y);
    bar(pen, body.x, body.y, body.width, job.done, job.total);
    pen.put(body.x, body.y + 1, body.width, &status(app, job), Role::Text);
    let mut rest = layout::split_top(body, 2).1;
    for (line, role) in said {
        let used = pen.paragraph(rest, &line, role);
        rest = layout::split_top(rest, used).1;
    }
    for (line, (asset, why)) in (body.y + 3 + said_rows..body.bottom()).zip(&job.failures) {
        let parts = [(pen.theme.glyphs.outdated, Role::Bad), (" ", Role::Text)];
        let x = pen.parts(body.x, line, body.width, &parts);
        let x = pen.put(x, line, body.width / 2, asset, Role::Strong);
        pen.put(x + 1, line, body.right().saturating_sub(x + 1), why, Role::Text);
    }
    hints(pen, keys, &keys_of(app, job));
}

/// How it ended and what to do next, or that it is being stopped.
fn said(job: &Job) -> Vec<(String, Role)> {
    match &job.ended {
        Some(end) => ending(end),
        None if job.cancelling => {
            let line = "stopping: calls in flight are finished, the rest is skipped";
            vec![(line.to_owned(), Role::Warning)]
        }
        None => vec![],
    }
}

fn keys_of(app: &App, job: &Job) -> Vec<(String, &'static str)> {
    let mut keys = Vec::new();
    if job.invalidation.is_some() {
        keys.push((app.keymap.shown("running.watch"), "watch the caches"));
    }
    if job.ended.is_none() && !job.cancelling {
        keys.push((app.keymap.shown("running.cancel"), "stop"));
    }
    let close = if job.ended.is_some() { "close" } else { "hide; it goes on" };
    keys.push((app.keymap.shown("dialog.close"), close));
    keys
}

/// Rate and time left while calls are made.
fn status(app: &App, job: &Job) -> String {
    if job.ended.is_some() {
        return String::new();
    }
    let spent = text::elapsed(app.env.moment.since(job.since));
    let failed = if job.failed > 0 { format!(", {} failed", job.failed) } else { String::new() };
    match pace(job, app.env.moment) {
        Some((rate, left)) => {
            format!("{spent}, {rate:.1} a second, about {} left{failed}", text::elapsed(left))
        }
        None => format!("{spent}: the journal has the intent, the calls leave{failed}"),
    }
}

fn ending(end: &JobEnd) -> Vec<(String, Role)> {
    match end {
        JobEnd::Refused(failure) => {
            vec![(failure.headline.clone(), Role::Bad), (failure.hint.clone(), Role::Text)]
        }
        JobEnd::Done { accepted, not_found, failed, skipped } => {
            let mut parts = vec![format!("{accepted} accepted")];
            for (count, word) in
                [(not_found, "not found"), (failed, "failed"), (skipped, "skipped")]
            {
                if *count > 0 {
                    parts.push(format!("{count} {word}"));
                }
            }
            let role = if parts.len() > 1 { Role::Warning } else { Role::Good };
            vec![(parts.join(", "), role)]
        }
    }
}

/// A word with a capital, for titles.
#[must_use]
pub fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + chars.as_str())
}
