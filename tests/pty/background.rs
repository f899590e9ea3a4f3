//! Light or dark, and what pictures are drawn with: asked of the terminal once, behind the first frame, and no answer
//! reaches a field or a shell.

use std::time::{Duration, Instant};

use super::HERO;
use super::terminal::{PROGRAM, Terminal};
use crate::support::cloud::CloudProcess;
use crate::support::home::Home;

const QUESTION: &str = "\x1b]11;?\x1b\\";
/// Its name and its attributes, behind that.
const NAME: &str = "\x1b[>0q";
const FENCE: &str = "\x1b[c";
/// Whether it draws kitty's pictures.
const GRAPHICS: &str = "\x1b_Gi=31,";
/// The attributes of a terminal with nothing to speak of.
const PLAIN: &str = "\x1b[?1;2c";
const LIGHT: &str = "\x1b]11;rgb:fdfd/f6f6/e3e3\x1b\\";
const DARK: &str = "\x1b]11;rgb:0000/2b2b/3636\x07";
/// An ink that only the theme for light backgrounds has.
const DARK_INK: &str = "38;2;10;88;176";

struct Bed {
    _cloud: CloudProcess,
    home: Home,
}

impl Bed {
    fn new() -> Self {
        let cloud = CloudProcess::start(&["--assets", "14"]);
        let home = Home::new(cloud.url());
        Self { _cloud: cloud, home }
    }

    /// The console, once it has asked.
    fn open(&self) -> Terminal {
        let terminal = self.start(&[], &[("COLORTERM", "truecolor")]);
        wait_written(&terminal, QUESTION);
        terminal
    }

    fn start(&self, args: &[&str], environment: &[(&str, &str)]) -> Terminal {
        let url = [("CLOUDINARY_URL", self.home.cloudinary_url.as_str())];
        let all: Vec<_> = url.iter().chain(environment).copied().collect();
        let terminal = Terminal::start(100, 30, args, &all, self.home.folder.path());
        terminal.wait_for(HERO);
        terminal
    }
}

fn written(terminal: &Terminal) -> String {
    String::from_utf8_lossy(&terminal.raw()).into_owned()
}

/// Waits for something in what was written, which need not change a character on screen.
fn wait_written(terminal: &Terminal, wanted: &str) {
    let deadline = Instant::now() + super::terminal::PATIENCE;
    while !written(terminal).contains(wanted) {
        assert!(Instant::now() < deadline, "{wanted:?} was never written:\n{}", terminal.screen());
        std::thread::sleep(Duration::from_millis(10)); // between two looks, not a hope
    }
}

#[test]
fn the_question_comes_behind_the_first_frame_and_a_light_terminal_gets_dark_inks() {
    let bed = Bed::new();
    let mut terminal = bed.open();
    let text = written(&terminal);
    let (first_frame, asked) = (text.find("\x1b[?2026l"), text.find(QUESTION));
    assert!(first_frame.is_some() && first_frame < asked, "painted before it asked");
    assert!(!text.contains(DARK_INK));
    terminal.keys(LIGHT);
    wait_written(&terminal, DARK_INK);
    let screen = terminal.whole_frame(vt100::Screen::contents);
    assert!(screen.contains(HERO) && !screen.contains("rgb"), "{screen}");
    // somebody else stopped it, and it asks no second time
    terminal.signal(rustix::process::Signal::STOP);
    terminal.signal(rustix::process::Signal::CONT);
    terminal.insist("?", |screen| screen.contains("keys"));
    assert_eq!(written(&terminal).matches(QUESTION).count(), 1);
}

#[test]
fn a_dark_terminal_keeps_its_own_colours() {
    let bed = Bed::new();
    let mut terminal = bed.open();
    terminal.keys(DARK);
    terminal.keys("T");
    terminal.wait_for("Theme: moving shows it");
    assert!(!written(&terminal).contains(DARK_INK));
    let screen = terminal.screen();
    assert!(!screen.contains("rgb") && !screen.contains("2b2b"), "{screen}");
}

#[test]
fn a_late_answer_and_garbage_reach_no_field() {
    let bed = Bed::new();
    for (answer, is_light) in
        [(LIGHT, true), ("\x1b]11;no such colour\x07", false), ("\x1b]11;?\x1b\\", false)]
    {
        let mut terminal = bed.open();
        terminal.insist("/", |screen| screen.contains("keep"));
        terminal.keys("he");
        terminal.keys(answer);
        terminal.keys("ro");
        let screen = terminal.wait("what was typed", |screen| screen.contains("hero"));
        let line = screen.lines().find(|line| line.contains("/hero") && !line.contains(HERO));
        assert!(line.is_some(), "the field holds what was typed and no more:\n{screen}");
        assert!(!screen.contains("11;") && !screen.contains("colour"), "{screen}");
        if is_light {
            wait_written(&terminal, DARK_INK);
        }
    }
}

#[test]
fn a_mute_terminal_is_waited_for_by_nothing() {
    let bed = Bed::new();
    let mut terminal = bed.open();
    terminal.insist("?", |screen| screen.contains("keys"));
    terminal.keys("\x1b");
    terminal.wait("the list again", |screen| screen.contains(HERO));
    terminal.keys("q");
    assert_eq!(terminal.exit().exit_code(), 0);
}

/// An answer that is on its way while the console is left: the shell reads what was typed to it, and nothing else.
#[test]
fn an_answer_that_comes_after_the_end_reaches_no_shell() {
    let bed = Bed::new();
    let script = r#""$0"; IFS= read -r line; echo "got<$line>""#;
    let environment = [("CLOUDINARY_URL", bed.home.cloudinary_url.as_str())];
    let in_time = (0..9).any(|_| {
        let folder = bed.home.folder.path();
        let mut terminal = Terminal::start_other(
            "/bin/sh",
            100,
            30,
            &["-c", script, PROGRAM],
            &environment,
            folder,
        );
        let cooked = terminal.modes();
        // nothing else is waited for: it was asked with the first frame, long before there are assets
        wait_written(&terminal, QUESTION);
        let asked = Instant::now();
        terminal.keys("q");
        wait_written(&terminal, "\x1b[?1049l");
        terminal.keys(LIGHT);
        // a machine so slow that the wait may be over proves nothing: another try
        let in_time = asked.elapsed() < Duration::from_millis(1_200);
        while terminal.modes() != cooked {
            std::thread::sleep(Duration::from_millis(10)); // between two looks, not a hope
        }
        terminal.keys("typed\r");
        let screen = terminal.wait("the shell", |screen| screen.contains("got<"));
        assert!(!in_time || screen.contains("got<typed>"), "{screen}");
        in_time
    });
    assert!(in_time, "no try was quick enough to say anything");
}

/// What a maintainer asks for: the answers of the terminal, and none of them left to the shell.
#[test]
fn doctor_prints_what_the_terminal_answered() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = r#""$0" doctor --offline; IFS= read -r line; echo "got<$line>""#;
    let mut terminal =
        Terminal::start_other("/bin/sh", 100, 50, &["-c", script, PROGRAM], &[], folder.path());
    let cooked = terminal.modes();
    wait_written(&terminal, QUESTION);
    wait_written(&terminal, "\x1b[c");
    terminal.keys(&format!("{LIGHT}\x1bP>|teletype(1)\x1b\\\x1b[?64;1c"));
    let screen =
        terminal.wait("its findings", |screen| screen.contains("light (rgb:fdfd/f6f6/e3e3)"));
    assert!(screen.contains("as teletype(1)"), "{screen}");
    assert!(screen.contains("no sixels (attributes 64;1)"), "{screen}");
    while terminal.modes() != cooked {
        std::thread::sleep(Duration::from_millis(10)); // between two looks, not a hope
    }
    terminal.keys("typed\r");
    let screen = terminal.wait("the shell", |screen| screen.contains("got<"));
    assert!(screen.contains("got<typed>"), "{screen}");
    // told so it asks nothing
    let mut quiet =
        Terminal::start(100, 50, &["doctor", "--offline", "--no-query"], &[], folder.path());
    quiet.exit();
    quiet.drained();
    let text = written(&quiet);
    assert!(!text.contains(QUESTION) && !text.contains("\x1b[c"), "{}", quiet.screen());
}

/// The details of the first asset at their picture, and what was written until it says `wanted`.
fn at_its_picture(terminal: &mut Terminal, wanted: &str) -> String {
    terminal.insist("\r", |screen| screen.contains("Headers"));
    terminal.insist("5", |screen| screen.contains("the original from"));
    wait_written(terminal, wanted);
    written(terminal)
}

#[test]
fn pictures_go_by_what_the_terminal_answers() {
    let bed = Bed::new();
    let asked_for_pictures = |terminal: &Terminal| {
        wait_written(terminal, FENCE);
        let text = written(terminal);
        assert!(text.find("\x1b[?2026l") < text.find(NAME), "painted before it asked");
        assert!(!text.contains(GRAPHICS), "a question that some would show");
    };
    // sixels are among the attributes
    let mut terminal = bed.open();
    asked_for_pictures(&terminal);
    terminal.keys("\x1bP>|some(1)\x1b\\\x1b[?62;4;22c");
    at_its_picture(&mut terminal, "\x1bP0;1;0q");
    assert!(!written(&terminal).contains(GRAPHICS));
    drop(terminal);
    // kitty says that it is, and is asked then
    let mut terminal = bed.open();
    asked_for_pictures(&terminal);
    terminal.keys("\x1bP>|kitty(0.40.0)\x1b\\\x1b[?62;52c");
    wait_written(&terminal, GRAPHICS);
    terminal.keys("\x1b_Gi=31;OK\x1b\\\x1b[?62;52c");
    let text = at_its_picture(&mut terminal, "a=T,U=1,f=100");
    assert!(!terminal.screen().contains("i=31") && !terminal.screen().contains(";OK"), "{text:?}");
    drop(terminal);
    // an answer beats the environment
    let mut terminal = bed.start(&[], &[("COLORTERM", "truecolor"), ("TERM", "foot")]);
    asked_for_pictures(&terminal);
    terminal.keys(PLAIN);
    let text = at_its_picture(&mut terminal, "▀▀▀");
    assert!(!text.contains("\x1bP0;1;0q"));
    drop(terminal);
    // and the configuration beats both
    let path = bed.home.folder.path().join("said.toml");
    std::fs::write(&path, "pictures = \"half-blocks\"\ntheme = \"dark\"\n").expect("a file");
    let path = path.display().to_string();
    let mut terminal = bed.start(&["--config", &path], &[("COLORTERM", "truecolor")]);
    let text = at_its_picture(&mut terminal, "▀▀▀");
    assert!(!text.contains(FENCE), "nothing is left to ask");
}

/// What was typed before and after an answer, and in the middle of it, is in the field; the answer is not.
#[test]
fn the_answers_about_pictures_reach_no_field() {
    let bed = Bed::new();
    let mut terminal = bed.open();
    wait_written(&terminal, FENCE);
    terminal.insist("/", |screen| screen.contains("keep"));
    for piece in ["h", "\x1bP>|kit", "ty(0.40.0)\x1b\\", "e\x1b[?62;", "52c", "r"] {
        terminal.keys(piece);
    }
    wait_written(&terminal, GRAPHICS);
    terminal.keys("\x1b_Gi=31;ENOTSUP");
    terminal.keys("ED:none\x1b\\\x1b[?62;52co");
    let screen = terminal.wait("what was typed", |screen| screen.contains("/hero"));
    for part in ["kit", "62;", "i=31", "ENOT"] {
        assert!(!screen.contains(part), "{part}:\n{screen}");
    }
}

/// A terminal that has answered what every terminal answers owes nothing: leaving waits for no more.
#[test]
fn the_last_answer_ends_the_wait_at_the_end() {
    let bed = Bed::new();
    let quick = (0..9).any(|_| {
        let mut terminal = bed.open();
        wait_written(&terminal, FENCE);
        let asked = Instant::now();
        terminal.keys(PLAIN);
        terminal.keys("q");
        assert_eq!(terminal.exit().exit_code(), 0);
        asked.elapsed() < Duration::from_millis(1_500) // without it would be two seconds at least
    });
    assert!(quick, "it waited every time");
}

/// On a line so slow that the answer comes long after the question: it is still taken out when the console is left.
#[test]
fn an_answer_that_is_owed_is_waited_for_a_little_however_late() {
    let bed = Bed::new();
    let script = r#""$0"; IFS= read -r line; echo "got<$line>""#;
    let environment = [("CLOUDINARY_URL", bed.home.cloudinary_url.as_str())];
    let in_time = (0..9).any(|_| {
        let folder = bed.home.folder.path();
        let args = ["-c", script, PROGRAM];
        let mut terminal = Terminal::start_other("/bin/sh", 100, 30, &args, &environment, folder);
        let cooked = terminal.modes();
        wait_written(&terminal, FENCE);
        let asked = Instant::now();
        terminal.wait_for(HERO);
        while asked.elapsed() < Duration::from_millis(2_100) {
            std::thread::sleep(Duration::from_millis(20)); // the question has to be old
        }
        terminal.keys("q");
        wait_written(&terminal, "\x1b[?1049l");
        let left = Instant::now();
        terminal.keys(&format!("{LIGHT}{PLAIN}"));
        // a machine so slow that the wait may be over proves nothing: another try
        let in_time = left.elapsed() < Duration::from_millis(50);
        while terminal.modes() != cooked {
            std::thread::sleep(Duration::from_millis(10)); // between two looks, not a hope
        }
        terminal.keys("typed\r");
        let screen = terminal.wait("the shell", |screen| screen.contains("got<"));
        let clean = screen.contains("got<typed>");
        in_time && clean
    });
    assert!(in_time, "the answer reached the shell every time");
}

#[test]
fn nobody_is_asked_where_the_answer_decides_nothing_or_would_be_shown() {
    let bed = Bed::new();
    let ask = |args: &[&str], environment: &[(&str, &str)]| {
        let mut terminal = bed.start(args, environment);
        terminal.insist("?", |screen| screen.contains("keys"));
        assert!(!written(&terminal).contains(QUESTION), "{args:?} {environment:?}");
    };
    ask(&["--theme", "dark"], &[]);
    ask(&["--no-query"], &[]);
    let quiet = bed.start(&["--no-query"], &[]);
    assert!(!written(&quiet).contains(FENCE) && !written(&quiet).contains(NAME));
    ask(&[], &[("TERM", "vt220")]);
}
