//! Texts as sequences of words, in any case: what `:` compares.
//!
//! A word is a run of letters and digits; everything else stands between words. Nothing is allocated per asset.

/// The words of `text`.
pub fn words(text: &str) -> impl Iterator<Item = &str> + Clone {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// Some words that are looked for, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    words: Vec<String>,
    /// As it was asked for: a phrase without a single word is compared as a whole.
    whole: String,
}

impl Phrase {
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self { words: words(text).map(str::to_lowercase).collect(), whole: text.to_lowercase() }
    }

    /// Whether these words occur in `text` one after the other.
    #[must_use]
    pub fn occurs_in(&self, text: &str) -> bool {
        let Some(first) = self.words.first() else { return is_same(text, &self.whole) };
        if !may_hold(text, first) {
            return false;
        }
        let mut rest = words(text);
        loop {
            let mut here = rest.clone();
            if self.words.iter().all(|word| here.next().is_some_and(|own| is_same(own, word))) {
                return true;
            }
            if rest.next().is_none() {
                return false;
            }
        }
    }

    /// Whether `text` is this, as a whole.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        is_same(text, &self.whole)
    }
}

/// How a text begins that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    start: String,
    /// A single word, which may begin any word of a text.
    in_words: bool,
}

impl Start {
    #[must_use]
    pub fn of(text: &str) -> Self {
        let in_words = !text.is_empty() && text.chars().all(char::is_alphanumeric);
        Self { start: text.to_lowercase(), in_words }
    }

    /// Whether `text` begins with this; or one of its words does, where this is a word itself.
    #[must_use]
    pub fn begins_text_or_word(&self, text: &str) -> bool {
        self.begins(text)
            || (self.in_words
                && may_hold(text, &self.start)
                && words(text).any(|word| begins(word, &self.start)))
    }

    /// Whether `text` begins with this.
    #[must_use]
    pub fn begins(&self, text: &str) -> bool {
        begins(text, &self.start)
    }
}

/// Whether it pays to look at the words of `text` one by one: false where `lower` is no part of it.
fn may_hold(text: &str, lower: &str) -> bool {
    if !text.is_ascii() || !lower.is_ascii() {
        return true; // other letters may change their length with their case
    }
    let mut parts = text.as_bytes().windows(lower.len().max(1));
    parts.any(|part| part.eq_ignore_ascii_case(lower.as_bytes()))
}

/// Whether `text` is `lower` but for its case; `lower` is in lower case.
fn is_same(text: &str, lower: &str) -> bool {
    if text.is_ascii() && lower.is_ascii() {
        return text.eq_ignore_ascii_case(lower);
    }
    text.chars().flat_map(char::to_lowercase).eq(lower.chars().flat_map(char::to_lowercase))
}

/// Whether `text` begins with `lower` but for its case; `lower` is in lower case.
fn begins(text: &str, lower: &str) -> bool {
    let mut own = text.chars().flat_map(char::to_lowercase);
    lower.chars().flat_map(char::to_lowercase).all(|wanted| own.next() == Some(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        let all: Vec<_> = words("press/2026_été-Hero (1).jpg").collect();
        assert_eq!(all, ["press", "2026", "été", "Hero", "1", "jpg"]);
        assert_eq!(words("--/ ").count(), 0);
    }

    #[test]
    fn phrases_occur_in_order_and_in_any_case() {
        let occurs = |phrase: &str, text: &str| Phrase::of(phrase).occurs_in(text);
        assert!(occurs("KIT hero", "press/kit/hero"));
        assert!(occurs("press", "press") && occurs("ÉTÉ", "blog/été-2026"));
        assert!(!occurs("press hero", "press/kit/hero"));
        assert!(!occurs("pres", "press"));
        assert!(occurs("a a b", "a a a b"), "a false start hides nothing");
        assert!(occurs("k", "\u{212a}"), "the Kelvin sign is a k");
        assert!(occurs("--", "--") && !occurs("--", "a--b") && !occurs("", "a"));
    }

    #[test]
    fn starts_begin_texts_and_a_word_begins_words() {
        assert!(Start::of("Her").begins_text_or_word("press/hero"));
        assert!(Start::of("press/k").begins_text_or_word("Press/kit"));
        assert!(!Start::of("kit/h").begins_text_or_word("press/kit/hero"));
        assert!(!Start::of("press/").begins_text_or_word("press"));
        assert!(Start::of("ét").begins_text_or_word("blog/ÉTÉ"));
    }
}
