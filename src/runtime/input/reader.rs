//! Bytes of a terminal into keys, pastes and answers, however they are torn apart on their way. Knows no terminal and
//! no clock.

use std::time::{Duration, Instant};

use memchr::memmem;

use super::keys::{self, ESC, Meant};
use crate::app::key::{Code, Key};
use crate::app::msg::Input;
use crate::runtime::answers::Answer;

/// The beginning of an answer is held back so long; after that a finger pressed those keys.
const HELD: Duration = Duration::from_millis(300);
/// The rest of what cannot be keys is waited for so long.
const WITHIN: Duration = Duration::from_secs(2);
/// Longer answers are none.
const LONGEST: usize = 128;
const END_OF_PASTE: &[u8] = b"\x1b[201~";

/// What bytes turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    Input(Input),
    Answer(Answer),
}

/// Takes bytes, hands out what they were.
#[derive(Debug, Default)]
pub struct Reader {
    /// What is not whole.
    held: Vec<u8>,
    since: Option<Instant>,
    /// The text of a paste whose end has not come.
    paste: Option<Vec<u8>>,
    /// The last byte was an escape alone, and is out as that key: bytes of an answer can be torn apart there.
    after_escape: bool,
    /// The escape at the front of what is held is out as a key.
    escape_is_out: bool,
}

/// How much of an answer some bytes are.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    None,
    /// As much as fingers may have typed.
    Beginning,
    Inside,
    /// So many bytes, as whole as they will ever be.
    Whole(usize, Answer),
}

impl Reader {
    /// What came; `awaited`: there may be answers in it; `more`: there is more behind it already.
    pub fn take(&mut self, bytes: &[u8], now: Instant, awaited: bool, more: bool) -> Vec<Sent> {
        let Some(first) = bytes.first() else { return Vec::new() };
        self.since = Some(now);
        if std::mem::take(&mut self.after_escape) && awaited && b"]P_[".contains(first) {
            self.held.push(ESC);
            self.escape_is_out = true;
        }
        self.held.extend(bytes);
        self.go_on(awaited, more, false)
    }

    /// When what is held is to be let go, if anything is.
    #[must_use]
    pub fn until(&self) -> Option<Instant> {
        if self.held.is_empty() || self.paste.is_some() {
            return None; // a paste has an end, however long it takes: its rest must not come as keys
        }
        let by_fingers = self.escape_is_out
            || matches!(self.held[..], [ESC] | [ESC, b']' | b'P' | b'_', ..])
                && !matches!(part(&self.held), Part::Inside);
        Some(self.since? + if by_fingers { HELD } else { WITHIN })
    }

    /// Nothing more came: a beginning was keys after all, the rest of an answer is lost.
    pub fn let_go(&mut self) -> Vec<Sent> {
        self.go_on(true, false, true)
    }

    fn go_on(&mut self, awaited: bool, more: bool, over: bool) -> Vec<Sent> {
        let held = std::mem::take(&mut self.held);
        let (mut sent, mut at) = (Vec::new(), 0);
        while at < held.len() {
            let rest = &held[at..];
            if self.paste.is_some() {
                at += self.pasted(rest, &mut sent);
                if self.paste.is_some() {
                    break;
                }
                continue;
            }
            match self.next(rest, awaited, more, over) {
                None => break,
                Some((used, said)) => {
                    sent.extend(said);
                    at += used;
                    self.escape_is_out = false;
                }
            }
        }
        self.held = held[at.min(held.len())..].to_vec();
        sent
    }

    /// The first of `rest`; `None` where it has to be waited for.
    fn next(
        &mut self,
        rest: &[u8],
        awaited: bool,
        more: bool,
        over: bool,
    ) -> Option<(usize, Option<Sent>)> {
        if awaited {
            match part(rest) {
                Part::Whole(used, answer) => return Some((used, Some(Sent::Answer(answer)))),
                Part::Beginning | Part::Inside if !over => return None,
                Part::Inside => return Some((rest.len(), lost(rest))),
                Part::Beginning | Part::None => {}
            }
        }
        if self.escape_is_out {
            return Some((1, None)); // and what is behind it are keys
        }
        let key = |key: Key| Some(Sent::Input(Input::Key(key)));
        match keys::first(rest) {
            Meant::Input(used, input) => Some((used, input.map(Sent::Input))),
            Meant::Attributes(used, all) => {
                Some((used, Some(Sent::Answer(Answer::Attributes(all)))))
            }
            Meant::Paste(used) => {
                self.paste = Some(Vec::new());
                Some((used, None))
            }
            Meant::More if rest == [ESC] && !more => {
                self.after_escape = true;
                Some((1, key(Key { code: Code::Esc, ctrl: false, alt: false, shift: false })))
            }
            Meant::More if !over => None,
            // fingers pressed Alt and one of the characters that sequences begin with
            Meant::More if rest[0] == ESC => match keys::with_alt(&rest[1..]) {
                Meant::Input(used, input) => Some((used, input.map(Sent::Input))),
                _ => Some((1, None)),
            },
            Meant::More => Some((1, None)), // part of a character
        }
    }

    /// Takes what belongs to the paste; how many bytes were used.
    fn pasted(&mut self, rest: &[u8], sent: &mut Vec<Sent>) -> usize {
        let Some(text) = &mut self.paste else { return 0 };
        if let Some(end) = memmem::find(rest, END_OF_PASTE) {
            text.extend(&rest[..end]);
            let text = String::from_utf8_lossy(text).into_owned();
            sent.push(Sent::Input(Input::Paste(text)));
            self.paste = None;
            return end + END_OF_PASTE.len();
        }
        let most = rest.len().min(END_OF_PASTE.len() - 1);
        let kept = (0..=most).rev().find(|kept| rest.ends_with(&END_OF_PASTE[..*kept]));
        let used = rest.len() - kept.unwrap_or(0);
        text.extend(&rest[..used]);
        used
    }
}

/// Makes an answer of its text.
type Make = fn(String) -> Answer;

/// Strings that answer our questions, by how they begin. Attributes are the fourth.
const STRINGS: [(&[u8], Make); 3] = [
    (b"\x1b]11;", Answer::Background),
    (b"\x1bP>|", Answer::Name),
    (b"\x1b_Gi=31", Answer::Graphics),
];
const ATTRIBUTES: &[u8] = b"\x1b[?";

/// What of an answer `bytes` begin with.
fn part(bytes: &[u8]) -> Part {
    for (begin, make) in STRINGS {
        if (2..begin.len()).contains(&bytes.len()) && begin.starts_with(bytes) {
            return Part::Beginning;
        }
        let Some(text) = bytes.strip_prefix(begin) else { continue };
        let Some(end) = text.iter().take(LONGEST).position(|byte| *byte < b' ' || *byte == 0x7f)
        else {
            let is_one = text.len() < LONGEST;
            return if is_one { Part::Inside } else { whole(begin, &text[..LONGEST], 0, make) };
        };
        return match text[end..] {
            [ESC] => Part::Inside,
            [ESC, b'\\', ..] => whole(begin, &text[..end], 2, make),
            [0x07, ..] => whole(begin, &text[..end], 1, make),
            _ => whole(begin, &text[..end], 0, make), // cut off by a key
        };
    }
    match keys::first(bytes) {
        Meant::Attributes(used, all) => Part::Whole(used, Answer::Attributes(all)),
        Meant::More if bytes.starts_with(ATTRIBUTES) => Part::Inside,
        Meant::More if bytes.len() > 1 && ATTRIBUTES.starts_with(bytes) => Part::Beginning,
        _ => Part::None,
    }
}

fn whole(begin: &[u8], text: &[u8], end: usize, make: Make) -> Part {
    let answer = make(String::from_utf8_lossy(text).into_owned());
    Part::Whole(begin.len() + text.len() + end, answer)
}

/// What is said by an answer whose end was lost.
fn lost(bytes: &[u8]) -> Option<Sent> {
    let (begin, make) = STRINGS.into_iter().find(|(begin, _)| bytes.starts_with(begin))?;
    let text = bytes[begin.len()..].strip_suffix(&[ESC]).unwrap_or(&bytes[begin.len()..]);
    Some(Sent::Answer(make(String::from_utf8_lossy(text).into_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn background(text: &str) -> Sent {
        Sent::Answer(Answer::Background(text.to_owned()))
    }

    /// What pieces turn out to be, one read after the other, and nothing behind them.
    fn read(pieces: &[&[u8]], awaited: bool) -> Vec<Sent> {
        let (mut reader, now) = (Reader::default(), Instant::now());
        let mut sent: Vec<Sent> = Vec::new();
        for piece in pieces {
            sent.extend(reader.take(piece, now, awaited, false));
        }
        sent.extend(reader.let_go());
        assert_eq!(reader.until(), None, "nothing is held for ever");
        sent
    }

    fn typed(text: &str) -> Vec<Sent> {
        read(&[text.as_bytes()], false)
    }

    fn of(pieces: &[&str], awaited: bool) -> Vec<Sent> {
        read(&pieces.iter().map(|it| it.as_bytes()).collect::<Vec<_>>(), awaited)
    }

    #[rstest]
    #[case(&["a\x1b]11;rgb:0/0/0\x07b"])]
    #[case(&["a\x1b]11;rgb:0/0/0\x1b\\b"])]
    #[case(&["a\x1b]11;rg", "b:0/0/0\x1b", "\\b"])]
    #[case(&["a\x1b]", "11;rgb:0/0/0\x07b"])]
    fn an_answer_is_taken_out_of_the_keys_around_it(#[case] pieces: &[&str]) {
        let expected = [typed("a"), vec![background("rgb:0/0/0")], typed("b")].concat();
        assert_eq!(of(pieces, true), expected);
    }

    #[test]
    fn every_answer_is_told_from_the_others() {
        let all = "\x1b]11;rgb:f/f/f\x1b\\\x1bP>|kitty(0.35.1)\x1b\\\x1b_Gi=31;OK\x1b\\\x1b[?62;4c";
        let expected = [
            Answer::Background("rgb:f/f/f".to_owned()),
            Answer::Name("kitty(0.35.1)".to_owned()),
            Answer::Graphics(";OK".to_owned()),
            Answer::Attributes(vec![62, 4]),
        ]
        .map(Sent::Answer);
        assert_eq!(of(&[all], true), expected);
        for cut in 1..all.len() {
            let sent = of(&[&all[..cut], &all[cut..]], true);
            let answers = sent.iter().filter(|it| matches!(it, Sent::Answer(_)));
            assert!(answers.eq(&expected), "cut at {cut}: {sent:?}");
            let keys: Vec<_> = sent.iter().filter(|it| matches!(it, Sent::Input(_))).collect();
            let escape = typed("\x1b");
            assert!(
                keys.is_empty() || keys == escape.iter().collect::<Vec<_>>(),
                "cut at {cut}: no text of it is typed: {keys:?}"
            );
        }
    }

    #[test]
    fn torn_at_its_first_byte_it_is_one_key_and_no_text() {
        let sent = of(&["\x1b", "]11;rgb:f/f/f\x07x"], true);
        assert_eq!(sent, [typed("\x1b"), vec![background("rgb:f/f/f")], typed("x")].concat());
    }

    /// Keys are never lost, awaited answers or not.
    #[rstest]
    #[case(&["\x1b]"])]
    #[case(&["\x1b]1x"])]
    #[case(&["\x1b]\x1b]1;"])]
    #[case(&["]11;rgb:"])]
    #[case(&["\x1b", "x]11"])]
    #[case(&["\x1b", "[", "["])]
    #[case(&["\x1b", "]x"])]
    #[case(&["\x1b", "[A"])]
    #[case(&["\x1bP", "x"])]
    #[case(&["\x1b_", "G"])]
    #[case(&["ü世", "q"])]
    fn what_fingers_type_is_kept_in_its_order(#[case] pieces: &[&str]) {
        let separately: Vec<Sent> = pieces.iter().flat_map(|piece| typed(piece)).collect();
        let awaited = of(pieces, true);
        let keys = |sent: &[Sent]| {
            let text = |it: &Sent| match it {
                Sent::Input(Input::Key(key)) => key.to_string().replace("alt-", ""),
                other => format!("{other:?}"),
            };
            sent.iter().map(text).collect::<Vec<_>>()
        };
        assert_eq!(keys(&awaited), keys(&separately));
    }

    #[rstest]
    #[case("\x1b]11;?\x07")]
    #[case("\x1b]11;no colour today\x1b\\")]
    #[case("\x1b]11;")]
    #[case("\x1b]11;rgb:12/")]
    #[case("\x1bP>|\x1b\\")]
    #[case("\x1b_Gi=31")]
    #[case("\x1b_Gi=31;EINVAL:no\x1b\\")]
    fn what_means_nothing_is_no_text_either(#[case] garbage: &str) {
        let sent = of(&[garbage], true);
        assert!(matches!(&sent[..], [Sent::Answer(_)]), "{sent:?}");
    }

    #[test]
    fn an_answer_without_an_end_does_not_eat_what_is_typed_for_ever() {
        let long = format!("\x1b]11;{}", "x".repeat(LONGEST + 6));
        assert_eq!(of(&[&long], true)[1..], typed("xxxxxx"));
        let (mut reader, now) = (Reader::default(), Instant::now());
        assert_eq!(reader.take(b"\x1b]11;rgb:", now, true, false), []);
        assert_eq!(reader.until(), Some(now + WITHIN));
        let arrow = reader.take(b"\x1b[B", now, true, false);
        assert_eq!(arrow, [vec![background("rgb:")], typed("\x1b[B")].concat());
        assert_eq!(reader.until(), None);
        assert_eq!(reader.take(b"\x1b]1", now, true, false), []);
        assert_eq!(reader.until(), Some(now + HELD), "fingers are waited for less long");
    }

    #[test]
    fn a_paste_is_one_however_it_comes() {
        let text = "q\x1b[1D\u{1b}\r]11;x\x1b[20";
        let whole = format!("a\x1b[200~{text}\x1b[201~b");
        let paste = vec![Sent::Input(Input::Paste(text.to_owned()))];
        let expected = [typed("a"), paste, typed("b")].concat();
        for awaited in [false, true] {
            let bytes: Vec<&[u8]> = whole.as_bytes().chunks(3).collect();
            assert_eq!(read(&bytes, awaited), expected);
            assert_eq!(of(&[&whole], awaited), expected);
        }
        let (mut reader, now) = (Reader::default(), Instant::now());
        assert_eq!(reader.take(b"\x1b[200~never", now, false, false), []);
        assert_eq!(reader.until(), None, "its rest never comes as keys");
        assert_eq!(reader.let_go(), []);
    }

    #[test]
    fn an_escape_at_the_end_of_a_full_read_is_no_key_yet() {
        let (mut reader, now) = (Reader::default(), Instant::now());
        assert_eq!(reader.take(b"\x1b", now, false, true), []);
        assert_eq!(reader.until(), Some(now + HELD));
        assert_eq!(reader.take(b"[A", now, false, false), typed("\x1b[A"));
        assert_eq!(reader.take(b"\x1b", now, false, true), []);
        assert_eq!(reader.let_go(), typed("\x1b"));
    }

    proptest! {
        /// Whatever comes, in whatever parts: nothing is held for ever, and nothing panics.
        #[test]
        fn any_bytes_are_read(
            pieces in proptest::collection::vec(
                prop_oneof![
                    proptest::collection::vec(any::<u8>(), 1..20),
                    "(\x1b|\\[|\\]11;|_Gi=31|P>\\||\\?62;4c|[0-9;<~AMmcu]|a|ü){1,8}"
                        .prop_map(String::into_bytes),
                ],
                1..6,
            ),
            awaited: bool,
        ) {
            let (mut reader, now) = (Reader::default(), Instant::now());
            for piece in &pieces {
                reader.take(piece, now, awaited, false);
                prop_assert!(reader.held.len() < 2 * LONGEST || reader.paste.is_some());
            }
            reader.let_go();
            prop_assert!(reader.until().is_none());
        }
    }
}
