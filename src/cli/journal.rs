//! `allclear journal`: is it whole, thin it out, copy it elsewhere.

use std::time::Duration;

use clap::Subcommand;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::args::Globals;
use super::connect;
use super::exit::Exit;
use super::failure::Failure;
use super::output::{Output, Side, Table};
use super::values;
use super::words::{count, of, span, time};
use crate::adapters::journal::{Processes, SqlJournal};
use crate::config::{self, Env};
use crate::domain::text::clean;
use crate::domain::time::Timestamp;
use crate::ops::journal_copy::{self, Copied, CopyError};
use crate::ports::journal::JournalError;
use crate::ports::journal_store::JournalStore;

/// Names watched as gone stay known for 48 h, and late places may still speak: nothing younger goes.
const YOUNGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);

#[derive(Debug, clap::Args)]
pub struct Journal {
    #[command(subcommand)]
    pub what: What,
}

#[derive(Debug, Subcommand)]
pub enum What {
    /// Read the whole journal and say whether it is damaged
    Check,
    /// Take away the evidence of what ended long ago; orders, outcomes and the audit trail stay
    Prune(Prune),
    /// Copy a journal into a new one, and prove that both are the same
    Copy(Copy),
}

#[derive(Debug, clap::Args)]
pub struct Prune {
    /// What ended before this long, at least a week: e.g. 720h
    #[arg(long, value_name = "D", default_value = "2160h", value_parser = values::duration)]
    pub older_than: Duration,
    /// Count only; nothing is taken away
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub struct Copy {
    /// Journal to read: a file, a sqlite: or a postgres: URL
    #[arg(value_name = "FROM")]
    pub from: SecretString,
    /// Journal to write: new, or a copy of FROM that was cut short
    #[arg(value_name = "TO")]
    pub to: SecretString,
}

/// Carries `allclear journal …` out.
///
/// # Errors
/// The journal's; a copy that is none.
pub async fn run(
    globals: &Globals,
    env: &Env,
    output: &Output,
    args: &Journal,
    now: Timestamp,
) -> Result<Exit, Failure> {
    match &args.what {
        What::Check => check(&*own(globals, env).await?, output).await,
        What::Prune(args) => prune(&*own(globals, env).await?, output, args, now).await,
        What::Copy(args) => copy(output, args).await,
    }
}

/// The journal that every other command uses.
async fn own(globals: &Globals, env: &Env) -> Result<Box<dyn JournalStore>, Failure> {
    let preferences = config::preferences(&connect::flags(globals), env)?;
    Ok(Box::new(there(&preferences.journal_with_password()?).await?))
}

/// A journal that must exist: none is made by looking at it.
async fn there(location: &SecretString) -> Result<SqlJournal, Failure> {
    let seen = crate::adapters::journal::inspect(location.expose_secret()).await?;
    if !seen.exists {
        let detail = match seen.server {
            None => "there is no such file".to_owned(),
            Some(_) => "it holds no journal yet".to_owned(),
        };
        return Err(JournalError::Open { path: seen.path, detail }.into());
    }
    Ok(SqlJournal::open(location.expose_secret(), Processes::of_this_host()).await?)
}

async fn check(journal: &dyn JournalStore, output: &Output) -> Result<Exit, Failure> {
    let checked = journal.check().await?;
    let exit = if checked.damage.is_empty() { Exit::Done } else { Exit::Failed };
    if output.style.json {
        let tables =
            checked.rows.iter().map(|(table, rows)| json!({ "table": table, "rows": rows }));
        output.json(json!({
            "journal": clean(&checked.location),
            "database_schema": checked.schema,
            "is_whole": checked.damage.is_empty(),
            "damage": checked.damage.iter().map(|line| clean(line)).collect::<Vec<_>>(),
            "tables": tables.collect::<Vec<_>>(),
        }))?;
        return Ok(exit);
    }
    let mut table = Table::new(&[("TABLE", Side::Left), ("ROWS", Side::Right)], true);
    for (name, rows) in &checked.rows {
        table.row([(*name).to_owned(), rows.to_string()]);
    }
    output.table(&table)?;
    let (shown, schema) = (clean(&checked.location).into_owned(), checked.schema);
    for line in &checked.damage {
        output.warn(&format!("damaged: {}", clean(line)));
    }
    if checked.damage.is_empty() {
        output.line(&format!("{shown} is whole (schema {schema})"))?;
    } else {
        output.warn(&format!(
            "keep {shown} as it is, and copy what can be read: allclear journal copy"
        ));
    }
    Ok(exit)
}

async fn prune(
    journal: &dyn JournalStore,
    output: &Output,
    args: &Prune,
    now: Timestamp,
) -> Result<Exit, Failure> {
    if args.older_than < YOUNGEST {
        return Err(Failure::usage(
            format!("evidence younger than {} is still needed", span(YOUNGEST)),
            "give --older-than 168h or more",
        ));
    }
    let before = now.checked_sub(args.older_than).unwrap_or(Timestamp::UNIX_EPOCH);
    let pruned = journal.prune(before, args.dry_run).await?;
    if output.style.json {
        output.json(json!({
            "journal": clean(&journal.location()),
            "before": super::json::time(before),
            "dry_run": args.dry_run,
            "invalidations": pruned.invalidations,
            "sightings": pruned.sightings,
            "snapshots": pruned.snapshots,
            "urls": pruned.urls,
        }))?;
        return Ok(Exit::Done);
    }
    let word = if args.dry_run { "would go" } else { "gone" };
    output.line(&format!(
        "{word}: the evidence of {} that ended before {}: {}, {}, {}",
        count(usize::try_from(pruned.invalidations).unwrap_or(usize::MAX), "invalidation"),
        time(before),
        of(
            usize::try_from(pruned.sightings).unwrap_or(usize::MAX),
            "run of sightings",
            "runs of sightings"
        ),
        count(usize::try_from(pruned.snapshots).unwrap_or(usize::MAX), "picture"),
        count(usize::try_from(pruned.urls).unwrap_or(usize::MAX), "URL"),
    ))?;
    output.say("orders, their outcomes and the audit trail stay");
    Ok(Exit::Done)
}

async fn copy(output: &Output, args: &Copy) -> Result<Exit, Failure> {
    let from = there(&args.from).await?;
    let to = SqlJournal::open(args.to.expose_secret(), Processes::of_this_host()).await?;
    for warning in to.warnings() {
        output.say(&format!("warning: {warning}"));
    }
    let told = |copied: &Copied| {
        let Copied { table, rows, written, .. } = copied;
        output.progress(&format!("{table}: {rows} rows, {written} written"));
    };
    let copied = journal_copy::copy(&from, &to, told).await.map_err(failure)?;
    let rows: u64 = copied.iter().map(|it| it.rows).sum();
    let written: u64 = copied.iter().map(|it| it.written).sum();
    let (source, target) = (JournalStore::location(&from), JournalStore::location(&to));
    to.close().await;
    from.close().await;
    if output.style.json {
        let tables = copied.iter().map(|it| {
            json!({ "table": it.table, "rows": it.rows, "written": it.written, "sha256": it.checksum })
        });
        output.json(json!({
            "from": clean(&source),
            "to": clean(&target),
            "rows": rows,
            "written": written,
            "tables": tables.collect::<Vec<_>>(),
        }))?;
        return Ok(Exit::Done);
    }
    let (source, target) = (clean(&source).into_owned(), clean(&target).into_owned());
    output.line(&format!(
        "{target} holds what {source} holds: {rows} rows, {written} written now, counts and checksums agree"
    ))?;
    Ok(Exit::Done)
}

fn failure(error: CopyError) -> Failure {
    let message = error.to_string();
    match error {
        CopyError::Journal(error) => error.into(),
        CopyError::Same { .. } => Failure::usage(message, "name another journal to copy to"),
        CopyError::NotEmpty { .. } => Failure::usage(
            message,
            "copy into a new file or an empty database: two journals are never mixed",
        ),
        CopyError::Differs { .. } => Failure::failed(
            message,
            "stop every allclear that uses it and run the same command again: it goes on where it was",
        ),
    }
}
