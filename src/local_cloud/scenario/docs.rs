//! `docs/scenarios.md` and the schema say what the code does: they are made of the same tables.
//!
//! `ALLCLEAR_WRITE_DOCS=1 cargo test --lib scenario::docs` writes them anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::keys::{Key, Takes};
use super::*;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

/// Compares a file with what it should be, or writes it.
fn is_as_it_should_be(name: &str, expected: &str) {
    if std::env::var_os("ALLCLEAR_WRITE_DOCS").is_some() {
        std::fs::write(file(name), expected).unwrap();
    }
    let written = std::fs::read_to_string(file(name)).unwrap();
    assert!(
        written == expected,
        "docs/{name} is not what the code says; it should be:\n{expected}"
    );
}

fn form(takes: Takes) -> String {
    match takes {
        Takes::Text => "text".to_owned(),
        Takes::Integer(from, i64::MAX) => format!("whole number from {from} on"),
        Takes::Integer(from, to) if to >= i64::from(u32::MAX) => {
            format!("whole number from {from} on")
        }
        Takes::Integer(from, to) => format!("whole number, {from} to {to}"),
        Takes::Number(from, to) => format!("number, {from} to {to}"),
        Takes::Switch => "`true` or `false`".to_owned(),
        Takes::Duration => "duration: `\"20s\"`, `\"1m30s\"`".to_owned(),
        Takes::SignedDuration => "duration: `\"5m\"`, `\"-5m\"`".to_owned(),
        Takes::Begin => "`\"5s\"`, `\"start\"`, `\"start+5s\"`".to_owned(),
        Takes::Range => "range: `\"2s..20s\"`, or one duration".to_owned(),
        Takes::Words(words) => {
            let quoted: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
            quoted.join(", ")
        }
        Takes::Code => "code: `\"SIN\"`".to_owned(),
        Takes::Codes => "`\"SIN\"`, `[\"SIN\", \"FRA\"]` or `\"*\"`".to_owned(),
        Takes::Shields => {
            format!("0 to {}, or codes: `[\"IAD\", \"FRA\"]`", pops::SHIELDS.len())
        }
        Takes::Tables => "tables".to_owned(),
        Takes::Table => "table".to_owned(),
    }
}

fn key_table(keys: &[Key]) -> String {
    let mut text = "| key | takes | |\n|---|---|---|\n".to_owned();
    for key in keys {
        writeln!(text, "| `{}` | {} | {} |", key.name, form(key.takes), key.about).unwrap();
    }
    text
}

fn kind_table() -> String {
    let mut text = "| kind | at | with | what happens |\n|---|---|---|---|\n".to_owned();
    for spec in KINDS {
        let words = |words: Vec<&str>| {
            let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            quoted.join(", ")
        };
        let sites = words(spec.sites.iter().map(|site| site.word()).collect());
        let keys = words(spec.keys.to_vec());
        writeln!(text, "| `{}` | {sites} | {keys} | {} |", spec.word, spec.about).unwrap();
    }
    text
}

fn ready_table() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut text = "| file in `tests/scenarios` | what happens |\n|---|---|\n".to_owned();
    for file in files {
        let scenario = Scenario::load(&file).unwrap();
        let name = file.file_name().unwrap().display();
        let title = scenario.title.unwrap_or_default();
        writeln!(text, "| [{name}](../tests/scenarios/{name}) | {title} |").unwrap();
    }
    text
}

/// Puts `table` in place of what follows the mark, up to the next empty line after a table.
fn with(text: &str, mark: &str, table: &str) -> String {
    let mark = format!("<!-- {mark} -->\n");
    let from = text.find(&mark).unwrap_or_else(|| panic!("no {mark}")) + mark.len();
    let rest = text[from..].trim_start_matches('\n');
    let rest = if rest.starts_with('|') {
        rest.split_once("\n\n").map_or("", |(_, rest)| rest)
    } else {
        rest
    };
    let mut made = format!("{}\n{table}", &text[..from]);
    if !rest.is_empty() {
        made.push('\n');
        made.push_str(rest);
    }
    made
}

#[test]
fn the_documentation_has_every_key_kind_and_ready_scenario() {
    let mut text = std::fs::read_to_string(file("scenarios.md")).unwrap();
    let tables = [
        ("top", key_table(TOP)),
        ("edge", key_table(EDGE)),
        ("fault", key_table(FAULT)),
        ("kinds", kind_table()),
        ("expect", key_table(EXPECT)),
        ("ready", ready_table()),
    ];
    for (mark, table) in tables {
        text = with(&text, mark, &table);
    }
    is_as_it_should_be("scenarios.md", &text);
}

#[test]
fn the_schema_is_made_of_the_same_tables() {
    let schema = schema();
    is_as_it_should_be(
        "scenario.schema.json",
        &(serde_json::to_string_pretty(&schema).unwrap() + "\n"),
    );
    for (keys, at) in [
        (TOP, "/properties"),
        (FAULT, "/properties/fault/items/properties"),
        (EDGE, "/properties/edge/additionalProperties/properties"),
        (EXPECT, "/properties/expect/properties"),
    ] {
        let known = schema.pointer(at).and_then(|found| found.as_object()).unwrap();
        assert_eq!(known.len(), keys.len(), "{at}");
        for key in keys {
            assert!(known.contains_key(key.name), "{at}/{}", key.name);
        }
    }
}

#[test]
fn every_example_can_be_read() {
    let text = std::fs::read_to_string(file("scenarios.md")).unwrap();
    let examples: Vec<&str> = text
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default())
        .collect();
    assert!(!examples.is_empty());
    for example in examples {
        Scenario::parse(example, "docs/scenarios.md")
            .unwrap_or_else(|error| panic!("{error}\n{example}"));
    }
}

#[test]
fn keys_of_kinds_are_keys_of_faults() {
    for spec in KINDS {
        for key in spec.keys {
            assert!(OF_KINDS.contains(key), "{key} of {}", spec.word);
        }
    }
    for key in OF_KINDS {
        assert!(keys::find(FAULT, key).is_some(), "{key}");
        assert!(KINDS.iter().any(|spec| spec.keys.contains(key)), "nobody takes {key}");
    }
}
