//! The control surface, over HTTP.

use std::io::{Read as _, Write as _};

use reqwest::Method;
use serde_json::{Value, json};

use super::{Rig, calm, header};
use crate::local_cloud::options::Options;
use crate::local_cloud::scenario::Scenario;

const LOGO: &str = "/demo/image/upload/logo.png";

fn playing(text: &str) -> Options {
    Options { scenario: Some(Scenario::parse(text, "x.toml").unwrap()), ..calm() }
}

impl Rig {
    async fn ask(&self, path: &str) -> Value {
        self.local(Method::GET, path, Value::Null).await
    }

    async fn order(&self, path: &str, body: Value) -> Value {
        self.local(Method::POST, path, body).await
    }

    async fn destroy_logo(&self) {
        let params = [("public_id", "logo"), ("invalidate", "true")];
        assert_eq!(self.upload_call("image/destroy", &params).await.0, 200);
    }

    /// Status of a request that is written by hand.
    fn by_hand(&self, head: &str) -> u16 {
        let address = self.cloud.ready.api.trim_start_matches("http://");
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_get_no_answer_whatever_they_claim() {
    let rig = Rig::new().await;
    let call = |line: &str, headers: &str| {
        format!("{line} HTTP/1.1\r\n{headers}Connection: close\r\nContent-Length: 0\r\n\r\n")
    };
    let api = rig.cloud.ready.api.trim_start_matches("http://").to_owned();
    let own = format!("Host: {api}\r\n");
    for line in ["GET /_local/edges", "GET /_local/state", "POST /_local/reset", "GET /_local"] {
        #[rustfmt::skip]
        let strangers = [
            "Host: evil.example\r\n".to_owned(),
            "Host: 127.0.0.1.evil.example\r\n".to_owned(),
            "Host: localhost:80@evil.example\r\n".to_owned(),
            "Host: 0x7f000001\r\n".to_owned(),
            "Host: evil.example\r\nX-Forwarded-Host: localhost\r\nX-Forwarded-For: 127.0.0.1\r\n".to_owned(),
            format!("{own}Host: evil.example\r\n"),
            format!("{own}Origin: https://evil.example\r\n"),
            format!("{own}Origin: null\r\n"),
            format!("{own}Sec-Fetch-Site: cross-site\r\n"),
        ];
        for headers in strangers {
            let status = rig.by_hand(&call(line, &headers));
            // two hosts in one request may be refused earlier
            assert!(status == 403 || status == 400, "{line} {headers} {status}");
        }
    }
    let claim = format!("{own}X-Forwarded-For: 192.0.2.7\r\nForwarded: for=192.0.2.7\r\n");
    assert_eq!(rig.by_hand(&call("GET /_local/edges", &claim)), 200);
    assert_eq!(rig.by_hand(&call("GET http://evil.example/_local/edges", &own)), 403);
    assert_eq!(rig.by_hand("GET /_local/edges HTTP/1.0\r\n\r\n"), 403);
    // nothing was reset by all this
    assert_eq!(rig.ask("edges").await["instance"], json!(rig.cloud.ready.instance));
}

#[tokio::test]
async fn without_control_there_is_nothing_but_the_edges() {
    let rig = Rig::of(Options { control: false, ..calm() }).await;
    for (method, path, _) in crate::local_cloud::server::control::CALLS {
        let path = path.split(['?', '[']).next().unwrap().replace("/ID", "/x");
        let url = format!("{}{path}", rig.cloud.ready.api);
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let status = rig.http.request(method, url).send().await.unwrap().status();
        assert_eq!(status.as_u16(), if path == "/_local/edges" { 200 } else { 404 }, "{path}");
    }
}

#[tokio::test]
async fn time_can_be_stopped_moved_and_let_go_on() {
    let rig = Rig::new().await;
    let frozen = rig.order("clock", json!({"freeze": true})).await;
    assert_eq!(frozen["frozen"], true);
    assert_eq!(rig.ask("clock").await, frozen, "it stands still");
    let moved = rig.order("clock", json!({"advance": "70s"})).await;
    let passed = moved["now_ms"].as_u64().unwrap() - frozen["now_ms"].as_u64().unwrap();
    assert_eq!((passed, &moved["frozen"]), (70_000, &json!(true)));
    let gone_on = rig.order("clock", json!({"resume": true})).await;
    assert_eq!(gone_on["frozen"], false);
    for (body, message) in [
        (json!({}), "Missing required parameter - advance"),
        (json!({"advance": "soon"}), "`soon` is no duration; write 500ms, 20s, 5m or 1h"),
        (json!({"advance": 5}), "Parameter advance takes a duration such as \"70s\""),
        (json!({"advance": "100000h"}), "The clock can be advanced by a year at once"),
        (json!({"freeze": 1}), "Parameter freeze takes true or false"),
        (json!({"freeze": true, "resume": true}), "Either freeze or resume"),
        (json!({"stop": true}), "Unknown parameter stop; there are advance, freeze, resume"),
        (json!([]), "Invalid JSON in request body"),
    ] {
        assert_eq!(rig.order("clock", body).await["error"]["message"], message);
    }
}

#[tokio::test]
async fn the_truth_about_a_url_is_told_for_every_cache() {
    let text =
        "edges = 4\nnodes = 2\nshields = 1\npropagation = \"5s\"\nshield_propagation = \"9s\"";
    let rig = Rig::of(playing(text)).await;
    rig.order("clock", json!({"freeze": true})).await;
    let state = format!("state?url=http://any.host{LOGO}");
    let before = rig.ask(&state).await;
    assert_eq!(before["edges"].as_array().unwrap().len(), 4);
    let fra = &before["edges"][0];
    assert_eq!(
        (&fra["pop"], &fra["outdated"], &fra["cleared_at_ms"]),
        (&json!("FRA"), &json!(false), &Value::Null)
    );
    let nodes: Vec<&Value> =
        fra["copies"].as_array().unwrap().iter().map(|copy| &copy["node"]).collect();
    assert_eq!(nodes, [&json!(1), &json!(2)]);
    assert_eq!(before["shields"][0]["copies"].as_array().unwrap().len(), 1);

    let at = rig.ask("clock").await["now_ms"].as_u64().unwrap();
    rig.destroy_logo().await;
    let now = rig.ask(&state).await;
    assert!(now["edges"].as_array().unwrap().iter().all(|edge| edge["outdated"] == true));
    rig.order("clock", json!({"advance": "5s"})).await;
    // the first node of each edge is clear after exactly five seconds, the others within half a second more
    rig.order("clock", json!({"advance": "500ms"})).await;
    let cleared = rig.ask("cleared?invalidation=1").await;
    let told = rig.ask("invalidations").await["invalidations"][0].clone();
    for (edge, full) in
        cleared["edges"].as_array().unwrap().iter().zip(told["edges"].as_array().unwrap())
    {
        let nodes = full["nodes"].as_array().unwrap();
        assert_eq!(nodes[0]["cleared_at_ms"].as_u64(), Some(at + 5000));
        assert_eq!(edge["cleared_at_ms"].as_u64(), nodes[1]["cleared_at_ms"].as_u64());
    }
    assert_eq!(told["shields"][0]["cleared_at_ms"], Value::Null);
    assert_eq!(cleared["shields"], json!([{"pop": "IAD", "cleared_at_ms": null}]));
    let by_url = rig.ask(&format!("cleared?url={LOGO}")).await;
    assert_eq!(by_url["edges"], cleared["edges"]);
    assert_eq!(by_url["edges_cleared_at_ms"], cleared["edges_cleared_at_ms"]);

    // whoever asks now gets the old copy from the shield
    let refilled = rig.seen(0, LOGO).await;
    assert_eq!((refilled.status().as_u16(), header(&refilled, "x-cache")), (200, "HIT, MISS"));
    assert!(header(&refilled, "x-served-by").starts_with("cache-iad-"), "{refilled:?}");
    assert!(header(&refilled, "x-served-by").ends_with("-FRA"));
    let now = rig.ask(&state).await;
    assert_eq!(
        (&now["edges"][0]["outdated"], &now["edges"][0]["cleared_at_ms"]),
        (&json!(true), &Value::Null)
    );
    let story = rig.ask(&format!("story?url={LOGO}&edge=FRA")).await;
    let last = story["entries"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["what"], &last["from"], &last["edge"]),
        (&json!("refilled"), &json!("IAD"), &json!("FRA"))
    );
    let whole = rig.ask("story").await;
    assert_eq!(whole["entries"][0]["what"], "sent");
    let later = rig.ask(&format!("story?since={}", last["number"])).await;
    assert_eq!(later["entries"], json!([]));
    for (path, message) in [
        ("cleared", "Either url or invalidation is required"),
        ("cleared?invalidation=9", "There is no invalidation 9"),
        ("cleared?invalidation=x", "Invalid value for parameter invalidation"),
        ("state?url=logo", "Invalid url: logo"),
        ("nothing", "The local cloud has no endpoint /_local/nothing"),
    ] {
        assert_eq!(rig.ask(path).await["error"]["message"], message);
    }
}

#[tokio::test]
async fn faults_are_switched_by_their_id_and_let_go_what_they_kept() {
    let text = "propagation = \"1s\"\n[[fault]]\nid = \"hold\"\nedge = \"SIN\"\nkind = \"stuck\"\n\
                [[fault]]\nid = \"later\"\nedge = \"IAD\"\nkind = \"unavailable\"\non = false\nfor = \"10s\"\n\
                [expect]\nwithin = \"1s\"\nnever = \"SIN\"";
    let rig = Rig::of(playing(text)).await;
    rig.order("clock", json!({"freeze": true})).await;
    rig.destroy_logo().await;
    rig.order("clock", json!({"advance": "60s"})).await;
    let scenario = rig.ask("scenario").await;
    assert_eq!(scenario["expect"]["holds"], true, "{scenario}");
    assert_eq!(scenario["faults"][0]["id"], "hold");
    assert_eq!(rig.seen(1, LOGO).await.status(), 200);
    let off = rig.order("fault/hold", json!({"on": false})).await;
    assert_eq!((&off["on"], &off["active"]), (&json!(false), &json!(false)));
    assert_eq!(rig.seen(1, LOGO).await.status(), 404, "what was kept arrives at once");
    let scenario = rig.ask("scenario").await;
    assert_eq!(
        scenario["expect"]["broken"][0],
        "SIN should never be cleared, and it was clear after 1m"
    );

    assert_eq!(rig.seen(2, LOGO).await.status(), 404);
    let on = rig.order("fault/later", json!({"on": true})).await;
    assert_eq!(on["active"], true);
    assert_eq!(rig.seen(2, LOGO).await.status(), 503);
    rig.order("clock", json!({"advance": "10s"})).await;
    assert_eq!(rig.seen(2, LOGO).await.status(), 404, "ten seconds after it was switched on");

    let added = rig.order("fault", json!({"edge": "FRA", "kind": "throttled", "count": 1})).await;
    assert_eq!(added["id"], "fault-3");
    let throttled = rig.seen(0, LOGO).await;
    assert_eq!((throttled.status().as_u16(), header(&throttled, "retry-after")), (429, "5"));
    assert_eq!(rig.seen(0, LOGO).await.status(), 404);
    assert_eq!(rig.ask("fault/fault-3").await["struck"], 1);
    let taken = rig.order("fault", json!({"id": "later", "edge": "FRA", "kind": "dead"})).await;
    assert_eq!(taken["error"]["message"], "There is a fault of that id");
    let left = rig.local(Method::DELETE, "fault/fault-3", Value::Null).await;
    assert_eq!(left["faults"].as_array().unwrap().len(), 2);
    for (method, body) in [
        (Method::GET, Value::Null),
        (Method::DELETE, Value::Null),
        (Method::POST, json!({"on": true})),
    ] {
        let told = rig.local(method, "fault/nobody", body).await;
        assert_eq!(told["error"]["message"], "There is no fault nobody");
    }
    let shields = rig.order("fault", json!({"shield": "IAD", "kind": "stuck"})).await;
    assert_eq!(shields["error"]["message"], "fault: `shield`: this cloud has no shields");
    assert_eq!(rig.local(Method::DELETE, "fault", Value::Null).await["faults"], json!([]));
}

#[tokio::test]
async fn a_reset_can_bring_another_seed_or_scenario() {
    let rig = Rig::new().await;
    let due = || async {
        rig.order("clock", json!({"freeze": true})).await;
        rig.destroy_logo().await;
        let now = rig.ask("invalidations").await["invalidations"][0].clone();
        let at = now["at_ms"].as_u64().unwrap();
        let edges = now["edges"].as_array().unwrap().iter();
        edges.map(|edge| edge["due_ms"].as_u64().unwrap() - at).collect::<Vec<_>>()
    };
    let first = due().await;
    let ready = rig.order("reset", Value::Null).await;
    assert_ne!(ready["instance"], json!(rig.cloud.ready.instance));
    assert_eq!(due().await, first, "the same seed");
    rig.order("reset", json!({"seed": 2})).await;
    assert_eq!(rig.ask("scenario").await["seed"], 2);
    assert_ne!(due().await, first);
    let text = "mode = \"legacy\"\nseed = 1\n[[fault]]\nedge = \"SIN\"\nkind = \"dead\"";
    let ready = rig.order("reset", json!({"scenario": text})).await;
    assert_eq!(
        (&ready["mode"], &ready["edges"]),
        (&json!("legacy"), &json!(rig.cloud.ready.edges))
    );
    assert_eq!(rig.ask("fault").await["faults"][0]["kind"], "dead");
    assert_eq!(due().await, first);
    let ready = rig.order("reset", Value::Null).await;
    assert_eq!(ready["mode"], "surrogate", "as it was started");
    for (body, message) in [
        (json!({"seed": "x"}), "Parameter seed takes a whole number"),
        (
            json!({"scenario": "edges = 7"}),
            "the scenario has 7 edges; this cloud was started with 4, and they stay",
        ),
        (
            json!({"scenario": "sead = 1"}),
            "scenario:1: `sead`: there is no such key; did you mean `seed`?",
        ),
        (
            json!({"scenario": "[[fault]]\nedge = \"LHR\"\nkind = \"dead\""}),
            "scenario:2: `fault[0].edge`: this cloud has no LHR among its edges: FRA, SIN, IAD, NRT",
        ),
        (json!({"scenario": 5}), "Parameter scenario takes the text of a scenario file"),
        (json!({"file": "/etc/passwd"}), "Unknown parameter file; there are seed, scenario"),
    ] {
        assert_eq!(rig.order("reset", body).await["error"]["message"], message);
    }
}
