//! The child process behind a connection: bounded in both directions, never left behind.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::host::{SshHost, SshOptions};
use super::lines::{Line, Lines};
use super::link::Lost;
use super::wire::{MAX_REPLY, short};
use crate::adapters::io_in_words;

/// Lines that wait to be written at most.
const MAX_UNWRITTEN: usize = 64;
/// Bytes of standard error that are kept: the last ones.
const MAX_ERRORS: usize = 2 << 10;
/// Names of variables that hold secrets of ours; what a configuration of ssh sends along is not ours to decide.
const OURS: [&str; 2] = ["CLOUDINARY", "ALLCLEAR"];

/// A running child; killed when it is dropped.
pub(super) struct Child {
    process: tokio::process::Child,
    replies: Lines<ChildStdout>,
    /// Closed when [`Self::end`] drops it: the other end sees its input end.
    requests: mpsc::Sender<Vec<u8>>,
    errors: Arc<Mutex<Vec<u8>>>,
    /// Writer and reader of standard error; called off with the child.
    tasks: JoinSet<()>,
}

/// What is known of a child's end.
pub(super) enum Remark {
    /// Its last words on standard error.
    Said(String),
    /// How it ended.
    Ended(String),
}

impl Child {
    /// Starts `ssh` with nothing of a request among its arguments.
    ///
    /// # Errors
    /// Why the program does not start, in words.
    pub fn start(host: &SshHost, options: &SshOptions) -> Result<Self, String> {
        let program = options.program.to_string_lossy();
        let failed =
            |why: &io::Error| format!("cannot start `{}`: {}", short(&program), io_in_words(why));
        let mut process = command(host, options).spawn().map_err(|why| failed(&why))?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (process.stdin.take(), process.stdout.take(), process.stderr.take())
        else {
            return Err("its pipes are gone".to_owned());
        };
        let (requests, unwritten) = mpsc::channel(MAX_UNWRITTEN);
        let errors = Arc::<Mutex<Vec<u8>>>::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(write_all(stdin, unwritten));
        tasks.spawn(keep_last(stderr, Arc::clone(&errors)));
        Ok(Self { process, replies: Lines::new(stdout, MAX_REPLY), requests, errors, tasks })
    }

    /// Sends one line, without waiting for the pipe.
    pub fn write(&self, line: &impl Serialize) -> Result<(), Lost> {
        let mut bytes = serde_json::to_vec(line)
            .map_err(|_| Lost::Because("a request cannot be written".to_owned()))?;
        bytes.push(b'\n');
        self.requests.try_send(bytes).map_err(|why| match why {
            mpsc::error::TrySendError::Full(_) => {
                Lost::Because("it takes no more requests".to_owned())
            }
            mpsc::error::TrySendError::Closed(_) => Lost::Closed { banner: String::new() },
        })
    }

    /// The next line; may be called off at any time.
    pub async fn read(&mut self) -> io::Result<Line> {
        self.replies.next().await
    }

    /// Closes its input, gives it `grace` to end by itself, and kills it otherwise; it is gone afterwards.
    pub async fn end(self, grace: Duration) -> Remark {
        let Self { mut process, requests, errors, mut tasks, replies } = self;
        drop(requests);
        drop(replies);
        let status = if let Ok(ended) = timeout(grace, process.wait()).await {
            ended.ok()
        } else {
            process.kill().await.ok(); // waits for it as well
            None
        };
        // its last words are in the pipe; whoever else holds that pipe is not waited for
        timeout(grace, async { while tasks.join_next().await.is_some() {} }).await.ok();
        tasks.shutdown().await;
        last_words(&errors).map_or_else(|| Remark::Ended(how(status)), Remark::Said)
    }
}

fn command(host: &SshHost, options: &SshOptions) -> Command {
    let mut command = Command::new(&options.program);
    let seconds = options.connect_timeout.as_secs().max(1);
    command
        .args(["-o", "BatchMode=yes", "-o", &format!("ConnectTimeout={seconds}")])
        // a dead line is noticed; nothing of this host is lent to the other
        .args(["-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3"])
        .args(["-o", "ClearAllForwardings=yes", "-a", "-x", "-T", "--", host.as_str()])
        .args(&options.command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0) // keys typed at our terminal are not meant for it
        .kill_on_drop(true);
    for (name, _) in std::env::vars_os() {
        if OURS.iter().any(|ours| name.to_string_lossy().starts_with(ours)) {
            command.env_remove(name);
        }
    }
    command
}

async fn write_all(mut stdin: ChildStdin, mut unwritten: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = unwritten.recv().await {
        if stdin.write_all(&line).await.is_err() {
            return; // its output ends as well, and says so
        }
    }
}

/// Reads to the end and keeps the last [`MAX_ERRORS`] bytes.
async fn keep_last(mut from: impl AsyncRead + Unpin, into: Arc<Mutex<Vec<u8>>>) {
    let mut chunk = [0; 1024];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        let mut kept = into.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&chunk[..read]);
        let surplus = kept.len().saturating_sub(MAX_ERRORS);
        kept.drain(..surplus);
    }
}

/// The last line that is not empty, cleaned.
fn last_words(errors: &Mutex<Vec<u8>>) -> Option<String> {
    let kept = errors.lock().unwrap_or_else(PoisonError::into_inner);
    let text = String::from_utf8_lossy(&kept);
    let mut lines = text.lines().map(short).filter(|line| !line.is_empty());
    lines.next_back()
}

fn how(status: Option<ExitStatus>) -> String {
    match status.and_then(|status| status.code()) {
        Some(code) => format!("it ended with exit status {code}"),
        None => "it was ended".to_owned(),
    }
}
