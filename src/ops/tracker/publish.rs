//! From a watch to the picture that screens and commands show.

use std::time::Duration;

use super::names::{Name, Stage};
use super::watch::Watch;
use crate::domain::asset::AssetKey;
use crate::domain::invalidation::{Ending, ItemState, label_of};
use crate::domain::propagation::{CellRef, MissChance, Standing};
use crate::domain::sighting::AcceptVariant;
use crate::domain::snapshot::{Calls, Cell, Phase, PlaceRow, PlaceState, UrlRow, WatchSnapshot};
use crate::domain::text::clean;
use crate::domain::time::{Moment, Timestamp};
use crate::domain::verdict::Verdict;
use crate::ports::journal::InvalidationRow;

/// Names that a sentence writes out.
const NAMED: usize = 4;
/// Storage that shows no change for this long is said to be unchanged.
const UNCHANGED: Duration = Duration::from_secs(60);

/// The picture of a watch as it is now, or as it ends.
#[must_use]
pub fn snapshot(
    watch: &Watch,
    now: Moment,
    wall: Timestamp,
    ended: Option<Ending>,
) -> WatchSnapshot {
    let invalidation = &watch.invalidation;
    let phase = if ended.is_some() { Phase::Ended } else { phase(watch, now) };
    let sentence = match &ended {
        Some(ending) => ending.sentence.clone(),
        None => sentence(watch, phase, now),
    };
    WatchSnapshot {
        id: watch.id(),
        verb: invalidation.operation.verb,
        scope: invalidation.operation.scope.clone(),
        label: clean(&label_of(&invalidation.items)).into_owned(),
        by: clean(&watch.by).into_owned(),
        note: invalidation.operation.note.as_deref().map(|note| clean(note).into_owned()),
        started_at: invalidation.operation.at,
        taken_at: wall,
        confidence: invalidation.terms.confidence,
        phase,
        calls: calls(watch),
        places: (0..watch.spots.len()).map(|place| place_row(watch, place)).collect(),
        urls: (0..watch.urls.len()).map(|url| url_row(watch, url)).collect(),
        cells: cells(watch),
        not_covered: invalidation.not_covered.clone(),
        regressions: watch.regressions.clone(),
        timeline: watch.timeline.clone(),
        curve: watch.curve.clone(),
        stuck: ended.is_none() && watch.is_stuck(now),
        interrupted: watch.interrupted,
        requests_spent: watch.spent,
        requests_budget: budget(watch),
        requests_most: invalidation.terms.budget,
        sentence,
        offer: if ended.is_some() { None } else { watch.offer(now) },
        ended,
        miss_chance: watch.grid.miss_chance(),
        purged_again: watch.purged_again.clone(),
    }
}

fn calls(watch: &Watch) -> Calls {
    let items = &watch.invalidation.items;
    let count = |state| items.iter().filter(|item| item.state == state).count();
    Calls {
        total: items.len(),
        accepted: count(ItemState::Accepted),
        not_found: count(ItemState::NotFound),
        failed: count(ItemState::Failed),
    }
}

fn place_row(watch: &Watch, place: usize) -> PlaceRow {
    let spot = &watch.spots[place];
    let (clear, cells) = watch.grid.cells_of(place);
    PlaceRow {
        id: spot.place.id.clone(),
        pop: spot.place.pop.clone().or_else(|| spot.pop.as_deref().map(|p| clean(p).into_owned())),
        city: spot.place.city.clone().or_else(|| {
            let located = spot.pop.as_deref().and_then(crate::domain::pop::locate);
            located.map(|found| found.city.to_owned())
        }),
        state: match watch.grid.standing(place) {
            Standing::Waiting => PlaceState::Waiting,
            Standing::Counted => PlaceState::Answering,
            Standing::LeftOut => PlaceState::Unreachable,
            Standing::Excluded => PlaceState::Excluded,
        },
        clear,
        cells,
        last_rtt: spot.last_rtt,
        cleared_after: spot.cleared_after.filter(|_| clear == cells),
        let_go_after: spot.let_go_after.filter(|_| clear == cells),
        saw_old: spot.saw_old,
    }
}

fn url_row(watch: &Watch, url: usize) -> UrlRow {
    let row = &watch.urls[url];
    UrlRow {
        url: row.shown.clone(),
        short: row.short.clone(),
        asset: clean(&row.watched.key.to_string()).into_owned(),
        covered: row.watched.coverage == crate::domain::coverage::Coverage::Covered,
        expectation: row.expectation().or_else(|| watch.names[row.name].watched.expectation()),
    }
}

/// Place by place, each URL's worst variant.
fn cells(watch: &Watch) -> Vec<Cell> {
    let urls = watch.urls.len();
    let positions = (0..watch.spots.len()).flat_map(|place| (0..urls).map(move |url| (place, url)));
    positions.map(|(place, url)| cell(watch, place, url)).collect()
}

fn cell(watch: &Watch, place: usize, url: usize) -> Cell {
    let grid = &watch.grid;
    let worst = grid
        .variants(url)
        .map(|variant| CellRef { place, url, variant })
        .max_by_key(|cell| (badness(grid.track(*cell)), std::cmp::Reverse(cell.variant)));
    let Some(worst) = worst else { return Cell::default() };
    let track = grid.track(worst);
    let last = watch.last_seen(worst);
    let judgement = last.and_then(|last| last.judgement.as_ref());
    let in_play = !grid.is_dropped(url) && !grid.is_blank(place, url);
    Cell {
        counted: in_play && grid.standing(place) == Standing::Counted,
        clear: track.clear && in_play,
        verdict: track.verdict,
        variant: worst.variant,
        variants: count_of(&mut grid.variants(url)),
        clear_variants: count_of(
            &mut grid
                .variants(url)
                .filter(|variant| grid.track(CellRef { place, url, variant: *variant }).clear),
        ),
        reason: judgement.map(|judged| judged.reason.word().to_owned()).unwrap_or_default(),
        why: last.map(|last| last.why.clone()).unwrap_or_default(),
        run: track.run,
        k: grid.k(worst),
        sightings: track.sightings,
        ever_outdated: track.ever_outdated,
        regressed: track.regressed,
        cache: last.map(|last| last.cache).unwrap_or_default(),
        age: last.and_then(|last| last.age),
        status: last.and_then(|last| last.status),
        etag: last.and_then(|last| last.etag.clone()),
        seen_at: last.map(|last| last.at),
    }
}

fn count_of(variants: &mut dyn Iterator<Item = AcceptVariant>) -> u8 {
    u8::try_from(variants.count()).unwrap_or(u8::MAX)
}

/// How much a variant's state matters beside the others'.
fn badness(track: &crate::domain::propagation::CellTrack) -> u8 {
    match track.verdict {
        _ if track.clear => 0,
        Some(Verdict::Cleared | Verdict::Same) => 1,
        None => 2,
        Some(Verdict::Unknown) => 3,
        Some(Verdict::Other) => 4,
        Some(Verdict::Outdated) => 5,
    }
}

/// Requests of a watch without trouble, each reference read twice: before the looks and at the end.
fn budget(watch: &Watch) -> u64 {
    let grid = &watch.grid;
    let places = (0..grid.places())
        .filter(|place| !matches!(grid.standing(*place), Standing::LeftOut | Standing::Excluded));
    let cells = places.clone().map(|place| grid.cells_of(place).1).sum();
    let loopback = watch.invalidation.terms.loopback;
    grid.rule().requests(cells, places.count(), loopback) + 2 * watch.reference_count() as u64
}

fn phase(watch: &Watch, now: Moment) -> Phase {
    let any_open = (0..watch.urls.len()).any(|url| watch.grid.is_open(url));
    let holds_back =
        |name: &Name| matches!(name.stage, Stage::HoldingBack { until } if until > now);
    if watch.is_executing() || watch.purging_again {
        Phase::Executing
    } else if any_open && watch.grid.quiet(now).is_some() {
        Phase::Quiet
    } else if any_open {
        Phase::Probing
    } else if watch.names.iter().any(holds_back) {
        Phase::HoldingBack
    } else {
        Phase::ReadingStorage
    }
}

fn sentence(watch: &Watch, phase: Phase, now: Moment) -> String {
    let text = match phase {
        Phase::Executing => executing(watch),
        Phase::HoldingBack => holding_back(watch, now),
        Phase::ReadingStorage => reading_storage(watch, now),
        Phase::Probing | Phase::Ended => probing(watch, now),
        Phase::Quiet => quiet(watch, now),
    };
    let text = if watch.withdrawn { format!("withdrawn: {text}") } else { text };
    if watch.is_stuck(now) { format!("stuck: {text}") } else { text }
}

fn executing(watch: &Watch) -> String {
    if watch.purging_again {
        return "sending the invalidation again".to_owned();
    }
    let calls = calls(watch);
    let items = &watch.invalidation.items;
    let settled = items.iter().filter(|item| item.state.is_settled()).count();
    format!("{settled} of {} calls answered", calls.total)
}

fn holding_back(watch: &Watch, now: Moment) -> String {
    let left = watch.names.iter().filter_map(|name| match name.stage {
        Stage::HoldingBack { until } => Some(until.since(now)),
        _ => None,
    });
    let left = left.max().unwrap_or_default().as_secs_f64().ceil();
    format!("holding back for {left:.0} s, so that no probe plants the old copy again")
}

fn reading_storage(watch: &Watch, now: Moment) -> String {
    if let Some(trouble) = storage_trouble(watch) {
        return trouble;
    }
    let waiting = watch
        .names
        .iter()
        .filter_map(|name| name.unchanged_for(now).map(|since| (since, &name.watched.key)));
    match waiting.max_by_key(|(since, _)| *since) {
        Some((since, key)) if since >= UNCHANGED => {
            format!("storage has not changed for {} s: {}", since.as_secs(), shown_key(key))
        }
        Some((_, key)) => format!("waiting for storage to show the change of {}", shown_key(key)),
        None => no_places(watch).unwrap_or_else(|| "reading storage".to_owned()),
    }
}

fn probing(watch: &Watch, now: Moment) -> String {
    if let Some(why) = no_places(watch) {
        return why;
    }
    let (clear, total) = watch.grid.clear_of_total();
    if total == 0 {
        return format!("looking at {} places, none has answered yet", watch.spots.len());
    }
    let not_clear_at = watch.not_clear_at();
    let waits = if !not_clear_at.is_empty() {
        format!("waiting for {}", named(&not_clear_at))
    } else if watch.names.iter().any(|name| !name.is_known() && !name.is_dropped()) {
        "waiting for storage".to_owned()
    } else {
        "waiting for the other places to answer".to_owned()
    };
    let outdated = watch.longest_outdated(now).filter(|(_, since)| since.as_secs() >= 10);
    let outdated = outdated.map(|(place, since)| {
        format!("{} serves an old copy for {} s", watch.spots[place].place.id, since.as_secs())
    });
    let parts = [
        Some(format!("{clear} of {total} cells clear")),
        Some(waits),
        outdated,
        storage_trouble(watch),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn quiet(watch: &Watch, now: Moment) -> String {
    let (_, total) = watch.grid.clear_of_total();
    let reached = watch.grid.reached();
    if watch.closing_since().is_some() {
        return storage_trouble(watch)
            .unwrap_or_else(|| "everything seen is clear; reading storage once more".to_owned());
    }
    let left = watch
        .grid
        .quiet(now)
        .map_or(Duration::ZERO, |quiet| quiet.needed.saturating_sub(now.since(quiet.since)));
    // every cell is looked at once, within the limits
    let looks = watch.pace.time_for(watch.grid.quiet_looks_left());
    let rest = match left.max(looks).as_secs_f64().ceil() {
        _ if watch.grid.silent_cells() > 0 => {
            "the last look at some had no answer: asked again".to_owned()
        }
        0.0 => "waiting for the last looks".to_owned(),
        left => format!("looking on for {left:.0} s more"),
    };
    format!("{total} of {total} cells clear at {reached} caches; {rest}")
}

fn no_places(watch: &Watch) -> Option<String> {
    match &watch.places_trouble {
        Some((why, _)) if watch.spots.is_empty() => Some(format!("no place to look at: {why}")),
        _ if !watch.places_known => Some("finding places to look at".to_owned()),
        _ => None,
    }
}

fn storage_trouble(watch: &Watch) -> Option<String> {
    let trouble = watch.names.iter().find_map(|name| name.trouble.as_ref())?;
    Some(format!("waiting for storage: {trouble}"))
}

fn shown_key(key: &AssetKey) -> String {
    clean(&key.to_string()).into_owned()
}

fn named(names: &[String]) -> String {
    let shown = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The picture of an invalidation that another process tracks, or that ended in one: as it left it, else what the
/// journal's list tells.
#[must_use]
pub fn foreign(row: &InvalidationRow, wall: Timestamp) -> WatchSnapshot {
    let ended = row.ended.clone();
    let tracked = row.tracked_by.as_deref().map(|by| clean(by).into_owned());
    let waits = tracked.map_or_else(
        || "waiting to be taken up".to_owned(),
        |by| format!("tracked by {by}; no picture of it yet"),
    );
    let mut snapshot = row.snapshot.clone().unwrap_or_else(|| WatchSnapshot {
        id: row.id,
        verb: row.operation.verb,
        scope: row.operation.scope.clone(),
        label: clean(&row.label).into_owned(),
        by: clean(&row.by).into_owned(),
        note: row.operation.note.as_deref().map(|note| clean(note).into_owned()),
        started_at: row.operation.at,
        taken_at: wall,
        confidence: crate::domain::confidence::Confidence::Normal,
        phase: Phase::Executing,
        calls: Calls::default(),
        places: Vec::new(),
        urls: Vec::new(),
        cells: Vec::new(),
        not_covered: Vec::new(),
        regressions: Vec::new(),
        timeline: Vec::new(),
        curve: Vec::new(),
        stuck: false,
        interrupted: false,
        requests_spent: 0,
        requests_budget: 0,
        requests_most: None,
        sentence: waits,
        ended: None,
        offer: None,
        miss_chance: MissChance::default(),
        purged_again: Vec::new(),
    });
    if let Some(ending) = ended {
        snapshot.phase = Phase::Ended;
        snapshot.sentence.clone_from(&ending.sentence);
        snapshot.offer = None;
        snapshot.stuck = false;
        snapshot.ended = Some(ending);
    }
    snapshot
}
