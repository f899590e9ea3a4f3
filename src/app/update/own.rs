//! Commands of the operator's own: what changes something asks first, and is not run where orders are not taken.

use super::locking::how_to_unlock;
use crate::app::effect::Effect;
use crate::app::key::Key;
use crate::app::own::{MOST, Own};
use crate::app::quoting::shell;
use crate::app::state::{App, Overlay};
use crate::screens::ask::Question;
use crate::ui::text;

/// By its key, `:` or the help.
pub(super) fn begin(app: &mut App, at: usize, key: Option<Key>) -> Vec<Effect> {
    let Some(own) = app.own.get(at).cloned() else { return vec![] };
    if let Some((why, hint)) = refused(app, &own) {
        app.env.bad(format!("{} was not run: {why}", own.name), hint);
        return vec![];
    }
    let (run, count) = match app.own_run(&own) {
        Ok(run) => run,
        Err(why) => {
            app.env.bad(format!("{} was not run: {}", own.name, text::shown(&why)), "");
            return vec![];
        }
    };
    if own.changes && count > MOST {
        let why = format!("{} was not run: {count} assets are marked", own.name);
        app.env.bad(why, format!("a program that changes something gets at most {MOST}"));
        return vec![];
    }
    let words: Vec<String> = run.command.iter().map(|word| shell(word)).collect();
    let line = text::shown(&words.join(" ")).into_owned();
    let effects = vec![Effect::RunOwn(Box::new(run))];
    if !own.changes {
        app.env.say(format!("{}: {line}", own.name));
        return effects;
    }
    let about = match count {
        0 => String::new(),
        count => format!(" It is told of {}.", text::plural(count, "asset")),
    };
    app.open_overlay(Overlay::Ask(Question {
        title: format!("Run {}?", own.name),
        text: vec![
            line,
            format!("A command of your own, run without a shell.{about} allclear does not watch what it changes."),
        ],
        yes: "run it",
        effects,
        opened_by: key,
    }));
    vec![]
}

/// The same guards as for orders: why it is not run, and what to do.
fn refused(app: &App, own: &Own) -> Option<(&'static str, String)> {
    if !own.changes {
        return None;
    }
    if app.env.setup.read_only {
        return Some((
            "this profile is read-only",
            "`changes = false` is for what changes nothing".to_owned(),
        ));
    }
    app.env.is_locked().then(|| ("the profile is locked", how_to_unlock(app)))
}
