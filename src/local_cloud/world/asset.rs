//! One stored original, and its derived copies.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::domain::asset::AssetKey;
use crate::local_cloud::content::{Content, Format};

/// 16 bytes shown as 32 hex digits: asset IDs, version IDs, IDs of derived assets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HexId(pub [u8; 16]);

impl HexId {
    /// Reads 32 hex digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

impl fmt::Display for HexId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for HexId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Names with values. Shared: most assets of a large cloud have none.
pub type Pairs = Arc<BTreeMap<String, String>>;

/// Who decides whether an asset may be shown, and what was decided. It is told, and listed by; delivery does not
/// heed it here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moderation {
    /// `manual`, or the name of an add-on.
    pub kind: Arc<str>,
    pub status: ModerationStatus,
}

impl Moderation {
    /// Waits for a person.
    #[must_use]
    pub fn manual() -> Self {
        Self { kind: "manual".into(), status: ModerationStatus::Pending }
    }
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModerationStatus {
    Pending,
    Approved,
    Rejected,
}

impl ModerationStatus {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }
}

impl FromStr for ModerationStatus {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Pending, Self::Approved, Self::Rejected]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(())
    }
}

/// One stored original. Never changed in place: every change stores a new one under the same key.
#[derive(Debug, Clone)]
pub struct StoredAsset {
    pub key: AssetKey,
    /// Survives rename, overwrite and moves.
    pub asset_id: HexId,
    /// UNIX seconds of the last upload of the file; one more than before where that is not later.
    pub version: u64,
    pub version_id: HexId,
    /// UNIX seconds of the first upload.
    pub created_at: i64,
    /// UNIX seconds of the last upload of the file.
    pub uploaded_at: i64,
    /// Order of creation, for assets of one second.
    pub order: u64,
    pub content: Arc<Content>,
    pub tags: Arc<[Arc<str>]>,
    pub context: Pairs,
    pub metadata: Pairs,
    pub asset_folder: Arc<str>,
    pub display_name: Arc<str>,
    pub original_filename: Option<Arc<str>>,
    pub moderation: Option<Box<Moderation>>,
    /// A backup of the file is kept, so that a delete can be undone.
    pub backed_up: bool,
    /// Who may have it; anybody where nothing is said.
    pub access: Option<Arc<Access>>,
}

/// Who may have an asset, and when (`access_control`). It is kept and told; delivery does not heed it here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access(pub Vec<AccessRule>);

/// One rule; any that is met opens the asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessRule {
    /// Whoever has a token of the account's.
    Token,
    /// Anybody, between these UNIX seconds.
    Anonymous { start: Option<i64>, end: Option<i64> },
}

impl Access {
    /// Whether anybody may have the asset at this UNIX second.
    #[must_use]
    pub fn is_open(&self, unix_now: i64) -> bool {
        let opens = |rule: &AccessRule| match rule {
            AccessRule::Token => false,
            AccessRule::Anonymous { start, end } => {
                start.is_none_or(|start| start <= unix_now) && end.is_none_or(|end| unix_now < end)
            }
        };
        self.0.is_empty() || self.0.iter().any(opens)
    }
}

impl StoredAsset {
    /// Kind of file, with the extension that delivery URLs of the original carry; raw assets have none.
    #[must_use]
    pub fn format(&self) -> Option<Format> {
        use crate::domain::asset::ResourceType::Raw;
        self.content.format().filter(|_| self.key.resource_type != Raw)
    }

    /// Format as search tells it: of raw files what follows the last dot of their name. Empty where there is none.
    #[must_use]
    pub fn format_word(&self) -> &str {
        match self.format() {
            Some(format) => format.as_str(),
            None => self.filename().rsplit_once('.').map_or("", |(_, extension)| extension),
        }
    }

    #[must_use]
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|own| &**own == tag)
    }

    /// Last part of the public ID.
    #[must_use]
    pub fn filename(&self) -> &str {
        let id = self.key.public_id.as_str();
        id.rsplit_once('/').map_or(id, |(_, name)| name)
    }
}

/// A variant that was made on first delivery, or on order (`eager`).
#[derive(Debug, Clone)]
pub struct Derived {
    pub id: HexId,
    /// The chain as written in the URL, without extension; empty where only the format differs.
    pub transformation: String,
    /// Extension as written in the URL.
    pub extension: Option<String>,
    /// The first one made, and with automatic format the others, each of another format. Never empty.
    pub contents: Vec<Arc<Content>>,
    /// UNIX seconds.
    pub created_at: i64,
}

impl Derived {
    /// The content that listings describe.
    #[must_use]
    pub fn content(&self) -> &Arc<Content> {
        &self.contents[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_is_open_where_one_rule_opens_it() {
        let open = |rules: &[AccessRule], at| Access(rules.to_vec()).is_open(at);
        let window = AccessRule::Anonymous { start: Some(10), end: Some(20) };
        assert!(open(&[], 0) && !open(&[AccessRule::Token], 0));
        assert!(!open(&[AccessRule::Token, window], 9) && open(&[AccessRule::Token, window], 10));
        assert!(open(&[window], 19) && !open(&[window], 20));
        assert!(open(&[AccessRule::Anonymous { start: None, end: None }], 0));
    }
}
