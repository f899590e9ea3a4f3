//! A file from outside, made into few pixels: bounded in pixels and memory whatever it says of itself, and every
//! trouble with it is a sentence.

use crate::ui::pixels::{Pixels, Way};

/// Longer sides are scaled down to this: as much as a pane of a terminal can show.
pub const LONGEST_SIDE: u32 = 512;

/// A picture is not made smaller than this, however many bytes it takes.
#[cfg(feature = "images")]
const SHORTEST_SIDE: u32 = 64;

/// Reads a file and scales it down until what the terminal is sent for it is at most `most` bytes. Takes a core for up
/// to a second: for a thread of its own.
///
/// # Errors
/// What is wrong with the file, as one sentence that goes behind the name of what it came from.
#[cfg(feature = "images")]
pub fn scaled(file: &[u8], id: u64, way: Way, most: usize) -> Result<Pixels, String> {
    use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};
    use std::io::Cursor;

    /// Sides that are drawn.
    const MOST_SIDE: u32 = 16_384;
    /// Pixels that are decoded.
    const MOST_PIXELS: u64 = 50_000_000;
    /// Bytes that decoding may take.
    const MOST_MEMORY: u64 = 256 << 20;

    let unknown = || match kind_of(file) {
        Some(kind) => format!("no preview for {kind}: JPEG, PNG, GIF and WebP are drawn"),
        None => "what came is no picture in a format that is known here".to_owned(),
    };
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
    let mut image = if full.0.max(full.1) > LONGEST_SIDE {
        image.thumbnail(LONGEST_SIDE, LONGEST_SIDE)
    } else {
        image
    };
    loop {
        let rgb = opaque(&image.to_rgba8());
        let (width, height) = (image.width(), image.height());
        let file = encoded(&rgb, width, height, way)
            .map_err(|_| "it cannot be made into what the terminal takes".to_owned())?;
        let side = width.max(height) / 2;
        if sent(way, &file, &rgb) <= most || side < SHORTEST_SIDE {
            return Ok(Pixels { id, width, height, rgb, full, format, file });
        }
        image = image.thumbnail(side, side);
    }
}

/// Its colours. What can be seen through lies on middle grey, which is neither ground.
#[cfg(feature = "images")]
fn opaque(image: &image::RgbaImage) -> Vec<u8> {
    let mut rgb = Vec::new();
    for pixel in image.pixels() {
        let [red, green, blue, alpha] = pixel.0;
        let over = |value: u8| {
            let mixed = u32::from(value) * u32::from(alpha) + 128 * (255 - u32::from(alpha));
            u8::try_from(mixed / 255).unwrap_or(u8::MAX)
        };
        rgb.extend([over(red), over(green), over(blue)]);
    }
    rgb
}

/// About how many bytes the terminal is sent for it: files go as base64, a sixel picture takes a byte a pixel.
#[cfg(feature = "images")]
const fn sent(way: Way, file: &[u8], rgb: &[u8]) -> usize {
    match way {
        Way::Kitty | Way::Iterm2 => file.len() / 3 * 4,
        Way::Sixel => rgb.len() / 3,
        Way::Off | Way::Cells => 0, // no more than the cells
    }
}

/// What a file that is not drawn is called, by how it begins (as the formats have it): no more than a name for it.
#[cfg(feature = "images")]
fn kind_of(file: &[u8]) -> Option<&'static str> {
    const BEGINNINGS: [(&[u8], &str); 10] = [
        (b"BM", "BMP"),
        (b"II*\0", "TIFF"),
        (b"MM\0*", "TIFF"),
        (b"\0\0\x01\0", "ICO"),
        (b"8BPS", "PSD"),
        (b"%PDF-", "PDF"),
        (b"\xff\x0a", "JPEG XL"),
        (b"\0\0\0\x0cJXL ", "JPEG XL"),
        (b"\0\0\0\x0cjP  ", "JPEG 2000"),
        (b"\x1a\x45\xdf\xa3", "WebM"),
    ];
    let by_beginning = BEGINNINGS.iter().find(|(begins, _)| file.starts_with(begins));
    if let Some((_, kind)) = by_beginning {
        return Some(kind);
    }
    match (file.get(4..8), file.get(8..12)) {
        (Some(b"ftyp"), Some(b"avif" | b"avis")) => return Some("AVIF"),
        (Some(b"ftyp"), Some(b"heic" | b"heix" | b"mif1" | b"msf1")) => return Some("HEIC"),
        (Some(b"ftyp"), Some(_)) => return Some("video"),
        _ => {}
    }
    let head = String::from_utf8_lossy(&file[..file.len().min(1_024)]).to_lowercase();
    let head = head.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let is_markup = head.starts_with('<');
    match (is_markup, head.find("<svg"), head.find("<html")) {
        (true, Some(svg), html) if html.is_none_or(|html| svg < html) => Some("SVG"),
        (true, _, Some(_)) => Some("a web page"),
        _ => None,
    }
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
pub fn scaled(_file: &[u8], _id: u64, _way: Way, _most: usize) -> Result<Pixels, String> {
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
        let pixels = scaled(&file(1300, 650, format), 4, Way::Cells, usize::MAX).unwrap();
        assert_eq!((pixels.width, pixels.height), (512, 256));
        assert_eq!((pixels.full, pixels.format, pixels.id), ((1300, 650), name, 4));
        assert_eq!(pixels.rgb.len(), 512 * 256 * 3);
        assert!(pixels.file.is_empty());
        let (red, green, _) = pixels.part((0, 1), (0, 1));
        assert!(red > 190 && green < 30, "{red} {green}");
    }

    #[test]
    fn the_terminal_gets_the_file_that_it_takes() {
        let png = scaled(&file(60, 30, ImageFormat::Gif), 1, Way::Kitty, usize::MAX).unwrap().file;
        assert!(png.starts_with(b"\x89PNG"));
        let jpg = scaled(&file(60, 30, ImageFormat::Gif), 1, Way::Iterm2, usize::MAX).unwrap().file;
        assert!(jpg.starts_with(b"\xff\xd8"));
    }

    #[rstest]
    #[case(Way::Kitty)]
    #[case(Way::Iterm2)]
    #[case(Way::Sixel)]
    fn over_a_slow_line_it_is_made_smaller_until_it_is_small_enough(#[case] way: Way) {
        let mut seed = 1_u32;
        let noise = RgbImage::from_fn(900, 600, |_, _| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [red, green, blue, _] = seed.to_be_bytes();
            Rgb([red, green, blue])
        });
        let mut bytes = Cursor::new(Vec::new());
        noise.write_to(&mut bytes, ImageFormat::Png).unwrap();
        let whole = scaled(bytes.get_ref(), 1, way, usize::MAX).unwrap();
        assert_eq!((whole.width, whole.height), (512, 341));
        let most = 96 << 10;
        let small = scaled(bytes.get_ref(), 1, way, most).unwrap();
        assert!(sent(way, &small.file, &small.rgb) <= most && small.width >= SHORTEST_SIDE);
        assert!(small.width < whole.width, "{}", small.width);
        assert_eq!(small.full, (900, 600));
        let least = scaled(bytes.get_ref(), 1, way, 1).unwrap();
        assert!((SHORTEST_SIDE..2 * SHORTEST_SIDE).contains(&least.width), "{}", least.width);
    }

    #[test]
    fn what_can_be_seen_through_is_grey() {
        let mut bytes = Cursor::new(Vec::new());
        RgbaImage::from_pixel(9, 9, Rgba([255, 0, 0, 0]))
            .write_to(&mut bytes, ImageFormat::Png)
            .unwrap();
        let pixels = scaled(bytes.get_ref(), 1, Way::Cells, usize::MAX).unwrap();
        assert_eq!(pixels.part((0, 1), (0, 1)), (128, 128, 128));
    }

    #[rstest]
    #[case(b"\0\0\0\x20ftypavif\0\0\0\0", "AVIF")]
    #[case(b"\0\0\0\x20ftypheic\0\0\0\0", "HEIC")]
    #[case(b"\0\0\0\x20ftypisom\0\0\0\0", "video")]
    #[case(b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "SVG")]
    #[case(b"\xef\xbb\xbf <?xml version=\"1.0\"?>\n<!-- a --><SVG/>", "SVG")]
    #[case(b"<!doctype html><html><body><svg/></html>", "a web page")]
    #[case(b"BM000000000000", "BMP")]
    #[case(b"II*\0\x08\0\0\0", "TIFF")]
    #[case(b"%PDF-1.7", "PDF")]
    fn formats_that_are_not_drawn_are_named(#[case] file: &[u8], #[case] kind: &str) {
        let said = scaled(file, 1, Way::Cells, usize::MAX).unwrap_err();
        assert_eq!(said, format!("no preview for {kind}: JPEG, PNG, GIF and WebP are drawn"));
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
        let said = |file: &[u8]| scaled(file, 1, Way::Cells, usize::MAX).unwrap_err();
        for other in [&b""[..], b"\0\0\0", b"ftyp", b"plain words", b"<", b"\xff\xfe<"] {
            assert_eq!(said(other), "what came is no picture in a format that is known here");
        }
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
                let _ = scaled(&whole[..cut], 1, Way::Cells, usize::MAX);
            }
        }
    }
}
