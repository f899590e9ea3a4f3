//! Whether anybody wrote: how the files of a SQLite journal look. Every commit changes the time or the length of the
//! log, or of the file itself where there is no log; reading changes neither.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::adapters::file_changes::Armed;
use crate::ports::journal::Mark;

/// File systems count time in ticks: of two writes within one the second may not show.
const TICK: Duration = Duration::from_millis(50);

/// The database and its log.
#[derive(Debug)]
pub(super) struct Files([PathBuf; 2]);

impl Files {
    /// Files of this host; those of another may change without our seeing it.
    pub fn of(path: &Path) -> Option<Self> {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        (!super::open::is_remote(path)).then(|| Self([path.to_owned(), log.into()]))
    }

    /// `None` while a change is too young to be told from the next one.
    pub fn mark(&self) -> Option<Mark> {
        let mut looks = DefaultHasher::new();
        let oldest = SystemTime::now().checked_sub(TICK)?;
        for path in &self.0 {
            let found = std::fs::metadata(path).ok();
            if found.as_ref().is_some_and(|it| it.modified().is_ok_and(|at| at > oldest)) {
                return None;
            }
            let look = found.map(|it| (it.ino(), it.len(), it.mtime(), it.mtime_nsec()));
            look.hash(&mut looks);
        }
        Some(Mark(looks.finish()))
    }

    pub async fn changed(&self, since: Option<&Mark>) {
        let Some(since) = since else { return tokio::time::sleep(TICK).await };
        loop {
            let armed = Armed::on(&self.0);
            if self.mark().as_ref() != Some(since) {
                return;
            }
            armed.told().await;
        }
    }
}
