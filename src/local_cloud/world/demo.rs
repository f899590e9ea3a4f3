//! The assets a local cloud starts with: names, kinds and ages that look like those of a real library.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::asset::{HexId, Pairs, StoredAsset};
use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};
use crate::domain::public_id::PublicId;
use crate::local_cloud::chance::Chance;
use crate::local_cloud::content::{Content, Format, Shape};

use DeliveryType::{Authenticated, Private, Upload};
use ResourceType::{Image, Raw, Video};

/// Written by hand, newest first: root names, deep folders, spaces, accents, every kind.
#[rustfmt::skip]
const FEATURED: &[(ResourceType, DeliveryType, &str, Format, &[&str])] = &[
    (Image, Upload, "press/2026/hero", Format::Jpg, &["press", "hero", "2026"]),
    (Image, Upload, "press/2026/ceo-portrait", Format::Jpg, &["press", "people"]),
    (Image, Upload, "campaigns/spring-2026/banner", Format::Png, &["campaign", "spring", "banner"]),
    (Image, Upload, "campaigns/spring-2026/teaser", Format::Jpg, &["campaign", "spring"]),
    (Image, Upload, "products/shoes/trail-runner", Format::Jpg, &["product", "shoes"]),
    (Image, Upload, "products/shoes/city-walker", Format::Jpg, &["product", "shoes"]),
    (Image, Upload, "products/bags/weekender", Format::Jpg, &["product", "bags"]),
    (Image, Upload, "logo", Format::Png, &["brand"]),
    (Image, Upload, "sample", Format::Jpg, &[]),
    (Video, Upload, "video/launch-teaser", Format::Mp4, &["campaign", "video"]),
    (Raw,   Upload, "docs/price-list-2026.pdf", Format::Pdf, &["docs"]),
    (Image, Upload, "press/2026/factory", Format::Jpg, &["press", "2026"]),
    (Image, Upload, "press/2026/team photo", Format::Jpg, &["press", "people"]),
    (Image, Upload, "press/2025/hero", Format::Jpg, &["press", "hero", "2025"]),
    (Image, Upload, "blog/été-2026/plage", Format::Jpg, &["blog"]),
    (Image, Upload, "brand/logo-dark", Format::Png, &["brand"]),
    (Image, Upload, "brand/logo-light", Format::Png, &["brand"]),
    (Image, Upload, "brand/mark(round)", Format::Webp, &["brand"]),
    (Image, Upload, "favicon", Format::Png, &["brand"]),
    (Image, Private, "legal/signed-contract", Format::Jpg, &["legal"]),
    (Image, Authenticated, "board/minutes-cover", Format::Jpg, &["board"]),
    (Raw,   Upload, "docs/stock.csv", Format::Csv, &["docs", "feed"]),
    (Raw,   Upload, "docs/readme.txt", Format::Txt, &["docs"]),
    (Raw,   Upload, "feeds/catalogue.json", Format::Json, &["feed"]),
    (Video, Upload, "video/factory-tour", Format::Mp4, &["press", "video"]),
    (Video, Upload, "audio/jingle", Format::Mp3, &["audio"]),
    (Image, Upload, "campaigns/winter-2025/banner", Format::Png, &["campaign", "winter", "banner"]),
    (Image, Upload, "campaigns/winter-2025/teaser", Format::Jpg, &["campaign", "winter"]),
];

/// Folder, words a name is put together from, tags.
const FOLDERS: &[(&str, &[&str], &[&str])] = &[
    (
        "products/shoes",
        &["trail-runner", "city-walker", "sandal", "boot", "loafer"],
        &["product", "shoes"],
    ),
    ("products/bags", &["weekender", "tote", "messenger", "backpack"], &["product", "bags"]),
    ("products/jackets", &["parka", "windbreaker", "denim", "raincoat"], &["product", "jackets"]),
    ("campaigns/spring-2026", &["banner", "teaser", "story", "square"], &["campaign", "spring"]),
    ("campaigns/summer-2026", &["banner", "teaser", "story", "square"], &["campaign", "summer"]),
    ("campaigns/black-friday", &["banner", "countdown", "mail-header"], &["campaign", "sale"]),
    ("press/2026", &["launch", "portrait", "factory", "award"], &["press", "2026"]),
    ("press/2025", &["launch", "portrait", "factory", "award"], &["press", "2025"]),
    ("blog/2026", &["cover", "figure", "author"], &["blog"]),
    ("team", &["portrait", "office", "offsite"], &["people"]),
    ("stores/berlin", &["front", "inside", "window"], &["store"]),
    ("stores/tokyo", &["front", "inside", "window"], &["store"]),
];

const DAY: u64 = 86_400;

/// The first `count` assets of the library of `chance`'s seed, newest first, as of `unix_now`.
pub fn library(
    chance: Chance,
    count: usize,
    unix_now: i64,
    backed_up: bool,
) -> impl Iterator<Item = StoredAsset> {
    let (mut words, mut age) = (Words::default(), 0);
    let nothing = Pairs::default();
    (0..count as u64).map(move |at| {
        // some are of one second; the whole library reaches back about two years
        age += chance.below(2 * 2 * 365 * DAY / (count as u64).max(500), "age", &[at]) + at % 2;
        let uploaded_at = unix_now - i64::try_from(age + 600).unwrap_or(i64::MAX / 2);
        let created_at = match chance.below(4, "revised", &[at]) {
            0 => {
                uploaded_at - i64::try_from(chance.below(90 * DAY, "revision", &[at])).unwrap_or(0)
            }
            _ => uploaded_at,
        };
        let (key, format, tags) = words.asset(chance, at);
        let asset_id = HexId(chance.id("asset", &[at]));
        let content = content(chance, format, at);
        StoredAsset {
            asset_folder: words
                .shared(key.public_id.as_str().rsplit_once('/').map_or("", |(f, _)| f)),
            display_name: key.public_id.as_str().rsplit('/').next().unwrap_or_default().into(),
            version: u64::try_from(uploaded_at).unwrap_or(1),
            version_id: HexId(chance.id("version", &[at])),
            key,
            asset_id,
            created_at,
            uploaded_at,
            // the newest has the highest number
            order: count as u64 - at,
            content: Arc::new(content),
            tags,
            context: nothing.clone(),
            metadata: nothing.clone(),
            original_filename: None,
            moderation: None,
            backed_up,
            access: None,
        }
    })
}

fn content(chance: Chance, format: Format, at: u64) -> Content {
    let mark = chance.bits("content", &[at]);
    if matches!(format, Format::Jpg | Format::Png | Format::Webp) {
        return Content::picture(Shape::of(format, chance.bits("shape", &[at])), mark);
    }
    let length = 3000 + chance.below(45_000, "length", &[at]);
    Content::file(format, mark, u32::try_from(length).unwrap_or(3000))
}

/// Texts that many assets share.
#[derive(Default)]
struct Words {
    folders: BTreeMap<String, Arc<str>>,
    tags: BTreeMap<Vec<&'static str>, Arc<[Arc<str>]>>,
}

impl Words {
    fn asset(&mut self, chance: Chance, at: u64) -> (AssetKey, Format, Arc<[Arc<str>]>) {
        let featured = usize::try_from(at).ok().and_then(|at| FEATURED.get(at));
        if let Some(&(resource_type, delivery_type, name, format, tags)) = featured {
            return (key(resource_type, delivery_type, name), format, self.tags(tags));
        }
        let pick = |bound: usize, topic| {
            usize::try_from(chance.below(bound as u64, topic, &[at])).unwrap_or(0)
        };
        let (folder, nouns, tags) = FOLDERS[pick(FOLDERS.len(), "folder")];
        let noun = nouns[pick(nouns.len(), "noun")];
        let number = at - FEATURED.len() as u64 + 1;
        let (resource_type, format, name) = match chance.below(100, "kind", &[at]) {
            0..=1 => (Raw, Format::Pdf, format!("{folder}/{noun}-{number:04}.pdf")),
            2..=4 => (Video, Format::Mp4, format!("{folder}/{noun}-{number:04}")),
            5..=7 => (Image, Format::Webp, format!("{folder}/{noun}-{number:04}")),
            8..=27 => (Image, Format::Png, format!("{folder}/{noun}-{number:04}")),
            _ => (Image, Format::Jpg, format!("{folder}/{noun}-{number:04}")),
        };
        (key(resource_type, Upload, &name), format, self.tags(tags))
    }

    fn shared(&mut self, folder: &str) -> Arc<str> {
        if let Some(known) = self.folders.get(folder) {
            return known.clone();
        }
        let shared: Arc<str> = folder.into();
        self.folders.insert(folder.to_owned(), shared.clone());
        shared
    }

    fn tags(&mut self, tags: &[&'static str]) -> Arc<[Arc<str>]> {
        let shared = || tags.iter().map(|tag| Arc::from(*tag)).collect();
        self.tags.entry(tags.to_vec()).or_insert_with(shared).clone()
    }
}

fn key(resource_type: ResourceType, delivery_type: DeliveryType, name: &str) -> AssetKey {
    let public_id = PublicId::from_cloud(name).expect("names of the library are plain text");
    AssetKey { resource_type, delivery_type, public_id }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_repeatable_its_names_are_valid_and_used_once() {
        let library =
            |count| -> Vec<_> { library(Chance::new(1), count, 1_800_000_000, false).collect() };
        let assets = library(5000);
        let keys: std::collections::BTreeSet<_> = assets.iter().map(|a| &a.key).collect();
        let ids: std::collections::BTreeSet<_> = assets.iter().map(|a| a.asset_id).collect();
        assert_eq!((keys.len(), ids.len()), (5000, 5000));
        for asset in &assets {
            assert!(asset.key.public_id.as_str().parse::<PublicId>().is_ok(), "{}", asset.key);
        }
        assert!(assets.is_sorted_by(|a, b| a.uploaded_at >= b.uploaded_at));
        let again = library(5000);
        assert!(assets.iter().zip(&again).all(|(a, b)| a.key == b.key && a.version == b.version));
        let kinds: std::collections::BTreeSet<_> =
            assets.iter().map(|a| a.key.resource_type).collect();
        assert_eq!(kinds.len(), 3);
    }
}
