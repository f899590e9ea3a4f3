//! Jobs: every order that is under way, whoever gave it, with what can be done about it.

use std::sync::Arc;

use super::super::failure::Failure;
use super::super::words::{span, time};
use super::{Plain, is_number};
use crate::domain::id::OperationId;
use crate::domain::job::{JobRow, JobWait};
use crate::domain::text::clean;
use crate::domain::time::Timestamp;
use crate::ops::jobs::Resumed;

/// Jobs that are listed.
const LISTED: u32 = 20;

impl Plain {
    /// Lists the newest jobs, with numbers.
    pub(super) async fn jobs(&mut self) -> Result<(), Failure> {
        let rows = self.engine.jobs(LISTED).await?;
        self.jobs = rows.iter().map(|row| row.operation.id).collect();
        for (at, row) in rows.iter().enumerate() {
            self.output.line(&format!("{}. {}", at + 1, self.told(row)))?;
        }
        let next = if rows.is_empty() {
            "there are no jobs"
        } else {
            "`pause N`, `resume N` and `cancel N` change one"
        };
        Ok(self.output.line(next)?)
    }

    fn told(&self, row: &JobRow) -> String {
        let counts = &row.counts;
        let is_open = !row.state.is_over();
        let now = self.engine.context().clock.wall();
        let mut parts = vec![
            format!(
                "{} {}: {}",
                row.operation.verb.as_str(),
                clean(&row.label),
                row.state.as_str()
            ),
            format!("{} of {} settled", counts.settled(), counts.total()),
        ];
        if is_open {
            let until = |wait: &JobWait| {
                format!("waits until {}: {}", time(wait.until), clean(&wait.because))
            };
            parts.extend(row.wait.as_ref().map(until));
            parts.extend(row.rate(now).map(|rate| format!("{rate:.1} a second")));
            parts.extend(row.run_by.as_ref().map(|who| format!("run by {}", clean(who))));
        } else if counts.not_done() > 0 {
            parts.push(format!("{} not done", counts.not_done()));
        }
        parts.join(", ")
    }

    pub(super) async fn pause(&mut self, what: &str) -> Result<(), Failure> {
        let job = self.job(what)?;
        let engine = Arc::clone(&self.engine);
        let done = self.wait("pausing it", engine.pause(job)).await.transpose()?;
        self.say_job(done)
    }

    /// Cancels a job after a question: what was not sent never will be.
    pub(super) async fn cancel(&mut self, what: &str) -> Result<(), Failure> {
        let job = self.job(what)?;
        let yes = |typed: &str| matches!(typed, "y" | "yes" | "Yes");
        let question =
            "Cancel the job? What was not sent never will be. Type yes, anything else leaves it: ";
        if self.ask(question, yes).await?.is_none() {
            return Ok(self.output.line("it goes on")?);
        }
        let engine = Arc::clone(&self.engine);
        let done = self.wait("cancelling it", engine.cancel(job)).await.transpose()?;
        self.say_job(done)
    }

    pub(super) async fn resume(&mut self, what: &str) -> Result<(), Failure> {
        let job = self.job(what)?;
        let engine = Arc::clone(&self.engine);
        match self.wait("resuming it", engine.resume(job)).await.transpose()? {
            Some(Resumed::By(who)) => {
                Ok(self.output.line(&format!("{} goes on with it", clean(&who)))?)
            }
            Some(Resumed::Nobody) => {
                engine.take_up(job);
                Ok(self.output.line("taken up here; `jobs` shows how far it is")?)
            }
            None => Ok(()),
        }
    }

    fn say_job(&self, row: Option<JobRow>) -> Result<(), Failure> {
        row.map_or(Ok(()), |row| Ok(self.output.line(&self.told(&row))?))
    }

    /// The job of a number said last, or of a whole ID.
    fn job(&self, word: &str) -> Result<OperationId, Failure> {
        let row = || word.parse::<usize>().ok().and_then(|row| self.jobs.get(row.checked_sub(1)?));
        let found =
            if is_number(word) && word.len() < 6 { row().copied() } else { word.parse().ok() };
        found.ok_or_else(|| {
            Failure::usage(
                format!("there is no job {}", clean(word)),
                "`jobs` says the jobs with their numbers",
            )
        })
    }
}

/// Why nothing is sent for a while.
pub fn waiting(wait: &JobWait, now: Timestamp) -> String {
    let left = std::time::Duration::try_from(wait.until.duration_since(now)).unwrap_or_default();
    format!("waiting {}: {}; Ctrl-C skips what was not sent", span(left), clean(&wait.because))
}
