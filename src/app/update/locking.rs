//! The lock of the profile is closed and opened.

use crate::app::command_line::CommandLine;
use crate::app::effect::Effect;
use crate::app::lock::Lock;
use crate::app::state::{App, Overlay};

/// Orders are planned and not sent from now on.
pub(super) fn lock(app: &mut App) -> Vec<Effect> {
    app.env.lock = Lock::Locked;
    app.env.say("locked: orders are planned and not sent");
    vec![Effect::Lock]
}

/// Opens for a while, by the name of the cloud alone.
pub(super) fn unlock(app: &mut App, typed: &str) -> Vec<Effect> {
    if app.env.lock == Lock::None {
        app.env.say("this profile is not locked");
        return vec![];
    }
    if typed.trim() != app.env.setup.cloud_name {
        let again = format!("{} asks again", app.keymap.shown("app.unlock"));
        app.env.bad("that is not the name of the cloud: it stays locked", again);
        return vec![];
    }
    app.env.lock = Lock::opened(app.env.moment);
    let shuts = format!("{} or `:lock` locks it again", app.keymap.shown("app.unlock"));
    app.env.good("unlocked for 15 minutes", shuts);
    vec![Effect::Unlock(typed.trim().to_owned())]
}

/// What opens it, for refusals.
pub(super) fn how_to_unlock(app: &App) -> String {
    let key = app.keymap.shown("app.unlock");
    format!("{key} and the name of the cloud unlock it for 15 minutes")
}

/// The command line with `unlock ` in it: the name of the cloud is still to be typed.
pub(super) fn ask_to_unlock(app: &mut App) -> Vec<Effect> {
    let field = tui_input::Input::new("unlock ".to_owned());
    app.open_overlay(Overlay::CommandLine(CommandLine { field, ..CommandLine::default() }));
    vec![]
}
