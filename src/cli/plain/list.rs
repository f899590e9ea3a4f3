//! The list of assets: what was read, what the filter shows of it, and which rows have been said.

use std::ops::Range;

use crate::domain::asset::{Asset, AssetKey, DeliveryType, ResourceType};
use crate::domain::text::clean;
use crate::ports::cloud::ListQuery;
use crate::screens::assets::rows::Filter;

use super::super::words::bytes;

/// Rows that are said at once.
const ROWS: usize = 20;

/// What was read of one question to the cloud.
pub struct List {
    pub query: ListQuery,
    pub cursor: Option<String>,
    assets: Vec<Asset>,
    filter: Filter,
    /// Positions in `assets` that the filter shows; a row's number is its place here, from 1.
    shown: Vec<usize>,
    said: usize,
}

impl List {
    /// Nothing read yet.
    #[must_use]
    pub fn of(query: ListQuery) -> Self {
        let filter = Filter::new("");
        Self { query, cursor: None, assets: Vec::new(), filter, shown: Vec::new(), said: 0 }
    }

    /// The usual question: everything of one type, or what begins with a prefix.
    #[must_use]
    pub fn resources(resource_type: ResourceType, prefix: Option<String>) -> Self {
        let delivery_type = DeliveryType::default();
        Self::of(ListQuery::Resources { resource_type, delivery_type, prefix })
    }

    /// Which type it lists, where it lists one.
    #[must_use]
    pub fn resource_type(&self) -> ResourceType {
        match &self.query {
            ListQuery::Resources { resource_type, .. } | ListQuery::Tag { resource_type, .. } => {
                *resource_type
            }
            ListQuery::Folder { .. } | ListQuery::Search { .. } => ResourceType::default(),
        }
    }

    /// Adds a page; rows keep their numbers.
    pub fn add(&mut self, assets: Vec<Asset>, cursor: Option<String>) {
        let from = self.assets.len();
        self.assets.extend(assets);
        self.cursor = cursor;
        let filter = &self.filter;
        let fit = |at: &usize| filter.matches(self.assets[*at].key.public_id.as_str());
        self.shown.extend((from..self.assets.len()).filter(fit));
    }

    /// Shows only what matches; numbers begin anew.
    pub fn filter(&mut self, text: &str) {
        self.filter = Filter::new(text);
        let filter = &self.filter;
        let fit = |at: &usize| filter.matches(self.assets[*at].key.public_id.as_str());
        self.shown = (0..self.assets.len()).filter(fit).collect();
        self.said = 0;
    }

    /// Whether rows have not been said yet.
    #[must_use]
    pub fn has_unsaid(&self) -> bool {
        self.said < self.shown.len()
    }

    /// The next rows as lines, then how much there is.
    pub fn next_lines(&mut self) -> Vec<String> {
        let rows: Range<usize> = self.said..self.shown.len().min(self.said + ROWS);
        let mut lines: Vec<String> = rows.clone().map(|at| self.row(at)).collect();
        self.said = rows.end;
        let loaded = self.assets.len();
        let more_on_server = self.cursor.is_some();
        let of = if more_on_server { format!("the first {loaded}") } else { loaded.to_string() };
        lines.push(if self.shown.is_empty() && loaded == 0 {
            "nothing matches".to_owned()
        } else if self.filter.is_empty() {
            format!("{} of {of} listed", self.said)
        } else {
            format!(
                "{} of {} that match `{}` among {of} listed",
                self.said,
                self.shown.len(),
                clean(self.filter.text())
            )
        });
        if let Some(last) = lines.last_mut()
            && (self.said < self.shown.len() || more_on_server)
        {
            last.push_str("; `more` goes on");
        }
        lines
    }

    fn row(&self, at: usize) -> String {
        let asset = &self.assets[self.shown[at]];
        let format = asset.format.as_deref().map(|format| format!(", {}", clean(format)));
        let name = clean(asset.key.public_id.as_str()).into_owned();
        format!("{}. {name}{}, {}", at + 1, format.unwrap_or_default(), bytes(asset.bytes))
    }

    /// What was read of an asset.
    #[must_use]
    pub fn asset(&self, key: &AssetKey) -> Option<&Asset> {
        self.assets.iter().find(|asset| asset.key == *key)
    }

    /// The assets that a word means by numbers: `3` or `2-5`; `None`: it is no number of a row.
    #[must_use]
    pub fn numbered(&self, word: &str) -> Option<Vec<AssetKey>> {
        let (from, to) = word.split_once('-').unwrap_or((word, word));
        let (from, to): (usize, usize) = (from.parse().ok()?, to.parse().ok()?);
        let rows = from.checked_sub(1)?..to;
        let keys: Vec<AssetKey> =
            self.shown.get(rows)?.iter().map(|at| self.assets[*at].key.clone()).collect();
        (!keys.is_empty()).then_some(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{FakeCloud, image};

    fn asset(name: &str) -> Asset {
        FakeCloud::new().put(&image(name))
    }

    #[test]
    fn numbers_are_those_that_were_said() {
        let mut list = List::resources(ResourceType::Image, None);
        list.add(
            (1..=30).map(|n| asset(&format!("press/{n:02}"))).collect(),
            Some("next".to_owned()),
        );
        let lines = list.next_lines();
        assert_eq!(lines.len(), ROWS + 1);
        assert!(lines[0].starts_with("1. press/01, "), "{}", lines[0]);
        assert_eq!(lines[ROWS], "20 of the first 30 listed; `more` goes on");
        assert!(list.next_lines()[0].starts_with("21. press/21"));
        list.filter("!0");
        assert!(list.next_lines()[0].starts_with("1. press/11"), "numbers begin anew");
        let names = |keys: Option<Vec<AssetKey>>| {
            keys.map(|keys| keys.iter().map(|key| key.public_id.to_string()).collect::<Vec<_>>())
        };
        assert_eq!(names(list.numbered("2-3")).unwrap(), ["press/12", "press/13"]);
        assert_eq!(names(list.numbered("0")), None);
        assert_eq!(names(list.numbered("99")), None);
        assert_eq!(names(list.numbered("press/11")), None);
    }
}
