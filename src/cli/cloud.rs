//! `allclear cloud`: the local cloud alone, until it is told to stop.

use super::args::{Cloud, World};
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::signals::Stop;
use crate::local_cloud::{Options, Scenario, ScenarioError, StartError, start};

/// Serves until INT, TERM or HUP. The ready line is the only thing on standard output.
///
/// # Errors
/// Options that cannot be, an address that cannot be listened on.
pub async fn run(output: &Output, args: &Cloud) -> Result<Exit, Failure> {
    let usual = options(&args.world)?;
    let options = Options {
        listen: args.listen,
        allow_remote: args.allow_remote,
        cloud_name: args.cloud_name.clone(),
        api_key: args.api_key.clone().unwrap_or(usual.api_key),
        api_secret: args.api_secret.clone().unwrap_or(usual.api_secret),
        auth_token_key: args.auth_token_key.clone(),
        control: !args.no_control,
        ..usual
    };
    say_what_is_beaten(output, &options);
    let remote = !options.listen.ip().is_loopback();
    let mut stop = Stop::listen();
    let running = start(options).await?;
    if remote {
        output.warn("warning: others can reach this cloud, and it protects nothing");
    }
    let ready = serde_json::to_string(&running.ready).map_err(|cause| {
        Failure::failed(
            format!("the ready line cannot be written: {cause}"),
            "this is a bug; tell us",
        )
    })?;
    output.line(&ready)?;
    let _ = stop.next().await;
    running.stop().await;
    Ok(Exit::Done)
}

/// Options of a world, everything else as usual.
///
/// # Errors
/// A scenario that cannot be used.
pub fn options(world: &World) -> Result<Options, Failure> {
    let usual = Options::default();
    let said = [
        ("assets", world.assets.is_some()),
        ("edges", world.edges.is_some()),
        ("nodes", world.nodes.is_some()),
        ("shields", world.shields.is_some()),
        ("seed", world.seed.is_some()),
        ("propagation", world.propagation.is_some()),
        ("mode", world.mode.is_some()),
        ("bulk_invalidation", world.bulk_invalidation),
        ("backups", world.backups),
        ("admin_quota", world.admin_quota.is_some()),
        ("search_lag", world.search_lag.is_some()),
        ("traffic", world.traffic.is_some()),
    ];
    Ok(Options {
        assets: world.assets.unwrap_or(usual.assets),
        edges: world.edges.unwrap_or(usual.edges),
        nodes: world.nodes.unwrap_or(usual.nodes),
        shields: world.shields.unwrap_or(usual.shields),
        seed: world.seed.unwrap_or(usual.seed),
        propagation: world.propagation.unwrap_or(usual.propagation),
        mode: world.mode.unwrap_or(usual.mode),
        bulk_invalidation: world.bulk_invalidation,
        backups: world.backups,
        admin_quota: world.admin_quota.unwrap_or(usual.admin_quota),
        search_lag: world.search_lag.unwrap_or(usual.search_lag),
        traffic: world.traffic.unwrap_or(usual.traffic),
        scenario: world.scenario.as_deref().map(Scenario::load).transpose()?,
        said: said.iter().filter(|(_, said)| *said).map(|(key, _)| *key).collect(),
        ..usual
    })
}

/// Says which flags beat the scenario, if any.
pub fn say_what_is_beaten(output: &Output, options: &Options) {
    let beaten = options.beaten();
    let Some(scenario) = options.scenario.as_ref().filter(|_| !beaten.is_empty()) else { return };
    let flags: Vec<String> =
        beaten.iter().map(|key| format!("--{}", key.replace('_', "-"))).collect();
    let (flags, name) = (flags.join(", "), &scenario.name);
    output.warn(&format!("note: {flags} on the command line beats what {name} says"));
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Bind { .. } => Self::failed(
                error.to_string(),
                "--listen 127.0.0.1:0 takes any free port; another process may hold this one",
            ),
            StartError::Scenario(error) => error.into(),
            other => {
                Self::usage(other.to_string(), "`allclear cloud --help` shows what can be said")
            }
        }
    }
}

impl From<ScenarioError> for Failure {
    fn from(error: ScenarioError) -> Self {
        Self::usage(error.to_string(), "correct the scenario file, or leave --scenario out")
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::args::Args;

    #[test]
    fn the_help_names_what_is_usual() {
        let usual = Options::default();
        let mut args = Args::command();
        let cloud = args.find_subcommand_mut("cloud").unwrap();
        let defaults = [
            ("assets", usual.assets.to_string()),
            ("edges", usual.edges.to_string()),
            ("nodes", usual.nodes.to_string()),
            ("shields", usual.shields.to_string()),
            ("seed", usual.seed.to_string()),
            ("propagation", usual.propagation.to_string()),
            ("mode", usual.mode.to_string()),
            ("admin_quota", usual.admin_quota.to_string()),
            ("search_lag", crate::local_cloud::span::text(usual.search_lag)),
            ("traffic", usual.traffic.to_string()),
        ];
        for (id, value) in defaults {
            let argument = cloud.get_arguments().find(|argument| argument.get_id() == id).unwrap();
            let help = argument.get_help().unwrap().to_string();
            assert!(help.ends_with(&format!("[default: {value}]")), "{id}: {help}");
        }
    }
}
