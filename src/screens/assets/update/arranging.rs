//! Rows are filtered and sorted: at once, or off the loop where the list is long.

use std::collections::HashSet;

use super::super::rows::{Applied, arrange_from, arrange_within};
use super::super::state::AssetsState;
use super::marking::marks_in_view;
use super::{follow, keep_in_sight, near_the_end};
use crate::app::effect::{Effect, TaskId};
use crate::app::state::Env;
use crate::domain::asset::AssetKey;

/// Lists longer than this are arranged off the loop.
const ARRANGED_AT_ONCE: usize = 50_000;

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
    let as_before = |it: &Applied| it.is_before(&state.rows, &filter, sort);
    if state.arranging.as_ref().is_some_and(|(_, it)| as_before(it)) {
        return vec![]; // what has come since is looked through when that is done
    }
    if state.applied.as_ref().is_some_and(as_before) && state.arranging.is_none() {
        return append(state, env);
    }
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

/// Adds what of the rows that have come since the view was made belongs in it.
fn append(state: &mut AssetsState, env: &mut Env) -> Vec<Effect> {
    let Some(applied) = &mut state.applied else { return vec![] };
    arrange_from(&state.rows, applied.rows, &applied.filter, &mut state.view);
    applied.rows = state.rows.len();
    if state.land_on.is_some() || !state.marks.is_empty() {
        let (applied, view) = (applied.clone(), std::mem::take(&mut state.view));
        return take_view(state, env, applied, view);
    }
    keep_in_sight(state, env);
    let mut effects = near_the_end(state, env);
    effects.extend(follow(state, env));
    effects
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
        Some((_, applied)) => {
            state.stale = applied.rows < state.rows.len();
            take_view(state, env, applied, view)
        }
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
