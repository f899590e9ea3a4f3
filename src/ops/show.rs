//! One asset as an operator wants to see it: detail, derived copies, delivery URLs with coverage.

use super::context::Context;
use super::error::OpError;
use crate::domain::asset::{AssetDetail, AssetKey};
use crate::domain::coverage::{COPY_LIFE, Call, NextStep, account_notes};
use crate::domain::watch_list::{ListedUrl, Subject};

/// An asset with its delivery URLs.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    pub detail: AssetDetail,
    pub urls: Vec<ShownUrl>,
    /// What an invalidation never reaches on any account, one sentence each.
    pub notes: Vec<String>,
}

/// One delivery URL of an asset and whether an invalidation reaches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownUrl {
    /// As an operator may open it.
    pub url: String,
    /// Transformation, empty for the original.
    pub transformation: String,
    /// `covered`, `not_covered` or `uncertain`.
    pub coverage: &'static str,
    /// Stable word and sentence of why, empty when covered.
    pub reason: String,
    pub why: String,
    pub next_step: String,
}

/// Reads one asset; its coverage is that of a purge.
///
/// # Errors
/// The cloud's.
pub async fn show(context: &Context, key: &AssetKey) -> Result<Shown, OpError> {
    let detail = context.cloud.detail(key).await?;
    let subject = Subject {
        asset: &detail.asset,
        derived: &detail.derived,
        extra: &[],
        account: &context.account,
        call: Call::Explicit,
        copy_life: COPY_LIFE,
    };
    let urls =
        subject.watch_list().iter().map(|listed| shown_url(context, &subject, listed)).collect();
    let notes = account_notes(&context.account, false).iter().map(ToString::to_string).collect();
    Ok(Shown { detail, urls, notes })
}

fn shown_url(context: &Context, subject: &Subject<'_>, listed: &ListedUrl) -> ShownUrl {
    let reason = listed.coverage.reason();
    ShownUrl {
        url: listed.url.render(&context.account),
        transformation: listed.derived.clone().unwrap_or_default(),
        coverage: listed.coverage.as_str(),
        reason: reason.map_or_else(String::new, |reason| reason.word().to_owned()),
        why: reason.map_or_else(String::new, |reason| reason.to_string()),
        next_step: subject.next_steps(listed).first().map_or_else(String::new, NextStep::to_string),
    }
}
