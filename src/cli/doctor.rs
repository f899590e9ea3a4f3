//! `allclear doctor`: looks at everything that a console or a command stands on, and says what would mend what is
//! wrong. Changes nothing, prints no secret, and every question over the network has a time limit.

mod here;
mod terminal;
mod there;

use std::time::Duration;

use serde_json::json;

use super::args::{Doctor, Globals};
use super::connect;
use super::exit::Exit;
use super::failure::Failure;
use super::output::{Output, Role};
use crate::config::{self, ConfigError, Env};
use crate::domain::text::clean;
use crate::report::Report;

/// Longest wait for one answer over the network.
const PATIENCE: Duration = Duration::from_secs(8);

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Ok,
    /// Works, but worth knowing.
    Note,
    /// Keeps something from working.
    Broken,
}

impl State {
    /// The word in text and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Broken => "broken",
        }
    }

    const fn role(self) -> Role {
        match self {
            Self::Ok => Role::Good,
            Self::Note => Role::Doubt,
            Self::Broken => Role::Bad,
        }
    }
}

/// What was found out about one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub part: &'static str,
    /// Stable word in snake case.
    pub what: &'static str,
    pub state: State,
    pub said: String,
    /// What would make the trouble go away.
    pub fix: Option<String>,
}

/// Findings of one part, one after the other.
pub struct Findings {
    part: &'static str,
    all: Vec<Finding>,
}

impl Findings {
    #[must_use]
    pub const fn of(part: &'static str) -> Self {
        Self { part, all: Vec::new() }
    }

    pub fn ok(&mut self, what: &'static str, said: impl AsRef<str>) {
        self.add(what, State::Ok, said.as_ref(), None);
    }

    pub fn note(&mut self, what: &'static str, said: impl AsRef<str>, fix: &str) {
        self.add(what, State::Note, said.as_ref(), Some(fix));
    }

    pub fn broken(&mut self, what: &'static str, said: impl AsRef<str>, fix: &str) {
        self.add(what, State::Broken, said.as_ref(), Some(fix));
    }

    /// Any error as broken, with the next step that it knows.
    pub fn failed(&mut self, what: &'static str, report: &Report) {
        self.add(what, State::Broken, &report.message, report.hint.as_deref());
    }

    fn add(&mut self, what: &'static str, state: State, said: &str, fix: Option<&str>) {
        let fix = fix.filter(|fix| !fix.is_empty()).map(|fix| clean(fix).into_owned());
        self.all.push(Finding {
            part: self.part,
            what,
            state,
            said: clean(said).into_owned(),
            fix,
        });
    }

    #[must_use]
    pub fn found(self) -> Vec<Finding> {
        self.all
    }
}

/// Looks at everything and says it.
///
/// # Errors
/// Only that nobody reads the output: what is broken is told in the findings and by exit code 1.
pub async fn run(
    globals: &Globals,
    env: &Env,
    output: &Output,
    args: &Doctor,
) -> Result<Exit, Failure> {
    let flags = connect::flags(globals);
    let seen = terminal::Seen::now();
    let told = if globals.no_query { None } else { terminal::ask(&seen) };
    let mut found = terminal::look(&seen, &chosen(&flags, env), told.as_ref());
    found.extend(here::config(globals, env));
    found.extend(here::journal(&flags, env).await);
    let resolved = config::resolve(&flags, env);
    if args.offline {
        let mut part = Findings::of("cloud");
        part.note("asked", "nobody was asked", "leave --offline away");
        found.extend(part.found());
    } else {
        match &resolved {
            Ok(resolved) => {
                found.extend(there::cloud(resolved).await);
                found.extend(there::places(resolved).await);
            }
            Err(
                nothing @ (ConfigError::NothingConfigured { .. }
                | ConfigError::NoProfileChosen { .. }),
            ) => {
                let mut part = Findings::of("cloud");
                part.note("profile", nothing.to_string(), &nothing.hint().unwrap_or_default());
                found.extend(part.found());
            }
            Err(fault) => {
                let mut part = Findings::of("cloud");
                part.failed("profile", &Report::from(fault));
                found.extend(part.found());
            }
        }
    }
    say(output, &found)?;
    let broken = found.iter().any(|finding| finding.state == State::Broken);
    Ok(if broken { Exit::Failed } else { Exit::Done })
}

/// What the configuration says of the terminal, and where.
fn chosen(flags: &config::Flags, env: &Env) -> terminal::Chosen {
    let Ok(preferences) = config::preferences(flags, env) else {
        return terminal::Chosen::default();
    };
    let by = |key| {
        let said = preferences.settings.iter().find(|it| it.key == key);
        said.map_or_else(|| "configuration".to_owned(), |it| it.origin.to_string())
    };
    terminal::Chosen {
        pictures: preferences.pictures.map(|word| (word, by("pictures"))),
        color: preferences.color.map(|word| (word, by("color"))),
    }
}

fn say(output: &Output, found: &[Finding]) -> Result<(), Failure> {
    let count = |state| found.iter().filter(|finding| finding.state == state).count();
    let (broken, notes) = (count(State::Broken), count(State::Note));
    if output.style.json {
        let findings: Vec<_> = found
            .iter()
            .map(|it| {
                json!({
                    "part": it.part,
                    "what": it.what,
                    "state": it.state.as_str(),
                    "said": it.said,
                    "fix": it.fix,
                })
            })
            .collect();
        output.json(json!({ "healthy": broken == 0, "broken": broken, "notes": notes, "findings": findings }))?;
        return Ok(());
    }
    let mut part = "";
    for finding in found {
        if finding.part != part {
            if !part.is_empty() {
                output.line("")?;
            }
            part = finding.part;
            output.line(&output.paint(Role::Strong, part))?;
        }
        let state = output.paint(finding.state.role(), &format!("{:<6}", finding.state.as_str()));
        output.line(&format!(
            "  {state}  {:<12}  {}",
            finding.what.replace('_', " "),
            finding.said
        ))?;
        if let Some(fix) = &finding.fix {
            output.line(&format!("          {:<12}  → {fix}", ""))?;
        }
    }
    output.line("")?;
    let sentence = match (broken, notes) {
        (0, 0) => "all is well".to_owned(),
        (0, notes) => format!("nothing is broken, {notes} worth knowing"),
        (broken, _) => format!("{broken} broken"),
    };
    output.line(&sentence)?;
    Ok(())
}
