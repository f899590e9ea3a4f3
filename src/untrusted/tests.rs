//! Bounded runs of every entrance: its seeds, and what chance makes of them.

use std::path::PathBuf;

use super::{ENTRANCES, Entrance};

fn is_long() -> bool {
    std::env::var("ALLCLEAR_TEST_LONG").as_deref() == Ok("1")
}

/// Inputs for each entrance: always the same ones, and a hundred times as many fresh ones in the long run.
fn rounds() -> u32 {
    if is_long() { 300_000 } else { 3_000 }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// What `fuzz/seeds/<name>` holds.
fn seeds(name: &str) -> Vec<Vec<u8>> {
    let files = std::fs::read_dir(folder().join("seeds").join(name));
    let files = files.unwrap_or_else(|why| panic!("fuzz/seeds/{name}: {why}"));
    let mut paths = files.map(|file| file.unwrap().path()).collect::<Vec<_>>();
    paths.sort();
    let seeds = paths.iter().map(|path| std::fs::read(path).unwrap()).collect::<Vec<_>>();
    assert!(!seeds.is_empty(), "fuzz/seeds/{name} is empty");
    seeds
}

/// One change: a byte, a piece doubled, dropped or moved, a word that readers look for.
fn changed(data: &mut Vec<u8>, seeds: &[Vec<u8>], chance: &mut fastrand::Rng) {
    const WORDS: [&[u8]; 18] = [
        b"\x1b]52;c;x\x07",
        b"\xe2\x80\xae",
        b"\0",
        b"..",
        b"/",
        b"%2F",
        b"%",
        b"s--",
        b"v1",
        b"\"",
        b"{",
        b"]",
        b"18446744073709551616",
        b"-1",
        b"1e999",
        b" AND NOT ",
        b":\r\n",
        b"\xff",
    ];
    let at = chance.usize(..=data.len());
    let to = (at + chance.usize(..=16)).min(data.len());
    match chance.u8(..7) {
        0 if !data.is_empty() => {
            let at = at.min(data.len() - 1);
            data[at] = chance.u8(..);
        }
        1 => drop(data.drain(at..to)),
        2 => {
            let piece = data[at..to].to_vec();
            data.splice(at..at, piece);
        }
        3 => {
            let other = &seeds[chance.usize(..seeds.len())];
            let from = chance.usize(..=other.len());
            data.splice(at..to, other[from..].iter().copied());
        }
        4 => data.truncate(at),
        _ => {
            let word = WORDS[chance.usize(..WORDS.len())];
            data.splice(at..to, word.iter().copied());
        }
    }
    data.truncate(1 << 16);
}

fn run((name, enter): Entrance) {
    let seeds = seeds(name);
    for seed in &seeds {
        enter(seed);
    }
    let seed = if is_long() { fastrand::u64(..) } else { 20_261_122 };
    let mut chance = fastrand::Rng::with_seed(seed);
    for round in 0..rounds() {
        let mut data = seeds[chance.usize(..seeds.len())].clone();
        for _ in 0..=chance.u8(..6) {
            changed(&mut data, &seeds, &mut chance);
        }
        let ended = std::panic::catch_unwind(|| enter(&data));
        assert!(ended.is_ok(), "{name}, seed {seed}, round {round}: {}", data.escape_ascii());
    }
}

#[rstest::rstest]
fn any_bytes_are_read_or_refused(#[values(0, 1, 2, 3, 4, 5, 6, 7, 8)] entrance: usize) {
    run(ENTRANCES[entrance]);
}

#[test]
fn every_entrance_has_its_fuzz_target() {
    let manifest = std::fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    for (name, _) in ENTRANCES {
        let target = folder().join("fuzz_targets").join(format!("{name}.rs"));
        let text = std::fs::read_to_string(&target).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert!(text.contains(&format!("allclear::untrusted::{name}(data)")), "{text}");
        assert!(
            manifest.contains(&format!("name = \"{name}\"")),
            "{name} is not in fuzz/Cargo.toml"
        );
    }
}
