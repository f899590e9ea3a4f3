//! The check against canned answers.

use std::sync::Mutex;

use async_trait::async_trait;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::adapters::globalping::transport::Reply;
use crate::domain::sighting::CacheStatus;
use crate::domain::time::{Moment, Timestamp};

/// One answer for every call, and what was asked.
struct Canned {
    status: u16,
    kind: &'static str,
    body: String,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Transport for Canned {
    async fn exchange(&self, ask: Ask) -> Result<Reply, Fault> {
        self.asked.lock().unwrap().push(ask.path);
        let headers = [("content-type", self.kind), ("retry-after", "90")];
        let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let body = self.body.clone().into_bytes();
        Ok(Reply { status: self.status, headers: headers.into_iter().collect(), body })
    }
}

struct Hand(Mutex<Duration>);

impl Clock for Hand {
    fn wall(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn moment(&self) -> Moment {
        Moment::from_origin(*self.0.lock().unwrap())
    }
}

fn check(status: u16, kind: &'static str, body: &str) -> (EdgeCheck, Arc<Canned>, Arc<Hand>) {
    let canned = Canned { status, kind, body: body.to_owned(), asked: Mutex::default() };
    let (canned, clock) = (Arc::new(canned), Arc::new(Hand(Mutex::new(Duration::from_secs(9)))));
    let (transport, hand) = (Arc::clone(&canned), Arc::clone(&clock));
    (EdgeCheck { transport, clock: hand, pace: Pace::default() }, canned, clock)
}

fn json_check(body: &Value) -> (EdgeCheck, Arc<Canned>, Arc<Hand>) {
    check(200, "application/json", &body.to_string())
}

const URL: &str = "https://media.acme.com/image/upload/a.jpg?x=1";

#[tokio::test]
async fn every_pop_tells_what_it_serves() {
    let headers = json!({ "ETag": "\"9e10\"", "Age": "7", "X-Cache": ["MISS", "HIT"] });
    let response = json!({ "status": 200, "headers": headers });
    let (check, canned, _) = json_check(&json!([
        { "pop": "fra", "server": "cache-fra1-FRA", "hash": "9E107D9D372BB6826BD81D3542A419D6",
          "request": { "uri": "/" }, "response": response, "response_time": 0.2 },
        { "server": "cache-nrt7-NRT", "hash": "warning-too-large-nrt", "response": response },
        { "hash": "error-timeout-lhr", "response": {} },
        { "pop": "SIN", "response": null },
        { "pop": "no pop at all", "response": response },
        { "response": response },
    ]));
    let seen = check.edge_check(URL).await.unwrap();
    let pops: Vec<&str> = seen.iter().map(|sighting| sighting.pop.as_str()).collect();
    assert_eq!(pops, ["FRA", "NRT", "LHR", "SIN"]);
    let first = seen[0].answer.as_ref().unwrap();
    assert_eq!((first.status, first.age, first.cache), (200, Some(7), CacheStatus::Hit));
    assert_eq!(first.etag.as_ref().unwrap().tag, "9e10");
    assert_eq!(seen[0].md5.as_deref(), Some("9e107d9d372bb6826bd81d3542a419d6"));
    assert!(seen[1].answer.is_ok() && seen[1].md5.is_none());
    assert_eq!(seen[2].answer, Err("the PoP took too long".to_owned()));
    assert_eq!(seen[3].answer, Err("the PoP told neither status nor headers".to_owned()));
    let asked = canned.asked.lock().unwrap().clone();
    let escaped = "https%3A%2F%2Fmedia.acme.com%2Fimage%2Fupload%2Fa.jpg%3Fx%3D1";
    assert_eq!(asked, [format!("/content/edge_check?url={escaped}")]);
}

#[rstest]
#[case::signed("https://media.acme.com/image/upload/s--AbCd1234--/a.jpg")]
#[case::private("https://media.acme.com/image/private/a.jpg")]
#[case::token("https://media.acme.com/a.jpg?token=x")]
#[case::loopback("http://127.0.0.1:4001/a.jpg")]
#[case::local("https://localhost/a.jpg")]
#[case::user("https://me:pw@media.acme.com/a.jpg")]
#[case::no_url("media.acme.com/a.jpg")]
#[case::other("https://media.acme.com/a b.jpg")]
#[tokio::test]
async fn what_a_third_party_must_not_see_is_not_sent(#[case] url: &str) {
    let (check, canned, _) = json_check(&json!([]));
    let refused = check.edge_check(url).await;
    assert!(matches!(refused, Err(EdgeCheckError::Withheld { .. })), "{refused:?}");
    assert!(canned.asked.lock().unwrap().is_empty());
}

#[rstest]
#[case::token(401, "application/json", "{}", "refused the token")]
#[case::load(429, "application/json", "{}", "the next in 90 s")]
#[case::down(503, "text/html", "", "status 503")]
#[case::no_json(200, "text/html", "[]", "it is no JSON")]
#[case::truncated(200, "application/json", "[{\"pop\":", "breaks off")]
#[case::no_list(200, "application/json", "{\"msg\":\"x\"}", "cannot be read")]
#[tokio::test]
async fn every_trouble_is_said(
    #[case] status: u16,
    #[case] kind: &'static str,
    #[case] body: &str,
    #[case] said: &str,
) {
    let (check, _, _) = check(status, kind, body);
    let failure = check.edge_check(URL).await.unwrap_err().to_string();
    assert!(failure.contains(said), "{failure}");
}

#[tokio::test]
async fn no_more_checks_are_made_than_an_hour_has() {
    let (check, canned, hand) = json_check(&json!([]));
    for _ in 0..180 {
        check.edge_check(URL).await.unwrap();
    }
    assert_eq!(check.left(), 0);
    let spent = check.edge_check(URL).await;
    assert_eq!(spent, Err(EdgeCheckError::Spent { again: Duration::from_secs(3600) }));
    assert_eq!(canned.asked.lock().unwrap().len(), 180);
    *hand.0.lock().unwrap() += Duration::from_secs(3600);
    assert_eq!(check.left(), 180);
    check.edge_check(URL).await.unwrap();
}

#[tokio::test]
async fn a_request_to_wait_is_kept() {
    let (check, canned, hand) = check(429, "application/json", "{}");
    for _ in 0..2 {
        let spent = check.edge_check(URL).await;
        assert_eq!(spent, Err(EdgeCheckError::Spent { again: Duration::from_secs(90) }));
    }
    assert_eq!(canned.asked.lock().unwrap().len(), 1);
    *hand.0.lock().unwrap() += Duration::from_secs(90);
    check.edge_check(URL).await.unwrap_err();
    assert_eq!(canned.asked.lock().unwrap().len(), 2);
}

#[rstest]
#[case("https://api.fastly.com", "t0k3n", true)]
#[case("http://127.0.0.1:1", "t0k3n", true)]
#[case("http://api.fastly.com", "t0k3n", false)]
#[case("https://api.fastly.com", "two\nlines", false)]
#[case("https://api.fastly.com", " ", false)]
fn a_token_travels_only_where_nobody_listens(
    #[case] base: &str,
    #[case] token: &str,
    #[case] fits: bool,
) {
    let clock = Arc::new(Hand(Mutex::default()));
    assert_eq!(EdgeCheck::new(base, &token.into(), clock).is_ok(), fits);
}
