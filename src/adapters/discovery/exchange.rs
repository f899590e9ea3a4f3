//! One question and its answer, over UDP and, where that was cut short, over TCP.
//!
//! Each question leaves from a socket of its own: a random port, a random ID, and the kernel takes datagrams from
//! the resolver's address alone. A message that is none, or answers something else, may come from anybody: it is
//! passed over, and only told of where nothing better comes.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout, timeout_at};

use super::message::{Found, Question, Reply, Trouble};
use super::quota::Quota;
use crate::adapters::io_in_words;
use crate::ports::clock::Clock;

/// Datagrams sent for one question at most.
const TRIES: usize = 2;
/// Bytes of a datagram that are read: more than was offered is no answer to us.
const DATAGRAM: usize = 4096;
/// Datagrams that are passed over for one question at most.
const MAX_STRAY: usize = 64;

/// What an exchange needs beside its question.
pub(super) struct Exchange<'a> {
    pub quota: &'a Quota,
    pub clock: &'a dyn Clock,
    /// How long one try may take.
    pub patience: Duration,
}

impl Exchange<'_> {
    pub async fn ask(&self, resolver: SocketAddr, question: &Question) -> Result<Found, Trouble> {
        let mut trouble = Trouble::TimedOut;
        for _ in 0..TRIES {
            match self.over_udp(resolver, question).await {
                Ok(Reply::Found(found)) => return Ok(found),
                Ok(Reply::Truncated) => return self.over_tcp(resolver, question).await,
                Err(Trouble::TimedOut) => {}
                Err(stray @ (Trouble::Garbage | Trouble::WrongId | Trouble::WrongQuestion)) => {
                    trouble = stray;
                }
                // what it did say first is more than that it may not be asked again
                Err(Trouble::NotAsked { .. }) if trouble != Trouble::TimedOut => break,
                Err(answered) => return Err(answered),
            }
        }
        Err(trouble)
    }

    fn take(&self) -> Result<(), Trouble> {
        let limit = self.quota.limit();
        self.quota.take(self.clock.moment()).then_some(()).ok_or(Trouble::NotAsked { limit })
    }

    async fn over_udp(&self, resolver: SocketAddr, question: &Question) -> Result<Reply, Trouble> {
        self.take()?;
        let (id, bytes) = question.encode()?;
        let any: IpAddr = match resolver {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let until = Instant::now() + self.patience;
        let socket = UdpSocket::bind((any, 0)).await.map_err(|why| broken(&why))?;
        socket.connect(resolver).await.map_err(|why| broken(&why))?;
        socket.send(&bytes).await.map_err(|why| broken(&why))?;
        let (mut datagram, mut stray) = ([0; DATAGRAM], Trouble::TimedOut);
        for _ in 0..MAX_STRAY {
            let length = match timeout_at(until, socket.recv(&mut datagram)).await {
                Err(_) => return Err(stray),
                Ok(received) => received.map_err(|why| broken(&why))?,
            };
            match question.read(id, &datagram[..length]) {
                Err(why @ (Trouble::Garbage | Trouble::WrongId | Trouble::WrongQuestion)) => {
                    stray = why;
                }
                read => return read,
            }
        }
        Err(stray)
    }

    async fn over_tcp(&self, resolver: SocketAddr, question: &Question) -> Result<Found, Trouble> {
        self.take()?;
        let (id, bytes) = question.encode()?;
        let exchanged = timeout(2 * self.patience, exchange(resolver, &bytes)).await;
        let reply = exchanged.map_err(|_| Trouble::TimedOut)?.map_err(|why| broken(&why))?;
        match question.read(id, &reply)? {
            Reply::Found(found) => Ok(found),
            Reply::Truncated => Err(Trouble::Garbage), // there is no larger way to say it
        }
    }
}

/// Two bytes of length in front of each message bound it to 64 KiB.
async fn exchange(resolver: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(resolver).await?;
    stream.set_nodelay(true).ok();
    let length = u16::try_from(question.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes()[..], question].concat()).await?;
    let length = stream.read_u16().await?;
    let mut reply = vec![0; usize::from(length)];
    stream.read_exact(&mut reply).await?;
    Ok(reply)
}

fn broken(why: &io::Error) -> Trouble {
    let detail = match why.kind() {
        io::ErrorKind::UnexpectedEof => "closed before the answer was complete".to_owned(),
        _ => io_in_words(why),
    };
    Trouble::Broken { detail }
}
