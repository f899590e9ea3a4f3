//! A picture as it is drawn: small, decoded, in the right shape; and the ways there are to draw one.

use std::fmt;

/// How a picture gets onto the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Way {
    /// Not at all: its facts are shown.
    #[default]
    Off,
    /// As characters: two pixels a cell where there are colours and block characters, shades where there are not.
    Cells,
    /// The kitty protocol with placeholders: the picture is sent once, cells stand for its parts.
    Kitty,
    /// The inline images of iTerm2, over empty cells.
    Iterm2,
    /// Sixels, over empty cells.
    Sixel,
}

impl Way {
    /// The word of the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Cells => "half-blocks",
            Self::Kitty => "kitty",
            Self::Iterm2 => "iterm2",
            Self::Sixel => "sixel",
        }
    }

    /// Whether the terminal paints it over cells that hold nothing.
    #[must_use]
    pub const fn is_over_cells(self) -> bool {
        matches!(self, Self::Iterm2 | Self::Sixel)
    }
}

/// Whether pictures are drawn, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pictures {
    /// `None`: this build draws none.
    built: Option<Way>,
    off: bool,
}

impl Pictures {
    /// Drawn `by` a way, [`Way::Off`] being switched off; switching them on goes `otherwise` then.
    #[must_use]
    pub const fn drawn(by: Way, otherwise: Way) -> Self {
        match by {
            Way::Off => Self { built: Some(otherwise), off: true },
            way => Self { built: Some(way), off: false },
        }
    }

    #[must_use]
    pub const fn are_built(self) -> bool {
        self.built.is_some()
    }

    /// How they are drawn now.
    #[must_use]
    pub const fn way(self) -> Way {
        match self.built {
            Some(way) if !self.off => way,
            _ => Way::Off,
        }
    }

    /// Drawn by this way from now on, where they are drawn.
    pub const fn learn(&mut self, way: Way) {
        if self.built.is_some() {
            self.built = Some(way);
        }
    }

    /// On to off and back; false where there is nothing to switch.
    pub const fn switch(&mut self) -> bool {
        self.off = !self.off;
        self.built.is_some()
    }
}

/// A picture, scaled down.
#[derive(Clone, PartialEq, Eq)]
pub struct Pixels {
    /// Tells pictures apart.
    pub id: u64,
    /// Never zero.
    pub width: u32,
    pub height: u32,
    /// Red, green and blue, row by row.
    pub rgb: Vec<u8>,
    /// Width and height before it was scaled down.
    pub full: (u32, u32),
    /// What kind of file it was, e.g. `jpg`.
    pub format: &'static str,
    /// As a file again, where the terminal wants one: PNG for kitty, JPEG for iTerm2.
    pub file: Vec<u8>,
}

impl fmt::Debug for Pixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pixels {{ id: {}, {}x{} }}", self.id, self.width, self.height)
    }
}

impl Pixels {
    /// The average colour of a part: column `x` of `columns`, row `y` of `rows`.
    #[must_use]
    pub fn part(&self, (x, columns): (u32, u32), (y, rows): (u32, u32)) -> (u8, u8, u8) {
        let span = |at: u32, of: u32, length: u32| {
            let (at, of, length) = (u64::from(at), u64::from(of.max(1)), u64::from(length));
            let (from, to) = (at * length / of, (at + 1) * length / of);
            let from = from.min(length.saturating_sub(1));
            (from, to.clamp(from + 1, length.max(1)))
        };
        let (left, right) = span(x, columns, self.width);
        let (top, bottom) = span(y, rows, self.height);
        let (mut sum, mut count) = ([0_u64; 3], 0_u64);
        for row in top..bottom {
            let at = |column: u64| {
                usize::try_from((row * u64::from(self.width) + column) * 3).unwrap_or(usize::MAX)
            };
            let Some(line) = self.rgb.get(at(left)..at(right)) else { continue };
            for pixel in line.chunks_exact(3) {
                for (sum, value) in sum.iter_mut().zip(pixel) {
                    *sum += u64::from(*value);
                }
                count += 1;
            }
        }
        let [red, green, blue] = sum.map(|sum| u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX));
        (red, green, blue)
    }

    /// The most columns and rows, of cells twice as high as wide, that it takes within these in its own shape.
    #[must_use]
    pub fn fit(&self, columns: u16, rows: u16) -> (u16, u16) {
        let (width, height) = (u64::from(self.width.max(1)), u64::from(self.height.max(1)));
        let (most, high) = (u64::from(columns), u64::from(rows));
        let wide = (high * 2 * width / height).clamp(1, most.max(1));
        let tall = (wide * height).div_ceil(2 * width).clamp(1, high.max(1));
        let cells = |number: u64| u16::try_from(number).unwrap_or(u16::MAX);
        (cells(wide), cells(tall))
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Left half red, right half blue, fading to black at the bottom.
    ///
    /// # Panics
    /// Never: a share of 255 is a byte.
    pub fn flag(id: u64, width: u32, height: u32) -> Pixels {
        let colour = |x: u32, y: u32| {
            let shade = u8::try_from(255 - y * 255 / height).unwrap();
            if x < width / 2 { [shade, 0, 0] } else { [0, 0, shade] }
        };
        let rgb = (0..height).flat_map(|y| (0..width).flat_map(move |x| colour(x, y))).collect();
        Pixels { id, width, height, rgb, full: (width, height), format: "png", file: vec![7; 9000] }
    }

    #[test]
    fn a_part_is_the_average_of_its_pixels() {
        let flag = flag(1, 40, 20);
        assert_eq!(flag.part((0, 2), (0, 20)), (255, 0, 0));
        assert_eq!(flag.part((1, 2), (0, 20)), (0, 0, 255));
        let (red, _, blue) = flag.part((0, 1), (0, 1));
        assert!((60..70).contains(&red) && (60..70).contains(&blue), "{red} {blue}");
        // more cells than pixels
        assert_eq!(flag.part((399, 400), (0, 400)), (0, 0, 255));
    }

    #[test]
    fn it_keeps_its_shape_and_its_bounds() {
        assert_eq!(flag(1, 40, 20).fit(40, 40), (40, 10));
        assert_eq!(flag(1, 40, 20).fit(100, 10), (40, 10));
        assert_eq!(flag(1, 1000, 1).fit(30, 10), (30, 1));
        assert_eq!(flag(1, 1, 1000).fit(30, 10), (1, 10));
        assert_eq!(flag(1, 10, 10).fit(1, 1), (1, 1));
    }
}
