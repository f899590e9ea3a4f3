//! What the terminal sends, in our words.

use std::collections::VecDeque;
use std::time::Instant;

use crossterm::event::{
    Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseEventKind,
};
use futures_util::{Stream, StreamExt as _, stream};
use tokio::time::timeout_at;

use super::background::{Answers, Sent};
use crate::app::key::{Code, Key};
use crate::app::msg::Input;

/// Everything the terminal sends; what means nothing to us is left out. Ends when the terminal does.
pub fn events() -> impl Stream<Item = Input> + Unpin {
    let source =
        Source { events: EventStream::new(), answers: Answers::default(), ready: VecDeque::new() };
    Box::pin(stream::unfold(source, |mut source| async move {
        let next = source.next().await?;
        Some((next, source))
    }))
}

/// Events of the terminal, and answers among them.
struct Source {
    events: EventStream,
    answers: Answers,
    ready: VecDeque<Sent>,
}

impl Source {
    async fn next(&mut self) -> Option<Input> {
        loop {
            while let Some(sent) = self.ready.pop_front() {
                let input = match sent {
                    Sent::Event(event) => translate(event),
                    Sent::Ground(ground) => Some(Input::Ground(ground)),
                };
                if input.is_some() {
                    return input;
                }
            }
            let event = if let Some(until) = self.answers.until() {
                let Ok(event) = timeout_at(until.into(), self.events.next()).await else {
                    self.ready.extend(self.answers.let_go());
                    continue;
                };
                event
            } else {
                self.events.next().await
            };
            self.ready.extend(self.answers.take(event?.ok()?, Instant::now()));
        }
    }
}

/// An event in our words, if it means anything.
#[must_use]
pub fn translate(event: Event) -> Option<Input> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => translate_key(key).map(Input::Key),
        Event::Paste(text) => Some(Input::Paste(text)),
        Event::Resize(width, height) => Some(Input::Resize(width, height)),
        Event::FocusGained => Some(Input::Focus(true)),
        Event::FocusLost => Some(Input::Focus(false)),
        Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::ScrollDown => Some(Input::Wheel(3)),
            MouseEventKind::ScrollUp => Some(Input::Wheel(-3)),
            MouseEventKind::Down(crossterm::event::MouseButton::Left) => {
                Some(Input::Click(mouse.column, mouse.row))
            }
            _ => None,
        },
        Event::Key(_) => None,
    }
}

fn translate_key(event: KeyEvent) -> Option<Key> {
    let held = |modifier| event.modifiers.contains(modifier);
    let (ctrl, alt) = (held(KeyModifiers::CONTROL), held(KeyModifiers::ALT));
    let mut shift = held(KeyModifiers::SHIFT);
    let code = match event.code {
        KeyCode::Char(c) => {
            shift = false; // part of the character
            Code::Char(if ctrl { c.to_ascii_lowercase() } else { c })
        }
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Tab => Code::Tab,
        KeyCode::BackTab => {
            shift = true;
            Code::Tab
        }
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Insert => Code::Insert,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        KeyCode::F(n) => Code::F(n),
        _ => return None,
    };
    Some(Key { code, ctrl, alt, shift })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> Option<Input> {
        translate(Event::Key(KeyEvent::new(code, modifiers)))
    }

    #[test]
    fn shift_is_part_of_a_character_and_of_backtab() {
        let upper = key(KeyCode::Char('G'), KeyModifiers::SHIFT);
        assert_eq!(upper, Some(Input::Key(Key::char('G'))));
        let back = key(KeyCode::BackTab, KeyModifiers::SHIFT);
        assert_eq!(back, Some(Input::Key("shift-tab".parse().unwrap())));
        let ctrl = key(KeyCode::Char('R'), KeyModifiers::CONTROL | KeyModifiers::SHIFT);
        assert_eq!(ctrl, Some(Input::Key(Key::ctrl('r'))));
    }

    #[test]
    fn released_keys_mean_nothing() {
        let mut event = KeyEvent::new(KeyCode::Char('d'), KeyModifiers::NONE);
        event.kind = KeyEventKind::Release;
        assert_eq!(translate(Event::Key(event)), None);
    }
}
