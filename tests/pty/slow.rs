//! An API that answers after three seconds: the highlight moves at once, waits say so, and a read can be left.

use std::time::{Duration, Instant};

use super::HERO;
use super::terminal::Terminal;
use crate::support::cloud::CloudProcess;
use crate::support::home::Home;

/// Far below what the API takes, far above what a frame takes on a busy machine.
const AT_ONCE: Duration = Duration::from_millis(1500);

#[test]
fn the_highlight_moves_while_the_api_thinks_and_a_read_can_be_cancelled() {
    let scenario = "[[fault]]\napi = \"*\"\nkind = \"slow\"\ndelay = \"3s\"\n";
    let cloud = CloudProcess::with_scenario(scenario, &[]);
    let home = Home::new(cloud.url());
    let environment = [("CLOUDINARY_URL", home.cloudinary_url.as_str())];
    let mut terminal = Terminal::start(80, 24, &[], &environment, home.folder.path());
    terminal.wait_for("reading the assets of demo");
    terminal.keys("\x1b");
    terminal.wait_for("stopped reading");
    terminal.keys("R");
    terminal.wait_for(HERO);

    let under_cursor = |screen: &str| {
        screen.lines().find(|line| line.trim_start().starts_with('▸')).map(str::to_owned)
    };
    terminal.keys("\r");
    terminal.wait_for("reading its URLs");
    terminal.keys("\x1b");
    let list = |screen: &str| screen.contains("PUBLIC ID") && under_cursor(screen).is_some();
    let left = terminal.wait_for_at_most(AT_ONCE, list);
    assert!(left.is_ok(), "the read is left at once:\n{}", terminal.screen());
    terminal.keys("R");
    terminal.wait_for("reading again");
    for _ in 0..4 {
        let before = under_cursor(&terminal.screen());
        let began = Instant::now();
        terminal.keys("j");
        let moved = terminal.wait_for_at_most(AT_ONCE, |screen| under_cursor(screen) != before);
        assert!(moved.is_ok(), "the highlight waits for the API:\n{}", terminal.screen());
        assert!(began.elapsed() < AT_ONCE);
    }
    // keys of a script come like a paste: those after them count once there was quiet
    terminal.wait("the list, read again", |screen| !screen.contains("reading again"));
    assert_eq!(terminal.quit().exit_code(), 0);
}
