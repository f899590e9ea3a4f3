//! No command: the console of the profile, or a first step where there is none.

use std::io::{self, BufRead, IsTerminal};
use std::sync::Arc;

use super::args::{Demo, Globals};
use super::connect;
use super::demo;
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::{plain, themes};
use crate::config::{self, ConfigError, Env, Preferences};
use crate::ops::{Context, Engine};
use crate::runtime::{ConsoleError, ConsoleOptions, run_console};

/// Opens the console. Without any cloud to open it for, offers the demo, on a terminal by a question.
///
/// # Errors
/// No terminal, no profile, a configuration or journal that cannot be used.
pub async fn run(globals: &Globals, env: &Env, output: &Output) -> Result<Exit, Failure> {
    themes::refuse_unknown(globals, env)?;
    let resolved = match config::resolve(&connect::flags(globals), env) {
        Err(nothing @ ConfigError::NothingConfigured { .. }) if is_terminal() => {
            return first_step(globals, env, output, nothing).await;
        }
        other => other?,
    };
    if !is_terminal() {
        return Err(ConsoleError::NoTerminal.into());
    }
    let preferences = resolved.preferences.clone();
    let context = connect::find(resolved, output).await?.context()?;
    let faults = preferences.faults.iter().map(ToString::to_string);
    let banner = preferences.warnings.iter().cloned().chain(faults).next();
    open(context, globals, Some(&preferences), banner).await
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
        return plain::run(context, globals, why, banner.as_deref()).await;
    }
    let options = ConsoleOptions {
        theme: globals.theme.clone().or_else(|| preferences.and_then(|it| it.theme.clone())),
        theme_dir: preferences.map(|it| it.paths.themes()),
        ascii: globals.ascii,
        no_color: globals.no_color,
        mouse: globals.mouse,
        keys: preferences.map(|it| it.keys.clone()).unwrap_or_default(),
        banner,
    };
    let ended = run_console(Arc::new(Engine::start(context)), options).await?;
    Ok(match ended.exit_code() {
        0 => Exit::Done,
        130 => Exit::Interrupted,
        code => Exit::Signal(code),
    })
}

/// Whether a console can be drawn and operated here.
pub fn is_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

async fn first_step(
    globals: &Globals,
    env: &Env,
    output: &Output,
    nothing: ConfigError,
) -> Result<Exit, Failure> {
    output.warn("No cloud is configured yet. Two ways to begin:");
    output.warn(
        "  allclear demo     a local cloud in this program: nothing to configure, nothing to break",
    );
    output.warn("  CLOUDINARY_URL    export CLOUDINARY_URL=cloudinary://<api_key>:<api_secret>@<cloud_name>");
    if globals.no_input {
        return Err(nothing.into());
    }
    output.ask("Start the demo now? [Y/n] ");
    let mut typed = String::new();
    let read = io::stdin().lock().read_line(&mut typed).unwrap_or(0);
    if read > 0 && matches!(typed.trim().to_ascii_lowercase().as_str(), "" | "y" | "yes") {
        return demo::run(globals, env, output, &Demo::usual()).await;
    }
    Ok(Exit::Done)
}

impl From<ConsoleError> for Failure {
    fn from(error: ConsoleError) -> Self {
        match error {
            ConsoleError::NoTerminal => Self::usage(error.to_string(), error.hint()),
            ConsoleError::Terminal(_) => Self::failed(error.to_string(), error.hint()),
        }
    }
}
