//! `multipart/form-data`, taken apart as it comes: nothing is held back but the head of a part.
//!
//! A parser of our own, because it has to be bounded at every point, and because the real service is particular
//! about one thing that libraries forgive: names of parts must be quoted (facts §2.1).

use axum::body::Bytes;

/// Largest head of one part, in bytes.
const MOST_HEAD: usize = 16 * 1024;

/// What comes out.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// A part begins.
    Head(Head),
    /// More of the present part.
    Data(Bytes),
}

/// What a part says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// Empty where there is none, or where it is not quoted.
    pub name: String,
    pub file_name: Option<String>,
}

/// Why a body is no multipart body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("there is no boundary")]
    NoBoundary,
    #[error("the head of a part is too large")]
    Head,
    #[error("a boundary is followed by something else than a part")]
    Boundary,
    #[error("it ends in the middle")]
    Cut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In what stands before the first boundary, and is not looked at.
    Preamble,
    /// Right behind a boundary.
    Boundary,
    Head,
    Data,
    /// Behind the last boundary; nothing is looked at.
    End,
}

/// Takes a body apart.
#[derive(Debug)]
pub struct Splitter {
    /// With the line break before it.
    boundary: Vec<u8>,
    state: State,
    held: Vec<u8>,
}

impl Splitter {
    /// For the boundary that a `Content-Type` names.
    ///
    /// # Errors
    /// It names none.
    pub fn new(content_type: &str) -> Result<Self, Malformed> {
        let boundary = attributes(content_type)
            .find(|(name, ..)| name.eq_ignore_ascii_case("boundary"))
            .map(|(_, value, _)| value)
            .filter(|boundary| (1..=200).contains(&boundary.len()))
            .ok_or(Malformed::NoBoundary)?;
        // the first boundary may stand at the very beginning
        let held = b"\r\n".to_vec();
        Ok(Self { boundary: format!("\r\n--{boundary}").into(), state: State::Preamble, held })
    }

    /// Takes more of the body; what can be told by now comes back.
    ///
    /// # Errors
    /// This is no multipart body.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Vec<Piece>, Malformed> {
        let mut pieces = Vec::new();
        if self.state == State::End {
            return Ok(pieces);
        }
        self.held.extend_from_slice(bytes);
        let held = std::mem::take(&mut self.held);
        let mut rest = held.as_slice();
        loop {
            match self.state {
                State::Preamble | State::Data => {
                    let (plain, found) = until(&self.boundary, rest);
                    if self.state == State::Data && plain > 0 {
                        pieces.push(Piece::Data(Bytes::copy_from_slice(&rest[..plain])));
                    }
                    rest = &rest[plain..];
                    if !found {
                        break;
                    }
                    rest = &rest[self.boundary.len()..];
                    self.state = State::Boundary;
                }
                State::Boundary => {
                    // spaces may follow a boundary
                    let padding =
                        rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
                    match rest.get(padding..padding + 2) {
                        None if padding > MOST_HEAD => return Err(Malformed::Boundary),
                        None => break,
                        Some(b"\r\n") => {
                            // the line break stays: a head without lines ends at once
                            rest = &rest[padding..];
                            self.state = State::Head;
                        }
                        Some(b"--") => {
                            self.state = State::End;
                            return Ok(pieces);
                        }
                        Some(_) => return Err(Malformed::Boundary),
                    }
                }
                State::Head => {
                    let (length, found) = until(b"\r\n\r\n", rest);
                    if length > MOST_HEAD {
                        return Err(Malformed::Head);
                    }
                    if !found {
                        break;
                    }
                    pieces.push(Piece::Head(head(&rest[..length])));
                    rest = &rest[length + 4..];
                    self.state = State::Data;
                }
                State::End => return Ok(pieces),
            }
        }
        self.held = rest.to_vec();
        Ok(pieces)
    }

    /// Says whether the body may end here.
    ///
    /// # Errors
    /// It may not.
    pub fn end(&self) -> Result<(), Malformed> {
        if self.state == State::End { Ok(()) } else { Err(Malformed::Cut) }
    }
}

/// How much of `bytes` stands before `pattern` (which begins with a carriage return), and whether all of the pattern
/// is there; where it is not, what may be its beginning is left standing.
fn until(pattern: &[u8], bytes: &[u8]) -> (usize, bool) {
    let mut from = 0;
    while let Some(at) = carriage_return(&bytes[from..]) {
        let at = from + at;
        if bytes[at..].starts_with(pattern) {
            return (at, true);
        }
        if pattern.starts_with(&bytes[at..]) {
            return (at, false);
        }
        from = at + 1;
    }
    (bytes.len(), false)
}

/// Looks block by block, which passes over most of a file with the searching of the standard library.
fn carriage_return(bytes: &[u8]) -> Option<usize> {
    const BLOCK: usize = 256;
    let block = bytes.chunks(BLOCK).position(|block| block.contains(&b'\r'))?;
    let at = bytes[block * BLOCK..].iter().position(|byte| *byte == b'\r')?;
    Some(block * BLOCK + at)
}

fn head(bytes: &[u8]) -> Head {
    let text = String::from_utf8_lossy(bytes);
    let mut head = Head::default();
    for line in text.split("\r\n") {
        let Some((name, value)) = line.split_once(':') else { continue };
        if !name.trim().eq_ignore_ascii_case("content-disposition") {
            continue;
        }
        for (name, value, quoted) in attributes(value) {
            match name.to_ascii_lowercase().as_str() {
                "name" if quoted => head.name = value,
                "filename" if head.file_name.is_none() => head.file_name = Some(value),
                "filename*" => {
                    let encoded = value.splitn(3, '\'').nth(2).unwrap_or(&value);
                    head.file_name = Some(super::params::unescape(encoded, false));
                }
                _ => {}
            }
        }
    }
    head
}

/// The attributes behind the first `;` of a header's value, and whether each was quoted.
fn attributes(value: &str) -> impl Iterator<Item = (&str, String, bool)> {
    let mut rest = value.find(';').map_or("", |at| &value[at + 1..]);
    std::iter::from_fn(move || {
        let (name, after) = rest.split_once('=')?;
        let name = name.trim_start_matches([';', ' ', '\t']).trim_end();
        let (text, end, quoted) = if let Some(inside) = after.strip_prefix('"') {
            let (text, end) = quoted_text(inside);
            (text, end + 1, true)
        } else {
            let end = after.find(';').unwrap_or(after.len());
            (after[..end].trim().to_owned(), end, false)
        };
        rest = &after[end..];
        Some((name, text, quoted))
    })
}

/// The text up to the closing quote, and where what follows that begins. Backslashes count before quotes only:
/// browsers send those of Windows paths as they are.
fn quoted_text(inside: &str) -> (String, usize) {
    let (mut text, mut chars) = (String::new(), inside.char_indices().peekable());
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (text, at + 1),
            '\\' if chars.peek().is_some_and(|(_, next)| *next == '"') => {
                text.push('"');
                chars.next();
            }
            c => text.push(c),
        }
    }
    (text, inside.len())
}

#[cfg(test)]
mod unit {
    use super::*;
    use proptest::prelude::*;

    /// Parts as they come out of a body that arrives in chunks of these sizes.
    fn taken_apart(body: &[u8], chunk: usize) -> Result<Vec<(Head, Vec<u8>)>, Malformed> {
        let mut splitter = Splitter::new("multipart/form-data; boundary=XX")?;
        let mut parts: Vec<(Head, Vec<u8>)> = Vec::new();
        for chunk in body.chunks(chunk) {
            for piece in splitter.feed(chunk)? {
                match (piece, parts.last_mut()) {
                    (Piece::Head(head), _) => parts.push((head, Vec::new())),
                    (Piece::Data(data), Some((_, so_far))) => so_far.extend_from_slice(&data),
                    (Piece::Data(_), None) => panic!("data before a head"),
                }
            }
        }
        splitter.end().map(|()| parts)
    }

    #[test]
    fn parts_are_told_whatever_the_chunks() {
        let body = b"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--X\r\n\r\n--XX  \r\n\
            content-disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\" c:\\x;.png\"\r\nContent-Type: x/y\r\n\r\n\
            \r\n--XX\r\n\r\nlost\r\n--XX--\r\nnothing";
        for chunk in 1..body.len() {
            let parts = taken_apart(body, chunk).unwrap();
            assert_eq!(parts.len(), 3, "{chunk}");
            assert_eq!((parts[0].0.name.as_str(), &parts[0].1[..]), ("a", &b"1\r\n--X\r\n"[..]));
            assert_eq!(parts[1].0.name, "file");
            assert_eq!(parts[1].0.file_name.as_deref(), Some("a \"b\" c:\\x;.png"));
            assert_eq!(parts[1].1, b"");
            assert_eq!((parts[2].0.name.as_str(), &parts[2].1[..]), ("", &b"lost"[..]));
        }
    }

    #[test]
    fn names_that_are_not_quoted_are_none() {
        let body = b"--XX\r\nContent-Disposition: form-data; name=api_key\r\n\r\n1\r\n--XX--";
        assert_eq!(taken_apart(body, 7).unwrap()[0].0.name, "");
        let body = b"--XX\r\nContent-Disposition: form-data; name=\"file\"; filename*=UTF-8''%C3%A9.png\r\n\r\n\r\n--XX--";
        assert_eq!(taken_apart(body, 7).unwrap()[0].0.file_name.as_deref(), Some("é.png"));
    }

    #[test]
    fn what_is_no_multipart_body_is_refused() {
        assert_eq!(Splitter::new("multipart/form-data").unwrap_err(), Malformed::NoBoundary);
        let quoted = Splitter::new("multipart/form-data; charset=x; Boundary=\"a b\"").unwrap();
        assert_eq!(quoted.boundary, b"\r\n--a b");
        assert_eq!(taken_apart(b"--XX\r\n\r\nabc", 3), Err(Malformed::Cut));
        assert_eq!(taken_apart(b"--XXY\r\n\r\nabc\r\n--XX--", 3), Err(Malformed::Boundary));
        let long = [b"--XX\r\n".to_vec(), vec![b'x'; 2 * MOST_HEAD]].concat();
        assert_eq!(taken_apart(&long, 1000), Err(Malformed::Head));
    }

    proptest! {
        #[test]
        fn any_bytes_come_through_and_none_upset_it(
            data in prop::collection::vec(prop::sample::select(b"\r\n-X a".to_vec()), 0..200),
            chunk in 1..40_usize,
        ) {
            let _ = taken_apart(&data, chunk);
            let body = [
                &b"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"[..], &data, b"\r\n--XX--",
            ]
            .concat();
            let inner = data.windows(4).any(|w| w == b"--XX");
            if !inner {
                prop_assert_eq!(&taken_apart(&body, chunk).unwrap()[0].1, &data);
            }
        }
    }
}
