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

/// Draws the dialog of an order under way.
pub fn draw(app: &App, pen: &mut Pen<'_>, job: &Job, area: Rect) {
    let failures = u16::try_from(job.failures.len()).unwrap_or(u16::MAX).min(12);
    let list = if failures > 0 { failures + 1 } else { 0 };
    let area = layout::centred(area, 76, 8 + list);
    let title = format!("{} {}", capital(job.verb.as_str()), job.label);
    let inside = popup(pen, area, &title, Role::Title);
    let (body, keys) = layout::split_bottom(inside, 1);
    divide(pen, area, keys.y.saturating_sub(1));
    bar(pen, body.x, body.y, body.width, job.done, job.total);
    pen.put(body.x, body.y + 1, body.width, &status(app, job), Role::Text);
    if let Some(end) = &job.ended {
        let (line, role) = ending(end);
        let rest = Rect { y: body.y + 2, height: body.height.saturating_sub(3), ..body };
        let used = pen.paragraph(rest, &line, role);
        if let JobEnd::Refused(failure) = end {
            let rest = Rect { y: rest.y + used, height: rest.height.saturating_sub(used), ..rest };
            pen.paragraph(rest, &failure.hint, Role::Text);
        }
    } else if job.cancelling {
        let line = "stopping: calls in flight are finished, the rest is skipped";
        pen.put(body.x, body.y + 2, body.width, line, Role::Warning);
    }
    for (line, (asset, why)) in (body.y + 4..keys.y.saturating_sub(1)).zip(&job.failures) {
        let parts = [(pen.theme.glyphs.outdated, Role::Bad), (" ", Role::Text)];
        let x = pen.parts(body.x, line, body.width, &parts);
        let x = pen.put(x, line, body.width / 2, asset, Role::Strong);
        pen.put(x + 1, line, body.right().saturating_sub(x + 1), why, Role::Text);
    }
    hints(pen, keys, &keys_of(app, job));
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

fn ending(end: &JobEnd) -> (String, Role) {
    match end {
        JobEnd::Refused(failure) => (failure.headline.clone(), Role::Bad),
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
            (parts.join(", "), role)
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
