//! What happens in dialogs, help and command line.

use tui_input::Input as Field;

use super::input::command_line_edited;
use super::locking::how_to_unlock;
use super::{act, jobs, on_screen};
use crate::app::action::{Action, Motion};
use crate::app::effect::{Effect, JobId, Lane};
use crate::app::field;
use crate::app::key::{Code, Key};
use crate::app::state::{App, Overlay};
use crate::ports::cloud::ListQuery;
use crate::screens::ask::Question;
use crate::screens::order::update::Outcome as DialogOutcome;
use crate::screens::picker::PickerKind;
use crate::screens::{assets, order, watch};
use crate::ui::text;

/// Lines kept of the command line's history.
const HISTORY: usize = 100;

pub(super) fn in_order(app: &mut App, action: &Action, key: Option<Key>) -> Vec<Effect> {
    let Some(Overlay::Order(dialog)) = &mut app.overlay else { return vec![] };
    if *action == Action::SavePlan {
        return match dialog.for_the_command_line(&app.env) {
            Ok(text) => vec![Effect::SavePlan { text }],
            Err(why) => {
                app.env.say(why);
                vec![]
            }
        };
    }
    if *action == Action::Confirm && app.env.is_locked() {
        let hint = format!("{}, then {}", app.keymap.shown("dialog.close"), how_to_unlock(app));
        app.env.bad("the profile is locked: nothing was sent", hint);
        return vec![];
    }
    match order::update::act(dialog, &mut app.env, action, key) {
        DialogOutcome::Stay => vec![],
        DialogOutcome::Changed(effects) => {
            app.overlay_drawn = false;
            effects
        }
        DialogOutcome::Close(effects) => {
            app.overlay = None;
            effects
        }
        DialogOutcome::Go { plan, terms, typed } => {
            let label = text::shown(&dialog.request.label()).into_owned();
            jobs::execute(app, label, plan, terms, typed)
        }
    }
}

pub(super) fn in_question(
    app: &mut App,
    question: Question,
    action: &Action,
    key: Option<Key>,
) -> Vec<Effect> {
    match action {
        Action::Confirm if key.is_some() && key == question.opened_by => vec![],
        Action::Confirm => {
            app.overlay = None;
            question.effects
        }
        Action::Back => {
            app.overlay = None;
            vec![]
        }
        _ => vec![],
    }
}

pub(super) fn in_running(app: &mut App, id: JobId, action: &Action) -> Vec<Effect> {
    let Some(job) = app.jobs.get_mut(&id) else {
        app.overlay = None;
        return vec![];
    };
    match action {
        Action::Back => {
            app.overlay = None;
            if job.ended.is_none() {
                app.env.say("it goes on; the header shows how far it is");
            }
            vec![]
        }
        Action::CancelJob if job.ended.is_none() && !job.cancelling => {
            job.cancelling = true;
            vec![Effect::CancelJob(id)]
        }
        Action::Submit => match job.invalidation {
            Some(watch) => {
                app.overlay = None;
                on_screen(app, Action::Watch(Some(watch)), None)
            }
            None if job.ended.is_some() => {
                app.overlay = None;
                vec![]
            }
            None => vec![],
        },
        _ => vec![],
    }
}

/// Moving in the list of themes shows each; leaving brings back what was before.
pub(super) fn in_picker(app: &mut App, action: &Action) -> Vec<Effect> {
    let Some(Overlay::Picker(picker)) = &mut app.overlay else { return vec![] };
    match action {
        Action::Back => {
            let (kind, before) = (picker.kind, picker.before.clone());
            app.overlay = None;
            if kind == PickerKind::Theme {
                app.set_theme(&before);
            }
            vec![]
        }
        Action::Move(motion) => {
            let height = usize::from(app.env.size.1).saturating_sub(8).clamp(1, 16);
            let count = picker.matches().len();
            picker.cursor = assets::update::moved(picker.cursor, count, height, *motion);
            preview(app);
            vec![]
        }
        Action::Left | Action::Right if picker.is_tree() => {
            if *action == Action::Left {
                picker.fold();
                return vec![];
            }
            let wanted = picker.unfold();
            wanted.and_then(|folder| app.folders.ask(&folder)).into_iter().collect()
        }
        Action::Left | Action::Right => {
            let way = if *action == Action::Left { Code::Left } else { Code::Right };
            field::edit(&mut picker.field, Key::plain(way));
            vec![]
        }
        Action::Submit => {
            let Some(name) = picker.current().map(|choice| choice.name.clone()) else {
                return vec![];
            };
            let kind = picker.kind;
            app.overlay = None;
            match kind {
                PickerKind::Theme => {
                    app.set_theme(&name);
                    app.env.say(format!(
                        "theme {name}; `theme = \"{name}\"` in the configuration keeps it"
                    ));
                    vec![]
                }
                PickerKind::Profile => switch_profile(app, name),
                PickerKind::Folder => {
                    let (resource_type, delivery_type) = app.assets.types();
                    let prefix = (!name.is_empty()).then_some(name);
                    let query = ListQuery::Resources { resource_type, delivery_type, prefix };
                    act(app, Action::List(query), None)
                }
            }
        }
        _ => vec![],
    }
}

/// More folders are known: a tree that is open shows them.
pub(super) fn folders_again(app: &mut App) {
    if let Some(Overlay::Picker(mut picker)) = app.overlay.take_if(
        |overlay| matches!(overlay, Overlay::Picker(picker) if picker.kind == PickerKind::Folder),
    ) {
        picker.again(app);
        app.overlay = Some(Overlay::Picker(picker));
    }
}

/// Shows the theme under the cursor.
pub(super) fn preview(app: &mut App) {
    let Some(Overlay::Picker(picker)) = &app.overlay else { return };
    let name = picker.current().filter(|_| picker.kind == PickerKind::Theme);
    if let Some(name) = name.map(|choice| choice.name.clone()) {
        app.set_theme(&name);
    }
}

/// Another console for another profile; calls under way are not left alone for it.
pub(super) fn switch_profile(app: &mut App, name: String) -> Vec<Effect> {
    if name == app.env.setup.profile {
        app.env.say(format!("profile {} it is already", text::shown(&name)));
        return vec![];
    }
    if !app.profiles.iter().any(|profile| profile.name == name) {
        let known: Vec<_> = app.profiles.iter().map(|profile| profile.name.as_str()).collect();
        let hint = format!("there are {}", text::shown(&known.join(", ")));
        app.env.bad(format!("no profile `{}`", text::shown(&name)), hint);
        return vec![];
    }
    if app.running().next().is_some() {
        app.env
            .bad("calls are under way: another profile has to wait", "stop them, or let them end");
        return vec![];
    }
    vec![Effect::SwitchProfile(name)]
}

pub(super) fn in_evidence(app: &mut App, action: &Action) -> Vec<Effect> {
    let Some(Overlay::Evidence(view)) = &mut app.overlay else { return vec![] };
    match action {
        Action::Back => {
            app.overlay = None;
            return vec![Effect::Drop(Lane::Evidence)];
        }
        Action::Move(motion) => {
            let height = usize::from(app.env.size.1).saturating_sub(8).max(1);
            let lines = watch::evidence::length(view);
            view.line = assets::update::moved(view.line, lines, height, *motion);
        }
        Action::Copy => {
            let url = view.url.clone();
            app.env.say(format!("sent to the terminal's clipboard: {}", text::shown(&url)));
            return vec![Effect::Copy(url)];
        }
        _ => {}
    }
    vec![]
}

pub(super) fn in_help(app: &mut App, action: &Action) -> Vec<Effect> {
    let Some(Overlay::Help(help)) = &mut app.overlay else { return vec![] };
    let rows = help.rows(&app.keymap);
    match action {
        Action::Back => app.overlay = None,
        Action::Move(motion) => {
            let height = usize::from(app.env.size.1).saturating_sub(8).max(1);
            help.cursor = assets::update::moved(help.cursor, rows.len(), height, *motion);
        }
        Action::Submit => {
            let Some(row) = rows.get(help.cursor) else { return vec![] };
            if !row.runs {
                app.env.say("that belongs to another place: go there first");
                return vec![];
            }
            app.overlay = None;
            return match row.command.action(&app.context(), "") {
                Ok(action) => act(app, action, None),
                Err(why) => {
                    app.env.say(why.message);
                    vec![]
                }
            };
        }
        _ => {}
    }
    vec![]
}

pub(super) fn in_command_line(app: &mut App, action: &Action, key: Option<Key>) -> Vec<Effect> {
    let Some(Overlay::CommandLine(line)) = &mut app.overlay else { return vec![] };
    match action {
        Action::Back => app.overlay = None,
        Action::Move(Motion::Lines(by)) => line.step(&app.history, *by > 0),
        Action::Complete if line.complete() => {
            command_line_edited(app);
        }
        Action::Submit => {
            let typed = line.line();
            return run_line(app, &typed, key);
        }
        _ => {}
    }
    vec![]
}

/// Runs a line of the command line; a mistake keeps it open and says what is wrong.
fn run_line(app: &mut App, typed: &str, key: Option<Key>) -> Vec<Effect> {
    if typed.is_empty() {
        app.overlay = None;
        return vec![];
    }
    let (verb, args) = typed.split_once(' ').unwrap_or((typed, ""));
    let result = match app.keymap.by_name(verb) {
        Some(command) => command.action(&app.context(), args).map_err(|why| why.message),
        None => Err(format!("no command `{}`; tab completes", text::shown(verb))),
    };
    match result {
        Ok(action) => {
            app.overlay = None;
            let mut effects = Vec::new();
            // an unlocking that comes back with two keys would be none
            if !matches!(action, Action::Unlock(_)) {
                app.history.retain(|line| line != typed);
                app.history.push(typed.to_owned());
                if app.history.len() > HISTORY {
                    app.history.remove(0);
                }
                effects.push(Effect::Remember(typed.to_owned()));
            }
            effects.extend(act(app, action, key));
            effects
        }
        Err(problem) => {
            if let Some(Overlay::CommandLine(line)) = &mut app.overlay {
                line.field = Field::new(typed.to_owned());
                line.problem = Some(problem);
            }
            vec![]
        }
    }
}
