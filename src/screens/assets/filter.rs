//! What is typed after `/`, and which names it finds.

use std::ops::Range;

/// What the operator typed after `/`: words that must all be there, in any order.
///
/// `!` in front of a word: it must not be there. `'` takes the rest exactly as it is, letter case and spaces
/// included; `!'` the other way round. `~`: the letters of the word must be there in their order, whatever is between
/// them; `!~` the other way round. Capital letters make case matter for their word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    text: String,
    pub(super) words: Vec<Word>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) needle: String,
    pub(super) invert: bool,
    pub(super) exact_case: bool,
    /// Letters in their order are enough.
    pub(super) loose: bool,
}

impl Word {
    /// From where to where the word is found.
    fn span(&self, id: &str) -> Option<Range<usize>> {
        if self.loose {
            return if self.exact_case {
                in_order(id.as_bytes(), self.needle.as_bytes())
            } else {
                in_order(id.to_lowercase().as_bytes(), self.needle.as_bytes())
            };
        }
        let at = self.position(id)?;
        Some(at..at + self.needle.len())
    }

    fn position(&self, id: &str) -> Option<usize> {
        if self.exact_case {
            return id.find(&self.needle);
        }
        if id.is_ascii() && self.needle.is_ascii() {
            let (hay, needle) = (id.as_bytes(), self.needle.as_bytes());
            return hay.windows(needle.len().max(1)).position(|at| at.eq_ignore_ascii_case(needle));
        }
        id.to_lowercase().find(&self.needle)
    }
}

/// Where the letters of `needle` are found in their order. Byte by byte: what is left out may be any bytes.
pub(super) fn in_order(hay: &[u8], needle: &[u8]) -> Option<Range<usize>> {
    let (mut from, mut first) = (0, None);
    for letter in needle {
        let at = from + memchr::memchr(*letter, &hay[from..])?;
        (from, first) = (at + 1, first.or(Some(at)));
    }
    Some(first.unwrap_or(0)..from)
}

impl Word {
    /// Whether a name that has this word has the other one for certain.
    fn implies(&self, other: &Self) -> bool {
        if self.invert || other.invert || (self.loose && !other.loose) {
            return self == other;
        }
        if other.loose {
            let (ours, theirs) = (self.needle.as_bytes(), other.needle.as_bytes());
            let one_case = self.exact_case == other.exact_case && self.needle.is_ascii();
            return self == other || (one_case && in_order(ours, theirs).is_some());
        }
        if other.exact_case {
            self.exact_case && self.needle.contains(&other.needle)
        } else {
            // letters that change in number with their case could hide a part
            let plain = self.needle.is_ascii() && other.needle.is_ascii();
            (plain && self.needle.to_ascii_lowercase().contains(&other.needle.to_ascii_lowercase()))
                || self == other
        }
    }
}

impl Filter {
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut words = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (invert, after) = match rest.strip_prefix('!') {
                Some(after) => (true, after),
                None => (false, rest),
            };
            let (needle, exact, next) = match after.strip_prefix('\'') {
                Some(exactly) => (exactly, true, ""),
                None => match after.split_once(' ') {
                    Some((word, next)) => (word, false, next),
                    None => (after, false, ""),
                },
            };
            let (needle, loose) = match needle.strip_prefix('~').filter(|_| !exact) {
                Some(letters) => (letters, true),
                None => (needle, false),
            };
            if !needle.is_empty() {
                let exact_case = exact || needle.chars().any(char::is_uppercase);
                words.push(Word { needle: needle.to_owned(), invert, exact_case, loose });
            }
            rest = next.trim_start();
        }
        Self { text: text.to_owned(), words }
    }

    /// As typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Where the first word is found in `id`, for highlighting; nothing for inverted words.
    #[must_use]
    pub fn span(&self, id: &str) -> Option<Range<usize>> {
        let word = self.words.iter().find(|word| !word.invert)?;
        word.span(id).filter(|span| id.get(span.clone()).is_some())
    }

    #[must_use]
    pub fn matches(&self, id: &str) -> bool {
        self.words.iter().all(|word| word.span(id).is_some() != word.invert)
    }

    /// Whether everything that this filter finds is found by `other` too, so that only what `other` found needs to be
    /// looked through.
    #[must_use]
    pub fn narrows(&self, other: &Self) -> bool {
        other.words.iter().all(|theirs| self.words.iter().any(|ours| ours.implies(theirs)))
    }

    /// What the server can be asked for: the words without marks; nothing where one is inverted.
    #[must_use]
    pub fn needle(&self) -> Option<String> {
        if self.words.is_empty() || self.words.iter().any(|word| word.invert || word.loose) {
            return None;
        }
        let words: Vec<&str> = self.words.iter().map(|word| word.needle.as_str()).collect();
        Some(words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_word_narrows_and_an_inverted_one_does_not() {
        let narrows = |now: &str, before: &str| Filter::new(now).narrows(&Filter::new(before));
        assert!(narrows("hero", "her") && narrows("press hero", "hero") && narrows("hero", ""));
        assert!(narrows("Hero", "hero") && narrows("'Hero", "her"));
        assert!(!narrows("her", "hero") && !narrows("hero", "Hero"));
        assert!(!narrows("!hero", "!her") && narrows("!her x", "!her"));
        assert!(!narrows("hero", "!x"));
    }
}
