//! Files that somebody changed: told by the kernel where it tells (inotify), else by looking now and then.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;

use crate::ports::changes::Changes;

/// Where nobody tells of changes it is looked this often.
const UNTOLD: Duration = Duration::from_secs(2);
/// And this often where somebody should: a file system shared with other hosts may keep their changes to itself.
const ANYWAY: Duration = Duration::from_secs(60);

/// Changes of files on this host.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileChanges;

#[async_trait]
impl Changes for FileChanges {
    async fn wait(&self, paths: &[PathBuf]) {
        Armed::on(paths).told().await;
    }
}

/// From its making on no change of its files is missed.
#[derive(Debug)]
pub(crate) struct Armed(io::Result<os::Watch>);

impl Armed {
    /// Watches those that are there; of a folder that is not, the nearest one above it.
    pub fn on(paths: &[PathBuf]) -> Self {
        Self(os::Watch::on(paths))
    }

    /// Returns at a change, or after a while without one.
    pub async fn told(&self) {
        match &self.0 {
            Ok(watch) => drop(tokio::time::timeout(ANYWAY, watch.told()).await),
            Err(_) => tokio::time::sleep(UNTOLD).await,
        }
    }
}

#[cfg(target_os = "linux")]
mod os {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::path::{Path, PathBuf};

    use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
    use tokio::net::unix::pipe::Receiver;

    #[derive(Debug)]
    pub struct Watch(Receiver);

    impl Watch {
        pub fn on(paths: &[PathBuf]) -> io::Result<Self> {
            let queue = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
            for path in paths {
                watch(&queue, path)?;
            }
            // read like a pipe; nothing is asked of it that is a pipe's alone
            Receiver::from_owned_fd_unchecked(queue).map(Self)
        }

        pub async fn told(&self) {
            // what exactly happened is not read: whoever asked looks
            if self.0.readable().await.is_err() {
                tokio::time::sleep(super::UNTOLD).await;
            }
        }
    }

    fn watch(queue: &OwnedFd, path: &Path) -> io::Result<()> {
        let own = WatchFlags::MODIFY
            | WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF;
        let above = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::ONLYDIR;
        let mut mask = own;
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for candidate in path.ancestors() {
            match add_watch(queue, candidate, mask) {
                Ok(_) => return Ok(()),
                Err(why) => last = why.into(),
            }
            if last.kind() != io::ErrorKind::NotFound {
                break;
            }
            mask = above;
        }
        Err(last)
    }
}

#[cfg(not(target_os = "linux"))]
mod os {
    use std::io;
    use std::path::PathBuf;

    #[derive(Debug)]
    pub struct Watch(std::convert::Infallible);

    impl Watch {
        pub fn on(_: &[PathBuf]) -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub async fn told(&self) {
            match self.0 {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// What looking alone would take.
    const SOON: Duration = Duration::from_millis(1900);

    #[tokio::test]
    #[cfg_attr(not(target_os = "linux"), ignore = "nobody tells of changes")]
    async fn a_change_is_told_and_one_after_arming_is_not_missed() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("a");
        std::fs::write(&file, "1").unwrap();
        for path in [file.clone(), home.path().to_owned()] {
            let armed = Armed::on(&[path]);
            std::fs::write(&file, "2").unwrap();
            let began = Instant::now();
            armed.told().await;
            assert!(began.elapsed() < SOON);
        }
        let later = home.path().join("not/yet");
        let armed = Armed::on(&[later]);
        std::fs::create_dir(home.path().join("not")).unwrap();
        let began = Instant::now();
        armed.told().await;
        assert!(began.elapsed() < SOON);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_change_it_returns_after_a_while() {
        let home = tempfile::tempdir().unwrap();
        let began = tokio::time::Instant::now();
        FileChanges.wait(&[home.path().to_owned()]).await;
        assert!(began.elapsed() >= UNTOLD);
    }
}
