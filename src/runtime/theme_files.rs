//! Themes of the operator: found in a folder, read again when they are saved.
//!
//! Where no file system tells of changes (NFS) it is looked now and then.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;

use crate::app::msg::Msg;
use crate::ports::changes::Changes;

/// Whoever saves a file may write it in parts.
const WRITTEN: Duration = Duration::from_millis(50);
/// Most files, and most bytes of one.
const FILES: usize = 200;
const BYTES: u64 = 256 << 10;

/// Theme files of a folder with the time of their last change and their length, in the order of their names.
pub fn list(folder: &Path) -> BTreeMap<PathBuf, (Option<SystemTime>, u64)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .take(FILES)
        .filter_map(|path| {
            let found = std::fs::metadata(&path).ok()?;
            Some((path, (found.modified().ok(), found.len())))
        })
        .collect()
}

/// The text of a theme file.
pub fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(BYTES).read_to_string(&mut text)?;
    Ok(text)
}

/// Sends what was saved since it was last read, until the loop has ended.
pub async fn watch(folder: PathBuf, changes: Arc<dyn Changes>, inbox: mpsc::Sender<Msg>) {
    let mut known = look(folder.clone()).await;
    while !inbox.is_closed() {
        changes.wait(std::slice::from_ref(&folder)).await;
        tokio::time::sleep(WRITTEN).await;
        let now = look(folder.clone()).await;
        if now == known {
            continue;
        }
        let saved = now.iter().filter(|(path, seen)| known.get(*path) != Some(seen));
        let texts = saved.filter_map(|(path, _)| {
            Some((path.file_stem()?.to_str()?.to_owned(), read(path).ok()?))
        });
        let texts: Vec<_> = texts.collect();
        known = now;
        if !texts.is_empty() && inbox.send(Msg::ThemeFiles(texts)).await.is_err() {
            return;
        }
    }
}

async fn look(folder: PathBuf) -> BTreeMap<PathBuf, (Option<SystemTime>, u64)> {
    tokio::task::spawn_blocking(move || list(&folder)).await.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system that tells of nothing.
    struct Untold;

    #[async_trait::async_trait]
    impl Changes for Untold {
        async fn wait(&self, _: &[PathBuf]) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    #[tokio::test]
    async fn a_saved_theme_comes_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("old.toml"), "about = \"old\"").unwrap();
        std::fs::write(folder.path().join("notes.txt"), "x").unwrap();
        let (tell, mut told) = mpsc::channel(4);
        let watching = tokio::spawn(watch(folder.path().to_owned(), Arc::new(Untold), tell));
        // it may not have looked for the first time yet: saved until it is told
        let saving = async {
            for n in 1.. {
                std::fs::write(folder.path().join("mine.toml"), format!("about = \"{n}\""))
                    .unwrap();
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        let told = tokio::select! {
            msg = told.recv() => msg.unwrap(),
            () = saving => unreachable!("it goes on"),
        };
        let Msg::ThemeFiles(files) = told else { panic!("something else") };
        assert_eq!(files.len(), 1);
        assert!(files[0].0 == "mine" && files[0].1.starts_with("about"), "{files:?}");
        watching.abort();
    }
}
