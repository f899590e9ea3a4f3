//! `allclear themes list`.

use serde_json::json;

use super::args::{Globals, Themes, ThemesAction};
use super::connect;
use super::exit::Exit;
use super::failure::Failure;
use super::output::{Output, Side, Table};
use crate::config::{Env, Paths, names, nearest};
use crate::domain::text::clean;
use crate::ui::theme_file;

/// Lists the themes of the program and of the operator.
///
/// # Errors
/// Only that nobody reads the output.
pub fn run(globals: &Globals, env: &Env, output: &Output, args: &Themes) -> Result<Exit, Failure> {
    let ThemesAction::List = args.action;
    let built_in = theme_file::Themes::built_in().names().count();
    let (themes, warnings) = all(globals, env);
    for warning in warnings {
        output.warn(&format!("warning: {}", clean(&warning)));
    }
    let from = |at: usize| if at < built_in { "built in" } else { "yours" };
    let listed: Vec<(usize, String)> = themes.names().map(ToOwned::to_owned).enumerate().collect();
    if output.style.json {
        let list: Vec<_> = listed
            .iter()
            .map(|(at, name)| {
                json!({ "name": clean(name), "about": clean(themes.about(name)), "built_in": *at < built_in })
            })
            .collect();
        output.json(json!({ "themes": list }))?;
        return Ok(Exit::Done);
    }
    let mut table =
        Table::new(&[("THEME", Side::Left), ("FROM", Side::Left), ("ABOUT", Side::Left)], true);
    for (at, name) in &listed {
        table.row([name.as_str(), from(*at), themes.about(name)]);
    }
    output.table(&table)?;
    Ok(Exit::Done)
}

/// Every theme, and what is wrong with the operator's own.
pub fn all(globals: &Globals, env: &Env) -> (theme_file::Themes, Vec<String>) {
    let mut themes = theme_file::Themes::built_in();
    let paths = Paths::find(&connect::flags(globals), env);
    let warnings = paths.map(|paths| own(&mut themes, &paths)).unwrap_or_default();
    (themes, warnings)
}

/// Refuses a `--theme` that is not there.
///
/// # Errors
/// Its name, the nearest one and all there are.
pub fn refuse_unknown(globals: &Globals, env: &Env) -> Result<(), Failure> {
    let Some(wanted) = &globals.theme else { return Ok(()) };
    let (themes, _) = all(globals, env);
    if themes.names().any(|name| name == wanted) {
        return Ok(());
    }
    let near = nearest(wanted, themes.names());
    Err(Failure::usage(
        format!("there is no theme `{}`", clean(wanted)),
        names(near.as_deref(), themes.names()),
    ))
}

/// Adds the operator's own; the answer says what is wrong with them.
fn own(themes: &mut theme_file::Themes, paths: &Paths) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(paths.themes()) else { return Vec::new() };
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let mut warnings = Vec::new();
    for path in files {
        let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
        match std::fs::read_to_string(&path) {
            Ok(text) => warnings.extend(themes.add(name, &text)),
            Err(cause) => warnings.push(format!("theme {name}: {cause}")),
        }
    }
    warnings
}
