//! Which delivery URLs an invalidation reaches (design §2.1, facts §1), as a pure function.
//!
//! Never guesses in the operator's favour: what no source settles is [`Coverage::Uncertain`], and is watched.

mod next_step;
mod reason;

use serde::{Deserialize, Serialize};

use super::account::{Account, InvalidationKind};
use super::asset::{AssetKey, DeliveryType};
use super::delivery_url::{DeliveryHost, DeliveryUrl, PathForm};
use super::purge::ApiPath;

pub use next_step::{
    COPY_LIFE, Circumstances, NextStep, Note, account_notes, next_steps, service_request,
    service_request_of,
};
pub use reason::CoverageReason;

/// Whether an invalidation reaches a delivery URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    Covered,
    NotCovered(CoverageReason),
    Uncertain(CoverageReason),
}

impl Coverage {
    /// The stable word of JSON and journal.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Covered => "covered",
            Self::NotCovered(_) => "not_covered",
            Self::Uncertain(_) => "uncertain",
        }
    }

    /// Why not, or not surely; `None` when covered.
    #[must_use]
    pub const fn reason(&self) -> Option<CoverageReason> {
        match self {
            Self::Covered => None,
            Self::NotCovered(reason) | Self::Uncertain(reason) => Some(*reason),
        }
    }

    /// Whether the URL is watched: everything but what surely keeps its copies.
    #[must_use]
    pub const fn is_watched(&self) -> bool {
        !matches!(self, Self::NotCovered(_))
    }

    /// `Covered` becomes `Uncertain(reason)`; everything else stays.
    #[must_use]
    pub(super) const fn doubted(self, reason: CoverageReason) -> Self {
        match self {
            Self::Covered => Self::Uncertain(reason),
            other => other,
        }
    }
}

/// The call that carries the invalidation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call<'a> {
    /// Purge that keeps the asset; also the follow-up of a rename or a restore.
    Explicit,
    Destroy,
    /// Replacement of the file under its name.
    Upload,
    /// `overwritten`: an asset lived under the new name and made way.
    Rename {
        to: &'a AssetKey,
        overwritten: bool,
    },
    /// Admin API bulk delete.
    AdminBulk,
    /// `restore` by itself, before its follow-up.
    Restore,
}

impl<'a> Call<'a> {
    /// The call of an API path, with the new name of a rename; a restore's is its follow-up.
    #[must_use]
    pub const fn of(path: ApiPath, to: Option<&'a AssetKey>, overwritten: bool) -> Self {
        match (path, to) {
            (ApiPath::Rename, Some(to)) => Self::Rename { to, overwritten },
            (ApiPath::Destroy, _) => Self::Destroy,
            (ApiPath::Upload, _) => Self::Upload,
            (ApiPath::AdminBulk, _) => Self::AdminBulk,
            (ApiPath::Explicit | ApiPath::RestoreThenExplicit | ApiPath::Rename, _) => {
                Self::Explicit
            }
        }
    }

    /// Whether the asset still delivers under `key` afterwards.
    #[must_use]
    pub fn leaves(&self, key: &AssetKey) -> bool {
        match self {
            Self::Explicit | Self::Upload | Self::Restore => true,
            Self::Destroy | Self::AdminBulk => false,
            Self::Rename { to, .. } => key == *to,
        }
    }
}

/// What is known of the asset whose copies are to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoverageFacts<'a> {
    /// The asset named in the call; of a rename the old name.
    pub key: &'a AssetKey,
    /// The most recent version: after a replacement the new one. `None` when not known (yet).
    pub current_version: Option<u64>,
    /// The version that a replacement took the place of.
    pub replaced_version: Option<u64>,
}

impl<'a> CoverageFacts<'a> {
    /// Facts of an asset whose file the call does not replace.
    #[must_use]
    pub const fn unchanged(key: &'a AssetKey, version: Option<u64>) -> Self {
        Self { key, current_version: version, replaced_version: None }
    }

    /// Facts of an asset whose file, of `version`, is about to be replaced.
    #[must_use]
    pub const fn to_be_replaced(key: &'a AssetKey, version: u64) -> Self {
        Self { key, current_version: None, replaced_version: Some(version) }
    }
}

/// Whether the invalidation that `call` carries for `asset` reaches the copies under `url`.
#[must_use]
pub fn coverage(
    url: &DeliveryUrl,
    asset: &CoverageFacts<'_>,
    account: &Account,
    call: Call<'_>,
) -> Coverage {
    use CoverageReason as Why;
    let by_kind = || by_account(account.invalidation, url, asset);
    match call {
        Call::Restore => Coverage::NotCovered(Why::Restored),
        Call::AdminBulk if account.bulk_invalidation != Some(true) => {
            Coverage::NotCovered(Why::BulkInvalidationOff)
        }
        Call::Rename { to, overwritten } if url.asset == *to => {
            if overwritten {
                by_kind().doubted(Why::OverwrittenTarget)
            } else {
                Coverage::NotCovered(Why::NewName)
            }
        }
        _ if url.asset != *asset.key => Coverage::NotCovered(Why::OtherAsset),
        _ => by_kind(),
    }
}

/// What an account of `kind` reaches, whatever the call.
fn by_account(kind: InvalidationKind, url: &DeliveryUrl, asset: &CoverageFacts<'_>) -> Coverage {
    match kind {
        InvalidationKind::Surrogate => by_surrogate_key(url),
        InvalidationKind::Unknown => by_any_kind(url, asset),
        InvalidationKind::Legacy
        | InvalidationKind::LegacyUnversioned
        | InvalidationKind::LegacyVersioned => by_rule(kind, url, asset),
    }
}

/// Surrogate keys purge by asset, but only the plainest URLs are documented to be tagged.
fn by_surrogate_key(url: &DeliveryUrl) -> Coverage {
    signature_doubt(url)
        .or_else(|| address_doubt(url))
        .map_or(Coverage::Covered, Coverage::Uncertain)
}

/// Nobody has said what kind it is: only what all kinds agree on is certain.
fn by_any_kind(url: &DeliveryUrl, asset: &CoverageFacts<'_>) -> Coverage {
    let kinds = InvalidationKind::ALL.into_iter().filter(|kind| *kind != InvalidationKind::Unknown);
    let each: Vec<_> = kinds.map(|kind| by_account(kind, url, asset)).collect();
    match each.as_slice() {
        [first, rest @ ..] if rest.iter().all(|other| other.as_str() == first.as_str()) => {
            first.clone()
        }
        _ => Coverage::Uncertain(CoverageReason::UnknownKind),
    }
}

/// Legacy accounts purge URLs of one pattern; it is documented for the plainest URLs only.
fn by_rule(kind: InvalidationKind, url: &DeliveryUrl, asset: &CoverageFacts<'_>) -> Coverage {
    if url.signature.is_some() {
        return Coverage::NotCovered(CoverageReason::Signed);
    }
    let doubt = address_doubt(url).or_else(|| variant_doubt(url));
    match (by_version(kind, url, asset), doubt) {
        (row, Some(doubt)) => row.doubted(doubt),
        (row, None) => row,
    }
}

/// The row of the account's rule that the version in the URL falls under.
fn by_version(kind: InvalidationKind, url: &DeliveryUrl, asset: &CoverageFacts<'_>) -> Coverage {
    use Coverage::{Covered, NotCovered, Uncertain};
    use CoverageReason as Why;
    let in_folder = kind == InvalidationKind::Legacy && url.asset.public_id.has_slash();
    match (kind, url.version) {
        (InvalidationKind::LegacyVersioned, None) => NotCovered(Why::Unversioned),
        (InvalidationKind::LegacyVersioned, Some(_)) if url.is_v1() => NotCovered(Why::V1),
        (InvalidationKind::LegacyVersioned, Some(version)) => by_recency(version, asset),
        (_, Some(_)) if in_folder && url.is_v1() => Covered,
        (_, Some(_)) if in_folder => NotCovered(Why::NotV1),
        // The slashes of a remote address are no folders, and `explicit` is the documented way to refresh it.
        (_, None) if in_folder && url.asset.delivery_type == DeliveryType::Fetch => {
            Uncertain(Why::RemoteFile)
        }
        (_, None) if in_folder => NotCovered(Why::Unversioned),
        (_, None) => Covered,
        (_, Some(_)) => NotCovered(Why::Versioned),
    }
}

/// Of an account that reaches the most recent version only.
fn by_recency(version: u64, asset: &CoverageFacts<'_>) -> Coverage {
    use CoverageReason as Why;
    match (asset.current_version, asset.replaced_version) {
        (Some(current), _) if version == current => Coverage::Covered,
        (_, Some(replaced)) if version == replaced => Coverage::Uncertain(Why::ReplacedVersion),
        (_, Some(replaced)) if version < replaced => Coverage::NotCovered(Why::EarlierVersion),
        (Some(_), _) => Coverage::NotCovered(Why::EarlierVersion),
        (None, _) => Coverage::Uncertain(Why::VersionUnknown),
    }
}

fn signature_doubt(url: &DeliveryUrl) -> Option<CoverageReason> {
    match url {
        _ if url.signature.is_some() => Some(CoverageReason::Signed),
        _ if url.has_token() => Some(CoverageReason::Token),
        _ => None,
    }
}

/// Doubts about scheme, host and form of the path, which concern every kind of account.
fn address_doubt(url: &DeliveryUrl) -> Option<CoverageReason> {
    match url {
        _ if url.host != DeliveryHost::Shared => Some(CoverageReason::OtherHost),
        _ if !url.https => Some(CoverageReason::PlainHttp),
        _ if url.form != PathForm::Plain => Some(CoverageReason::PathForm),
        _ => None,
    }
}

/// Doubts about URLs with several copies, or with more than a path.
fn variant_doubt(url: &DeliveryUrl) -> Option<CoverageReason> {
    match url {
        _ if url.has_token() => Some(CoverageReason::Token),
        _ if url.query.is_some() => Some(CoverageReason::Query),
        _ if url.is_automatic() => Some(CoverageReason::Automatic),
        _ if url.has_named_transformation() => Some(CoverageReason::NamedTransformation),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
