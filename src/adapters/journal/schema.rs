//! The schema: one text of migrations for both databases.

use sqlx::AnyConnection;
use sqlx::migrate::{MigrateError, Migrator};

use super::faults;
use crate::ports::journal::JournalError;

static MIGRATIONS: Migrator = sqlx::migrate!("src/adapters/journal/migrations");

/// The newest schema that this program knows.
#[must_use]
pub fn known_schema() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// The schema that a database has; `None`: not yet made.
///
/// # Errors
/// It cannot be asked.
pub(super) async fn found_schema(
    connection: &mut AnyConnection,
) -> Result<Option<i64>, sqlx::Error> {
    // A table that is not there yet is a schema of its own: none.
    sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations")
        .fetch_one(connection)
        .await
        .or_else(|error| if is_no_table(&error) { Ok(None) } else { Err(error) })
}

/// Whether the schema is to be brought up to date.
///
/// # Errors
/// [`JournalError::Newer`].
pub(super) async fn is_behind(
    connection: &mut AnyConnection,
    shown: &str,
) -> Result<bool, JournalError> {
    let known = known_schema();
    let found = found_schema(connection).await.map_err(|error| faults::reading(shown, &error))?;
    match found {
        Some(found) if found > known => {
            Err(JournalError::Newer { path: shown.to_owned(), found, known })
        }
        found => Ok(found != Some(known)),
    }
}

/// Applies what is missing, inside of the transaction that was begun on `connection`.
///
/// # Errors
/// [`JournalError::Newer`]; the database's.
pub(super) async fn bring_up(
    connection: &mut AnyConnection,
    migrations: &Migrator,
    shown: &str,
) -> Result<(), JournalError> {
    // Not `run`: its future is not `Send` for every lifetime.
    match migrations.run_direct(None, connection, false).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(found)) => {
            Err(JournalError::Newer { path: shown.to_owned(), found, known: known_schema() })
        }
        Err(error) => Err(faults::migrating(shown, &error)),
    }
}

/// The migrations as they are written.
pub(super) fn plain() -> &'static Migrator {
    &MIGRATIONS
}

/// The migrations for a database whose texts else sort by the rules of a language: here they sort by their bytes, as
/// in a file, so that a copy can be compared row by row and an index serves the beginning of an ID.
#[cfg(feature = "postgres")]
pub(super) fn by_bytes() -> Migrator {
    use sqlx::{AssertSqlSafe, SqlSafeStr as _};
    let by_bytes = |migration: &sqlx::migrate::Migration| {
        let sql = migration.sql.as_str().lines().map(|line| {
            let (code, comment) = line.split_at(line.find("--").unwrap_or(line.len()));
            format!("{}{comment}\n", code.replace(" TEXT", " TEXT COLLATE \"C\""))
        });
        let sql = AssertSqlSafe(sql.collect::<String>()).into_sql_str();
        sqlx::migrate::Migration { sql, ..migration.clone() }
    };
    Migrator {
        migrations: MIGRATIONS.iter().map(by_bytes).collect::<Vec<_>>().into(),
        ..Migrator::DEFAULT
    }
}

/// SQLite in words, PostgreSQL by its code (undefined_table).
fn is_no_table(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error)
        if error.message().starts_with("no such table") || error.code().as_deref() == Some("42P01"))
}
