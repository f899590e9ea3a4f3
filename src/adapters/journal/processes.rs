//! Which processes of this machine still live, so that a dead tracker's lease need not run out.

use std::fmt;
use std::sync::Arc;

use rustix::process::{Pid, test_kill_process};

/// Knows whether a pid lives, and in which space of pids that answer holds.
#[derive(Clone)]
pub struct Processes {
    realm: String,
    lives: Arc<dyn Fn(u32) -> bool + Send + Sync>,
}

impl Processes {
    /// Processes that `lives` knows; its answers count only for members on the same host and in the same `realm`.
    pub fn new(realm: &str, lives: impl Fn(u32) -> bool + Send + Sync + 'static) -> Self {
        Self { realm: realm.to_owned(), lives: Arc::new(lives) }
    }

    /// Processes of this host. A realm is one boot and one pid namespace: in another container, or after a
    /// reboot, the same number is somebody else.
    #[must_use]
    pub fn of_this_host() -> Self {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let namespace = std::fs::read_link("/proc/self/ns/pid")
            .map(|link| link.to_string_lossy().into_owned())
            .unwrap_or_default();
        Self::new(&format!("{} {namespace}", boot.trim()), process_lives)
    }

    /// Where the pids of a member on `host` that runs here mean something.
    pub(super) fn realm(&self, host: &str) -> String {
        format!("{host} {}", self.realm)
    }

    pub(super) fn are_without(&self, pid: i64) -> bool {
        u32::try_from(pid).is_ok_and(|pid| !(self.lives)(pid))
    }
}

impl fmt::Debug for Processes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Processes").field("realm", &self.realm).finish_non_exhaustive()
    }
}

/// Whether a process exists; one that may not be signalled does.
fn process_lives(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_an_impossible_one_does_not() {
        let here = Processes::of_this_host();
        assert!(!here.are_without(i64::from(std::process::id())));
        assert!(here.are_without(i64::from(i32::MAX)));
    }
}
