//! Commands of the operator's own, line by line: by their name, about the assets that are named behind it.

use std::sync::Arc;

use super::super::args::Kind;
use super::super::failure::Failure;
use super::Plain;
use crate::app::own::{About, MOST, Own, Place, fact, run_of};
use crate::app::quoting::shell;
use crate::domain::text::clean;
use crate::ports::programs::Programs;

/// What there is to run, and who runs it.
pub struct OwnCommands {
    pub all: Vec<Own>,
    pub programs: Arc<dyn Programs>,
}

impl Plain {
    /// The command of one's own that a line begins with.
    pub(super) fn own(&self, word: &str) -> Option<Own> {
        self.own.all.iter().find(|own| own.name == word).cloned()
    }

    /// Their names with what they do, for the help.
    pub(super) fn own_help(&self) -> Vec<String> {
        let asks = |own: &Own| if own.changes { " (asks)" } else { "" };
        let line = |own: &Own| format!("{} [ASSET]...: {}{}", own.name, own.help, asks(own));
        self.own.all.iter().map(line).collect()
    }

    /// Runs it about the assets that `words` name, by number, name or URL; asks before where it changes something.
    pub(super) async fn run_own(&mut self, own: &Own, words: &[String]) -> Result<(), Failure> {
        let engine = Arc::clone(&self.engine);
        if own.changes {
            engine.refuse_changes()?;
        }
        let Some(assets) = self.keys(words, Kind::default()).await? else { return Ok(()) };
        if own.changes && assets.len() > MOST {
            let what = format!("{} was not run: {} assets are named", own.name, assets.len());
            let hint = format!("a program that changes something gets at most {MOST}");
            return Err(Failure::usage(what, hint));
        }
        let facts = assets.iter().map(|key| fact(key, self.list.asset(key))).collect();
        let context = engine.context();
        let place = Place {
            profile: &context.policy.profile,
            cloud: &context.scope.cloud_name,
            risk: context.policy.risk.as_str(),
            screen: "plain",
        };
        let about = About { assets, facts, ..About::default() };
        let run = run_of(own, &about, place).map_err(|why| {
            let why = why.replace("under the cursor", "named").replace("marked", "named");
            let what = format!("{} was not run: {}", own.name, clean(&why));
            Failure::usage(what, format!("name assets behind it, such as `{} 3`", own.name))
        })?;
        let line: Vec<String> = run.command.iter().map(|word| shell(word)).collect();
        self.output.line(&clean(&line.join(" ")))?;
        if own.changes {
            let question = "Type yes to run it, anything else leaves it: ";
            let yes = |typed: &str| matches!(typed, "y" | "yes" | "Yes");
            if self.ask(question, yes).await?.is_none() {
                return Ok(self.output.line("it was not run")?);
            }
            engine.refuse_changes()?; // the lock may have closed meanwhile
        }
        tracing::info!(command = ?run.command, "a command of the operator's own");
        let programs = Arc::clone(&self.own.programs);
        let input = run.input.to_string();
        let work = programs.run(&run.command, &input, run.limit);
        match self.wait("running it", work).await {
            None => Ok(()),
            Some(Ok(said)) if said.is_empty() => Ok(self.output.line("done")?),
            Some(Ok(said)) => Ok(self.output.line(&clean(&said))?),
            Some(Err(why)) => {
                let what = format!("{} {}", own.name, clean(&why));
                Err(Failure::failed(what, "its own words are above; nothing else was done"))
            }
        }
    }
}
