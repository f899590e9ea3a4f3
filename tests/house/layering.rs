//! Keeps the layers honest: reads the `use` lines and paths of every source file and compares the arrows between
//! layers with the map in `src/lib.rs`. A new arrow is seen here, and meant.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Which layers each layer may know.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("ports", &["domain"]),
    ("ops", &["domain", "ports"]),
    ("adapters", &["domain", "ports"]),
    ("local_cloud", &["domain", "ports"]),
    ("config", &["adapters", "domain", "ops"]), // what adapters are built from
    ("report", &["adapters", "config", "domain", "ops", "ports"]),
    ("app", &["domain", "ops", "ports", "report", "screens", "ui"]),
    ("screens", &["app", "domain", "ops", "ports", "report", "ui"]),
    ("ui", &["domain"]),
    ("simulation", &["adapters", "domain", "local_cloud", "ops", "ports"]), // tests only
    ("runtime", &["app", "domain", "ops", "ports", "report", "screens", "ui"]),
    ("untrusted", &["adapters", "config", "domain", "local_cloud", "ports", "ui"]), // tests and fuzz targets only
    (
        "cli",
        &[
            "adapters",
            "app",
            "config",
            "domain",
            "local_cloud",
            "ops",
            "ports",
            "report",
            "runtime",
            "screens", // the console line by line says plans in the screen's words
            "ui",
        ],
    ),
];

/// Words that must not appear in a layer: I/O in the domain, the terminal in use cases, and so on.
const FORBIDDEN: &[(&str, &[&str])] = &[
    (
        "domain",
        &[
            "tokio",
            "reqwest",
            "sqlx",
            "ratatui",
            "crossterm",
            "std::fs",
            "std::env",
            "SystemTime",
            "Instant::now",
            "Timestamp::now",
            "async fn",
        ],
    ),
    ("ports", &["reqwest", "sqlx", "ratatui", "crossterm", "axum", "Timestamp::now"]),
    (
        "ops",
        &[
            "reqwest",
            "sqlx",
            "ratatui",
            "crossterm",
            "axum",
            "Timestamp::now",
            "Instant::now",
            "crate::adapters",
        ],
    ),
    ("screens", &["reqwest", "sqlx", "tokio", "axum", "Timestamp::now", "Instant::now"]),
    ("app", &["reqwest", "sqlx", "axum", "Timestamp::now", "Instant::now"]),
    ("ui", &["reqwest", "sqlx", "axum", "Timestamp::now", "Instant::now"]),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            found.push(path);
        }
    }
}

/// Source text without tests, comments and strings of documentation: what ships.
fn shipped(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or(text);
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Whether a file or one of its folders below `src` holds tests.
fn is_test(path: &Path) -> bool {
    let below = path.components().skip_while(|part| part.as_os_str() != "src");
    below.into_iter().any(|part| part.as_os_str().to_string_lossy().contains("test"))
}

/// Every shipped source file with its layer (first folder or file under `src`).
fn files() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&root, &mut found);
    found
        .into_iter()
        .filter(|path| {
            !["lib.rs", "main.rs", "build.rs"].iter().any(|name| *path == root.join(name))
        })
        .filter(|path| !is_test(path))
        .map(|path| {
            let first =
                path.strip_prefix(&root).expect("below src").components().next().expect("a name");
            let layer = first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned();
            let text = shipped(&fs::read_to_string(&path).expect("a readable source file"));
            (layer, path, text)
        })
        .collect()
}

fn arrows() -> BTreeMap<String, BTreeSet<String>> {
    let mut arrows = BTreeMap::<String, BTreeSet<String>>::new();
    for (layer, _, text) in files() {
        let known = arrows.entry(layer.clone()).or_default();
        for (position, _) in text.match_indices("crate::") {
            let rest = &text[position + "crate::".len()..];
            let names = match rest.strip_prefix('{') {
                Some(group) => {
                    group.split(['}', ',']).map(str::trim).map(first_word).collect::<Vec<_>>()
                }
                None => vec![first_word(rest)],
            };
            known.extend(
                names
                    .into_iter()
                    .filter(|name| {
                        MAY_KNOW.iter().any(|(layer, _)| layer == name) && *name != layer
                    })
                    .map(str::to_owned),
            );
        }
    }
    arrows
}

fn first_word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

#[test]
fn every_arrow_between_layers_is_meant() {
    let mut unmeant = Vec::new();
    let arrows = arrows();
    for (layer, known) in &arrows {
        let Some((_, may)) = MAY_KNOW.iter().find(|(name, _)| name == layer) else {
            unmeant.push(format!("src/{layer} is no layer of the map"));
            continue;
        };
        unmeant.extend(
            known
                .iter()
                .filter(|other| !may.contains(&other.as_str()))
                .map(|other| format!("{layer} → {other}")),
        );
    }
    assert!(unmeant.is_empty(), "arrows that nobody meant: {unmeant:?}");
    assert!(
        arrows.len() >= 10 && arrows["ops"].contains("ports"),
        "the reader sees the layers: {arrows:?}"
    );
}

#[test]
fn no_layer_reaches_past_its_border() {
    let mut found = Vec::new();
    for (layer, path, text) in files() {
        let Some((_, words)) = FORBIDDEN.iter().find(|(name, _)| *name == layer) else { continue };
        found.extend(
            words
                .iter()
                .filter(|word| text.contains(*word))
                .map(|word| format!("{}: {word}", path.display())),
        );
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn only_the_clock_adapter_and_the_edges_of_the_program_ask_for_the_time() {
    // `config` runs the operator's secret command and does not wait for it forever
    let may = ["adapters", "cli", "config", "local_cloud", "runtime"];
    let found = files()
        .into_iter()
        .filter(|(layer, _, text)| {
            !may.contains(&layer.as_str())
                && ["Timestamp::now", "SystemTime::now", "Instant::now"]
                    .iter()
                    .any(|word| text.contains(word))
        })
        .map(|(_, path, _)| path)
        .collect::<Vec<_>>();
    assert!(found.is_empty(), "{found:?}");
}
