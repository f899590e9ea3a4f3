//! What happens: routes messages to the screens. Pure; tests call it like any other function.

use std::time::Duration;

use super::action::{Action, Screen};
use super::command_line::CommandLine;
use super::commands::Scope;
use super::effect::{Effect, Lane};
use super::key::Key;
use super::lock::Lock;
use super::msg::{FailureKind, Msg};
use super::state::{App, Overlay, Tracked};
use crate::ops::engine::Undo;
use crate::screens::ask::Question;
use crate::screens::help::HelpState;
use crate::screens::order::{self, OrderDialog};
use crate::screens::picker::{Picker, PickerKind};
use crate::screens::{activity, assets, copy_menu, jobs as jobs_screen, pending, watch};
use crate::ui::text;

mod dialogs;
mod input;
mod jobs;

pub use jobs::outcome_words;

/// Two Ctrl-C within this time quit.
const TWICE: Duration = Duration::from_secs(2);
/// The Pending screen asks the journal this often for what others do.
pub(super) const JOURNAL_EVERY: Duration = Duration::from_secs(2);
/// The Jobs screen asks while a job is under way.
const JOBS_EVERY: Duration = Duration::from_millis(900);

/// Takes one message in; what it asks of the world comes out.
pub fn update(app: &mut App, msg: Msg) -> Vec<Effect> {
    app.debug.answer(&msg, app.env.moment);
    let mut effects = match msg {
        Msg::Input(batch) => {
            app.dirty = true;
            input::input(app, &batch)
        }
        Msg::Tick => tick(app),
        other => {
            app.dirty = true;
            answer(app, other)
        }
    };
    effects.extend(assets::update::settle(&mut app.assets, &mut app.env));
    effects.extend(assets::picture::wanted(app));
    for effect in &effects {
        app.debug.ask(effect, app.env.now, app.env.moment);
    }
    effects
}

fn answer(app: &mut App, msg: Msg) -> Vec<Effect> {
    let App { assets, env, .. } = app;
    match msg {
        Msg::Listed { task, result } => assets::update::listed(assets, env, task, result),
        Msg::Copied { query, copy } => {
            assets::update::copied(assets, &query, *copy);
            vec![]
        }
        Msg::Arranged { task, rows } => assets::update::arranged(assets, env, task, rows),
        Msg::Shown { task, key, result } => {
            let landed = app.landing.take_if(|landing| *landing == key).is_some();
            if let (Err(failure), true) = (&result, landed)
                && failure.kind == FailureKind::Missing
            {
                let hint =
                    "deleted or renamed, perhaps; `:watch URL` shows whether caches still serve it";
                env.bad(format!("not in this cloud: {}", text::shown(&key.to_string())), hint);
            }
            assets::update::shown(assets, env, task, key, result);
            vec![]
        }
        Msg::Resolved { result, .. } => input::resolved(app, result),
        Msg::Planned { task, result } => {
            if let Some(Overlay::Order(dialog)) = &mut app.overlay
                && order::update::planned(dialog, task, result)
            {
                app.overlay_drawn = false;
            }
            vec![]
        }
        Msg::Execution { job, event } => jobs::execution(app, job, event),
        Msg::Executed { job, result } => jobs::executed(app, job, result),
        Msg::Board(board) => {
            app.board = board;
            app.gather();
            if app.screen == Screen::Watch {
                show_newest(app);
            }
            let mut effects = evidence_again(app);
            effects.extend(jobs::announce(app));
            effects
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
        Msg::Activity(result) => {
            activity::update::read(&mut app.activity, result);
            vec![]
        }
        Msg::AssetHistory { task, result } => {
            assets::update::history(assets, task, result);
            vec![]
        }
        Msg::Looked { task, result } => {
            assets::update::looked(assets, env, task, result);
            vec![]
        }
        Msg::Picture { task, result } => {
            assets::picture::found(app, task, result.map(|found| *found));
            vec![]
        }
        Msg::Compared { task, result } => {
            watch::compare::compared(app, task, result);
            vec![]
        }
        Msg::Jobs(result) => jobs_screen::update::read(&mut app.job_list, env, result),
        Msg::JobItems { task, result } => {
            jobs_screen::update::items(&mut app.job_list, task, result);
            vec![]
        }
        Msg::Retry(Ok(retry)) => {
            let (order, invalidate) = *retry;
            let wish = jobs_screen::update::wish_of(order, invalidate);
            on_screen(app, Action::Order(Box::new(wish)), None)
        }
        Msg::Evidence { task, result } => {
            if let Some(Overlay::Evidence(view)) = &mut app.overlay
                && view.reading.take_if(|current| *current == task).is_some()
            {
                view.runs = Some(result);
            }
            vec![]
        }
        Msg::Watching(Ok(id)) => {
            watch::update::show(&mut app.watch, id);
            app.screen = Screen::Watch;
            read_journal(app)
        }
        Msg::Undo(Ok(undo)) => {
            let Undo { order, remark } = *undo;
            if let Some(remark) = remark {
                env.bad(text::shown(&remark).into_owned(), "");
            }
            let wish = jobs_screen::update::wish_of(order, true);
            on_screen(app, Action::Order(Box::new(wish)), None)
        }
        Msg::Undo(Err(failure)) | Msg::Retry(Err(failure)) | Msg::Watching(Err(failure)) => {
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
        Msg::NotTold(problems) => {
            if let Some(first) = problems.into_iter().next() {
                env.bad(first, "look at [notify] of the configuration");
            }
            vec![]
        }
        Msg::ThemeFiles(files) => {
            reload_themes(app, &files);
            vec![]
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

/// Theme files were saved: what is on screen changes with them; a broken one is named and changes nothing.
fn reload_themes(app: &mut App, files: &[(String, String)]) {
    let name = app.theme_name().to_owned();
    let mut warnings = Vec::new();
    for (name, text) in files {
        warnings.extend(app.themes.add(name, text));
    }
    app.set_theme(&name);
    if let Some(first) = warnings.into_iter().next() {
        app.env.bad(first, "the rest of the theme is used");
    }
}

/// The evidence on screen follows its cell.
fn evidence_again(app: &mut App) -> Vec<Effect> {
    let Some(Overlay::Evidence(view)) = &app.overlay else { return vec![] };
    let Some(shown) = app.snapshot(view.watch).cloned() else { return vec![] };
    let Some(Overlay::Evidence(view)) = &mut app.overlay else { return vec![] };
    watch::update::refresh_evidence(view, &mut app.env, &shown).into_iter().collect()
}

/// Time passed: news that were long enough on screen leave, ages and waits are drawn anew.
fn tick(app: &mut App) -> Vec<Effect> {
    if app.env.toast.as_ref().is_some_and(|toast| toast.until <= app.env.moment) {
        app.env.toast = None;
        app.dirty = true;
    }
    let lock = app.env.lock.shown(app.env.moment);
    app.dirty |= app.shows_time() || lock != app.env.lock_shown;
    app.env.lock_shown = lock;
    let last = app.journal_read_at.unwrap_or_default();
    let waited = app.env.moment.since(last);
    if app.screen == Screen::Pending && waited >= JOURNAL_EVERY {
        return read_journal(app);
    }
    if app.screen == Screen::Activity
        && app.activity.is_unsettled(app.env.now)
        && waited >= JOURNAL_EVERY
    {
        return read_journal(app);
    }
    if app.screen == Screen::Jobs && waited >= JOBS_EVERY {
        app.journal_read_at = Some(app.env.moment);
        return vec![Effect::ReadJobs];
    }
    vec![]
}

/// Orders are planned and not sent from now on.
fn lock(app: &mut App) -> Vec<Effect> {
    app.env.lock = Lock::Locked;
    app.env.say("locked: orders are planned and not sent");
    vec![Effect::Lock]
}

/// Opens for a while, by the name of the cloud alone.
fn unlock(app: &mut App, typed: &str) -> Vec<Effect> {
    if app.env.lock == Lock::None {
        app.env.say("this profile is not locked");
        return vec![];
    }
    if typed.trim() != app.env.setup.cloud_name {
        app.env.bad("that is not the name of the cloud: it stays locked", "L asks again");
        return vec![];
    }
    app.env.lock = Lock::opened(app.env.moment);
    app.env.good("unlocked for 15 minutes", "L or :lock locks it again");
    vec![Effect::Unlock(typed.trim().to_owned())]
}

/// The command line with `unlock ` in it: the name of the cloud is still to be typed.
fn ask_to_unlock(app: &mut App) -> Vec<Effect> {
    if app.env.lock == Lock::None {
        app.env.say("this profile is not locked");
        return vec![];
    }
    let field = tui_input::Input::new("unlock ".to_owned());
    app.open_overlay(Overlay::CommandLine(CommandLine { field, ..CommandLine::default() }));
    vec![]
}

/// Whoever comes back to the window sees what others did meanwhile; nothing is asked while nobody looks.
pub(super) fn look_again(app: &mut App) -> Vec<Effect> {
    let waited = app.env.moment.since(app.journal_read_at.unwrap_or_default());
    match app.screen {
        Screen::Pending | Screen::Jobs | Screen::Activity if waited >= JOURNAL_EVERY => {
            read_journal(app)
        }
        _ => vec![],
    }
}

fn read_journal(app: &mut App) -> Vec<Effect> {
    app.journal_read_at = Some(app.env.moment);
    match app.screen {
        Screen::Activity => vec![Effect::ReadJournal, Effect::ReadActivity],
        Screen::Jobs => vec![Effect::ReadJournal, Effect::ReadJobs],
        _ => vec![Effect::ReadJournal],
    }
}

/// Carries out what was asked, by whatever way.
pub fn act(app: &mut App, action: Action, key: Option<Key>) -> Vec<Effect> {
    match action {
        Action::Interrupt => return interrupt(app),
        Action::Suspend => return vec![Effect::Suspend],
        Action::Redraw => return vec![Effect::Redraw],
        _ => app.interrupted_at = None,
    }
    match &app.overlay {
        Some(Overlay::Order(_)) => return dialogs::in_order(app, &action, key),
        Some(Overlay::Ask(question)) => {
            let question = question.clone();
            return dialogs::in_question(app, question, &action, key);
        }
        Some(Overlay::Running(job)) => {
            let job = *job;
            return dialogs::in_running(app, job, &action);
        }
        Some(Overlay::Help(_)) => return dialogs::in_help(app, &action),
        Some(Overlay::CommandLine(_)) => return dialogs::in_command_line(app, &action, key),
        Some(Overlay::Picker(_)) => return dialogs::in_picker(app, &action),
        Some(Overlay::Evidence(_)) => return dialogs::in_evidence(app, &action),
        Some(Overlay::Compare(view)) => {
            let url = view.url.clone();
            return match action {
                Action::Back => {
                    app.overlay = None;
                    vec![Effect::Drop(Lane::Picture)]
                }
                Action::Copy => copied(app, url),
                _ => vec![],
            };
        }
        Some(Overlay::Sort | Overlay::CopyMenu | Overlay::Debug) => {
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
        Action::Mouse => {
            app.mouse = !app.mouse;
            app.env.say(if app.mouse {
                "the mouse is used: click, wheel, headings sort; hold shift to select text"
            } else {
                "the mouse is the terminal's again: it selects text"
            });
            vec![Effect::Mouse(app.mouse)]
        }
        Action::Pictures => {
            assets::picture::switch(app);
            vec![]
        }
        Action::Lock => lock(app),
        Action::Unlock(Some(typed)) => unlock(app, &typed),
        Action::Unlock(None) if app.env.lock.time_left(app.env.moment).is_some() => lock(app),
        Action::Unlock(None) => ask_to_unlock(app),
        Action::Open(typed) => input::open(app, &typed),
        Action::Copy => copy(app),
        Action::Debug => {
            app.open_overlay(Overlay::Debug);
            vec![]
        }
        Action::CopyMenu => {
            app.open_overlay(Overlay::CopyMenu);
            vec![]
        }
        Action::CopyAs(way) => {
            if let Some(text) = copy_menu::text_of(app, way) {
                return copied(app, text);
            }
            app.env.say("there is no such thing to copy here");
            vec![]
        }
        Action::Pick(kind) => {
            let picker = Picker::new(kind, app);
            if kind == PickerKind::Profile && picker.choices.is_empty() {
                app.env.say(
                    "there is no other profile: this console was opened without a configuration",
                );
                return vec![];
            }
            app.open_overlay(Overlay::Picker(picker));
            vec![]
        }
        Action::Undo if app.screen != Screen::Activity => {
            app.env.say("choose the order to undo, then press its key again");
            go(app, Screen::Activity)
        }
        Action::HoldAll => vec![Effect::HoldAll],
        Action::ResumeAll => vec![Effect::ResumeAll],
        Action::Profile(name) => dialogs::switch_profile(app, name),
        Action::PendingShow(show) => {
            app.pending.show = show.unwrap_or_else(|| app.pending.show.next());
            go(app, Screen::Pending)
        }
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
        Action::WatchTab(tab) => {
            watch::update::turn_to(&mut app.watch, tab);
            go(app, Screen::Watch)
        }
        Action::Report => {
            if let Some(tracked) = chosen(app) {
                return vec![Effect::Report(tracked.id)];
            }
            app.env.say("there is no watch to report on");
            vec![]
        }
        Action::Abandon | Action::Exclude | Action::PurgeAgain => ask(app, &action, key),
        Action::Filter(text) if app.screen == Screen::Activity => {
            match text {
                Some(text) => activity::update::set_filter(&mut app.activity, &text),
                None => activity::update::open_filter(&mut app.activity),
            }
            vec![]
        }
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
            Screen::Assets => on_assets(app, other),
            Screen::Pending => on_pending(app, &other),
            Screen::Watch => on_watch(app, &other),
            Screen::Jobs => on_jobs(app, &other, key),
            Screen::Activity => on_activity(app, &other),
        },
    }
}

fn go(app: &mut App, screen: Screen) -> Vec<Effect> {
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

fn on_assets(app: &mut App, action: Action) -> Vec<Effect> {
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

fn on_jobs(app: &mut App, action: &Action, key: Option<Key>) -> Vec<Effect> {
    match action {
        Action::Move(motion) => {
            return jobs_screen::update::step(&mut app.job_list, &mut app.env, *motion);
        }
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

fn on_activity(app: &mut App, action: &Action) -> Vec<Effect> {
    match action {
        Action::Move(motion) => {
            activity::update::step(&mut app.activity, &app.env, *motion);
            vec![]
        }
        Action::Submit => {
            app.activity.filter_field = None;
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
        Action::Back if activity::update::back(&mut app.activity) => vec![],
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

/// The invalidation on the Watch screen, else the one under the cursor of Pending.
fn chosen(app: &App) -> Option<&Tracked> {
    let id = match app.screen {
        Screen::Watch => app.watch.id,
        _ => app.pending.current(&app.tracked).map(|tracked| tracked.id),
    };
    app.tracked.iter().find(|tracked| Some(tracked.id) == id)
}

fn ask(app: &mut App, action: &Action, key: Option<Key>) -> Vec<Effect> {
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

fn copy(app: &mut App) -> Vec<Effect> {
    let text = match app.screen {
        Screen::Assets => assets::update::to_copy(&app.assets, &app.env),
        Screen::Pending => app.pending.current(&app.tracked).map(|tracked| tracked.id.to_string()),
        Screen::Watch => {
            let shown = app.watch.id.and_then(|id| app.snapshot(id));
            shown.and_then(|shown| watch::update::to_copy(&app.watch, shown))
        }
        Screen::Jobs => app.job_list.current().map(|row| row.operation.id.to_string()),
        Screen::Activity => app.activity.current().map(|row| row.operation.command_line.clone()),
    };
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        copied(app, text)
    } else {
        app.env.say("there is nothing to copy here");
        vec![]
    }
}

/// Hands text to the terminal; nobody answers, so it says what was sent and no more.
fn copied(app: &mut App, text: String) -> Vec<Effect> {
    let shown = text::shown(&text);
    let short = text::cut(&shown, 200, app.theme.glyphs.cut);
    let what = format!("sent to the terminal's clipboard: {short}");
    app.env.say(what);
    vec![Effect::Copy(text)]
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
        None if app.screen_scope() == Scope::Filter => act(app, Action::Back, None),
        None => vec![],
    };
    app.interrupted_at = Some(now);
    app.env.say("Ctrl-C again quits");
    effects
}
