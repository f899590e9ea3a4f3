//! The part of a transformation that is really carried out: sizes, and the kind of file.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

use super::encode::encoded;
use super::format::Format;
use super::{Content, Recipe, Shape};

/// How a picture is fitted into a width and a height.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Crop {
    /// Exactly that size, distorted if need be.
    Scale,
    /// Inside it, whole.
    Fit,
    /// Inside it, and never larger than it was.
    Limit,
    /// All of it covered, the rest cut off.
    Fill,
    /// A part of that size, nothing resized.
    Cut,
    /// Inside it, with a border.
    Pad,
}

/// A width or a height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Resize {
    Pixels(u32),
    /// Part of the present size.
    Share(f64),
}

impl From<u32> for Resize {
    fn from(pixels: u32) -> Self {
        Self::Pixels(pixels)
    }
}

impl Resize {
    fn of(self, present: u32) -> u32 {
        match self {
            Self::Pixels(pixels) => pixels,
            Self::Share(share) => scaled(present, share),
        }
        .max(1)
    }
}

/// One step of a transformation that changes the size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    pub crop: Crop,
    pub width: Option<Resize>,
    pub height: Option<Resize>,
}

impl Frame {
    /// The size that a picture of `present` size has after this step.
    #[must_use]
    pub fn size_of(self, present: (u32, u32)) -> (u32, u32) {
        let wanted = self.box_around(present);
        match self.crop {
            Crop::Scale | Crop::Fill | Crop::Pad => wanted,
            Crop::Limit if present.0 <= wanted.0 && present.1 <= wanted.1 => present,
            Crop::Fit | Crop::Limit => inside(present, wanted),
            Crop::Cut => (wanted.0.min(present.0), wanted.1.min(present.1)),
        }
    }

    /// Width and height as asked for, the missing one in proportion.
    fn box_around(self, (width, height): (u32, u32)) -> (u32, u32) {
        match (self.width.map(|w| w.of(width)), self.height.map(|h| h.of(height))) {
            (Some(w), Some(h)) => (w, h),
            (Some(w), None) if self.crop == Crop::Cut => (w, height),
            (None, Some(h)) if self.crop == Crop::Cut => (width, h),
            (Some(w), None) => (w, in_proportion(w, width, height)),
            (None, Some(h)) => (in_proportion(h, height, width), h),
            (None, None) => (width, height),
        }
    }

    fn apply(self, picture: &RgbImage) -> RgbImage {
        let present = picture.dimensions();
        let (width, height) = self.size_of(present);
        match self.crop {
            Crop::Scale | Crop::Fit | Crop::Limit => resized(picture, width, height),
            Crop::Cut => {
                let (x, y) = ((present.0 - width) / 2, (present.1 - height) / 2);
                imageops::crop_imm(picture, x, y, width, height).to_image()
            }
            Crop::Fill => {
                let (w, h) = around(present, (width, height));
                let large = resized(picture, w, h);
                imageops::crop_imm(&large, (w - width) / 2, (h - height) / 2, width, height)
                    .to_image()
            }
            Crop::Pad => {
                let (w, h) = inside(present, (width, height));
                let mut ground = RgbImage::from_pixel(width, height, Rgb([255; 3]));
                let (x, y) = (i64::from((width - w) / 2), i64::from((height - h) / 2));
                imageops::replace(&mut ground, &resized(picture, w, h), x, y);
                ground
            }
        }
    }
}

fn resized(picture: &RgbImage, width: u32, height: u32) -> RgbImage {
    if picture.dimensions() == (width, height) {
        return picture.clone();
    }
    // enlarging far is only asked for by accident: keep it cheap
    let filter =
        if width * height > 1_000_000 { FilterType::Nearest } else { FilterType::Triangle };
    imageops::resize(picture, width, height, filter)
}

fn in_proportion(side: u32, of: u32, other: u32) -> u32 {
    scaled(other, f64::from(side) / f64::from(of.max(1)))
}

fn scaled(side: u32, by: f64) -> u32 {
    // sizes are limited before anything is drawn: the cast saturates at worst
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let side = (f64::from(side) * by).round() as u32;
    side.max(1)
}

/// The largest size in `present`'s proportions that fits into `room`.
fn inside(present: (u32, u32), room: (u32, u32)) -> (u32, u32) {
    let by = shares(present, room);
    let by = by.0.min(by.1);
    (scaled(present.0, by).min(room.0), scaled(present.1, by).min(room.1))
}

/// The smallest size in `present`'s proportions that covers `room`.
fn around(present: (u32, u32), room: (u32, u32)) -> (u32, u32) {
    let by = shares(present, room);
    let by = by.0.max(by.1);
    (scaled(present.0, by).max(room.0), scaled(present.1, by).max(room.1))
}

fn shares(present: (u32, u32), room: (u32, u32)) -> (f64, f64) {
    let share = |side: u32, of: u32| f64::from(side) / f64::from(of.max(1));
    (share(room.0, present.0), share(room.1, present.1))
}

/// The file of a variant of `from`. What cannot be read is delivered as it is.
pub fn develop(from: &Content, transformation: &str, frames: &[Frame], format: Format) -> Vec<u8> {
    let picture = match &from.recipe {
        Recipe::Picture { shape, .. } => shape.draw(),
        Recipe::File { mark, .. } => Shape::poster(*mark).draw(),
        Recipe::Uploaded { bytes, .. } => match image::load_from_memory(bytes) {
            Ok(picture) => picture.to_rgb8(),
            Err(_) => return bytes.to_vec(),
        },
        Recipe::Derived { .. } => match image::load_from_memory(&from.bytes()) {
            Ok(picture) => picture.to_rgb8(),
            Err(_) => return from.bytes().to_vec(),
        },
    };
    let picture = frames.iter().fold(picture, |picture, frame| frame.apply(&picture));
    encoded(&picture, format, quality(transformation))
}

/// What `q_…` asks for; 75 without it.
fn quality(transformation: &str) -> u8 {
    let asked = transformation.split(['/', ',']).find_map(|part| part.strip_prefix("q_"));
    asked.and_then(|q| q.parse().ok()).map_or(75, |q: u8| q.clamp(1, 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_the_way_of_cropping() {
        let frame = |crop, width: Option<u32>, height: Option<u32>| Frame {
            crop,
            width: width.map(Resize::Pixels),
            height: height.map(Resize::Pixels),
        };
        let cases = [
            (Crop::Scale, Some(100), None, (100, 50)),
            (Crop::Scale, Some(100), Some(100), (100, 100)),
            (Crop::Fit, Some(100), Some(100), (100, 50)),
            (Crop::Limit, Some(1000), Some(1000), (200, 100)),
            (Crop::Limit, Some(100), Some(1000), (100, 50)),
            (Crop::Fill, Some(30), Some(60), (30, 60)),
            (Crop::Cut, Some(30), None, (30, 100)),
            (Crop::Pad, None, Some(50), (100, 50)),
        ];
        for (crop, width, height, size) in cases {
            let frame = frame(crop, width, height);
            assert_eq!(frame.size_of((200, 100)), size, "{frame:?}");
            let picture = frame.apply(&RgbImage::new(200, 100));
            assert_eq!(picture.dimensions(), size, "{frame:?}");
        }
        let half = Frame { crop: Crop::Scale, width: Some(Resize::Share(0.5)), height: None };
        assert_eq!(half.size_of((200, 100)), (100, 50));
    }
}
