//! `allclear config`: which file is read, what holds and who said so, what is wrong, and a file to begin with.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use serde_json::json;

use super::args::{Config, ConfigAction, Globals};
use super::exit::Exit;
use super::failure::Failure;
use super::output::{Output, Side, Table};
use super::{connect, console, themes};
use crate::adapters::io_in_words;
use crate::app::keymap::{KeyFault, KeyPlaces, Keymap};
use crate::app::own;
use crate::config::{self, ConfigError, Env, NotifyFile, Origin, Paths, Preferences};
use crate::domain::text::clean;
use crate::ui::theme_file::AUTO;

/// Says where the configuration is, shows, checks or begins it.
///
/// # Errors
/// The first fault of the configuration; a file that is there already.
pub fn run(globals: &Globals, env: &Env, output: &Output, args: &Config) -> Result<Exit, Failure> {
    match args.action {
        ConfigAction::Path => path(globals, env, output),
        ConfigAction::Show { origin } => show(globals, env, output, origin),
        ConfigAction::Check => check(globals, env, output),
        ConfigAction::Init => init(globals, env, output),
    }
}

fn path(globals: &Globals, env: &Env, output: &Output) -> Result<Exit, Failure> {
    let paths = Paths::find(&connect::flags(globals), env)?;
    let exists = paths.config.is_file();
    if output.style.json {
        output.json(json!({
            "config": paths.config.display().to_string(),
            "from": paths.config_origin.to_string(),
            "exists": exists,
            "journal": paths.journal().display().to_string(),
            "state_dir": paths.state_dir.display().to_string(),
        }))?;
        return Ok(Exit::Done);
    }
    output.line(&clean(&paths.config.display().to_string()))?;
    if !exists {
        output.say("there is no such file yet; `allclear config init` writes one, and CLOUDINARY_URL works without");
    }
    Ok(Exit::Done)
}

/// One line of `config show`.
struct Shown {
    key: String,
    value: String,
    origin: String,
}

/// Everything that holds; a profile is not needed for it. Opens no connection, but runs the profile's
/// `secret_command`, which alone may know the cloud's name.
fn show(globals: &Globals, env: &Env, output: &Output, origin: bool) -> Result<Exit, Failure> {
    let flags = connect::flags(globals);
    let (preferences, profile) = match config::resolve(&flags, env) {
        Ok(resolved) => (resolved.preferences, Some(resolved.profile)),
        Err(ConfigError::NothingConfigured { .. } | ConfigError::NoProfileChosen { .. }) => {
            (config::preferences(&flags, env)?, None)
        }
        Err(other) => return Err(other.into()),
    };
    let shown = settings(globals, &preferences);
    for warning in &preferences.warnings {
        output.say(&format!("warning: {}", clean(warning)));
    }
    if output.style.json {
        let settings: Vec<_> = shown
            .iter()
            .map(|it| json!({ "key": it.key, "value": it.value, "origin": it.origin }))
            .collect();
        output.json(json!({ "profile": profile.as_deref().map(clean), "settings": settings }))?;
        return Ok(Exit::Done);
    }
    let mut columns = vec![("KEY", Side::Left), ("VALUE", Side::Left)];
    columns.extend(origin.then_some(("FROM", Side::Left)));
    let mut table = Table::new(&columns, true);
    for it in &shown {
        let value = if it.value.is_empty() { "-" } else { it.value.as_str() };
        table.row([it.key.as_str(), value, it.origin.as_str()].into_iter().take(columns.len()));
    }
    output.table(&table)?;
    if profile.is_none() {
        output.say("no profile is used: name one with --profile, or set CLOUDINARY_URL");
    }
    Ok(Exit::Done)
}

fn settings(globals: &Globals, preferences: &Preferences) -> Vec<Shown> {
    let row = |key: &str, value: &str, origin: String| Shown {
        key: clean(key).into_owned(),
        value: clean(value).into_owned(),
        origin: clean(&origin).into_owned(),
    };
    let mut shown: Vec<Shown> = preferences
        .settings
        .iter()
        .filter(|it| it.key != "theme")
        .map(|it| row(it.key, &it.value, it.origin.to_string()))
        .collect();
    let written = preferences.settings.iter().find(|it| it.key == "theme");
    let (theme, origin) = match (&globals.theme, written) {
        (Some(name), _) => (name.clone(), Origin::Flag("--theme")),
        (None, Some(it)) => (it.value.clone(), it.origin.clone()),
        (None, None) => (AUTO.to_owned(), Origin::Default),
    };
    shown.push(row("theme", &theme, origin.to_string()));
    let file = preferences.paths.config.display();
    for (command, keys) in &preferences.keys {
        shown.push(row(&format!("keys.{command}"), &keys.join(", "), file.to_string()));
    }
    for (key, value) in notices(&preferences.notify) {
        shown.push(row(key, &value, file.to_string()));
    }
    shown
}

/// What is written of notices; an address may hold a token and is masked.
fn notices(notify: &NotifyFile) -> Vec<(&'static str, String)> {
    let on: Vec<&str> = notify.on.iter().map(|word| word.as_str()).collect();
    let hooks = notify.hooks.iter().filter_map(|hook| hook.command.first().cloned());
    let hooks: Vec<String> = hooks.collect();
    let all = [
        ("notify.on", Some(on.join(", ")).filter(|on| !on.is_empty())),
        ("notify.bell", notify.bell.map(|bell| bell.to_string())),
        ("notify.terminal", notify.terminal.map(|way| format!("{way:?}").to_lowercase())),
        ("notify.after", notify.after.map(|after| format!("{:?}", after.0))),
        ("notify.webhook", notify.webhook.as_ref().map(|_| "***".to_owned())),
        ("notify.hooks", Some(hooks.join(", ")).filter(|hooks| !hooks.is_empty())),
    ];
    all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

/// A profile is not needed for a file to be in order.
fn check(globals: &Globals, env: &Env, output: &Output) -> Result<Exit, Failure> {
    let flags = connect::flags(globals);
    let preferences = config::preferences(&flags, env)?;
    let (own_themes, mut warnings) = themes::all(globals, env);
    let mut faults = preferences.faults.clone();
    if let Some(loaded) = config::load(&preferences.paths.config)? {
        faults.extend(loaded.unknown_theme(own_themes.names()));
        let (commands, unusable) = own::table(&console::own(&preferences.own));
        warnings.extend(unusable);
        let known: Vec<&str> = commands.iter().map(|command| command.id).collect();
        for fault in Keymap::build(commands, &loaded.keys).1 {
            if let KeyFault::Taken { .. } = fault {
                // a key that is taken from another command may be meant
                warnings.push(fault.said(&loaded.key_places()));
            } else {
                let complaint = fault.said(&KeyPlaces::new());
                faults.push(loaded.bad_key(fault.id(), &complaint, &known));
            }
        }
    }
    refuse(output, faults)?;
    let (profile, told) = match config::resolve(&flags, env) {
        Ok(resolved) => (Some(resolved.profile.clone()), resolved.warnings().to_vec()),
        Err(ConfigError::NothingConfigured { .. }) => (None, preferences.warnings.clone()),
        Err(other) => return Err(other.into()),
    };
    warnings.splice(0..0, told);
    let file = preferences.paths.config.display().to_string();
    let exists = preferences.paths.config.is_file();
    if output.style.json {
        output.json(json!({
            "config": file,
            "exists": exists,
            "profile": profile.as_deref().map(clean),
            "warnings": warnings.iter().map(|warning| clean(warning)).collect::<Vec<_>>(),
        }))?;
        return Ok(Exit::Done);
    }
    for warning in &warnings {
        output.warn(&format!("warning: {}", clean(warning)));
    }
    let with = profile.map_or_else(
        || "no cloud is configured yet".to_owned(),
        |profile| format!("profile {}", clean(&profile)),
    );
    let state = if exists { "in order" } else { "there is no such file" };
    output.line(&format!("{}: {state}, {with}", clean(&file)))?;
    Ok(Exit::Done)
}

/// The last fault ends the command; those before it are told before, where there is room for them.
fn refuse(output: &Output, mut faults: Vec<ConfigError>) -> Result<(), Failure> {
    faults.reverse();
    let Some(first) = faults.pop() else { return Ok(()) };
    if !output.style.json {
        for fault in faults.iter().rev() {
            output.warn(&crate::report::Report::from(fault).to_string());
        }
    }
    Err(first.into())
}

/// Writes the commented example where there is no file yet, readable by its owner alone.
fn init(globals: &Globals, env: &Env, output: &Output) -> Result<Exit, Failure> {
    // a file named by a flag need not be there yet
    let path = Paths::find(&connect::flags(globals), env)?.config;
    begin(&path).map_err(|cause| {
        let shown = path.display();
        if cause.kind() == io::ErrorKind::AlreadyExists {
            let message = format!("{shown} is there already; nothing was written");
            return Failure::usage(
                message,
                "`allclear config check` reads it; --config FILE writes another one",
            );
        }
        let message = format!("cannot write {shown}: {}", io_in_words(&cause));
        Failure::failed(message, "make the folder writable, or name another file with --config")
    })?;
    if output.style.json {
        output.json(json!({ "config": path.display().to_string(), "written": true }))?;
        return Ok(Exit::Done);
    }
    output.line(&clean(&path.display().to_string()))?;
    output.say("written, readable by you alone: every key is in it as a comment; `allclear config check` reads it");
    Ok(Exit::Done)
}

fn begin(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(config::EXAMPLE.as_bytes())?;
    file.sync_all()
}
