//! Where the operator was on a profile, for when they come back to it: screen, list, filter, sorting, cursor. Marks are
//! not kept: what is marked on one cloud means nothing after a look at another.
//!
//! Of these, how things are arranged outlives the program as well: sorting, the filters of the lists that the journal
//! fills, parts shown. Where the cursor was, and what was looked for among the assets, is of the day.

use serde_json::{Value, json};

use super::action::{Screen, SortBy};
use super::state::App;
use crate::domain::asset::AssetKey;
use crate::domain::id::{InvalidationId, OperationId};
use crate::domain::secrets;
use crate::ports::cloud::ListQuery;
use crate::screens::arrangement::Arrangement;
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
    activity: Option<OperationId>,
    /// Filter and sorting of Pending, Jobs and Activity.
    lists: [(String, (SortBy, bool)); 3],
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
            activity: self.activity.at,
            lists: [&self.pending.list, &self.job_list.list, &self.activity.list]
                .map(|list| (list.filter.text().to_owned(), list.sort)),
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
        self.activity.at = view.activity;
        let lists = [&mut self.pending.list, &mut self.job_list.list, &mut self.activity.list];
        for (list, (filter, sort)) in lists.into_iter().zip(view.lists) {
            (list.filter, list.sort) = (Filter::new(&filter), sort);
        }
    }
}

impl App {
    /// How things are arranged, for the next start.
    #[must_use]
    pub fn arranged(&self) -> Value {
        let list = |list: &Arrangement| {
            let filter = secrets::masked_words(list.filter.text());
            json!({"sort": list.sort.0.as_str(), "reversed": list.sort.1, "filter": filter})
        };
        json!({
            "assets": {
                "sort": self.assets.sort.0.as_str(),
                "reversed": self.assets.sort.1,
                "tab": self.assets.tab.title(),
            },
            "pending": list(&self.pending.list),
            "pending_shows": self.pending.show.as_str(),
            "jobs": list(&self.job_list.list),
            "activity": list(&self.activity.list),
            "watch_tab": self.watch.tab.title(),
        })
    }

    /// Arranges things as [`Self::arranged`] said; a word that is not known changes nothing.
    pub fn arrange_as(&mut self, kept: &Value) {
        let sort = |of: &Value, screen| {
            let by = SortBy::of(screen).iter().find(|by| of["sort"] == by.as_str())?;
            Some((*by, of["reversed"] == true))
        };
        self.assets.sort = sort(&kept["assets"], Screen::Assets).unwrap_or(self.assets.sort);
        if let Some(tab) =
            DetailsTab::ALL.into_iter().find(|tab| kept["assets"]["tab"] == tab.title())
        {
            self.assets.tab = tab;
        }
        if let Some(tab) = Tab::ALL.into_iter().find(|tab| kept["watch_tab"] == tab.title()) {
            self.watch.tab = tab;
        }
        if let Some(show) =
            Show::ALL.into_iter().find(|show| kept["pending_shows"] == show.as_str())
        {
            self.pending.show = show;
        }
        let lists = [
            (&mut self.pending.list, "pending", Screen::Pending),
            (&mut self.job_list.list, "jobs", Screen::Jobs),
            (&mut self.activity.list, "activity", Screen::Activity),
        ];
        for (list, name, screen) in lists {
            list.sort = sort(&kept[name], screen).unwrap_or(list.sort);
            list.set_filter(kept[name]["filter"].as_str().unwrap_or(""));
        }
    }
}
