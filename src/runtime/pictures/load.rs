//! From an asset to its picture: the file through the prober, decoding in a thread of its own, one at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::scaled;
use crate::domain::id::InvalidationId;
use crate::domain::place::PlaceId;
use crate::ops::engine::{Picture, PictureFile, Shown};
use crate::ops::{Engine, OpError};
use crate::screens::assets::picture::Found;
use crate::screens::watch::compare::Sides;
use crate::ui::pixels::Way;

/// A file that is not decoded after this long is not drawn.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes that one picture sends over SSH at most: a second of a slow line.
const OVER_SSH: usize = 96 << 10;

/// Loads and decodes the picture of an asset.
///
/// # Errors
/// The places of the profile cannot be had; everything else that keeps it from being drawn is an answer.
pub async fn load(
    engine: &Engine,
    shown: &Shown,
    insisted: bool,
    way: Way,
) -> Result<Found, OpError> {
    Ok(found(engine.picture(shown, insisted).await?, way).await)
}

/// Loads and decodes what one place serves now under a watched URL, and what storage holds behind it.
///
/// # Errors
/// The watch is not known, the cloud's, the journal's.
pub async fn compare(
    engine: &Engine,
    watch: InvalidationId,
    place: &PlaceId,
    url: &str,
    way: Way,
) -> Result<Sides, OpError> {
    let (served, stored) = engine.compare(watch, place, url).await?;
    Ok((found(served, way).await, found(stored, way).await))
}

async fn found(picture: Picture, way: Way) -> Found {
    match picture {
        Picture::Not { why, may_insist } => Found::Not { why, may_insist },
        Picture::File(file) => decoded(file, way).await,
    }
}

async fn decoded(file: PictureFile, way: Way) -> Found {
    /// A cursor that runs through a list leaves no crowd of threads behind it.
    static ONE: Semaphore = Semaphore::const_new(1);
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    let not = |why: String| Found::Not { why, may_insist: false };
    let PictureFile { url, derived, place, city, bytes } = file;
    let from = city.map_or_else(|| place.to_string(), |city| format!("{place} {city}"));
    let length = bytes.len() as u64;
    let remote = ["SSH_CONNECTION", "SSH_TTY"].iter().any(|it| std::env::var_os(it).is_some());
    let most = if remote { OVER_SSH } else { usize::MAX };
    let work = async {
        let permit = ONE.acquire().await;
        tokio::task::spawn_blocking(move || {
            let _permit = permit; // given back when the work is done, wanted or not
            scaled(&bytes, id, way, most)
        })
        .await
    };
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(Ok(Ok(pixels))) => {
            Found::Drawn { pixels: Arc::new(pixels), url, derived, from, bytes: length }
        }
        Ok(Ok(Err(why))) => not(why),
        Ok(Err(_)) => not("the file cannot be drawn: its decoder failed".to_owned()),
        Err(_) => not(format!("drawing it takes more than {} s", PATIENCE.as_secs())),
    }
}
