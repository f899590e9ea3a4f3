//! How cells look, and the shortest way from one look to another.

use std::io::Write as _;

use ratatui::style::{Color, Modifier};

/// Colours and modifiers of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    pub fg: Color,
    pub bg: Color,
    pub underline: Color,
    pub modifier: Modifier,
}

/// Modifier, what sets it, what takes it away. Bold and dim go together.
const MODIFIERS: [(Modifier, &str, &str); 9] = [
    (Modifier::BOLD, "1", "22"),
    (Modifier::DIM, "2", "22"),
    (Modifier::ITALIC, "3", "23"),
    (Modifier::UNDERLINED, "4", "24"),
    (Modifier::SLOW_BLINK, "5", "25"),
    (Modifier::RAPID_BLINK, "6", "25"),
    (Modifier::REVERSED, "7", "27"),
    (Modifier::HIDDEN, "8", "28"),
    (Modifier::CROSSED_OUT, "9", "29"),
];

impl Look {
    /// Whether a space in this look is nothing but its background.
    pub fn is_bare(&self) -> bool {
        self.modifier.is_empty() && self.fg == Color::Reset
    }

    /// Whether more of it is seen on a space than its background.
    pub fn shows_on_spaces(&self) -> bool {
        let seen = Modifier::REVERSED | Modifier::UNDERLINED | Modifier::CROSSED_OUT;
        self.modifier.intersects(seen)
    }

    /// The bytes that turn a terminal from `self` to `to`.
    pub fn turn(&self, to: &Self) -> Vec<u8> {
        if self == to {
            return Vec::new();
        }
        let step = self.steps(to);
        let anew = Self::default().steps(to);
        let anew = if anew.is_empty() { String::new() } else { format!("0;{anew}") };
        let shorter = if step.is_empty() || (anew.len() < step.len()) { anew } else { step };
        let mut bytes = Vec::with_capacity(shorter.len() + 3);
        let _ = write!(bytes, "\x1b[{shorter}m");
        let is_reset = shorter.is_empty() || shorter.starts_with('0');
        let have = if is_reset { Color::Reset } else { self.underline };
        if to.underline != have {
            underline(to.underline, &mut bytes);
        }
        bytes
    }

    /// The parameters that change `self` to `to`, without the colour of the underline; nothing where a reset does.
    fn steps(&self, to: &Self) -> String {
        let mut steps: Vec<String> = Vec::new();
        let mut have = self.modifier;
        for (modifier, _, off) in MODIFIERS {
            if have.contains(modifier) && !to.modifier.contains(modifier) {
                steps.push(off.to_owned());
                for (other, _, same) in MODIFIERS {
                    if same == off {
                        have.remove(other);
                    }
                }
            }
        }
        for (modifier, on, _) in MODIFIERS {
            if to.modifier.contains(modifier) && !have.contains(modifier) {
                steps.push(on.to_owned());
            }
        }
        if self.fg != to.fg {
            steps.push(colour(to.fg, 30));
        }
        if self.bg != to.bg {
            steps.push(colour(to.bg, 40));
        }
        steps.join(";")
    }
}

/// A colour's parameters; `base` is 30 for the text and 40 for what is behind it.
fn colour(colour: Color, base: u8) -> String {
    let plain = |n: u8| (base + n).to_string();
    let bright = |n: u8| (base + 60 + n).to_string();
    match colour {
        Color::Reset => plain(9),
        Color::Black => plain(0),
        Color::Red => plain(1),
        Color::Green => plain(2),
        Color::Yellow => plain(3),
        Color::Blue => plain(4),
        Color::Magenta => plain(5),
        Color::Cyan => plain(6),
        Color::Gray => plain(7),
        Color::DarkGray => bright(0),
        Color::LightRed => bright(1),
        Color::LightGreen => bright(2),
        Color::LightYellow => bright(3),
        Color::LightBlue => bright(4),
        Color::LightMagenta => bright(5),
        Color::LightCyan => bright(6),
        Color::White => bright(7),
        Color::Indexed(n) => format!("{};5;{n}", base + 8),
        Color::Rgb(r, g, b) => format!("{};2;{r};{g};{b}", base + 8),
    }
}

/// A sequence of its own: terminals that do not know it skip it whole.
fn underline(colour: Color, into: &mut Vec<u8>) {
    let number = match colour {
        Color::Reset => {
            into.extend(b"\x1b[59m");
            return;
        }
        Color::Rgb(r, g, b) => {
            let _ = write!(into, "\x1b[58:2::{r}:{g}:{b}m");
            return;
        }
        Color::Indexed(n) => n,
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
    };
    let _ = write!(into, "\x1b[58:5:{number}m");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(from: Look, to: Look) -> String {
        String::from_utf8(from.turn(&to)).unwrap()
    }

    #[test]
    fn the_shortest_way_is_taken() {
        let plain = Look::default();
        let bold = Look { modifier: Modifier::BOLD, ..plain };
        let red = Look { fg: Color::Red, ..plain };
        let loud = Look { fg: Color::Red, modifier: Modifier::BOLD | Modifier::REVERSED, ..plain };
        assert_eq!(turn(plain, plain), "");
        assert_eq!(turn(plain, bold), "\x1b[1m");
        assert_eq!(turn(bold, plain), "\x1b[m");
        assert_eq!(turn(loud, plain), "\x1b[m");
        assert_eq!(turn(bold, loud), "\x1b[7;31m");
        assert_eq!(turn(loud, red), "\x1b[0;31m");
        let dim = Look { modifier: Modifier::DIM, ..plain };
        assert_eq!(turn(bold, dim), "\x1b[0;2m");
        let deep = Look { fg: Color::Rgb(1, 2, 3), bg: Color::Indexed(17), ..plain };
        assert_eq!(turn(plain, deep), "\x1b[38;2;1;2;3;48;5;17m");
        let both = Look { modifier: Modifier::BOLD | Modifier::DIM, ..deep };
        assert_eq!(turn(both, Look { modifier: Modifier::DIM, ..deep }), "\x1b[22;2m");
    }

    #[test]
    fn the_colour_of_an_underline_survives_a_reset() {
        let plain = Look::default();
        let lined = Look { underline: Color::Red, modifier: Modifier::UNDERLINED, ..plain };
        let loud = Look { modifier: Modifier::all(), ..lined };
        assert_eq!(turn(plain, lined), "\x1b[4m\x1b[58:5:1m");
        assert_eq!(turn(loud, lined), "\x1b[0;4m\x1b[58:5:1m");
        assert_eq!(turn(lined, plain), "\x1b[m");
    }
}
