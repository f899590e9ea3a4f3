//! What happens on the Assets screen.

use std::collections::HashSet;
use std::sync::Arc;

use tui_input::Input;

use super::details;
use super::rows::{Applied, Filter, RowStore, arrange_within};
use super::state::{
    AssetsState, Details, DetailsTab, History, LoadKind, Loading, LookView, Read, everything,
};
use crate::app::action::{Action, Motion, SortBy};
use crate::app::effect::{Effect, Lane, TaskId};
use crate::app::msg::Failure;
use crate::app::state::Env;
use crate::domain::asset::{Asset, AssetKey, ResourceType};
use crate::domain::public_id::PublicId;
use crate::ops::engine::{Looked, Shown};
use crate::ports::cloud::{ListQuery, Page};
use crate::ports::journal::ActivityRow;
use crate::ports::list_copy::ListCopy;
use crate::ui::layout;

/// Lists longer than this are arranged off the loop.
const ARRANGED_AT_ONCE: usize = 50_000;
/// The next page is asked for when so few rows are left below the cursor.
const NEAR_THE_END: usize = 100;

/// Carries out an action of this screen.
pub fn act(state: &mut AssetsState, env: &mut Env, action: Action) -> Vec<Effect> {
    match action {
        Action::Move(motion) if state.details_have_keys(env) => {
            move_in_details(state, env, motion);
            vec![]
        }
        Action::Move(motion) => {
            move_cursor(state, env, motion);
            let mut effects = near_the_end(state, env);
            effects.extend(follow(state, env));
            effects
        }
        Action::Enter | Action::Right => open_details(state, env),
        Action::NextDetails => turn(state, env, true),
        Action::PreviousDetails => turn(state, env, false),
        Action::Details(tab) => show_tab(state, env, tab),
        Action::Look => look(state, env),
        Action::Left if state.details_have_keys(env) => {
            leave_details(state, env);
            vec![]
        }
        Action::Left => to_parent(state, env),
        Action::Back => back(state, env),
        Action::Mark => mark(state, env),
        Action::MarkRange => mark_range(state, env),
        Action::MarkMatches => {
            mark_matches(state, env);
            vec![]
        }
        Action::MarkInvert => {
            let shown: Vec<AssetKey> = shown_keys(state).collect();
            for key in shown {
                toggle(state, key);
            }
            vec![]
        }
        Action::Unmark => {
            state.marks.clear();
            state.marks_in_view = 0;
            state.range_from = None;
            vec![]
        }
        Action::Filter(None) => {
            state.filter_field = Some(Input::new(filter_text(&state.filter)));
            vec![]
        }
        Action::Filter(Some(text)) => {
            set_filter(state, &text);
            vec![]
        }
        Action::Submit => accept_filter(state, env),
        Action::Sort(by) => {
            state.sort = (by, state.sort.0 == by && !state.sort.1);
            state.stale = true;
            vec![]
        }
        Action::Refresh => refresh(state, env),
        Action::More => more(state, env, true),
        Action::NextKind => {
            let next = match state.types().0 {
                ResourceType::Image => ResourceType::Video,
                ResourceType::Video => ResourceType::Raw,
                ResourceType::Raw => ResourceType::Image,
            };
            list(state, env, everything(next))
        }
        Action::List(query) => list(state, env, query),
        _ => vec![],
    }
}

/// The part of the details after or before this one.
fn turn(state: &mut AssetsState, env: &mut Env, forward: bool) -> Vec<Effect> {
    let at = DetailsTab::ALL.iter().position(|tab| *tab == state.tab).unwrap_or(0);
    let count = DetailsTab::ALL.len();
    show_tab(state, env, DetailsTab::ALL[(at + if forward { 1 } else { count - 1 }) % count])
}

fn show_tab(state: &mut AssetsState, env: &mut Env, tab: DetailsTab) -> Vec<Effect> {
    if tab != state.tab
        && let Some(details) = &mut state.details
    {
        details.entry = 0;
    }
    state.tab = tab;
    wanted_history(state, env)
}

/// History is read where it is looked at.
fn wanted_history(state: &mut AssetsState, env: &mut Env) -> Vec<Effect> {
    let Some(key) = state.details.as_ref().map(|details| details.key.clone()) else {
        return vec![];
    };
    let known = state.history.as_ref().is_some_and(|history| history.key == key);
    if state.tab != DetailsTab::History || known {
        return vec![];
    }
    let task = env.task();
    state.history = Some(History { key: key.clone(), task, rows: None });
    vec![Effect::AssetHistory { task, key }]
}

/// What was done to the asset came, or did not.
pub fn history(state: &mut AssetsState, task: TaskId, result: Result<Vec<ActivityRow>, Failure>) {
    if let Some(history) = state.history.as_mut().filter(|history| history.task == task) {
        history.rows = Some(result);
    }
}

/// Asks every place for the URL under the cursor, or for the first.
fn look(state: &mut AssetsState, env: &mut Env) -> Vec<Effect> {
    let entries = current_entries(state);
    let at = state.details.as_ref().map_or(0, |details| details.entry);
    let under = entries.get(at).filter(|entry| entry.reach != details::Reach::None);
    let again = || state.look.as_ref().map(|look| look.url.clone());
    let first = || {
        let shown = state.read_of(&state.details.as_ref()?.key)?.result.as_ref().ok()?;
        shown.urls.first().map(|url| url.url.clone())
    };
    let on_headers = state.tab == DetailsTab::Headers;
    let url = under.map(|entry| entry.copy.clone());
    let Some(url) = url.or_else(|| again().filter(|_| on_headers)).or_else(first) else {
        env.say("its URLs are not known yet");
        return vec![];
    };
    let task = env.task();
    state.look = Some(LookView { url: url.clone(), task, since: env.moment, result: None });
    state.tab = DetailsTab::Headers;
    vec![Effect::Look { task, url }]
}

/// Every place has answered, or nothing could be asked.
pub fn looked(
    state: &mut AssetsState,
    env: &Env,
    task: TaskId,
    result: Result<Arc<Looked>, Failure>,
) {
    if let Some(look) = state.look.as_mut().filter(|look| look.task == task) {
        look.result = Some((env.now, result));
    }
}

/// Entries of the part that is shown.
fn current_entries(state: &AssetsState) -> Vec<details::Entry> {
    let Some(open) = &state.details else { return Vec::new() };
    match state.read_of(&open.key) {
        Some(Read { result: Ok(shown), .. }) => details::entries_of(shown, state.tab),
        _ => Vec::new(),
    }
}

/// From a folder to the one above it.
fn to_parent(state: &mut AssetsState, env: &mut Env) -> Vec<Effect> {
    let Some(folder) = state.prefix().and_then(|prefix| prefix.strip_suffix('/')) else {
        return vec![];
    };
    let prefix = folder.rfind('/').map(|at| folder[..=at].to_owned());
    let (resource_type, delivery_type) = state.types();
    list(state, env, ListQuery::Resources { resource_type, delivery_type, prefix })
}

/// Reads the first page of a question.
pub fn list(state: &mut AssetsState, env: &mut Env, query: ListQuery) -> Vec<Effect> {
    let task = env.task();
    state.loading = Some(Loading { task, kind: LoadKind::First, since: env.moment });
    state.failure = None;
    state.query = query.clone();
    vec![Effect::List { task, query, cursor: None }]
}

/// Reads everything again; what is shown stays until the answer is whole.
pub fn refresh(state: &mut AssetsState, env: &mut Env) -> Vec<Effect> {
    let (task, query) = (env.task(), state.query.clone());
    let kind = if state.rows.is_empty() {
        LoadKind::First
    } else {
        LoadKind::Refresh { wanted: state.rows.len(), gathered: RowStore::default() }
    };
    state.loading = Some(Loading { task, kind, since: env.moment });
    state.failure = None;
    vec![Effect::List { task, query, cursor: None }]
}

/// Longer copies are not read again unasked: that would cost the quota of many calls.
const REFRESHED_UNASKED: usize = 5_000;

/// Shows the beginning of a copy from an earlier time.
pub fn take_copy(state: &mut AssetsState, copy: ListCopy) {
    clear(state);
    (state.rows, state.copied_at) = (copy.rows, Some(copy.at));
}

/// What to ask for where a copy of `count` rows is shown: the rest of it, and the server.
pub fn after_copy(state: &mut AssetsState, env: &mut Env, count: usize) -> Vec<Effect> {
    let (task, query) = (env.task(), state.query.clone());
    let kind = if count <= REFRESHED_UNASKED {
        LoadKind::Refresh { wanted: count, gathered: RowStore::default() }
    } else {
        LoadKind::Check
    };
    state.loading = Some(Loading { task, kind, since: env.moment });
    let rest = (count > state.rows.len()).then(|| Effect::ReadCopy { query: query.clone() });
    rest.into_iter().chain([Effect::List { task, query, cursor: None }]).collect()
}

/// The whole of a copy has been read; it is shown where its beginning is.
pub fn copied(state: &mut AssetsState, query: &ListQuery, copy: ListCopy) {
    if state.copied_at == Some(copy.at) && state.query == *query {
        state.land_on = state.land_on.take().or_else(|| state.key_at(state.cursor));
        (state.rows, state.applied) = (copy.rows, None);
        state.stale = true;
    }
}

/// The first page of what the server has now, beside a long copy: it is the whole list, or says whether that changed.
fn checked(state: &mut AssetsState, env: &mut Env, page: &Page) {
    if page.next_cursor.is_none() {
        state.land_on = state.land_on.take().or_else(|| state.key_at(state.cursor));
        state.rows = RowStore::default();
        state.rows.push_page(&page.assets);
        (state.applied, state.copied_at, state.stale) = (None, None, true);
        state.loaded_at = Some(env.now);
        return;
    }
    let same = page.assets.iter().enumerate().all(|(row, asset)| {
        state.rows.get(row).is_none_or(|shown| {
            (&shown.key, shown.version, shown.bytes) == (&asset.key, asset.version, asset.bytes)
        })
    });
    if !same {
        env.say("the list has changed since this copy of it; refreshing reads it again");
    }
}

/// The list as it is to be kept: read from the server, and not less of it than is kept already.
#[must_use]
pub fn to_keep(state: &AssetsState) -> Option<(ListQuery, ListCopy)> {
    let at = state.loaded_at.filter(|_| state.copied_at.is_none() && !state.is_narrowed())?;
    let (rows, is_whole) = (state.rows.clone(), state.next_cursor.is_none());
    let count = rows.len();
    Some((state.query.clone(), ListCopy { rows, at, count, is_whole }))
}

fn more(state: &mut AssetsState, env: &mut Env, asked: bool) -> Vec<Effect> {
    if asked && state.copied_at.is_some() && state.loading.is_none() {
        return refresh(state, env);
    }
    let Some(cursor) = state.next_cursor.clone() else {
        if asked && state.loading.is_none() {
            env.say("everything is loaded");
        }
        return vec![];
    };
    if state.loading.is_some() {
        return vec![];
    }
    let task = env.task();
    state.loading = Some(Loading { task, kind: LoadKind::More, since: env.moment });
    vec![Effect::List { task, query: state.query.clone(), cursor: Some(cursor) }]
}

/// The next page comes by itself as the cursor nears the end, unless a filter hides most rows or the last try failed.
fn near_the_end(state: &mut AssetsState, env: &mut Env) -> Vec<Effect> {
    let left = state.view.len().saturating_sub(state.cursor);
    if left <= NEAR_THE_END && state.filter.is_empty() && state.failure.is_none() {
        more(state, env, false)
    } else {
        vec![]
    }
}

/// A page came, or did not.
pub fn listed(
    state: &mut AssetsState,
    env: &mut Env,
    task: TaskId,
    result: Result<Page, Failure>,
) -> Vec<Effect> {
    let Some(loading) = state.loading.take_if(|loading| loading.task == task) else {
        return vec![]; // an elder question
    };
    let page = match result {
        Ok(page) => page,
        Err(failure) => {
            if matches!(loading.kind, LoadKind::First) {
                clear(state);
            }
            state.land_on = None;
            state.failure = Some(failure);
            return vec![];
        }
    };
    state.failure = None;
    let next = page.next_cursor;
    match loading.kind {
        LoadKind::First => {
            clear(state);
            state.rows.push_page(&page.assets);
        }
        LoadKind::More => state.rows.push_page(&page.assets),
        LoadKind::Refresh { wanted, mut gathered } => {
            gathered.push_page(&page.assets);
            if let (Some(cursor), true) = (next.clone(), gathered.len() < wanted) {
                let (task, query) = (env.task(), state.query.clone());
                let kind = LoadKind::Refresh { wanted, gathered };
                state.loading = Some(Loading { task, kind, since: loading.since });
                return vec![Effect::List { task, query, cursor: Some(cursor) }];
            }
            let key = state.key_at(state.cursor);
            state.land_on = state.land_on.take().or(key);
            state.rows = gathered;
            (state.applied, state.copied_at) = (None, None);
        }
        LoadKind::Check => {
            checked(
                state,
                env,
                &Page { assets: page.assets, next_cursor: next, total: page.total },
            );
            return vec![];
        }
    }
    state.next_cursor = next;
    state.total = page.total;
    state.loaded_at = Some(env.now);
    state.stale = true;
    vec![]
}

fn clear(state: &mut AssetsState) {
    state.rows = RowStore::default();
    (state.view, state.applied) = (Vec::new(), None);
    (state.cursor, state.offset, state.marks_in_view) = (0, 0, 0);
    (state.next_cursor, state.total) = (None, None);
    (state.range_from, state.copied_at) = (None, None);
    state.stale = true;
}

/// Filters and sorts anew where something changed: at once, or off the loop where the list is long.
pub fn settle(state: &mut AssetsState, env: &mut Env) -> Vec<Effect> {
    if !state.stale {
        return vec![];
    }
    state.stale = false;
    if !state.removed.is_empty() {
        let removed = std::mem::take(&mut state.removed);
        state.land_on = state.land_on.take().or_else(|| neighbour(state, &removed));
        state.rows.remove(&removed);
        state.view = Vec::new(); // its numbers mean other rows now
    }
    let (filter, sort) = (state.filter.clone(), state.sort);
    let applied = Applied {
        filter: filter.clone(),
        sort,
        rows: state.rows.len(),
        generation: state.rows.generation(),
    };
    let narrower = state.applied.as_ref().is_some_and(|it| it.holds(&state.rows, &filter, sort));
    let looked_through = if narrower { state.view.len() } else { state.rows.len() };
    if looked_through > ARRANGED_AT_ONCE {
        let task = env.task();
        state.arranging = Some((task, applied));
        return vec![Effect::Arrange {
            task,
            rows: state.rows.clone(),
            within: narrower.then(|| state.view.clone()),
            filter,
            sort,
            pending: env.pending.clone(),
        }];
    }
    let within = narrower.then_some(state.view.as_slice());
    let view = arrange_within(&state.rows, within, &filter, sort, &env.pending, &|| false);
    state.arranging = None;
    take_view(state, env, applied, view.unwrap_or_default())
}

/// The first asset at or below the cursor that stays, else the last one above it.
fn neighbour(state: &AssetsState, removed: &HashSet<AssetKey>) -> Option<AssetKey> {
    let stays = |at: &usize| state.key_at(*at).is_some_and(|key| !removed.contains(&key));
    let below = (state.cursor..state.view.len()).find(stays);
    let at = below.or_else(|| (0..state.cursor.min(state.view.len())).rev().find(stays))?;
    state.key_at(at)
}

/// Row numbers made off the loop.
pub fn arranged(
    state: &mut AssetsState,
    env: &mut Env,
    task: TaskId,
    view: Vec<u32>,
) -> Vec<Effect> {
    if state.stale {
        return vec![];
    }
    match state.arranging.take_if(|(current, _)| *current == task) {
        Some((_, applied)) => take_view(state, env, applied, view),
        None => vec![],
    }
}

/// Takes a new order of rows; the row under the cursor stays where it is on screen.
fn take_view(
    state: &mut AssetsState,
    env: &mut Env,
    applied: Applied,
    view: Vec<u32>,
) -> Vec<Effect> {
    let landing = state.land_on.is_some();
    let key = state.land_on.take().or_else(|| state.key_at(state.cursor));
    let line = state.cursor.saturating_sub(state.offset);
    (state.view, state.applied) = (view, Some(applied));
    let found = key.as_ref().and_then(|key| state.position_of(key));
    state.cursor = found.unwrap_or(state.cursor).min(state.view.len().saturating_sub(1));
    state.offset = state.cursor.saturating_sub(line);
    state.marks_in_view = marks_in_view(state);
    keep_in_sight(state, env);
    if landing && found.is_none() && state.loading.is_some() {
        state.land_on = key; // it may come with the next page
    }
    let mut effects = near_the_end(state, env);
    effects.extend(follow(state, env));
    effects
}

fn shown_keys(state: &AssetsState) -> impl Iterator<Item = AssetKey> {
    (0..state.view.len()).filter_map(|at| state.key_at(at))
}

/// Names are compared first: few of many rows are marked.
fn marks_in_view(state: &AssetsState) -> usize {
    if state.marks.is_empty() {
        return 0;
    }
    let names: HashSet<&str> = state.marks.iter().map(|key| key.public_id.as_str()).collect();
    (0..state.view.len())
        .filter_map(|at| state.row_at(at))
        .filter(|row| state.rows.name(*row).is_some_and(|name| names.contains(name)))
        .filter(|row| state.rows.key(*row).is_some_and(|key| state.marks.contains(&key)))
        .count()
}

/// Scrolls so that the cursor is seen.
pub fn keep_in_sight(state: &mut AssetsState, env: &Env) {
    let height = layout::list_height(env.size);
    let last = state.view.len().saturating_sub(height);
    state.offset =
        state.offset.clamp((state.cursor + 1).saturating_sub(height), state.cursor).min(last);
}

fn move_cursor(state: &mut AssetsState, env: &Env, motion: Motion) {
    let height = layout::list_height(env.size);
    state.cursor = moved(state.cursor, state.view.len(), height, motion);
    keep_in_sight(state, env);
}

/// Where a cursor is after a motion over `len` things of which `height` are seen.
#[must_use]
pub fn moved(cursor: usize, len: usize, height: usize, motion: Motion) -> usize {
    let last = len.saturating_sub(1);
    let page = i32::try_from(height.saturating_sub(1).max(1)).unwrap_or(i32::MAX);
    let by = match motion {
        Motion::Top => return 0,
        Motion::Bottom => return last,
        Motion::Lines(n) => n,
        Motion::HalfPages(n) => n.saturating_mul((page / 2).max(1)),
        Motion::Pages(n) => n.saturating_mul(page),
    };
    let by = isize::try_from(by).unwrap_or(0);
    cursor.saturating_add_signed(by).min(last)
}

fn move_in_details(state: &mut AssetsState, env: &Env, motion: Motion) {
    let Some(details) = &state.details else { return };
    let entries = match (state.tab, &state.history, &state.look) {
        (DetailsTab::History, Some(History { rows: Some(Ok(rows)), .. }), _) => rows.len(),
        (DetailsTab::Headers, _, Some(LookView { result: Some((_, Ok(looked))), .. })) => {
            looked.looks.len()
        }
        _ => current_entries(state).len(),
    };
    let height = usize::from(layout::shell(layout::screen(env.size)).body.height) / 2;
    let entry = moved(details.entry, entries, height, motion);
    if let Some(details) = &mut state.details {
        details.entry = entry;
    }
}

fn mark(state: &mut AssetsState, env: &mut Env) -> Vec<Effect> {
    if state.range_from.is_some() {
        return mark_range(state, env);
    }
    if let Some(key) = state.key_at(state.cursor) {
        toggle(state, key);
        move_cursor(state, env, Motion::Lines(1));
    }
    let mut effects = near_the_end(state, env);
    effects.extend(follow(state, env));
    effects
}

/// Toggles the mark of an asset that is in view.
fn toggle(state: &mut AssetsState, key: AssetKey) {
    if state.marks.remove(&key) {
        state.marks_in_view -= 1;
    } else {
        state.marks.insert(key);
        state.marks_in_view += 1;
    }
}

fn mark_range(state: &mut AssetsState, env: &mut Env) -> Vec<Effect> {
    match (state.range(), state.key_at(state.cursor)) {
        (Some(range), _) => {
            let keys: Vec<_> = range.filter_map(|at| state.key_at(at)).collect();
            for key in keys {
                if state.marks.insert(key) {
                    state.marks_in_view += 1;
                }
            }
            state.range_from = None;
        }
        (None, Some(key)) if state.range_from.is_none() => {
            state.range_from = Some(key);
        }
        _ => {
            env.say("the beginning of the range is not in view any more");
            state.range_from = None;
        }
    }
    vec![]
}

fn mark_matches(state: &mut AssetsState, env: &mut Env) {
    let keys: Vec<AssetKey> = shown_keys(state).collect();
    let count = keys.len();
    state.marks.extend(keys);
    state.marks_in_view = count;
    let more = if state.next_cursor.is_some() {
        "; what is not loaded is not marked, `:purge --prefix` reaches it"
    } else {
        ""
    };
    env.say(format!("{} marked{more}", crate::ui::text::plural(count, "asset")));
}

fn filter_text(filter: &Filter) -> String {
    filter.text().to_owned()
}

/// Filters by what was typed so far.
pub fn set_filter(state: &mut AssetsState, text: &str) {
    state.filter = Filter::new(text);
    state.stale = true;
}

/// Enter in the filter: kept, and asked on the server where it has more than is loaded.
fn accept_filter(state: &mut AssetsState, env: &mut Env) -> Vec<Effect> {
    state.filter_field = None;
    let Some(needle) = state.filter.needle() else { return vec![] };
    if state.next_cursor.is_none() {
        return vec![];
    }
    let is_prefix = needle.contains('/') || begins_a_name(state, &needle);
    set_filter(state, "");
    let (resource_type, delivery_type) = state.types();
    if !needle.contains([':', '=', '>', '<', '"']) && is_prefix {
        env.say(format!("asking the server for public IDs that begin with {needle}"));
        let prefix = Some(needle);
        return list(state, env, ListQuery::Resources { resource_type, delivery_type, prefix });
    }
    let expression = expression_of(&needle, resource_type);
    env.say(format!("searching the server for {expression}; its index lags by seconds"));
    list(state, env, ListQuery::Search { expression })
}

/// Whether a name that is loaded begins with `needle`: then a listing finds the others, and is current.
fn begins_a_name(state: &AssetsState, needle: &str) -> bool {
    state.rows.names().any(|name| name.starts_with(needle))
}

/// A search expression as typed; plain words as the beginnings of words in names.
fn expression_of(needle: &str, resource_type: ResourceType) -> String {
    if needle.contains([':', '=', '>', '<', '"']) {
        return needle.to_owned();
    }
    let words: Vec<String> = needle
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| format!("{word}*"))
        // alone where there are no words
        .chain([format!("resource_type:{resource_type}")])
        .collect();
    words.join(" AND ")
}

/// Esc: the innermost thing that is open.
fn back(state: &mut AssetsState, env: &mut Env) -> Vec<Effect> {
    if state.filter_field.take().is_some() {
        set_filter(state, "");
    } else if state.range_from.take().is_some() {
    } else if state.details_have_keys(env) && state.in_details && env.size.0 >= layout::WIDE {
        state.in_details = false;
    } else if state.details.is_some() {
        close_details(state);
        return vec![Effect::Drop(Lane::Show)];
    } else if !state.filter.is_empty() {
        set_filter(state, "");
    } else if matches!(&state.loading, Some(loading) if !matches!(loading.kind, LoadKind::First) || !state.is_narrowed())
    {
        state.loading = None;
        env.say("stopped reading; refresh reads again");
        return vec![Effect::Drop(Lane::List)];
    } else if state.is_narrowed() {
        let resource_type = state.types().0;
        return list(state, env, everything(resource_type));
    }
    vec![]
}

fn leave_details(state: &mut AssetsState, env: &Env) {
    if env.size.0 >= layout::WIDE {
        state.in_details = false;
    } else {
        close_details(state);
    }
}

fn close_details(state: &mut AssetsState) {
    state.details = None;
    state.in_details = false;
    state.reading = None;
}

fn open_details(state: &mut AssetsState, env: &mut Env) -> Vec<Effect> {
    let Some(key) = state.subject(env) else { return vec![] };
    state.in_details = true;
    show(state, env, key)
}

/// Opens the details of an asset and reads them where they are not known.
pub fn show(state: &mut AssetsState, env: &mut Env, key: AssetKey) -> Vec<Effect> {
    if state.details.as_ref().is_none_or(|details| details.key != key) {
        state.details = Some(Details { key: key.clone(), entry: 0 });
    }
    if state.look.as_ref().is_some_and(|look| !look.url.contains(key.public_id.as_str())) {
        state.look = None;
    }
    let mut effects = wanted_history(state, env);
    let known = state.read_of(&key).is_some_and(|read| read.result.is_ok());
    let being_read = state.reading.as_ref().is_some_and(|(_, reading, _)| *reading == key);
    if !(known || being_read) {
        effects.extend(read_again(state, env, key));
    }
    effects
}

/// Reads the details of an asset, known or not.
pub fn read_again(state: &mut AssetsState, env: &mut Env, key: AssetKey) -> Vec<Effect> {
    let task = env.task();
    state.reading = Some((task, key.clone(), env.moment));
    vec![Effect::Show { task, key }]
}

/// An open pane follows the cursor. Reading costs a call of the quota, so beyond loopback it waits for enter.
fn follow(state: &mut AssetsState, env: &mut Env) -> Vec<Effect> {
    if state.details.is_none() || state.details_have_keys(env) {
        return vec![];
    }
    let Some(key) = state.key_at(state.cursor) else { return vec![] };
    if env.setup.loopback {
        return show(state, env, key);
    }
    if state.details.as_ref().is_none_or(|details| details.key != key) {
        state.details = Some(Details { key, entry: 0 });
        state.reading = None;
        return vec![Effect::Drop(Lane::Show)];
    }
    vec![]
}

/// Details came, or did not.
pub fn shown(
    state: &mut AssetsState,
    env: &Env,
    task: TaskId,
    key: AssetKey,
    result: Result<Arc<Shown>, Failure>,
) {
    if state.reading.take_if(|(current, ..)| *current == task).is_none() {
        return;
    }
    if let (Ok(shown), Some(row)) = (&result, state.rows.find(&key)) {
        state.rows.replace(row, shown.detail.asset.clone());
    }
    state.keep(Read { key, result, at: env.now });
}

/// A pasted or typed text means this asset: the cursor goes there and its details open.
pub fn land(state: &mut AssetsState, env: &mut Env, key: AssetKey) -> Vec<Effect> {
    state.filter_field = None;
    state.in_details = true;
    let mut effects = Vec::new();
    if state.rows.find(&key).is_some() {
        if !state.filter.matches(key.public_id.as_str()) {
            set_filter(state, "");
        }
        state.stale = true;
    } else {
        set_filter(state, "");
        let (resource_type, delivery_type) = (key.resource_type, key.delivery_type);
        let prefix = Some(key.public_id.to_string());
        let query = ListQuery::Resources { resource_type, delivery_type, prefix };
        effects.extend(list(state, env, query));
    }
    state.land_on = Some(key.clone());
    effects.extend(show(state, env, key));
    effects
}

/// An order was accepted for this asset: what was read of it is old, and the next order is not about it.
pub fn done_with(state: &mut AssetsState, key: &AssetKey) {
    if state.marks.remove(key) {
        state.stale = true; // marks in view are counted anew
    }
    state.forget(key);
    state.history = None; // it has an entry more
}

/// The asset is gone: the list shows it at once.
pub fn deleted(state: &mut AssetsState, key: &AssetKey) {
    if state.details.as_ref().is_some_and(|details| details.key == *key) {
        close_details(state);
    }
    state.removed.insert(key.clone());
    state.stale = true;
}

/// The asset has a new name.
pub fn renamed(state: &mut AssetsState, from: &AssetKey, to: &AssetKey) {
    state.forget(from);
    state.forget(to);
    if from != to && state.rows.find(to).is_some() {
        state.rows.remove(&HashSet::from([to.clone()])); // overwritten
        state.view = Vec::new(); // its numbers mean other rows now
    }
    if let Some(row) = state.rows.find(from)
        && let Some(asset) = state.rows.get(row)
    {
        state.rows.replace(row, Asset { key: to.clone(), secure_url: None, ..asset });
    }
    if let Some(details) = state.details.as_mut().filter(|details| details.key == *from) {
        details.key = to.clone();
    }
    state.land_on = Some(to.clone());
    state.stale = true;
}

/// What is stored under the name changed: what was read of it is old.
pub fn changed(state: &mut AssetsState, env: &mut Env, key: &AssetKey) -> Vec<Effect> {
    read_again(state, env, key.clone())
}

/// The text to copy: of the entry under the cursor, or the public ID.
#[must_use]
pub fn to_copy(state: &AssetsState, env: &Env) -> Option<String> {
    let details = state.details.as_ref().filter(|_| state.details_have_keys(env));
    let entry = details.and_then(|details| match (state.tab, &state.history) {
        (DetailsTab::History, Some(History { rows: Some(Ok(rows)), .. })) => {
            rows.get(details.entry).map(|row| row.operation.command_line.clone())
        }
        (DetailsTab::Headers, _) => state.look.as_ref().map(|look| look.url.clone()),
        _ => current_entries(state).get(details.entry).map(|entry| entry.copy.clone()),
    });
    entry.or_else(|| state.subject(env).map(|key| key.public_id.to_string()))
}

/// Whether `text` could be a public ID at all, for landing on pasted words.
#[must_use]
pub fn could_be_an_asset(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://") || text.parse::<PublicId>().is_ok()
}

/// Whether sorting by the pending mark has to be done again when marks change.
#[must_use]
pub const fn sorts_by_pending(state: &AssetsState) -> bool {
    matches!(state.sort.0, SortBy::Pending)
}
