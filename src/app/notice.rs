//! News for whoever looks at another window: what is worth a bell, a hook or a webhook.

use std::time::Duration;

use serde_json::{Value, json};

use super::state::App;
use crate::domain::invalidation::Outcome;
use crate::domain::snapshot::WatchSnapshot;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    AllClear,
    /// Ended otherwise.
    Ended,
    Stuck,
    Regression,
    /// The calls of an order are all answered.
    JobDone,
    /// Some of them failed.
    JobFailed,
}

impl Event {
    pub const ALL: [Self; 6] = [
        Self::AllClear,
        Self::Ended,
        Self::Stuck,
        Self::Regression,
        Self::JobDone,
        Self::JobFailed,
    ];

    /// The stable word of configuration and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllClear => "all_clear",
            Self::Ended => "ended",
            Self::Stuck => "stuck",
            Self::Regression => "regression",
            Self::JobDone => "job_done",
            Self::JobFailed => "job_failed",
        }
    }
}

/// One piece of news.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    pub event: Event,
    /// Cleaned, one line.
    pub title: String,
    /// Cleaned, one line.
    pub body: String,
    /// What hooks and webhook get.
    pub json: Value,
    /// How long it took: short waits need no bell.
    pub took: Duration,
}

/// What was told of a watch already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    pub ended: bool,
    pub stuck: bool,
    pub regressions: usize,
}

/// News of a watch since `told`, the most important alone; notes that they were told.
pub fn of_watch(app: &App, watch: &WatchSnapshot, told: &mut Told) -> Option<Notice> {
    let before = *told;
    *told = Told {
        ended: watch.ended.is_some(),
        stuck: watch.stuck,
        regressions: watch.regressions.len(),
    };
    let event = match &watch.ended {
        Some(_) if before.ended => return None,
        Some(ending) if ending.outcome == Outcome::AllClear => Event::AllClear,
        Some(_) => Event::Ended,
        None if watch.regressions.len() > before.regressions => Event::Regression,
        None if watch.stuck && !before.stuck => Event::Stuck,
        None => return None,
    };
    let (word, sentence) = match (&watch.ended, event) {
        (Some(ending), _) => {
            (super::update::outcome_words(ending.outcome), ending.sentence.clone())
        }
        (None, Event::Regression) => (
            "fell back",
            watch
                .regressions
                .last()
                .map_or_else(String::new, |last| format!("{}: {}", last.place, last.why)),
        ),
        (None, _) => ("stuck", watch.sentence.clone()),
    };
    let (clear, total) = watch.clear_of_total();
    let setup = &app.env.setup;
    Some(Notice {
        event,
        title: line(&format!("{word}: {} {}", watch.verb.as_str(), watch.label)),
        body: line(&sentence),
        json: json!({
            "schema": "allclear.notice/1",
            "event": event.as_str(),
            "at": app.env.now.to_string(),
            "profile": setup.profile,
            "cloud_name": setup.cloud_name,
            "invalidation": watch.id.to_string(),
            "verb": watch.verb.as_str(),
            "assets": watch.label,
            "by": watch.by,
            "outcome": watch.ended.as_ref().map(|ending| ending.outcome.as_str()),
            "message": sentence,
            "cells": { "clear": clear, "total": total },
            "regressions": watch.regressions.len(),
            "duration_ms": u64::try_from(watch.elapsed().as_millis()).unwrap_or(u64::MAX),
        }),
        took: watch.elapsed(),
    })
}

/// News of an order whose calls are all answered.
#[must_use]
pub fn of_job(
    app: &App,
    (verb, label): (&str, &str),
    counts: [usize; 4],
    took: Duration,
) -> Notice {
    let [accepted, not_found, failed, skipped] = counts;
    let event = if not_found + failed > 0 { Event::JobFailed } else { Event::JobDone };
    let body =
        format!("{accepted} accepted, {not_found} not found, {failed} failed, {skipped} skipped");
    Notice {
        event,
        title: line(&format!("calls done: {verb} {label}")),
        body: body.clone(),
        json: json!({
            "schema": "allclear.notice/1",
            "event": event.as_str(),
            "at": app.env.now.to_string(),
            "profile": app.env.setup.profile,
            "cloud_name": app.env.setup.cloud_name,
            "verb": verb,
            "assets": label,
            "message": body,
            "items": {
                "accepted": accepted, "not_found": not_found, "failed": failed, "skipped": skipped,
            },
            "duration_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }),
        took,
    }
}

fn line(raw: &str) -> String {
    crate::ui::text::shown(raw).replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::snapshot::Regression;
    use crate::screens::testing::{Console, ended, noon, watch};

    #[test]
    fn each_piece_of_news_is_told_once() {
        let console = Console::with_assets(80, 24);
        let mut told = Told::default();
        let mut tell =
            |watch: &WatchSnapshot| of_watch(&console.app, watch, &mut told).map(|it| it.event);
        let mut shown = watch(3);
        assert_eq!(tell(&shown), None);
        shown.stuck = true;
        assert_eq!(tell(&shown), Some(Event::Stuck));
        assert_eq!(tell(&shown), None);
        shown.regressions.push(Regression {
            place: shown.places[0].id.clone(),
            url: String::new(),
            at: noon(),
            why: "old again".into(),
        });
        assert_eq!(tell(&shown), Some(Event::Regression));
        assert_eq!(tell(&ended(Outcome::AllClear, "done")), Some(Event::AllClear));
        assert_eq!(tell(&ended(Outcome::AllClear, "done")), None);
        let mut told = Told::default();
        let other = of_watch(&console.app, &ended(Outcome::GaveUp, "gave up"), &mut told).unwrap();
        assert_eq!(
            (other.event, other.title.as_str()),
            (Event::Ended, "gave up: delete press/2026/hero")
        );
        assert_eq!(other.json["outcome"], "gave_up");
    }
}
