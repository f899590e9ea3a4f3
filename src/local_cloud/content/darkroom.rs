//! Remembers pictures that were drawn, so that each is drawn once while it is in use.
//!
//! What is kept depends on nothing but the question (a shape, or a variant of one), so all worlds of a process
//! share it. Bounded: the oldest goes first.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use super::encode::encoded;
use super::format::Format;
use super::render::develop;
use super::{Content, Recipe, Shape};

type File = Arc<Vec<u8>>;

/// Most variants kept; at about 30 KB each.
const MOST: usize = 1024;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Question {
    Drawn(Shape),
    /// Variant of a drawn shape, or of an uploaded file known by its MD5.
    Developed {
        of: Source,
        transformation: String,
        format: Format,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Source {
    Shape(Shape),
    File(String),
}

#[derive(Default)]
struct Shelf {
    files: HashMap<Question, File>,
    order: VecDeque<Question>,
}

static SHELF: LazyLock<Mutex<Shelf>> = LazyLock::new(Mutex::default);

/// The file of a shape, before it gets its mark.
pub fn drawn(shape: Shape) -> File {
    remembered(Question::Drawn(shape), || encoded(&shape.draw(), shape.format, 82))
}

/// Draws every shape that originals come in, so that the first listing need not.
pub fn draw_ahead() {
    for format in [Format::Jpg, Format::Png, Format::Webp] {
        for pick in 0..6 {
            drawn(Shape::of(format, pick));
        }
    }
}

/// The file of a derived content, before it gets its mark; anything else is its own bytes.
pub fn developed(content: &Content) -> File {
    let Recipe::Derived { from, transformation, frames, format } = &content.recipe else {
        return Arc::new(content.bytes().to_vec());
    };
    if !from.is_drawable() {
        return Arc::new(from.bytes().to_vec());
    }
    let of = match &from.recipe {
        Recipe::Picture { shape, .. } => Source::Shape(*shape),
        Recipe::File { mark, .. } => Source::Shape(Shape::poster(*mark)),
        Recipe::Uploaded { .. } | Recipe::Derived { .. } => Source::File(from.etag().to_owned()),
    };
    let question =
        Question::Developed { of, transformation: transformation.clone(), format: *format };
    remembered(question, || develop(from, transformation, frames, *format))
}

/// Two who ask at the same time may both draw; the picture is the same.
fn remembered(question: Question, draw: impl FnOnce() -> Vec<u8>) -> File {
    let shelf = || SHELF.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(file) = shelf().files.get(&question) {
        return file.clone();
    }
    let file = Arc::new(draw());
    let mut shelf = shelf();
    if shelf.files.insert(question.clone(), file.clone()).is_none() {
        shelf.order.push_back(question);
    }
    while shelf.order.len() > MOST {
        let oldest = shelf.order.pop_front();
        oldest.and_then(|question| shelf.files.remove(&question));
    }
    file
}
