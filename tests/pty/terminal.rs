//! A real pseudo-terminal with the real program in it: keys go in, the screen comes out.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

/// Longest wait for something that must appear; a condition is waited for, never a time.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The program that is tested.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_allclear");

/// The program in its terminal.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    parser: vt100::Parser,
    /// Everything the program wrote, for looking at modes afterwards.
    raw: Vec<u8>,
    closed: bool,
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn cells(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).expect("a terminal has rows and columns")
}

impl Terminal {
    /// Starts the program with exactly this environment beside `TERM`, in a terminal of `columns` x `rows`.
    pub fn start(
        columns: u16,
        rows: u16,
        args: &[&str],
        environment: &[(&str, &str)],
        folder: &Path,
    ) -> Self {
        Self::start_other(PROGRAM, columns, rows, args, environment, folder)
    }

    /// The same with another program, a shell for example.
    pub fn start_other(
        program: &str,
        columns: u16,
        rows: u16,
        args: &[&str],
        environment: &[(&str, &str)],
        folder: &Path,
    ) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.env_clear();
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env("HOME", folder);
        command.env("ALLCLEAR_STATE_DIR", folder.join("state"));
        command.cwd(folder);
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).expect("the program starts");
        drop(pair.slave);
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                parser: vt100::Parser::new(cells(rows), cells(columns), 0),
                raw: Vec::new(),
                closed: false,
            }),
            changed: Condvar::new(),
        });
        let mut reader = pair.master.try_clone_reader().expect("the terminal can be read");
        let feed = Arc::clone(&shared);
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            loop {
                let read = reader.read(&mut buffer).unwrap_or(0);
                let mut state = feed.state.lock().expect("no reader panics");
                state.closed = read == 0;
                state.parser.process(&buffer[..read]);
                state.raw.extend_from_slice(&buffer[..read]);
                feed.changed.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        let writer = pair.master.take_writer().expect("the terminal can be written");
        Self { master: pair.master, writer, child, shared }
    }

    /// Types `keys` as they are: `"\x1b"` is escape, `"\r"` enter.
    pub fn keys(&mut self, keys: &str) {
        self.writer
            .write_all(keys.as_bytes())
            .and_then(|()| self.writer.flush())
            .expect("keys reach the program");
    }

    /// A bracketed paste.
    pub fn paste(&mut self, text: &str) {
        self.keys(&format!("\x1b[200~{text}\x1b[201~"));
    }

    pub fn screen(&self) -> String {
        self.shared.state.lock().expect("no reader panics").parser.screen().contents()
    }

    /// Looks at the screen with its colours, once the frame that is being written is whole.
    pub fn whole_frame<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        let mut state = self.shared.state.lock().expect("no reader panics");
        while !state.raw.ends_with(b"\x1b[?2026l") && !state.closed {
            state = self.shared.changed.wait(state).expect("no reader panics");
        }
        look(state.parser.screen())
    }

    /// Everything the program has written so far.
    pub fn raw(&self) -> Vec<u8> {
        self.shared.state.lock().expect("no reader panics").raw.clone()
    }

    /// Waits until the screen satisfies `wanted`.
    ///
    /// # Panics
    /// With the screen, when it does not within [`PATIENCE`].
    pub fn wait(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        self.wait_for_at_most(PATIENCE, wanted)
            .unwrap_or_else(|screen| panic!("{what} did not appear; the screen shows:\n{screen}"))
    }

    pub fn wait_for(&self, text: &str) -> String {
        self.wait(&format!("`{text}`"), |screen| screen.contains(text))
    }

    /// Presses a key until it has done what it does: keys of a script come like a paste, and some of those are not heeded.
    ///
    /// # Panics
    /// With the screen, when it is never heeded.
    pub fn insist(&mut self, key: &str, done: impl Fn(&str) -> bool) {
        let heeded = (0..9).any(|_| {
            self.keys(key);
            self.wait_for_at_most(Duration::from_secs(2), &done).is_ok()
        });
        assert!(heeded, "{key:?} does nothing:\n{}", self.screen());
    }

    /// The screen once it satisfies `wanted`, or as it is at the end of `patience`.
    pub fn wait_for_at_most(
        &self,
        patience: Duration,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<String, String> {
        let deadline = Instant::now() + patience;
        let mut state = self.shared.state.lock().expect("no reader panics");
        loop {
            let screen = state.parser.screen().contents();
            if wanted(&screen) {
                return Ok(screen);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || state.closed {
                return Err(screen);
            }
            state = self.shared.changed.wait_timeout(state, left).expect("no reader panics").0;
        }
    }

    /// The terminal's modes as the kernel has them: raw or cooked, with or without echo.
    pub fn modes(&self) -> String {
        let modes = self.master.get_termios().expect("modes of the terminal");
        format!(
            "{:?} {:?} {:?} {:?}",
            modes.input_flags, modes.output_flags, modes.control_flags, modes.local_flags
        )
    }

    pub fn resize(&mut self, columns: u16, rows: u16) {
        let mut state = self.shared.state.lock().expect("no reader panics");
        state.parser.screen_mut().set_size(cells(rows), cells(columns));
        drop(state);
        self.master.resize(size(columns, rows)).expect("a new size");
    }

    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("the program has a pid")
    }

    /// Sends a signal to the program alone, by its pid.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid =
            i32::try_from(self.pid()).ok().and_then(rustix::process::Pid::from_raw).expect("a pid");
        rustix::process::kill_process(pid, signal).expect("our own child");
    }

    /// Waits until everything that the program wrote has been read; it must have ended.
    pub fn drained(&self) {
        let mut state = self.shared.state.lock().expect("no reader panics");
        while !state.closed {
            state = self.shared.changed.wait(state).expect("no reader panics");
        }
    }

    /// Waits for the program to end by itself.
    pub fn exit(&mut self) -> ExitStatus {
        self.ended_within(PATIENCE).unwrap_or_else(|| {
            panic!("the program does not end; the screen shows:\n{}", self.screen())
        })
    }

    /// Presses `q` until the program ends: a key that comes right behind an escape key is another key.
    pub fn quit(&mut self) -> ExitStatus {
        for _ in 0..9 {
            self.keys("q");
            if let Some(status) = self.ended_within(Duration::from_secs(5)) {
                return status;
            }
        }
        self.exit()
    }

    fn ended_within(&mut self, patience: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + patience;
        loop {
            let status = self.child.try_wait().expect("our own child");
            if status.is_some() || Instant::now() >= deadline {
                return status;
            }
            std::thread::sleep(Duration::from_millis(10)); // between two looks at the child, not a hope
        }
    }
}
