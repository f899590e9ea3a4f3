//! The console as the command line starts it.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{mpsc, watch};
use tokio::task::block_in_place;
use tokio_util::task::AbortOnDropHandle;

use super::answers::Questions;
use super::clipboard::Between;
use super::event_loop::{self, Arrival, Arrived, Parts};
use super::executor::Executor;
use super::notify::Wanted;
use super::signals::{self, Signal};
use super::terminal::Screen;
use super::{answers, colours, history, input, pictures, terminal, theme_files, views};
use crate::app::App;
use crate::app::kept_view::KeptView;
use crate::app::keymap::{KeyOverrides, KeyPlaces};
use crate::app::own::Own;
use crate::app::state::{Env, Look, Setup};
use crate::ops::Engine;
use crate::ports::changes::Changes;
use crate::ports::clock::Clock;
use crate::ports::list_copy::ListCopies;
use crate::ports::notifier::Notifier;
use crate::ports::programs::Programs;
use crate::screens::assets::update::to_keep;
use crate::screens::picker::Choice;
use crate::ui::pixels::{Pictures, Way};
use crate::ui::text::shown;
use crate::ui::theme::Depth;
use crate::ui::theme_file::{AUTO, Themes};

/// How the console is to look and behave.
#[derive(Clone, Default)]
pub struct ConsoleOptions {
    /// `None`: [`AUTO`].
    pub theme: Option<String>,
    /// The terminal may be asked whether it is light or dark, and what it draws pictures with.
    pub may_ask: bool,
    /// Folder with themes of the operator, one TOML a theme.
    pub theme_dir: Option<PathBuf>,
    /// How pictures are drawn; `None`: as the terminal seems to understand.
    pub pictures: Option<Way>,
    pub ascii: bool,
    /// How many colours somebody wants, and who says so; `None`: as many as the environment says.
    pub colours: Option<(Depth, &'static str)>,
    pub mouse: bool,
    pub keys: KeyOverrides,
    /// Where they are written.
    pub key_places: KeyPlaces,
    /// What holds and who said so, for the debug overlay: setting, value, origin.
    pub settings: Vec<(&'static str, String)>,
    /// Commands of the operator's own, and who runs them.
    pub own: Vec<Own>,
    pub programs: Option<Arc<dyn Programs>>,
    /// Profiles to switch to, with a word about each.
    pub profiles: Vec<(String, String)>,
    /// What the terminal is to tell when something happened.
    pub notify: Wanted,
    /// Whom to tell outside.
    pub notifier: Option<Arc<dyn Notifier>>,
    /// Where lists are kept for the next start.
    pub copies: Option<Arc<dyn ListCopies>>,
    /// Where the operator was on this profile before.
    pub view: Option<KeptView>,
    /// Where the log is, for the debug overlay.
    pub log: Option<PathBuf>,
    /// File that keeps how things are arranged, by profile, between starts.
    pub views: Option<PathBuf>,
    /// File that keeps the lines of the command line between starts.
    pub history: Option<PathBuf>,
    /// Tells when themes are saved.
    pub changes: Option<Arc<dyn Changes>>,
}

/// Why the console ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExitReason {
    Quit,
    /// A signal asked for the end.
    Signal(i32),
    /// The terminal is gone: nothing may be printed any more.
    HungUp,
    /// The operator wants the console of another profile.
    Profile(String),
    /// There is nothing to work with.
    NoEngine,
}

impl ExitReason {
    /// 0, or 128 and the signal's number as shells have it.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Quit | Self::Profile(_) => 0,
            Self::Signal(number) => u8::try_from(128 + number).unwrap_or(u8::MAX),
            Self::HungUp => 129,
            Self::NoEngine => 1,
        }
    }
}

/// How a console ended, and where the operator was then.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    pub reason: ExitReason,
    pub view: KeptView,
}

/// Why the console did not begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    #[error("the console needs a terminal for input and output")]
    NoTerminal,
    #[error("the terminal does not do as asked: {0}")]
    Terminal(#[from] io::Error),
}

impl ConsoleError {
    /// The next step, in one sentence.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NoTerminal => "use the commands instead, `allclear ls` or `allclear --help`",
            Self::Terminal(_) => "check TERM, or use the commands: `allclear --help`",
        }
    }
}

/// Jobs that were told to stop get this long to settle the calls in flight.
const SETTLE: Duration = Duration::from_secs(3);
/// A copy older than this gives way to a shorter one.
const OLD: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The tracker gets this long to write what it knows and to release its leases.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// What is known before anything is asked or opened: enough for the first look.
pub struct Opening {
    pub setup: Setup,
    pub clock: Arc<dyn Clock>,
}

/// Runs the console until the operator quits or the terminal goes away, then stops the engine's tracker. The first frame
/// is drawn before `engine` is polled; what needs it waits for it, and looking at the rows of a kept list does not.
///
/// The terminal is restored when this returns, however it returns.
///
/// # Errors
/// Standard input or output is no terminal, the terminal cannot be set up, or what `engine` ends with.
pub async fn run_console<E>(
    opening: Opening,
    options: ConsoleOptions,
    engine: impl Future<Output = Result<Arrived, E>> + Send + 'static,
) -> Result<Ended, E>
where
    E: From<ConsoleError> + Send + 'static,
{
    let failed = Arc::new(Mutex::new(None));
    let tell = Arc::clone(&failed);
    let arrival: Arrival = Box::pin(async move {
        // a task of its own, so that the loop goes on drawing whatever it takes
        match AbortOnDropHandle::new(tokio::spawn(engine)).await {
            Ok(Ok(arrived)) => Some(arrived),
            Ok(Err(why)) => {
                *tell.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
                None
            }
            Err(why) => match why.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => None,
            },
        }
    });
    let ended = run(opening, options, arrival).await.map_err(E::from)?;
    match failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(why) if ended.reason == ExitReason::NoEngine => Err(why),
        _ => Ok(ended),
    }
}

async fn run(
    opening: Opening,
    options: ConsoleOptions,
    arrival: Arrival,
) -> Result<Ended, ConsoleError> {
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        return Err(ConsoleError::NoTerminal);
    }
    let look = Look {
        ascii: options.ascii || colours::locale_lacks_unicode(|name| std::env::var(name).ok()),
        depth: match options.colours {
            Some((depth, _)) => depth,
            None => colours::depth(|name| std::env::var(name).ok()),
        },
    };
    // Otherwise crossterm undoes bold and reverse under NO_COLOR; the theme holds no colours then.
    crossterm::style::force_color_output(true);
    let (themes, warnings) = themes(options.theme_dir.as_deref());
    let Opening { setup, clock } = opening;
    let (signal_tx, signals) = mpsc::channel(16);
    let mut screen = Screen::enter(options.mouse, options.notify, signal_tx.clone())?;
    let hangup = signals::watch_for_hangup(signal_tx.clone());
    let catching = signals::catch(signal_tx)?;

    let size = crossterm::terminal::size()?;
    let env = Env::new(setup, clock.wall(), clock.moment(), size);
    let theme = options.theme.as_deref().unwrap_or(AUTO);
    let mut app = App::new(env, themes, theme, look, &KeyOverrides::new());
    app.adopt(options.own, &options.keys, &options.key_places);
    let ground = answers::background();
    if let Some(ground) = ground {
        app.learn_ground(ground);
    }
    let choice = |(name, about)| Choice { name, about };
    app.pictures = pictures(options.pictures, look);
    let env = |name: &str| std::env::var(name).ok();
    let questions = Questions {
        background: ground.is_none() && app.follows_ground(),
        // tmux and screen answer for themselves, not for what is around them
        pictures: pictures::BUILT
            && options.pictures.is_none()
            && !is_plain(look)
            && Between::of(env) == Between::Nothing,
    };
    if questions.are_any() && options.may_ask && answers::may_be_asked(env) {
        screen.ask(questions);
    }
    app.mouse = options.mouse;
    app.profiles = options.profiles.into_iter().map(choice).collect();
    if let Some(first) = warnings.first() {
        app.env.bad(first.clone(), "the other themes work");
    }

    let profile = app.env.setup.profile.clone();
    if let Some(view) = options.view {
        app.come_back(view);
    } else if let Some(kept) = options.views.as_deref().and_then(|it| views::load(it, &profile)) {
        app.arrange_as(&kept);
    }
    if let Some(copies) = &options.copies {
        match copies.beginning(&app.assets.query) {
            Ok(Some(copy)) => app.show_copy(copy),
            Ok(None) => {}
            Err(why) => tracing::info!(%why, "no copy of the list"),
        }
    }

    let (inbox_tx, inbox) = mpsc::channel(256);
    let themes = options.theme_dir.zip(options.changes);
    let reloading = themes.map(|(folder, changes)| {
        tokio::spawn(theme_files::watch(folder, changes, inbox_tx.clone()))
    });
    let mut executor = Executor::new(inbox_tx)
        .telling(options.notifier)
        .running(options.programs)
        .copying(options.copies.clone())
        .remembering(options.history.clone());
    app.history = options.history.as_deref().map(history::load).unwrap_or_default();
    let log = options.log.map(|log| ("log", shown(&log.to_string_lossy()).into_owned()));
    app.debug.about.extend(log);
    app.debug.about.push(("colours", why_colours(options.colours, &app)));
    app.debug.about.extend(options.settings);
    let (_no_board, board) = watch::channel(Arc::default());
    let workers = Handle::current();
    let result = on_this_thread(async {
        let mut parts = Parts {
            input: input::events()?,
            surface: &mut screen,
            executor: &mut executor,
            inbox,
            board,
            signals,
            clock,
            arrival: Some(arrival),
        };
        let _workers = workers.enter(); // what the loop spawns is theirs
        terminal::guarded(event_loop::run(&mut app, &mut parts)).await
    });
    screen.leave();
    if let (Some(copies), false) = (options.copies, matches!(result, Ok(ExitReason::HungUp))) {
        keep(&app, &*copies);
    }
    if let Some(views) = &options.views
        && let Err(why) = views::keep(views, &profile, app.arranged())
    {
        tracing::info!(%why, "how things are arranged is not kept");
    }
    executor.settle(SETTLE).await;
    // A tracker that cannot finish loses nothing: its leases expire.
    if let Some(engine) = executor.engine() {
        let _ = tokio::time::timeout(SHUTDOWN, engine.shutdown()).await;
    }
    catching.abort();
    if let Some(reloading) = reloading {
        reloading.abort();
    }
    if !matches!(result, Ok(ExitReason::HungUp)) {
        hangup.stand_down();
    }
    Ok(Ended { reason: result?, view: app.view() })
}

/// Runs the loop with a driver of its own: a key wakes this thread, where it would wake a worker that wakes this thread.
fn on_this_thread<T>(the_loop: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    block_in_place(|| Builder::new_current_thread().enable_io().build()?.block_on(the_loop))
}

/// Pictures are drawn in characters whatever the terminal can.
fn is_plain(look: Look) -> bool {
    look.ascii || look.depth == Depth::Mono
}

/// How pictures are drawn: as somebody says, else as the terminal seems to understand, if it is in colour.
fn pictures(said: Option<Way>, look: Look) -> Pictures {
    if !pictures::BUILT {
        return Pictures::default();
    }
    let guessed = if is_plain(look) {
        Way::Cells
    } else {
        answers::way_of_pictures(|name| std::env::var(name).ok()).0
    };
    Pictures::drawn(said.unwrap_or(guessed), guessed)
}

/// Keeps the list for the next start, unless more of it is kept already.
fn keep(app: &App, copies: &dyn ListCopies) {
    let Some((query, copy)) = to_keep(&app.assets) else { return };
    let kept = copies.beginning(&query).ok().flatten();
    let enough = copy.is_whole
        || kept
            .is_none_or(|kept| kept.count <= copy.count || copy.at.duration_since(kept.at) > OLD);
    if enough && let Err(why) = copies.write(&query, &copy) {
        tracing::info!(%why, "the list is not kept");
    }
}

/// How many colours there are, and what says so.
fn why_colours(said: Option<(Depth, &str)>, app: &App) -> String {
    let (depth, why) = match said {
        Some((depth, who)) => (depth, format!("{who} says")),
        None => colours::depth_and_why(|name| std::env::var(name).ok()),
    };
    let glyphs = if app.look.ascii { "ASCII" } else { "Unicode" };
    shown(&format!("{}, as {why}; glyphs {glyphs}", depth.as_str())).into_owned()
}

/// What was concluded about the terminal and where things are, for the debug overlay; no secrets.
pub(super) fn about(engine: &Engine, pictures: Pictures) -> Vec<(&'static str, String)> {
    let env = |name: &str| std::env::var(name).ok();
    let (guessed, why) = answers::way_of_pictures(env);
    let drawn = match pictures.way() {
        way if way == guessed => format!("{}: {why}", way.as_str()),
        way => format!("{}, as asked for; by itself {}: {why}", way.as_str(), guessed.as_str()),
    };
    let said = |name: &str| env(name).unwrap_or_else(|| "unset".to_owned());
    let between = Between::of(env);
    let context = engine.context();
    let facts = [
        (
            "TERM",
            format!(
                "{}, COLORTERM {}, NO_COLOR {}",
                said("TERM"),
                said("COLORTERM"),
                said("NO_COLOR")
            ),
        ),
        ("between", between.in_words().to_owned()),
        ("pictures", drawn),
        ("journal", context.journal.location()),
        ("profile", format!("{}, {}", context.policy.profile, context.scope.api)),
    ];
    facts.map(|(name, value)| (name, shown(&value).into_owned())).into()
}

/// Embedded themes and those of the operator; what cannot be read is named.
fn themes(folder: Option<&std::path::Path>) -> (Themes, Vec<String>) {
    let mut themes = Themes::built_in();
    let mut warnings = Vec::new();
    let Some(folder) = folder else { return (themes, warnings) };
    for path in theme_files::list(folder).into_keys() {
        let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
        match theme_files::read(&path) {
            Ok(text) => warnings.extend(themes.add(name, &text)),
            Err(why) => warnings.push(format!("theme {name}: {why}")),
        }
    }
    (themes, warnings)
}

/// What a signal means for the console.
impl From<Signal> for Option<ExitReason> {
    fn from(signal: Signal) -> Self {
        match signal {
            Signal::End(number) => Some(ExitReason::Signal(number)),
            Signal::HungUp => Some(ExitReason::HungUp),
            Signal::Suspend | Signal::Resumed => None,
        }
    }
}
