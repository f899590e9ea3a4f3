//! The log: a file in the state folder, never the screen.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// A log that has grown over this is set aside once, so that two of them are the most there is.
const MAX_BYTES: u64 = 10 * 1024 * 1024;

/// Keeps the writer alive; dropping it writes the rest.
pub struct Log {
    _guard: tracing_appender::non_blocking::WorkerGuard,
}

/// Begins to log into `folder`; `verbose` is how often `-v` was given.
///
/// Only our own words below warnings: libraries say too much, and could say a header.
///
/// # Errors
/// The folder or the file cannot be written; the command goes on without a log.
pub fn start(folder: &Path, verbose: u8) -> io::Result<Log> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let path = folder.join("allclear.log");
    if std::fs::metadata(&path).is_ok_and(|meta| meta.len() > MAX_BYTES) {
        std::fs::rename(&path, folder.join("allclear.log.1"))?;
    }
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
    let (writer, guard) = tracing_appender::non_blocking(file);
    let ours = match verbose {
        0 => LevelFilter::INFO,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let filter = tracing_subscriber::filter::Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("allclear", ours);
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer);
    tracing_subscriber::registry().with(filter).with(lines).try_init().map_err(io::Error::other)?;
    Ok(Log { _guard: guard })
}
