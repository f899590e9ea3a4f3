//! INT, TERM and HUP while something is waited for.
//!
//! They mean different things: INT comes from the operator, who calls off what was ordered; HUP and TERM come from
//! lines that break and hosts that go down, and nobody has called anything off then.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::exit::Exit;

/// A signal that asks us to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caught {
    Interrupt,
    HangUp,
    Terminate,
}

impl Caught {
    const ALL: [Self; 3] = [Self::Interrupt, Self::HangUp, Self::Terminate];

    fn kind(self) -> SignalKind {
        match self {
            Self::Interrupt => SignalKind::interrupt(),
            Self::HangUp => SignalKind::hangup(),
            Self::Terminate => SignalKind::terminate(),
        }
    }

    /// How the process ends then: 128 and the number of the signal.
    #[must_use]
    pub const fn exit(self) -> Exit {
        match self {
            Self::Interrupt => Exit::Interrupted,
            Self::HangUp => Exit::Signal(129),
            Self::Terminate => Exit::Signal(143),
        }
    }

    /// What happened, for the sentence about it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Interrupt => "interrupted",
            Self::HangUp => "hung up",
            Self::Terminate => "terminated",
        }
    }
}

/// Resolves each time a signal asks us to stop. Until it is made, signals end the process as usual.
pub struct Stop {
    signals: Vec<(Caught, Signal)>,
}

impl Stop {
    /// Begins to listen; a kind that cannot be listened for keeps its default, and a HUP that `nohup` has us ignore
    /// stays ignored.
    #[must_use]
    pub fn listen() -> Self {
        let heard =
            Caught::ALL.into_iter().filter(|it| *it != Caught::HangUp || !ignores_hang_up());
        Self { signals: heard.filter_map(|it| Some((it, signal(it.kind()).ok()?))).collect() }
    }

    /// The next signal.
    pub async fn next(&mut self) -> Caught {
        std::future::poll_fn(|context| {
            let mut signals = self.signals.iter_mut();
            let caught = signals.find_map(|(caught, signal)| {
                signal.poll_recv(context).is_ready().then_some(*caught)
            });
            caught.map_or(std::task::Poll::Pending, std::task::Poll::Ready)
        })
        .await
    }
}

/// Whether this process was started with HUP ignored (source: proc(5), `SigIgn` in /proc/self/status). Where that cannot
/// be told it counts as not ignored.
fn ignores_hang_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("SigIgn:")).is_some_and(ignores_first)
}

/// Whether the mask, in hexadecimal, has the bit of signal 1.
fn ignores_first(mask: &str) -> bool {
    u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_nohup_is_read() {
        assert!(ignores_first("\t0000000000001001"));
        assert!(!ignores_first("\t0000000000001000"));
        assert!(!ignores_first("nonsense"));
    }

    #[test]
    fn codes_are_128_and_the_number() {
        assert_eq!(Caught::ALL.map(|it| it.exit().code()), [130, 129, 143]);
    }
}
