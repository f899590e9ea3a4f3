//! Places that other hosts look from: `ssh HOST allclear probe --json --stdin`, and what answers there.
//!
//! One long-lived child per host carries all of its probes over a versioned line protocol (`wire`); no daemon,
//! and nothing to configure at the other end. A host that cannot be reached is an unreachable place: each probe
//! fails with the reason, and the rest goes on.
//!
//! # Times
//! The two clocks are never compared. The other end tells durations: from reading the request to the probe's
//! leaving, to its answer, to writing the reply. Our clock saw the request leave and the reply come in, so the
//! probe left no earlier than the one and ended no later than the other allow:
//!
//! ```text
//! ours    asked ├────────────────────────────────────────────────┤ told
//! theirs           read ├── sent ──── received ──── done ┤
//! ```
//!
//! `Sighting::sent` is `asked` + (`sent` - `read`), the earliest it can have been, and `Sighting::received` is
//! `told` - (`done` - `received`), the latest. Judgement compares `Age` with S up to the end and N up to the start
//! of a sighting, so that the width of this interval (the round trip over ssh) can only make a verdict more
//! careful. Durations that cannot be are ignored, and the whole round trip is taken.

mod child;
mod host;
mod letters;
mod lines;
mod link;
mod manners;
mod places;
mod prober;
mod remote;
mod retry;
mod wire;

#[cfg(test)]
mod tests;

pub use host::{BadSshHost, SshHost, SshHosts, SshOptions};
pub use letters::{ask, told};
pub use places::{SshPlaces, SshState, seen_from};
pub use prober::SshProber;
pub use remote::{RemoteEnd, ServeError};
pub use wire::SCHEMA;

/// Reads bytes as a line of the looking end.
#[cfg(any(test, fuzzing))]
pub(crate) fn untrusted(line: &[u8]) {
    use crate::domain::sighting::{Answer, ProbeFailure};

    let Ok(reply) = serde_json::from_slice::<wire::Reply>(line) else { return };
    if let Some(told) = reply.answer {
        let answer = Answer::from(told);
        let bounded = |text: &Option<String>| text.as_ref().is_none_or(|text| text.len() <= 4_096);
        assert!(bounded(&answer.pop) && bounded(&answer.error) && bounded(&answer.date));
    }
    if let Some(failure) = reply.failure {
        let failure: ProbeFailure = failure.seen_from("far-away");
        assert!(failure.to_string().len() <= 4_096, "{failure}");
    }
}
