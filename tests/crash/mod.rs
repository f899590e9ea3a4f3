//! The real process, killed again and again in the middle of its work, against a real local cloud.
//!
//! Between the two stands a [`Middleman`], which passes everything on and keeps books: what was asked, when, and how far
//! the answer had come when the process died. Together with the local cloud's own books and the journal they prove
//! that nothing was lost and nothing repeated that must not be.

mod deletes;
mod journal;
pub mod middleman;
mod purge;
mod renames;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::home::{Home, Ran};

/// A command that takes longer than this hangs: a debug build on a busy machine takes its time.
const PATIENCE: Duration = Duration::from_secs(240);

/// Starts a command whose words nobody reads.
pub fn start(home: &Home, arguments: &[&str]) -> Child {
    let mut command: Command = home.command(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("allclear starts")
}

/// Carries a command out to its end.
pub fn finish(home: &Home, arguments: &[&str]) -> Ran {
    let child = home.spawn(arguments);
    Ran::of(&child.wait_with_output().expect("it ends"))
}

/// Waits for a condition; the process may end meanwhile, which is told as false.
pub fn until(child: &mut Child, mut holds: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    loop {
        if holds() {
            return true;
        }
        if child.try_wait().expect("a child").is_some() {
            return false;
        }
        assert!(begun.elapsed() < PATIENCE, "nothing happens any more");
        std::thread::sleep(Duration::from_micros(500));
    }
}

/// Chance that repeats.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}
