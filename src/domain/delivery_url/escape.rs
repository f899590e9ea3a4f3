//! Percent-escaping of names and paths (facts §4.3).

use std::borrow::Cow;

/// A text is no percent-escaped UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadEscape;

/// `raw` as Python's `smart_escape` writes it: all but `A–Z a–z 0–9 _ . - / :` escaped, byte by byte.
pub(super) fn smart_escape(raw: &str) -> String {
    escape(raw, |byte| byte.is_ascii_alphanumeric() || b"_.-/:".contains(&byte))
}

/// `raw` with nothing escaped but what cannot stand in the path of a request line.
/// What is left alone is a part of the cache key as it was written.
pub(super) fn wire_path(raw: &str) -> Cow<'_, str> {
    wire(raw, br#" "<>\^`{}#?"#)
}

/// The same for a query.
pub(super) fn wire_query(raw: &str) -> Cow<'_, str> {
    wire(raw, br#" "<>'`#"#)
}

fn wire<'a>(raw: &'a str, refused: &[u8]) -> Cow<'a, str> {
    let stands = |byte: u8| byte.is_ascii_graphic() && !refused.contains(&byte);
    if raw.bytes().all(stands) { raw.into() } else { escape(raw, stands).into() }
}

fn escape(raw: &str, stands: impl Fn(u8) -> bool) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut escaped = String::with_capacity(raw.len());
    for byte in raw.bytes() {
        if stands(byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            escaped.push(char::from(HEX[usize::from(byte >> 4)]));
            escaped.push(char::from(HEX[usize::from(byte & 0xf)]));
        }
    }
    escaped
}

/// `escaped` with every `%xx` replaced once.
pub(super) fn unescape(escaped: &str) -> Result<String, BadEscape> {
    let mut bytes = escaped.bytes();
    let mut raw = Vec::with_capacity(escaped.len());
    let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
    while let Some(byte) = bytes.next() {
        raw.push(if byte == b'%' {
            let (high, low) = digit(bytes.next()).zip(digit(bytes.next())).ok_or(BadEscape)?;
            u8::try_from(high << 4 | low).map_err(|_| BadEscape)?
        } else {
            byte
        });
    }
    String::from_utf8(raw).map_err(|_| BadEscape)
}
