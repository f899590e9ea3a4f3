//! The terminal: entered once, drawn in synchronised frames, restored however the console ends.

use std::io;
use std::os::fd::AsFd as _;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use crossterm::Command;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste,
    EnableFocusChange, EnableMouseCapture,
};
use crossterm::style::ResetColor;
use crossterm::terminal::{
    BeginSynchronizedUpdate, DisableLineWrap, EnableLineWrap, EndSynchronizedUpdate,
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use tokio::sync::mpsc;

use super::clipboard::{self, Between};
use super::event_loop::Surface;
use super::links;
use super::notify::Wanted;
use super::output::Output;
use super::signals::Signal;
use crate::app::App;
use crate::app::notice::Notice;
use crate::screens::shell;
use crate::ui::pen::Link;

/// What has to be undone, for whoever has to: drop, panic hook, suspend.
static ENTERED: Mutex<Option<Output>> = Mutex::new(None);
/// Restoring waits at most so long for a line that stalls.
const PATIENCE: Duration = Duration::from_secs(1);

fn bytes(commands: &[&dyn AnsiCommand]) -> Vec<u8> {
    let mut text = String::new();
    for command in commands {
        command.ansi(&mut text);
    }
    text.into_bytes()
}

/// [`Command`] without its `Sized` methods.
trait AnsiCommand {
    fn ansi(&self, into: &mut String);
}

impl<C: Command> AnsiCommand for C {
    fn ansi(&self, into: &mut String) {
        // writing into a string cannot fail
        let _ = self.write_ansi(into);
    }
}

fn enter_bytes(mouse: bool) -> Vec<u8> {
    let mut out = bytes(&[
        &EnterAlternateScreen,
        &Hide,
        &EnableBracketedPaste,
        &EnableFocusChange,
        &DisableLineWrap,
    ]);
    if mouse {
        out.extend(bytes(&[&EnableMouseCapture]));
    }
    out
}

fn leave_bytes() -> Vec<u8> {
    bytes(&[
        &EndSynchronizedUpdate,
        &DisableMouseCapture,
        &DisableFocusChange,
        &DisableBracketedPaste,
        &EnableLineWrap,
        &ResetColor,
        &LeaveAlternateScreen,
        &Show,
    ])
}

/// Gives the terminal back as it was found; does nothing a second time, and never fails or blocks for long.
pub fn restore() {
    let output = ENTERED.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(output) = output {
        output.send_and_wait(&leave_bytes(), PATIENCE);
        let _ = disable_raw_mode(); // a dead terminal refuses, and nobody is left to be told
    }
}

tokio::task_local! {
    /// Set while the loop is polled: a panic there ends the console, a panic of a task does not.
    static ON_THE_LOOP: ();
}

/// Runs the loop so that a panic in it restores the terminal before anything is printed.
pub async fn guarded<F: Future>(the_loop: F) -> F::Output {
    install_panic_hook();
    ON_THE_LOOP.scope((), the_loop).await
}

fn install_panic_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if ON_THE_LOOP.try_with(|()| ()).is_ok() {
                restore();
                say_goodbye(info);
            } else if ENTERED.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
                // A task's panic is caught and shown on its screen; printing would spoil the picture.
                tracing::error!(panic = %info, "a task failed");
            } else {
                before(info);
            }
        }));
    });
}

fn say_goodbye(info: &std::panic::PanicHookInfo<'_>) {
    use std::io::Write as _;
    // never `eprintln!`: a dead terminal would make it panic again
    let _ = writeln!(
        io::stderr(),
        "allclear stopped on a mistake of its own: {info}\n\
         Nothing that was accepted is lost: the journal has it, and the next start goes on."
    );
}

/// The terminal as the loop draws on it.
pub struct Screen {
    terminal: Terminal<FrameBackend>,
    frame: Frame,
    output: Output,
    mouse: bool,
    /// Leaves with the next frame, e.g. a copy.
    extra: Vec<u8>,
    notify: Wanted,
    last_bytes: usize,
    links: Links,
}

impl Screen {
    /// Raw mode, alternate screen, bracketed paste. Nothing is asked of the terminal.
    ///
    /// # Errors
    /// The terminal refuses raw mode or its size.
    pub fn enter(mouse: bool, notify: Wanted, signals: mpsc::Sender<Signal>) -> io::Result<Self> {
        let stdout = rustix::stdio::stdout().as_fd().try_clone_to_owned()?;
        let output = Output::start(stdout, move || {
            signals.blocking_send(Signal::HungUp).ok(); // a loop that has ended needs no telling
        })?;
        let frame = Frame::default();
        let links =
            Links { wanted: links::known(|name| std::env::var(name).ok()), ..Links::default() };
        let terminal = Terminal::new(FrameBackend::new(frame.clone(), links.clone()))?;
        let extra = Vec::new();
        let mut screen =
            Self { terminal, frame, output, mouse, extra, notify, last_bytes: 0, links };
        screen.take_hold()?;
        Ok(screen)
    }

    fn take_hold(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        *ENTERED.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.output.clone());
        self.output.send_and_wait(&enter_bytes(self.mouse), PATIENCE);
        self.terminal.backend_mut().forget();
        Ok(())
    }

    /// Draws something other than the console.
    ///
    /// # Errors
    /// The terminal's size cannot be had.
    pub fn paint(&mut self, draw: impl FnOnce(&mut ratatui::Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(draw)?;
        self.flush_frame();
        Ok(())
    }

    /// Stops the process, as Ctrl-Z in a shell, and comes back.
    ///
    /// # Errors
    /// The terminal cannot be entered again.
    pub fn stop(&mut self) -> io::Result<()> {
        self.suspend()
    }

    /// Hands over what was drawn, wrapped so that it appears at once.
    fn flush_frame(&mut self) {
        let mut out = std::mem::take(&mut self.extra);
        let drawn = self.frame.take();
        if !drawn.is_empty() {
            out.extend(bytes(&[&BeginSynchronizedUpdate]));
            out.extend(drawn);
            out.extend(bytes(&[&EndSynchronizedUpdate]));
        }
        self.last_bytes = out.len();
        self.output.send(out);
    }

    /// Gives the terminal back; dropping does the same.
    pub fn leave(&mut self) {
        restore();
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

impl Surface for Screen {
    fn draw(&mut self, app: &App) -> io::Result<()> {
        let (links, before) = (self.links.clone(), self.links.take());
        let mut again = Vec::new();
        self.terminal.draw(|frame| {
            let now = shell::draw(app, frame);
            if links.wanted {
                for link in links::moved(&before, &now) {
                    let cells = (link.x..link.x + link.width).map(|x| (x, link.y));
                    again.extend(cells.map(|at| (at, frame.buffer_mut()[at].clone())));
                }
                links.put(now);
            }
        })?;
        if !again.is_empty() {
            let cells = again.iter().map(|((x, y), cell)| (*x, *y, cell));
            self.terminal.backend_mut().draw_again(cells)?;
        }
        self.flush_frame();
        Ok(())
    }

    fn is_busy(&self) -> bool {
        self.output.is_busy()
    }

    async fn idle(&self) {
        self.output.idle().await;
    }

    fn copy(&mut self, text: &str) -> bool {
        let between = Between::of(|name| std::env::var(name).ok());
        let Some(bytes) = clipboard::bytes(text, between) else { return false };
        self.extra.extend(bytes);
        true
    }

    fn notify(&mut self, notice: &Notice, focused: Option<bool>) {
        let bytes = self.notify.bytes(notice, focused, |name| std::env::var(name).ok());
        self.extra.extend(bytes);
    }

    fn mouse(&mut self, wanted: bool) {
        self.mouse = wanted;
        let switched: &dyn AnsiCommand =
            if wanted { &EnableMouseCapture } else { &DisableMouseCapture };
        self.extra.extend(bytes(&[switched]));
    }

    fn last_bytes(&self) -> usize {
        self.last_bytes
    }

    fn suspend(&mut self) -> io::Result<()> {
        restore();
        // The whole group, as the terminal's own Ctrl-Z would: a wrapper must not wait for us.
        let _ = rustix::process::kill_current_process_group(rustix::process::Signal::STOP);
        self.take_hold()?;
        self.redraw()
    }

    fn resume(&mut self) -> io::Result<()> {
        // A shell may have set the modes back, and crossterm believes that raw mode is still on.
        let _ = disable_raw_mode();
        self.take_hold()?;
        self.redraw()
    }

    fn redraw(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    fn size(&self) -> Option<(u16, u16)> {
        crossterm::terminal::size().ok()
    }
}

/// The addresses of the frame that is being drawn.
#[derive(Debug, Clone, Default)]
struct Links {
    /// The terminal is known to take them.
    wanted: bool,
    shown: Arc<Mutex<Vec<Link>>>,
}

impl Links {
    fn take(&self) -> Vec<Link> {
        std::mem::take(&mut *self.shown.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, links: Vec<Link>) {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = links;
    }
}

/// The bytes of the frame that is being drawn.
#[derive(Debug, Clone, Default)]
struct Frame(Arc<Mutex<Vec<u8>>>);

impl Frame {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl io::Write for Frame {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(()) // a frame leaves whole
    }
}

/// ratatui's crossterm backend over a buffer, silent where nothing changes: an unchanged frame is no bytes.
struct FrameBackend {
    inner: CrosstermBackend<Frame>,
    cursor_shown: bool,
    cursor_at: Option<Position>,
    links: Links,
}

impl FrameBackend {
    const fn new(frame: Frame, links: Links) -> Self {
        Self { inner: CrosstermBackend::new(frame), cursor_shown: false, cursor_at: None, links }
    }

    /// Writes cells after the frame; the cursor goes back to its place.
    fn draw_again<'a>(
        &mut self,
        cells: impl Iterator<Item = (u16, u16, &'a Cell)>,
    ) -> io::Result<()> {
        let at = self.cursor_at;
        self.draw(cells)?;
        match at.filter(|_| self.cursor_shown) {
            Some(at) => self.set_cursor_position(at),
            None => Ok(()),
        }
    }

    /// Cells in runs of the same link, each between its marks.
    fn draw_linked<'a>(
        &mut self,
        content: impl Iterator<Item = (u16, u16, &'a Cell)>,
        links: &[Link],
    ) -> io::Result<()> {
        let mut content = content.peekable();
        while let Some((x, y, _)) = content.peek() {
            let link = links::at(links, *x, *y);
            let mut run = Vec::new();
            while let Some(cell) = content.next_if(|(x, y, _)| links::at(links, *x, *y) == link) {
                run.push(cell);
            }
            let open = link.and_then(|at| links::open(&links[at]));
            if let Some(open) = &open {
                io::Write::write_all(&mut self.inner, open.as_bytes())?;
            }
            self.inner.draw(run.into_iter())?;
            if open.is_some() {
                io::Write::write_all(&mut self.inner, links::CLOSE.as_bytes())?;
            }
        }
        Ok(())
    }

    /// The terminal was entered anew: the cursor is hidden, and anywhere.
    const fn forget(&mut self) {
        self.cursor_shown = false;
        self.cursor_at = None;
    }
}

impl Backend for FrameBackend {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        if content.peek().is_none() {
            return Ok(());
        }
        self.cursor_at = None;
        let links = self.links.take();
        let drawn = if links.is_empty() {
            self.inner.draw(content)
        } else {
            self.draw_linked(content, &links)
        };
        self.links.put(links);
        drawn
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.cursor_shown, false) {
            self.inner.hide_cursor()
        } else {
            Ok(())
        }
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.cursor_shown, true) {
            Ok(())
        } else {
            self.inner.show_cursor()
        }
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.cursor_at.unwrap_or_default()) // the terminal is not asked
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        if self.cursor_at == Some(position) {
            return Ok(());
        }
        self.cursor_at = Some(position);
        self.inner.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.cursor_at = None;
        self.inner.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.cursor_at = None;
        self.inner.clear_region(clear_type)
    }

    fn size(&self) -> io::Result<Size> {
        self.inner.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.inner.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_modes_that_are_set_are_the_modes_that_are_reset() {
        let on = String::from_utf8(enter_bytes(true)).unwrap();
        let off = String::from_utf8(leave_bytes()).unwrap();
        for mode in ["?1049", "?2004", "?1004", "?1000", "?1006"] {
            assert!(on.contains(&format!("{mode}h")), "{mode}");
            assert!(off.contains(&format!("{mode}l")), "{mode}");
        }
        assert!(on.contains("?25l") && off.contains("?25h"));
        assert!(on.contains("?7l") && off.contains("?7h"));
        assert!(off.contains("?2026l"));
    }

    #[test]
    fn cells_of_an_address_are_written_between_its_marks() {
        let frame = Frame::default();
        let links = Links { wanted: true, ..Links::default() };
        let url = "http://h/a".to_owned();
        links.put(vec![Link { x: 1, y: 0, width: 2, url }]);
        let mut backend = FrameBackend::new(frame.clone(), links);
        let cells: Vec<Cell> = ["a", "b", "c", "d"].map(Cell::new).into();
        backend.draw((0..).zip(&cells).map(|(x, cell)| (x, 0, cell))).unwrap();
        let written = String::from_utf8(frame.take()).unwrap();
        let (before, rest) = written.split_once("\x1b]8;;http://h/a\x1b\\").unwrap();
        let (linked, after) = rest.split_once("\x1b]8;;\x1b\\").unwrap();
        assert!(before.contains('a') && after.contains('d'));
        assert!(linked.contains('b') && linked.contains('c') && !linked.contains('d'));
    }

    #[test]
    fn nothing_is_written_when_nothing_changes() {
        let frame = Frame::default();
        let mut backend = FrameBackend::new(frame.clone(), Links::default());
        backend.draw(std::iter::empty()).unwrap();
        backend.hide_cursor().unwrap();
        assert_eq!(frame.take(), b"");
        backend.show_cursor().unwrap();
        backend.set_cursor_position((3, 4)).unwrap();
        assert!(!frame.take().is_empty());
        backend.show_cursor().unwrap();
        backend.set_cursor_position((3, 4)).unwrap();
        assert_eq!(frame.take(), b"");
        let cell = Cell::new("x");
        backend.draw([(0, 0, &cell)].into_iter()).unwrap();
        backend.set_cursor_position((3, 4)).unwrap();
        assert!(String::from_utf8(frame.take()).unwrap().ends_with("\u{1b}[5;4H"));
    }
}
