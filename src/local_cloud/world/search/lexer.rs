//! The words and signs of a search expression, each with where it stands.

use super::error::QueryError;

/// Longest expression that is read, in bytes.
pub const LONGEST: usize = 16 * 1024;

/// A word or sign of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    /// First byte, and the one behind the last.
    pub start: usize,
    pub end: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `(`
    Open,
    /// `)`
    Close,
    /// `[`, or `{` that leaves the bound itself out.
    OpenRange {
        included: bool,
    },
    /// `]` or `}`.
    CloseRange {
        included: bool,
    },
    /// `:`
    Matches,
    /// `=`
    Equals,
    /// `>`, `>=`, `<`, `<=`, each also with a colon before it.
    Compares(Comparison),
    /// A `*` that stands alone.
    Star,
    Word(Word),
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Above,
    AtLeast,
    Below,
    AtMost,
}

/// A name, a value or an operator, without quotes and backslashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    /// A `*` follows: the text is how a value begins.
    pub wild: bool,
    pub quoted: bool,
    /// Something in it was escaped: it is no operator.
    escaped: bool,
}

impl Word {
    /// Whether this is the operator `name`, as typed: in capitals, without quotes or backslashes.
    #[must_use]
    pub fn is_operator(&self, name: &str) -> bool {
        self.text == name && !self.wild && !self.quoted && !self.escaped
    }

    fn is_any_operator(&self) -> bool {
        ["AND", "OR", "NOT"].iter().any(|name| self.is_operator(name))
    }
}

/// Signs, longer ones before those that they begin with.
const SIGNS: [(&str, Kind); 16] = [
    (":>=", Kind::Compares(Comparison::AtLeast)),
    (":<=", Kind::Compares(Comparison::AtMost)),
    (":>", Kind::Compares(Comparison::Above)),
    (":<", Kind::Compares(Comparison::Below)),
    (">=", Kind::Compares(Comparison::AtLeast)),
    ("<=", Kind::Compares(Comparison::AtMost)),
    (">", Kind::Compares(Comparison::Above)),
    ("<", Kind::Compares(Comparison::Below)),
    (":", Kind::Matches),
    ("=", Kind::Equals),
    ("(", Kind::Open),
    (")", Kind::Close),
    ("[", Kind::OpenRange { included: true }),
    ("{", Kind::OpenRange { included: false }),
    ("]", Kind::CloseRange { included: true }),
    ("}", Kind::CloseRange { included: false }),
];

/// Takes an expression apart, one token at a time.
///
/// Outside quotes, ``! ( ) { } [ ] * ^ ~ ? : \ = & > < "`` and blanks mean something and need a backslash to be
/// part of a word; inside, only `"`, `*` and `\` do (facts §3.9). A backslash before any other character says
/// nothing: the service does not document what it would mean. The signs that no construct uses (`! ^ ~ ? &`) are
/// refused.
#[derive(Debug)]
pub struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    /// # Errors
    /// The text is longer than [`LONGEST`].
    pub fn new(text: &'a str) -> Result<Self, QueryError> {
        if text.len() > LONGEST {
            return Err(QueryError::at(text, LONGEST));
        }
        Ok(Self { text, at: 0 })
    }

    /// The next token; at the end of the text, [`Kind::End`] again and again.
    ///
    /// # Errors
    /// A sign that means nothing, a wildcard elsewhere than behind a word, quotes or an escape without an end.
    pub fn next(&mut self) -> Result<Token, QueryError> {
        self.at = self.text.len() - self.rest().trim_start().len();
        let start = self.at;
        let kind = self.kind()?;
        Ok(Token { kind, start, end: self.at })
    }

    fn kind(&mut self) -> Result<Kind, QueryError> {
        let Some(first) = self.rest().chars().next() else { return Ok(Kind::End) };
        if first == '"' {
            return self.quoted();
        }
        if first == '*' {
            return self.star();
        }
        if !is_sign(first) {
            return self.bare();
        }
        let sign = SIGNS.into_iter().find(|(sign, _)| self.rest().starts_with(sign));
        let (sign, kind) = sign.ok_or_else(|| self.error(self.at))?;
        self.at += sign.len();
        Ok(kind)
    }

    fn star(&mut self) -> Result<Kind, QueryError> {
        let stands_alone = self.rest()[1..].chars().next().is_none_or(ends_word);
        if !stands_alone {
            return Err(self.error(self.at));
        }
        self.at += 1;
        Ok(Kind::Star)
    }

    fn bare(&mut self) -> Result<Kind, QueryError> {
        let mut word = Word { text: String::new(), wild: false, quoted: false, escaped: false };
        while let Some(c) = self.rest().chars().next() {
            match c {
                '\\' => {
                    word.text.push(self.escaped()?);
                    word.escaped = true;
                }
                _ if c.is_whitespace() || is_sign(c) => break,
                _ => {
                    word.text.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
        self.ended(word)
    }

    fn quoted(&mut self) -> Result<Kind, QueryError> {
        let start = self.at;
        let mut word = Word { text: String::new(), wild: false, quoted: true, escaped: false };
        self.at += 1;
        loop {
            match self.rest().chars().next() {
                None => return Err(self.error(start)),
                Some('\\') => word.text.push(self.escaped()?),
                Some('"') => break,
                Some('*') if word.text.is_empty() => return Err(self.error(self.at)),
                Some('*') => {
                    self.at += 1;
                    word.wild = true;
                    if !self.rest().starts_with('"') {
                        let at = if self.rest().is_empty() { start } else { self.at };
                        return Err(self.error(at));
                    }
                }
                Some(c) => {
                    word.text.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
        self.at += 1;
        self.ended(word)
    }

    /// A backslash and what follows it.
    fn escaped(&mut self) -> Result<char, QueryError> {
        let escaped = self.rest()[1..].chars().next().ok_or_else(|| self.error(self.at))?;
        self.at += 1 + escaped.len_utf8();
        Ok(escaped)
    }

    /// A word that may be followed by a wildcard, but by no other word at once.
    fn ended(&mut self, mut word: Word) -> Result<Kind, QueryError> {
        if self.rest().starts_with('*') && !word.wild {
            if word.text.is_empty() {
                return Err(self.error(self.at));
            }
            self.at += 1;
            word.wild = true;
        }
        let ends = match self.rest().chars().next() {
            None => true,
            Some('(' | '"') if word.is_any_operator() => true,
            Some(c) => ends_word(c),
        };
        if ends { Ok(Kind::Word(word)) } else { Err(self.error(self.at)) }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn error(&self, at: usize) -> QueryError {
        QueryError::at(self.text, at)
    }
}

/// What cannot be part of a word without a backslash.
fn is_sign(c: char) -> bool {
    "!(){}[]*^~?:=&><\"".contains(c)
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || ")]}:=<>".contains(c)
}
