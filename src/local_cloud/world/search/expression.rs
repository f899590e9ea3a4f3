//! What an expression says, and whether an asset is what it says.

use super::error::QueryError;
use super::fields::{Field, Searched};
use super::literal::number;
use super::parser;
use super::words::{Phrase, Start};

/// An expression that was read.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    Everything,
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
    Term(Term),
}

/// One condition on one field, or on the usual ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    pub(super) field: Option<Field>,
    pub(super) test: Test,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    /// Its words occur, in that order.
    Words(Phrase),
    /// It is this as a whole, in any case.
    Whole(Phrase),
    Equals(String),
    /// It, or one of its words, begins so.
    BeginsWord(Start),
    Begins(Start),
    /// It is this folder, or one below it.
    Under(Phrase, Start),
    /// There is something.
    Present,
    Number(Bounds<f64>),
    /// Compared as numbers where both are, else letter by letter: dates in the ISO form are in order then.
    Text(Bounds<String>),
    /// Nothing does.
    Never,
}

/// From where to where; without an end it is open.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bounds<T> {
    pub low: Option<Bound<T>>,
    pub high: Option<Bound<T>>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bound<T> {
    pub at: T,
    pub included: bool,
}

impl Expression {
    /// Reads `text`; `unix_now` is what relative times (`1d`) count back from. Empty text is everything.
    ///
    /// # Errors
    /// Where the first thing stands that is not understood.
    pub fn parse(text: &str, unix_now: i64) -> Result<Self, QueryError> {
        parser::parse(text, unix_now)
    }

    /// Whether `subject` is what this says.
    #[must_use]
    pub fn holds<S: Searched>(&self, subject: &S) -> bool {
        match self {
            Self::Everything => true,
            Self::All(parts) => parts.iter().all(|part| part.holds(subject)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(subject)),
            Self::Not(part) => !part.holds(subject),
            Self::Term(term) => term.holds(subject),
        }
    }

    /// Whether an answer takes the bytes of files.
    #[must_use]
    pub fn is_costly(&self) -> bool {
        match self {
            Self::Everything => false,
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::is_costly),
            Self::Not(part) => part.is_costly(),
            Self::Term(term) => term.field.as_ref().is_some_and(Field::is_costly),
        }
    }
}

impl Term {
    fn holds<S: Searched>(&self, subject: &S) -> bool {
        match &self.field {
            Some(field) => self.test.holds(field, subject),
            None => S::USUAL.iter().any(|field| self.test.holds(field, subject)),
        }
    }
}

impl Test {
    fn holds<S: Searched>(&self, field: &Field, subject: &S) -> bool {
        let any = |holds: &dyn Fn(&str) -> bool| subject.any_text(field, holds);
        match self {
            Self::Words(phrase) => any(&|text| phrase.occurs_in(text)),
            Self::Whole(phrase) => any(&|text| phrase.is(text)),
            Self::Equals(wanted) => any(&|text| text == wanted),
            Self::BeginsWord(start) => any(&|text| start.begins_text_or_word(text)),
            Self::Begins(start) => any(&|text| start.begins(text)),
            Self::Under(folder, below) => any(&|text| folder.is(text) || below.begins(text)),
            Self::Present => subject.number(field).is_some() || any(&|text: &str| !text.is_empty()),
            Self::Number(bounds) => subject.number(field).is_some_and(|own| bounds.hold(own)),
            Self::Text(bounds) => any(&|text| bounds.hold(text)),
            Self::Never => false,
        }
    }
}

impl Bounds<f64> {
    fn hold(&self, own: f64) -> bool {
        self.low.as_ref().is_none_or(|low| own > low.at || (low.included && own >= low.at))
            && self
                .high
                .as_ref()
                .is_none_or(|high| own < high.at || (high.included && own <= high.at))
    }
}

impl Bounds<String> {
    fn hold(&self, own: &str) -> bool {
        use std::cmp::Ordering;
        let order = |other: &str| match (number(own), number(other)) {
            (Some(own), Some(other)) => own.total_cmp(&other),
            _ => own.cmp(other),
        };
        let holds = |bound: &Option<Bound<String>>, wanted: Ordering| {
            bound.as_ref().is_none_or(|bound| {
                let order = order(&bound.at);
                order == wanted || (bound.included && order.is_eq())
            })
        };
        holds(&self.low, Ordering::Greater) && holds(&self.high, Ordering::Less)
    }
}
