//! Questions to the terminal outside of the console, for `doctor`: all that the console asks, with one behind them that
//! every terminal answers, so that nothing is waited for in vain and no late answer reaches the shell.

use std::io;
use std::time::{Duration, Instant};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{QueueSelector, tcflush};

use super::answers::{BACKGROUND, FENCE, GRAPHICS, Heard, LATEST, NAME};
use super::input::{Reader, Sent};
use super::pictures;
use crate::ui::pixels::Way;

/// More than this is no answer.
const LONGEST: usize = 4096;

/// Asks, and waits for the last answer, at most [`LATEST`] for those to each round of questions; answers how long it
/// took. What is typed meanwhile is lost. `guessed`: what the environment says of pictures.
///
/// # Errors
/// Standard input or output is no terminal, or goes away.
pub fn ask(guessed: Way) -> io::Result<(Heard, Duration)> {
    let began = Instant::now();
    enable_raw_mode()?;
    let mut heard = Heard::default();
    let asked = rounds(&mut heard, guessed);
    let _ = tcflush(rustix::stdio::stdin(), QueueSelector::IFlush); // a dead terminal refuses
    disable_raw_mode()?;
    asked?;
    Ok((heard, began.elapsed()))
}

fn rounds(heard: &mut Heard, guessed: Way) -> io::Result<()> {
    exchange(&[BACKGROUND, NAME, FENCE].concat(), heard)?;
    if heard.attributes.is_none() || !pictures::may_be_kitty(heard, guessed) {
        return Ok(());
    }
    let attributes = heard.attributes.take();
    let asked = exchange(&[GRAPHICS, FENCE].concat(), heard);
    heard.attributes = attributes;
    asked
}

fn exchange(questions: &[u8], heard: &mut Heard) -> io::Result<()> {
    use std::io::Write as _;
    let began = Instant::now();
    let mut out = io::stdout().lock();
    out.write_all(questions)?;
    out.flush()?;
    let tty = rustix::stdio::stdin();
    let (mut reader, mut read) = (Reader::default(), 0);
    while heard.attributes.is_none() && read < LONGEST {
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
            count => {
                read += count;
                note(heard, reader.take(&some[..count], Instant::now(), true, false));
            }
        }
    }
    note(heard, reader.let_go());
    Ok(())
}

/// Notes the answers; what was typed between them is passed over.
fn note(heard: &mut Heard, sent: Vec<Sent>) {
    for it in sent {
        if let Sent::Answer(answer) = it {
            heard.note(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::theme::Ground;
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
        let (mut heard, mut reader) = (Heard::default(), Reader::default());
        note(&mut heard, reader.take(read.as_bytes(), Instant::now(), true, false));
        note(&mut heard, reader.let_go());
        assert_eq!(heard.background.and_then(|(_, ground)| ground), ground);
        assert_eq!((heard.name.as_deref(), heard.attributes.is_some()), (name, fence));
    }
}
