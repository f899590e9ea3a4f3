//! Folders: those of the server, as far as they were asked for, and those that loaded names are in.

use std::collections::{BTreeMap, BTreeSet};

use super::Choice;
use crate::app::effect::Effect;
use crate::app::state::App;
use crate::ui::text;

/// Most assets that are looked through for folders.
const LOOKED_AT: usize = 200_000;

/// What the server was asked, by folder as choices name it: with a slash at its end, the root empty.
#[derive(Debug, Clone, Default)]
pub struct ServerFolders(BTreeMap<String, Asked>);

#[derive(Debug, Clone)]
enum Asked {
    Reading,
    Known(Vec<String>),
}

impl ServerFolders {
    /// Asks for what is in a folder, unless that is known or has been asked.
    pub fn ask(&mut self, folder: &str) -> Option<Effect> {
        if self.0.contains_key(folder) {
            return None;
        }
        self.0.insert(folder.to_owned(), Asked::Reading);
        Some(Effect::Folders { path: folder.trim_end_matches('/').to_owned() })
    }

    /// The answer came; what could not be read is asked again the next time.
    pub fn take<E>(&mut self, path: &str, result: Result<Vec<String>, E>) -> Result<(), E> {
        let folder = named(path);
        match result {
            Ok(paths) => {
                self.0.insert(folder, Asked::Known(paths.iter().map(|path| named(path)).collect()));
                Ok(())
            }
            Err(why) => {
                self.0.remove(&folder);
                Err(why)
            }
        }
    }

    /// Everything is asked anew.
    pub fn forget(&mut self) {
        self.0.clear();
    }

    /// Whether the server has named this folder.
    #[must_use]
    pub fn has(&self, folder: &str) -> bool {
        self.names().any(|known| known == folder)
    }

    /// Whether an answer is on its way.
    #[must_use]
    pub fn is_reading(&self) -> bool {
        self.0.values().any(|asked| matches!(asked, Asked::Reading))
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let known = self.0.values().filter_map(|asked| match asked {
            Asked::Known(names) => Some(names),
            Asked::Reading => None,
        });
        known.flatten().map(String::as_str)
    }
}

/// As choices name it.
fn named(path: &str) -> String {
    let path = path.trim_matches('/');
    if path.is_empty() { String::new() } else { format!("{path}/") }
}

/// Every folder, each right behind the one that it is in, with how many loaded names are below it; and those whose
/// content the server was not asked for.
pub(super) fn choices(app: &App) -> (Vec<Choice>, BTreeSet<String>) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in app.assets.rows.names().take(LOOKED_AT) {
        for (at, _) in name.match_indices('/') {
            *counts.entry(name[..=at].to_owned()).or_default() += 1;
        }
    }
    let unread =
        app.folders.names().filter(|name| !app.folders.0.contains_key(*name)).map(str::to_owned);
    let unread = unread.collect();
    for name in app.folders.names() {
        counts.entry(name.to_owned()).or_default();
    }
    let more = if app.assets.next_cursor.is_some() { " or more" } else { "" };
    let about = |count| match count {
        0 => "on the server".to_owned(),
        count => format!("{}{more}", text::plural(count, "asset")),
    };
    let all = Choice { name: String::new(), about: "everything".to_owned() };
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|(one, _), (other, _)| one.split('/').cmp(other.split('/')));
    let listed = counts.into_iter().map(|(name, count)| Choice { about: about(count), name });
    (std::iter::once(all).chain(listed).collect(), unread)
}
