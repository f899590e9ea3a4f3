//! Renames: never repeated, whatever became of the call when the process died.

use std::time::Duration;

use super::middleman::{Manners, Middleman, Stage};
use super::{finish, journal, start, until};
use crate::support::cloud::CloudProcess;
use crate::support::home::Home;

/// What the kill comes upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Upon {
    /// The call is made, and will be carried out.
    CallInFlight,
    /// The call never reaches the cloud.
    CallLost,
    /// The cloud has answered, and the answer is on its way.
    AnswerInFlight,
}

#[test]
fn renames_are_looked_up_and_never_repeated() {
    let cloud = CloudProcess::with_control("", &["--assets", "12", "--edges", "1"]);
    let direct = Home::new(cloud.url());
    let list = ["ls", "--columns", "id", "--no-header"];
    let listed = || {
        let ran = direct.run(&list).expect(0);
        ran.stdout.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    let ids = listed();
    let middleman = Middleman::before(cloud.api());
    let home = Home::new(&middleman.url(cloud.url()));
    let upon = [Upon::CallInFlight, Upon::CallLost, Upon::AnswerInFlight];
    for (number, (id, upon)) in ids.iter().zip(upon.into_iter().cycle()).take(9).enumerate() {
        let to = format!("renamed/{number}");
        let slow = Duration::from_millis(300);
        middleman.behave(match upon {
            Upon::CallInFlight => Manners { before: slow, ..Manners::default() },
            Upon::CallLost => Manners { swallow: true, ..Manners::default() },
            Upon::AnswerInFlight => Manners { after: slow, ..Manners::default() },
        });
        let calls_before = middleman.books().calls.len();
        let order = ["rename", id, &to, "--no-invalidate", "--yes", "--quiet"];
        let before = middleman.reached(Stage::Asked);
        let mut child = start(&home, &order);
        let stage = if upon == Upon::AnswerInFlight { Stage::Answered } else { Stage::Asked };
        assert!(until(&mut child, || middleman.reached(stage) == before + 1), "{upon:?} of {id}");
        middleman.kill(&mut child);
        let states = journal::states(home.folder.path());
        assert_eq!(states.get(id).map(String::as_str), Some("sent"), "{upon:?}: {states:?}");

        middleman.behave(Manners::default());
        let jobs = finish(&home, &["jobs", "--json"]).expect(0).json();
        let job = jobs["jobs"][0]["operation"].as_str().expect("an ID").to_owned();
        let settled = finish(&home, &["jobs", "resume", &job]);
        let renames = || {
            let books = middleman.books();
            books.calls[calls_before..].iter().filter(|call| call.action == "rename").count()
        };
        assert_eq!(renames(), 1, "{upon:?}: never repeated by itself");
        if upon == Upon::CallLost {
            settled.expect(1);
            assert_eq!(journal::states(home.folder.path())[id], "failed");
            assert!(listed().contains(id));
            finish(&home, &["retry-failed", &job, "--yes"]).expect(0);
            assert_eq!(renames(), 2, "ordered again by the operator");
        } else {
            settled.expect(0);
            assert_eq!(journal::states(home.folder.path())[id], "accepted");
        }
        let now = listed();
        assert!(now.contains(&to) && !now.contains(id), "{upon:?}: {now:?}");
    }
}
