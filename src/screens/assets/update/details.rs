//! The details of an asset: its parts, what was read of it, and looks at its URLs.

use std::sync::Arc;

use super::super::details::{Entry, Reach, entries_of};
use super::super::state::{AssetsState, Details, DetailsTab, History, LookView, Read};
use super::moved;
use crate::app::action::Motion;
use crate::app::effect::{Effect, Lane, TaskId};
use crate::app::msg::Failure;
use crate::app::state::Env;
use crate::domain::asset::AssetKey;
use crate::ops::engine::{Looked, Shown};
use crate::ports::journal::ActivityRow;
use crate::ui::layout;

/// The part of the details after or before this one.
pub(super) fn turn(state: &mut AssetsState, env: &mut Env, forward: bool) -> Vec<Effect> {
    let at = DetailsTab::ALL.iter().position(|tab| *tab == state.tab).unwrap_or(0);
    let count = DetailsTab::ALL.len();
    show_tab(state, env, DetailsTab::ALL[(at + if forward { 1 } else { count - 1 }) % count])
}

pub(super) fn show_tab(state: &mut AssetsState, env: &mut Env, tab: DetailsTab) -> Vec<Effect> {
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
pub(super) fn look(state: &mut AssetsState, env: &mut Env) -> Vec<Effect> {
    let entries = current_entries(state);
    let at = state.details.as_ref().map_or(0, |details| details.entry);
    let under = entries.get(at).filter(|entry| entry.reach != Reach::None);
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
fn current_entries(state: &AssetsState) -> Vec<Entry> {
    let Some(open) = &state.details else { return Vec::new() };
    match state.read_of(&open.key) {
        Some(Read { result: Ok(shown), .. }) => entries_of(shown, state.tab),
        _ => Vec::new(),
    }
}

pub(super) fn move_in_details(state: &mut AssetsState, env: &Env, motion: Motion) {
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

pub(super) fn leave_details(state: &mut AssetsState, env: &Env) {
    if env.size.0 >= layout::WIDE {
        state.in_details = false;
    } else {
        close_details(state);
    }
}

pub(super) fn close_details(state: &mut AssetsState) {
    state.details = None;
    state.in_details = false;
    state.reading = None;
}

pub(super) fn open_details(state: &mut AssetsState, env: &mut Env) -> Vec<Effect> {
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
pub(super) fn follow(state: &mut AssetsState, env: &mut Env) -> Vec<Effect> {
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
