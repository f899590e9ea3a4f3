//! Whether the terminal is light or dark: asked of it once in the life of the process (OSC 11), behind the first frame.
//!
//! Nobody waits for the answer. It comes among the keys, whenever it does, as the keys that it is made of: here it is
//! taken out of them, so that it reaches neither a command nor a text field. What has not come when the terminal is
//! given back is waited for a little and thrown away, so that no shell reads it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::termios::{QueueSelector, tcflush};

use crate::ui::theme::Ground;

/// The question.
pub const QUESTION: &[u8] = b"\x1b]11;?\x1b\\";

/// A terminal that has not answered after this long is taken not to do so any more when it is given back.
const LATEST: Duration = Duration::from_secs(2);
/// The beginning of an answer is held back so long; after that a finger pressed those keys.
const HELD: Duration = Duration::from_millis(300);
/// The rest of an answer is waited for so long.
const WITHIN: Duration = Duration::from_secs(2);
/// Longer answers are none.
const LONGEST: usize = 64;
/// Between the key that an answer begins with and what it says.
const PREFIX: &str = "11;";

/// What is known of the terminal's background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Nobody has asked.
    Nothing,
    Asked(Instant),
    /// `None`: what was said means nothing.
    Answered(Option<Ground>),
}

static KNOWN: Mutex<Known> = Mutex::new(Known::Nothing);

fn known() -> Known {
    *KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn know(what: Known) {
    *KNOWN.lock().unwrap_or_else(PoisonError::into_inner) = what;
}

/// Whether a terminal may be asked: those that would show the question, or have never answered one, are not.
pub fn may_be_asked(env: impl Fn(&str) -> Option<String>) -> bool {
    let term = env("TERM").unwrap_or_default();
    let mute = ["dumb", "linux", "ansi", "cons", "cygwin", "eterm", "Eterm", "sun", "wyse"];
    let glass =
        term.strip_prefix("vt").is_some_and(|kind| kind.starts_with(|c: char| c.is_ascii_digit()));
    !term.is_empty() && !glass && !mute.iter().any(|name| term.starts_with(name))
}

/// The bytes of the question, the first time; nothing where it was asked before.
#[must_use]
pub fn ask() -> &'static [u8] {
    if known() != Known::Nothing {
        return b"";
    }
    know(Known::Asked(Instant::now()));
    QUESTION
}

/// What the terminal said before, if it did.
#[must_use]
pub fn answered() -> Option<Ground> {
    match known() {
        Known::Answered(ground) => ground,
        Known::Nothing | Known::Asked(_) => None,
    }
}

/// The terminal is about to be given back, and still raw: an answer that has not come is waited for as long as it may
/// be on its way, then thrown away with what else was typed.
pub fn forget_late_answers() {
    let Known::Asked(at) = known() else { return };
    let tty = rustix::stdio::stdin();
    loop {
        let left = LATEST.saturating_sub(at.elapsed());
        if left.is_zero() {
            break;
        }
        let limit = rustix::time::Timespec {
            tv_sec: 0,
            tv_nsec: left.subsec_nanos().min(100_000_000).into(),
        };
        // asks for nothing: only a terminal that goes away ends the wait
        if !matches!(poll(&mut [PollFd::new(&tty, PollFlags::empty())], Some(&limit)), Ok(0)) {
            return;
        }
        if known() != Known::Asked(at) {
            return; // it came after all
        }
    }
    let _ = tcflush(tty, QueueSelector::IFlush); // a dead terminal refuses, and has nothing to be read
}

/// Takes the answer out of what the terminal sends.
#[derive(Debug, Default)]
pub struct Answers {
    at: At,
    /// The last event was the escape key alone: bytes of an answer can be torn apart there.
    after_escape: bool,
    /// Events of a beginning that may turn out to be keys.
    held: Vec<Event>,
    text: String,
    since: Option<Instant>,
}

/// How much of an answer there was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum At {
    #[default]
    Outside,
    /// In [`PREFIX`].
    Beginning,
    Inside,
    /// Inside, behind the escape key that half of the end is.
    Ending,
}

/// What an event turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    Event(Event),
    Ground(Ground),
}

impl Answers {
    /// What the terminal sent; empty while it may be part of an answer.
    pub fn take(&mut self, event: Event, now: Instant) -> Vec<Sent> {
        self.take_while(event, now, matches!(known(), Known::Asked(_)))
    }

    fn take_while(&mut self, event: Event, now: Instant, awaited: bool) -> Vec<Sent> {
        if !awaited && self.at == At::Outside {
            return vec![Sent::Event(event)];
        }
        let Some((code, modifiers)) = key(&event) else { return vec![Sent::Event(event)] };
        let plain = (modifiers - KeyModifiers::SHIFT).is_empty();
        let with_alt = modifiers == KeyModifiers::ALT;
        let after_escape = std::mem::take(&mut self.after_escape);
        self.since = Some(now);
        match (self.at, code) {
            (At::Outside, KeyCode::Char(']')) if with_alt || (after_escape && plain) => {
                self.at = At::Beginning;
                self.held.push(event);
                vec![]
            }
            (At::Outside, code) => {
                self.after_escape = code == KeyCode::Esc && plain;
                vec![Sent::Event(event)]
            }
            (At::Beginning, KeyCode::Char(c)) if plain && self.expects(c) => {
                self.held.push(event);
                if self.held.len() > PREFIX.len() {
                    (self.at, self.held, self.text) = (At::Inside, Vec::new(), String::new());
                }
                vec![]
            }
            (At::Beginning, _) => {
                let mut sent = self.let_go();
                sent.extend(self.take_while(event, now, awaited));
                sent
            }
            (At::Inside, KeyCode::Char('g')) if modifiers == KeyModifiers::CONTROL => self.end(),
            (At::Inside, KeyCode::Char('\\')) if with_alt => self.end(),
            (At::Inside, KeyCode::Esc) => {
                self.at = At::Ending;
                vec![]
            }
            (At::Inside, KeyCode::Char(c)) if plain && self.text.len() < LONGEST => {
                self.text.push(c);
                vec![]
            }
            (At::Inside, _) => {
                let mut sent = self.end();
                sent.push(Sent::Event(event));
                sent
            }
            (At::Ending, KeyCode::Char('\\')) if plain => self.end(),
            (At::Ending, _) => {
                let mut sent = self.end();
                sent.extend(self.take_while(event, now, false));
                sent
            }
        }
    }

    fn expects(&self, c: char) -> bool {
        PREFIX.chars().nth(self.held.len().saturating_sub(1)) == Some(c)
    }

    /// The answer is whole, or as whole as it will ever be.
    fn end(&mut self) -> Vec<Sent> {
        let ground = ground(&self.text);
        know(Known::Answered(ground));
        (self.at, self.since) = (At::Outside, None);
        ground.map(Sent::Ground).into_iter().collect()
    }

    /// When what is held is to be let go, if anything is.
    #[must_use]
    pub fn until(&self) -> Option<Instant> {
        match self.at {
            At::Outside => None,
            At::Beginning => Some(self.since? + HELD),
            At::Inside | At::Ending => Some(self.since? + WITHIN),
        }
    }

    /// Nothing more came: a beginning was keys after all, the rest of an answer is lost.
    pub fn let_go(&mut self) -> Vec<Sent> {
        if matches!(self.at, At::Inside | At::Ending) {
            return self.end();
        }
        (self.at, self.since) = (At::Outside, None);
        self.held.drain(..).map(Sent::Event).collect()
    }
}

/// A key that was pressed.
fn key(event: &Event) -> Option<(KeyCode, KeyModifiers)> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => Some((key.code, key.modifiers)),
        _ => None,
    }
}

/// What a colour as terminals write it is: `rgb:RRRR/GGGG/BBBB` with one to four digits each, `rgba:` with a fourth
/// part, or `#RRGGBB`.
pub(super) fn ground(text: &str) -> Option<Ground> {
    let share = |digits: &str| {
        let most = (1_u32 << (4 * digits.len().clamp(1, 4))) - 1;
        let fits = digits.len() <= 4 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = u32::from_str_radix(digits, 16).ok().filter(|_| fits)?;
        Some(f64::from(value) / f64::from(most))
    };
    let parts: Vec<f64> = if let Some(digits) = text.strip_prefix('#') {
        let each = digits.len() / 3;
        if !digits.is_ascii() || each == 0 || digits.len() != each * 3 {
            return None;
        }
        (0..3).map(|at| share(&digits[at * each..][..each])).collect::<Option<_>>()?
    } else {
        let list = text.strip_prefix("rgb:").or_else(|| text.strip_prefix("rgba:"))?;
        list.split('/').map(share).collect::<Option<_>>()?
    };
    let [red, green, blue] = *parts.get(..3)? else { return None };
    if parts.len() > 4 {
        return None;
    }
    let linear = |share: f64| {
        if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
    // half of the lightness that people see
    Some(if luminance > 0.184 { Ground::Light } else { Ground::Dark })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::KeyEvent;
    use rstest::rstest;

    fn press(code: KeyCode, modifiers: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(code, modifiers))
    }

    /// Bytes as crossterm reads them, piece by piece as they come from the terminal.
    fn events(pieces: &[&str]) -> Vec<Event> {
        let mut events = Vec::new();
        for piece in pieces {
            let mut chars = piece.chars().peekable();
            while let Some(c) = chars.next() {
                events.push(match c {
                    '\x1b' => match chars.next() {
                        Some(c) => press(KeyCode::Char(c), KeyModifiers::ALT),
                        None => press(KeyCode::Esc, KeyModifiers::NONE),
                    },
                    '\x07' => press(KeyCode::Char('g'), KeyModifiers::CONTROL),
                    c if c.is_uppercase() => press(KeyCode::Char(c), KeyModifiers::SHIFT),
                    c => press(KeyCode::Char(c), KeyModifiers::NONE),
                });
            }
        }
        events
    }

    /// What is left of the keys, and what was answered.
    fn taken(pieces: &[&str]) -> (Vec<Event>, Vec<Ground>) {
        let mut answers = Answers::default();
        let (mut keys, mut grounds, now) = (Vec::new(), Vec::new(), Instant::now());
        let mut sent: Vec<Sent> = Vec::new();
        for event in events(pieces) {
            let awaited = !sent.iter().any(|it| matches!(it, Sent::Ground(_)));
            sent.extend(answers.take_while(event, now, awaited));
        }
        sent.extend(answers.let_go());
        for it in sent {
            match it {
                Sent::Event(event) => keys.push(event),
                Sent::Ground(ground) => grounds.push(ground),
            }
        }
        (keys, grounds)
    }

    #[rstest]
    #[case("rgb:0000/0000/0000", Some(Ground::Dark))]
    #[case("rgb:ffff/ffff/ffff", Some(Ground::Light))]
    #[case("rgb:FD/f6/e3", Some(Ground::Light))]
    #[case("rgb:0/2/3", Some(Ground::Dark))]
    #[case("rgba:ffff/ffff/ffff/8000", Some(Ground::Light))]
    #[case("#1d1f21", Some(Ground::Dark))]
    #[case("#ffffffffffff", Some(Ground::Light))]
    #[case("?", None)]
    #[case("rgb:", None)]
    #[case("rgb:00/00", None)]
    #[case("rgb:+1/00/00", None)]
    #[case("rgb:00000/00/00", None)]
    #[case("#üü", None)]
    #[case("rgb:0/0/0/0/0", None)]
    fn colours_are_light_dark_or_nothing(#[case] text: &str, #[case] expected: Option<Ground>) {
        assert_eq!(ground(text), expected);
    }

    #[rstest]
    #[case(&["a\x1b]11;rgb:0000/0000/0000\x07b"])]
    #[case(&["a\x1b]11;rgb:0000/0000/0000\x1b\\b"])]
    #[case(&["a\x1b]11;rg", "b:0000/0000/0000\x1b", "\\b"])]
    #[case(&["a\x1b]", "11;rgb:0000/0000/0000\x07b"])]
    fn an_answer_is_taken_out_of_the_keys_around_it(#[case] pieces: &[&str]) {
        let (keys, grounds) = taken(pieces);
        assert_eq!(grounds, [Ground::Dark]);
        assert_eq!(keys, events(&["ab"]));
    }

    #[test]
    fn torn_at_its_first_byte_it_is_one_key_and_no_text() {
        let (keys, grounds) = taken(&["\x1b", "]11;rgb:ffff/ffff/ffff\x07x"]);
        assert_eq!(grounds, [Ground::Light]);
        assert_eq!(keys, events(&["\x1b", "x"]));
    }

    #[rstest]
    #[case(&["\x1b]"])]
    #[case(&["\x1b]1x"])]
    #[case(&["\x1b]\x1b]1;"])]
    #[case(&["]11;rgb:"])]
    #[case(&["\x1b", "x]11"])]
    fn what_fingers_type_is_kept_in_its_order(#[case] pieces: &[&str]) {
        let (keys, grounds) = taken(pieces);
        assert_eq!((keys, grounds), (events(pieces), vec![]));
    }

    #[rstest]
    #[case("\x1b]11;?\x07")]
    #[case("\x1b]11;no colour today\x1b\\")]
    #[case("\x1b]11;")]
    #[case("\x1b]11;rgb:12/")]
    fn what_means_nothing_is_no_text_either(#[case] garbage: &str) {
        assert_eq!(taken(&[garbage]), (vec![], vec![]));
    }

    #[test]
    fn an_answer_without_an_end_does_not_eat_what_is_typed_for_ever() {
        let long = format!("\x1b]11;{}", "x".repeat(LONGEST + 6));
        assert_eq!(taken(&[&long]).0.len(), 6);
        let mut answers = Answers::default();
        let now = Instant::now();
        for event in events(&["\x1b]11;rgb:"]) {
            assert_eq!(answers.take_while(event, now, true), []);
        }
        assert_eq!(answers.until(), Some(now + WITHIN));
        let arrow = press(KeyCode::Down, KeyModifiers::NONE);
        assert_eq!(answers.take_while(arrow.clone(), now, true), [Sent::Event(arrow)]);
        assert_eq!(answers.until(), None);
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
