//! What the footer offers: what the table of commands says of a scope, less what can be done to nothing that is there, in
//! the words of what is on screen.

use crate::app::action::Screen;
use crate::app::commands::Scope;
use crate::app::keymap::Hint;
use crate::app::state::{App, Overlay};
use crate::screens::watch::Tab;
use crate::ui::layout;

/// Keys and what they do now, the most useful first.
pub fn offered(app: &App, scope: Scope) -> Vec<(String, &'static str)> {
    let mut offered = app.keymap.hints(scope);
    offered.retain(|hint| is_of_use(app, scope, hint.id));
    let mut offered: Vec<_> = offered
        .into_iter()
        .map(|hint| {
            let word = word(app, scope, &hint);
            (hint.key, word)
        })
        .collect();
    if scope == Scope::Details {
        offered.insert(2.min(offered.len()), (app.keymap.shown("app.back"), "back"));
    }
    offered
}

/// Whether a command of this scope has anything to do.
fn is_of_use(app: &App, scope: Scope, id: &str) -> bool {
    let job = || app.job_list.current();
    let watch_goes_on = || app.watched().is_none_or(|watch| watch.ended.is_none());
    match (scope, id) {
        (_, "go.pending") => app.screen != Screen::Pending,
        (_, "go.watch") => app.screen != Screen::Watch,
        (Scope::Watch, "watch.map") => app.watch.tab != Tab::Map,
        (Scope::Watch, "watch.next") => app.tracked.len() > 1,
        (Scope::Watch, "watch.exclude" | "watch.abandon") => watch_goes_on(),
        (Scope::Jobs, "jobs.pause" | "jobs.cancel") => {
            job().is_some_and(|row| !row.state.is_over())
        }
        (Scope::Jobs, "jobs.retry") => {
            job().is_some_and(|row| row.state.is_over() && row.counts.not_done() > 0)
        }
        (Scope::Jobs, "jobs.resume-all") => app.job_list.held() > 0,
        (_, "plan.save" | "word.save") => match &app.overlay {
            Some(Overlay::Order(dialog)) => dialog.is_for_many(),
            _ => true,
        },
        (_, "plan.by-url" | "word.by-url") => match &app.overlay {
            Some(Overlay::Order(dialog)) => dialog.misses(),
            _ => true,
        },
        (_, "running.cancel") => match &app.overlay {
            Some(Overlay::Running(job)) => app.jobs.get(job).is_some_and(|job| job.ended.is_none()),
            _ => true,
        },
        (Scope::Details, "app.open-row") => opens_a_watch(app), // the asset is open
        // on narrow terminals the list is out of sight, and what arranges it as well
        (Scope::Details, "assets.filter" | "assets.sort" | "assets.range" | "assets.folder") => {
            app.env.size.0 >= layout::WIDE
        }
        _ => true,
    }
}

/// What a command is called here.
fn word(app: &App, scope: Scope, hint: &Hint) -> &'static str {
    match (scope, hint.id) {
        (Scope::Watch, "app.open-row") => "evidence",
        (Scope::Details, "app.open-row") => "watch it",
        // everything is loaded: no server is asked
        (Scope::Filter, "filter.accept")
            if app.screen != Screen::Assets || app.assets.next_cursor.is_none() =>
        {
            "keep"
        }
        _ => hint.word,
    }
}

/// Whether the cursor of the details is on something of the past that can be watched.
fn opens_a_watch(app: &App) -> bool {
    app.assets.history_row(&app.env).is_some_and(|row| row.invalidation.is_some())
}
