//! What must not be called clear, and what must not be lost.

use std::time::Duration;

use super::terminal::Terminal;
use super::{HERO, console, planned, says_all_clear};
use crate::support::cloud::CloudProcess;
use crate::support::home::Home;

#[test]
fn a_stuck_edge_is_never_called_clear() {
    let scenario = "[[fault]]\nedge = \"SIN\"\nkind = \"stuck\"\n";
    let cloud = CloudProcess::with_scenario(scenario, &[]);
    let home = Home::new(cloud.url());
    let (paths, _) = planned(&home, &["rm", HERO]);
    let mut terminal = console(&home, 120, 36);
    terminal.keys("d");
    terminal.wait_for("Press y");
    terminal.keys("y");
    // everything but SIN is clear, which is as far as it ever gets
    terminal.wait("the one outdated place", |screen| {
        screen.contains("SIN") && screen.contains("outdated")
    });
    let seen = terminal.wait_for_at_most(Duration::from_secs(15), says_all_clear);
    assert!(
        seen.is_err(),
        "an edge that serves the old copy was called clear:\n{}",
        terminal.screen()
    );
    let still =
        cloud.at_every_edge(&paths[0]).into_iter().find(|(pop, _)| pop == "SIN").expect("SIN");
    assert_eq!(still.1.status, 200, "the edge is stuck indeed");
    terminal.keys("p");
    let pending = terminal.wait("the pending list", |screen| screen.contains(HERO));
    assert!(!says_all_clear(&pending), "{pending}");
}

#[test]
fn without_a_journal_there_is_a_console_to_look_with() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let environment = [
        ("CLOUDINARY_URL", home.cloudinary_url.as_str()),
        ("ALLCLEAR_JOURNAL", "/dev/null/journal.db"),
    ];
    let mut terminal = Terminal::start(120, 36, &[], &environment, home.folder.path());
    let screen = terminal.wait("the list", |screen| screen.contains(HERO));
    assert!(screen.contains("[RO]") && screen.contains("there is no journal"), "{screen}");
    terminal.keys("d");
    terminal.wait_for("read-only");
    terminal.keys("\x1b");
    home.run(&["--journal", "/dev/null/journal.db", "purge", HERO, "--yes"]).expect(1);
}

#[test]
fn with_every_edge_dead_the_outcome_is_blind() {
    let scenario = "[[fault]]\nedge = \"*\"\nkind = \"dead\"\n";
    let cloud = CloudProcess::with_scenario(scenario, &[]);
    let home = Home::new(cloud.url());
    let mut terminal = console(&home, 120, 36);
    terminal.keys("d");
    terminal.wait_for("Press y");
    terminal.keys("y");
    let screen = terminal.wait("the outcome", |screen| screen.to_lowercase().contains("blind"));
    assert!(!says_all_clear(&screen), "{screen}");
}

#[test]
fn a_killed_console_shows_the_invalidation_at_its_next_start_and_goes_on() {
    let scenario = "[[fault]]\nedge = \"SIN\"\nkind = \"stuck\"\nfor = \"12s\"\n";
    let cloud = CloudProcess::with_scenario(scenario, &[]);
    let home = Home::new(cloud.url());
    let mut first = console(&home, 120, 36);
    first.keys("d");
    first.wait_for("Press y");
    first.keys("y");
    first.wait("the watch", |screen| screen.contains("SIN") && screen.contains("outdated"));
    first.signal(rustix::process::Signal::KILL);
    first.exit();

    let environment = [("CLOUDINARY_URL", home.cloudinary_url.as_str())];
    let mut second = Terminal::start(120, 36, &[], &environment, home.folder.path());
    second.wait_for("PUBLIC ID");
    second.keys("p");
    second.wait("the pending invalidation", |screen| screen.contains(HERO));
    second.keys("w");
    second.wait("its outcome", says_all_clear);
}

#[test]
fn a_wrong_secret_keeps_the_console_up() {
    let cloud = CloudProcess::start(&[]);
    let wrong = cloud.url().replace("loopback-only-no-secret", "wrong");
    assert_ne!(wrong, cloud.url());
    let home = Home::new(&wrong);
    let environment = [("CLOUDINARY_URL", wrong.as_str())];
    let mut terminal = Terminal::start(100, 30, &[], &environment, home.folder.path());
    terminal.wait("the refusal", |screen| screen.contains("refused"));
    terminal.keys("?");
    terminal.wait_for("type to search");
}

#[test]
fn an_api_that_dies_keeps_the_console_up() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let mut terminal = console(&home, 100, 30);
    drop(cloud);
    terminal.keys("R");
    terminal.wait("what happened", |screen| screen.contains("does not answer"));
    terminal.keys("d");
    terminal.wait("the dialog says it too", |screen| {
        screen.contains("Delete") && screen.contains("does not answer")
    });
    terminal.keys("\x1b");
    terminal.wait("the list", |screen| !screen.contains("Delete press"));
    assert_eq!(terminal.quit().exit_code(), 0);
}

#[test]
fn every_size_survives() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let mut terminal = console(&home, 80, 24);
    for (columns, rows) in [(40, 10), (20, 5), (3, 2), (400, 120), (1, 1), (80, 24)] {
        terminal.resize(columns, rows);
    }
    terminal.wait_for(HERO);
    terminal.resize(40, 10);
    terminal.wait("the list in a small window", |screen| screen.contains("press/2026"));
    terminal.keys("d");
    terminal.wait("the plan in a small window", |screen| {
        screen.contains('y') && screen.contains("esc")
    });
}

/// Names that are wide, joined, accented and written from right to left, on every screen, from 20x5 to 400x120.
#[test]
fn names_of_every_script_survive_every_size_on_every_screen() {
    let cloud = CloudProcess::start(&["--assets", "14"]);
    let home = Home::new(cloud.url());
    let names = [
        "\u{5199}\u{771f}/\u{30d2}\u{30fc}\u{30ed}\u{30fc}",
        "\u{5e9}\u{5dc}\u{5d5}\u{5dd}/\u{639}\u{631}\u{628}",
        "caf\u{65}\u{301}/\u{1f389}\u{fe0f}",
    ];
    let first = home.run(&["ls", "--json"]).expect(0).json();
    let ids = first["assets"].as_array().expect("assets").iter().map(|it| it["public_id"].as_str());
    let ids: Vec<String> = ids.flatten().map(str::to_owned).collect();
    for (id, name) in ids.iter().zip(names) {
        home.run(&["rename", id, name, "--yes"]).expect(0);
    }
    let environment = [("CLOUDINARY_URL", home.cloudinary_url.as_str())];
    let mut terminal = Terminal::start(120, 40, &[], &environment, home.folder.path());
    terminal.wait("every name", |screen| {
        screen.contains("\u{5199}\u{771f}/")
            && screen.contains("\u{5e9}\u{5dc}")
            && screen.contains("caf")
    });
    terminal.insist("\r", |screen| screen.contains("Delivery URLs"));
    for (columns, rows) in [(20, 5), (40, 10), (400, 120), (80, 24)] {
        terminal.resize(columns, rows);
        for key in ["p", "w", "J", "A", "2", "?", "\x1b", "a"] {
            terminal.keys(key);
            terminal.whole_frame(|_| ());
        }
        let first = "\u{5199}\u{771f}/";
        terminal.insist("a", |screen| screen.contains("Assets") && screen.contains(first));
    }
    terminal.insist("?", |screen| screen.contains("type to search"));
    terminal.insist("\x1b", |screen| !screen.contains("type to search"));
    terminal.insist("\x1b", |screen| screen.contains("PUBLIC ID"));
    assert_eq!(terminal.quit().exit_code(), 0);
}
