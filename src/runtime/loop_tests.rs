//! The loop over made-up input, surface and executor, in paused time.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::console::ExitReason;
use super::event_loop::{Carry, Parts, Surface, run};
use super::signals::Signal;
use crate::app::key::Key;
use crate::app::msg::{Input, Msg};
use crate::app::{App, Effect};
use crate::domain::time::{Moment, Timestamp};
use crate::ops::tracker::Board;
use crate::ports::clock::Clock;
use crate::screens::testing::{Console, noon, watch as snapshot};

/// Follows tokio's paused time.
struct PausedClock(Instant);

impl Clock for PausedClock {
    fn wall(&self) -> Timestamp {
        noon() + self.0.elapsed()
    }

    fn moment(&self) -> Moment {
        Moment::from_origin(Duration::from_secs(1000) + self.0.elapsed())
    }
}

#[derive(Default)]
struct Seen {
    frames: AtomicUsize,
    stalled: AtomicBool,
    flows_again: Notify,
    effects: std::sync::Mutex<Vec<Effect>>,
    suspended: AtomicUsize,
}

struct FakeSurface(Arc<Seen>);

impl Surface for FakeSurface {
    fn draw(&mut self, _: &App) -> io::Result<()> {
        self.0.frames.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn is_busy(&self) -> bool {
        self.0.stalled.load(Ordering::SeqCst)
    }

    async fn idle(&self) {
        while self.is_busy() {
            self.0.flows_again.notified().await;
        }
    }

    fn copy(&mut self, _: &str) -> bool {
        true
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.0.suspended.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn resume(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn redraw(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn size(&self) -> Option<(u16, u16)> {
        Some((80, 24))
    }
}

struct FakeExecutor(Arc<Seen>);

impl Carry for FakeExecutor {
    fn carry(&mut self, effect: Effect) {
        self.0.effects.lock().unwrap().push(effect);
    }

    fn stop_jobs(&mut self) -> bool {
        false
    }

    fn jobs_running(&self) -> bool {
        false
    }
}

struct Running {
    seen: Arc<Seen>,
    input: mpsc::UnboundedSender<Input>,
    inbox: mpsc::Sender<Msg>,
    board: watch::Sender<Arc<Board>>,
    signals: mpsc::Sender<Signal>,
    end: JoinHandle<ExitReason>,
}

fn events(from: mpsc::UnboundedReceiver<Input>) -> impl Stream<Item = Input> + Unpin {
    Box::pin(unfold(from, async |mut from| Some((from.recv().await?, from))))
}

/// The loop with a list of assets that was read, and its first frames drawn.
async fn started() -> Running {
    let seen = Arc::new(Seen::default());
    let (input, keys) = mpsc::unbounded_channel();
    let (inbox, messages) = mpsc::channel(1024);
    let (board, boards) = watch::channel(Arc::new(Board::default()));
    let (signals, caught) = mpsc::channel(4);
    let theirs = Arc::clone(&seen);
    let end = tokio::spawn(async move {
        let mut app = Console::new(80, 24).app;
        let mut parts = Parts {
            input: events(keys),
            surface: &mut FakeSurface(Arc::clone(&theirs)),
            executor: &mut FakeExecutor(theirs),
            inbox: messages,
            board: boards,
            signals: caught,
            clock: Arc::new(PausedClock(Instant::now())),
            arrival: None,
        };
        run(&mut app, &mut parts).await.unwrap()
    });
    let running = Running { seen, input, inbox, board, signals, end };
    sleep(Duration::from_millis(10)).await;
    let task = running.seen.effects.lock().unwrap().iter().find_map(|effect| match effect {
        Effect::List { task, .. } => Some(*task),
        _ => None,
    });
    let page = crate::ports::cloud::Page {
        assets: crate::screens::testing::press_assets(),
        next_cursor: None,
        total: None,
    };
    running.inbox.send(Msg::Listed { task: task.unwrap(), result: Ok(page) }).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    running
}

impl Running {
    fn frames(&self) -> usize {
        self.seen.frames.load(Ordering::SeqCst)
    }

    fn key(&self, name: &str) {
        self.input.send(Input::Key(name.parse::<Key>().unwrap())).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_drawn_while_nothing_happens() {
    let running = started().await;
    let before = running.frames();
    sleep(Duration::from_secs(290)).await;
    assert_eq!(running.frames(), before);
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(running.frames(), before + 5, "the list says that it is 5, 10, 15, 30, 60 min old");
}

#[tokio::test(start_paused = true)]
async fn input_is_drawn_at_once_and_drained_into_one_frame() {
    let running = started().await;
    let before = running.frames();
    running.key("j");
    sleep(Duration::from_millis(1)).await;
    assert_eq!(running.frames(), before + 1);
    for _ in 0..50 {
        running.key("j");
    }
    sleep(Duration::from_millis(3)).await;
    assert_eq!(running.frames(), before + 2);
    for _ in 0..5 {
        for _ in 0..40 {
            running.key("j"); // a burst that comes in parts
        }
        sleep(Duration::from_millis(1)).await;
    }
    sleep(Duration::from_millis(3)).await;
    assert_eq!(running.frames(), before + 3);
}

#[tokio::test(start_paused = true)]
async fn a_size_is_drawn_at_once_and_a_storm_of_them_twenty_times_a_second() {
    let running = started().await;
    sleep(Duration::from_millis(100)).await;
    let before = running.frames();
    running.input.send(Input::Resize(100, 30)).unwrap();
    sleep(Duration::from_millis(1)).await;
    assert_eq!(running.frames(), before + 1);
    for n in 0..200_u16 {
        running.input.send(Input::Resize(1 + n, 1 + n / 4)).unwrap();
        sleep(Duration::from_millis(5)).await;
    }
    sleep(Duration::from_millis(50)).await;
    let drawn = running.frames() - before;
    assert!((15..=22).contains(&drawn), "{drawn}");
    running.input.send(Input::Resize(80, 24)).unwrap();
    running.key("j");
    sleep(Duration::from_millis(1)).await;
    assert_eq!(running.frames() - before, drawn + 1, "with a key at once");
}

#[tokio::test(start_paused = true)]
async fn messages_alone_are_drawn_at_most_twenty_times_a_second() {
    let running = started().await;
    running.key("w");
    sleep(Duration::from_millis(100)).await;
    let before = running.frames();
    for n in 0..1000_usize {
        let watches = vec![Arc::new(snapshot(n % 20))];
        running.board.send(Arc::new(Board { watches, ..Board::default() })).unwrap();
        sleep(Duration::from_millis(1)).await;
    }
    let drawn = running.frames() - before;
    assert!((15..=21).contains(&drawn), "{drawn}");
}

#[tokio::test(start_paused = true)]
async fn a_line_that_stalls_stops_the_picture_and_nothing_else() {
    let running = started().await;
    running.seen.stalled.store(true, Ordering::SeqCst);
    let before = running.frames();
    running.key("j");
    running.key("R");
    sleep(Duration::from_secs(5)).await;
    assert_eq!(running.frames(), before);
    let lists = |effect: &&Effect| matches!(effect, Effect::List { .. });
    assert_eq!(running.seen.effects.lock().unwrap().iter().filter(lists).count(), 2);
    running.seen.stalled.store(false, Ordering::SeqCst);
    running.seen.flows_again.notify_one();
    sleep(Duration::from_millis(1)).await;
    assert_eq!(running.frames(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn ages_move_once_a_second_while_a_watch_is_on_screen() {
    let running = started().await;
    let watches = vec![Arc::new(snapshot(3))];
    running.board.send(Arc::new(Board { watches, ..Board::default() })).unwrap();
    running.key("w");
    sleep(Duration::from_secs(1)).await;
    let before = running.frames();
    sleep(Duration::from_secs(10)).await;
    let drawn = running.frames() - before;
    assert!((9..=11).contains(&drawn), "{drawn}");
}

#[tokio::test(start_paused = true)]
async fn every_way_out_is_told_apart() {
    let running = started().await;
    running.key("q");
    assert_eq!(running.end.await.unwrap(), ExitReason::Quit);
    let running = started().await;
    running.signals.send(Signal::End(15)).await.unwrap();
    assert_eq!(running.end.await.unwrap().exit_code(), 143);
    let running = started().await;
    running.signals.send(Signal::HungUp).await.unwrap();
    assert_eq!(running.end.await.unwrap().exit_code(), 129);
    let running = started().await;
    drop(running.input);
    assert_eq!(running.end.await.unwrap(), ExitReason::HungUp);
}

#[tokio::test(start_paused = true)]
async fn suspending_comes_back_to_a_whole_picture() {
    let running = started().await;
    let before = running.frames();
    running.key("ctrl-z");
    sleep(Duration::from_millis(1)).await;
    assert_eq!(running.seen.suspended.load(Ordering::SeqCst), 1);
    assert_eq!(running.frames(), before + 1);
}
