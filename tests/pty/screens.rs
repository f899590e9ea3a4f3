//! Every screen by keyboard alone, over an order that was carried out.

use std::time::Duration;

use super::terminal::Terminal;
use super::{HERO, console, says_all_clear};
use crate::support::cloud::CloudProcess;
use crate::support::home::Home;

/// The console after one purge has become clear.
fn after_a_purge(home: &Home) -> Terminal {
    let mut terminal = console(home, 120, 36);
    terminal.keys("P");
    terminal.wait_for("Press y");
    terminal.keys("y");
    terminal.wait("all clear", says_all_clear);
    terminal
}

#[test]
fn the_order_is_found_again_on_every_screen() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let mut terminal = after_a_purge(&home);

    terminal.keys("2");
    let map = terminal.wait_for("not seen");
    assert!(map.contains("FRA Frankfurt") && map.contains("● clear"), "{map}");
    terminal.keys("3");
    terminal.wait_for("first cell after");
    terminal.keys("1");
    terminal.wait_for("cleared");
    terminal.keys("\r");
    let evidence = terminal.wait("the sightings of a cell", |screen| {
        screen.contains("Evidence:") && screen.contains("status 200")
    });
    assert!(evidence.contains("sighting") && evidence.contains("etag"), "{evidence}");
    terminal.keys("\x1b");
    terminal.wait("the evidence is closed", |screen| !screen.contains("Evidence:"));

    terminal.keys("J");
    terminal.wait("the job", |screen| screen.contains("● done") && screen.contains("1/1"));
    terminal.keys("A");
    let activity = terminal.wait_for("$ allclear purge");
    assert!(activity.contains("● all clear") && activity.contains(HERO), "{activity}");
    terminal.keys("p");
    terminal.wait("the history", |screen| screen.contains("1 ended"));
    terminal.keys("a");
    terminal.wait_for("PUBLIC ID");
    terminal.keys("\r");
    terminal.wait_for("Delivery URLs");
    terminal.keys("3");
    terminal.wait("what was done to the asset", |screen| {
        screen.contains("purge") && screen.contains("$ allclear purge")
    });
    terminal.keys("4");
    terminal.wait_for("asks every place once");
    terminal.keys("o");
    terminal.wait("what every place answers", |screen| screen.contains("status 206"));
}

#[test]
fn a_copy_leaves_through_the_terminal() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let mut terminal = console(&home, 80, 24);
    terminal.keys("Y");
    terminal.wait_for("line for curl");
    terminal.keys("i");
    terminal.wait_for("sent to the terminal");
    let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
    assert!(raw.contains("\x1b]52;c;cHJlc3MvMjAyNi9oZXJv\x07"), "the public ID in base64");
}

#[test]
fn moving_in_the_list_of_themes_shows_each_and_leaving_gives_the_old_one_back() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let mut terminal = console(&home, 80, 24);
    terminal.keys("T");
    terminal.wait_for("moving shows it");
    terminal.keys("production");
    terminal.wait_for("/production");
    terminal.insist("\r", |screen| !screen.contains("moving shows it"));
    terminal.keys("\x1bOP"); // f1
    terminal.wait_for("type to search");
}

#[test]
fn nothing_is_written_on_any_screen_where_nothing_changes() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let mut terminal = after_a_purge(&home);
    for (key, seen) in [
        ("a", "PUBLIC ID"),
        ("p", "ended"),
        ("w", "ALL CLEAR"),
        ("J", "over"),
        ("A", "newest first"),
    ] {
        terminal.keys(key);
        terminal.wait_for(seen);
        // news leave and answers come in: quiet once nothing was written for two seconds
        let quiet = |terminal: &Terminal| {
            let before = terminal.raw().len();
            std::thread::sleep(Duration::from_secs(2)); // measured, not hoped for
            terminal.raw().len() == before
        };
        let settled = (0..20).any(|_| quiet(&terminal));
        assert!(settled && quiet(&terminal), "{key}: something is written again and again");
    }
}

#[test]
fn the_first_start_offers_three_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(80, 24, &[], &[], folder.path());
    terminal.wait("three keys", |screen| {
        screen.contains("demo") && screen.contains("set up") && screen.contains("quit")
    });
    terminal.keys("s");
    terminal.wait_for("CLOUDINARY_URL");
    terminal.keys("\x1b");
    terminal.wait_for("No cloud is configured yet");
    terminal.keys("d");
    terminal.wait_for(HERO);
    assert_eq!(terminal.quit().exit_code(), 0);
}
