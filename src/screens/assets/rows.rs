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

/// What the operator typed after `/`: words that must all be there, in any order.
///
/// `!` in front of a word: it must not be there. `'` takes the rest exactly as it is, letter case and spaces
/// included; `!'` the other way round. Capital letters make case matter for their word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    text: String,
    words: Vec<Word>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    needle: String,
    invert: bool,
    exact_case: bool,
}

impl Word {
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
}

impl Filter {
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut words = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (invert, after) = match rest.strip_prefix('!') {
                Some(after) => (true, after),
                None => (false, rest),
            };
            let (needle, exact, next) = match after.strip_prefix('\'') {
                Some(exactly) => (exactly, true, ""),
                None => match after.split_once(' ') {
                    Some((word, next)) => (word, false, next),
                    None => (after, false, ""),
                },
            };
            if !needle.is_empty() {
                let exact_case = exact || needle.chars().any(char::is_uppercase);
                words.push(Word { needle: needle.to_owned(), invert, exact_case });
            }
            rest = next.trim_start();
        }
        Self { text: text.to_owned(), words }
    }

    /// As typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Where the first word is found in `id`, for highlighting; nothing for inverted words.
    #[must_use]
    pub fn span(&self, id: &str) -> Option<std::ops::Range<usize>> {
        let word = self.words.iter().find(|word| !word.invert)?;
        let at = word.position(id)?;
        Some(at..at + word.needle.len()).filter(|span| id.get(span.clone()).is_some())
    }

    #[must_use]
    pub fn matches(&self, id: &str) -> bool {
        self.words.iter().all(|word| word.position(id).is_some() != word.invert)
    }

    /// What the server can be asked for: the words without marks; nothing where one is inverted.
    #[must_use]
    pub fn needle(&self) -> Option<String> {
        if self.words.is_empty() || self.words.iter().any(|word| word.invert) {
            return None;
        }
        let words: Vec<&str> = self.words.iter().map(|word| word.needle.as_str()).collect();
        Some(words.join(" "))
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
    fn all_words_must_be_there_and_a_quote_takes_the_rest_exactly() {
        let found = |filter: &str| arranged(filter, (SortBy::Server, false));
        assert_eq!(found("press hero"), [0]);
        assert_eq!(found("hero !shop"), [0]);
        assert_eq!(found("!press !shop"), [0_u32; 0]);
        assert_eq!(found("'hero"), [2], "case matters");
        assert_eq!(found("press '/Hero"), [0]);
        assert_eq!(found("!'press/"), [2]);
        assert_eq!(found("'"), [0, 1, 2]);
        assert!(Filter::new("'team photo").matches("press/team photo"));
        assert!(!Filter::new("'team photo").matches("press/photo team"));
        assert_eq!(Filter::new("press 'hero").needle().as_deref(), Some("press hero"));
        assert_eq!(Filter::new("press !hero").needle(), None);
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
