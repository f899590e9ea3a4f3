//! Tells the program which commit it was built from, where that is known: from the packager (`ALLCLEAR_COMMIT`),
//! from a package's own record, or, in release builds alone, from the repository.
//!
//! Debug builds ask nobody, so that a commit is no reason to compile everything again.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=src/build.rs");
    if Path::new(".cargo_vcs_info.json").exists() {
        println!("cargo:rerun-if-changed=.cargo_vcs_info.json"); // a file that is missing would always count as changed
    }
    println!("cargo:rerun-if-env-changed=ALLCLEAR_COMMIT");
    let told = std::env::var("ALLCLEAR_COMMIT").ok().filter(|told| !told.is_empty());
    let commit = told.or_else(packaged).or_else(checked_out).filter(|it| is_plain(it));
    println!("cargo:rustc-env=ALLCLEAR_BUILT_FROM={}", commit.unwrap_or_default());
    println!("cargo:rustc-env=ALLCLEAR_FEATURES={}", features());
    println!("cargo:rustc-env=ALLCLEAR_TARGET={}", std::env::var("TARGET").unwrap_or_default());
}

/// Names of the optional parts that are built in, joined by commas.
fn features() -> String {
    let on = std::env::vars().filter_map(|(name, _)| {
        let feature = name.strip_prefix("CARGO_FEATURE_")?.to_lowercase().replace('_', "-");
        (feature != "default").then_some(feature)
    });
    let mut names: Vec<String> = on.collect();
    names.sort();
    names.join(",")
}

/// Letters, digits and dashes: nothing that could name a folder.
fn is_plain(commit: &str) -> bool {
    commit.len() <= 64 && commit.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// What `cargo package` wrote into the package.
fn packaged() -> Option<String> {
    let record = std::fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let (_, rest) = record.split_once("\"sha1\"")?;
    let commit = rest.split('"').nth(1)?.to_owned();
    Some(if record.contains("\"dirty\": true") { commit + "-modified" } else { commit })
}

/// The commit of the repository that this is, and of no other that happens to be around it.
fn checked_out() -> Option<String> {
    if std::env::var("PROFILE").as_deref() != Ok("release") {
        return None;
    }
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let top = Path::new(&git(&["rev-parse", "--show-toplevel"])?).canonicalize().ok()?;
    if top != std::env::current_dir().ok()?.canonicalize().ok()? {
        return None;
    }
    for file in
        [git(&["rev-parse", "--git-path", "logs/HEAD"])?, "src".to_owned(), "Cargo.toml".to_owned()]
    {
        println!("cargo:rerun-if-changed={file}");
    }
    let commit = git(&["rev-parse", "HEAD"])?;
    let modified = !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    Some(if modified { commit + "-modified" } else { commit })
}
