use super::*;

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn refused(text: &str) -> String {
    Scenario::parse(text, "x.toml").unwrap_err().to_string()
}

#[test]
fn a_scenario_says_what_a_cloud_is_like_and_what_goes_wrong_when() {
    let text = r#"
        title = "Everything at once"
        seed = 7
        assets = 1000
        edges = 4
        nodes = 2
        node_by = "request"
        shields = ["LHR", "sin"]
        propagation = "500ms..3s"
        shield_propagation = "8s"
        spread = "tail"
        mode = "legacy"
        bulk_invalidation = true
        backups = true
        admin_quota = 50
        search_lag = "3s"
        traffic = 0.5

        [edge.SIN]
        nodes = 4
        shield = "SIN"
        propagation = "1s..2s"

        [[fault]]
        edge = "sin"
        node = 3
        kind = "stuck"
        at = "5s"
        for = "20s"

        [[fault]]
        edge = ["FRA", "IAD"]
        kind = "slow"
        id = "crawl"
        on = false
        delay = "2s"
        share = 0.25

        [[fault]]
        api = "admin"
        kind = "unavailable"
        status = 502
        after_invalidation = "1s"
        for = "2s"
        count = 3
        carried_out = true

        [[fault]]
        shield = "*"
        kind = "late"
        at = "start+1s"

        [[fault]]
        edge = "*"
        kind = "skew"
        by = "-5m"

        [expect]
        within = "10s"
        later = ["FRA"]
        never = "SIN"
    "#;
    let scenario = Scenario::parse(text, "x.toml").unwrap();
    assert_eq!((scenario.seed, scenario.assets, scenario.edges), (Some(7), Some(1000), Some(4)));
    assert_eq!(scenario.shields.as_ref().unwrap()[1].city, "Singapore");
    assert_eq!(scenario.shield_propagation.unwrap().to_string(), "8s..8s");
    assert_eq!((scenario.spread, scenario.node_by), (Some(Spread::Tail), Some(NodeBy::Request)));
    assert_eq!((scenario.mode, scenario.traffic), (Some(InvalidationKind::Legacy), Some(0.5)));
    assert_eq!(
        (scenario.own[0].nodes, scenario.own[0].propagation),
        (Some(4), Some((secs(1), secs(2))))
    );
    let expected = [
        Fault {
            node: Some(2),
            begin: Begin::FirstInvalidation(secs(5)),
            lasts: Some(secs(20)),
            ..Fault::at_edge("SIN", FaultKind::Stuck)
        },
        Fault {
            id: "crawl".into(),
            on: false,
            delay: secs(2),
            share: Share::of(0.25).unwrap(),
            ..Fault::new(
                Site::Edge(Codes::These(vec!["FRA".into(), "IAD".into()])),
                FaultKind::Slow,
            )
        },
        Fault {
            begin: Begin::EachInvalidation(secs(1)),
            lasts: Some(secs(2)),
            status: 502,
            count: Some(3),
            carried_out: true,
            ..Fault::new(Site::Api(ApiPart::Admin), FaultKind::Unavailable)
        },
        Fault {
            begin: Begin::Start(secs(1)),
            ..Fault::new(Site::Shield(Codes::All), FaultKind::Late)
        },
        Fault { ahead: -300, ..Fault::at_edge("*", FaultKind::Skew) },
    ];
    assert_eq!(scenario.faults, expected);
    let expect = scenario.expect.unwrap();
    assert_eq!((expect.within, expect.later), (Some(secs(10)), Codes::read("fra")));
}

#[test]
fn mistakes_are_told_with_line_key_and_what_was_meant() {
    let fault = "[[fault]]\nedge = \"SIN\"\n";
    let api = "[[fault]]\napi = \"admin\"\n";
    let after = |head: &str, rest: &str| format!("{head}{rest}");
    #[rustfmt::skip]
    let cases = [
        ("sead = 1".to_owned(), "x.toml:1: `sead`: there is no such key; did you mean `seed`?"),
        ("seed = ".to_owned(), "x.toml:1: "),
        ("seed = 1\nseed = 2".to_owned(), "x.toml:2: duplicate key"),
        ("seed = \"7\"".to_owned(), "x.toml:1: `seed`: takes a whole number, not a text"),
        ("seed = -1".to_owned(), "x.toml:1: `seed`: takes a whole number from 0 on, not -1"),
        ("edges = 1000".to_owned(), "x.toml:1: `edges`: takes a whole number from 1 to 64, not 1000"),
        ("traffic = true".to_owned(), "x.toml:1: `traffic`: takes a number, not true or false"),
        ("backups = 1".to_owned(), "x.toml:1: `backups`: takes true or false, not a whole number"),
        ("propagation = \"9s..1s\"".to_owned(), "x.toml:1: `propagation`: `9s..1s` is no range"),
        ("search_lag = \"soon\"".to_owned(), "x.toml:1: `search_lag`: `soon` is no duration"),
        ("mode = \"surogate\"".to_owned(), "x.toml:1: `mode`: `surogate` is none of surrogate, legacy, legacy-unversioned, legacy-versioned; did you mean `surrogate`?"),
        ("shields = 9".to_owned(), "x.toml:1: `shields`: takes 0 to 4, or a list of codes, not 9"),
        ("shields = [\"FRA\", \"FRA\"]".to_owned(), "x.toml:1: `shields`: FRA is there twice"),
        ("edge = 3".to_owned(), "x.toml:1: `edge`: takes tables, each written `[edge.SIN]`, not a whole number"),
        ("fault = 3".to_owned(), "x.toml:1: `fault`: takes tables, each written `[[fault]]`, not a whole number"),
        ("[edge.MARS]\nnodes = 2".to_owned(), "x.toml:1: `edge.MARS`: `MARS` is no code of a PoP"),
        ("[edge.SIN]\nnods = 2".to_owned(), "x.toml:2: `edge.SIN.nods`: there is no such key; did you mean `nodes`?"),
        (fault.to_owned(), "x.toml:1: `fault[0]`: a fault needs a `kind`"),
        (after(fault, "kind = \"stuck\"\nwhen = \"5s\""), "x.toml:4: `fault[0].when`: there is no such key"),
        (after(fault, "kind = \"stukc\""), "x.toml:3: `fault[0].kind`: there is no kind of fault `stukc`; did you mean `stuck`?"),
        (after(fault, "kind = \"tired\""), "x.toml:3: `fault[0].kind`: there is no kind of fault `tired`; there are stuck, "),
        (after(fault, "kind = \"stuck\"\nat = \"soon\""), "x.toml:4: `fault[0].at`: `soon` is no duration"),
        (after(fault, "kind = \"stuck\"\nfor = 5"), "x.toml:4: `fault[0].for`: takes a duration such as \"20s\", not a whole number"),
        (after(fault, "kind = \"stuck\"\nfor = \"-5s\""), "x.toml:4: `fault[0].for`: `-5s` is no duration"),
        (after(fault, "kind = \"stuck\"\ndelay = \"5s\""), "x.toml:4: `fault[0].delay`: says nothing to `stuck`; it belongs to slow, hang"),
        (after(fault, "kind = \"stuck\"\nat = \"5s\"\nafter_invalidation = \"5s\""), "x.toml:5: `fault[0].after_invalidation`: a fault begins once"),
        (after(fault, "kind = \"lost\"\nshare = 0"), "x.toml:4: `fault[0].share`: takes a share above 0"),
        (after(fault, "kind = \"lost\"\nshare = 1.5"), "x.toml:4: `fault[0].share`: takes a number from 0 to 1, not 1.5"),
        (after(fault, "kind = \"lost\"\ncount = 0"), "x.toml:4: `fault[0].count`: takes a whole number from 1 to"),
        (after(fault, "kind = \"quota\""), "x.toml:2: `fault[0].edge`: `quota` happens at api, not here"),
        (after(fault, "kind = \"unavailable\"\nstatus = 404"), "x.toml:4: `fault[0].status`: takes a whole number from 500 to 599, not 404"),
        (after(fault, "kind = \"hang\"\ncarried_out = true"), "x.toml:4: `fault[0].carried_out`: only calls of the API"),
        (after(fault, "kind = \"dead\"\nid = \"a b\""), "x.toml:4: `fault[0].id`: an id has letters"),
        (after(fault, "kind = \"dead\"\napi = \"*\""), "x.toml:4: `fault[0].api`: a fault has one place: `edge` or `api`"),
        ("[[fault]]\nkind = \"dead\"".to_owned(), "x.toml:1: `fault[0]`: a fault needs an `edge`, a `shield` or an `api`"),
        (after(api, "kind = \"dead\"\nnode = 2"), "x.toml:4: `fault[0].node`: only edges have nodes"),
        ("[[fault]]\napi = \"upload\"\nkind = \"lag\"".to_owned(), "x.toml:2: `fault[0].api`: only `admin` lags"),
        ("[[fault]]\napi = \"uplaod\"\nkind = \"dead\"".to_owned(), "x.toml:2: `fault[0].api`: `uplaod` is none of *, admin, upload, search; did you mean `upload`?"),
        ("[[fault]]\nedge = \"Mars\"\nkind = \"dead\"".to_owned(), "x.toml:2: `fault[0].edge`: `Mars` is no code of a PoP"),
        ("[[fault]]\nedge = [\"SIN\", 3]\nkind = \"dead\"".to_owned(), "x.toml:2: `fault[0].edge`: takes a code"),
        ("edges = 2\n[[fault]]\nedge = \"IAD\"\nkind = \"dead\"".to_owned(), "x.toml:3: `fault[0].edge`: this cloud has no IAD among its edges: FRA, SIN"),
        ("edges = 2\nnodes = 2\n[[fault]]\nedge = \"SIN\"\nnode = 3\nkind = \"dead\"".to_owned(), "x.toml:4: `fault[0].edge`: there is no node 3, there are 2"),
        ("edges = 2\nshields = 1\n[[fault]]\nshield = \"NRT\"\nkind = \"lost\"".to_owned(), "x.toml:4: `fault[0].shield`: this cloud has no NRT among its shields: IAD"),
        ("[expect]\nlater = \"SIN\"".to_owned(), "x.toml:2: `expect.later`: later than what?"),
        ("[expect]\nwithin = \"1s\"\nlater = \"SIN\"\nnever = \"SIN\"".to_owned(), "x.toml:4: `expect.never`: SIN cannot be clear later and never"),
    ];
    for (text, begins) in cases {
        let message = refused(&text);
        assert!(message.starts_with(begins), "{text}\n{message}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_their_lines() {
    let told = refused("sead = 1\n[[fault]]\nedge = \"SIN\"\nkind = \"tird\"\nfor = 3\n");
    let lines: Vec<&str> = told.lines().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(lines, ["x.toml:1", "x.toml:4", "x.toml:5"], "{told}");
    let many = (0..30).map(|n| format!("k{n} = 1")).collect::<Vec<_>>().join("\n");
    assert!(refused(&many).ends_with("x.toml: 20 more"));
}

#[test]
fn a_fault_is_read_from_json_with_its_times_counted_from_now() {
    let json = serde_json::json!({"edge": "SIN", "kind": "dead", "at": "5s"});
    let (fault, _) = fault_of_json(&json).unwrap();
    assert_eq!(fault.begin, Begin::Start(secs(5)));
    let odd = serde_json::json!({"edge": "SIN", "kind": "dead", "x": 1});
    let message = fault_of_json(&odd).unwrap_err().to_string();
    assert_eq!(message, "fault: `x`: there is no such key");
    assert!(fault_of_json(&serde_json::json!([])).is_err());
}
