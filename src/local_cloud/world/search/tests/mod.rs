//! Expressions against assets, against a second opinion, and pages of matches while the world changes.

mod grammar;
mod pages;
mod random;

use crate::local_cloud::chance::Chance;
use crate::local_cloud::world::asset::StoredAsset;
use crate::local_cloud::world::demo;

const NOW: i64 = 1_800_000_000;

fn library() -> Vec<StoredAsset> {
    demo::library(Chance::new(1), 200, NOW, false).collect()
}
