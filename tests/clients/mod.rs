//! The official SDKs and `cld`, unchanged, against the local cloud in a process of its own.
//!
//! What they do and what they must be told is in the scripts beside this file; here a cloud is started for each, and
//! the script is given `CLOUDINARY_URL` and nothing else. `tests/clients/install` fetches the clients; without them
//! these tests say so and are skipped, unless all parts are required.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::cloud::CloudProcess;

/// A script that takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(300);

/// A cloud for one script: nothing is in it, nobody looks at it, nothing is served beside its API.
const EMPTY: &[&str] =
    &["--assets", "0", "--edges", "2", "--propagation", "0s..100ms", "--traffic", "0"];
/// As [`EMPTY`], and deletes can be undone and invalidate.
const WITH_BACKUPS: &[&str] = &["--backups", "--bulk-invalidation"];

#[derive(Debug, Clone, Copy)]
enum Language {
    Python,
    Node,
}

impl Language {
    const fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Node => "node",
        }
    }

    const fn pins(self) -> &'static [&'static str] {
        match self {
            Self::Python => &["requirements.txt"],
            Self::Node => &["package.json", "package-lock.json"],
        }
    }

    fn folder(self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients").join(self.name())
    }

    /// Whether the clients are there as they are pinned; says so where they are not.
    fn is_there(self) -> bool {
        let read = |path: PathBuf| std::fs::read(path).ok();
        let as_pinned = |pin: &&str| {
            let installed = read(self.folder().join("pinned").join(pin));
            installed.is_some() && installed == read(scripts().join(pin))
        };
        if self.pins().iter().all(as_pinned) {
            return true;
        }
        let name = self.name();
        let advice = format!("run tests/clients/install {name}");
        assert!(
            std::env::var_os("ALLCLEAR_REQUIRE_ALL").is_none(),
            "the official clients for {name} are required: {advice}"
        );
        println!("without official clients for {name}: {advice}");
        false
    }

    fn command(self) -> Command {
        match self {
            Self::Python => {
                let mut command = Command::new(self.folder().join("bin/python"));
                command.env_clear().env("PYTHONDONTWRITEBYTECODE", "1");
                command
            }
            Self::Node => {
                let mut command = Command::new("node");
                command.env_clear().env("NODE_PATH", self.folder().join("node_modules"));
                command
            }
        }
    }
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

/// Runs a group of a script's tests against a cloud with these flags.
fn run(language: Language, script: &str, group: Option<&str>, flags: &[&[&str]]) {
    if !language.is_there() {
        return;
    }
    let cloud = CloudProcess::start(&flags.concat());
    let home = tempfile::tempdir().expect("a folder");
    let mut command = language.command();
    command.arg(scripts().join(script)).args(group).current_dir(home.path());
    command.env("CLOUDINARY_URL", cloud.url()).env("HOME", home.path());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let assert = assert_cmd::Command::from_std(command).timeout(PATIENCE).assert();
    let output = assert.get_output();
    let said = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    let said = said.join("\n");
    assert!(output.status.success(), "{script} {group:?} ended with {}:\n{said}", output.status);
    let ran_some = ["Ran 0 tests", "# pass 0"].iter().all(|none| !said.contains(none));
    assert!(ran_some, "{script} {group:?} ran no test:\n{said}");
}

#[test]
fn python_sdk_everyday() {
    run(Language::Python, "python_sdk.py", Some("Everyday"), &[EMPTY, WITH_BACKUPS]);
}

#[test]
fn python_sdk_with_more_than_a_thousand_assets() {
    run(Language::Python, "python_sdk.py", Some("Large"), &[EMPTY]);
}

#[test]
fn python_sdk_with_a_spent_quota() {
    run(Language::Python, "python_sdk.py", Some("Spent"), &[EMPTY, &["--admin-quota", "3"]]);
}

#[test]
fn node_sdk_everyday() {
    run(Language::Node, "node_sdk.cjs", Some("everyday"), &[EMPTY, WITH_BACKUPS]);
}

#[test]
fn node_sdk_with_more_than_a_thousand_assets() {
    run(Language::Node, "node_sdk.cjs", Some("large"), &[EMPTY]);
}

#[test]
fn node_sdk_with_a_spent_quota() {
    run(Language::Node, "node_sdk.cjs", Some("spent"), &[EMPTY, &["--admin-quota", "2"]]);
}

#[test]
fn javascript_asset_sdk() {
    run(Language::Node, "asset_sdk.cjs", None, &[EMPTY, WITH_BACKUPS]);
}

#[test]
fn cld_asks() {
    let library = ["--assets", "1300", "--edges", "2"];
    run(Language::Python, "cld.py", Some("Asking"), &[&library]);
}

#[test]
fn cld_changes() {
    run(Language::Python, "cld.py", Some("Changing"), &[EMPTY, WITH_BACKUPS]);
}
