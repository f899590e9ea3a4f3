//! A screen of the terminal emulator as an SVG: small, sharp at every size, the same bytes for the same cells.
//!
//! Lines, bars and dots are drawn as shapes, so that they join whatever font the reader has; text is placed by column.

use std::fmt::Write as _;

use vt100::{Cell, Color, Screen};

/// A cell in pixels, and the size of its letters.
const WIDE: f32 = 8.4;
const HIGH: f32 = 18.0;
const LETTERS: f32 = 14.0;
/// Around the screen; above it the bar of the window.
const EDGE: f32 = 14.0;
const BAR: f32 = 30.0;

/// Ground and ink of a terminal that says nothing of its own.
const GROUND: Rgb = (0x14, 0x17, 0x1d);
const INK: Rgb = (0xd6, 0xda, 0xe2);
/// The sixteen colours of the terminal in the picture.
const SIXTEEN: [Rgb; 16] = [
    (0x21, 0x25, 0x2d),
    (0xff, 0x7a, 0x70),
    (0x6f, 0xd0, 0x8c),
    (0xf0, 0xc0, 0x5a),
    (0x7c, 0xb7, 0xff),
    (0xc9, 0x9b, 0xff),
    (0x62, 0xcf, 0xcf),
    (0xd6, 0xda, 0xe2),
    (0x86, 0x8f, 0xa1),
    (0xff, 0x9b, 0x93),
    (0x93, 0xe0, 0xaa),
    (0xf7, 0xd6, 0x8a),
    (0xa5, 0xcd, 0xff),
    (0xdc, 0xc0, 0xff),
    (0x90, 0xe0, 0xe0),
    (0xff, 0xff, 0xff),
];

type Rgb = (u8, u8, u8);

/// How a run of cells looks.
#[derive(Clone, Copy, PartialEq)]
struct Look {
    ink: Rgb,
    ground: Rgb,
    bold: bool,
    italic: bool,
    underline: bool,
}

fn rgb(colour: Color, usual: Rgb) -> Rgb {
    match colour {
        Color::Default => usual,
        Color::Rgb(r, g, b) => (r, g, b),
        Color::Idx(at @ 0..=15) => SIXTEEN[usize::from(at)],
        Color::Idx(at @ 232..) => [8 + (at - 232) * 10; 3].into(),
        Color::Idx(at) => {
            let step = |part: u8| if part == 0 { 0 } else { 55 + part * 40 };
            let at = at - 16;
            (step(at / 36), step(at / 6 % 6), step(at % 6))
        }
    }
}

/// Halfway to the ground.
fn faint(ink: Rgb, ground: Rgb) -> Rgb {
    let mix = |a: u8, b: u8| u8::try_from((u16::from(a) * 3 + u16::from(b) * 2) / 5).unwrap_or(a);
    (mix(ink.0, ground.0), mix(ink.1, ground.1), mix(ink.2, ground.2))
}

fn look(cell: &Cell) -> Look {
    let (mut ink, mut ground) = (rgb(cell.fgcolor(), INK), rgb(cell.bgcolor(), GROUND));
    if cell.inverse() {
        std::mem::swap(&mut ink, &mut ground);
    }
    if cell.dim() {
        ink = faint(ink, ground);
    }
    Look { ink, ground, bold: cell.bold(), italic: cell.italic(), underline: cell.underline() }
}

fn hex((r, g, b): Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The screen as one picture, with a word for whoever cannot see it.
pub fn of(screen: &Screen, title: &str) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let width = f32::from(columns) * WIDE + 2.0 * EDGE;
    let height = f32::from(rows) * HIGH + EDGE + BAR + 4.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\">\n\
         <title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"9\" fill=\"{}\" stroke=\"#49505e\"/>\n",
        escaped(title),
        hex(GROUND)
    );
    for (at, colour) in ["#ff7a70", "#f0c05a", "#6fd08c"].iter().enumerate() {
        let x = EDGE + 6.0 + 18.0 * f32::from(u8::try_from(at).unwrap_or(0));
        let _ = writeln!(out, "<circle cx=\"{x:.0}\" cy=\"15\" r=\"5.5\" fill=\"{colour}\"/>");
    }
    let _ = writeln!(
        out,
        "<g transform=\"translate({EDGE} {BAR})\" font-family=\"ui-monospace, 'DejaVu Sans Mono', \
         Menlo, Consolas, monospace\" font-size=\"{LETTERS}\" xml:space=\"preserve\">"
    );
    for row in 0..rows {
        line(&mut out, screen, row, columns);
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// One row: grounds first, then shapes and letters.
fn line(out: &mut String, screen: &Screen, row: u16, columns: u16) {
    let cells: Vec<(u16, &Cell)> = (0..columns)
        .filter_map(|column| Some((column, screen.cell(row, column)?)))
        .filter(|(_, cell)| !cell.is_wide_continuation())
        .collect();
    let y = f32::from(row) * HIGH;
    let span = |cell: &Cell| if cell.is_wide() { 2 } else { 1 };
    let mut grounds: Vec<(u16, u16, Rgb)> = Vec::new();
    for (column, cell) in &cells {
        let ground = look(cell).ground;
        match grounds.last_mut() {
            Some((_, end, of)) if *end == *column && *of == ground => *end += span(cell),
            _ => grounds.push((*column, column + span(cell), ground)),
        }
    }
    for (from, to, ground) in grounds.iter().filter(|(.., ground)| *ground != GROUND) {
        area(out, x_of(*from), y, f32::from(to - from) * WIDE, HIGH, *ground, 1.0);
    }
    let mut words: Vec<(u16, u16, Look, String)> = Vec::new();
    for (column, cell) in &cells {
        let (text, look) = (cell.contents(), look(cell));
        if text.trim().is_empty() && !look.underline {
            continue;
        }
        if shape(out, text, x_of(*column), y, look.ink) {
            continue;
        }
        let plain = text.is_ascii();
        match words.last_mut() {
            Some((_, end, of, word))
                if plain && word.is_ascii() && *of == look && column.saturating_sub(*end) < 2 =>
            {
                // one blank between two words of the same look stays within the run
                word.extend(std::iter::repeat_n(' ', usize::from(*column - *end)));
                word.push_str(text);
                *end = column + 1;
            }
            _ => words.push((*column, column + span(cell), look, text.to_owned())),
        }
    }
    for (from, to, look, word) in words {
        let mut style = String::new();
        for (wanted, attribute) in [
            (look.bold, " font-weight=\"bold\""),
            (look.italic, " font-style=\"italic\""),
            (look.underline, " text-decoration=\"underline\""),
        ] {
            style.push_str(if wanted { attribute } else { "" });
        }
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{}\"{style} textLength=\"{:.1}\" \
             lengthAdjust=\"spacingAndGlyphs\">{}</text>",
            x_of(from),
            y + 13.5,
            hex(look.ink),
            f32::from(to - from) * WIDE,
            escaped(&word)
        );
    }
}

fn x_of(column: u16) -> f32 {
    f32::from(column) * WIDE
}

fn area(out: &mut String, x: f32, y: f32, width: f32, height: f32, fill: Rgb, opacity: f32) {
    let seen = if opacity < 1.0 { format!(" fill-opacity=\"{opacity}\"") } else { String::new() };
    let fill = hex(fill);
    let _ = writeln!(
        out,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{fill}\"{seen}/>"
    );
}

/// Draws what is a shape rather than a letter; whether it was one.
fn shape(out: &mut String, text: &str, x: f32, y: f32, ink: Rgb) -> bool {
    let mut chars = text.chars();
    let (Some(c), None) = (chars.next(), chars.next()) else { return false };
    let (middle, half) = (x + WIDE / 2.0, y + HIGH / 2.0);
    let (right, bottom) = (x + WIDE, y + HIGH);
    let mut path = |d: String| {
        let ink = hex(ink);
        let _ = writeln!(out, "<path d=\"{d}\" stroke=\"{ink}\" fill=\"none\"/>");
    };
    match c {
        '█' => area(out, x, y, WIDE + 0.3, HIGH, ink, 1.0),
        '▀' => area(out, x, y, WIDE + 0.3, HIGH / 2.0, ink, 1.0),
        '░' => area(out, x, y + 3.0, WIDE + 0.3, HIGH - 6.0, ink, 0.45),
        '▁'..='▇' => {
            let part = (u32::from(c) - 0x2580) as f32 / 8.0;
            area(out, x, bottom - HIGH * part, WIDE + 0.3, HIGH * part, ink, 1.0);
        }
        '─' => path(format!("M{x:.1} {half:.1}H{right:.1}")),
        '│' | '┃' => path(format!("M{middle:.1} {y:.1}V{bottom:.1}")),
        '┌' => path(format!("M{right:.1} {half:.1}H{middle:.1}V{bottom:.1}")),
        '┐' => path(format!("M{x:.1} {half:.1}H{middle:.1}V{bottom:.1}")),
        '└' => path(format!("M{right:.1} {half:.1}H{middle:.1}V{y:.1}")),
        '┘' => path(format!("M{x:.1} {half:.1}H{middle:.1}V{y:.1}")),
        '├' => path(format!("M{middle:.1} {y:.1}V{bottom:.1}M{middle:.1} {half:.1}H{right:.1}")),
        '┤' => path(format!("M{middle:.1} {y:.1}V{bottom:.1}M{middle:.1} {half:.1}H{x:.1}")),
        '\u{2800}'..='\u{28ff}' => dots(out, u32::from(c) - 0x2800, x, y, ink),
        _ => return false,
    }
    true
}

/// Braille, dot by dot.
fn dots(out: &mut String, bits: u32, x: f32, y: f32, ink: Rgb) {
    /// Column and row of each bit.
    const PLACES: [(f32, f32); 8] = [
        (0.0, 0.0),
        (0.0, 1.0),
        (0.0, 2.0),
        (1.0, 0.0),
        (1.0, 1.0),
        (1.0, 2.0),
        (0.0, 3.0),
        (1.0, 3.0),
    ];
    let ink = hex(ink);
    for (bit, (column, row)) in PLACES.iter().enumerate() {
        if bits & (1 << bit) != 0 {
            let (cx, cy) = (x + WIDE * (0.25 + 0.5 * column), y + HIGH * (0.125 + 0.25 * row));
            let _ =
                writeln!(out, "<circle cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"1.3\" fill=\"{ink}\"/>");
        }
    }
}
