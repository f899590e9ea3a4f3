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
    stop.next().await;
    running.stop().await;
    Ok(Exit::Done)
}

/// Options of a world, everything else as usual.
///
/// # Errors
/// A scenario that cannot be used.
pub fn options(world: &World) -> Result<Options, Failure> {
    Ok(Options {
        assets: world.assets,
        edges: world.edges,
        seed: world.seed,
        propagation: world.propagation,
        mode: world.mode,
        bulk_invalidation: world.bulk_invalidation,
        backups: world.backups,
        admin_quota: world.admin_quota,
        search_lag: world.search_lag,
        traffic: world.traffic,
        scenario: world.scenario.as_deref().map(Scenario::load).transpose()?,
        ..Options::default()
    })
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Bind { .. } => Self::failed(
                error.to_string(),
                "--listen 127.0.0.1:0 takes any free port; another process may hold this one",
            ),
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
