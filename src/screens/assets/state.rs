//! What the Assets screen knows.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;

use tui_input::Input;

use super::picture::PictureView;
use super::rows::{Applied, Filter, RowStore};
use crate::app::action::SortBy;
use crate::app::effect::TaskId;
use crate::app::msg::Failure;
use crate::app::state::Env;
use crate::domain::asset::{Asset, AssetKey, DeliveryType, ResourceType};
use crate::domain::time::{Moment, Timestamp};
use crate::ops::engine::{Looked, Shown};
use crate::ports::cloud::ListQuery;
use crate::ports::journal::ActivityRow;
use crate::ui::layout;

/// A read of the list that is under way.
#[derive(Debug, Clone)]
pub struct Loading {
    pub task: TaskId,
    pub kind: LoadKind,
    pub since: Moment,
}

#[derive(Debug, Clone)]
pub enum LoadKind {
    /// The first page of another question.
    First,
    /// The next page.
    More,
    /// Page after page, until the list ends.
    All,
    /// Everything again: shown once as many rows have come as there were.
    Refresh { wanted: usize, gathered: RowStore },
    /// The first page, to see whether a long copy is still right.
    Check,
}

/// Parts of the details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DetailsTab {
    #[default]
    Urls,
    Derived,
    /// What was done to it.
    History,
    /// What every place answers.
    Headers,
    Picture,
}

impl DetailsTab {
    pub const ALL: [Self; 5] =
        [Self::Urls, Self::Derived, Self::History, Self::Headers, Self::Picture];

    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Urls => "URLs",
            Self::Derived => "Derived",
            Self::History => "History",
            Self::Headers => "Headers",
            Self::Picture => "Picture",
        }
    }
}

/// The asset whose details are open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    pub key: AssetKey,
    /// Entry under the cursor.
    pub entry: usize,
}

/// What was done to an asset, as the journal has it.
#[derive(Debug, Clone)]
pub struct History {
    pub key: AssetKey,
    pub task: TaskId,
    /// `None` before the answer.
    pub rows: Option<Result<Vec<ActivityRow>, Failure>>,
}

/// One look at a URL.
#[derive(Debug, Clone)]
pub struct LookView {
    pub url: String,
    pub task: TaskId,
    pub since: Moment,
    /// `None` before the answer; with the time of it.
    pub result: Option<(Timestamp, Result<Arc<Looked>, Failure>)>,
}

/// Details that were read.
#[derive(Debug, Clone)]
pub struct Read {
    pub key: AssetKey,
    pub result: Result<Arc<Shown>, Failure>,
    pub at: Timestamp,
}

/// So many details are kept.
const KEPT: usize = 32;

/// Cursor, rows, marks and details.
#[derive(Debug, Clone)]
pub struct AssetsState {
    pub query: ListQuery,
    pub rows: RowStore,
    pub next_cursor: Option<String>,
    /// Number of all matches, where the server tells it.
    pub total: Option<u64>,
    pub loading: Option<Loading>,
    pub failure: Option<Failure>,
    pub loaded_at: Option<Timestamp>,
    /// The rows are a copy from this time; the server has not been read since.
    pub copied_at: Option<Timestamp>,

    /// Row numbers in the order shown.
    pub view: Vec<u32>,
    pub filter: Filter,
    /// The field of `/` while it has the keys.
    pub filter_field: Option<Input>,
    pub sort: (SortBy, bool),
    pub arranging: Option<(TaskId, Applied)>,
    /// What `view` was made from; `None` where it has to be made from all rows.
    pub applied: Option<Applied>,
    /// Rows, filter or sort changed since `view` was made.
    pub stale: bool,
    /// Deleted by us: taken out with the next arrangement.
    pub removed: HashSet<AssetKey>,

    /// Position in `view`, and of the first row on screen.
    pub cursor: usize,
    pub offset: usize,
    pub marks: BTreeSet<AssetKey>,
    pub marks_in_view: usize,
    pub range_from: Option<AssetKey>,

    pub details: Option<Details>,
    pub tab: DetailsTab,
    pub history: Option<History>,
    pub look: Option<LookView>,
    pub picture: Option<PictureView>,
    /// Details have the keys.
    pub in_details: bool,
    pub read: VecDeque<Read>,
    pub reading: Option<(TaskId, AssetKey, Moment)>,
    /// Where to put the cursor once the list is there.
    pub land_on: Option<AssetKey>,
}

impl Default for AssetsState {
    fn default() -> Self {
        Self {
            query: everything(ResourceType::Image),
            rows: RowStore::default(),
            next_cursor: None,
            total: None,
            loading: None,
            failure: None,
            loaded_at: None,
            copied_at: None,
            view: Vec::new(),
            filter: Filter::default(),
            filter_field: None,
            sort: (SortBy::Server, false),
            arranging: None,
            applied: None,
            stale: false,
            removed: HashSet::new(),
            cursor: 0,
            offset: 0,
            marks: BTreeSet::new(),
            marks_in_view: 0,
            range_from: None,
            details: None,
            tab: DetailsTab::default(),
            history: None,
            look: None,
            picture: None,
            in_details: false,
            read: VecDeque::new(),
            reading: None,
            land_on: None,
        }
    }
}

/// Every uploaded asset of one resource type.
#[must_use]
pub const fn everything(resource_type: ResourceType) -> ListQuery {
    ListQuery::Resources { resource_type, delivery_type: DeliveryType::Upload, prefix: None }
}

impl AssetsState {
    /// The asset at a position of the view.
    #[must_use]
    pub fn at(&self, position: usize) -> Option<Asset> {
        self.rows.get(self.row_at(position)?)
    }

    /// The row at a position of the view.
    #[must_use]
    pub fn row_at(&self, position: usize) -> Option<usize> {
        usize::try_from(*self.view.get(position)?).ok()
    }

    /// The identity of the asset at a position of the view.
    #[must_use]
    pub fn key_at(&self, position: usize) -> Option<AssetKey> {
        self.rows.key(self.row_at(position)?)
    }

    /// Where an asset is in the view.
    #[must_use]
    pub fn position_of(&self, key: &AssetKey) -> Option<usize> {
        let row = u32::try_from(self.rows.find(key)?).ok()?;
        self.view.iter().position(|shown| *shown == row)
    }

    /// The asset under the cursor of the list.
    #[must_use]
    pub fn current(&self) -> Option<Asset> {
        self.at(self.cursor)
    }

    /// The asset that commands are about: the one whose details have the keys, else the one under the cursor.
    #[must_use]
    pub fn subject(&self, env: &Env) -> Option<AssetKey> {
        match &self.details {
            Some(details) if self.details_have_keys(env) => Some(details.key.clone()),
            _ => self.key_at(self.cursor),
        }
    }

    /// Whether keys go to the details: always where they hide the list.
    #[must_use]
    pub fn details_have_keys(&self, env: &Env) -> bool {
        self.details.is_some() && (self.in_details || env.size.0 < layout::WIDE)
    }

    /// Details of an asset, if they were read.
    #[must_use]
    pub fn read_of(&self, key: &AssetKey) -> Option<&Read> {
        self.read.iter().find(|read| read.key == *key)
    }

    /// Keeps what was read, dropping the oldest.
    pub fn keep(&mut self, read: Read) {
        self.forget(&read.key);
        if self.read.len() == KEPT {
            self.read.pop_front();
        }
        self.read.push_back(read);
    }

    pub fn forget(&mut self, key: &AssetKey) {
        self.read.retain(|read| read.key != *key);
    }

    /// Marks that are not in the list as it is filtered.
    #[must_use]
    pub fn marks_out_of_view(&self) -> usize {
        self.marks.len() - self.marks_in_view.min(self.marks.len())
    }

    /// Positions from the beginning of a range to the cursor, both included.
    #[must_use]
    pub fn range(&self) -> Option<std::ops::RangeInclusive<usize>> {
        let position = self.position_of(self.range_from.as_ref()?)?;
        Some(position.min(self.cursor)..=position.max(self.cursor))
    }

    /// Types that typed prefixes and tags are taken within.
    #[must_use]
    pub const fn types(&self) -> (ResourceType, DeliveryType) {
        match &self.query {
            ListQuery::Resources { resource_type, delivery_type, .. } => {
                (*resource_type, *delivery_type)
            }
            ListQuery::Tag { resource_type, .. } => (*resource_type, DeliveryType::Upload),
            ListQuery::Folder { .. } | ListQuery::Search { .. } => {
                (ResourceType::Image, DeliveryType::Upload)
            }
        }
    }

    /// The order under the cursor of an asset's history, where that has the keys.
    #[must_use]
    pub fn history_row(&self, env: &Env) -> Option<&ActivityRow> {
        let details = self.details.as_ref().filter(|_| self.details_have_keys(env))?;
        let history = self.history.as_ref().filter(|_| self.tab == DetailsTab::History)?;
        let rows = history.rows.as_ref()?.as_ref().ok()?;
        rows.get(details.entry).filter(|_| history.key == details.key)
    }

    /// Whether a look is under way, or a picture on its way.
    #[must_use]
    pub fn is_looking(&self) -> bool {
        let loads = |picture: &PictureView| picture.found.is_none();
        self.look.as_ref().is_some_and(|look| look.result.is_none())
            || self.picture.as_ref().is_some_and(loads)
    }

    /// The prefix that is listed, if one is.
    #[must_use]
    pub fn prefix(&self) -> Option<&str> {
        match &self.query {
            ListQuery::Resources { prefix, .. } => prefix.as_deref(),
            _ => None,
        }
    }

    /// Whether the server has answered that nothing is under the prefix that is listed.
    #[must_use]
    pub fn is_empty_answer(&self) -> bool {
        let settled = self.loading.is_none() && self.failure.is_none() && self.loaded_at.is_some();
        settled && self.rows.is_empty() && self.prefix().is_some_and(|it| it.ends_with('/'))
    }

    /// The folder that is listed, as the tree of folders names it.
    #[must_use]
    pub fn folder(&self) -> Option<String> {
        match &self.query {
            ListQuery::Folder { folder } => Some(format!("{folder}/")),
            _ => self.prefix().map(str::to_owned),
        }
    }

    /// Whether the list is something other than everything of one type.
    #[must_use]
    pub fn is_narrowed(&self) -> bool {
        !matches!(&self.query, ListQuery::Resources { prefix: None, .. })
    }
}
