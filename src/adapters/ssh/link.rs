//! The connection to one host: one child, started when it is needed and again after it was lost.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::child::{Child, Remark};
use super::host::{SshHost, SshOptions};
use super::lines::Line;
use super::retry::Retry;
use super::wire::{Hello, PlacesAsk, ProbeAsk, Reply, Request, SCHEMA, short};
use crate::domain::time::Moment;
use crate::ports::clock::Clock;

/// Requests that wait for a connection at most.
const MAX_WAITING: usize = 256;
/// Requests without a reply at most.
const MAX_OPEN: usize = 512;
/// Lines of anything that a login may print before the greeting.
const MAX_BANNER: usize = 200;
/// Lines that are no reply, in one conversation.
const MAX_GARBAGE: usize = 16;
/// How long the child may take to end once its input is closed.
const FAREWELL: Duration = Duration::from_millis(500);

/// What is asked over there.
#[derive(Debug)]
pub(super) enum Ask {
    Probe(ProbeAsk),
    Places(PlacesAsk),
}

/// A reply, and when on our clock its request left and it came in.
#[derive(Debug)]
pub(super) struct Replied {
    pub reply: Reply,
    pub asked: Moment,
    pub told: Moment,
}

/// Why there is no reply, in words, with the host in front.
pub(super) type Down = String;

struct Call {
    ask: Ask,
    to: oneshot::Sender<Result<Replied, Down>>,
}

/// A way to one host; requests share its one connection.
pub(super) struct Link {
    host: SshHost,
    options: Arc<SshOptions>,
    clock: Arc<dyn Clock>,
    /// Set with the first request. Dropping it ends the child.
    calls: OnceLock<mpsc::Sender<Call>>,
    /// The other end has said its greeting.
    greeted: Arc<AtomicBool>,
    /// Name and version of the program there, as its last greeting told.
    program: Arc<Mutex<Option<String>>>,
}

impl Link {
    pub fn new(host: SshHost, options: Arc<SshOptions>, clock: Arc<dyn Clock>) -> Self {
        Self {
            host,
            options,
            clock,
            calls: OnceLock::new(),
            greeted: Arc::default(),
            program: Arc::default(),
        }
    }

    pub const fn host(&self) -> &SshHost {
        &self.host
    }

    /// Asks, and waits for the reply within `limit`; `Ok(None)`: it did not come in time.
    pub async fn ask(&self, ask: Ask, limit: Duration) -> Result<Option<Replied>, Down> {
        let (to, reply) = oneshot::channel();
        self.calls().try_send(Call { ask, to }).map_err(|_| self.down("too much waits for it"))?;
        match timeout(limit, reply).await {
            Ok(Ok(replied)) => replied.map(Some),
            Ok(Err(_)) => Err(self.down("the connection was given up")),
            Err(_) if self.greeted.load(Ordering::Relaxed) => Ok(None),
            Err(_) => Err(self.down("still connecting")),
        }
    }

    /// Name and version of the program there; `None` before its first greeting.
    pub fn program(&self) -> Option<String> {
        self.program.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn down(&self, why: &str) -> Down {
        format!("ssh {}: {why}", self.host)
    }

    fn calls(&self) -> &mpsc::Sender<Call> {
        self.calls.get_or_init(|| {
            let (calls, inbox) = mpsc::channel(MAX_WAITING);
            let keeper = Keeper {
                host: self.host.clone(),
                options: Arc::clone(&self.options),
                clock: Arc::clone(&self.clock),
                greeted: Arc::clone(&self.greeted),
                program: Arc::clone(&self.program),
                inbox,
            };
            tokio::spawn(keeper.keep());
            calls
        })
    }
}

/// Keeps the connection as long as there is a [`Link`].
struct Keeper {
    host: SshHost,
    options: Arc<SshOptions>,
    clock: Arc<dyn Clock>,
    greeted: Arc<AtomicBool>,
    program: Arc<Mutex<Option<String>>>,
    inbox: mpsc::Receiver<Call>,
}

impl Keeper {
    async fn keep(mut self) {
        let mut retry = Retry::new(self.options.first_pause, self.options.longest_pause);
        while let Some(call) = self.inbox.recv().await {
            if let Some(reason) = retry.closed() {
                call.to.send(Err(reason)).ok();
                continue;
            }
            let (started, mut talk, mut first) = (Instant::now(), Talk::default(), Some(call));
            let ended = self.converse(&mut talk, &mut first).await;
            self.greeted.store(false, Ordering::Relaxed);
            let Err(why) = ended else { return }; // nobody needs it any more
            let reason = format!("ssh {}: {why}", self.host);
            tracing::info!(reason, "a connection ended");
            let open = std::mem::take(&mut talk.open).into_values().map(|open| open.to);
            let waiting = std::iter::from_fn(|| self.inbox.try_recv().ok());
            for to in open.chain(first.into_iter().chain(waiting).map(|call| call.to)) {
                to.send(Err(reason.clone())).ok();
            }
            retry.after(reason, started.elapsed(), talk.answered);
        }
    }

    /// One child from start to end; an error says why it ended although it was needed.
    async fn converse(&mut self, talk: &mut Talk, first: &mut Option<Call>) -> Result<(), String> {
        let mut child = Child::start(&self.host, &self.options)?;
        let ended = match self.greet(&mut child).await {
            Ok(()) => self.talk(&mut child, talk, first).await,
            Err(why) => Err(why),
        };
        let remark = child.end(FAREWELL).await;
        ended.map_err(|why| why.in_words(&remark))
    }

    async fn greet(&self, child: &mut Child) -> Result<(), Lost> {
        let hello =
            Hello { program: crate::adapters::USER_AGENT.to_owned(), local: self.options.local };
        child.write(&serde_json::json!({ "schema": SCHEMA, "hello": hello }))?;
        let limit = self.options.connect_timeout + self.options.patience;
        let until = Instant::now() + limit;
        let mut banner = String::new();
        for _ in 0..MAX_BANNER {
            let line = match timeout_at(until, child.read()).await {
                Err(_) => return Err(Lost::Silent { banner, limit }),
                Ok(Ok(Line::Whole(line))) => line,
                Ok(Ok(Line::TooLong)) => continue,
                Ok(Ok(Line::Half(_) | Line::End) | Err(_)) => return Err(Lost::Closed { banner }),
            };
            match greeting(&line) {
                Some(greeted) => {
                    let hello = greeted?;
                    tracing::debug!(host = %self.host, program = short(&hello.program), "connected");
                    self.greeted.store(true, Ordering::Relaxed);
                    *self.program.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some(short(&hello.program)).filter(|name| !name.is_empty());
                    return Ok(());
                }
                None => banner = banner_of(&line).unwrap_or(banner),
            }
        }
        Err(Lost::Because(format!("it said {MAX_BANNER} lines and no greeting of {SCHEMA}")))
    }

    /// Carries requests and replies until the connection or the need for it ends.
    async fn talk(
        &mut self,
        child: &mut Child,
        talk: &mut Talk,
        first: &mut Option<Call>,
    ) -> Result<(), Lost> {
        if let Some(call) = first.take() {
            self.send(call, child, talk)?;
        }
        loop {
            let silence = talk.silent_since().map(|since| since + self.options.patience);
            tokio::select! {
                line = child.read() => match line {
                    Ok(Line::Whole(line)) => talk.hear(&line, self.clock.moment())?,
                    Ok(Line::TooLong) => talk.rubbish()?,
                    Ok(Line::Half(_) | Line::End) | Err(_) => {
                        return Err(Lost::Closed { banner: String::new() });
                    }
                },
                call = self.inbox.recv() => match call {
                    Some(call) => self.send(call, child, talk)?,
                    None => return Ok(()),
                },
                () = sleep_until(silence.unwrap_or_else(Instant::now)), if silence.is_some() => {
                    let waited = self.options.patience.as_secs();
                    return Err(Lost::Because(format!("it answered nothing for {waited} s")));
                }
            }
        }
    }

    fn send(&self, call: Call, child: &Child, talk: &mut Talk) -> Result<(), Lost> {
        let Call { ask, to } = call;
        if to.is_closed() {
            return Ok(()); // whoever asked has gone
        }
        if !talk.has_room() {
            to.send(Err(format!("ssh {}: too many requests are without a reply", self.host))).ok();
            return Ok(());
        }
        talk.next += 1;
        let id = talk.next;
        let asked = self.clock.moment(); // before it is written: it cannot have left earlier
        talk.open.insert(id, Open { to, asked, since: Instant::now() });
        let (probe, places) = match ask {
            Ask::Probe(probe) => (Some(probe), None),
            Ask::Places(places) => (None, Some(places)),
        };
        child.write(&Request { id, probe, places })
    }
}

/// What was asked in one conversation and not yet answered.
#[derive(Default)]
struct Talk {
    next: u64,
    open: BTreeMap<u64, Open>,
    garbage: usize,
    answered: bool,
    heard: Option<Instant>,
}

struct Open {
    to: oneshot::Sender<Result<Replied, Down>>,
    asked: Moment,
    since: Instant,
}

impl Talk {
    /// Requests that nobody waits for any more make room.
    fn has_room(&mut self) -> bool {
        if self.open.len() >= MAX_OPEN {
            self.open.retain(|_, open| !open.to.is_closed());
        }
        self.open.len() < MAX_OPEN
    }

    /// Since when requests have waited without a word from the other end.
    fn silent_since(&self) -> Option<Instant> {
        let (_, oldest) = self.open.first_key_value()?;
        Some(self.heard.map_or(oldest.since, |heard| heard.max(oldest.since)))
    }

    fn hear(&mut self, line: &[u8], told: Moment) -> Result<(), Lost> {
        let Ok(reply) = serde_json::from_slice::<Reply>(line) else { return self.rubbish() };
        if let Some(fault) = &reply.error {
            let message = short(&fault.message);
            return Err(Lost::Because(format!("it did not understand us: {message}")));
        }
        let Some(id) = reply.id.filter(|id| (1..=self.next).contains(id)) else {
            return self.rubbish();
        };
        self.heard = Some(Instant::now());
        self.answered = true;
        if let Some(open) = self.open.remove(&id) {
            open.to.send(Ok(Replied { reply, asked: open.asked, told })).ok(); // or it came late
        }
        Ok(())
    }

    /// A line that is no reply: few are passed over.
    fn rubbish(&mut self) -> Result<(), Lost> {
        self.garbage += 1;
        if self.garbage < MAX_GARBAGE {
            return Ok(());
        }
        Err(Lost::Because(format!("what it says is no {SCHEMA}")))
    }
}

/// Why a conversation ended although it was needed.
pub(super) enum Lost {
    Because(String),
    /// Its output ended; `banner` is the last that it said before its greeting.
    Closed {
        banner: String,
    },
    /// No greeting within `limit`.
    Silent {
        banner: String,
        limit: Duration,
    },
}

impl Lost {
    /// With the last words of standard error, or the way the child ended.
    fn in_words(self, remark: &Remark) -> String {
        match self {
            Self::Because(why) => why,
            Self::Closed { banner } => match (remark, banner.is_empty()) {
                (Remark::Said(said), _) => said.clone(),
                (Remark::Ended(how), true) => how.clone(),
                (Remark::Ended(how), false) => format!("it said `{banner}`, then {how}"),
            },
            Self::Silent { banner, limit } => {
                let limit = limit.as_secs_f32();
                match (remark, banner.is_empty()) {
                    (Remark::Said(said), _) => format!("no greeting for {limit} s: {said}"),
                    (_, true) => format!("no greeting for {limit} s"),
                    (_, false) => format!("it said `{banner}` and no greeting for {limit} s"),
                }
            }
        }
    }
}

/// A line that greets, or refuses to; `None`: something else.
fn greeting(line: &[u8]) -> Option<Result<Hello, Lost>> {
    let reply: Reply = serde_json::from_slice(line).ok()?;
    let schema = short(&reply.schema);
    if let Some(fault) = reply.error {
        return Some(Err(Lost::Because(format!("it refused: {}", short(&fault.message)))));
    }
    let hello = reply.hello?;
    if schema == SCHEMA {
        return Some(Ok(hello));
    }
    let why = format!("it speaks {schema}, this end {SCHEMA}: install the same allclear at both");
    Some(Err(Lost::Because(why)))
}

fn banner_of(line: &[u8]) -> Option<String> {
    let said: String = short(&String::from_utf8_lossy(line)).chars().take(80).collect();
    Some(said).filter(|said| !said.is_empty())
}
