//! Pictures in the details, as the bytes that a terminal gets for them.

use super::HERO;
use super::terminal::Terminal;
use crate::support::cloud::CloudProcess;
use crate::support::home::Home;

/// A cell that stands for a part of a picture.
const PLACEHOLDER: char = '\u{10eeee}';
/// The beginning of a picture for kitty, of sixels, and of an inline image.
const KITTY: &str = "a=T,U=1,f=100";
const SIXEL: &str = "\x1bP0;1;0q";
const INLINE: &str = "\x1b]1337;File=inline=1";

fn written(terminal: &Terminal) -> String {
    String::from_utf8_lossy(&terminal.raw()).into_owned()
}

struct Bed {
    _cloud: CloudProcess,
    home: Home,
}

impl Bed {
    fn new(scenario: &str) -> Self {
        let cloud = CloudProcess::with_scenario(scenario, &["--assets", "14"]);
        let home = Home::new(cloud.url());
        Self { _cloud: cloud, home }
    }

    /// The details of the first asset, at their picture.
    fn open(&self, args: &[&str], environment: &[(&str, &str)], shows: &str) -> Terminal {
        let url = [("CLOUDINARY_URL", self.home.cloudinary_url.as_str())];
        let all: Vec<_> = url.iter().chain(environment).copied().collect();
        let mut terminal = Terminal::start(100, 30, args, &all, self.home.folder.path());
        terminal.wait_for(HERO);
        terminal.insist("\r", |screen| screen.contains("Headers")); // at the tab that was open last
        terminal.insist("5", |screen| screen.contains("loading it") || screen.contains(shows));
        terminal.wait_for(shows);
        terminal
    }

    fn configured(&self, way: &str) -> String {
        let path = self.home.folder.path().join(format!("{way}.toml"));
        std::fs::write(&path, format!("pictures = \"{way}\"\n")).expect("a file");
        path.display().to_string()
    }
}

#[test]
fn half_blocks_and_letters_work_everywhere() {
    let bed = Bed::new("");
    let colours = |terminal: &Terminal| {
        terminal.whole_frame(|screen| {
            let cells = (0..30).flat_map(|y| (0..100).map(move |x| (y, x)));
            let blocks = cells.filter_map(|(y, x)| screen.cell(y, x));
            blocks
                .filter(|cell| cell.contents() == "▀")
                .map(vt100::Cell::fgcolor)
                .collect::<Vec<_>>()
        })
    };
    let terminal = bed.open(&[], &[("COLORTERM", "truecolor")], "the original from");
    terminal.wait_for("▀▀▀");
    let true_colour = colours(&terminal);
    assert!(true_colour.len() > 200, "{}", terminal.screen());
    assert!(true_colour.iter().all(|it| matches!(it, vt100::Color::Rgb(..))));
    drop(terminal);
    let terminal = bed.open(&[], &[("TERM", "xterm")], "the original from");
    terminal.wait_for("▀▀▀");
    let sixteen = colours(&terminal);
    assert!(sixteen.iter().all(|it| matches!(it, vt100::Color::Idx(0..=15))), "{sixteen:?}");
    drop(terminal);
    let terminal = bed.open(&["--ascii"], &[("NO_COLOR", "1")], "the original from");
    let screen = terminal.whole_frame(vt100::Screen::contents);
    assert!(screen.is_ascii(), "{screen}");
    for sequence in [KITTY, SIXEL, INLINE] {
        assert!(!written(&terminal).contains(sequence), "{sequence:?}");
    }
}

#[test]
fn kitty_gets_a_picture_once_and_its_cells_survive_dialogs_and_resizing() {
    let bed = Bed::new("");
    let environment = [("TERM", "xterm-kitty"), ("COLORTERM", "truecolor")];
    let mut terminal = bed.open(&[], &environment, "the original from");
    let shown = |screen: &str| screen.contains(PLACEHOLDER);
    terminal.wait("cells of the picture", shown);
    assert_eq!(written(&terminal).matches(KITTY).count(), 1);
    terminal.insist("?", |screen| screen.contains("type to search"));
    terminal.insist("\x1b", |screen| !screen.contains("type to search"));
    terminal.wait("cells of the picture", shown);
    assert_eq!(written(&terminal).matches(KITTY).count(), 1, "the terminal has it");
    terminal.resize(60, 20);
    terminal.wait("a smaller picture", |screen| {
        shown(screen) && screen.lines().all(|line| line.chars().count() <= 200)
    });
    assert_eq!(terminal.quit().exit_code(), 0);
    terminal.drained();
    assert!(written(&terminal).contains("\x1b_Ga=d,"), "the terminal may forget it");
}

#[test]
fn what_is_painted_over_cells_goes_and_comes_back_with_dialogs() {
    let bed = Bed::new("");
    for (way, sequence) in [("sixel", SIXEL), ("iterm2", INLINE)] {
        let config = bed.configured(way);
        let mut terminal = bed.open(&["--config", &config], &[], "the original from");
        let count = |terminal: &Terminal| {
            terminal.whole_frame(|_| ()); // not in the middle of one
            written(terminal).matches(sequence).count()
        };
        assert_eq!(count(&terminal), 1, "{way}");
        terminal.insist("?", |screen| screen.contains("type to search"));
        let cleared = written(&terminal).rfind("\x1b[2J");
        assert!(cleared > written(&terminal).rfind(sequence), "{way}: it is wiped away");
        terminal.insist("\x1b", |screen| !screen.contains("type to search"));
        assert_eq!(count(&terminal), 2, "{way}: and painted again");
        terminal.insist("1", |screen| screen.contains("Delivery URLs ("));
        assert!(written(&terminal).rfind("\x1b[2J") > written(&terminal).rfind(sequence), "{way}");
    }
}

#[test]
fn off_loads_nothing_and_a_key_switches_it_on() {
    let bed = Bed::new("");
    let config = bed.configured("off");
    let mut terminal = bed.open(&["--config", &config], &[], "pictures are switched off");
    terminal.insist("I", |screen| screen.contains("the original from"));
    terminal.wait_for("▀▀▀");
}

/// Bodies that end before their length: a sentence, and the console goes on.
#[test]
fn a_file_that_is_cut_off_is_a_sentence() {
    let bed = Bed::new("[[fault]]\nedge = \"*\"\nkind = \"cut\"\n");
    let mut terminal = bed.open(&[], &[], "closed before");
    terminal.insist("1", |screen| screen.contains("Delivery URLs ("));
}

/// What visitors of a stuck cache see, beside what storage holds.
#[test]
fn a_stuck_cache_still_shows_what_storage_lost() {
    let cloud = CloudProcess::with_scenario(
        "[[fault]]\nedge = \"*\"\nkind = \"stuck\"\n",
        &["--assets", "14"],
    );
    let home = Home::new(cloud.url());
    for path in super::planned(&home, &["rm", HERO]).0 {
        cloud.at_every_edge(&path);
    }
    let mut terminal = super::console(&home, 120, 36);
    terminal.keys("d");
    terminal.wait_for("Press y");
    terminal.keys("y");
    terminal.wait("caches that keep it", |screen| screen.contains("outdated"));
    terminal.insist("o", |screen| screen.contains("and storage"));
    let screen = terminal.wait("both sides", |screen| {
        screen.contains("serves now") && screen.contains("storage holds nothing under this name")
    });
    assert!(screen.contains("▀▀▀"), "the old picture is still served:\n{screen}");
    terminal.insist("\x1b", |screen| !screen.contains("and storage"));
}
