//! `allclear watch`: follow an invalidation of the journal, or watch any URL.

use super::args::Watch;
use super::connect::Session;
use super::exit::Exit;
use super::failure::Failure;
use super::follow::Follow;
use super::probe::planting;
use super::signals::Stop;
use crate::adapters::journal::SqlJournal;
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::id::InvalidationId;
use crate::domain::invalidation::{CloudScope, Invalidation};
use crate::domain::purge::OrderTerms;
use crate::domain::snapshot::WatchSnapshot;
use crate::ops::web_origin::Wanted;
use crate::ops::{WEB, WebClaim};
use crate::ports::journal::Journal as _;

/// Follows what `target` names until it ends, or until the time is over. `web`: the address of no known cloud that it
/// names, whose origin the session has in place of a cloud.
///
/// # Errors
/// No ID of the journal; what cannot be decided, and what would help; the journal's; the cloud's.
pub async fn run(
    session: &Session,
    args: &Watch,
    web: Option<&DeliveryUrl>,
) -> Result<Exit, Failure> {
    let started = std::time::Instant::now();
    let events = session.engine.tracker().events();
    let stop = Stop::listen();
    let id = if is_id(&args.target) {
        let id = session.engine.context().journal.find(&args.target).await?;
        let known = session.engine.context().journal.invalidation(id).await?;
        if known.ended.is_some() {
            return ended(session, known, started).await;
        }
        of_this_cloud(session, &known)?;
        id
    } else {
        let terms = OrderTerms {
            note: args.note.clone(),
            confidence: args.confidence,
            since: args.since,
            command_line: session.command_line.clone(),
            ..OrderTerms::default()
        };
        if let Some(url) = web {
            session.engine.watch_web(url, &claim(args), &terms).await?
        } else {
            let account = &session.engine.context().account;
            let read = DeliveryUrl::parse(&args.target, account).ok();
            if let Some(warning) = read.and_then(|url| planting(account, &url)) {
                session.output.warn(&warning);
            }
            session.engine.watch_url(&args.target, args.expect, &terms).await?
        }
    };
    session.output.say(&format!("watching {id}"));
    if let Some(network) = &session.sources.globalping {
        match network.ask_quota().await {
            Ok(Some(quota)) => session.output.say(&quota.to_string()),
            Ok(None) => {}
            Err(why) => session.output.say(&format!("warning: {why}")),
        }
    }
    let follow = Follow { session, id: Some(id), not_covered: &[], failed: 0, started };
    follow.to_the_end(id, args.timeout, events, stop).await
}

/// What the command line says of a web address.
#[must_use]
pub fn claim(args: &Watch) -> WebClaim {
    WebClaim { expect: args.expect, etag: args.etag.clone(), old_etag: args.old_etag.clone() }
}

/// Entity tags are told of what no storage of ours holds.
///
/// # Errors
/// One is told all the same.
pub fn refuse_claims(args: &Watch) -> Result<(), Failure> {
    let told = [("--etag", &args.etag), ("--old-etag", &args.old_etag)];
    match told.into_iter().find(|(_, tag)| tag.is_some()) {
        Some((flag, _)) => {
            let message = format!("{flag} is for URLs of which no storage is known");
            Err(Failure::usage(message, "leave it out: here storage tells what a URL must show"))
        }
        None => Ok(()),
    }
}

/// The web address that an open watch of the journal is about, and what is wanted of it; `None`: anything else.
pub async fn of_the_web(
    journal: &SqlJournal,
    prefix: &str,
) -> Option<(Box<DeliveryUrl>, Wanted, Option<CloudScope>)> {
    let id = journal.find(prefix).await.ok()?;
    let known = journal.invalidation(id).await.ok()?;
    let url = known.urls.first().filter(|_| known.operation.scope.api == WEB)?;
    Some((Box::new(url.url.clone()), Wanted::of(&known), Some(known.operation.scope.clone())))
}

/// Six or more characters of an ID: hexadecimal digits and hyphens, which no URL consists of.
pub fn is_id(target: &str) -> bool {
    target.len() >= 6 && target.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

fn of_this_cloud(session: &Session, known: &Invalidation) -> Result<(), Failure> {
    let (theirs, ours) = (&known.operation.scope, &session.engine.context().scope);
    if theirs == ours {
        return Ok(());
    }
    let message = format!("{} belongs to {} at {}", known.id, theirs.cloud_name, theirs.api);
    let hint = if theirs.cloud_name == ours.cloud_name && theirs.api == ours.api {
        "that local cloud no longer runs; a new one runs in its place"
    } else {
        "use the profile of that cloud"
    };
    Err(Failure::usage(message, hint))
}

/// Shows how one ended long ago.
async fn ended(
    session: &Session,
    known: Invalidation,
    started: std::time::Instant,
) -> Result<Exit, Failure> {
    let last = picture(session, known.id).await?;
    let follow =
        Follow { session, id: Some(known.id), not_covered: &known.not_covered, failed: 0, started };
    match (last, known.ended) {
        (Some(mut last), Some(ending)) => {
            last.ended = Some(ending);
            follow.ended(&last)
        }
        (_, Some(ending)) => follow.ended_unseen(&ending),
        (_, None) => Ok(Exit::NotClear),
    }
}

async fn picture(session: &Session, id: InvalidationId) -> Result<Option<WatchSnapshot>, Failure> {
    Ok(session.engine.context().journal.row(id).await?.snapshot)
}
