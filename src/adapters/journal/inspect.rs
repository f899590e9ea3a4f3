//! Looks at a journal without making, changing or migrating it.

use std::time::Duration;

use sqlx::{ConnectOptions, Connection, Row};

use super::faults;
use super::open::{APPLICATION_ID, is_remote, options, path_of, percent_encoded};
use super::schema::{found_schema, known_schema};
use crate::domain::text::clean;
use crate::ports::journal::JournalError;

/// What a journal is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Cleaned, to be shown.
    pub path: String,
    pub exists: bool,
    /// The file, or where there is none the nearest folder that exists.
    pub writable: bool,
    /// On a file system whose memory maps are not shared between hosts.
    pub network: bool,
    /// Bits that let others than its owner read or write it; 0 is right.
    pub open_to_others: u32,
    /// Of another program.
    pub foreign: bool,
    /// Version of its schema; `None`: not yet made.
    pub schema: Option<i64>,
    /// Version that this program knows.
    pub known_schema: i64,
    /// `wal`, `delete`, …; `None`: not yet made.
    pub mode: Option<String>,
    /// Where it is no file.
    pub server: Option<ServerSeen>,
}

/// What a server is like that holds a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSeen {
    /// As it tells itself.
    pub version: String,
    /// Whether nobody on the way can read what is said.
    pub encrypted: bool,
    /// From a question to its answer.
    pub delay: Duration,
}

/// Looks at the journal at a path, a `sqlite:` or a `postgres:` URL.
///
/// # Errors
/// A location that is none, or a file that cannot be read as a journal.
pub async fn inspect(location: &str) -> Result<Inspection, JournalError> {
    use rustix::fs::{Access, access};
    use std::os::unix::fs::PermissionsExt as _;

    #[cfg(feature = "postgres")]
    if super::postgres::is_url(location) {
        return super::postgres::inspect(location).await;
    }
    let path = path_of(location)?;
    let shown = clean(&path.to_string_lossy()).into_owned();
    let found = std::fs::metadata(&path).ok();
    let near = path.ancestors().find(|near| near.exists()).unwrap_or(&path);
    let mut seen = Inspection {
        path: shown.clone(),
        exists: found.is_some(),
        writable: access(near, Access::WRITE_OK).is_ok(),
        network: is_remote(near),
        open_to_others: found.as_ref().map_or(0, |it| it.permissions().mode() & 0o077),
        foreign: false,
        schema: None,
        known_schema: known_schema(),
        mode: None,
        server: None,
    };
    if found.is_none_or(|file| file.len() == 0) {
        return Ok(seen);
    }
    let reading = |error: &sqlx::Error| faults::reading(&shown, error);
    let url = format!("sqlite://{}?mode=ro", percent_encoded(&path));
    let mut connection = options(&url, &shown)?.connect().await.map_err(|why| reading(&why))?;
    let asked = async {
        let text = sqlx::query("PRAGMA journal_mode").fetch_one(&mut connection).await?;
        seen.mode = text.try_get::<String, _>(0).ok();
        let mark: i64 =
            sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut connection).await?;
        seen.foreign = mark != APPLICATION_ID;
        seen.schema = found_schema(&mut connection).await?;
        Ok::<_, sqlx::Error>(())
    };
    let asked = asked.await;
    connection.close().await.ok(); // it has written nothing
    asked.map_err(|why| reading(&why))?;
    Ok(seen)
}
