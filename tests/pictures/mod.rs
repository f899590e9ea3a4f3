//! Pictures of the real program in a real pseudo-terminal, on the local cloud: `docs/shoot` makes them again.

mod svg;

use std::path::{Path, PathBuf};

use crate::pty::terminal::Terminal;
use crate::support::cloud::CloudProcess;
use crate::support::home::Home;

const HERO: &str = "press/2026/hero";

/// Every picture, in the order in which they are taken, with a word for whoever cannot see it.
const PICTURES: [(&str, &str); 15] = [
    (
        "assets",
        "The list of assets with the details of one: its delivery URLs and whether a purge reaches them",
    ),
    ("picture", "The picture of an asset in its details, in half blocks"),
    ("find", "Filtering as you type"),
    ("plan", "The plan of a delete: what will be done, what it costs, what it does not reach"),
    (
        "watch",
        "The Watch screen: every cache a row, every delivery URL a column, turning from outdated to cleared",
    ),
    ("map", "The same on the map of the world, with its list of places"),
    ("curve", "The propagation curve: cells clear over time"),
    ("all-clear", "All clear: what was seen, how often, and what may have been missed"),
    ("evidence", "The evidence of one verdict: every sighting of a cell"),
    ("copy", "The copy menu: one key a way"),
    ("jobs", "Jobs: every order with calls to make"),
    ("activity", "Activity: who ordered what, and how it ended"),
    ("help", "The help: searchable, enter runs"),
    ("command", "The command line with its completions"),
    ("small", "The Watch screen in 40 columns and 10 rows"),
];

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// Takes pictures of one console.
struct Camera {
    terminal: Terminal,
    taken: Vec<&'static str>,
}

impl Camera {
    /// Writes what is on screen now, if it has come to rest.
    fn shoot(&mut self, name: &str) {
        let (name, title) =
            PICTURES.into_iter().find(|(known, _)| *known == name).expect("a picture of the list");
        let path = docs().join("pictures").join(format!("{name}.svg"));
        let picture = self.terminal.whole_frame(|screen| svg::of(screen, title));
        std::fs::write(&path, picture).expect("docs/pictures can be written");
        self.taken.push(name);
    }

    fn press(&mut self, keys: &str, brings: &str) {
        self.terminal.keys(keys);
        self.terminal.wait_for(brings);
    }

    /// Leaves what is open.
    fn leave(&mut self, what: &str) {
        self.terminal.insist("\x1b", |screen| !screen.contains(what)); // the innermost thing first
    }
}

/// Share of cells that are clear, as the bar of the Watch screen says it.
fn share(screen: &str) -> Option<u32> {
    let line = screen.lines().find(|line| line.contains('░') || line.contains('█'))?;
    line.split_whitespace().rev().find_map(|word| word.parse().ok())
}

/// Run by `docs/shoot`: it writes into `docs/`.
#[test]
#[ignore = "writes docs/pictures and docs/cheat-sheet.md: run docs/shoot"]
fn shoot() {
    std::fs::create_dir_all(docs().join("pictures")).expect("a folder");
    let sheet = docs().join("cheat-sheet.md");
    std::fs::write(sheet, allclear::app::keymap::cheat_sheet_markdown()).expect("a cheat sheet");

    let cloud = CloudProcess::start(&[
        "--assets",
        "240",
        "--edges",
        "8",
        "--propagation",
        "3s..14s",
        "--seed",
        "7",
    ]);
    let home = Home::new(cloud.url());
    let environment =
        [("CLOUDINARY_URL", home.cloudinary_url.as_str()), ("COLORTERM", "truecolor")];
    let terminal = Terminal::start(118, 32, &["--theme", "dark"], &environment, home.folder.path());
    terminal.wait_for(HERO);
    let mut camera = Camera { terminal, taken: Vec::new() };

    camera.press("\r", "Delivery URLs");
    camera.terminal.wait_for("● purged");
    camera.shoot("assets");
    camera.terminal.insist("5", |screen| screen.contains("the original from"));
    camera.terminal.wait_for("▀▀▀");
    camera.shoot("picture");
    camera.terminal.insist("1", |screen| screen.contains("● purged"));
    camera.leave("Delivery URLs");
    camera.press("/", "esc drop");
    camera.press("shoes", " loaded");
    camera.shoot("find");
    camera.leave("esc drop");
    camera.terminal.insist("g", |screen| screen.contains(HERO));

    // every edge holds a copy, as it would on a day with visitors
    let dry = home.run(&["rm", HERO, "--dry-run", "--json"]).expect(0).events().remove(0);
    for url in dry["watched"].as_array().expect("URLs") {
        cloud.at_every_edge(url["url"].as_str().expect("a URL"));
    }
    camera.press("d", "Press y");
    camera.shoot("plan");
    camera.terminal.keys("y");
    camera.terminal.wait("half of it clear", |screen| {
        screen.contains("outdated") && share(screen).is_some_and(|share| (50..85).contains(&share))
    });
    camera.shoot("watch");
    camera.press("2", "not told");
    camera.shoot("map");
    camera.terminal.wait("all clear", |screen| screen.contains("ALL CLEAR"));
    camera.press("3", "first cell after");
    camera.shoot("curve");
    camera.press("1", "cleared");
    camera.shoot("all-clear");
    camera.press("\r", "Evidence:");
    camera.terminal.wait_for("first  status");
    camera.shoot("evidence");
    camera.leave("Evidence:");
    camera.press("J", "1 over");
    camera.shoot("jobs");
    camera.press("A", "$ allclear rm");
    camera.shoot("activity");
    camera.press("a", "PUBLIC ID");
    camera.press("Y", "line for curl");
    camera.shoot("copy");
    camera.leave("line for curl");
    camera.press("?", "type to search");
    camera.shoot("help");
    camera.leave("type to search");
    camera.press(":", "open <ID");
    camera.press("pu", "purge");
    camera.shoot("command");
    camera.leave(":pu");
    camera.terminal.insist("w", |screen| screen.contains("ALL CLEAR"));
    camera.terminal.resize(40, 10);
    camera.terminal.wait("a small screen", |screen| {
        let fits = screen.lines().all(|line| line.chars().count() <= 40);
        fits && screen.contains("ALL CLEAR") && screen.contains("FRA") // and no news over the rows
    });
    camera.shoot("small");
    camera.press("q", "");

    let mut missing = PICTURES.map(|(name, _)| name).to_vec();
    missing.retain(|name| !camera.taken.contains(name));
    assert_eq!(missing, Vec::<&str>::new(), "pictures that were not taken");
}

#[test]
fn every_picture_is_there_and_used_and_every_link_leads_somewhere() {
    let read = |name: &str| {
        let path = docs().join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
    };
    let pages = [read("tour.md"), read("../README.md").replace("docs/", "")];
    for (name, _) in PICTURES {
        let file = format!("pictures/{name}.svg");
        let picture = read(&file);
        assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"), "{file}");
        assert!(picture.len() < 200_000, "{file} has {} bytes", picture.len());
        assert!(pages.iter().any(|page| page.contains(&file)), "{file} is shown nowhere");
    }
    for page in pages {
        for rest in page.split("](pictures/").skip(1) {
            let name = rest.split(')').next().unwrap_or_default();
            read(&format!("pictures/{name}"));
        }
    }
}

#[test]
fn a_screen_becomes_a_picture() {
    let mut parser = vt100::Parser::new(
        std::num::NonZeroU16::new(2).expect("rows"),
        std::num::NonZeroU16::new(12).expect("columns"),
        0,
    );
    parser.process("\x1b[1;38;2;1;2;3ma<b\x1b[0m █▄ \x1b[7m●\x1b[0m\r\n┌─ ⠁ 写".as_bytes());
    let picture = svg::of(parser.screen(), "two rows & more");
    assert!(picture.contains("<title>two rows &amp; more</title>"), "{picture}");
    assert!(picture.contains(">a&lt;b</text>") && picture.contains("fill=\"#010203\" font-weight"));
    assert_eq!(picture.matches("<path ").count(), 2, "{picture}");
    assert_eq!(picture.matches("r=\"1.3\"").count(), 1, "one dot of braille");
    assert!(picture.contains(">写</text>") && picture.contains("textLength=\"16.8\""), "{picture}");
}
