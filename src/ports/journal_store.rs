//! A journal as a store of rows: to be checked, thinned out and copied into another one, whatever database is behind
//! either.

use async_trait::async_trait;

use super::journal::JournalError;
use crate::domain::time::Timestamp;

/// One value of a row. Journals hold nothing else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    Null,
    Int(i64),
    Text(String),
}

/// One row: its values in the order of the table's columns.
pub type Row = Vec<Cell>;

/// A table, the same in every journal of one schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    pub name: &'static str,
    /// Names and kinds of all columns.
    pub columns: &'static [(&'static str, Kind)],
    /// How many of the columns, from the first on, tell its rows apart. Rows are read in their order.
    pub key: usize,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Int,
    Text,
}

/// What a check of a journal came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    pub location: String,
    pub schema: i64,
    /// Rows of each table.
    pub rows: Vec<(&'static str, u64)>,
    /// One line for each damage that was found.
    pub damage: Vec<String>,
}

/// What thinning out took away, or would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Ended invalidations whose evidence went.
    pub invalidations: u64,
    pub sightings: u64,
    pub snapshots: u64,
    pub urls: u64,
}

/// Rows in and out, table by table.
#[async_trait]
pub trait JournalStore: Send + Sync {
    /// Where it is, without secrets.
    fn location(&self) -> String;

    /// Every table, those that others refer to before those that refer.
    fn tables(&self) -> &'static [Table];

    /// Number of rows.
    async fn count(&self, table: &Table) -> Result<u64, JournalError>;

    /// At most `limit` rows after the one with the key `after`, in the order of their keys.
    async fn page(
        &self,
        table: &Table,
        after: Option<&[Cell]>,
        limit: usize,
    ) -> Result<Vec<Row>, JournalError>;

    /// Writes rows in one transaction; those with the same keys are written over.
    async fn put(&self, table: &Table, rows: &[Row]) -> Result<(), JournalError>;

    /// Looks through the whole journal for damage.
    async fn check(&self) -> Result<Checked, JournalError>;

    /// Takes away the evidence (sightings, pictures, URLs) of what ended before; orders, their outcomes and the audit
    /// trail stay. Counts only, where `dry`.
    async fn prune(&self, before: Timestamp, dry: bool) -> Result<Pruned, JournalError>;
}
