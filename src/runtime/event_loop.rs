//! The one loop: it owns the state. Drain, then draw once; input is drawn at once, messages from tasks alone at
//! most 20 times a second, nothing while earlier bytes have not left, and nothing when nothing changed.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::console::ExitReason;
use super::signals::Signal;
use crate::app::commands::Scope;
use crate::app::msg::{Input, Msg};
use crate::app::notice::Notice;
use crate::app::update::update;
use crate::app::{App, Effect};
use crate::ops::Engine;
use crate::ops::tracker::Board;
use crate::ports::clock::Clock;

/// Shortest time between two frames that no input asked for.
const FRAME: Duration = Duration::from_millis(50);
/// Most events or messages taken before a frame.
const DRAINED: usize = 512;

/// So many events at once are no fingers.
const MANY: usize = 8;
/// Parts of one burst come within this of one another.
const PARTS: Duration = Duration::from_millis(2);

/// What is drawn on.
pub trait Surface {
    /// Draws the state.
    ///
    /// # Errors
    /// The terminal's size cannot be had.
    fn draw(&mut self, app: &App) -> io::Result<()>;
    /// Whether earlier bytes have not left.
    fn is_busy(&self) -> bool;
    /// Returns when they have.
    fn idle(&self) -> impl Future<Output = ()>;
    /// Puts text on the clipboard of the operator's machine with the next frame; false where it is too long.
    fn copy(&mut self, text: &str) -> bool;
    /// Tells whoever looks at another window, with the next frame.
    fn notify(&mut self, _notice: &Notice, _focused: Option<bool>) {}
    /// Takes the mouse with the next frame, or gives it back to the terminal.
    fn mouse(&mut self, _wanted: bool) {}
    /// Bytes of the last frame.
    fn last_bytes(&self) -> usize {
        0
    }
    /// Gives the terminal back, stops the process, and takes the terminal again.
    ///
    /// # Errors
    /// The terminal cannot be entered again.
    fn suspend(&mut self) -> io::Result<()>;
    /// Takes the terminal again after somebody else stopped us.
    ///
    /// # Errors
    /// The terminal cannot be entered again.
    fn resume(&mut self) -> io::Result<()>;
    /// Forgets what the terminal shows: the next frame is whole.
    ///
    /// # Errors
    /// The terminal's size cannot be had.
    fn redraw(&mut self) -> io::Result<()>;
    /// Columns and rows.
    fn size(&self) -> Option<(u16, u16)>;
}

/// What carries effects out.
pub trait Carry {
    /// The engine is there.
    fn arrive(&mut self, _engine: &Arc<Engine>) {}
    fn carry(&mut self, effect: Effect);
    /// Tells every order under way to stop; whether there was any.
    fn stop_jobs(&mut self) -> bool;
    fn jobs_running(&self) -> bool;
}

/// Everything the loop listens to and acts on.
pub struct Parts<'a, I, S, C> {
    pub input: I,
    pub surface: &'a mut S,
    pub executor: &'a mut C,
    pub inbox: mpsc::Receiver<Msg>,
    pub board: watch::Receiver<Arc<Board>>,
    pub signals: mpsc::Receiver<Signal>,
    pub clock: Arc<dyn Clock>,
    /// What the console works with, while it is being made; polled from the first frame on.
    pub arrival: Option<Arrival>,
}

/// Ends with the engine, or with nothing where it cannot be had.
pub type Arrival = Pin<Box<dyn Future<Output = Option<Arrived>> + Send>>;

/// What the console works with.
pub struct Arrived {
    pub engine: Arc<Engine>,
    /// Warnings of its making.
    pub said: Vec<String>,
    /// What stays in sight: why no order is taken, where that is so.
    pub banner: Option<String>,
    /// The rows on screen are those of an earlier run of a local cloud.
    pub of_another_run: bool,
}

/// What woke the loop.
enum Woken {
    Input(Option<Input>),
    Message(Option<Msg>),
    Board(bool),
    Signal(Option<Signal>),
    Arrived(Option<Arrived>),
    Tick,
    /// A frame may be drawn now.
    Frame,
}

/// Runs until the operator quits, a signal ends it or the terminal goes away.
///
/// # Errors
/// The terminal cannot be drawn on.
pub async fn run<I, S, C>(app: &mut App, parts: &mut Parts<'_, I, S, C>) -> io::Result<ExitReason>
where
    I: Stream<Item = Input> + Unpin,
    S: Surface,
    C: Carry,
{
    let mut turn =
        Turn { urgent: true, last_frame: None, tick_at: None, leaving: false, board: true };
    let effects = app.start();
    let first_board = Arc::clone(&parts.board.borrow_and_update());
    if let Some(end) = turn.carry_all(app, parts, effects)? {
        return Ok(end);
    }
    if let Some(end) = turn.apply(app, parts, Msg::Board(first_board))? {
        return Ok(end);
    }
    loop {
        turn.draw(app, parts)?;
        if turn.leaving && !parts.executor.jobs_running() {
            return Ok(ExitReason::Quit);
        }
        let end = match turn.wait(app, parts).await {
            Woken::Input(Some(first)) => {
                let batch = drained(first, &mut parts.input).await;
                // a window that is being dragged sends sizes faster than whole frames are worth drawing
                turn.urgent |= batch.iter().any(|input| !matches!(input, Input::Resize(..)));
                if batch.iter().any(|input| matches!(input, Input::Resize(..))) {
                    parts.surface.redraw()?; // terminals differ in what they leave, even where the size comes back
                }
                turn.apply(app, parts, Msg::Input(batch))?
            }
            Woken::Input(None) => Some(ExitReason::HungUp),
            Woken::Message(Some(first)) => {
                let mut end = turn.apply(app, parts, first)?;
                for _ in 0..DRAINED {
                    match parts.inbox.try_recv() {
                        Ok(next) if end.is_none() => end = turn.apply(app, parts, next)?,
                        _ => break,
                    }
                }
                end
            }
            Woken::Board(true) => {
                let board = Arc::clone(&parts.board.borrow_and_update());
                turn.apply(app, parts, Msg::Board(board))?
            }
            Woken::Board(false) => {
                turn.board = false; // the tracker has stopped
                None
            }
            Woken::Signal(Some(signal)) => turn.signal(app, parts, signal)?,
            Woken::Arrived(Some(arrived)) => turn.arrive(app, parts, arrived)?,
            Woken::Arrived(None) => Some(ExitReason::NoEngine),
            Woken::Tick => turn.apply(app, parts, Msg::Tick)?,
            Woken::Frame | Woken::Message(None) | Woken::Signal(None) => None,
        };
        if let Some(end) = end {
            parts.executor.stop_jobs();
            return Ok(end);
        }
    }
}

/// An event and all that came with it. A terminal hands over what was pasted, or held on a slow line, in parts: more
/// events than fingers make are waited after for a moment.
async fn drained<I: Stream<Item = Input> + Unpin>(first: Input, input: &mut I) -> Vec<Input> {
    let mut batch = vec![first];
    while batch.len() < DRAINED {
        let next = match ready_now(input).await {
            None if batch.len() >= MANY => timeout(PARTS, input.next()).await.ok().flatten(),
            next => next,
        };
        match next {
            Some(next) => batch.push(next),
            None => break,
        }
    }
    batch
}

/// The next event, if it is there already. Polled as this very task: a stream wakes the waker it was given last, so that
/// a made-up one (`now_or_never`) would leave the loop asleep.
async fn ready_now<I: Stream<Item = Input> + Unpin>(input: &mut I) -> Option<Input> {
    std::future::poll_fn(|context| match input.poll_next_unpin(context) {
        Poll::Ready(event) => Poll::Ready(event),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// The engine, once it is there.
async fn arrival(awaited: &mut Option<Arrival>) -> Option<Arrived> {
    let Some(arrival) = awaited else { return std::future::pending().await };
    let arrived = arrival.await;
    *awaited = None;
    arrived
}

/// What the loop remembers from turn to turn.
struct Turn {
    /// Input came since the last frame.
    urgent: bool,
    last_frame: Option<Instant>,
    tick_at: Option<Instant>,
    /// The operator quit; calls in flight are being finished.
    leaving: bool,
    board: bool,
}

impl Turn {
    async fn wait<I, S, C>(&mut self, app: &App, parts: &mut Parts<'_, I, S, C>) -> Woken
    where
        I: Stream<Item = Input> + Unpin,
        S: Surface,
        C: Carry,
    {
        let now = Instant::now();
        let wanted = app.next_tick().map(|wait| now + wait);
        self.tick_at = match (self.tick_at, wanted) {
            (Some(already), Some(wanted)) => Some(already.min(wanted)),
            (_, wanted) => wanted,
        };
        let tick_at = self.tick_at;
        let frame_at = self.last_frame.map_or(now, |last| last + FRAME);
        let busy = parts.surface.is_busy();
        let woken = tokio::select! {
            input = parts.input.next() => Woken::Input(input),
            signal = parts.signals.recv(), if !parts.signals.is_closed() => Woken::Signal(signal),
            message = parts.inbox.recv() => Woken::Message(message),
            changed = parts.board.changed(), if self.board => Woken::Board(changed.is_ok()),
            arrived = arrival(&mut parts.arrival) => Woken::Arrived(arrived),
            () = sleep_until(tick_at.unwrap_or(now)), if tick_at.is_some() => Woken::Tick,
            () = parts.surface.idle(), if app.dirty && busy => Woken::Frame,
            () = sleep_until(frame_at), if app.dirty && !busy => Woken::Frame,
        };
        if matches!(woken, Woken::Tick) {
            self.tick_at = None;
        }
        woken
    }

    /// Draws where something changed, it is time, and earlier bytes have left.
    fn draw<I, S, C>(&mut self, app: &mut App, parts: &mut Parts<'_, I, S, C>) -> io::Result<()>
    where
        S: Surface,
    {
        let due = self.last_frame.is_none_or(|last| last.elapsed() >= FRAME);
        if app.dirty && (self.urgent || due) && !parts.surface.is_busy() {
            let began = Instant::now();
            fail_if_asked(app);
            parts.surface.draw(app)?;
            app.drawn();
            app.debug.frame(began.elapsed(), parts.surface.last_bytes());
            self.last_frame = Some(Instant::now());
            self.urgent = false;
        }
        Ok(())
    }

    fn apply<I, S, C>(
        &mut self,
        app: &mut App,
        parts: &mut Parts<'_, I, S, C>,
        msg: Msg,
    ) -> io::Result<Option<ExitReason>>
    where
        S: Surface,
        C: Carry,
    {
        (app.env.now, app.env.moment) = (parts.clock.wall(), parts.clock.moment());
        let effects = update(app, msg);
        self.carry_all(app, parts, effects)
    }

    fn carry_all<I, S, C>(
        &mut self,
        app: &mut App,
        parts: &mut Parts<'_, I, S, C>,
        effects: Vec<Effect>,
    ) -> io::Result<Option<ExitReason>>
    where
        S: Surface,
        C: Carry,
    {
        for effect in effects {
            match effect {
                Effect::Quit => {
                    if self.leaving || !parts.executor.stop_jobs() {
                        return Ok(Some(ExitReason::Quit));
                    }
                    self.leaving = true;
                    app.dirty = true;
                    app.env.say(
                        "finishing the calls in flight; Ctrl-C twice leaves them to the journal",
                    );
                }
                Effect::SwitchProfile(name) => return Ok(Some(ExitReason::Profile(name))),
                Effect::Suspend => {
                    parts.surface.suspend()?;
                    self.came_back(app, parts);
                }
                Effect::Mouse(wanted) => {
                    parts.surface.mouse(wanted);
                    app.dirty = true;
                }
                Effect::Redraw => {
                    parts.surface.redraw()?;
                    app.dirty = true;
                }
                Effect::Notify(notice) => {
                    parts.surface.notify(&notice, app.focused);
                    app.dirty = true;
                    parts.executor.carry(Effect::Notify(notice));
                }
                Effect::Copy(text) => {
                    if !parts.surface.copy(&text) {
                        app.env.bad(
                            "too long for the terminal's clipboard: nothing was sent",
                            "terminals take about 56 kB; a command with --json prints it",
                        );
                    }
                }
                other => parts.executor.carry(other),
            }
        }
        Ok(None)
    }

    /// The engine is there: what waited for it is asked now.
    fn arrive<I, S, C>(
        &mut self,
        app: &mut App,
        parts: &mut Parts<'_, I, S, C>,
        arrived: Arrived,
    ) -> io::Result<Option<ExitReason>>
    where
        S: Surface,
        C: Carry,
    {
        let Arrived { engine, said, banner, of_another_run } = arrived;
        parts.executor.arrive(&engine);
        parts.board = engine.tracker().board();
        self.board = true;
        let policy = &engine.context().policy;
        (app.env.setup.loopback, app.env.setup.read_only) = (policy.loopback, policy.read_only);
        if banner.is_some() {
            app.env.setup.banner = banner;
        }
        app.debug.about.splice(..0, super::console::about(&engine, app.pictures));
        if let Some(first) = said.into_iter().next() {
            app.env.bad(first, "");
            app.dirty = true;
        }
        if of_another_run {
            let effects = app.forget_copy();
            if let Some(end) = self.carry_all(app, parts, effects)? {
                return Ok(Some(end));
            }
        }
        let board = Arc::clone(&parts.board.borrow_and_update());
        self.apply(app, parts, Msg::Board(board))
    }

    fn came_back<I, S, C>(&mut self, app: &mut App, parts: &mut Parts<'_, I, S, C>)
    where
        S: Surface,
    {
        if let Some(size) = parts.surface.size() {
            app.env.size = size;
        }
        self.urgent = true;
        app.dirty = true;
    }

    fn signal<I, S, C>(
        &mut self,
        app: &mut App,
        parts: &mut Parts<'_, I, S, C>,
        signal: Signal,
    ) -> io::Result<Option<ExitReason>>
    where
        S: Surface,
        C: Carry,
    {
        match signal {
            Signal::Suspend => {
                parts.surface.suspend()?;
                self.came_back(app, parts);
            }
            Signal::Resumed => {
                parts.surface.resume()?;
                self.came_back(app, parts);
            }
            Signal::End(_) | Signal::HungUp => {}
        }
        Ok(signal.into())
    }
}

/// A build for tests fails at its debug overlay where it is told to, so that what a panic leaves behind can be seen.
fn fail_if_asked(app: &App) {
    if cfg!(debug_assertions) && app.scope() == Scope::Debug {
        let asked = std::env::var("ALLCLEAR_TEST_PANIC").ok();
        assert!(asked.is_none(), "asked for by ALLCLEAR_TEST_PANIC={}", asked.unwrap_or_default());
    }
}
