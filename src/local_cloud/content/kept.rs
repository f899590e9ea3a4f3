//! Files that are kept at hand while they are asked for, so that a warm answer is copied and not made again.
//!
//! One ledger for all worlds of the process, bounded in bytes and in files. Whoever was asked for since the hand
//! last came by gets another round; then the oldest goes. A content that is gone takes its file with it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use axum::body::Bytes;

use super::Content;

/// Bytes kept at most, of all contents together.
const MOST_BYTES: usize = 96 * 1024 * 1024;
/// Larger files are made each time.
const LARGEST: usize = MOST_BYTES / 4;
/// Files kept at most.
const MOST_FILES: usize = 16_384;

/// Where a content keeps its file.
#[derive(Debug)]
pub(super) struct Slot {
    // boxed: most contents of a large cloud never keep anything
    file: Mutex<Option<Box<Bytes>>>,
    asked: AtomicBool,
}

impl Slot {
    pub const fn empty() -> Self {
        Self { file: Mutex::new(None), asked: AtomicBool::new(false) }
    }

    /// The file, where it is at hand.
    pub fn file(&self) -> Option<Bytes> {
        let file = self.lock().as_deref().cloned()?;
        if !self.asked.load(Ordering::Relaxed) {
            self.asked.store(true, Ordering::Relaxed);
        }
        Some(file)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<Bytes>>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Ledger {
    files: VecDeque<(Weak<Content>, usize)>,
    bytes: usize,
}

static LEDGER: LazyLock<Mutex<Ledger>> = LazyLock::new(Mutex::default);

/// Keeps `file` in the slot of `content`, and lets go of others where there is no room.
pub(super) fn keep(content: &Arc<Content>, file: &Bytes) {
    if file.len() > LARGEST {
        return;
    }
    let mut ledger = LEDGER.lock().unwrap_or_else(PoisonError::into_inner);
    {
        let mut slot = content.kept.lock();
        if slot.is_some() {
            return; // somebody else made it at the same time
        }
        *slot = Some(Box::new(file.clone()));
    }
    ledger.files.push_back((Arc::downgrade(content), file.len()));
    ledger.bytes += file.len();
    ledger.make_room(MOST_BYTES, MOST_FILES);
}

impl Ledger {
    fn make_room(&mut self, most_bytes: usize, most_files: usize) {
        let mut chances = self.files.len();
        while self.bytes > most_bytes || self.files.len() > most_files {
            let Some((weak, length)) = self.files.pop_front() else { break };
            if let Some(content) = weak.upgrade() {
                if chances > 0 && content.kept.asked.swap(false, Ordering::Relaxed) {
                    chances -= 1;
                    self.files.push_back((weak, length));
                    continue;
                }
                *content.kept.lock() = None;
            }
            self.bytes -= length;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::*;

    #[test]
    fn what_nobody_asks_for_goes_first_and_what_is_asked_for_stays() {
        let content = |mark| Arc::new(Content::file(Format::Txt, mark, 100));
        let contents: Vec<_> = (0..4).map(content).collect();
        let mut ledger = Ledger::default();
        for one in &contents {
            *one.kept.lock() = Some(Box::new(one.bytes()));
            ledger.files.push_back((Arc::downgrade(one), 100));
            ledger.bytes += 100;
        }
        assert!(contents[0].kept.file().is_some());
        ledger.make_room(250, 10);
        let at_hand: Vec<bool> = contents.iter().map(|one| one.kept.lock().is_some()).collect();
        assert_eq!((at_hand, ledger.bytes), (vec![true, false, false, true], 200));
        // everybody was asked for: somebody has to go all the same
        assert!(contents[0].kept.file().is_some() && contents[3].kept.file().is_some());
        ledger.make_room(100, 10);
        assert_eq!(ledger.bytes, 100);
        drop(contents);
        ledger.make_room(0, 10);
        assert_eq!((ledger.bytes, ledger.files.len()), (0, 0));
    }
}
