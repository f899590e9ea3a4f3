//! The first screen where no cloud is configured yet: three keys.

use std::io::IsTerminal as _;

use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use super::console::{ConsoleError, ConsoleOptions};
use super::event_loop::Surface as _;
use super::signals::{self, Signal};
use super::terminal::Screen;
use super::{colours, input, terminal};
use crate::app::key::{Code, Key};
use crate::app::msg::Input;
use crate::screens::first_run::{self, Step};
use crate::ui::Theme;
use crate::ui::theme_file::{AUTO, Themes};

/// Shows the three ways to begin until one is taken; the terminal is restored when this returns.
///
/// # Errors
/// Standard input or output is no terminal, or the terminal cannot be set up.
pub async fn run_first(options: &ConsoleOptions, config: &str) -> Result<Step, ConsoleError> {
    if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
        return Err(ConsoleError::NoTerminal);
    }
    let env = |name: &str| std::env::var(name).ok();
    let depth = options.colours.map_or_else(|| colours::depth(env), |(depth, _)| depth);
    let ascii = options.ascii || colours::locale_lacks_unicode(env);
    crossterm::style::force_color_output(true); // as in the console
    let (theme, _) = Themes::built_in().get(options.theme.as_deref().unwrap_or(AUTO));
    let theme = theme.with_glyphs(ascii).at_depth(depth);
    let (signal_tx, mut signals) = mpsc::channel(4);
    let mut screen = Screen::enter(false, options.notify.clone(), signal_tx.clone())?;
    let hangup = signals::watch_for_hangup(signal_tx.clone());
    let catching = signals::catch(signal_tx)?;
    let result = terminal::guarded(ask(&mut screen, &theme, config, &mut signals)).await;
    screen.leave();
    catching.abort();
    hangup.stand_down();
    Ok(result?)
}

async fn ask(
    screen: &mut Screen,
    theme: &Theme,
    config: &str,
    signals: &mut mpsc::Receiver<Signal>,
) -> std::io::Result<Step> {
    let mut events = input::events()?;
    let mut explains = false;
    loop {
        screen.paint(|frame| first_run::draw(frame, theme, config, explains))?;
        let key = tokio::select! {
            event = events.next() => match event {
                None => return Ok(Step::Quit),
                Some(Input::Key(key)) => key,
                Some(Input::Resize(..)) => {
                    screen.redraw()?;
                    continue;
                }
                Some(_) => continue,
            },
            signal = signals.recv() => match signal {
                Some(Signal::Suspend) => {
                    screen.stop()?;
                    continue;
                }
                Some(Signal::Resumed) => {
                    screen.resume()?;
                    continue;
                }
                Some(Signal::End(_) | Signal::HungUp) | None => return Ok(Step::Quit),
            },
        };
        match (key.code, key.ctrl) {
            (Code::Char('d'), false) => return Ok(Step::Demo),
            (Code::Char('s'), false) => explains = true,
            (Code::Esc, _) if explains => explains = false,
            (Code::Char('q'), false) | (Code::Char('c'), true) | (Code::Esc, _) => {
                return Ok(Step::Quit);
            }
            _ if key == Key::ctrl('z') => screen.stop()?,
            _ => {}
        }
    }
}
