//! What happens on the Watch screen.

use super::state::{Panel, WatchState};
use crate::app::action::{Action, Motion};
use crate::app::effect::Effect;
use crate::app::key::Key;
use crate::app::state::{Env, Tracked};
use crate::domain::id::InvalidationId;
use crate::domain::snapshot::{Offer, WatchSnapshot};
use crate::screens::ask::Question;
use crate::screens::assets::update::moved;
use crate::ui::{layout, text};

/// Shows an invalidation; the cursor begins at its first cell.
pub fn show(state: &mut WatchState, id: InvalidationId) {
    if state.id != Some(id) {
        *state = WatchState { id: Some(id), panel: state.panel, ..WatchState::default() };
    }
}

/// Moves the cursor over the cells.
pub fn step(state: &mut WatchState, env: &Env, shown: &WatchSnapshot, motion: Motion) {
    let height = usize::from(layout::shell(layout::screen(env.size)).body.height) / 2;
    state.place = moved(state.place, shown.places.len(), height, motion);
}

/// One URL to the left or right.
pub fn sideways(state: &mut WatchState, shown: &WatchSnapshot, by: isize) {
    let last = shown.urls.len().saturating_sub(1);
    state.url = state.url.saturating_add_signed(by).min(last);
}

/// The panel after or before this one.
pub fn turn(state: &mut WatchState, forward: bool) {
    let at = Panel::ALL.iter().position(|panel| *panel == state.panel).unwrap_or(0);
    let count = Panel::ALL.len();
    state.panel = Panel::ALL[(at + if forward { 1 } else { count - 1 }) % count];
}

/// Another watch, in the order of the Pending screen.
pub fn other(state: &mut WatchState, tracked: &[Tracked], forward: bool) {
    if tracked.is_empty() {
        return;
    }
    let at = tracked.iter().position(|row| Some(row.id) == state.id).unwrap_or(0);
    let next = (at + if forward { 1 } else { tracked.len() - 1 }) % tracked.len();
    show(state, tracked[next].id);
}

/// The question before something that is journaled, or why it cannot be asked.
pub fn question(
    state: &WatchState,
    tracked: &Tracked,
    action: &Action,
    opened_by: Option<Key>,
) -> Result<Question, &'static str> {
    if tracked.ended.is_some() {
        return Err("this watch has ended");
    }
    let label = text::shown(&tracked.label).into_owned();
    let ask = |title: String, text: Vec<String>, yes, effect| Question {
        title,
        text,
        yes,
        effects: vec![effect],
        opened_by,
    };
    match (action, &tracked.snapshot) {
        (Action::Abandon, _) => Ok(ask(
            "Give this watch up?".to_owned(),
            vec![
                format!("{} {label}", tracked.verb.as_str()),
                "The caches drop their copies as before; nobody looks any more whether they do. The journal keeps who gave it up.".to_owned(),
            ],
            "give it up",
            Effect::Abandon(tracked.id),
        )),
        (Action::Exclude, Some(shown)) => {
            let place = shown.places.get(state.place).ok_or("there is no place under the cursor")?;
            Ok(ask(
                format!("Leave {} out?", text::shown(&place.id.0)),
                vec![
                    format!("{} {label}", tracked.verb.as_str()),
                    "Its cells no longer count. The result names it as left out by you.".to_owned(),
                ],
                "leave it out",
                Effect::Exclude { watch: tracked.id, place: place.id.clone() },
            ))
        }
        (Action::PurgeAgain, Some(shown)) => {
            let Some(Offer::PurgeAgain { why }) = &shown.offer else {
                return Err("sending it again is not offered now: wait for the caches");
            };
            Ok(ask(
                "Send the invalidation again?".to_owned(),
                vec![
                    format!("{} {label}", tracked.verb.as_str()),
                    text::shown(why).into_owned(),
                    "At most twice for one invalidation. All runs begin again.".to_owned(),
                ],
                "send it again",
                Effect::PurgeAgain(tracked.id),
            ))
        }
        _ => Err("nothing is known of this watch yet"),
    }
}

/// The text to copy: the URL under the cursor.
#[must_use]
pub fn to_copy(state: &WatchState, shown: &WatchSnapshot) -> Option<String> {
    shown.urls.get(state.url).map(|url| url.url.clone())
}
