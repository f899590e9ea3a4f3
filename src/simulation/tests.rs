use super::run::{Pictures, Sum, all, describe, names, one};
use super::{bounds, mutants};
use crate::domain::confidence::Confidence;
use crate::ops::tracker::Doctrine;

/// Fixed and fresh stories of a usual run.
const FIXED: u64 = 2_000;
const FRESH: u64 = 500;
/// Stories that each mutant plays at most, and in how many of them it must be caught.
const MUTATED: usize = 240;
const CAUGHT: usize = 2;
/// Stories of a long run.
const LONG: u64 = 10_000;

fn is_long() -> bool {
    std::env::var("ALLCLEAR_TEST_LONG").is_ok_and(|long| long == "1")
}

/// How many stories are to be played, where somebody says so.
fn said(usual: u64) -> u64 {
    std::env::var("ALLCLEAR_STORIES").ok().and_then(|said| said.parse().ok()).unwrap_or(usual)
}

#[test]
fn no_all_clear_is_false() {
    let pictures = Pictures::draw();
    let fixed = said(if is_long() { LONG - FRESH } else { FIXED });
    let fresh_from = fastrand::u64(1 << 20..1 << 40);
    let mut played = all(&names(1, fixed), Doctrine::default(), &pictures);
    println!("simulation: fresh seeds from {fresh_from}");
    played.extend(all(&names(fresh_from, FRESH.min(fixed)), Doctrine::default(), &pictures));
    let sum = Sum::of(&played);
    print!("{}", sum.report("true judge"));
    assert!(sum.false_alarms.is_empty(), "false all clears: {:?}", sum.false_alarms);
    // what nobody could know must be rare: a cache falls back in a few seconds of some minutes
    assert!(sum.overtaken.len() * 50 <= sum.declared, "{:?}", sum.overtaken);
    assert!(sum.in_time * 100 >= sum.clearing * 99, "late: {:?}", sum.late);
    assert!(sum.declared * 2 > sum.watches, "most stories end well");
    a_stale_node_is_missed_as_often_as_printed(&sum);
}

/// Each of these stories has one stale node of four, for everything that is watched at its place, for ever. Printed
/// are chances between that of a node that is stale for all cells (`low`) and for one (`high`), for those that were
/// declared; the true rate of each watch lies between its own two, so the rate of all lies between the means. Of
/// `missed` in `stale` cases the exact bounds at 99.9 % are those rates at which so few, or so many, would be a
/// surprise of less than one in two thousand on that side. Both intervals must have a rate in common.
fn a_stale_node_is_missed_as_often_as_printed(sum: &Sum) {
    if sum.stale < 30 {
        return;
    }
    let (least, most) = bounds::exact(sum.missed, sum.stale, 0.0005);
    let cases = sum.printed.len().max(1) as f64;
    let low = sum.printed.iter().map(|(low, _)| low).sum::<f64>() / cases;
    let high = sum.printed.iter().map(|(_, high)| high).sum::<f64>() / cases;
    println!(
        "simulation: stale nodes: measured {:.2} to {:.2} %, printed {:.2} to {:.2} %",
        least * 100.0,
        most * 100.0,
        low * 100.0,
        high * 100.0
    );
    assert!(
        least <= high && (sum.printed.is_empty() || low <= most),
        "{} of {}",
        sum.missed,
        sum.stale
    );
}

/// Each mutant plays some of the fixed stories, in which the true judge tells no false all clear (above): those in which
/// something is the matter that it does not see. Once would be luck.
#[test]
fn every_mutant_of_the_judge_is_caught() {
    let pictures = Pictures::draw();
    let fixed = names(1, FIXED);
    for mutant in mutants::all() {
        let stories = mutant.stories(&fixed, MUTATED);
        let sum = Sum::of(&all(&stories, mutant.doctrine, &pictures));
        let (name, caught) = (mutant.name, sum.false_alarms.len());
        println!(
            "simulation: mutant, {name}: {caught} false all clears in {} stories",
            sum.stories
        );
        for (story, _) in &sum.false_alarms {
            println!("simulation: mutant, {name}: in {story}");
        }
        assert!(caught >= CAUGHT, "{name} told {caught} false all clears");
    }
}

/// Plays the story that `ALLCLEAR_STORY` names, and tells all of it; does nothing without.
#[test]
fn replay() {
    let Ok(named) = std::env::var("ALLCLEAR_STORY") else { return };
    let (seed, level) = named.split_once(':').unwrap_or((&named, "normal"));
    let name = (seed.parse().unwrap(), level.parse::<Confidence>().unwrap());
    let mutant = std::env::var("ALLCLEAR_MUTANT").ok();
    let mutant = mutants::all().into_iter().find(|one| mutant.as_deref() == Some(one.name));
    let doctrine = mutant.map_or_else(Doctrine::default, |mutant| mutant.doctrine);
    let (story, played) = one(name, doctrine, &Pictures::draw(), true);
    println!("{}", describe(&story));
    played.books.iter().for_each(|line| println!("{line}"));
    for told in &played.told {
        println!("{}\n{}", told.picture, told.sentence);
        println!("{told:#?}");
    }
    println!(
        "stirred at {:?}, hindered until {:?}",
        played.stirred_at,
        story.hindered_until(played.told.first().map(|told| told.ordered_at).unwrap_or_default())
    );
    print!("{}", Sum::of(&[(story, played)]).report(&named));
}
