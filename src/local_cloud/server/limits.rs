//! How much of this host callers may take up: time, memory, connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const MIB: usize = 1024 * 1024;

/// What callers may take up. Tests bring shorter times and smaller sizes.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections that one listener holds at a time; more wait.
    pub connections: usize,
    /// From connecting, or from the answer before, to the end of a request's head. Idle connections end by it too,
    /// so it is what web servers usually grant those.
    pub head: Duration,
    /// Bytes of one request's head.
    pub head_bytes: usize,
    /// What a body may take, however small; each second more has to bring [`Self::pace`] bytes.
    pub body: Duration,
    pub pace: u64,
    /// How long a caller may leave an answer unread.
    pub stall: Duration,
    /// Largest file in one request (facts §2.3: 100 MB).
    pub file: usize,
    /// Largest body without a file.
    pub plain_body: usize,
    /// A body that is refused is read on up to here, so that its sender gets to read why.
    pub drained: u64,
    /// Memory for bodies on their way and files in pieces, of all callers together.
    pub in_flight: usize,
    /// Memory for files that were uploaded, with their backups and cached copies.
    pub stored: usize,
    /// Smallest piece of a file but the last (facts §2.7: 5 MB).
    pub least_piece: usize,
    /// Largest file that arrives in pieces.
    pub in_pieces: usize,
    /// Files that arrive in pieces at a time.
    pub pieces_open: usize,
    /// How long a file in pieces waits for its next one.
    pub pieces_wait: Duration,
    /// How long a remote file may take to load.
    pub remote: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            head: Duration::from_secs(75),
            head_bytes: 128 * 1024,
            body: Duration::from_secs(60),
            pace: 16 * 1024,
            stall: Duration::from_secs(60),
            file: 100 * MIB,
            plain_body: 4 * MIB,
            drained: 1024 * MIB as u64,
            in_flight: 512 * MIB,
            stored: 2048 * MIB,
            least_piece: 5 * MIB,
            in_pieces: 400 * MIB,
            pieces_open: 16,
            pieces_wait: Duration::from_secs(600),
            remote: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// Largest body of a call that may carry a file: the file, and some room around it.
    pub const fn whole_body(&self) -> usize {
        self.file.saturating_add(MIB)
    }
}

/// Bytes that all callers together may hold.
#[derive(Debug)]
pub struct Budget {
    most: usize,
    taken: AtomicUsize,
}

/// The budget is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted;

impl Budget {
    pub fn of(most: usize) -> Arc<Self> {
        Arc::new(Self { most, taken: AtomicUsize::new(0) })
    }

    /// Bytes that are held now.
    #[cfg(test)]
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Acquire)
    }

    pub const fn most(&self) -> usize {
        self.most
    }

    /// A share of the budget, empty at first.
    pub fn share(self: &Arc<Self>) -> Share {
        Share { budget: self.clone(), bytes: 0 }
    }
}

/// Somebody's part of a budget; given back when dropped.
#[derive(Debug)]
pub struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Share {
    /// Takes `more` bytes out of the budget.
    ///
    /// # Errors
    /// Others hold too much; the share stays as it was.
    pub fn grow(&mut self, more: usize) -> Result<(), Exhausted> {
        let most = self.budget.most;
        let grown = |taken: usize| taken.checked_add(more).filter(|taken| *taken <= most);
        let done = self.budget.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, grown);
        done.map_err(|_| Exhausted)?;
        self.bytes += more;
        Ok(())
    }

    /// Gives everything back.
    pub fn clear(&mut self) {
        self.budget.taken.fetch_sub(self.bytes, Ordering::AcqRel);
        self.bytes = 0;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn a_budget_is_shared_and_given_back() {
        let budget = Budget::of(100);
        let (mut one, mut other) = (budget.share(), budget.share());
        assert_eq!(one.grow(60), Ok(()));
        assert_eq!(other.grow(41), Err(Exhausted));
        assert_eq!(other.grow(40), Ok(()));
        assert_eq!(budget.taken(), 100);
        drop(other);
        assert_eq!(budget.taken(), 60);
        assert_eq!(one.grow(usize::MAX), Err(Exhausted));
        one.clear();
        assert_eq!(budget.taken(), 0);
        one.grow(5).unwrap();
        drop(one);
        assert_eq!(budget.taken(), 0);
    }
}
