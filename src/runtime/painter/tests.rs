//! The bytes are replayed through a terminal emulator, and every cell is compared with the frame.

use std::num::NonZero;

use proptest::prelude::*;
use proptest::sample::select;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::Painter;
use crate::ui::pen::Link;

/// A terminal and the painter that knows what it shows.
struct Bench {
    terminal: vt100::Parser,
    painter: Painter,
}

impl Bench {
    fn new(width: u16, height: u16, term: &str) -> Self {
        let mut terminal = vt100::Parser::new(size(height), size(width), 0);
        terminal.process(b"\x1b[?1049h\x1b[?25l\x1b[?7l");
        Self { terminal, painter: Painter::new(term) }
    }

    /// Shows a frame and compares; the bytes it took.
    fn show(&mut self, frame: &Buffer, cursor: Option<(u16, u16)>) -> usize {
        let picture = self.painter.take(frame, &[]);
        let bytes = self.painter.paint(picture, cursor);
        self.terminal.process(&bytes);
        let screen = self.terminal.screen();
        assert_same(frame, screen, &bytes);
        assert_eq!(screen.hide_cursor(), cursor.is_none());
        if let Some((x, y)) = cursor {
            assert_eq!(screen.cursor_position(), (y, x), "{:?}", String::from_utf8_lossy(&bytes));
        }
        bytes.len()
    }

    fn resize(&mut self, width: u16, height: u16) {
        self.terminal.screen_mut().set_size(size(height), size(width));
        self.painter.forget();
    }
}

fn size(cells: u16) -> NonZero<u16> {
    NonZero::new(cells).unwrap()
}

/// What a colour is for the terminal.
fn colour(colour: Color) -> vt100::Color {
    match colour {
        Color::Reset => vt100::Color::Default,
        Color::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
        Color::Indexed(n) => vt100::Color::Idx(n),
        Color::Red => vt100::Color::Idx(1),
        Color::Cyan => vt100::Color::Idx(6),
        Color::DarkGray => vt100::Color::Idx(8),
        Color::White => vt100::Color::Idx(15),
        other => panic!("{other:?} is not among those tried"),
    }
}

fn assert_same(frame: &Buffer, screen: &vt100::Screen, bytes: &[u8]) {
    let said = || String::from_utf8_lossy(bytes).into_owned();
    let mut continued = false;
    for (at, cell) in frame.content.iter().enumerate() {
        let (x, y) = frame.pos_of(at);
        if std::mem::take(&mut continued) && x > 0 {
            continue; // covered by the wide character before it
        }
        let shown = screen.cell(y, x).unwrap();
        let wide = unicode_width::UnicodeWidthStr::width(cell.symbol());
        let fits = (1..=2).contains(&wide) && usize::from(x) + wide <= frame.area.width.into();
        let symbol = if fits { cell.symbol() } else { " " };
        let contents = if shown.has_contents() { shown.contents() } else { " " };
        assert_eq!(contents, symbol, "at {x},{y}: {:?}", said());
        continued = fits && wide == 2;
        let modifier = cell.modifier;
        let seen = (shown.inverse(), shown.underline());
        let wanted =
            (modifier.contains(Modifier::REVERSED), modifier.contains(Modifier::UNDERLINED));
        assert_eq!(seen, wanted, "at {x},{y}: {:?}", said());
        assert_eq!(shown.bgcolor(), colour(cell.bg), "at {x},{y}: {:?}", said());
        if symbol != " " || wanted != (false, false) {
            assert_eq!(shown.fgcolor(), colour(cell.fg), "at {x},{y}: {:?}", said());
            assert_eq!(
                shown.italic(),
                modifier.contains(Modifier::ITALIC),
                "{x},{y}: {:?}",
                said()
            );
            let both = Modifier::BOLD | Modifier::DIM; // the emulator knows one of them at a time
            let wanted = (modifier.contains(Modifier::BOLD), modifier.contains(Modifier::DIM));
            if !modifier.contains(both) {
                assert_eq!((shown.bold(), shown.dim()), wanted, "at {x},{y}: {:?}", said());
            }
        }
    }
}

fn style() -> impl Strategy<Value = Style> {
    let colours = || {
        select(vec![
            Color::Reset,
            Color::Reset,
            Color::Red,
            Color::Cyan,
            Color::DarkGray,
            Color::White,
            Color::Indexed(200),
            Color::Rgb(1, 20, 255),
        ])
    };
    let modifiers = select(vec![
        Modifier::empty(),
        Modifier::empty(),
        Modifier::BOLD,
        Modifier::DIM,
        Modifier::ITALIC,
        Modifier::REVERSED,
        Modifier::UNDERLINED,
        Modifier::BOLD.union(Modifier::REVERSED),
        Modifier::DIM.union(Modifier::UNDERLINED).union(Modifier::ITALIC),
    ]);
    (colours(), colours(), modifiers)
        .prop_map(|(fg, bg, modifier)| Style::new().fg(fg).bg(bg).add_modifier(modifier))
}

fn text() -> impl Strategy<Value = String> {
    let symbols = select(vec![
        "a",
        "b",
        "/",
        "0",
        " ",
        " ",
        "  ",
        "            ",
        "press/2026/",
        "ü",
        "●",
        "▲",
        "│",
        "漢",
        "字",
        "ｱ",
        "e\u{301}",
        "🎉",
        "⚠\u{fe0f}",
        "\u{200b}",
        "\u{7}",
    ]);
    prop::collection::vec(symbols, 1..12).prop_map(|parts| parts.concat())
}

/// What happens between two frames.
#[derive(Debug, Clone)]
enum Step {
    /// Text is written somewhere.
    Write(u16, u16, String, Style),
    /// An area is tinted.
    Tint(u16, u16, u16, u16, Style),
    /// Rows move by so many.
    Scroll(u16, u16, i16),
    /// A single cell, set without regard to its neighbours.
    Cell(u16, u16, String),
    Resize(u16, u16),
    /// A frame is drawn.
    Show(Option<(u16, u16)>),
}

fn step() -> impl Strategy<Value = Step> {
    let at = || (0_u16..90, 0_u16..30);
    prop_oneof![
        6 => (at(), text(), style()).prop_map(|((x, y), text, style)| Step::Write(x, y, text, style)),
        2 => (at(), 0_u16..90, 0_u16..4, style())
            .prop_map(|((x, y), width, height, style)| Step::Tint(x, y, width, height, style)),
        3 => (0_u16..30, 0_u16..30, -5_i16..6).prop_map(|(top, bottom, by)| Step::Scroll(top, bottom, by)),
        1 => (at(), select(vec!["x", "漢", "", "ab"]))
            .prop_map(|((x, y), symbol)| Step::Cell(x, y, symbol.to_owned())),
        1 => (1_u16..90, 1_u16..30).prop_map(|(width, height)| Step::Resize(width, height)),
        6 => prop::option::of(at()).prop_map(Step::Show),
    ]
}

/// Moves rows of a frame as a list does that scrolls; rows that come in hold something new.
fn scroll(frame: &mut Buffer, top: u16, bottom: u16, by: i16) {
    let area = frame.area;
    let (top, bottom) = (top.min(area.height), bottom.min(area.height));
    let before = frame.clone();
    for y in top..bottom {
        let from = y.checked_add_signed(by).filter(|from| (top..bottom).contains(from));
        for x in 0..area.width {
            frame[(x, y)] = match from {
                Some(from) => before[(x, from)].clone(),
                None => Cell::new("n"),
            };
        }
    }
}

fn play(width: u16, height: u16, term: &str, steps: &[Step]) {
    let mut bench = Bench::new(width, height, term);
    let mut frame = Buffer::empty(Rect::new(0, 0, width, height));
    for step in steps {
        let area = frame.area;
        match step {
            Step::Write(x, y, text, style) if area.contains((*x, *y).into()) => {
                frame.set_stringn(*x, *y, text, usize::from(area.width), *style);
            }
            Step::Tint(x, y, width, height, style) => {
                frame.set_style(Rect::new(*x, *y, *width, *height).intersection(area), *style);
            }
            Step::Scroll(top, bottom, by) => scroll(&mut frame, *top, *bottom, *by),
            Step::Cell(x, y, symbol) if area.contains((*x, *y).into()) && symbol.len() != 2 => {
                frame[(*x, *y)].set_symbol(symbol);
            }
            Step::Resize(width, height) => {
                bench.resize(*width, *height);
                frame.resize(Rect::new(0, 0, *width, *height));
            }
            Step::Show(cursor) => {
                let cursor = cursor.filter(|at| area.contains((*at).into()));
                bench.show(&frame, cursor);
                assert_eq!(bench.show(&frame, cursor), 0, "an unchanged frame is no bytes");
            }
            Step::Write(..) | Step::Cell(..) => {}
        }
    }
    bench.show(&frame, None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_terminal_shows_every_cell_of_every_frame(
        width in 1_u16..90,
        height in 1_u16..30,
        term in select(vec!["xterm-256color", "tmux-256color", "screen", "rxvt-unicode"]),
        steps in prop::collection::vec(step(), 1..40),
    ) {
        play(width, height, term, &steps);
    }
}

/// A list of names with its cursor on a row, as the console draws it.
fn list(first: usize, cursor: u16) -> Buffer {
    let mut frame = Buffer::empty(Rect::new(0, 0, 120, 36));
    frame.set_string(0, 0, "allclear  Assets  Pending", Style::new());
    frame.set_string(0, 35, "j k move", Style::new());
    for y in 4..35 {
        let n = first + usize::from(y);
        frame.set_string(
            4,
            y,
            format!("press/2026/autumn/hero-{:06}", n * 7919 % 1_000_003),
            Style::new(),
        );
        frame.set_string(80, y, format!("image  jpg   {}d", n % 9), Style::new().dim());
        if y == cursor {
            frame.set_style(Rect::new(0, y, 119, 1), Style::new().reversed());
        }
    }
    frame
}

#[test]
fn a_step_at_the_end_of_the_page_costs_two_rows_and_not_all() {
    let mut bench = Bench::new(120, 36, "tmux-256color");
    bench.show(&list(0, 34), None);
    let down = bench.show(&list(1, 34), None);
    assert!(down < 200, "{down} bytes");
    let back = bench.show(&list(0, 34), None);
    assert!(back < 400, "{back} bytes");
    bench.show(&list(0, 4), None);
    let page = bench.show(&list(3, 4), None);
    assert!(page < 500, "{page} bytes");
}

#[test]
fn a_step_of_the_cursor_costs_two_rows_without_their_gaps() {
    let step = |term| {
        let mut bench = Bench::new(120, 36, term);
        bench.show(&list(0, 10), None);
        bench.show(&list(0, 11), None)
    };
    let (known, unknown) = (step("tmux-256color"), step("xterm-256color"));
    assert!(known < 170 && known + 40 < unknown, "{known} of {unknown} bytes");
}

#[test]
fn addresses_are_opened_and_closed_and_move_with_their_rows() {
    let mut painter = Painter::new("xterm");
    let mut frame = Buffer::empty(Rect::new(0, 0, 30, 3));
    frame.set_string(0, 0, "abcdef", Style::new());
    let link = |x, url: &str| Link { x, y: 0, width: 2, url: url.to_owned() };
    let mut sent = |links: &[Link]| {
        let picture = painter.take(&frame, links);
        String::from_utf8(painter.paint(picture, None)).unwrap()
    };
    let first = sent(&[link(1, "http://h/a")]);
    assert_eq!(first, "\x1b[m\x1b[2J\x1b[Ha\x1b]8;;http://h/a\x1b\\bc\x1b]8;;\x1b\\def");
    assert_eq!(sent(&[link(1, "http://h/a")]), "");
    let other = sent(&[link(1, "http://h/b")]);
    assert_eq!(
        other,
        "\r\x1b[C\x1b]8;;http://h/b\x1b\\bc\x1b]8;;\x1b\\".replace("\r\x1b[C", "\x1b[5D")
    );
    assert_eq!(sent(&[]), "\x08\x08bc");
    assert_eq!(sent(&[link(1, "javascript:x")]), "", "no plain address, no link");
}

#[test]
fn what_was_forgotten_is_written_whole() {
    let mut bench = Bench::new(20, 4, "xterm");
    let mut frame = Buffer::empty(Rect::new(0, 0, 20, 4));
    frame.set_string(2, 1, "here", Style::new().bold());
    let whole = bench.show(&frame, Some((3, 1)));
    assert_eq!(bench.show(&frame, Some((3, 1))), 0);
    bench.terminal.process(b"\x1b[3;3Hscribbled by somebody else");
    bench.painter.forget();
    assert_eq!(bench.show(&frame, Some((3, 1))), whole - "\x1b[?25h".len());
}
