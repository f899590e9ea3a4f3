//! Stands between the program and a local cloud: passes everything on, slowly where it is told to, and keeps books.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// How far a call had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Here, and not at the cloud yet.
    Asked,
    /// The cloud has answered, and not a byte of that has been passed on.
    Answered,
    /// The whole answer was passed on to a living process.
    Delivered,
    /// The process died before the answer was passed on.
    Lost,
}

/// One call that changes something.
#[derive(Debug, Clone)]
pub struct Call {
    /// Which process made it, counted by deaths before.
    pub life: usize,
    /// `destroy`, `rename` or `explicit`.
    pub action: String,
    pub public_id: String,
    pub stage: Stage,
    /// Whether the cloud did as it was asked.
    pub done: bool,
}

#[derive(Debug, Default)]
pub struct Books {
    pub calls: Vec<Call>,
    pub life: usize,
    /// From the order to kill on; what is passed on from then on may or may not have arrived.
    killing: bool,
    /// From the death of the process on.
    dead: bool,
}

/// What is done to calls that change something.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manners {
    /// Before a call is passed on.
    pub before: Duration,
    /// Before its answer is passed on.
    pub after: Duration,
    /// The next call of this life never reaches the cloud.
    pub swallow: bool,
}

/// The proxy; its threads end with the test.
pub struct Middleman {
    pub address: SocketAddr,
    books: Arc<Mutex<Books>>,
    manners: Arc<Mutex<Manners>>,
}

/// What a kill came upon.
#[derive(Debug, Clone, Default)]
pub struct Kill {
    /// Calls that had been made, and of whose answer the process had not had a byte.
    pub in_flight: Vec<String>,
    /// Calls whose whole answer had been passed on in this life.
    pub delivered: Vec<String>,
}

impl Middleman {
    pub fn before(upstream: &str) -> Self {
        let upstream = upstream.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (books, manners) = (Arc::<Mutex<Books>>::default(), Arc::<Mutex<Manners>>::default());
        let (kept, told) = (Arc::clone(&books), Arc::clone(&manners));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (upstream, kept, told) =
                    (upstream.clone(), Arc::clone(&kept), Arc::clone(&told));
                // a process that was killed breaks its connections
                std::thread::spawn(move || serve(stream, &upstream, &kept, &told).ok());
            }
        });
        Self { address, books, manners }
    }

    /// `cloudinary_url` of a local cloud, with this before it.
    pub fn url(&self, cloudinary_url: &str) -> String {
        let (credentials, _) = cloudinary_url.split_once('?').unwrap_or((cloudinary_url, ""));
        format!("{credentials}?upload_prefix=http://{}", self.address)
    }

    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().expect("no writer panics")
    }

    pub fn behave(&self, manners: Manners) {
        *self.manners.lock().expect("no writer panics") = manners;
    }

    /// Calls of this life at this stage or further.
    pub fn reached(&self, stage: Stage) -> usize {
        let books = self.books();
        let of_life = |call: &&Call| call.life == books.life && call.stage >= stage;
        books.calls.iter().filter(of_life).count()
    }

    /// Kills the process, and tells what it had under way. Returns when every call that it made has reached its end.
    pub fn kill(&self, child: &mut std::process::Child) -> Kill {
        self.books().killing = true;
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
        let mut kill = Kill::default();
        {
            let mut books = self.books();
            books.dead = true;
            for call in books.calls.iter().filter(|call| call.life == books.life) {
                match call.stage {
                    Stage::Asked | Stage::Answered => kill.in_flight.push(call.public_id.clone()),
                    Stage::Delivered => kill.delivered.push(call.public_id.clone()),
                    Stage::Lost => {}
                }
            }
        }
        let begun = Instant::now();
        loop {
            let mut books = self.books();
            if books.calls.iter().all(|call| call.stage >= Stage::Delivered) {
                books.life += 1;
                (books.killing, books.dead) = (false, false);
                return kill;
            }
            drop(books);
            assert!(begun.elapsed() < Duration::from_secs(60), "the cloud does not answer");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn serve(
    mut stream: TcpStream,
    upstream: &str,
    books: &Mutex<Books>,
    manners: &Mutex<Manners>,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let Some((head, body)) = read(&mut stream)? else { return Ok(()) };
    let lock = || books.lock().expect("no writer panics");
    let call = change(&head, &body).map(|(action, public_id)| {
        let mut books = lock();
        let life = books.life;
        books.calls.push(Call { life, action, public_id, stage: Stage::Asked, done: false });
        books.calls.len() - 1
    });
    let manners = {
        let mut manners = manners.lock().expect("no writer panics");
        let now = *manners;
        manners.swallow &= call.is_none();
        now
    };
    let Some(call) = call else { return stream.write_all(&forward(upstream, &head, &body)?) };
    std::thread::sleep(manners.before);
    if manners.swallow {
        while !lock().dead {
            std::thread::sleep(Duration::from_millis(1));
        }
        lock().calls[call].stage = Stage::Lost;
        return Ok(());
    }
    let answer = forward(upstream, &head, &body)?;
    {
        let mut books = lock();
        books.calls[call].stage = Stage::Answered;
        let (ok, refused) = (answer.starts_with(b"HTTP/1.1 200"), b"not found".as_slice());
        books.calls[call].done = ok && !answer.windows(refused.len()).any(|it| it == refused);
    }
    std::thread::sleep(manners.after);
    let mut books = lock();
    while books.killing && !books.dead {
        drop(books); // whether it is still alive will be known in a moment
        std::thread::sleep(Duration::from_micros(200));
        books = lock();
    }
    if books.dead || books.calls[call].life != books.life {
        books.calls[call].stage = Stage::Lost;
        return stream.shutdown(Shutdown::Both);
    }
    // written under the lock: a kill comes before all of it or after all of it
    let passed = stream.write_all(&answer);
    books.calls[call].stage = if passed.is_ok() { Stage::Delivered } else { Stage::Lost };
    passed
}

/// What a request changes: action and public ID. Looks at storage change nothing.
fn change(head: &str, body: &[u8]) -> Option<(String, String)> {
    let path = head.split(' ').nth(1)?;
    let action = path.rsplit('/').next()?;
    let body = String::from_utf8_lossy(body);
    let field = |name: &str| {
        body.split('&')
            .filter_map(|pair| pair.split_once('='))
            .find_map(|(key, value)| (key == name).then(|| unescaped(value)))
    };
    let public_id = match action {
        "destroy" => field("public_id"),
        "rename" => field("from_public_id"),
        "explicit" if field("invalidate").as_deref() == Some("true") => field("public_id"),
        _ => None,
    };
    Some((action.to_owned(), public_id?))
}

/// The text behind a form's escapes.
fn unescaped(value: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), value.as_bytes());
    while let [first, tail @ ..] = rest {
        rest = tail;
        let code = |two: &[u8]| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok();
        match (first, tail.get(..2).and_then(code)) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (b'+', _) => bytes.push(b' '),
            (first, _) => bytes.push(*first),
        }
    }
    String::from_utf8(bytes).expect("names are UTF-8")
}

/// Head (without the empty line) and body of a request.
fn read(stream: &mut TcpStream) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let (mut raw, mut block) = (Vec::new(), [0_u8; 16 * 1024]);
    let end = loop {
        let got = stream.read(&mut block)?;
        if got == 0 {
            return Ok(None);
        }
        raw.extend_from_slice(&block[..got]);
        if let Some(end) = raw.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
    };
    let head = String::from_utf8_lossy(&raw[..end]).into_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let mut body = raw.split_off(end + 4);
    while body.len() < length.unwrap_or(0) {
        let got = stream.read(&mut block)?;
        if got == 0 {
            return Ok(None);
        }
        body.extend_from_slice(&block[..got]);
    }
    Ok(Some((head, body)))
}

/// Sends a request on a connection of its own, and returns the whole answer, which says that it is the last one.
fn forward(upstream: &str, head: &str, body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut lines = head.split("\r\n");
    let mut request = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        let name = line.split(':').next().unwrap_or_default();
        if name.eq_ignore_ascii_case("connection") {
            continue;
        }
        request.push_str("\r\n");
        if name.eq_ignore_ascii_case("host") {
            request.push_str("Host: ");
            request.push_str(upstream);
        } else {
            request.push_str(line);
        }
    }
    request.push_str("\r\nConnection: close\r\n\r\n");
    let mut stream = TcpStream::connect(upstream)?;
    stream.set_nodelay(true)?;
    stream.write_all(request.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}
