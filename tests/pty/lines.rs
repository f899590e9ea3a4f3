//! Locks and jobs line by line, and what a second process does meanwhile.

use super::HERO;
use super::terminal::Terminal;
use crate::support::cloud::CloudProcess;
use crate::support::home::Home;

const PROMPT: &str = "allclear> ";
const NAME_IT: &str = "Type the name of the cloud, demo: ";

fn say(terminal: &mut Terminal, line: &str, brings: &str) -> String {
    terminal.wait("a prompt", |screen| screen.trim_end().ends_with("allclear>"));
    terminal.keys(&format!("{line}\r"));
    terminal.wait_for(brings)
}

/// Asks to unlock and answers the question once it is there.
fn unlock(terminal: &mut Terminal, name: &str, brings: &str) {
    let asked = terminal.screen().matches(NAME_IT).count();
    say(terminal, "unlock", NAME_IT);
    terminal.wait("the question", |screen| screen.matches(NAME_IT).count() > asked);
    terminal.keys(&format!("{name}\r"));
    terminal.wait_for(brings);
}

#[test]
fn a_locked_profile_takes_orders_once_its_cloud_was_named() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let config = home.file(
        "config.toml",
        b"[profiles.shop]\ncloudinary_url_env = \"SHOP_URL\"\nrisk = \"production\"\n",
    );
    let environment = [("SHOP_URL", cloud.url())];
    let arguments = ["--plain", "--profile", "shop", "--config", config.as_str()];
    let mut terminal = Terminal::start(120, 90, &arguments, &environment, home.folder.path());
    let hello = terminal.wait_for(PROMPT);
    assert!(hello.contains("risk production"), "{hello}");
    say(&mut terminal, "lock", "locked: no order is taken until");
    say(&mut terminal, &format!("delete {HERO}"), NAME_IT);
    terminal.keys("demo\r");
    terminal.wait_for("is locked: delete was not sent");
    home.run(&["show", HERO]).expect(0);
    unlock(&mut terminal, "other", "that is not it");
    terminal.wait_for("it stays as it is");
    unlock(&mut terminal, "demo", "unlocked for 15 minutes");
    let asked = terminal.screen().matches(NAME_IT).count();
    say(&mut terminal, &format!("delete {HERO}"), NAME_IT);
    terminal.wait("its question", |screen| screen.matches(NAME_IT).count() > asked);
    terminal.keys("demo\r");
    terminal.wait_for("deleted press/2026/hero");
    terminal.wait("its end", super::says_all_clear);
    say(&mut terminal, "lock", "locked: no order is taken until");
    say(&mut terminal, "quit", "quit");
    assert_eq!(terminal.exit().exit_code(), 0);
}

#[test]
fn a_job_of_another_process_is_paused_resumed_and_cancelled_by_words() {
    let scenario = "[[fault]]\napi = \"upload\"\nkind = \"slow\"\ndelay = \"1500ms\"\n";
    let cloud = CloudProcess::with_scenario(scenario, &["--assets", "600"]);
    let home = Home::new(cloud.url());
    let plan = home.run(&["purge", "--prefix", "p", "--dry-run", "--json"]).expect(0);
    let count = plan.events()[0]["items"].as_array().expect("a plan with items").len();
    assert!(count > 120, "more than four times what is in flight at once: {count}");
    let word = count.to_string();
    let mut other = home.spawn(&["purge", "--prefix", "p", "--confirm", &word, "--no-wait"]);
    let url = [("CLOUDINARY_URL", home.cloudinary_url.as_str())];
    let mut terminal = Terminal::start(120, 90, &["--plain"], &url, home.folder.path());
    terminal.wait_for(PROMPT);
    let seen = (0..50).any(|_| {
        terminal.wait("a prompt", |screen| screen.trim_end().ends_with("allclear>"));
        terminal.keys("jobs\r");
        let there = |screen: &str| screen.contains("running,");
        terminal.wait_for_at_most(std::time::Duration::from_secs(1), there).is_ok()
    });
    assert!(seen, "{}", terminal.screen());
    say(&mut terminal, "pause 1", "paused,");
    say(&mut terminal, "resume 1", "goes on with it");
    say(&mut terminal, "cancel 1", "Cancel the job?");
    terminal.keys("yes\r");
    terminal.wait_for(": cancel");
    other.wait().expect("our own child");
    let jobs = home.run(&["jobs", "--json"]).expect(0).json();
    let job = &jobs["jobs"][0];
    assert_eq!(job["state"], "cancelled", "{jobs}");
    say(&mut terminal, "quit", "quit");
    assert_eq!(terminal.exit().exit_code(), 0);
}
