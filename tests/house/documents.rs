//! Documents that are made of the program's own tables say what these say. `ALLCLEAR_WRITE_DOCS=1` writes them.

use std::collections::BTreeSet;
use std::path::Path;

/// Whether `docs/NAME` is what the program makes of its table.
fn is_own(name: &str, own: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    if std::env::var_os("ALLCLEAR_WRITE_DOCS").is_some() {
        std::fs::write(&path, own).expect("a document");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == own,
        "docs/{name} is older than its table: `ALLCLEAR_WRITE_DOCS=1 cargo test --test suite house::` or docs/shoot \
         write it again"
    );
}

#[test]
fn every_key_of_the_configuration_is_documented() {
    is_own("config.md", &allclear::config::reference::markdown());
    let schema = serde_json::to_string_pretty(&allclear::config::reference::schema());
    is_own("config.schema.json", &format!("{}\n", schema.expect("JSON")));
}

#[test]
fn every_kind_of_error_has_a_heading() {
    is_own("errors.md", &allclear::report::kinds_markdown());
    let known: BTreeSet<&str> = allclear::report::KINDS.iter().map(|kind| kind.code).collect();
    let report = include_str!("../../src/report.rs");
    let failure = include_str!("../../src/cli/failure.rs");
    let before_tests =
        |text: &'static str| text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text);
    let mut said = BTreeSet::new();
    for source in [before_tests(report), failure] {
        for call in ["as_said(", "Self::new(", "Report::new(", "=> \"", "=> {\n                \""]
        {
            for after in source.split(call).skip(1) {
                let after = if call.contains('"') { after } else { after.trim_start() };
                let word =
                    after.strip_prefix('"').unwrap_or(if call.contains('"') { after } else { "" });
                let word = word.split('"').next().unwrap_or_default();
                let is_code =
                    |word: &str| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
                if !word.is_empty() && is_code(word) {
                    said.insert(word);
                }
            }
        }
    }
    assert!(said.len() > 30, "{said:?}");
    assert_eq!(said, known, "src/report/kinds.rs has one row a code");
}
