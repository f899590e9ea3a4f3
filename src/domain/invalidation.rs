//! The life of an invalidation: what was asked, what is watched, what became of it.
//!
//! One operation of the operator (over one or many assets) has at most one invalidation; each asset of it is
//! an [`Item`], each name that must become clear a [`WatchedName`] with its own truth, each address a
//! [`WatchedUrl`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::asset::AssetKey;
use super::confidence::Confidence;
use super::coverage::Coverage;
use super::delivery_url::DeliveryUrl;
use super::id::{InvalidationId, ItemId, MemberId, OperationId};
use super::time::Timestamp;
use super::verdict::{Content, Expectation, Stored};

/// What the operator ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    Rename,
    Delete,
    Replace,
    /// Invalidate and keep the asset.
    Purge,
    Restore,
    /// Look only; changes nothing.
    Watch,
}

impl Verb {
    pub const ALL: [Self; 6] =
        [Self::Rename, Self::Delete, Self::Replace, Self::Purge, Self::Restore, Self::Watch];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rename => "rename",
            Self::Delete => "delete",
            Self::Replace => "replace",
            Self::Purge => "purge",
            Self::Restore => "restore",
            Self::Watch => "watch",
        }
    }
}

/// Which cloud something belongs to; a local cloud that was restarted is another one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CloudScope {
    pub cloud_name: String,
    /// API prefix, e.g. `https://api.cloudinary.com`.
    pub api: String,
    /// Identity of one run of a local cloud.
    pub instance: Option<String>,
}

/// One process that shares the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub id: MemberId,
    pub user: String,
    pub host: String,
    pub pid: u32,
    pub started_at: Timestamp,
    /// Address that its SSH session came from, if it runs in one.
    #[serde(default)]
    pub ssh_client: Option<String>,
}

/// One command of an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    pub id: OperationId,
    pub verb: Verb,
    pub scope: CloudScope,
    pub member: MemberId,
    pub at: Timestamp,
    /// The equivalent command line, without secrets.
    pub command_line: String,
    pub note: Option<String>,
    /// False for `--no-invalidate`.
    pub invalidate: bool,
}

/// One asset of an operation and what became of the call for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    pub id: ItemId,
    pub operation: OperationId,
    pub key: AssetKey,
    /// New name of a rename; a path for `replace` is not kept.
    pub to: Option<AssetKey>,
    pub state: ItemState,
    /// When the call left; the Age test counts from here.
    pub sent_at: Option<Timestamp>,
    /// Message of a failure, or a remark, without secrets.
    pub message: Option<String>,
}

/// The life of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// In the journal, not sent.
    Intended,
    /// Sent, answer not known; after a crash storage settles it.
    Sent,
    /// Accepted by the cloud.
    Accepted,
    /// The cloud had no such asset.
    NotFound,
    Failed,
    /// Never sent: cancelled, or an earlier item's failure stopped the operation.
    Skipped,
}

impl ItemState {
    pub const ALL: [Self; 6] =
        [Self::Intended, Self::Sent, Self::Accepted, Self::NotFound, Self::Failed, Self::Skipped];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::Sent => "sent",
            Self::Accepted => "accepted",
            Self::NotFound => "not_found",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    /// Whether nothing more will happen to the item.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        !matches!(self, Self::Intended | Self::Sent)
    }
}

/// A name in storage whose delivery URLs are watched, with the truth about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedName {
    pub item: ItemId,
    pub key: AssetKey,
    /// Set for the new name of a rename and for `--expect live`: a 404 there is never success.
    pub must_live: bool,
    /// What storage held before the call; `None` when it could not be read.
    pub old: Option<Stored>,
    /// What storage held when it was last read after the change.
    pub new: Option<Stored>,
    /// When storage was first read as changed (N of the Age test).
    pub changed_at: Option<Timestamp>,
    /// A newer operation took this name over.
    pub superseded: bool,
}

impl WatchedName {
    /// What the name's URLs must show, once storage has been read after the call (design §2.2).
    #[must_use]
    pub fn expectation(&self) -> Option<Expectation> {
        let new = self.new.as_ref()?;
        Some(match (new, self.old.as_ref()) {
            _ if self.must_live => Expectation::Live,
            (Stored::Empty, _) => Expectation::Gone,
            (Stored::Holds(now), Some(Stored::Holds(before))) if same_content(now, before) => {
                Expectation::Refetched
            }
            (Stored::Holds(_), None) => Expectation::Refetched,
            (Stored::Holds(_), Some(_)) => Expectation::New,
        })
    }
}

/// Whether two readings of storage are the same file: by etag where both have one, else by version and size.
#[must_use]
pub fn same_content(one: &Content, other: &Content) -> bool {
    match (&one.etag, &other.etag) {
        (Some(one), Some(other)) => one == other,
        _ => one.version == other.version && one.bytes == other.bytes,
    }
}

/// One delivery URL of an invalidation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedUrl {
    pub url: DeliveryUrl,
    pub coverage: Coverage,
    pub item: ItemId,
    /// The watched name it belongs to.
    pub key: AssetKey,
    /// Transformation when it serves a derived asset: its content is compared with reference reads.
    pub derived: bool,
    /// Reference read of a derived URL before the change.
    pub old: Option<Content>,
}

/// A URL that the invalidation does not reach, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotCovered {
    /// Delivery URL, safe to show.
    pub url: String,
    /// Stable word.
    pub reason: String,
    /// One sentence for the operator.
    pub next_step: String,
}

/// Outcome of a watch (design §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    AllClear,
    /// Clear but for URLs that were not covered; they are listed.
    ClearExcept,
    /// Clear in a sample.
    SampledClear,
    /// A newer operation took every watched name over.
    Superseded,
    GaveUp,
    /// Nothing reached, or nothing to watch.
    Blind,
    /// The local cloud it belonged to no longer runs.
    CloudGone,
    /// The cloud accepted nothing, so there is nothing to watch.
    Failed,
    /// The operator gave it up.
    Abandoned,
}

impl Outcome {
    pub const ALL: [Self; 9] = [
        Self::AllClear,
        Self::ClearExcept,
        Self::SampledClear,
        Self::Superseded,
        Self::GaveUp,
        Self::Blind,
        Self::CloudGone,
        Self::Failed,
        Self::Abandoned,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllClear => "all_clear",
            Self::ClearExcept => "clear_except",
            Self::SampledClear => "sampled_clear",
            Self::Superseded => "superseded",
            Self::GaveUp => "gave_up",
            Self::Blind => "blind",
            Self::CloudGone => "cloud_gone",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
        }
    }

    /// Exit code of the command line (design §5).
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::AllClear => 0,
            Self::ClearExcept | Self::SampledClear => 6,
            Self::Superseded | Self::GaveUp | Self::Blind | Self::CloudGone | Self::Abandoned => 3,
            Self::Failed => 1,
        }
    }
}

/// How a watch is to be carried out; part of the intent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchTerms {
    pub confidence: Confidence,
    /// No edge probe before this has passed since the call and storage shows the change.
    pub hold_back: Duration,
    /// Give up after this long; the state is kept.
    pub give_up_after: Duration,
    /// Stuck when not clear after this long (usual propagation time is over).
    pub stuck_after: Duration,
    /// True where every place is on loopback: local limits apply.
    pub loopback: bool,
    /// Share of cells watched when sampled, and how many there would have been.
    pub sampled_of: Option<usize>,
    /// URLs there would have been without the sample.
    #[serde(default)]
    pub sampled_urls: Option<usize>,
    /// Requests to caches that it makes at most; it gives up when they are spent.
    #[serde(default)]
    pub budget: Option<u64>,
    #[serde(default)]
    pub purge_again: PurgeAgain,
    /// Which API carried the order out, where one did.
    #[serde(default)]
    pub api_path: Option<super::purge::ApiPath>,
    /// Places the operator excluded, by ID.
    pub excluded: Vec<String>,
}

/// Who sends an invalidation again that did not reach every cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PurgeAgain {
    /// The operator, to whom it is offered.
    #[default]
    Offer,
    /// The tracker, when it would offer it.
    Auto,
}

impl PurgeAgain {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::Auto => "auto",
        }
    }
}

/// What an invalidation needs to be tracked from the journal alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invalidation {
    pub id: InvalidationId,
    pub operation: Operation,
    pub terms: WatchTerms,
    pub items: Vec<Item>,
    pub names: Vec<WatchedName>,
    pub urls: Vec<WatchedUrl>,
    pub not_covered: Vec<NotCovered>,
    /// Set once it has ended.
    pub ended: Option<Ending>,
}

/// How an invalidation ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    pub outcome: Outcome,
    pub at: Timestamp,
    /// The sentence shown to the operator.
    pub sentence: String,
}

impl Invalidation {
    /// Short label: the asset, or the first of many and how many more.
    #[must_use]
    pub fn label(&self) -> String {
        label_of(&self.items)
    }
}

/// Short label of an operation over `items`: the asset, or the first of many and how many more.
#[must_use]
pub fn label_of(items: &[Item]) -> String {
    match items {
        [] => "nothing".to_owned(),
        [one] => one.key.to_string(),
        [first, rest @ ..] => format!("{} and {} more", first.key, rest.len()),
    }
}
