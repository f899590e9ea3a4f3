//! What a thing looks like: roles, glyphs and colours. Views ask for a role, never for a colour.

use std::ops::Index;

use ratatui::style::{Color, Modifier, Style};

macro_rules! roles {
    ($($(#[$doc:meta])* $role:ident = $word:literal),* $(,)?) => {
        /// What is drawn; a theme gives each role a style.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Role { $($(#[$doc])* $role),* }

        impl Role {
            pub const ALL: &'static [Self] = &[$(Self::$role),*];

            /// The name in theme files.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$role => $word),* }
            }
        }
    };
}

roles! {
    /// Everything that has no role of its own; its background fills the screen.
    Text = "text",
    Dim = "dim",
    Strong = "strong",
    Accent = "accent",
    /// Name of the program in the header.
    Brand = "brand",
    Tab = "tab",
    TabActive = "tab.active",
    Heading = "heading",
    Border = "border",
    Title = "title",
    /// The row or cell under the cursor.
    Cursor = "cursor",
    /// The same while another pane has the keys.
    CursorAway = "cursor.away",
    Mark = "mark",
    Match = "match",
    Key = "key",
    Hint = "hint",
    Field = "field",
    FieldWrong = "field.wrong",
    Good = "good",
    Warning = "warning",
    Bad = "bad",
    Info = "info",
    RiskLocal = "risk.local",
    RiskTest = "risk.test",
    RiskProduction = "risk.production",
    Cleared = "verdict.cleared",
    Same = "verdict.same",
    Outdated = "verdict.outdated",
    Other = "verdict.other",
    Unknown = "verdict.unknown",
    Unseen = "verdict.unseen",
    Left = "verdict.left_out",
    BarDone = "bar.done",
    BarRest = "bar.rest",
    /// The band that says that every cache is clear.
    AllClear = "all_clear",
    /// The band of every other end.
    Ended = "ended",
}

/// The characters that stand for states. No private-use glyph, no emoji; one table for terminals without Unicode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glyphs {
    pub cleared: &'static str,
    pub same: &'static str,
    pub outdated: &'static str,
    pub other: &'static str,
    pub unknown: &'static str,
    pub unseen: &'static str,
    pub left_out: &'static str,
    /// Something of it, not all.
    pub part: &'static str,
    /// Nothing known of it yet, where a dot would be lost.
    pub hollow: &'static str,
    pub cursor: &'static str,
    pub mark: &'static str,
    pub cut: &'static str,
    pub bullet: &'static str,
    pub separator: &'static str,
    pub arrow: &'static str,
    pub up: &'static str,
    pub down: &'static str,
    pub line: &'static str,
    pub upright: &'static str,
    /// Corners: top left, top right, bottom left, bottom right; then tees left and right.
    pub corners: [&'static str; 4],
    pub tees: [&'static str; 2],
    pub bar_done: &'static str,
    pub bar_rest: &'static str,
    /// From empty to full.
    pub steps: [&'static str; 9],
    pub spinner: [&'static str; 4],
    pub scroll: &'static str,
    /// Dots finer than a cell (braille) may be drawn.
    pub fine: bool,
}

/// For terminals with Unicode, whatever their font.
pub const UNICODE: Glyphs = Glyphs {
    cleared: "●",
    same: "◐",
    outdated: "▲",
    other: "◆",
    unknown: "?",
    unseen: "·",
    left_out: "×",
    part: "◔",
    hollow: "○",
    cursor: "▸",
    mark: "✓",
    cut: "…",
    bullet: "•",
    separator: "·",
    arrow: "→",
    up: "↑",
    down: "↓",
    line: "─",
    upright: "│",
    corners: ["┌", "┐", "└", "┘"],
    tees: ["├", "┤"],
    bar_done: "█",
    bar_rest: "░",
    steps: [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    spinner: ["◐", "◓", "◑", "◒"],
    scroll: "┃",
    fine: true,
};

/// For `--ascii` and locales without UTF-8.
pub const ASCII: Glyphs = Glyphs {
    cleared: "o",
    same: "=",
    outdated: "!",
    other: "#",
    unknown: "?",
    unseen: ".",
    left_out: "x",
    part: "%",
    hollow: "@",
    cursor: ">",
    mark: "*",
    cut: "~",
    bullet: "*",
    separator: "-",
    arrow: ">",
    up: "^",
    down: "v",
    line: "-",
    upright: "|",
    corners: ["+", "+", "+", "+"],
    tees: ["+", "+"],
    bar_done: "#",
    bar_rest: ".",
    steps: [" ", "_", ".", ":", "-", "=", "+", "*", "#"],
    spinner: ["|", "/", "-", "\\"],
    scroll: "#",
    fine: false,
};

/// How many colours the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// None: `NO_COLOR`, `--no-color`. Bold, reverse and underline stay.
    Mono,
    Sixteen,
    Indexed,
    True,
}

impl Depth {
    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mono => "none",
            Self::Sixteen => "16 colours",
            Self::Indexed => "256 colours",
            Self::True => "true colour",
        }
    }

    /// The nearest colour that there is.
    #[must_use]
    pub fn nearest(self, colour: Color) -> Color {
        reduce(colour, self)
    }
}

/// What a terminal says of its background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    Dark,
    Light,
}

/// Styles by role and one table of glyphs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    pub name: String,
    styles: Vec<Style>,
    pub glyphs: &'static Glyphs,
}

impl Theme {
    /// A theme from a style for each role, in the order of [`Role::ALL`].
    #[must_use]
    pub fn new(name: &str, styles: impl Fn(Role) -> Style) -> Self {
        Self {
            name: name.to_owned(),
            styles: Role::ALL.iter().map(|role| styles(*role)).collect(),
            glyphs: &UNICODE,
        }
    }

    /// No colours at all, what every terminal can show.
    #[must_use]
    pub fn plain() -> Self {
        Self::new("plain", |role| match role {
            Role::Cursor => Style::new().add_modifier(Modifier::REVERSED),
            Role::Strong | Role::Brand | Role::TabActive | Role::AllClear | Role::Outdated => {
                Style::new().add_modifier(Modifier::BOLD)
            }
            _ => Style::new(),
        })
    }

    #[must_use]
    pub fn with_glyphs(mut self, ascii: bool) -> Self {
        self.glyphs = if ascii { &ASCII } else { &UNICODE };
        self
    }

    /// The theme in as many colours as the terminal has.
    #[must_use]
    pub fn at_depth(mut self, depth: Depth) -> Self {
        for style in &mut self.styles {
            style.fg = style.fg.map(|colour| reduce(colour, depth));
            style.bg = style.bg.map(|colour| reduce(colour, depth));
            style.underline_color = style.underline_color.map(|colour| reduce(colour, depth));
        }
        if depth == Depth::Sixteen {
            // no ground of sixteen is near enough to the paper: a line under the row says it
            let ground = self.styles[Role::Text as usize].bg;
            let style = &mut self.styles[Role::CursorAway as usize];
            style.bg = ground;
            *style = style.add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
        }
        if depth == Depth::Mono {
            for role in [Role::Cursor, Role::AllClear, Role::Ended] {
                let style = &mut self.styles[role as usize];
                *style = style.add_modifier(Modifier::REVERSED);
            }
        }
        self
    }
}

impl Index<Role> for Theme {
    type Output = Style;

    fn index(&self, role: Role) -> &Style {
        &self.styles[role as usize]
    }
}

/// The nearest colour that a terminal of `depth` has.
fn reduce(colour: Color, depth: Depth) -> Color {
    match (depth, colour) {
        (Depth::Mono, _) => Color::Reset,
        (Depth::Indexed, Color::Rgb(r, g, b)) => Color::Indexed(to_indexed(r, g, b)),
        (Depth::Sixteen, Color::Rgb(r, g, b)) => to_sixteen(r, g, b),
        (Depth::Sixteen, Color::Indexed(index)) if index > 15 => {
            let (r, g, b) = of_index(index);
            to_sixteen(r, g, b)
        }
        (_, same) => same,
    }
}

/// The 6x6x6 cube or the grey ramp, whichever is nearer.
fn to_indexed(r: u8, g: u8, b: u8) -> u8 {
    (16..=255).min_by_key(|index| distance(of_index(*index), (r, g, b))).unwrap_or(15)
}

/// Red, green and blue of an entry above 15 of the 256-colour table.
fn of_index(index: u8) -> (u8, u8, u8) {
    let step = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
    match index.saturating_sub(16) {
        cube @ 0..=215 => (step(cube / 36), step(cube / 6 % 6), step(cube % 6)),
        grey => {
            let level = 8 + 10 * (grey - 216);
            (level, level, level)
        }
    }
}

/// The nearest of the terminal's own sixteen, taken at their usual values.
fn to_sixteen(r: u8, g: u8, b: u8) -> Color {
    const TABLE: [(Color, (u8, u8, u8)); 16] = [
        (Color::Black, (0, 0, 0)),
        (Color::Red, (187, 0, 0)),
        (Color::Green, (0, 187, 0)),
        (Color::Yellow, (187, 187, 0)),
        (Color::Blue, (0, 0, 187)),
        (Color::Magenta, (187, 0, 187)),
        (Color::Cyan, (0, 187, 187)),
        (Color::Gray, (187, 187, 187)),
        (Color::DarkGray, (85, 85, 85)),
        (Color::LightRed, (255, 85, 85)),
        (Color::LightGreen, (85, 255, 85)),
        (Color::LightYellow, (255, 255, 85)),
        (Color::LightBlue, (85, 85, 255)),
        (Color::LightMagenta, (255, 85, 255)),
        (Color::LightCyan, (85, 255, 255)),
        (Color::White, (255, 255, 255)),
    ];
    TABLE
        .into_iter()
        .min_by_key(|(_, value)| distance(*value, (r, g, b)))
        .map_or(Color::Reset, |(colour, _)| colour)
}

fn distance(one: (u8, u8, u8), other: (u8, u8, u8)) -> u32 {
    let square = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
    square(one.0, other.0) + square(one.1, other.1) + square(one.2, other.2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr;

    #[test]
    fn every_glyph_takes_one_column_and_the_fallback_is_ascii() {
        for (table, ascii) in [(&UNICODE, false), (&ASCII, true)] {
            let single = [
                table.cleared,
                table.same,
                table.outdated,
                table.other,
                table.unknown,
                table.unseen,
                table.left_out,
                table.part,
                table.hollow,
                table.cursor,
                table.mark,
                table.cut,
                table.bullet,
                table.separator,
                table.arrow,
                table.up,
                table.down,
                table.line,
                table.upright,
                table.bar_done,
                table.bar_rest,
                table.scroll,
            ];
            let all = single
                .iter()
                .chain(&table.corners)
                .chain(&table.tees)
                .chain(&table.steps)
                .chain(&table.spinner);
            for glyph in all {
                assert_eq!(glyph.width(), 1, "{glyph}");
                assert!(!ascii || glyph.is_ascii(), "{glyph}");
                assert!(!glyph.chars().any(|c| ('\u{e000}'..='\u{f8ff}').contains(&c)), "{glyph}");
            }
        }
    }

    #[test]
    fn the_states_differ_in_shape_in_both_tables() {
        for table in [&UNICODE, &ASCII] {
            let states = [
                table.cleared,
                table.same,
                table.outdated,
                table.other,
                table.unknown,
                table.unseen,
                table.left_out,
                table.part,
                table.hollow,
            ];
            let distinct: std::collections::BTreeSet<_> = states.iter().collect();
            assert_eq!(distinct.len(), states.len());
        }
    }

    #[test]
    fn colours_are_reduced_to_what_the_terminal_has() {
        assert_eq!(reduce(Color::Rgb(255, 85, 85), Depth::Sixteen), Color::LightRed);
        assert_eq!(reduce(Color::Rgb(95, 215, 95), Depth::Indexed), Color::Indexed(77));
        assert_eq!(reduce(Color::Green, Depth::Sixteen), Color::Green);
        assert_eq!(reduce(Color::Green, Depth::Mono), Color::Reset);
    }
}
