//! Public IDs: the names of assets.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Name of an asset inside its cloud, e.g. `press/2026/hero`: no version, and no file extension but for raw files.
///
/// 1 to 255 characters, none of `? & # \ % < > +`, no space or `/` at either end, no control character
/// (source: Cloudinary documentation, "Permitted naming conventions"). For fetch the remote URL stands in its
/// place: see [`PublicId::of_fetch`].
///
/// Cloning it is cheap: lists, indexes and watches of a million assets share one text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicId(Arc<str>);

/// The first naming rule that a text breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPublicId {
    #[error("a public ID has 1 to 255 characters, this one has {chars}")]
    Length { chars: usize },
    #[error("a public ID neither begins nor ends with a space or `/`")]
    Edge,
    #[error("`{}` is not allowed in a public ID; none of ? & # \\ % < > + and no control character is", .found.escape_default())]
    Forbidden { found: char },
}

impl PublicId {
    /// The remote URL that names a fetched asset; only control characters are refused.
    ///
    /// # Errors
    /// Length, or a control character.
    pub fn of_fetch(remote_url: &str) -> Result<Self, BadPublicId> {
        match (remote_url.chars().count(), remote_url.chars().find(|c| c.is_control())) {
            (_, Some(found)) => Err(BadPublicId::Forbidden { found }),
            (1..=2048, None) => Ok(Self(remote_url.into())),
            (chars, None) => Err(BadPublicId::Length { chars }),
        }
    }

    /// A name that the cloud itself told us: old assets may break today's rules (`+` in an ID), so only
    /// emptiness and control characters are refused.
    ///
    /// # Errors
    /// Empty, or a control character.
    pub fn from_cloud(raw: &str) -> Result<Self, BadPublicId> {
        match raw.chars().find(|c| c.is_control()) {
            Some(found) => Err(BadPublicId::Forbidden { found }),
            None if raw.is_empty() => Err(BadPublicId::Length { chars: 0 }),
            None => Ok(Self(raw.into())),
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the ID has a folder part, which the legacy invalidation rules depend on.
    #[must_use]
    pub fn has_slash(&self) -> bool {
        self.0.contains('/')
    }
}

impl FromStr for PublicId {
    type Err = BadPublicId;

    /// # Errors
    /// The first rule that `raw` breaks; the rename dialog shows it while the operator types.
    fn from_str(raw: &str) -> Result<Self, BadPublicId> {
        match raw.chars().count() {
            1..=255 => {}
            chars => return Err(BadPublicId::Length { chars }),
        }
        if raw.trim_matches([' ', '/']) != raw {
            return Err(BadPublicId::Edge);
        }
        match raw.chars().find(|c| r"?&#\%<>+".contains(*c) || c.is_control()) {
            Some(found) => Err(BadPublicId::Forbidden { found }),
            None => Ok(Self(raw.into())),
        }
    }
}

impl TryFrom<String> for PublicId {
    type Error = BadPublicId;

    /// For journaled names, which were checked when they came in.
    fn try_from(raw: String) -> Result<Self, BadPublicId> {
        Self::from_cloud(&raw)
    }
}

impl From<PublicId> for String {
    fn from(id: PublicId) -> Self {
        id.as_str().to_owned()
    }
}

impl fmt::Display for PublicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("sample")]
    #[case("press/2026/hero")]
    #[case("été 2026/a b")]
    #[case("doc.tar.gz")]
    #[case("a(b)'s, 100€!")]
    fn names_in_use_are_accepted(#[case] raw: &str) {
        assert_eq!(raw.parse::<PublicId>().unwrap().as_str(), raw);
    }

    #[rstest]
    #[case("", "this one has 0")]
    #[case(" a", "neither begins nor ends")]
    #[case("a/", "neither begins nor ends")]
    #[case("/a", "neither begins nor ends")]
    #[case("a?b", "`?` is not allowed")]
    #[case("a\\b", "`\\\\` is not allowed")]
    #[case("a%20b", "`%` is not allowed")]
    #[case("a+b", "`+` is not allowed")]
    #[case("a\u{1b}[31m", "`\\u{1b}` is not allowed")]
    fn the_first_broken_rule_is_told(#[case] raw: &str, #[case] said: &str) {
        let message = raw.parse::<PublicId>().unwrap_err().to_string();
        assert!(message.contains(said), "{message}");
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert!("é".repeat(255).parse::<PublicId>().is_ok());
        let longer = "é".repeat(256).parse::<PublicId>();
        assert_eq!(longer, Err(BadPublicId::Length { chars: 256 }));
    }

    #[test]
    fn the_cloud_may_tell_names_that_break_todays_rules() {
        assert_eq!(PublicId::from_cloud("old+name ").unwrap().as_str(), "old+name ");
        assert!(PublicId::from_cloud("").is_err());
        assert!(PublicId::from_cloud("a\nb").is_err());
    }

    #[test]
    fn remote_addresses_stand_in_for_names() {
        let id = PublicId::of_fetch("https://example.com/a?b=1&c#d").unwrap();
        assert!(id.has_slash());
        assert!(PublicId::of_fetch("https://example.com/\u{7}").is_err());
        assert!(PublicId::of_fetch(&"x".repeat(2049)).is_err());
    }

    #[test]
    fn the_journaled_form_is_the_name_itself() {
        let id: PublicId = "press/hero".parse().unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), r#""press/hero""#);
        assert_eq!(serde_json::from_str::<PublicId>(r#""press/hero""#).unwrap(), id);
        assert!(serde_json::from_str::<PublicId>(r#""""#).is_err());
    }

    proptest! {
        #[test]
        fn what_an_operator_may_type_the_cloud_may_tell(raw in any::<String>()) {
            if let Ok(id) = raw.parse::<PublicId>() {
                prop_assert_eq!(PublicId::from_cloud(&raw), Ok(id));
            }
        }

        #[test]
        fn an_accepted_name_keeps_every_rule_and_reads_back(raw in "[ -~é/€\\u{0}-\\u{1f}]{0,260}") {
            let Ok(id) = raw.parse::<PublicId>() else { return Ok(()) };
            let text = id.as_str();
            prop_assert!((1..=255).contains(&text.chars().count()));
            prop_assert!(!text.starts_with([' ', '/']) && !text.ends_with([' ', '/']));
            prop_assert!(!text.contains(['?', '&', '#', '\\', '%', '<', '>', '+']));
            prop_assert!(!text.chars().any(char::is_control));
            prop_assert_eq!(id.to_string().parse::<PublicId>(), Ok(id));
        }

        #[test]
        fn a_refusal_says_why_in_clean_words(raw in any::<String>()) {
            if let Err(why) = raw.parse::<PublicId>() {
                let said = why.to_string();
                prop_assert!(!said.is_empty() && !said.chars().any(char::is_control), "{}", said);
            }
        }
    }
}
