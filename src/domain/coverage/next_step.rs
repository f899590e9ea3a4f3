//! What an operator can do about a URL that is not, or not surely, reached.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Call, Coverage, CoverageFacts, CoverageReason};
use crate::domain::account::{Account, InvalidationKind};
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::text::clean;

/// How long the CDN keeps a copy unless the account's `max-age` says otherwise (facts §1.1).
pub const COPY_LIFE: Duration = Duration::from_hours(30 * 24);

/// One thing to do about a URL; its text is ready to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum NextStep {
    /// Link to the current version: another cache key, so it is fresh at once. `shown` hides signatures.
    UseVersionedUrl { url: String, shown: String },
    /// Send this text to the service's support.
    ServiceRequest { text: String },
    /// Purge the CDN that stands in front of these hosts.
    PurgeFrontCdn { hosts: Vec<String> },
    /// Do nothing: copies end by themselves.
    WaitOut { at_most_days: u64 },
    /// Look with a browser that holds nothing.
    PrivateWindow,
    /// Say in the profile how the account invalidates.
    SayKind,
    /// Look at the copies: only sightings tell.
    Watch,
    /// A purge of the name follows by itself.
    FollowUp,
    /// One Upload API call per asset.
    OneCallEach,
    /// Order the same for the asset that the URL is of.
    NameAsset { asset: String },
}

impl fmt::Display for NextStep {
    /// One sentence without a full stop; [`NextStep::to_copy`] holds what is too long for it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UseVersionedUrl { shown, .. } => {
                write!(f, "link to {shown} instead: its version is a cache key of its own, fresh at once")
            }
            Self::ServiceRequest { .. } => {
                f.write_str("ask the service's support to invalidate it; the request is ready to copy")
            }
            Self::PurgeFrontCdn { hosts } if hosts.is_empty() => {
                f.write_str("purge that CDN or proxy with its own tools as well")
            }
            Self::PurgeFrontCdn { hosts } => {
                write!(f, "purge what stands in front of {} with its own tools as well", hosts.join(", "))
            }
            Self::WaitOut { at_most_days } => {
                let days = if *at_most_days == 1 { "day" } else { "days" };
                write!(f, "wait: a copy lives for up to {at_most_days} {days} at the CDN, and as long again in browsers")
            }
            Self::PrivateWindow => f.write_str("try a private window before you report an old copy"),
            Self::SayKind => f.write_str(
                "say how the account invalidates: `invalidation` in the profile, or `--invalidation`; support knows it",
            ),
            Self::Watch => f.write_str("watch it: only sightings can tell"),
            Self::FollowUp => f.write_str("nothing to do: a purge of this name follows by itself"),
            Self::OneCallEach => {
                f.write_str("delete with one Upload API call per asset, which invalidates on every account")
            }
            Self::NameAsset { asset } => write!(f, "purge {asset} as well"),
        }
    }
}

impl NextStep {
    /// Text to put on the clipboard, where there is some.
    #[must_use]
    pub fn to_copy(&self) -> Option<&str> {
        match self {
            Self::UseVersionedUrl { url, .. } => Some(url),
            Self::ServiceRequest { text } => Some(text),
            _ => None,
        }
    }
}

/// What next steps depend on beside the URL.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    pub asset: CoverageFacts<'a>,
    pub account: &'a Account,
    pub call: Call<'a>,
    /// How long a copy can live at the CDN; [`COPY_LIFE`] unless the account's `max-age` is known.
    pub copy_life: Duration,
}

/// What to do about `url`, the most useful first; empty when it is covered.
#[must_use]
pub fn next_steps(
    url: &DeliveryUrl,
    coverage: &Coverage,
    circumstances: &Circumstances<'_>,
) -> Vec<NextStep> {
    match coverage {
        Coverage::Covered => Vec::new(),
        Coverage::Uncertain(CoverageReason::UnknownKind) => {
            vec![NextStep::Watch, NextStep::SayKind]
        }
        Coverage::Uncertain(_) => vec![NextStep::Watch, request(url, circumstances)],
        Coverage::NotCovered(reason) => not_covered_steps(url, *reason, circumstances),
    }
}

fn not_covered_steps(
    url: &DeliveryUrl,
    reason: CoverageReason,
    circumstances: &Circumstances<'_>,
) -> Vec<NextStep> {
    match reason {
        CoverageReason::NewName | CoverageReason::Restored => vec![NextStep::FollowUp],
        CoverageReason::BulkInvalidationOff => vec![NextStep::OneCallEach],
        CoverageReason::OtherAsset => {
            vec![NextStep::NameAsset { asset: clean(&url.asset.to_string()).into_owned() }]
        }
        CoverageReason::FrontCdn => vec![front_cdn(circumstances.account)],
        CoverageReason::Browser => vec![NextStep::PrivateWindow],
        _ => {
            let bypass = bypass(url, circumstances);
            bypass
                .into_iter()
                .chain([request(url, circumstances), wait_out(circumstances.copy_life)])
                .collect()
        }
    }
}

/// The URL with the current version, where the asset still delivers and that is another URL.
fn bypass(url: &DeliveryUrl, circumstances: &Circumstances<'_>) -> Option<NextStep> {
    let version = circumstances.asset.current_version?;
    let fresh = url.clone().with_version(version);
    (circumstances.call.leaves(&url.asset) && fresh != *url).then(|| {
        let url = fresh.render(circumstances.account);
        let shown = if fresh.has_credentials() { fresh.masked() } else { url.clone() };
        NextStep::UseVersionedUrl { url, shown }
    })
}

fn request(url: &DeliveryUrl, circumstances: &Circumstances<'_>) -> NextStep {
    NextStep::ServiceRequest { text: service_request(circumstances.account, [url]) }
}

/// Whole days, rounded up: nobody should come back too early.
fn wait_out(copy_life: Duration) -> NextStep {
    NextStep::WaitOut { at_most_days: copy_life.as_secs().div_ceil(24 * 3600).max(1) }
}

fn front_cdn(account: &Account) -> NextStep {
    NextStep::PurgeFrontCdn { hosts: account.own_hosts.clone() }
}

/// A request to the service's support to invalidate `urls`, ready to send.
///
/// Signatures are left in: support has to find the very URLs. The text is for the operator's clipboard, not for reports.
#[must_use]
pub fn service_request<'u>(
    account: &Account,
    urls: impl IntoIterator<Item = &'u DeliveryUrl>,
) -> String {
    service_request_of(&account.cloud_name, urls.into_iter().map(DeliveryUrl::canonical))
}

/// The same for URLs as they are shown.
#[must_use]
pub fn service_request_of(
    cloud_name: impl fmt::Display,
    urls: impl IntoIterator<Item = impl fmt::Display>,
) -> String {
    use fmt::Write as _;
    let mut text = format!(
        "Please invalidate the CDN copies of the URLs below. The API's own invalidation does not reach them.\n\nCloud name: {cloud_name}\nURLs:\n"
    );
    for url in urls {
        let _ = writeln!(text, "  {url}");
    }
    text
}

/// Something that holds for the account whatever the URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub reason: CoverageReason,
    pub next_step: NextStep,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.reason, self.next_step)
    }
}

/// What no invalidation of `account` reaches, and what nobody has said about it; `bulk` for Admin bulk deletes.
#[must_use]
pub fn account_notes(account: &Account, bulk: bool) -> Vec<Note> {
    use CoverageReason as Why;
    let mut notes = Vec::new();
    let mut note = |holds: bool, reason, next_step| {
        if holds {
            notes.push(Note { reason, next_step });
        }
    };
    let off = bulk && account.bulk_invalidation != Some(true);
    note(off, Why::BulkInvalidationOff, NextStep::OneCallEach);
    let unknown = account.invalidation == InvalidationKind::Unknown;
    note(unknown, Why::UnknownKind, NextStep::SayKind);
    note(account.local.is_none(), Why::FrontCdn, front_cdn(account));
    note(true, Why::Browser, NextStep::PrivateWindow);
    notes
}
