//! What happens on the Watch screen.

use super::map_tab;
use super::state::{EvidenceView, Tab, WatchState};
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
        *state = WatchState { id: Some(id), tab: state.tab, ..WatchState::default() };
    }
}

/// Moves the cursor over the cells, or scrolls.
pub fn step(state: &mut WatchState, env: &Env, shown: &WatchSnapshot, motion: Motion) {
    let height = usize::from(layout::shell(layout::screen(env.size)).body.height) / 2;
    match state.tab {
        Tab::Matrix | Tab::Map | Tab::Curve => {
            state.place = moved(state.place, shown.places.len(), height, motion);
        }
        Tab::Timeline => {
            let lines = shown.timeline.len() + shown.regressions.len();
            let at = lines.saturating_sub(1).saturating_sub(state.line);
            state.line = lines.saturating_sub(1) - moved(at, lines, height, motion);
        }
        Tab::NotCovered => {
            state.line = moved(state.line, shown.not_covered.len(), height, motion);
        }
    }
}

/// One URL to the left or right; on the map the next place to the west or east.
pub fn sideways(state: &mut WatchState, shown: &WatchSnapshot, by: isize) {
    if state.tab == Tab::Map {
        if let Some(next) = map_tab::beside(shown, state.place, by > 0) {
            state.place = next;
        }
        return;
    }
    let last = shown.urls.len().saturating_sub(1);
    state.url = state.url.saturating_add_signed(by).min(last);
}

/// Another view.
pub const fn turn_to(state: &mut WatchState, tab: Tab) {
    state.tab = tab;
    state.line = 0;
}

/// The view after or before this one.
pub fn turn(state: &mut WatchState, forward: bool) {
    let at = Tab::ALL.iter().position(|tab| *tab == state.tab).unwrap_or(0);
    let count = Tab::ALL.len();
    turn_to(state, Tab::ALL[(at + if forward { 1 } else { count - 1 }) % count]);
}

/// The evidence of the cell under the cursor, asked of the journal.
pub fn open_evidence(
    state: &WatchState,
    env: &mut Env,
    shown: &WatchSnapshot,
) -> Option<(EvidenceView, Effect)> {
    let place = shown.places.get(state.place.min(shown.places.len().saturating_sub(1)))?;
    let url = shown.urls.get(state.url.min(shown.urls.len().saturating_sub(1)))?;
    let mut view = EvidenceView {
        watch: shown.id,
        place: place.id.clone(),
        url: url.url.clone(),
        runs: None,
        reading: None,
        since: env.moment,
        sightings: 0,
        line: 0,
    };
    let effect = ask_evidence(&mut view, env, shown);
    Some((view, effect))
}

/// Asks for it again where the cell was seen since, and nothing is under way.
pub fn refresh_evidence(
    view: &mut EvidenceView,
    env: &mut Env,
    shown: &WatchSnapshot,
) -> Option<Effect> {
    let changed = sightings_of(view, shown) != view.sightings;
    (changed && view.reading.is_none() && shown.id == view.watch)
        .then(|| ask_evidence(view, env, shown))
}

fn ask_evidence(view: &mut EvidenceView, env: &mut Env, shown: &WatchSnapshot) -> Effect {
    let task = env.task();
    (view.reading, view.since) = (Some(task), env.moment);
    view.sightings = sightings_of(view, shown);
    Effect::Evidence { task, watch: view.watch, place: view.place.clone(), url: view.url.clone() }
}

fn sightings_of(view: &EvidenceView, shown: &WatchSnapshot) -> u32 {
    let place = shown.places.iter().position(|place| place.id == view.place);
    let url = shown.urls.iter().position(|url| url.url == view.url);
    let cell = place.zip(url).and_then(|(place, url)| shown.cell(place, url));
    cell.map_or(0, |cell| cell.sightings)
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
