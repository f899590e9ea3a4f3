//! Marks: one, a range, all that match.

use std::collections::HashSet;

use super::super::state::AssetsState;
use super::{follow, move_cursor, near_the_end, shown_keys};
use crate::app::action::Motion;
use crate::app::effect::Effect;
use crate::app::state::Env;
use crate::domain::asset::AssetKey;

/// Names are compared first: few of many rows are marked.
pub(super) fn marks_in_view(state: &AssetsState) -> usize {
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

pub(super) fn mark(state: &mut AssetsState, env: &mut Env) -> Vec<Effect> {
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
pub(super) fn toggle(state: &mut AssetsState, key: AssetKey) {
    if state.marks.remove(&key) {
        state.marks_in_view -= 1;
    } else {
        state.marks.insert(key);
        state.marks_in_view += 1;
    }
}

pub(super) fn mark_range(state: &mut AssetsState, env: &mut Env) -> Vec<Effect> {
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

pub(super) fn mark_matches(state: &mut AssetsState, env: &mut Env) {
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
