//! Purge plans: what an order will do, before anything is sent (design §2.4).

mod left_out;

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::asset::{AssetKey, DeliveryType, ResourceType, UnknownWord};
use super::confidence::Confidence;
use super::delivery_url::DeliveryUrl;
use super::invalidation::{NotCovered, Verb, WatchedUrl};
use super::job::Refused;
use super::time::Timestamp;
use super::verdict::Stored;

pub use left_out::{LeftOut, LeftOutReason, Named, Onlooker, OnlookerRole};

/// What the operator wants done, before it is resolved against storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    Rename { from: AssetKey, to: AssetKey, overwrite: bool },
    Delete { what: Selection },
    Replace { key: AssetKey, file: PathBuf },
    Purge { what: Selection },
    Restore { keys: Vec<AssetKey> },
}

impl Order {
    #[must_use]
    pub const fn verb(&self) -> Verb {
        match self {
            Self::Rename { .. } => Verb::Rename,
            Self::Delete { .. } => Verb::Delete,
            Self::Replace { .. } => Verb::Replace,
            Self::Purge { .. } => Verb::Purge,
            Self::Restore { .. } => Verb::Restore,
        }
    }
}

/// Which assets an order is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Every one must exist.
    Keys(Vec<AssetKey>),
    /// A long list, of which the usable names are taken and the others are told apart.
    Listed(Vec<Named>),
    /// Never empty; a folder prefix ends with `/`.
    Prefix {
        resource_type: ResourceType,
        delivery_type: DeliveryType,
        prefix: String,
    },
    Tag {
        resource_type: ResourceType,
        tag: String,
    },
    Search {
        expression: String,
    },
}

/// How the order is to be carried out and watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderTerms {
    /// False for `--no-invalidate`: nothing is watched then.
    pub invalidate: bool,
    pub note: Option<String>,
    /// `None`: the profile's level.
    pub confidence: Option<Confidence>,
    pub verify: Verify,
    /// Give up waiting for caches after this long; the state is kept.
    pub give_up_after: Option<Duration>,
    /// When a change that somebody else made left, for `watch`: lets the age of copies tell.
    pub since: Option<Timestamp>,
    /// URLs to watch beside the usual ones.
    pub extra_urls: Vec<String>,
    /// What a list named that cannot be meant: in the plan and in the result with its reason, and no obstacle.
    pub refused: Vec<Refused>,
    /// Names that do not exist are refused one by one, instead of the whole order: for long lists.
    pub leave_out_missing: bool,
    /// Which API deletes; `None`: whichever suits.
    pub api: Option<DeleteApi>,
    /// Also names to the cloud, one by one, the URLs that the order does not reach.
    pub attempt_by_url: bool,
    /// Assets at most; `None`: as the profile says.
    pub max_items: Option<usize>,
    /// The equivalent command line for the audit trail, without secrets.
    pub command_line: String,
}

impl Default for OrderTerms {
    fn default() -> Self {
        Self {
            invalidate: true,
            note: None,
            confidence: None,
            verify: Verify::Full,
            give_up_after: None,
            since: None,
            extra_urls: Vec::new(),
            refused: Vec::new(),
            leave_out_missing: false,
            api: None,
            attempt_by_url: false,
            max_items: None,
            command_line: String::new(),
        }
    }
}

/// Which API an operator wants deletes to go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeleteApi {
    /// `destroy`, once per asset.
    Upload,
    /// Bulk deletes, which also prove whether they invalidate on this account.
    Admin,
}

/// Which cells are verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verify {
    #[default]
    Full,
    /// A seeded, stratified sample, named as such in the result.
    Sample,
}

/// How dangerous a mistake on this profile is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    Local,
    Test,
    Production,
}

impl Risk {
    pub const ALL: [Self; 3] = [Self::Local, Self::Test, Self::Production];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Test => "test",
            Self::Production => "production",
        }
    }
}

impl std::str::FromStr for Risk {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|risk| risk.as_str() == word).ok_or_else(|| UnknownWord {
            what: "risk",
            word: word.to_owned(),
            expected: Self::ALL.map(Self::as_str).join(", "),
        })
    }
}

/// Which API carries the order out, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiPath {
    /// Upload API `rename`.
    Rename,
    /// Upload API `upload` with overwrite.
    Upload,
    /// Upload API `explicit` with `invalidate`, once per asset: keeps it.
    Explicit,
    /// Upload API `destroy` with `invalidate`, once per asset.
    Destroy,
    /// Admin API bulk delete, 100 public IDs a call.
    AdminBulk,
    /// Admin API `restore`, then `explicit` with `invalidate` per asset.
    RestoreThenExplicit,
}

impl ApiPath {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rename => "upload_api_rename",
            Self::Upload => "upload_api_upload",
            Self::Explicit => "upload_api_explicit",
            Self::Destroy => "upload_api_destroy",
            Self::AdminBulk => "admin_api_bulk_delete",
            Self::RestoreThenExplicit => "admin_api_restore_then_explicit",
        }
    }

    /// Why this path, in one sentence.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::Rename => "one Upload API call; it invalidates on every account",
            Self::Upload => "one Upload API call that overwrites; it invalidates on every account",
            Self::Explicit => {
                "one Upload API call per asset: purges without changing the asset, not counted against the quota"
            }
            Self::Destroy => {
                "one Upload API call per asset, because Admin bulk deletes invalidate only where bulk invalidation is on"
            }
            Self::AdminBulk => "Admin API, 100 assets a call: this account can invalidate in bulk",
            Self::RestoreThenExplicit => {
                "restore invalidates nothing, so each restored asset is purged afterwards"
            }
        }
    }
}

/// Whether a delete could be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backup {
    Kept,
    None,
    /// Not asked, to spare the quota.
    Unknown,
}

/// One asset of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedItem {
    pub key: AssetKey,
    pub to: Option<AssetKey>,
    /// What storage holds now; `None` when it could not be read without spending quota.
    pub old: Option<Stored>,
    pub bytes: u64,
    /// Derived copies known; `None` when not read.
    pub derived: Option<usize>,
    pub backup: Backup,
}

/// What the operator must do to confirm, growing with the blast radius.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confirmation {
    /// The key `y`, or `--yes`.
    Yes,
    /// Type the number of assets.
    Count(usize),
    /// Type the cloud name.
    CloudName(String),
}

impl Confirmation {
    /// What an order over `assets` needs (design §2.4).
    #[must_use]
    pub fn needed(risk: Risk, cloud_name: &str, assets: usize, confirm_above: usize) -> Self {
        match risk {
            Risk::Production => Self::CloudName(cloud_name.to_owned()),
            Risk::Local | Risk::Test if assets > confirm_above => Self::Count(assets),
            Risk::Local | Risk::Test => Self::Yes,
        }
    }

    /// The word to type, `None` where a plain yes will do.
    #[must_use]
    pub fn word(&self) -> Option<String> {
        match self {
            Self::Yes => None,
            Self::Count(count) => Some(count.to_string()),
            Self::CloudName(name) => Some(name.clone()),
        }
    }

    /// Whether what the operator typed (nothing for a plain yes) confirms.
    #[must_use]
    pub fn is_given_by(&self, typed: Option<&str>) -> bool {
        match self.word() {
            None => true,
            Some(word) => typed.map(str::trim) == Some(word.as_str()),
        }
    }
}

/// An order resolved against storage: what will happen, what it costs, what it will not reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub verb: Verb,
    pub cloud_name: String,
    pub items: Vec<PlannedItem>,
    /// What the order named and what is left out, with the reason.
    #[serde(default)]
    pub refused: Vec<Refused>,
    pub api_path: ApiPath,
    /// Why this path, for this order on this account; one sentence.
    pub why: String,
    pub overwrite: bool,
    pub invalidate: bool,
    /// File of a replace.
    pub file: Option<PathBuf>,
    pub upload_calls: usize,
    pub admin_calls: usize,
    /// Admin calls left this hour, where known.
    pub quota_left: Option<u32>,
    /// When the last Admin call can leave, where the quota makes them wait.
    pub paced_until: Option<Timestamp>,
    /// URLs that will be watched, each of an item by its position.
    pub watched: Vec<PlannedUrl>,
    pub not_covered: Vec<NotCovered>,
    /// URLs that are named to the cloud one by one, as an attempt; watched as uncertain. As they are, not to be shown.
    pub by_url: Vec<DeliveryUrl>,
    /// Names given more than once, beyond the first time each.
    pub duplicates: usize,
    /// What was named, or found by a search, and is not part of this.
    pub left_out: Vec<LeftOut>,
    /// Who sees the URLs.
    pub seen_by: Vec<Onlooker>,
    /// Places that will be asked.
    pub places: usize,
    /// Requests a watch without trouble needs.
    pub requests: u64,
    /// Requests it makes at most: it gives up when they are spent.
    pub budget: u64,
    /// It is stuck when not clear after this long.
    pub stuck_after: Duration,
    /// Nothing is sent before this has passed since the confirmation: time to call a large delete off.
    #[serde(default)]
    pub delay: Duration,
    pub execution: Duration,
    pub verification: Duration,
    pub confidence: Confidence,
    /// Cells there would be when only a sample of them is watched.
    pub sampled_of: Option<usize>,
    /// URLs there would be without the sample.
    pub sampled_urls: Option<usize>,
    /// What follows by itself, and what to know before saying yes; each one sentence.
    pub notes: Vec<String>,
    pub confirmation: Confirmation,
}

/// A URL to be watched and the item it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedUrl {
    pub item: usize,
    /// As an operator may open it.
    pub shown: String,
    /// Of the new name of a rename.
    pub of_new_name: bool,
    /// Storage holds what it delivers, so that a look before the call makes no copy that was not there.
    pub exists: bool,
    pub url: WatchedUrl,
}

impl Plan {
    /// Bytes of all originals.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.items.iter().map(|item| item.bytes).sum()
    }

    /// What the sample can miss, in words; `None` where everything is watched.
    #[must_use]
    pub fn sample_misses(&self) -> Option<String> {
        self.sampled_urls.map(|all| super::sample::in_words(all, self.watched.len()))
    }

    /// Derived copies known of, and whether some items' were not read.
    #[must_use]
    pub fn derived(&self) -> (usize, bool) {
        let known = self.items.iter().filter_map(|item| item.derived).sum();
        (known, self.items.iter().any(|item| item.derived.is_none()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Risk::Local, 1, Confirmation::Yes)]
    #[case(Risk::Local, 10, Confirmation::Yes)]
    #[case(Risk::Local, 11, Confirmation::Count(11))]
    #[case(Risk::Test, 11, Confirmation::Count(11))]
    #[case(Risk::Production, 1, Confirmation::CloudName("acme".into()))]
    #[case(Risk::Production, 500, Confirmation::CloudName("acme".into()))]
    fn confirmation_grows_with_the_blast_radius(
        #[case] risk: Risk,
        #[case] assets: usize,
        #[case] needed: Confirmation,
    ) {
        assert_eq!(Confirmation::needed(risk, "acme", assets, 10), needed);
    }

    #[test]
    fn only_the_exact_word_confirms() {
        let needed = Confirmation::CloudName("acme".into());
        assert!(needed.is_given_by(Some(" acme ")));
        assert!(!needed.is_given_by(Some("ACME")));
        assert!(!needed.is_given_by(None));
        assert!(Confirmation::Yes.is_given_by(None));
        assert!(!Confirmation::Count(12).is_given_by(Some("1")));
    }
}
