//! A file from outside, made into few pixels: bounded in pixels and memory whatever it says of itself, and every
//! trouble with it is a sentence.

use crate::ui::pixels::{Pixels, Way};

/// Longer sides are scaled down to this: as much as a pane of a terminal can show.
pub const LONGEST_SIDE: u32 = 512;

/// Reads a file and scales it down. Takes a core for up to a second: for a thread of its own.
///
/// # Errors
/// What is wrong with the file, as one sentence that goes behind the name of what it came from.
#[cfg(feature = "images")]
pub fn scaled(file: &[u8], id: u64, way: Way) -> Result<Pixels, String> {
    use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};
    use std::io::Cursor;

    /// Sides that are drawn.
    const MOST_SIDE: u32 = 16_384;
    /// Pixels that are decoded.
    const MOST_PIXELS: u64 = 50_000_000;
    /// Bytes that decoding may take.
    const MOST_MEMORY: u64 = 256 << 20;

    let unknown = || "what came is no picture in a format that is drawn here".to_owned();
    let mut reader =
        ImageReader::new(Cursor::new(file)).with_guessed_format().map_err(|_| unknown())?;
    let format = match reader.format().ok_or_else(unknown)? {
        ImageFormat::Jpeg => "jpg",
        ImageFormat::Png => "png",
        ImageFormat::Gif => "gif",
        ImageFormat::WebP => "webp",
        _ => return Err(unknown()),
    };
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_SIDE);
    limits.max_image_height = Some(MOST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let broken = |_| format!("the {format} file is broken, or was cut off");
    let decoder = reader.into_decoder().map_err(broken)?;
    let full = decoder.dimensions();
    if full.0 == 0 || full.1 == 0 {
        return Err(format!("the {format} file has no pixels"));
    }
    if u64::from(full.0) * u64::from(full.1) > MOST_PIXELS {
        return Err(format!("{} x {} pixels are too many to be drawn here", full.0, full.1));
    }
    let image = DynamicImage::from_decoder(decoder).map_err(broken)?;
    let image = if full.0.max(full.1) > LONGEST_SIDE {
        image.thumbnail(LONGEST_SIDE, LONGEST_SIDE)
    } else {
        image
    };
    // what can be seen through lies on middle grey, which is neither ground
    let mut rgb = Vec::new();
    let image = image.into_rgba8();
    for pixel in image.pixels() {
        let [red, green, blue, alpha] = pixel.0;
        let over = |value: u8| {
            let mixed = u32::from(value) * u32::from(alpha) + 128 * (255 - u32::from(alpha));
            u8::try_from(mixed / 255).unwrap_or(u8::MAX)
        };
        rgb.extend([over(red), over(green), over(blue)]);
    }
    let (width, height) = image.dimensions();
    let file = encoded(&rgb, width, height, way)
        .map_err(|_| "it cannot be made into what the terminal takes".to_owned())?;
    Ok(Pixels { id, width, height, rgb, full, format, file })
}

/// The file that the terminal wants, if it wants one.
#[cfg(feature = "images")]
fn encoded(rgb: &[u8], width: u32, height: u32, way: Way) -> image::ImageResult<Vec<u8>> {
    use image::codecs::jpeg::JpegEncoder;
    use image::codecs::png::PngEncoder;
    use image::{ExtendedColorType, ImageEncoder as _};
    let mut file = Vec::new();
    match way {
        Way::Kitty => {
            PngEncoder::new(&mut file).write_image(rgb, width, height, ExtendedColorType::Rgb8)?;
        }
        Way::Iterm2 => {
            let encoder = JpegEncoder::new_with_quality(&mut file, 85);
            encoder.write_image(rgb, width, height, ExtendedColorType::Rgb8)?;
        }
        Way::Off | Way::Cells | Way::Sixel => {}
    }
    Ok(file)
}

/// Without the feature `images` nothing is drawn.
///
/// # Errors
/// Always.
#[cfg(not(feature = "images"))]
pub fn scaled(_file: &[u8], _id: u64, _way: Way) -> Result<Pixels, String> {
    Err("this build draws no pictures".to_owned())
}

#[cfg(all(test, feature = "images"))]
mod tests {
    use super::*;
    use image::{ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
    use rstest::rstest;
    use std::io::Cursor;

    fn file(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        RgbImage::from_pixel(width, height, Rgb([200, 10, 10]))
            .write_to(&mut bytes, format)
            .unwrap();
        bytes.into_inner()
    }

    #[rstest]
    #[case(ImageFormat::Png, "png")]
    #[case(ImageFormat::Jpeg, "jpg")]
    #[case(ImageFormat::Gif, "gif")]
    #[case(ImageFormat::WebP, "webp")]
    fn every_format_becomes_few_pixels(#[case] format: ImageFormat, #[case] name: &str) {
        let pixels = scaled(&file(1300, 650, format), 4, Way::Cells).unwrap();
        assert_eq!((pixels.width, pixels.height), (512, 256));
        assert_eq!((pixels.full, pixels.format, pixels.id), ((1300, 650), name, 4));
        assert_eq!(pixels.rgb.len(), 512 * 256 * 3);
        assert!(pixels.file.is_empty());
        let (red, green, _) = pixels.part((0, 1), (0, 1));
        assert!(red > 190 && green < 30, "{red} {green}");
    }

    #[test]
    fn the_terminal_gets_the_file_that_it_takes() {
        let png = scaled(&file(60, 30, ImageFormat::Gif), 1, Way::Kitty).unwrap().file;
        assert!(png.starts_with(b"\x89PNG"));
        let jpg = scaled(&file(60, 30, ImageFormat::Gif), 1, Way::Iterm2).unwrap().file;
        assert!(jpg.starts_with(b"\xff\xd8"));
    }

    #[test]
    fn what_can_be_seen_through_is_grey() {
        let mut bytes = Cursor::new(Vec::new());
        RgbaImage::from_pixel(9, 9, Rgba([255, 0, 0, 0]))
            .write_to(&mut bytes, ImageFormat::Png)
            .unwrap();
        let pixels = scaled(bytes.get_ref(), 1, Way::Cells).unwrap();
        assert_eq!(pixels.part((0, 1), (0, 1)), (128, 128, 128));
    }

    /// A PNG of some hundred bytes that says of itself to be this large.
    fn bomb(width: u32, height: u32) -> Vec<u8> {
        let mut png = file(1, 1, ImageFormat::Png);
        png[16..20].copy_from_slice(&width.to_be_bytes());
        png[20..24].copy_from_slice(&height.to_be_bytes());
        let crc = png[12..29].iter().fold(!0_u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 }
            })
        });
        png[29..33].copy_from_slice(&(!crc).to_be_bytes());
        png
    }

    #[test]
    fn hostile_files_end_in_a_sentence() {
        let said = |file: &[u8]| scaled(file, 1, Way::Cells).unwrap_err();
        assert_eq!(said(b""), "what came is no picture in a format that is drawn here");
        assert_eq!(said(b"<html>moved"), "what came is no picture in a format that is drawn here");
        assert_eq!(
            said(b"BM000000000000"),
            "what came is no picture in a format that is drawn here"
        );
        let whole = file(300, 300, ImageFormat::Jpeg);
        let cut = said(&whole[..40]);
        assert_eq!(cut, "the jpg file is broken, or was cut off");
        for (width, height) in [(60_000, 60_000), (u32::MAX, u32::MAX), (0, 5)] {
            let why = said(&bomb(width, height));
            assert!(why.contains("broken") || why.contains("pixels"), "{why}");
        }
        assert_eq!(said(&bomb(9_000, 9_000)), "9000 x 9000 pixels are too many to be drawn here");
        for format in [ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP, ImageFormat::Jpeg] {
            let whole = file(64, 64, format);
            for cut in 0..whole.len() {
                // any beginning of a file: drawn as far as it goes, or a sentence, and never a panic
                let _ = scaled(&whole[..cut], 1, Way::Cells);
            }
        }
    }
}
