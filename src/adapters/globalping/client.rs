//! The calls of the API that are used: create, read, limits. Nothing here knows places or cells.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{ETAG, HeaderValue};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

use super::error::{GlobalpingError, shown};
use super::options::GlobalpingOptions;
use super::quota::{Quota, Ticket};
use super::transport::{Ask, Reply, Transport};
use super::wire::{Created, Limits, Measurement, NewMeasurement, Refusal, RefusalBody, decode};
use crate::ports::clock::Clock;

/// Time between an answer and the next reading; the API asks for no less.
const POLL: Duration = Duration::from_millis(500);
/// Pause after a reading that was refused for load without saying how long.
const READ_PAUSE: Duration = Duration::from_secs(5);
/// How often in a row a reading may fail: the test is spent, so its result is worth another look.
const READ_FAILURES: u32 = 3;
/// Time after which limits that could not be read are asked for again.
const LIMITS_AGAIN: Duration = Duration::from_secs(60);

/// One API, as one profile uses it.
pub(super) struct Client {
    transport: Arc<dyn Transport>,
    pub(super) options: GlobalpingOptions,
    pub(super) quota: Arc<Quota>,
    pub(super) clock: Arc<dyn Clock>,
    /// When the limits were last asked for in vain.
    limits: tokio::sync::Mutex<Option<Instant>>,
}

impl Client {
    pub(super) fn new(
        transport: Arc<dyn Transport>,
        options: GlobalpingOptions,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let quota = Quota::new(
            Arc::clone(&clock),
            options.reserve,
            options.tests_per_run,
            options.spend_credits,
        );
        Self {
            transport,
            options,
            quota: Arc::new(quota),
            clock,
            limits: tokio::sync::Mutex::default(),
        }
    }

    /// Learns what is left before the first test is spent; later answers tell it anyway. An API without limits is
    /// taken as it is.
    ///
    /// # Errors
    /// When there is no API to ask.
    pub(super) async fn learn_limits(&self) -> Result<(), GlobalpingError> {
        if self.quota.is_told() {
            return Ok(());
        }
        let mut failed = self.limits.lock().await; // the first of many asks, the others wait for it
        if self.quota.is_told() || failed.is_some_and(|at| at.elapsed() < LIMITS_AGAIN) {
            return Ok(());
        }
        match self.ask_limits().await {
            Ok(()) => Ok(()),
            Err(
                why @ (GlobalpingError::Unreachable { .. }
                | GlobalpingError::TimedOut
                | GlobalpingError::Token
                | GlobalpingError::Spent { .. }),
            ) => Err(why),
            Err(why) => {
                tracing::debug!(%why, "Globalping tells no limits");
                *failed = Some(Instant::now());
                Ok(())
            }
        }
    }

    /// `GET /v1/limits`.
    pub(super) async fn ask_limits(&self) -> Result<(), GlobalpingError> {
        let reply = self.transport.exchange(Ask::get("/v1/limits")).await?;
        if reply.status != 200 {
            return Err(self.refusal(&reply, ""));
        }
        let limits: Limits = read_json(&reply)?;
        self.quota.hear_limits(&limits);
        Ok(())
    }

    /// Orders a measurement and gives its ID. Never repeated: each attempt can spend a test.
    pub(super) async fn create(
        &self,
        new: &NewMeasurement<'_>,
        location: &str,
        ticket: &mut Ticket,
    ) -> Result<String, GlobalpingError> {
        let body = serde_json::to_vec(new)
            .map_err(|why| GlobalpingError::Withheld { why: why.to_string() })?;
        ticket.sent();
        let path = "/v1/measurements".to_owned();
        let ask = Ask { method: Method::POST, path, body: Some(body), etag: None };
        let reply = match self.transport.exchange(ask).await {
            Ok(reply) => reply,
            Err(fault) => {
                if matches!(fault, super::transport::Fault::Unreachable(_)) {
                    ticket.unsent();
                }
                return Err(fault.into());
            }
        };
        // a server in trouble may have begun the test all the same
        ticket.answered(&reply, !(300..500).contains(&reply.status));
        if reply.status != 202 {
            return Err(self.refusal(&reply, location));
        }
        let created: Created = read_json(&reply)?;
        if is_id(&created.id) {
            Ok(created.id)
        } else {
            Err(GlobalpingError::Odd { detail: format!("`{}` is no ID", shown(&created.id)) })
        }
    }

    /// Reads a measurement until it is finished. Ends only by its result, by an error or by being dropped: the
    /// caller sets the time limit.
    pub(super) async fn finished(&self, id: &str) -> Result<Measurement, GlobalpingError> {
        let (mut etag, mut failures) = (None, 0);
        loop {
            sleep(POLL).await;
            match self.read(id, &mut etag).await {
                Ok(Seen::Finished(measurement)) => return Ok(measurement),
                Ok(Seen::InProgress) => failures = 0,
                Ok(Seen::AskedToWait(pause)) => sleep(pause).await,
                Err(why) => {
                    failures += 1;
                    if failures >= READ_FAILURES || !may_pass(&why) {
                        return Err(why);
                    }
                    tracing::debug!(%why, failures, "a reading of Globalping is repeated");
                    sleep(POLL * 2 * failures).await;
                }
            }
        }
    }

    async fn read(
        &self,
        id: &str,
        etag: &mut Option<HeaderValue>,
    ) -> Result<Seen, GlobalpingError> {
        let ask = Ask { etag: etag.clone(), ..Ask::get(format!("/v1/measurements/{id}")) };
        let reply = self.transport.exchange(ask).await?;
        match reply.status {
            304 => return Ok(Seen::InProgress),
            429 => {
                let pause = reply.retry_after().unwrap_or(READ_PAUSE);
                return Ok(Seen::AskedToWait(pause.max(POLL)));
            }
            404 | 410 => return Err(GlobalpingError::Expired),
            200 => {}
            _ => return Err(self.refusal(&reply, "")),
        }
        let measurement: Measurement = read_json(&reply)?;
        match measurement.status.as_str() {
            "in-progress" => {
                *etag = reply.headers.get(ETAG).cloned();
                Ok(Seen::InProgress)
            }
            "finished" => Ok(Seen::Finished(measurement)),
            other => Err(GlobalpingError::Odd {
                detail: format!("the measurement is `{}`", shown(other)),
            }),
        }
    }

    /// A status that is no success, in our words; a refusal for load closes the quota.
    fn refusal(&self, reply: &Reply, location: &str) -> GlobalpingError {
        let Refusal { error } = read_json(reply).unwrap_or_default();
        match (reply.status, error.r#type.as_str()) {
            (400, _) => GlobalpingError::Invalid { detail: error.in_words() },
            (401 | 403, _) => GlobalpingError::Token,
            (422, "no_probes_found") => GlobalpingError::NoProbes { location: shown(location) },
            (429, kind) => self.too_many(reply, kind),
            (status @ 500.., _) => GlobalpingError::Down { status },
            (status, _) => GlobalpingError::Refused { status, message: said(reply, &error) },
        }
    }

    fn too_many(&self, reply: &Reply, kind: &str) -> GlobalpingError {
        let (why, all_spent) = match kind {
            "rate_limit_exceeded" => ("says that all tests of this hour are spent", true),
            "insufficient_credits" => ("says that tests and credits are spent", true),
            _ => ("asks to wait", false),
        };
        self.quota.hear(reply);
        self.quota.close(why, reply.retry_after(), all_spent);
        let detail = self.quota.take().err().map_or_else(
            || format!("Globalping {why}"), // the pause is over already
            |spent| spent.to_string(),
        );
        GlobalpingError::Spent { detail }
    }
}

/// One reading of a measurement.
enum Seen {
    Finished(Measurement),
    InProgress,
    AskedToWait(Duration),
}

/// Whether the next reading may fare better.
const fn may_pass(why: &GlobalpingError) -> bool {
    matches!(
        why,
        GlobalpingError::Unreachable { .. }
            | GlobalpingError::TimedOut
            | GlobalpingError::Broken { .. }
            | GlobalpingError::Odd { .. }
            | GlobalpingError::NotJson { .. }
            | GlobalpingError::Down { .. }
    )
}

/// IDs become part of an address.
fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn said(reply: &Reply, error: &RefusalBody) -> String {
    if !error.message.is_empty() || reply.is_json() {
        return error.in_words();
    }
    "this is no Globalping API".to_owned()
}

fn read_json<T: DeserializeOwned>(reply: &Reply) -> Result<T, GlobalpingError> {
    if !reply.is_json() {
        let kind = reply.text("content-type").filter(|kind| !kind.is_empty());
        let found = kind
            .map_or_else(|| "something unnamed".to_owned(), |kind| format!("`{}`", shown(kind)));
        return Err(GlobalpingError::NotJson { found });
    }
    decode(&reply.body).map_err(|detail| GlobalpingError::Odd { detail: shown(&detail) })
}
