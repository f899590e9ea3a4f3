//! Leaving: the terminal is given back however the console ends.

use rustix::process::Signal;

use std::io::Read as _;
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use super::terminal::{PATIENCE, PROGRAM, Terminal};
use super::{HERO, console};
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
    let cooked = cooked();
    let mut terminal = console(&home, 80, 24);
    assert!(is_on(&terminal.raw(), "1049"));
    assert_ne!(terminal.modes(), cooked, "keys come raw");
    terminal.keys("q");
    assert_eq!(terminal.exit().exit_code(), 0);
    assert_eq!(terminal.modes(), cooked, "as before");
    terminal.drained();
    assert_given_back(&terminal);
}

/// Modes of a terminal that nobody has changed.
fn cooked() -> String {
    let folder = tempfile::tempdir().expect("a folder");
    Terminal::start_other("/bin/cat", 80, 24, &[], &[], folder.path()).modes()
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_says_so() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let cooked = cooked();
    // its message holds what a value of ours might hold
    let value = "https://me:canaryUser@h.test/image/upload/s--cAnarySi--/x.jpg\x1b]52;c;AAAA\x07";
    let environment =
        [("CLOUDINARY_URL", home.cloudinary_url.as_str()), ("ALLCLEAR_TEST_PANIC", value)];
    let mut terminal = Terminal::start(80, 24, &[], &environment, home.folder.path());
    terminal.wait_for(HERO);
    terminal.keys("\x1b[24~"); // f12
    assert_ne!(terminal.exit().exit_code(), 0);
    assert_eq!(terminal.modes(), cooked, "as before");
    terminal.drained();
    assert_given_back(&terminal);
    let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
    let (left, said) = (raw.rfind("\x1b[?1049l"), raw.find("a mistake of its own"));
    assert!(left.is_some() && left < said, "the words come after the screen was left: {raw:?}");
    let words = &raw[said.unwrap_or_default()..];
    assert!(words.contains("asked for by"), "{words:?}");
    assert!(!words.to_lowercase().contains("canary") && !words.contains("\x1b]52"), "{words:?}");
    let written = words.split_whitespace().find(|word| word.contains("crash-")).expect("a file");
    let written = std::fs::read_to_string(written).expect("what happened is written down");
    assert!(written.contains("asked for by") && written.lines().count() > 10, "{written}");
    assert!(!written.to_lowercase().contains("canary"), "{written}");
}

/// With job control, as people stop and continue programs.
#[test]
fn stopped_and_continued_by_a_shell() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let environment = [
        ("CLOUDINARY_URL", home.cloudinary_url.as_str()),
        ("PS1", "shell> "),
        ("PATH", "/usr/bin:/bin"),
    ];
    let shell = ["--norc", "--noprofile", "--noediting", "-i"];
    let mut terminal =
        Terminal::start_other("/bin/bash", 80, 24, &shell, &environment, home.folder.path());
    terminal.wait_for("shell> ");
    terminal.keys("stty -g > before\r");
    terminal.wait("a prompt", |screen| screen.matches("shell> ").count() == 2);
    terminal.keys(&format!("{PROGRAM}\r"));
    terminal.wait_for(HERO);
    for round in 1..=2 {
        terminal.keys("\x1a");
        terminal.wait("the shell", |screen| {
            screen.matches("Stopped").count() == round && screen.trim_end().ends_with("shell>")
        });
        assert_given_back(&terminal);
        terminal.keys(&format!("stty -g > stopped{round}; cat stopped{round} | wc -c\r"));
        terminal.wait("the modes", |_| {
            let read = |name: &str| std::fs::read_to_string(home.folder.path().join(name)).ok();
            read(&format!("stopped{round}")).filter(|it| !it.is_empty()) == read("before")
        });
        terminal.keys("fg\r");
        terminal.wait("the console, whole", |screen| {
            screen.contains(HERO) && screen.contains("PUBLIC ID") && screen.contains("? help")
        });
        assert!(is_on(&terminal.raw(), "1049"), "it has the screen again");
    }
    terminal.keys("q");
    terminal.wait("the shell", |screen| screen.trim_end().ends_with("shell>"));
    terminal.keys("exit\r");
    terminal.exit();
    terminal.drained();
    assert_given_back(&terminal);
}

/// The window is closed and nobody sends a HUP: the program must not live on and burn a core.
#[test]
fn a_terminal_that_vanishes_without_a_signal_ends_it() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
    let mut command = CommandBuilder::new("/bin/sh");
    command.args(["-c", &format!("trap '' HUP; {PROGRAM}; echo ended > ended")]);
    command.env_clear();
    command.env("TERM", "xterm-256color");
    command.env("HOME", home.folder.path());
    command.env("ALLCLEAR_STATE_DIR", home.folder.path().join("state"));
    command.env("CLOUDINARY_URL", &home.cloudinary_url);
    command.cwd(home.folder.path());
    let mut child = pair.slave.spawn_command(command).expect("a shell");
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().expect("the terminal can be read");
    let mut raw = Vec::new();
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(&raw).contains(HERO) {
        let read = reader.read(&mut buffer).expect("the console writes");
        raw.extend_from_slice(&buffer[..read]);
    }
    drop((reader, pair.master));
    let began = Instant::now();
    while child.try_wait().expect("our own child").is_none() {
        if began.elapsed() > PATIENCE {
            child.kill().ok();
            child.wait().ok();
            panic!("it lives on without a terminal");
        }
        std::thread::sleep(Duration::from_millis(20)); // between two looks at the child, not a hope
    }
    assert!(home.folder.path().join("ended").exists(), "the program ended before the shell did");
}

#[test]
fn signals_give_the_terminal_back_and_end_with_their_number() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let mut terminal = console(&home, 80, 24);
        terminal.signal(signal);
        assert_eq!(terminal.exit().exit_code(), code);
        assert_eq!(terminal.modes(), cooked(), "as before");
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
