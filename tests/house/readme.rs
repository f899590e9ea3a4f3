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
    assert!(own.lines().count() > 20, "a table worth printing:\n{own}");
    assert_eq!(printed, own.trim(), "put this between the marks of the README:\n{own}");
}

#[test]
fn the_cheat_sheet_is_the_programs_own_and_fits_on_a_page() {
    let written = include_str!("../../docs/cheat-sheet.md");
    let own = allclear::app::keymap::cheat_sheet_markdown();
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
