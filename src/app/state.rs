//! The state of the console: one struct, one level of nesting below it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tui_input::Input;

use super::action::{Screen, SortBy};
use super::command_line::CommandLine;
use super::commands::{COMMANDS, Context, Scope};
use super::debug::DebugLog;
use super::effect::{Effect, JobId};
use super::freshness::Pause;
use super::guard::Guard;
use super::key::Key;
use super::keymap::{KeyOverrides, KeyPlaces, Keymap};
use super::msg::Failure;
use super::notice::Told;
use super::own::{self, Own};
use crate::domain::asset::AssetKey;
use crate::domain::id::InvalidationId;
use crate::domain::invalidation::Verb;
use crate::domain::snapshot::WatchSnapshot;
use crate::domain::time::{Moment, Timestamp};
use crate::ops::tracker::Board;
use crate::ports::journal::InvalidationRow;
use crate::ports::list_copy::ListCopy;
use crate::screens::activity::ActivityState;
use crate::screens::arrangement::Arrangement;
use crate::screens::ask::Question;
use crate::screens::assets::{self, AssetsState};
use crate::screens::help::HelpState;
use crate::screens::jobs::JobsState;
use crate::screens::order::OrderDialog;
use crate::screens::pending::PendingState;
use crate::screens::picker::{Choice, Picker, ServerFolders};
use crate::screens::watch::compare::CompareView;
use crate::screens::watch::pace::Paces;
use crate::screens::watch::{EvidenceView, WatchState};
use crate::ui::Theme;
use crate::ui::pixels::Pictures;
use crate::ui::text;
use crate::ui::theme::{Depth, Ground};
use crate::ui::theme_file::{AUTO, Themes, auto_theme};

mod env;
mod gather;

pub use env::{Env, Setup, Toast, Tone};

/// One order under way, whether its dialog is open or not.
#[derive(Debug, Clone)]
pub struct Job {
    pub verb: Verb,
    /// Cleaned.
    pub label: String,
    pub total: usize,
    pub done: usize,
    pub failed: usize,
    pub since: Moment,
    pub cancelling: bool,
    pub invalidation: Option<InvalidationId>,
    /// New name by old name, for renames.
    pub to: BTreeMap<AssetKey, AssetKey>,
    /// Asset and what went wrong, cleaned, at most [`Job::LISTED`].
    pub failures: Vec<(String, String)>,
    pub ended: Option<JobEnd>,
}

/// How an order ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEnd {
    Done { accepted: usize, not_found: usize, failed: usize, skipped: usize },
    Refused(Failure),
}

impl Job {
    /// Failures kept for the list.
    pub const LISTED: usize = 200;
}

/// What is open above the screen.
#[derive(Debug, Clone)]
pub enum Overlay {
    Order(Box<OrderDialog>),
    Running(JobId),
    Ask(Question),
    Help(HelpState),
    Sort,
    CommandLine(CommandLine),
    Evidence(EvidenceView),
    Compare(CompareView),
    Picker(Picker),
    CopyMenu,
    Debug,
}

/// An invalidation as the lists show it: from the tracker's board, else from the journal.
#[derive(Debug, Clone)]
pub struct Tracked {
    pub id: InvalidationId,
    pub verb: Verb,
    pub label: String,
    pub by: String,
    pub tracked_by: Option<String>,
    pub started_at: Timestamp,
    pub snapshot: Option<Arc<WatchSnapshot>>,
    /// Outcome word and end, where it has ended.
    pub ended: Option<crate::domain::invalidation::Ending>,
}

/// Everything the console knows.
#[derive(Debug)]
pub struct App {
    pub env: Env,
    pub keymap: Keymap,
    pub themes: Themes,
    pub theme: Theme,
    pub look: Look,
    pub pictures: Pictures,
    /// What the terminal said of its background.
    pub ground: Option<Ground>,
    /// The theme goes by [`Self::ground`].
    follows_ground: bool,
    pub screen: Screen,
    pub assets: AssetsState,
    pub pending: PendingState,
    pub watch: WatchState,
    /// Requests of the watches over time.
    pub paces: Paces,
    pub activity: ActivityState,
    /// Jobs of the journal, whoever runs them; those of this console are in `jobs`.
    pub job_list: JobsState,
    /// Folders that the server has told of.
    pub folders: ServerFolders,
    /// Commands of the operator's own.
    pub own: Vec<Own>,
    /// Profiles there are to switch to.
    pub profiles: Vec<Choice>,
    pub overlay: Option<Overlay>,
    /// The overlay has been on screen since it opened or changed: only then its keys act.
    pub overlay_drawn: bool,
    pub jobs: BTreeMap<JobId, Job>,
    pub board: Arc<Board>,
    pub journal_open: Vec<InvalidationRow>,
    pub journal_ended: Vec<InvalidationRow>,
    pub journal_failure: Option<Failure>,
    /// Open ones oldest first, then ended ones newest first.
    pub tracked: Vec<Tracked>,
    pub history: Vec<String>,
    pub guard: Guard,
    /// The last key was Ctrl-C, at this moment.
    pub interrupted_at: Option<Moment>,
    /// When the journal was last asked for.
    pub journal_read_at: Option<Moment>,
    /// What of [`Board::changes`] was read.
    pub changes_read: u64,
    /// When the journal last answered.
    pub journal_at: Option<Timestamp>,
    /// What it said last when it was asked whether anything happened, and when that was.
    pub pulse: Option<String>,
    /// What the header said last of how old the screen is.
    pub freshness_said: Option<(String, bool)>,
    pub pulse_asked_at: Option<Moment>,
    /// What is live stands still.
    pub pause: Option<Pause>,
    /// What was told to whoever looks elsewhere.
    pub told: BTreeMap<InvalidationId, Told>,
    /// Whether the window has the focus, as far as the terminal tells.
    pub focused: Option<bool>,
    /// The mouse is taken from the terminal.
    pub mouse: bool,
    pub debug: DebugLog,
    /// What a pasted or typed text meant, until it was read.
    pub landing: Option<AssetKey>,
    /// Ended watches that were announced.
    pub announced: Vec<InvalidationId>,
    /// Rows of the kept list whose beginning is shown, before the loop begins.
    pub copied: Option<usize>,
    /// Something changed since the last frame.
    pub dirty: bool,
}

/// How things are drawn, apart from the theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    pub ascii: bool,
    pub depth: Depth,
}

impl App {
    /// The console before anything was read; warnings about theme and keys become the first news.
    #[must_use]
    pub fn new(
        mut env: Env,
        themes: Themes,
        theme: &str,
        look: Look,
        overrides: &KeyOverrides,
    ) -> Self {
        let (keymap, about_keys) = Keymap::build(COMMANDS, overrides);
        let mut warnings: Vec<String> =
            about_keys.iter().map(|fault| fault.said(&KeyPlaces::new())).collect();
        let (asked, (theme, about_theme)) = (theme, themes.get(theme));
        warnings.extend(about_theme);
        if let Some(first) = warnings.first() {
            let more = warnings.len() - 1;
            let rest = if more > 0 { format!("and {more} more like it") } else { String::new() };
            env.bad(first.clone(), rest);
        }
        Self {
            env,
            keymap,
            theme: theme.with_glyphs(look.ascii).at_depth(look.depth),
            themes,
            look,
            pictures: Pictures::default(),
            ground: None,
            follows_ground: asked == AUTO,
            screen: Screen::Assets,
            assets: AssetsState::default(),
            pending: PendingState::default(),
            watch: WatchState::default(),
            paces: Paces::default(),
            activity: ActivityState::default(),
            job_list: JobsState::default(),
            folders: ServerFolders::default(),
            own: Vec::new(),
            profiles: Vec::new(),
            overlay: None,
            overlay_drawn: false,
            jobs: BTreeMap::new(),
            board: Arc::default(),
            journal_open: Vec::new(),
            journal_ended: Vec::new(),
            journal_failure: None,
            tracked: Vec::new(),
            history: Vec::new(),
            guard: Guard::default(),
            interrupted_at: None,
            journal_read_at: None,
            changes_read: 0,
            journal_at: None,
            pulse: None,
            freshness_said: None,
            pulse_asked_at: None,
            pause: None,
            told: BTreeMap::new(),
            focused: None,
            mouse: false,
            debug: DebugLog::default(),
            landing: None,
            announced: Vec::new(),
            copied: None,
            dirty: true,
        }
    }

    /// Takes commands of the operator's own into the table; what cannot be used is named, with its place, and left out.
    pub fn adopt(&mut self, own: Vec<Own>, overrides: &KeyOverrides, places: &KeyPlaces) {
        let (table, mut warnings) = own::table(&own);
        let (keymap, about_keys) = Keymap::build(table, overrides);
        warnings.extend(about_keys.iter().map(|fault| fault.said(places)));
        (self.keymap, self.own) = (keymap, own);
        if let Some(first) = warnings.first() {
            self.env.bad(text::shown(first).into_owned(), "the console goes on without it");
        }
    }

    /// Shows the beginning of a kept list before anything else is known.
    pub fn show_copy(&mut self, copy: ListCopy) {
        self.copied = Some(copy.count);
        assets::update::take_copy(&mut self.assets, copy);
    }

    /// What to ask for before the first key.
    pub fn start(&mut self) -> Vec<Effect> {
        let mut effects = if let Some(count) = self.copied.take() {
            assets::update::after_copy(&mut self.assets, &mut self.env, count)
        } else {
            let query = self.assets.query.clone();
            assets::update::list(&mut self.assets, &mut self.env, query)
        };
        effects.extend(assets::update::settle(&mut self.assets, &mut self.env));
        self.journal_read_at = Some(self.env.moment);
        effects.push(Effect::ReadJournal);
        effects.push(Effect::ReadJobs); // what was cut short is asked about
        if self.screen == Screen::Activity {
            effects.push(Effect::ReadActivity);
        }
        if self.env.is_locked() {
            effects.push(Effect::Lock);
        }
        for effect in &effects {
            self.debug.ask(effect, self.env.now, self.env.moment);
        }
        effects
    }

    /// The rows on screen are of another cloud than it turned out to be: they give way to what it has.
    pub fn forget_copy(&mut self) -> Vec<Effect> {
        self.dirty = true;
        self.assets = AssetsState::default();
        let query = self.assets.query.clone();
        let effects = assets::update::list(&mut self.assets, &mut self.env, query);
        for effect in &effects {
            self.debug.ask(effect, self.env.now, self.env.moment);
        }
        effects
    }

    /// Where keys mean something now.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match &self.overlay {
            Some(Overlay::Order(dialog)) => dialog.scope(),
            Some(Overlay::Running(_)) => Scope::Running,
            Some(Overlay::Ask(_)) => Scope::Ask,
            Some(Overlay::Help(_)) => Scope::Help,
            Some(Overlay::Sort) => Scope::SortMenu,
            Some(Overlay::CommandLine(_)) => Scope::CommandLine,
            Some(Overlay::Evidence(_) | Overlay::Compare(_)) => Scope::Evidence,
            Some(Overlay::Picker(_)) => Scope::Picker,
            Some(Overlay::CopyMenu) => Scope::CopyMenu,
            Some(Overlay::Debug) => Scope::Debug,
            None => self.screen_scope(),
        }
    }

    /// The same, below everything that is open.
    #[must_use]
    pub fn screen_scope(&self) -> Scope {
        match self.screen {
            _ if self.filter_field().is_some() => Scope::Filter,
            Screen::Assets if self.assets.details_have_keys(&self.env) => Scope::Details,
            Screen::Assets => Scope::Assets,
            Screen::Pending => Scope::Pending,
            Screen::Watch => Scope::Watch,
            Screen::Jobs => Scope::Jobs,
            Screen::Activity => Scope::Activity,
        }
    }

    /// How the list on screen is arranged, where it is one of those that the journal fills.
    #[must_use]
    pub const fn arrangement(&self) -> Option<&Arrangement> {
        match self.screen {
            Screen::Pending => Some(&self.pending.list),
            Screen::Jobs => Some(&self.job_list.list),
            Screen::Activity => Some(&self.activity.list),
            Screen::Assets | Screen::Watch => None,
        }
    }

    /// The same, to change it.
    pub const fn arrangement_mut(&mut self) -> Option<&mut Arrangement> {
        match self.screen {
            Screen::Pending => Some(&mut self.pending.list),
            Screen::Jobs => Some(&mut self.job_list.list),
            Screen::Activity => Some(&mut self.activity.list),
            Screen::Assets | Screen::Watch => None,
        }
    }

    /// What the list on screen is sorted by, and whether it is the other way round.
    #[must_use]
    pub fn sorted(&self) -> (SortBy, bool) {
        self.arrangement().map_or(self.assets.sort, |list| list.sort)
    }

    /// The field of the filter of the list on screen, while it has the keys.
    #[must_use]
    pub fn filter_field(&self) -> Option<&Input> {
        match self.screen {
            Screen::Assets => self.assets.filter_field.as_ref(),
            _ => self.arrangement()?.field.as_ref(),
        }
    }

    /// What commands may refer to without naming it.
    #[must_use]
    pub fn context(&self) -> Context<'_> {
        static NO_MARKS: std::collections::BTreeSet<AssetKey> = std::collections::BTreeSet::new();
        let (resource_type, delivery_type) = self.assets.types();
        let on_assets = self.screen == Screen::Assets;
        let in_details = self.assets.details_have_keys(&self.env);
        Context {
            cursor: on_assets.then(|| self.assets.subject(&self.env)).flatten(),
            marked: if on_assets && !in_details { &self.assets.marks } else { &NO_MARKS },
            resource_type,
            delivery_type,
        }
    }

    /// The invalidation under the cursor of the Pending screen.
    #[must_use]
    pub fn pending_row(&self) -> Option<&Tracked> {
        self.pending.current(&self.tracked)
    }

    /// The newest picture of an invalidation.
    #[must_use]
    pub fn snapshot(&self, id: InvalidationId) -> Option<&Arc<WatchSnapshot>> {
        self.tracked.iter().find(|tracked| tracked.id == id)?.snapshot.as_ref()
    }

    /// Invalidations that have not ended.
    pub fn open(&self) -> impl Iterator<Item = &Tracked> {
        self.tracked.iter().filter(|tracked| tracked.ended.is_none())
    }

    /// Orders that have not ended.
    pub fn running(&self) -> impl Iterator<Item = (&JobId, &Job)> {
        self.jobs.iter().filter(|(_, job)| job.ended.is_none())
    }

    /// Opens something above the screen; its keys act once it has been drawn.
    ///
    /// News from before goes with it: it would lie over the keys of a dialog. What is typed or looked up goes on below it.
    pub fn open_overlay(&mut self, overlay: Overlay) {
        if !matches!(overlay, Overlay::CommandLine(_) | Overlay::Help(_) | Overlay::Debug) {
            self.env.toast = None;
        }
        self.overlay = Some(overlay);
        self.overlay_drawn = false;
    }

    /// A frame was handed to the terminal.
    pub const fn drawn(&mut self) {
        self.overlay_drawn = true;
        self.dirty = false;
    }

    /// Whether keys for what is open have to wait until it was seen. Text fields opened by a key take what
    /// follows at once; dialogs never.
    #[must_use]
    pub fn keys_wait(&self) -> bool {
        !self.overlay_drawn && self.scope().is_dialog()
    }

    /// When something on screen changes by itself, if anything does: news that leave, ages and waits that grow.
    #[must_use]
    pub fn next_tick(&self) -> Option<Duration> {
        const SECOND: Duration = Duration::from_secs(1);
        let toast = self.env.toast.as_ref().map(|toast| toast.until.since(self.env.moment));
        let ages = self.shows_time().then_some(SECOND);
        let lock = self.env.lock.changes_in(self.env.moment);
        let poll = self.asks_the_journal_in();
        toast
            .into_iter()
            .chain(ages)
            .chain(poll)
            .chain(self.freshness().changes_in(self.env.now))
            .chain(lock)
            .min()
            .map(|wait| wait.max(Duration::from_millis(50)))
    }

    /// Whether ages or waits are on screen.
    #[must_use]
    pub fn shows_time(&self) -> bool {
        let waits = match &self.overlay {
            Some(Overlay::Order(dialog)) => dialog.is_planning(),
            Some(Overlay::Running(job)) => {
                self.jobs.get(job).is_some_and(|job| job.ended.is_none())
            }
            Some(Overlay::Evidence(view)) => view.runs.is_none(),
            Some(Overlay::Compare(view)) => view.sides.is_none(),
            _ => false,
        };
        let watch_is_open = || self.watched().is_some_and(|tracked| tracked.ended.is_none());
        waits
            || match self.screen {
                Screen::Pending | Screen::Watch | Screen::Jobs if self.pause.is_some() => false,
                Screen::Assets => {
                    self.assets.loading.is_some()
                        || self.assets.reading.is_some()
                        || self.assets.is_looking()
                }
                Screen::Pending => self.open().next().is_some(),
                Screen::Watch => watch_is_open(),
                Screen::Jobs => self.job_list.live().next().is_some(),
                Screen::Activity => false,
            }
    }

    /// The key that is looked up last; for hints of what is bound.
    #[must_use]
    pub fn key_of(&self, id: &str) -> Option<Key> {
        self.keymap.keys(id).first().copied()
    }

    /// Whether the theme goes by the terminal's background.
    #[must_use]
    pub const fn follows_ground(&self) -> bool {
        self.follows_ground
    }

    /// The theme as it is asked for, which may be one that stands for others.
    #[must_use]
    pub fn theme_name(&self) -> &str {
        if self.follows_ground { AUTO } else { &self.theme.name }
    }

    /// The terminal said what its background is.
    pub fn learn_ground(&mut self, ground: Ground) {
        self.ground = Some(ground);
        if self.follows_ground {
            self.set_theme(AUTO);
        }
    }

    /// Changes the colours.
    pub fn set_theme(&mut self, name: &str) {
        self.follows_ground = name == AUTO;
        let name =
            if self.follows_ground { auto_theme(self.ground, self.look.depth) } else { name };
        let (theme, warnings) = self.themes.get(name);
        if let Some(first) = warnings.first() {
            self.env.bad(first.clone(), "the theme before it stays");
            if theme.name != name {
                return;
            }
        }
        self.theme = theme.with_glyphs(self.look.ascii).at_depth(self.look.depth);
    }
}
