//! Expressions made by chance: whatever is typed is read or refused, and what is read says the same as a second,
//! plainer reader of the same tree.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::local_cloud::world::search::{Expression, Position};

static LIBRARY: LazyLock<Vec<StoredAsset>> = LazyLock::new(|| {
    let mut all = library();
    all.truncate(80);
    all
});

/// An expression before it is written.
#[derive(Debug, Clone)]
enum Tree {
    And(Box<Tree>, Box<Tree>, bool),
    Or(Box<Tree>, Box<Tree>),
    Not(Box<Tree>),
    Text { field: Option<&'static str>, exact: bool, value: &'static str, wild: bool, quoted: bool },
    Compare { field: &'static str, sign: &'static str, at: i64 },
    Range { field: &'static str, low: Option<i64>, high: Option<i64>, ends: (bool, bool) },
}

const TEXTS: [&str; 8] = [
    "public_id",
    "filename",
    "display_name",
    "tags",
    "asset_folder",
    "resource_type",
    "format",
    "nonsense",
];
const NUMBERS: [&str; 7] =
    ["bytes", "width", "height", "pixels", "version", "created_at", "nonsense"];
const VALUES: [&str; 26] = [
    "press",
    "PRESS",
    "press/2026",
    "press/2026/hero",
    "2026/hero",
    "hero",
    "her",
    "team photo",
    "été",
    "ÉTÉ",
    "mark(round)",
    "logo-dark",
    "brand",
    "jpg",
    "image",
    "raw",
    "a:b",
    "x*y",
    "q\"uo\\te",
    "[1 TO 2]",
    "AND",
    "not",
    "~",
    "",
    "2026",
    "products/shoes",
];

fn leaf() -> impl Strategy<Value = Tree> {
    let text = (
        proptest::option::of(proptest::sample::select(&TEXTS[..])),
        any::<bool>(),
        proptest::sample::select(&VALUES[..]),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(field, exact, value, wild, quoted)| Tree::Text {
            field,
            exact,
            value,
            wild: wild && !value.is_empty(),
            quoted: quoted || value.is_empty(),
        });
    let number = || prop_oneof![0_i64..3000, Just(230_400), NOW - 40_000_000..NOW];
    let compare = (
        proptest::sample::select(&NUMBERS[..]),
        proptest::sample::select(&[">", ">=", "<", "<=", ":>", ":>=", ":<", ":<=", ":", "="][..]),
        number(),
    )
        .prop_map(|(field, sign, at)| Tree::Compare { field, sign, at });
    let end = || proptest::option::of(number());
    let range = (proptest::sample::select(&NUMBERS[..]), end(), end(), any::<(bool, bool)>())
        .prop_map(|(field, low, high, ends)| Tree::Range { field, low, high, ends });
    prop_oneof![3 => text, 1 => compare, 1 => range]
}

fn tree() -> impl Strategy<Value = Tree> {
    leaf().prop_recursive(5, 24, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone(), any::<bool>()).prop_map(|(a, b, joined)| Tree::And(
                a.into(),
                b.into(),
                joined
            )),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Tree::Or(a.into(), b.into())),
            inner.prop_map(|a| Tree::Not(a.into())),
        ]
    })
}

impl Tree {
    /// Writes the tree, with parentheses only where they are needed.
    fn write(&self) -> String {
        match self {
            Self::Or(a, b) => format!("{} OR {}", a.write(), b.write()),
            Self::And(a, b, joined) => {
                let sign = if *joined { " AND " } else { " " };
                format!("{}{sign}{}", a.inside(1), b.inside(1))
            }
            Self::Not(a) => format!("NOT {}", a.inside(2)),
            Self::Text { field, exact, value, wild, quoted } => {
                let star = if *wild { "*" } else { "" };
                let value = match (quoted, field, *value) {
                    (true, ..) => format!("\"{}{star}\"", escaped(value, "\"*\\")),
                    // bare, these two are operators
                    (false, None, "AND") if !wild => "\\AND".to_owned(),
                    _ => format!("{}{star}", escaped(value, "!(){}[]*^~?:\\=&><\" ")),
                };
                let sign = if *exact { "=" } else { ":" };
                field.map_or(value.clone(), |field| format!("{field}{sign}{value}"))
            }
            Self::Compare { field, sign, at } => format!("{field}{sign}{}", number(field, *at)),
            Self::Range { field, low, high, ends } => {
                let end = |end: &Option<i64>| end.map_or("*".to_owned(), |at| number(field, at));
                let open = if ends.0 { '[' } else { '{' };
                let close = if ends.1 { ']' } else { '}' };
                format!("{field}:{open}{} TO {}{close}", end(low), end(high))
            }
        }
    }

    fn inside(&self, level: u8) -> String {
        let own = match self {
            Self::Or(..) => 0,
            Self::And(..) => 1,
            _ => 2,
        };
        if own < level { format!("({})", self.write()) } else { self.write() }
    }

    /// What the tree says of an asset, in the plainest way.
    fn holds(&self, asset: &StoredAsset) -> bool {
        match self {
            Self::And(a, b, _) => a.holds(asset) && b.holds(asset),
            Self::Or(a, b) => a.holds(asset) || b.holds(asset),
            Self::Not(a) => !a.holds(asset),
            Self::Text { field: None, value, wild, .. } => {
                ["public_id", "display_name", "asset_folder", "tags", "format"]
                    .iter()
                    .flat_map(|field| texts(field, asset))
                    .any(|own| if *wild { begins(&own, value) } else { occurs(&own, value) })
            }
            Self::Text { field: Some(field), exact, value, wild, .. } => {
                let whole = ["asset_folder", "resource_type", "format"].contains(field);
                texts(field, asset).iter().any(|own| {
                    let (low, wanted) = (own.to_lowercase(), value.to_lowercase());
                    match (exact, wild) {
                        (true, false) => own == value,
                        (true, true) => low.starts_with(&wanted),
                        (false, true) if whole => low.starts_with(&wanted),
                        (false, false) if whole => low == wanted,
                        (false, true) => begins(own, value),
                        (false, false) => occurs(own, value),
                    }
                })
            }
            Self::Compare { field, sign, at } => {
                value(field, asset).is_some_and(|own| match sign.trim_start_matches(':') {
                    ">" => own > *at,
                    ">=" => own >= *at,
                    "<" => own < *at,
                    "<=" => own <= *at,
                    _ => own == *at,
                })
            }
            Self::Range { field, low, high, ends } => value(field, asset).is_some_and(|own| {
                low.is_none_or(|low| if ends.0 { own >= low } else { own > low })
                    && high.is_none_or(|high| if ends.1 { own <= high } else { own < high })
            }),
        }
    }
}

fn escaped(value: &str, special: &str) -> String {
    value.chars().flat_map(|c| special.contains(c).then_some('\\').into_iter().chain([c])).collect()
}

/// Times are written as dates with a time of day.
fn number(field: &str, at: i64) -> String {
    match field {
        "created_at" => format!("\"{}\"", jiff::Timestamp::from_second(at).unwrap()),
        _ => at.to_string(),
    }
}

fn texts(field: &str, asset: &StoredAsset) -> Vec<String> {
    match field {
        "public_id" => vec![asset.key.public_id.to_string()],
        "filename" => vec![asset.key.public_id.as_str().rsplit('/').next().unwrap().to_owned()],
        "display_name" => vec![asset.display_name.to_string()],
        "asset_folder" => vec![asset.asset_folder.to_string()],
        "tags" => asset.tags.iter().map(ToString::to_string).collect(),
        "resource_type" => vec![asset.key.resource_type.to_string()],
        "format" => {
            let name = asset.key.public_id.as_str();
            let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_owned());
            asset
                .format()
                .map(|format| format.as_str().to_owned())
                .or(extension)
                .into_iter()
                .collect()
        }
        _ => Vec::new(),
    }
}

fn value(field: &str, asset: &StoredAsset) -> Option<i64> {
    let size = asset.content.size();
    match field {
        "bytes" => i64::try_from(asset.content.length()).ok(),
        "version" => i64::try_from(asset.version).ok(),
        "created_at" => Some(asset.created_at),
        "width" => size.map(|(width, _)| width.into()),
        "height" => size.map(|(_, height)| height.into()),
        "pixels" => size.map(|(width, height)| i64::from(width) * i64::from(height)),
        _ => None,
    }
}

fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let all = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    all.map(str::to_owned).collect()
}

fn occurs(text: &str, wanted: &str) -> bool {
    let (own, wanted_words) = (words(text), words(wanted));
    if wanted_words.is_empty() {
        return text.to_lowercase() == wanted.to_lowercase();
    }
    own.windows(wanted_words.len()).any(|part| part == wanted_words)
}

fn begins(text: &str, wanted: &str) -> bool {
    let wanted = wanted.to_lowercase();
    let is_word = wanted.chars().all(char::is_alphanumeric);
    text.to_lowercase().starts_with(&wanted)
        || (is_word && words(text).iter().any(|word| word.starts_with(&wanted)))
}

proptest! {
    #[test]
    fn what_is_written_is_read_and_says_the_same(tree in tree()) {
        let text = tree.write();
        let read = Expression::parse(&text, NOW);
        prop_assert!(read.is_ok(), "{text}: {read:?}");
        let read = read.unwrap();
        for asset in LIBRARY.iter() {
            prop_assert_eq!(read.holds(asset), tree.holds(asset), "{} of {}", &text, &asset.key);
        }
    }

    #[test]
    fn any_text_can_be_looked_for(value in any::<String>(), bare in "[^\u{0}]{1,20}") {
        let quoted = format!("tags=\"{}\"", escaped(&value, "\"*\\"));
        let mut asset = LIBRARY[0].clone();
        asset.tags = [value.as_str().into()].into();
        prop_assert!(Expression::parse(&quoted, NOW).unwrap().holds(&asset), "{}", quoted);
        // blanks of every kind have to be escaped too
        let escape = |c: char| c.is_whitespace() || "!(){}[]*^~?:\\=&><\"".contains(c);
        let text: String =
            bare.chars().flat_map(|c| escape(c).then_some('\\').into_iter().chain([c])).collect();
        asset.tags = [bare.as_str().into()].into();
        let text = format!("tags={text}");
        prop_assert!(Expression::parse(&text, NOW).unwrap().holds(&asset), "{}", text);
    }

    #[test]
    fn whatever_is_typed_is_read_or_refused_where_it_stands(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn so_is_what_looks_like_an_expression(
        text in r#"([a-z_.]{1,8}|[:=<>]{1,2}|[()\[\]{}]|AND|OR|NOT|TO| |\*|"|\\|[0-9]{1,3}[dkmg]?|é|[!^~?&/-]){0,24}"#
    ) {
        check(&text)?;
    }

    #[test]
    fn any_cursor_is_read_or_refused(text in any::<String>(), likely in "[A-Za-z0-9_-]{0,40}") {
        prop_assert!(Position::from_cursor(&text).is_none_or(|read| !read.to_cursor().is_empty()));
        prop_assert!(Position::from_cursor(&likely).is_none_or(|read| !read.to_cursor().is_empty()));
    }
}

fn check(text: &str) -> Result<(), TestCaseError> {
    match Expression::parse(text, NOW) {
        Ok(read) => {
            let _ = read.holds(&LIBRARY[0]);
        }
        Err(error) => {
            let rest: String = text.chars().skip(error.position - 1).take(40).collect();
            prop_assert!(error.position <= text.chars().count() + 1, "{text}: {error}");
            prop_assert_eq!(error.rest, rest);
        }
    }
    Ok(())
}
