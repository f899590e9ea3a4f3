//! What is shipped: the package holds what it is built from and nothing for tests alone, every link of the README
//! leads somewhere in it, and the notices name everything that is linked.

use std::collections::BTreeSet;
use std::process::Command;

const README: &str = include_str!("../../README.md");
const NOTICES: &str = include_str!("../../THIRD-PARTY-NOTICES.txt");

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn the_package_holds_what_it_needs_and_no_tests() {
    let list = cargo(&["package", "--list", "--allow-dirty", "--offline"]);
    let files: BTreeSet<&str> = list.lines().collect();
    for wanted in [
        "Cargo.lock",
        "Cargo.toml",
        "src/build.rs",
        "src/main.rs",
        "src/config/example.toml",
        "src/adapters/journal/migrations/0001_journal.sql",
        "themes/default.toml",
        "README.md",
        "CHANGELOG.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "THIRD_PARTY.md",
        "THIRD-PARTY-NOTICES.txt",
    ] {
        assert!(files.contains(wanted), "{wanted} is missing in\n{list}");
    }
    let unwanted: Vec<&&str> = files
        .iter()
        .filter(|file| {
            let first = file.split('/').next().unwrap_or_default();
            ["tests", "benches", "fuzz", ".ci", "proptest-regressions", "target"].contains(&first)
                || ["/snapshots/", "/testdata/", "/tests/"].iter().any(|part| file.contains(part))
                || file.contains(".snap")
        })
        .collect();
    assert!(unwanted.is_empty(), "for tests alone: {unwanted:?}");
}

#[test]
fn every_link_of_the_readme_leads_somewhere_in_the_package() {
    let list = cargo(&["package", "--list", "--allow-dirty", "--offline"]);
    let files: BTreeSet<&str> = list.lines().collect();
    let mut seen = 0;
    for link in README.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        let path = link.split('#').next().unwrap_or_default();
        if path.is_empty() || path.contains("://") {
            continue;
        }
        seen += 1;
        assert!(files.contains(path), "{path} is linked and not in the package");
    }
    assert!(seen > 3, "the README links its documents");
}

/// Nothing of a package is a notice that was forgotten: what cargo would link is named, with its version.
#[test]
fn the_notices_name_everything_that_is_linked() {
    let tree = cargo(&[
        "tree",
        "--locked",
        "--offline",
        "--all-features",
        "-e",
        "normal,no-proc-macro",
        "--prefix",
        "none",
        "-f",
        "{p}",
    ]);
    let named: BTreeSet<&str> =
        NOTICES.lines().filter_map(|line| line.split_once(": ")).map(|(name, _)| name).collect();
    let mut linked = BTreeSet::new();
    for line in tree.lines() {
        let mut words = line.split(' ');
        let (Some(name), Some(version)) = (words.next(), words.next()) else { continue };
        if name != env!("CARGO_PKG_NAME") {
            linked.insert(format!("{name} {}", version.trim_start_matches('v')));
        }
    }
    assert!(linked.len() > 100, "{tree}");
    let missing: Vec<&String> =
        linked.iter().filter(|name| !named.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "run docs/collect-notices: it does not name {missing:?}");
}

/// `cargo deny` says the same where it is installed.
#[test]
fn every_licence_of_the_notices_is_allowed() {
    let allowed = include_str!("../../deny.toml");
    let listed =
        NOTICES.lines().skip_while(|line| !line.contains(": ")).take_while(|line| !line.is_empty());
    let licences: BTreeSet<&str> = listed
        .filter_map(|line| line.split_once(": "))
        .flat_map(|(_, licences)| licences.split(" and "))
        .collect();
    assert!(licences.contains("MIT") && licences.len() > 4, "{licences:?}");
    let odd: Vec<&&str> =
        licences.iter().filter(|licence| !allowed.contains(&format!("\"{licence}\""))).collect();
    assert!(odd.is_empty(), "not in deny.toml: {odd:?}");
}

#[test]
fn a_build_without_a_team_holds_nothing_of_its_database() {
    let tree = |features: &[&str]| {
        let of = ["tree", "--offline", "--locked", "--edges", "normal,build", "--prefix", "none"];
        cargo(&[&of[..], features].concat())
    };
    let holds = |tree: &str| tree.lines().any(|line| line.starts_with("sqlx-postgres "));
    assert!(holds(&tree(&[])), "the usual build has it");
    for features in
        [&["--no-default-features", "--features", "images"][..], &["--no-default-features"]]
    {
        assert!(!holds(&tree(features)), "{features:?}");
    }
}
