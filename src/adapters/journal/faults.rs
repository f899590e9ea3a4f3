//! What the database says went wrong, in the words of the port.

use sqlx::migrate::MigrateError;

use crate::domain::text::clean;
use crate::ports::journal::JournalError;

/// Translates an error met while writing.
pub(super) fn writing(location: &str, error: &sqlx::Error) -> JournalError {
    known(location, error).unwrap_or_else(|| JournalError::Write { detail: words(error) })
}

/// Translates an error met while reading.
pub(super) fn reading(location: &str, error: &sqlx::Error) -> JournalError {
    known(location, error)
        .unwrap_or_else(|| JournalError::Open { path: location.to_owned(), detail: words(error) })
}

/// Translates an error of the migrations, other than a newer schema.
pub(super) fn migrating(location: &str, error: &MigrateError) -> JournalError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            reading(location, error)
        }
        MigrateError::VersionMismatch(version) => JournalError::Open {
            path: location.to_owned(),
            detail: format!("its schema {version} was made by a different build of allclear"),
        },
        other => JournalError::Open {
            path: location.to_owned(),
            detail: clean(&other.to_string()).into_owned(),
        },
    }
}

/// Something in the journal that this program could not have written.
pub(super) fn odd(what: &str, detail: impl std::fmt::Display) -> JournalError {
    JournalError::Damaged { detail: format!("{what}: {}", clean(&detail.to_string())) }
}

/// Errors that have a cause of their own (source: SQLite "Result and Error Codes", primary codes).
fn known(location: &str, error: &sqlx::Error) -> Option<JournalError> {
    let database = match error {
        sqlx::Error::Database(database) => database,
        sqlx::Error::PoolTimedOut => {
            return Some(JournalError::Busy { detail: "every connection is in use".to_owned() });
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            return Some(odd(location, error));
        }
        _ => return None,
    };
    let code: i64 = database.code()?.parse().ok()?;
    let words = words(error);
    let path = location.to_owned();
    Some(match code & 0xff {
        5 | 6 => JournalError::Busy { detail: words },
        8 => JournalError::Write { detail: format!("{path} is read-only") },
        10 => JournalError::Write { detail: format!("{path}: {words} ({code})") },
        11 | 26 => JournalError::Damaged { detail: format!("{path}: {words}") },
        13 => JournalError::Write { detail: format!("the disk that holds {path} is full") },
        14 => JournalError::Open { path, detail: words },
        _ => return None,
    })
}

/// The database's own words, cleaned and without the library's.
fn words(error: &sqlx::Error) -> String {
    let raw = match error {
        sqlx::Error::Database(database) => database.message().to_owned(),
        other => other.to_string(),
    };
    clean(&raw).into_owned()
}
