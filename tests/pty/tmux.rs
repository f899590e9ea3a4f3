//! The console inside of a real tmux: keys, colours, pictures, sizes and the end of it.

use std::process::Command;

use super::HERO;
use super::terminal::{PROGRAM, Terminal};
use crate::support::cloud::CloudProcess;
use crate::support::home::Home;

/// Where tmux is, if it is there.
fn tmux() -> Option<String> {
    let path = std::env::var("PATH").unwrap_or_default();
    let found = path.split(':').map(|folder| format!("{folder}/tmux"));
    let found = found.into_iter().find(|file| std::path::Path::new(file).exists());
    if found.is_none() {
        assert!(std::env::var_os("ALLCLEAR_REQUIRE_ALL").is_none(), "tmux is required");
        println!("without tmux: install tmux");
    }
    found
}

/// A server of its own with one window, in which the console runs.
struct Inside<'a> {
    tmux: &'a str,
    home: &'a Home,
    terminal: Terminal,
}

impl<'a> Inside<'a> {
    fn start(tmux: &'a str, home: &'a Home, settings: &str) -> Self {
        let folder = home.folder.path();
        std::fs::write(folder.join("tmux.conf"), settings).expect("a file");
        let environment = [
            ("CLOUDINARY_URL", home.cloudinary_url.as_str()),
            ("TMUX_TMPDIR", folder.to_str().expect("a plain path")),
            ("COLORTERM", "truecolor"),
            ("PATH", "/usr/bin:/bin"),
            ("SHELL", "/bin/sh"),
        ];
        let args = ["-f", "tmux.conf", "new-session", PROGRAM];
        let terminal = Terminal::start_other(tmux, 100, 31, &args, &environment, folder);
        terminal.wait_for(HERO);
        Self { tmux, home, terminal }
    }

    /// A command to the server.
    fn tell(&self, args: &[&str]) {
        let told = Command::new(self.tmux)
            .env("TMUX_TMPDIR", self.home.folder.path())
            .args(args)
            .output()
            .expect("tmux runs");
        assert!(told.status.success(), "{args:?}: {}", String::from_utf8_lossy(&told.stderr));
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        // its own server, by its own socket; one that has ended refuses
        let _ = Command::new(self.tmux)
            .env("TMUX_TMPDIR", self.home.folder.path())
            .arg("kill-server")
            .output();
    }
}

#[test]
fn the_console_works_inside_of_tmux() {
    let Some(tmux) = tmux() else { return };
    let cloud = CloudProcess::start(&["--assets", "14"]);
    let home = Home::new(cloud.url());
    let mut inside = Inside::start(&tmux, &home, "set -g escape-time 0\n");
    let terminal = &mut inside.terminal;
    terminal.insist("\r", |screen| screen.contains("Delivery URLs"));
    terminal.insist("5", |screen| screen.contains("the original from"));
    let screen = terminal.wait("half blocks", |screen| screen.contains("▀▀▀"));
    assert!(!screen.contains("rgb:") && !screen.contains("11;"), "no answer is typed:\n{screen}");
    terminal.insist("1", |screen| screen.contains("Delivery URLs ("));
    for (columns, rows) in [(40, 11), (20, 6), (100, 31)] {
        terminal.resize(columns, rows);
    }
    terminal.wait("the whole screen again", |screen| {
        screen.contains(HERO) && screen.lines().any(|line| line.chars().count() > 80)
    });
    terminal.insist("P", |screen| screen.contains("Press y"));
    terminal.keys("y");
    terminal.wait("all clear", super::says_all_clear);
    // another client, of another size, sees the same
    inside.tell(&["detach-client"]);
    assert_eq!(inside.terminal.exit().exit_code(), 0);
    let folder = home.folder.path();
    let environment = [("TMUX_TMPDIR", folder.to_str().expect("a plain path"))];
    inside.terminal =
        Terminal::start_other(&tmux, 80, 25, &["attach-session"], &environment, folder);
    inside.terminal.wait("the console in another window", super::says_all_clear);
    inside.terminal.insist("q", |screen| screen.contains("[exited]"));
}

#[test]
fn tmux_says_whether_it_is_light() {
    let Some(tmux) = tmux() else { return };
    let cloud = CloudProcess::start(&["--assets", "14"]);
    let home = Home::new(cloud.url());
    let settings = "set -g escape-time 0\nset -g window-style bg=#ffffff,fg=#000000\n";
    let mut inside = Inside::start(&tmux, &home, settings);
    let terminal = &mut inside.terminal;
    terminal.insist("\x1b[24~", |screen| screen.contains("theme"));
    terminal.wait("the theme for light grounds", |screen| screen.contains("default-light"));
}
