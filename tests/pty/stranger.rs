//! Whole jobs as somebody does them who has never seen the console: by the footer and `?` alone.

use std::time::Duration;

use super::terminal::Terminal;
use super::{HERO, at_every_edge, console, planned, says_all_clear};
use crate::support::cloud::CloudProcess;
use crate::support::home::Home;

const TICKET: &str =
    "https://res.cloudinary.com/demo/image/upload/c_scale,w_300/v1/products/shoes/trail-runner.jpg";

/// Presses a key that the footer offers with this word.
fn by_footer(terminal: &mut Terminal, key: &str, word: &str) {
    let offered = format!("{key} {word}");
    terminal.wait(&format!("`{offered}` in the footer"), |screen| {
        screen.lines().last().is_some_and(|footer| footer.contains(&offered))
    });
    terminal.keys(key);
}

/// Presses a key until it is taken: what comes close behind typed words is held to be pasted.
fn until(terminal: &mut Terminal, key: &str, brings: &str) -> String {
    for _ in 0..9 {
        terminal.keys(key);
        let there = |screen: &str| screen.contains(brings);
        if let Ok(screen) = terminal.wait_for_at_most(Duration::from_secs(1), there) {
            return screen;
        }
    }
    panic!("`{brings}` did not appear; the screen shows:\n{}", terminal.screen());
}

#[test]
fn demo_find_by_url_purge_watch_copy_and_report() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(120, 36, &["demo"], &[], folder.path());
    terminal.wait_for(HERO);
    terminal.paste(TICKET);
    terminal.wait("the asset of the ticket", |screen| {
        screen.contains("Delivery URLs") && screen.contains("trail-runner")
    });

    // what does the job? the help knows, and says its key
    by_footer(&mut terminal, "?", "help");
    terminal.wait_for("type to search");
    terminal.keys("purge the caches");
    terminal.wait("the row of the purge", |screen| {
        screen.contains("P ") && screen.contains("purge the caches and keep")
    });
    terminal.keys("\x1b");
    terminal.wait("the help is closed", |screen| !screen.contains("type to search"));
    let plan = until(&mut terminal, "P", "Press y");
    assert!(plan.contains("products/shoes/trail-runner"), "{plan}");
    terminal.keys("y");
    terminal.wait("all clear", says_all_clear);

    by_footer(&mut terminal, "r", "report");
    terminal.wait_for("the report is in allclear-report-");
    let report = std::fs::read_dir(folder.path())
        .expect("the folder")
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy().starts_with("allclear-report-"))
        .expect("a report");
    let story = std::fs::read_to_string(report.path()).expect("the report");
    assert!(story.starts_with("# ") && story.contains("trail-runner"), "{story}");

    terminal.keys("a");
    terminal.wait_for("trail-runner");
    terminal.keys("Y");
    terminal.wait_for("versioned URL");
    terminal.keys("v");
    terminal.wait_for("sent to the terminal");
    let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
    let sent = raw.rsplit("\x1b]52;c;").next().and_then(|rest| rest.split('\x07').next());
    let url = String::from_utf8(decoded(sent.expect("a copy"))).expect("text");
    assert!(url.contains("/v1") && url.ends_with("products/shoes/trail-runner.jpg"), "{url}");
    assert_eq!(terminal.quit().exit_code(), 0);
}

/// Base64, as terminals take it.
fn decoded(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).expect("base64")
}

#[test]
fn a_delete_is_undone_from_the_trail() {
    let cloud = CloudProcess::start(&["--backups"]);
    let home = Home::new(cloud.url());
    let mut terminal = console(&home, 120, 36);
    terminal.keys("d");
    terminal.wait_for("Press y");
    terminal.keys("y");
    terminal.wait("all clear", says_all_clear);
    let is_gone = || home.run(&["show", HERO]).stdout.contains("deleted; a backup is kept");
    assert!(is_gone());
    terminal.keys("A");
    terminal.wait_for("$ allclear rm");
    by_footer(&mut terminal, "u", "undo");
    let plan = terminal.wait_for("Press y");
    assert!(plan.contains("Restore") && plan.contains(HERO), "{plan}");
    terminal.keys("u");
    terminal.keys("y");
    terminal.wait("it is back", |_| !is_gone());
}

#[test]
fn a_file_is_replaced_and_every_edge_serves_the_new_one() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let (paths, _) = planned(&home, &["rm", HERO]);
    at_every_edge(&cloud, &paths, 200);
    let picture = home.folder.path().join("new.png");
    image::RgbImage::from_pixel(8, 8, image::Rgb([200, 30, 30])).save(&picture).expect("a file");
    let mut terminal = console(&home, 120, 36);
    terminal.keys("u");
    terminal.wait_for("Replace");
    terminal.paste(picture.to_str().expect("UTF-8"));
    terminal.wait_for("new.png");
    while terminal
        .wait_for_at_most(Duration::from_millis(500), |screen| screen.contains("Press y"))
        .is_err()
    {
        terminal.keys("\r");
    }
    terminal.keys("y");
    terminal.wait("all clear", says_all_clear);
}

#[test]
fn typed_commands_are_there_at_the_next_start() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let mut terminal = console(&home, 100, 30);
    terminal.keys(":");
    terminal.wait_for("open <ID");
    terminal.keys("sort name");
    terminal.wait_for(":sort name");
    let ran = |screen: &str| !screen.contains(":sort name");
    let taken = (0..9).any(|_| {
        terminal.keys("\r"); // too close behind the words it is taken for pasted
        terminal.wait_for_at_most(Duration::from_secs(1), ran).is_ok()
    });
    assert!(taken, "{}", terminal.screen());
    assert_eq!(terminal.quit().exit_code(), 0);
    let mut again = console(&home, 100, 30);
    again.keys(":");
    again.wait_for("open <ID");
    again.keys("\x1b[A");
    again.wait_for(":sort name");
}
