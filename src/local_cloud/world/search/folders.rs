//! Search for folders, by name, path and time of creation.

use std::collections::HashMap;
use std::time::Duration;

use super::expression::Expression;
use super::fields::{Field, Searched};
use super::order::{Position, Rank, Sort, SortValue, compare};
use super::sweep::Query;
use crate::local_cloud::chance::hash_text;
use crate::local_cloud::world::World;
use crate::local_cloud::world::asset::HexId;
use crate::local_cloud::world::refusal::Refusal;

/// A folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFolder {
    pub path: String,
    /// UNIX seconds: when the first asset in it, or below it, was stored; the beginning of the world for others.
    /// Folders have no dates of their own here.
    pub created_at: i64,
    pub id: HexId,
}

impl FoundFolder {
    /// The last part of its path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit_once('/').map_or(&self.path, |(_, name)| name)
    }
}

impl Searched for FoundFolder {
    const USUAL: &'static [Field] = &[Field::Path];

    fn any_text(&self, field: &Field, holds: &dyn Fn(&str) -> bool) -> bool {
        match field {
            Field::Name => holds(self.name()),
            Field::Path => holds(&self.path),
            _ => false,
        }
    }

    fn number(&self, field: &Field) -> Option<f64> {
        matches!(field, Field::CreatedAt).then_some(self.created_at as f64)
    }

    fn sort_value(&self, field: &Field) -> SortValue<'_> {
        match field {
            Field::Name => SortValue::Text(self.name()),
            Field::Path => SortValue::Text(&self.path),
            number => self.number(number).map_or(SortValue::Nothing, SortValue::Number),
        }
    }

    /// The path, which every search of folders sorts by in the end, decides.
    fn tie(&self) -> (i64, u64) {
        (0, 0)
    }
}

/// A page of folders.
#[derive(Debug)]
pub struct FoundFolders {
    /// Matches on all pages.
    pub total: usize,
    pub page: Vec<FoundFolder>,
    pub next: Option<Position>,
}

impl World {
    /// One page of the folders that match, by path where nothing else is asked for. Folders are known at once.
    ///
    /// # Errors
    /// The expression cannot be read, or the page before belongs to another question.
    pub fn search_folders(
        &mut self,
        query: &Query,
        now: Duration,
    ) -> Result<FoundFolders, Refusal> {
        self.advance(now);
        let mut sort_by = query.sort_by.clone();
        sort_by.extend(Sort::of_folders_by("path", false));
        let of = hash_text(&format!("folders\n{}\n{sort_by:?}", query.expression));
        let asked_at = query.after.as_ref().map_or(self.unix_now(), |after| after.asked_at);
        if query.after.as_ref().is_some_and(|after| after.of != of) {
            return Err(Refusal::bad("Invalid value for parameter next_cursor"));
        }
        let expression = Expression::parse(&query.expression, asked_at)
            .map_err(|error| Refusal::bad(error.to_string()))?;
        let mut all = self.folders_with_dates();
        all.retain(|folder| expression.holds(folder));
        all.sort_unstable_by(|a, b| compare(&sort_by, a, b));
        let start = query.after.as_ref().map_or(0, |after| {
            all.partition_point(|folder| !after.rank.is_before(&sort_by, folder))
        });
        let page: Vec<_> = all[start..].iter().take(query.limit).cloned().collect();
        let more = start + page.len() < all.len();
        let next = page.last().filter(|_| more).map(|last| Position {
            of,
            asked_at,
            rank: Rank::of(&sort_by, last),
        });
        Ok(FoundFolders { total: all.len(), page, next })
    }

    fn folders_with_dates(&self) -> Vec<FoundFolder> {
        let mut own: HashMap<&str, i64> = HashMap::new();
        for asset in self.storage.iter() {
            let first = own.entry(&asset.asset_folder).or_insert(asset.created_at);
            *first = asset.created_at.min(*first);
        }
        let mut first: HashMap<&str, i64> = HashMap::new();
        for (path, created_at) in own {
            let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
            for end in ends {
                let earliest = first.entry(&path[..end]).or_insert(created_at);
                *earliest = created_at.min(*earliest);
            }
        }
        let folders = self.storage.folders().into_iter();
        let dated = folders.map(|path| FoundFolder {
            created_at: first.get(path.as_str()).copied().unwrap_or(self.began_at),
            id: HexId(self.chance.id("folder", &[hash_text(&path)])),
            path,
        });
        dated.collect()
    }
}
