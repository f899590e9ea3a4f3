//! What expressions find, and where they are refused.

use std::sync::Arc;

use super::*;
use crate::local_cloud::world::search::Expression;
use crate::local_cloud::world::search::lexer::LONGEST;
use crate::local_cloud::world::search::parser::{DEEPEST, MOST_TERMS};

fn count(expression: &str) -> usize {
    let read = Expression::parse(expression, NOW).unwrap_or_else(|e| panic!("{expression}: {e}"));
    library().iter().filter(|asset| read.holds(*asset)).count()
}

/// The public IDs that an expression finds.
fn found(expression: &str) -> Vec<String> {
    let read = Expression::parse(expression, NOW).unwrap_or_else(|e| panic!("{expression}: {e}"));
    let all = library();
    let matches = all.iter().filter(|asset| read.holds(*asset));
    matches.map(|asset| asset.key.public_id.to_string()).collect()
}

fn refused(text: &str) -> String {
    Expression::parse(text, NOW).map_or_else(|e| e.to_string(), |read| format!("{read:?}"))
}

#[test]
fn expressions_find_what_they_say() {
    for everything in ["", "  ", "*", "*:*", "public_id:*", "NOT nonsense:1", "* AND *"] {
        assert_eq!(count(everything), 200, "{everything}");
    }
    assert_eq!(found("public_id=press/2026/hero"), ["press/2026/hero"]);
    assert_eq!(found("public_id=\"press/2026/team photo\""), ["press/2026/team photo"]);
    assert_eq!(found(r"public_id=press/2026/team\ photo"), ["press/2026/team photo"]);
    assert_eq!(count("public_id=PRESS/2026/hero"), 0, "`=` is exact");
    assert_eq!(count("public_id:hero"), 2);
    assert_eq!(count("public_id:HERO"), 2, "words are compared in any case");
    assert_eq!(count("public_id:her"), 0, "a word is not its beginning");
    assert_eq!(found("public_id:2025/hero"), ["press/2025/hero"]);
    assert_eq!(count("public_id:\"hero press\""), 0, "words in their order");
    assert_eq!(count("filename:her*"), 2);
    assert_eq!(count("filename=her*"), 2);
    assert_eq!(found("blog/ÉTÉ"), ["blog/été-2026/plage"]);
    assert_eq!(found(r"filename:mark\(round\)"), ["brand/mark(round)"]);
    assert_eq!(found("filename:\"mark(round)\""), ["brand/mark(round)"]);
    assert_eq!(found("resource_type:RAW AND format:csv"), ["docs/stock.csv"]);
    assert_eq!(found("type:private"), ["legal/signed-contract"]);
    assert_eq!(count("type:priv"), 0, "types are compared as a whole");
    assert_eq!(count("asset_folder=press/2026"), count("asset_folder:press/2026"));
    assert_eq!(count("asset_folder:2026"), 0, "folders are compared as a whole");
    assert_eq!(count("asset_folder:press/*"), count("public_id:press/*"));
    assert_eq!(count("asset_folder:press/2026/*"), count("asset_folder=press/2026"));
    assert_eq!(count("asset_folder:campaigns/s*"), count("public_id:campaigns/s*"));
    assert_eq!(count("status=active AND access_mode:public"), 200);
    assert_eq!(count("status=inactive"), 0);
    let hero = &library()[0];
    assert_eq!(found(&format!("asset_id={}", hero.asset_id)), ["press/2026/hero"]);
    assert_eq!(found(&format!("etag:{}", hero.content.etag())), ["press/2026/hero"]);
}

#[test]
fn operators_have_their_order_and_stand_in_capitals() {
    assert_eq!(count("hero AND tags=2025"), 1);
    assert_eq!(count("hero tags=2025"), 1, "side by side is AND");
    assert_eq!(count("tags=press AND NOT tags:press"), 0);
    assert_eq!(count("tags=nothing OR public_id=logo"), 1);
    assert_eq!(count("(tags=brand OR tags=legal) AND format=webp"), 1);
    let brand = count("tags=brand");
    assert_eq!(count("tags=brand OR tags=legal AND format=webp"), brand, "AND binds closer");
    assert_eq!(count("tags=brand OR (tags=legal AND format=webp)"), brand);
    assert_eq!(count("NOT tags=brand AND tags=brand"), 0, "NOT binds closest");
    assert_eq!(count("NOT (tags=brand AND format=webp)"), 199);
    assert_eq!(count("NOT NOT tags=brand"), brand);
    assert_eq!(count("NOT(tags=brand)OR(tags=brand)"), 200);
    assert_eq!(count("hero and tags"), 0, "small letters are words");
    assert_eq!(count("\"AND\""), 0, "a word in quotes is a word");
    assert_eq!(count(r"\AND"), 0, "and so is one with a backslash");
    assert_eq!(count("tags = brand"), brand, "blanks around signs mean nothing");
}

#[test]
fn numbers_sizes_and_sides() {
    let raw = count("resource_type:raw");
    assert_eq!(count("bytes>0 AND width:[1 TO *]"), 200 - raw - count("format:mp3"));
    assert_eq!(count("bytes>1g"), 0);
    assert_eq!(count("bytes>=3000b AND bytes:<1MB"), count("bytes:[3000 TO 1048576}"));
    assert_eq!(count("bytes:>10k") + count("bytes:<=10k"), 200);
    assert_eq!(count("bytes<10kb") + count("bytes:[10240 TO *]"), 200);
    assert_eq!(count("width:[* TO *]"), count("width:*"));
    assert_eq!(count("width=640"), count("width:640") + count("width:{640 TO 640]"));
    assert_eq!(count("pages=1"), count("resource_type:image"));
    assert_eq!(count("backup_bytes=0"), 200);
    let films = count("format:mp4");
    assert!(films > 0);
    assert_eq!(count("aspect_ratio:\"16:9\" AND resource_type:video"), films);
    assert_eq!(count(r"aspect_ratio=16\:9 AND resource_type:video"), films);
    assert_eq!(count("aspect_ratio=1.77778 AND resource_type:video"), films);
    assert_eq!(count("pixels=230400 AND resource_type:video"), films);
}

#[test]
fn times_absolute_and_relative() {
    assert_eq!(count("uploaded_at>9000d"), 200, "newer than so long ago");
    assert_eq!(count("uploaded_at<9000d"), 0);
    assert_eq!(count("uploaded_at:9000d"), 200);
    assert_eq!(count("created_at<2001-01-01"), 0);
    assert_eq!(count("created_at>=2001-01-01"), 200);
    let week = count("created_at>1w");
    assert!(week > 0 && week < 200, "{week}");
    assert_eq!(week, count("created_at>7d"));
    assert_eq!(week + count("created_at<=168h"), 200);
    assert_eq!(count("created_at:[8w TO 4w]"), count("created_at>=56d AND created_at<=28d"));
    let day = jiff::Timestamp::from_second(library()[3].created_at).unwrap().to_string();
    let (day, time) = (&day[..10], &day);
    let on_day = count(&format!("created_at={day}"));
    assert!(on_day >= 1);
    assert_eq!(on_day, count(&format!("created_at:[{day} TO {day}]")));
    assert_eq!(on_day, count(&format!("created_at>={day} AND created_at<=\"{day}T23:59:59Z\"")));
    assert_eq!(count(&format!("created_at>{day}")) + count(&format!("created_at<={day}")), 200);
    assert_eq!(count(&format!("created_at:{{{day} TO {day}}}")), 0);
    assert!(found(&format!("created_at=\"{time}\"")).len() == 1);
    assert_eq!(count("last_updated>1y"), count("uploaded_at>365d"));
}

#[test]
fn texts_of_the_operators_own() {
    let mut asset = library().remove(0);
    Arc::make_mut(&mut asset.context).insert("alt".into(), "A brown fox".into());
    Arc::make_mut(&mut asset.metadata).insert("price".into(), "90".into());
    Arc::make_mut(&mut asset.metadata).insert("until".into(), "2026-06-01".into());
    let holds = |expression: &str| Expression::parse(expression, NOW).unwrap().holds(&asset);
    for true_ in [
        "context.alt:FOX",
        "context.alt=\"A brown fox\"",
        "context.alt:*",
        "context:brown",
        "brown",
        "context.alt:bro*",
        "metadata.price=90",
        "metadata.price>9",
        "metadata.price<=100",
        "metadata.until>=2026-01-01",
        "metadata.until:[2026-01-01 TO 2026-06-01]",
        "metadata.price:[9 TO 90]",
        "metadata:90",
    ] {
        assert!(holds(true_), "{true_}");
    }
    for false_ in [
        "context.alt:wolf",
        "context.title:*",
        "metadata.price>90",
        "metadata.price:{90 TO *]",
        "metadata.until<2026-01-01",
        "metadata.until:[2026-01-01 TO 2026-06-01}",
    ] {
        assert!(!holds(false_), "{false_}");
    }
}

#[test]
fn fields_that_do_not_exist_match_nothing_and_are_no_error() {
    for nothing in [
        "nonsense:1",
        "nonsense=\"a b\"",
        "nonsense>many",
        "nonsense:[a TO b]",
        "nonsense:*",
        "folder:press/*",
        "folder=press",
        "context.nothing:x",
    ] {
        assert_eq!(count(nothing), 0, "{nothing}: a dynamic cloud has no such field");
    }
}

#[test]
fn what_is_not_understood_is_refused_with_its_position() {
    for (text, position, rest) in [
        ("*hero", 1, "*hero"),
        ("tags:*hero", 6, "*hero"),
        ("tags:\"*hero\"", 7, "*hero\""),
        ("a AND *b", 7, "*b"),
        ("a:b*c", 5, "c"),
        ("a:\"b*c\"", 6, "c\""),
        ("tags=a AND", 11, ""),
        ("tags=a AND OR b", 12, "OR b"),
        ("(tags=a", 8, ""),
        ("tags=a)", 7, ")"),
        ("()", 2, ")"),
        ("tags=\"a", 6, "\"a"),
        ("tags=a\\", 7, "\\"),
        ("tags=", 6, ""),
        ("tags:=a", 6, "=a"),
        ("=a", 1, "=a"),
        ("\"tags\":a", 7, ":a"),
        ("bytes>many", 7, "many"),
        ("bytes:1*", 7, "1*"),
        ("width:1k", 7, "1k"),
        ("width:[1 TO", 12, ""),
        ("width:[1 2]", 10, "2]"),
        ("width:[TO 2]", 8, "TO 2]"),
        ("width:[1 TO 2)", 14, ")"),
        ("created_at>yesterday", 12, "yesterday"),
        ("created_at>2026-01-01T00:00:00Z", 25, ":00:00Z"),
        ("aspect_ratio:16:9", 16, ":9"),
        ("tags>a", 5, ">a"),
        ("tags:[a TO b]", 6, "[a TO b]"),
        ("hero~2", 5, "~2"),
        ("été ?", 5, "?"),
        ("a && b", 3, "&& b"),
        ("!a", 1, "!a"),
        ("AND", 1, "AND"),
        ("a OR", 5, ""),
        ("he\"ro\"", 3, "\"ro\""),
        ("hero(a)", 5, "(a)"),
        ("NOT", 4, ""),
        ("]", 1, "]"),
    ] {
        let expected = format!("Query Error (at position {position}) '{rest}'");
        assert_eq!(refused(text), expected, "{text}");
    }
    let long = format!("tags=a AND ~{}", "é".repeat(100));
    assert_eq!(refused(&long), format!("Query Error (at position 12) '~{}'", "é".repeat(39)));
}

#[test]
fn expressions_are_bounded() {
    let deep = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Expression::parse(&deep(DEEPEST), NOW).is_ok());
    let too_deep = Expression::parse(&deep(DEEPEST + 1), NOW).unwrap_err();
    assert_eq!(too_deep.position, DEEPEST + 2);
    assert!(Expression::parse(&"NOT ".repeat(500), NOW).is_err());
    assert!(Expression::parse(&"(".repeat(5000), NOW).is_err());

    let many = |terms: usize| vec!["a"; terms].join(" OR ");
    assert!(Expression::parse(&many(MOST_TERMS), NOW).is_ok());
    let too_many = Expression::parse(&many(MOST_TERMS + 1), NOW).unwrap_err();
    assert_eq!((too_many.position, too_many.rest.as_str()), (5 * MOST_TERMS + 1, "a"));

    assert!(Expression::parse(&"a".repeat(LONGEST), NOW).is_ok());
    let too_long = Expression::parse(&"é".repeat(LONGEST), NOW).unwrap_err();
    assert_eq!(too_long.position, LONGEST / 2 + 1);
}
