//! The cloud and the places: what is reached over the network, each question with a time limit.

use std::future::Future;
use std::sync::Arc;

use jiff::SignedDuration;

use super::super::look_from::{Outlook, local_outlook, outlook};
use super::super::places;
use super::super::words::{count, of, span};
use super::{Finding, Findings, PATIENCE};
use crate::adapters::cloudinary::{ClientOptions, CloudinaryClient, greet};
use crate::adapters::places::{LoopbackPlaces, SHARED_HOST, fetch_local_edges};
use crate::adapters::system_clock::SystemClock;
use crate::config::Resolved;
use crate::domain::account::InvalidationKind;
use crate::domain::place::Place;
use crate::ports::clock::Clock;
use crate::ports::cloud::Cloud as _;
use crate::report::Report;

/// A clock that is off by more makes the cloud refuse signatures, and ages of copies lie (facts: an hour for the
/// API, whole seconds for `Age`).
const OFF_BY: SignedDuration = SignedDuration::from_secs(30);

/// The answer, unless it takes longer than anybody waits.
async fn in_time<T>(answer: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(PATIENCE, answer).await.ok()
}

fn late() -> String {
    format!("no answer within {} s", PATIENCE.as_secs())
}

/// Whether the cloud is reached, knows us, has calls left, and has our time.
pub async fn cloud(resolved: &Resolved) -> Vec<Finding> {
    let mut part = Findings::of("cloud");
    let policy = &resolved.policy;
    part.ok(
        "profile",
        format!(
            "{}: cloud {}, {} risk{}",
            resolved.profile,
            resolved.account.cloud_name,
            policy.risk.as_str(),
            if policy.read_only { ", read-only" } else { "" }
        ),
    );
    for warning in resolved.warnings() {
        part.note("profile", warning, "");
    }
    let asked_at = SystemClock.wall();
    let greeting = match greet(&resolved.api_prefix, PATIENCE).await {
        Ok(greeting) => greeting,
        Err(why) => {
            let fix = if resolved.may_be_local() {
                "start it: `allclear cloud`"
            } else {
                "check the network, a proxy (HTTPS_PROXY) and `api` of the profile"
            };
            part.broken("reached", format!("{}: {why}", resolved.api_prefix), fix);
            return part.found();
        }
    };
    let took = SystemClock.wall().duration_since(asked_at).max(SignedDuration::ZERO);
    part.ok("reached", format!("{}, in {} ms", resolved.api_prefix, took.as_millis()));
    match greeting.date {
        // the header is cut to whole seconds, and it was written at some moment of the exchange
        Some(date) => {
            let off = asked_at.duration_since(date);
            let far = off.abs() > OFF_BY + took;
            let side = if off.is_negative() { "behind" } else { "ahead of" };
            let by = span(off.unsigned_abs());
            if far {
                part.broken(
                    "clock",
                    format!(
                        "this host is {by} {side} the cloud: signatures and ages of copies go wrong"
                    ),
                    "set this host's clock, best by NTP",
                );
            } else {
                part.ok("clock", "agrees with the cloud's to half a minute");
            }
        }
        None => {
            part.note("clock", "the cloud tells no time", "compare this host's clock with another");
        }
    }
    credentials(resolved, &mut part).await;
    let invalidation = match resolved.account.invalidation {
        InvalidationKind::Unknown => None,
        known => Some(known),
    };
    match invalidation {
        Some(kind) => part.ok("invalidation", kind.as_str()),
        None if resolved.may_be_local() => part.ok("invalidation", "the local cloud tells it"),
        None => part.note(
            "invalidation",
            "not known: whether a URL is reached stays uncertain",
            "ask the service's support, then write `invalidation` into the profile",
        ),
    }
    part.found()
}

async fn credentials(resolved: &Resolved, part: &mut Findings) {
    let (credentials, api) = (resolved.credentials.clone(), &resolved.api_prefix);
    let client = match CloudinaryClient::new(credentials, api, ClientOptions::default()) {
        Ok(client) => client,
        Err(fault) => return part.failed("credentials", &Report::from(&fault)),
    };
    match in_time(client.ping()).await {
        None => {
            part.broken("credentials", late(), "try again; see whether the service has trouble");
        }
        Some(Err(fault)) => part.failed("credentials", &Report::from(&fault)),
        Some(Ok(())) => part.ok("credentials", "accepted"),
    }
    if let Some(quota) = client.quota() {
        let left = format!("{} of {} Admin API calls left this hour", quota.remaining, quota.limit);
        if quota.remaining == 0 {
            part.broken("quota", left, "wait for the top of the hour");
        } else if quota.remaining < quota.limit / 10 {
            part.note("quota", left, "large plans may have to wait for the top of the hour");
        } else {
            part.ok("quota", left);
        }
    }
}

/// Where the profile looks from, each source asked how it is.
pub async fn places(resolved: &Resolved) -> Vec<Finding> {
    let mut part = Findings::of("places");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let local =
        in_time(fetch_local_edges(&resolved.api_prefix)).await.and_then(Result::ok).flatten();
    let resolved = resolved.clone().with_local(local.as_ref());
    let look_from = resolved.look_from.clone();
    let put_together = match &local {
        Some(ready) => {
            Ok(local_outlook(LoopbackPlaces::new(&resolved.api_prefix, ready), look_from, &clock))
        }
        None => outlook(look_from, &clock),
    };
    let Outlook { places: finder, sources, .. } = match put_together {
        Ok(outlook) => outlook,
        Err(failure) => {
            let said = failure.report().map(|report| (report.message, report.hint));
            let (said, fix) = said.unwrap_or_default();
            part.broken("sources", said, &fix.unwrap_or_default());
            return part.found();
        }
    };
    let own = resolved.account.own_hosts.first().cloned();
    let host = own.unwrap_or_else(|| SHARED_HOST.to_owned());
    match in_time(finder.places(&host)).await {
        None => part.broken("caches", late(), "`allclear places` shows which source is slow"),
        Some(Err(fault)) => part.failed("caches", &Report::from(&fault)),
        Some(Ok(found)) if found.is_empty() => part.broken(
            "caches",
            format!("no address of {host} is known"),
            "check the resolver, or pin edges in the profile",
        ),
        Some(Ok(found)) => {
            let addresses: std::collections::HashSet<_> =
                found.iter().map(Place::limit_key).collect();
            part.ok(
                "caches",
                format!(
                    "{} of {host}, {}",
                    of(addresses.len(), "address", "addresses"),
                    count(found.len(), "place")
                ),
            );
        }
    }
    match in_time(places::told(&sources, &host)).await {
        None => part.note("sources", late(), "`allclear places` waits longer"),
        Some(told) => {
            for source in told {
                let said = format!("{}: {}", source.what, source.state);
                if source.failed() {
                    part.note(
                        source.kind,
                        said,
                        "`allclear places` tells more; without it fewer caches are seen",
                    );
                } else {
                    part.ok(source.kind, said);
                }
            }
        }
    }
    part.found()
}
