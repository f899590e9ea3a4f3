//! What happens on the Activity screen.

use tui_input::Input;

use super::state::ActivityState;
use crate::app::action::Motion;
use crate::app::msg::Failure;
use crate::app::state::Env;
use crate::domain::job::ActRow;
use crate::ports::journal::ActivityRow;
use crate::screens::assets::rows::Filter;
use crate::screens::assets::update::moved;
use crate::ui::layout;

/// Moves the cursor.
pub fn step(state: &mut ActivityState, env: &Env, motion: Motion) {
    let height = layout::list_height(env.size);
    let at = moved(state.position(), state.shown().count(), height, motion);
    let id = state.shown().nth(at).map(|row| row.operation.id);
    state.at = id;
}

/// The trail came, or did not.
pub fn read(state: &mut ActivityState, result: Result<(Vec<ActivityRow>, Vec<ActRow>), Failure>) {
    state.is_read = true;
    match result {
        Ok((rows, acts)) => {
            // Without a choice of the operator's the cursor stays on the newest.
            if state.at == state.rows.first().map(|row| row.operation.id) {
                state.at = None;
            }
            (state.rows, state.acts, state.failure) = (rows, acts, None);
        }
        Err(failure) => state.failure = Some(failure),
    }
}

/// Opens the field of the filter.
pub fn open_filter(state: &mut ActivityState) {
    state.filter_field = Some(Input::new(state.filter.text().to_owned()));
}

/// Filters by what was typed so far.
pub fn set_filter(state: &mut ActivityState, text: &str) {
    state.filter = Filter::new(text);
}

/// Leaves the innermost thing that is open; whether there was one.
pub fn back(state: &mut ActivityState) -> bool {
    let open = state.filter_field.take().is_some() || !state.filter.is_empty();
    state.filter = Filter::default();
    open
}
