//! Pages of matches, while the world changes between and under them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::domain::asset::AssetKey;
use crate::local_cloud::content::Content;
use crate::local_cloud::world::changes::{Attributes, Rename, Upload};
use crate::local_cloud::world::search::{Aggregate, Found, Position, Query, Range, Sort};
use crate::local_cloud::world::tests::settings;
use crate::local_cloud::world::{Settings, World};

fn world(assets: usize, lag: u64) -> World {
    World::new(Settings { assets, search_lag: secs(lag), ..settings() }, NOW)
}

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn key(id: &str) -> AssetKey {
    AssetKey::image(id.parse().unwrap())
}

fn query(expression: &str, sorts: &[(&str, bool)], limit: usize) -> Query {
    let sort_by = sorts.iter().map(|(name, down)| Sort::by(name, *down).unwrap()).collect();
    Query { expression: expression.to_owned(), sort_by, limit, ..Query::default() }
}

fn ids(found: &[Arc<StoredAsset>]) -> Vec<String> {
    found.iter().map(|asset| asset.key.public_id.to_string()).collect()
}

/// The next page, by the text of its cursor.
fn next(world: &mut World, query: &mut Query, found: &Found, at: u64) -> Option<Found> {
    query.after = Position::from_cursor(&found.next.as_ref()?.to_cursor());
    Some(world.search(query, secs(at)).unwrap())
}

fn find(world: &mut World, expression: &str, at: u64) -> Vec<String> {
    ids(&world.search(&query(expression, &[("public_id", false)], 500), secs(at)).unwrap().page)
}

fn rename(world: &mut World, from: &str, to: &str, at: u64) {
    let order = Rename { from: key(from), to: key(to), overwrite: false, invalidate: false };
    world.rename(&order, secs(at)).unwrap();
}

fn upload(world: &mut World, id: &str, at: u64) {
    let upload = Upload {
        key: key(id),
        content: Content::uploaded(id.as_bytes().to_vec().into(), None),
        original_filename: None,
        attributes: Attributes::default(),
        overwrite: true,
        invalidate: false,
        backup: false,
    };
    world.upload(upload, secs(at));
}

#[test]
fn pages_follow_one_another_in_every_order() {
    let mut world = world(150, 0);
    for sorts in [
        &[][..],
        &[("created_at", true)],
        &[("bytes", false)],
        &[("public_id", true)],
        &[("format", false), ("width", true)],
        &[("width", false)],
        &[("resource_type", false), ("aspect_ratio", false), ("filename", true)],
        &[("score", true)],
        &[("status", false)],
    ] {
        let all = ids(&world.search(&query("NOT tags=brand", sorts, 500), secs(0)).unwrap().page);
        let mut pages = query("NOT tags=brand", sorts, 7);
        let mut found = world.search(&pages, secs(0)).unwrap();
        let mut seen = ids(&found.page);
        while let Some(more) = next(&mut world, &mut pages, &found, 0) {
            assert_eq!(more.total, all.len());
            seen.extend(ids(&more.page));
            found = more;
        }
        assert_eq!(seen, all, "{sorts:?}");
    }
    let newest = world.search(&query("", &[], 500), secs(0)).unwrap().page;
    assert!(newest.is_sorted_by(|a, b| a.created_at >= b.created_at), "newest first unless asked");
    let narrow = world.search(&query("", &[("width", false)], 500), secs(0)).unwrap().page;
    let last = narrow.last().unwrap();
    assert!(last.key.resource_type.as_str() == "raw", "what has no width comes last");
}

#[test]
fn what_comes_and_goes_moves_no_page() {
    let mut world = world(100, 0);
    let all = ids(&world.search(&query("", &[("public_id", false)], 500), secs(0)).unwrap().page);
    let images: BTreeSet<_> = world.storage().iter().map(|a| a.key.clone()).collect();
    let key_of = |id: &str| images.iter().find(|key| key.public_id.as_str() == id).unwrap().clone();
    let mut pages = query("", &[("public_id", false)], 10);
    let first = world.search(&pages, secs(0)).unwrap();
    assert_eq!(ids(&first.page), all[..10]);
    // the page before loses its last match, and another comes before it
    world.destroy(&key_of(&all[9]), false, secs(1));
    world.destroy(&key_of(&all[2]), false, secs(1));
    upload(&mut world, "a-first", 1);
    let second = next(&mut world, &mut pages, &first, 2).unwrap();
    assert_eq!(ids(&second.page), all[10..20]);
    assert_eq!(second.total, 99);
    // one of the pages to come loses one and wins another
    world.destroy(&key_of(&all[25]), false, secs(3));
    let name = format!("{}-b", all[20]);
    upload(&mut world, &name, 3);
    let third = next(&mut world, &mut pages, &second, 4).unwrap();
    let mut expected = all[20..30].to_vec();
    expected.remove(5);
    expected.push(name);
    expected.sort();
    assert_eq!(ids(&third.page), expected);
}

#[test]
fn relative_times_count_from_the_first_page() {
    let mut world = world(100, 0);
    let mut pages = query("created_at>30d", &[], 5);
    let first = world.search(&pages, secs(0)).unwrap();
    let days = 86_400 * 29;
    let second = next(&mut world, &mut pages, &first, days).unwrap();
    assert_eq!(second.total, first.total);
    pages.after = None;
    assert!(world.search(&pages, secs(days)).unwrap().total < first.total);
}

#[test]
fn a_cursor_belongs_to_its_question() {
    let mut world = world(60, 0);
    let first = world.search(&query("tags:press", &[], 2), secs(0)).unwrap();
    let after = first.next;
    assert!(after.is_some());
    for other in [query("tags:brand", &[], 2), query("tags:press", &[("bytes", true)], 2)] {
        let refused = world.search(&Query { after: after.clone(), ..other }, secs(0));
        assert_eq!(refused.unwrap_err().status(), 400);
    }
    let longer = Query { after, ..query("tags:press", &[], 9) };
    assert!(world.search(&longer, secs(0)).is_ok(), "pages may be of any size");
}

#[test]
fn the_index_hears_of_every_change_after_its_lag() {
    let mut world = world(60, 5);
    let either = "public_id=logo OR public_id=mark OR public_id=sign";
    assert_eq!(find(&mut world, either, 0), ["logo"]);

    rename(&mut world, "logo", "mark", 10);
    assert!(world.storage().get(&key("mark")).is_some(), "listings know at once");
    rename(&mut world, "mark", "sign", 12);
    let seen = [10, 14, 15, 16, 17].map(|at| find(&mut world, either, at).join(" "));
    assert_eq!(seen, ["logo", "logo", "mark", "mark", "sign"]);

    world.destroy(&key("sign"), false, secs(20));
    assert_eq!(find(&mut world, either, 24), ["sign"], "a ghost");
    assert!(find(&mut world, either, 25).is_empty());

    let tags = Attributes { tags: Some(vec!["fresh".into()]), ..Attributes::default() };
    world.update(&key("sample"), tags, secs(30)).unwrap();
    assert!(find(&mut world, "tags=fresh", 34).is_empty());
    assert_eq!(find(&mut world, "tags=fresh", 35), ["sample"]);

    upload(&mut world, "new", 40);
    let old_file = find(&mut world, "public_id=new AND bytes=3", 44);
    assert!(old_file.is_empty());
    assert_eq!(find(&mut world, "public_id=new AND bytes=3", 45), ["new"]);

    // gone and back again within the lag: what is seen follows in the same order
    world.destroy(&key("new"), false, secs(50));
    upload(&mut world, "new", 52);
    let seen = [54, 55, 56, 57].map(|at| find(&mut world, "public_id=new", at).len());
    assert_eq!(seen, [1, 0, 0, 1]);
}

#[test]
fn an_overwritten_target_stays_until_the_lag_is_over() {
    let mut world = world(60, 5);
    let order = Rename { from: key("logo"), to: key("sample"), overwrite: true, invalidate: false };
    let old = world.stored(&key("sample")).unwrap().asset_id;
    let new = world.stored(&key("logo")).unwrap().asset_id;
    world.rename(&order, secs(10)).unwrap();
    for (at, id) in [(14, old), (15, new)] {
        let found = world.search(&query("public_id=sample", &[], 5), secs(at)).unwrap();
        assert_eq!(found.page.iter().map(|one| one.asset_id).collect::<Vec<_>>(), [id]);
    }
}

#[test]
fn matches_are_counted_by_words_and_in_ranges() {
    let mut world = world(120, 0);
    let range = |key: &str, from, to| Range { key: key.to_owned(), from, to };
    let ranges = vec![range("small", None, Some(5000.0)), range("large", Some(5000.0), None)];
    let counts: Vec<_> = ["format", "resource_type", "type"]
        .into_iter()
        .filter_map(Aggregate::by_word)
        .chain(Aggregate::by_ranges("bytes", ranges))
        .collect();
    assert_eq!(counts.len(), 4);
    let found = world.search(&Query { counts, ..query("", &[], 1) }, secs(0)).unwrap();
    let sums: Vec<u64> =
        found.counts.iter().map(|counts| counts.iter().map(|(_, n)| n).sum()).collect();
    assert_eq!(sums[1..], [120, 120, 120]);
    assert_eq!(sums[0], 120 - find(&mut world, "resource_type:raw", 0).len() as u64);
    let small = find(&mut world, "bytes<5000", 0).len() as u64;
    assert_eq!(found.counts[3], [("small".to_owned(), small), ("large".to_owned(), 120 - small)]);
    assert_eq!(found.counts[1][0].0, "image", "the most frequent first");
    for (name, known) in [("tags", false), ("bytes", false), ("format", true)] {
        assert_eq!(Aggregate::by_word(name).is_some(), known);
    }
    assert_eq!(Aggregate::by_ranges("format", Vec::new()), None);
}

/// More assets than one step looks at, and more matches than are kept for later pages.
#[test]
fn many_assets_are_searched_in_steps_and_each_is_found_once() {
    let mut world = world(25_000, 5);
    for number in 0..200 {
        upload(&mut world, &format!("zz/{number}"), 1);
    }
    rename(&mut world, "logo", "zz/logo", 1);
    let mut sweep = world.begin_search(&query("", &[("public_id", false)], 500), secs(2)).unwrap();
    let mut steps = 1;
    while !world.go_on(&mut sweep) {
        steps += 1;
    }
    assert_eq!((steps, world.end_search(sweep).total), (3, 25_000));

    let mut pages = query("", &[("bytes", true), ("public_id", false)], 500);
    let mut found = world.search(&pages, secs(2)).unwrap();
    let mut seen = found.page.clone();
    while let Some(more) = next(&mut world, &mut pages, &found, 2) {
        seen.extend(more.page.iter().cloned());
        found = more;
    }
    let order = |a: &StoredAsset| (std::cmp::Reverse(a.content.length()), a.key.public_id.clone());
    assert!(seen.is_sorted_by(|a, b| order(a) < order(b)), "no order broken, none twice");
    assert_eq!(seen.len(), 25_000);

    assert_eq!(world.search(&query("zz", &[], 1), secs(7)).unwrap().total, 201);
}

#[test]
fn folders_are_found_by_name_path_and_date() {
    let mut world = world(100, 0);
    world.make_folder("press/empty", secs(0)).unwrap();
    let mut find = |expression: &str, sorts: Vec<Sort>| {
        let query = Query {
            expression: expression.to_owned(),
            sort_by: sorts,
            limit: 500,
            ..Query::default()
        };
        let found = world.search_folders(&query, secs(0)).unwrap();
        assert_eq!(found.total, found.page.len());
        found.page.into_iter().map(|folder| folder.path).collect::<Vec<_>>()
    };
    assert_eq!(find("path:press/*", vec![]), ["press/2025", "press/2026", "press/empty"]);
    assert_eq!(find("name=press OR name:emp*", vec![]), ["press", "press/empty"]);
    assert_eq!(find("path=press", vec![]), ["press"]);
    assert_eq!(find("press AND created_at:1d", vec![]), ["press/empty"]);
    let downwards = vec![Sort::of_folders_by("path", true).unwrap()];
    let all = find("", downwards);
    assert!(all.is_sorted_by(|a, b| a > b) && all.len() > 10);
    assert!(find("bytes>1", vec![]).is_empty());

    let mut pages = Query { limit: 3, ..Query::default() };
    let mut seen = Vec::new();
    loop {
        let found = world.search_folders(&pages, secs(0)).unwrap();
        seen.extend(found.page.into_iter().map(|folder| folder.path));
        pages.after = found.next;
        if pages.after.is_none() {
            break;
        }
    }
    assert_eq!(seen, all.into_iter().rev().collect::<Vec<_>>());
}

/// The figures in a line each; they mean something when built for release.
#[test]
#[ignore = "a million assets; for measuring"]
fn a_million_assets_are_searched() {
    let mut world = world(1_000_000, 5);
    world.search(&query("", &[("bytes", true)], 1), secs(0)).unwrap(); // draws what lengths are measured of
    for (expression, sort) in [
        ("", "created_at"),
        ("", "public_id"),
        ("tags=press AND uploaded_at>30d", "created_at"),
        ("portrait", "public_id"),
        ("public_id:press/* AND NOT format:png", "public_id"),
        ("bytes>30k OR width:[100 TO 200]", "bytes"),
        ("\"nothing of the kind\"", "created_at"),
    ] {
        let mut pages = query(expression, &[(sort, true)], 500);
        let begin = std::time::Instant::now();
        let mut sweep = world.begin_search(&pages, secs(1)).unwrap();
        let mut longest = Duration::ZERO;
        loop {
            let step = std::time::Instant::now();
            let done = world.go_on(&mut sweep);
            longest = longest.max(step.elapsed());
            if done {
                break;
            }
        }
        let found = world.end_search(sweep);
        let first = begin.elapsed();
        let begin = std::time::Instant::now();
        let second = next(&mut world, &mut pages, &found, 1).map_or(0, |found| found.page.len());
        println!(
            "{expression:40} by {sort:10} {:7} found in {first:?}, longest step {longest:?}, {second} more in {:?}",
            found.total,
            begin.elapsed()
        );
    }
}
