//! What in a URL lets whoever sees it in: told apart, masked, and never shown to a third party.
//!
//! In doubt something is a secret: a mask too many costs little.

use std::borrow::Cow;

/// Parts of query parameters' names that carry a right to see what not everybody may.
const GRANTS: &[&str] = &[
    "token",
    "sig",
    "auth",
    "secret",
    "hmac",
    "passw",
    "jwt",
    "credential",
    "hdne",
    "hdnts",
    "policy",
    "key",
    "session",
    "ticket",
    "expires",
];

const MASK: &str = "***";

/// Whether a query parameter of this name may grant access.
#[must_use]
pub fn grants_access(name: &str) -> bool {
    let name = unescaped(name).to_ascii_lowercase();
    GRANTS.iter().any(|part| name.contains(part))
}

/// Whether a segment of a path grants access: `s--…--`, or a token that stands in the path (`exp=…~acl=…~hmac=…`).
#[must_use]
pub fn is_secret_segment(segment: &str) -> bool {
    let segment = unescaped(segment);
    is_signature(&segment) || grants_in_path(&segment)
}

/// Whether a segment of a path is the signature of a delivery URL: `s--…--`, of whatever length.
#[must_use]
pub fn is_signature(segment: &str) -> bool {
    segment.strip_prefix("s--").is_some_and(|rest| rest.ends_with("--"))
}

fn grants_in_path(segment: &str) -> bool {
    segment.contains('~')
        && segment
            .split('~')
            .any(|part| part.split_once('=').is_some_and(|(name, _)| grants_access(name)))
}

/// Whether the path or the query of a URL grants access by itself.
#[must_use]
pub fn carries_secret(path: &str, query: Option<&str>) -> bool {
    path.split('/').any(is_secret_segment)
        || pairs(query.unwrap_or_default()).any(|pair| grants_access(name_of(pair)))
}

/// `text`, which may be a URL, with the values masked that grant access; anything else stays as it is.
#[must_use]
pub fn masked(text: &str) -> Cow<'_, str> {
    let Some(after) = text.find("://").map(|at| at + 3) else { return text.into() };
    let start = text[after..].find(['/', '?', '#']).map_or(text.len(), |at| after + at);
    let authority = masked_user(&text[after..start]);
    let (path, query) = match text[start..].split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (&text[start..], None),
    };
    if !carries_secret(path, query) && authority == text[after..start] {
        return text.into();
    }
    let segment = |segment: &str| match segment {
        _ if is_signature(segment) => format!("s--{MASK}--"),
        _ if is_secret_segment(segment) => MASK.to_owned(),
        _ => segment.to_owned(),
    };
    let path: Vec<String> = path.split('/').map(segment).collect();
    let mut masked = format!("{}{authority}{}", &text[..after], path.join("/"));
    if let Some(query) = query {
        masked.push('?');
        masked.push_str(&masked_query(query));
    }
    masked.into()
}

/// Prose in which words may be URLs, each of them [`masked`]; lines stay lines.
#[must_use]
pub fn masked_words(text: &str) -> String {
    let line = |line: &str| line.split(' ').map(masked).collect::<Vec<_>>().join(" ");
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// A query with the values masked that grant access.
fn masked_query(query: &str) -> String {
    let mut masked = String::with_capacity(query.len());
    for pair in query.split_inclusive(['&', ';', '?', '#']) {
        let (bare, end) = match pair.char_indices().next_back() {
            Some((at, '&' | ';' | '?' | '#')) => pair.split_at(at),
            _ => (pair, ""),
        };
        match bare.split_once('=') {
            Some((name, _)) if grants_access(name) => masked.extend([name, "=", MASK]),
            _ => masked.push_str(bare),
        }
        masked.push_str(end);
    }
    masked
}

/// `user:password@host` without what stands before `@`.
fn masked_user(authority: &str) -> String {
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{MASK}@{host}"),
        None => authority.to_owned(),
    }
}

fn pairs(query: &str) -> impl Iterator<Item = &str> {
    query.split(['&', ';', '?', '#'])
}

fn name_of(pair: &str) -> &str {
    pair.split('=').next().unwrap_or_default()
}

/// `%xx` undone, as often as it is nested up to three times; what is no UTF-8 becomes `U+FFFD`.
#[must_use]
pub fn unescaped(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..3 {
        if !text.contains('%') {
            break;
        }
        let once = unescaped_once(&text);
        if once == text {
            break;
        }
        text = once.into();
    }
    text
}

fn unescaped_once(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((&first, after)) = rest.split_first() {
        let pair = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let is_hex = |pair: &&str| pair.bytes().all(|b| b.is_ascii_hexdigit());
        let byte = pair.filter(is_hex).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match byte {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("https://a.com/b.jpg?w=1", "https://a.com/b.jpg?w=1")]
    #[case("https://a.com/b.jpg?token=abc&w=1", "https://a.com/b.jpg?token=***&w=1")]
    #[case("https://a.com/b?to%6ben=abc#x", "https://a.com/b?to%6ben=***#x")]
    #[case("https://a.com/b?w=1;Signature=x", "https://a.com/b?w=1;Signature=***")]
    #[case("https://a.com?key=1", "https://a.com?key=***")]
    #[case("https://me:pw@a.com/b", "https://***@a.com/b")]
    #[case(
        "https://a.com/image/upload/s--AbCd--/v1/x.jpg",
        "https://a.com/image/upload/s--***--/v1/x.jpg"
    )]
    #[case("https://a.com/x?__cld_token__=exp=1~hmac=2", "https://a.com/x?__cld_token__=***")]
    #[case("press/hero", "press/hero")]
    #[case("--note=why?token=1", "--note=why?token=1")]
    #[case("", "")]
    fn urls_are_shown_without_what_lets_others_in(#[case] raw: &str, #[case] shown: &str) {
        assert_eq!(masked(raw), shown);
    }

    #[test]
    fn urls_in_prose_are_masked_word_by_word() {
        let note = "see https://a.com/x?token=hush\nand https://me:pw@a.com/y, ticket 7";
        assert_eq!(
            masked_words(note),
            "see https://a.com/x?token=***\nand https://***@a.com/y, ticket 7"
        );
    }

    proptest! {
        #[test]
        fn any_text_has_an_answer(text in "\\PC{0,80}", value in "[a-z]{30,40}") {
            let _ = (masked(&text), unescaped(&text));
            let url = format!("https://a.com/b?x=1&access_token={value}&y=2");
            prop_assert!(!masked(&url).contains(&value));
        }
    }
}
