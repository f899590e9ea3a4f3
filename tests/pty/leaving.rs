//! Leaving: the terminal is given back however the console ends.

use rustix::process::Signal;

use super::console;
use super::terminal::Terminal;
use crate::support::cloud::CloudProcess;
use crate::support::home::Home;

/// The last switch of a terminal mode in `raw`, on or off.
fn is_on(raw: &[u8], mode: &str) -> bool {
    let text = String::from_utf8_lossy(raw);
    text.rfind(&format!("\x1b[?{mode}h")) > text.rfind(&format!("\x1b[?{mode}l"))
}

fn assert_given_back(terminal: &Terminal) {
    let raw = terminal.raw();
    for (mode, what) in
        [("1049", "alternate screen"), ("2004", "bracketed paste"), ("2026", "synchronised output")]
    {
        assert!(!is_on(&raw, mode), "{what} was left on");
    }
    assert!(is_on(&raw, "25"), "the cursor was left hidden");
}

#[test]
fn quitting_gives_the_terminal_back() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let mut terminal = console(&home, 80, 24);
    assert!(is_on(&terminal.raw(), "1049"));
    terminal.keys("q");
    assert_eq!(terminal.exit().exit_code(), 0);
    terminal.drained();
    assert_given_back(&terminal);
}

#[test]
fn signals_give_the_terminal_back_and_end_with_their_number() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let mut terminal = console(&home, 80, 24);
        terminal.signal(signal);
        assert_eq!(terminal.exit().exit_code(), code);
        terminal.drained();
        assert_given_back(&terminal);
    }
}

#[test]
fn the_demo_needs_nothing_and_writes_only_into_its_state_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(80, 24, &["demo"], &[], folder.path());
    terminal.wait_for(super::HERO);
    terminal.keys("q");
    assert_eq!(terminal.exit().exit_code(), 0);
    let left = std::fs::read_dir(folder.path())
        .expect("the home")
        .map(|entry| entry.expect("an entry").file_name());
    assert_eq!(left.collect::<Vec<_>>(), ["state"], "nothing outside of the state folder");
}
