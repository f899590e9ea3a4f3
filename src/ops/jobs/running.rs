//! The jobs that this process runs, so that it hears at once what is wanted of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::domain::id::OperationId;
use crate::domain::job::Wish;

/// Between two looks whether a job has been settled.
const LOOK: Duration = Duration::from_millis(20);

/// What is wanted of each job that this process runs. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Running(Arc<Mutex<HashMap<OperationId, Entry>>>);

#[derive(Debug)]
struct Entry {
    wish: watch::Sender<Wish>,
    /// It is only settled: what was sent is asked for, and nothing leaves.
    is_settled: bool,
}

/// A job that this process runs, for as long as this is kept.
#[derive(Debug)]
pub(crate) struct Here {
    running: Running,
    operation: OperationId,
    wish: watch::Receiver<Wish>,
}

impl Running {
    /// Runs a job here; `None` when it is run here already. Where it is being settled, that is waited for.
    pub(crate) async fn begin(&self, operation: OperationId) -> Option<Here> {
        loop {
            if let Some(here) = self.enter(operation, false) {
                return Some(here);
            }
            if self.jobs().get(&operation).is_some_and(|entry| !entry.is_settled) {
                return None;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Settles a job here, and sends nothing; `None` when something is done about it here already.
    pub(crate) fn settle(&self, operation: OperationId) -> Option<Here> {
        self.enter(operation, true)
    }

    fn enter(&self, operation: OperationId, is_settled: bool) -> Option<Here> {
        let mut jobs = self.jobs();
        if jobs.contains_key(&operation) {
            return None;
        }
        let (told, wish) = watch::channel(Wish::Run);
        jobs.insert(operation, Entry { wish: told, is_settled });
        Some(Here { running: self.clone(), operation, wish })
    }

    /// Whether this process runs the job.
    #[must_use]
    pub fn has(&self, operation: OperationId) -> bool {
        self.jobs().contains_key(&operation)
    }

    /// Whether this process sends calls of the job, or may.
    #[must_use]
    pub fn runs(&self, operation: OperationId) -> bool {
        self.jobs().get(&operation).is_some_and(|entry| !entry.is_settled)
    }

    /// Tells the job, if it runs here, what is wanted; [`Wish::Cancel`] stays.
    pub fn tell(&self, operation: OperationId, wish: Wish) {
        if let Some(entry) = self.jobs().get(&operation) {
            entry.wish.send_if_modified(|known| {
                let heard = *known != wish && *known != Wish::Cancel;
                if heard {
                    *known = wish;
                }
                heard
            });
        }
    }

    fn jobs(&self) -> MutexGuard<'_, HashMap<OperationId, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Here {
    /// What is wanted now.
    pub fn wish(&self) -> Wish {
        *self.wish.borrow()
    }

    /// Resolves when something else is wanted than was last looked at.
    pub async fn changed(&mut self) {
        if self.wish.changed().await.is_err() {
            std::future::pending::<()>().await; // cannot be: we keep the other end
        }
    }

    /// For the heart, which tells what it hears.
    pub fn ear(&self) -> Ear {
        Ear { running: self.running.clone(), operation: self.operation }
    }

    /// What the journal says is wanted.
    pub fn learn(&self, wish: Wish) {
        self.running.tell(self.operation, wish);
    }
}

/// Passes on what the journal says is wanted.
#[derive(Debug)]
pub(crate) struct Ear {
    running: Running,
    operation: OperationId,
}

impl Ear {
    pub fn learn(&self, wish: Wish) {
        self.running.tell(self.operation, wish);
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        self.running.jobs().remove(&self.operation);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_job_hears_at_once_and_a_cancel_is_the_last_word() {
        let (running, job) = (Running::default(), OperationId::new());
        let mut here = running.begin(job).await.unwrap();
        assert!(running.begin(job).await.is_none(), "never twice in one process");
        assert!(running.settle(job).is_none());
        running.tell(job, Wish::Pause);
        here.changed().await;
        assert_eq!(here.wish(), Wish::Pause);
        running.tell(job, Wish::Cancel);
        running.tell(job, Wish::Run);
        assert_eq!(here.wish(), Wish::Cancel);
        drop(here);
        assert!(!running.has(job));
    }
}
