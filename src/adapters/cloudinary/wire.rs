//! The JSON of the API, as tolerant as its documentation asks: unknown fields and nulls are fine everywhere.
//! Converted by hand into domain terms; nothing outside this folder sees these types.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use serde_json::{Map, Value};

use crate::domain::asset::{
    Asset, AssetKey, BackupVersion, DeliveryType, DerivedAsset, ResourceType,
};
use crate::domain::public_id::PublicId;

#[derive(Debug, Deserialize)]
pub(super) struct ErrorReply {
    pub error: Option<Value>,
}

/// `ping`.
#[derive(Debug, Deserialize)]
pub(super) struct PingReply {
    pub status: Option<String>,
}

/// A page of a listing or of a search.
#[derive(Debug, Deserialize)]
pub(super) struct ListReply {
    pub resources: Option<Vec<AssetReply>>,
    pub next_cursor: Option<String>,
    #[serde(default, deserialize_with = "number")]
    pub total_count: Option<u64>,
}

/// Folders directly in another one (facts §3.4).
#[derive(Debug, Deserialize)]
pub(super) struct FoldersReply {
    pub folders: Vec<FolderReply>,
    pub next_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct FolderReply {
    pub path: String,
}

/// One asset: item of a listing, detail, or answer of upload, explicit and rename.
#[derive(Debug, Deserialize)]
pub(super) struct AssetReply {
    pub public_id: String,
    pub resource_type: Option<String>,
    #[serde(rename = "type")]
    pub delivery_type: Option<String>,
    pub asset_id: Option<String>,
    #[serde(default, deserialize_with = "number")]
    pub version: Option<u64>,
    pub format: Option<String>,
    #[serde(default, deserialize_with = "number")]
    pub bytes: Option<u64>,
    #[serde(default, deserialize_with = "number")]
    pub width: Option<u64>,
    #[serde(default, deserialize_with = "number")]
    pub height: Option<u64>,
    pub etag: Option<String>,
    pub created_at: Option<String>,
    pub asset_folder: Option<String>,
    /// In place of `asset_folder` where folders are fixed.
    pub folder: Option<String>,
    pub display_name: Option<String>,
    pub tags: Option<Vec<String>>,
    pub url: Option<String>,
    pub secure_url: Option<String>,
    pub placeholder: Option<bool>,
    // of detail only
    pub derived: Option<Vec<DerivedReply>>,
    /// The name of `derived` in the newer model.
    pub derivatives: Option<Vec<DerivedReply>>,
    pub next_cursor: Option<String>,
    pub derived_next_cursor: Option<String>,
    pub versions: Option<Vec<VersionReply>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct DerivedReply {
    pub id: Option<String>,
    pub transformation: Option<String>,
    pub format: Option<String>,
    #[serde(default, deserialize_with = "number")]
    pub bytes: Option<u64>,
    pub url: Option<String>,
    pub secure_url: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct VersionReply {
    pub version_id: Option<String>,
    #[serde(default, deserialize_with = "number")]
    pub version: Option<u64>,
    #[serde(default, deserialize_with = "number")]
    pub size: Option<u64>,
    pub restorable: Option<bool>,
}

/// `destroy`.
#[derive(Debug, Deserialize)]
pub(super) struct DestroyReply {
    pub result: Option<String>,
}

/// Admin bulk delete.
#[derive(Debug, Deserialize)]
pub(super) struct DeleteReply {
    pub deleted: Option<Map<String, Value>>,
    pub partial: Option<bool>,
    pub next_cursor: Option<String>,
}

/// Why a reply about one asset cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadAsset {
    #[error("`public_id` is unusable: {0}")]
    PublicId(#[from] crate::domain::public_id::BadPublicId),
    #[error("{0}")]
    Word(#[from] crate::domain::asset::UnknownWord),
}

impl AssetReply {
    /// The asset told of; `asked` stands in for types that the reply leaves out.
    pub(super) fn into_asset(self, asked: (ResourceType, DeliveryType)) -> Result<Asset, BadAsset> {
        let key = AssetKey {
            resource_type: word_or(self.resource_type.as_deref(), asked.0)?,
            delivery_type: word_or(self.delivery_type.as_deref(), asked.1)?,
            public_id: PublicId::from_cloud(&self.public_id)?,
        };
        Ok(Asset {
            key,
            asset_id: told(self.asset_id),
            version: self.version.unwrap_or_default(),
            format: told(self.format),
            bytes: self.bytes.unwrap_or_default(),
            width: pixels(self.width),
            height: pixels(self.height),
            etag: told(self.etag).map(|etag| etag.trim_matches('"').to_owned()),
            created_at: self.created_at.and_then(|at| at.parse().ok()),
            asset_folder: self.asset_folder.or(self.folder),
            display_name: told(self.display_name),
            tags: self.tags.unwrap_or_default(),
            secure_url: told(self.secure_url).or(told(self.url)),
            placeholder: self.placeholder.unwrap_or_default(),
        })
    }

    /// Takes the derived copies and where their next page begins.
    pub(super) fn take_derived(&mut self) -> (Vec<DerivedAsset>, Option<String>) {
        let rows = self.derived.take().or(self.derivatives.take()).unwrap_or_default();
        let next = told(self.derived_next_cursor.take()).or(told(self.next_cursor.take()));
        (rows.into_iter().filter_map(DerivedReply::into_derived).collect(), next)
    }

    pub(super) fn take_versions(&mut self) -> Vec<BackupVersion> {
        let rows = self.versions.take().unwrap_or_default();
        rows.into_iter().filter_map(VersionReply::into_version).collect()
    }
}

impl DerivedReply {
    /// `None` without a URL: nothing could be watched.
    fn into_derived(self) -> Option<DerivedAsset> {
        let secure_url = told(self.secure_url).or(told(self.url))?;
        Some(DerivedAsset {
            id: self.id.unwrap_or_default(),
            transformation: self.transformation.unwrap_or_default(),
            format: told(self.format),
            bytes: self.bytes.unwrap_or_default(),
            secure_url,
        })
    }
}

impl VersionReply {
    fn into_version(self) -> Option<BackupVersion> {
        Some(BackupVersion {
            version_id: told(self.version_id)?,
            version: self.version.unwrap_or_default(),
            bytes: self.size.unwrap_or_default(),
            restorable: self.restorable.unwrap_or_default(),
        })
    }
}

impl ListReply {
    /// The assets of the page; rows that no command could name are left out, and their number is logged.
    pub(super) fn into_assets(self, asked: (ResourceType, DeliveryType)) -> Vec<Asset> {
        let rows = self.resources.unwrap_or_default();
        let (total, mut seen) = (rows.len(), HashSet::with_capacity(rows.len()));
        let assets: Vec<Asset> = rows
            .into_iter()
            .filter_map(|row| row.into_asset(asked).ok())
            .filter(|asset| seen.insert(asset.key.clone()))
            .collect();
        if assets.len() < total {
            tracing::warn!(left_out = total - assets.len(), "rows of a listing cannot be used");
        }
        assets
    }
}

/// Text that says something.
fn told(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn word_or<T: FromStr>(word: Option<&str>, asked: T) -> Result<T, T::Err> {
    word.filter(|word| !word.is_empty()).map_or(Ok(asked), str::parse)
}

fn pixels(count: Option<u64>) -> Option<u32> {
    count.and_then(|count| u32::try_from(count).ok())
}

/// A count that may come as an integer, a whole float, digits in quotes or null.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    struct Number;

    impl Visitor<'_> for Number {
        type Value = Option<u64>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number, not negative")
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
            Ok(Some(number))
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
            u64::try_from(number)
                .map(Some)
                .map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(number), &self))
        }

        fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            if (0.0..9e15).contains(&number) && number.fract() == 0.0 {
                Ok(Some(number as u64)) // below 2^53: exact
            } else {
                Err(E::invalid_value(serde::de::Unexpected::Float(number), &self))
            }
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            text.trim()
                .parse()
                .map(Some)
                .map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
        }

        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
    }

    deserializer.deserialize_any(Number)
}

/// Reads an answer of the API as every call would: what nobody trusts, to the end.
#[cfg(any(test, fuzzing))]
pub(super) fn read_all(body: &[u8]) {
    use super::errors::{message_of, no_json, tidy};

    let asked = (ResourceType::Image, DeliveryType::Upload);
    if let Ok(page) = serde_json::from_slice::<ListReply>(body) {
        let assets = page.into_assets(asked);
        let keys: HashSet<_> = assets.iter().map(|asset| &asset.key).collect();
        assert_eq!(keys.len(), assets.len(), "an asset is listed once");
    }
    if let Ok(mut asset) = serde_json::from_slice::<AssetReply>(body) {
        let (derived, _) = asset.take_derived();
        assert!(derived.iter().all(|copy| !copy.secure_url.is_empty()), "a copy has a URL");
        asset.take_versions();
        asset.into_asset(asked).ok();
    }
    serde_json::from_slice::<DeleteReply>(body).ok();
    serde_json::from_slice::<DestroyReply>(body).ok();
    serde_json::from_slice::<PingReply>(body).ok();
    let secret = secrecy::SecretString::from("canary-of-the-secret");
    for told in message_of(body).into_iter().chain([no_json(body)]) {
        let shown = tidy(&told, &secret);
        assert!(!shown.contains("canary-of-the-secret"), "{shown}");
        assert_eq!(crate::domain::text::clean(&shown), shown);
        assert!(shown.chars().count() <= 2_000, "bounded");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const ASKED: (ResourceType, DeliveryType) = (ResourceType::Image, DeliveryType::Upload);

    fn reply(json: &str) -> AssetReply {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_full_upload_answer_is_read() {
        let asset = reply(
            r#"{"asset_id":"5f0c","public_id":"press/kit/hero","version":1767225600,"version_id":"0a1b",
            "signature":"04b9","width":1600,"height":900,"format":"jpg","resource_type":"image",
            "created_at":"2026-01-01T00:00:00Z","tags":["press"],"pages":1,"bytes":184233,"type":"upload",
            "etag":"9e10","placeholder":false,"url":"http://res/x","secure_url":"https://res/x",
            "asset_folder":"press/kit","display_name":"hero","brand_new_field":{"a":[1]}}"#,
        )
        .into_asset(ASKED)
        .unwrap();
        assert_eq!(asset.key.to_string(), "press/kit/hero");
        assert_eq!((asset.version, asset.bytes, asset.width), (1_767_225_600, 184_233, Some(1600)));
        assert_eq!(asset.created_at, Some("2026-01-01T00:00:00Z".parse().unwrap()));
        assert_eq!(asset.asset_folder.as_deref(), Some("press/kit"));
        assert_eq!(asset.secure_url.as_deref(), Some("https://res/x"));
    }

    #[rstest]
    #[case::nulls(r#"{"public_id":"a","version":null,"bytes":null,"tags":null,"etag":null,"width":null,"placeholder":null,"type":null}"#)]
    #[case::nothing_else(r#"{"public_id":"a"}"#)]
    fn nulls_and_absence_are_the_same(#[case] json: &str) {
        let asset = reply(json).into_asset(ASKED).unwrap();
        assert_eq!(asset.key.to_string(), "a");
        assert_eq!(
            (asset.version, asset.bytes, asset.etag, asset.placeholder),
            (0, 0, None, false)
        );
    }

    #[rstest]
    #[case("12", "12")]
    #[case("12.0", "12")]
    #[case("\"12\"", "12")]
    #[case("null", "absent")]
    #[case("-1", "refused")]
    #[case("1.5", "refused")]
    #[case("1e300", "refused")]
    #[case("\"many\"", "refused")]
    #[case("[]", "refused")]
    fn numbers_come_in_several_shapes(#[case] json: &str, #[case] read: &str) {
        let reply: Result<VersionReply, _> = serde_json::from_str(&format!(r#"{{"size":{json}}}"#));
        let found = reply.map_or("refused".to_owned(), |reply| {
            reply.size.map_or("absent".to_owned(), |size| size.to_string())
        });
        assert_eq!(found, read);
    }

    #[test]
    fn types_of_the_reply_beat_those_asked_for() {
        let asset = reply(r#"{"public_id":"doc.pdf","resource_type":"raw","type":"private"}"#)
            .into_asset(ASKED)
            .unwrap();
        assert_eq!(asset.key.to_string(), "raw/private/doc.pdf");
    }

    #[test]
    fn rows_nobody_could_name_are_left_out() {
        let page: ListReply = serde_json::from_str(
            r#"{"resources":[{"public_id":"a"},{"public_id":""},{"public_id":"b\u0007"},
                {"public_id":"c","type":"sprite"},{"public_id":"a"},{"public_id":"d+e"}]}"#,
        )
        .unwrap();
        let names: Vec<_> =
            page.into_assets(ASKED).into_iter().map(|asset| asset.key.to_string()).collect();
        assert_eq!(names, ["a", "d+e"]);
    }

    #[rstest]
    #[case(
        r#"{"public_id":"a","derived":[{"id":"1","secure_url":"https://x"}],"next_cursor":"n"}"#
    )]
    #[case(r#"{"public_id":"a","derivatives":[{"id":"1","url":"https://x","secure_url":null}],"derived_next_cursor":"n"}"#)]
    fn derived_copies_go_by_both_names(#[case] json: &str) {
        let (derived, next) = reply(json).take_derived();
        assert_eq!((derived[0].secure_url.as_str(), next.as_deref()), ("https://x", Some("n")));
    }
}
