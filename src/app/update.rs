//! What happens: routes messages to the screens. Pure; tests call it like any other function.

use std::time::Duration;

use tui_input::Input as Field;

use super::action::{Action, Motion, Screen};
use super::command_line::CommandLine;
use super::commands::{Scope, by_name};
use super::effect::{Effect, JobId};
use super::field;
use super::guard::burst_ahead;
use super::key::Key;
use super::msg::{Failure, Input, Msg};
use super::state::{App, Job, JobEnd, Overlay};
use crate::domain::asset::AssetKey;
use crate::domain::invalidation::{ItemState, Outcome, Verb};
use crate::domain::purge::{OrderTerms, Plan};
use crate::ops::engine::{Executed, Execution};
use crate::screens::ask::Question;
use crate::screens::help::HelpState;
use crate::screens::order::update::Outcome as DialogOutcome;
use crate::screens::order::{self, OrderDialog};
use crate::screens::{assets, pending, watch};
use crate::ui::{layout, text};

/// Two Ctrl-C within this time quit.
const TWICE: Duration = Duration::from_secs(2);
/// The Pending screen asks the journal this often for what others do.
const JOURNAL_EVERY: Duration = Duration::from_secs(2);
/// Lines kept of the command line's history.
const HISTORY: usize = 100;

/// Takes one message in; what it asks of the world comes out.
pub fn update(app: &mut App, msg: Msg) -> Vec<Effect> {
    let mut effects = match msg {
        Msg::Input(batch) => {
            app.dirty = true;
            input(app, &batch)
        }
        Msg::Tick => tick(app),
        other => {
            app.dirty = true;
            answer(app, other)
        }
    };
    effects.extend(assets::update::settle(&mut app.assets, &mut app.env));
    effects
}

fn answer(app: &mut App, msg: Msg) -> Vec<Effect> {
    let App { assets, env, .. } = app;
    match msg {
        Msg::Listed { task, result } => assets::update::listed(assets, env, task, result),
        Msg::Arranged { task, rows } => assets::update::arranged(assets, env, task, rows),
        Msg::Shown { task, key, result } => {
            assets::update::shown(assets, env, task, key, result);
            vec![]
        }
        Msg::Resolved { result, .. } => resolved(app, result),
        Msg::Planned { task, result } => {
            if let Some(Overlay::Order(dialog)) = &mut app.overlay
                && order::update::planned(dialog, task, result)
            {
                app.overlay_drawn = false;
            }
            vec![]
        }
        Msg::Execution { job, event } => execution(app, job, event),
        Msg::Executed { job, result } => executed(app, job, result),
        Msg::Board(board) => {
            app.board = board;
            app.gather();
            if app.screen == Screen::Watch {
                show_newest(app);
            }
            announce(app)
        }
        Msg::Journal { open, ended } => {
            match open {
                Ok(open) => {
                    (app.journal_open, app.journal_ended) = (open, ended);
                    app.journal_failure = None;
                }
                Err(failure) => app.journal_failure = Some(failure),
            }
            app.gather();
            vec![]
        }
        Msg::Watching(Ok(id)) => {
            watch::update::show(&mut app.watch, id);
            app.screen = Screen::Watch;
            read_journal(app)
        }
        Msg::Watching(Err(failure)) => {
            env.failed(&failure);
            vec![]
        }
        Msg::Told { done, result } => {
            match result {
                Ok(()) => env.good(done, ""),
                Err(failure) => env.failed(&failure),
            }
            read_journal(app)
        }
        Msg::Quota(quota) => {
            app.quota = quota;
            vec![]
        }
        Msg::TaskFailed(what) => {
            let hint = "the console goes on; the log has the details";
            env.bad(format!("a task failed: {}", text::shown(&what)), hint);
            vec![]
        }
        Msg::Input(_) | Msg::Tick => vec![], // handled by the caller
    }
}

/// Time passed: news that were long enough on screen leave, ages and waits are drawn anew.
fn tick(app: &mut App) -> Vec<Effect> {
    if app.env.toast.as_ref().is_some_and(|toast| toast.until <= app.env.moment) {
        app.env.toast = None;
        app.dirty = true;
    }
    app.dirty |= app.shows_time();
    let last = app.journal_read_at.unwrap_or_default();
    if app.screen == Screen::Pending && app.env.moment.since(last) >= JOURNAL_EVERY {
        return read_journal(app);
    }
    vec![]
}

fn read_journal(app: &mut App) -> Vec<Effect> {
    app.journal_read_at = Some(app.env.moment);
    vec![Effect::ReadJournal]
}

// ---------------------------------------------------------------- input

fn input(app: &mut App, batch: &[Input]) -> Vec<Effect> {
    let mut effects = Vec::new();
    let mut at = 0;
    while at < batch.len() {
        match &batch[at] {
            Input::Key(key) => {
                let opens_a_field = matches!(
                    app.keymap.command(app.scope(), *key).map(|command| command.id),
                    Some("app.command" | "assets.filter" | "app.help")
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
            }
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
    let scope = app.scope();
    let command = app.keymap.command(scope, key);
    if app.keys_wait() && command.is_none_or(|command| command.scope != Scope::Always) {
        return vec![]; // typed before the dialog was seen
    }
    let Some(command) = command else {
        edit(app, key);
        return vec![];
    };
    let is_enter =
        matches!(command.run, super::commands::Run::Plain(Action::Submit | Action::Confirm));
    if scope.is_text() && scope != Scope::Filter && is_enter && app.guard.is_burst() {
        app.env.say("enter came with a paste and was not taken: press it again");
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

fn edit(app: &mut App, key: Key) {
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
        Some(_) => {}
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
}

fn command_line_edited(app: &mut App) {
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
        Some(Overlay::Sort) => app.overlay = None,
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

fn open(app: &mut App, typed: &str) -> Vec<Effect> {
    app.env.say(format!("looking for {}", text::shown(typed)));
    vec![Effect::Resolve { typed: typed.to_owned() }]
}

fn resolved(app: &mut App, result: Result<AssetKey, Failure>) -> Vec<Effect> {
    match result {
        Ok(key) => {
            app.screen = Screen::Assets;
            app.env.toast = None;
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
        Screen::Pending => Some(layout::list(shell.body).rows),
        Screen::Watch => None,
    };
    let Some(rows) = rows.filter(|rows| rows.contains((x, y).into())) else { return vec![] };
    let line = usize::from(y - rows.y);
    let motion = match app.screen {
        Screen::Assets => {
            app.assets.in_details = false;
            let to = app.assets.offset + line;
            i64::try_from(to).unwrap_or(0) - i64::try_from(app.assets.cursor).unwrap_or(0)
        }
        _ => {
            let at = app.pending.position(&app.tracked);
            let first = layout::window(at, app.tracked.len(), usize::from(rows.height));
            i64::try_from(first + line).unwrap_or(0) - i64::try_from(at).unwrap_or(0)
        }
    };
    act(app, Action::Move(Motion::Lines(i32::try_from(motion).unwrap_or(0))), None)
}

// ---------------------------------------------------------------- actions

/// Carries out what was asked, by whatever way.
pub fn act(app: &mut App, action: Action, key: Option<Key>) -> Vec<Effect> {
    match action {
        Action::Interrupt => return interrupt(app),
        Action::Suspend => return vec![Effect::Suspend],
        Action::Redraw => return vec![Effect::Redraw],
        _ => app.interrupted_at = None,
    }
    match &app.overlay {
        Some(Overlay::Order(_)) => return in_order(app, &action, key),
        Some(Overlay::Ask(question)) => {
            let question = question.clone();
            return in_question(app, question, &action, key);
        }
        Some(Overlay::Running(job)) => {
            let job = *job;
            return in_running(app, job, &action);
        }
        Some(Overlay::Help(_)) => return in_help(app, &action),
        Some(Overlay::CommandLine(_)) => return in_command_line(app, &action, key),
        Some(Overlay::Sort) => {
            app.overlay = None;
            if action == Action::Back {
                return vec![];
            }
        }
        None => {}
    }
    on_screen(app, action, key)
}

fn on_screen(app: &mut App, action: Action, key: Option<Key>) -> Vec<Effect> {
    match action {
        Action::Quit => quit(app, key),
        Action::Help => {
            let scope = app.screen_scope();
            app.open_overlay(Overlay::Help(HelpState::new(scope)));
            vec![]
        }
        Action::CommandLine => {
            let choices = CommandLine::look(app, "");
            let line = CommandLine { choices, ..CommandLine::default() };
            app.open_overlay(Overlay::CommandLine(line));
            vec![]
        }
        Action::SortMenu => {
            app.screen = Screen::Assets;
            app.open_overlay(Overlay::Sort);
            vec![]
        }
        Action::Go(screen) => go(app, screen),
        Action::NextScreen => go_by(app, 1),
        Action::PreviousScreen => go_by(app, Screen::ALL.len() - 1),
        Action::Theme(name) => {
            app.set_theme(&name);
            vec![]
        }
        Action::Open(typed) => open(app, &typed),
        Action::Copy => copy(app),
        Action::Order(wish) => {
            let mut dialog = OrderDialog::new(*wish, key);
            let effects = order::update::begin(&mut dialog, &mut app.env);
            app.open_overlay(Overlay::Order(Box::new(dialog)));
            effects
        }
        Action::Watch(id) => {
            let newest =
                || app.tracked.iter().max_by_key(|tracked| (tracked.started_at, tracked.id));
            match id.or_else(|| newest().map(|tracked| tracked.id)) {
                Some(id) => watch::update::show(&mut app.watch, id),
                None => app.env.say("nothing was invalidated yet: there is nothing to watch"),
            }
            go(app, Screen::Watch)
        }
        Action::WatchById(typed) => watch_by_id(app, typed),
        Action::Abandon | Action::Exclude | Action::PurgeAgain => ask(app, &action, key),
        // These belong to the list of assets, wherever they were typed.
        Action::Filter(Some(_))
        | Action::Sort(_)
        | Action::Refresh
        | Action::More
        | Action::List(_)
        | Action::Unmark
        | Action::NextKind => {
            app.screen = Screen::Assets;
            assets::update::act(&mut app.assets, &mut app.env, action)
        }
        other => match app.screen {
            Screen::Assets => assets::update::act(&mut app.assets, &mut app.env, other),
            Screen::Pending => on_pending(app, &other),
            Screen::Watch => on_watch(app, &other),
        },
    }
}

fn go(app: &mut App, screen: Screen) -> Vec<Effect> {
    app.screen = screen;
    match screen {
        Screen::Assets => vec![],
        Screen::Pending => read_journal(app),
        Screen::Watch => {
            show_newest(app);
            vec![]
        }
    }
}

/// Where no watch was chosen, the newest is shown.
fn show_newest(app: &mut App) {
    if app.watch.id.is_none()
        && let Some(newest) = app.tracked.iter().max_by_key(|t| (t.started_at, t.id))
    {
        watch::update::show(&mut app.watch, newest.id);
    }
}

fn go_by(app: &mut App, by: usize) -> Vec<Effect> {
    let at = Screen::ALL.iter().position(|screen| *screen == app.screen).unwrap_or(0);
    go(app, Screen::ALL[(at + by) % Screen::ALL.len()])
}

fn on_pending(app: &mut App, action: &Action) -> Vec<Effect> {
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
        Action::Back | Action::Left => go(app, Screen::Assets),
        _ => vec![],
    }
}

fn on_watch(app: &mut App, action: &Action) -> Vec<Effect> {
    let shown = app.watch.id.and_then(|id| app.snapshot(id)).cloned();
    match (action, shown) {
        (Action::Back, _) => return go(app, Screen::Assets),
        (Action::NextWatch, _) => watch::update::other(&mut app.watch, &app.tracked, true),
        (Action::PreviousWatch, _) => watch::update::other(&mut app.watch, &app.tracked, false),
        (Action::NextPanel | Action::Enter, _) => watch::update::turn(&mut app.watch, true),
        (Action::PreviousPanel, _) => watch::update::turn(&mut app.watch, false),
        (Action::Move(motion), Some(shown)) => {
            watch::update::step(&mut app.watch, &app.env, &shown, *motion);
        }
        (Action::Left, Some(shown)) => watch::update::sideways(&mut app.watch, &shown, -1),
        (Action::Right, Some(shown)) => watch::update::sideways(&mut app.watch, &shown, 1),
        _ => {}
    }
    vec![]
}

fn watch_by_id(app: &mut App, typed: String) -> Vec<Effect> {
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

fn ask(app: &mut App, action: &Action, key: Option<Key>) -> Vec<Effect> {
    let id = match app.screen {
        Screen::Watch => app.watch.id,
        _ => app.pending.current(&app.tracked).map(|tracked| tracked.id),
    };
    let Some(tracked) = app.tracked.iter().find(|tracked| Some(tracked.id) == id) else {
        app.env.say("there is no watch to do that to");
        return vec![];
    };
    match watch::update::question(&app.watch, tracked, action, key) {
        Ok(question) => app.open_overlay(Overlay::Ask(question)),
        Err(why) => app.env.say(why),
    }
    vec![]
}

fn copy(app: &mut App) -> Vec<Effect> {
    let text = match app.screen {
        Screen::Assets => assets::update::to_copy(&app.assets, &app.env),
        Screen::Pending => app.pending.current(&app.tracked).map(|tracked| tracked.id.to_string()),
        Screen::Watch => {
            let shown = app.watch.id.and_then(|id| app.snapshot(id));
            shown.and_then(|shown| watch::update::to_copy(&app.watch, shown))
        }
    };
    match text.filter(|text| !text.is_empty()) {
        Some(text) => {
            app.env.say(format!("sent to the terminal's clipboard: {}", text::shown(&text)));
            vec![Effect::Copy(text)]
        }
        None => {
            app.env.say("there is nothing to copy here");
            vec![]
        }
    }
}

fn quit(app: &mut App, key: Option<Key>) -> Vec<Effect> {
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
fn interrupt(app: &mut App) -> Vec<Effect> {
    let now = app.env.moment;
    if app.interrupted_at.is_some_and(|at| now.since(at) <= TWICE) {
        return vec![Effect::Quit];
    }
    let effects = match app.overlay {
        Some(_) => act(app, Action::Back, None),
        None if app.assets.filter_field.is_some() => act(app, Action::Back, None),
        None => vec![],
    };
    app.interrupted_at = Some(now);
    app.env.say("Ctrl-C again quits");
    effects
}

// ---------------------------------------------------------------- dialogs

fn in_order(app: &mut App, action: &Action, key: Option<Key>) -> Vec<Effect> {
    let Some(Overlay::Order(dialog)) = &mut app.overlay else { return vec![] };
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
            execute(app, label, plan, terms, typed)
        }
    }
}

fn execute(
    app: &mut App,
    label: String,
    plan: Box<Plan>,
    terms: OrderTerms,
    typed: Option<String>,
) -> Vec<Effect> {
    let job = JobId(app.env.task().0);
    let to =
        plan.items.iter().filter_map(|item| Some((item.key.clone(), item.to.clone()?))).collect();
    app.jobs.insert(
        job,
        Job {
            verb: plan.verb,
            label,
            total: plan.items.len(),
            done: 0,
            failed: 0,
            since: app.env.moment,
            cancelling: false,
            invalidation: None,
            to,
            failures: Vec::new(),
            ended: None,
        },
    );
    // Only what ended and is not on screen may go.
    while app.jobs.len() > 50 {
        let Some(oldest) = app.jobs.iter().find(|(_, job)| job.ended.is_some()).map(|(id, _)| *id)
        else {
            break;
        };
        app.jobs.remove(&oldest);
    }
    app.open_overlay(Overlay::Running(job));
    vec![Effect::Execute { job, plan, terms, typed }]
}

fn in_question(
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

fn in_running(app: &mut App, id: JobId, action: &Action) -> Vec<Effect> {
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

fn in_help(app: &mut App, action: &Action) -> Vec<Effect> {
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

fn in_command_line(app: &mut App, action: &Action, key: Option<Key>) -> Vec<Effect> {
    let Some(Overlay::CommandLine(line)) = &mut app.overlay else { return vec![] };
    match action {
        Action::Back => app.overlay = None,
        Action::Move(Motion::Lines(by)) => line.step(&app.history, *by > 0),
        Action::Complete => {
            if line.complete() {
                command_line_edited(app);
            }
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
    let result = match by_name(verb) {
        Some(command) => command.action(&app.context(), args).map_err(|why| why.message),
        None => Err(format!("no command `{}`; tab completes", text::shown(verb))),
    };
    match result {
        Ok(action) => {
            app.overlay = None;
            app.history.retain(|line| line != typed);
            app.history.push(typed.to_owned());
            if app.history.len() > HISTORY {
                app.history.remove(0);
            }
            act(app, action, key)
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

// ---------------------------------------------------------------- orders under way

fn execution(app: &mut App, id: JobId, event: Execution) -> Vec<Effect> {
    let Some(job) = app.jobs.get_mut(&id) else { return vec![] };
    match event {
        Execution::Recorded { invalidation, total, .. } => {
            job.invalidation = invalidation;
            job.total = total;
            vec![]
        }
        Execution::Item { key, state, message, done, failed, .. } => {
            (job.done, job.failed) = (done, failed);
            if matches!(state, ItemState::Failed | ItemState::NotFound)
                && job.failures.len() < Job::LISTED
            {
                let why = message.unwrap_or_else(|| "the cloud has no such asset".to_owned());
                job.failures.push((
                    text::shown(&key.to_string()).into_owned(),
                    text::shown(&why).into_owned(),
                ));
            }
            let (verb, to) = (job.verb, job.to.get(&key).cloned());
            if state == ItemState::Accepted { own_write(app, verb, &key, to) } else { vec![] }
        }
    }
}

/// One of our own calls was accepted: the list shows it at once.
fn own_write(app: &mut App, verb: Verb, key: &AssetKey, to: Option<AssetKey>) -> Vec<Effect> {
    match (verb, to) {
        (Verb::Delete, _) => assets::update::deleted(&mut app.assets, key),
        (Verb::Rename, Some(to)) => assets::update::renamed(&mut app.assets, key, &to),
        (Verb::Replace, _) => return assets::update::changed(&mut app.assets, &mut app.env, key),
        _ => app.assets.forget(key),
    }
    vec![]
}

fn executed(app: &mut App, id: JobId, result: Result<Executed, Failure>) -> Vec<Effect> {
    let Some(job) = app.jobs.get_mut(&id) else { return vec![] };
    let open = matches!(app.overlay, Some(Overlay::Running(shown)) if shown == id);
    let mut effects = Vec::new();
    let verb = job.verb;
    match result {
        Err(failure) => {
            job.ended = Some(JobEnd::Refused(failure.clone()));
            if !open {
                app.env.failed(&failure);
            }
        }
        Ok(executed) => {
            let count = |state| executed.items.iter().filter(|item| item.state == state).count();
            let end = JobEnd::Done {
                accepted: count(ItemState::Accepted),
                not_found: count(ItemState::NotFound),
                failed: count(ItemState::Failed),
                skipped: count(ItemState::Skipped),
            };
            job.invalidation = executed.invalidation.or(job.invalidation);
            job.done = job.total;
            job.ended = Some(end.clone());
            let JobEnd::Done { accepted, not_found, failed, skipped } = end else { return effects };
            let clean = not_found + failed + skipped == 0;
            let summary =
                format!("{} accepted for {}", verb.as_str(), text::plural(accepted, "asset"));
            match (clean, job.invalidation) {
                (true, Some(watch)) if open => {
                    app.overlay = None;
                    app.env.good(summary, "");
                    effects.extend(on_screen(app, Action::Watch(Some(watch)), None));
                }
                (true, None) if open => {
                    app.overlay = None;
                    app.env.good(summary, "nothing is watched: caches keep their copies");
                }
                (true, Some(_)) => {
                    let key = app.keymap.shown("go.watch");
                    app.env.good(summary, format!("{key} shows its caches"));
                }
                (true, None) => app.env.good(summary, ""),
                (false, _) if !open => {
                    let text =
                        format!("{}: {} not done", verb.as_str(), not_found + failed + skipped);
                    app.env.bad(text, "the journal has each of them");
                }
                (false, _) => {}
            }
            if verb == Verb::Restore && accepted > 0 {
                effects.extend(assets::update::refresh(&mut app.assets, &mut app.env));
            }
        }
    }
    effects.extend(read_journal(app));
    effects
}

/// Says so when a watch of ours ends while the operator looks at something else.
fn announce(app: &mut App) -> Vec<Effect> {
    let ended: Vec<_> = app
        .board
        .watches
        .iter()
        .filter(|watch| watch.ended.is_some() && !app.announced.contains(&watch.id))
        .cloned()
        .collect();
    if ended.is_empty() {
        return vec![];
    }
    for watch in &ended {
        app.announced.push(watch.id);
        let on_screen = app.screen == Screen::Watch && app.watch.id == Some(watch.id);
        if let (Some(ending), false) = (&watch.ended, on_screen) {
            let label = text::shown(&watch.label);
            let what =
                format!("{} {label}: {}", watch.verb.as_str(), outcome_words(ending.outcome));
            let sentence = text::shown(&ending.sentence).into_owned();
            match ending.outcome {
                Outcome::AllClear => app.env.good(what, sentence),
                _ => app.env.bad(what, sentence),
            }
        }
    }
    let excess = app.announced.len().saturating_sub(500);
    app.announced.drain(..excess);
    read_journal(app)
}

/// An outcome in words.
#[must_use]
pub const fn outcome_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::AllClear => "all clear",
        Outcome::ClearExcept => "clear except what is not covered",
        Outcome::SampledClear => "clear in a sample",
        Outcome::Superseded => "superseded",
        Outcome::GaveUp => "gave up",
        Outcome::Blind => "blind",
        Outcome::CloudGone => "cloud gone",
        Outcome::Failed => "failed",
        Outcome::Abandoned => "abandoned",
    }
}
