//! What an invalidation would and would not reach at one URL, from the URL alone: no storage, no network.

use serde::Serialize;

use super::account::{Account, InvalidationKind};
use super::asset::{DeliveryType, ResourceType};
use super::coverage::{
    COPY_LIFE, Call, Circumstances, CoverageFacts, CoverageReason, NextStep, Note, account_notes,
    coverage, next_steps,
};
use super::delivery_url::{DeliveryUrl, PathForm};
use super::secrets;
use super::text::clean;

/// A URL taken apart, with the verdict of every kind of account. Every text is safe to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Canonical URL; signature and token are hidden.
    pub url: String,
    pub parts: Parts,
    /// The account's kind, and its verdict.
    pub account: KindVerdict,
    /// The verdict of each kind, in the order of [`InvalidationKind::ALL`] without `unknown`.
    pub kinds: Vec<KindVerdict>,
    /// What holds whatever the URL.
    pub notes: Vec<ExplainedNote>,
    /// Other assets that the same text may name, best first.
    pub also_read_as: Vec<OtherReading>,
}

/// The parts of a URL as they were read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parts {
    pub scheme: &'static str,
    pub host: String,
    pub cloud_name: String,
    pub form: PathForm,
    pub resource_type: ResourceType,
    #[serde(rename = "type")]
    pub delivery_type: DeliveryType,
    pub signed: bool,
    pub transformations: Vec<String>,
    pub version: Option<u64>,
    pub public_id: String,
    pub extension: Option<String>,
    pub suffix: Option<String>,
    pub query: Option<String>,
    /// One URL, several cached copies: chosen by `Accept`.
    pub varies_by_accept: bool,
}

/// Whether an invalidation of an account of one kind reaches the URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KindVerdict {
    pub kind: InvalidationKind,
    /// `covered`, `not_covered` or `uncertain`.
    pub coverage: &'static str,
    /// Stable word; `None` when covered.
    pub reason: Option<&'static str>,
    pub why: Option<&'static str>,
    /// What to do, the most useful first.
    pub next_steps: Vec<Advice>,
}

/// A next step in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Advice {
    pub sentence: String,
    /// Text to put on the clipboard.
    pub copy: Option<String>,
}

/// A note in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedNote {
    pub reason: &'static str,
    pub sentence: String,
}

/// Another asset that the text may name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OtherReading {
    pub public_id: String,
    pub transformations: Vec<String>,
    pub version: Option<u64>,
}

/// Explains the first of `readings` ([`DeliveryUrl::parse_all`]) for `account`; `None` without readings.
#[must_use]
pub fn explain_readings(readings: &[DeliveryUrl], account: &Account) -> Option<Explanation> {
    let (url, others) = readings.split_first()?;
    let mut explanation = explain(url, account);
    let is_other = |reading: &&DeliveryUrl| reading.asset != url.asset;
    explanation.also_read_as = others.iter().filter(is_other).map(OtherReading::of).collect();
    Some(explanation)
}

/// Explains `url` for `account`. The most recent version is not known offline, so a purge of the asset as it is now is
/// assumed, and versions are judged as far as possible without it.
#[must_use]
pub fn explain(url: &DeliveryUrl, account: &Account) -> Explanation {
    let known = |kind: &InvalidationKind| *kind != InvalidationKind::Unknown;
    let verdict = |kind| KindVerdict::of(kind, url, account);
    Explanation {
        url: url.masked(),
        parts: Parts::of(url),
        account: verdict(account.invalidation),
        kinds: InvalidationKind::ALL.into_iter().filter(known).map(verdict).collect(),
        notes: account_notes(account, false).iter().map(ExplainedNote::of).collect(),
        also_read_as: Vec::new(),
    }
}

impl Parts {
    fn of(url: &DeliveryUrl) -> Self {
        let shown = |text: &str| clean(text).into_owned();
        Self {
            scheme: if url.https { "https" } else { "http" },
            host: shown(&url.host_name()),
            cloud_name: shown(&url.cloud_name),
            form: url.form,
            resource_type: url.asset.resource_type,
            delivery_type: url.asset.delivery_type,
            signed: url.signature.is_some(),
            transformations: url.transformations.iter().map(|link| shown(link)).collect(),
            version: url.version,
            public_id: shown(url.asset.public_id.as_str()),
            extension: url.extension.clone(),
            suffix: url.suffix.as_deref().map(shown),
            query: url.masked_query(),
            varies_by_accept: url.has_automatic_format(),
        }
    }
}

impl KindVerdict {
    fn of(kind: InvalidationKind, url: &DeliveryUrl, account: &Account) -> Self {
        let account = Account { invalidation: kind, ..account.clone() };
        let asset = CoverageFacts::unchanged(&url.asset, None);
        let call = Call::Explicit;
        let reached = coverage(url, &asset, &account, call);
        let circumstances = Circumstances { asset, account: &account, call, copy_life: COPY_LIFE };
        let steps = next_steps(url, &reached, &circumstances);
        Self {
            kind,
            coverage: reached.as_str(),
            reason: reached.reason().map(CoverageReason::word),
            why: reached.reason().map(CoverageReason::sentence),
            next_steps: steps.iter().map(Advice::of).collect(),
        }
    }
}

impl Advice {
    fn of(step: &NextStep) -> Self {
        Self { sentence: step.to_string(), copy: step.to_copy().map(secrets::masked_words) }
    }
}

impl ExplainedNote {
    fn of(note: &Note) -> Self {
        Self { reason: note.reason.word(), sentence: note.to_string() }
    }
}

impl OtherReading {
    fn of(url: &DeliveryUrl) -> Self {
        let parts = Parts::of(url);
        Self {
            public_id: parts.public_id,
            transformations: parts.transformations,
            version: parts.version,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(raw: &str, kind: InvalidationKind) -> Explanation {
        let account = Account { invalidation: kind, ..Account::named("demo") };
        let readings = DeliveryUrl::parse_all(raw, &account).unwrap();
        explain_readings(&readings, &account).unwrap()
    }

    #[test]
    fn every_kind_has_its_verdict() {
        let url = "res.cloudinary.com/demo/image/upload/c_fill,w_9/v1/press/hero.jpg";
        let explained = explained(url, InvalidationKind::Unknown);
        let verdicts: Vec<_> = explained
            .kinds
            .iter()
            .map(|verdict| (verdict.kind.as_str(), verdict.coverage, verdict.reason))
            .collect();
        assert_eq!(
            verdicts,
            [
                ("surrogate", "covered", None),
                ("legacy", "covered", None),
                ("legacy-unversioned", "not_covered", Some("versioned")),
                ("legacy-versioned", "not_covered", Some("v1")),
            ]
        );
        assert_eq!(explained.account.coverage, "uncertain");
        assert_eq!(explained.account.reason, Some("unknown_kind"));
        assert!(explained.kinds[0].next_steps.is_empty());
    }

    #[test]
    fn versions_are_judged_as_far_as_they_can_be_offline() {
        let url = "https://res.cloudinary.com/demo/image/upload/v1767225600/hero.jpg";
        let verdict = explained(url, InvalidationKind::LegacyVersioned).account;
        assert_eq!((verdict.coverage, verdict.reason), ("uncertain", Some("version_unknown")));
        assert!(verdict.next_steps[0].sentence.starts_with("watch it"));
    }

    #[test]
    fn other_assets_that_the_text_may_name_are_told() {
        let url = "https://res.cloudinary.com/demo/image/upload/a_b/c";
        let explained = explained(url, InvalidationKind::Surrogate);
        assert_eq!(explained.parts.public_id, "c");
        assert_eq!(explained.also_read_as[0].public_id, "a_b/c");
    }

    #[test]
    fn the_serialised_form_hides_signatures_and_keeps_its_names() {
        let url = "https://res.cloudinary.com/demo/image/upload/s--abcdefgh--/f_auto/hero.jpg?_a=B";
        let explained = explained(url, InvalidationKind::Surrogate);
        insta::assert_json_snapshot!(explained.parts, @r#"
        {
          "scheme": "https",
          "host": "res.cloudinary.com",
          "cloud_name": "demo",
          "form": "plain",
          "resource_type": "image",
          "type": "upload",
          "signed": true,
          "transformations": [
            "f_auto"
          ],
          "version": null,
          "public_id": "hero",
          "extension": "jpg",
          "suffix": null,
          "query": "_a=B",
          "varies_by_accept": true
        }
        "#);
        assert!(explained.url.contains("s--********--"));
        let shown = serde_json::to_value(&explained).unwrap();
        let keys: Vec<_> = shown.as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["url", "parts", "account", "kinds", "notes", "also_read_as"]);
    }
}
