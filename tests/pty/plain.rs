//! The console line by line: the whole job in words, without one control character.

use rustix::process::Signal;

use super::terminal::Terminal;
use super::{HERO, at_every_edge, planned, says_all_clear};
use crate::support::cloud::CloudProcess;
use crate::support::home::Home;

const PROMPT: &str = "allclear> ";

fn start(home: &Home, args: &[&str], environment: &[(&str, &str)]) -> Terminal {
    let url = [("CLOUDINARY_URL", home.cloudinary_url.as_str())];
    let all: Vec<_> = url.iter().chain(environment).copied().collect();
    let terminal = Terminal::start(120, 90, args, &all, home.folder.path());
    terminal.wait_for(PROMPT);
    terminal
}

/// Types a line, once there is a prompt or a question to type it at, and waits for what it brings.
fn say(terminal: &mut Terminal, line: &str, brings: &str) -> String {
    terminal.wait("a prompt", |screen| screen.trim_end().ends_with("allclear>"));
    terminal.keys(&format!("{line}\r"));
    terminal.wait_for(brings)
}

/// Nothing but text and line breaks has been written.
fn only_lines(terminal: &Terminal) {
    let raw = terminal.raw();
    let odd = raw.iter().position(|byte| byte.is_ascii_control() && !b"\r\n".contains(byte));
    let around =
        odd.map(|at| String::from_utf8_lossy(&raw[at.saturating_sub(40)..=at]).into_owned());
    assert_eq!(around, None, "a control character");
    let text = String::from_utf8_lossy(&raw);
    assert!(!text.replace("\r\n", "\n").contains('\r'), "no line is written over: {text}");
}

#[test]
fn the_whole_job_by_words() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let (urls, _) = planned(&home, &["rm", HERO]);
    for url in &urls {
        cloud.at_every_edge(url);
    }
    let mut terminal = start(&home, &["--plain"], &[]);
    let hello = terminal.screen();
    assert!(hello.contains("cloud demo") && hello.contains("Type help"), "{hello}");
    say(&mut terminal, "help", "rm or delete: ");
    say(&mut terminal, "list", " listed");
    say(&mut terminal, "filter hero", "1. press/2026/hero");
    say(&mut terminal, "open 1", "covered");
    let mistake = say(&mut terminal, "delte 1", "'delete'");
    assert!(mistake.contains("hint: "), "{mistake}");
    let plan = say(&mut terminal, "delete 1 --note TICKET-9", "Type yes to delete");
    for wanted in
        ["Plan: delete press/2026/hero in demo", "asset: press/2026/hero", "API: ", "caches: "]
    {
        assert!(plan.contains(wanted), "{wanted} in\n{plan}");
    }
    terminal.keys("yes\r");
    terminal.wait_for("deleted press/2026/hero");
    terminal.wait("all clear", says_all_clear);
    at_every_edge(&cloud, &urls, 404);
    say(&mut terminal, "pending", "nothing is pending");
    say(&mut terminal, "refresh", " listed");
    say(&mut terminal, "filter ceo", "1. press/2026/ceo-portrait");
    say(&mut terminal, "rename 1 press/2026/chair", "Type yes to rename");
    terminal.keys("yes\r");
    terminal.wait_for("renamed ");
    terminal.wait("two endings", |screen| screen.to_lowercase().matches("all clear").count() >= 2);
    let jobs = say(&mut terminal, "jobs", "`cancel N` change one");
    assert_eq!(jobs.matches("1 of 1 settled").count(), 2, "{jobs}");
    say(&mut terminal, "history", "2. ");
    say(&mut terminal, "report 1", "# ");
    say(&mut terminal, "quit", "quit");
    assert_eq!(terminal.exit().exit_code(), 0);
    terminal.drained();
    only_lines(&terminal);
    home.run(&["show", "press/2026/chair"]).expect(0);
    let note = home.run(&["history", "--json"]).expect(0).stdout;
    assert!(note.contains("TICKET-9"), "{note}");
}

#[test]
fn what_was_typed_before_the_question_is_no_answer() {
    let cloud = CloudProcess::start(&["--assets", "14"]);
    let home = Home::new(cloud.url());
    let mut terminal = start(&home, &[], &[("TERM", "dumb")]);
    assert!(terminal.screen().contains("TERM is dumb"), "{}", terminal.screen());
    terminal.keys(&format!("delete {HERO}\ryes\r"));
    terminal.wait_for("Type yes to delete");
    terminal.keys("\r");
    terminal.wait_for("nothing was sent");
    let refused = say(&mut terminal, &format!("delete {HERO} --yes"), "hint: ");
    assert!(refused.contains("here you are asked"), "{refused}");
    home.run(&["show", HERO]).expect(0);
    // more than ten want their number
    say(&mut terminal, "list", " listed");
    let plan = say(&mut terminal, "purge 1-12", "Type the number of assets, 12: ");
    assert!(plan.contains("Plan: purge 12 assets in demo"), "{plan}");
    terminal.keys("yes\r");
    terminal.wait_for("that is not it");
    assert!(
        home.run(&["history", "--json"]).expect(0).json()["invalidations"] == serde_json::json!([])
    );
    terminal.wait("a prompt", |screen| screen.trim_end().ends_with("allclear>"));
    terminal.keys("\x04");
    assert_eq!(terminal.exit().exit_code(), 0);
    terminal.drained();
    only_lines(&terminal);
}

#[test]
fn a_watch_is_left_and_goes_on() {
    let cloud = CloudProcess::start(&["--propagation", "50s..60s"]);
    let home = Home::new(cloud.url());
    let (urls, _) = planned(&home, &["rm", HERO]);
    for url in &urls {
        cloud.at_every_edge(url);
    }
    let mut terminal = start(&home, &[], &[("ACCESSIBLE", "1")]);
    assert!(terminal.screen().contains("ACCESSIBLE is set"), "{}", terminal.screen());
    say(&mut terminal, &format!("delete {HERO}"), "Type yes to delete");
    terminal.keys("yes\r");
    terminal.wait_for("watching; ");
    terminal.keys("\r");
    terminal.wait_for("it goes on");
    let pending = say(&mut terminal, "pending", "1 invalidation pending");
    assert!(pending.contains("1. delete press/2026/hero: "), "{pending}");
    say(&mut terminal, "abandon 1", "Give this watch up?");
    terminal.keys("yes\r");
    terminal.wait_for("given up");
    terminal.wait("a prompt", |screen| screen.trim_end().ends_with("allclear>"));
    terminal.signal(Signal::INT);
    terminal.wait_for("Ctrl-C again");
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.exit().exit_code(), 143);
    terminal.drained();
    // the terminal echoes ^C by itself where it was typed; here nothing was
    only_lines(&terminal);
}

/// Whoever lets the console ask its terminal something has to honour the flag.
#[test]
fn told_so_the_drawn_console_asks_the_terminal_nothing() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let url = [("CLOUDINARY_URL", home.cloudinary_url.as_str())];
    let mut terminal = Terminal::start(80, 24, &["--no-query"], &url, home.folder.path());
    terminal.wait_for(HERO);
    terminal.keys("q");
    assert_eq!(terminal.exit().exit_code(), 0);
    terminal.drained();
    let raw = terminal.raw();
    let text = String::from_utf8_lossy(&raw);
    // device attributes and status, cursor, keyboard protocol, colours, scheme, version, capabilities, modes
    let questions = [
        "\x1b[c",
        "\x1b[0c",
        "\x1b[>c",
        "\x1b[=c",
        "\x1b[5n",
        "\x1b[6n",
        "\x1b[?6n",
        "\x1b[?u",
        ";?\x1b\\",
        ";?\x07",
        "\x1b[?996n",
        "\x1b[>q",
        "\x1bP+q",
        "$p",
        "\x1b[14t",
        "\x1b[16t",
        "\x1b[18t",
    ];
    for question in questions {
        assert!(!text.contains(question), "{question:?} is a question");
    }
}

#[test]
fn commands_of_ones_own_are_words_too() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let config = home.folder.path().join(".config/allclear");
    std::fs::create_dir_all(&config).expect("a folder");
    let text = "[commands.look-up]\ncommand = [\"echo\", \"looked up\", \"{public_id}\"]\n\
                help = \"look it up\"\nchanges = false\n\
                [commands.ticket]\ncommand = [\"echo\", \"ticket for\", \"{public_ids}\"]\n";
    std::fs::write(config.join("config.toml"), text).expect("a file");
    let mut terminal = start(&home, &["--plain"], &[]);
    say(&mut terminal, "help", "look-up [ASSET]...: look it up");
    say(&mut terminal, &format!("look-up {HERO}"), &format!("\nlooked up {HERO}"));
    say(&mut terminal, "look-up", "name assets behind it");
    say(&mut terminal, &format!("ticket {HERO}"), "Type yes to run it");
    terminal.keys("no\r");
    terminal.wait_for("it was not run");
    only_lines(&terminal);
}
