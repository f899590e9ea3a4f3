//! Any web address at all: whose it is, and what it is looked at with where no cloud of ours stands behind it.

use std::net::IpAddr;
use std::sync::Arc;

use super::args::{At, Globals};
use super::connect;
use super::failure::Failure;
use super::look_from::{Outlook, Sources, outlook};
use super::output::Output;
use crate::adapters::is_loopback_host;
use crate::adapters::journal::{Processes, SqlJournal};
use crate::adapters::places::{PinnedEdge, ResolvedPlaces, fetch_local_edges};
use crate::adapters::system_clock::SystemClock;
use crate::config::{self, ConfigError, Env, Preferences, Resolved};
use crate::domain::account::Account;
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::id::OperationId;
use crate::domain::invalidation::CloudScope;
use crate::domain::purge::Risk;
use crate::domain::secrets::masked;
use crate::domain::text::clean;
use crate::ops::engine::Lookout;
use crate::ops::web_origin::{Wanted, WebOrigin};
use crate::ops::{Context, OpError, Policy, WEB};
use crate::ports::clock::Clock;
use crate::ports::journal::Journal;
use crate::ports::places::Places;
use secrecy::ExposeSecret as _;

/// What a typed URL turned out to be.
pub enum Meant {
    /// A delivery URL of the profile's cloud: storage is the truth.
    Ours,
    /// Anything else.
    Web(Box<DeliveryUrl>),
}

/// The configuration, as far as there is one: none is needed to look at what is not ours.
pub struct Around {
    resolved: Option<Resolved>,
    preferences: Preferences,
    /// The profile's API is on this host and does not answer: what its addresses are nobody can say.
    silent: bool,
}

impl Around {
    /// Reads it; a local cloud is asked for its edges.
    ///
    /// # Errors
    /// A configuration that cannot be used; none at all is no error.
    pub async fn find(globals: &Globals, env: &Env) -> Result<Self, Failure> {
        let flags = connect::flags(globals);
        let preferences = config::preferences(&flags, env)?;
        let resolved = match config::resolve(&flags, env) {
            Ok(resolved) => resolved,
            Err(ConfigError::NothingConfigured { .. } | ConfigError::NoProfileChosen { .. }) => {
                return Ok(Self { resolved: None, preferences, silent: false });
            }
            Err(other) => return Err(other.into()),
        };
        let (local, silent) = match fetch_local_edges(&resolved.api_prefix).await {
            Ok(local) => (local, false),
            Err(_) => (None, true),
        };
        let resolved = resolved.with_local(local.as_ref());
        Ok(Self { resolved: Some(resolved), preferences, silent })
    }

    /// The profile, for what is its own.
    ///
    /// # Errors
    /// There is none, or it has faults.
    pub fn profile(
        &self,
        globals: &Globals,
        env: &Env,
        output: &Output,
    ) -> Result<Resolved, Failure> {
        match &self.resolved {
            Some(resolved) => connect::without_faults(resolved.clone(), output),
            None => connect::profile(globals, env, output),
        }
    }

    /// Whose URL `typed` is.
    ///
    /// # Errors
    /// It is none, and why.
    pub fn meant(&self, typed: &str) -> Result<Meant, Failure> {
        let account = self.resolved.as_ref().map(|resolved| &resolved.account);
        if account.is_some_and(|account| DeliveryUrl::parse_all(typed, account).is_ok()) {
            return Ok(Meant::Ours);
        }
        let url = DeliveryUrl::of_web(typed).map_err(|bad| OpError::BadName {
            typed: clean(&masked(typed)).into_owned(),
            message: bad.to_string(),
            hint: bad.hint().to_owned(),
        })?;
        let host = url.host_name();
        if self.silent && is_loopback_host(bare(&host)) {
            return Ok(Meant::Ours); // whatever it is, its cloud must answer first
        }
        Ok(Meant::Web(Box::new(url)))
    }

    /// What web addresses are looked at with: where the profile looks from, but not at the edges that it pins, which
    /// deliver its own cloud. Edges of the command line stand for all places.
    ///
    /// # Errors
    /// A place of the profile that cannot be used.
    pub fn outlook(&self, at: &At) -> Result<(Lookout, Sources), Failure> {
        let look_from = self.resolved.as_ref().map(|it| it.look_from.clone()).unwrap_or_default();
        let look_from = config::LookFrom { pinned: Vec::new(), vendors: false, ..look_from };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let Outlook { places, prober, mut sources } = outlook(look_from, &clock)?;
        let places = match pinned(at) {
            Some(pinned) => {
                sources.here = false;
                sources.pinned.clone_from(&at.edges);
                pinned
            }
            None => places,
        };
        let loopback = is_all_loopback(&at.edges);
        Ok((Lookout { places, prober: Arc::new(prober), loopback }, sources))
    }

    /// Ports and policy for watching `url`: no cloud, but a journal. Each watch has a scope of its own, because what is
    /// wanted of its URL is its own; `scope` is that of a watch that the journal knows.
    ///
    /// # Errors
    /// A place of the profile that cannot be used; the journal's.
    pub async fn context(
        &self,
        url: &DeliveryUrl,
        wanted: Wanted,
        scope: Option<CloudScope>,
        at: &At,
        output: &Output,
    ) -> Result<(Context, Sources), Failure> {
        let (Lookout { places, prober, loopback }, sources) = self.outlook(at)?;
        let host = url.host_name();
        let loopback = loopback || (at.edges.is_empty() && is_loopback_host(bare(&host)));
        let journal = self.journal(output).await?;
        let member = connect::this_process();
        journal.join(&member, SystemClock.wall()).await?;
        let usual = Policy::new("none", Risk::Local, loopback);
        let policy = self.resolved.as_ref().map_or(usual, |resolved| Policy {
            loopback,
            hold_back: std::time::Duration::ZERO,
            ..resolved.policy.clone()
        });
        let origin =
            WebOrigin::new(url.clone(), wanted, Arc::clone(&places), Arc::clone(&prober), loopback);
        let context = Context {
            cloud: Arc::new(origin),
            journal: Arc::new(journal),
            prober,
            places,
            clock: Arc::new(SystemClock),
            account: Account::named(""),
            scope: scope.unwrap_or_else(|| CloudScope {
                cloud_name: host,
                api: WEB.to_owned(),
                instance: Some(OperationId::new().to_string()),
            }),
            member,
            policy,
        };
        Ok((context, sources))
    }

    /// The journal, without any cloud.
    ///
    /// # Errors
    /// The journal's.
    pub async fn journal(&self, output: &Output) -> Result<SqlJournal, Failure> {
        let location = self.preferences.journal_with_password()?;
        let journal = SqlJournal::open(location.expose_secret(), Processes::of_this_host()).await?;
        for warning in journal.warnings() {
            output.say(&format!("warning: {warning}"));
        }
        Ok(journal)
    }
}

/// The edges of the command line alone.
#[must_use]
pub fn pinned(at: &At) -> Option<Arc<dyn Places>> {
    let edges = (!at.edges.is_empty()).then(|| at.edges.clone())?;
    Some(Arc::new(ResolvedPlaces::new(edges, false)))
}

/// A delivery URL of a local cloud is looked at where that cloud says.
///
/// # Errors
/// `--edge` beside a local cloud.
pub fn refuse_edges(at: &At, is_local: bool) -> Result<(), Failure> {
    if at.edges.is_empty() || !is_local {
        return Ok(());
    }
    let hint = "leave --edge out; its edges are what `allclear places` lists";
    Err(Failure::usage("a local cloud says by itself where its edges are", hint))
}

fn is_all_loopback(edges: &[PinnedEdge]) -> bool {
    let on_loopback = |ip: IpAddr| ip.to_canonical().is_loopback();
    !edges.is_empty() && edges.iter().all(|edge| on_loopback(edge.address.ip()))
}

fn bare(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((bare, port)) if port.bytes().all(|b| b.is_ascii_digit()) => bare,
        _ => host,
    }
}
