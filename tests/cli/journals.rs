//! The journal looked at, thinned out and copied, as an operator does.

use std::path::Path;

use crate::crash::finish;
use crate::support::cloud::CloudProcess;
use crate::support::home::Home;

fn path(home: &Home, name: &str) -> String {
    home.folder.path().join(name).to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_copy_holds_everything_and_goes_on_where_it_was() {
    let cloud = CloudProcess::start(&["--assets", "30", "--edges", "2"]);
    let home = Home::new(cloud.url());
    finish(&home, &["purge", "press/2026/hero", "--yes", "--note", "TICKET-9"]).expect(0);
    let (from, to) = (path(&home, "state/journal.db"), path(&home, "copies/new.db"));
    let copy = ["journal", "copy", &from, &to];
    let ran = finish(&home, &copy).expect(0);
    assert!(ran.stdout.contains("counts and checksums agree"), "{}", ran.stdout);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &Path::new(&to).metadata().expect("a file").permissions(),
    );
    assert_eq!(mode & 0o777, 0o600, "it may name what nobody else should read");
    // the copy is a journal like any other
    let history = |journal: &str| {
        finish(&home, &["--journal", journal, "history", "--json"]).expect(0).json()["invalidations"]
            .clone()
    };
    assert_eq!(history(&to), history(&from));
    assert_eq!(history(&to)[0]["note"], "TICKET-9");
    let whole = finish(&home, &["journal", "check", "--journal", &to]).expect(0);
    assert!(whole.stdout.contains("is whole"), "{}", whole.stdout);
    // what was done since follows; what is there already is not written again
    finish(&home, &["rm", "press/2026/hero", "--yes"]).expect(0);
    // the copy was used meanwhile, and is a journal of its own now: never mixed with the other
    let mixed = finish(&home, &copy).expect(2);
    assert!(mixed.stderr.contains("two journals are never mixed"), "{}", mixed.stderr);
    let fresh = path(&home, "copies/fresh.db");
    let ran = finish(&home, &["journal", "copy", &from, &fresh, "--json"]).expect(0).json();
    let again = finish(&home, &["journal", "copy", &from, &fresh, "--json"]).expect(0).json();
    assert_eq!((&again["rows"], &again["written"]), (&ran["rows"], &serde_json::json!(0)));
    let sums = |value: &serde_json::Value| {
        let tables = value["tables"].as_array().expect("tables").iter();
        tables.map(|table| table["sha256"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(sums(&again), sums(&ran));
}

#[test]
fn a_damaged_journal_is_said_and_one_that_is_not_there_is_not_made() {
    let home = Home::new("");
    let missing = path(&home, "nowhere.db");
    let ran = finish(&home, &["journal", "check", "--journal", &missing, "--json"]).expect(1);
    assert_eq!(ran.error()["code"], "journal_unusable");
    assert!(!Path::new(&missing).exists(), "looking makes nothing");
    let copied = finish(&home, &["journal", "copy", &missing, &path(&home, "to.db"), "--json"]);
    assert_eq!(copied.expect(1).error()["code"], "journal_unusable");

    let cloud = CloudProcess::start(&["--assets", "30", "--edges", "2"]);
    let home = Home::new(cloud.url());
    finish(&home, &["purge", "press/2026/hero", "--yes"]).expect(0);
    let journal = path(&home, "state/journal.db");
    // everything into the file, then nonsense into its last page
    let spare = path(&home, "spare.db");
    finish(&home, &["journal", "copy", &journal, &spare]).expect(0);
    let mut bytes = std::fs::read(&spare).expect("a journal");
    let wal = std::fs::metadata(format!("{spare}-wal")).map_or(0, |file| file.len());
    assert_eq!(wal, 0, "it was closed");
    let (from, to) = (bytes.len() - 4096, bytes.len());
    bytes[from..to].fill(0x5a);
    std::fs::write(&spare, bytes).expect("ours");
    let ran = finish(&home, &["journal", "check", "--journal", &spare]).expect(1);
    assert!(ran.stderr.contains("damaged"), "{}", ran.stderr);
}

#[test]
fn pruning_takes_nothing_that_is_young_and_says_what_it_would_take() {
    let cloud = CloudProcess::start(&["--assets", "30", "--edges", "2"]);
    let home = Home::new(cloud.url());
    finish(&home, &["purge", "press/2026/hero", "--yes"]).expect(0);
    let young = finish(&home, &["journal", "prune", "--older-than", "1h"]).expect(2);
    assert!(young.stderr.contains("168h"), "{}", young.stderr);
    let dry = finish(&home, &["journal", "prune", "--dry-run", "--json"]).expect(0).json();
    assert_eq!((&dry["invalidations"], &dry["dry_run"]), (&0.into(), &true.into()));
    let ran = finish(&home, &["journal", "prune"]).expect(0);
    assert!(ran.stdout.contains("0 invalidations"), "{}", ran.stdout);
    let history = finish(&home, &["history", "--json"]).expect(0).json();
    assert_eq!(history["invalidations"].as_array().map(Vec::len), Some(1));
}
