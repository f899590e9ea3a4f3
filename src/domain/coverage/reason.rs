//! Why a URL is not, or not surely, reached.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a URL is not, or not surely, reached; each has a stable word, a sentence and next steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoverageReason {
    /// Carries a version where the rule wants none.
    Versioned,
    /// Carries a real version where the rule wants `v1`.
    NotV1,
    /// Carries no version where the rule wants one.
    Unversioned,
    /// Carries `v1` where the rule wants the most recent version.
    V1,
    /// Carries a version that is not the most recent one.
    EarlierVersion,
    /// Carries the version that was replaced.
    ReplacedVersion,
    /// Carries a version, and the most recent one is not known.
    VersionUnknown,
    Signed,
    /// Access by a token in the query.
    Token,
    OtherHost,
    PlainHttp,
    /// SEO, root or short path.
    PathForm,
    Query,
    /// `f_auto`, `q_auto` and the like: several copies under one URL.
    Automatic,
    NamedTransformation,
    /// A fetched file under a rule for folders.
    RemoteFile,
    /// Nobody has said how the account invalidates.
    UnknownKind,
    BulkInvalidationOff,
    /// The new name of a rename.
    NewName,
    /// The new name of a rename, where another asset made way.
    OverwrittenTarget,
    /// `restore` invalidates nothing.
    Restored,
    /// The URL is of an asset that the call does not name.
    OtherAsset,
    /// Somebody else's CDN or proxy in front.
    FrontCdn,
    Browser,
}

impl CoverageReason {
    pub const ALL: [Self; 24] = [
        Self::Versioned,
        Self::NotV1,
        Self::Unversioned,
        Self::V1,
        Self::EarlierVersion,
        Self::ReplacedVersion,
        Self::VersionUnknown,
        Self::Signed,
        Self::Token,
        Self::OtherHost,
        Self::PlainHttp,
        Self::PathForm,
        Self::Query,
        Self::Automatic,
        Self::NamedTransformation,
        Self::RemoteFile,
        Self::UnknownKind,
        Self::BulkInvalidationOff,
        Self::NewName,
        Self::OverwrittenTarget,
        Self::Restored,
        Self::OtherAsset,
        Self::FrontCdn,
        Self::Browser,
    ];

    /// The stable word of JSON and journal.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Versioned => "versioned",
            Self::NotV1 => "not_v1",
            Self::Unversioned => "unversioned",
            Self::V1 => "v1",
            Self::EarlierVersion => "earlier_version",
            Self::ReplacedVersion => "replaced_version",
            Self::VersionUnknown => "version_unknown",
            Self::Signed => "signed",
            Self::Token => "token",
            Self::OtherHost => "other_host",
            Self::PlainHttp => "plain_http",
            Self::PathForm => "path_form",
            Self::Query => "query",
            Self::Automatic => "automatic",
            Self::NamedTransformation => "named_transformation",
            Self::RemoteFile => "remote_file",
            Self::UnknownKind => "unknown_kind",
            Self::BulkInvalidationOff => "bulk_invalidation_off",
            Self::NewName => "new_name",
            Self::OverwrittenTarget => "overwritten_target",
            Self::Restored => "restored",
            Self::OtherAsset => "other_asset",
            Self::FrontCdn => "front_cdn",
            Self::Browser => "browser",
        }
    }

    /// One sentence for the operator, without a full stop.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Versioned => {
                "the URL carries a version, and this account's rule reaches only URLs without one"
            }
            Self::NotV1 => {
                "the URL carries a real version, and in folders this account's rule reaches only `/v1/`"
            }
            Self::Unversioned => {
                "the URL carries no version, and for this name the account's rule reaches only URLs with one"
            }
            Self::V1 => {
                "`v1` is a placeholder, and this account's rule reaches only the most recent version"
            }
            Self::EarlierVersion => {
                "this account's rule reaches only the most recent version, and the URL carries another"
            }
            Self::ReplacedVersion => {
                "the URL carries the replaced version; whether this account's rule means that one or the new one is not documented"
            }
            Self::VersionUnknown => {
                "this account's rule reaches only the most recent version, which is not known here"
            }
            Self::Signed => {
                "the URL is signed: legacy rules never reach signed URLs, and for other accounts nothing is documented"
            }
            Self::Token => {
                "the URL carries an access token; whether an invalidation reaches it is not documented"
            }
            Self::OtherHost => {
                "the URL is at another host than res.cloudinary.com; whether its copies are reached is not documented"
            }
            Self::PlainHttp => {
                "the URL is plain http, which may be kept apart from https; whether it is reached is not documented"
            }
            Self::PathForm => {
                "the URL is written in another form than `/<resource type>/<type>/`; whether it is reached is not documented"
            }
            Self::Query => "the URL carries a query, which this account's rule may not match",
            Self::Automatic => {
                "the URL has several copies, chosen by the client; whether this account's rule reaches all is not documented"
            }
            Self::NamedTransformation => {
                "the URL uses a named transformation; whether this account's rule reaches it is not documented"
            }
            Self::RemoteFile => {
                "the name is a remote address; whether this account's rule for folders applies to it is not documented"
            }
            Self::UnknownKind => {
                "it depends on how this account invalidates, and nobody has said how it does"
            }
            Self::BulkInvalidationOff => {
                "Admin bulk deletes invalidate nothing on this account, as far as this profile knows"
            }
            Self::NewName => "the rename invalidates the old name, not the new one",
            Self::OverwrittenTarget => {
                "another asset lived under the new name; whether the rename invalidates its copies is not documented"
            }
            Self::Restored => "a restore invalidates nothing",
            Self::OtherAsset => "the URL is of another asset",
            Self::FrontCdn => {
                "a CDN or proxy of somebody else in front of the delivery hosts is never purged"
            }
            Self::Browser => "copies in browsers are never purged",
        }
    }
}

impl fmt::Display for CoverageReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}
