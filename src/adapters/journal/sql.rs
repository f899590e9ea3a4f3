//! Small tools around hand-written SQL: transactions that begin with the write lock, and inserts of many rows.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Transaction};
use tokio::sync::OwnedMutexGuard;

use super::faults;
use super::sql_journal::SqlJournal;
use crate::domain::invalidation::Member;
use crate::domain::text::clean;
use crate::ports::journal::JournalError;

/// Attempts to get the write lock, each as long as the busy time-out.
const ATTEMPTS: u32 = 3;

/// One write: holds what its database needs of locks until it is committed or dropped. Dropped without a commit,
/// nothing of it remains.
pub(super) struct Writing {
    transaction: Transaction<'static, Any>,
    location: String,
    values_at_once: usize,
    /// Said to the other members as it is committed; heartbeats and progress are nothing to tell.
    tell: Option<String>,
    /// Released after the transaction, so that writers of one process queue here instead of polling the file.
    _turn: Option<OwnedMutexGuard<()>>,
}

impl SqlJournal {
    /// Begins a write.
    ///
    /// # Errors
    /// [`JournalError::Busy`] when another process kept the lock through all attempts.
    pub(super) async fn begin(&self) -> Result<Writing, JournalError> {
        let ways = &self.link.ways;
        let turn = match &ways.turn {
            Some(turn) => Some(std::sync::Arc::clone(turn).lock_owned().await),
            None => None,
        };
        let mut attempt = 1;
        let transaction = loop {
            match self.link.pool().begin_with(ways.begin).await {
                Ok(transaction) => break transaction,
                Err(error) => match faults::writing(&self.location, &error) {
                    JournalError::Busy { .. } if attempt < ATTEMPTS => attempt += 1,
                    fault => return Err(fault),
                },
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        Ok(Writing {
            transaction,
            location: self.location.clone(),
            values_at_once: ways.values_at_once,
            tell: ways.tell.clone(),
            _turn: turn,
        })
    }
}

impl Writing {
    /// Tells nobody of it: that somebody still is there, and how far it is, is looked at now and then.
    pub(super) fn quietly(mut self) -> Self {
        self.tell = None;
        self
    }

    pub(super) fn connection(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }

    pub(super) fn fault(&self, error: &sqlx::Error) -> JournalError {
        faults::writing(&self.location, error)
    }

    /// Runs one statement; returns the number of rows that it changed.
    pub(super) async fn run(
        &mut self,
        query: Query<'_, Any, AnyArguments>,
    ) -> Result<u64, JournalError> {
        match query.execute(self.connection()).await {
            Ok(done) => Ok(done.rows_affected()),
            Err(error) => Err(faults::writing(&self.location, &error)),
        }
    }

    /// Inserts rows of `N` values: `INSERT INTO <into> VALUES (…), (…) <then>`; returns the number of rows changed.
    pub(super) async fn insert<const N: usize>(
        &mut self,
        into: &str,
        then: &str,
        rows: Rows<'_, N>,
    ) -> Result<u64, JournalError> {
        self.many(&format!("INSERT INTO {into} "), then, rows).await
    }

    /// Runs `<before> VALUES (…), (…) <after>` for as many rows at a time as fit.
    pub(super) async fn many<const N: usize>(
        &mut self,
        before: &str,
        after: &str,
        rows: Rows<'_, N>,
    ) -> Result<u64, JournalError> {
        self.wide(before, after, N, Box::new(rows.map(Vec::from))).await
    }

    /// [`Self::many`] for rows of `width` values.
    pub(super) async fn wide(
        &mut self,
        before: &str,
        after: &str,
        width: usize,
        mut rows: Box<dyn Iterator<Item = Vec<Value>> + Send + '_>,
    ) -> Result<u64, JournalError> {
        let at_once = (self.values_at_once / width).max(1);
        let mut changed = 0;
        loop {
            let batch: Vec<Vec<Value>> = rows.by_ref().take(at_once).collect();
            let full = batch.len() == at_once;
            if !batch.is_empty() {
                let sql = format!("{before}VALUES {} {after}", tuples_from(1, width, batch.len()));
                // Only the text of full batches is worth keeping prepared.
                let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(full);
                for value in batch.into_iter().flatten() {
                    query = match value {
                        Value::Text(text) => query.bind(text.map(storable)),
                        Value::Int(number) => query.bind(number),
                    };
                }
                changed += self.run(query).await?;
            }
            if !full {
                return Ok(changed);
            }
        }
    }

    /// # Errors
    /// When this fails nothing was written.
    pub(super) async fn commit(mut self) -> Result<(), JournalError> {
        if let Some(tell) = self.tell.take() {
            self.run(sqlx::query(AssertSqlSafe(tell))).await?;
        }
        let Self { transaction, location, _turn, .. } = self;
        transaction.commit().await.map_err(|error| faults::writing(&location, &error))
    }
}

impl SqlJournal {
    /// Reads every row of a query as it comes: rows of many columns take several times what is read from them.
    pub(super) async fn each<T>(
        &self,
        query: Query<'_, Any, AnyArguments>,
        connection: &mut AnyConnection,
        read: impl Fn(&AnyRow) -> Result<T, JournalError>,
    ) -> Result<Vec<T>, JournalError> {
        let mut rows = query.fetch(connection);
        let mut all = Vec::new();
        let reading = |error: sqlx::Error| faults::reading(&self.location, &error);
        while let Some(row) = rows.try_next().await.map_err(reading)? {
            all.push(read(&row)?);
        }
        Ok(all)
    }
}

/// Rows of `N` values, made one by one.
pub(super) type Rows<'a, const N: usize> = Box<dyn Iterator<Item = [Value; N]> + Send + 'a>;

/// One row.
pub(super) fn row<const N: usize>(values: [Value; N]) -> Rows<'static, N> {
    Box::new(std::iter::once(values))
}

/// A value of a row to insert; NULL where there is none.
pub(super) enum Value {
    Text(Option<String>),
    Int(Option<i64>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Self::Int(Some(i64::from(yes)))
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Int(Some(i64::try_from(number).unwrap_or(i64::MAX)))
    }
}

/// `($1,$2),($3,$4)` for a width of 2 and 2 rows, where 1 is the first.
pub(super) fn tuples_from(first: usize, width: usize, rows: usize) -> String {
    let tuple = |row: usize| {
        let numbers = (0..width).map(|n| format!("${}", first + row * width + n));
        format!("({})", numbers.collect::<Vec<_>>().join(","))
    };
    (0..rows).map(tuple).collect::<Vec<_>>().join(",")
}

/// A text as every database can hold it: PostgreSQL has no room for the character 0.
pub(super) fn storable(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

/// `user@host` as it may be shown.
pub(super) fn who(user: &str, host: &str) -> String {
    clean(&format!("{user}@{host}")).into_owned()
}

/// The JSON text of a structure of ours.
pub(super) fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("structures of the journal have string keys only")
}

/// Columns of a member, in the order of the table, as of `now`.
pub(super) fn member_values(member: &Member, realm: &str, now: i64) -> [Value; 8] {
    [
        member.id.to_string().into(),
        member.user.as_str().into(),
        member.host.as_str().into(),
        i64::from(member.pid).into(),
        realm.into(),
        member.started_at.as_millisecond().into(),
        now.into(),
        member.ssh_client.clone().into(),
    ]
}

#[cfg(test)]
mod tests {
    #[test]
    fn placeholders_are_numbered_through_the_rows() {
        assert_eq!(super::tuples_from(1, 2, 3), "($1,$2),($3,$4),($5,$6)");
    }
}
