//! The whole program against real caches: nginx, Varnish, Squid, Traffic Server and HAProxy in front of the local
//! cloud's origin, purged by a fan-out with delays of our choice. What allclear says is held against what each
//! cache truly serves, asked by a client that shares no code with it.
//!
//! All on loopback, on addresses and ports of each test's own; every program is started by its test and ended by
//! its process ID. A missing program makes its tests say `without …`, unless all parts are required.

mod bed;
mod cache;
mod cases;
mod fan_out;
mod nginx;
mod others;
mod program;

/// File and name of each test.
type Tests = &'static [(&'static str, &'static str)];

/// Everything that can go wrong between a purge and the last cache, and where it is played: number, what happens, by
/// which tests.
const CASES: [(u8, &str, Tests); 20] = [
    (1, "plain purge", &[(PURGES, "a_purge_that_reaches_every_edge_ends_all_clear")]),
    (2, "slow edge", &[(PURGES, "a_slow_edge_is_waited_for")]),
    (
        3,
        "edge purged, shield not",
        &[(SHIELDS, "an_edge_that_its_shield_feeds_again_is_not_clear")],
    ),
    (
        4,
        "purge before the origin flipped",
        &[(SHIELDS, "a_purge_that_came_before_the_change_is_not_clear")],
    ),
    (5, "soft purge", &[(KINDS, "a_soft_purge_serves_the_old_copy_once_and_then_clears")]),
    (6, "one of four nodes stale", &[(PURGES, "one_stale_node_of_four_is_found")]),
    (7, "surviving Accept variant", &[(VARIANTS, "a_variant_that_survives_its_purge_is_found")]),
    (8, "surviving query variant", &[(VARIANTS, "a_query_is_a_copy_of_its_own")]),
    (9, "cached 404 after re-upload", &[(VARIANTS, "a_cached_404_is_no_all_clear")]),
    (10, "edge without Age and ETag", &[(CONTENT, "without_age_and_entity_tag_the_bytes_decide")]),
    (11, "weak or per-node ETags", &[(CONTENT, "weak_tags_and_tags_of_nodes_are_seen_through")]),
    (12, "HEAD differs from GET", &[(CONTENT, "a_head_that_is_fresh_says_nothing")]),
    (
        13,
        "edge that cannot be purged",
        &[(KINDS, "a_cache_that_cannot_be_purged_blocks_until_its_time_is_over")],
    ),
    (14, "429 with Retry-After", &[(TROUBLE, "an_edge_that_asks_to_wait_is_given_time")]),
    (
        15,
        "refused, TLS error, hang",
        &[(TROUBLE, "places_that_never_answer_are_left_out_and_counted")],
    ),
    (16, "clock skew in Date", &[(TROUBLE, "clocks_that_are_wrong_by_five_minutes_do_not_matter")]),
    (
        17,
        "late resurrection",
        &[(SHIELDS, "an_old_copy_that_comes_back_in_quiet_withdraws_the_clear")],
    ),
    (
        18,
        "Completed while an edge is stale",
        &[(PURGES, "an_edge_that_said_yes_and_kept_its_copy_is_found")],
    ),
    (19, "mock Globalping", GLOBALPING),
    (
        20,
        "1,000 URLs x 24 edges",
        &[(PURGES, "a_thousand_urls_at_24_edges_stay_within_the_limits")],
    ),
];

const PURGES: &str = "tests/caches/cases/purges.rs";
const SHIELDS: &str = "tests/caches/cases/shields.rs";
const KINDS: &str = "tests/caches/cases/kinds.rs";
const VARIANTS: &str = "tests/caches/cases/variants.rs";
const CONTENT: &str = "tests/caches/cases/content.rs";
const TROUBLE: &str = "tests/caches/cases/trouble.rs";
/// 422, 429, a server that fails, truncated bodies; probes that are offline or gave half a result.
const GLOBALPING: Tests = &[
    ("src/adapters/globalping/tests/troubles.rs", "a_creation_that_fails_is_said_and_not_repeated"),
    ("src/adapters/globalping/tests/troubles.rs", "a_reading_that_fails_is_said"),
    ("src/adapters/globalping/tests/results.rs", "a_failed_test_is_a_failure"),
    ("src/adapters/globalping/tests/results.rs", "half_a_result_is_no_result"),
    ("src/adapters/globalping/tests/probes.rs", "another_probe_ends_every_run_of_its_place_once"),
    ("src/adapters/globalping/tests/probes.rs", "a_request_to_wait_is_kept"),
];

#[test]
fn every_case_of_the_table_is_played_by_a_test() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for (at, (number, what, tests)) in CASES.iter().enumerate() {
        assert_eq!(usize::from(*number), at + 1, "{what}");
        assert!(!tests.is_empty(), "{number}: {what}");
        for (file, test) in *tests {
            let source = std::fs::read_to_string(root.join(file)).expect("a source file");
            let function = format!("fn {test}(");
            let head = source.split(&function).next().filter(|head| head.len() < source.len());
            let attribute = head.and_then(|head| head.rsplit("\n\n").next()).unwrap_or_default();
            let tested = ["#[test]", "#[tokio::test", "#[rstest]"]
                .iter()
                .any(|mark| attribute.contains(mark));
            assert!(tested, "{number}: {what}: no test {test} in {file}");
        }
    }
}
