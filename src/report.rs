//! Any error as people and scripts get it: a stable code, one sentence, the next step, the exit code.
//!
//! The command line writes it to standard error, the console shows the same words. Every text is cleaned; a hint
//! that may not fit is left out.

use std::error::Error;
use std::fmt;

use serde_json::{Value, json};

use crate::config::ConfigError;
use crate::domain::purge::Confirmation;
use crate::domain::text::clean;
use crate::ops::OpError;
use crate::ports::cloud::CloudError;
use crate::ports::journal::JournalError;
use crate::ports::places::PlacesError;

mod kinds;

pub use kinds::{KINDS, Kind, link, markdown as kinds_markdown};

/// Exit codes of failures (design §5); those of outcomes are [`crate::domain::invalidation::Outcome`]'s.
pub const FAILED: u8 = 1;
pub const USAGE: u8 = 2;
pub const REFUSED: u8 = 5;

/// Schema of the JSON form.
pub const SCHEMA: &str = "allclear.error/1";

/// An error, ready to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Stable word in snake case.
    pub code: &'static str,
    pub message: String,
    /// What lies behind it, nearest first.
    pub causes: Vec<String>,
    /// The asset it is about, where it is about one.
    pub asset: Option<String>,
    /// The next step, one sentence.
    pub hint: Option<String>,
    pub exit_code: u8,
}

impl Report {
    /// A failure without asset and next step.
    #[must_use]
    pub fn new(code: &'static str, exit_code: u8, message: &str) -> Self {
        Self {
            code,
            message: clean(message).into_owned(),
            causes: Vec::new(),
            asset: None,
            hint: None,
            exit_code,
        }
    }

    /// Something asked for in a way that cannot be meant.
    #[must_use]
    pub fn usage(message: &str, hint: &str) -> Self {
        Self::new("usage", USAGE, message).hint(hint)
    }

    /// Any other error, with the chain of its causes.
    #[must_use]
    pub fn failed(error: &dyn Error) -> Self {
        let mut report = Self::new("failed", FAILED, &error.to_string());
        let mut cause = error.source();
        while let Some(error) = cause {
            report.causes.push(clean(&error.to_string()).into_owned());
            cause = error.source();
        }
        report
    }

    /// The same with a next step.
    #[must_use]
    pub fn hint(self, hint: &str) -> Self {
        Self { hint: Some(clean(hint).into_owned()), ..self }
    }

    /// The same about an asset.
    #[must_use]
    pub fn about(self, asset: &str) -> Self {
        Self { asset: Some(clean(asset).into_owned()), ..self }
    }

    /// One line of JSON, all fields always there.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "schema": SCHEMA,
            "code": self.code,
            "message": self.message,
            "asset": self.asset,
            "hint": self.hint,
            "exit_code": self.exit_code,
            "docs": link(self.code),
        })
    }
}

impl fmt::Display for Report {
    /// `error: …`, its causes, `hint: …` and where more stands, each on a line, without a line break at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        for cause in &self.causes {
            write!(f, "\n  because: {cause}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        write!(f, "\nmore: {}", link(self.code))
    }
}

impl From<&OpError> for Report {
    fn from(error: &OpError) -> Self {
        let as_said = |code, exit_code| Self::new(code, exit_code, &error.to_string());
        match error {
            OpError::Cloud(error) => Self::from(error),
            OpError::Journal(error) => Self::from(error),
            OpError::Places(error) => Self::from(error),
            OpError::BadName { typed, hint, .. } => {
                as_said("bad_name", USAGE).about(typed).hint(hint)
            }
            OpError::ReadOnly { .. } => as_said("read_only", REFUSED)
                .hint("use another profile, or take `read_only` or --read-only away"),
            OpError::NotConfirmed { needed, .. } => {
                as_said("not_confirmed", USAGE).hint(&confirm_with(needed))
            }
            OpError::NothingSelected { .. } => as_said("nothing_selected", FAILED)
                .hint("`allclear ls` with the same selector shows what there is"),
            OpError::EmptyPrefix { .. } => {
                as_said("empty_prefix", USAGE).hint("give a prefix; a folder ends with `/`")
            }
            OpError::Missing { assets, .. } => {
                let report = as_said("not_found", FAILED).hint(WHERE_TO_LOOK);
                match assets.as_slice() {
                    [only] => report.about(only),
                    _ => report,
                }
            }
            OpError::TargetExists { to, .. } => {
                as_said("target_exists", FAILED).about(to).hint(ANOTHER_NAME)
            }
            OpError::NotEnoughQuota { .. } => as_said("not_enough_quota", FAILED)
                .hint("try again after the top of the hour, or select fewer assets"),
            OpError::TooMany { .. } => as_said("too_many", USAGE)
                .hint("select less, or allow more: --max-items N, or `max_items` in the profile"),
            OpError::Locked { .. } => as_said("locked", REFUSED).hint(
                "unlock it: `L` or `:unlock` with the name of the cloud; headless with --confirm",
            ),
            OpError::TakenOver { .. } => as_said("taken_over", FAILED)
                .hint("`allclear jobs` tells how far it is; `allclear jobs pause|cancel ID` reaches it there"),
            OpError::Invalid { hint, .. } => as_said("invalid", USAGE).hint(hint),
        }
    }
}

const WHERE_TO_LOOK: &str = "`allclear ls --prefix …` shows what there is; videos and raw files need --resource-type, private ones --type";
const ANOTHER_NAME: &str = "give another name, or --overwrite to replace what is there";

fn confirm_with(needed: &Confirmation) -> String {
    match needed.word() {
        None => "add --yes".to_owned(),
        Some(word) => format!("add --confirm {word}"),
    }
}

impl From<&CloudError> for Report {
    fn from(error: &CloudError) -> Self {
        let as_said = |code, exit_code| Self::new(code, exit_code, &error.to_string());
        match error {
            CloudError::Unauthorized { message, .. } => {
                as_said("unauthorized", REFUSED).hint(credentials_to_check(message))
            }
            CloudError::Forbidden { message, .. } if message.contains("subscription") => {
                as_said("forbidden", REFUSED)
                    .hint("this needs an add-on that the account does not have")
            }
            CloudError::Forbidden { .. } => as_said("forbidden", REFUSED)
                .hint("use an API key that may do this, or ask an administrator of the cloud"),
            CloudError::NotFound { asset, .. } => {
                as_said("not_found", FAILED).about(asset).hint(WHERE_TO_LOOK)
            }
            CloudError::Conflict { .. } => as_said("conflict", FAILED).hint(ANOTHER_NAME),
            CloudError::Refused { message, .. } => {
                let report = as_said("refused", FAILED);
                match refusal_to_mend(message) {
                    Some(hint) => report.hint(hint),
                    None => report,
                }
            }
            CloudError::RateLimited { retry_at, .. } => {
                let report = as_said("rate_limited", FAILED);
                match retry_at {
                    Some(at) => report.hint(&format!("try again after {at}")),
                    None => report.hint("the quota is renewed at the top of the hour"),
                }
            }
            CloudError::Unavailable { .. } => {
                as_said("unavailable", FAILED).hint("try again in a minute")
            }
            CloudError::Unreachable { api, .. } => {
                as_said("unreachable", FAILED).hint(connection_to_check(api))
            }
            CloudError::TimedOut { .. } => as_said("timed_out", FAILED)
                .hint("look before trying again: storage says what became of it"),
            CloudError::Malformed { .. } => as_said("malformed_reply", FAILED)
                .hint("check the API prefix (`upload_prefix`) and any proxy on the way"),
            CloudError::File { .. } => as_said("unreadable_file", USAGE)
                .hint("give the path of a file on this machine that can be read"),
        }
    }
}

fn credentials_to_check(message: &str) -> &'static str {
    let message = message.to_ascii_lowercase();
    if message.contains("stale request") {
        "set the clock of this host: signatures are good for an hour"
    } else if message.contains("signature") || message.contains("api_secret") {
        "the API secret does not belong to the API key: copy both again, and check signature_algorithm"
    } else if message.contains("cloud_name") {
        "the cloud name does not belong to the API key: copy both again from the cloud's console"
    } else {
        "check cloud name, API key and API secret of the profile or of CLOUDINARY_URL"
    }
}

fn refusal_to_mend(message: &str) -> Option<&'static str> {
    let message = message.to_ascii_lowercase();
    if message.contains("stale request") {
        Some("set the clock of this host: signatures are good for an hour")
    } else if message.contains("redirect") {
        Some("check the API prefix (`upload_prefix`)")
    } else {
        None
    }
}

fn connection_to_check(api: &str) -> &'static str {
    if reqwest::Url::parse(api).is_ok_and(|url| crate::adapters::is_loopback_url(&url)) {
        "is it running? `allclear cloud` starts a local cloud and prints its CLOUDINARY_URL"
    } else {
        "check the API prefix (`upload_prefix`), the network and HTTPS_PROXY"
    }
}

impl From<&JournalError> for Report {
    fn from(error: &JournalError) -> Self {
        let as_said = |code, exit_code| Self::new(code, exit_code, &error.to_string());
        match error {
            JournalError::Open { path, .. } if path.starts_with("postgres://") => {
                as_said("journal_unusable", FAILED).hint(
                    "mend what it says: user, password, database, rights and TLS are those of its URL or the PG… variables",
                )
            }
            JournalError::Open { .. } => as_said("journal_unusable", FAILED).hint(
                "make its folder writable, or name another with --journal or ALLCLEAR_JOURNAL",
            ),
            JournalError::Newer { .. } => as_said("journal_newer", FAILED)
                .hint("use the newer allclear, or name another journal with --journal"),
            JournalError::Gone { .. } => as_said("journal_gone", FAILED).hint(
                "nothing is sent that is not written first: wait until its server answers, or ask who runs it",
            ),
            JournalError::Damaged { .. } => as_said("journal_damaged", FAILED)
                .hint("keep the file, and name another journal with --journal until it is mended"),
            JournalError::Busy { .. } => as_said("journal_busy", FAILED)
                .hint("try again; another allclear or a backup holds it"),
            JournalError::Write { .. } => as_said("journal_unwritable", FAILED).hint(
                "make room and make its folder writable: nothing is sent that is not written first",
            ),
            JournalError::Unknown { prefix } => as_said("unknown_invalidation", FAILED)
                .about(prefix)
                .hint("`allclear pending` and `allclear history` list what there is"),
            JournalError::Ambiguous { prefix, .. } => as_said("ambiguous_invalidation", USAGE)
                .about(prefix)
                .hint("`allclear pending` and `allclear history` show whole IDs"),
            JournalError::JobLost => as_said("job_lost", FAILED)
                .hint("nothing is lost: `allclear jobs` says who runs it now"),
            JournalError::UnknownJob { prefix } => as_said("unknown_job", FAILED)
                .about(prefix)
                .hint("`allclear jobs` lists what there is"),
            JournalError::LeaseLost => {
                as_said("lease_lost", FAILED).hint("nothing is lost: `allclear watch` follows it")
            }
        }
    }
}

impl From<&PlacesError> for Report {
    fn from(error: &PlacesError) -> Self {
        let as_said = |code| Self::new(code, FAILED, &error.to_string());
        match error {
            PlacesError::Unresolved { .. } => as_said("unresolved_host")
                .hint("check the host and this host's resolver, or pin edges in the profile"),
            PlacesError::NoEdges { api, .. } => as_said("no_edges").hint(connection_to_check(api)),
            PlacesError::OutOfReach { .. } => as_said("out_of_reach")
                .hint("look from this host, or from a host of yours by ssh, or pin edges"),
        }
    }
}

impl From<&ConfigError> for Report {
    fn from(error: &ConfigError) -> Self {
        let code = match error {
            ConfigError::NothingConfigured { .. } => "nothing_configured",
            ConfigError::UnknownProfile { .. } | ConfigError::NoProfileChosen { .. } => {
                "no_profile"
            }
            ConfigError::BadUrl { .. } | ConfigError::Missing { .. } => "bad_credentials",
            ConfigError::SecretCommand { .. } => "secret_command_failed",
            ConfigError::JournalPassword { .. } => "journal_password_failed",
            ConfigError::InFile { .. }
            | ConfigError::Unreadable { .. }
            | ConfigError::BadValue { .. }
            | ConfigError::NoFolder { .. } => "bad_config",
        };
        let report = Self::new(code, USAGE, &error.to_string());
        match error.hint() {
            Some(hint) => report.hint(&hint),
            None => report,
        }
    }
}

/// The same for errors that are given away.
macro_rules! from_owned {
    ($($error:ty),*) => {$(
        impl From<$error> for Report {
            fn from(error: $error) -> Self {
                Self::from(&error)
            }
        }
    )*};
}
from_owned!(OpError, CloudError, JournalError, PlacesError, ConfigError);

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;

    /// One of each error there is.
    fn every_error() -> Vec<OpError> {
        let text = str::to_owned;
        let cloud = || text("acme");
        let api = || text("https://api.example.com");
        let message = || text("why");
        let mut all: Vec<OpError> = [
            CloudError::Unauthorized { cloud: cloud(), message: text("api_secret mismatch") },
            CloudError::Forbidden { cloud: cloud(), message: message() },
            CloudError::NotFound { cloud: cloud(), asset: text("a/b") },
            CloudError::Conflict { message: text("to_public_id a already exists") },
            CloudError::Refused { cloud: cloud(), message: message() },
            CloudError::RateLimited {
                cloud: cloud(),
                limit: 500,
                retry_at: Some("2026-01-01T01:00:00Z".parse().unwrap()),
            },
            CloudError::Unavailable {
                cloud: cloud(),
                status: 503,
                message: message(),
                retry_after: None,
            },
            CloudError::Unreachable { api: api(), detail: text("connection refused") },
            CloudError::TimedOut { api: api(), after: Duration::from_secs(30) },
            CloudError::Malformed { api: api(), detail: text("an empty answer") },
            CloudError::File { path: text("/x"), detail: text("no such file or folder") },
        ]
        .map(OpError::Cloud)
        .into();
        let path = || text("/j.db");
        all.extend(
            [
                JournalError::Open { path: path(), detail: message() },
                JournalError::Newer { path: path(), found: 9, known: 1 },
                JournalError::Gone { journal: text("postgres://db/allclear"), detail: message() },
                JournalError::Damaged { detail: message() },
                JournalError::Busy { detail: message() },
                JournalError::Write { detail: message() },
                JournalError::Unknown { prefix: text("abcdef") },
                JournalError::Ambiguous { prefix: text("abcdef"), count: 2 },
                JournalError::LeaseLost,
            ]
            .map(OpError::Journal),
        );
        all.extend(
            [
                PlacesError::Unresolved { host: text("h"), detail: message() },
                PlacesError::NoEdges { api: text("http://127.0.0.1:1"), detail: message() },
                PlacesError::OutOfReach {
                    host: text("h"),
                    from: text("Globalping"),
                    why: message(),
                },
            ]
            .map(OpError::Places),
        );
        all.extend([
            OpError::BadName { typed: text("a?"), message: message(), hint: text("do this") },
            OpError::ReadOnly { profile: text("prod"), verb: "delete" },
            OpError::NotConfirmed { verb: "delete", needed: Confirmation::CloudName(cloud()) },
            OpError::NothingSelected { what: text("tag x") },
            OpError::EmptyPrefix { cloud: cloud() },
            OpError::Missing { cloud: cloud(), assets: vec![text("a")] },
            OpError::TargetExists { cloud: cloud(), to: text("b") },
            OpError::NotEnoughQuota { left: 1, needed: 2 },
            OpError::Invalid { message: message(), hint: text("do that") },
        ]);
        all
    }

    #[test]
    fn every_error_has_its_heading() {
        for error in every_error() {
            let report = Report::from(error);
            let known = KINDS.iter().find(|kind| kind.code == report.code);
            assert_eq!(known.map(|kind| kind.exit_code), Some(report.exit_code), "{}", report.code);
        }
    }

    fn row(report: &Report) -> String {
        let asset = report.asset.as_deref().unwrap_or("-");
        format!("{} {} [{asset}] {}", report.exit_code, report.code, report.message)
    }

    #[test]
    fn every_error_has_a_stable_code_an_exit_code_and_a_next_step() {
        let rows: Vec<_> = every_error().iter().map(|error| row(&Report::from(error))).collect();
        insta::assert_snapshot!(rows.join("\n"), @r#"
        5 unauthorized [-] acme refused the credentials: api_secret mismatch
        5 forbidden [-] acme does not permit this: why
        1 not_found [a/b] a/b does not exist in acme
        1 conflict [-] to_public_id a already exists
        1 refused [-] acme refused the request: why
        1 rate_limited [-] acme allows 500 Admin API calls an hour and all are used
        1 unavailable [-] acme is overloaded (503): why
        1 unreachable [-] https://api.example.com does not answer: connection refused
        1 timed_out [-] no answer from https://api.example.com within 30 s; the call may have been carried out
        1 malformed_reply [-] https://api.example.com sent something that is no answer of this API: an empty answer
        2 unreadable_file [-] cannot read /x: no such file or folder
        1 journal_unusable [-] the journal /j.db cannot be opened: why
        1 journal_newer [-] the journal /j.db was written by a newer allclear (schema 9, this one knows 1)
        1 journal_gone [-] the journal postgres://db/allclear cannot be reached: why
        1 journal_damaged [-] the journal is damaged: why
        1 journal_busy [-] the journal is locked by another process: why
        1 journal_unwritable [-] the journal cannot be written: why
        1 unknown_invalidation [abcdef] no invalidation or operation begins with `abcdef`
        2 ambiguous_invalidation [abcdef] `abcdef` fits 2 entries; give more characters
        1 lease_lost [-] another process tracks this invalidation now
        1 unresolved_host [-] h does not resolve: why
        1 no_edges [-] http://127.0.0.1:1 did not name its edges: why
        1 out_of_reach [-] Globalping cannot look at h: why
        2 bad_name [a?] why
        5 read_only [-] profile prod is read-only: delete was not sent
        2 not_confirmed [-] delete was not confirmed
        1 nothing_selected [-] nothing matches tag x
        2 empty_prefix [-] an empty prefix would select everything in acme
        1 not_found [a] no such asset in acme: a
        1 target_exists [b] b already exists in acme
        1 not_enough_quota [-] the Admin API quota allows 1 more calls this hour and this needs 2
        2 invalid [-] why
        "#);
        let hints: Vec<_> = every_error()
            .iter()
            .map(Report::from)
            .map(|report| format!("{}: {}", report.code, report.hint.unwrap_or("-".to_owned())))
            .collect();
        insta::assert_snapshot!(hints.join("\n"), @r#"
        unauthorized: the API secret does not belong to the API key: copy both again, and check signature_algorithm
        forbidden: use an API key that may do this, or ask an administrator of the cloud
        not_found: `allclear ls --prefix …` shows what there is; videos and raw files need --resource-type, private ones --type
        conflict: give another name, or --overwrite to replace what is there
        refused: -
        rate_limited: try again after 2026-01-01T01:00:00Z
        unavailable: try again in a minute
        unreachable: check the API prefix (`upload_prefix`), the network and HTTPS_PROXY
        timed_out: look before trying again: storage says what became of it
        malformed_reply: check the API prefix (`upload_prefix`) and any proxy on the way
        unreadable_file: give the path of a file on this machine that can be read
        journal_unusable: make its folder writable, or name another with --journal or ALLCLEAR_JOURNAL
        journal_newer: use the newer allclear, or name another journal with --journal
        journal_gone: nothing is sent that is not written first: wait until its server answers, or ask who runs it
        journal_damaged: keep the file, and name another journal with --journal until it is mended
        journal_busy: try again; another allclear or a backup holds it
        journal_unwritable: make room and make its folder writable: nothing is sent that is not written first
        unknown_invalidation: `allclear pending` and `allclear history` list what there is
        ambiguous_invalidation: `allclear pending` and `allclear history` show whole IDs
        lease_lost: nothing is lost: `allclear watch` follows it
        unresolved_host: check the host and this host's resolver, or pin edges in the profile
        no_edges: is it running? `allclear cloud` starts a local cloud and prints its CLOUDINARY_URL
        out_of_reach: look from this host, or from a host of yours by ssh, or pin edges
        bad_name: do this
        read_only: use another profile, or take `read_only` or --read-only away
        not_confirmed: add --confirm acme
        nothing_selected: `allclear ls` with the same selector shows what there is
        empty_prefix: give a prefix; a folder ends with `/`
        not_found: `allclear ls --prefix …` shows what there is; videos and raw files need --resource-type, private ones --type
        target_exists: give another name, or --overwrite to replace what is there
        not_enough_quota: try again after the top of the hour, or select fewer assets
        invalid: do that
        "#);
    }

    #[test]
    fn every_config_error_is_a_usage_error() {
        let text = str::to_owned;
        let path = || PathBuf::from("/c.toml");
        let all = [
            ConfigError::InFile {
                path: path(),
                line: 3,
                column: 1,
                key: text("profiles.a.rsk"),
                what: text("unknown key `rsk`"),
                suggestion: Some(text("risk")),
            },
            ConfigError::Unreadable { path: path(), detail: text("permission denied") },
            ConfigError::BadValue { from: text("--x"), what: text("odd"), expected: text("y") },
            ConfigError::UnknownProfile {
                from: text("/c.toml"),
                name: text("prd"),
                known: vec![text("prod")],
                suggestion: Some(text("prod")),
            },
            ConfigError::NothingConfigured { config: path() },
            ConfigError::NoProfileChosen { config: path(), known: vec![text("a"), text("b")] },
            ConfigError::BadUrl {
                from: text("CLOUDINARY_URL"),
                why: text("the cloud name is missing"),
            },
            ConfigError::Missing { from: text("X"), missing: "API key", next_step: text("set Y") },
            ConfigError::SecretCommand { profile: text("a"), detail: text("b") },
            ConfigError::JournalPassword { detail: text("b") },
            ConfigError::NoFolder { what: "the journal", variable: "ALLCLEAR_STATE_DIR" },
        ];
        let shown: Vec<_> = all.iter().map(|error| Report::from(error).to_string()).collect();
        assert!(all.iter().all(|error| Report::from(error).exit_code == USAGE));
        insta::assert_snapshot!(shown.join("\n"), @r#"
        error: /c.toml:3:1: profiles.a.rsk: unknown key `rsk`
        hint: did you mean `risk`?
        more: docs/errors.md#bad_config
        error: cannot read /c.toml: permission denied
        hint: make /c.toml readable, or name another file with --config
        more: docs/errors.md#bad_config
        error: --x: odd
        hint: expected y
        more: docs/errors.md#bad_config
        error: /c.toml has no profile `prd`
        hint: did you mean `prod`?
        more: docs/errors.md#no_profile
        error: no cloud is configured
        hint: set CLOUDINARY_URL, write a profile into /c.toml, or try `allclear demo`
        more: docs/errors.md#nothing_configured
        error: /c.toml has several profiles and says not which one to use
        hint: say --profile NAME, or write `profile = "NAME"` at its top; there are a, b
        more: docs/errors.md#no_profile
        error: CLOUDINARY_URL is no cloudinary:// URL: the cloud name is missing
        hint: expected cloudinary://<api_key>:<api_secret>@<cloud_name>, as the console of the cloud shows it
        more: docs/errors.md#bad_credentials
        error: X gives no API key
        hint: set Y
        more: docs/errors.md#bad_credentials
        error: the secret_command of profile `a` failed: b
        hint: run the command by hand; it must print the API secret alone and exit with 0
        more: docs/errors.md#secret_command_failed
        error: the journal_password_command failed: b
        hint: run the command by hand; it must print the password alone and exit with 0
        more: docs/errors.md#journal_password_failed
        error: no folder for the journal can be found
        hint: set HOME or ALLCLEAR_STATE_DIR
        more: docs/errors.md#bad_config
        "#);
    }

    #[test]
    fn the_json_form_has_all_fields() {
        let report =
            Report::from(CloudError::NotFound { cloud: "acme".into(), asset: "a/b".into() });
        insta::assert_snapshot!(report.json(), @r#"{"schema":"allclear.error/1","code":"not_found","message":"a/b does not exist in acme","asset":"a/b","hint":"`allclear ls --prefix …` shows what there is; videos and raw files need --resource-type, private ones --type","exit_code":1,"docs":"docs/errors.md#not_found"}"#);
        assert_eq!(Report::new("failed", FAILED, "x").json()["hint"], Value::Null);
    }

    #[test]
    fn causes_are_listed_and_everything_is_cleaned() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer \u{1b}[31m")]
        struct Outer(#[source] std::io::Error);
        let report = Report::failed(&Outer(std::io::Error::other("inner\u{202e}")));
        assert_eq!(
            report.to_string(),
            "error: outer \u{fffd}[31m\n  because: inner\u{fffd}\nmore: docs/errors.md#failed"
        );
    }

    #[test]
    fn hints_follow_what_the_cloud_said() {
        let hint = |error: CloudError| Report::from(error).hint.unwrap_or_default();
        let unauthorized = |message: &str| {
            hint(CloudError::Unauthorized { cloud: "acme".into(), message: message.into() })
        };
        assert!(unauthorized("Invalid Signature: x").contains("API secret"));
        assert!(unauthorized("cloud_name mismatch").contains("cloud name does not belong"));
        assert!(unauthorized("unknown api_key").contains("CLOUDINARY_URL"));
        let stale =
            CloudError::Refused { cloud: "acme".into(), message: "Stale request - x".into() };
        assert!(hint(stale).contains("clock"));
        let local =
            CloudError::Unreachable { api: "http://localhost:1".into(), detail: "x".into() };
        assert!(hint(local).contains("allclear cloud"));
    }
}
