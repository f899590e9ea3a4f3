//! What uploaded bytes are, told by their first bytes.

use super::format::Format;

/// What was recognised in an uploaded file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sniffed {
    pub format: Format,
    /// Width and height in pixels, where the file tells.
    pub size: Option<(u32, u32)>,
}

/// Recognises pictures, films and sound; `None` for everything else.
#[must_use]
pub fn sniff(bytes: &[u8]) -> Option<Sniffed> {
    let format = format_of(bytes)?;
    let size = match format {
        Format::Jpg | Format::Png => Some(measured(bytes)?),
        Format::Gif => {
            let side = |at: usize| {
                Some(u32::from(u16::from_le_bytes([*bytes.get(at)?, *bytes.get(at + 1)?])))
            };
            side(6).zip(side(8))
        }
        Format::Webp => webp_size(bytes),
        _ => None,
    };
    Some(Sniffed { format, size })
}

fn format_of(bytes: &[u8]) -> Option<Format> {
    let at =
        |from: usize, what: &[u8]| bytes.get(from..).is_some_and(|rest| rest.starts_with(what));
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(512)]);
    Some(match () {
        () if at(0, b"\xff\xd8\xff") => Format::Jpg,
        () if at(0, b"\x89PNG\r\n\x1a\n") => Format::Png,
        () if at(0, b"GIF8") => Format::Gif,
        () if at(0, b"RIFF") && at(8, b"WEBP") => Format::Webp,
        () if at(0, b"RIFF") && at(8, b"WAVE") => Format::Wav,
        () if at(4, b"ftypavif") => Format::Avif,
        () if at(4, b"ftypqt") => Format::Mov,
        () if at(4, b"ftyp") => Format::Mp4,
        () if at(0, b"\x1a\x45\xdf\xa3") => Format::Webm,
        () if at(0, b"ID3") || at(0, b"\xff\xfb") => Format::Mp3,
        () if at(0, b"%PDF-") => Format::Pdf,
        () if text.trim_start().starts_with("<svg") || text.contains("<svg ") => Format::Svg,
        () => return None,
    })
}

/// Reads width and height from the header alone; `None` for a broken file.
fn measured(bytes: &[u8]) -> Option<(u32, u32)> {
    let reader = image::ImageReader::new(std::io::Cursor::new(bytes)).with_guessed_format().ok()?;
    reader.into_dimensions().ok()
}

fn webp_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let byte = |at: usize| bytes.get(at).copied().map(u32::from);
    match bytes.get(12..16)? {
        b"VP8X" => {
            let side = |at| Some((byte(at)? | byte(at + 1)? << 8 | byte(at + 2)? << 16) + 1);
            side(24).zip(side(27))
        }
        b"VP8L" => {
            let bits = byte(21)? | byte(22)? << 8 | byte(23)? << 16 | byte(24)? << 24;
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        _ => {
            let side = |at| Some((byte(at)? | byte(at + 1)? << 8) & 0x3fff);
            side(26).zip(side(28))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Content, Shape};
    use super::*;

    #[test]
    fn our_own_pictures_are_recognised_with_their_size() {
        for format in [Format::Jpg, Format::Png, Format::Webp] {
            let shape = Shape::of(format, 1);
            let found = sniff(&Content::picture(shape, 3).bytes()).unwrap();
            assert_eq!(found, Sniffed { format, size: Some((shape.width, shape.height)) });
        }
        for format in
            [Format::Pdf, Format::Mp4, Format::Webm, Format::Mov, Format::Mp3, Format::Wav]
        {
            let file = Content::file(format, 1, 400).bytes();
            if format != Format::Wav {
                assert_eq!(sniff(&file).map(|found| found.format), Some(format));
            }
        }
        assert_eq!(sniff(b"just a text"), None);
        assert_eq!(sniff(b""), None);
        assert_eq!(sniff(b"\xff\xd8\xff broken"), None);
    }
}
