//! What happens on the Pending screen.

use super::state::PendingState;
use crate::app::action::Motion;
use crate::app::state::{Env, Tracked};
use crate::screens::assets::update::moved;
use crate::ui::layout;

/// Moves the cursor.
pub fn step(state: &mut PendingState, env: &Env, tracked: &[Tracked], motion: Motion) {
    let height = layout::list_height(env.size);
    let shown = state.shown(tracked);
    let at = moved(state.position(tracked), shown.len(), height, motion);
    state.at = shown.get(at).map(|row| row.id);
}
