//! What happens: routes messages to the screens. Pure; tests call it like any other function.

use std::time::Duration;

use super::action::{Action, Screen, SortBy};
use super::command_line::CommandLine;
use super::effect::{Effect, Lane};
use super::key::Key;
use super::msg::{FailureKind, Msg};
use super::state::{App, Overlay};
use crate::ops::engine::Undo;
use crate::screens::help::HelpState;
use crate::screens::order::{self, OrderDialog};
use crate::screens::picker::{Picker, PickerKind};
use crate::screens::{activity, assets, copy_menu, jobs as jobs_screen, watch};
use crate::ui::text;

mod dialogs;
mod input;
mod jobs;
mod leaving;
mod locking;
mod own;
mod pausing;
mod screens;

pub use jobs::outcome_words;

use leaving::{interrupt, quit};
use locking::{ask_to_unlock, lock, unlock};
use pausing::{pause, pulse};
use screens::{
    ask, chosen, go, go_by, on_activity, on_assets, on_jobs, on_pending, on_watch, show_newest,
    watch_by_id,
};

/// The Pending screen asks the journal this often for what others do.
pub(super) const JOURNAL_EVERY: Duration = Duration::from_secs(2);
/// The Jobs screen asks while a job is under way.
const JOBS_EVERY: Duration = Duration::from_millis(900);
/// Lists on screen are read again no closer together than this when another member tells of a change.
const LIVE_EVERY: Duration = Duration::from_millis(250);

/// Takes one message in; what it asks of the world comes out.
pub fn update(app: &mut App, msg: Msg) -> Vec<Effect> {
    app.debug.answer(&msg, app.env.moment);
    let mut effects = match msg {
        Msg::Input(batch) => {
            app.dirty = true;
            input::input(app, &batch)
        }
        Msg::Tick => tick(app),
        Msg::Pulse(result) => pulse(app, result),
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
        Msg::Listed { task, result } => {
            let mut effects = assets::update::listed(assets, env, task, result);
            if assets.folder().is_some_and(|folder| app.folders.has(&folder)) {
                effects.extend(assets::update::filed_instead(assets, env));
            }
            effects
        }
        Msg::Folders { path, result } => {
            if let Err(failure) = app.folders.take(&path, result) {
                app.env.failed(&failure);
            }
            dialogs::folders_again(app);
            vec![]
        }
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
            if app.pause.is_some() {
                return jobs::announce(app);
            }
            app.gather();
            let mut live = live(app);
            if app.screen == Screen::Watch {
                show_newest(app);
            }
            live.extend(evidence_again(app));
            live.extend(jobs::announce(app));
            live
        }
        Msg::Journal { open, ended } => {
            match open {
                Ok(open) => {
                    if app.journal_at.is_none() {
                        pausing::tell_what_is_open(app, &open);
                    }
                    (app.journal_open, app.journal_ended) = (open, ended);
                    (app.journal_failure, app.journal_at) = (None, Some(app.env.now));
                }
                Err(failure) => app.journal_failure = Some(failure),
            }
            if app.pause.is_none() {
                app.gather();
            }
            vec![]
        }
        Msg::Activity(result) => {
            match &mut app.pause {
                Some(pause) => pause.activity = Some(result),
                None => activity::update::read(&mut app.activity, result),
            }
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
        Msg::Jobs(result) => {
            if let Some(pause) = &mut app.pause {
                pause.jobs = Some(result);
                return vec![];
            }
            let first = !app.job_list.is_read;
            let effects = jobs_screen::update::read(&mut app.job_list, env, result);
            if first {
                pausing::ask_about_what_was_cut_short(app);
            }
            effects
        }
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
            pausing::go_on(app);
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
            app.env.quota = quota;
            vec![]
        }
        Msg::TaskFailed(what) => {
            let hint = "the console goes on; the log has the details";
            env.bad(format!("a task failed: {}", text::shown(&what)), hint);
            vec![]
        }
        Msg::Input(_) | Msg::Tick | Msg::Pulse(_) => vec![], // handled by the caller
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
    let said = app.freshness().words(app.env.now);
    app.dirty |= app.shows_time() || lock != app.env.lock_shown || said != app.freshness_said;
    (app.env.lock_shown, app.freshness_said) = (lock, said);
    if app.pause.is_some() {
        return vec![];
    }
    let waited = app.env.moment.since(app.journal_read_at.unwrap_or_default());
    let follows = app.screen == Screen::Pending && app.open().next().is_some()
        || app.watches_anothers()
        || app.screen == Screen::Activity && app.activity.is_unsettled(app.env.now);
    if follows && waited >= JOURNAL_EVERY {
        return read_journal(app);
    }
    let live = live(app);
    if !live.is_empty() {
        return live;
    }
    if app.screen == Screen::Jobs && app.job_list.live().next().is_some() && waited >= JOBS_EVERY {
        app.journal_read_at = Some(app.env.moment);
        return vec![Effect::ReadJobs];
    }
    if app.asks_the_journal_in() == Some(Duration::ZERO) {
        app.pulse_asked_at = Some(app.env.moment);
        return vec![Effect::CheckJournal];
    }
    vec![]
}

/// What another member wrote is read at once where it is looked at, but no more often than somebody can read.
fn live(app: &mut App) -> Vec<Effect> {
    let looks = matches!(app.screen, Screen::Pending | Screen::Jobs | Screen::Activity);
    let waited = app.env.moment.since(app.journal_read_at.unwrap_or_default());
    let paused = app.pause.is_some();
    if app.board.changes == app.changes_read || !looks || paused || waited < LIVE_EVERY {
        return vec![];
    }
    read_journal(app)
}

/// Whoever comes back to the window sees what others did meanwhile; nothing is asked while nobody looks.
pub(super) fn look_again(app: &mut App) -> Vec<Effect> {
    let waited = app.env.moment.since(app.journal_read_at.unwrap_or_default());
    match app.screen {
        Screen::Pending | Screen::Jobs | Screen::Activity
            if waited >= JOURNAL_EVERY && app.pause.is_none() =>
        {
            read_journal(app)
        }
        _ => vec![],
    }
}

fn read_journal(app: &mut App) -> Vec<Effect> {
    app.journal_read_at = Some(app.env.moment);
    app.changes_read = app.board.changes;
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
            if app.screen == Screen::Watch {
                app.screen = Screen::Assets;
            }
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
        Action::Own(at) => own::begin(app, at, key),
        Action::Pause => pause(app),
        Action::Lock => lock(app),
        Action::Unlock(Some(typed)) => unlock(app, &typed),
        Action::Unlock(None) if !app.env.is_locked() => lock(app),
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
            match kind {
                PickerKind::Folder => app.folders.ask("").into_iter().collect(),
                _ => vec![],
            }
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
        Action::Sort(by) if !SortBy::of(app.screen).contains(&by) => {
            let known: Vec<_> = SortBy::of(app.screen).iter().map(|by| by.as_str()).collect();
            app.env.say(format!(
                "this list has no {}; it can be sorted by {}",
                by.as_str(),
                known.join(", ")
            ));
            vec![]
        }
        Action::Filter(_) | Action::Sort(_) if app.arrangement().is_some() => arrange(app, action),
        // These belong to the list of assets, wherever they were typed.
        Action::Filter(Some(_))
        | Action::Sort(_)
        | Action::Refresh
        | Action::More
        | Action::LoadAll
        | Action::List(_)
        | Action::Unmark
        | Action::NextKind => {
            app.screen = Screen::Assets;
            if action == Action::Refresh {
                app.folders.forget();
            }
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

/// Another order or filter of a list that the journal fills.
fn arrange(app: &mut App, action: Action) -> Vec<Effect> {
    let Some(list) = app.arrangement_mut() else { return vec![] };
    match action {
        Action::Sort(by) => list.sort_by(by),
        Action::Filter(Some(text)) => list.set_filter(&text),
        _ => list.open_field(),
    }
    screens::settled(app)
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
