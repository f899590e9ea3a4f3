//! Lines of the command line, kept between starts: one a line, readable by their owner alone, without secrets.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use crate::domain::secrets;
use crate::ui::text::shown;

/// Lines that are read back.
const KEPT: usize = 100;
/// A file beyond this is written anew with the lines that are kept.
const LARGE: u64 = 64 * 1024;

/// What was typed before, oldest first; each line once, where it was typed last. Without a file there is nothing.
#[must_use]
pub fn load(path: &Path) -> Vec<String> {
    let Ok(text) = fs::read_to_string(path) else { return Vec::new() };
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().rev() {
        let line = shown(line).trim().to_owned();
        if !line.is_empty() && !lines.contains(&line) {
            lines.push(line);
        }
        if lines.len() == KEPT {
            break;
        }
    }
    lines.reverse();
    lines
}

/// Keeps one line more; what grants access is masked. Several consoles may do so at once.
///
/// # Errors
/// The file cannot be written.
pub fn append(path: &Path, line: &str) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|file| file.len() > LARGE) {
        let kept = load(path);
        let text: String = kept.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        let beside = path.with_extension(format!("{}.new", std::process::id()));
        own(&beside, true)?.write_all(text.as_bytes())?;
        fs::rename(&beside, path)?;
    }
    let masked = secrets::masked_words(line).replace('\n', " ");
    own(path, false)?.write_all(format!("{masked}\n").as_bytes())
}

/// A file for its owner alone, also where it was there before with other rights.
fn own(path: &Path, anew: bool) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.create(true).append(!anew).write(true).truncate(anew).mode(0o600);
    let file = options.open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_once_each_and_nobody_else_reads_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history");
        assert_eq!(load(&path), Vec::<String>::new());
        for line in ["theme dark", "watch abc", "theme dark", "evil\u{1b}[2J"] {
            append(&path, line).unwrap();
        }
        assert_eq!(load(&path), ["watch abc", "theme dark", "evil\u{fffd}[2J"]);
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        append(&path, "quit").unwrap();
        assert_eq!(mode(), 0o600);
    }

    #[test]
    fn what_grants_access_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history");
        append(&path, "watch https://u:pass@h/image/upload/s--AbCdEfGh--/a.jpg?token=xyz").unwrap();
        let text = fs::read_to_string(&path).unwrap();
        for secret in ["pass", "AbCdEfGh", "xyz"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }

    #[test]
    fn the_file_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history");
        for n in 0..900 {
            append(&path, &format!("search {n} {}", "x".repeat(100))).unwrap();
        }
        assert!(fs::metadata(&path).unwrap().len() < LARGE + 200);
        assert_eq!(load(&path).len(), KEPT);
        assert!(load(&path)[99].starts_with("search 899 "));
    }
}
