//! `allclear demo`: the console on a local cloud in this process, with a journal of its own and no user profile.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use clap::Parser;

use super::args::{Args, Command, Demo, Globals};
use super::cloud;
use super::connect;
use super::console;
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::themes;
use crate::config::{self, Env, Flags, Paths};
use crate::local_cloud::start;
use crate::runtime::ConsoleError;

const BANNER: &str = "a local cloud: nothing is real, try everything; ? shows keys";

impl Demo {
    /// The demo when nothing is said.
    #[must_use]
    pub fn usual() -> Self {
        match Args::try_parse_from(["allclear", "demo"]).map(|args| args.command) {
            Ok(Some(Command::Demo(demo))) => demo,
            _ => unreachable!("`allclear demo` is a command line"),
        }
    }
}

/// Starts cloud and console; both end together.
///
/// # Errors
/// No terminal, options that cannot be, a state folder that cannot be written.
pub async fn run(
    globals: &Globals,
    env: &Env,
    output: &Output,
    args: &Demo,
) -> Result<Exit, Failure> {
    if !console::is_terminal() {
        return Err(ConsoleError::NoTerminal.into());
    }
    themes::refuse_unknown(globals, env)?;
    let paths = Paths::find(&connect::flags(globals), env)?;
    let journal = Journal::begin(&paths.state_dir.join("demo"))?;
    let options = cloud::options(&args.world)?;
    cloud::say_what_is_beaten(output, &options);
    let running = start(options).await?;
    // exactly this and nothing of the operator's: neither file nor variables
    let home = journal.folder.to_string_lossy().into_owned();
    let file = journal.file.to_string_lossy().into_owned();
    let own = Env::of([
        ("HOME", home.as_str()),
        ("ALLCLEAR_JOURNAL", file.as_str()),
        ("CLOUDINARY_URL", running.ready.cloudinary_url.as_str()),
    ]);
    let flags = Flags {
        invalidation: globals.invalidation,
        read_only: globals.read_only,
        ..Flags::default()
    };
    let resolved = config::resolve(&flags, &own)?;
    let context = connect::find(resolved, output).await?.context()?;
    let preferences = config::preferences(&connect::flags(globals), env).ok();
    let banner = Some(BANNER.to_owned());
    let ended = Box::pin(console::open(context, globals, preferences.as_ref(), banner)).await;
    running.stop().await;
    ended
}

/// The journal of one demo; removed with it.
struct Journal {
    folder: PathBuf,
    file: PathBuf,
}

impl Journal {
    /// Makes the folder, and removes what demos have left that no longer run.
    fn begin(folder: &Path) -> Result<Self, Failure> {
        let failed = |cause: std::io::Error| {
            let message = format!("cannot use the folder {}: {cause}", folder.display());
            Failure::failed(message, "make it writable, or name another with ALLCLEAR_STATE_DIR")
        };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        for entry in std::fs::read_dir(folder).map_err(failed)?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if pid_of(&name).is_some_and(|pid| !lives(pid)) {
                std::fs::remove_file(entry.path()).ok(); // somebody else may have removed it
            }
        }
        let file = folder.join(format!("{}.db", std::process::id()));
        Ok(Self { folder: folder.to_owned(), file })
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        for ending in ["", "-wal", "-shm", "-journal"] {
            let mut file = self.file.clone().into_os_string();
            file.push(ending);
            std::fs::remove_file(file).ok(); // not every one exists
        }
    }
}

/// `4711.db`, `4711.db-wal` and so on.
fn pid_of(name: &str) -> Option<i32> {
    let (pid, rest) = name.split_once('.')?;
    rest.starts_with("db").then(|| pid.parse().ok())?
}

fn lives(pid: i32) -> bool {
    let Some(pid) = rustix::process::Pid::from_raw(pid) else { return false };
    // not permitted means that there is somebody
    rustix::process::test_kill_process(pid)
        .map_or_else(|cause| cause != rustix::io::Errno::SRCH, |()| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_knows_the_demo() {
        assert!(crate::cli::cloud::options(&Demo::usual().world).unwrap().assets > 0);
    }

    #[test]
    fn journals_of_demos_that_are_gone_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let left = |name: &str| std::fs::write(folder.path().join(name), "x").unwrap();
        let ours = format!("{}.db-wal", std::process::id());
        for name in ["2147483646.db", "2147483646.db-wal", "notes.txt", &ours] {
            left(name);
        }
        let journal = Journal::begin(folder.path()).unwrap();
        let names = || {
            let entries = std::fs::read_dir(folder.path()).unwrap();
            let mut names: Vec<_> =
                entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        };
        assert_eq!(names(), [ours, "notes.txt".to_owned()]);
        drop(journal);
        assert_eq!(names(), ["notes.txt"]);
    }
}
