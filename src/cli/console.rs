//! No command: the console of the profile, or a first step where there is none.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;

use super::args::{Demo, Globals};
use super::connect;
use super::demo;
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::{plain, themes};
use crate::adapters::file_changes::FileChanges;
use crate::adapters::list_copies::ListFiles;
use crate::adapters::notifier::{Hook, Outside};
use crate::adapters::programs::HostPrograms;
use crate::adapters::system_clock::SystemClock;
use crate::app::commands::Scope;
use crate::app::kept_view::KeptView;
use crate::app::own::Own;
use crate::app::state::Setup;
use crate::config::{
    self, ColorWord, ConfigError, Env, NotifyFile, OwnFile, PicturesWord, Preferences, ScreenWord,
    TerminalWord,
};
use crate::domain::invalidation::{CloudScope, Member};
use crate::domain::text::clean;
use crate::ops::context::Policy;
use crate::ops::{Context, Engine};
use crate::ports::list_copy::ListCopies;
use crate::ports::notifier::Notifier;
use crate::runtime::notify::{Wanted, Way};
use crate::runtime::{
    self, Arrived, ConsoleError, ConsoleOptions, ExitReason, Opening, Step, run_console, run_first,
};
use crate::ui::pixels::Way as PictureWay;
use crate::ui::theme::Depth;

/// A command of the operator's own is ended after this, where nothing else is said.
const OWN: Duration = Duration::from_secs(30);
/// A hook is ended after this, where nothing else is said.
const HOOK: Duration = Duration::from_secs(10);

/// Opens the console. Without any cloud to open it for, a first screen with three keys on a terminal.
///
/// # Errors
/// No terminal, no profile, a configuration or journal that cannot be used.
pub async fn run(globals: &Globals, env: &Env, output: &Output) -> Result<Exit, Failure> {
    themes::refuse_unknown(globals, env)?;
    let mut chosen = globals.clone();
    let mut views = BTreeMap::new();
    loop {
        match Box::pin(open_profile(&chosen, env, output, &views)).await? {
            Ended::Exit(exit) => return Ok(exit),
            Ended::Profile { name, left, view } => {
                let (theme, mouse) = view.manners();
                (chosen.theme, chosen.mouse) = (Some(theme.to_owned()), mouse);
                chosen.profile = Some(name);
                views.insert(left, *view);
            }
        }
    }
}

/// Where the operator was, by profile.
type Views = BTreeMap<String, KeptView>;

/// How one console ended.
enum Ended {
    Exit(Exit),
    /// The operator wants another profile than the one that was left.
    Profile {
        name: String,
        left: String,
        view: Box<KeptView>,
    },
}

async fn open_profile(
    globals: &Globals,
    env: &Env,
    output: &Output,
    views: &Views,
) -> Result<Ended, Failure> {
    let resolved = match config::resolve(&connect::flags(globals), env) {
        Err(nothing @ ConfigError::NothingConfigured { .. }) if is_terminal() => {
            let first = Box::pin(first_step(globals, env, output, nothing));
            return first.await.map(Ended::Exit);
        }
        other => other?,
    };
    if !is_terminal() {
        return Err(ConsoleError::NoTerminal.into());
    }
    let preferences = resolved.preferences.clone();
    let faults = preferences.faults.iter().map(ToString::to_string);
    let banner = preferences.warnings.iter().cloned().chain(faults).next();
    if let Some(why) = plain::wanted(globals, &Env::from_process()) {
        let (found, no_journal) = connect::find_to_look(resolved).await?;
        found.said.iter().for_each(|line| output.say(line));
        let context = found.context()?;
        let banner = no_journal.or(banner);
        let own = own_commands(Some(&preferences));
        let plain = Box::pin(plain::run(context, globals, own, (why, banner.as_deref())));
        return plain.await.map(Ended::Exit);
    }
    let folder = preferences.paths.state_dir.join("lists");
    let scope = CloudScope {
        cloud_name: resolved.account.cloud_name.clone(),
        api: resolved.api_prefix.clone(),
        instance: None,
    };
    let lists = Arc::new(if resolved.may_be_local() {
        ListFiles::of_any_run(folder, scope)
    } else {
        ListFiles::new(folder, scope)
    });
    let copies: Option<Arc<dyn ListCopies>> = Some(lists.clone());
    let policy = &resolved.policy;
    let setup = Setup {
        loopback: resolved.may_be_local(),
        ..setup(&connect::this_process(), &resolved.account.cloud_name, policy, banner)
    };
    let opening = Opening { setup, clock: Arc::new(SystemClock) };
    let left = resolved.policy.profile.clone();
    let options = ConsoleOptions {
        profiles: preferences.profiles.clone(),
        copies,
        view: views.get(&left).cloned(),
        ..options(globals, Some(&preferences))?
    };
    let engine = async move {
        let (found, banner) = connect::find_to_look(resolved).await?;
        let of_another_run = lists.settle(found.scope().instance.as_deref());
        let said = found.said.clone();
        let engine = Arc::new(Engine::start_working(found.context()?));
        Ok::<_, Failure>(Arrived { engine, said, banner, of_another_run })
    };
    Ok(ended(left, Box::pin(run_console(opening, options, engine)).await?))
}

/// Runs the console over `context` until the operator has had enough.
///
/// # Errors
/// A terminal that does not do as asked.
pub async fn open(
    context: Context,
    globals: &Globals,
    preferences: Option<&Preferences>,
    banner: Option<String>,
) -> Result<Exit, Failure> {
    if let Some(why) = plain::wanted(globals, &Env::from_process()) {
        let own = own_commands(preferences);
        return Box::pin(plain::run(context, globals, own, (why, banner.as_deref()))).await;
    }
    let Context { policy, account, member, clock, .. } = &context;
    let setup = setup(member, &account.cloud_name, policy, banner);
    let opening = Opening { setup, clock: Arc::clone(clock) };
    let options = options(globals, preferences)?;
    let engine = async move {
        let engine = Arc::new(Engine::start_working(context));
        Ok::<_, Failure>(Arrived { engine, said: Vec::new(), banner: None, of_another_run: false })
    };
    let profile = opening.setup.profile.clone();
    match ended(profile, Box::pin(run_console(opening, options, engine)).await?) {
        Ended::Exit(exit) => Ok(exit),
        Ended::Profile { .. } => Ok(Exit::Done), // none is offered here
    }
}

/// What the console says of where it works.
fn setup(me: &Member, cloud_name: &str, policy: &Policy, banner: Option<String>) -> Setup {
    Setup {
        profile: policy.profile.clone(),
        cloud_name: cloud_name.to_owned(),
        risk: policy.risk,
        read_only: policy.read_only,
        loopback: policy.loopback,
        confidence: policy.confidence,
        me: format!("{}@{} {}", me.user, me.host, me.pid),
        banner,
    }
}

fn options(
    globals: &Globals,
    preferences: Option<&Preferences>,
) -> Result<ConsoleOptions, Failure> {
    Ok(ConsoleOptions {
        theme: globals.theme.clone().or_else(|| preferences.and_then(|it| it.theme.clone())),
        may_ask: !globals.no_query,
        pictures: preferences.and_then(|it| it.pictures).and_then(way),
        theme_dir: preferences.map(|it| it.paths.themes()),
        ascii: globals.ascii || preferences.and_then(|it| it.ascii).unwrap_or_default(),
        colours: colours(globals, preferences.and_then(|it| it.color)),
        mouse: globals.mouse || preferences.and_then(|it| it.mouse).unwrap_or_default(),
        keys: preferences.map(|it| it.keys.clone()).unwrap_or_default(),
        key_places: preferences.map(|it| it.key_places.clone()).unwrap_or_default(),
        settings: preferences.map(|it| told(&it.settings)).unwrap_or_default(),
        own: preferences.map(|it| own(&it.own)).unwrap_or_default(),
        programs: Some(Arc::new(HostPrograms)),
        profiles: Vec::new(),
        notify: preferences.map(|it| wanted(&it.notify)).unwrap_or_default(),
        notifier: preferences.map(|it| outside(&it.notify)).transpose()?.flatten(),
        copies: None,
        view: None,
        log: preferences.map(|it| it.paths.state_dir.join("allclear.log")),
        views: preferences.map(|it| it.paths.state_dir.join("views")),
        history: preferences.map(|it| it.paths.state_dir.join("command-history")),
        changes: Some(Arc::new(FileChanges)),
    })
}

/// Settings as the debug overlay tells them: what holds, and why it is so where somebody said so.
fn told(settings: &[config::Setting]) -> Vec<(&'static str, String)> {
    const ROWS: usize = 6;
    let said: Vec<_> = settings.iter().filter(|it| it.origin != config::Origin::Default).collect();
    let line = |it: &&config::Setting| {
        let line = format!("{} = {}, by {}", it.key, it.value, it.origin);
        ("set", clean(&line).into_owned())
    };
    let mut told: Vec<_> = said.iter().take(ROWS).map(line).collect();
    if said.len() > ROWS {
        let more = said.len() - ROWS;
        told.push(("", format!("and {more} more: `allclear config show --origin`")));
    }
    told
}

/// How the console of profile `left` ended.
fn ended(left: String, ended: runtime::Ended) -> Ended {
    if let ExitReason::Profile(name) = ended.reason {
        return Ended::Profile { name, left, view: Box::new(ended.view) };
    }
    Ended::Exit(match ended.reason.exit_code() {
        0 => Exit::Done,
        130 => Exit::Interrupted,
        code => Exit::Signal(code),
    })
}

/// How pictures are drawn; `None`: the terminal decides.
/// How many colours somebody wants: the flag before the configuration, which beats `NO_COLOR` (no-color.org).
fn colours(globals: &Globals, word: Option<ColorWord>) -> Option<(Depth, &'static str)> {
    if globals.no_color {
        return Some((Depth::Mono, "--no-color"));
    }
    Some((depth_of(word?)?, "the configuration"))
}

/// How many colours a word of the configuration means; `None`: as many as the environment says.
pub(super) const fn depth_of(word: ColorWord) -> Option<Depth> {
    Some(match word {
        ColorWord::Auto => return None,
        ColorWord::Without => Depth::Mono,
        ColorWord::Sixteen => Depth::Sixteen,
        ColorWord::Indexed => Depth::Indexed,
        ColorWord::True => Depth::True,
    })
}

const fn way(word: PicturesWord) -> Option<PictureWay> {
    Some(match word {
        PicturesWord::Auto => return None,
        PicturesWord::Kitty => PictureWay::Kitty,
        PicturesWord::Iterm2 => PictureWay::Iterm2,
        PicturesWord::Sixel => PictureWay::Sixel,
        PicturesWord::HalfBlocks => PictureWay::Cells,
        PicturesWord::Off => PictureWay::Off,
    })
}

/// Whether a console can be drawn and operated here.
pub fn is_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Commands of the operator's own, as the table of commands takes them.
pub(super) fn own(file: &BTreeMap<String, OwnFile>) -> Vec<Own> {
    let own = |(name, file): (&String, &OwnFile)| Own {
        name: name.clone(),
        scope: match file.on {
            None => Scope::Anywhere,
            Some(ScreenWord::Assets) => Scope::Assets,
            Some(ScreenWord::Pending) => Scope::Pending,
            Some(ScreenWord::Watch) => Scope::Watch,
            Some(ScreenWord::Jobs) => Scope::Jobs,
            Some(ScreenWord::Activity) => Scope::Activity,
        },
        keys: file.keys.clone(),
        command: file.command.clone(),
        help: file.help.as_deref().map_or_else(
            || format!("runs {}", clean(file.command.first().map_or("", String::as_str))),
            |help| clean(help).into_owned(),
        ),
        changes: file.changes.unwrap_or(true),
        limit: file.timeout.map_or(OWN, |limit| limit.0),
    };
    file.iter().map(own).collect()
}

/// The same for the console line by line: those that the table of commands takes.
fn own_commands(preferences: Option<&Preferences>) -> plain::OwnCommands {
    let all = preferences.map(|it| own(&it.own)).unwrap_or_default();
    let usable = |own: &Own| crate::app::own::table(std::slice::from_ref(own)).1.is_empty();
    let all = all.into_iter().filter(usable).collect();
    plain::OwnCommands { all, programs: Arc::new(HostPrograms) }
}

/// What the terminal is to tell.
fn wanted(file: &NotifyFile) -> Wanted {
    let usual = Wanted::default();
    Wanted {
        on: file.on.iter().map(|on| on.as_str().to_owned()).collect(),
        bell: file.bell.unwrap_or(usual.bell),
        way: match file.terminal {
            None | Some(TerminalWord::Auto) => Way::Auto,
            Some(TerminalWord::None) => Way::None,
            Some(TerminalWord::Osc9) => Way::Osc9,
            Some(TerminalWord::Osc777) => Way::Osc777,
            Some(TerminalWord::Osc99) => Way::Osc99,
        },
        after: file.after.map_or(usual.after, |after| after.0),
    }
}

/// Programs and addresses to tell, if there are any.
fn outside(file: &NotifyFile) -> Result<Option<Arc<dyn Notifier>>, Failure> {
    let hooks = file.hooks.iter().map(|hook| Hook {
        on: hook.on.iter().map(|on| on.as_str().to_owned()).collect(),
        command: hook.command.clone(),
        limit: hook.timeout.map_or(HOOK, |limit| limit.0),
    });
    let webhook = file.webhook.as_ref().map(ExposeSecret::expose_secret);
    let outside = Outside::new(hooks.collect(), webhook)
        .map_err(|why| Failure::usage(why, "correct it under [notify] of the configuration"))?;
    Ok((!outside.is_empty()).then(|| Arc::new(outside) as Arc<dyn Notifier>))
}

async fn first_step(
    globals: &Globals,
    env: &Env,
    output: &Output,
    nothing: ConfigError,
) -> Result<Exit, Failure> {
    if globals.no_input {
        return Err(nothing.into());
    }
    if plain::wanted(globals, env).is_some() {
        output.warn("No cloud is configured yet. Two ways to begin:");
        output.warn("  allclear demo     a local cloud in this program: nothing to configure");
        output.warn("  CLOUDINARY_URL    export CLOUDINARY_URL=cloudinary://<api_key>:<api_secret>@<cloud_name>");
        return Err(nothing.into());
    }
    let options = ConsoleOptions {
        theme: globals.theme.clone(),
        ascii: globals.ascii,
        colours: colours(globals, None),
        ..ConsoleOptions::default()
    };
    let config = match &nothing {
        ConfigError::NothingConfigured { config } => config.display().to_string(),
        _ => String::new(),
    };
    match run_first(&options, &config).await? {
        Step::Demo => Box::pin(demo::run(globals, env, output, &Demo::usual())).await,
        Step::Quit => Ok(Exit::Done),
    }
}

impl From<ConsoleError> for Failure {
    fn from(error: ConsoleError) -> Self {
        match error {
            ConsoleError::NoTerminal => Self::usage(error.to_string(), error.hint()),
            ConsoleError::Terminal(_) => Self::failed(error.to_string(), error.hint()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(true, Some(ColorWord::True), Some(Depth::Mono))]
    #[case(false, Some(ColorWord::Indexed), Some(Depth::Indexed))]
    #[case(false, Some(ColorWord::Without), Some(Depth::Mono))]
    #[case(false, Some(ColorWord::Auto), None)]
    #[case(false, None, None)]
    fn the_flag_beats_the_configuration_and_that_beats_the_environment(
        #[case] no_color: bool,
        #[case] word: Option<ColorWord>,
        #[case] wanted: Option<Depth>,
    ) {
        let globals = Globals { no_color, ..Globals::default() };
        assert_eq!(colours(&globals, word).map(|(depth, _)| depth), wanted);
    }
}
