//! The list is read: its first page, the next one, all of it again, or a copy of it.

use super::super::rows::RowStore;
use super::super::state::{AssetsState, LoadKind, Loading};
use super::set_filter;
use crate::app::effect::{Effect, TaskId};
use crate::app::msg::Failure;
use crate::app::state::Env;
use crate::domain::asset::ResourceType;
use crate::domain::time::Moment;
use crate::ports::cloud::{ListQuery, Page};
use crate::ports::list_copy::ListCopy;
use crate::ui::text;

/// The next page is asked for when so few rows are left below the cursor.
const NEAR_THE_END: usize = 100;

/// From a folder to the one above it.
pub(super) fn to_parent(state: &mut AssetsState, env: &mut Env) -> Vec<Effect> {
    let listed = state.folder();
    let Some(folder) = listed.as_ref().and_then(|folder| folder.strip_suffix('/')) else {
        return vec![];
    };
    let prefix = folder.rfind('/').map(|at| folder[..=at].to_owned());
    let (resource_type, delivery_type) = state.types();
    list(state, env, ListQuery::Resources { resource_type, delivery_type, prefix })
}

/// Reads the first page of a question.
pub fn list(state: &mut AssetsState, env: &mut Env, query: ListQuery) -> Vec<Effect> {
    let task = env.task();
    state.loading = Some(Loading { task, kind: LoadKind::First, since: env.moment });
    state.failure = None;
    state.query = query.clone();
    vec![Effect::List { task, query, cursor: None }]
}

/// Reads everything again; what is shown stays until the answer is whole.
pub fn refresh(state: &mut AssetsState, env: &mut Env) -> Vec<Effect> {
    let (task, query) = (env.task(), state.query.clone());
    let kind = if state.rows.is_empty() {
        LoadKind::First
    } else {
        LoadKind::Refresh { wanted: state.rows.len(), gathered: RowStore::default() }
    };
    state.loading = Some(Loading { task, kind, since: env.moment });
    state.failure = None;
    vec![Effect::List { task, query, cursor: None }]
}

/// Longer copies are not read again unasked: that would cost the quota of many calls.
const REFRESHED_UNASKED: usize = 5_000;

/// Shows the beginning of a copy from an earlier time.
pub fn take_copy(state: &mut AssetsState, copy: ListCopy) {
    clear(state);
    (state.rows, state.copied_at) = (copy.rows, Some(copy.at));
}

/// What to ask for where a copy of `count` rows is shown: the rest of it, and the server.
pub fn after_copy(state: &mut AssetsState, env: &mut Env, count: usize) -> Vec<Effect> {
    let (task, query) = (env.task(), state.query.clone());
    let kind = if count <= REFRESHED_UNASKED {
        LoadKind::Refresh { wanted: count, gathered: RowStore::default() }
    } else {
        LoadKind::Check
    };
    state.loading = Some(Loading { task, kind, since: env.moment });
    let rest = (count > state.rows.len()).then(|| Effect::ReadCopy { query: query.clone() });
    rest.into_iter().chain([Effect::List { task, query, cursor: None }]).collect()
}

/// The whole of a copy has been read; it is shown where its beginning is.
pub fn copied(state: &mut AssetsState, query: &ListQuery, copy: ListCopy) {
    if state.copied_at == Some(copy.at) && state.query == *query {
        state.land_on = state.land_on.take().or_else(|| state.key_at(state.cursor));
        (state.rows, state.applied, state.arranging) = (copy.rows, None, None);
        state.stale = true;
    }
}

/// The first page of what the server has now, beside a long copy: it is the whole list, or says whether that changed.
fn checked(state: &mut AssetsState, env: &mut Env, page: &Page) {
    if page.next_cursor.is_none() {
        state.land_on = state.land_on.take().or_else(|| state.key_at(state.cursor));
        state.rows = RowStore::default();
        state.rows.push_page(&page.assets);
        (state.applied, state.arranging) = (None, None);
        (state.copied_at, state.stale) = (None, true);
        state.loaded_at = Some(env.now);
        return;
    }
    let same = page.assets.iter().enumerate().all(|(row, asset)| {
        state.rows.get(row).is_none_or(|shown| {
            (&shown.key, shown.version, shown.bytes) == (&asset.key, asset.version, asset.bytes)
        })
    });
    if !same {
        env.say("the list has changed since this copy of it; refreshing reads it again");
    }
}

/// The list as it is to be kept: read from the server, and not less of it than is kept already.
#[must_use]
pub fn to_keep(state: &AssetsState) -> Option<(ListQuery, ListCopy)> {
    let at = state.loaded_at.filter(|_| state.copied_at.is_none() && !state.is_narrowed())?;
    let (rows, is_whole) = (state.rows.clone(), state.next_cursor.is_none());
    let count = rows.len();
    Some((state.query.clone(), ListCopy { rows, at, count, is_whole }))
}

pub(super) fn more(state: &mut AssetsState, env: &mut Env, asked: bool) -> Vec<Effect> {
    if asked && state.copied_at.is_some() && state.loading.is_none() {
        return refresh(state, env);
    }
    let Some(cursor) = state.next_cursor.clone() else {
        if asked && state.loading.is_none() {
            env.say("everything is loaded");
        }
        return vec![];
    };
    if state.loading.is_some() {
        return vec![];
    }
    let task = env.task();
    state.loading = Some(Loading { task, kind: LoadKind::More, since: env.moment });
    vec![Effect::List { task, query: state.query.clone(), cursor: Some(cursor) }]
}

/// Longest list that is read by one command; as long as the longest that is kept.
const LONGEST: usize = 2_000_000;
/// Of the calls that the quota allows so many parts are left for orders.
const LEFT_FOR_ORDERS: u32 = 10;

/// Reads every page that is left.
pub(super) fn all(state: &mut AssetsState, env: &mut Env) -> Vec<Effect> {
    let effects = more(state, env, true);
    if let Some(Loading { kind, .. }) = &mut state.loading {
        match kind {
            LoadKind::More => *kind = LoadKind::All,
            LoadKind::Refresh { wanted, .. } => *wanted = LONGEST,
            LoadKind::First | LoadKind::All | LoadKind::Check => {}
        }
    }
    effects
}

/// Why no further page is asked for unasked, where `rows` have come.
fn enough(env: &Env, rows: usize) -> Option<String> {
    if rows >= LONGEST {
        return Some(format!("stopped at {} rows; `more` goes on", text::len(rows)));
    }
    let quota = env.quota.filter(|quota| quota.remaining <= quota.limit / LEFT_FOR_ORDERS)?;
    let (rows, calls) = (text::len(rows), text::count(u64::from(quota.remaining)));
    Some(format!("stopped at {rows} rows: {calls} calls of the quota are left; `more` goes on"))
}

/// The next page comes by itself as the cursor nears the end, unless a filter hides most rows or the last try failed.
pub(super) fn near_the_end(state: &mut AssetsState, env: &mut Env) -> Vec<Effect> {
    let left = state.view.len().saturating_sub(state.cursor);
    if left <= NEAR_THE_END && state.filter.is_empty() && state.failure.is_none() {
        more(state, env, false)
    } else {
        vec![]
    }
}

/// No public ID begins with the name of a folder that the server has: what is filed there has other names.
pub fn filed_instead(state: &mut AssetsState, env: &mut Env) -> Vec<Effect> {
    let Some(folder) = state.folder().filter(|_| state.is_empty_answer()) else { return vec![] };
    let folder = folder.trim_end_matches('/').to_owned();
    env.say(format!(
        "no public ID begins with {0}/: this is what is filed in {0}",
        text::shown(&folder)
    ));
    list(state, env, ListQuery::Folder { folder })
}

/// A page came, or did not.
pub fn listed(
    state: &mut AssetsState,
    env: &mut Env,
    task: TaskId,
    result: Result<Page, Failure>,
) -> Vec<Effect> {
    let Some(loading) = state.loading.take_if(|loading| loading.task == task) else {
        return vec![]; // an elder question
    };
    let page = match result {
        Ok(page) => page,
        Err(failure) => {
            if matches!(loading.kind, LoadKind::First) {
                clear(state);
            }
            state.land_on = None;
            state.failure = Some(failure);
            return vec![];
        }
    };
    state.failure = None;
    let next = page.next_cursor;
    let mut effects = Vec::new();
    match loading.kind {
        LoadKind::First => {
            clear(state);
            state.rows.push_page(&page.assets);
        }
        LoadKind::More => state.rows.push_page(&page.assets),
        LoadKind::All => {
            state.rows.push_page(&page.assets);
            if let Some(cursor) = next.clone() {
                match enough(env, state.rows.len()) {
                    Some(why) => env.say(why),
                    None => effects.push(ask(state, env, loading.since, LoadKind::All, cursor)),
                }
            }
        }
        LoadKind::Refresh { wanted, mut gathered } => {
            gathered.push_page(&page.assets);
            if let (Some(cursor), true) = (next.clone(), gathered.len() < wanted) {
                let long = wanted > REFRESHED_UNASKED;
                match long.then(|| enough(env, gathered.len())).flatten() {
                    None => {
                        let kind = LoadKind::Refresh { wanted, gathered };
                        return vec![ask(state, env, loading.since, kind, cursor)];
                    }
                    Some(why) => env.say(why),
                }
                if gathered.len() < state.rows.len() {
                    return vec![]; // what is shown is more
                }
            }
            let key = state.key_at(state.cursor);
            state.land_on = state.land_on.take().or(key);
            state.rows = gathered;
            (state.applied, state.arranging, state.copied_at) = (None, None, None);
        }
        LoadKind::Check => {
            checked(
                state,
                env,
                &Page { assets: page.assets, next_cursor: next, total: page.total },
            );
            return vec![];
        }
    }
    state.next_cursor = next;
    state.total = page.total;
    state.loaded_at = Some(env.now);
    state.stale = true;
    effects
}

/// Asks for one page more of what is being read.
fn ask(
    state: &mut AssetsState,
    env: &mut Env,
    since: Moment,
    kind: LoadKind,
    cursor: String,
) -> Effect {
    let (task, query) = (env.task(), state.query.clone());
    state.loading = Some(Loading { task, kind, since });
    Effect::List { task, query, cursor: Some(cursor) }
}

fn clear(state: &mut AssetsState) {
    state.rows = RowStore::default();
    (state.view, state.applied, state.arranging) = (Vec::new(), None, None);
    (state.cursor, state.offset, state.marks_in_view) = (0, 0, 0);
    (state.next_cursor, state.total) = (None, None);
    (state.range_from, state.copied_at) = (None, None);
    state.stale = true;
}

/// Enter in the filter: kept, and asked on the server where it has more than is loaded.
pub(super) fn accept_filter(state: &mut AssetsState, env: &mut Env) -> Vec<Effect> {
    state.filter_field = None;
    let Some(needle) = state.filter.needle() else { return vec![] };
    if state.next_cursor.is_none() {
        return vec![];
    }
    let is_prefix = needle.contains('/') || begins_a_name(state, &needle);
    set_filter(state, "");
    let (resource_type, delivery_type) = state.types();
    if !needle.contains([':', '=', '>', '<', '"']) && is_prefix {
        env.say(format!("asking the server for public IDs that begin with {needle}"));
        let prefix = Some(needle);
        return list(state, env, ListQuery::Resources { resource_type, delivery_type, prefix });
    }
    let expression = expression_of(&needle, resource_type);
    env.say(format!("searching the server for {expression}; its index lags by seconds"));
    list(state, env, ListQuery::Search { expression })
}

/// Whether a name that is loaded begins with `needle`: then a listing finds the others, and is current.
fn begins_a_name(state: &AssetsState, needle: &str) -> bool {
    state.rows.names().any(|name| name.starts_with(needle))
}

/// A search expression as typed; plain words as the beginnings of words in names.
fn expression_of(needle: &str, resource_type: ResourceType) -> String {
    if needle.contains([':', '=', '>', '<', '"']) {
        return needle.to_owned();
    }
    let words: Vec<String> = needle
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| format!("{word}*"))
        // alone where there are no words
        .chain([format!("resource_type:{resource_type}")])
        .collect();
    words.join(" AND ")
}
