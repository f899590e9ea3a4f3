//! The heartbeat of a job: keeps its lease, says why it waits, and hears what is wanted of it.

use std::time::Duration;

use tokio::sync::watch;

use crate::domain::job::JobWait;
use crate::ops::context::Context;
use crate::ops::jobs::Ear;
use crate::ports::journal::{JobLease, JournalError};

/// How long a lease lasts without being renewed. A process of this host that died loses it at once.
pub(super) const LEASE: Duration = Duration::from_secs(15);
/// What another process wishes is heard of within this.
const BEAT: Duration = Duration::from_secs(1);

/// What the heart and the runner tell each other.
pub(super) struct Pulse {
    /// Why nothing is sent at the moment.
    pub wait: watch::Sender<Option<JobWait>>,
    /// Somebody else runs the job now.
    pub lost: watch::Sender<bool>,
}

impl Pulse {
    pub fn new() -> Self {
        Self { wait: watch::Sender::new(None), lost: watch::Sender::new(false) }
    }

    /// Resolves when somebody else runs the job.
    pub async fn until_lost(&self) {
        let mut lost = self.lost.subscribe();
        if lost.wait_for(|lost| *lost).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Beats until it is dropped.
pub(super) async fn beat(context: &Context, lease: JobLease, pulse: &Pulse, here: &Ear) {
    let mut wait = pulse.wait.subscribe();
    loop {
        tokio::select! {
            () = tokio::time::sleep(BEAT) => {}
            Ok(()) = wait.changed() => {}
        }
        let why = wait.borrow_and_update().clone();
        let now = context.clock.wall();
        match context.journal.renew_job(lease, why.as_ref(), now, LEASE).await {
            Ok(wish) => here.learn(wish),
            Err(JournalError::JobLost) => {
                pulse.lost.send_replace(true);
                std::future::pending::<()>().await; // calls in flight settle first
            }
            // whoever marks the next call meets the same trouble, and sends nothing then
            Err(trouble) => tracing::warn!(%trouble, "the lease of a job could not be renewed"),
        }
    }
}
