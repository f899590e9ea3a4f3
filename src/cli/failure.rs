//! What a command can fail with, and how it is said: a sentence with the next step, or one JSON line.

use super::exit::Exit;
use super::output::{Gone, Output};
use crate::config::ConfigError;
use crate::ops::OpError;
use crate::report::{FAILED, REFUSED, Report, USAGE};

/// Why a command did not do as asked.
#[derive(Debug)]
pub enum Failure {
    Op(OpError),
    Config(ConfigError),
    /// Asked for in a way that cannot be meant.
    Usage {
        message: String,
        hint: String,
    },
    /// Nobody said yes, and nobody can be asked.
    NotConfirmed {
        message: String,
        hint: String,
    },
    /// A production profile, without the word that opens it.
    Locked {
        message: String,
        hint: String,
    },
    /// This host did not let us.
    Failed {
        message: String,
        hint: String,
    },
    /// The operator said no.
    Declined {
        verb: &'static str,
    },
    File {
        path: String,
        detail: String,
    },
    /// Nobody reads our output any more: a quiet end.
    Gone,
}

impl Failure {
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: hint.into() }
    }

    pub fn failed(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), hint: hint.into() }
    }

    /// What clap did not understand: its first paragraph in one line, its tips as the next step.
    pub fn of_usage(error: &clap::Error) -> Self {
        let text = error.render().to_string();
        let text = text.trim_start_matches("error: ");
        let paragraph: Vec<&str> =
            text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
        let tips: Vec<&str> =
            text.lines().filter_map(|line| line.trim().strip_prefix("tip: ")).collect();
        let hint = match tips.as_slice() {
            [] => "`allclear --help` shows what there is".to_owned(),
            tips => tips.join("; "),
        };
        Self::Usage { message: paragraph.join(" "), hint }
    }

    /// How it is said; nothing where nobody needs to be told.
    pub fn report(&self) -> Option<Report> {
        Some(match self {
            Self::Op(error) => Report::from(error),
            Self::Config(error) => {
                let report = Report::from(error);
                match report.hint {
                    None => report.hint("correct it, then `allclear config check` reads it again"),
                    Some(_) => report,
                }
            }
            Self::Usage { message, hint } => Report::usage(message, hint),
            Self::NotConfirmed { message, hint } => {
                Report::new("not_confirmed", USAGE, message).hint(hint)
            }
            Self::Locked { message, hint } => Report::new("locked", REFUSED, message).hint(hint),
            Self::Failed { message, hint } => Report::new("failed", FAILED, message).hint(hint),
            Self::Declined { verb } => Report::new(
                "declined",
                FAILED,
                &format!("{verb} was not confirmed: nothing was sent"),
            )
            .hint("--dry-run shows the plan alone"),
            Self::File { path, detail } => {
                Report::new("unreadable_file", USAGE, &format!("cannot read {path}: {detail}"))
                    .hint("give the path of a text file, one name a line")
            }
            Self::Gone => return None,
        })
    }

    /// The next step, where there is one.
    #[cfg(test)]
    pub fn hint(&self) -> Option<String> {
        self.report().and_then(|report| report.hint)
    }

    /// Says it on standard error, and returns how the process ends.
    pub fn said(&self, output: &Output) -> Exit {
        let Some(report) = self.report() else { return Exit::Done };
        tracing::warn!(code = report.code, message = %report.message, "failed");
        if output.style.json {
            output.warn(&report.json().to_string());
        } else {
            output.warn(&report.to_string());
        }
        Exit::of_failure(report.exit_code)
    }
}

impl<E: Into<OpError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Op(error.into())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<Gone> for Failure {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}
