//! What happens on the Activity screen.

use super::state::ActivityState;
use crate::app::action::Motion;
use crate::app::msg::Failure;
use crate::app::state::Env;
use crate::domain::job::ActRow;
use crate::ports::journal::ActivityRow;
use crate::screens::assets::update::moved;
use crate::ui::layout;

/// Moves the cursor.
pub fn step(state: &mut ActivityState, env: &Env, motion: Motion) {
    let height = layout::list_height(env.size);
    let shown = state.shown();
    let at = moved(state.position(), shown.len(), height, motion);
    state.at = shown.get(at).map(|row| row.operation.id);
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
