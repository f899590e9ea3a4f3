//! The ways out: the quit key and Ctrl-C.

use std::time::Duration;

use super::act;
use crate::app::action::Action;
use crate::app::commands::Scope;
use crate::app::effect::Effect;
use crate::app::key::Key;
use crate::app::state::{App, Overlay};
use crate::screens::ask::Question;
use crate::ui::text;

/// Two Ctrl-C within this time quit.
const TWICE: Duration = Duration::from_secs(2);

pub(super) fn quit(app: &mut App, key: Option<Key>) -> Vec<Effect> {
    let running: Vec<_> = app.running().map(|(_, job)| (job.done, job.total)).collect();
    if running.is_empty() {
        return vec![Effect::Quit];
    }
    let left: usize = running.iter().map(|(done, total)| total - done).sum();
    app.open_overlay(Overlay::Ask(Question {
        title: "Calls are under way: quit?".to_owned(),
        text: vec![format!(
            "{} not answered yet. Calls in flight are finished, the rest is skipped; the journal keeps what was accepted, and watches go on at the next start.",
            text::plural(left, "call")
        )],
        yes: "quit",
        effects: vec![Effect::Quit],
        opened_by: key,
    }));
    vec![]
}

/// Ctrl-C leaves what is open, like esc; twice it quits, whatever is open.
pub(super) fn interrupt(app: &mut App) -> Vec<Effect> {
    let now = app.env.moment;
    if app.interrupted_at.is_some_and(|at| now.since(at) <= TWICE) {
        return vec![Effect::Quit];
    }
    let effects = match app.overlay {
        Some(_) => act(app, Action::Back, None),
        None if app.screen_scope() == Scope::Filter => act(app, Action::Back, None),
        None => vec![],
    };
    app.interrupted_at = Some(now);
    app.env.say("Ctrl-C again quits");
    effects
}
