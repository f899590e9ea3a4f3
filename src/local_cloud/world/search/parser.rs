//! Search expressions, read: `tags=press AND (format:jpg OR bytes>100k) AND NOT public_id:press/*`.
//!
//! ```text
//! any   := all ("OR" all)*
//! all   := not ("AND"? not)*            side by side counts as AND; the service does not document it
//! not   := "NOT" not | "(" any ")" | term
//! term  := "*" | "*:*" | value | field test
//! test  := (":" | "=") ("*" | value | range) | comparison value
//! range := ("[" | "{") end "TO" end ("]" | "}")        end := "*" | value
//! ```
//!
//! Operators are in capitals. Depth and number of conditions are bounded.

use super::error::QueryError;
use super::expression::{Bound, Bounds, Expression, Term, Test};
use super::fields::{Field, Nature};
use super::lexer::{Comparison, Kind, Lexer, Token, Word};
use super::literal::Literal;
use super::words::{Phrase, Start};

/// Depth of parentheses and `NOT` that is followed.
pub const DEEPEST: usize = 64;
/// Conditions in one expression.
pub const MOST_TERMS: usize = 1000;

type Read<T> = Result<T, QueryError>;

/// Reads an expression; `unix_now` is what relative times count back from.
///
/// # Errors
/// Where the first thing stands that is not understood.
pub fn parse(text: &str, unix_now: i64) -> Read<Expression> {
    let mut parser =
        Parser { text, lexer: Lexer::new(text)?, ahead: None, depth: 0, terms: 0, unix_now };
    if parser.peek()?.kind == Kind::End {
        return Ok(Expression::Everything);
    }
    let expression = parser.any()?;
    let rest = parser.take()?;
    if rest.kind == Kind::End { Ok(expression) } else { Err(parser.error(&rest)) }
}

struct Parser<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    ahead: Option<Token>,
    depth: usize,
    terms: usize,
    unix_now: i64,
}

impl Parser<'_> {
    fn peek(&mut self) -> Read<&Token> {
        let token = self.take()?;
        Ok(self.ahead.insert(token))
    }

    fn take(&mut self) -> Read<Token> {
        self.ahead.take().map_or_else(|| self.lexer.next(), Ok)
    }

    fn error(&self, token: &Token) -> QueryError {
        QueryError::at(self.text, token.start)
    }

    /// Takes the operator `name` where it comes next.
    fn operator(&mut self, name: &str) -> Read<bool> {
        let comes = matches!(&self.peek()?.kind, Kind::Word(word) if word.is_operator(name));
        if comes {
            self.ahead = None;
        }
        Ok(comes)
    }

    /// Goes one level down, where that is not too deep.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        self.depth += 1;
        if self.depth > DEEPEST {
            let token = self.take()?;
            return Err(self.error(&token));
        }
        let found = read(self);
        self.depth -= 1;
        found
    }

    fn any(&mut self) -> Read<Expression> {
        let mut parts = vec![self.all()?];
        while self.operator("OR")? {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Expression::Any))
    }

    fn all(&mut self) -> Read<Expression> {
        let mut parts = vec![self.not()?];
        loop {
            let joined = self.operator("AND")?;
            let ends = match &self.peek()?.kind {
                Kind::End | Kind::Close => true,
                Kind::Word(word) => word.is_operator("OR"),
                _ => false,
            };
            if ends && !joined {
                break;
            }
            parts.push(self.not()?);
        }
        // what is dear to find out is asked last
        parts.sort_by_key(Expression::is_costly);
        Ok(one_or(parts, Expression::All))
    }

    fn not(&mut self) -> Read<Expression> {
        if self.operator("NOT")? {
            let inner = self.deeper(Self::not)?;
            return Ok(Expression::Not(Box::new(inner)));
        }
        if self.peek()?.kind != Kind::Open {
            return self.term();
        }
        self.ahead = None;
        let inner = self.deeper(Self::any)?;
        let close = self.take()?;
        if close.kind == Kind::Close { Ok(inner) } else { Err(self.error(&close)) }
    }

    fn term(&mut self) -> Read<Expression> {
        let token = self.take()?;
        self.terms += 1;
        if self.terms > MOST_TERMS {
            return Err(self.error(&token));
        }
        let word = match &token.kind {
            Kind::Star => return self.everything(),
            Kind::Word(word) => word,
            _ => return Err(self.error(&token)),
        };
        let has_test =
            matches!(self.peek()?.kind, Kind::Matches | Kind::Equals | Kind::Compares(_));
        if has_test && !word.quoted && !word.wild {
            let field = Field::named(&word.text);
            let test = self.test(&field)?;
            return Ok(Expression::Term(Term { field: Some(field), test }));
        }
        if ["AND", "OR", "TO"].iter().any(|name| word.is_operator(name)) {
            return Err(self.error(&token));
        }
        let test = if word.wild {
            Test::BeginsWord(Start::of(&word.text))
        } else {
            Test::Words(Phrase::of(&word.text))
        };
        Ok(Expression::Term(Term { field: None, test }))
    }

    /// Behind a `*`: nothing more, or `:*`.
    fn everything(&mut self) -> Read<Expression> {
        if self.peek()?.kind == Kind::Matches {
            self.ahead = None;
            let star = self.take()?;
            if star.kind != Kind::Star {
                return Err(self.error(&star));
            }
        }
        Ok(Expression::Everything)
    }

    fn test(&mut self, field: &Field) -> Read<Test> {
        let (sign, value) = (self.take()?, self.take()?);
        match (&sign.kind, &value.kind) {
            (Kind::Compares(comparison), Kind::Word(word)) => {
                self.comparison(field.nature(), *comparison, &sign, (&value, word))
            }
            (Kind::Matches | Kind::Equals, Kind::Star) => Ok(match field.nature() {
                Nature::Unknown => Test::Never,
                _ => Test::Present,
            }),
            (Kind::Matches | Kind::Equals, Kind::OpenRange { included }) => {
                self.range(field.nature(), &value, *included)
            }
            (_, Kind::Word(word)) => self.value(field, sign.kind == Kind::Equals, (&value, word)),
            _ => Err(self.error(&value)),
        }
    }

    /// What follows `:` or `=`.
    fn value(&self, field: &Field, exact: bool, (token, word): (&Token, &Word)) -> Read<Test> {
        let text = word.text.as_str();
        Ok(match field.nature() {
            Nature::Unknown => Test::Never,
            Nature::Number | Nature::Size | Nature::Ratio | Nature::Time => {
                let literal = self.literal(field.nature(), token, word)?;
                let bound = |at| Some(Bound { at, included: true });
                Test::Number(Bounds { low: bound(literal.first), high: bound(literal.until) })
            }
            Nature::Whole if word.wild => match text.strip_suffix('/') {
                Some(folder) if *field == Field::AssetFolder => {
                    Test::Under(Phrase::of(folder), Start::of(text))
                }
                _ => Test::Begins(Start::of(text)),
            },
            _ if word.wild && exact => Test::Begins(Start::of(text)),
            _ if word.wild => Test::BeginsWord(Start::of(text)),
            _ if exact => Test::Equals(text.to_owned()),
            Nature::Whole => Test::Whole(Phrase::of(text)),
            Nature::Text | Nature::Custom => Test::Words(Phrase::of(text)),
        })
    }

    fn comparison(
        &self,
        nature: Nature,
        comparison: Comparison,
        sign: &Token,
        (token, word): (&Token, &Word),
    ) -> Read<Test> {
        use Comparison::{Above, AtLeast, AtMost, Below};
        match nature {
            Nature::Text | Nature::Whole => Err(self.error(sign)),
            _ if word.wild => Err(self.error(token)),
            Nature::Unknown => Ok(Test::Never),
            Nature::Custom => {
                let at = word.text.clone();
                Ok(Test::Text(match comparison {
                    Above | AtLeast => above(at, comparison == AtLeast),
                    Below | AtMost => below(at, comparison == AtMost),
                }))
            }
            _ => {
                let literal = self.literal(nature, token, word)?;
                // after a day is after its last second, from a day on from its first
                Ok(Test::Number(match comparison {
                    Above => above(literal.last, false),
                    AtLeast => above(literal.first, true),
                    Below => below(literal.first, false),
                    AtMost => below(literal.last, true),
                }))
            }
        }
    }

    /// What follows an opening bracket.
    fn range(&mut self, nature: Nature, open: &Token, low_included: bool) -> Read<Test> {
        if matches!(nature, Nature::Text | Nature::Whole) {
            return Err(self.error(open));
        }
        let low = self.end()?;
        let to = self.take()?;
        if !matches!(&to.kind, Kind::Word(word) if word.is_operator("TO")) {
            return Err(self.error(&to));
        }
        let high = self.end()?;
        let close = self.take()?;
        let Kind::CloseRange { included: high_included } = close.kind else {
            return Err(self.error(&close));
        };
        match nature {
            Nature::Unknown => Ok(Test::Never),
            Nature::Custom => {
                let bound = |end: Option<(Token, Word)>, included| {
                    end.map(|(_, word)| Bound { at: word.text, included })
                };
                let (low, high) = (bound(low, low_included), bound(high, high_included));
                Ok(Test::Text(Bounds { low, high }))
            }
            _ => {
                let read = |end: Option<(Token, Word)>| {
                    end.map(|(token, word)| self.literal(nature, &token, &word)).transpose()
                };
                let low = read(low)?.map(|low| Bound {
                    at: if low_included { low.first } else { low.last },
                    included: low_included,
                });
                let high = read(high)?.map(|high| Bound {
                    at: if high_included { high.last } else { high.first },
                    included: high_included,
                });
                Ok(Test::Number(Bounds { low, high }))
            }
        }
    }

    /// One end of a range; none where it is open.
    fn end(&mut self) -> Read<Option<(Token, Word)>> {
        let token = self.take()?;
        match &token.kind {
            Kind::Star => Ok(None),
            Kind::Word(word) if !word.wild && !word.is_operator("TO") => {
                let word = word.clone();
                Ok(Some((token, word)))
            }
            _ => Err(self.error(&token)),
        }
    }

    fn literal(&self, nature: Nature, token: &Token, word: &Word) -> Read<Literal> {
        let literal = Literal::read(nature, &word.text, self.unix_now).filter(|_| !word.wild);
        literal.ok_or_else(|| self.error(token))
    }
}

const fn above<T>(at: T, included: bool) -> Bounds<T> {
    Bounds { low: Some(Bound { at, included }), high: None }
}

const fn below<T>(at: T, included: bool) -> Bounds<T> {
    Bounds { low: None, high: Some(Bound { at, included }) }
}

fn one_or(mut parts: Vec<Expression>, many: fn(Vec<Expression>) -> Expression) -> Expression {
    if parts.len() == 1 { parts.remove(0) } else { many(parts) }
}
