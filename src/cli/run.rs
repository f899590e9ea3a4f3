//! From arguments to an exit code: parses, opens what the command needs, carries it out, says what went wrong.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use clap::error::ErrorKind;

use super::args::{Args, Command, Globals, Purge, Rename, Replace, Restore, Rm, Watch};
use super::connect::{self, Found, Session};
use super::exit::Exit;
use super::failure::Failure;
use super::jobs::{self, Control, Jobs, RetryFailed};
use super::look_from::Sources;
use super::output::{Output, Style};
use super::web::{self, Around, Meant};
use super::{
    activity, cloud, completions, config, console, demo, doctor, explain, help, journal, log, ls,
    man, pending, places, probe, purge, rename, replace, report, resolve, restore, rm, show,
    themes, track, version, watch,
};
use crate::adapters::system_clock::SystemClock;
use crate::config::{Env, Paths};
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::job::Wish;
use crate::ops::{Context, Engine};
use crate::ports::clock::Clock;

/// Longest wait for the tracker to write what it knows and to release its leases.
const FAREWELL: Duration = Duration::from_secs(5);

/// Carries out the command line; `arguments` begin with the name of the program.
#[must_use]
pub fn run(arguments: &[OsString]) -> Exit {
    if let Some(exit) = completions::answer(arguments) {
        return exit;
    }
    match help::parse(arguments) {
        Ok(args) => command(args, arguments),
        Err(error) => not_understood(&error, arguments),
    }
}

/// Help and version are data; everything else is a mistake in usage.
fn not_understood(error: &clap::Error, arguments: &[OsString]) -> Exit {
    let as_json = arguments.iter().any(|argument| argument == "--json");
    let style = Style { json: true, quiet: false, color: false, ascii: false };
    if error.kind() == ErrorKind::DisplayVersion && as_json {
        let _ = Output::new("version", style).json(version::json()); // a reader that went away is no error
        return Exit::Done;
    }
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let _ = error.print();
        return Exit::Done;
    }
    if as_json {
        Failure::of_usage(error).said(&Output::new("error", style));
    } else {
        let _ = error.print();
        let _ = std::io::stderr().flush();
    }
    Exit::Usage
}

/// What every command is given.
struct Call {
    globals: Globals,
    env: Env,
    output: Output,
    /// For the audit trail.
    command_line: String,
}

fn command(args: Args, arguments: &[OsString]) -> Exit {
    let Args { globals, command } = args;
    let output = Output::new(name(command.as_ref()), style(&globals));
    let env = Env::from_process();
    let _log = Paths::find(&connect::flags(&globals), &env).ok().and_then(|paths| {
        crate::runtime::terminal::keep_crashes_in(&paths.state_dir);
        log::start(&paths.state_dir, globals.verbose).ok()
    });
    let command_line = resolve::command_line(arguments);
    tracing::info!(%command_line, version = env!("CARGO_PKG_VERSION"), "started");
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.enable_all().worker_threads(threads(command.as_ref()));
    let runtime = match runtime.build() {
        Ok(runtime) => runtime,
        Err(cause) => {
            let hint = "this host is out of threads or files; close something and try again";
            return Failure::failed(format!("cannot start: {cause}"), hint).said(&output);
        }
    };
    let style = output.style;
    let call = Call { globals, env, output, command_line };
    let exit = match runtime.block_on(call.carry_out(command)) {
        Ok(exit) => exit,
        Err(failure) => failure.said(&Output::new("error", style)),
    };
    // a question that nobody answered may still be reading the terminal
    runtime.shutdown_timeout(Duration::from_millis(200));
    tracing::info!(exit_code = exit.code(), "ended");
    exit
}

/// Threads for what waits most of the time; each costs memory. Only the local cloud computes in them.
fn threads(command: Option<&Command>) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let most = match command {
        None => 1, // beside the loop, which has the main thread; what computes for long has threads of its own
        Some(Command::Cloud(_)) => cores,
        Some(_) => 4,
    };
    cores.min(most)
}

fn style(globals: &Globals) -> Style {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let forced =
        set("FORCE_COLOR") || std::env::var_os("CLICOLOR_FORCE").is_some_and(|it| it != "0");
    let wanted = forced || std::io::stdout().is_terminal();
    Style {
        json: globals.json,
        quiet: globals.quiet,
        color: wanted && !globals.no_color && !set("NO_COLOR"),
        ascii: globals.ascii,
    }
}

/// The command's name in schemas.
const fn name(command: Option<&Command>) -> &'static str {
    match command {
        None => "console",
        Some(Command::Demo(_)) => "demo",
        Some(Command::Cloud(_)) => "cloud",
        Some(Command::Ls(_)) => "ls",
        Some(Command::Show(_)) => "show",
        Some(Command::Explain(_)) => "explain",
        Some(Command::Rename(_)) => "rename",
        Some(Command::Rm(_)) => "rm",
        Some(Command::Replace(_)) => "replace",
        Some(Command::Purge(_)) => "purge",
        Some(Command::Restore(_)) => "restore",
        Some(Command::Probe(_)) => "probe",
        Some(Command::Watch(_)) => "watch",
        Some(Command::Pending(_)) => "pending",
        Some(Command::History(_)) => "history",
        Some(Command::Activity(_)) => "activity",
        Some(Command::Jobs(_)) => "jobs",
        Some(Command::RetryFailed(_)) => "retry_failed",
        Some(Command::Track(_)) => "track",
        Some(Command::Report(_)) => "report",
        Some(Command::Journal(_)) => "journal",
        Some(Command::Places(_)) => "places",
        Some(Command::Config(_)) => "config",
        Some(Command::Themes(_)) => "themes",
        Some(Command::Doctor(_)) => "doctor",
        Some(Command::Completions(_)) => "completions",
        Some(Command::Man(_)) => "man",
    }
}

/// Whether a command leaves everything as it is, so that it need not track anything.
const fn only_reads(command: &Command) -> bool {
    match command {
        Command::Rename(Rename { change, .. })
        | Command::Rm(Rm { change, .. })
        | Command::Replace(Replace { change, .. })
        | Command::Purge(Purge { change, .. })
        | Command::Restore(Restore { change, .. })
        | Command::RetryFailed(RetryFailed { change, .. }) => change.dry_run,
        Command::Watch(_) | Command::Jobs(_) | Command::Track(_) => false,
        _ => true,
    }
}

/// Jobs that wait for somebody are no reason to refuse another command, nor is a journal that cannot tell of them.
async fn tell_interrupted(session: &Session) {
    match session.engine.interrupted().await {
        Ok(waiting) => jobs::tell_interrupted(&session.output, &waiting),
        Err(why) => tracing::warn!(%why, "interrupted jobs could not be looked for"),
    }
}

impl Call {
    async fn carry_out(self, command: Option<Command>) -> Result<Exit, Failure> {
        let Some(command) = command else {
            return Box::pin(console::run(&self.globals, &self.env, &self.output)).await;
        };
        match command {
            Command::Demo(args) => {
                Box::pin(demo::run(&self.globals, &self.env, &self.output, &args)).await
            }
            Command::Cloud(args) => cloud::run(&self.output, &args).await,
            Command::Explain(args) => {
                explain::run(&self.output, connect::account(&self.globals, &self.env).await?, &args)
            }
            Command::Config(args) => config::run(&self.globals, &self.env, &self.output, &args),
            Command::Themes(args) => themes::run(&self.globals, &self.env, &self.output, &args),
            Command::Doctor(args) => {
                doctor::run(&self.globals, &self.env, &self.output, &args).await
            }
            Command::Completions(args) => completions::run(&self.output, &args),
            Command::Man(args) => man::run(&self.output, &args),
            Command::Probe(args) if probe::is_greeted(&self.output, &args)? => {
                probe::serve(&args).await
            }
            Command::Probe(args) => probe::run(&self.globals, &self.env, &self.output, &args).await,
            Command::Pending(args) => {
                let found = self.found().await?;
                let now = SystemClock.wall();
                pending::pending(&self.output, &*found.journal, &found.listed(args.all), now, &args)
                    .await
            }
            Command::History(args) => {
                let found = self.found().await?;
                pending::history(&self.output, &*found.journal, &found.listed(args.all), &args)
                    .await
            }
            Command::Activity(args) => {
                let found = self.found().await?;
                activity::run(&self.output, &*found.journal, &found.listed(args.all), &args).await
            }
            Command::Jobs(Jobs { what: Some(Control::Pause(which)), .. }) => {
                let (found, now) = (self.found().await?, SystemClock.wall());
                jobs::wish(&self.output, &found, now, &which, Wish::Pause).await
            }
            Command::Jobs(Jobs { what: Some(Control::Cancel(which)), .. }) => {
                let (found, now) = (self.found().await?, SystemClock.wall());
                jobs::wish(&self.output, &found, now, &which, Wish::Cancel).await
            }
            Command::Jobs(args @ Jobs { what: None, .. }) => {
                let (found, now) = (self.found().await?, SystemClock.wall());
                let listed = found.listed(args.all);
                jobs::list(&self.output, &*found.journal, &listed, now, &args).await
            }
            Command::Journal(args) => {
                let now = SystemClock.wall();
                Box::pin(journal::run(&self.globals, &self.env, &self.output, &args, now)).await
            }
            Command::Report(args) => {
                let found = self.found().await?;
                report::run(&self.output, &*found.journal, SystemClock.wall(), &args).await
            }
            with_engine => self.with_engine(with_engine).await,
        }
    }

    async fn found(&self) -> Result<Found, Failure> {
        let resolved = connect::profile(&self.globals, &self.env, &self.output)?;
        connect::find(resolved, &self.output).await
    }

    /// What a watch needs: of any web address only a journal, whoever began it.
    async fn watched(
        &self,
        args: &Watch,
    ) -> Result<(Context, Sources, Option<Box<DeliveryUrl>>), Failure> {
        let around = Around::find(&self.globals, &self.env).await?;
        let web = if watch::is_id(&args.target) {
            let journal = around.journal(&self.output).await?;
            watch::of_the_web(&journal, &args.target).await
        } else {
            match around.meant(&args.target)? {
                Meant::Web(url) => Some((url, watch::claim(args).wanted(), None)),
                Meant::Ours => None,
            }
        };
        if let Some((url, wanted, scope)) = web {
            let (at, output) = (&args.at, &self.output);
            let (context, sources) = around.context(&url, wanted, scope, at, output).await?;
            return Ok((context, sources, Some(url)));
        }
        watch::refuse_claims(args)?;
        let resolved = around.profile(&self.globals, &self.env, &self.output)?;
        let found = connect::find(resolved, &self.output).await?;
        web::refuse_edges(&args.at, found.local.is_some())?;
        let (mut context, sources) = found.equipped()?;
        if let Some(pinned) = web::pinned(&args.at) {
            context.places = pinned;
        }
        Ok((context, sources, None))
    }

    async fn with_engine(self, command: Command) -> Result<Exit, Failure> {
        let (context, sources, web) = if let Command::Watch(args) = &command {
            self.watched(args).await?
        } else {
            let (context, sources) = self.found().await?.equipped()?;
            (context, sources, None)
        };
        let session = Session {
            engine: if only_reads(&command) {
                Engine::for_reading(context)
            } else if matches!(command, Command::Track(_)) {
                Engine::start_working(context)
            } else {
                Engine::start(context)
            },
            sources,
            output: self.output,
            command_line: self.command_line,
            no_input: self.globals.no_input,
        };
        if !matches!(command, Command::Jobs(_) | Command::Track(_)) {
            tell_interrupted(&session).await;
        }
        let result = match command {
            Command::Ls(args) => ls::run(&session, &args).await,
            Command::Show(args) => show::run(&session, &args).await,
            Command::Rename(args) => rename::run(&session, &args).await,
            Command::Rm(args) => rm::run(&session, &args).await,
            Command::Replace(args) => replace::run(&session, &args).await,
            Command::Purge(args) => purge::run(&session, &args).await,
            Command::Restore(args) => restore::run(&session, &args).await,
            Command::Jobs(Jobs { what: Some(Control::Resume(args)), .. }) => {
                jobs::resume(&session, &args).await
            }
            Command::RetryFailed(args) => jobs::retry_failed(&session, &args).await,
            Command::Watch(args) => watch::run(&session, &args, web.as_deref()).await,
            Command::Places(args) => places::run(&session, &args).await,
            Command::Track(args) => track::run(&session, &args).await,
            Command::Demo(_)
            | Command::Cloud(_)
            | Command::Explain(_)
            | Command::Probe(_)
            | Command::Pending(_)
            | Command::History(_)
            | Command::Activity(_)
            | Command::Jobs(_)
            | Command::Report(_)
            | Command::Journal(_)
            | Command::Config(_)
            | Command::Themes(_)
            | Command::Doctor(_)
            | Command::Completions(_)
            | Command::Man(_) => Ok(Exit::Done), // need no engine: carried out above
        };
        if tokio::time::timeout(FAREWELL, session.engine.shutdown()).await.is_err() {
            tracing::warn!("the tracker did not end in time; its leases run out by themselves");
        }
        result
    }
}
