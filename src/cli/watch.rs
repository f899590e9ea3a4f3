//! `allclear watch`: follow an invalidation of the journal, or watch a delivery URL.

use super::args::Watch;
use super::connect::Session;
use super::exit::Exit;
use super::failure::Failure;
use super::follow::Follow;
use super::signals::Stop;
use crate::domain::id::InvalidationId;
use crate::domain::invalidation::Invalidation;
use crate::domain::purge::OrderTerms;
use crate::domain::snapshot::WatchSnapshot;

/// Follows what `target` names until it ends, or until the time is over.
///
/// # Errors
/// Neither an ID of the journal nor a URL of this cloud; the journal's; the cloud's.
pub async fn run(session: &Session, args: &Watch) -> Result<Exit, Failure> {
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
        session.engine.watch_url(&args.target, args.expect, &terms).await?
    };
    session.output.say(&format!("watching {id}"));
    let follow = Follow { session, id: Some(id), not_covered: &[], failed: 0, started };
    follow.to_the_end(id, args.timeout, events, stop).await
}

/// Six or more characters of an ID: hexadecimal digits and hyphens, which no URL consists of.
fn is_id(target: &str) -> bool {
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
