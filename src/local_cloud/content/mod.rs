//! Bytes of originals and derived assets, made when somebody asks for them.
//!
//! A [`Content`] is a recipe: it costs a few words until its bytes are wanted, and its bytes are the same each
//! time. A copy in an edge's cache holds on to its recipe, so old content can be served long after storage has
//! forgotten it. Drawing and resizing are memoised in `darkroom`. No I/O.

mod darkroom;
mod encode;
mod file;
mod format;
mod picture;
mod render;
mod sniff;

use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use md5::{Digest, Md5};

pub use darkroom::draw_ahead;
pub use format::Format;
pub use picture::Shape;
pub use render::{Crop, Frame, Resize};
pub use sniff::{Sniffed, sniff};

use super::chance::{hash_bytes, hash_text, mix};

/// The bytes of one original or one derived asset.
#[derive(Debug)]
pub struct Content {
    recipe: Recipe,
    etag: OnceLock<String>,
    length: OnceLock<u64>,
}

#[derive(Debug)]
enum Recipe {
    /// Drawn here; `mark` makes the file unlike all others, `padding` varies its length.
    Picture { shape: Shape, mark: u64, padding: u16 },
    /// A file that is no picture: documents, sound, film.
    File { format: Format, mark: u64, length: u32 },
    /// What somebody uploaded.
    Uploaded { bytes: Bytes, format: Option<Format>, size: Option<(u32, u32)> },
    /// A variant of another content.
    Derived { from: Arc<Content>, transformation: String, frames: Vec<Frame>, format: Format },
}

impl Content {
    /// A picture of `shape` that differs from every other by its `mark`.
    #[must_use]
    pub fn picture(shape: Shape, mark: u64) -> Self {
        let padding = u16::try_from(mix(mark) % 6000).unwrap_or(0);
        Self::of(Recipe::Picture { shape, mark, padding })
    }

    /// A document, sound or film of `length` bytes.
    #[must_use]
    pub fn file(format: Format, mark: u64, length: u32) -> Self {
        Self::of(Recipe::File { format, mark, length })
    }

    /// Bytes from outside, with what could be recognised in them.
    #[must_use]
    pub fn uploaded(bytes: Bytes, sniffed: Option<Sniffed>) -> Self {
        let format = sniffed.map(|found| found.format);
        Self::of(Recipe::Uploaded { bytes, format, size: sniffed.and_then(|found| found.size) })
    }

    /// The variant of `from` that `transformation` stands for; `frames` is the part of it that is carried out.
    #[must_use]
    pub fn derived(
        from: Arc<Self>,
        transformation: &str,
        frames: Vec<Frame>,
        format: Format,
    ) -> Self {
        let transformation = transformation.to_owned();
        Self::of(Recipe::Derived { from, transformation, frames, format })
    }

    fn of(recipe: Recipe) -> Self {
        Self { recipe, etag: OnceLock::new(), length: OnceLock::new() }
    }

    /// All bytes; takes milliseconds where a picture must be drawn first.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        match &self.recipe {
            Recipe::Picture { shape, mark, padding } => {
                let plain = darkroom::drawn(*shape);
                encode::marked(shape.format, &plain, *mark, usize::from(*padding)).into()
            }
            Recipe::File { format, mark, length } => file::bytes(*format, *mark, *length).into(),
            Recipe::Uploaded { bytes, .. } => bytes.clone(),
            Recipe::Derived { format, .. } => {
                let plain = darkroom::developed(self);
                encode::marked(*format, &plain, self.mark(), 0).into()
            }
        }
    }

    /// Number of bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        *self.length.get_or_init(|| {
            let length = match &self.recipe {
                Recipe::Picture { shape, padding, .. } => {
                    darkroom::drawn(*shape).len()
                        + encode::mark_length(shape.format, usize::from(*padding))
                }
                Recipe::File { length, .. } => return u64::from(*length),
                Recipe::Uploaded { bytes, .. } => bytes.len(),
                Recipe::Derived { format, .. } => {
                    darkroom::developed(self).len() + encode::mark_length(*format, 0)
                }
            };
            length as u64
        })
    }

    /// MD5 of the bytes in hex: the API's `etag`, and the validator that edges send.
    #[must_use]
    pub fn etag(&self) -> &str {
        self.etag.get_or_init(|| hex::encode(Md5::digest(self.bytes())))
    }

    /// Kind of file, where known.
    #[must_use]
    pub fn format(&self) -> Option<Format> {
        match &self.recipe {
            Recipe::Picture { shape, .. } => Some(shape.format),
            Recipe::File { format, .. } | Recipe::Derived { format, .. } => Some(*format),
            Recipe::Uploaded { format, .. } => *format,
        }
    }

    /// Width and height in pixels, of pictures and films.
    #[must_use]
    pub fn size(&self) -> Option<(u32, u32)> {
        match &self.recipe {
            Recipe::Picture { shape, .. } => Some((shape.width, shape.height)),
            Recipe::File { format, .. } => format.is_film().then_some((640, 360)),
            Recipe::Uploaded { size, .. } => *size,
            Recipe::Derived { from, frames, .. } => {
                let drawn = from.size().unwrap_or(Shape::POSTER);
                Some(frames.iter().fold(drawn, |size, frame| frame.size_of(size)))
            }
        }
    }

    /// Whether variants of it can be drawn, and not only be tagged.
    #[must_use]
    pub fn is_drawable(&self) -> bool {
        match &self.recipe {
            Recipe::Picture { .. } => true,
            Recipe::File { format, .. } => format.is_film(),
            Recipe::Uploaded { format, .. } => format.is_some_and(Format::is_readable),
            Recipe::Derived { from, .. } => from.is_drawable(),
        }
    }

    /// Tells contents of the same look apart.
    fn mark(&self) -> u64 {
        match &self.recipe {
            Recipe::Picture { mark, .. } | Recipe::File { mark, .. } => *mark,
            Recipe::Uploaded { bytes, .. } => hash_bytes(&bytes[..bytes.len().min(65_536)]),
            Recipe::Derived { from, transformation, format, .. } => {
                mix(from.mark() ^ mix(hash_text(transformation)) ^ hash_text(format.as_str()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes() -> impl Iterator<Item = Shape> {
        [Format::Jpg, Format::Png, Format::Webp].into_iter().map(|format| Shape::of(format, 3))
    }

    #[test]
    fn bytes_are_repeatable_and_their_length_is_known_beforehand() {
        for shape in shapes() {
            let (one, again) = (Content::picture(shape, 11), Content::picture(shape, 11));
            assert_eq!(one.length(), one.bytes().len() as u64, "{shape:?}");
            assert_eq!(one.bytes(), again.bytes());
            assert_eq!(one.etag(), again.etag());
            assert_ne!(one.etag(), Content::picture(shape, 12).etag());
        }
    }

    #[test]
    fn drawn_pictures_are_real_pictures() {
        for shape in shapes().filter(|shape| shape.format.is_readable()) {
            let picture = image::load_from_memory(&Content::picture(shape, 5).bytes()).unwrap();
            assert_eq!((picture.width(), picture.height()), (shape.width, shape.height));
        }
    }

    #[test]
    fn a_derived_picture_has_the_size_it_was_asked_for() {
        let original = Arc::new(Content::picture(Shape::of(Format::Jpg, 1), 5));
        let fill = Frame { crop: Crop::Fill, width: Some(40.into()), height: Some(30.into()) };
        for format in [Format::Jpg, Format::Png] {
            let derived =
                Content::derived(original.clone(), "c_fill,h_30,w_40", vec![fill], format);
            let picture = image::load_from_memory(&derived.bytes()).unwrap();
            assert_eq!((picture.width(), picture.height()), (40, 30));
            assert_eq!(derived.size(), Some((40, 30)));
            assert_eq!(derived.length(), derived.bytes().len() as u64);
            assert_ne!(derived.etag(), original.etag());
        }
    }

    #[test]
    fn derived_copies_of_two_originals_of_one_shape_differ() {
        let shape = Shape::of(Format::Png, 0);
        let derived = |mark| {
            let from = Arc::new(Content::picture(shape, mark));
            Content::derived(from, "e_grayscale", Vec::new(), Format::Png).etag().to_owned()
        };
        assert_ne!(derived(1), derived(2));
        assert_eq!(derived(1), derived(1));
    }

    #[test]
    fn an_upload_nobody_can_read_is_tagged_when_transformed() {
        let original = Arc::new(Content::uploaded(Bytes::from_static(b"GIF89a..."), None));
        let derived = Content::derived(original.clone(), "w_10", Vec::new(), Format::Gif);
        assert!(derived.bytes().starts_with(b"GIF89a..."));
        assert_eq!(derived.length(), derived.bytes().len() as u64);
        assert_ne!(derived.bytes(), original.bytes());
    }
}
