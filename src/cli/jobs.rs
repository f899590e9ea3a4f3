//! `allclear jobs` and `allclear retry-failed`: what was ordered, how far it is, and what is wanted of it.

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use serde_json::{Value, json};

use super::args::Change;
use super::connect::{Found, Session};
use super::exit::Exit;
use super::failure::Failure;
use super::json as shape;
use super::order;
use super::output::{Output, Side, Table};
use super::pending::Listed;
use super::resolve;
use super::values;
use super::words::{count, span, time};
use crate::domain::id::OperationId;
use crate::domain::job::{JobRow, JobState, Wish};
use crate::domain::text::clean;
use crate::domain::time::{Timestamp, duration_ms};
use crate::ops::engine::Resumed;
use crate::ops::{Engine, OpError};
use crate::ports::journal::{JobsOf, Journal};

/// Characters of an ID that are shown: its time to the millisecond, which tells IDs apart.
const SHOWN_ID: usize = 13;
/// Rows of the journal that are looked through for those of a local cloud's earlier runs.
const LOOK_BACK: u32 = 1000;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Jobs {
    #[command(subcommand)]
    pub what: Option<Control>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Of every cloud in the journal
    #[arg(long)]
    pub all: bool,
    /// Columns to show, in this order: the headings in small letters, with - for spaces
    #[arg(long, value_delimiter = ',', value_name = "A,B,…")]
    pub columns: Vec<String>,
    /// Rows only
    #[arg(long)]
    pub no_header: bool,
}

#[derive(Debug, Subcommand)]
pub enum Control {
    /// Send nothing more of a job for now; calls in flight settle
    Pause(Which),
    /// Go on with a job that was paused, held or interrupted, and wait for the outcome
    Resume(Resume),
    /// Send nothing more of a job, ever; calls in flight settle
    Cancel(Which),
}

#[derive(Debug, clap::Args)]
pub struct Which {
    /// 6 or more first characters of the job's ID, or of its invalidation's
    #[arg(value_name = "ID")]
    pub id: String,
}

#[derive(Debug, clap::Args)]
pub struct Resume {
    #[command(flatten)]
    pub which: Which,
    /// Wait at most this long for the outcome, e.g. 90s, 15m
    #[arg(
        long,
        value_name = "D",
        num_args = 0..=1,
        require_equals = true,
        default_value = "15m",
        default_missing_value = "15m",
        value_parser = values::duration
    )]
    pub wait: Duration,
    /// Return once every call has its answer; tracking is left to whichever process holds the lease next
    #[arg(long, conflicts_with = "wait")]
    pub no_wait: bool,
    /// Write what became of every asset to a new file: CSV where it ends in .csv, else JSON Lines
    #[arg(long, value_name = "FILE")]
    pub results: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct RetryFailed {
    #[command(flatten)]
    pub which: Which,
    #[command(flatten)]
    pub change: Change,
}

/// Lists jobs, newest first, whoever ordered them.
///
/// # Errors
/// The journal's.
pub async fn list(
    output: &Output,
    journal: &dyn Journal,
    listed: &Listed,
    now: Timestamp,
    args: &Jobs,
) -> Result<Exit, Failure> {
    let limit = if listed.is_filter() { args.limit.max(LOOK_BACK) } else { args.limit };
    let mut jobs = journal.jobs(listed.scope.as_ref(), limit, now).await?;
    jobs.retain(|job| listed.takes(&job.operation.scope));
    jobs.truncate(args.limit as usize);
    if output.style.json {
        output.json(json!({
            "cloud": listed.cloud.as_ref().map(|(name, _)| name),
            "jobs": jobs.iter().map(|job| value(job, now)).collect::<Vec<_>>(),
        }))?;
        return Ok(Exit::Done);
    }
    let columns = [
        ("JOB", Side::Left),
        ("WHAT", Side::Left),
        ("ASSET", Side::Left),
        ("STATE", Side::Left),
        ("DONE", Side::Right),
        ("FAILED", Side::Right),
        ("ORDERED", Side::Left),
        ("BY", Side::Left),
        ("RUN BY", Side::Left),
    ];
    let mut table = Table::new(&columns, !args.no_header);
    for job in &jobs {
        table.row([
            short(job),
            job.operation.verb.as_str().to_owned(),
            job.label.clone(),
            state(job, now),
            format!("{}/{}", job.counts.settled(), job.counts.total()),
            job.counts.not_done().to_string(),
            time(job.operation.at),
            by(job),
            job.run_by.clone().unwrap_or_else(|| "nobody".to_owned()),
        ]);
    }
    output.table(&table.only(&args.columns)?)?;
    if jobs.is_empty() {
        output.say("no order was carried out yet");
    }
    Ok(Exit::Done)
}

/// Pauses or cancels a job, wherever it runs.
///
/// # Errors
/// No such job, it is over; the journal's.
pub async fn wish(
    output: &Output,
    found: &Found,
    now: Timestamp,
    which: &Which,
    wish: Wish,
) -> Result<Exit, Failure> {
    let journal = &found.journal;
    let id = journal.find_job(&which.id).await?;
    let of = journal.job(id, now).await?;
    if of.state.is_over() {
        return Err(over(&of));
    }
    journal.wish(JobsOf::One(id), wish, found.member.id, now).await?;
    let job = journal.job(id, now).await?;
    if output.style.json {
        output.json(json!({ "job": value(&job, now) }))?;
        return Ok(Exit::Done);
    }
    output.line(&format!("{} {}: {}", short(&job), clean(&job.label), state(&job, now)))?;
    if wish == Wish::Pause {
        output.say(&format!("go on with: allclear jobs resume {}", short(&job)));
    }
    Ok(Exit::Done)
}

/// Goes on with a job: tells the process that runs it, or takes it up here and waits for the outcome. Of one that is
/// done, if only since this process asked storage about it, the outcome is told.
///
/// # Errors
/// No such job, it is over or cannot be gone on with; those of [`order::go_on`].
pub async fn resume(session: &Session, args: &Resume) -> Result<Exit, Failure> {
    let (engine, output) = (&session.engine, &session.output);
    let id = find(engine, &args.which).await?;
    let resumed = match engine.resume(id).await {
        Ok(resumed) => resumed,
        Err(why) => {
            let job = engine.job(id).await?;
            return match job.state {
                JobState::Done => order::go_on(session, id, args).await,
                state if state.is_over() => Err(over(&job)),
                _ => Err(why.into()),
            };
        }
    };
    match resumed {
        Resumed::By(who) => {
            let job = engine.job(id).await?;
            if output.style.json {
                let now = engine.context().clock.wall();
                output.event(
                    "outcome",
                    json!({
                        "outcome": "resumed",
                        "exit_code": Exit::Done.code(),
                        "job": value(&job, now),
                    }),
                )?;
            } else {
                output.line(&format!("{} goes on: {} runs it", short(&job), clean(&who)))?;
            }
            Ok(Exit::Done)
        }
        Resumed::Nobody => order::go_on(session, id, args).await,
    }
}

/// Orders again what a job did not get done.
///
/// # Errors
/// No such job, nothing failed; those of [`order::carry_out`].
pub async fn retry_failed(session: &Session, args: &RetryFailed) -> Result<Exit, Failure> {
    let id = find(&session.engine, &args.which).await?;
    let retry = session.engine.retry_failed(id).await?;
    let mut terms = resolve::terms(&args.change, &session.command_line);
    terms.invalidate &= retry.invalidate;
    order::carry_out_as(session, &retry.order, &args.change, &terms).await
}

async fn find(engine: &Engine, which: &Which) -> Result<OperationId, Failure> {
    Ok(engine.context().journal.find_job(&which.id).await?)
}

fn over(job: &JobRow) -> Failure {
    OpError::Invalid {
        message: format!("the job {} is {}", short(job), job.state.as_str()),
        hint: "`allclear retry-failed ID` takes what it did not get done".to_owned(),
    }
    .into()
}

/// Says which jobs wait because their process is gone, and how they go on.
pub fn tell_interrupted(output: &Output, jobs: &[JobRow]) {
    for job in jobs {
        if job.counts.unsettled() == 0 {
            output.say(&format!(
                "job {} waits: its process ended with {} still to be named; go on with: allclear jobs resume {}",
                short(job),
                count(job.counts.to_name, "URL"),
                short(job),
            ));
            continue;
        }
        output.say(&format!(
            "job {} waits: its process ended ({} {}, {} of {} left); go on with: allclear jobs resume {}",
            short(job),
            job.operation.verb.as_str(),
            clean(&job.label),
            job.counts.unsettled(),
            job.counts.total(),
            short(job),
        ));
    }
}

/// The first characters of a job's ID.
#[must_use]
pub fn short(job: &JobRow) -> String {
    job.operation.id.to_string().chars().take(SHOWN_ID).collect()
}

fn by(job: &JobRow) -> String {
    match &job.from {
        Some(from) => format!("{} from {from}", job.by),
        None => job.by.clone(),
    }
}

fn state(job: &JobRow, now: Timestamp) -> String {
    let word = job.state.as_str();
    match (&job.wait, job.state) {
        (Some(wait), JobState::Running) => {
            format!("waits until {}: {}", time(wait.until), wait.because)
        }
        (_, JobState::Running) => job
            .eta(now)
            .map_or_else(|| word.to_owned(), |left| format!("{word}, {} left", span(left))),
        (_, JobState::Waiting) => job
            .not_before
            .map_or_else(|| word.to_owned(), |at| format!("{word} until {}", time(at))),
        (_, JobState::Paused) if job.stopped.is_some() => {
            format!("stopped: {}", job.stopped.as_deref().unwrap_or_default())
        }
        (_, JobState::Paused | JobState::Held | JobState::Cancelling | JobState::Cancelled) => {
            match &job.wished_by {
                Some(who) => format!("{word} by {who}"),
                None => word.to_owned(),
            }
        }
        (_, JobState::Interrupted | JobState::Done) => word.to_owned(),
    }
}

/// A job in JSON.
#[must_use]
pub fn value(job: &JobRow, now: Timestamp) -> Value {
    let at = |at: Option<Timestamp>| at.map(shape::time);
    json!({
        "operation": job.operation.id.to_string(),
        "invalidation": job.invalidation.map(|id| id.to_string()),
        "verb": job.operation.verb.as_str(),
        "label": clean(&job.label),
        "cloud": clean(&job.operation.scope.cloud_name),
        "by": clean(&job.by),
        "ssh_client": job.from.as_deref().map(clean),
        "command_line": clean(&job.operation.command_line),
        "note": job.operation.note.as_deref().map(clean),
        "ordered_at": shape::time(job.operation.at),
        "state": job.state.as_str(),
        "wish": job.wish.as_str(),
        "wished_by": job.wished_by.as_deref().map(clean),
        "wished_at": at(job.wished_at),
        "run_by": job.run_by.as_deref().map(clean),
        "resumable": job.resumable,
        "items": {
            "total": job.counts.total(),
            "intended": job.counts.intended,
            "sent": job.counts.sent,
            "accepted": job.counts.accepted,
            "not_found": job.counts.not_found,
            "failed": job.counts.failed,
            "skipped": job.counts.skipped,
            "refused": job.counts.refused,
        },
        "rate": job.rate(now),
        "eta_ms": job.eta(now).map(duration_ms),
        "stopped_because": job.stopped.as_deref().map(clean),
        "urls_to_name": job.counts.to_name,
        "waiting_until": job.wait.as_ref().map(|wait| shape::time(wait.until)),
        "waiting_because": job.wait.as_ref().map(|wait| clean(&wait.because)),
        "not_before": at(job.not_before),
        "started_at": at(job.started_at),
        "ended_at": at(job.ended_at),
    })
}
