//! The log: a few files in the state folder, never the screen. One event is one line of JSON, cleaned and without
//! secrets: `timestamp`, `level`, `target`, `message` and the fields of the event.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tracing_appender::non_blocking::NonBlockingBuilder;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::domain::secrets::masked_words;
use crate::domain::text::clean;

/// A log that has grown over this is set aside.
const MAX_BYTES: u64 = 5 * 1024 * 1024;
/// Logs that were set aside and are kept: `allclear.log.1` is the newest.
const KEPT: usize = 3;
/// Lines that wait for the disk; more are lost. Their places are taken at the start, so few of them.
const LINES: usize = 4096;
/// Bytes of one line at most.
const MAX_LINE: usize = 16 * 1024;

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
    let file = Rotating::open(folder, MAX_BYTES, KEPT)?;
    let (writer, guard) = NonBlockingBuilder::default().buffered_lines_limit(LINES).finish(file);
    let ours = match verbose {
        0 => LevelFilter::INFO,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let filter = tracing_subscriber::filter::Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("allclear", ours);
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(writer);
    tracing_subscriber::registry().with(filter).with(lines).try_init().map_err(io::Error::other)?;
    Ok(Log { _guard: guard })
}

/// A file that makes way for the next when it has grown.
struct Rotating {
    path: PathBuf,
    file: File,
    written: u64,
    most: u64,
    kept: usize,
}

impl Rotating {
    fn open(folder: &Path, most: u64, kept: usize) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let path = folder.join("allclear.log");
        let file = appended(&path)?;
        let written = file.metadata()?.len();
        Ok(Self { path, file, written, most, kept })
    }

    fn set_aside(&mut self) -> io::Result<()> {
        // somebody else may have done so already: then the file under this name is a young one
        let grown = std::fs::metadata(&self.path).map_or(0, |found| found.len());
        if grown >= self.most {
            for number in (1..self.kept).rev() {
                let older = self.numbered(number + 1);
                std::fs::rename(self.numbered(number), older).ok(); // there may be none yet
            }
            std::fs::rename(&self.path, self.numbered(1))?;
        }
        self.file = appended(&self.path)?;
        self.written = self.file.metadata()?.len();
        Ok(())
    }

    fn numbered(&self, number: usize) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

fn appended(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

impl Write for Rotating {
    /// Takes one event, whole.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        if self.written >= self.most {
            self.set_aside()?;
        }
        let line = one_line(event);
        self.file.write_all(line.as_bytes())?;
        self.written += line.len() as u64;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// An event as a line: what it quotes begins no other line, carries no control character and no right of access.
fn one_line(event: &[u8]) -> String {
    let event = match serde_json::from_slice(event) {
        Ok(Value::Object(fields)) => safe(Value::Object(fields)),
        _ => safe(json!({ "message": String::from_utf8_lossy(event).trim_end() })),
    };
    let mut line = event.to_string();
    if line.len() > MAX_LINE {
        let message = event["message"].as_str().unwrap_or_default();
        line = json!({
            "timestamp": event["timestamp"],
            "level": event["level"],
            "target": event["target"],
            "message": cut(message, MAX_LINE / 8),
            "cut": true,
        })
        .to_string();
    }
    line.push('\n');
    line
}

fn safe(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(clean(&masked_words(&text)).into_owned()),
        Value::Array(list) => Value::Array(list.into_iter().map(safe).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, safe(value))).collect())
        }
        other => other,
    }
}

/// At most so many bytes of it: escaped in JSON each may become six.
fn cut(text: &str, most: usize) -> &str {
    let end = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= most).last();
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_has_grown_is_set_aside_and_the_oldest_go() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let mut log = Rotating::open(&state, 100, 2).unwrap();
        for number in 0..40 {
            log.write_all(format!("event {number:02}\n").as_bytes()).unwrap();
        }
        let mut names: Vec<_> = std::fs::read_dir(&state)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["allclear.log", "allclear.log.1", "allclear.log.2"]);
        for name in names {
            let found = std::fs::metadata(state.join(name)).unwrap();
            assert!(found.len() <= 130, "{}", found.len());
            assert_eq!(found.permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(std::fs::metadata(&state).unwrap().permissions().mode() & 0o777, 0o700);
        let newest = std::fs::read_to_string(state.join("allclear.log")).unwrap();
        let lines: Vec<Value> =
            newest.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(!lines.is_empty());
        assert!(newest.contains("event 39"), "{newest}");
    }

    #[test]
    fn an_event_is_one_clean_line_without_rights_of_access() {
        let said = "failed\u{1b}[2J \u{202e}x\nforged line https://a.com/s--AbCd--/x?token=hush";
        let event = json!({ "level": "WARN", "message": said, "fields": [said], "n": 3 });
        let line = one_line(format!("{event}\n").as_bytes());
        assert_eq!(line.matches('\n').count(), 1);
        let read: Value = serde_json::from_str(&line).unwrap();
        let clean =
            "failed\u{fffd}[2J \u{fffd}x\u{fffd}forged line https://a.com/s--***--/x?token=***";
        assert_eq!(read["message"], clean);
        assert_eq!((read["fields"][0].as_str(), read["n"].as_i64()), (Some(clean), Some(3)));
        let odd = one_line(b"no JSON at all https://h/x?token=hush\n");
        assert_eq!(odd, "{\"message\":\"no JSON at all https://h/x?token=***\"}\n");
        for long in ["é".repeat(40_000), "\u{1b}".repeat(40_000)] {
            let line = one_line(json!({ "message": long, "level": "INFO" }).to_string().as_bytes());
            assert!(line.len() <= MAX_LINE, "{}", line.len());
            assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["level"], "INFO");
        }
    }
}
