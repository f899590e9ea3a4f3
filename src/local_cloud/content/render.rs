//! Carries out the steps of a transformation on pixels.

use std::io::Cursor;

use image::imageops::{self, FilterType};
use image::{ImageReader, Limits, Rgba, RgbaImage};

use super::encode::encoded;
use super::steps::inside;
use super::{Content, Crop, Drawing, Format, Frame, Ground, Recipe, Shape, Step, Turn};

/// Memory that reading one picture may take: 25 megapixels of 16 bits a channel, with room to work.
const MOST_MEMORY: u64 = 256 * 1024 * 1024;

/// The file of a variant of `from`.
pub fn develop(from: &Content, drawing: &Drawing) -> Vec<u8> {
    let picture = drawing.steps.iter().fold(original(from), |picture, step| apply(*step, picture));
    encoded(&picture, drawing.format, drawing.quality)
}

/// The pixels of an original; of a film a drawn still picture, and a grey one of the right size in place of a file
/// that turns out to be broken.
fn original(from: &Content) -> RgbaImage {
    let (width, height) = from.size().unwrap_or(Shape::POSTER);
    if from.format().is_some_and(Format::is_film) {
        return opaque(Shape { width, height, ..Shape::poster(from.mark()) });
    }
    match &from.recipe {
        Recipe::Picture { shape, .. } => opaque(*shape),
        _ => read(&from.bytes())
            .unwrap_or_else(|| RgbaImage::from_pixel(width, height, Rgba([128, 128, 128, 255]))),
    }
}

fn opaque(shape: Shape) -> RgbaImage {
    image::DynamicImage::ImageRgb8(shape.draw()).into_rgba8()
}

/// Reads a picture file, within limits: nobody can make the server unpack more than it can hold.
fn read(file: &[u8]) -> Option<RgbaImage> {
    let mut reader = ImageReader::new(Cursor::new(file)).with_guessed_format().ok()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(Format::Png.longest_side());
    limits.max_image_height = Some(Format::Png.longest_side());
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    reader.decode().ok().map(image::DynamicImage::into_rgba8)
}

fn apply(step: Step, picture: RgbaImage) -> RgbaImage {
    match step {
        Step::Frame(frame) => framed(frame, picture),
        Step::Turn(Turn::Mirror, _) => imageops::flip_horizontal(&picture),
        Step::Turn(Turn::Flip, _) => imageops::flip_vertical(&picture),
        Step::Turn(Turn::Degrees(0), _) => picture,
        Step::Turn(Turn::Degrees(90), _) => imageops::rotate90(&picture),
        Step::Turn(Turn::Degrees(180), _) => imageops::rotate180(&picture),
        Step::Turn(Turn::Degrees(270), _) => imageops::rotate270(&picture),
        Step::Turn(Turn::Degrees(degrees), ground) => {
            turned(&picture, degrees, ground, step.size_of(picture.dimensions()))
        }
    }
}

fn framed(frame: Frame, picture: RgbaImage) -> RgbaImage {
    let present = picture.dimensions();
    let size = frame.size_of(present);
    match frame.crop {
        Crop::Scale | Crop::Fit | Crop::Limit | Crop::FitUp => resized(picture, size),
        Crop::Cut => part(&picture, frame, size),
        // the part is cut out first: what is enlarged is never larger than what is asked for
        Crop::Fill | Crop::FillDown => {
            let seen = inside(size, present);
            resized(part(&picture, frame, seen), size)
        }
        Crop::Pad => padded(resized(picture, inside(present, size)), frame, size),
        Crop::PadDown if present.0 > size.0 || present.1 > size.1 => {
            padded(resized(picture, inside(present, size)), frame, size)
        }
        Crop::PadDown | Crop::PadUp => padded(picture, frame, size),
    }
}

fn part(picture: &RgbaImage, frame: Frame, (width, height): (u32, u32)) -> RgbaImage {
    let (x, y) = frame.gravity.place(picture.dimensions(), (width, height));
    imageops::crop_imm(picture, x, y, width, height).to_image()
}

fn padded(picture: RgbaImage, frame: Frame, size: (u32, u32)) -> RgbaImage {
    if picture.dimensions() == size {
        return picture;
    }
    let mut ground = RgbaImage::from_pixel(size.0, size.1, Rgba(frame.ground.0));
    let (x, y) = frame.gravity.place(size, picture.dimensions());
    imageops::overlay(&mut ground, &picture, i64::from(x), i64::from(y));
    ground
}

fn resized(picture: RgbaImage, (width, height): (u32, u32)) -> RgbaImage {
    if picture.dimensions() == (width, height) {
        return picture;
    }
    // enlarging far is only asked for by accident: keep it cheap
    let is_large = u64::from(width) * u64::from(height) > 1_000_000;
    let filter = if is_large { FilterType::Nearest } else { FilterType::Triangle };
    imageops::resize(&picture, width, height, filter)
}

/// Turned clockwise by any angle: each new pixel takes the old one that comes to lie under it.
fn turned(picture: &RgbaImage, degrees: u16, ground: Ground, size: (u32, u32)) -> RgbaImage {
    let (sin, cos) = f64::from(degrees).to_radians().sin_cos();
    let middle = |side: u32| f64::from(side) / 2.0;
    let (width, height) = picture.dimensions();
    RgbaImage::from_fn(size.0, size.1, |x, y| {
        let (dx, dy) = (f64::from(x) + 0.5 - middle(size.0), f64::from(y) + 0.5 - middle(size.1));
        let from_x = dx * cos + dy * sin + middle(width);
        let from_y = dy * cos - dx * sin + middle(height);
        if from_x < 0.0 || from_y < 0.0 {
            return Rgba(ground.0);
        }
        let under = picture.get_pixel_checked(whole(from_x), whole(from_y));
        under.copied().unwrap_or(Rgba(ground.0))
    })
}

fn whole(place: f64) -> u32 {
    // places are within a few pictures' sides and not negative
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let place = place as u32;
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local_cloud::content::{Gravity, Resize};

    #[test]
    fn sizes_follow_the_way_of_cropping() {
        let frame = |crop, width: Option<u32>, height: Option<u32>| {
            Frame::new(crop, width.map(Resize::Pixels), height.map(Resize::Pixels))
        };
        let cases = [
            (Crop::Scale, Some(100), None, (100, 50)),
            (Crop::Scale, Some(100), Some(100), (100, 100)),
            (Crop::Fit, Some(100), Some(100), (100, 50)),
            (Crop::Limit, Some(1000), Some(1000), (200, 100)),
            (Crop::Limit, Some(100), Some(1000), (100, 50)),
            (Crop::FitUp, Some(400), Some(400), (400, 200)),
            (Crop::FitUp, Some(100), Some(400), (200, 100)),
            (Crop::Fill, Some(30), Some(60), (30, 60)),
            (Crop::Fill, Some(1), Some(3000), (1, 3000)),
            (Crop::FillDown, Some(30), Some(600), (30, 100)),
            (Crop::Cut, Some(30), None, (30, 100)),
            (Crop::Pad, None, Some(50), (100, 50)),
            (Crop::PadDown, Some(300), Some(300), (300, 300)),
            (Crop::PadDown, Some(50), Some(50), (50, 50)),
            (Crop::PadUp, Some(300), Some(50), (300, 100)),
        ];
        for (crop, width, height, size) in cases {
            let frame = frame(crop, width, height);
            assert_eq!(frame.size_of((200, 100)), size, "{frame:?}");
            let picture = framed(frame, RgbaImage::new(200, 100));
            assert_eq!(picture.dimensions(), size, "{frame:?}");
        }
    }

    /// Left half red, right half blue.
    fn halves() -> RgbaImage {
        let half = |x, _| Rgba(if x < 10 { [255, 0, 0, 255] } else { [0, 0, 255, 255] });
        RgbaImage::from_fn(20, 10, half)
    }

    #[test]
    fn gravity_and_turns_decide_what_is_seen() {
        let mut frame = Frame::new(Crop::Fill, Some(5.into()), Some(5.into()));
        frame.gravity = Gravity { east: 1, ..Gravity::default() };
        assert_eq!(framed(frame, halves()).get_pixel(2, 2).0, [0, 0, 255, 255]);
        frame.gravity.east = -1;
        assert_eq!(framed(frame, halves()).get_pixel(2, 2).0, [255, 0, 0, 255]);
        let turn = |turn| apply(Step::Turn(turn, Ground::default()), halves());
        assert_eq!(turn(Turn::Mirror).get_pixel(0, 0).0, [0, 0, 255, 255]);
        let right = turn(Turn::Degrees(90));
        assert_eq!((right.dimensions(), right.get_pixel(5, 0).0), ((10, 20), [255, 0, 0, 255]));
        let slanted = turn(Turn::Degrees(45));
        assert_eq!(slanted.get_pixel(0, 0).0, [255; 4]);
        let size = slanted.dimensions();
        assert_eq!(size, Step::Turn(Turn::Degrees(45), Ground::default()).size_of((20, 10)));
        assert_eq!(slanted.get_pixel(size.0 / 4, size.1 / 4).0, [255, 0, 0, 255]);
    }

    #[test]
    fn borders_have_the_ground_colour() {
        let mut frame = Frame::new(Crop::Pad, Some(20.into()), Some(20.into()));
        frame.ground = Ground([1, 2, 3, 255]);
        let picture = framed(frame, halves());
        assert_eq!(picture.get_pixel(0, 0).0, [1, 2, 3, 255]);
        assert_eq!(picture.get_pixel(0, 10).0, [255, 0, 0, 255]);
    }
}
