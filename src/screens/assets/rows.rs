//! The rows of the list: immutable shared chunks, filter and sort over row numbers.
//!
//! Pages append, a change copies one chunk; a snapshot of everything is as cheap as the number of pages, so that
//! long lists are arranged off the loop.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::app::action::SortBy;
use crate::domain::asset::{Asset, AssetKey};

/// Assets in the order in which the server sent them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RowStore {
    chunks: Vec<Arc<Vec<Asset>>>,
    /// Row number of each chunk's first row.
    starts: Vec<usize>,
    len: usize,
}

impl RowStore {
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends a page.
    pub fn push_page(&mut self, page: Vec<Asset>) {
        if !page.is_empty() {
            self.starts.push(self.len);
            self.len += page.len();
            self.chunks.push(Arc::new(page));
        }
    }

    fn place(&self, row: usize) -> Option<(usize, usize)> {
        let chunk = self.starts.partition_point(|start| *start <= row).checked_sub(1)?;
        Some((chunk, row - self.starts[chunk]))
    }

    #[must_use]
    pub fn get(&self, row: usize) -> Option<&Asset> {
        let (chunk, at) = self.place(row)?;
        self.chunks[chunk].get(at)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Asset> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// Row of an asset, if it is loaded.
    #[must_use]
    pub fn find(&self, key: &AssetKey) -> Option<usize> {
        self.iter().position(|asset| asset.key == *key)
    }

    /// Puts `asset` in the place of a row.
    pub fn replace(&mut self, row: usize, asset: Asset) {
        if let Some((chunk, at)) = self.place(row)
            && let Some(old) = Arc::make_mut(&mut self.chunks[chunk]).get_mut(at)
        {
            *old = asset;
        }
    }

    /// Takes rows out; row numbers change.
    pub fn remove(&mut self, keys: &HashSet<AssetKey>) {
        let chunks = std::mem::take(&mut self.chunks);
        (self.starts, self.len) = (Vec::new(), 0);
        for chunk in chunks {
            let kept = if chunk.iter().any(|asset| keys.contains(&asset.key)) {
                Arc::new(chunk.iter().filter(|a| !keys.contains(&a.key)).cloned().collect())
            } else {
                chunk
            };
            if !kept.is_empty() {
                self.starts.push(self.len);
                self.len += kept.len();
                self.chunks.push(kept);
            }
        }
    }
}

/// What the operator typed after `/`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    text: String,
    needle: String,
    invert: bool,
    /// Capital letters in the text make them matter.
    exact_case: bool,
}

impl Filter {
    /// A substring of the public ID; `!` in front inverts.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let (invert, needle) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let exact_case = needle.chars().any(char::is_uppercase);
        Self { text: text.to_owned(), needle: needle.to_owned(), invert, exact_case }
    }

    /// As typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.needle.is_empty()
    }

    /// Where the text is found in `id`, for highlighting; nothing for an inverted filter.
    #[must_use]
    pub fn span(&self, id: &str) -> Option<std::ops::Range<usize>> {
        if self.invert || self.needle.is_empty() {
            return None;
        }
        let at = self.position(id)?;
        Some(at..at + self.needle.len()).filter(|span| id.get(span.clone()).is_some())
    }

    fn position(&self, id: &str) -> Option<usize> {
        if self.exact_case {
            return id.find(&self.needle);
        }
        if id.is_ascii() && self.needle.is_ascii() {
            let (hay, needle) = (id.as_bytes(), self.needle.as_bytes());
            return hay.windows(needle.len().max(1)).position(|at| at.eq_ignore_ascii_case(needle));
        }
        id.to_lowercase().find(&self.needle)
    }

    #[must_use]
    pub fn matches(&self, id: &str) -> bool {
        self.needle.is_empty() || self.position(id).is_some() != self.invert
    }

    /// The text that was searched for, without `!`.
    #[must_use]
    pub fn needle(&self) -> Option<&str> {
        (!self.invert && !self.needle.is_empty()).then_some(self.needle.as_str())
    }
}

/// Assets with an open watch: cells that are clear, and all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PendingNames(pub BTreeMap<String, PendingMark>);

/// How far one asset's caches are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PendingMark {
    pub clear: usize,
    pub total: usize,
    pub stuck: bool,
}

impl PendingNames {
    /// The mark of an asset. Watches name assets as their keys are shown, or by the public ID alone.
    #[must_use]
    pub fn of(&self, key: &AssetKey) -> Option<PendingMark> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(key.public_id.as_str()).or_else(|| self.0.get(&key.to_string())).copied()
    }
}

/// Row numbers that match, in the order asked for.
#[must_use]
pub fn arrange(
    rows: &RowStore,
    filter: &Filter,
    (by, reverse): (SortBy, bool),
    pending: &PendingNames,
) -> Vec<u32> {
    let mut found: Vec<(u32, &Asset)> = (0..)
        .zip(rows.iter())
        .filter(|(_, asset)| filter.matches(asset.key.public_id.as_str()))
        .collect();
    let order: Option<fn(&Asset, &Asset) -> Ordering> = match by {
        SortBy::Server | SortBy::Pending => None,
        SortBy::Name => Some(|a, b| a.key.public_id.cmp(&b.key.public_id)),
        SortBy::Age => Some(|a, b| b.version.cmp(&a.version)),
        SortBy::Size => Some(|a, b| b.bytes.cmp(&a.bytes)),
        SortBy::Kind => {
            Some(|a, b| (a.key.resource_type, &a.format).cmp(&(b.key.resource_type, &b.format)))
        }
    };
    if let Some(order) = order {
        found.sort_by(|(_, a), (_, b)| if reverse { order(b, a) } else { order(a, b) });
    } else if by == SortBy::Pending {
        found.sort_by_key(|(_, asset)| pending.of(&asset.key).is_some() == reverse);
    } else if reverse {
        found.reverse();
    }
    found.into_iter().map(|(row, _)| row).collect()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// An uploaded image with plausible facts.
    ///
    /// # Panics
    /// `id` is no public ID.
    pub fn image(id: &str, version: u64, bytes: u64) -> Asset {
        Asset {
            key: AssetKey::image(id.parse().unwrap()),
            asset_id: Some(format!("{version:032x}")),
            version,
            format: Some("jpg".into()),
            bytes,
            width: Some(1600),
            height: Some(900),
            etag: None,
            created_at: None,
            asset_folder: None,
            display_name: None,
            tags: Vec::new(),
            secure_url: None,
            placeholder: false,
        }
    }

    fn store() -> RowStore {
        let mut rows = RowStore::default();
        rows.push_page(vec![image("press/Hero", 3, 30), image("press/logo", 1, 10)]);
        rows.push_page(vec![]);
        rows.push_page(vec![image("shop/hero-2", 2, 20)]);
        rows
    }

    fn arranged(filter: &str, sort: (SortBy, bool)) -> Vec<u32> {
        arrange(&store(), &Filter::new(filter), sort, &PendingNames::default())
    }

    #[test]
    fn rows_are_found_over_pages() {
        let rows = store();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows.get(2).unwrap().key.to_string(), "shop/hero-2");
        assert!(rows.get(3).is_none());
        assert_eq!(rows.find(&AssetKey::image("press/logo".parse().unwrap())), Some(1));
    }

    #[test]
    fn a_removed_row_closes_the_gap_and_a_snapshot_keeps_it() {
        let mut rows = store();
        let before = rows.clone();
        rows.remove(&HashSet::from([AssetKey::image("press/Hero".parse().unwrap())]));
        assert_eq!(rows.get(0).unwrap().key.to_string(), "press/logo");
        assert_eq!(rows.len(), 2);
        rows.replace(1, image("shop/new", 9, 9));
        assert_eq!(rows.get(1).unwrap().version, 9);
        assert_eq!(before.get(2).unwrap().key.to_string(), "shop/hero-2");
    }

    #[test]
    fn the_filter_is_a_substring_and_can_be_inverted() {
        assert_eq!(arranged("hero", (SortBy::Server, false)), [0, 2]);
        assert_eq!(arranged("!hero", (SortBy::Server, false)), [1]);
        assert_eq!(arranged("Hero", (SortBy::Server, false)), [0], "a capital makes case matter");
        assert_eq!(arranged("!", (SortBy::Server, false)), [0, 1, 2]);
        assert_eq!(Filter::new("hero").span("press/Hero"), Some(6..10));
    }

    #[test]
    fn every_order_can_be_reversed() {
        assert_eq!(arranged("", (SortBy::Age, false)), [0, 2, 1]);
        assert_eq!(arranged("", (SortBy::Size, true)), [1, 2, 0]);
        assert_eq!(arranged("", (SortBy::Name, false)), [0, 1, 2]);
        assert_eq!(arranged("", (SortBy::Server, true)), [2, 1, 0]);
        let pending =
            PendingNames(BTreeMap::from([("shop/hero-2".into(), PendingMark::default())]));
        let first = arrange(&store(), &Filter::default(), (SortBy::Pending, false), &pending);
        assert_eq!(first, [2, 0, 1]);
    }
}
