//! What every theme keeps: readable roles, states that stay apart for eyes that mix colours up, and shapes and words
//! that tell them apart without any colour.

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::pen::Pen;
use super::theme::{ASCII, Depth, Ground, Role, Theme, UNICODE};
use super::theme_file::{AUTO, BUILT_IN, Themes, auto_theme};
use super::widgets::verdict::face_of;
use crate::domain::verdict::Verdict;

type Rgb = [f64; 3];

/// Usual values of the sixteen on a dark ground.
const DARK: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 49, 49),
    (13, 188, 121),
    (229, 229, 16),
    (36, 114, 200),
    (188, 63, 188),
    (17, 168, 205),
    (204, 204, 204),
    (118, 118, 118),
    (241, 76, 76),
    (35, 209, 139),
    (245, 245, 67),
    (59, 142, 234),
    (214, 112, 214),
    (41, 184, 219),
    (242, 242, 242),
];
/// Those of a terminal that is light, GNOME's.
const LIGHT: [(u8, u8, u8); 16] = [
    (23, 20, 33),
    (192, 28, 40),
    (38, 162, 105),
    (162, 115, 76),
    (18, 72, 139),
    (163, 71, 186),
    (42, 161, 179),
    (208, 207, 204),
    (94, 92, 100),
    (246, 97, 81),
    (51, 209, 122),
    (233, 173, 12),
    (42, 123, 222),
    (192, 97, 203),
    (51, 199, 222),
    (255, 255, 255),
];

/// Solarized, whose bright colours are greys and whose eighth is its own dark ground (ethanschoonover.com/solarized).
const SOLARIZED: [(u8, u8, u8); 16] = [
    (7, 54, 66),
    (220, 50, 47),
    (133, 153, 0),
    (181, 137, 0),
    (38, 139, 210),
    (211, 54, 130),
    (42, 161, 152),
    (238, 232, 213),
    (0, 43, 54),
    (203, 75, 22),
    (88, 110, 117),
    (101, 123, 131),
    (131, 148, 150),
    (108, 113, 196),
    (147, 161, 161),
    (253, 246, 227),
];

fn value(colour: Color, sixteen: &[(u8, u8, u8); 16]) -> Option<(u8, u8, u8)> {
    let at = match colour {
        Color::Rgb(r, g, b) => return Some((r, g, b)),
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
        Color::Reset | Color::Indexed(_) => return None,
    };
    Some(sixteen[at])
}

fn linear((r, g, b): (u8, u8, u8)) -> Rgb {
    [r, g, b].map(|byte| {
        let share = f64::from(byte) / 255.0;
        if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    })
}

/// WCAG 2: contrast ratio of two colours.
fn contrast(one: (u8, u8, u8), other: (u8, u8, u8)) -> f64 {
    let luminance = |colour| {
        let [r, g, b] = linear(colour);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (one, other): (f64, f64) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// Machado, Oliveira and Fernandes 2009, severity 1: protanopia, deuteranopia, tritanopia.
const DEFICIENCIES: [(&str, [Rgb; 3]); 3] = [
    (
        "protanopia",
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
    ),
    (
        "deuteranopia",
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
    ),
    (
        "tritanopia",
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ),
];

/// A colour as somebody with a deficiency sees it, in CIE Lab.
fn seen(colour: (u8, u8, u8), deficiency: &[Rgb; 3]) -> Rgb {
    let from = linear(colour);
    let dot = |row: &Rgb| row.iter().zip(&from).map(|(a, b)| a * b).sum::<f64>().clamp(0.0, 1.0);
    let [red, green, blue] = [dot(&deficiency[0]), dot(&deficiency[1]), dot(&deficiency[2])];
    let x = 0.412_456_4 * red + 0.357_576_1 * green + 0.180_437_5 * blue;
    let y = 0.212_672_9 * red + 0.715_152_2 * green + 0.072_175 * blue;
    let z = 0.019_333_9 * red + 0.119_192 * green + 0.950_304_1 * blue;
    let root = |t: f64| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
    let (x, y, z) = (root(x / 0.950_47), root(y), root(z / 1.088_83));
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

fn distance(one: Rgb, other: Rgb) -> f64 {
    one.iter().zip(&other).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// Foreground and background of a role as it is drawn on the screen's own ground.
fn drawn(theme: &Theme, role: Role, over: Style) -> (Option<Color>, Option<Color>) {
    let ground = theme[Role::Text];
    let style = ground.patch(theme[role]).patch(over);
    if style.add_modifier.contains(Modifier::REVERSED) {
        (style.bg, style.fg)
    } else {
        (style.fg, style.bg)
    }
}

/// Lines and empty bars are no text.
const fn least(role: Role) -> f64 {
    match role {
        Role::Border | Role::BarRest => 1.4,
        _ => 4.5,
    }
}

fn themes() -> impl Iterator<Item = Theme> {
    BUILT_IN.iter().map(|(name, _)| {
        let (theme, warnings) = Themes::built_in().get(name);
        assert_eq!(warnings, Vec::<String>::new(), "{name}");
        theme
    })
}

#[test]
fn there_are_enough_and_each_says_what_it_is_for() {
    assert!(BUILT_IN.len() >= 10);
    let all = Themes::built_in();
    let abouts: BTreeSet<_> = all.names().map(|name| all.about(name).to_owned()).collect();
    assert_eq!(abouts.len(), BUILT_IN.len(), "{abouts:?}");
    assert!(abouts.iter().all(|about| !about.is_empty()));
}

#[test]
fn every_role_is_readable_on_its_background() {
    let mut faults = Vec::new();
    for theme in themes().filter(|theme| theme[Role::Text].bg.is_some()) {
        for role in Role::ALL {
            let (fg, bg) = drawn(&theme, *role, Style::new());
            let (fg, bg) = (fg.unwrap(), bg.unwrap());
            let ratio = contrast(value(fg, &DARK).unwrap(), value(bg, &DARK).unwrap());
            if ratio < least(*role) {
                faults.push(format!("{}: {} {ratio:.1}", theme.name, role.as_str()));
            }
        }
        // the cursor lies over every other role
        for role in [Role::Text, Role::Cleared, Role::Outdated, Role::Unknown, Role::Dim] {
            for cursor in [Role::Cursor, Role::CursorAway] {
                let (fg, bg) = drawn(&theme, role, theme[cursor]);
                let ratio = contrast(
                    value(fg.unwrap(), &DARK).unwrap(),
                    value(bg.unwrap(), &DARK).unwrap(),
                );
                if ratio < 3.0 {
                    let (name, on) = (&theme.name, cursor.as_str());
                    faults.push(format!("{name}: {} on {on} {ratio:.1}", role.as_str()));
                }
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn the_terminals_own_colours_are_readable_on_black_and_on_white() {
    for theme in themes().filter(|theme| theme[Role::Text].bg.is_none()) {
        let grounds = [(&DARK, (0, 0, 0)), (&LIGHT, (255, 255, 255))];
        let for_light = theme.name == auto_theme(Some(Ground::Light), Depth::True);
        for (sixteen, ground) in grounds.into_iter().skip(usize::from(for_light)) {
            for role in Role::ALL {
                let style = theme[*role];
                for colour in [style.fg, style.bg].into_iter().flatten() {
                    // WCAG asks 4.5 of text, 3 of bold text and of what is no text
                    let ratio = contrast(value(colour, sixteen).unwrap(), ground);
                    let (name, word) = (&theme.name, role.as_str());
                    let bold = style.add_modifier.contains(Modifier::BOLD);
                    assert!(ratio >= 3.0, "{name}: {word} {ratio:.1}");
                    let no_text = *role == Role::BarDone;
                    assert!(
                        ratio >= 4.5 || bold || no_text,
                        "{name}: {word} {ratio:.1} is not bold"
                    );
                }
            }
        }
    }
}

/// Its own colours have a contrast of 2.8 on its light ground: what it was chosen for, and no more can be had of it.
#[test]
fn on_solarized_nothing_is_lost() {
    for theme in themes().filter(|theme| theme[Role::Text].bg.is_none()) {
        let for_light = theme.name == auto_theme(Some(Ground::Light), Depth::True);
        let least = if for_light { 4.0 } else { 2.7 };
        let grounds = [SOLARIZED[8], SOLARIZED[15]];
        for ground in grounds.into_iter().skip(usize::from(for_light)) {
            for role in Role::ALL {
                for colour in [theme[*role].fg, theme[*role].bg].into_iter().flatten() {
                    let ratio = contrast(value(colour, &SOLARIZED).unwrap(), ground);
                    let (name, word) = (&theme.name, role.as_str());
                    assert!(ratio >= least, "{name}: {word} {ratio:.1} on {ground:?}");
                }
            }
        }
    }
}

#[test]
fn on_a_light_ground_every_text_has_the_contrast_of_small_print() {
    let (theme, _) = Themes::built_in().get(auto_theme(Some(Ground::Light), Depth::Indexed));
    for role in Role::ALL {
        for colour in [theme[*role].fg, theme[*role].bg].into_iter().flatten() {
            let ratio = contrast(value(colour, &LIGHT).unwrap(), (255, 255, 255));
            assert!(ratio >= 4.5, "{} {ratio:.1}", role.as_str());
        }
    }
    let own = |ground, depth| assert_eq!(auto_theme(ground, depth), AUTO);
    own(None, Depth::True);
    own(Some(Ground::Dark), Depth::True);
    own(Some(Ground::Light), Depth::Sixteen);
    own(Some(Ground::Light), Depth::Mono);
}

#[test]
fn whatever_is_in_the_row_under_the_cursor_is_readable() {
    const IN_ROWS: [Role; 16] = [
        Role::Text,
        Role::Dim,
        Role::Strong,
        Role::Accent,
        Role::Match,
        Role::Mark,
        Role::Key,
        Role::Hint,
        Role::Info,
        Role::Warning,
        Role::Cleared,
        Role::Same,
        Role::Outdated,
        Role::Other,
        Role::Unknown,
        Role::Unseen,
    ];
    let area = Rect::new(0, 0, 1, 1);
    let mut faults = Vec::new();
    for theme in themes() {
        let for_light = theme.name == auto_theme(Some(Ground::Light), Depth::True);
        for depth in [Depth::True, Depth::Indexed, Depth::Sixteen, Depth::Mono] {
            let theme = theme.clone().at_depth(depth);
            for (role, cursor) in IN_ROWS
                .into_iter()
                .flat_map(|role| [(role, Role::Cursor), (role, Role::CursorAway)])
            {
                let mut buffer = Buffer::empty(area);
                let mut pen = Pen::new(&mut buffer, &theme);
                pen.tint(area, Role::Text);
                pen.put(0, 0, 1, "x", role);
                pen.cursor(area, cursor);
                let cell = &buffer[(0, 0)];
                let what = format!(
                    "{} at {depth:?}: {} on {}",
                    theme.name,
                    role.as_str(),
                    cursor.as_str()
                );
                if cell.modifier.contains(Modifier::DIM) {
                    faults.push(format!("{what} is faint"));
                }
                let painted = theme[Role::Text].bg.is_some_and(|ground| ground != Color::Reset);
                let grounds =
                    [(&DARK, (229, 229, 229), (0, 0, 0)), (&LIGHT, (46, 52, 54), (255, 255, 255))];
                for (sixteen, ink, paper) in grounds
                    .into_iter()
                    .skip(usize::from(for_light))
                    .take(if painted { 1 } else { 2 })
                {
                    let fg = value(cell.fg, sixteen).unwrap_or(ink);
                    let bg = value(cell.bg, sixteen).unwrap_or(paper);
                    let least = if cell.modifier.contains(Modifier::BOLD) { 3.0 } else { 4.5 };
                    let ratio = contrast(fg, bg);
                    if ratio < least && !matches!(cell.fg, Color::Indexed(_)) {
                        faults.push(format!("{what} {ratio:.1}"));
                    }
                }
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn clear_and_outdated_stay_apart_for_every_eye() {
    let colour = |theme: &Theme, role: Role| value(theme[role].fg?, &DARK);
    for theme in themes() {
        let safe = theme.name.starts_with("safe") || theme.name == "high-contrast";
        for (deficiency, matrix) in &DEFICIENCIES {
            let lab = |role| colour(&theme, role).map(|colour| seen(colour, matrix));
            let apart = |one, other| Some(distance(lab(one)?, lab(other)?));
            if let Some(apart) = apart(Role::Cleared, Role::Outdated) {
                let least = if safe { 60.0 } else { 8.0 };
                assert!(apart >= least, "{}: {deficiency}: {apart:.0}", theme.name);
            }
            if theme.name.starts_with("safe") {
                let states =
                    [Role::Cleared, Role::Same, Role::Outdated, Role::Other, Role::Unknown];
                for (at, one) in states.iter().enumerate() {
                    for other in &states[at + 1..] {
                        let apart = apart(*one, *other).unwrap();
                        let (one, other) = (one.as_str(), other.as_str());
                        assert!(
                            apart >= 12.0,
                            "{}: {deficiency}: {one} and {other}: {apart:.0}",
                            theme.name
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn nothing_vanishes_where_there_are_fewer_colours() {
    for theme in themes() {
        let name = theme.name.clone();
        for depth in [Depth::True, Depth::Indexed, Depth::Sixteen, Depth::Mono] {
            let theme = theme.clone().at_depth(depth);
            for role in Role::ALL.iter().filter(|role| least(**role) > 2.0) {
                let (fg, bg) = drawn(&theme, *role, Style::new());
                let vanishes = fg.is_some() && fg == bg && fg != Some(Color::Reset);
                assert!(!vanishes, "{name} at {depth:?}: {} is invisible", role.as_str());
            }
            let cursor = theme[Role::Cursor];
            let marked = cursor.add_modifier.intersects(Modifier::REVERSED | Modifier::BOLD);
            assert!(marked || cursor.bg != theme[Role::Text].bg, "{name} at {depth:?}: the cursor");
        }
    }
}

#[test]
fn no_two_states_are_alike_without_colour() {
    for glyphs in [&UNICODE, &ASCII] {
        let verdicts =
            [Verdict::Cleared, Verdict::Same, Verdict::Outdated, Verdict::Other, Verdict::Unknown];
        let faces: Vec<_> = verdicts.map(|verdict| face_of(verdict, glyphs)).into();
        let shapes: BTreeSet<_> = faces.iter().map(|face| face.glyph).collect();
        let words: BTreeSet<_> = faces.iter().map(|face| face.word.as_str()).collect();
        let letters: BTreeSet<_> = faces.iter().map(|face| face.letter).collect();
        assert_eq!((shapes.len(), words.len(), letters.len()), (5, 5, 5));
    }
}
