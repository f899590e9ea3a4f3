//! The picture of an asset, as one cache delivers it: the cheapest file that shows it, and never one that has to be
//! made for that.
//!
//! A transformation of our own would be smaller, but the store makes a derived copy of it, keeps that, and counts it:
//! a look must not change what it looks at. So it is the original, or a derived copy that is there already.

use std::time::Duration;

use super::context::Context;
use super::error::OpError;
use super::plan::host_of;
use super::tracker::{probe_at, shown_url};
use crate::domain::account::Account;
use crate::domain::asset::{AssetDetail, ResourceType};
use crate::domain::coverage::{COPY_LIFE, Call, Coverage, CoverageFacts, coverage};
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::id::InvalidationId;
use crate::domain::place::{Place, PlaceId, Vantage};
use crate::domain::sighting::{AcceptVariant, ProbeShape};
use crate::domain::text::clean;
use crate::ports::prober::{FetchFailure, Probe};

/// Formats that are drawn.
const DRAWN: [&str; 5] = ["jpg", "jpeg", "png", "gif", "webp"];
/// A file of so many bytes is not worth looking for a smaller one.
const SMALL: u64 = 256 << 10;
/// Bytes of a file that are loaded at most.
pub const MOST: usize = 4 << 20;
/// A file that is not whole after this long is given up.
const PATIENCE: Duration = Duration::from_secs(15);

/// A file that shows an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureFile {
    /// As an operator may open it.
    pub url: String,
    /// Transformation of the derived copy that it is; `None`: the original.
    pub derived: Option<String>,
    pub place: PlaceId,
    pub city: Option<String>,
    pub bytes: Vec<u8>,
}

/// What looking for a picture came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Picture {
    File(PictureFile),
    /// Nothing was loaded, and why; `may_insist`: it is loaded where the operator wants it all the same.
    Not {
        why: String,
        may_insist: bool,
    },
}

impl Picture {
    fn not(why: impl Into<String>) -> Self {
        Self::Not { why: why.into(), may_insist: false }
    }
}

/// Which file to load.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Choice {
    url: DeliveryUrl,
    derived: Option<String>,
    bytes: u64,
}

/// Loads what shows an asset best, from one place that this host reaches. Without `insisted` nothing is loaded where the
/// cache would keep a copy that no invalidation reaches.
///
/// # Errors
/// No places.
pub async fn picture(
    context: &Context,
    detail: &AssetDetail,
    insisted: bool,
) -> Result<Picture, OpError> {
    let choice = match choose(&context.account, detail) {
        Ok(choice) => choice,
        Err(why) => return Ok(Picture::not(why)),
    };
    if let Some(why) = kept_for_good(&context.account, &choice.url).filter(|_| !insisted) {
        return Ok(Picture::Not { why, may_insist: true });
    }
    let Some(place) = place_for(context, &choice.url).await? else {
        return Ok(Picture::not("no cache can be reached from this host itself"));
    };
    Ok(load(context, &place, choice).await)
}

/// What one place serves now under a watched URL (as snapshots show it), and what storage holds behind it.
///
/// # Errors
/// No such watch or URL, no places, the cloud's, the journal's.
pub async fn compare(
    context: &Context,
    id: InvalidationId,
    place: &PlaceId,
    url: &str,
) -> Result<(Picture, Picture), OpError> {
    let watch = context.journal.invalidation(id).await?;
    let watched = watch.urls.iter().find(|it| shown_url(&it.url, &context.account) == url);
    let Some(watched) = watched else {
        return Err(OpError::NothingSelected { what: "this URL".to_owned() });
    };
    let (served, stored) =
        futures_util::join!(served(context, place, &watched.url), stored(context, &watched.url));
    Ok((served?, stored?))
}

async fn served(context: &Context, place: &PlaceId, url: &DeliveryUrl) -> Result<Picture, OpError> {
    if let Some(why) = restricted(url) {
        return Ok(Picture::not(why));
    }
    let places = context.places.places(&host_of(context, Some(url))).await?;
    let here = |it: &&Place| it.vantage == Vantage::Here && it.address.is_some();
    let Some(place) = places.iter().filter(here).find(|it| it.id == *place) else {
        return Ok(Picture::not("no file is loaded from there: it is not reached from this host"));
    };
    Ok(load(context, place, Choice { url: url.clone(), derived: None, bytes: 0 }).await)
}

/// The newest version under the same URL, which no cache can hold from before.
async fn stored(context: &Context, url: &DeliveryUrl) -> Result<Picture, OpError> {
    let Some(asset) = context.cloud.stat(&url.asset).await?.filter(|asset| !asset.placeholder)
    else {
        return Ok(Picture::not("storage holds nothing under this name"));
    };
    if let Some(why) = restricted(url) {
        return Ok(Picture::not(why));
    }
    let newest = url.clone().with_version(asset.version);
    if let Some(why) = kept_for_good(&context.account, &newest) {
        return Ok(Picture::not(why));
    }
    let Some(place) = place_for(context, &newest).await? else {
        return Ok(Picture::not("no cache can be reached from this host itself"));
    };
    Ok(load(context, &place, Choice { url: newest, derived: None, bytes: asset.bytes }).await)
}

async fn load(context: &Context, place: &Place, choice: Choice) -> Picture {
    let probe = plain(place, &choice.url);
    match context.prober.fetch(&probe, MOST).await {
        Ok(bytes) => Picture::File(PictureFile {
            url: choice.url.render(&context.account),
            derived: choice.derived,
            place: place.id.clone(),
            city: place.city.clone(),
            bytes,
        }),
        Err(why) => Picture::not(in_words(&why, &place.id)),
    }
}

/// One plain request for all of it.
fn plain(place: &Place, url: &DeliveryUrl) -> Probe {
    probe_at(place, url, AcceptVariant::None, ProbeShape::HeadersOnly, PATIENCE)
}

fn in_words(why: &FetchFailure, place: &PlaceId) -> String {
    clean(&format!("{place}: {why}")).into_owned()
}

/// The first place that is asked from this host itself.
async fn place_for(context: &Context, url: &DeliveryUrl) -> Result<Option<Place>, OpError> {
    let places = context.places.places(&host_of(context, Some(url))).await?;
    Ok(places.into_iter().find(|place| place.vantage == Vantage::Here && place.address.is_some()))
}

fn restricted(url: &DeliveryUrl) -> Option<&'static str> {
    url.is_restricted().then_some("it is delivered to nobody without a signature, and none is sent")
}

/// The file that shows an asset for the fewest bytes, or why there is none.
fn choose(account: &Account, detail: &AssetDetail) -> Result<Choice, String> {
    let asset = &detail.asset;
    let drawn = |format: &Option<String>| {
        let named = format.as_deref().unwrap_or_default().to_ascii_lowercase();
        DRAWN.contains(&named.as_str())
    };
    if asset.placeholder {
        return Err("it is deleted: nothing is delivered".to_owned());
    }
    let original = DeliveryUrl::original(account, &asset.key, asset.format.as_deref());
    if let Some(why) = restricted(&original) {
        return Err(why.to_owned());
    }
    let is_image = asset.key.resource_type == ResourceType::Image;
    let most = MOST as u64;
    let original = (is_image && drawn(&asset.format)).then(|| Choice {
        url: original.with_version(asset.version),
        derived: None,
        bytes: asset.bytes,
    });
    if let Some(small) = original.as_ref().filter(|it| it.bytes <= SMALL) {
        return Ok(small.clone());
    }
    let copies = detail.derived.iter().filter(|copy| drawn(&copy.format) && copy.bytes > 0);
    let mut copies: Vec<Choice> = copies
        .filter_map(|copy| {
            let url = DeliveryUrl::parse(&copy.secure_url, account).ok()?;
            let derived = Some(copy.transformation.clone());
            (!url.is_restricted()).then_some(Choice { url, derived, bytes: copy.bytes })
        })
        .collect();
    copies.sort_by_key(|copy| copy.bytes);
    // the largest of the small ones shows most
    let small = copies.iter().rev().find(|copy| copy.bytes <= SMALL).cloned();
    let least = small.or_else(|| copies.into_iter().find(|copy| copy.bytes <= most));
    let fits = original.clone().filter(|it| it.bytes <= most);
    match (least, fits, original) {
        (Some(copy), _, _) | (None, Some(copy), _) => Ok(copy),
        (None, None, Some(_)) => Err(format!(
            "it has more than {} MB and no smaller copy of it is there already",
            MOST >> 20
        )),
        (None, None, None) => {
            let format = asset.format.as_deref().unwrap_or("this format").to_uppercase();
            Err(format!(
                "no preview for {}, and no copy of it as JPEG, PNG, GIF or WebP is there already",
                clean(&format)
            ))
        }
    }
}

/// What a look does to a cache that no invalidation reaches; `None` where one does, or may.
fn kept_for_good(account: &Account, url: &DeliveryUrl) -> Option<String> {
    let asset = CoverageFacts::unchanged(&url.asset, None);
    let Coverage::NotCovered(why) = coverage(url, &asset, account, Call::Explicit) else {
        return None;
    };
    Some(format!(
        "loading it leaves a copy in one cache, for up to {} days, and no invalidation reaches that: {why}",
        COPY_LIFE.as_secs() / 86_400
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::InvalidationKind;
    use crate::domain::asset::{Asset, AssetKey, DeliveryType, DerivedAsset};

    fn account() -> Account {
        Account { invalidation: InvalidationKind::Surrogate, ..Account::named("demo") }
    }

    fn detail(format: &str, bytes: u64, derived: &[(&str, &str, u64)]) -> AssetDetail {
        let key = AssetKey::image("press/hero".parse().unwrap());
        let copy = |(transformation, format, bytes): &(&str, &str, u64)| DerivedAsset {
            id: "0".repeat(32),
            transformation: (*transformation).to_owned(),
            format: Some((*format).to_owned()),
            bytes: *bytes,
            secure_url: format!(
                "https://res.cloudinary.com/demo/image/upload/{transformation}/v7/press/hero.{format}"
            ),
        };
        AssetDetail {
            asset: Asset {
                key,
                asset_id: None,
                version: 7,
                format: Some(format.to_owned()),
                bytes,
                width: Some(10),
                height: Some(10),
                etag: None,
                created_at: None,
                asset_folder: None,
                display_name: None,
                tags: Vec::new(),
                secure_url: None,
                placeholder: false,
            },
            derived: derived.iter().map(copy).collect(),
            derived_truncated: false,
            versions: Vec::new(),
        }
    }

    fn chosen(detail: &AssetDetail) -> Result<String, String> {
        choose(&account(), detail).map(|choice| choice.url.to_string())
    }

    #[test]
    fn the_original_is_loaded_by_its_newest_version_where_it_is_small() {
        let url = chosen(&detail("jpg", 90_000, &[("w_100", "jpg", 4_000)])).unwrap();
        assert!(url.ends_with("/image/upload/v7/press/hero.jpg"), "{url}");
    }

    #[test]
    fn of_a_large_original_a_copy_is_loaded_that_is_there_already() {
        let copies =
            [("w_100", "jpg", 4_000), ("w_900", "webp", 90_000), ("w_2000", "png", 900_000)];
        let url = chosen(&detail("jpg", 9_000_000, &copies)).unwrap();
        assert!(url.contains("/w_900/v7/press/hero.webp"), "{url}");
        let url = chosen(&detail("jpg", 9_000_000, &copies[2..])).unwrap();
        assert!(url.contains("/w_2000/"), "{url}");
        let url = chosen(&detail("jpg", 900_000, &[])).unwrap();
        assert!(url.ends_with("/v7/press/hero.jpg"), "{url}");
    }

    #[test]
    fn what_is_not_drawn_says_why() {
        let why = chosen(&detail("jpg", 9_000_000, &[("w_9", "avif", 100)])).unwrap_err();
        assert!(why.starts_with("it has more than 4 MB"), "{why}");
        let why = chosen(&detail("avif", 9_000, &[])).unwrap_err();
        assert!(why.starts_with("no preview for AVIF, and no copy"), "{why}");
        let mut hidden = detail("jpg", 9_000, &[]);
        hidden.asset.key.delivery_type = DeliveryType::Authenticated;
        assert!(chosen(&hidden).unwrap_err().contains("without a signature"));
        let mut gone = detail("jpg", 9_000, &[]);
        gone.asset.placeholder = true;
        assert!(chosen(&gone).unwrap_err().contains("deleted"));
        let mut film = detail("mp4", 9_000, &[("so_0", "jpg", 5_000)]);
        film.asset.key.resource_type = ResourceType::Video;
        film.derived[0].secure_url =
            "https://res.cloudinary.com/demo/video/upload/so_0/v7/press/hero.jpg".to_owned();
        assert!(chosen(&film).unwrap().contains("/video/upload/so_0/"));
    }
}
