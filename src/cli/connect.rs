//! Builds what `ops` needs, once, from the profile: ports, account, policy, journal.

use std::net::ToSocketAddrs;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::args::Globals;
use super::failure::Failure;
use super::look_from::{Outlook, Sources, local_outlook, outlook};
use super::output::Output;
use super::pending::Listed;
use crate::adapters::cloudinary::{ClientOptions, CloudinaryClient};
use crate::adapters::journal::{Processes, Signer, SqlJournal};
use crate::adapters::places::{LocalReady, LoopbackPlaces, fetch_local_edges};
use crate::adapters::system_clock::SystemClock;
use crate::adapters::team_places::{Team, TeamPlaces, TeamProber};
use crate::adapters::vantage::CombinedPlaces;
use crate::config::{self, ConfigError, Env, Flags, Preferences, Resolved};
use crate::domain::account::Account;
use crate::domain::delivery_url::SignatureKind;
use crate::domain::id::MemberId;
use crate::domain::invalidation::{CloudScope, Member};
use crate::ops::{Context, Engine, OpError};
use crate::ports::clock::Clock;
use crate::ports::cloud::CloudError;
use crate::ports::errands::Errands;
use crate::ports::journal::{Journal, Reach};
use crate::ports::places::{Places, PlacesError};

/// How long a loopback address may take to refuse a connection.
const REFUSAL: Duration = Duration::from_secs(1);

/// A command with an engine.
pub struct Session {
    pub engine: Engine,
    /// Where its places come from.
    pub sources: Sources,
    pub output: Output,
    /// For the audit trail.
    pub command_line: String,
    /// Never ask.
    pub no_input: bool,
}

/// What the command line says about configuration.
#[must_use]
pub fn flags(globals: &Globals) -> Flags {
    Flags {
        profile: globals.profile.clone(),
        config: globals.config.clone(),
        journal: globals.journal.clone(),
        read_only: globals.read_only,
        invalidation: globals.invalidation,
    }
}

/// The profile of a headless command: every fault of the configuration is refused, every warning is said.
///
/// # Errors
/// The first fault.
pub fn profile(globals: &Globals, env: &Env, output: &Output) -> Result<Resolved, Failure> {
    without_faults(config::resolve(&flags(globals), env)?, output)
}

/// The profile, unless it has faults; every warning is said.
///
/// # Errors
/// The first fault.
pub fn without_faults(resolved: Resolved, output: &Output) -> Result<Resolved, Failure> {
    refuse_faults(&resolved.preferences)?;
    for warning in resolved.warnings() {
        output.say(&format!("warning: {warning}"));
    }
    Ok(resolved)
}

/// The account that URLs are read for, as far as it is configured; a local cloud is asked for its edges when it
/// is up.
///
/// # Errors
/// A configuration that cannot be used; none at all is no error.
pub async fn account(globals: &Globals, env: &Env) -> Result<Option<Account>, Failure> {
    let resolved = match config::resolve(&flags(globals), env) {
        Ok(resolved) => resolved,
        Err(ConfigError::NothingConfigured { .. } | ConfigError::NoProfileChosen { .. }) => {
            return Ok(None);
        }
        Err(other) => return Err(other.into()),
    };
    let local = fetch_local_edges(&resolved.api_prefix).await.ok().flatten();
    Ok(Some(resolved.with_local(local.as_ref()).account))
}

/// The first fault of theme and keys, which the console lives with and nobody else.
///
/// # Errors
/// That fault.
pub fn refuse_faults(preferences: &Preferences) -> Result<(), Failure> {
    preferences.faults.first().map_or(Ok(()), |fault| Err(fault.clone().into()))
}

/// The profile with what its local cloud tells of itself; watches of a local cloud that is gone are ended.
pub struct Found {
    pub resolved: Resolved,
    pub local: Option<LocalReady>,
    pub journal: Arc<SqlJournal>,
    pub member: Member,
    /// Why a local cloud cannot be reached, if so.
    pub unreachable: Option<PlacesError>,
    /// What the operator should know of it.
    pub said: Vec<String>,
}

impl Found {
    /// Which cloud the profile is about.
    #[must_use]
    pub fn scope(&self) -> CloudScope {
        CloudScope {
            cloud_name: self.resolved.account.cloud_name.clone(),
            api: self.resolved.api_prefix.clone(),
            instance: self.local.as_ref().map(|ready| ready.instance.clone()),
        }
    }

    /// What a list of the journal is about: this cloud, whichever run of it where it is a local one.
    #[must_use]
    pub fn listed(&self, all: bool) -> Listed {
        let scope = self.scope();
        let cloud = (!all).then(|| (scope.cloud_name.clone(), scope.api.clone()));
        let exactly = !all && !self.resolved.may_be_local();
        Listed { scope: exactly.then_some(scope), cloud }
    }

    /// Ports, account and policy; needs a cloud that answers.
    ///
    /// # Errors
    /// A local cloud that does not answer, credentials that cannot be used.
    pub fn context(self) -> Result<Context, Failure> {
        self.equipped().map(|(context, _)| context)
    }

    /// The same, and where its places come from.
    ///
    /// # Errors
    /// As [`Found::context`].
    pub fn equipped(self) -> Result<(Context, Sources), Failure> {
        let scope = self.scope();
        if let Some(PlacesError::NoEdges { api, detail }) = self.unreachable {
            return Err(CloudError::Unreachable { api, detail }.into());
        }
        let Resolved { credentials, api_prefix, account, policy, look_from, .. } = self.resolved;
        let cloud = CloudinaryClient::new(credentials, &api_prefix, ClientOptions::default())?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let Outlook { places, prober, mut sources } = match &self.local {
            Some(ready) => {
                local_outlook(LoopbackPlaces::new(&api_prefix, ready), look_from, &clock)
            }
            None => outlook(look_from, &clock)?,
        };
        let (places, prober) = match self.journal.reach() {
            Reach::Here => (places, prober),
            Reach::Reached { .. } | Reach::Gone { .. } => {
                let team = Team {
                    errands: Arc::clone(&self.journal) as Arc<dyn Errands>,
                    scope: scope.clone(),
                    clock: Arc::clone(&clock),
                };
                let edges = self.local.as_ref().map(|_| Arc::clone(&places));
                let theirs = Arc::new(TeamPlaces::new(team.clone(), edges));
                let places = CombinedPlaces::new(vec![places, theirs]);
                sources.team = Some(team.clone());
                (Arc::new(places) as Arc<dyn Places>, prober.with_team(TeamProber::new(team)))
            }
        };
        let context = Context {
            cloud: Arc::new(cloud),
            journal: self.journal,
            prober: Arc::new(prober),
            places,
            clock,
            account,
            scope,
            member: self.member,
            policy,
        };
        Ok((context, sources))
    }
}

/// Asks a loopback API whether it is a local cloud, opens the journal and joins it.
///
/// # Errors
/// The journal's. A local cloud that does not answer is told in [`Found::unreachable`].
pub async fn find(resolved: Resolved, output: &Output) -> Result<Found, Failure> {
    let found = find_silently(resolved).await?;
    for line in &found.said {
        output.say(line);
    }
    Ok(found)
}

/// The same without a word.
///
/// # Errors
/// As [`find`].
pub async fn find_silently(resolved: Resolved) -> Result<Found, Failure> {
    let location = resolved.preferences.journal_with_password()?;
    let journal = SqlJournal::open(location.expose_secret(), Processes::of_this_host()).await?;
    with_journal(resolved, journal).await
}

/// The same for somebody who mainly looks: where the journal cannot be used there is an empty one in memory instead,
/// and no order is taken. Answers why, where that is so.
///
/// # Errors
/// None of the journal's.
pub async fn find_to_look(resolved: Resolved) -> Result<(Found, Option<String>), Failure> {
    let why = match find_silently(resolved.clone()).await {
        Ok(found) => return Ok((found, None)),
        Err(Failure::Op(OpError::Journal(why))) => why,
        Err(other) => return Err(other),
    };
    tracing::warn!(%why, "the console begins without a journal");
    let mut resolved = resolved;
    resolved.policy.read_only = true;
    let journal = SqlJournal::in_memory(Processes::of_this_host()).await?;
    let found = with_journal(resolved, journal).await?;
    Ok((found, Some(format!("read-only, for there is no journal: {why}"))))
}

async fn with_journal(resolved: Resolved, journal: SqlJournal) -> Result<Found, Failure> {
    let (local, unreachable) = match fetch_local_edges(&resolved.api_prefix).await {
        Ok(ready) => (ready, None),
        Err(why) => (None, Some(why)),
    };
    let resolved = resolved.with_local(local.as_ref());
    let warnings = journal.warnings().iter();
    let mut said: Vec<_> = warnings.map(|warning| format!("warning: {warning}")).collect();
    journal.sign_with(signer(resolved.credentials.api_secret.clone()));
    let now = SystemClock.wall();
    let member = this_process();
    journal.join(&member, now).await?;
    if let Some(warning) = clock_warning(journal.clock_difference()) {
        said.push(format!("warning: {warning}"));
    }
    let gone = unreachable.is_some() && refuses(&resolved.api_prefix);
    if gone || local.is_some() {
        let running = local.as_ref().map(|ready| ready.instance.as_str());
        let ended = journal.end_of_gone_clouds(&resolved.api_prefix, running, now).await?;
        if ended > 0 {
            said.push(format!(
                "{ended} pending of a local cloud that no longer runs: ended as cloud_gone"
            ));
        }
    }
    Ok(Found { resolved, local, journal: Arc::new(journal), member, unreachable, said })
}

/// Times are kept by the journal's clock, so that this does no harm; it shows in what is read elsewhere.
fn clock_warning(difference_ms: i64) -> Option<String> {
    const WORTH_SAYING_MS: u64 = 2000;
    let apart = difference_ms.unsigned_abs();
    let word = if difference_ms > 0 { "behind" } else { "ahead of" };
    (apart >= WORTH_SAYING_MS).then(|| {
        format!("this host's clock is {} s {word} the journal's, which counts", apart / 1000)
    })
}

/// Signs delivery URLs in every way that signatures are made.
fn signer(secret: SecretString) -> Signer {
    Box::new(move |url| {
        SignatureKind::ALL.map(|kind| url.clone().signed(&secret, kind)).into_iter().collect()
    })
}

/// Whether nobody listens there any more, which is more than not answering.
fn refuses(api: &str) -> bool {
    let authority = api.split_once("://").map_or(api, |(_, rest)| rest);
    let Ok(addresses) = authority.to_socket_addrs() else { return false };
    let refused = |address| {
        std::net::TcpStream::connect_timeout(&address, REFUSAL)
            .is_err_and(|cause| cause.kind() == std::io::ErrorKind::ConnectionRefused)
    };
    let mut addresses = addresses.peekable();
    addresses.peek().is_some() && addresses.all(refused)
}

/// This process as the journal knows it.
pub fn this_process() -> Member {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Member {
        id: MemberId::new(),
        user: variable("USER")
            .or_else(|| variable("LOGNAME"))
            .unwrap_or_else(|| "somebody".to_owned()),
        host,
        pid: std::process::id(),
        started_at: SystemClock.wall(),
        ssh_client: ssh_client(variable("SSH_CONNECTION").or_else(|| variable("SSH_CLIENT"))),
    }
}

/// The client's address in what an SSH server sets: `SSH_CONNECTION` and `SSH_CLIENT` begin with it (sshd(8)).
fn ssh_client(told: Option<String>) -> Option<String> {
    let address = told?.split_whitespace().next()?.to_owned();
    let plain = |c: char| c.is_ascii_alphanumeric() || ".:%-_".contains(c);
    let fits = address.len() <= 64 && address.chars().all(plain);
    Some(if fits { address } else { "an address that is none".to_owned() })
}
