//! What is live stands still and goes on; and what others do in the journal is seen.

use super::read_journal;
use crate::app::effect::{Effect, JobAct};
use crate::app::freshness::Pause;
use crate::app::msg::Failure;
use crate::app::state::{App, Overlay};
use crate::domain::job::{JobRow, JobState};
use crate::ports::journal::InvalidationRow;
use crate::screens::ask::Question;
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
    let me = me(app);
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

/// The operator of this console, as rows of the journal name them.
fn me(app: &App) -> String {
    app.env.setup.me.split(' ').next().unwrap_or_default().to_owned()
}

/// The first look at the jobs: orders of the operator's own whose process is gone go on if the operator says so. Those of
/// others, and those that cannot go on now, are told of.
pub(super) fn ask_about_what_was_cut_short(app: &mut App) {
    let me = me(app);
    let cut = |row: &&JobRow| row.state == JobState::Interrupted;
    let rows: Vec<&JobRow> = app.job_list.rows.iter().filter(cut).collect();
    if rows.is_empty() {
        return;
    }
    let key = app.keymap.shown("go.jobs");
    let mine: Vec<&&JobRow> = rows.iter().filter(|row| row.by == me && row.resumable).collect();
    let shut = app.env.setup.read_only || app.env.is_locked();
    let busy = app.overlay.is_some() || app.filter_field().is_some();
    let calls = text::plural(mine.iter().map(|row| row.counts.intended).sum(), "call");
    if mine.is_empty() || shut || busy {
        let what = text::plural(rows.len(), "order");
        app.env.bad(format!("{what} cut short, with calls not sent"), format!("{key} lists them"));
        return;
    }
    let first = mine[0];
    let label = format!("{} {}", first.operation.verb.as_str(), text::shown(&first.label));
    let effects =
        mine.iter().map(|row| Effect::Job { job: row.operation.id, act: JobAct::Resume }).collect();
    let question = Question {
        title: match mine.len() {
            1 => "An order of yours was cut short: continue?".to_owned(),
            many => format!("{many} orders of yours were cut short: continue?"),
        },
        text: vec![
            if mine.len() == 1 { label } else { format!("{label}, and {} more", mine.len() - 1) },
            format!(
                "{calls} not sent yet. What was accepted stays, and is watched in any case; {key} lists all orders."
            ),
        ],
        yes: "continue",
        effects,
        opened_by: None,
    };
    app.open_overlay(Overlay::Ask(question));
}
