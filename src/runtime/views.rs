//! How things are arranged in the console, by profile, kept between starts: one small file, readable by its owner alone.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde_json::{Map, Value};

/// A file beyond this is none of ours.
const LARGE: u64 = 256 * 1024;
/// Profiles that are kept.
const KEPT: usize = 100;

fn all(path: &Path) -> Map<String, Value> {
    if !fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() <= LARGE) {
        return Map::new();
    }
    let text = fs::read_to_string(path).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// What is kept of a profile; nothing where the file is not there or cannot be understood.
#[must_use]
pub fn load(path: &Path, profile: &str) -> Option<Value> {
    all(path).remove(profile)
}

/// Keeps what is arranged on a profile, beside what is kept of others. Of two consoles the last one to leave is right.
///
/// # Errors
/// The file cannot be written.
pub fn keep(path: &Path, profile: &str, arranged: Value) -> io::Result<()> {
    let mut kept = all(path);
    if kept.get(profile) == Some(&arranged) {
        return Ok(());
    }
    while kept.len() >= KEPT && !kept.contains_key(profile) {
        let Some(first) = kept.keys().next().cloned() else { break };
        kept.remove(&first);
    }
    kept.insert(profile.to_owned(), arranged);
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let mut file =
        OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(Value::Object(kept).to_string().as_bytes())?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn each_profile_has_its_own_and_nobody_else_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("views");
        assert_eq!(load(&path, "a"), None);
        keep(&path, "a", Value::from(1)).unwrap();
        keep(&path, "b", Value::from(2)).unwrap();
        keep(&path, "a", Value::from(3)).unwrap();
        assert_eq!((load(&path, "a"), load(&path, "b")), (Some(3.into()), Some(2.into())));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for n in 0..2 * KEPT {
            keep(&path, &format!("many-{n}"), Value::from(n)).unwrap();
        }
        assert_eq!(all(&path).len(), KEPT);
    }

    #[test]
    fn a_file_that_says_nothing_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("views");
        for text in ["", "[]", "{\"a\":", "\u{1b}[2J"] {
            fs::write(&path, text).unwrap();
            assert_eq!(load(&path, "a"), None, "{text}");
        }
        keep(&path, "a", Value::from(1)).unwrap();
        assert_eq!(load(&path, "a"), Some(1.into()));
    }
}
