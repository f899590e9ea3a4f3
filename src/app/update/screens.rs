//! What an action means on the screen that is shown, and the way from one screen to another.

use super::read_journal;
use crate::app::action::{Action, Screen};
use crate::app::effect::Effect;
use crate::app::key::Key;
use crate::app::state::{App, Overlay, Tracked};
use crate::screens::{activity, assets, jobs as jobs_screen, pending, watch};
use crate::ui::text;

pub(super) fn on_assets(app: &mut App, action: Action) -> Vec<Effect> {
    if action == Action::Enter
        && let Some(id) = app.assets.history_row(&app.env).and_then(|row| row.invalidation)
    {
        watch::update::show(&mut app.watch, id);
        return go(app, Screen::Watch);
    }
    if action == Action::Look
        && app.assets.tab == assets::DetailsTab::Picture
        && app.pictures.are_built()
    {
        return assets::picture::ask(app, true);
    }
    assets::update::act(&mut app.assets, &mut app.env, action)
}

pub(super) fn on_pending(app: &mut App, action: &Action) -> Vec<Effect> {
    match action {
        Action::Move(motion) => {
            pending::update::step(&mut app.pending, &app.env, &app.tracked, *motion);
            vec![]
        }
        Action::Enter | Action::Right => {
            if let Some(tracked) = app.pending.current(&app.tracked) {
                watch::update::show(&mut app.watch, tracked.id);
                app.screen = Screen::Watch;
            }
            vec![]
        }
        Action::Submit => {
            app.pending.list.field = None;
            vec![]
        }
        Action::Back if app.pending.list.back() => vec![],
        Action::Back | Action::Left => go(app, Screen::Assets),
        _ => vec![],
    }
}

/// The list on screen was arranged anew: the cursor stays on its row, and what is told of it follows.
pub(super) fn settled(app: &mut App) -> Vec<Effect> {
    match app.screen {
        Screen::Jobs => jobs_screen::update::read_items(&mut app.job_list, &mut app.env),
        _ => vec![],
    }
}

pub(super) fn on_jobs(app: &mut App, action: &Action, key: Option<Key>) -> Vec<Effect> {
    match action {
        Action::Move(motion) => {
            return jobs_screen::update::step(&mut app.job_list, &mut app.env, *motion);
        }
        Action::Submit => {
            app.job_list.list.field = None;
            return vec![];
        }
        Action::Back if app.job_list.list.back() => return settled(app),
        Action::Back | Action::Left => return go(app, Screen::Assets),
        _ => {}
    }
    let Some(row) = app.job_list.current() else {
        app.env.say("there is no job to do that to");
        return vec![];
    };
    let result = match action {
        Action::PauseJob => jobs_screen::update::pause_or_go_on(row),
        Action::RetryJob if !row.state.is_over() => Err("it is not over yet"),
        Action::RetryJob if row.counts.not_done() == 0 => Err("everything was done"),
        Action::RetryJob => Ok(Effect::RetryJob(row.operation.id)),
        Action::DropJob => match jobs_screen::update::cancel(row, key) {
            Ok(question) => {
                app.open_overlay(Overlay::Ask(question));
                return vec![];
            }
            Err(why) => Err(why),
        },
        Action::Enter | Action::Right => match row.invalidation {
            Some(id) => {
                watch::update::show(&mut app.watch, id);
                return go(app, Screen::Watch);
            }
            None => Err("nothing is watched for it"),
        },
        _ => return vec![],
    };
    result.map_or_else(
        |why| {
            app.env.say(why);
            vec![]
        },
        |effect| vec![effect],
    )
}

pub(super) fn on_activity(app: &mut App, action: &Action) -> Vec<Effect> {
    match action {
        Action::Move(motion) => {
            activity::update::step(&mut app.activity, &app.env, *motion);
            vec![]
        }
        Action::Submit => {
            app.activity.list.field = None;
            vec![]
        }
        Action::Undo => {
            if let Some(row) = app.activity.current() {
                return vec![Effect::Undo(row.operation.id)];
            }
            app.env.say("there is no order to undo");
            vec![]
        }
        Action::Enter | Action::Right => {
            let watch = app.activity.current().map(|row| row.invalidation);
            match watch {
                Some(Some(id)) => {
                    watch::update::show(&mut app.watch, id);
                    go(app, Screen::Watch)
                }
                Some(None) => {
                    app.env.say("nothing was watched for it; all there is stands below the list");
                    vec![]
                }
                None => vec![],
            }
        }
        Action::Back if app.activity.list.back() => vec![],
        Action::Back | Action::Left => go(app, Screen::Assets),
        _ => vec![],
    }
}

pub(super) fn on_watch(app: &mut App, action: &Action) -> Vec<Effect> {
    let shown = app.watch.id.and_then(|id| app.snapshot(id)).cloned();
    match (action, shown) {
        (Action::Back, _) => return go(app, Screen::Assets),
        (Action::NextWatch, _) => watch::update::other(&mut app.watch, &app.tracked, true),
        (Action::PreviousWatch, _) => watch::update::other(&mut app.watch, &app.tracked, false),
        (Action::NextTab, _) => watch::update::turn(&mut app.watch, true),
        (Action::PreviousTab, _) => watch::update::turn(&mut app.watch, false),
        (Action::Enter, Some(shown)) => {
            if let Some((view, effect)) =
                watch::update::open_evidence(&app.watch, &mut app.env, &shown)
            {
                app.open_overlay(Overlay::Evidence(view));
                return vec![effect];
            }
            app.env.say("no cell is under the cursor");
        }
        (Action::Compare, Some(shown)) => return watch::compare::open(app, &shown),
        (Action::Move(motion), Some(shown)) => {
            watch::update::step(&mut app.watch, &app.env, &shown, *motion);
        }
        (Action::Left, Some(shown)) => watch::update::sideways(&mut app.watch, &shown, -1),
        (Action::Right, Some(shown)) => watch::update::sideways(&mut app.watch, &shown, 1),
        _ => {}
    }
    vec![]
}

pub(super) fn watch_by_id(app: &mut App, typed: String) -> Vec<Effect> {
    if typed.contains("://") {
        app.env.say(format!("watching {}", text::shown(&typed)));
        return vec![Effect::WatchUrl { url: typed }];
    }
    let mut found = app.tracked.iter().filter(|tracked| tracked.id.to_string().starts_with(&typed));
    match (found.next(), found.next()) {
        (Some(one), None) => {
            watch::update::show(&mut app.watch, one.id);
            go(app, Screen::Watch)
        }
        (Some(_), Some(_)) => {
            app.env.bad(format!("{typed} fits several watches"), "give more characters");
            vec![]
        }
        (None, _) => {
            app.env
                .bad(format!("no watch begins with {}", text::shown(&typed)), "Pending lists them");
            vec![]
        }
    }
}

/// The invalidation on the Watch screen, else the one under the cursor of Pending.
pub(super) fn chosen(app: &App) -> Option<&Tracked> {
    let id = match app.screen {
        Screen::Watch => app.watch.id,
        _ => app.pending.current(&app.tracked).map(|tracked| tracked.id),
    };
    app.tracked.iter().find(|tracked| Some(tracked.id) == id)
}

pub(super) fn ask(app: &mut App, action: &Action, key: Option<Key>) -> Vec<Effect> {
    let Some(tracked) = chosen(app) else {
        app.env.say("there is no watch to do that to");
        return vec![];
    };
    match watch::update::question(&app.watch, tracked, action, key) {
        Ok(question) => app.open_overlay(Overlay::Ask(question)),
        Err(why) => app.env.say(why),
    }
    vec![]
}

pub(super) fn go(app: &mut App, screen: Screen) -> Vec<Effect> {
    app.screen = screen;
    match screen {
        Screen::Assets => vec![],
        Screen::Pending | Screen::Jobs | Screen::Activity => read_journal(app),
        Screen::Watch => {
            show_newest(app);
            vec![]
        }
    }
}

/// Where no watch was chosen, the newest is shown.
pub(super) fn show_newest(app: &mut App) {
    if app.watch.id.is_none()
        && let Some(newest) = app.tracked.iter().max_by_key(|t| (t.started_at, t.id))
    {
        watch::update::show(&mut app.watch, newest.id);
    }
}

pub(super) fn go_by(app: &mut App, by: usize) -> Vec<Effect> {
    let at = Screen::ALL.iter().position(|screen| *screen == app.screen).unwrap_or(0);
    go(app, Screen::ALL[(at + by) % Screen::ALL.len()])
}
