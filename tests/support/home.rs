//! One operator: a state folder of its own and `CLOUDINARY_URL` alone.

use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

/// A command that takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where commands of a test run: nothing of the machine's own configuration is seen.
pub struct Home {
    pub folder: tempfile::TempDir,
    pub cloudinary_url: String,
}

/// What a command did.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Home {
    pub fn new(cloudinary_url: &str) -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            cloudinary_url: cloudinary_url.to_owned(),
        }
    }

    /// The binary with these arguments, not started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_allclear"));
        command.args(arguments).env_clear().current_dir(self.folder.path());
        command
            .env("HOME", self.folder.path())
            .env("ALLCLEAR_STATE_DIR", self.folder.path().join("state"));
        if !self.cloudinary_url.is_empty() {
            command.env("CLOUDINARY_URL", &self.cloudinary_url);
        }
        command.stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with_input(arguments, "")
    }

    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = assert_cmd::Command::from_std(self.command(arguments));
        let assert = command.timeout(PATIENCE).write_stdin(input).assert();
        Ran::of(assert.get_output())
    }

    /// Starts it and leaves it running; whoever starts it ends it.
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("allclear starts")
    }

    /// A file with this content.
    pub fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("a file");
        path.to_str().expect("UTF-8").to_owned()
    }
}

impl Ran {
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        Self {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// Panics with everything it said when the exit code is another.
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Standard output as one JSON object.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|cause| panic!("{cause}\n{}\n{}", self.stdout, self.stderr))
    }

    /// Standard output as JSON Lines.
    pub fn events(&self) -> Vec<Value> {
        let line =
            |line| serde_json::from_str(line).unwrap_or_else(|cause| panic!("{cause}: {line}"));
        self.stdout.lines().map(line).collect()
    }

    /// The last event, which is always the outcome.
    pub fn outcome(&self) -> Value {
        let last = self.events().pop().unwrap_or_else(|| panic!("no event\n{}", self.stderr));
        assert_eq!(last["event"], "outcome", "{}", self.stdout);
        last
    }

    /// The events of a name.
    pub fn named(&self, event: &str) -> Vec<Value> {
        self.events().into_iter().filter(|line| line["event"] == event).collect()
    }

    /// The error line of `--json`.
    pub fn error(&self) -> Value {
        let line = self.stderr.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|cause| panic!("{cause}: {}", self.stderr))
    }
}
