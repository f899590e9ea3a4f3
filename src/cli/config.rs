//! `allclear config`: which file is read, and what is wrong with it.

use serde_json::json;

use super::args::{Config, ConfigAction, Globals};
use super::connect;
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use crate::config::{self, ConfigError, Env, Paths};
use crate::domain::text::clean;

/// Says where the configuration is, or checks it.
///
/// # Errors
/// The first fault of the configuration.
pub fn run(globals: &Globals, env: &Env, output: &Output, args: &Config) -> Result<Exit, Failure> {
    match args.action {
        ConfigAction::Path => path(globals, env, output),
        ConfigAction::Check => check(globals, env, output),
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
        output.say("there is no such file yet; CLOUDINARY_URL works without one");
    }
    Ok(Exit::Done)
}

/// A profile is not needed for a file to be in order.
fn check(globals: &Globals, env: &Env, output: &Output) -> Result<Exit, Failure> {
    let flags = connect::flags(globals);
    let preferences = config::preferences(&flags, env)?;
    connect::refuse_faults(&preferences)?;
    let (profile, warnings) = match config::resolve(&flags, env) {
        Ok(resolved) => (Some(resolved.profile.clone()), resolved.warnings().to_vec()),
        Err(ConfigError::NothingConfigured { .. }) => (None, preferences.warnings.clone()),
        Err(other) => return Err(other.into()),
    };
    let file = preferences.paths.config.display().to_string();
    if output.style.json {
        output.json(json!({
            "config": file,
            "exists": preferences.paths.config.is_file(),
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
    output.line(&format!("{}: in order, {with}", clean(&file)))?;
    Ok(Exit::Done)
}
