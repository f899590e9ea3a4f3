//! Bytes to the terminal: at once where it takes them, else by a thread of their own. A line that stalls (flow control, a
//! dead link) stops the picture, never the loop.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// Hands frames to the writing thread; at most one is under way.
#[derive(Debug, Clone)]
pub struct Output {
    frames: SyncSender<Vec<u8>>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// The terminal once more, opened so that a write never waits; the shell keeps its own as it was.
    prompt: Option<OwnedFd>,
    /// Frames handed over and not written yet.
    waiting: Mutex<usize>,
    written: Condvar,
    idle: Notify,
    broken: AtomicBool,
}

impl Output {
    /// Starts the thread; `when_broken` is told once when the terminal takes no more bytes.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(
        terminal: OwnedFd,
        when_broken: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let (frames, queue) = sync_channel(4);
        let shared = Arc::new(Shared {
            prompt: prompt(&terminal),
            waiting: Mutex::default(),
            written: Condvar::new(),
            idle: Notify::new(),
            broken: AtomicBool::new(false),
        });
        let theirs = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("terminal".to_owned())
            .spawn(move || write_frames(&terminal, &queue, &theirs, when_broken))?;
        Ok(Self { frames, shared })
    }

    /// Whether earlier bytes have not left.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        *self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner) > 0
    }

    /// Returns when all bytes have left.
    pub async fn idle(&self) {
        while self.is_busy() {
            self.shared.idle.notified().await;
        }
    }

    /// Hands bytes over; false where the terminal is broken or the queue is full.
    pub fn send(&self, mut bytes: Vec<u8>) -> bool {
        if bytes.is_empty() || self.shared.broken.load(Ordering::Relaxed) {
            return false;
        }
        let mut waiting = self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if *waiting == 0 {
            self.shared.write_promptly(&mut bytes);
            if bytes.is_empty() {
                return true;
            }
        }
        *waiting += 1;
        drop(waiting);
        let sent = self.frames.try_send(bytes).is_ok();
        if !sent {
            self.shared.done();
        }
        sent
    }

    /// Hands bytes over and waits until everything has left, at most for `limit`.
    pub fn send_and_wait(&self, bytes: &[u8], limit: Duration) {
        let until = Instant::now() + limit;
        while !self.send(bytes.to_vec()) {
            if self.shared.broken.load(Ordering::Relaxed) || Instant::now() >= until {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut waiting = self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while *waiting > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let result = self.shared.written.wait_timeout(waiting, left);
            waiting = result.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// The same terminal, opened for itself; nothing where it is none, or is not to be had under its name.
fn prompt(terminal: &OwnedFd) -> Option<OwnedFd> {
    use rustix::fs::{Mode, OFlags, fstat, open};
    let name = rustix::termios::ttyname(terminal, Vec::new()).ok()?;
    let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = open(name, flags, Mode::empty()).ok()?;
    let (given, found) = (fstat(terminal).ok()?, fstat(&opened).ok()?);
    (given.st_rdev == found.st_rdev && given.st_dev == found.st_dev).then_some(opened)
}

impl Shared {
    /// Writes what the terminal takes without being waited for; the rest, and what is to be said of its failures, is
    /// left to the thread.
    fn write_promptly(&self, bytes: &mut Vec<u8>) {
        let Some(prompt) = &self.prompt else { return };
        while !bytes.is_empty() {
            match rustix::io::write(prompt, bytes) {
                Ok(written) => drop(bytes.drain(..written)),
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }

    fn done(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        *waiting = waiting.saturating_sub(1);
        if *waiting == 0 {
            self.written.notify_all();
            self.idle.notify_one();
        }
    }
}

fn write_frames(
    terminal: &OwnedFd,
    queue: &Receiver<Vec<u8>>,
    shared: &Shared,
    when_broken: impl FnOnce(),
) {
    let mut when_broken = Some(when_broken);
    for frame in queue {
        if let Err(why) = write_all(terminal, &frame) {
            shared.broken.store(true, Ordering::Relaxed);
            if let Some(tell) = when_broken.take() {
                tracing::debug!(%why, "the terminal takes no more bytes");
                tell();
            }
        }
        shared.done();
    }
}

fn write_all(terminal: &OwnedFd, mut bytes: &[u8]) -> rustix::io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    while !bytes.is_empty() {
        match rustix::io::write(terminal, bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => {
                // the shell left it non-blocking
                poll(&mut [PollFd::new(terminal, PollFlags::OUT)], None).ok();
            }
            Err(why) => return Err(why),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[tokio::test]
    async fn a_stalled_terminal_makes_the_output_busy_and_nothing_else() {
        let (reader, writer) = std::io::pipe().unwrap();
        let output = Output::start(writer.into(), || ()).unwrap();
        assert!(!output.is_busy());
        assert!(output.send(vec![b'x'; 1 << 20])); // more than a pipe holds
        assert!(output.is_busy());
        let mut reader = reader;
        let drained = tokio::task::spawn_blocking(move || {
            let mut bytes = vec![0; 1 << 20];
            reader.read_exact(&mut bytes).map(|()| reader)
        });
        output.idle().await;
        assert!(!output.is_busy());
        drained.await.unwrap().unwrap();
    }

    #[test]
    fn a_terminal_that_takes_bytes_gets_them_at_once_and_the_rest_in_order() {
        let pty = portable_pty::native_pty_system().openpty(portable_pty::PtySize::default());
        let pty = pty.unwrap().master;
        let name = pty.tty_name().unwrap();
        let theirs = std::fs::OpenOptions::new().read(true).write(true).open(name).unwrap();
        let raw = |mut modes: rustix::termios::Termios| {
            modes.make_raw();
            modes
        };
        let modes = raw(rustix::termios::tcgetattr(&theirs).unwrap());
        rustix::termios::tcsetattr(&theirs, rustix::termios::OptionalActions::Now, &modes).unwrap();
        let output = Output::start(theirs.into(), || ()).unwrap();
        assert!(output.send(b"first".to_vec()));
        assert!(!output.is_busy(), "nothing was waited for");
        let long = (0..1 << 18).map(|n| b'a' + u8::try_from(n % 26).unwrap()).collect::<Vec<_>>();
        assert!(output.send(long.clone()));
        assert!(output.send(b"last".to_vec()));
        assert!(output.is_busy(), "nobody reads so much");
        let expected = [b"first".as_slice(), &long, b"last"].concat();
        let mut read = vec![0; expected.len()];
        pty.try_clone_reader().unwrap().read_exact(&mut read).unwrap();
        assert!(read == expected, "in order");
    }

    #[tokio::test]
    async fn a_terminal_that_went_away_is_told_once() {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let (tell, told) = tokio::sync::oneshot::channel();
        let output = Output::start(writer.into(), move || tell.send(()).unwrap()).unwrap();
        assert!(output.send(b"x".to_vec()));
        told.await.unwrap();
        output.send_and_wait(b"y", Duration::from_secs(5));
        assert!(!output.send(b"z".to_vec()));
    }
}
