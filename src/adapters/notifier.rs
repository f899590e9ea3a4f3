//! Hooks and a webhook: a program with arguments that reads JSON on its standard input, and an address that gets the
//! same JSON by POST.
//!
//! No shell. The webhook carries no credentials and follows no redirect. Both have a time limit, and neither can hold
//! anything up.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::Url;
use reqwest::header::CONTENT_TYPE;

use super::programs::HostPrograms;
use super::tls;
use crate::domain::text::clean;
use crate::ports::notifier::Notifier;
use crate::ports::programs::Programs as _;

/// A program to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Events it wants, by their words; all where it is empty.
    pub on: Vec<String>,
    /// Program and arguments.
    pub command: Vec<String>,
    /// It is ended after this.
    pub limit: Duration,
}

/// Where news go.
pub struct Outside {
    hooks: Vec<Hook>,
    webhook: Option<(Url, reqwest::Client)>,
}

/// Its address may hold a token: only the host is told.
impl std::fmt::Debug for Outside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let host = self.webhook.as_ref().and_then(|(url, _)| url.host_str());
        f.debug_struct("Outside").field("hooks", &self.hooks.len()).field("webhook", &host).finish()
    }
}

/// Longest wait for a webhook.
const PATIENCE: Duration = Duration::from_secs(10);

impl Outside {
    /// Hooks and at most one webhook.
    ///
    /// # Errors
    /// A webhook that is no http or https address, or that names credentials; in one sentence.
    pub fn new(hooks: Vec<Hook>, webhook: Option<&str>) -> Result<Self, String> {
        let webhook = match webhook {
            Some(raw) => Some((address(raw)?, client()?)),
            None => None,
        };
        Ok(Self { hooks, webhook })
    }

    /// Whether nobody is to be told.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.hooks.is_empty() && self.webhook.is_none()
    }
}

fn address(raw: &str) -> Result<Url, String> {
    let url = Url::parse(raw).map_err(|why| format!("the webhook is no address: {why}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("the webhook has to begin with http:// or https://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the webhook names credentials: it may carry none".to_owned());
    }
    Ok(url)
}

fn client() -> Result<reqwest::Client, String> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls::client_config())
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .user_agent(super::USER_AGENT)
        .build()
        .map_err(|why| format!("no webhook is possible: {why}"))
}

#[async_trait]
impl Notifier for Outside {
    async fn tell(&self, event: &str, json: &str) -> Vec<String> {
        let wanted = |hook: &&Hook| hook.on.is_empty() || hook.on.iter().any(|on| on == event);
        let mut problems = Vec::new();
        for hook in self.hooks.iter().filter(wanted) {
            if let Err(why) = HostPrograms.run(&hook.command, json, hook.limit).await {
                let program = hook.command.first().map_or("", String::as_str);
                problems.push(clean(&format!("the hook {program} {why}")).into_owned());
            }
        }
        if let Some((url, client)) = &self.webhook
            && let Err(why) = post(client, url, json).await
        {
            let host = url.host_str().unwrap_or_default();
            problems.push(clean(&format!("the webhook at {host} {why}")).into_owned());
        }
        problems
    }
}

async fn post(client: &reqwest::Client, url: &Url, json: &str) -> Result<(), String> {
    let request = client.post(url.clone()).header(CONTENT_TYPE, "application/json");
    match request.body(json.to_owned()).send().await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("answered {}", answer.status().as_u16())),
        Err(why) if why.is_timeout() => {
            Err(format!("did not answer within {} s", PATIENCE.as_secs()))
        }
        Err(why) => Err(format!("cannot be reached: {}", super::deepest(&why))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use wiremock::matchers::{body_string, header, method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    fn hook(command: &[&str]) -> Hook {
        Hook {
            on: vec!["all_clear".into()],
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            limit: Duration::from_secs(20),
        }
    }

    #[tokio::test]
    async fn a_hook_reads_json_and_only_what_it_wants() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("read");
        let script = format!("cat >> {}", file.display());
        let outside = Outside::new(vec![hook(&["sh", "-c", &script])], None).unwrap();
        assert_eq!(outside.tell("all_clear", r#"{"a":1}"#).await, Vec::<String>::new());
        assert_eq!(outside.tell("stuck", r#"{"b":1}"#).await, Vec::<String>::new());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "{\"a\":1}\n");
    }

    #[tokio::test]
    async fn hooks_that_fail_or_hang_are_named() {
        let slow = Hook { limit: Duration::from_millis(50), ..hook(&["sleep", "60"]) };
        let hooks = vec![hook(&["false"]), hook(&["/no/such/program"]), slow];
        let outside = Outside::new(hooks, None).unwrap();
        let problems = outside.tell("all_clear", "{}").await;
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[0].starts_with("the hook false ended with"), "{problems:?}");
        assert!(problems[1].contains("cannot be run"), "{problems:?}");
        assert!(problems[2].contains("did not end"), "{problems:?}");
    }

    #[tokio::test]
    async fn a_webhook_gets_the_same_and_follows_nothing() {
        let server = MockServer::start().await;
        let posted = Mock::given(method("POST")).and(path("/hook")).and(body_string(r#"{"a":1}"#));
        posted
            .and(header("content-type", "application/json"))
            .respond_with(ResponseTemplate::new(204))
            .expect(1)
            .mount(&server)
            .await;
        let moved = ResponseTemplate::new(302).insert_header("location", "/hook");
        Mock::given(path("/moved")).respond_with(moved).expect(1).mount(&server).await;
        let at =
            |path: &str| Outside::new(vec![], Some(&format!("{}{path}", server.uri()))).unwrap();
        assert_eq!(at("/hook").tell("all_clear", r#"{"a":1}"#).await, Vec::<String>::new());
        let problems = at("/moved").tell("all_clear", r#"{"a":1}"#).await;
        assert!(problems[0].ends_with("answered 302"), "{problems:?}");
        let sent = server.received_requests().await.unwrap();
        assert!(sent.iter().all(|request| !request.headers.contains_key("authorization")));
    }

    #[rstest]
    #[case("http://user:secret@127.0.0.1/x")]
    #[case("file:///etc/passwd")]
    #[case("not an address")]
    fn bad_addresses_are_refused_without_telling_them(#[case] raw: &str) {
        let why = Outside::new(vec![], Some(raw)).unwrap_err();
        assert!(!why.contains("secret"), "{why}");
    }
}
