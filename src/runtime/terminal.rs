//! The terminal: entered once, drawn in synchronised frames, restored however the console ends.

use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, OnceLock, PoisonError};
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
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::mpsc;

use super::answers::{self, Questions};
use super::clipboard::{self, Between};
use super::event_loop::Surface;
use super::links;
use super::notify::Wanted;
use super::output::Output;
use super::painter::Painter;
use super::pictures::{self, Easel};
use super::signals::Signal;
use crate::app::App;
use crate::app::notice::Notice;
use crate::domain::secrets::masked_words;
use crate::domain::text::clean;
use crate::screens::shell::{self, Drawn};

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
        let leaving = [pictures::farewell(), &leave_bytes()].concat();
        output.send_and_wait(&leaving, PATIENCE);
        answers::forget_late_answers();
        let _ = disable_raw_mode(); // a dead terminal refuses, and nobody is left to be told
    }
}

/// Hands over bytes beside those of frames; false where there is no terminal, or it takes none.
pub fn send(bytes: Vec<u8>) -> bool {
    let entered = ENTERED.lock().unwrap_or_else(PoisonError::into_inner);
    entered.as_ref().is_some_and(|output| output.send(bytes))
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

/// A panic of this process says no secret and drives no terminal, whatever its message holds; for the start of the
/// program.
pub fn mask_panics() {
    std::panic::set_hook(Box::new(say_goodbye));
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
                tracing::error!(panic = %panic_words(&info.to_string()), "a task failed");
            } else {
                before(info);
            }
        }));
    });
}

/// Where a mistake of this program is written down.
static CRASHES: OnceLock<PathBuf> = OnceLock::new();

/// Where to write down what a mistake of this program was, for whoever is to mend it.
pub fn keep_crashes_in(folder: &Path) {
    let _ = CRASHES.set(folder.to_owned()); // the first one stays
}

fn say_goodbye(info: &std::panic::PanicHookInfo<'_>) {
    use std::io::Write as _;
    let words = panic_words(&info.to_string());
    let kept = CRASHES.get().and_then(|folder| write_down(folder, &words).ok());
    let kept = kept.map_or_else(String::new, |path| {
        format!(
            "\n{} has what a report of it needs, and no secrets.{}",
            clean(&path.to_string_lossy()),
            where_to_send(env!("CARGO_PKG_REPOSITORY")),
        )
    });
    // never `eprintln!`: a dead terminal would make it panic again
    let _ = writeln!(
        io::stderr(),
        "allclear stopped on a mistake of its own: {words}\n\
         Nothing that was accepted is lost: the journal has it, and the next start goes on.{kept}",
    );
}

/// Where reports of mistakes go, once the package says where it lives.
fn where_to_send(repository: &str) -> String {
    match repository.trim_end_matches('/') {
        "" => " Please send it to whoever gave you this program.".to_owned(),
        home => format!(" Please send it: {home}/issues"),
    }
}

/// The file has the version, the words and where in the program it was; nothing of what was on screen.
fn write_down(folder: &Path, words: &str) -> io::Result<PathBuf> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let path = folder.join(format!("crash-{}.txt", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.create(true).write(true).truncate(true).mode(0o600).open(&path)?;
    let trace = std::backtrace::Backtrace::force_capture().to_string();
    let (version, os) = (env!("CARGO_PKG_VERSION"), std::env::consts::OS);
    writeln!(file, "allclear {version} on {os} {}\n{words}\n", std::env::consts::ARCH)?;
    trace.lines().try_for_each(|line| writeln!(file, "{}", clean(line)))?;
    Ok(path)
}

/// What a panic says, as it may be shown: its message can hold whatever a value held, a signed URL as well.
#[must_use]
pub fn panic_words(said: &str) -> String {
    let line = |line: &str| masked_words(&clean(line)).trim().to_owned();
    said.lines().map(line).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(": ")
}

/// The terminal as the loop draws on it.
pub struct Screen {
    /// What was drawn last.
    frame: Buffer,
    painter: Painter,
    output: Output,
    mouse: bool,
    /// Leaves with the next frame, e.g. a copy.
    extra: Vec<u8>,
    notify: Wanted,
    last_bytes: usize,
    /// The terminal is known to take addresses.
    takes_links: bool,
    /// Asked behind the next frame.
    asks: Questions,
    easel: Easel,
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
        let painter = Painter::new(&std::env::var("TERM").unwrap_or_default());
        let takes_links = links::known(|name| std::env::var(name).ok());
        let extra = Vec::new();
        let easel = Easel::new(Between::of(|name| std::env::var(name).ok()));
        let mut screen = Self {
            frame: Buffer::default(),
            painter,
            output,
            mouse,
            extra,
            notify,
            last_bytes: 0,
            takes_links,
            asks: Questions::default(),
            easel,
        };
        screen.take_hold()?;
        Ok(screen)
    }

    /// Asks the terminal behind the next frame, each question once in the life of the process.
    pub const fn ask(&mut self, questions: Questions) {
        self.asks = questions;
    }

    fn take_hold(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        *ENTERED.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.output.clone());
        // leaves with the first frame, in one write
        self.extra.splice(..0, enter_bytes(self.mouse));
        self.painter.entered();
        self.easel.forget();
        Ok(())
    }

    /// Draws something other than the console.
    ///
    /// # Errors
    /// The terminal's size cannot be had.
    pub fn paint(&mut self, draw: impl FnOnce(&mut Buffer)) -> io::Result<()> {
        self.show(|frame| {
            draw(frame);
            Drawn::default()
        })
    }

    /// Stops the process, as Ctrl-Z in a shell, and comes back.
    ///
    /// # Errors
    /// The terminal cannot be entered again.
    pub fn stop(&mut self) -> io::Result<()> {
        self.suspend()
    }

    /// Draws a frame, which answers what is more than its cells, and hands over what is new in it, wrapped so that it
    /// appears at once.
    fn show(&mut self, draw: impl FnOnce(&mut Buffer) -> Drawn) -> io::Result<()> {
        let (width, height) = size()?;
        self.frame.resize(Rect::new(0, 0, width, height));
        self.frame.reset();
        let mut beside = draw(&mut self.frame);
        beside.links.retain(|_| self.takes_links);
        if self.easel.is_in_the_way(&beside.pictures) {
            self.painter.forget();
        }
        let picture = self.painter.take(&self.frame, &beside.links);
        let rows = Easel::rows(&beside.pictures);
        let disturbed = rows.is_some_and(|rows| self.painter.touches(&picture, rows));
        let mut drawn = self.easel.before(&beside.pictures);
        drawn.extend(self.painter.paint(picture, beside.cursor));
        drawn.extend(self.easel.after(&beside.pictures, disturbed, pictures::cell_size));
        let mut out = std::mem::take(&mut self.extra);
        if !drawn.is_empty() {
            out.extend(bytes(&[&BeginSynchronizedUpdate]));
            out.extend(drawn);
            out.extend(bytes(&[&EndSynchronizedUpdate]));
            out.extend(answers::ask(std::mem::take(&mut self.asks)));
        }
        self.last_bytes = out.len();
        if !out.is_empty() && !self.output.send(out) {
            self.painter.forget(); // the terminal never saw it
            self.easel.forget();
        }
        Ok(())
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
        self.show(|frame| shell::draw(app, frame))
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
        self.painter.forget();
        Ok(())
    }

    fn size(&self) -> Option<(u16, u16)> {
        size().ok()
    }
}

/// The terminal's size, asked of what we write to: crossterm opens the terminal anew for each question, and one comes
/// with every frame.
fn size() -> io::Result<(u16, u16)> {
    match rustix::termios::tcgetwinsize(rustix::stdio::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => Ok((size.ws_col, size.ws_row)),
        _ => crossterm::terminal::size(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_says_no_secret_and_drives_no_terminal() {
        let said = "panicked at src/x.rs:1:2:\ncalled `unwrap()` on \
            https://me:canaryUser@host/image/upload/s--cAnarySi--/x.jpg?token=canaryToken \u{1b}]52;c;AAAA\u{7}";
        let words = panic_words(said);
        assert!(!words.to_lowercase().contains("canary"), "{words}");
        assert!(!words.contains('\u{1b}') && !words.contains('\u{7}'), "{words}");
        assert!(words.starts_with("panicked at src/x.rs:1:2:: called"), "{words}");
    }

    #[test]
    fn a_report_of_a_mistake_says_where_it_goes() {
        assert_eq!(
            where_to_send("https://example.org/allclear/"),
            " Please send it: https://example.org/allclear/issues"
        );
        assert!(where_to_send("").contains("whoever gave you this program"));
    }

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
}
