//! One request and its reply as text, for whoever carries them by other means than ssh.

use super::link::Replied;
use super::prober::read;
use super::remote::RemoteEnd;
use super::wire::{ProbeAsk, Reply, Request};
use crate::domain::sighting::{Answer, ProbeFailure};
use crate::domain::time::Moment;
use crate::ports::prober::Probe;

/// The line that asks for a probe.
///
/// # Panics
/// Never: the line holds texts and numbers only.
#[must_use]
pub fn ask(probe: &Probe) -> String {
    let request = Request { id: 1, probe: Some(ProbeAsk::from(probe)), places: None };
    serde_json::to_string(&request).expect("texts and numbers")
}

/// What a reply to [`ask`] says, and when the probe left and was answered at the earliest and the latest, on our clock:
/// it was `asked` and `told` then.
pub fn told(
    probe: &Probe,
    reply: &str,
    from: &str,
    asked: Moment,
    told: Moment,
) -> (Moment, Moment, Result<Answer, ProbeFailure>) {
    let reply = serde_json::from_str(reply).unwrap_or_else(|_| Reply::new());
    let (span, result) = read(probe, Replied { reply, asked, told }, from);
    (span.sent, span.received, result)
}

impl RemoteEnd {
    /// Carries out one request; the line of its reply.
    ///
    /// # Panics
    /// Never: the line holds texts and numbers only.
    pub async fn answer_one(&self, line: &str) -> String {
        serde_json::to_string(&self.reply_to(line.as_bytes()).await).expect("texts and numbers")
    }
}
