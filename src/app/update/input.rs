//! What the terminal sent: keys looked up, text fields fed, pastes and bursts kept from acting as commands.

use super::dialogs::preview;
use super::{act, look_again};
use crate::app::action::{Action, Motion, Screen};
use crate::app::command_line::CommandLine;
use crate::app::commands::{Run, Scope};
use crate::app::effect::Effect;
use crate::app::field;
use crate::app::guard::burst_ahead;
use crate::app::key::Key;
use crate::app::msg::{Failure, Input};
use crate::app::state::{App, Overlay};
use crate::domain::asset::AssetKey;
use crate::screens::{activity, assets, jobs, order, pending};
use crate::ui::widgets::listing;
use crate::ui::{layout, text};

pub(super) fn input(app: &mut App, batch: &[Input]) -> Vec<Effect> {
    let mut effects = Vec::new();
    let mut at = 0;
    while at < batch.len() {
        match &batch[at] {
            Input::Key(key) => {
                let opens_a_field = matches!(
                    app.keymap.command(app.scope(), *key).map(|command| command.id),
                    Some(
                        "app.command"
                            | "assets.filter"
                            | "activity.filter"
                            | "pending.filter"
                            | "jobs.filter"
                            | "app.help"
                            | "app.theme"
                            | "app.profile"
                            | "assets.folder"
                    )
                );
                let burst = burst_ahead(&batch[at..]);
                if let (Some(burst), false, false) = (burst, app.scope().is_text(), opens_a_field) {
                    effects.extend(pasted(app, &burst, true));
                    at += burst.chars().count();
                    continue;
                }
                effects.extend(press(app, *key));
            }
            Input::Paste(raw) => effects.extend(pasted(app, raw, false)),
            Input::Resize(width, height) => {
                app.env.size = (*width, *height);
                assets::update::keep_in_sight(&mut app.assets, &app.env);
                // a terminal that shrank and grew again has lost what was on it
                effects.push(Effect::Redraw);
            }
            Input::Focus(focused) => {
                app.focused = Some(*focused);
                if *focused {
                    effects.extend(look_again(app));
                }
            }
            Input::Ground(ground) => app.learn_ground(*ground),
            Input::Pictures { way, why } => assets::picture::learn(app, *way, why),
            Input::Wheel(lines) => effects.extend(wheel(app, *lines)),
            Input::Click(x, y) => effects.extend(click(app, *x, *y)),
        }
        at += 1;
    }
    effects
}

/// One key: looked up, or put into the text field that has the keys.
fn press(app: &mut App, key: Key) -> Vec<Effect> {
    let at = app.env.moment;
    app.guard.saw(key, at);
    app.env.read_toast();
    let scope = app.scope();
    let command = app.keymap.command(scope, key);
    if app.keys_wait() && command.is_none_or(|command| command.scope != Scope::Always) {
        return vec![]; // typed before the dialog was seen
    }
    let Some(command) = command else {
        return edit(app, key);
    };
    let is_enter = matches!(command.run, Run::Plain(Action::Submit | Action::Confirm));
    if scope.is_text() && scope != Scope::Filter && is_enter && app.guard.is_burst() {
        app.env.say(format!("{key} came with a paste and was not taken: press it again"));
        return vec![];
    }
    if !scope.is_text() && command.scope != Scope::Always && app.guard.swallows(at) {
        app.env.say("that came faster than fingers: taken for a paste, nothing was done");
        return vec![];
    }
    match command.action(&app.context(), "") {
        Ok(action) => act(app, action, Some(key)),
        Err(why) => {
            app.env.say(why.message);
            vec![]
        }
    }
}

fn edit(app: &mut App, key: Key) -> Vec<Effect> {
    match &mut app.overlay {
        Some(Overlay::Order(dialog)) => order::update::edit(dialog, key),
        Some(Overlay::Help(help)) => {
            if field::edit(&mut help.field, key) {
                help.cursor = 0;
            }
        }
        Some(Overlay::CommandLine(line)) => {
            if field::edit(&mut line.field, key) {
                command_line_edited(app);
            }
        }
        Some(Overlay::Picker(picker)) => {
            if field::edit(&mut picker.field, key) {
                picker.cursor = 0;
                preview(app);
            }
        }
        Some(_) => {}
        None if app.screen != Screen::Assets => {
            let list = app.arrangement_mut();
            if let Some(input) = list.and_then(|list| list.field.as_mut())
                && field::edit(input, key)
            {
                let typed = input.value().to_owned();
                return super::arrange(app, Action::Filter(Some(typed)));
            }
        }
        None => {
            if let Some(input) =
                app.assets.filter_field.as_mut().filter(|_| app.screen == Screen::Assets)
                && field::edit(input, key)
            {
                let typed = input.value().to_owned();
                assets::update::set_filter(&mut app.assets, &typed);
            }
        }
    }
    vec![]
}

pub(super) fn command_line_edited(app: &mut App) {
    let Some(Overlay::CommandLine(line)) = &app.overlay else { return };
    let choices = CommandLine::look(app, line.field.value());
    if let Some(Overlay::CommandLine(line)) = &mut app.overlay {
        line.choices = choices;
        (line.chosen, line.in_history, line.problem) = (None, None, None);
    }
}

/// A paste goes into the field that has the keys; elsewhere a delivery URL lands on its asset. It never acts as
/// commands.
fn pasted(app: &mut App, raw: &str, burst: bool) -> Vec<Effect> {
    match &mut app.overlay {
        Some(Overlay::CommandLine(line)) => {
            field::paste(&mut line.field, raw);
            command_line_edited(app);
            return vec![];
        }
        Some(Overlay::Help(help)) => {
            field::paste(&mut help.field, raw);
            return vec![];
        }
        Some(Overlay::Order(dialog)) => {
            if !app.overlay_drawn || !order::update::paste(dialog, raw) {
                app.env.say("a dialog is open: the paste was not used");
            }
            return vec![];
        }
        Some(Overlay::Picker(picker)) => {
            field::paste(&mut picker.field, raw);
            picker.cursor = 0;
            preview(app);
            return vec![];
        }
        Some(
            Overlay::Sort
            | Overlay::CopyMenu
            | Overlay::Debug
            | Overlay::Evidence(_)
            | Overlay::Compare(_),
        ) => {
            app.overlay = None;
        }
        Some(_) => {
            app.env.say("a dialog is open: the paste was not used");
            return vec![];
        }
        None => {}
    }
    if let (Screen::Assets, Some(input)) = (app.screen, &mut app.assets.filter_field) {
        field::paste(input, raw);
        let typed = input.value().to_owned();
        assets::update::set_filter(&mut app.assets, &typed);
        return vec![];
    }
    if let Some(input) = app.arrangement_mut().and_then(|list| list.field.as_mut()) {
        field::paste(input, raw);
        let typed = input.value().to_owned();
        return super::arrange(app, Action::Filter(Some(typed)));
    }
    let line = field::one_line(raw);
    let first = line.split_whitespace().next().unwrap_or_default();
    let is_url = first.starts_with("http://") || first.starts_with("https://");
    let is_name = !burst && first == line && assets::update::could_be_an_asset(first);
    if is_url || is_name {
        return open(app, first);
    }
    if !line.is_empty() {
        app.env.say("what was pasted is no delivery URL: nothing was done with it");
    }
    vec![]
}

pub(super) fn open(app: &mut App, typed: &str) -> Vec<Effect> {
    app.env.say(format!("looking for {}", text::shown(typed)));
    vec![Effect::Resolve { typed: typed.to_owned() }]
}

pub(super) fn resolved(app: &mut App, result: Result<AssetKey, Failure>) -> Vec<Effect> {
    match result {
        Ok(key) => {
            app.screen = Screen::Assets;
            app.env.toast = None;
            app.landing = Some(key.clone());
            assets::update::land(&mut app.assets, &mut app.env, key)
        }
        Err(failure) => {
            app.env.failed(&failure);
            vec![]
        }
    }
}

fn wheel(app: &mut App, lines: i32) -> Vec<Effect> {
    if app.keys_wait() {
        return vec![];
    }
    act(app, Action::Move(Motion::Lines(lines)), None)
}

/// A click on a tab or a row of a list; never more than moving there.
fn click(app: &mut App, x: u16, y: u16) -> Vec<Effect> {
    if app.overlay.is_some() {
        return vec![];
    }
    let shell = layout::shell(layout::screen(app.env.size));
    if y < shell.body.y {
        return match crate::screens::shell::tab_at(app, x) {
            Some(screen) => act(app, Action::Go(screen), None),
            None => vec![],
        };
    }
    let rows = match app.screen {
        Screen::Assets => {
            let panes = layout::panes(shell.body, app.assets.details.is_some());
            panes.list.map(|list| layout::list(list).rows)
        }
        Screen::Pending => Some(pending::view::areas(shell.body).list.rows),
        Screen::Jobs => Some(jobs::view::areas(shell.body).list.rows),
        Screen::Activity => Some(activity::view::areas(shell.body).list.rows),
        Screen::Watch => None,
    };
    if let (Screen::Assets, Some(list)) = (app.screen, rows)
        && list.y.checked_sub(1) == Some(y)
        && layout::list(layout::screen(app.env.size)).headings.height > 0
        && (list.x..list.right()).contains(&x)
    {
        let by = assets::view::heading_at(app, list.width, x - list.x);
        return by.map_or_else(Vec::new, |by| act(app, Action::Sort(by), None));
    }
    if let Some(list) = rows.filter(|_| app.arrangement().is_some())
        && list.y.checked_sub(1) == Some(y)
        && listing::has_headings(list, shell.body)
    {
        let by = match app.screen {
            Screen::Pending => pending::view::heading_at(list, x),
            Screen::Jobs => jobs::view::heading_at(list, x),
            _ => activity::view::heading_at(list, x),
        };
        return by.map_or_else(Vec::new, |by| act(app, Action::Sort(by), None));
    }
    let Some(rows) = rows.filter(|rows| rows.contains((x, y).into())) else { return vec![] };
    let line = usize::from(y - rows.y);
    let motion = if app.screen == Screen::Assets {
        app.assets.in_details = false;
        let to = app.assets.offset + line;
        i64::try_from(to).unwrap_or(0) - i64::try_from(app.assets.cursor).unwrap_or(0)
    } else {
        let (at, count) = match app.screen {
            Screen::Jobs => (app.job_list.position(), app.job_list.shown().len()),
            Screen::Activity => (app.activity.position(), app.activity.shown().len()),
            _ => (app.pending.position(&app.tracked), app.pending.shown(&app.tracked).len()),
        };
        let first = layout::window(at, count, usize::from(rows.height));
        i64::try_from(first + line).unwrap_or(0) - i64::try_from(at).unwrap_or(0)
    };
    act(app, Action::Move(Motion::Lines(i32::try_from(motion).unwrap_or(0))), None)
}
