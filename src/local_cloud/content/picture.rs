//! Drawing: abstract pictures in a few shapes, cheap enough to be drawn when first looked at.

use image::{Rgb, RgbImage};

use super::format::Format;
use crate::local_cloud::chance::mix;

/// What a drawn picture looks like, apart from its mark. There are few, so that each is drawn once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    pub format: Format,
    pub width: u32,
    pub height: u32,
    /// Colours and motif.
    pub style: u8,
}

impl Shape {
    /// Size of the films that are made here, and of the still picture of a film.
    pub const POSTER: (u32, u32) = (640, 360);

    const SIZES: [(u32, u32); 5] = [(320, 180), (240, 240), (180, 240), (240, 160), (360, 120)];

    /// One of the shapes that originals of `format` come in.
    #[must_use]
    pub fn of(format: Format, pick: u64) -> Self {
        let style = match format {
            Format::Webp => pick % 2,
            _ => pick % 6,
        };
        // WebP is lossless here: keep it small
        let (width, height) = match format {
            Format::Webp => (96, 64),
            _ => Self::SIZES[usize::try_from(style).unwrap_or(0) % Self::SIZES.len()],
        };
        Self { format, width, height, style: u8::try_from(style).unwrap_or(0) }
    }

    /// The still picture of a film.
    #[must_use]
    pub fn poster(mark: u64) -> Self {
        let (width, height) = Self::POSTER;
        let style = u8::try_from(mark % 6).unwrap_or(0);
        Self { format: Format::Png, width, height, style }
    }

    /// Draws it.
    #[must_use]
    pub fn draw(self) -> RgbImage {
        let hues = Hues::of(self.style);
        let (width, height) = (i64::from(self.width), i64::from(self.height));
        RgbImage::from_fn(self.width, self.height, |x, y| {
            let (x, y) = (i64::from(x), i64::from(y));
            let motif = match self.style % 3 {
                0 => hills(x, y, width, height),
                1 => discs(x, y, width, height),
                _ => bands(x, y, width, height),
            };
            hues.shade(motif, y * 255 / height)
        })
    }
}

struct Hues {
    ground: [u8; 3],
    figure: [u8; 3],
    accent: [u8; 3],
}

impl Hues {
    fn of(style: u8) -> Self {
        let parts = mix(u64::from(style) + 100).to_le_bytes();
        let [red, green, blue, warm, cool, light, ..] = parts;
        Self {
            ground: [red, green / 2 + 96, blue],
            figure: [blue / 2, warm, cool],
            accent: [light, red / 2 + 120, warm / 3],
        }
    }

    /// A colour of the motif, darkened from top (0) to bottom (255).
    fn shade(&self, motif: Motif, depth: i64) -> Rgb<u8> {
        let hue = match motif {
            Motif::Ground => self.ground,
            Motif::Figure => self.figure,
            Motif::Accent => self.accent,
        };
        Rgb(hue.map(|part| u8::try_from(i64::from(part) * (510 - depth) / 510).unwrap_or(u8::MAX)))
    }
}

#[derive(Clone, Copy)]
enum Motif {
    Ground,
    Figure,
    Accent,
}

fn hills(x: i64, y: i64, width: i64, height: i64) -> Motif {
    let (sun_x, sun_y, radius) = (x - width * 3 / 4, y - height / 4, height / 7);
    let ridge = height / 2 + (x % 80 - 40).abs() * height / 240;
    if sun_x * sun_x + sun_y * sun_y < radius * radius {
        Motif::Accent
    } else if y > ridge {
        Motif::Figure
    } else {
        Motif::Ground
    }
}

fn discs(x: i64, y: i64, width: i64, height: i64) -> Motif {
    let (dx, dy) = (x - width / 2, y - height / 2);
    match (dx * dx + dy * dy) * 12 / (width.min(height) * width.min(height)) {
        0 => Motif::Accent,
        1 | 2 => Motif::Figure,
        _ => Motif::Ground,
    }
}

fn bands(x: i64, y: i64, width: i64, height: i64) -> Motif {
    match (x * 3 / width + y * 4 / height) % 3 {
        0 => Motif::Ground,
        1 => Motif::Figure,
        _ => Motif::Accent,
    }
}
