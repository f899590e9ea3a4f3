//! A console that has nothing to say is silent and sleeps.

use std::collections::HashMap;
use std::ffi::OsString;
use std::time::Duration;

use super::console;
use super::terminal::Terminal;
use crate::support::cloud::CloudProcess;
use crate::support::home::Home;

/// So long nothing may happen.
const WATCHED: Duration = Duration::from_secs(10);
/// A thousandth of it; thrice that where the program is built without optimisation.
const MOST: Duration = Duration::from_millis(if cfg!(debug_assertions) { 30 } else { 10 });

/// Threads that end, and connections that are given up, wake somebody once.
const WOKEN: u64 = 4;

/// Time on a processor so far, over all threads.
fn spent(pid: u32) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("a live process");
    let nanoseconds = tasks.flatten().filter_map(|task| {
        let line = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// How often its threads have stopped to wait for something, thread by thread.
fn waits(pid: u32) -> HashMap<OsString, u64> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("a live process");
    let count = |task: &std::fs::DirEntry| {
        let status = std::fs::read_to_string(task.path().join("status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    tasks.flatten().filter_map(|task| Some((task.file_name(), count(&task)?))).collect()
}

/// Waits until nothing was written for two seconds: news leave, answers come in.
fn settle(terminal: &Terminal) {
    let settled = (0..20).any(|_| {
        let before = terminal.raw().len();
        std::thread::sleep(Duration::from_secs(2)); // measured, not hoped for
        terminal.raw().len() == before
    });
    assert!(settled, "it never comes to rest:\n{}", terminal.screen());
}

#[test]
fn no_screen_where_nothing_changes_writes_or_works() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let mut terminal = console(&home, 120, 36);
    terminal.keys("P");
    terminal.wait_for("Press y");
    terminal.keys("y");
    terminal.wait("all clear", super::says_all_clear);
    for (key, seen) in [
        ("a", "PUBLIC ID"),
        ("p", "ended"),
        ("w", "ALL CLEAR"),
        ("J", "over"),
        ("A", "newest first"),
        ("?", "type to search"),
    ] {
        terminal.keys(key);
        terminal.wait_for(seen);
        settle(&terminal);
        let (written, worked) = (terminal.raw().len(), spent(terminal.pid()));
        let waited = waits(terminal.pid());
        std::thread::sleep(WATCHED); // measured, not hoped for
        let worked = spent(terminal.pid()).saturating_sub(worked);
        assert_eq!(terminal.raw().len(), written, "{key}: bytes were written");
        assert!(worked < MOST, "{key}: {worked:?} of {WATCHED:?} were worked");
        let since = |(thread, count): (&OsString, &u64)| count - waited.get(thread).unwrap_or(&0);
        let woken: u64 = waits(terminal.pid()).iter().map(since).sum();
        // the others come while the journal is still looked through for what the order may have left behind
        assert!(woken <= WOKEN || key != "?", "woken {woken} times");
    }
}
