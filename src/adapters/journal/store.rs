//! The journal as a store of rows: checked, thinned out, copied.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Row as _};

use super::faults;
use super::schema::known_schema;
use super::sql::{Value, Writing};
use super::sql_journal::SqlJournal;
use crate::domain::time::Timestamp;
use crate::ports::journal::JournalError;
use crate::ports::journal_store::Kind::{Int, Text};
use crate::ports::journal_store::{Cell, Checked, JournalStore, Kind, Pruned, Row, Table};

/// Every table of the schema, those that others refer to first; keys are the first columns.
#[rustfmt::skip]
pub(super) static TABLES: &[Table] = &[
    Table { name: "member", key: 1, columns: &[
        ("id", Text), ("user_name", Text), ("host", Text), ("pid", Int), ("realm", Text), ("started_at", Int),
        ("seen_at", Int), ("ssh_client", Text),
    ] },
    Table { name: "cloud", key: 1, columns: &[
        ("id", Text), ("cloud_name", Text), ("api", Text), ("instance", Text), ("wait_until", Int), ("wait_because", Text),
    ] },
    Table { name: "operation", key: 1, columns: &[
        ("id", Text), ("cloud", Text), ("member", Text), ("verb", Text), ("ordered_at", Int), ("command_line", Text),
        ("note", Text), ("invalidate", Int), ("label", Text), ("items", Int),
    ] },
    Table { name: "item", key: 1, columns: &[
        ("id", Text), ("operation", Text), ("seq", Int), ("resource_type", Text), ("delivery_type", Text),
        ("public_id", Text), ("to_resource_type", Text), ("to_delivery_type", Text), ("to_public_id", Text),
        ("state", Text), ("sent_at", Int), ("message", Text), ("stored_before", Text), ("sent_by", Int),
    ] },
    Table { name: "invalidation", key: 1, columns: &[
        ("id", Text), ("operation", Text), ("terms", Text), ("not_covered", Text), ("holder", Text),
        ("lease_until", Int), ("fencing", Int), ("outcome", Text), ("ended_at", Int), ("sentence", Text),
    ] },
    Table { name: "snapshot", key: 1, columns: &[("invalidation", Text), ("taken_at", Int), ("picture", Text)] },
    Table { name: "watched_name", key: 4, columns: &[
        ("invalidation", Text), ("public_id", Text), ("resource_type", Text), ("delivery_type", Text), ("seq", Int),
        ("item", Text), ("must_live", Int), ("stored_before", Text), ("stored_after", Text), ("changed_at", Int),
        ("superseded", Int), ("gone", Int),
    ] },
    Table { name: "watched_url", key: 2, columns: &[
        ("invalidation", Text), ("url", Text), ("seq", Int), ("item", Text), ("resource_type", Text),
        ("delivery_type", Text), ("public_id", Text), ("coverage", Text), ("derived", Int), ("served_before", Text),
    ] },
    Table { name: "sighting", key: 5, columns: &[
        ("invalidation", Text), ("place", Text), ("url", Text), ("variant", Text), ("slot", Int), ("run", Int),
        ("verdict", Text), ("sightings", Int), ("first_at", Int), ("last_at", Int), ("first_evidence", Text),
        ("last_evidence", Text),
    ] },
    Table { name: "clearance", key: 2, columns: &[("invalidation", Text), ("place", Text), ("took", Int)] },
    Table { name: "earlier_content", key: 5, columns: &[
        ("cloud", Text), ("public_id", Text), ("resource_type", Text), ("delivery_type", Text), ("content", Text),
        ("known_at", Int),
    ] },
    Table { name: "job", key: 1, columns: &[
        ("operation", Text), ("terms", Text), ("not_before", Int), ("wish", Text), ("wished_by", Text),
        ("wished_at", Int), ("runner", Text), ("lease_until", Int), ("fencing", Int), ("run_since", Int),
        ("settled_before", Int), ("wait_until", Int), ("wait_because", Text), ("started_at", Int), ("ended_at", Int),
        ("by_url", Text), ("by_url_answer", Text), ("stopped_because", Text), ("hands", Int),
    ] },
    Table { name: "hand", key: 2, columns: &[
        ("operation", Text), ("number", Int), ("member", Text), ("lease_until", Int),
    ] },
    Table { name: "place", key: 2, columns: &[
        ("cloud", Text), ("name", Text), ("member", Text), ("announced_at", Int),
    ] },
    Table { name: "errand", key: 1, columns: &[
        ("id", Text), ("cloud", Text), ("place", Text), ("ask", Text), ("asked_at", Int), ("taken_by", Text),
        ("reply", Text),
    ] },
    Table { name: "refused", key: 2, columns: &[
        ("operation", Text), ("seq", Int), ("typed", Text), ("state", Text), ("reason", Text), ("readings", Text),
    ] },
    Table { name: "act", key: 1, columns: &[
        ("id", Text), ("cloud", Text), ("operation", Text), ("kind", Text), ("member", Text), ("at", Int),
        ("note", Text),
    ] },
];

/// Columns of a table, as in a statement.
fn names(columns: &[(&'static str, Kind)]) -> String {
    columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(",")
}

/// `INSERT … ON CONFLICT` writes over everything but the key.
fn overwriting(table: &Table) -> String {
    let set =
        table.columns[table.key..].iter().map(|(name, _)| format!("{name} = excluded.{name}"));
    let set = set.collect::<Vec<_>>().join(", ");
    format!("ON CONFLICT ({}) DO UPDATE SET {set}", names(&table.columns[..table.key]))
}

/// A cell as a value of its column: a server knows no NULL without a kind.
fn value(cell: Cell, kind: Kind) -> Value {
    match (cell, kind) {
        (Cell::Null, Int) => Value::Int(None),
        (Cell::Null, Text) => Value::Text(None),
        (Cell::Int(number), _) => Value::Int(Some(number)),
        (Cell::Text(text), _) => Value::Text(Some(text)),
    }
}

/// Which rows name another one that must be there: table, column, the other table. Keys of others are its first column.
const REFERENCES: [(&str, &str, &str); 17] = [
    ("operation", "cloud", "cloud"),
    ("item", "operation", "operation"),
    ("invalidation", "operation", "operation"),
    ("snapshot", "invalidation", "invalidation"),
    ("watched_name", "invalidation", "invalidation"),
    ("watched_url", "invalidation", "invalidation"),
    ("sighting", "invalidation", "invalidation"),
    ("clearance", "invalidation", "invalidation"),
    ("earlier_content", "cloud", "cloud"),
    ("job", "operation", "operation"),
    ("hand", "operation", "operation"),
    ("refused", "operation", "operation"),
    ("act", "cloud", "cloud"),
    ("place", "cloud", "cloud"),
    ("errand", "cloud", "cloud"),
    ("watched_name", "item", "item"),
    ("watched_url", "item", "item"),
];

impl SqlJournal {
    async fn number(&self, sql: String) -> Result<u64, JournalError> {
        let number: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&self.link.pool())
            .await
            .map_err(|error| faults::reading(&self.location, &error))?;
        Ok(u64::try_from(number).unwrap_or_default())
    }
}

impl SqlJournal {
    /// Reads every row; one line for each table with rows that name others which are not there.
    pub(super) async fn orphans(&self) -> Result<Vec<String>, JournalError> {
        const PAGE: usize = 1000;
        let mut found = Vec::new();
        for table in TABLES {
            let mut after: Option<Vec<Cell>> = None;
            loop {
                let rows = self.page(table, after.as_deref(), PAGE).await;
                let rows = match rows {
                    Ok(rows) => rows,
                    Err(JournalError::Damaged { detail }) => {
                        found.push(format!("{}: {detail}", table.name));
                        break;
                    }
                    Err(other) => return Err(other),
                };
                let Some(last) = rows.last().filter(|_| rows.len() == PAGE) else { break };
                after = Some(last[..table.key].to_vec());
            }
        }
        for (table, column, other) in REFERENCES {
            let sql = format!(
                "SELECT COUNT(*) FROM {table} t WHERE NOT EXISTS (SELECT 1 FROM {other} o WHERE o.id = t.{column})"
            );
            let lost = self.number(sql).await?;
            if lost > 0 {
                found.push(format!("{lost} rows of {table} name a {other} that is not there"));
            }
        }
        Ok(found)
    }
}

#[async_trait]
impl JournalStore for SqlJournal {
    fn location(&self) -> String {
        self.location.clone()
    }

    fn tables(&self) -> &'static [Table] {
        TABLES
    }

    async fn count(&self, table: &Table) -> Result<u64, JournalError> {
        self.number(format!("SELECT COUNT(*) FROM {}", table.name)).await
    }

    async fn page(
        &self,
        table: &Table,
        after: Option<&[Cell]>,
        limit: usize,
    ) -> Result<Vec<Row>, JournalError> {
        let keys = names(&table.columns[..table.key]);
        let (name, columns) = (table.name, names(table.columns));
        let later = after.map_or_else(String::new, |after| {
            let numbers = (1..=after.len()).map(|n| format!("${n}")).collect::<Vec<_>>();
            format!("WHERE ({keys}) > ({})", numbers.join(","))
        });
        let sql = format!("SELECT {columns} FROM {name} {later} ORDER BY {keys} LIMIT {limit}");
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for cell in after.unwrap_or_default() {
            query = match cell.clone() {
                Cell::Null => query.bind(None::<String>),
                Cell::Int(number) => query.bind(number),
                Cell::Text(text) => query.bind(text),
            };
        }
        let reading = |error: sqlx::Error| faults::reading(&self.location, &error);
        let rows = query.fetch_all(&self.link.pool()).await.map_err(reading)?;
        let cell = |row: &sqlx::any::AnyRow, (name, kind): &(&'static str, Kind)| {
            let cell = match kind {
                Int => row.try_get::<Option<i64>, _>(*name)?.map(Cell::Int),
                Text => row.try_get::<Option<String>, _>(*name)?.map(Cell::Text),
            };
            Ok(cell.unwrap_or(Cell::Null))
        };
        let read = rows.iter().map(|row| table.columns.iter().map(|it| cell(row, it)).collect());
        read.collect::<Result<Vec<Row>, sqlx::Error>>().map_err(reading)
    }

    async fn put(&self, table: &Table, rows: &[Row]) -> Result<(), JournalError> {
        let mut writing = self.begin().await?;
        let into = format!("{} ({})", table.name, names(table.columns));
        writing.rows(&into, &overwriting(table), table, rows).await?;
        writing.commit().await
    }

    async fn check(&self) -> Result<Checked, JournalError> {
        let mut rows = Vec::with_capacity(TABLES.len());
        for table in TABLES {
            rows.push((table.name, self.count(table).await?));
        }
        Ok(Checked {
            location: self.location.clone(),
            schema: known_schema(), // opening brought it there
            rows,
            damage: self.integrity().await?,
        })
    }

    async fn prune(&self, before: Timestamp, dry: bool) -> Result<Pruned, JournalError> {
        // a number, so that it can stand in the text
        let before = before.as_millisecond();
        let ended = format!(
            "SELECT id FROM invalidation WHERE outcome IS NOT NULL AND ended_at < {before}"
        );
        let of = |table: &str| format!("FROM {table} WHERE invalidation IN ({ended})");
        if dry {
            let count = |table: &str| self.number(format!("SELECT COUNT(*) {}", of(table)));
            let told = ["sighting", "snapshot", "watched_url"].map(|table| {
                format!("SELECT invalidation FROM {table} WHERE invalidation IN ({ended})")
            });
            let told = format!("SELECT COUNT(*) FROM ({}) AS told", told.join(" UNION "));
            return Ok(Pruned {
                invalidations: self.number(told).await?,
                sightings: count("sighting").await?,
                snapshots: count("snapshot").await?,
                urls: count("watched_url").await?,
            });
        }
        let counted =
            self.prune(Timestamp::from_millisecond(before).unwrap_or_default(), true).await?;
        let mut writing = self.begin().await?;
        let mut removed = [0; 3];
        for (at, table) in ["sighting", "snapshot", "watched_url"].into_iter().enumerate() {
            let sql = format!("DELETE {}", of(table));
            removed[at] = writing.run(sqlx::query(AssertSqlSafe(sql))).await?;
        }
        writing.commit().await?;
        self.shrink().await;
        let [sightings, snapshots, urls] = removed;
        Ok(Pruned { invalidations: counted.invalidations, sightings, snapshots, urls })
    }
}

impl Writing {
    /// Inserts rows of any width; returns the number of rows changed.
    async fn rows(
        &mut self,
        into: &str,
        then: &str,
        table: &Table,
        rows: &[Row],
    ) -> Result<u64, JournalError> {
        let cells = |row: &Row| {
            let kinds = table.columns.iter().map(|(_, kind)| *kind);
            row.iter().cloned().zip(kinds).map(|(cell, kind)| value(cell, kind)).collect()
        };
        let Some(width) = rows.first().map(Vec::len) else { return Ok(0) };
        self.wide(&format!("INSERT INTO {into} "), then, width, Box::new(rows.iter().map(cells)))
            .await
    }
}
