//! `allclear activity`: the audit trail, who ordered what and how it ended; what was done to jobs and profiles beside it.

use serde_json::{Value, json};

use super::args::Recent;
use super::exit::Exit;
use super::failure::Failure;
use super::output::{Output, Side, Table};
use super::pending::Listed;
use super::words::time;
use crate::domain::job::ActRow;
use crate::domain::text::clean;
use crate::domain::time::Timestamp;
use crate::ports::journal::{ActivityRow, Journal};

/// Rows of the journal that are looked through for those of a local cloud's earlier runs.
const LOOK_BACK: u32 = 1000;

/// One line of the trail.
enum Line {
    Order(Box<ActivityRow>),
    Act(ActRow),
}

impl Line {
    const fn at(&self) -> Timestamp {
        match self {
            Self::Order(row) => row.operation.at,
            Self::Act(act) => act.at,
        }
    }
}

/// Lists orders and acts, newest first; with `--json` one object a line.
///
/// # Errors
/// The journal's, a column that there is not.
pub async fn run(
    output: &Output,
    journal: &dyn Journal,
    listed: &Listed,
    args: &Recent,
) -> Result<Exit, Failure> {
    let limit = if listed.is_filter() { args.limit.max(LOOK_BACK) } else { args.limit };
    let mut orders = journal.activity(listed.scope.as_ref(), limit).await?;
    orders.retain(|row| listed.takes(&row.operation.scope));
    let acts = journal.acts(listed.scope.as_ref(), limit).await?;
    // acts of a job belong to the cloud of its order; those of a profile are told where every cloud is
    let known = |act: &ActRow| match act.operation {
        Some(id) => orders.iter().any(|row| row.operation.id == id),
        None => !listed.is_filter(),
    };
    let acts: Vec<Line> = acts.into_iter().filter(known).map(Line::Act).collect();
    let mut lines: Vec<Line> = orders.into_iter().map(|row| Line::Order(Box::new(row))).collect();
    lines.extend(acts);
    lines.sort_by_key(|line| std::cmp::Reverse(line.at()));
    lines.truncate(args.limit as usize);
    if output.style.json {
        for line in &lines {
            output.json(value(line))?;
        }
        return Ok(Exit::Done);
    }
    let columns = [
        ("WHEN", Side::Left),
        ("WHO", Side::Left),
        ("WHAT", Side::Left),
        ("ASSET", Side::Left),
        ("CALLS", Side::Right),
        ("OUTCOME", Side::Left),
        ("COMMAND", Side::Left),
    ];
    let mut table = Table::new(&columns, !args.no_header);
    for line in &lines {
        table.row(cells(line));
    }
    output.table(&table.only(&args.columns)?)?;
    if lines.is_empty() {
        output.say("nothing was ordered yet");
    }
    Ok(Exit::Done)
}

fn who(by: &str, from: Option<&str>) -> String {
    from.map_or_else(|| by.to_owned(), |from| format!("{by} from {from}"))
}

fn cells(line: &Line) -> [String; 7] {
    match line {
        Line::Order(row) => [
            time(row.operation.at),
            who(&row.by, row.from.as_deref()),
            row.operation.verb.as_str().to_owned(),
            row.label.clone(),
            format!("{}/{}", row.accepted, row.items),
            outcome(row).to_owned(),
            row.operation.command_line.clone(),
        ],
        Line::Act(act) => [
            time(act.at),
            who(&act.by, act.from.as_deref()),
            act.kind.as_str().replace('_', " "),
            act.label.clone().unwrap_or_default(),
            String::new(),
            String::new(),
            String::new(),
        ],
    }
}

/// A stable word.
fn outcome(row: &ActivityRow) -> &'static str {
    match &row.ended {
        Some(ending) => ending.outcome.as_str(),
        None if row.invalidation.is_some() => "pending",
        None if row.accepted == row.items => "done",
        None if row.failed > 0 => "failed",
        None => "open",
    }
}

fn value(line: &Line) -> Value {
    match line {
        Line::Order(row) => json!({
            "kind": "order",
            "at": row.operation.at.to_string(),
            "by": clean(&row.by),
            "ssh_client": row.from.as_deref().map(clean),
            "operation": row.operation.id.to_string(),
            "verb": row.operation.verb.as_str(),
            "label": clean(&row.label),
            "cloud": clean(&row.operation.scope.cloud_name),
            "note": row.operation.note.as_deref().map(clean),
            "command": clean(&row.operation.command_line),
            "calls": { "accepted": row.accepted, "failed": row.failed, "total": row.items },
            "invalidation": row.invalidation.map(|id| id.to_string()),
            "outcome": outcome(row),
            "ended_at": row.ended.as_ref().map(|ending| ending.at.to_string()),
        }),
        Line::Act(act) => json!({
            "kind": act.kind.as_str(),
            "at": act.at.to_string(),
            "by": clean(&act.by),
            "ssh_client": act.from.as_deref().map(clean),
            "operation": act.operation.map(|id| id.to_string()),
            "label": act.label.as_deref().map(clean),
            "note": act.note.as_deref().map(clean),
        }),
    }
}
