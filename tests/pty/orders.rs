//! The main job by keyboard alone.

use std::time::Duration;

use super::{HERO, at_every_edge, console, planned, says_all_clear};
use crate::support::cloud::CloudProcess;
use crate::support::home::Home;

#[test]
fn an_asset_is_deleted_and_every_edge_lets_go() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let (paths, _) = planned(&home, &["rm", HERO]);
    at_every_edge(&cloud, &paths, 200);

    let mut terminal = console(&home, 120, 36);
    terminal.keys("d");
    let plan = terminal.wait_for("Press y");
    assert!(plan.contains("cannot be undone"), "{plan}");
    terminal.keys("d");
    assert!(terminal.screen().contains("Press y"), "the opening key never confirms");
    terminal.keys("y");
    terminal.wait("all clear", says_all_clear);
    at_every_edge(&cloud, &paths, 404);
}

#[test]
fn an_asset_is_renamed_and_lives_under_its_new_name_only() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let (old, new) = planned(&home, &["rename", HERO, "press/2026/star"]);
    at_every_edge(&cloud, &old, 200);

    let mut terminal = console(&home, 80, 24);
    terminal.keys("r");
    terminal.wait_for("Rename");
    terminal.keys("\x15"); // clears the field
    terminal.keys("press/2026/st?");
    terminal.wait("the rule that the name breaks", |screen| screen.contains("not allowed"));
    terminal.keys("\x7far");
    terminal.wait("the whole name", |screen| screen.contains("press/2026/star"));
    // enter that comes with a burst of letters is taken for a paste and refused: fingers press it again
    while terminal
        .wait_for_at_most(Duration::from_millis(500), |screen| screen.contains("Press y"))
        .is_err()
    {
        terminal.keys("\r");
    }
    terminal.keys("y");
    terminal.wait("all clear", says_all_clear);
    at_every_edge(&cloud, &old, 404);
    at_every_edge(&cloud, &new, 200);
}

#[test]
fn marked_assets_are_purged_at_once() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let mut terminal = console(&home, 120, 36);
    for _ in 0..3 {
        terminal.keys(" "); // marks and goes on to the next row
    }
    terminal.wait_for("3 marked");
    terminal.keys("P");
    let plan = terminal.wait_for("Press y");
    assert!(plan.contains("3 assets"), "{plan}");
    terminal.keys("y");
    let screen = terminal.wait("all clear", says_all_clear);
    assert!(screen.contains("3 of 3 caches reached"), "{screen}");
}

#[test]
fn a_pasted_delivery_url_lands_on_its_asset() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let mut terminal = console(&home, 120, 36);
    terminal.paste("https://res.cloudinary.com/demo/image/upload/c_scale,w_300/v1/products/shoes/trail-runner.jpg");
    terminal.wait("the asset's details", |screen| {
        screen.contains("Delivery URLs") && screen.contains("trail-runner")
    });
    terminal.paste("https://res.cloudinary.com/other-cloud/image/upload/hero.jpg");
    terminal.wait_for("other-cloud");
}
