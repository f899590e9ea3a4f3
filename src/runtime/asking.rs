//! Questions to the terminal outside of the console, for `doctor`: all at once, with one behind them that every terminal
//! answers, so that nothing is waited for in vain and no late answer reaches the shell.

use std::io;
use std::time::{Duration, Instant};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{QueueSelector, tcflush};

use super::background::{QUESTION, ground};
use crate::ui::theme::Ground;

/// What the terminal is called (XTVERSION).
const NAME: &[u8] = b"\x1b[>0q";
/// Its attributes (DA1): answers come in the order of the questions, so nothing comes behind this one's.
const FENCE: &[u8] = b"\x1b[c";
/// A terminal that has not answered by then answers nothing.
pub const LATEST: Duration = Duration::from_secs(2);
/// More than this is no answer.
const LONGEST: usize = 4096;

/// What the terminal answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard {
    /// As it wrote it, with what it means.
    pub background: Option<(String, Option<Ground>)>,
    pub name: Option<String>,
    /// It answered what every terminal answers.
    pub fence: bool,
    pub took: Duration,
}

/// Asks, and waits for the last answer, at most [`LATEST`]. What is typed meanwhile is lost.
///
/// # Errors
/// Standard input or output is no terminal, or goes away.
pub fn ask() -> io::Result<Heard> {
    let began = Instant::now();
    enable_raw_mode()?;
    let read = exchange(began);
    let _ = tcflush(rustix::stdio::stdin(), QueueSelector::IFlush); // a dead terminal refuses
    disable_raw_mode()?;
    Ok(Heard { took: began.elapsed(), ..understood(&read?) })
}

fn exchange(began: Instant) -> io::Result<Vec<u8>> {
    use std::io::Write as _;
    let mut out = io::stdout().lock();
    out.write_all(&[QUESTION, NAME, FENCE].concat())?;
    out.flush()?;
    let tty = rustix::stdio::stdin();
    let mut read = Vec::new();
    while !understood(&read).fence && read.len() < LONGEST {
        let left = LATEST.saturating_sub(began.elapsed());
        if left.is_zero() {
            break;
        }
        let limit = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(0),
            tv_nsec: left.subsec_nanos().into(),
        };
        if poll(&mut [PollFd::new(&tty, PollFlags::IN)], Some(&limit))? == 0 {
            break;
        }
        let mut some = [0; 256];
        match rustix::io::read(tty, &mut some)? {
            0 => break,
            count => read.extend_from_slice(&some[..count]),
        }
    }
    Ok(read)
}

/// The answers among what was read; what was typed between them is passed over.
fn understood(read: &[u8]) -> Heard {
    let text = String::from_utf8_lossy(read);
    let background = between(&text, "\x1b]11;").map(|said| (said.to_owned(), ground(said)));
    let name = between(&text, "\x1bP>|").filter(|name| !name.is_empty()).map(str::to_owned);
    let fence = text.split("\x1b[?").skip(1).any(|rest| {
        rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('c')
    });
    Heard { background, name, fence, took: Duration::ZERO }
}

/// What stands behind `begin`, up to the end of its string.
fn between<'t>(text: &'t str, begin: &str) -> Option<&'t str> {
    let rest = &text[text.find(begin)? + begin.len()..];
    let end = rest.find(['\x07', '\x1b'])?;
    Some(&rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(
        "\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1bP>|XTerm(388)\x1b\\\x1b[?64;1;9c",
        Some(Ground::Light),
        Some("XTerm(388)"),
        true
    )]
    #[case("typed\x1b]11;rgb:0000/0000/0000\x07more\x1b[?6c", Some(Ground::Dark), None, true)]
    #[case("\x1b[?1;2c", None, None, true)]
    #[case("\x1b]11;rgb:0000/00", None, None, false)]
    #[case("\x1b]11;blue\x07", None, None, false)]
    #[case("\x1b[?2026;2$y", None, None, false)]
    #[case("", None, None, false)]
    fn answers_are_found_among_what_was_typed(
        #[case] read: &str,
        #[case] ground: Option<Ground>,
        #[case] name: Option<&str>,
        #[case] fence: bool,
    ) {
        let heard = understood(read.as_bytes());
        assert_eq!(heard.background.and_then(|(_, ground)| ground), ground);
        assert_eq!((heard.name.as_deref(), heard.fence), (name, fence));
    }
}
