//! What happens on the Assets screen.

use std::collections::HashSet;

use tui_input::Input;

use super::rows::Filter;
use super::state::{AssetsState, LoadKind, everything};
use crate::app::action::{Action, Motion, SortBy};
use crate::app::effect::{Effect, Lane};
use crate::app::state::Env;
use crate::domain::asset::{Asset, AssetKey, ResourceType};
use crate::domain::public_id::PublicId;
use crate::ports::cloud::ListQuery;
use crate::ui::layout;

mod arranging;
mod details;
mod listing;
mod marking;

pub use arranging::{arranged, settle};
pub use details::{history, looked, read_again, show, shown, to_copy};
pub use listing::{after_copy, copied, filed_instead, list, listed, refresh, take_copy, to_keep};

use details::{
    close_details, follow, leave_details, look, move_in_details, open_details, show_tab, turn,
};
use listing::{accept_filter, all, more, near_the_end, to_parent};
use marking::{mark, mark_matches, mark_range, toggle};

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
        Action::LoadAll => all(state, env),
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

fn shown_keys(state: &AssetsState) -> impl Iterator<Item = AssetKey> {
    (0..state.view.len()).filter_map(|at| state.key_at(at))
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

fn filter_text(filter: &Filter) -> String {
    filter.text().to_owned()
}

/// Filters by what was typed so far.
pub fn set_filter(state: &mut AssetsState, text: &str) {
    state.filter = Filter::new(text);
    state.stale = true;
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
