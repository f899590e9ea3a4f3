//! What the terminal sends, in our words: read from it as bytes, so that its answers are told from keys.

mod keys;
mod reader;

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Instant;

use futures_util::{Stream, stream};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep_until;

pub use reader::{Reader, Sent};

use super::{answers, terminal};
use crate::app::msg::Input;

/// Bytes taken at once.
const TAKEN: usize = 4096;

/// Everything the terminal sends; what means nothing to us is left out. Ends when the terminal does.
///
/// # Errors
/// Standard input cannot be waited for.
pub fn events() -> io::Result<impl Stream<Item = Input> + Unpin> {
    let source = Source::open()?;
    Ok(Box::pin(stream::unfold(source, |mut source| async move {
        let next = source.next().await?;
        Some((next, source))
    })))
}

/// Bytes of the terminal, and what they were.
struct Source {
    tty: AsyncFd<OwnedFd>,
    resized: Signal,
    reader: Reader,
    ready: VecDeque<Input>,
}

impl Source {
    #[allow(deprecated)] // its successor is unsafe for what does not keep its number; an `OwnedFd` does
    fn open() -> io::Result<Self> {
        // its own number: a console that ends and the next one may both be registered for a moment
        let tty = rustix::stdio::stdin().as_fd().try_clone_to_owned()?;
        Ok(Self {
            tty: AsyncFd::with_interest(tty, Interest::READABLE)?,
            resized: signal(SignalKind::window_change())?,
            reader: Reader::default(),
            ready: VecDeque::new(),
        })
    }

    async fn next(&mut self) -> Option<Input> {
        let mut bytes = [0; TAKEN];
        loop {
            if let Some(input) = self.ready.pop_front() {
                return Some(input);
            }
            let until = self.reader.until();
            tokio::select! {
                biased;
                read = read(&self.tty, &mut bytes) => {
                    let taken = bytes.get(..read.ok()?).filter(|taken| !taken.is_empty())?;
                    let more = taken.len() == TAKEN;
                    let sent = self.reader.take(taken, Instant::now(), answers::are_awaited(), more);
                    self.sort(sent);
                }
                Some(()) = self.resized.recv() => {
                    let size = crossterm::terminal::size().ok();
                    self.ready.extend(size.map(|(width, height)| Input::Resize(width, height)));
                }
                () = sleep_until(until.unwrap_or_else(Instant::now).into()), if until.is_some() => {
                    let sent = self.reader.let_go();
                    self.sort(sent);
                }
            }
        }
    }

    /// Keys go on, answers are noted, and what is to be asked after them is asked.
    fn sort(&mut self, sent: Vec<Sent>) {
        for it in sent {
            match it {
                Sent::Input(input) => self.ready.push_back(input),
                Sent::Answer(answer) => {
                    let (inputs, question) = answers::hear(answer);
                    self.ready.extend(inputs);
                    if !question.is_empty() && !terminal::send(question) {
                        answers::was_not_asked();
                    }
                }
            }
        }
    }
}

/// Reads what is there, once something is. The terminal stays as the shell has it: reads would block, and are made only
/// when one cannot.
async fn read(tty: &AsyncFd<OwnedFd>, into: &mut [u8]) -> io::Result<usize> {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    loop {
        let mut guard = tty.readable().await?;
        if poll(&mut [PollFd::new(tty.get_ref(), PollFlags::IN)], Some(&now))? == 0 {
            guard.clear_ready();
            continue;
        }
        match rustix::io::read(tty.get_ref(), &mut *into) {
            Ok(count) => return Ok(count),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => guard.clear_ready(),
            Err(why) => return Err(why.into()),
        }
    }
}
