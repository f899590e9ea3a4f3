//! `allclear cloud` as a process of its own, ended by its process ID when the test is over.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::http::{self, Reply};

/// A running local cloud.
pub struct CloudProcess {
    child: Child,
    /// The ready line.
    pub ready: Value,
    /// Keeps its scenario file.
    _folder: tempfile::TempDir,
}

impl CloudProcess {
    /// Few assets, three edges, quick propagation; later flags win over these. Without the control surface, as any
    /// real cloud.
    pub fn start(flags: &[&str]) -> Self {
        Self::with_scenario("", flags)
    }

    /// With a scenario in TOML, unless it is empty.
    pub fn with_scenario(scenario: &str, flags: &[&str]) -> Self {
        let usual = defaults(flags).into_iter().chain(["--no-control"]);
        Self::begin(scenario, &usual.chain(flags.iter().copied()).collect::<Vec<_>>())
    }

    /// With the control surface, and with a scenario in TOML, unless it is empty. Nothing is said but `flags`.
    pub fn with_control(scenario: &str, flags: &[&str]) -> Self {
        Self::begin(scenario, flags)
    }

    fn begin(scenario: &str, flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_allclear"));
        command.env_clear().env("ALLCLEAR_STATE_DIR", folder.path()).env("HOME", folder.path());
        command.arg("cloud").args(flags);
        if !scenario.is_empty() {
            let file = folder.path().join("scenario.toml");
            std::fs::write(&file, scenario).expect("a scenario file");
            command.arg("--scenario").arg(file);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().expect("allclear cloud starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a ready line");
        let ready = serde_json::from_str(&line)
            .unwrap_or_else(|cause| panic!("the ready line is JSON ({cause}): {line:?}"));
        Self { child, ready, _folder: folder }
    }

    pub fn url(&self) -> &str {
        self.text("cloudinary_url")
    }

    pub fn api(&self) -> &str {
        self.text("api")
    }

    pub fn text(&self, field: &str) -> &str {
        self.ready[field].as_str().unwrap_or_else(|| panic!("{field} in {}", self.ready))
    }

    /// Code and address of each edge.
    pub fn edges(&self) -> Vec<(String, String)> {
        let text = |edge: &Value, field: &str| edge[field].as_str().expect("text").to_owned();
        let edges = self.ready["edges"].as_array().expect("edges");
        edges.iter().map(|edge| (text(edge, "pop"), text(edge, "url"))).collect()
    }

    /// The same path at every edge.
    pub fn at_every_edge(&self, path: &str) -> Vec<(String, Reply)> {
        let path = path_of(path);
        let at = |(pop, base): (String, String)| (pop, http::get(&format!("{base}{path}")));
        self.edges().into_iter().map(at).collect()
    }

    /// The same path at the origin, which caches nothing.
    pub fn at_origin(&self, path: &str) -> Reply {
        http::get(&format!("{}{}", self.text("origin"), path_of(path)))
    }
}

/// Path and query of a URL; a path stays as it is.
pub fn path_of(url: &str) -> String {
    match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]).to_owned(),
        None => url.to_owned(),
    }
}

/// What a test leaves open; a flag may be given only once.
fn defaults(flags: &[&str]) -> Vec<&'static str> {
    let usual = [("--assets", "6"), ("--edges", "3"), ("--propagation", "0s..300ms")];
    usual
        .into_iter()
        .filter(|(name, _)| !flags.contains(name))
        .flat_map(|(name, value)| [name, value])
        .collect()
}

impl Drop for CloudProcess {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
