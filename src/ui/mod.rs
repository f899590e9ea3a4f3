//! Shared drawing: roles and glyphs, areas, widgets. Knows ratatui; knows no key, no effect and no state.

pub mod layout;
pub mod pen;
pub mod pixels;
pub mod text;
pub mod theme;
pub mod theme_file;
#[cfg(test)]
mod theme_tests;
pub mod widgets;

pub use theme::{Role, Theme};
