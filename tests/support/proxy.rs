//! A man in the middle, on loopback: between the program and a local cloud it loses, breaks, delays and forges what
//! passes, and keeps books of what it was asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A request of the program.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub path: String,
    /// As text; uploads are not looked into.
    pub body: String,
}

impl Request {
    /// Whether it is this call of the Upload API: `destroy`, `rename`, `explicit`, `upload`.
    pub fn is(&self, action: &str) -> bool {
        self.method == "POST" && self.path.ends_with(&format!("/{action}"))
    }
}

/// An answer that the cloud did not give.
#[derive(Debug, Clone)]
pub struct Forged {
    pub status: u16,
    /// Raw bytes: header values may be hostile.
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl Forged {
    pub fn json(status: u16, body: &str) -> Self {
        let json = ("Content-Type".to_owned(), b"application/json".to_vec());
        Self { status, headers: vec![json], body: body.as_bytes().to_vec() }
    }

    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }
}

/// What becomes of a request.
#[derive(Debug, Clone)]
pub enum Fate {
    Pass,
    /// The connection is reset, and the cloud never hears of it.
    ResetBefore,
    /// The cloud carries it out, and the connection is reset.
    ResetAfter,
    /// The cloud carries it out, and half of its answer comes.
    Half,
    /// The cloud never hears of it; an answer begins and comes byte by byte, without end.
    Loris,
    /// The cloud never hears of it.
    Instead(Forged),
    /// The cloud carries it out, and this is what comes.
    AfterInstead(Forged),
    /// The cloud never hears of it; a body of so many bytes comes.
    Flood(usize),
}

/// The proxy; it ends with its owner.
pub struct Proxy {
    pub address: SocketAddr,
    books: Arc<Mutex<Vec<Request>>>,
    _runtime: tokio::runtime::Runtime,
}

impl Proxy {
    /// Before the server at `upstream` (`http://127.0.0.1:…`); `fate` is asked for every request.
    pub fn before(upstream: &str, fate: impl Fn(&Request) -> Fate + Send + Sync + 'static) -> Self {
        let upstream = upstream.trim_start_matches("http://").to_owned();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        let books = Arc::<Mutex<Vec<Request>>>::default();
        let (kept, fate) = (Arc::clone(&books), Arc::new(fate));
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (upstream, kept, fate) =
                    (upstream.clone(), Arc::clone(&kept), Arc::clone(&fate));
                tokio::spawn(async move {
                    // a program that leaves early breaks the connection, which is no fault of this one
                    let _ = Box::pin(serve(stream, &upstream, &kept, &*fate)).await;
                });
            }
        });
        Self { address, books, _runtime: runtime }
    }

    /// `cloudinary_url` of a local cloud, with this proxy before it.
    pub fn url(&self, cloudinary_url: &str) -> String {
        let (credentials, _) = cloudinary_url.split_once('?').unwrap_or((cloudinary_url, ""));
        format!("{credentials}?upload_prefix=http://{}", self.address)
    }

    /// Requests that the program made.
    pub fn asked(&self, wanted: impl Fn(&Request) -> bool) -> usize {
        self.books().iter().filter(|request| wanted(request)).count()
    }

    fn books(&self) -> Vec<Request> {
        self.books.lock().expect("no writer panics").clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    upstream: &str,
    books: &Mutex<Vec<Request>>,
    fate: &(dyn Fn(&Request) -> Fate + Send + Sync),
) -> std::io::Result<()> {
    let Some((request, raw)) = read(&mut stream).await? else { return Ok(()) };
    let fate = fate(&request);
    let passes = matches!(fate, Fate::Pass | Fate::ResetAfter | Fate::Half | Fate::AfterInstead(_));
    books.lock().expect("no writer panics").push(request);
    let answer = if passes { forward(upstream, &raw).await? } else { Vec::new() };
    match fate {
        Fate::Pass => stream.write_all(&answer).await?,
        Fate::ResetBefore | Fate::ResetAfter => stream.set_zero_linger()?,
        Fate::Half => stream.write_all(&answer[..answer.len() * 2 / 3]).await?,
        Fate::Loris => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n").await?;
            loop {
                stream.write_all(b" ").await?;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        Fate::Instead(forged) | Fate::AfterInstead(forged) => write(&mut stream, &forged).await?,
        Fate::Flood(bytes) => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n{{\"x\":\"");
            stream.write_all(head.as_bytes()).await?;
            let block = vec![b'a'; 1 << 20];
            for _ in 0..bytes >> 20 {
                stream.write_all(&block).await?;
            }
        }
    }
    stream.shutdown().await
}

/// One request: what it says, and its bytes with `Connection: close`.
async fn read(stream: &mut TcpStream) -> std::io::Result<Option<(Request, Vec<u8>)>> {
    let (mut raw, mut chunk) = (Vec::new(), vec![0; 16 << 10]);
    let head = loop {
        if let Some(at) = raw.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        match stream.read(&mut chunk).await? {
            0 => return Ok(None),
            read => raw.extend_from_slice(&chunk[..read]),
        }
    };
    let text = String::from_utf8_lossy(&raw[..head]).into_owned();
    let mut lines = text.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (method, path) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let kept = lines
        .filter(|line| !line.is_empty() && !line.to_ascii_lowercase().starts_with("connection:"));
    let kept = kept.collect::<Vec<_>>();
    let length = kept.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let length: usize = length.unwrap_or(0);
    while raw.len() < head + length {
        match stream.read(&mut chunk).await? {
            0 => return Ok(None),
            read => raw.extend_from_slice(&chunk[..read]),
        }
    }
    let body = &raw[head..head + length];
    let mut whole = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    for line in kept {
        whole.extend([line, "\r\n"]);
    }
    let mut whole = format!("{whole}\r\n").into_bytes();
    whole.extend_from_slice(body);
    let request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        body: String::from_utf8_lossy(body).into_owned(),
    };
    Ok(Some((request, whole)))
}

async fn forward(upstream: &str, raw: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(upstream).await?;
    stream.write_all(raw).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}

async fn write(stream: &mut TcpStream, forged: &Forged) -> std::io::Result<()> {
    let mut raw =
        format!("HTTP/1.1 {} Forged\r\nConnection: close\r\n", forged.status).into_bytes();
    for (name, value) in &forged.headers {
        raw.extend_from_slice(name.as_bytes());
        raw.extend_from_slice(b": ");
        raw.extend_from_slice(value);
        raw.extend_from_slice(b"\r\n");
    }
    raw.extend_from_slice(format!("Content-Length: {}\r\n\r\n", forged.body.len()).as_bytes());
    raw.extend_from_slice(&forged.body);
    stream.write_all(&raw).await
}
