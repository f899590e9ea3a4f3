//! The console through a real pseudo-terminal, over a real local cloud in another process: keys in, screen out, and
//! the caches themselves asked at the moment of *all clear*.

mod background;
mod hostile;
mod idle;
mod leaving;
mod lines;
mod orders;
mod pictures;
mod plain;
mod screens;
mod slow;
mod stranger;
pub mod terminal;
mod tmux;
mod trouble;

use serde_json::Value;

use crate::support::cloud::{CloudProcess, path_of};
use crate::support::home::Home;
use terminal::Terminal;

/// Newest asset of every local cloud: the cursor is on it at the start.
const HERO: &str = "press/2026/hero";

/// The console of `home`, once it shows the assets.
fn console(home: &Home, columns: u16, rows: u16) -> Terminal {
    let environment = [("CLOUDINARY_URL", home.cloudinary_url.as_str())];
    let terminal = Terminal::start(columns, rows, &[], &environment, home.folder.path());
    terminal.wait_for(HERO);
    terminal
}

/// Paths that a plan of these arguments would watch, of old names and of new ones; nothing is sent.
fn planned(home: &Home, arguments: &[&str]) -> (Vec<String>, Vec<String>) {
    let ran = home.run(&[arguments, &["--dry-run", "--json"]].concat()).expect(0);
    let plan = ran.events().remove(0);
    let urls = plan["watched"].as_array().expect("a plan with URLs").clone();
    let (new, old): (Vec<Value>, Vec<Value>) =
        urls.into_iter().partition(|url| url["of_new_name"] == true);
    let paths = |urls: Vec<Value>| {
        urls.iter().map(|url| path_of(url["url"].as_str().expect("a URL"))).collect()
    };
    (paths(old), paths(new))
}

/// Every path at every edge has this status.
fn at_every_edge(cloud: &CloudProcess, paths: &[String], status: u16) {
    assert!(!paths.is_empty(), "there is something to look at");
    for path in paths {
        for (pop, reply) in cloud.at_every_edge(path) {
            assert_eq!(reply.status, status, "{path} at {pop}");
        }
    }
}

fn says_all_clear(screen: &str) -> bool {
    screen.to_lowercase().contains("all clear")
}
