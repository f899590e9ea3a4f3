//! Opening a journal in a file: its folder, its mode, the log, the schema. All that is particular to SQLite.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, ConnectOptions, Connection, Executor, Row};
use tokio::sync::Mutex;

use super::changes::Files;
use super::faults;
use super::link::Link;
use super::processes::Processes;
use super::schema;
use super::sql_journal::SqlJournal;
use crate::domain::text::clean;
use crate::ports::journal::JournalError;

/// `ACLR`: marks a SQLite file as ours (source: SQLite "PRAGMA application_id").
pub(super) const APPLICATION_ID: i64 = 0x4143_4c52;

/// How long one attempt waits for another process's write.
const BUSY: Duration = Duration::from_secs(5);

/// Connections of one process; writes go one at a time whatever their number.
const CONNECTIONS: u32 = 4;

/// Pages that a connection may keep in memory: large operations are not spilled in the middle.
const CACHE_KIB: u32 = 8 * 1024;

impl SqlJournal {
    /// Opens the journal at a path, a `sqlite:` or a `postgres:` URL, making folder, file and schema where they are
    /// missing.
    ///
    /// # Errors
    /// What keeps it from being used: folder or file not writable, another program's file, a newer schema, damage,
    /// a lock that is not given up.
    pub async fn open(location: &str, processes: Processes) -> Result<Self, JournalError> {
        #[cfg(feature = "postgres")]
        if super::postgres::is_url(location) {
            return super::postgres::open(location, processes, true).await;
        }
        Self::open_within(location, processes, BUSY).await
    }

    /// [`SqlJournal::open`] with its own patience for other processes' writes.
    pub(super) async fn open_within(
        location: &str,
        processes: Processes,
        busy: Duration,
    ) -> Result<Self, JournalError> {
        let path = path_of(location)?;
        let mut warnings = Vec::new();
        let path = create(&path, &mut warnings)?;
        let shown = clean(&path.to_string_lossy()).into_owned();
        let options = options(&format!("sqlite://{}", percent_encoded(&path)), &shown)?;

        let mut first = options.connect().await.map_err(|e| faults::reading(&shown, &e))?;
        let set_up = set_up(&mut first, &path, &shown, busy, &mut warnings).await;
        let closed = first.close().await.map_err(|e| faults::reading(&shown, &e));
        set_up.and(closed)?;
        let pool = pool(options, CONNECTIONS, busy, &shown).await?;
        let files = Files::of(&path);
        Ok(Self { files, ..Self::over(Link::to_file(pool), shown, warnings, processes) })
    }

    /// A journal that lives as long as this object, for tests and drills.
    ///
    /// # Errors
    /// None is known.
    pub async fn in_memory(processes: Processes) -> Result<Self, JournalError> {
        let shown = "in memory".to_owned();
        let options = options("sqlite::memory:", &shown)?;
        // One connection, for each would have a database of its own.
        let pool = pool(options, 1, BUSY, &shown).await?;
        let mut connection = pool.acquire().await.map_err(|e| faults::reading(&shown, &e))?;
        migrate(&mut connection, &shown).await?;
        drop(connection);
        Ok(Self::over(Link::to_file(pool), shown, Vec::new(), processes))
    }

    pub(super) fn over(
        link: Link,
        location: String,
        warnings: Vec<String>,
        processes: Processes,
    ) -> Self {
        Self {
            link,
            location,
            warnings,
            processes,
            realm: OnceLock::new(),
            latest: AtomicI64::new(0),
            runs: Mutex::default(),
            pictures: Mutex::default(),
            vault: super::vault::Vault::default(),
            files: None,
        }
    }

    /// Reads the whole journal for damage; one line for each that was found.
    ///
    /// # Errors
    /// The journal cannot be read at all.
    pub async fn integrity(&self) -> Result<Vec<String>, JournalError> {
        if self.link.is_server() {
            return self.orphans().await; // a server looks after its own pages, and says so when they are read
        }
        let mut found = Vec::new();
        for check in ["PRAGMA integrity_check(20)", "PRAGMA foreign_key_check"] {
            let rows = sqlx::query(check)
                .fetch_all(&self.link.pool())
                .await
                .map_err(|error| faults::reading(&self.location, &error))?;
            for row in rows {
                let line: String = row.try_get(0).unwrap_or_else(|_| "unreadable row".to_owned());
                found.push(clean(&line).into_owned());
            }
        }
        found.retain(|line| line != "ok");
        Ok(found)
    }

    /// Gives room that is not needed any more back to the disk. A journal that others use is left as it is.
    pub(super) async fn shrink(&self) {
        if self.link.is_server() {
            return; // it does so by itself
        }
        for statement in ["VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"] {
            if let Err(why) = sqlx::query(statement).execute(&self.link.pool()).await {
                tracing::info!(%why, "the journal's file was not made smaller");
                return;
            }
        }
    }

    /// Writes everything out and closes every connection; later calls fail.
    pub async fn close(&self) {
        self.link.pool().close().await;
    }
}

/// The file that `location` means.
pub(super) fn path_of(location: &str) -> Result<PathBuf, JournalError> {
    let refused = |detail: &str| JournalError::Open {
        path: clean(without_secrets(location)).into_owned(),
        detail: detail.to_owned(),
    };
    if ["postgres:", "postgresql:"].iter().any(|scheme| location.starts_with(scheme)) {
        return Err(refused(
            "PostgreSQL is not built into this program (feature `postgres`); give a path or a sqlite: URL",
        ));
    }
    let path = match location.strip_prefix("sqlite:") {
        None if location.contains("://") => {
            return Err(refused("give a path or a sqlite: URL"));
        }
        None => location.to_owned(),
        Some(url) if url.contains('?') => {
            return Err(refused("a sqlite: URL takes no parameters here"));
        }
        Some(url) => percent_decoded(url.strip_prefix("//").unwrap_or(url))
            .ok_or_else(|| refused("the URL is not valid UTF-8"))?,
    };
    if path.is_empty() || path == ":memory:" {
        return Err(refused("a journal needs a file"));
    }
    std::path::absolute(&path).map_err(|error| refused(&error.to_string()))
}

/// What of a location may be shown: never user and password of a URL.
fn without_secrets(location: &str) -> &str {
    location.split_once("://").map_or(location, |(scheme, _)| scheme)
}

/// Makes folder and file where they are missing, for this user alone; returns the path with its links resolved.
fn create(path: &Path, warnings: &mut Vec<String>) -> Result<PathBuf, JournalError> {
    let shown = clean(&path.to_string_lossy()).into_owned();
    let refused = |what: &str, error: &std::io::Error| JournalError::Open {
        path: shown.clone(),
        detail: format!("{what}: {}", io_words(error)),
    };
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(JournalError::Open {
            path: shown,
            detail: "a journal needs a file".to_owned(),
        });
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| refused("its folder cannot be made", &error))?;
    let path = folder
        .canonicalize()
        .map_err(|error| refused("its folder cannot be read", &error))?
        .join(name);
    // The log files of SQLite take the mode of this file.
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|error| refused("the file cannot be opened for writing", &error))?;
    let mode =
        file.metadata().map_err(|error| refused("no metadata", &error))?.permissions().mode();
    if mode & 0o077 != 0 {
        warnings.push(format!(
            "the journal {shown} can be read by others (mode {:03o}); run: chmod 600 {shown}",
            mode & 0o777
        ));
    }
    Ok(path)
}

/// An error of the operating system without its number.
fn io_words(error: &std::io::Error) -> String {
    let words = error.to_string();
    words.split(" (os error").next().unwrap_or_default().to_lowercase()
}

pub(super) fn options(url: &str, shown: &str) -> Result<AnyConnectOptions, JournalError> {
    static DRIVERS: std::sync::Once = std::sync::Once::new();
    // Another part of the program may have installed them already, which is as good.
    DRIVERS.call_once(|| {
        std::panic::catch_unwind(sqlx::any::install_default_drivers).ok();
    });
    url.parse::<AnyConnectOptions>()
        .map(ConnectOptions::disable_statement_logging)
        .map_err(|error| faults::reading(shown, &error))
}

async fn pool(
    options: AnyConnectOptions,
    connections: u32,
    busy: Duration,
    shown: &str,
) -> Result<AnyPool, JournalError> {
    AnyPoolOptions::new()
        .max_connections(connections)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                let pragmas = format!(
                    "PRAGMA busy_timeout = {}; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                     PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{CACHE_KIB}",
                    busy.as_millis()
                );
                connection.execute(AssertSqlSafe(pragmas)).await.map(drop)
            })
        })
        .connect_with(options)
        .await
        .map_err(|error| faults::reading(shown, &error))
}

/// Readies a file for several processes and brings its schema up to date, unless it is not ours or newer.
async fn set_up(
    connection: &mut AnyConnection,
    path: &Path,
    shown: &str,
    busy: Duration,
    warnings: &mut Vec<String>,
) -> Result<(), JournalError> {
    let reading = |error: sqlx::Error| faults::reading(shown, &error);
    let patience = format!("PRAGMA busy_timeout = {}", busy.as_millis());
    connection.execute(AssertSqlSafe(patience)).await.map_err(reading)?;
    // Tables before the mark: both come in one transaction, perhaps another process's and just now.
    let tables: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master")
        .fetch_one(&mut *connection)
        .await
        .map_err(reading)?;
    let application: i64 = sqlx::query_scalar("PRAGMA application_id")
        .fetch_one(&mut *connection)
        .await
        .map_err(reading)?;
    if application != APPLICATION_ID && tables > 0 {
        return Err(JournalError::Open {
            path: shown.to_owned(),
            detail: "it is a database of another program".to_owned(),
        });
    }
    write_ahead(connection, path, shown, warnings).await?;
    migrate(connection, shown).await
}

/// Switches to a write-ahead log where the file system can keep one, so that readers and a writer do not meet.
async fn write_ahead(
    connection: &mut AnyConnection,
    path: &Path,
    shown: &str,
    warnings: &mut Vec<String>,
) -> Result<(), JournalError> {
    let remote = is_remote(path);
    let wanted = if remote { "PRAGMA journal_mode = DELETE" } else { "PRAGMA journal_mode = WAL" };
    let mut attempts = 0;
    let mode: String = loop {
        match sqlx::query_scalar(wanted).fetch_one(&mut *connection).await {
            Ok(mode) => break mode,
            // The switch does not wait for others by itself.
            Err(error) => match faults::reading(shown, &error) {
                JournalError::Busy { .. } if attempts < 40 => attempts += 1,
                fault => return Err(fault),
            },
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    if !mode.eq_ignore_ascii_case("wal") {
        let why = if remote {
            "lies on a network file system"
        } else {
            "lies where no shared memory is to be had"
        };
        warnings.push(format!(
            "the journal {shown} {why}: it works without a write-ahead log, so processes wait for each other"
        ));
    }
    Ok(())
}

/// Whether a file lies on a file system whose memory maps are not shared between hosts
/// (source: SQLite "Write-Ahead Logging"; magic numbers of statfs(2)).
#[cfg(target_os = "linux")]
pub(super) fn is_remote(path: &Path) -> bool {
    const REMOTE: [i64; 8] = [
        0x6969,      // nfs
        0x517b,      // smb
        0xff53_4d42, // cifs
        0xfe53_4d42, // smb2
        0x0102_1997, // 9p
        0x5346_414f, // afs
        0x00c3_6400, // ceph
        0x0bd0_0bd0, // lustre
    ];
    rustix::fs::statfs(path).is_ok_and(|fs| REMOTE.contains(&(fs.f_type & 0xffff_ffff)))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_remote(_: &Path) -> bool {
    false
}

/// Brings the schema up to date in one transaction: of two processes that start at once the second finds it done.
async fn migrate(connection: &mut AnyConnection, shown: &str) -> Result<(), JournalError> {
    if !schema::is_behind(connection, shown).await? {
        return Ok(());
    }
    let mut transaction = connection
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(|error| faults::writing(shown, &error))?;
    let mark = format!("PRAGMA application_id = {APPLICATION_ID}");
    transaction
        .execute(AssertSqlSafe(mark))
        .await
        .map_err(|error| faults::writing(shown, &error))?;
    schema::bring_up(&mut transaction, schema::plain(), shown).await?;
    transaction.commit().await.map_err(|error| faults::writing(shown, &error))
}

/// A path as part of a URL.
pub(super) fn percent_encoded(path: &Path) -> String {
    use std::fmt::Write;
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str().as_bytes().iter().fold(String::new(), |mut url, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                url.push(char::from(*byte));
            }
            byte => write!(url, "%{byte:02X}").expect("a string takes everything"),
        }
        url
    })
}

/// The text behind a percent-encoding; a `%` that begins none stands for itself. `None`: not UTF-8.
fn percent_decoded(text: &str) -> Option<String> {
    let mut rest = text.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len());
    while let [first, tail @ ..] = rest {
        let byte = tail
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8(decoded).ok()
}
