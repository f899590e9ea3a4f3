//! Signals, and terminals that go away without one.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// What reached us from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// INT, TERM or HUP: end, with this number.
    End(i32),
    /// The terminal is gone.
    HungUp,
    /// TSTP: stop until the shell continues us.
    Suspend,
    /// CONT after somebody else stopped us: the terminal may show anything.
    Resumed,
}

/// Catches INT, TERM, HUP, TSTP and CONT from now on.
///
/// # Errors
/// A handler cannot be installed.
pub fn catch(tell: mpsc::Sender<Signal>) -> io::Result<JoinHandle<()>> {
    let mut int = signal(SignalKind::interrupt())?;
    let mut term = signal(SignalKind::terminate())?;
    let mut hup = signal(SignalKind::hangup())?;
    let mut tstp = signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?;
    let mut cont = signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?;
    Ok(tokio::spawn(async move {
        loop {
            let caught = tokio::select! {
                _ = int.recv() => Signal::End(2),
                _ = term.recv() => Signal::End(15),
                _ = hup.recv() => Signal::HungUp,
                _ = tstp.recv() => Signal::Suspend,
                _ = cont.recv() => Signal::Resumed,
            };
            if tell.send(caught).await.is_err() {
                return;
            }
        }
    }))
}

/// The thread that notices a terminal going away without HUP.
#[derive(Debug)]
pub struct HangupWatch(Arc<AtomicBool>);

impl HangupWatch {
    /// From now on a hang-up means nothing: the console has ended.
    pub fn stand_down(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The end after a hang-up may take this long.
const END_WITHIN: Duration = Duration::from_secs(15);

/// Watches standard input for hang-up and errors, whatever the loop waits for; nothing is read.
pub fn watch_for_hangup(tell: mpsc::Sender<Signal>) -> HangupWatch {
    use rustix::event::{PollFd, PollFlags, poll};
    let ended = Arc::new(AtomicBool::new(false));
    let stood_down = Arc::clone(&ended);
    let watch = move || {
        let tty = rustix::stdio::stdin();
        loop {
            let mut fds = [PollFd::new(&tty, PollFlags::empty())];
            match poll(&mut fds, None) {
                Ok(_)
                    if fds[0]
                        .revents()
                        .intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) =>
                {
                    break;
                }
                _ => std::thread::sleep(Duration::from_millis(50)),
            }
        }
        if stood_down.load(Ordering::Relaxed) {
            return;
        }
        tell.blocking_send(Signal::HungUp).ok(); // a loop that has ended needs no telling
        std::thread::sleep(END_WITHIN);
        if !stood_down.load(Ordering::Relaxed) {
            std::process::exit(129); // whatever still waits, the journal has every intent
        }
    };
    if let Err(why) = std::thread::Builder::new().name("hang-up".to_owned()).spawn(watch) {
        tracing::warn!(%why, "nobody watches for a hang-up");
    }
    HangupWatch(ended)
}
