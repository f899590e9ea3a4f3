//! The README says what the program does: its key table and its commands come from the same tables.

use clap::CommandFactory;

const README: &str = include_str!("../../README.md");

fn between<'t>(text: &'t str, begin: &str, end: &str) -> &'t str {
    let from = text.find(begin).expect("a mark in the README") + begin.len();
    let to = text[from..].find(end).expect("its end") + from;
    text[from..to].trim()
}

#[test]
fn the_key_table_is_the_programs_own() {
    let printed = between(README, "<!-- keys:begin -->", "<!-- keys:end -->");
    let own = allclear::app::keymap::key_table_markdown();
    if std::env::var_os("ALLCLEAR_WRITE_DOCS").is_some() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
        let now = std::fs::read_to_string(file).expect("the README");
        let printed = between(&now, "<!-- keys:begin -->", "<!-- keys:end -->");
        std::fs::write(file, now.replace(printed, own.trim())).expect("the README");
        return;
    }
    assert!(own.lines().count() > 20, "a table worth printing:\n{own}");
    assert_eq!(printed, own.trim(), "put this between the marks of the README:\n{own}");
}

#[test]
fn the_cheat_sheet_is_the_programs_own_and_fits_on_a_page() {
    let written = include_str!("../../docs/cheat-sheet.md");
    let own = allclear::app::keymap::cheat_sheet_markdown();
    if std::env::var_os("ALLCLEAR_WRITE_DOCS").is_some() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cheat-sheet.md");
        return std::fs::write(file, own).expect("the cheat sheet");
    }
    assert_eq!(written, own, "docs/shoot writes docs/cheat-sheet.md again");
    assert!(own.len() < 9_000, "{} bytes are no page", own.len());
}

#[test]
fn every_command_is_named() {
    let command = allclear::cli::args::Args::command();
    let missing = command
        .get_subcommands()
        .map(clap::Command::get_name)
        .filter(|name| {
            !README.contains(&format!("allclear {name}")) && !README.contains(&format!("| {name}"))
        })
        .collect::<Vec<_>>();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Names of the fields that `source` writes in `function`.
fn fields<'t>(source: &'t str, function: &str) -> Vec<&'t str> {
    let from = source.find(function).unwrap_or_else(|| panic!("no `{function}`"));
    let body = source[from..].split("\n}").next().unwrap_or_default();
    let line = |line: &'t str| line.trim_start().strip_prefix('"')?.split_once("\":");
    body.lines().filter_map(line).map(|(name, _)| name).collect()
}

#[test]
fn every_field_of_a_watch_is_documented() {
    const TOLD: &str = include_str!("../../docs/watch-json.md");
    const SOURCE: &str = include_str!("../../src/cli/json.rs");
    const FASTLY: &str = include_str!("../../src/cli/fastly.rs");
    let functions = ["pub fn progress(", "pub fn probes(", "pub fn tracked(", "impl Outcome<'_>"];
    let all = functions.iter().chain(&["pub fn not_clear(", "pub fn quota("]);
    let own = all.map(|function| (SOURCE, *function)).chain([(FASTLY, "pub fn json(")]);
    for (source, function) in own {
        let found = fields(source, function);
        assert!(found.len() >= 3, "{function} {found:?}");
        for field in found {
            assert!(TOLD.contains(&format!("`{field}`")), "docs/watch-json.md lacks `{field}`");
        }
    }
}
