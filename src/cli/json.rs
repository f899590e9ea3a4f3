//! The JSON shapes. Fields are only ever added; words are stable `snake_case`, durations whole milliseconds,
//! times RFC 3339 in UTC. Schema and event name are put in front by [`super::output::Output`].

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};

use crate::adapters::globalping::QuotaNow;
use crate::domain::asset::{Asset, AssetDetail, AssetKey};
use crate::domain::id::InvalidationId;
use crate::domain::invalidation::{Ending, NotCovered};
use crate::domain::place::Place;
use crate::domain::pop;
use crate::domain::purge::{Backup, Confirmation, LeftOut, Plan};
use crate::domain::sighting::Answer;
use crate::domain::snapshot::{Cell, Phase, PlaceState, WatchSnapshot};
use crate::domain::text::clean;
use crate::domain::time::{Timestamp, duration_ms};
use crate::domain::verdict::Verdict;
use crate::ops::engine::{Execution, Look, Shown, ShownUrl};
use crate::ops::tracker::TrackerEvent;
use crate::ports::journal::InvalidationRow;

/// RFC 3339 in UTC with whole milliseconds.
pub fn time(at: Timestamp) -> Value {
    Value::String(format!("{at:.3}"))
}

fn times(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, time)
}

pub fn key(key: &AssetKey) -> Value {
    json!({
        "public_id": clean(key.public_id.as_str()),
        "resource_type": key.resource_type.as_str(),
        "type": key.delivery_type.as_str(),
    })
}

/// An asset, written field by field: listings have a million of them.
#[derive(Serialize)]
pub struct AssetFields<'a> {
    public_id: Cow<'a, str>,
    resource_type: &'a str,
    #[serde(rename = "type")]
    delivery_type: &'a str,
    asset_id: Option<&'a str>,
    format: Option<&'a str>,
    version: u64,
    bytes: u64,
    width: Option<u32>,
    height: Option<u32>,
    etag: Option<&'a str>,
    created_at: Option<String>,
    asset_folder: Option<Cow<'a, str>>,
    display_name: Option<Cow<'a, str>>,
    tags: Vec<Cow<'a, str>>,
    secure_url: Option<Cow<'a, str>>,
    placeholder: bool,
}

pub fn asset(asset: &Asset) -> AssetFields<'_> {
    AssetFields {
        public_id: clean(asset.key.public_id.as_str()),
        resource_type: asset.key.resource_type.as_str(),
        delivery_type: asset.key.delivery_type.as_str(),
        asset_id: asset.asset_id.as_deref(),
        format: asset.format.as_deref(),
        version: asset.version,
        bytes: asset.bytes,
        width: asset.width,
        height: asset.height,
        etag: asset.etag.as_deref(),
        created_at: asset.created_at.map(|at| format!("{at:.3}")),
        asset_folder: asset.asset_folder.as_deref().map(clean),
        display_name: asset.display_name.as_deref().map(clean),
        tags: asset.tags.iter().map(|tag| clean(tag)).collect(),
        secure_url: asset.secure_url.as_deref().map(clean),
        placeholder: asset.placeholder,
    }
}

pub fn shown(shown: &Shown) -> Value {
    let AssetDetail { asset: original, derived, derived_truncated, versions } = &shown.detail;
    json!({
        "asset": asset(original),
        "derived": derived.iter().map(|copy| json!({
            "id": clean(&copy.id),
            "transformation": clean(&copy.transformation),
            "format": copy.format.as_deref().map(clean),
            "bytes": copy.bytes,
            "secure_url": clean(&copy.secure_url),
        })).collect::<Vec<_>>(),
        "derived_truncated": derived_truncated,
        "versions": versions.iter().map(|kept| json!({
            "version_id": clean(&kept.version_id),
            "version": kept.version,
            "bytes": kept.bytes,
            "restorable": kept.restorable,
        })).collect::<Vec<_>>(),
        "urls": shown.urls.iter().map(shown_url).collect::<Vec<_>>(),
        "notes": shown.notes,
    })
}

pub fn shown_url(url: &ShownUrl) -> Value {
    json!({
        "url": clean(&url.url),
        "transformation": clean(&url.transformation),
        "coverage": url.coverage,
        "reason": url.reason,
        "why": clean(&url.why),
        "next_step": clean(&url.next_step),
    })
}

pub fn place(place: &Place) -> Value {
    json!({
        "id": clean(&place.id.0),
        "pop": place.pop.as_deref().map(clean),
        "city": place.city.as_deref().map(clean),
        "provider": clean(&place.provider),
        "vantage": clean(&place.vantage.to_string()),
        "address": place.address.map(|address| address.to_string()),
        "tls": place.tls,
        "host": clean(&place.host),
    })
}

pub fn look(look: &Look) -> Value {
    let answer = look.sighting.result.as_ref().ok();
    json!({
        "place": clean(&look.place.id.0),
        "pop": look.place.pop.as_deref().map(clean),
        "city": look.place.city.as_deref().map(clean),
        "address": look.place.address.map(|address| address.to_string()),
        "verdict": look.judgement.verdict.as_str(),
        "reason": look.judgement.reason.word(),
        "why": clean(&look.judgement.reason.to_string()),
        "variant": look.sighting.variant.as_str(),
        "status": answer.map(|answer| answer.status),
        "cache": answer.map(|answer| answer.cache.as_str()),
        "age": answer.and_then(|answer| answer.age),
        "etag": answer.and_then(|answer| answer.etag.as_ref()).map(|etag| clean(&etag.tag)),
        "bytes": answer.and_then(|answer| answer.total_length),
        "rtt_ms": duration_ms(look.sighting.received.since(look.sighting.sent)),
        "at": time(look.sighting.at),
        "vantage": clean(&look.place.vantage.to_string()),
        "pop_seen": answer.and_then(|answer| answer.pop.as_deref()).map(clean),
        "peer": answer.and_then(|answer| answer.peer).map(|peer| peer.to_string()),
        "weak": answer.and_then(|answer| answer.etag.as_ref()).map(|etag| etag.weak),
        "last_modified": times(answer.and_then(last_modified)),
        "failure": look.sighting.result.as_ref().err().map(|why| clean(&why.to_string()).into_owned()),
        "pop_city": super::pops::of(look).and_then(|code| Some(pop::locate(&code)?.city)),
        "provider": clean(&look.place.provider),
    })
}

/// Tests of the Globalping network, as last told.
pub fn quota(quota: &QuotaNow) -> Value {
    json!({
        "limit": quota.limit,
        "remaining": quota.remaining,
        "kept": quota.kept,
        "resets_in_ms": quota.resets_in.map(duration_ms),
        "credits": quota.credits,
        "spent": quota.spent,
    })
}

/// As far as it is a date.
fn last_modified(answer: &Answer) -> Option<Timestamp> {
    let at = jiff::fmt::rfc2822::parse(answer.last_modified.as_deref()?).ok()?;
    Some(at.timestamp())
}

pub fn plan(plan: &Plan) -> Value {
    let (derived, derived_partly) = plan.derived();
    json!({
        "verb": plan.verb.as_str(),
        "cloud": clean(&plan.cloud_name),
        "items": plan.items.iter().map(|item| json!({
            "asset": key(&item.key),
            "to": item.to.as_ref().map(key),
            "bytes": item.bytes,
            "derived": item.derived,
            "backup": match item.backup {
                Backup::Kept => "kept",
                Backup::None => "none",
                Backup::Unknown => "unknown",
            },
        })).collect::<Vec<_>>(),
        "bytes": plan.bytes(),
        "derived": derived,
        "derived_complete": !derived_partly,
        "api_path": plan.api_path.as_str(),
        "api_path_why": clean(&plan.why),
        "invalidate": plan.invalidate,
        "overwrite": plan.overwrite,
        "calls": { "upload": plan.upload_calls, "admin": plan.admin_calls, "admin_left": plan.quota_left },
        "watched": plan.watched.iter().map(|watched| json!({
            "url": clean(&watched.shown),
            "asset": key(&watched.url.key),
            "coverage": watched.url.coverage.as_str(),
            "of_new_name": watched.of_new_name,
        })).collect::<Vec<_>>(),
        "not_covered": not_covered(&plan.not_covered),
        "attempt_by_url": plan.by_url.len(),
        "duplicates": plan.duplicates,
        "left_out": plan.left_out.iter().map(left_out).collect::<Vec<_>>(),
        "seen_by": plan.seen_by.iter().map(|one| json!({
            "host": clean(&one.host),
            "role": one.role.as_str(),
            "urls": one.urls,
        })).collect::<Vec<_>>(),
        "start_delay_ms": duration_ms(plan.delay),
        "paced_until": times(plan.paced_until),
        "places": plan.places,
        "requests": plan.requests,
        "budget": plan.budget,
        "stuck_after_ms": duration_ms(plan.stuck_after),
        "execution_ms": duration_ms(plan.execution),
        "verification_ms": duration_ms(plan.verification),
        "confidence": plan.confidence.as_str(),
        "sampled_of": plan.sampled_of,
        "sample_misses": plan.sample_misses(),
        "notes": plan.notes.iter().map(|note| clean(note)).collect::<Vec<_>>(),
        "confirmation": {
            "needs": match plan.confirmation {
                Confirmation::Yes => "yes",
                Confirmation::Count(_) => "count",
                Confirmation::CloudName(_) => "cloud_name",
            },
            "word": plan.confirmation.word().as_deref().map(clean),
        },
    })
}

/// Something that was named and is not part of a plan; also an `item` event, in the state `left_out`.
pub fn left_out(left: &LeftOut) -> Value {
    json!({
        "name": clean(&left.name),
        "asset": left.key.as_ref().map(key),
        "state": "left_out",
        "reason": left.reason.as_str(),
        "message": clean(&left.why),
    })
}

pub fn not_covered(urls: &[NotCovered]) -> Value {
    urls.iter()
        .map(|missed| {
            json!({
                "url": clean(&missed.url),
                "reason": missed.reason,
                "next_step": clean(&missed.next_step),
            })
        })
        .collect()
}

/// An `item` event; nothing for the record itself.
pub fn item(execution: &Execution, total: usize) -> Option<Value> {
    match execution {
        Execution::Recorded { .. }
        | Execution::Wait(_)
        | Execution::State(_)
        | Execution::Named { .. }
        | Execution::Pace { .. } => None,
        Execution::Item { item, key: of, state, message, done, failed } => Some(json!({
            "item": item.to_string(),
            "asset": key(of),
            "state": state.as_str(),
            "message": message.as_deref().map(clean),
            "done": done,
            "failed": failed,
            "total": total,
        })),
    }
}

/// A `job` event: it waits, goes on, was paused, held or cancelled.
pub fn job(execution: &Execution, operation: Option<&str>) -> Option<Value> {
    let mut fields = match execution {
        Execution::Wait(wait) => json!({
            "state": if wait.is_some() { "waits" } else { "running" },
            "waiting_until": wait.as_ref().map(|wait| time(wait.until)),
            "waiting_because": wait.as_ref().map(|wait| clean(&wait.because)),
        }),
        Execution::State(state) => json!({ "state": state.as_str() }),
        Execution::Recorded { .. }
        | Execution::Named { .. }
        | Execution::Pace { .. }
        | Execution::Item { .. } => return None,
    };
    fields["operation"] = json!(operation);
    Some(fields)
}

/// The event's name and its fields.
pub fn tracked(event: &TrackerEvent) -> (InvalidationId, &'static str, Value) {
    match event {
        TrackerEvent::Sighting { invalidation, place, url, judgement, clear } => (
            *invalidation,
            "sighting",
            json!({
                "invalidation": invalidation.to_string(),
                "place": clean(&place.0),
                "url": clean(url),
                "verdict": judgement.verdict.as_str(),
                "reason": judgement.reason.word(),
                "why": clean(&judgement.reason.to_string()),
                "clear": clear,
            }),
        ),
        TrackerEvent::Regression { invalidation, place, url, why } => (
            *invalidation,
            "regression",
            json!({
                "invalidation": invalidation.to_string(),
                "place": clean(&place.0),
                "url": clean(url),
                "why": clean(why),
            }),
        ),
        TrackerEvent::Withdrawn { invalidation, place, url } => (
            *invalidation,
            "withdrawn",
            json!({
                "invalidation": invalidation.to_string(),
                "place": clean(&place.0),
                "url": clean(url),
            }),
        ),
    }
}

pub const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Executing => "executing",
        Phase::HoldingBack => "holding_back",
        Phase::ReadingStorage => "reading_storage",
        Phase::Probing => "probing",
        Phase::Quiet => "quiet",
        Phase::Ended => "ended",
    }
}

pub fn places(snapshot: &WatchSnapshot) -> Value {
    json!({
        "reached": snapshot.reached(),
        "unreachable": in_state(snapshot, PlaceState::Unreachable).len(),
    })
}

pub fn cells(snapshot: &WatchSnapshot) -> Value {
    let (clear, total) = snapshot.clear_of_total();
    json!({ "clear": clear, "total": total })
}

/// Names of the places in a state.
pub fn in_state(snapshot: &WatchSnapshot, state: PlaceState) -> Vec<String> {
    let found = snapshot.places.iter().filter(|place| place.state == state);
    found.map(|place| clean(&place.id.0).into_owned()).collect()
}

pub fn progress(snapshot: &WatchSnapshot) -> Value {
    json!({
        "invalidation": snapshot.id.to_string(),
        "phase": phase(snapshot.phase),
        "places": places(snapshot),
        "cells": cells(snapshot),
        "stuck": snapshot.stuck,
        "interrupted": snapshot.interrupted,
        "sentence": clean(&snapshot.sentence),
        "elapsed_ms": duration_ms(snapshot.elapsed()),
        "probes": probes(snapshot),
    })
}

/// Requests to caches: made, needed by a watch without trouble, allowed.
pub fn probes(snapshot: &WatchSnapshot) -> Value {
    json!({
        "spent": snapshot.requests_spent,
        "expected": snapshot.requests_budget,
        "budget": snapshot.requests_most,
    })
}

/// The last line of every stream.
pub struct Outcome<'a> {
    pub invalidation: Option<InvalidationId>,
    pub word: &'static str,
    pub exit_code: u8,
    pub sentence: &'a str,
    pub snapshot: Option<&'a WatchSnapshot>,
    pub not_covered: &'a [NotCovered],
    /// Text for the service's support about those of them that need it.
    pub service_request: Option<String>,
    /// Still followed by the journal: `allclear watch ID` goes on.
    pub open: bool,
    pub failed: usize,
    pub duration_ms: u64,
    pub quota: Option<QuotaNow>,
}

impl Outcome<'_> {
    pub fn value(&self) -> Value {
        let none = || json!({ "reached": 0, "unreachable": 0 });
        json!({
            "invalidation": self.invalidation.map(|id| id.to_string()),
            "outcome": self.word,
            "exit_code": self.exit_code,
            "places": self.snapshot.map_or_else(none, places),
            "cells": self.snapshot.map_or_else(|| json!({ "clear": 0, "total": 0 }), cells),
            "not_covered": not_covered(self.not_covered),
            "regressions": self.snapshot.map_or(0, |snapshot| snapshot.regressions.len()),
            "miss_chance": self.snapshot.map(|snapshot| snapshot.miss_chance),
            "purged_again": self.snapshot.map_or(0, |snapshot| snapshot.purged_again.len()),
            "duration_ms": self.duration_ms,
            "sentence": clean(self.sentence),
            "service_request": self.service_request,
            "open": self.open,
            "failed": self.failed,
            "not_clear": self.snapshot.map_or_else(|| json!([]), not_clear),
            "probes": self.snapshot.map_or(Value::Null, probes),
            "globalping": self.quota.as_ref().map(quota),
            "excluded": self.snapshot.map_or_else(Vec::new, |it| in_state(it, PlaceState::Excluded)),
        })
    }
}

/// Cells that count and are not clear, with their place and URL.
pub fn blocking(snapshot: &WatchSnapshot) -> impl Iterator<Item = (&str, &str, &Cell)> {
    snapshot.places.iter().enumerate().flat_map(move |(place, at)| {
        snapshot.urls.iter().enumerate().filter_map(move |(url, of)| {
            let cell = snapshot.cell(place, url)?;
            (cell.counted && !cell.clear).then_some((at.id.0.as_str(), of.url.as_str(), cell))
        })
    })
}

pub fn not_clear(snapshot: &WatchSnapshot) -> Value {
    blocking(snapshot)
        .map(|(place, url, cell)| {
            json!({
                "place": clean(place),
                "url": clean(url),
                "verdict": cell.verdict.map(Verdict::as_str),
                "reason": cell.reason,
                "why": clean(&cell.why),
            })
        })
        .collect()
}

/// A row of `pending` and `history`.
pub fn row(row: &InvalidationRow) -> Value {
    let picture = row.snapshot.as_ref();
    json!({
        "invalidation": row.id.to_string(),
        "operation": row.operation.id.to_string(),
        "verb": row.operation.verb.as_str(),
        "label": clean(&row.label),
        "cloud": clean(&row.operation.scope.cloud_name),
        "by": clean(&row.by),
        "ssh_client": row.from.as_deref().map(clean),
        "note": row.operation.note.as_deref().map(clean),
        "started_at": time(row.operation.at),
        "tracked_by": row.tracked_by.as_deref().map(clean),
        "phase": picture.map(|it| phase(it.phase)),
        "places": picture.map(places),
        "cells": picture.map(cells),
        "stuck": picture.is_some_and(|it| it.stuck),
        "sentence": picture.map(|it| clean(&it.sentence)),
        "command": clean(&row.operation.command_line),
        "ended": row.ended.as_ref().map(ended),
    })
}

fn ended(ending: &Ending) -> Value {
    json!({
        "outcome": ending.outcome.as_str(),
        "at": time(ending.at),
        "sentence": clean(&ending.sentence),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::place::PlaceId;
    use crate::domain::verdict::{Judgement, Reason};

    /// The events that a run seldom has; those of every run are held against golden files.
    #[test]
    fn events_of_bad_days_have_their_shape() {
        let invalidation: InvalidationId = "0199a3f2-c41d-7000-8000-000000000001".parse().unwrap();
        let (place, url) = (PlaceId("FRA".to_owned()), "https://x.example/a.jpg".to_owned());
        let judgement = Judgement { verdict: Verdict::Outdated, reason: Reason::EarlierContent };
        let events = [
            TrackerEvent::Sighting {
                invalidation,
                place: place.clone(),
                url: url.clone(),
                judgement,
                clear: false,
            },
            TrackerEvent::Regression {
                invalidation,
                place: place.clone(),
                url: url.clone(),
                why: "an older copy came back".to_owned(),
            },
            TrackerEvent::Withdrawn { invalidation, place, url },
        ];
        let lines = events.iter().map(|event| {
            let (of, name, fields) = tracked(event);
            assert_eq!(of, invalidation);
            format!("{name} {fields}")
        });
        insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r#"
        sighting {"invalidation":"0199a3f2-c41d-7000-8000-000000000001","place":"FRA","url":"https://x.example/a.jpg","verdict":"outdated","reason":"earlier_content","why":"serves content this asset had before","clear":false}
        regression {"invalidation":"0199a3f2-c41d-7000-8000-000000000001","place":"FRA","url":"https://x.example/a.jpg","why":"an older copy came back"}
        withdrawn {"invalidation":"0199a3f2-c41d-7000-8000-000000000001","place":"FRA","url":"https://x.example/a.jpg"}
        "#);
    }
}
