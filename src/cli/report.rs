//! `allclear report`: the story of one invalidation, for the post-mortem.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde_json::{Value, json};

use super::args::{Report, ReportFormat};
use super::exit::Exit;
use super::failure::Failure;
use super::json;
use super::output::Output;
use crate::domain::invalidation::Item;
use crate::domain::snapshot::{CurvePoint, PlaceRow, Regression, TimelineEntry, UrlRow};
use crate::domain::text::clean;
use crate::domain::time::{Timestamp, duration_ms};
use crate::domain::verdict::Expectation;
use crate::ops::postmortem::{self, PostMortem};
use crate::ports::journal::Journal;

/// Writes the report of what `args` names.
///
/// # Errors
/// The journal's; a file that is there already or cannot be written.
pub async fn run(
    output: &Output,
    journal: &dyn Journal,
    now: Timestamp,
    args: &Report,
) -> Result<Exit, Failure> {
    let found = postmortem::read(journal, journal.find(&args.id).await?).await?;
    let format = if output.style.json { ReportFormat::Json } else { args.format };
    let document = || {
        found.document(now).only(&args.columns).map_err(|(name, known)| {
            Failure::usage(
                format!("no column `{}`", clean(&name)),
                format!("there are {}", known.join(", ")),
            )
        })
    };
    let text = match format {
        ReportFormat::Md => postmortem::markdown(&document()?),
        ReportFormat::Html => postmortem::html(&document()?),
        ReportFormat::Json if !args.columns.is_empty() => {
            let what = "--columns is for tables: JSON has every field";
            return Err(Failure::usage(what, "leave --columns away, or use --format md"));
        }
        ReportFormat::Json => format!("{}\n", output.object(value(&found))),
    };
    match &args.output {
        None => output.line(text.trim_end())?,
        Some(path) => {
            write_new(path, &text)?;
            output.say(&format!("the report is in {}", clean(&path.to_string_lossy())));
        }
    }
    Ok(Exit::Done)
}

/// Never over something that is there: a report may name what nobody else should read.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let mut open = std::fs::OpenOptions::new();
    let written = open
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.map_err(|error| {
        let shown = path.to_string_lossy();
        Failure::usage(
            format!("the report cannot be written to {}: {error}", clean(&shown)),
            "name a new file in a folder that you may write to",
        )
    })
}

fn value(found: &PostMortem) -> Value {
    let mut value = json::row(&found.row);
    let picture = found.picture();
    let rest = json!({
        "outcome": found.word(),
        "confidence": found.invalidation.terms.confidence.as_str(),
        "items": found.invalidation.items.iter().map(item).collect::<Vec<_>>(),
        "not_covered": json::not_covered(&found.invalidation.not_covered),
        "miss_chance": picture.map(|it| it.miss_chance),
        "probes": picture.map(json::probes),
        "purged_again": picture
            .map(|it| it.purged_again.iter().map(|at| json::time(*at)).collect::<Vec<_>>()),
        "interrupted": picture.is_some_and(|it| it.interrupted),
        "by_place": picture.map_or_else(Vec::new, |it| it.places.iter().map(place).collect()),
        "urls": picture.map_or_else(Vec::new, |it| it.urls.iter().map(url).collect()),
        "not_clear": picture.map_or_else(|| json!([]), json::not_clear),
        "regressions": picture
            .map_or_else(Vec::new, |it| it.regressions.iter().map(regression).collect()),
        "curve": picture.map_or_else(Vec::new, |it| it.curve.iter().map(point).collect()),
        "timeline": picture.map_or_else(Vec::new, |it| it.timeline.iter().map(entry).collect()),
    });
    if let (Value::Object(value), Value::Object(rest)) = (&mut value, rest) {
        value.extend(rest);
    }
    value
}

fn item(item: &Item) -> Value {
    json!({
        "asset": clean(&item.key.to_string()),
        "to": item.to.as_ref().map(|to| clean(&to.to_string()).into_owned()),
        "state": item.state.as_str(),
        "sent_at": item.sent_at.map(json::time),
        "message": item.message.as_deref().map(clean),
    })
}

fn place(place: &PlaceRow) -> Value {
    json!({
        "place": clean(&place.id.0),
        "pop": place.pop.as_deref().map(clean),
        "city": place.city.as_deref().map(clean),
        "state": place.state,
        "clear": place.clear,
        "cells": place.cells,
        "saw_old": place.saw_old,
        "cleared_after_ms": place.cleared_after.map(duration_ms),
    })
}

fn url(url: &UrlRow) -> Value {
    json!({
        "url": clean(&url.url),
        "asset": clean(&url.asset),
        "covered": url.covered,
        "expectation": url.expectation.map(Expectation::as_str),
    })
}

fn regression(back: &Regression) -> Value {
    json!({
        "at": json::time(back.at),
        "place": clean(&back.place.0),
        "url": clean(&back.url),
        "why": clean(&back.why),
    })
}

fn point(point: &CurvePoint) -> Value {
    json!({ "after_ms": duration_ms(point.after), "clear": point.clear, "total": point.total })
}

fn entry(entry: &TimelineEntry) -> Value {
    json!({ "at": json::time(entry.at), "text": clean(&entry.text) })
}
