//! Where the operator was on a profile, for when they come back to it: screen, list, filter, sorting, cursor. Marks are
//! not kept: what is marked on one cloud means nothing after a look at another.

use super::action::{Screen, SortBy};
use super::state::App;
use crate::domain::asset::AssetKey;
use crate::domain::id::{InvalidationId, OperationId};
use crate::ports::cloud::ListQuery;
use crate::screens::assets::DetailsTab;
use crate::screens::assets::rows::Filter;
use crate::screens::pending::Show;
use crate::screens::watch::Tab;

/// The last view of one profile.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptView {
    screen: Screen,
    query: ListQuery,
    filter: String,
    sort: (SortBy, bool),
    cursor: Option<AssetKey>,
    details: DetailsTab,
    pending: (Option<InvalidationId>, Show),
    watch: (Option<InvalidationId>, Tab),
    job: Option<OperationId>,
    activity: (Option<OperationId>, String),
    /// Theme and mouse are the operator's, not the profile's: they go along to the next one.
    theme: String,
    mouse: bool,
}

impl KeptView {
    /// Theme and whether the mouse is taken, for the console of another profile.
    #[must_use]
    pub fn manners(&self) -> (&str, bool) {
        (&self.theme, self.mouse)
    }
}

impl App {
    /// What is to be kept of what is shown.
    #[must_use]
    pub fn view(&self) -> KeptView {
        let assets = &self.assets;
        KeptView {
            screen: self.screen,
            query: assets.query.clone(),
            filter: assets.filter.text().to_owned(),
            sort: assets.sort,
            cursor: assets.key_at(assets.cursor),
            details: assets.tab,
            pending: (self.pending.at, self.pending.show),
            watch: (self.watch.id, self.watch.tab),
            job: self.job_list.at,
            activity: (self.activity.at, self.activity.filter.text().to_owned()),
            theme: self.theme_name().to_owned(),
            mouse: self.mouse,
        }
    }

    /// Goes where the operator was; before [`App::start`], which reads what is shown then.
    pub fn come_back(&mut self, view: KeptView) {
        self.screen = view.screen;
        if view.query != self.assets.query {
            self.assets.query = view.query;
        }
        self.assets.filter = Filter::new(&view.filter);
        (self.assets.sort, self.assets.tab) = (view.sort, view.details);
        self.assets.land_on = view.cursor;
        (self.pending.at, self.pending.show) = view.pending;
        (self.watch.id, self.watch.tab) = view.watch;
        self.job_list.at = view.job;
        self.activity.at = view.activity.0;
        self.activity.filter = Filter::new(&view.activity.1);
    }
}
