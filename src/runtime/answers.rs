//! What is asked of the terminal, once in the life of the process and behind the first frame: its background (OSC 11),
//! its name (XTVERSION) and its attributes (DA1), which every terminal tells, so that no answer is owed once they are
//! there; and of those that call themselves so whether they draw kitty's pictures, a question that others would show.
//!
//! Nobody waits for an answer. It comes among the keys, whenever it does, and is taken out of them before they reach a
//! command or a text field. What is owed when the terminal is given back is read for a little longer, so that no shell
//! reads it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{QueueSelector, tcflush, tcgetpgrp};

use super::background::ground;
use super::input::{Reader, Sent};
use super::pictures;
use crate::app::msg::Input;
use crate::ui::pixels::Way;
use crate::ui::theme::Ground;

/// The question after the background.
pub const BACKGROUND: &[u8] = b"\x1b]11;?\x1b\\";
/// What the terminal is called.
pub const NAME: &[u8] = b"\x1b[>0q";
/// Whether it would take a picture by kitty's protocol, of one pixel that it does not keep.
pub const GRAPHICS: &[u8] = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\";
/// Its attributes. Answers come in the order of the questions, so nothing comes behind this one's.
pub const FENCE: &[u8] = b"\x1b[c";

/// A terminal that has not answered after this long is taken not to do so any more.
pub const LATEST: Duration = Duration::from_secs(2);
/// An answer that is owed when the terminal is given back is waited for at least so long.
const AT_THE_END: Duration = Duration::from_millis(100);

/// One answer, as the terminal wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Background(String),
    Name(String),
    Graphics(String),
    /// The first is its class, the others say what it can.
    Attributes(Vec<u16>),
}

/// What the terminal answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard {
    /// As it wrote it, with what it means.
    pub background: Option<(String, Option<Ground>)>,
    pub name: Option<String>,
    /// Whether it draws kitty's pictures, where it was asked and said so.
    pub graphics: Option<bool>,
    /// The fence.
    pub attributes: Option<Vec<u16>>,
}

impl Heard {
    /// Notes an answer.
    pub fn note(&mut self, answer: Answer) {
        match answer {
            Answer::Background(text) => {
                let means = ground(&text);
                self.background = Some((text, means));
            }
            Answer::Name(name) => self.name = Some(name).filter(|name| !name.is_empty()),
            Answer::Graphics(text) => self.graphics = Some(text.ends_with(";OK")),
            Answer::Attributes(all) => self.attributes = Some(all),
        }
    }
}

/// What is to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Questions {
    pub background: bool,
    /// What it draws pictures with.
    pub pictures: bool,
}

impl Questions {
    #[must_use]
    pub const fn are_any(self) -> bool {
        self.background || self.pictures
    }
}

/// What was asked, and what is known.
#[derive(Debug)]
struct Known {
    asked: Questions,
    /// Kitty's question was asked as well.
    graphics: bool,
    /// When the last question was asked.
    at: Option<Instant>,
    /// Fences that have not come back.
    owed: u8,
    heard: Heard,
}

static KNOWN: Mutex<Known> = Mutex::new(Known::NOTHING);

fn known<T>(look: impl FnOnce(&mut Known) -> T) -> T {
    look(&mut KNOWN.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Known {
    const NOTHING: Self = Self {
        asked: Questions { background: false, pictures: false },
        graphics: false,
        at: None,
        owed: 0,
        heard: Heard { background: None, name: None, graphics: None, attributes: None },
    };

    fn ask(&mut self, wanted: Questions, now: Instant) -> Vec<u8> {
        let background = wanted.background && !self.asked.background;
        let pictures = wanted.pictures && !self.asked.pictures;
        if !background && !pictures {
            return Vec::new();
        }
        self.asked.background |= background;
        self.asked.pictures |= pictures;
        let questions = [(background, BACKGROUND), (pictures, NAME), (true, FENCE)];
        self.sent(now, &questions.map(|(is_asked, bytes)| if is_asked { bytes } else { b"" }))
    }

    fn sent(&mut self, now: Instant, questions: &[&[u8]]) -> Vec<u8> {
        self.at = Some(now);
        self.owed += 1;
        questions.concat()
    }

    /// What an answer means to the console, and what is to be asked after it.
    fn hear(
        &mut self,
        answer: Answer,
        now: Instant,
        guessed: impl Fn() -> (Way, String),
    ) -> (Option<Input>, Vec<u8>) {
        if self.at.is_none() {
            return (None, Vec::new()); // somebody else's
        }
        let was_ground = self.ground();
        let is_fence = matches!(answer, Answer::Attributes(_));
        self.settle(answer);
        if !is_fence {
            let ground = self.ground().filter(|_| self.ground() != was_ground);
            return (ground.map(Input::Ground), Vec::new());
        }
        if !self.asked.pictures {
            return (None, Vec::new());
        }
        if !self.graphics && pictures::may_be_kitty(&self.heard, guessed().0) {
            self.graphics = true;
            return (None, self.sent(now, &[GRAPHICS, FENCE]));
        }
        let (way, why) = pictures::concluded(&self.heard, guessed());
        (Some(Input::Pictures { way, why }), Vec::new())
    }

    /// Notes an answer after which nothing is asked.
    fn settle(&mut self, answer: Answer) {
        if matches!(answer, Answer::Attributes(_)) {
            self.owed = self.owed.saturating_sub(1);
        }
        self.heard.note(answer);
    }

    fn ground(&self) -> Option<Ground> {
        self.heard.background.as_ref().and_then(|(_, means)| *means)
    }

    /// Whether what looks like an answer may be one. An answer to somebody who asked before us may pass for our fence,
    /// so what is asked is known when it comes behind that as well.
    fn awaits(&self, now: Instant) -> bool {
        self.owed > 0 || self.at.is_some_and(|at| now.duration_since(at) < LATEST)
    }

    /// Until when what is owed is waited for at the end, if anything is.
    fn owes_until(&self, now: Instant) -> Option<Instant> {
        let at = self.at.filter(|_| self.owed > 0)?;
        Some((at + LATEST).max(now + AT_THE_END))
    }
}

/// Whether a terminal may be asked: those that would show a question, or have never answered one, are not.
pub fn may_be_asked(env: impl Fn(&str) -> Option<String>) -> bool {
    let term = env("TERM").unwrap_or_default();
    let mute = ["dumb", "linux", "ansi", "cons", "cygwin", "eterm", "Eterm", "sun", "wyse"];
    let glass =
        term.strip_prefix("vt").is_some_and(|kind| kind.starts_with(|c: char| c.is_ascii_digit()));
    !term.is_empty() && !glass && !mute.iter().any(|name| term.starts_with(name))
}

/// The bytes of the questions that were not asked before.
#[must_use]
pub fn ask(wanted: Questions) -> Vec<u8> {
    known(|known| known.ask(wanted, Instant::now()))
}

/// The last question has not left.
pub fn was_not_asked() {
    known(|known| known.owed = known.owed.saturating_sub(1));
}

/// Whether there may be answers among the keys.
#[must_use]
pub fn are_awaited() -> bool {
    known(|known| known.awaits(Instant::now()))
}

/// What an answer means to the console, and what is to be asked after it.
pub fn hear(answer: Answer) -> (Option<Input>, Vec<u8>) {
    let guessed = || pictures::guess_and_why(|name| std::env::var(name).ok());
    known(|known| known.hear(answer, Instant::now(), guessed))
}

/// Whether the terminal said that it is light or dark.
#[must_use]
pub fn background() -> Option<Ground> {
    known(|known| known.ground())
}

/// What the terminal draws pictures with, and what says so: what it answered, else the environment.
#[must_use]
pub fn way_of_pictures(env: impl Fn(&str) -> Option<String>) -> (Way, String) {
    let guessed = pictures::guess_and_why(env);
    known(|known| {
        let is_told = known.asked.pictures && known.owed == 0;
        if is_told { pictures::concluded(&known.heard, guessed) } else { guessed }
    })
}

/// The terminal is about to be given back, and still raw: what it owes is read and noted, as long as it may be on its
/// way, with what is typed meanwhile.
pub fn forget_late_answers() {
    let Some(until) = known(|known| known.owes_until(Instant::now())) else { return };
    let tty = rustix::stdio::stdin();
    // whoever reads from behind another program is stopped for it
    if tcgetpgrp(tty).ok() != Some(rustix::process::getpgrp()) {
        return;
    }
    let (mut reader, mut bytes) = (Reader::default(), [0; 1024]);
    while known(|known| known.owed > 0) {
        let left = until.saturating_duration_since(Instant::now());
        let limit = Timespec { tv_sec: 0, tv_nsec: left.subsec_nanos().min(100_000_000).into() };
        if left.is_zero() {
            let _ = tcflush(tty, QueueSelector::IFlush); // a dead terminal has nothing to be read
            return;
        }
        match poll(&mut [PollFd::new(&tty, PollFlags::IN)], Some(&limit)) {
            Ok(0) => continue,
            Ok(_) => {}
            Err(_) => return,
        }
        let Ok(count @ 1..) = rustix::io::read(tty, &mut bytes) else { return };
        for sent in reader.take(&bytes[..count], Instant::now(), true, false) {
            if let Sent::Answer(answer) = sent {
                known(|known| known.settle(answer));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const BOTH: Questions = Questions { background: true, pictures: true };

    fn plain() -> (Way, String) {
        (Way::Cells, String::new())
    }

    /// The answers, one after the other, and what came of them.
    fn heard(known: &mut Known, answers: &[Answer], now: Instant) -> (Vec<Input>, Vec<u8>) {
        let (mut inputs, mut asked) = (Vec::new(), Vec::new());
        for answer in answers {
            let (input, question) = known.hear(answer.clone(), now, plain);
            inputs.extend(input);
            asked.extend(question);
        }
        (inputs, asked)
    }

    fn way(inputs: &[Input]) -> Option<Way> {
        inputs.iter().rev().find_map(|input| match input {
            Input::Pictures { way, .. } => Some(*way),
            _ => None,
        })
    }

    #[test]
    fn every_question_is_asked_once_with_a_fence_behind() {
        let (mut known, now) = (Known::NOTHING, Instant::now());
        let only = Questions { background: true, pictures: false };
        assert_eq!(known.ask(Questions::default(), now), b"");
        assert_eq!(known.ask(only, now), [BACKGROUND, FENCE].concat());
        assert_eq!(known.ask(only, now), b"");
        assert_eq!(known.ask(BOTH, now), [NAME, FENCE].concat());
        assert_eq!(known.ask(BOTH, now), b"");
        assert_eq!(known.owed, 2);
    }

    #[test]
    fn a_terminal_with_sixels_says_so_among_its_attributes() {
        let (mut known, now) = (Known::NOTHING, Instant::now());
        known.ask(BOTH, now);
        let (inputs, asked) = heard(&mut known, &[Answer::Attributes(vec![62, 4, 22])], now);
        assert_eq!((way(&inputs), asked), (Some(Way::Sixel), vec![]));
        assert_eq!(known.owes_until(now), None, "nothing comes behind the fence");
        // the class of a terminal is no attribute
        let mut vt132 = Known::NOTHING;
        vt132.ask(BOTH, now);
        let (inputs, _) = heard(&mut vt132, &[Answer::Attributes(vec![4, 6])], now);
        assert_eq!(way(&inputs), Some(Way::Cells));
    }

    #[test]
    fn kitty_is_asked_for_its_pictures_by_name_and_others_never() {
        let (mut known, now) = (Known::NOTHING, Instant::now());
        known.ask(BOTH, now);
        let name = Answer::Name("kitty(0.35.1)".to_owned());
        let fence = Answer::Attributes(vec![62]);
        let (inputs, asked) = heard(&mut known, &[name.clone(), fence.clone()], now);
        assert_eq!((inputs, asked), (vec![], [GRAPHICS, FENCE].concat()));
        assert!(known.owes_until(now).is_some());
        let yes = Answer::Graphics(";OK".to_owned());
        let (inputs, asked) = heard(&mut known, &[yes, fence.clone()], now);
        assert_eq!((way(&inputs), asked), (Some(Way::Kitty), vec![]));
        // a multiplexer that hands the name on and not the question
        let mut between = Known::NOTHING;
        between.ask(BOTH, now);
        let (inputs, _) = heard(&mut between, &[name, fence.clone(), fence.clone()], now);
        assert_eq!(way(&inputs), Some(Way::Cells));
        let mut other = Known::NOTHING;
        other.ask(BOTH, now);
        let name = Answer::Name("terminology 1.14".to_owned());
        let (inputs, asked) = heard(&mut other, &[name, fence], now);
        assert_eq!((way(&inputs), asked), (Some(Way::Cells), vec![]));
    }

    #[test]
    fn an_answer_to_somebody_else_is_no_end_of_ours() {
        let (mut known, now) = (Known::NOTHING, Instant::now());
        let stray = Answer::Attributes(vec![1, 2]);
        assert_eq!(heard(&mut known, std::slice::from_ref(&stray), now), (vec![], vec![]));
        assert!(!known.awaits(now));
        known.ask(BOTH, now);
        heard(&mut known, &[stray], now);
        assert!(known.awaits(now), "the background may still come");
        let late = [Answer::Background("#ffffff".to_owned()), Answer::Attributes(vec![62, 4])];
        let (inputs, _) = heard(&mut known, &late, now);
        assert_eq!(inputs[0], Input::Ground(Ground::Light));
        assert_eq!(way(&inputs), Some(Way::Sixel));
        assert!(!known.awaits(now + LATEST));
    }

    #[test]
    fn what_is_owed_at_the_end_is_waited_for_a_little() {
        let (mut known, now) = (Known::NOTHING, Instant::now());
        assert_eq!(known.owes_until(now), None);
        known.ask(BOTH, now);
        assert_eq!(known.owes_until(now), Some(now + LATEST));
        let later = now + LATEST * 9;
        assert_eq!(known.owes_until(later), Some(later + AT_THE_END));
        assert!(known.awaits(later), "and taken out of the keys until it comes");
    }

    #[rstest]
    #[case("xterm-256color", true)]
    #[case("tmux-256color", true)]
    #[case("screen", true)]
    #[case("vte-256color", true)]
    #[case("vt220", false)]
    #[case("dumb", false)]
    #[case("linux", false)]
    #[case("", false)]
    fn terminals_that_would_show_the_question_are_not_asked(#[case] term: &str, #[case] may: bool) {
        assert_eq!(may_be_asked(|_| Some(term.to_owned())), may);
    }
}
