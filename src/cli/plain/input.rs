//! Lines from the terminal, which edits and echoes them by itself; signals; and waiting that can be given up.

use std::future::Future;
use std::io::{self, BufRead as _};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

use super::super::exit::Exit;
use super::super::output::Output;

/// A wait that takes longer says what it waits for.
const PATIENCE: Duration = Duration::from_secs(2);

const TERMINATED: Exit = Exit::Signal(128 + 15);
const HUNG_UP: Exit = Exit::Signal(128 + 1);

/// What came from the operator.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed {
    Line(String),
    /// Ctrl-C.
    Interrupt,
    /// The end of the input, or a signal: nothing more will come, and so it ends.
    End(Exit),
}

/// The operator's side.
pub struct Input {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    /// A line that is being typed: it outlives whoever waited for it.
    reading: Option<JoinHandle<io::Result<Option<String>>>>,
}

impl Input {
    /// Begins to listen to signals.
    ///
    /// # Errors
    /// The system's.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            reading: None,
        })
    }

    /// The next line or signal; nothing is lost when nobody waits for it any more.
    pub async fn next(&mut self) -> Typed {
        let Self { interrupt, terminate, hangup, reading } = self;
        let line = reading.get_or_insert_with(|| tokio::task::spawn_blocking(read_line));
        let read = tokio::select! {
            biased;
            _ = interrupt.recv() => return Typed::Interrupt,
            _ = terminate.recv() => return Typed::End(TERMINATED),
            _ = hangup.recv() => return Typed::End(HUNG_UP),
            read = line => read,
        };
        *reading = None;
        match read {
            Ok(Ok(Some(line))) => Typed::Line(line),
            _ => Typed::End(Exit::Done),
        }
    }

    /// Drops what was typed before a question was asked: it cannot be its answer.
    pub fn forget(&mut self) {
        let flush = rustix::termios::QueueSelector::IFlush;
        rustix::termios::tcflush(rustix::stdio::stdin(), flush).ok(); // no terminal has no queue
        if self.reading.as_ref().is_some_and(JoinHandle::is_finished) {
            self.reading = None;
        }
    }

    /// Waits for `work`, and says so where it takes long; `None` when the operator or a signal ends the wait. The
    /// signal that ends everything is in `ended` then.
    pub async fn wait<T>(
        &mut self,
        output: &Output,
        what: &str,
        ended: &mut Option<Exit>,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let slow = tokio::time::sleep(PATIENCE);
        tokio::pin!(work, slow);
        let mut said = false;
        loop {
            tokio::select! {
                biased;
                _ = self.interrupt.recv() => {
                    let _ = output.line("given up"); // nobody reads it: the next prompt sees that
                    return None;
                }
                _ = self.terminate.recv() => { *ended = Some(TERMINATED); return None; }
                _ = self.hangup.recv() => { *ended = Some(HUNG_UP); return None; }
                done = &mut work => return Some(done),
                () = &mut slow, if !said => {
                    said = true;
                    let _ = output.line(&format!("{what}; Ctrl-C gives up"));
                }
            }
        }
    }
}

fn read_line() -> io::Result<Option<String>> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line)?;
    Ok((read > 0).then(|| line.trim().to_owned()))
}
