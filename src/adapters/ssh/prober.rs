//! Probes that leave from another host.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::host::SshHosts;
use super::link::{Ask, Replied};
use super::wire::{ProbeAsk, Times};
use crate::domain::place::Vantage;
use crate::domain::sighting::{Answer, ProbeFailure, Sighting};
use crate::domain::time::Moment;
use crate::ports::clock::Clock;
use crate::ports::prober::{Probe, Prober};

/// Looks at caches from the hosts of a profile; any other vantage point is a failure.
pub struct SshProber {
    hosts: Arc<SshHosts>,
    clock: Arc<dyn Clock>,
}

impl SshProber {
    #[must_use]
    pub fn new(hosts: Arc<SshHosts>, clock: Arc<dyn Clock>) -> Self {
        Self { hosts, clock }
    }

    async fn ask(&self, probe: &Probe) -> Result<(Span, Answer), (Option<Span>, ProbeFailure)> {
        let unable = |detail: String| (None, ProbeFailure::Vantage { detail });
        let Vantage::Ssh(host) = &probe.vantage else {
            return Err(unable(format!("{} is no place reached by ssh", probe.vantage)));
        };
        let link = self.hosts.link(host).ok_or_else(|| {
            unable(format!("{} is no ssh place of this profile", super::wire::short(host)))
        })?;
        let asked = link.ask(Ask::Probe(ProbeAsk::from(probe)), probe.timeout).await;
        let Some(replied) = asked.map_err(unable)? else {
            return Err((None, ProbeFailure::TimedOut));
        };
        let (span, result) = read(probe, replied, &format!("ssh {host}"));
        match result {
            Ok(answer) => Ok((span, answer)),
            Err(failure) => Err((Some(span), failure)),
        }
    }
}

/// What a reply says, and when it was seen.
pub(super) fn read(
    probe: &Probe,
    replied: Replied,
    from: &str,
) -> (Span, Result<Answer, ProbeFailure>) {
    let span = Span::of(&replied);
    let Replied { reply, .. } = replied;
    let result = match (reply.answer, reply.failure) {
        (Some(told), None) => checked(probe, told.into()),
        (None, Some(failure)) => Err(failure.seen_from(from)),
        _ => Err(ProbeFailure::Vantage { detail: format!("{from}: its reply is no answer") }),
    };
    (span, result)
}

#[async_trait]
impl Prober for SshProber {
    async fn probe(&self, probe: &Probe) -> Sighting {
        let started = self.clock.moment();
        let (span, result) = match self.ask(probe).await {
            Ok((span, answer)) => (Some(span), Ok(answer)),
            Err((span, failure)) => (span, Err(failure)),
        };
        let span = span.unwrap_or_else(|| Span { sent: started, received: self.clock.moment() });
        Sighting {
            variant: probe.variant,
            shape: probe.shape,
            sent: span.sent,
            received: span.received,
            at: self.clock.wall(),
            result,
        }
    }
}

/// The answer, if it can be one and came from the place's own address.
fn checked(probe: &Probe, answer: Answer) -> Result<Answer, ProbeFailure> {
    if !(100..=999).contains(&answer.status) {
        let detail = format!("its answer has the status {}", answer.status);
        return Err(ProbeFailure::Broken { detail });
    }
    let wrong = |peer: String| Err(ProbeFailure::WrongPeer { peer });
    match (probe.address, answer.peer) {
        (Some(_), None) => wrong("an address it does not tell".to_owned()),
        (Some(own), Some(peer)) if own.ip().to_canonical() != peer.to_canonical() => {
            wrong(peer.to_string())
        }
        _ => Ok(answer),
    }
}

/// The widest interval, on our clock, that the probe can have taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub sent: Moment,
    pub received: Moment,
}

impl Span {
    /// See the module's text on times.
    fn of(replied: &Replied) -> Self {
        let (asked, told) = (replied.asked, replied.told);
        let whole = Self { sent: asked, received: told };
        let Some(Times { sent_ms, received_ms, done_ms }) = replied.reply.times else {
            return whole;
        };
        // rounding can put an answer a millisecond behind the reply that carries it
        let rest_ms = done_ms.saturating_sub(received_ms);
        let [sent, received, rest] = [sent_ms, received_ms, rest_ms].map(Duration::from_millis);
        let span = Self { sent: asked + sent, received: told - rest };
        let possible = sent <= received
            && Duration::from_millis(done_ms) <= told.since(asked)
            && received_ms <= done_ms.saturating_add(1)
            && span.sent <= span.received;
        if possible { span } else { whole }
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::Reply;
    use super::*;
    use rstest::rstest;

    fn at(ms: u64) -> Moment {
        Moment::from_origin(Duration::from_millis(ms))
    }

    #[rstest]
    #[case::shrunk(Some((40, 70, 80)), (1040, 1190))]
    #[case::at_once(Some((0, 0, 0)), (1000, 1200))]
    #[case::rounded_up(Some((40, 81, 80)), (1040, 1200))]
    #[case::not_told(None, (1000, 1200))]
    #[case::longer_than_we_waited(Some((40, 70, 201)), (1000, 1200))]
    #[case::answered_before_it_was_sent(Some((70, 40, 80)), (1000, 1200))]
    #[case::answered_after_the_reply(Some((40, 90, 80)), (1000, 1200))]
    #[case::endless(Some((u64::MAX, u64::MAX, u64::MAX)), (1000, 1200))]
    fn what_the_other_end_tells_can_only_shrink_the_round_trip(
        #[case] told: Option<(u64, u64, u64)>,
        #[case] span: (u64, u64),
    ) {
        let times =
            told.map(|(sent_ms, received_ms, done_ms)| Times { sent_ms, received_ms, done_ms });
        let reply = Reply { times, ..Reply::new() };
        let replied = Replied { reply, asked: at(1000), told: at(1200) };
        assert_eq!(Span::of(&replied), Span { sent: at(span.0), received: at(span.1) });
    }
}
