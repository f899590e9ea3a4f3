//! `allclear completions SHELL`: scripts with which a shell asks this program what fits.
//!
//! The script sets a variable and runs the program with the words typed so far; [`answer`] then says what fits and
//! nothing else is done. Names of profiles and themes are read at that moment. No network, no journal.

use std::ffi::OsString;
use std::io::Write as _;

use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Zsh};
use serde_json::json;

use super::args::{Completions, Globals, Shell};
use super::exit::Exit;
use super::failure::Failure;
use super::help;
use super::output::Output;
use super::{connect, themes as theme_list};
use crate::config::{Env, profile_names};
use crate::domain::text::clean;

/// Set by the scripts to the shell's name.
const VARIABLE: &str = "_ALLCLEAR_COMPLETE";
const PROGRAM: &str = "allclear";

impl Shell {
    pub const ALL: [Self; 5] = [Self::Bash, Self::Zsh, Self::Fish, Self::Powershell, Self::Elvish];

    /// The word after `completions`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.completer().name()
    }

    /// Where the script is found below a `share` folder; what is not standard is at least beside the others.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::Bash => "bash-completion/completions/allclear",
            Self::Zsh => "zsh/site-functions/_allclear",
            Self::Fish => "fish/vendor_completions.d/allclear.fish",
            Self::Powershell => "powershell/completions/allclear.ps1",
            Self::Elvish => "elvish/lib/allclear.elv",
        }
    }

    fn completer(self) -> &'static dyn EnvCompleter {
        match self {
            Self::Bash => &Bash,
            Self::Zsh => &Zsh,
            Self::Fish => &Fish,
            Self::Powershell => &Powershell,
            Self::Elvish => &Elvish,
        }
    }
}

/// Writes the script of a shell.
///
/// # Errors
/// Only that nobody reads the output.
pub fn run(output: &Output, args: &Completions) -> Result<Exit, Failure> {
    let script = script(args.shell)?;
    if output.style.json {
        output.json(json!({ "shell": args.shell.as_str(), "script": script }))?;
    } else {
        output.line(script.trim_end())?;
    }
    Ok(Exit::Done)
}

/// The script; it names no folder of this machine.
///
/// # Errors
/// Never in fact: it is written into memory.
pub fn script(shell: Shell) -> Result<String, Failure> {
    let mut script = Vec::new();
    let written =
        shell.completer().write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script);
    written.map_err(|cause| Failure::failed(format!("no script: {cause}"), "say it again"))?;
    let mut script = String::from_utf8_lossy(&script).trim().to_owned();
    if shell == Shell::Zsh {
        // found by name in a folder, the file itself is the function's first call
        script += "\n\nif [ \"$funcstack[1]\" = \"_allclear\" ]; then\n    \
                   _clap_dynamic_completer_allclear \"$@\"\nfi";
    }
    script.push('\n');
    Ok(script)
}

/// Says what fits, where a shell asks; `arguments` begin with the name of the program.
#[must_use]
pub fn answer(arguments: &[OsString]) -> Option<Exit> {
    let shell = std::env::var(VARIABLE).ok().filter(|name| !name.is_empty())?;
    let shell = Shell::ALL.into_iter().find(|known| known.completer().is(&shell));
    let words =
        arguments.iter().skip_while(|word| *word != "--").skip(1).cloned().collect::<Vec<_>>();
    let (Some(shell), false) = (shell, words.is_empty()) else { return Some(Exit::Usage) };
    let mut command = help::command();
    command.build();
    let here = std::env::current_dir().ok();
    let mut fitting = Vec::new();
    let found =
        shell.completer().write_complete(&mut command, words, here.as_deref(), &mut fitting);
    let said = found.and_then(|()| std::io::stdout().write_all(&fitting));
    Some(if said.is_ok() { Exit::Done } else { Exit::Failed })
}

/// Completes names of profiles.
pub fn profiles() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        names(profile_names(&connect::flags(&typed_globals()), &Env::from_process()))
    })
}

/// Completes names of themes.
pub fn themes() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let (themes, _) = theme_list::all(&typed_globals(), &Env::from_process());
        let about = |name: &str| clean(themes.about(name)).into_owned();
        let named = |name: &str| CompletionCandidate::new(name).help(Some(about(name).into()));
        themes.names().filter(|name| is_plain(name)).map(named).collect()
    })
}

fn names(all: impl IntoIterator<Item = String>) -> Vec<CompletionCandidate> {
    all.into_iter().filter(|name| is_plain(name)).map(CompletionCandidate::new).collect()
}

/// Whether a shell takes the word as it is: others are left out, for every shell quotes in another way.
fn is_plain(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "-_.@+".contains(c))
}

/// What the words typed so far say about configuration: `--config` alone matters here.
fn typed_globals() -> Globals {
    let words: Vec<_> = std::env::args_os().collect();
    let beside = |pair: &[OsString]| (pair[0] == "--config").then(|| pair[1].clone().into());
    let joined = |word: &OsString| Some(word.to_str()?.strip_prefix("--config=")?.into());
    let config = words.windows(2).find_map(beside).or_else(|| words.iter().find_map(joined));
    Globals { config, ..Globals::default() }
}
