//! `allclear pending` and `allclear history`: what the journal holds, whoever started it.

use serde_json::json;

use super::args::{Pending, Recent};
use super::exit::Exit;
use super::failure::Failure;
use super::json;
use super::output::{Output, Side, Table};
use super::words::{span, time};
use crate::domain::invalidation::CloudScope;
use crate::domain::snapshot::WatchSnapshot;
use crate::domain::time::Timestamp;
use crate::ports::journal::{InvalidationRow, Journal};

/// Characters of an ID that are shown: its time to the millisecond, which tells IDs apart.
const SHOWN_ID: usize = 13;

/// Rows of the journal that are looked through for those of a local cloud's earlier runs.
const LOOK_BACK: u32 = 1000;

/// Which rows a list shows.
#[derive(Debug, Clone, Default)]
pub struct Listed {
    /// Exactly this cloud; none for a filter, or for everything.
    pub scope: Option<CloudScope>,
    /// Name and API; none for everything.
    pub cloud: Option<(String, String)>,
}

impl Listed {
    /// Whether rows of other clouds come as well and have to be left out here.
    pub const fn is_filter(&self) -> bool {
        self.scope.is_none() && self.cloud.is_some()
    }

    /// Whether something of this cloud belongs to the list.
    #[must_use]
    pub fn takes(&self, scope: &CloudScope) -> bool {
        let named = |(name, api): &(String, String)| scope.cloud_name == *name && scope.api == *api;
        !self.is_filter() || self.cloud.as_ref().is_none_or(named)
    }

    fn only(&self, mut rows: Vec<InvalidationRow>) -> Vec<InvalidationRow> {
        if let (true, Some((name, api))) = (self.is_filter(), &self.cloud) {
            rows.retain(|row| {
                let scope = &row.operation.scope;
                scope.cloud_name == *name && scope.api == *api
            });
        }
        rows
    }
}

/// Lists what is not yet clear; with `--json` something stuck is [`Exit::NotClear`].
///
/// # Errors
/// The journal's.
pub async fn pending(
    output: &Output,
    journal: &dyn Journal,
    listed: &Listed,
    now: Timestamp,
    args: &Pending,
) -> Result<Exit, Failure> {
    let rows = listed.only(journal.open(listed.scope.as_ref()).await?);
    let stuck = rows.iter().any(|row| row.snapshot.as_ref().is_some_and(|it| it.stuck));
    if output.style.json {
        output.json(json!({
            "cloud": listed.cloud.as_ref().map(|(name, _)| name),
            "stuck": stuck,
            "invalidations": rows.iter().map(json::row).collect::<Vec<_>>(),
        }))?;
        return Ok(if stuck { Exit::NotClear } else { Exit::Done });
    }
    let columns = [
        ("INVALIDATION", Side::Left),
        ("WHAT", Side::Left),
        ("ASSET", Side::Left),
        ("CLEAR", Side::Right),
        ("AGE", Side::Right),
        ("TRACKED BY", Side::Left),
        ("STATE", Side::Left),
    ];
    let mut table = Table::new(&columns, !args.no_header);
    for row in &rows {
        table.row([
            short(row),
            row.operation.verb.as_str().to_owned(),
            row.label.clone(),
            row.snapshot.as_ref().map_or_else(|| "-".to_owned(), clear_of_total),
            age(row.operation.at, now),
            row.tracked_by.clone().unwrap_or_else(|| "nobody".to_owned()),
            row.snapshot
                .as_ref()
                .map_or_else(|| "not looked at yet".to_owned(), WatchSnapshot::state),
        ]);
    }
    output.table(&table.only(&args.columns)?)?;
    if rows.is_empty() {
        output.say("nothing is pending");
    }
    Ok(Exit::Done)
}

/// Lists what has ended.
///
/// # Errors
/// The journal's.
pub async fn history(
    output: &Output,
    journal: &dyn Journal,
    listed: &Listed,
    args: &Recent,
) -> Result<Exit, Failure> {
    let limit = if listed.is_filter() { args.limit.max(LOOK_BACK) } else { args.limit };
    let mut rows = listed.only(journal.ended(listed.scope.as_ref(), limit).await?);
    rows.truncate(args.limit as usize);
    if output.style.json {
        output.json(json!({
            "cloud": listed.cloud.as_ref().map(|(name, _)| name),
            "invalidations": rows.iter().map(json::row).collect::<Vec<_>>(),
        }))?;
        return Ok(Exit::Done);
    }
    let columns = [
        ("INVALIDATION", Side::Left),
        ("ENDED", Side::Left),
        ("WHAT", Side::Left),
        ("ASSET", Side::Left),
        ("BY", Side::Left),
        ("OUTCOME", Side::Left),
    ];
    let mut table = Table::new(&columns, !args.no_header);
    for row in &rows {
        let ended = row.ended.as_ref();
        table.row([
            short(row),
            ended.map_or_else(String::new, |ended| time(ended.at)),
            row.operation.verb.as_str().to_owned(),
            row.label.clone(),
            match &row.from {
                Some(from) => format!("{} from {from}", row.by),
                None => row.by.clone(),
            },
            ended.map_or_else(String::new, |ended| ended.sentence.clone()),
        ]);
    }
    output.table(&table.only(&args.columns)?)?;
    if rows.is_empty() {
        output.say("nothing has ended yet");
    }
    Ok(Exit::Done)
}

fn short(row: &InvalidationRow) -> String {
    row.id.to_string().chars().take(SHOWN_ID).collect()
}

fn clear_of_total(snapshot: &WatchSnapshot) -> String {
    let (clear, total) = snapshot.clear_of_total();
    format!("{clear}/{total}")
}

fn age(since: Timestamp, now: Timestamp) -> String {
    span(std::time::Duration::try_from(now.duration_since(since)).unwrap_or_default())
}
