//! A question to be answered with yes or no; no is the default.

use ratatui::layout::Rect;

use crate::app::effect::Effect;
use crate::app::key::Key;
use crate::app::state::App;
use crate::ui::pen::Pen;
use crate::ui::theme::Role;
use crate::ui::widgets::hints::hints;
use crate::ui::widgets::popup::popup;
use crate::ui::{layout, text};

/// The question, and what yes asks of the world.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    pub title: String,
    /// Cleaned, one paragraph each.
    pub text: Vec<String>,
    /// What `y` does, in a few words.
    pub yes: &'static str,
    pub effects: Vec<Effect>,
    /// The key that opened it: it never answers it.
    pub opened_by: Option<Key>,
}

/// Draws the question with its keys.
pub fn draw(app: &App, pen: &mut Pen<'_>, question: &Question, area: Rect) {
    let width = area.width.min(70);
    let inside = usize::from(width.saturating_sub(4));
    let lines: u16 = question
        .text
        .iter()
        .map(|part| u16::try_from(text::wrap(part, inside).len()).unwrap_or(1))
        .sum();
    let area = layout::centred(area, width, lines + 5);
    let inside = popup(pen, area, &question.title, Role::Title);
    let (text, keys) = layout::split_bottom(inside, 1);
    let mut y = text.y;
    for part in &question.text {
        let rest = Rect { y, height: text.bottom().saturating_sub(y), ..text };
        y += pen.paragraph(rest, part, Role::Text);
    }
    let yes = app.keymap.shown("ask.yes");
    let no = app.keymap.keys("dialog.close").first().map_or("esc".to_owned(), ToString::to_string);
    let hint = [(yes, question.yes), (no, "leave it as it is")];
    hints(pen, keys, &hint);
}
