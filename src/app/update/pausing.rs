//! What is live stands still and goes on; and what others do in the journal is seen.

use super::read_journal;
use crate::app::effect::Effect;
use crate::app::freshness::Pause;
use crate::app::msg::Failure;
use crate::app::state::App;
use crate::ports::journal::InvalidationRow;
use crate::screens::{activity, jobs as jobs_screen};
use crate::ui::text;

/// The key of it: holds still, or lets go on.
pub(super) fn pause(app: &mut App) -> Vec<Effect> {
    if app.pause.is_some() {
        let mut effects = go_on(app);
        effects.extend(read_journal(app));
        return effects;
    }
    app.pause = Some(Pause::from(app.env.now));
    let key = app.keymap.shown("app.pause");
    app.env.say(format!("what is live stands still; {key} lets it go on. Nothing else stops"));
    vec![]
}

/// Shows what has come meanwhile.
pub(super) fn go_on(app: &mut App) -> Vec<Effect> {
    let Some(pause) = app.pause.take() else { return vec![] };
    app.gather();
    if let Some(result) = pause.activity {
        activity::update::read(&mut app.activity, result);
    }
    match pause.jobs {
        Some(result) => jobs_screen::update::read(&mut app.job_list, &mut app.env, result),
        None => vec![],
    }
}

/// What the journal says of whether anything happened: then it is read.
pub(super) fn pulse(app: &mut App, result: Result<String, Failure>) -> Vec<Effect> {
    match result {
        Ok(now) => {
            let same = app.pulse.as_ref() == Some(&now) && app.journal_failure.is_none();
            app.pulse = Some(now);
            if same { vec![] } else { read_journal(app) }
        }
        Err(failure) => {
            app.dirty |= app.journal_failure.as_ref() != Some(&failure);
            app.journal_failure = Some(failure);
            vec![]
        }
    }
}

/// The first look into the journal: what is not clear yet, whoever began it and wherever that was cut short.
pub(super) fn tell_what_is_open(app: &mut App, open: &[InvalidationRow]) {
    if open.is_empty() || app.env.toast.is_some() {
        return;
    }
    let me = app.env.setup.me.split(' ').next().unwrap_or_default().to_owned();
    let yours = open.iter().filter(|row| row.by == me).count();
    let whose = match (yours, open.len()) {
        (0, _) => String::new(),
        (mine, all) if mine == all => ", yours".to_owned(),
        (mine, _) => format!(", {mine} of them yours"),
    };
    let key = app.keymap.shown("go.pending");
    let what = text::plural(open.len(), "invalidation");
    app.env.say(format!("{what} not clear yet{whose}; {key} shows how far"));
}
