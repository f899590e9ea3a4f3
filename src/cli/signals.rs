//! INT, TERM and HUP while something is waited for.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Resolves each time a signal asks us to stop. Until it is made, signals end the process as usual.
pub struct Stop {
    signals: Vec<Signal>,
}

impl Stop {
    /// Begins to listen; a kind that cannot be listened for keeps its default.
    #[must_use]
    pub fn listen() -> Self {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        Self { signals: kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect() }
    }

    /// The next signal.
    pub async fn next(&mut self) {
        std::future::poll_fn(|context| {
            let came = self.signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
            if came { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }
}
