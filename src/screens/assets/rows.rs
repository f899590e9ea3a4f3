//! The rows of the list: filtered and sorted as row numbers, off the loop where the list is long.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use memchr::memmem::Finder;

pub use super::filter::Filter;
use super::filter::in_order;
use crate::app::action::SortBy;
use crate::domain::asset::{AssetKey, ResourceType};
pub use crate::domain::asset_rows::RowStore;
use crate::domain::asset_rows::{Case, Chunk};

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

/// A filter made ready for many names.
struct Search<'a> {
    filter: &'a Filter,
    finders: Vec<Finder<'a>>,
    /// The word to look for first: the longest that must be there as it is.
    first: Option<usize>,
}

impl<'a> Search<'a> {
    fn new(filter: &'a Filter) -> Self {
        let finders = filter.words.iter().map(|word| Finder::new(word.needle.as_bytes())).collect();
        let wanted = |at: &usize| !filter.words[*at].invert && !filter.words[*at].loose;
        let first =
            (0..filter.words.len()).filter(wanted).max_by_key(|at| filter.words[*at].needle.len());
        Self { filter, finders, first }
    }

    /// Whether words can be looked for byte by byte in a text of this case, with capitals made small or not.
    fn is_plain(&self, case: Case) -> bool {
        self.filter
            .words
            .iter()
            .all(|word| word.exact_case || (word.needle.is_ascii() && matches!(case, Case::Lower)))
    }

    /// Whether no word minds letter case, and all can be looked for where capitals were made small.
    fn takes_any_case(&self) -> bool {
        self.filter.words.iter().all(|word| !word.exact_case && word.needle.is_ascii())
    }

    /// Whether a name matches in which the words can be looked for byte by byte.
    fn takes(&self, name: &str) -> bool {
        let found = |at: usize| match &self.filter.words[at] {
            word if word.loose => in_order(name.as_bytes(), word.needle.as_bytes()).is_some(),
            _ => self.finders[at].find(name.as_bytes()).is_some(),
        };
        self.filter.words.iter().enumerate().all(|(at, word)| found(at) != word.invert)
    }

    /// The rows of a page that match.
    fn page(&self, start: usize, chunk: &Chunk, into: &mut Vec<u32>) {
        let number = |at: usize| u32::try_from(start + at).unwrap_or(u32::MAX);
        if self.filter.is_empty() {
            into.extend((0..chunk.len()).map(number));
            return;
        }
        let small = (chunk.case() == Case::Ascii && self.takes_any_case())
            .then(|| chunk.text().to_ascii_lowercase());
        if small.is_none() && !self.is_plain(chunk.case()) {
            let names = chunk.names().enumerate();
            into.extend(
                names.filter(|(_, name)| self.filter.matches(name)).map(|(at, _)| number(at)),
            );
            return;
        }
        let (text, ends) = (small.as_deref().unwrap_or(chunk.text()), chunk.ends());
        let Some(first) = self.first else {
            let names = text.split_terminator('\n').enumerate();
            into.extend(names.filter(|(_, name)| self.takes(name)).map(|(at, _)| number(at)));
            return;
        };
        let (mut from, mut at) = (0, 0);
        while let Some(hit) = self.finders[first].find(&text.as_bytes()[from..]) {
            let hit = from + hit;
            at += ends[at..].partition_point(|end| usize::try_from(*end).unwrap_or(0) < hit);
            let Some(span) = chunk.span(at) else { return };
            from = span.end + 1;
            if self.filter.words.len() == 1 || self.takes(&text[span]) {
                into.push(number(at));
            }
        }
    }

    /// Those of `candidates` that match. They mostly come page after page: the page is looked up where it changes.
    fn among(&self, rows: &RowStore, candidates: &[u32], into: &mut Vec<u32>) {
        let mut page: Option<(usize, &Chunk, bool)> = None;
        for candidate in candidates {
            let Ok(row) = usize::try_from(*candidate) else { continue };
            if page.is_none_or(|(start, chunk, _)| !(start..start + chunk.len()).contains(&row)) {
                page = rows
                    .chunk_of(row)
                    .map(|(chunk, at)| (row - at, chunk, self.is_plain(chunk.case())));
            }
            let Some((start, chunk, plain)) = page else { continue };
            let takes = |name| if plain { self.takes(name) } else { self.filter.matches(name) };
            if chunk.name(row - start).is_some_and(takes) {
                into.push(*candidate);
            }
        }
    }
}

/// What a view was made from: rows, filter and order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    pub filter: Filter,
    pub sort: (SortBy, bool),
    /// Rows there were, and [`RowStore::generation`].
    pub rows: usize,
    pub generation: u64,
}

impl Applied {
    /// Whether a view made from `self` holds every row that `filter` finds, in the order asked for.
    #[must_use]
    pub fn holds(&self, rows: &RowStore, filter: &Filter, sort: (SortBy, bool)) -> bool {
        (self.rows, self.generation, self.sort) == (rows.len(), rows.generation(), sort)
            && sort.0 != SortBy::Pending
            && filter.narrows(&self.filter)
    }

    /// Whether a view made from `self` is the beginning of the one asked for: rows were only added since, and they
    /// belong behind the others.
    #[must_use]
    pub fn is_before(&self, rows: &RowStore, filter: &Filter, sort: (SortBy, bool)) -> bool {
        (self.generation, self.sort, sort)
            == (rows.generation(), (SortBy::Server, false), (SortBy::Server, false))
            && self.rows < rows.len()
            && self.rows > 0
            && self.filter == *filter
    }
}

/// Row numbers that match, in the order asked for.
#[must_use]
pub fn arrange(
    rows: &RowStore,
    filter: &Filter,
    sort: (SortBy, bool),
    pending: &PendingNames,
) -> Vec<u32> {
    arrange_within(rows, None, filter, sort, pending, &|| false).unwrap_or_default()
}

/// Appends the numbers of the rows from `from` on that match, in the order of the server.
pub fn arrange_from(rows: &RowStore, from: usize, filter: &Filter, into: &mut Vec<u32>) {
    let search = Search::new(filter);
    let from_number = u32::try_from(from).unwrap_or(u32::MAX);
    for (start, chunk) in rows.chunks().filter(|(start, chunk)| start + chunk.len() > from) {
        let known = into.len();
        search.page(start, chunk, into);
        if start < from {
            let mut at = 0..;
            into.retain(|row| at.next().is_some_and(|at| at < known) || *row >= from_number);
        }
    }
}

/// The same, looking only through the rows of a view that [`Applied::holds`] all of them; page by page, and `None`
/// once `stop` says so.
#[must_use]
pub fn arrange_within(
    rows: &RowStore,
    within: Option<&[u32]>,
    filter: &Filter,
    (by, reverse): (SortBy, bool),
    pending: &PendingNames,
    stop: &dyn Fn() -> bool,
) -> Option<Vec<u32>> {
    const SLICE: usize = 16_384;
    let search = Search::new(filter);
    let mut found = Vec::new();
    // one search through a page is quicker than one through each of many of its names
    let many =
        |within: &[u32]| (by, reverse) == (SortBy::Server, false) && within.len() * 8 > rows.len();
    if let Some(within) = within.filter(|within| !many(within)) {
        for slice in within.chunks(SLICE) {
            if stop() {
                return None;
            }
            search.among(rows, slice, &mut found);
        }
        return Some(found); // in their order already
    }
    for (start, chunk) in rows.chunks() {
        if stop() {
            return None;
        }
        search.page(start, chunk, &mut found);
    }
    let place = |row: u32| rows.chunk_of(usize::try_from(row).unwrap_or(usize::MAX));
    let facts = |row: u32| place(row).and_then(|(chunk, at)| chunk.version_and_bytes(at));
    match by {
        SortBy::Server if reverse => found.reverse(),
        // the others are columns of other lists
        SortBy::Server | SortBy::State | SortBy::Order | SortBy::Done | SortBy::Who => {}
        SortBy::Pending => {
            let open =
                |row: u32| place(row).and_then(|(chunk, at)| pending.of(&chunk.key(at)?)).is_some();
            found.sort_by_cached_key(|row| open(*row) == reverse);
        }
        SortBy::Name => {
            let name = |row: u32| place(row).and_then(|(chunk, at)| chunk.name(at));
            sorted(&mut found, name, Ord::cmp, reverse);
        }
        SortBy::Age => sorted(&mut found, |row| facts(row).map(|it| it.0), newest, reverse),
        SortBy::Size => sorted(&mut found, |row| facts(row).map(|it| it.1), newest, reverse),
        SortBy::Kind => {
            let kind = |row: u32| place(row).and_then(|(chunk, at)| chunk.kind(at));
            let order = |a: &Option<(ResourceType, Option<&str>)>, b: &_| a.cmp(b);
            sorted(&mut found, kind, order, reverse);
        }
    }
    Some(found)
}

/// The largest first.
fn newest<K: Ord>(a: &K, b: &K) -> Ordering {
    b.cmp(a)
}

/// Sorts rows by what is read of each once; rows alike stay in their order, either way round.
fn sorted<K>(
    rows: &mut Vec<u32>,
    key: impl Fn(u32) -> K,
    order: impl Fn(&K, &K) -> Ordering,
    reverse: bool,
) {
    let mut keyed: Vec<(K, u32)> = rows.iter().map(|row| (key(*row), *row)).collect();
    keyed.sort_by(|(a, _), (b, _)| if reverse { order(b, a) } else { order(a, b) });
    rows.clear();
    rows.extend(keyed.into_iter().map(|(_, row)| row));
}

#[cfg(test)]
pub mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::asset::Asset;

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
        rows.push_page(&[image("press/Hero", 3, 30), image("press/logo", 1, 10)]);
        rows.push_page(&[]);
        rows.push_page(&[image("shop/hero-2", 2, 20)]);
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
    fn a_tilde_takes_letters_in_their_order() {
        let found = |filter: &str| arranged(filter, (SortBy::Server, false));
        assert_eq!(found("~prhr"), [0]);
        assert_eq!(found("~ho"), [0, 2]);
        assert_eq!(found("~ho !shop"), [0]);
        assert_eq!(found("!~ho"), [1]);
        assert_eq!(found("~Ho"), [0], "a capital makes case matter");
        assert_eq!(found("~oh"), [2], "shop/hero has them in this order");
        assert_eq!(found("~"), [0, 1, 2]);
        assert_eq!(Filter::new("~ho").span("press/Hero"), Some(6..10));
        assert_eq!(Filter::new("~ho").needle(), None);
        let narrows = |now: &str, before: &str| Filter::new(now).narrows(&Filter::new(before));
        assert!(narrows("~hero", "~ho") && narrows("hero", "~ho") && narrows("~h x", "~h"));
        assert!(!narrows("~hero", "hero") && !narrows("~ho", "~oh") && !narrows("!~ho", "!~h"));
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

    fn names() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec("[abABé]([abAB/é]{0,4}[abABé])?", 1..40)
    }

    proptest! {
        /// Whatever way is taken, the rows are those whose names match one by one.
        #[test]
        fn every_way_finds_the_same_rows(
            names in names(),
            filters in prop::collection::vec("[!'~ abAé]{0,5}", 1..5),
            page in 1_usize..10,
            by in 0_usize..4,
            reverse in any::<bool>(),
        ) {
            let sort = ([SortBy::Server, SortBy::Name, SortBy::Age, SortBy::Size][by], reverse);
            let mut rows = RowStore::default();
            let assets: Vec<Asset> =
                (0..).zip(&names).map(|(n, name)| image(name, n * 7 % 5, n * 3 % 7)).collect();
            for page in assets.chunks(page) {
                rows.push_page(page);
            }
            let nothing = PendingNames::default();
            let mut last: Option<(Applied, Vec<u32>)> = None;
            for text in filters {
                let filter = Filter::new(&text);
                let found = arrange(&rows, &filter, sort, &nothing);
                let mut by_number = found.clone();
                by_number.sort_unstable();
                let wanted: Vec<u32> =
                    (0..).zip(&names).filter(|(_, name)| filter.matches(name)).map(|(n, _)| n).collect();
                prop_assert_eq!(by_number, wanted, "{}", text);
                if let Some((applied, view)) = &last
                    && applied.holds(&rows, &filter, sort)
                {
                    let narrowed =
                        arrange_within(&rows, Some(view), &filter, sort, &nothing, &|| false);
                    prop_assert_eq!(narrowed.as_ref(), Some(&found), "{} after {:?}", text, applied);
                }
                let applied =
                    Applied { filter, sort, rows: rows.len(), generation: rows.generation() };
                last = Some((applied, found));
            }
        }
    }

    #[test]
    fn rows_that_come_are_looked_through_alone() {
        let rows = store();
        let filter = Filter::new("hero");
        for from in 0..=rows.len() {
            let whole = arrange(&rows, &filter, (SortBy::Server, false), &PendingNames::default());
            let number = u32::try_from(from).unwrap();
            let mut view: Vec<u32> = whole.iter().copied().filter(|row| *row < number).collect();
            arrange_from(&rows, from, &filter, &mut view);
            assert_eq!(view, whole, "from {from}");
        }
    }

    #[test]
    fn a_search_that_is_not_wanted_any_more_stops() {
        let nothing = PendingNames::default();
        let sort = (SortBy::Server, false);
        assert_eq!(
            arrange_within(&store(), None, &Filter::new("e"), sort, &nothing, &|| true),
            None
        );
    }
}
